/* Merging JSON: a patch into a document, and two changes of one object into one. Pure; values
 * returned are new references. */
#ifndef POSTERN_CONFIG_MERGE_H
#define POSTERN_CONFIG_MERGE_H

#include <jansson.h>

/* RFC 7396: TARGET (NULL: nothing) changed by PATCH; null in PATCH takes a member away. */
json_t *merge_patch(const json_t *target, const json_t *patch);

/* Three-way, by member: MINE and THEIRS both began as BASE. NULL stands for "is not there", as an
 * argument and as a result. Where both changed one member, and differently, MINE is kept and
 * {pointer, base, theirs, mine} is appended to CONFLICTS; a change against a removal conflicts at
 * the pointer "". The members named in SETS (NULL: none; ends with NULL) are lists whose order
 * means nothing: what each side added or took out holds. Other lists are members like others, taken
 * whole.
 */
json_t *merge_objects(const json_t *base, const json_t *theirs, const json_t *mine,
                      const char *const *sets, json_t *conflicts);

/* The same for an order: arrays of keys, which are strings and each there once. What one side added
 * stays behind its neighbour, what one removed goes; if both moved what they share, and
 * differently, it is one conflict at "". */
json_t *merge_orders(const json_t *base, const json_t *theirs, const json_t *mine,
                     json_t *conflicts);

/* ORDER with exactly the keys of PRESENT, an array too: others go, those that are missing stand
 * behind their neighbour in PRESENT. */
json_t *merge_order_complete(const json_t *order, const json_t *present);

#endif
