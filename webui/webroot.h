/* A folder of the pages as they are written, served instead of the embedded ones while developing:
 * a changed file is there when the browser asks again. Never in production: it reads on the threads
 * that serve requests.
 *
 * Names come from outside. The kernel resolves them beneath the folder, without links
 * (openat2(2), Linux 5.6); only regular files of known types are read. */
#ifndef POSTERN_WEBUI_WEBROOT_H
#define POSTERN_WEBUI_WEBROOT_H

#include "base/buf.h"
#include "base/err.h"

struct webroot;

/* ERR_IO: PATH is no folder that can be opened. */
int webroot_open(const char *path, struct webroot **ret_webroot, struct error *reterr) MUST_CHECK;
/* NULL is allowed. */
void webroot_close(struct webroot *webroot);
/* Whether NAME ends like a file that could be served. */
bool webroot_has_type(struct slice name);
/* Appends the file's content; its media type, or NULL when there is no such file to be served. */
const char *webroot_read(const struct webroot *webroot, struct slice name,
                         struct buf *content) MUST_CHECK;

#endif
