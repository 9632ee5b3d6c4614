/* `postern check FILE`: validates a configuration file without touching anything, and prints every
 * error with its JSON Pointer. Keys and sockets are not looked at: they belong to a state
 * directory. */
#include "cmd.h"

#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "config/config.h"

int cmd_check(int argc, char **argv)
{
    struct buf json, report;
    struct error error;
    int code = EXIT_CODE_CLEAN;

    if (argc != 1)
        return cmd_usage_error("check", "takes one FILE");
    buf_init(&json, LIMIT_JSON_BYTES);
    buf_init(&report, 0);
    config_json_init();
    int r = file_read(argv[0], &json, &error);
    if (r < 0) {
        (void)fprintf(stderr, "postern check: %s\n", error.text);
        code = EXIT_CODE_CONFIG;
    } else if (!config_check_text(buf_slice(&json), &report)) {
        (void)fputs(buf_cstr(&report), stdout);
        code = EXIT_CODE_CONFIG;
    } else {
        (void)printf("%s: valid\n", argv[0]);
    }
    buf_finish(&json);
    buf_finish(&report);
    return code;
}
