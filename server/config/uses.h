/* What refers to an object: walked over the rows, so that no kind of reference can be forgotten. */
#ifndef POSTERN_CONFIG_USES_H
#define POSTERN_CONFIG_USES_H

#include <jansson.h>

#include "config/config.h"

/* More are counted, not listed: a listener may have 10,000 recipients. */
enum { CONFIG_USES_MAX = 100 };

/* Who in DOCUMENT (config/overlay.h) refers to the object with that key, as the rows write it:
 * {items: [{section, listener, key, pointer, label}], total}, in the order of the file. `listener`
 * is that of objects kept per listener, else empty; `pointer` is within the object that refers.
 * Linear in the document. A new reference. */
json_t *config_uses(const json_t *document, enum cfg_section section, struct slice key);

#endif
