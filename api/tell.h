/* What a change does besides being answered: it goes live, and the feed hears of it. */
#ifndef POSTERN_API_TELL_H
#define POSTERN_API_TELL_H

#include "api/call.h"

struct config;
struct overlay;

struct commit_result {
    uint64_t revision, took_ms;
};

/* Commits a candidate made of OVERLAY; sets Postern-Revision; tells the feed. DRAFT (NULL: none)
 * ends with it. False: answered with 422 or 503, and nothing has changed. RET_RESULT may be NULL.
 */
bool commit_candidate(struct api_call *call, const struct overlay *overlay,
                      struct config *candidate, const char *comment, const char *draft,
                      struct commit_result *ret_result) MUST_CHECK;
/* Something was staged in this draft, or taken out. */
void tell_draft(struct api_call *call, const char *id);

#endif
