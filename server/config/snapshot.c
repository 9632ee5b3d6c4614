/* The configuration as an object: made empty, filled as a candidate, sealed, counted, looked up.
 *
 * Everything a struct config points to is in its arena (or a literal), so the last unref frees it
 * in one go, on whatever thread that happens. Objects keep the order of the file; look-ups go
 * through tables of positions sorted by (listener, key). Sections kept per listener have a second
 * table by (listener, position): the HAT and the RAT of a listener are a range of it. */
#include "config/config.h"
#include "config/config_priv.h"

#include <stdlib.h>

struct config *config_create(void)
{
    struct config *c = MEM_NEW(struct config);
    mem_arena_init(&c->arena);
    atomic_init(&c->refs, 1);
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        if (cfg_sections[i].flags & CFG_SECTION_SINGLETON)
            cfg_set_defaults(cfg_sections[i].rows, (char *)c + cfg_sections[i].offset);
    }
    return c;
}

const struct config *config_ref(const struct config *c)
{
    struct config *counted = (struct config *)c; /* the count is no part of what is immutable */
    unsigned before = atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
    ASSERT(before > 0);
    return c;
}

void config_unref(const struct config *c)
{
    struct config *counted = (struct config *)c;
    if (c == NULL || atomic_fetch_sub_explicit(&counted->refs, 1, memory_order_acq_rel) != 1)
        return;
    mem_arena_finish(&counted->arena);
    free(counted);
}

int config_key_compare(struct slice listener_a, struct slice key_a, struct slice listener_b,
                       struct slice key_b)
{
    struct slice a = listener_a, b = listener_b;
    if (slice_eq(a, b)) {
        a = key_a;
        b = key_b;
    }
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least == 0 ? 0 : memcmp(a.p, b.p, least);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

size_t config_place_object(struct config *c, enum cfg_section section, const void *object)
{
    ASSERT(!c->is_sealed);
    const struct cfg_section_info *info = &cfg_sections[section];
    size_t size = info->rows->size_bytes;
    char *member = (char *)c + info->offset;
    if (info->flags & CFG_SECTION_SINGLETON) {
        memcpy(member, object, size);
        return 0;
    }
    struct cfg_any_list list = cfg_list_get(member);
    struct slice key, listener = SLICE("");
    memcpy(&key, (const char *)object + info->key_offset, sizeof(key));
    if (info->flags & CFG_SECTION_PER_LISTENER)
        memcpy(&listener, object, sizeof(listener));
    size_t at = 0;
    while (at < list.count && (!slice_eq(cfg_key(c, section, at), key) ||
                               !slice_eq(cfg_listener_of(c, section, at), listener)))
        at++;
    if (at == list.count && list.count >= c->capacity[section]) {
        size_t capacity = list.count < 8 ? 8 : list.count * 2;
        char *grown = mem_arena_alloc(&c->arena, capacity * size);
        if (list.count > 0)
            memcpy(grown, list.items, list.count * size);
        list.items = grown;
        c->capacity[section] = capacity;
    }
    /* The items are const for readers; until it is sealed they are ours. */
    memcpy((char *)(uintptr_t)list.items + at * size, object, size);
    if (at == list.count)
        list.count++;
    memcpy(member, &list, sizeof(list));
    return at;
}

/* What the comparisons below look at. */
struct place {
    struct slice listener, key;
    uint32_t position;
};

static int by_position(const struct place *a, const struct place *b)
{
    return (a->position > b->position) - (a->position < b->position);
}

static int by_key(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = config_key_compare(x->listener, x->key, y->listener, y->key);
    return order != 0 ? order : by_position(x, y);
}

static int by_listener(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = config_key_compare(SLICE(""), x->listener, SLICE(""), y->listener);
    return order != 0 ? order : by_position(x, y);
}

static uint32_t *sorted(struct config *c, struct place *places, size_t count,
                        int (*compare)(const void *, const void *))
{
    uint32_t *positions = mem_arena_alloc(&c->arena, (count + 1) * sizeof(*positions));
    if (count > 0)
        qsort(places, count, sizeof(*places), compare);
    for (size_t i = 0; i < count; i++)
        positions[i] = places[i].position;
    return positions;
}

void config_index_build(struct config *c)
{
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        enum cfg_section section = (enum cfg_section)i;
        size_t count = cfg_count(c, section);
        struct place *places = mem_array(count + 1, sizeof(*places));
        for (size_t at = 0; at < count; at++)
            places[at] = (struct place){.listener = cfg_listener_of(c, section, at),
                                        .key = cfg_key(c, section, at),
                                        .position = (uint32_t)at};
        c->index[i].by_key = sorted(c, places, count, by_key);
        if (cfg_sections[i].flags & CFG_SECTION_PER_LISTENER)
            c->index[i].by_listener = sorted(c, places, count, by_listener);
        free(places);
    }
}

