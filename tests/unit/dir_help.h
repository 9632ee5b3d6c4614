/* For tests that keep files: the end of a directory with all that is in it. */
#ifndef POSTERN_TESTS_UNIT_DIR_HELP_H
#define POSTERN_TESTS_UNIT_DIR_HELP_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static inline int help_remove_one(const char *path, const struct stat *st, int type,
                                  struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* 0: it is gone. */
static inline int help_dir_remove(const char *dir)
{
    return nftw(dir, help_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
