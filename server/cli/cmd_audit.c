/* audit …: whether the rows of the audit are those that were written. */
#include "cli/cli_priv.h"

/* clang-format off */
static const struct cli_column rows[] = {
    {"in order",       "ok"},
    {"rows in order",  "rows"},
    {"newest row",     "newest"},
    {"its hash",       "hash"},
};
/* clang-format on */

/* A broken chain is a failure for a script too, with or without --json. */
void cli_audit_verify(struct cli *cli)
{
    const json_t *answer = cli_call(cli, &(struct cli_request){.route = cli->command->route});

    if (answer == NULL)
        return;
    if (!cli_prints_json(cli))
        cli_card_of(answer, rows, ARRAY_LEN(rows), &cli->out);
    if (!json_is_true(json_object_get(answer, "ok")))
        cli_refuse(cli, "row %lld is not what was written, or is missing",
                   (long long)json_integer_value(json_object_get(answer, "broken_at")));
}
