/* See cookie.h. */
#include "api/cookie.h"

struct slice cookie_find(struct slice header, struct slice name)
{
    struct slice found = {0};

    while (header.len > 0) {
        struct slice pair = slice_trim(slice_cut(&header, ';'));
        struct slice pair_name = slice_cut(&pair, '=');
        if (!slice_eq(pair_name, name))
            continue;
        /* A browser keeps one cookie of a __Host- name. A second is a foreign page's, planted by a
         * browser that also sends cookies without a name, and nobody can say which of them it is.
         */
        if (found.p != NULL)
            return SLICE("");
        found = pair;
    }
    return found.p == NULL ? SLICE("") : found;
}
