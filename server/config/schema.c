/* The row tables, made by including each .def file a second time, and the walks over them.
 *
 * The first inclusion is in sections.h and makes the structs: offsetof ties the two together, so a
 * row without a member or a member without a row cannot exist. Nothing here knows JSON. */
#include "config/schema.h"

#include "base/limits.h"
#include "config/validate.h"

/* Enumerations: their words by value. */
#define CFG_ENUM_BEGIN(name)         static const char *const words_of_##name[] = {
#define CFG_ENUM_VALUE(symbol, word) [symbol] = (word),
#define CFG_ENUM_END                                                                               \
    }                                                                                              \
    ;
#include "config/enums.def"
#undef CFG_ENUM_BEGIN
#undef CFG_ENUM_VALUE
#undef CFG_ENUM_END

#define CFG_ENUM_BEGIN(name)                                                                       \
    _Static_assert(sizeof(enum name) == sizeof(unsigned), "enumerations are copied as unsigned");  \
    static const struct cfg_words all_##name = {.words = words_of_##name,                          \
                                                .count = ARRAY_LEN(words_of_##name)};              \
    const char *name##_word(enum name value)                                                       \
    {                                                                                              \
        ASSERT((size_t)value < ARRAY_LEN(words_of_##name));                                        \
        return words_of_##name[value];                                                             \
    }
#define CFG_ENUM_VALUE(symbol, word)
#define CFG_ENUM_END
#include "config/enums.def"
#undef CFG_ENUM_BEGIN
#undef CFG_ENUM_VALUE
#undef CFG_ENUM_END

/* clang-format off */
#define ROW(name, kind_, ...) {.key = #name, .kind = (kind_), .offset = offsetof(CFG_STRUCT, name), __VA_ARGS__},
#define CFG_STR(name, ...)              ROW(name, CFG_KIND_STR, __VA_ARGS__)
#define CFG_NAME(name, ...)             ROW(name, CFG_KIND_NAME, __VA_ARGS__)
#define CFG_HOSTNAME(name, ...)         ROW(name, CFG_KIND_HOSTNAME, __VA_ARGS__)
#define CFG_REF(name, section, ...)     ROW(name, CFG_KIND_REF, .ref = (section), __VA_ARGS__)
#define CFG_U32(name, ...)              ROW(name, CFG_KIND_U32, __VA_ARGS__)
#define CFG_U64(name, ...)              ROW(name, CFG_KIND_U64, __VA_ARGS__)
#define CFG_BOOL(name, ...)             ROW(name, CFG_KIND_BOOL, __VA_ARGS__)
#define CFG_IP(name, ...)               ROW(name, CFG_KIND_IP, __VA_ARGS__)
#define CFG_PATTERN(name, ...)          ROW(name, CFG_KIND_PATTERN, __VA_ARGS__)
#define CFG_ENUM(name, type, ...)       ROW(name, CFG_KIND_ENUM, .words = &all_##type, __VA_ARGS__)
#define CFG_LIST(name, item, kind_, ...) ROW(name, CFG_KIND_LIST, .item_kind = (kind_), .item_size = sizeof(struct item), __VA_ARGS__)
#define TABLE(of) {.rows = (of), .count = ARRAY_LEN(of), .size_bytes = sizeof(CFG_STRUCT)}
/* clang-format on */

#define CFG_STRUCT struct cfg_sender
static const struct cfg_row rows_of_cfg_sender[] = {
#include "config/sender_group_senders.def"
};
const struct cfg_rows cfg_sender_rows = TABLE(rows_of_cfg_sender);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_smtp_route_target
static const struct cfg_row rows_of_cfg_smtp_route_target[] = {
#include "config/smtp_route_targets.def"
};
const struct cfg_rows cfg_smtp_route_target_rows = TABLE(rows_of_cfg_smtp_route_target);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_certificate_key
static const struct cfg_row rows_of_cfg_certificate_key[] = {
#include "config/certificate_keys.def"
};
const struct cfg_rows cfg_certificate_key_rows = TABLE(rows_of_cfg_certificate_key);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_system
static const struct cfg_row rows_of_cfg_system[] = {
#include "config/system.def"
};
static const struct cfg_rows cfg_system_rows = TABLE(rows_of_cfg_system);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_dns
static const struct cfg_row rows_of_cfg_dns[] = {
#include "config/dns.def"
};
static const struct cfg_rows cfg_dns_rows = TABLE(rows_of_cfg_dns);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_delivery
static const struct cfg_row rows_of_cfg_delivery[] = {
#include "config/delivery.def"
};
static const struct cfg_rows cfg_delivery_rows = TABLE(rows_of_cfg_delivery);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_logs
static const struct cfg_row rows_of_cfg_logs[] = {
#include "config/logs.def"
};
static const struct cfg_rows cfg_logs_rows = TABLE(rows_of_cfg_logs);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_interface
static const struct cfg_row rows_of_cfg_interface[] = {
#include "config/interfaces.def"
};
static const struct cfg_rows cfg_interface_rows = TABLE(rows_of_cfg_interface);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_listener
static const struct cfg_row rows_of_cfg_listener[] = {
#include "config/listeners.def"
};
static const struct cfg_rows cfg_listener_rows = TABLE(rows_of_cfg_listener);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_sender_group
static const struct cfg_row rows_of_cfg_sender_group[] = {
#include "config/sender_groups.def"
};
static const struct cfg_rows cfg_sender_group_rows = TABLE(rows_of_cfg_sender_group);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_mail_flow_policy
static const struct cfg_row rows_of_cfg_mail_flow_policy[] = {
#include "config/mail_flow_policies.def"
};
static const struct cfg_rows cfg_mail_flow_policy_rows = TABLE(rows_of_cfg_mail_flow_policy);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_rat_entry
static const struct cfg_row rows_of_cfg_rat_entry[] = {
#include "config/rat.def"
};
static const struct cfg_rows cfg_rat_entry_rows = TABLE(rows_of_cfg_rat_entry);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_destination_control
static const struct cfg_row rows_of_cfg_destination_control[] = {
#include "config/destination_controls.def"
};
static const struct cfg_rows cfg_destination_control_rows = TABLE(rows_of_cfg_destination_control);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_smtp_route
static const struct cfg_row rows_of_cfg_smtp_route[] = {
#include "config/smtp_routes.def"
};
static const struct cfg_rows cfg_smtp_route_rows = TABLE(rows_of_cfg_smtp_route);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_bounce_profile
static const struct cfg_row rows_of_cfg_bounce_profile[] = {
#include "config/bounce_profiles.def"
};
static const struct cfg_rows cfg_bounce_profile_rows = TABLE(rows_of_cfg_bounce_profile);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_certificate
static const struct cfg_row rows_of_cfg_certificate[] = {
#include "config/certificates.def"
};
static const struct cfg_rows cfg_certificate_rows = TABLE(rows_of_cfg_certificate);
#undef CFG_STRUCT

#define CFG_STRUCT struct cfg_trust_list
static const struct cfg_row rows_of_cfg_trust_list[] = {
#include "config/trust_lists.def"
};
static const struct cfg_rows cfg_trust_list_rows = TABLE(rows_of_cfg_trust_list);
#undef CFG_STRUCT

/* A key is a slice, or a pattern with its text inside. */
#define KEY_OFFSET(type, key)                                                                      \
    (offsetof(struct type, key) + _Generic(((struct type *)0)->key, struct cfg_pattern             \
                                           : offsetof(struct cfg_pattern, text), struct slice      \
                                           : (size_t)0))

/* cfg_listener_of reads the first member. */
_Static_assert(offsetof(struct cfg_sender_group, listener) == 0, "listener comes first");
_Static_assert(offsetof(struct cfg_rat_entry, listener) == 0, "listener comes first");

const struct cfg_section_info cfg_sections[CFG_SECTION_COUNT] = {
#define CFG_SINGLETON(id, member, name_, type)                                                     \
    [CFG_SECTION_##id] = {.name = (name_),                                                         \
                          .rows = &type##_rows,                                                    \
                          .offset = offsetof(struct config, member),                               \
                          .flags = CFG_SECTION_SINGLETON},
#define CFG_OBJECTS(id, member, name_, type, key_, flags_)                                         \
    [CFG_SECTION_##id] = {.name = (name_),                                                         \
                          .rows = &type##_rows,                                                    \
                          .offset = offsetof(struct config, member),                               \
                          .key = #key_,                                                            \
                          .key_offset = KEY_OFFSET(type, key_),                                    \
                          .flags = (flags_)},
#include "config/sections.def"
#undef CFG_SINGLETON
#undef CFG_OBJECTS
};

const struct cfg_row *cfg_row_find(const struct cfg_rows *rows, struct slice key)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (slice_eq(slice_str(rows->rows[i].key), key))
            return &rows->rows[i];
    }
    return NULL;
}

enum cfg_section cfg_section_find(struct slice name)
{
    unsigned i = 0;
    while (i < CFG_SECTION_COUNT && !slice_eq(slice_str(cfg_sections[i].name), name))
        i++;
    return (enum cfg_section)i;
}

const char *config_section_name(enum cfg_section section)
{
    ASSERT((unsigned)section < CFG_SECTION_COUNT);
    return cfg_sections[section].name;
}

enum cfg_section config_section_find(struct slice name)
{
    return cfg_section_find(name);
}

struct config_section_traits config_section_traits(enum cfg_section section)
{
    const struct cfg_section_info *info = &cfg_sections[section];

    return (struct config_section_traits){
        .is_singleton = (info->flags & CFG_SECTION_SINGLETON) != 0,
        .is_ordered = (info->flags & CFG_SECTION_ORDERED) != 0,
        .is_per_listener = (info->flags & CFG_SECTION_PER_LISTENER) != 0,
        .key = info->key,
    };
}

void cfg_set_empty(const struct cfg_row *row, enum cfg_kind kind, void *value)
{
    switch (kind) {
    case CFG_KIND_STR:
    case CFG_KIND_NAME:
    case CFG_KIND_HOSTNAME:
    case CFG_KIND_REF:
        *(struct slice *)value = SLICE("");
        break;
    case CFG_KIND_U32:
        *(uint32_t *)value = 0;
        break;
    case CFG_KIND_U64:
        *(uint64_t *)value = 0;
        break;
    case CFG_KIND_BOOL:
        *(bool *)value = false;
        break;
    case CFG_KIND_ENUM:
        memset(value, 0, sizeof(unsigned));
        break;
    case CFG_KIND_IP:
        *(struct ip *)value = (struct ip){0};
        break;
    case CFG_KIND_PATTERN:
        *(struct cfg_pattern *)value = (struct cfg_pattern){.text = SLICE("")};
        break;
    case CFG_KIND_ENDPOINT:
        *(struct cfg_endpoint *)value = (struct cfg_endpoint){0};
        break;
    case CFG_KIND_STRUCT:
        cfg_set_defaults(row->item_rows, value);
        break;
    case CFG_KIND_LIST:
        memset(value, 0, sizeof(struct cfg_any_list));
        break;
    }
}

static void set_default(const struct cfg_row *row, void *value)
{
    cfg_set_empty(row, row->kind, value);
    if (row->dflt == NULL)
        return;
    unsigned long long number = 0;
    unsigned word = 0;
    switch (row->kind) {
    case CFG_KIND_STR:
    case CFG_KIND_NAME:
    case CFG_KIND_HOSTNAME:
    case CFG_KIND_REF:
        *(struct slice *)value = slice_str(row->dflt);
        break;
    case CFG_KIND_U32:
    case CFG_KIND_U64:
        ASSERT(slice_to_u64(slice_str(row->dflt), row->max, &number));
        if (row->kind == CFG_KIND_U32)
            *(uint32_t *)value = (uint32_t)number;
        else
            *(uint64_t *)value = number;
        break;
    case CFG_KIND_BOOL:
        *(bool *)value = strcmp(row->dflt, "true") == 0;
        break;
    case CFG_KIND_ENUM:
        ASSERT(cfg_word_find(row->words, slice_str(row->dflt), &word));
        memcpy(value, &word, sizeof(word));
        break;
    case CFG_KIND_IP:
    case CFG_KIND_PATTERN:
    case CFG_KIND_ENDPOINT:
    case CFG_KIND_STRUCT:
    case CFG_KIND_LIST:
        ASSERT(false); /* a row of this kind has no default */
        break;
    }
}

void cfg_set_defaults(const struct cfg_rows *rows, void *object)
{
    memset(object, 0, rows->size_bytes);
    for (size_t i = 0; i < rows->count; i++)
        set_default(&rows->rows[i], (char *)object + rows->rows[i].offset);
}

size_t cfg_count(const struct config *c, enum cfg_section section)
{
    if (cfg_sections[section].flags & CFG_SECTION_SINGLETON)
        return 1;
    return cfg_list_get((const char *)c + cfg_sections[section].offset).count;
}

const void *cfg_object(const struct config *c, enum cfg_section section, size_t position)
{
    const struct cfg_section_info *info = &cfg_sections[section];
    const char *member = (const char *)c + info->offset;
    if (info->flags & CFG_SECTION_SINGLETON)
        return member;
    return (const char *)cfg_list_get(member).items + position * info->rows->size_bytes;
}

struct slice cfg_key(const struct config *c, enum cfg_section section, size_t position)
{
    const struct cfg_section_info *info = &cfg_sections[section];
    if (info->flags & CFG_SECTION_SINGLETON)
        return SLICE("");
    struct slice key;
    memcpy(&key, (const char *)cfg_object(c, section, position) + info->key_offset, sizeof(key));
    return key;
}

struct slice cfg_listener_of(const struct config *c, enum cfg_section section, size_t position)
{
    if (!(cfg_sections[section].flags & CFG_SECTION_PER_LISTENER))
        return SLICE("");
    struct slice listener;
    memcpy(&listener, cfg_object(c, section, position), sizeof(listener));
    return listener;
}
