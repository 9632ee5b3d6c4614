/* The key store: made, found by public key, never confused, never left half. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "dir_help.h"
#include "pki/cert.h"
#include "pki/demo.h"
#include "pki/served.h"

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/postern-key-XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return help_dir_remove(dir);
}

static void test_store_and_load(void **state)
{
    (void)state;
    static const enum key_type types[] = {KEY_TYPE_ECDSA_P256, KEY_TYPE_ECDSA_P384, KEY_TYPE_RSA};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct key *key = NULL, *loaded = NULL;
        struct error error = {0};
        assert_int_equal(key_generate(types[i], &key, &error), 0);
        assert_int_equal(key_get_type(key), types[i]);
        assert_int_equal(strlen(key_spki(key)), KEY_SPKI_HEX);
        assert_int_equal(key_load(dir, key_spki(key), &loaded, &error), ERR_NOT_FOUND);
        assert_int_equal(key_store(dir, key, &error), 0);
        assert_int_equal(key_store(dir, key, &error), 0);
        char *path = mem_printf("%s/%s.pem", dir, key_spki(key));
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        free(path);
        assert_int_equal(key_load(dir, key_spki(key), &loaded, &error), 0);
        assert_string_equal(key_spki(loaded), key_spki(key));
        assert_int_equal(key_get_type(loaded), types[i]);
        key_destroy(loaded);
        key_destroy(key);
    }
}

static void test_bad_files(void **state)
{
    (void)state;
    struct key *key = NULL, *other = NULL, *loaded = NULL;
    struct error error = {0};
    assert_int_equal(key_generate(KEY_TYPE_ECDSA_P256, &key, NULL), 0);
    assert_int_equal(key_generate(KEY_TYPE_ECDSA_P256, &other, NULL), 0);
    assert_int_equal(key_store(dir, key, NULL), 0);
    char *from = mem_printf("%s/%s.pem", dir, key_spki(key));
    char *to = mem_printf("%s/%s.pem", dir, key_spki(other));
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(key_load(dir, key_spki(other), &loaded, &error), ERR_INVALID);
    assert_int_equal(file_replace(to, SLICE("not a key"), 0600, NULL), 0);
    assert_int_equal(key_load(dir, key_spki(other), &loaded, &error), ERR_INVALID);
    assert_int_equal(key_load(dir, "../../etc/passwd", &loaded, &error), ERR_INVALID);
    assert_null(loaded);
    free(from);
    free(to);
    key_destroy(key);
    key_destroy(other);
    key_destroy(NULL);
}

static char *path_of(const struct key *key)
{
    return mem_printf("%s/%s.pem", dir, key_spki(key));
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* What goes into a sealed file on one machine and comes out of it on another. */
static void test_export(void **state)
{
    (void)state;
    static const enum key_type types[] = {KEY_TYPE_ECDSA_P256, KEY_TYPE_RSA};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct key *key = NULL, *loaded = NULL;
        struct error error = {0};
        struct buf pem;
        buf_init_secret(&pem, 0);
        assert_int_equal(key_generate(types[i], &key, NULL), 0);
        const char *spki = key_spki(key);
        char *path = path_of(key);
        assert_int_equal(key_load_pem(dir, spki, &pem, &error), ERR_NOT_FOUND);
        assert_int_equal(key_store(dir, key, NULL), 0);
        assert_int_equal(key_load_pem(dir, spki, &pem, &error), 0);
        assert_non_null(strstr(buf_cstr(&pem), "-----BEGIN PRIVATE KEY-----\n"));

        assert_int_equal(unlink(path), 0);
        assert_int_equal(key_store_pem(dir, spki, buf_slice(&pem), &error), 0);
        ino_t inode = inode_of(path);
        assert_true(inode != 0);
        assert_int_equal(key_load(dir, spki, &loaded, &error), 0);
        key_destroy(loaded);

        /* Again: nothing is written. */
        assert_int_equal(key_store_pem(dir, spki, buf_slice(&pem), &error), 0);
        assert_true(inode_of(path) == inode);
        /* Over a damaged one: it is mended. */
        assert_int_equal(file_replace(path, SLICE("not a key"), 0600, NULL), 0);
        assert_int_equal(key_store_pem(dir, spki, buf_slice(&pem), &error), 0);
        assert_int_equal(key_load(dir, spki, &loaded, &error), 0);
        key_destroy(loaded);
        free(path);
        key_destroy(key);
        buf_finish(&pem);
    }
}

