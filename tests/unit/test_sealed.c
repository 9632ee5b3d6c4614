/* Sealed texts: they open under their passphrase alone, a change of any byte is found, each fault
 * has its own words, and a hostile file never makes Argon2id cost more than is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "base/mem.h"
#include "pki/sealed.h"

/* What Argon2id was asked for since the last open_text. */
static unsigned calls;
static unsigned long long asked_passes;
static size_t asked_bytes;
static bool has_no_memory;

int __real_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *passphrase,
                         unsigned long long passphrase_len, const unsigned char *salt,
                         unsigned long long passes, size_t bytes, int algorithm);
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *passphrase,
                         unsigned long long passphrase_len, const unsigned char *salt,
                         unsigned long long passes, size_t bytes, int algorithm);

int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *passphrase,
                         unsigned long long passphrase_len, const unsigned char *salt,
                         unsigned long long passes, size_t bytes, int algorithm)
{
    calls++;
    asked_passes = passes;
    asked_bytes = bytes;
    if (has_no_memory)
        return -1;
    /* What is asked for is what is looked at: the work itself would take seconds. */
    if (bytes > crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE) {
        passes = crypto_pwhash_argon2id_OPSLIMIT_MIN;
        bytes = crypto_pwhash_argon2id_MEMLIMIT_MIN;
    }
    return __real_crypto_pwhash(out, out_len, passphrase, passphrase_len, salt, passes, bytes,
                                algorithm);
}

static const struct sealed_cost FAST = {1, SEALED_MEMORY_KIB_MIN};

#define PASSPHRASE SLICE("correct horse battery")

static struct clock_fake clock_fake;
static struct buf text, plain;
static struct error error;

static int set_up(void **state)
{
    (void)state;
    clock_fake_init(&clock_fake, 0);
    buf_init(&text, 0);
    buf_init_secret(&plain, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_finish(&text);
    buf_finish(&plain);
    return 0;
}

static void seal(struct slice what, const struct sealed_cost *cost)
{
    buf_clear(&text, 0);
    if (sealed_seal(what, PASSPHRASE, &clock_fake.clock, cost, &text, &error) != SEALED_FAULT_NONE)
        fail_msg("%s", error.text);
}

static enum sealed_fault open_text(struct slice what, struct slice passphrase)
{
    buf_clear(&plain, SIZE_MAX);
    calls = 0;
    error.text[0] = '\0';
    enum sealed_fault fault = sealed_open(what, passphrase, NULL, &plain, &error);
    if (fault != SEALED_FAULT_NONE) {
        assert_int_equal(buf_len(&plain), 0);
        assert_string_not_equal(error.text, "");
        assert_null(strchr(error.text, '\n'));
    }
    return fault;
}

static void assert_opens(struct slice what, struct slice wanted)
{
    if (open_text(what, PASSPHRASE) != SEALED_FAULT_NONE)
        fail_msg("%s", error.text);
    assert_true(slice_eq(buf_slice(&plain), wanted));
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 4, 15, 16, 17, 1000, 1000000};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        char *bytes = mem_alloc(lengths[i]);
        clock_fake.clock.random(&clock_fake.clock, bytes, lengths[i]);
        seal(slice_of(bytes, lengths[i]), &FAST);
        assert_true(sealed_is_sealed(buf_slice(&text)));
        assert_opens(buf_slice(&text), slice_of(bytes, lengths[i]));
        free(bytes);
    }
    /* The plain bytes go behind what the buffer holds. */
    seal(SLICE("two"), &FAST);
    buf_clear(&plain, 0);
    assert_true(buf_append_str(&plain, "one "));
    assert_int_equal(sealed_open(buf_slice(&text), PASSPHRASE, NULL, &plain, &error),
                     SEALED_FAULT_NONE);
    assert_string_equal(buf_cstr(&plain), "one two");
}

/* The form of version 1: who changes it breaks the files that people keep. */
static const char FIXED[] =
    "{\n"
    "  \"postern_sealed\": 1,\n"
    "  \"kdf\": {\"name\": \"argon2id13\", \"memory_kib\": 8, \"passes\": 1, \"salt\": "
    "\"1w0yWeThy2McZjz01zxMBA==\"},\n"
    "  \"aead\": \"xchacha20poly1305-ietf\",\n"
    "  \"nonce\": \"AiqxuoBAmObLKT5ncOs6ldohHmpmO9Nz\",\n"
    "  \"data\": \"NspN0PjT28M5Das+Tz6DUqITCN2Wla9DxsVBVVS7XqqP\"\n"
    "}\n";

