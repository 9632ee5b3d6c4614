/* config get, set, delete, order, and sethostname: objects of sections, as the schema has them.
 *
 * What is written goes into the draft `me` of whoever calls; nothing here makes it live. */
#include "cli/cli_priv.h"
#include "cli/fields.h"
#include "cli/text.h"

#define DRAFT_ME "me"

/* The section under way, and what the path to one of its objects needs. */
struct place {
    json_t *schema; /* a reference */
    struct cli_section section;
    const char *key; /* NULL: none was given */
    const char *listener;
    bool is_certificate; /* they have paths of their own */
};

static const char *draft_of(const struct cli *cli)
{
    return cli_has(cli, CLI_OPTION_DRAFT) ? DRAFT_ME : NULL;
}

static void tell_sections(struct cli *cli, const json_t *schema, const char *name)
{
    const json_t *sections = json_object_get(schema, "sections");
    struct buf list;

    buf_init(&list, 0);
    for (size_t i = 0; i < json_array_size(sections); i++)
        (void)buf_printf(&list, "%s%s", i == 0 ? "" : ", ",
                         cli_text(json_array_get(sections, i), "name"));
    cli_usage_error(cli, "there is no section `%s`; there are: %s", name, buf_cstr(&list));
    buf_finish(&list);
}

/* The section of the first argument; false: told why not. */
static bool open_section(struct cli *cli, struct place *ret_place)
{
    const json_t *schema = cli_call(cli, &(struct cli_request){.route = CLI_ROUTE_schema});
    struct place place = {.listener = cli->options[CLI_OPTION_LISTENER]};
    const char *name = cli_arg(cli, 0);

    if (schema == NULL)
        return false;
    if (!cli_section_find(schema, name, &place.section)) {
        tell_sections(cli, schema, name);
        return false;
    }
    if (place.listener != NULL && !place.section.is_per_listener) {
        cli_usage_error(cli, "%s are not kept per listener: leave --listener out", name);
        return false;
    }
    place.schema = json_incref(cli->json);
    place.is_certificate = strcmp(place.section.name, "certificates") == 0;
    *ret_place = place;
    return true;
}

static void close_place(struct place *place)
{
    json_decref(place->schema);
}

static bool needs_listener(struct cli *cli, const struct place *place)
{
    if (!place->section.is_per_listener || place->listener != NULL)
        return false;
    cli_usage_error(cli, "%s is kept per listener: say --listener NAME", place->section.name);
    return true;
}

/* Takes argument 1 as the key, where the section has keys. */
static bool take_key(struct cli *cli, struct place *place)
{
    place->key = place->section.is_singleton ? NULL : cli_arg(cli, 1);
    if (place->key == NULL && !place->section.is_singleton) {
        cli_usage_error(cli, "%s has many objects: say which one, its %s", place->section.name,
                        place->section.key);
        return false;
    }
    return place->key == NULL || !needs_listener(cli, place);
}

/* `set listeners port=25` means no listener of that name. */
static bool is_assignment(const struct place *place)
{
    struct slice rest = place->key == NULL ? SLICE("") : slice_str(place->key);
    size_t len = rest.len;
    struct slice name = slice_cut(&rest, '=');

    return name.len < len && cli_field_find(place->section.rows, name) != NULL;
}

/* The request for PLACE; ROUTE is that of an object, CERTIFICATE what certificates have instead. */
static struct cli_request request_for(const struct place *place, enum cli_route route,
                                      enum cli_route certificate)
{
    struct cli_request request = {.route = route, .values = {place->section.name, place->key}};

    if (place->is_certificate) {
        request.route = certificate;
        request.values[0] = place->key;
        request.values[1] = NULL;
    }
    request.params[0] = (struct cli_param){"listener", place->listener};
    return request;
}

/* --- get --- */

static void show_sections(struct cli *cli)
{
    const json_t *schema = cli_call(cli, &(struct cli_request){.route = CLI_ROUTE_schema});
    const json_t *sections = json_object_get(schema, "sections");
    struct cli_table table;

    if (schema == NULL || cli_prints_json(cli))
        return;
    cli_table_init(&table, 3);
    cli_table_cell(&table, SLICE("SECTION"));
    cli_table_cell(&table, SLICE("HOLDS"));
    cli_table_cell(&table, SLICE("FIELDS"));
    for (size_t i = 0; i < json_array_size(sections); i++) {
        const json_t *section = json_array_get(sections, i);
        const json_t *rows = json_object_get(section, "rows");
        bool is_singleton = json_is_true(json_object_get(section, "singleton"));
        bool is_per_listener = json_is_true(json_object_get(section, "per_listener"));
        struct buf fields;
        cli_table_cell(&table, slice_str(cli_text(section, "name")));
        cli_table_cell(&table, is_singleton      ? SLICE("one object")
                               : is_per_listener ? SLICE("objects of a listener")
                                                 : SLICE("objects"));
        buf_init(&fields, 0);
        for (size_t j = 0; j < json_array_size(rows); j++)
            (void)buf_printf(&fields, "%s%s", j == 0 ? "" : " ",
                             cli_text(json_array_get(rows, j), "key"));
        cli_table_cell(&table, buf_slice(&fields));
        buf_finish(&fields);
    }
    cli_table_show(&table, cli->width, &cli->out);
    cli_table_finish(&table);
}

