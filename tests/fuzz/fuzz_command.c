/* Fuzz target: a command line, its path and its parameters.
 *
 * Properties: results point into the line; what a path gives out is a mailbox by the one grammar,
 * without brackets, control characters and source route. */
#include "fuzz_target.h"

#include "base/limits.h"
#include "smtp/command.h"
#include "smtp/params.h"
#include "smtp/path.h"

static void check_inside(struct slice part, struct slice whole)
{
    ASSERT(part.len == 0 || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
}

static void check_path(struct slice line, struct slice arg, enum smtp_path_kind kind)
{
    struct smtp_path path;
    struct smtp_params params;
    struct mailaddr addr;
    struct slice rest = arg;
    if (!smtp_path_take(&rest, kind, &path, NULL))
        return;
    check_inside(path.address, line);
    check_inside(rest, line);
    ASSERT(path.address.len <= LIMIT_SMTP_PATH - 2);
    if (path.address.len == 0)
        ASSERT(kind == SMTP_PATH_REVERSE);
    else
        ASSERT(mailaddr_parse(path.address, &addr) && slice_eq(addr.local, path.local) &&
               slice_eq(addr.domain, path.domain) && path.address.p[0] != '@');
    for (size_t i = 0; i < path.address.len; i++)
        ASSERT(path.address.p[i] >= ' ' && path.address.p[i] <= '~');
    if (smtp_params_parse(rest, SMTP_PARAMS_FOR_MAIL, &params) == SMTP_PARAMS_OK)
        ASSERT(params.has_size || params.size == 0);
    if (smtp_params_parse(rest, SMTP_PARAMS_FOR_RCPT, &params) == SMTP_PARAMS_OK)
        ASSERT(!params.has_size && !params.is_8bit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_command command;
    struct slice line = slice_of((const char *)data, size);
    if (size == 0 || size > LIMIT_SMTP_COMMAND_LINE || !smtp_command_parse(line, &command))
        return 0;
    check_inside(command.arg, line);
    struct slice arg = command.arg;
    (void)slice_cut(&arg, ':');
    check_path(line, arg, SMTP_PATH_REVERSE);
    check_path(line, arg, SMTP_PATH_FORWARD);
    return 0;
}
