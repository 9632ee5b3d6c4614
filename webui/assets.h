/* The pages: what a browser gets besides the API.
 *
 *   /               308 to /ui/
 *   /ui/assets/...  files with their content's hash in the name, kept for ever; others: 404
 *   /ui/...         a file of the table, or the page: every view has a URL that can be loaded again
 *   /favicon.ico    for browsers that show something else than the page
 *
 * A table made at build time (static/bundle.py), compared with the path byte by byte as it came: no
 * name reaches a file system. Only with a web root, while developing, is it a folder's files
 * (webui/webroot.h). Nobody has to be logged in: the page is where one logs in, and it holds
 * nothing but the program. RFC 9110, RFC 9111. */
#ifndef POSTERN_WEBUI_ASSETS_H
#define POSTERN_WEBUI_ASSETS_H

#include "api/exchange.h"

struct webroot;

enum asset_coding { ASSET_IDENTITY, ASSET_GZIP, ASSET_BR, ASSET_CODING_COUNT };

struct asset {
    const char *path; /* of the URL */
    const char *content_type;
    const char *hash;                        /* of the content, for the ETag */
    bool is_immutable;                       /* the name has the hash in it */
    struct slice bodies[ASSET_CODING_COUNT]; /* empty: not in this form; never the first */
};

struct asset_table {
    const struct asset *rows; /* the page is "/ui/" */
    size_t count;
    const char *build; /* changes whenever anything of it does */
};

extern const struct asset_table assets_embedded;

/* The answer to EXCHANGE, or false: the path is none of the pages'. Any thread. With WEBROOT (NULL:
 * none) it reads files, so requests wait for each other's: development only. */
bool assets_answer(const struct asset_table *table, const struct webroot *webroot,
                   struct api_exchange *exchange) MUST_CHECK;

/* The form to send to whoever sent ACCEPT_ENCODING: the one it likes best of those that ASSET has;
 * of equals, brotli, then gzip. RFC 9110 12.5.3. */
enum asset_coding assets_choose(const struct asset *asset, struct slice accept_encoding);
/* Whether If-None-Match names ETAG or is `*`. RFC 9110 13.1.2: compared weakly. */
bool assets_has_tag(struct slice if_none_match, struct slice etag);

#endif