/* The key first, as it is what the next command needs. */
static size_t order_rows(const struct place *place, const json_t **rows)
{
    size_t count = 1;

    for (size_t i = 0; i < json_array_size(place->section.rows); i++) {
        const json_t *row = json_array_get(place->section.rows, i);
        if (strcmp(cli_text(row, "key"), place->section.key) == 0)
            rows[0] = row;
        else
            rows[count++] = row;
    }
    return count;
}

/* Of a list of objects its first fields: a table tells which, a card all about them. */
static void list_cell(struct cli_table *table, const json_t *row, const json_t *value)
{
    const json_t *first = json_array_get(json_object_get(json_object_get(row, "item"), "rows"), 0);
    json_t *names = first == NULL ? NULL : json_array();

    for (size_t i = 0; names != NULL && i < json_array_size(value); i++)
        (void)json_array_append(names,
                                json_object_get(json_array_get(value, i), cli_text(first, "key")));
    cli_table_value(table, names == NULL ? value : names);
    json_decref(names);
}

static void show_objects(struct cli *cli, const struct place *place, const json_t *items)
{
    const json_t **rows =
        mem_array(json_array_size(place->section.rows) + 1, sizeof(const json_t *));
    size_t count = order_rows(place, rows);
    struct cli_table table;

    cli_table_init(&table, count);
    for (size_t c = 0; c < count; c++)
        cli_table_cell(&table, slice_str(cli_text(rows[c], "key")));
    for (size_t i = 0; i < json_array_size(items); i++)
        for (size_t c = 0; c < count; c++)
            list_cell(&table, rows[c],
                      json_object_get(json_array_get(items, i), cli_text(rows[c], "key")));
    cli_table_show(&table, cli->width, &cli->out);
    cli_table_finish(&table);
    free(rows);
}

static void show_list(struct cli *cli, const struct place *place)
{
    struct cli_request request =
        request_for(place, CLI_ROUTE_config_list, CLI_ROUTE_certificates_list);
    const char *limit = cli->options[CLI_OPTION_LIMIT];

    request.params[1] = (struct cli_param){"draft", draft_of(cli)};
    request.params[2] = (struct cli_param){"limit", limit == NULL ? "1000" : limit};
    request.params[3] = (struct cli_param){"cursor", cli->options[CLI_OPTION_CURSOR]};
    request.params[4] = (struct cli_param){"q", cli->options[CLI_OPTION_FIND]};
    const json_t *answer = cli_call(cli, &request);
    if (answer == NULL || cli_prints_json(cli))
        return;
    show_objects(cli, place, json_object_get(answer, "items"));
    cli_note_next(cli);
}

/* A field and its value, as `config set` takes them. */
static void show_object(struct cli *cli, const struct place *place, const json_t *object)
{
    const json_t *rows = place->section.rows;
    size_t width = 0;

    for (size_t i = 0; i < json_array_size(rows); i++) {
        size_t len = strlen(cli_text(json_array_get(rows, i), "key"));
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *key = cli_text(json_array_get(rows, i), "key");
        cli_card_line(key, width, json_object_get(object, key), &cli->out);
    }
}

static void show_one(struct cli *cli, struct place *place)
{
    if (!take_key(cli, place))
        return;
    struct cli_request request = request_for(
        place, place->key == NULL ? CLI_ROUTE_config_single_read : CLI_ROUTE_config_read,
        CLI_ROUTE_certificates_read);
    request.params[1] = (struct cli_param){"draft", draft_of(cli)};
    const json_t *object = cli_call(cli, &request);
    if (object != NULL && !cli_prints_json(cli))
        show_object(cli, place, object);
}

void cli_config_get(struct cli *cli)
{
    struct place place;

    if (cli_arg(cli, 0) == NULL) {
        show_sections(cli);
        return;
    }
    if (!open_section(cli, &place))
        return;
    if (place.section.is_singleton && cli_arg(cli, 1) != NULL)
        cli_usage_error(cli, "%s is one object, without a key", place.section.name);
    else if (place.section.is_singleton || cli_arg(cli, 1) != NULL)
        show_one(cli, &place);
    else
        show_list(cli, &place);
    close_place(&place);
}

/* --- set, delete --- */

