/* The configuration file: see file_ctl.h.
 *
 * The workers own a request from work_submit until its letter is posted. `is_busy` is given back
 * before that, because with the letter the request may be gone.
 *
 * Private keys are in secret buffers on the way out. On the way in they are in the JSON of the
 * sealed file's content, whose memory config_json_init makes Jansson wipe. Nothing that is said
 * about a file quotes what was sealed in it. */
#include "control/file_ctl.h"

#include <stdatomic.h>

#include "base/limits.h"
#include "base/mem.h"
#include "engine/engine.h"

_Static_assert(SEALED_TEXT_MAX == LIMIT_JSON_BYTES, "one cap for both kinds of file");

struct file_ctl {
    struct engine *engine;
    char *keys_dir;
    _Atomic bool is_busy;
};

struct file_ctl *file_ctl_create(struct engine *engine, const char *keys_dir)
{
    struct file_ctl *ctl = MEM_NEW(struct file_ctl);
    ctl->engine = engine;
    ctl->keys_dir = mem_strdup(keys_dir);
    return ctl;
}

void file_ctl_destroy(struct file_ctl *ctl)
{
    if (ctl == NULL)
        return;
    free(ctl->keys_dir);
    free(ctl);
}

static int begin(struct file_ctl *ctl, struct work_job *job, void (*run)(struct work_job *job))
{
    if (atomic_load(&ctl->engine->is_ending))
        return ERR_CLOSED;
    if (atomic_exchange(&ctl->is_busy, true))
        return ERR_BUSY;
    job->run = run;
    int r = work_submit(ctl->engine->workers, job);
    if (r == 0)
        return 0;
    atomic_store(&ctl->is_busy, false);
    return r == ERR_CLOSED ? ERR_CLOSED : ERR_BUSY;
}

static void end(struct file_ctl *ctl, struct mailbox *box, struct letter *letter)
{
    atomic_store(&ctl->is_busy, false);
    bool is_posted = mailbox_post(box, letter);
    ASSERT(is_posted); /* the box stays open until the workers ended */
}

/* The status for what is wrong with a file or a passphrase. */
static int fail(struct config_errors *errors, struct error *error, const char *pointer,
                const char *code, const char *text)
{
    config_errors_add(errors, pointer, code, "%s", text);
    return error_set(error, ERR_INVALID, "%s", errors->items[0].text);
}

/* The same for what sealed.h found, whose words are in ERROR. */
static int fail_sealed(struct config_errors *errors, struct error *error, enum sealed_fault fault)
{
    bool is_passphrase = fault == SEALED_FAULT_PASSPHRASE || fault == SEALED_FAULT_OPEN;
    if (fault == SEALED_FAULT_MEMORY)
        return ERR_BUSY;
    struct error found = *error;
    return fail(errors, error, is_passphrase ? "/passphrase" : "", sealed_fault_code(fault),
                found.text);
}

/* --- writing --- */

static int compare_slices(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    ASSERT(x->len == KEY_SPKI_HEX && y->len == KEY_SPKI_HEX); /* cfg_check_spki */
    return memcmp(x->p, y->p, KEY_SPKI_HEX);
}

/* The SPKI of every key that CONFIG names, sorted, each once; the caller frees the array. */
static struct slice *named_keys(const struct config *config, size_t *ret_count)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < config->certificates.count; i++)
        count += config->certificates.items[i].keys.count;
    struct slice *keys = mem_array(count + 1, sizeof(*keys));
    count = 0;
    for (size_t i = 0; i < config->certificates.count; i++) {
        const struct cfg_certificate *certificate = &config->certificates.items[i];
        for (size_t j = 0; j < certificate->keys.count; j++)
            keys[count++] = certificate->keys.items[j].spki;
    }
    qsort(keys, count, sizeof(*keys), compare_slices);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_slices(&keys[kept - 1], &keys[i]) != 0)
            keys[kept++] = keys[i];
    *ret_count = kept;
    return keys;
}

/* PEM is lines of base64 and dashes (RFC 7468 3): a line's end is all that JSON wants escaped. */
static void append_pem(struct buf *out, struct slice pem)
{
    while (pem.len > 0) {
        bool is_line = slice_find(pem, '\n') < pem.len;
        struct slice line = slice_cut(&pem, '\n');
        ASSERT(slice_find(line, '"') == line.len && slice_find(line, '\\') == line.len);
        (void)buf_append_slice(out, line); /* no cap */
        if (is_line)
            (void)buf_append_str(out, "\\n");
    }
}

