/* See files.h. Names that only look similar (`mail_json.07`, `mail_json.gz`) are not ours. */
#include "trace/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"

/* 10^18: far from where adding one would wrap. */
#define NUMBER_MAX 1000000000000000000ULL

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool number_of(const char *entry, const char *name, uint64_t *ret_number)
{
    size_t len = strlen(name);
    unsigned long long number;
    if (strncmp(entry, name, len) != 0 || entry[len] != '.' || entry[len + 1] == '0')
        return false;
    if (!slice_to_u64(slice_str(entry + len + 1), NUMBER_MAX, &number))
        return false;
    *ret_number = number;
    return true;
}

int trace_files_list(const char *dir, const char *name, struct trace_files *ret_files,
                     struct error *reterr)
{
    struct trace_files files = {0};
    size_t size = 0;
    DIR *d = opendir(dir);
    if (d == NULL)
        return error_set_errno(reterr, errno, "cannot read %s", dir);
    for (const struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        uint64_t number;
        if (!number_of(entry->d_name, name, &number))
            continue;
        if (files.count == size) {
            size = size == 0 ? 16 : 2 * size;
            files.numbers = mem_realloc(files.numbers, size * sizeof(uint64_t));
        }
        files.numbers[files.count++] = number;
    }
    (void)closedir(d); /* nothing was written */
    if (files.count > 0)
        qsort(files.numbers, files.count, sizeof(uint64_t), compare);
    *ret_files = files;
    return 0;
}

void trace_files_finish(struct trace_files *files)
{
    free(files->numbers);
    *files = (struct trace_files){0};
}

uint64_t trace_files_next_number(const struct trace_files *files)
{
    return files->count == 0 ? 1 : files->numbers[files->count - 1] + 1;
}

char *trace_files_path(const char *dir, const char *name, uint64_t number)
{
    if (number == 0)
        return mem_printf("%s/%s", dir, name);
    return mem_printf("%s/%s.%llu", dir, name, (unsigned long long)number);
}

int trace_files_open(const char *dir, const char *name, uint64_t number)
{
    struct stat st;
    char *path = trace_files_path(dir, name, number);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    free(path);
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        (void)close(fd); /* only looked at */
        return -1;
    }
    return fd;
}
