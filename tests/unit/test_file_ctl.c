/* The configuration file: what is written is read back, a sealed file carries the private keys to
 * an empty machine, what is wrong with one is said, and nothing of a key stays in freed memory. */
#include <malloc.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "config/overlay.h"
#include "control/file_ctl.h"
#include "dir_help.h"
#include "engine/engine.h"
#include "engine/first_start.h"
#include "setup/embedded.h"

/* Memory that our code or Jansson frees while it holds this is counted. */
static char canary[32];
static _Atomic unsigned leaks;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
    if (p != NULL && canary[0] != '\0' &&
        memmem(p, malloc_usable_size(p), canary, strlen(canary)) != NULL)
        atomic_fetch_add(&leaks, 1);
    __real_free(p);
}

static const struct sealed_cost FAST = {1, SEALED_MEMORY_KIB_MIN};

#define PASSPHRASE SLICE("correct horse battery")

/* One gateway for all tests: a configuration, its keys in dir/keys; dir/empty is another's. */
static char dir[32], *keys_dir, *empty_dir;
static struct clock_fake fake_clock;
static struct engine engine;
static struct config *config;
static struct file_ctl *ctl;
static struct mailbox box;
static sem_t has_mail;

static void wake(void *owner)
{
    (void)owner;
    (void)sem_post(&has_mail);
}

static bool has_run;

static void on_letter(struct letter *letter)
{
    (void)letter;
    has_run = true;
}

static void wait_for_letter(void)
{
    has_run = false;
    while (!has_run) {
        (void)sem_wait(&has_mail);
        (void)mailbox_drain(&box);
    }
}

static struct config *make_config(void)
{
    struct config_errors errors;
    struct error error = {0};
    struct config *made = NULL;
    config_errors_init(&errors);
    struct slice json = slice_of((const char *)embed_demo_json, embed_demo_json_size);
    int r = first_start_candidate(json, keys_dir, &fake_clock.clock, &made, &errors, &error);
    if (r < 0 || !config_validate(made, &errors))
        fail_msg("%s %s", error.text, errors.count > 0 ? errors.items[0].text : "");
    config_errors_finish(&errors);
    return made;
}

static struct slice first_spki(void)
{
    return config->certificates.items[0].keys.items[0].spki;
}

/* From a line in the middle of the first private key. */
static void set_canary(void)
{
    struct buf pem;
    buf_init_secret(&pem, 0);
    char *spki = slice_dup(first_spki());
    assert_int_equal(key_load_pem(keys_dir, spki, &pem, NULL), 0);
    const char *line = strchr(buf_cstr(&pem), '\n') + 1;
    /* Behind the header that all such keys have in common. */
    (void)snprintf(canary, sizeof(canary), "%.16s", line + 48);
    assert_true(strlen(canary) == 16 && strchr(canary, '\n') == NULL);
    free(spki);
    buf_finish(&pem);
}

