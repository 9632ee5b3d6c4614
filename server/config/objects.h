/* One object of a section as JSON: checked and completed by the section's rows, its key, its entity
 * tag. Pure; JSON values returned are new references. */
#ifndef POSTERN_CONFIG_OBJECTS_H
#define POSTERN_CONFIG_OBJECTS_H

#include <jansson.h>

#include "config/config.h"

/* KEY, as somebody wrote it, as the rows write it: a domain in lower case, an address in its one
 * form; the local part of a mail address and names stay as they are. What can be no key of the
 * section comes back unchanged. In ARENA, NUL behind it. */
struct slice object_key(enum cfg_section section, struct slice key, struct mem_arena *arena);

/* OBJECT read, checked and with every default in it. The key and the listener that it is to have
 * are put in if they are missing; others in it are an error. NULL with at least one of ERRORS, all
 * there are, whose pointers begin at the object. */
json_t *object_canonical(enum cfg_section section, struct slice listener, struct slice key,
                         const json_t *object, struct config_errors *errors);
/* Without the members that have their default, unless they must be given. */
json_t *object_sparse(enum cfg_section section, const json_t *object);

/* The strong entity tag (RFC 9110 8.8.3) of a value without its quotes: 32 hex digits of the
 * SHA-256 of its text, sorted and without blanks. */
enum { OBJECT_ETAG_MAX = 33 };
void object_etag(const json_t *value, char etag[OBJECT_ETAG_MAX]);

#endif
