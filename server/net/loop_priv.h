/* What net/'s own files need of the real loop: its uv_loop and a scratch buffer for reads. Only
 * valid on a loop of loop_create, on its own thread. */
#ifndef POSTERN_NET_LOOP_PRIV_H
#define POSTERN_NET_LOOP_PRIV_H

#include <uv.h>

#include "net/loop.h"

enum { LOOP_SCRATCH_BYTES = 65536 };

uv_loop_t *loop_uv_of(struct loop *loop);
/* One buffer for all reads of the loop: valid until the callback that got it returns. */
char *loop_scratch(struct loop *loop);

#endif