static void test_form(void **state)
{
    (void)state;
    assert_opens(SLICE(FIXED), SLICE("kept since form 1"));

    /* Reformatted, sorted: the same file. */
    json_t *root = json_loads(FIXED, JSON_REJECT_DUPLICATES, NULL);
    char *compact = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    assert_true(sealed_is_sealed(slice_str(compact)));
    assert_opens(slice_str(compact), SLICE("kept since form 1"));
    free(compact);
    json_decref(root);

    /* No two files have the same salt and nonce. */
    seal(SLICE("x"), &FAST);
    char *first = slice_dup(buf_slice(&text));
    seal(SLICE("x"), &FAST);
    assert_string_not_equal(first, buf_cstr(&text));
    free(first);
}

/* What an administrator gets: what is promised in sealed.h is what Argon2id is asked for. */
static void test_cost(void **state)
{
    (void)state;
    calls = 0;
    seal(SLICE("costly"), NULL);
    assert_int_equal(calls, 1);
    assert_int_equal(asked_passes, crypto_pwhash_argon2id_OPSLIMIT_MODERATE);
    assert_int_equal(asked_bytes, crypto_pwhash_argon2id_MEMLIMIT_MODERATE);
    assert_non_null(strstr(buf_cstr(&text), "\"memory_kib\": 262144, \"passes\": 3,"));
    assert_opens(buf_slice(&text), SLICE("costly"));
    assert_int_equal(asked_bytes, crypto_pwhash_argon2id_MEMLIMIT_MODERATE);
}

static void test_wrong_passphrase(void **state)
{
    (void)state;
    const struct slice wrong[] = {
        SLICE("correct horse batterz"),
        SLICE("correct horse battery "),
        SLICE("correct horse batter"),
        SLICE("correct horse battery\0"),
        SLICE("c"),
    };
    seal(SLICE("secret"), &FAST);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(open_text(buf_slice(&text), wrong[i]), SEALED_FAULT_OPEN);
        assert_non_null(strstr(error.text, "passphrase is wrong, or the file was changed"));
    }
}

static void test_passphrase_length(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        enum sealed_fault sealing, opening;
    } cases[] = {
        {0, SEALED_FAULT_PASSPHRASE, SEALED_FAULT_PASSPHRASE},
        {SEALED_PASSPHRASE_MIN - 1, SEALED_FAULT_PASSPHRASE, SEALED_FAULT_OPEN},
        {SEALED_PASSPHRASE_MIN, SEALED_FAULT_NONE, SEALED_FAULT_NONE},
        {SEALED_PASSPHRASE_MAX, SEALED_FAULT_NONE, SEALED_FAULT_NONE},
        {SEALED_PASSPHRASE_MAX + 1, SEALED_FAULT_PASSPHRASE, SEALED_FAULT_PASSPHRASE},
    };
    char passphrase[SEALED_PASSPHRASE_MAX + 1];
    memset(passphrase, 'p', sizeof(passphrase));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice given = slice_of(passphrase, cases[i].len);
        seal(SLICE("secret"), &FAST);
        if (cases[i].sealing == SEALED_FAULT_NONE)
            buf_clear(&text, 0);
        assert_int_equal(
            sealed_seal(SLICE("secret"), given, &clock_fake.clock, &FAST, &text, &error),
            cases[i].sealing);
        assert_int_equal(open_text(buf_slice(&text), given), cases[i].opening);
        assert_null(strstr(error.text, "ppp"));
    }
}

static void test_every_byte_counts(void **state)
{
    (void)state;
    seal(SLICE("secret"), &FAST);
    struct slice whole = buf_slice(&text);
    for (size_t i = 0; i < whole.len; i++) {
        text.data[i] ^= 1;
        assert_int_not_equal(open_text(whole, PASSPHRASE), SEALED_FAULT_NONE);
        text.data[i] ^= 1;
    }
    assert_opens(whole, SLICE("secret"));
}

static void test_cut_off(void **state)
{
    (void)state;
    seal(SLICE("secret"), &FAST);
    struct slice whole = buf_slice(&text);
    for (size_t len = 0; len < whole.len - 1; len++) {
        assert_int_equal(open_text(slice_of(whole.p, len), PASSPHRASE), SEALED_FAULT_FORM);
        assert_int_equal(calls, 0);
        assert_non_null(strstr(error.text, "cut off"));
    }
    /* It is told from a plain configuration as soon as it says what it is. */
    assert_true(sealed_is_sealed(slice_of(whole.p, 24)));
}

