/* The inside of struct api, for the handlers. */
#ifndef POSTERN_API_API_PRIV_H
#define POSTERN_API_API_PRIV_H

#include <jansson.h>

#include "api/api.h"

/* Of a route that takes a whole configuration. */
enum { API_DOCUMENT_MAX = 32 * 1024 * 1024 };

struct throttle;

struct api {
    struct api_settings settings;
    struct throttle *throttle; /* of logins */
    json_t *components;        /* components.json */
    bool is_verifying;         /* the audit, one call at a time */
};

#endif
