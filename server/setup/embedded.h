/* The set-ups that are part of the binary, as configuration files (config/config.h has the format).
 * Both are NUL-terminated; the size does not count the NUL. Made by embed.py from the JSON files
 * beside this one; their listeners refer to the certificate `demonstration`, which the first start
 * makes and adds to the candidate before it commits it as revision 1. */
#ifndef POSTERN_SETUP_EMBEDDED_H
#define POSTERN_SETUP_EMBEDDED_H

#include <stddef.h>

extern const char embed_demo_json[];
extern const size_t embed_demo_json_size;
extern const char embed_factory_json[];
extern const size_t embed_factory_json_size;

#endif
