/* queue …, hoststatus: destinations and messages. */
#include "cli/cli_priv.h"

/* clang-format off */
static const struct cli_column summary_rows[] = {
    {"messages",                   "messages"},
    {"bytes",                      "bytes"},
    {"recipients not delivered",   "recipients_pending"},
    {"ready",                      "ready"},
    {"under way",                  "active"},
    {"waiting for a retry",        "waiting"},
    {"to be returned",             "bouncing"},
    {"destinations",               "destinations"},
    {"destinations down",          "destinations_down"},
    {"oldest message",             "oldest"},
    {"delivered since the start",  "delivered"},
    {"delayed since the start",    "delayed"},
    {"returned since the start",   "bounced"},
};

static const struct cli_column destination_columns[] = {
    {"DESTINATION", "destination"}, {"STATE", "state"},       {"MESSAGES", "messages"}, {"READY", "ready"},
    {"ACTIVE", "active"},           {"WAITING", "waiting"},   {"TLS", "tls"},           {"OLDEST", "oldest"},
    {"NEXT TRY", "next_try"},       {"CODE", "last_reply/code"}, {"LAST REPLY", "last_reply/text"},
};

static const struct cli_column destination_rows[] = {
    {"destination",         "destination"},
    {"state",               "state"},
    {"messages",            "messages"},
    {"ready",               "ready"},
    {"under way",           "active"},
    {"waiting for a retry", "waiting"},
    {"connections",         "connections"},
    {"delivered",           "delivered"},
    {"delayed",             "delayed"},
    {"returned",            "bounced"},
    {"last TLS",            "tls"},
    {"oldest message",      "oldest"},
    {"next try",            "next_try"},
    {"last reply at",       "last_reply/at"},
    {"last reply code",     "last_reply/code"},
    {"last reply",          "last_reply/text"},
};

static const struct cli_column message_columns[] = {
    {"MID", "mid"},           {"RECEIVED", "received"}, {"SENDER", "sender"},     {"DESTINATION", "destination"},
    {"LEFT", "recipients_pending"}, {"SIZE", "size_bytes"},   {"TRIES", "tries"}, {"NEXT TRY", "next_try"},
    {"LAST REPLY", "last_reply/text"},
};

static const struct cli_column message_rows[] = {
    {"MID",                      "mid"},
    {"ICID",                     "icid"},
    {"report about MID",         "bounce_of"},
    {"sender",                   "sender"},
    {"client",                   "client"},
    {"received",                 "received"},
    {"size in bytes",            "size_bytes"},
    {"recipients",               "recipients"},
    {"recipients not delivered", "recipients_pending"},
    {"tries",                    "tries"},
    {"next try",                 "next_try"},
};

static const struct cli_column recipient_columns[] = {
    {"RID", "rid"},     {"STATE", "state"},       {"ADDRESS", "address"},        {"DESTINATION", "destination"},
    {"TRIES", "tries"}, {"NEXT TRY", "next_try"}, {"CODE", "last_reply/code"}, {"LAST REPLY", "last_reply/text"},
};
/* clang-format on */

/* Calls the command's own route with its argument, and shows the answer as a card. */
static const json_t *show_card(struct cli *cli, const struct cli_column *rows, size_t count)
{
    const struct cli_request request = {.route = cli->command->route, .values = {cli_arg(cli, 0)}};
    const json_t *answer = cli_call(cli, &request);

    if (answer == NULL || cli_prints_json(cli))
        return NULL;
    cli_card_of(answer, rows, count, &cli->out);
    return answer;
}

static void show_page(struct cli *cli, const struct cli_column *columns, size_t count)
{
    const struct cli_request request = {
        .route = cli->command->route,
        .params = {{"q", cli->options[CLI_OPTION_FIND]},
                   {"destination", cli->options[CLI_OPTION_DESTINATION]},
                   {"limit", cli->options[CLI_OPTION_LIMIT]},
                   {"cursor", cli->options[CLI_OPTION_CURSOR]}},
    };
    const json_t *answer = cli_call(cli, &request);

    if (answer == NULL || cli_prints_json(cli))
        return;
    cli_table_of(json_object_get(answer, "items"), columns, count, cli->width, &cli->out);
    cli_note_next(cli);
}

void cli_queue_summary(struct cli *cli)
{
    (void)show_card(cli, summary_rows, ARRAY_LEN(summary_rows));
}

void cli_queue_destinations(struct cli *cli)
{
    show_page(cli, destination_columns, ARRAY_LEN(destination_columns));
}

void cli_queue_messages(struct cli *cli)
{
    show_page(cli, message_columns, ARRAY_LEN(message_columns));
}

void cli_hoststatus(struct cli *cli)
{
    (void)show_card(cli, destination_rows, ARRAY_LEN(destination_rows));
}

void cli_queue_show(struct cli *cli)
{
    const json_t *message = show_card(cli, message_rows, ARRAY_LEN(message_rows));

    if (message == NULL)
        return;
    (void)buf_append_char(&cli->out, '\n');
    cli_table_of(json_object_get(message, "recipient_list"), recipient_columns,
                 ARRAY_LEN(recipient_columns), cli->width, &cli->out);
}

/* A message's recipients, or what waits for a destination. */
void cli_queue_retry(struct cli *cli)
{
    const struct cli_request request = {.route = cli->command->route, .values = {cli_arg(cli, 0)}};

    if (cli_call(cli, &request) != NULL && !cli_prints_json(cli))
        (void)buf_append_str(&cli->out, "tried now\n");
}

void cli_queue_delete(struct cli *cli)
{
    const struct cli_request request = {.route = cli->command->route, .values = {cli_arg(cli, 0)}};
    const json_t *answer = cli_call(cli, &request);

    if (answer == NULL || cli_prints_json(cli))
        return;
    (void)buf_append_str(&cli->out, json_is_true(json_object_get(answer, "complete"))
                                        ? "deleted\n"
                                        : "deleted, but for the recipients whose delivery is "
                                          "under way\n");
}