static int append_key(const char *keys_dir, struct slice spki, bool is_first, struct buf *out,
                      struct error *reterr)
{
    struct buf pem;
    buf_init_secret(&pem, KEY_FILE_MAX);
    char *name = slice_dup(spki);
    int r = key_load_pem(keys_dir, name, &pem, reterr);
    if (r == 0) {
        (void)buf_printf(out, "%s\n{\"spki\":\"%s\",\"pem\":\"", is_first ? "" : ",", name);
        append_pem(out, buf_slice(&pem));
        (void)buf_append_str(out, "\"}");
    }
    free(name);
    buf_finish(&pem);
    return r;
}

/* What is sealed: the document and the keys it names. */
static int render_content(const struct config *config, const char *keys_dir, struct buf *out,
                          struct error *reterr)
{
    size_t count;
    struct slice *keys = named_keys(config, &count);
    int r = 0;
    if (count > FILE_CTL_KEYS_MAX)
        r = error_set(reterr, ERR_FULL, "there are %zu private keys, a file holds %d", count,
                      FILE_CTL_KEYS_MAX);
    (void)buf_append_str(out, "{\"configuration\":\n");
    config_render(config, out);
    (void)buf_append_str(out, ",\"keys\":[");
    for (size_t i = 0; i < count && r == 0; i++)
        r = append_key(keys_dir, keys[i], i == 0, out, reterr);
    (void)buf_append_str(out, "]}\n");
    free(keys);
    return r;
}

static int write_sealed(struct file_ctl_write *write)
{
    const struct file_ctl *ctl = write->ctl;
    struct buf content;
    buf_init_secret(&content, 0);
    int r = render_content(write->kept, ctl->keys_dir, &content, &write->error);
    if (r == 0) {
        enum sealed_fault fault =
            sealed_seal(buf_slice(&content), write->passphrase, ctl->engine->clock, write->cost,
                        &write->text, &write->error);
        if (fault != SEALED_FAULT_NONE)
            r = fail_sealed(&write->errors, &write->error, fault);
    }
    buf_finish(&content);
    return r;
}

static int write_plain(struct file_ctl_write *write)
{
    config_render(write->kept, &write->text);
    if (buf_len(&write->text) <= LIMIT_JSON_BYTES)
        return 0;
    return fail(&write->errors, &write->error, "", "json.size",
                "the configuration is too large for a file");
}

static void run_write(struct work_job *job)
{
    struct file_ctl_write *write = CONTAINER_OF(job, struct file_ctl_write, job);
    write->status = write->wants_sealed ? write_sealed(write) : write_plain(write);
    end(write->ctl, write->box, &write->letter);
}

int file_ctl_write(struct file_ctl *ctl, struct file_ctl_write *write)
{
    write->ctl = ctl;
    write->kept = config_ref(write->config);
    config_errors_init(&write->errors);
    buf_init(&write->text, 0);
    return begin(ctl, &write->job, run_write);
}

void file_ctl_write_finish(struct file_ctl_write *write)
{
    config_unref(write->kept);
    config_errors_finish(&write->errors);
    buf_finish(&write->text);
}

/* --- reading --- */

static int fail_read(struct file_ctl_read *read, const char *pointer, const char *code,
                     const char *text)
{
    return fail(&read->errors, &read->error, pointer, code, text);
}

static bool has_key(const struct file_ctl_read *read, const char *spki)
{
    for (size_t i = 0; i < read->key_count; i++)
        if (strcmp(read->keys[i].spki, spki) == 0)
            return true;
    return false;
}