size_t config_find(const struct config *c, enum cfg_section section, struct slice listener,
                   struct slice key)
{
    size_t low = 0, high = cfg_count(c, section);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t at = c->index[section].by_key[middle];
        int order = config_key_compare(cfg_listener_of(c, section, at), cfg_key(c, section, at),
                                       listener, key);
        if (order == 0)
            return at;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

#define FIND(type, function, section, member)                                                      \
    const struct type *function(const struct config *c, struct slice name)                         \
    {                                                                                              \
        size_t at = config_find(c, section, SLICE(""), name);                                      \
        return at == SIZE_MAX ? NULL : &c->member.items[at];                                       \
    }
FIND(cfg_interface, config_find_interface, CFG_SECTION_INTERFACES, interfaces)
FIND(cfg_listener, config_find_listener, CFG_SECTION_LISTENERS, listeners)
FIND(cfg_mail_flow_policy, config_find_mail_flow_policy, CFG_SECTION_MAIL_FLOW_POLICIES,
     mail_flow_policies)
FIND(cfg_bounce_profile, config_find_bounce_profile, CFG_SECTION_BOUNCE_PROFILES, bounce_profiles)
FIND(cfg_certificate, config_find_certificate, CFG_SECTION_CERTIFICATES, certificates)
FIND(cfg_trust_list, config_find_trust_list, CFG_SECTION_TRUST_LISTS, trust_lists)

/* Domain keys are stored in lower case, the words Default and ALL as they are. */
static size_t find_domain(const struct config *c, enum cfg_section section, struct slice domain,
                          struct slice word)
{
    char lower[256];
    if (slice_eq(domain, word))
        return config_find(c, section, SLICE(""), word);
    if (domain.len > sizeof(lower))
        return SIZE_MAX;
    for (size_t i = 0; i < domain.len; i++) {
        char byte = domain.p[i];
        lower[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    return config_find(c, section, SLICE(""), slice_of(lower, domain.len));
}

const struct cfg_destination_control *config_find_destination_control(const struct config *c,
                                                                      struct slice domain)
{
    size_t at = find_domain(c, CFG_SECTION_DESTINATION_CONTROLS, domain, SLICE("Default"));
    return at == SIZE_MAX ? NULL : &c->destination_controls.items[at];
}

const struct cfg_smtp_route *config_find_smtp_route(const struct config *c, struct slice domain)
{
    size_t at = find_domain(c, CFG_SECTION_SMTP_ROUTES, domain, SLICE("ALL"));
    return at == SIZE_MAX ? NULL : &c->smtp_routes.items[at];
}

const struct cfg_destination_control *config_default_destination_control(const struct config *c)
{
    const struct cfg_destination_control *found =
        config_find_destination_control(c, SLICE("Default"));
    ASSERT(found != NULL);
    return found;
}

size_t config_listener_begin(const struct config *c, enum cfg_section section,
                             struct slice listener)
{
    const uint32_t *positions = c->index[section].by_listener;
    size_t low = 0, high = cfg_count(c, section);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (config_key_compare(SLICE(""), cfg_listener_of(c, section, positions[middle]), SLICE(""),
                               listener) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct config_range range_of(const struct config *c, enum cfg_section section,
                                    struct slice listener)
{
    const uint32_t *positions = c->index[section].by_listener;
    size_t total = cfg_count(c, section);
    size_t low = config_listener_begin(c, section, listener);
    size_t end = low;
    while (end < total && slice_eq(cfg_listener_of(c, section, positions[end]), listener))
        end++;
    return (struct config_range){.config = c, .positions = positions + low, .count = end - low};
}

struct config_range config_sender_groups(const struct config *c, struct slice listener)
{
    return range_of(c, CFG_SECTION_SENDER_GROUPS, listener);
}

const struct cfg_sender_group *config_sender_group_at(struct config_range groups, size_t i)
{
    ASSERT(i < groups.count);
    return &groups.config->sender_groups.items[groups.positions[i]];
}

struct config_range config_rat(const struct config *c, struct slice listener)
{
    return range_of(c, CFG_SECTION_RAT, listener);
}

const struct cfg_rat_entry *config_rat_entry_at(struct config_range entries, size_t i)
{
    ASSERT(i < entries.count);
    return &entries.config->rat.items[entries.positions[i]];
}

const struct cfg_rat_entry *config_find_rat_entry(const struct config *c, struct slice listener,
                                                  struct slice recipient)
{
    size_t at = config_find(c, CFG_SECTION_RAT, listener, recipient);
    return at == SIZE_MAX ? NULL : &c->rat.items[at];
}
