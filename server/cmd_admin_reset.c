/* `postern admin-reset --state-dir DIR`: writes a new setup code, with which somebody who has lost
 * every password may make one more administrator (config/setup_code.h). Touches that file only, so
 * it works while the gateway runs and while it does not; nobody is logged out, no user is changed.
 *
 * Run by root for a gateway with a user of its own it becomes that user first: the gateway must be
 * able to read the file, and root writes nothing into a directory that somebody else controls. */
#include "cmd.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/setup_code.h"

/* DIR must be a state directory that has been started once; *ret_dir is DIR's. */
static int find_state(const char *dir, struct stat *ret_dir, struct error *reterr)
{
    struct stat database;
    if (stat(dir, ret_dir) != 0)
        return error_set_errno(reterr, errno, "cannot look at %s", dir);
    SCOPED(mem_free_at) char *path = mem_printf("%s/postern.db", dir);
    if (stat(path, &database) != 0)
        return error_set_errno(reterr, errno, "%s is not the state directory of a gateway: %s", dir,
                               path);
    return 0;
}

static int become(const struct stat *owner, struct error *reterr)
{
    if (geteuid() != 0 || owner->st_uid == 0)
        return 0;
    if (setgroups(0, NULL) != 0 || setgid(owner->st_gid) != 0 || setuid(owner->st_uid) != 0)
        return error_set_errno(reterr, errno, "cannot become user %u", (unsigned)owner->st_uid);
    return 0;
}

int cmd_admin_reset(int argc, char **argv)
{
    struct stat dir;
    struct error error;
    char code[SETUP_CODE_SIZE];

    if (argc > 0 && strcmp(argv[0], "--state-dir") != 0)
        return cmd_usage_error("admin-reset", "no option '%s'", argv[0]);
    if (argc != 2)
        return cmd_usage_error("admin-reset", "--state-dir DIR is needed, and nothing else");
    int r = find_state(argv[1], &dir, &error);
    if (r == 0)
        r = become(&dir, &error);
    if (r == 0)
        r = setup_code_renew(argv[1], clock_system(), code, &error);
    if (r < 0) {
        (void)fprintf(stderr, "postern admin-reset: %s\n", error.text);
        return EXIT_CODE_STATE;
    }
    (void)printf(
        "setup code: %s\n"
        "It lets POST /setup make one administrator, and is in %s/setup-code until then.\n",
        code, argv[1]);
    mem_wipe(code, sizeof(code));
    return EXIT_CODE_CLEAN;
}