/* The entry AT of "keys"; an error is added to what is wrong and the next one is read. */
static void read_key(struct file_ctl_read *read, size_t at, json_t *json)
{
    char pointer[64];
    const char *spki, *pem;
    size_t spki_len, pem_len;
    struct key *key = NULL;
    struct error error;
    int r = json_unpack_ex(json, NULL, JSON_STRICT, "{s:s%, s:s%}", "spki", &spki, &spki_len, "pem",
                           &pem, &pem_len);
    (void)snprintf(pointer, sizeof(pointer), "/keys/%zu", at);
    if (r < 0) {
        (void)fail_read(read, pointer, "value.type", "must be an object of \"spki\" and \"pem\"");
        return;
    }
    r = key_import_pem(slice_of(pem, pem_len), &key, &error);
    if (r < 0) {
        (void)fail_read(read, pointer, "value.pattern", error.text);
        return;
    }
    if (strcmp(key_spki(key), spki) != 0) {
        (void)fail_read(read, pointer, "key.mismatch", "the private key does not fit its \"spki\"");
    } else if (has_key(read, spki)) {
        (void)fail_read(read, pointer, "key.duplicate", "the same private key stands there twice");
    } else {
        struct file_ctl_key *kept = &read->keys[read->key_count++];
        (void)snprintf(kept->spki, sizeof(kept->spki), "%s", spki);
        kept->pem = slice_of(pem, pem_len);
    }
    key_destroy(key);
}

/* What was sealed, as JSON. */
static int read_content(struct file_ctl_read *read, json_t *content)
{
    json_t *document, *keys;
    int r = json_unpack_ex(content, NULL, JSON_STRICT, "{s:o, s:o}", "configuration", &document,
                           "keys", &keys);
    if (r < 0 || !json_is_object(document) || !json_is_array(keys))
        return fail_read(read, "", "value.type",
                         "what is sealed must be an object of \"configuration\", an object, and "
                         "\"keys\", an array");
    size_t count = json_array_size(keys);
    if (count > FILE_CTL_KEYS_MAX)
        return fail_read(read, "/keys", "value.length", "there are more private keys than allowed");
    read->kept = json_incref(keys);
    read->keys = mem_array(count + 1, sizeof(*read->keys));
    for (size_t i = 0; i < count; i++)
        read_key(read, i, json_array_get(keys, i));
    if (read->errors.count > 0)
        return ERR_INVALID;
    read->document = json_incref(document);
    return 0;
}

static int read_sealed(struct file_ctl_read *read)
{
    struct buf plain;
    struct config_errors errors; /* may quote the content: not shown */
    if (read->passphrase.len == 0)
        return fail_read(read, "/passphrase", "file.passphrase",
                         "the file is sealed: it takes a passphrase to open it");
    config_errors_init(&errors);
    buf_init_secret(&plain, 0);
    json_t *content = NULL;
    int r = 0;
    enum sealed_fault fault = sealed_open(read->text, read->passphrase, NULL, &plain, &read->error);
    if (fault != SEALED_FAULT_NONE)
        r = fail_sealed(&read->errors, &read->error, fault);
    else
        content = config_json_load(buf_slice(&plain), &errors);
    buf_finish(&plain);
    if (content != NULL)
        r = read_content(read, content);
    else if (r == 0)
        r = fail_read(read, "", "json.syntax",
                      "what is sealed is no JSON object within the limits");
    json_decref(content);
    config_errors_finish(&errors);
    return r;
}

static int read_text(struct file_ctl_read *read)
{
    if (read->text.len > LIMIT_JSON_BYTES)
        return fail_read(read, "", "json.size", "the file is larger than 32 MiB");
    read->is_sealed = sealed_is_sealed(read->text);
    if (read->is_sealed)
        return read_sealed(read);
    read->document = config_json_load(read->text, &read->errors);
    if (read->document != NULL)
        return 0;
    return error_set(&read->error, ERR_INVALID, "%s", read->errors.items[0].text);
}

static void run_read(struct work_job *job)
{
    struct file_ctl_read *read = CONTAINER_OF(job, struct file_ctl_read, job);
    read->status = read_text(read);
    end(read->ctl, read->box, &read->letter);
}

int file_ctl_read(struct file_ctl *ctl, struct file_ctl_read *read)
{
    read->ctl = ctl;
    read->is_sealed = false;
    read->document = read->kept = NULL;
    read->keys = NULL;
    read->key_count = 0;
    config_errors_init(&read->errors);
    return begin(ctl, &read->job, run_read);
}

void file_ctl_read_finish(struct file_ctl_read *read)
{
    json_decref(read->document);
    json_decref(read->kept);
    free(read->keys);
    config_errors_finish(&read->errors);
}

int file_ctl_store_keys(struct file_ctl *ctl, const struct file_ctl_key *keys, size_t count,
                        struct error *reterr)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = key_store_pem(ctl->keys_dir, keys[i].spki, keys[i].pem, reterr);
    return r;
}
