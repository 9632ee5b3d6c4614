/* The configuration file: downloaded plain or sealed, loaded whole or by section into a draft.
 *
 * Made and read on a worker (control/file_ctl.h). What is loaded must be valid as a whole with what
 * it is loaded over; it becomes the draft's difference to what runs, and changes nothing else. Keys
 * of a sealed file are stored when the draft has taken the rest: unused they do no harm. */
#include "api/api_priv.h"
#include "api/call_priv.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/person.h"
#include "api/target.h"
#include "api/tell.h"
#include "control/control.h"

enum { PASSPHRASE_MAX = 1024 };

static struct file_ctl *file_of(struct api_call *call)
{
    return call->api->settings.control->file;
}

/* What could not be begun. */
static void problem_busy(struct api_call *call, int r)
{
    api_exchange_reply_field(call->exchange, "Retry-After", SLICE("1"));
    problem(call, 503, "file.busy", "%s",
            r == ERR_CLOSED ? "the gateway is going down"
                            : "another file is being made or read; try again in a second");
}

/* --- download --- */

struct download {
    struct file_ctl_write write;
    struct api_call *call;
    const struct config *config;
    char *passphrase;
};

static void download_end(struct download *self)
{
    file_ctl_write_finish(&self->write);
    config_unref(self->config);
    if (self->passphrase != NULL)
        mem_wipe(self->passphrase, strlen(self->passphrase));
    free(self->passphrase);
    free(self);
}

static void file_made(struct letter *letter)
{
    struct file_ctl_write *write = CONTAINER_OF(letter, struct file_ctl_write, letter);
    struct download *self = CONTAINER_OF(write, struct download, write);
    struct api_call *call = self->call;

    if (write->status == ERR_INVALID) {
        problem_errors(call, "file.invalid", &write->errors);
    } else if (write->status < 0) {
        problem_failed(call, &write->error);
    } else {
        api_exchange_reply_field(call->exchange, "Content-Disposition",
                                 write->wants_sealed
                                     ? SLICE("attachment; filename=\"postern-sealed.json\"")
                                     : SLICE("attachment; filename=\"postern.json\""));
        respond_bytes(call, "application/json", buf_slice(&write->text));
    }
    download_end(self);
}

static void start_download(struct api_call *call, char *passphrase)
{
    struct download *self = MEM_NEW(struct download);

    self->call = call;
    self->passphrase = passphrase;
    self->config = config_ref(call_running(call));
    self->write.config = self->config;
    self->write.wants_sealed = passphrase != NULL;
    self->write.passphrase = slice_str(passphrase);
    self->write.box = call->api->settings.main;
    self->write.letter.run = file_made;
    int r = file_ctl_write(file_of(call), &self->write);
    if (r == 0)
        return;
    problem_busy(call, r);
    download_end(self);
}

void api_config_file(struct api_call *call)
{
    start_download(call, NULL);
}

/* A passphrase of the body, copied and wiped there; false: answered. NULL: none was given. */
static bool take_passphrase(struct api_call *call, bool is_required, char **ret_passphrase)
{
    const char *text = call_text(call, "passphrase", is_required, PASSPHRASE_MAX);

    *ret_passphrase = NULL;
    if (text == NULL)
        return false;
    if (text[0] == '\0')
        return true;
    *ret_passphrase = mem_strdup(text);
    mem_wipe((void *)(uintptr_t)text, strlen(text)); /* Jansson's copy, which nobody reads again */
    return true;
}

void api_config_file_seal(struct api_call *call)
{
    char *passphrase;

    if (person_is_proved(call) && take_passphrase(call, true, &passphrase))
        start_download(call, passphrase);
}

/* --- load --- */

struct load {
    struct file_ctl_read read;
    struct api_call *call;
    char *text, *passphrase;
};

static void load_end(struct load *self)
{
    file_ctl_read_finish(&self->read);
    if (self->passphrase != NULL)
        mem_wipe(self->passphrase, strlen(self->passphrase));
    free(self->passphrase);
    free(self->text);
    free(self);
}

static bool is_wanted(const struct api_call *call, const char *section)
{
    struct slice list = call->params[API_PARAM_SECTIONS];

    if (!call_has(call, API_PARAM_SECTIONS))
        return true;
    while (list.len > 0)
        if (slice_eq(slice_cut(&list, ','), slice_str(section)))
            return true;
    return false;
}

/* WHOLE with the wanted sections of FILE in it. */
static void lay_over(struct api_call *call, json_t *whole, const json_t *file,
                     struct config_errors *errors)
{
    bool is_merge = slice_eq(call->params[API_PARAM_MODE], SLICE("merge"));

