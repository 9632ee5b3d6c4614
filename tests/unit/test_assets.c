/* webui/assets: which form of a file is sent, whether a tag is known, what a path is answered with;
 * over a table of its own. The embedded one is asked over HTTP in tests/api/test_assets.py. */
#include "webui/assets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PLAIN                                                                                      \
    {                                                                                              \
        .p = "plain", .len = 5                                                                     \
    }
#define GZIP                                                                                       \
    {                                                                                              \
        .p = "gz", .len = 2                                                                        \
    }
#define BR                                                                                         \
    {                                                                                              \
        .p = "b", .len = 1                                                                         \
    }

/* clang-format off */
static const struct asset rows[] = {
    {"/favicon.ico",       "image/svg+xml",   "f0", false, {[ASSET_IDENTITY] = PLAIN}},
    {"/ui/",               "text/html",       "p0", false, {PLAIN, GZIP, BR}},
    {"/ui/assets/a.00.js", "text/javascript", "00", true,  {PLAIN, GZIP, BR}},
    {"/ui/assets/b.01.js", "text/javascript", "01", true,  {[ASSET_IDENTITY] = PLAIN, [ASSET_GZIP] = GZIP}},
};
/* clang-format on */
static const struct asset_table table = {rows, ARRAY_LEN(rows), "build"};

static void test_choose(void **state)
{
    static const struct {
        const char *accepts;
        enum asset_coding all, no_br, plain; /* of files in all forms, without brotli, in one */
    } cases[] = {
        {"", ASSET_IDENTITY, ASSET_IDENTITY, ASSET_IDENTITY},
        {"gzip, deflate, br, zstd", ASSET_BR, ASSET_GZIP, ASSET_IDENTITY},
        {"br", ASSET_BR, ASSET_IDENTITY, ASSET_IDENTITY},
        {"gzip", ASSET_GZIP, ASSET_GZIP, ASSET_IDENTITY},
        {"GZIP ,\tBr", ASSET_BR, ASSET_GZIP, ASSET_IDENTITY},
        {"*", ASSET_BR, ASSET_GZIP, ASSET_IDENTITY},
        {"br;q=0, *", ASSET_GZIP, ASSET_GZIP, ASSET_IDENTITY},
        {"br;q=0.5, gzip;q=0.6", ASSET_GZIP, ASSET_GZIP, ASSET_IDENTITY},
        {"br;q=0.501, gzip;q=0.5", ASSET_BR, ASSET_GZIP, ASSET_IDENTITY},
        {"br; q=1.000, gzip ;q=1", ASSET_BR, ASSET_GZIP, ASSET_IDENTITY},
        {"identity, br;q=0.9", ASSET_IDENTITY, ASSET_IDENTITY, ASSET_IDENTITY},
        {"identity;q=0, br;q=0.001", ASSET_BR, ASSET_IDENTITY, ASSET_IDENTITY},
        {"*;q=0", ASSET_IDENTITY, ASSET_IDENTITY, ASSET_IDENTITY},
        {"gzip;q=0, br;q=0", ASSET_IDENTITY, ASSET_IDENTITY, ASSET_IDENTITY},
        {"bro, xbr, gzipped", ASSET_IDENTITY, ASSET_IDENTITY, ASSET_IDENTITY},
        /* what is no member says nothing */
        {"br;q=1.001, br;q=2, br;q=, br;q=.5, br;q=0,5, br;x=1, br;q=-1, br;q=0.1234",
         ASSET_IDENTITY, ASSET_IDENTITY, ASSET_IDENTITY},
        {",,;,;q=1, ,gzip", ASSET_GZIP, ASSET_GZIP, ASSET_IDENTITY},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice accepts = slice_str(cases[i].accepts);
        assert_int_equal(assets_choose(&rows[1], accepts), cases[i].all);
        assert_int_equal(assets_choose(&rows[3], accepts), cases[i].no_br);
        assert_int_equal(assets_choose(&rows[0], accepts), cases[i].plain);
    }
}

