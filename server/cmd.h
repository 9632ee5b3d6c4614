/* The commands that work without a running daemon, and the exit codes of all of them.
 * Each takes the arguments behind its own name and returns an exit code. */
#ifndef POSTERN_CMD_H
#define POSTERN_CMD_H

enum exit_code {
    EXIT_CODE_CLEAN = 0,
    EXIT_CODE_OTHER = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_CONFIG = 3,
    EXIT_CODE_STATE = 4, /* state directory or its lock */
    EXIT_CODE_PORT = 5,
    EXIT_CODE_KEY = 6, /* key or database */
};

/* Prints "postern COMMAND: TEXT" and where to find help; returns EXIT_CODE_USAGE. */
int cmd_usage_error(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

int cmd_serve(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_grep(int argc, char **argv);
int cmd_tail(int argc, char **argv);
int cmd_admin_reset(int argc, char **argv);

#endif