/* TEXT with the first OLD in it replaced. */
static char *changed(const char *old, const char *new)
{
    const char *all = buf_cstr(&text), *at = strstr(all, old);
    assert_non_null(at);
    return mem_printf("%.*s%s%s", (int)(at - all), all, new, at + strlen(old));
}

static void test_changed(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new;
        enum sealed_fault fault;
        const char *words;
        unsigned calls;
    } cases[] = {
        {"1", "2", SEALED_FAULT_VERSION, "newer Postern", 0},
        {"1", "9223372036854775807", SEALED_FAULT_VERSION, "newer Postern", 0},
        {"1,", "2, \"kdfs\": [[1, 2], {}],", SEALED_FAULT_VERSION, "newer Postern", 0},
        {"1", "0", SEALED_FAULT_FORM, "no number of a form", 0},
        {"1", "-1", SEALED_FAULT_FORM, "no number of a form", 0},
        {"1", "\"1\"", SEALED_FAULT_FORM, "no number of a form", 0},
        {"1", "1.0", SEALED_FAULT_FORM, "no number of a form", 0},
        {"1", "9223372036854775808", SEALED_FAULT_FORM, "complete JSON", 0},
        {"postern_sealed", "postern_seale", SEALED_FAULT_FORM, "no \"postern_sealed\"", 0},
        {"\"aead\"", "\"nonce\"", SEALED_FAULT_FORM, "complete JSON", 0}, /* twice */
        {"\"aead\"", "\"aed\"", SEALED_FAULT_FORM, "missing, unknown", 0},
        {"  \"aead\"", "  \"more\": 1, \"aead\"", SEALED_FAULT_FORM, "missing, unknown", 0},
        {"\"name\"", "\"more\": 1, \"name\"", SEALED_FAULT_FORM, "missing, unknown", 0},
        {"argon2id13", "argon2i13", SEALED_FAULT_FORM, "another algorithm", 0},
        {"20poly", "12poly", SEALED_FAULT_FORM, "another algorithm", 0},
        {": 8", ": 262145", SEALED_FAULT_COST, "at most 8 and 262144", 0},
        {": 8", ": 4294967304", SEALED_FAULT_COST, "at most 8 and 262144", 0},
        {": 8", ": 9223372036854775807", SEALED_FAULT_COST, "at most 8 and 262144", 0},
        {": 8", ": 7", SEALED_FAULT_FORM, "over less than 8 KiB", 0},
        {": 8", ": -9", SEALED_FAULT_FORM, "over less than 8 KiB", 0},
        {": 8", ": 9", SEALED_FAULT_OPEN, "changed", 1},
        {"\"passes\": 1", "\"passes\": 9", SEALED_FAULT_COST, "at most 8 and 262144", 0},
        {"\"passes\": 1", "\"passes\": 0", SEALED_FAULT_FORM, "less than one pass", 0},
        {"\"passes\": 1", "\"passes\": 2", SEALED_FAULT_OPEN, "changed", 1},
        {"\"salt\": \"", "\"salt\": \"AAAA", SEALED_FAULT_FORM, "right length", 0},
        {"\"salt\": \"", "\"salt\": \"-", SEALED_FAULT_FORM, "right length", 0},
        {"\"nonce\": \"", "\"nonce\": \"AAAA", SEALED_FAULT_FORM, "right length", 0},
        {"\"data\": \"", "\"data\": \"A", SEALED_FAULT_FORM, "not base64", 0},
        {"\"data\": \"", "\"data\": \" ", SEALED_FAULT_FORM, "not base64", 0},
        {"\"data\": \"", "\"data\": \"AAAA", SEALED_FAULT_OPEN, "changed", 1},
        {"\"data\": \"", "\"data\": \"AAAA\", \"x\": \"", SEALED_FAULT_FORM, "missing, unknown", 0},
    };
    seal(SLICE("secret"), &FAST);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *made = changed(cases[i].old, cases[i].new);
        enum sealed_fault fault = open_text(slice_str(made), PASSPHRASE);
        if (fault != cases[i].fault || strstr(error.text, cases[i].words) == NULL)
            fail_msg("%s -> %s: %d %s", cases[i].old, cases[i].new, (int)fault, error.text);
        assert_int_equal(calls, cases[i].calls);
        free(made);
    }
    const char *all = buf_cstr(&text), *data = strstr(all, "\"data\"");
    char *made = mem_printf("%.*s\"data\": \"AAAAAAAAAAAAAAAAAAAA\"}", (int)(data - all), all);
    assert_int_equal(open_text(slice_str(made), PASSPHRASE), SEALED_FAULT_FORM);
    assert_non_null(strstr(error.text, "too short"));
    free(made);
    made = mem_printf("{\"postern_sealed\": 1, \"x\": [%*s", 300, "");
    memset(strchr(made, '[') + 1, ',', 300);
    assert_int_equal(open_text(slice_str(made), PASSPHRASE), SEALED_FAULT_FORM);
    assert_non_null(strstr(error.text, "more members"));
    free(made);
}

