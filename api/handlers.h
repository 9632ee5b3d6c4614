/* The handlers of the routes: api_<id>, on the main thread. See call.h for what they owe. */
#ifndef POSTERN_API_HANDLERS_H
#define POSTERN_API_HANDLERS_H

#include "api/call.h"

#define API_ROUTE(id, method, path, need, body, params, status, request, reply, summary)           \
    void api_##id(struct api_call *call);
#define API_SECTION_ROUTE(id, sections, method, path, need, body, params, status, request, reply,  \
                          summary)                                                                 \
    void api_##id(struct api_call *call);
#include "api/routes.def"
#undef API_ROUTE
#undef API_SECTION_ROUTE

#endif