static int set_up(void **state)
{
    (void)state;
    config_json_init();
    (void)snprintf(dir, sizeof(dir), "/tmp/postern-file-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    keys_dir = mem_printf("%s/keys", dir);
    empty_dir = mem_printf("%s/empty", dir);
    assert_int_equal(mkdir(keys_dir, 0700) | mkdir(empty_dir, 0700), 0);
    clock_fake_init(&fake_clock, 1700000000000);
    config = make_config();
    set_canary();
    engine.clock = &fake_clock.clock;
    engine.workers = work_pool_create(1, 4);
    assert_int_equal(sem_init(&has_mail, 0, 0), 0);
    mailbox_init(&box, wake, NULL);
    ctl = file_ctl_create(&engine, keys_dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    work_pool_destroy(engine.workers);
    file_ctl_destroy(ctl);
    file_ctl_destroy(NULL);
    config_unref(config);
    mailbox_close(&box);
    mailbox_finish(&box);
    (void)sem_destroy(&has_mail);
    free(keys_dir);
    free(empty_dir);
    return help_dir_remove(dir);
}

static struct file_ctl_write writing(bool wants_sealed)
{
    return (struct file_ctl_write){.config = config,
                                   .wants_sealed = wants_sealed,
                                   .passphrase = PASSPHRASE,
                                   .cost = &FAST,
                                   .box = &box,
                                   .letter.run = on_letter};
}

static void write_file(struct file_ctl_write *write)
{
    assert_int_equal(file_ctl_write(ctl, write), 0);
    wait_for_letter();
}

static struct file_ctl_read reading(struct slice text, struct slice passphrase)
{
    return (struct file_ctl_read){
        .text = text, .passphrase = passphrase, .box = &box, .letter.run = on_letter};
}

static void read_file(struct file_ctl_read *read)
{
    assert_int_equal(file_ctl_read(ctl, read), 0);
    wait_for_letter();
}

static void assert_is_running(const json_t *document)
{
    json_t *wanted = config_document(config);
    assert_true(json_equal((json_t *)(uintptr_t)document, wanted));
    json_decref(wanted);
}

static void test_plain(void **state)
{
    (void)state;
    struct buf rendered;
    buf_init(&rendered, 0);
    config_render(config, &rendered);
    struct file_ctl_write write = writing(false);
    write_file(&write);
    assert_int_equal(write.status, 0);
    assert_true(slice_eq(buf_slice(&write.text), buf_slice(&rendered)));
    assert_null(strstr(buf_cstr(&write.text), "PRIVATE KEY"));

    struct file_ctl_read read = reading(buf_slice(&write.text), SLICE(""));
    read_file(&read);
    assert_int_equal(read.status, 0);
    assert_false(read.is_sealed);
    assert_int_equal(read.key_count, 0);
    assert_is_running(read.document);
    file_ctl_read_finish(&read);
    file_ctl_write_finish(&write);
    buf_finish(&rendered);
}

/* "Loaded on an empty machine and committed, a sealed file serves the same chain." */
static void test_sealed(void **state)
{
    (void)state;
    atomic_store(&leaks, 0);
    struct error error;
    struct file_ctl_write write = writing(true);
    write_file(&write);
    assert_int_equal(write.status, 0);
    struct slice text = buf_slice(&write.text);
    assert_true(sealed_is_sealed(text));
    assert_null(memmem(text.p, text.len, "example", 7));
    assert_null(memmem(text.p, text.len, "PRIVATE", 7));

    struct file_ctl *other = file_ctl_create(&engine, empty_dir);
    struct file_ctl_read read = reading(text, PASSPHRASE);
    assert_int_equal(file_ctl_read(other, &read), 0);
    wait_for_letter();
    if (read.status < 0)
        fail_msg("%s", read.error.text);
    assert_true(read.is_sealed);
    assert_is_running(read.document);
    assert_int_equal(read.key_count, 2);
    for (size_t i = 0; i < read.key_count; i++) {
        struct key *key = NULL;
        assert_int_equal(key_load(empty_dir, read.keys[i].spki, &key, NULL), ERR_NOT_FOUND);
    }
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(file_ctl_store_keys(other, read.keys, read.key_count, &error), 0);
    for (size_t i = 0; i < config->certificates.items[0].keys.count; i++) {
        struct key *key = NULL;
        char *spki = slice_dup(config->certificates.items[0].keys.items[i].spki);
        assert_int_equal(key_load(empty_dir, spki, &key, &error), 0);
        key_destroy(key);
        free(spki);
    }
    file_ctl_read_finish(&read);
    file_ctl_destroy(other);
    file_ctl_write_finish(&write);
    assert_int_equal(atomic_load(&leaks), 0);
}

static void test_store_refuses(void **state)
{
    (void)state;
    struct error error;
    struct file_ctl_key key = {.pem = SLICE("no key")};
    memset(key.spki, '0', KEY_SPKI_HEX);
    assert_int_equal(file_ctl_store_keys(ctl, &key, 1, &error), ERR_INVALID);
    assert_int_equal(file_ctl_store_keys(ctl, &key, 0, &error), 0);
}

static void test_write_faults(void **state)
{
    (void)state;
    struct file_ctl_write write = writing(true);
    write.passphrase = SLICE("short");
    write_file(&write);
    assert_int_equal(write.status, ERR_INVALID);
    assert_int_equal(write.errors.count, 1);
    assert_string_equal(write.errors.items[0].pointer, "/passphrase");
    assert_string_equal(write.errors.items[0].code, "sealed.passphrase");
    assert_non_null(strstr(write.error.text, "12 to 1024"));
    assert_int_equal(buf_len(&write.text), 0);
    file_ctl_write_finish(&write);

    /* A file that lacks a key would be found out on the day it is needed. `dir` has one of two. */
    struct file_ctl *other = file_ctl_create(&engine, dir);
    for (size_t i = 0; i < 2; i++) {
        struct buf pem;
        buf_init_secret(&pem, 0);
        char *spki = slice_dup(config->certificates.items[0].keys.items[i].spki);
        assert_int_equal(key_load_pem(keys_dir, spki, &pem, NULL), 0);
        assert_int_equal(key_store_pem(dir, spki, buf_slice(&pem), NULL), 0);
        write = writing(true);
        assert_int_equal(file_ctl_write(other, &write), 0);
        wait_for_letter();
        assert_int_equal(write.status, ERR_NOT_FOUND);
        assert_int_equal(write.errors.count, 0);
        assert_non_null(strstr(write.error.text, ".pem: no such file"));
        assert_int_equal(buf_len(&write.text), 0);
        file_ctl_write_finish(&write);
        char *path = mem_printf("%s/%s.pem", dir, spki);
        assert_int_equal(unlink(path), 0);
        free(path);
        free(spki);
        buf_finish(&pem);
    }
    file_ctl_destroy(other);
}

/* Expects one error; what it says in words is in `error` too. */
static void assert_refused(struct slice text, struct slice passphrase, const char *pointer,
                           const char *code)
{
    struct file_ctl_read read = reading(text, passphrase);
    read_file(&read);
    if (read.errors.count == 0)
        fail_msg("%s %s: not found", pointer, code);
    if (strcmp(read.errors.items[0].pointer, pointer) != 0 ||
        strcmp(read.errors.items[0].code, code) != 0)
        fail_msg("wanted %s %s, got %s %s: %s", pointer, code, read.errors.items[0].pointer,
                 read.errors.items[0].code, read.error.text);
    assert_int_equal(read.status, ERR_INVALID);
    assert_int_equal(read.errors.count, 1);
    assert_string_equal(read.errors.items[0].text, read.error.text);
    assert_null(read.document);
    assert_null(strstr(read.error.text, "hush"));
    file_ctl_read_finish(&read);
}

static void test_read_faults(void **state)
{
    (void)state;
    const struct {
        struct slice text;
        const char *code;
    } cases[] = {
        {SLICE(""), "json.syntax"},
        {SLICE("[]"), "value.type"},
        {SLICE("{\"system\": {}, \"system\": {}}"), "json.syntax"},
        {SLICE("{\"postern_sealed\": 2, \"all\": \"new\"}"), "sealed.version"},
        {SLICE("{\"postern_sealed\": 1, \"data\": "), "sealed.form"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_refused(cases[i].text, PASSPHRASE, "", cases[i].code);
    char *deep = mem_alloc(100);
    memset(deep, '[', 100);
    assert_refused(slice_of(deep, 100), SLICE(""), "", "json.depth");
    free(deep);
    char *large = mem_alloc(LIMIT_JSON_BYTES + 1);
    memset(large, ' ', LIMIT_JSON_BYTES + 1);
    assert_refused(slice_of(large, LIMIT_JSON_BYTES + 1), SLICE(""), "", "json.size");
    free(large);

    struct file_ctl_write write = writing(true);
    write_file(&write);
    struct slice text = buf_slice(&write.text);
    assert_refused(text, SLICE(""), "/passphrase", "file.passphrase");
    assert_refused(text, SLICE("correct horse batterx"), "/passphrase", "sealed.open");
    assert_refused(slice_of(text.p, text.len / 2), PASSPHRASE, "", "sealed.form");
    file_ctl_write_finish(&write);
}

/* Sealed by somebody who knows the passphrase, but not by us. */
static void test_content(void **state)
{
    (void)state;
    struct buf pem, escaped;
    buf_init_secret(&pem, 0);
    buf_init_secret(&escaped, 0);
    char *spki = slice_dup(first_spki());
    assert_int_equal(key_load_pem(keys_dir, spki, &pem, NULL), 0);
    for (const char *p = buf_cstr(&pem); *p != '\0'; p++)
        assert_true(*p == '\n' ? buf_append_str(&escaped, "\\n") : buf_append_char(&escaped, *p));
    char *good = mem_printf("{\"spki\":\"%s\",\"pem\":\"%s\"}", spki, buf_cstr(&escaped));
    char *more = mem_printf("{\"spki\":\"%s\",\"pem\":\"%s\",\"x\":\"hush\"}", spki, "hush");
    char *mismatch = mem_printf("{\"spki\":\"%.63sg\",\"pem\":\"%s\"}", spki, buf_cstr(&escaped));
    const struct {
        const char *content, *keys[3], *pointer, *code;
    } cases[] = {
        {"{\"configuration\":{\"a\":[]},\"keys\":[%s%s%s]}", {good, "", ""}, NULL, NULL},
        {"{\"configuration\":{},\"keys\":[%s%s%s]}", {"", "", ""}, NULL, NULL},
        {"{\"configuration\":{},\"keys\":[%s%s%s]}", {good, ",", good}, "/keys/1", "key.duplicate"},
        {"{\"configuration\":{},\"keys\":[%s%s%s]}", {mismatch, "", ""}, "/keys/0", "key.mismatch"},
        {"{\"configuration\":{},\"keys\":[%s%s%s]}", {good, ",", more}, "/keys/1", "value.type"},
        {"{\"configuration\":{},\"keys\":[%s%s%s]}", {good, ",", "7"}, "/keys/1", "value.type"},
        {"{\"configuration\":{},\"keys\":[%s%s%s]}",
         {"{\"spki\":\"\",\"pem\":\"hush\"}", "", ""},
         "/keys/0",
         "value.pattern"},
        {"{\"configuration\":{},\"keys\":{%s%s%s}}", {"", "", ""}, "", "value.type"},
        {"{\"configuration\":[],\"keys\":[%s%s%s]}", {"", "", ""}, "", "value.type"},
        {"{\"configuration\":{}%s%s%s}", {"", "", ""}, "", "value.type"},
        {"{\"configuration\":{},\"keys\":[],\"hush\":1%s%s%s}", {"", "", ""}, "", "value.type"},
        {"[\"hush\"%s%s%s]", {"", "", ""}, "", "json.syntax"},
        {"{\"configuration\":hush%s%s%s", {"", "", ""}, "", "json.syntax"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *parts[2] = {mem_strdup(cases[i].content), NULL};
        char *hole = strstr(parts[0], "%s%s%s");
        *hole = '\0';
        parts[1] = mem_printf("%s%s%s%s%s", parts[0], cases[i].keys[0], cases[i].keys[1],
                              cases[i].keys[2], hole + strlen("%s%s%s"));
        struct buf text;
        buf_init(&text, 0);
        assert_int_equal(
            sealed_seal(slice_str(parts[1]), PASSPHRASE, &fake_clock.clock, &FAST, &text, NULL),
            SEALED_FAULT_NONE);
        if (cases[i].code != NULL) {
            assert_refused(buf_slice(&text), PASSPHRASE, cases[i].pointer, cases[i].code);
        } else {
            struct file_ctl_read read = reading(buf_slice(&text), PASSPHRASE);
            read_file(&read);
            assert_int_equal(read.status, 0);
            assert_int_equal(read.key_count, cases[i].keys[0][0] != '\0');
            file_ctl_read_finish(&read);
        }
        buf_finish(&text);
        free(parts[0]);
        free(parts[1]);
    }
    free(good);
    free(more);
    free(mismatch);
    free(spki);
    buf_finish(&pem);
    buf_finish(&escaped);
}

static sem_t gate;

static void stand(struct work_job *job)
{
    (void)job;
    (void)sem_wait(&gate);
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    struct work_job stopper = {.run = stand};
    struct file_ctl_write write = writing(false), refused = writing(false);
    struct file_ctl_read read = reading(SLICE("{}"), SLICE(""));
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    assert_int_equal(work_submit(engine.workers, &stopper), 0);
    assert_int_equal(file_ctl_write(ctl, &write), 0);
    assert_int_equal(file_ctl_write(ctl, &refused), ERR_BUSY);
    file_ctl_write_finish(&refused);
    assert_int_equal(file_ctl_read(ctl, &read), ERR_BUSY);
    file_ctl_read_finish(&read);
    (void)sem_post(&gate);
    wait_for_letter();
    assert_int_equal(write.status, 0);
    file_ctl_write_finish(&write);
    read_file(&read);
    assert_int_equal(read.status, 0);
    file_ctl_read_finish(&read);
    (void)sem_destroy(&gate);
}

static void test_refusals(void **state)
{
    (void)state;
    struct file_ctl_read read = reading(SLICE("{}"), SLICE(""));
    struct work_pool *workers = engine.workers;
    engine.workers = work_pool_create(1, 0); /* always full */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(file_ctl_read(ctl, &read), ERR_BUSY);
        file_ctl_read_finish(&read);
    }
    work_pool_destroy(engine.workers);
    engine.workers = workers;
    atomic_store(&engine.is_ending, true);
    assert_int_equal(file_ctl_read(ctl, &read), ERR_CLOSED);
    file_ctl_read_finish(&read);
    atomic_store(&engine.is_ending, false);
    read_file(&read);
    assert_int_equal(read.status, 0);
    file_ctl_read_finish(&read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_store_refuses), cmocka_unit_test(test_write_faults),
        cmocka_unit_test(test_read_faults),   cmocka_unit_test(test_content),
        cmocka_unit_test(test_one_at_a_time), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