/* The answer to a write: what the draft changes of this object now. */
static void show_written(struct cli *cli, const json_t *written)
{
    if (written == NULL || cli_prints_json(cli))
        return;
    if (json_array_size(json_object_get(written, "diff")) == 0) {
        (void)buf_append_str(&cli->out, "no change: that is what runs\n");
        return;
    }
    cli_show_diff(cli, json_object_get(written, "diff"));
    (void)buf_append_str(&cli->out, "in your draft; `postern commit` makes it live\n");
}

static json_t *without_nulls(const json_t *object)
{
    json_t *out = json_object();

    for (void *it = json_object_iter((json_t *)(size_t)object); it != NULL;
         it = json_object_iter_next((json_t *)(size_t)object, it))
        if (!json_is_null(json_object_iter_value(it)))
            (void)json_object_set(out, json_object_iter_key(it), json_object_iter_value(it));
    return out;
}

/* Fields into the object that is there, or into a new one. */
static void write_fields(struct cli *cli, const struct place *place, const json_t *fields)
{
    struct cli_request request = request_for(
        place, place->key == NULL ? CLI_ROUTE_config_single_patch : CLI_ROUTE_config_patch,
        CLI_ROUTE_certificates_patch);

    request.params[1] = (struct cli_param){"draft", DRAFT_ME};
    request.body = fields;
    request.tolerated = place->key == NULL ? 0 : 404;
    const json_t *written = cli_call(cli, &request);
    if (written == NULL && cli->exit_code == CLI_EXIT_OK) {
        json_t *whole = without_nulls(fields);
        request.route = place->is_certificate ? CLI_ROUTE_certificates_put : CLI_ROUTE_config_put;
        request.body = whole;
        request.tolerated = 0;
        written = cli_call(cli, &request);
        json_decref(whole);
    }
    show_written(cli, written);
}

void cli_config_set(struct cli *cli)
{
    struct place place;
    struct buf why;

    if (!open_section(cli, &place))
        return;
    if (!take_key(cli, &place)) {
        close_place(&place);
        return;
    }
    buf_init(&why, 0);
    if (is_assignment(&place)) {
        cli_usage_error(cli, "say which of the %s first, by its %s", place.section.name,
                        place.section.key);
    } else {
        size_t first = place.key == NULL ? 1 : 2;
        json_t *fields =
            cli_fields_read(place.section.rows, cli->args + first, cli->arg_count - first, &why);
        if (fields == NULL)
            cli_usage_error(cli, "%s", buf_cstr(&why));
        else
            write_fields(cli, &place, fields);
        json_decref(fields);
    }
    buf_finish(&why);
    close_place(&place);
}

void cli_config_delete(struct cli *cli)
{
    struct place place;

    if (!open_section(cli, &place))
        return;
    if (place.section.is_singleton) {
        cli_usage_error(cli, "%s is one object that is always there; `FIELD=` gives a default back",
                        place.section.name);
    } else if (take_key(cli, &place)) {
        struct cli_request request =
            request_for(&place, CLI_ROUTE_config_delete, CLI_ROUTE_certificates_delete);
        request.params[1] = (struct cli_param){"draft", DRAFT_ME};
        show_written(cli, cli_call(cli, &request));
    }
    close_place(&place);
}

void cli_sethostname(struct cli *cli)
{
    json_t *fields = json_pack("{s:s}", "hostname", cli_arg(cli, 0));
    const struct cli_request request = {
        .route = CLI_ROUTE_config_single_patch,
        .values = {"system"},
        .params = {{"draft", DRAFT_ME}},
        .body = fields,
    };

    show_written(cli, cli_call(cli, &request));
    json_decref(fields);
}

/* --- order --- */

static void show_order(struct cli *cli, const json_t *keys)
{
    if (keys == NULL || cli_prints_json(cli))
        return;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        cli_text_show(&cli->out, slice_str(key));
        (void)buf_append_char(&cli->out, '\n');
    }
}

static void write_order(struct cli *cli, struct cli_request *request)
{
    json_t *keys = json_array();

    for (size_t i = 1; i < cli->arg_count; i++)
        (void)json_array_append_new(keys, json_string(cli_arg(cli, i)));
    request->route = CLI_ROUTE_config_order_put;
    request->body = keys;
    request->params[1].value = DRAFT_ME;
    show_written(cli, cli_call(cli, request));
    json_decref(keys);
}

void cli_config_order(struct cli *cli)
{
    struct place place;

    if (!open_section(cli, &place))
        return;
    if (!place.section.is_ordered) {
        cli_usage_error(cli, "the order of %s means nothing", place.section.name);
    } else if (!needs_listener(cli, &place)) {
        struct cli_request request = {
            .route = CLI_ROUTE_config_order_read,
            .values = {place.section.name},
            .params = {{"listener", place.listener}, {"draft", draft_of(cli)}},
        };
        if (cli->arg_count > 1)
            write_order(cli, &request);
        else
            show_order(cli, cli_call(cli, &request));
    }
    close_place(&place);
}
