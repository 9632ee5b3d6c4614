/* status: health, counters, TLS and certificates. */
#include "cli/cli_priv.h"

/* clang-format off */
static const struct cli_column rows[] = {
    {"version",                    "version"},
    {"takes mail",                 "readiness/ready"},
    {"spool",                      "readiness/spool"},
    {"revision",                   "revision"},
    {"started",                    "started"},
    {"now",                        "now"},
    {"inbound connections",        "counters/sessions"},
    {"messages taken",             "counters/messages"},
    {"bytes taken",                "counters/bytes"},
    {"recipients taken",           "counters/recipients"},
    {"recipients refused",         "counters/recipients_rejected"},
    {"delivery connections",       "counters/connections"},
    {"delivery connections failed", "counters/connection_errors"},
    {"recipients delivered",       "counters/delivered"},
    {"recipients delayed",         "counters/delayed"},
    {"recipients returned",        "counters/bounced"},
    {"reports made",               "counters/reports"},
    {"log lines lost",             "counters/log_dropped"},
};

static const struct cli_column tls_columns[] = {
    {"DIRECTION", "direction"}, {"TLS", "result"}, {"VERSION", "version"}, {"COUNT", "count"},
};

static const struct cli_column certificate_columns[] = {
    {"CERTIFICATE", "name"}, {"KEY", "key_type"},       {"ENDS", "not_after"}, {"EXPIRED", "expired"},
    {"SELF-SIGNED", "self_signed"}, {"LISTENERS", "listeners"}, {"OUTBOUND", "outbound"}, {"SUBJECT", "subject"},
};
/* clang-format on */

static void show_items(struct cli *cli, const json_t *items, const struct cli_column *columns,
                       size_t count)
{
    if (json_array_size(items) == 0)
        return;
    (void)buf_append_char(&cli->out, '\n');
    cli_table_of(items, columns, count, cli->width, &cli->out);
}

void cli_status(struct cli *cli)
{
    const json_t *status = cli_call(cli, &(struct cli_request){.route = cli->command->route});

    if (status == NULL || cli_prints_json(cli))
        return;
    cli_card_of(status, rows, ARRAY_LEN(rows), &cli->out);
    show_items(cli, json_object_get(json_object_get(status, "counters"), "tls"), tls_columns,
               ARRAY_LEN(tls_columns));
    show_items(cli, json_object_get(status, "certificates"), certificate_columns,
               ARRAY_LEN(certificate_columns));
}
