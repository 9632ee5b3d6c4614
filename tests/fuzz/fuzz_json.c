/* The JSON codec on any bytes: nothing crashes, a refusal has at least one error, and what is
 * accepted comes back equal through rendering and through config_diff. */
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(struct config *c, struct config_errors *errors)
{
    struct buf first, second;
    struct config_diff diff;
    buf_init(&first, 0);
    buf_init(&second, 0);
    config_render(c, &first);
    struct config *again = config_load(buf_slice(&first), errors);
    ASSERT(again != NULL);
    config_render(again, &second);
    ASSERT(slice_eq(buf_slice(&first), buf_slice(&second)));
    config_diff(c, again, &diff);
    ASSERT(diff.count == 0);
    config_diff_finish(&diff);
    config_unref(again);
    buf_finish(&first);
    buf_finish(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_errors errors;
    struct buf report;
    config_errors_init(&errors);
    buf_init(&report, 0);
    struct config *c = config_parse(slice_of((const char *)data, size), &errors);
    ASSERT(c != NULL || errors.count > 0);
    if (c != NULL) {
        if (config_validate(c, &errors))
            check_round_trip(c, &errors);
        else
            ASSERT(errors.count > 0);
    }
    config_check_report(&errors, &report);
    buf_finish(&report);
    config_unref(c);
    config_errors_finish(&errors);
    return 0;
}
