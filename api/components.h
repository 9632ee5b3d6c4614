/* components.json, the schemas of openapi.json that are not a section's, embedded. */
#ifndef POSTERN_API_COMPONENTS_H
#define POSTERN_API_COMPONENTS_H

#include <stddef.h>

extern const char embed_components_json[];
extern const size_t embed_components_json_size;

#endif
