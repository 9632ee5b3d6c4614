/* The files of one log: the current one, `mail_json`, and those it was rotated into, `mail_json.1`,
 * `mail_json.2`, ... A number is given once: the newest rotated file has the highest, the current
 * file will get one more. The directory alone says which there are, so whoever reads the log needs
 * nothing of the process that writes it.
 *
 * Every function blocks a little. Any thread. */
#ifndef POSTERN_TRACE_FILES_H
#define POSTERN_TRACE_FILES_H

#include <stdint.h>

#include "base/err.h"

struct trace_files {
    uint64_t *numbers; /* of the rotated files, ascending */
    size_t count;
};

/* ERR_IO: the directory cannot be read. */
int trace_files_list(const char *dir, const char *name, struct trace_files *ret_files,
                     struct error *reterr) MUST_CHECK;
void trace_files_finish(struct trace_files *files);
/* What the current file will be called when it is rotated. */
uint64_t trace_files_next_number(const struct trace_files *files);
/* DIR/NAME.NUMBER, or DIR/NAME for 0. On the heap, the caller frees it. */
char *trace_files_path(const char *dir, const char *name, uint64_t number) MUST_CHECK;
/* For reading. -1: there is none, or it is no regular file. */
int trace_files_open(const char *dir, const char *name, uint64_t number) MUST_CHECK;

#endif