static void test_import_of_another(void **state)
{
    (void)state;
    struct key *key = NULL, *other = NULL;
    struct error error = {0};
    struct buf pem;
    buf_init_secret(&pem, 0);
    assert_int_equal(key_generate(KEY_TYPE_ECDSA_P256, &key, NULL), 0);
    assert_int_equal(key_generate(KEY_TYPE_ECDSA_P256, &other, NULL), 0);
    assert_int_equal(key_export_pem(other, &pem, NULL), 0);
    char *path = path_of(key), *other_path = path_of(other);
    assert_int_equal(key_store_pem(dir, key_spki(key), buf_slice(&pem), &error), ERR_INVALID);
    assert_non_null(strstr(error.text, key_spki(other)));
    assert_true(inode_of(path) == 0 && inode_of(other_path) == 0);
    assert_int_equal(key_store_pem(dir, "../x", buf_slice(&pem), &error), ERR_INVALID);
    assert_null(strstr(error.text, "../x"));
    assert_int_equal(key_store_pem(dir, key_spki(key), SLICE("no key"), &error), ERR_INVALID);
    assert_true(inode_of(path) == 0);
    free(path);
    free(other_path);
    key_destroy(key);
    key_destroy(other);
    buf_finish(&pem);
}

static void test_demo(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 1700000000000);
    struct demo_pair pairs[DEMO_PAIRS] = {0};
    struct error error = {0};
    assert_int_equal(demo_make(dir, "bad host", &fake.clock, pairs, &error), ERR_INVALID);
    assert_int_equal(demo_make(dir, "gw.example.test", &fake.clock, pairs, &error), 0);
    struct slice chains[DEMO_PAIRS];
    for (int i = 0; i < DEMO_PAIRS; i++) {
        struct cert_info *info = NULL;
        chains[i] = slice_str(pairs[i].chain_pem);
        assert_true(demo_is_demo(chains[i]));
        assert_int_equal(cert_info_parse(chains[i], &info, &error), 0);
        assert_string_equal(info->spki, pairs[i].spki);
        assert_string_equal(info->subject_cn, "gw.example.test");
        assert_true(info->is_self_signed);
        assert_false(info->is_ca);
        assert_int_equal(info->not_before_s, 1700000000 - 3600);
        assert_int_equal(info->not_after_s, 1700000000 + (int64_t)DEMO_DAYS * 86400);
        assert_int_equal(info->name_count, 4);
        assert_int_equal(cert_info_match(info, "GW.example.test", false), CERT_MATCH_SAN);
        assert_int_equal(cert_info_match(info, "127.0.0.1", false), CERT_MATCH_SAN);
        assert_int_equal(cert_info_match(info, "::1", false), CERT_MATCH_SAN);
        assert_int_equal(cert_info_match(info, "::2", true), CERT_MATCH_NONE);
        cert_info_destroy(info);
    }
    assert_int_equal(pairs[0].key_type, KEY_TYPE_ECDSA_P256);
    assert_int_equal(pairs[1].key_type, KEY_TYPE_RSA);

    struct served *served = NULL;
    assert_int_equal(served_load(dir, chains, DEMO_PAIRS, &served, &error), 0);
    served_unref(served_ref(served));
    served_unref(served);
    served = NULL;
    struct slice twice[] = {chains[0], chains[0]};
    assert_int_equal(served_load(dir, twice, 2, &served, &error), ERR_INVALID);
    assert_int_equal(served_load("/nonexistent", chains, 1, &served, &error), ERR_NOT_FOUND);

    struct key *other = NULL;
    assert_int_equal(key_generate(KEY_TYPE_ECDSA_P256, &other, NULL), 0);
    struct served_pair wrong = {chains[0], other};
    assert_int_equal(served_create(&wrong, 1, &served, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "belongs to the key"));
    assert_null(served);
    key_destroy(other);
    for (int i = 0; i < DEMO_PAIRS; i++)
        demo_pair_finish(&pairs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_and_load), cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_export),         cmocka_unit_test(test_import_of_another),
        cmocka_unit_test(test_demo),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
