/* See webroot.h. */
#include "webui/webroot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum { NAME_MAX_BYTES = 255, FILE_MAX_BYTES = 4 * 1024 * 1024, READ_PIECE = 65536 };

struct webroot {
    int fd;
};

/* clang-format off */
static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js",   "text/javascript; charset=utf-8"},
    {".css",  "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".svg",  "image/svg+xml"},
    {".txt",  "text/plain; charset=utf-8"},
};
/* clang-format on */

int webroot_open(const char *path, struct webroot **ret_webroot, struct error *reterr)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot serve the pages in %s", path);
    struct webroot *webroot = MEM_NEW(struct webroot);
    webroot->fd = fd;
    *ret_webroot = webroot;
    return 0;
}

void webroot_close(struct webroot *webroot)
{
    if (webroot == NULL)
        return;
    (void)close(webroot->fd); /* nothing was written */
    free(webroot);
}

static const char *type_of(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (slice_ends_nocase(name, slice_str(types[i].ending)))
            return types[i].type;
    }
    return NULL;
}

bool webroot_has_type(struct slice name)
{
    return type_of(name) != NULL;
}

/* A regular file beneath the folder, or -1. A FIFO must not hold us up. */
static int open_file(const struct webroot *webroot, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    struct stat info;

    /* glibc 2.36 has no function for it. */
    int fd = (int)syscall(SYS_openat2, webroot->fd, name, &how, sizeof(how));
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= FILE_MAX_BYTES)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

const char *webroot_read(const struct webroot *webroot, struct slice name, struct buf *content)
{
    char path[NAME_MAX_BYTES + 1], piece[READ_PIECE];
    ssize_t n = 0;

    if (name.len == 0 || name.len > NAME_MAX_BYTES || memchr(name.p, '\0', name.len) != NULL)
        return NULL;
    memcpy(path, name.p, name.len);
    path[name.len] = '\0';
    int fd = open_file(webroot, path);
    if (fd < 0)
        return NULL;
    do {
        n = read(fd, piece, sizeof(piece));
        if (n > 0)
            (void)buf_append(content, piece, (size_t)n);   /* no cap */
    } while (n > 0 && buf_len(content) <= FILE_MAX_BYTES); /* it may grow meanwhile */
    (void)close(fd);
    return n == 0 ? type_of(name) : NULL;
}
