/* Runs a fuzz target over files and folders of seeds: the form that `./dev test` builds, with any
 * compiler. Prints TAP, one line a folder. A crash is the failure. */
#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "fuzz_target.h"

static unsigned long run_file(const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    ASSERT(file != NULL && fstat(fileno(file), &st) == 0);
    /* The exact size on the heap: a sanitizer sees the first byte too many. */
    uint8_t *data = mem_alloc(st.st_size > 0 ? (size_t)st.st_size : 1);
    size_t size = fread(data, 1, (size_t)st.st_size, file);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static unsigned long run_folder(const char *path)
{
    unsigned long count = 0;
    DIR *dir = opendir(path);
    ASSERT(dir != NULL);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        char *file = mem_printf("%s/%s", path, entry->d_name);
        count += run_file(file);
        free(file);
    }
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat st;
        unsigned long count = 0;
        if (stat(argv[i], &st) == 0)
            count = S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
        printf("%s %d - %lu seeds of %s\n", count > 0 ? "ok" : "not ok", i, count, argv[i]);
    }
    printf("1..%d\n", argc - 1);
    return 0;
}
