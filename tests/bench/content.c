/* See content.h. The fixed text is made once, in plain and in wire form, so that a message is
 * written by copying ranges of lines. */
#include "content.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    CONTENT_LINES = 1021, /* prime: starts differ from message to message */
    LINE_BYTES = 78,      /* plain, CRLF included */
    LEDGER_BYTES = 1 << 16,
};

struct ledger {
    int fd;
    bool wants_sync;
    struct buf pending;
};

static char plain[CONTENT_LINES * LINE_BYTES];
static char wire[CONTENT_LINES * (LINE_BYTES + 1)];
static size_t wire_at[CONTENT_LINES + 1];

static void make_text(void)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789+-=";
    uint32_t state = 2463534242U;
    size_t at = 0;
    for (size_t line = 0; line < CONTENT_LINES; line++) {
        char *p = plain + line * LINE_BYTES;
        for (size_t i = 0; i < LINE_BYTES - 2; i++) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            p[i] = letters[state % (sizeof(letters) - 1)];
        }
        if (line % 10 == 3)
            p[0] = '.';
        if (line % 20 == 3)
            p[1] = '.';
        p[LINE_BYTES - 2] = '\r';
        p[LINE_BYTES - 1] = '\n';
        wire_at[line] = at;
        if (p[0] == '.')
            wire[at++] = '.';
        memcpy(wire + at, p, LINE_BYTES);
        at += LINE_BYTES;
    }
    wire_at[CONTENT_LINES] = at;
}

void content_start(struct content *c, const char *run, uint64_t number, size_t size_bytes,
                   bool wants_hash)
{
    if (wire_at[CONTENT_LINES] == 0)
        make_text();
    content_finish(c);
    *c = (struct content){.next_line = (size_t)(number % CONTENT_LINES), .left_bytes = size_bytes};
    (void)snprintf(c->id, sizeof(c->id), "%.40s-%llu", run, (unsigned long long)number);
    if (wants_hash) {
        gnutls_hash_hd_t hash;
        int r = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
        ASSERT(r == 0);
        c->hash = hash;
    }
}

static void hash_add(struct content *c, const char *p, size_t len)
{
    if (c->hash != NULL) {
        int r = gnutls_hash(c->hash, p, len);
        ASSERT(r == 0);
    }
    c->left_bytes -= len < c->left_bytes ? len : c->left_bytes;
}

static void write_header(struct content *c, const char *from, const char *to, struct buf *out)
{
    size_t before = buf_len(out);
    (void)buf_printf(out,
                     CONTENT_ID_HEADER "%s\r\nFrom: <%s>\r\nTo: <%s>\r\nSubject: load %s\r\n"
                                       "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
                                       "Message-ID: <%s@load.example>\r\n\r\n",
                     c->id, from, to, c->id, c->id); /* no cap: cannot be refused */
    struct slice all = buf_slice(out);
    hash_add(c, all.p + before, all.len - before);
}

void content_write(struct content *c, const char *from, const char *to, struct buf *out,
                   size_t max_bytes)
{
    size_t stop = buf_len(out) + max_bytes;
    if (!c->is_started) {
        c->is_started = true;
        write_header(c, from, to, out);
    }
    while (c->left_bytes >= LINE_BYTES && buf_len(out) < stop) {
        size_t lines = c->left_bytes / LINE_BYTES;
        if (lines > CONTENT_LINES - c->next_line)
            lines = CONTENT_LINES - c->next_line;
        size_t room = (stop - buf_len(out)) / LINE_BYTES + 1;
        if (lines > room)
            lines = room;
        size_t end = c->next_line + lines;
        (void)buf_append(out, wire + wire_at[c->next_line], wire_at[end] - wire_at[c->next_line]);
        hash_add(c, plain + c->next_line * LINE_BYTES, lines * LINE_BYTES);
        c->next_line = end % CONTENT_LINES;
    }
    if (c->left_bytes >= LINE_BYTES)
        return;
    if (c->left_bytes >= 2) {
        char rest[LINE_BYTES];
        size_t len = c->left_bytes;
        memset(rest, 'x', len - 2);
        memcpy(rest + len - 2, "\r\n", 2);
        (void)buf_append(out, rest, len);
        hash_add(c, rest, len);
    }
    (void)buf_append_str(out, ".\r\n");
    c->is_done = true;
}

void content_hex(const unsigned char *digest, size_t len, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        ret_hex[2 * i] = digits[digest[i] >> 4];
        ret_hex[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_hex[2 * len] = '\0';
}

void content_hash(struct content *c, char ret_hex[CONTENT_HASH_HEX + 1])
{
    unsigned char digest[32];
    ASSERT(c->is_done && c->hash != NULL);
    gnutls_hash_deinit(c->hash, digest);
    c->hash = NULL;
    content_hex(digest, sizeof(digest), ret_hex);
}

void content_finish(struct content *c)
{
    if (c->hash != NULL)
        gnutls_hash_deinit(c->hash, NULL);
    c->hash = NULL;
}

struct ledger *ledger_open(const char *path, bool wants_sync)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        perror(path);
        return NULL;
    }
    struct ledger *ledger = MEM_NEW(struct ledger);
    ledger->fd = fd;
    ledger->wants_sync = wants_sync;
    buf_init(&ledger->pending, 0);
    return ledger;
}

void ledger_add(struct ledger *ledger, const char *id, const char *hash_hex)
{
    (void)buf_printf(&ledger->pending, "%s %s\n", id, hash_hex); /* no cap */
    if (ledger->wants_sync || buf_len(&ledger->pending) >= LEDGER_BYTES)
        ledger_flush(ledger);
}

void ledger_flush(struct ledger *ledger)
{
    if (ledger == NULL || buf_len(&ledger->pending) == 0)
        return;
    while (buf_len(&ledger->pending) > 0) {
        struct slice left = buf_slice(&ledger->pending);
        ssize_t n = write(ledger->fd, left.p, left.len);
        if (n <= 0) {
            perror("ledger");
            exit(1); /* a ledger with holes proves nothing */
        }
        buf_consume(&ledger->pending, (size_t)n);
    }
    if (ledger->wants_sync && fdatasync(ledger->fd) < 0) {
        perror("ledger");
        exit(1);
    }
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    ledger_flush(ledger);
    (void)close(ledger->fd);
    buf_finish(&ledger->pending);
    free(ledger);
}
