/* The command line as a client of the API: what an administrator does at a shell, over the daemon's
 * local socket. Commands are rows of commands.def, options of options.def.
 *
 * Nothing here knows the daemon's state: every command is one or a few requests, and what they
 * answer is shown as a table or, with --json, as it came. One thread; blocks. */
#ifndef POSTERN_CLI_CLI_H
#define POSTERN_CLI_CLI_H

#include "base/buf.h"

enum cli_exit {
    CLI_EXIT_OK = 0,
    CLI_EXIT_REFUSED = 1, /* by the API, or nobody answers */
    CLI_EXIT_USAGE = 2,
};

/* Whether a command begins with this word. */
bool cli_has_verb(const char *verb);
/* ARGV[0] is the verb. Prints to standard output and error; returns an enum cli_exit. */
int cli_run(int argc, char **argv);
/* Commands by group with what they take, then the options. */
void cli_help(struct buf *out);

#endif
