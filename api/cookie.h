/* The Cookie header of a request. Pure: any thread. RFC 6265 4.2. */
#ifndef POSTERN_API_COOKIE_H
#define POSTERN_API_COOKIE_H

#include "base/slice.h"

/* The value of the only cookie of that NAME (with case), a part of HEADER; empty: it did not come,
 * came without a value, or several came. */
struct slice cookie_find(struct slice header, struct slice name);

#endif