static void test_tag(void **state)
{
    static const struct {
        const char *sent;
        bool is_known;
    } cases[] = {
        {"\"p0-br\"", true},
        {"W/\"p0-br\"", true},
        {"\"x\" , W/\"y\",\"p0-br\"", true},
        {"*", true},
        {"", false},
        {"p0-br", false},
        {"\"p0-gzip\"", false},
        {"\"p0-br", false},
        {"w/\"p0-br\"", false},
        {"\"p0-br\" \"x\"", false},
        {"W/W/\"p0-br\"", false},
        {",", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(assets_has_tag(slice_str(cases[i].sent), SLICE("\"p0-br\"")),
                         cases[i].is_known);
}

static void begin(struct api_exchange *exchange, enum api_method method, const char *path)
{
    api_exchange_init(exchange);
    exchange->method = method;
    exchange->path = slice_str(path);
    exchange->origin = API_ORIGIN_HTTPS;
}

static void send_field(struct api_exchange *exchange, const char *name, const char *value)
{
    exchange->fields[exchange->field_count++] =
        (struct api_field){.name = slice_str(name), .value = slice_str(value)};
}

static struct slice field_of(const struct api_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->reply_field_count; i++)
        if (slice_eq(exchange->reply_fields[i].name, slice_str(name)))
            return exchange->reply_fields[i].value;
    return slice_of(NULL, 0);
}

static void test_paths(void **state)
{
    static const struct {
        enum api_method method;
        const char *path;
        unsigned status; /* 0: not ours */
        const char *type;
    } cases[] = {
        {API_METHOD_GET, "/", 308, NULL},
        {API_METHOD_GET, "/ui", 308, NULL},
        {API_METHOD_GET, "/ui/", 200, "text/html"},
        {API_METHOD_HEAD, "/ui/certificates/mx1", 200, "text/html"},
        {API_METHOD_GET, "/ui/../api/v1/users", 200, "text/html"},
        {API_METHOD_GET, "/ui/%2e%2e/etc", 200, "text/html"},
        {API_METHOD_GET, "/ui/assets", 200, "text/html"},
        {API_METHOD_GET, "/ui/assets/", 404, "application/problem+json"},
        {API_METHOD_GET, "/ui/assets/a.00.js", 200, "text/javascript"},
        {API_METHOD_GET, "/ui/assets/a.00.jsx", 404, "application/problem+json"},
        {API_METHOD_GET, "/ui/assets/a.00.j", 404, "application/problem+json"},
        {API_METHOD_GET, "/ui/assets/%61.00.js", 404, "application/problem+json"},
        {API_METHOD_GET, "/ui/assets/../", 404, "application/problem+json"},
        {API_METHOD_GET, "/favicon.ico", 200, "image/svg+xml"},
        {API_METHOD_POST, "/ui/", 405, "application/problem+json"},
        {API_METHOD_OPTIONS, "/", 405, "application/problem+json"},
        {API_METHOD_OTHER, "/ui/assets/a.00.js", 405, "application/problem+json"},
        {API_METHOD_GET, "", 0, NULL},
        {API_METHOD_GET, "*", 0, NULL},
        {API_METHOD_GET, "//", 0, NULL},
        {API_METHOD_GET, "/uix", 0, NULL},
        {API_METHOD_GET, "/UI/", 0, NULL},
        {API_METHOD_GET, "/favicon.ico/", 0, NULL},
        {API_METHOD_GET, "/api/v1/version", 0, NULL},
    };
    struct api_exchange exchange;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        begin(&exchange, cases[i].method, cases[i].path);
        assert_int_equal(assets_answer(&table, NULL, &exchange), cases[i].status != 0);
        assert_int_equal(exchange.status, cases[i].status);
        if (cases[i].type == NULL)
            assert_null(exchange.content_type);
        else
            assert_string_equal(exchange.content_type, cases[i].type);
        assert_int_equal(field_of(&exchange, "Allow").len > 0, cases[i].status == 405);
        assert_int_equal(exchange.lasting.len > 0, cases[i].status == 200);
        api_exchange_finish(&exchange);
    }
}

/* Only browsers get pages: the local socket has none. */
static void test_local(void **state)
{
    struct api_exchange exchange;

    (void)state;
    begin(&exchange, API_METHOD_GET, "/ui/");
    exchange.origin = API_ORIGIN_LOCAL;
    assert_false(assets_answer(&table, NULL, &exchange));
    assert_int_equal(exchange.status, 0);
    api_exchange_finish(&exchange);
}

static void test_fields(void **state)
{
    struct api_exchange exchange;

    (void)state;
    begin(&exchange, API_METHOD_GET, "/ui/assets/a.00.js");
    send_field(&exchange, "accept-encoding", "gzip");
    assert_true(assets_answer(&table, NULL, &exchange));
    assert_true(slice_eq(field_of(&exchange, "ETag"), SLICE("\"00-gzip\"")));
    assert_true(slice_eq(field_of(&exchange, "Content-Encoding"), SLICE("gzip")));
    assert_true(slice_eq(field_of(&exchange, "Vary"), SLICE("Accept-Encoding")));
    assert_true(slice_eq(field_of(&exchange, "Cache-Control"),
                         SLICE("public, max-age=31536000, immutable")));
    assert_true(slice_eq(exchange.lasting, SLICE("gz")));
    api_exchange_finish(&exchange);

    /* The same tag, asked for in another form, is another file. */
    begin(&exchange, API_METHOD_GET, "/ui/x");
    send_field(&exchange, "If-None-Match", "\"p0-gzip\"");
    assert_true(assets_answer(&table, NULL, &exchange));
    assert_int_equal(exchange.status, 200);
    assert_int_equal(field_of(&exchange, "Content-Encoding").len, 0);
    assert_true(slice_eq(field_of(&exchange, "Cache-Control"), SLICE("no-cache")));
    api_exchange_finish(&exchange);

    begin(&exchange, API_METHOD_GET, "/ui/x");
    send_field(&exchange, "If-None-Match", "\"p0-gzip\"");
    send_field(&exchange, "Accept-Encoding", "gzip");
    assert_true(assets_answer(&table, NULL, &exchange));
    assert_int_equal(exchange.status, 304);
    assert_true(slice_eq(field_of(&exchange, "ETag"), SLICE("\"p0-gzip\"")));
    assert_true(slice_eq(field_of(&exchange, "Vary"), SLICE("Accept-Encoding")));
    assert_int_equal(exchange.lasting.len, 2); /* its length is told */
    api_exchange_finish(&exchange);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose), cmocka_unit_test(test_tag),    cmocka_unit_test(test_paths),
        cmocka_unit_test(test_local),  cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
