/* The row tables made from the .def files: what codec, validation, diff and store walk.
 *
 * Private to config/. A row's macro sets key, kind, offset and what follows from the member's type;
 * everything else is given by the row itself, so that no initialiser overrides another
 * (-Woverride-init is on). Tables are constant: any thread. */
#ifndef POSTERN_CONFIG_SCHEMA_H
#define POSTERN_CONFIG_SCHEMA_H

#include "base/mem.h"
#include "config/config.h"

enum cfg_kind {
    CFG_KIND_STR,      /* text, .min to .max bytes (.max 0: CFG_STR_MAX) */
    CFG_KIND_NAME,     /* key of an object: 1 to LIMIT_NAME characters, inner spaces allowed */
    CFG_KIND_HOSTNAME, /* host name */
    CFG_KIND_REF,      /* name of an object of section .ref, or .word */
    CFG_KIND_U32,      /* .min to .max */
    CFG_KIND_U64,      /* .min to .max */
    CFG_KIND_BOOL,
    CFG_KIND_ENUM, /* a word of .words */
    CFG_KIND_IP,
    CFG_KIND_PATTERN,  /* one of the forms in .patterns; .word is how ALL is written */
    CFG_KIND_ENDPOINT, /* address or address@port, .port when it is left out */
    CFG_KIND_STRUCT,   /* items of lists only */
    CFG_KIND_LIST,     /* .min to .max items of .item_kind */
};

enum { CFG_STR_MAX = 255 };

enum cfg_row_flag {
    CFG_REQUIRED = 1 << 0,  /* must be given and not empty */
    CFG_MULTILINE = 1 << 1, /* line feeds and tabs are allowed */
    CFG_SET = 1 << 2,       /* a list whose order means nothing: two changes of it merge by item */
};

enum cfg_section_flag {
    CFG_SECTION_ORDERED = 1 << 0,
    CFG_SECTION_PER_LISTENER = 1 << 1,
    CFG_SECTION_SINGLETON = 1 << 2,
};

#define CFG_ALLOW(form) (1U << CFG_PATTERN_##form)

struct cfg_words {
    const char *const *words; /* by value */
    unsigned count;
};

struct cfg_rows;

struct cfg_row {
    const char *key;
    enum cfg_kind kind;
    size_t offset;
    const char *dflt; /* as text; NULL: zero or empty */
    uint64_t min, max;
    const char *unit;
    const char *label, *help, *rfc; /* for forms and command help */
    unsigned flags;                 /* enum cfg_row_flag */
    unsigned reload;                /* enum cfg_reload */
    unsigned patterns;              /* CFG_ALLOW(…) */
    const char *word;
    /* NULL: fine; else why not. */
    const char *(*check)(struct slice value);
    enum cfg_section ref;
    const struct cfg_words *words;
    uint16_t port;
    enum cfg_kind item_kind;
    size_t item_size;
    const struct cfg_rows *item_rows;
};

struct cfg_rows {
    const struct cfg_row *rows;
    size_t count;
    size_t size_bytes; /* of the struct */
};

struct cfg_section_info {
    const char *name;
    const struct cfg_rows *rows;
    size_t offset;     /* of the struct or the list in struct config */
    const char *key;   /* the row that is the key; NULL for singletons */
    size_t key_offset; /* of a struct slice in the object: its key as text */
    unsigned flags;    /* enum cfg_section_flag */
};

/* Every list type has this layout; copied in and out with memcpy. */
struct cfg_any_list {
    const void *items;
    size_t count;
};

extern const struct cfg_section_info cfg_sections[CFG_SECTION_COUNT];
extern const struct cfg_rows cfg_sender_rows, cfg_smtp_route_target_rows, cfg_certificate_key_rows;

/* NULL: there is none. */
const struct cfg_row *cfg_row_find(const struct cfg_rows *rows, struct slice key);
/* CFG_SECTION_COUNT: there is none. */
enum cfg_section cfg_section_find(struct slice name);

/* Fills an object of ROWS with the defaults. Default texts are literals and live for ever. */
void cfg_set_defaults(const struct cfg_rows *rows, void *object);
/* "Not set", for a value that could not be read: rules over sections skip it. */
void cfg_set_empty(const struct cfg_row *row, enum cfg_kind kind, void *value);

/* Objects of a section, singletons too (count 1). */
size_t cfg_count(const struct config *c, enum cfg_section section);
const void *cfg_object(const struct config *c, enum cfg_section section, size_t position);
struct slice cfg_key(const struct config *c, enum cfg_section section, size_t position);
struct slice cfg_listener_of(const struct config *c, enum cfg_section section, size_t position);

static inline const void *cfg_member(const void *object, const struct cfg_row *row)
{
    return (const char *)object + row->offset;
}

static inline struct cfg_any_list cfg_list_get(const void *list)
{
    struct cfg_any_list any;
    memcpy(&any, list, sizeof(any));
    return any;
}

static inline unsigned cfg_enum_get(const void *member)
{
    unsigned value;
    memcpy(&value, member, sizeof(value));
    return value;
}

#endif