    for (void *it = json_object_iter((json_t *)(size_t)file); it != NULL;
         it = json_object_iter_next((json_t *)(size_t)file, it)) {
        const char *name = json_object_iter_key(it);
        json_t *value = json_object_iter_value(it);
        enum cfg_section section = config_section_find(slice_str(name));
        if (section == CFG_SECTION_COUNT) {
            struct buf pointer;
            buf_init(&pointer, 0);
            config_pointer_append(&pointer, slice_str(name));
            config_errors_add(errors, buf_cstr(&pointer), "key.unknown", "is no section");
            buf_finish(&pointer);
        } else if (!is_wanted(call, name)) {
            continue;
        } else if (!is_merge || config_section_traits(section).is_singleton ||
                   !json_is_array(value)) {
            (void)json_object_set(whole, name, value); /* what is no list the codec refuses */
        } else {
            (void)json_object_set_new(
                whole, name, overlay_lay_over(section, json_object_get(whole, name), value));
        }
    }
}

/* The configuration that the draft is to lead to; NULL: answered. */
static struct config *wanted_config(struct api_call *call, const struct overlay *view,
                                    const json_t *file)
{
    struct config_errors errors, found;
    struct config *wanted = NULL;
    json_t *whole = json_deep_copy(view->document);

    config_errors_init(&errors);
    config_errors_init(&found);
    lay_over(call, whole, file, &errors);
    char *text = json_dumps(whole, JSON_COMPACT);
    if (errors.count == 0)
        wanted = config_parse(slice_str(text), &found);
    if (wanted != NULL && !config_validate(wanted, &found)) {
        config_unref(wanted);
        wanted = NULL;
    }
    overlay_name_errors(whole, &found, &errors);
    if (wanted == NULL)
        problem_errors(call, "config.invalid", &errors);
    free(text);
    json_decref(whole);
    config_errors_finish(&found);
    config_errors_finish(&errors);
    return wanted;
}

/* False: answered. */
static bool store_keys(struct load *self)
{
    struct error error;

    if (file_ctl_store_keys(file_of(self->call), self->read.keys, self->read.key_count, &error) ==
        0)
        return true;
    problem_failed(self->call, &error);
    return false;
}

/* Stages what leads from the running configuration to WANTED. */
static void stage(struct load *self, struct api_target *target, const struct config *wanted)
{
    struct api_call *call = self->call;
    const struct config *running = target->view->running;
    struct overlay_item *items;
    size_t count;

    overlay_items_between(running, wanted, call_arena(call), &items, &count);
    struct overlay *overlay = overlay_create(running, items, count, NULL);
    bool is_staged =
        call_is_dry(call) || (store_keys(self) && target_replace(call, target, items, count));
    if (is_staged)
        respond_diff(call, overlay);
    overlay_destroy(overlay);
    overlay_items_finish(items, count);
}

static void take_document(void *owner)
{
    struct load *self = owner;
    struct api_call *call = self->call;
    struct api_target target = {0};
    struct slice name =
        call_has(call, API_PARAM_DRAFT) ? call->params[API_PARAM_DRAFT] : SLICE("me");

    if (self->read.key_count > 0 && !auth_require(call, SCOPE_CERTIFICATES_WRITE))
        return;
    if (!target_draft(call, name, &target.draft, &target.is_draft_new) ||
        !target_overlay(call, target.is_draft_new ? NULL : &target.draft, NULL, &target.view))
        return;
    struct config *wanted = wanted_config(call, target.view, self->read.document);
    if (wanted != NULL)
        stage(self, &target, wanted);
    config_unref(wanted);
    target_close(&target);
}

static void file_read_done(struct letter *letter)
{
    struct file_ctl_read *read = CONTAINER_OF(letter, struct file_ctl_read, letter);
    struct load *self = CONTAINER_OF(read, struct load, read);

    if (read->status == ERR_INVALID)
        problem_errors(self->call, "file.invalid", &read->errors);
    else if (read->status < 0)
        problem_failed(self->call, &read->error);
    else
        audit_run(self->call, take_document, self);
    load_end(self);
}

static bool check_load(struct api_call *call)
{
    struct slice list = call->params[API_PARAM_SECTIONS];

    while (list.len > 0) {
        struct slice name = slice_cut(&list, ',');
        if (config_section_find(name) != CFG_SECTION_COUNT)
            continue;
        problem(call, 400, "query.word", "there is no section `%.*s`", SLICE_ARGS(name));
        return false;
    }
    return true;
}

void api_config_file_load(struct api_call *call)
{
    char *passphrase;

    if (!check_load(call) || !take_passphrase(call, false, &passphrase))
        return;
    struct load *self = MEM_NEW(struct load);
    self->call = call;
    self->passphrase = passphrase;
    self->text = json_dumps(json_object_get(call->body, "file"), JSON_COMPACT | JSON_ENCODE_ANY);
    self->read.text = slice_str(self->text);
    self->read.passphrase = slice_str(passphrase == NULL ? "" : passphrase);
    self->read.box = call->api->settings.main;
    self->read.letter.run = file_read_done;
    int r = file_ctl_read(file_of(call), &self->read);
    if (r == 0)
        return;
    problem_busy(call, r);
    load_end(self);
}
