/* For tests of what lies in postern.db: open it, and take it away. Include it after cmocka.h. */
#ifndef POSTERN_TESTS_UNIT_DB_HELP_H
#define POSTERN_TESTS_UNIT_DB_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/store.h"

static inline struct store *help_db_open(const char *path)
{
    struct store *store;
    struct error error;

    if (store_open(path, &store, &error) < 0)
        fail_msg("%s", error.text);
    return store;
}

/* The database and what SQLite has beside it. */
static inline void help_db_remove(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[96];

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

#endif
