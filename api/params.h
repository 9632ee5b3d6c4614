/* The values of a call's query parameters against their schemas in params.def. */
#ifndef POSTERN_API_PARAMS_H
#define POSTERN_API_PARAMS_H

#include "api/call.h"

/* Words and lengths; numbers and times are read, and refused, by whoever needs them. False:
 * answered. A word that means nothing must never be taken for one that was left out: dry_run=yes
 * is no wish to change something. */
bool params_check(struct api_call *call) MUST_CHECK;

#endif
