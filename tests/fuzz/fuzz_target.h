/* What every fuzz target defines: libFuzzer or replay_main.c calls it. Returns 0, aborts on a
 * broken property. */
#ifndef POSTERN_FUZZ_TARGET_H
#define POSTERN_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
