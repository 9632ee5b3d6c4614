/* See assets.h. What every reply carries besides is in headers.c. */
#include "webui/assets.h"

#include <stdio.h>

#include "webui/http_priv.h"
#include "webui/webroot.h"

enum { QUALITY_MAX = 1000, ETAG_MAX = 64 };

#define FOREVER "public, max-age=31536000, immutable"
#define PAGE    "/ui/"
#define HASHED  "/ui/assets/"

static const char *const coding_names[ASSET_CODING_COUNT] = {
    [ASSET_IDENTITY] = "identity", [ASSET_GZIP] = "gzip", [ASSET_BR] = "br"};

/* --- the form ------------------------------------------------------------------------------------
 */

/* RFC 9110 12.4.2: ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths. */
static bool parse_quality(struct slice s, unsigned *ret_quality)
{
    unsigned quality = 0, unit = QUALITY_MAX;

    if (s.len == 0 || s.len > 5 || (s.len > 1 && s.p[1] != '.'))
        return false;
    for (size_t i = 0; i < s.len; i += i == 0 ? 2 : 1) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        quality += (unsigned)(s.p[i] - '0') * unit;
        unit /= 10;
    }
    *ret_quality = quality;
    return quality <= QUALITY_MAX;
}

/* One member of Accept-Encoding: `br`, `gzip;q=0.5`, `*;q=0`. False: it is none. */
static bool parse_member(struct slice member, struct slice *ret_name, unsigned *ret_quality)
{
    *ret_name = slice_trim(slice_cut(&member, ';'));
    *ret_quality = QUALITY_MAX;
    member = slice_trim(member);
    if (member.len == 0)
        return ret_name->len > 0;
    if (!slice_starts_nocase(member, SLICE("q=")))
        return false;
    return parse_quality(slice_of(member.p + 2, member.len - 2), ret_quality);
}

enum asset_coding assets_choose(const struct asset *asset, struct slice accept_encoding)
{
    /* What is not named may be sent only as it is; that nothing may be sent is not obeyed. */
    unsigned liked[ASSET_CODING_COUNT] = {[ASSET_IDENTITY] = 1};
    bool is_named[ASSET_CODING_COUNT] = {false};
    unsigned others = 0, quality = 0;
    struct slice name;

    while (accept_encoding.len > 0) {
        struct slice member = slice_cut(&accept_encoding, ',');
        if (!parse_member(member, &name, &quality))
            continue;
        if (slice_eq(name, SLICE("*")))
            others = quality;
        for (size_t i = 0; i < ASSET_CODING_COUNT; i++) {
            if (!slice_eq_nocase(name, slice_str(coding_names[i])))
                continue;
            liked[i] = quality;
            is_named[i] = true;
        }
    }
    enum asset_coding best = ASSET_IDENTITY;
    for (size_t i = 0; i < ASSET_CODING_COUNT; i++) {
        if (!is_named[i] && others > 0)
            liked[i] = others;
        if (liked[i] > 0 && liked[i] >= liked[best] && asset->bodies[i].len > 0)
            best = (enum asset_coding)i;
    }
    return best;
}

bool assets_has_tag(struct slice if_none_match, struct slice etag)
{
    while (if_none_match.len > 0) {
        struct slice tag = slice_trim(slice_cut(&if_none_match, ',')); /* ours have no comma */
        if (slice_eq(tag, SLICE("*")))
            return true;
        if (tag.len > 2 && tag.p[0] == 'W' && tag.p[1] == '/')
            tag = slice_of(tag.p + 2, tag.len - 2);
        if (slice_eq(tag, etag))
            return true;
    }
    return false;
}

/* --- the answer ----------------------------------------------------------------------------------
 */

static void answer_asset(struct api_exchange *exchange, const struct asset *asset)
{
    enum asset_coding coding =
        assets_choose(asset, api_exchange_field(exchange, "Accept-Encoding"));
    char etag[ETAG_MAX];

    /* RFC 9110 8.8.3.3: each form has a tag of its own. */
    (void)snprintf(etag, sizeof(etag), "\"%s-%s\"", asset->hash, coding_names[coding]);
    api_exchange_reply_field(exchange, "ETag", slice_str(etag));
    api_exchange_reply_field(exchange, "Vary", SLICE("Accept-Encoding"));
    api_exchange_reply_field(exchange, "Cache-Control",
                             asset->is_immutable ? SLICE(FOREVER) : SLICE("no-cache"));
    /* Of a 304 only the body's length is sent, and that must be right: RFC 9110 8.6. */
    exchange->lasting = asset->bodies[coding];
    if (assets_has_tag(api_exchange_field(exchange, "If-None-Match"), slice_str(etag))) {
        exchange->status = 304;
        return;
    }
    exchange->status = 200;
    exchange->content_type = asset->content_type;
    if (coding != ASSET_IDENTITY)
        api_exchange_reply_field(exchange, "Content-Encoding", slice_str(coding_names[coding]));
}

static const struct asset *find(const struct asset_table *table, struct slice path)
{
    for (size_t i = 0; i < table->count; i++) {
        if (slice_eq(path, slice_str(table->rows[i].path)))
            return &table->rows[i];
    }
    return NULL;
}

static bool starts(struct slice path, struct slice prefix)
{
    return path.len >= prefix.len && memcmp(path.p, prefix.p, prefix.len) == 0;
}

static void answer_nothing(struct api_exchange *exchange)
{
    http_problem(exchange, 404, "asset.unknown",
                 "There is no such file in this version of the program.");
}

static void answer_file(const struct webroot *webroot, struct api_exchange *exchange)
{
    struct slice name = SLICE("favicon.svg");

    if (starts(exchange->path, SLICE(PAGE)))
        name = slice_of(exchange->path.p + strlen(PAGE), exchange->path.len - strlen(PAGE));
    if (!webroot_has_type(name))
        name = SLICE("index.html");
    exchange->content_type = webroot_read(webroot, name, &exchange->reply);
    if (exchange->content_type == NULL)
        answer_nothing(exchange);
    else
        exchange->status = 200;
}

static bool is_ours(struct slice path)
{
    return slice_eq(path, SLICE("/")) || slice_eq(path, SLICE("/ui")) ||
           slice_eq(path, SLICE("/favicon.ico")) || starts(path, SLICE(PAGE));
}

bool assets_answer(const struct asset_table *table, const struct webroot *webroot,
                   struct api_exchange *exchange)
{
    struct slice path = exchange->path;

    if (exchange->origin != API_ORIGIN_HTTPS || !is_ours(path))
        return false;
    if (exchange->method != API_METHOD_GET && exchange->method != API_METHOD_HEAD) {
        http_problem(exchange, 405, "method.not_allowed", "this path takes GET, HEAD");
        api_exchange_reply_field(exchange, "Allow", SLICE("GET, HEAD"));
        return true;
    }
    if (slice_eq(path, SLICE("/")) || slice_eq(path, SLICE("/ui"))) {
        exchange->status = 308;
        api_exchange_reply_field(exchange, "Location", SLICE(PAGE));
        return true;
    }
    if (webroot != NULL) {
        answer_file(webroot, exchange);
        return true;
    }
    const struct asset *asset = find(table, path);
    if (asset == NULL && !starts(path, SLICE(HASHED)))
        asset = find(table, SLICE(PAGE));
    if (asset == NULL)
        answer_nothing(exchange);
    else
        answer_asset(exchange, asset);
    return true;
}