static void test_most(void **state)
{
    (void)state;
    static const struct sealed_cost twice = {2, SEALED_MEMORY_KIB_MIN};
    seal(SLICE("secret"), &twice);
    assert_opens(buf_slice(&text), SLICE("secret"));
    calls = 0;
    assert_int_equal(sealed_open(buf_slice(&text), PASSPHRASE, &FAST, &plain, &error),
                     SEALED_FAULT_COST);
    assert_int_equal(calls, 0);
}

static void test_size(void **state)
{
    (void)state;
    char *large = mem_zalloc(SEALED_TEXT_MAX + 1);
    calls = 0;
    assert_int_equal(sealed_seal(slice_of(large, SEALED_PLAIN_MAX + 1), PASSPHRASE,
                                 &clock_fake.clock, &FAST, &text, &error),
                     SEALED_FAULT_SIZE);
    assert_int_equal(calls, 0);
    seal(slice_of(large, SEALED_PLAIN_MAX), &FAST);
    assert_true(buf_len(&text) <= SEALED_TEXT_MAX);
    assert_opens(buf_slice(&text), slice_of(large, SEALED_PLAIN_MAX));
    assert_int_equal(open_text(slice_of(large, SEALED_TEXT_MAX + 1), PASSPHRASE),
                     SEALED_FAULT_SIZE);
    free(large);

    /* Buffers with caps of their own. */
    struct buf small;
    buf_init(&small, 100);
    assert_int_equal(sealed_seal(SLICE("x"), PASSPHRASE, &clock_fake.clock, &FAST, &small, &error),
                     SEALED_FAULT_SIZE);
    assert_int_equal(sealed_open(buf_slice(&text), PASSPHRASE, NULL, &small, &error),
                     SEALED_FAULT_SIZE);
    assert_int_equal(buf_len(&small), 0);
    buf_finish(&small);
}

static void test_no_memory(void **state)
{
    (void)state;
    seal(SLICE("secret"), &FAST);
    has_no_memory = true;
    assert_int_equal(open_text(buf_slice(&text), PASSPHRASE), SEALED_FAULT_MEMORY);
    size_t before = buf_len(&text);
    assert_int_equal(sealed_seal(SLICE("x"), PASSPHRASE, &clock_fake.clock, &FAST, &text, &error),
                     SEALED_FAULT_MEMORY);
    has_no_memory = false;
    assert_int_equal(buf_len(&text), before);
    assert_opens(buf_slice(&text), SLICE("secret"));
}

static void test_is_sealed(void **state)
{
    (void)state;
    const struct {
        struct slice text;
        bool is_sealed;
    } cases[] = {
        {SLICE(""), false},
        {SLICE("{}"), false},
        {SLICE("\"postern_sealed\":"), false},
        {SLICE("{\"postern_sealed\"}"), false},
        {SLICE("{\"postern_sealed\""), false},
        {SLICE("{\"postern_sealed\":"), true},
        {SLICE(" {\"a\": {\"b\": []}, \"postern_sealed\" \n: 7"), true},
        {SLICE("{\"a\": \"postern_sealed\", \"b\": 1}"), false},
        {SLICE("{\"a\": {\"postern_sealed\": 1}}"), false},
        {SLICE("{\"a\": \"\\\"postern_sealed\\\": 1\"}"), false},
        {SLICE("{\"a\": \"\\"), false},
        {SLICE("}}]{\"postern_sealed\": 1"), true}, /* nonsense, but no configuration either */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(sealed_is_sealed(cases[i].text), cases[i].is_sealed);
}

/* Each fault has a word of its own. */
static void test_codes(void **state)
{
    (void)state;
    assert_string_equal(sealed_fault_code(SEALED_FAULT_NONE), "");
    for (int i = SEALED_FAULT_NONE; i <= SEALED_FAULT_MEMORY; i++)
        for (int j = SEALED_FAULT_NONE; j < i; j++)
            assert_string_not_equal(sealed_fault_code((enum sealed_fault)i),
                                    sealed_fault_code((enum sealed_fault)j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_wrong_passphrase),
        cmocka_unit_test(test_passphrase_length),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_most),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_is_sealed),
        cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
