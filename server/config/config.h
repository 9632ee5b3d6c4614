/* The configuration: JSON text -> checked, immutable snapshot -> JSON text.
 *
 * Flow: config_parse (strict JSON, rows) -> config_put (first start adds the certificate it made)
 * -> config_validate (references, cross-checks; seals) -> config/commit.h -> snapshot for all.
 *
 * A struct config is a candidate until config_validate succeeds: it belongs to one thread and may
 * be changed. From then on it is a snapshot: immutable, counted, read from any thread. A session
 * takes its reference from its own loop's snapshot; there is no global one.
 *
 * The file format: one object with a key per section (config/sections.def), singletons are objects,
 * the others arrays of objects which hold their own key. Not set: the row's default. Strict: an
 * unknown key is an error. Private keys are never part of it.
 *
 * What an administrator got wrong is a struct config_errors: all of it at once, each with its JSON
 * Pointer (RFC 6901). */
#ifndef POSTERN_CONFIG_CONFIG_H
#define POSTERN_CONFIG_CONFIG_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "config/sections.h"

/* More errors than this are counted, not kept. */
enum { CONFIG_ERRORS_MAX = 1000 };

/* More JSON values than this in one text are refused before they cost memory. */
enum { CONFIG_JSON_VALUES_MAX = 2000000 };

/* These are compared with each other, so their number is capped. */
enum { CONFIG_LISTENERS_MAX = 1000, CONFIG_INTERFACES_MAX = 1000 };

/* What was wanted and what came, for programs and for other languages: as far as the code has it.
 */
struct config_error_params {
    const char *got;            /* NULL: not told; a long value is cut */
    const char *nearest;        /* key.unknown, value.enum, ref.missing; NULL: nothing is near */
    const char *const *allowed; /* value.enum: the words, literals */
    size_t allowed_count;
    bool has_range; /* value.range, value.length */
    uint64_t min, max;
};

struct config_error {
    const char *pointer; /* RFC 6901; "" is the whole text */
    const char *code;    /* stable: json.syntax, key.unknown, value.range, ref.missing, rule.… */
    const char *text;    /* English, one line, UTF-8 without control characters */
    struct config_error_params params;
};

struct config_errors {
    struct mem_arena arena; /* owns the strings */
    struct config_error *items;
    size_t count;   /* kept */
    size_t dropped; /* over CONFIG_ERRORS_MAX */
};

void config_errors_init(struct config_errors *errors);
void config_errors_finish(struct config_errors *errors);
/* Copies both texts; what is no UTF-8 or a control character in the text becomes `?`. CODE must be
 * a literal. */
void config_errors_add(struct config_errors *errors, const char *pointer, const char *code,
                       const char *fmt, ...) PRINTF_LIKE(4, 5);
/* One step more of a JSON Pointer: `/` and NAME with its escapes, RFC 6901 3. */
void config_pointer_append(struct buf *pointer, struct slice name);
/* The same error once more, at another place. */
void config_errors_copy(struct config_errors *errors, const struct config_error *error,
                        const char *pointer);

/* What must be renewed when a row changes; 0: a new snapshot is enough. */
enum cfg_reload {
    CFG_RELOAD_LISTENERS = 1 << 0,    /* sockets */
    CFG_RELOAD_CERTIFICATES = 1 << 1, /* served and client certificates */
    CFG_RELOAD_TRUST = 1 << 2,        /* trust lists */
    CFG_RELOAD_DNS = 1 << 3,          /* the resolver */
    CFG_RELOAD_LOGS = 1 << 4,         /* the logs' time zone and rotation */
    CFG_RELOAD_HTTPS = 1 << 5,        /* where the administration listens */
};

/* Positions in a section's array, sorted for look-ups. */
struct config_index {
    uint32_t *by_key;      /* by (listener, key) */
    uint32_t *by_listener; /* by (listener, position): sections kept per listener only */
};

struct config {
#define CFG_SINGLETON(id, member, name, type)           struct type member;
#define CFG_OBJECTS(id, member, name, type, key, flags) struct type##_list member;
#include "config/sections.def"
#undef CFG_SINGLETON
#undef CFG_OBJECTS

    uint64_t revision; /* 0: not stored */

    /* config/ only */
    struct config_index index[CFG_SECTION_COUNT];
    size_t capacity[CFG_SECTION_COUNT];
    struct mem_arena arena;
    _Atomic unsigned refs;
    bool is_broken; /* config_parse or config_put found errors */
    bool is_sealed; /* config_validate succeeded: immutable */
};

/* Makes Jansson use base/mem, so that its NULL never means out of memory, and wipe what it gives
 * back. Once, before any thread. Everything works without it too. */
void config_json_init(void);

struct json_t;

/* Strict JSON within LIMIT_JSON_BYTES, LIMIT_JSON_DEPTH and CONFIG_JSON_VALUES_MAX: one object,
 * whatever its members, a new reference. NULL: ERRORS has one more (json.… or value.type). */
struct json_t *config_json_load(struct slice text, struct config_errors *errors) MUST_CHECK;

/* Reads a whole configuration. Errors are appended to ERRORS. NULL only if the text is no JSON
 * object at all; else a candidate with one reference, which config_validate refuses if there were
 * errors, but which it still searches for more of them. */
struct config *config_parse(struct slice json, struct config_errors *errors) MUST_CHECK;

/* Puts one object (JSON text, its key included) into a candidate, in the place of the one with the
 * same key or at the end; singletons are replaced. Pointers in errors start at the object's place.
 * False if there were errors. SECTION is a name such as "certificates". */
bool config_put(struct config *candidate, const char *section, struct slice json,
                struct config_errors *errors);

/* References, duplicates and the rules over sections. True: no error in parsing either, the
 * candidate is sealed and its look-ups work. Appends to ERRORS else. */
bool config_validate(struct config *candidate, struct config_errors *errors);

/* config_parse and config_validate in one; NULL with at least one error. */
struct config *config_load(struct slice json, struct config_errors *errors) MUST_CHECK;

/* Any thread. The last unref frees it and all that it points to. NULL is allowed in unref. */
const struct config *config_ref(const struct config *c);
void config_unref(const struct config *c);

/* Whole configuration as sorted, indented JSON with a final newline; every row is written, defaults
 * too, so that parsing it gives the same configuration whatever the defaults become. */
void config_render(const struct config *c, struct buf *buf);
/* The object at POSITION of a section as sorted JSON without blanks (what is stored and hashed). */
void config_render_object(const struct config *c, enum cfg_section section, size_t position,
                          struct buf *buf);

/* One line an error, `pointer: text`, into BUF; control characters in pointers are made visible.
 * For `postern check FILE`, which prints it and exits 3 if there were errors. */
void config_check_report(const struct config_errors *errors, struct buf *buf);
/* config_load plus config_check_report: what `postern check FILE` does. True: no error. */
bool config_check_text(struct slice json, struct buf *report);

/* Look-ups in a sealed configuration, O(log n); names are compared byte by byte, domain keys
 * without case. NULL: there is none. Delivery's "Auto" interface is none. */
const struct cfg_interface *config_find_interface(const struct config *c, struct slice name);
const struct cfg_listener *config_find_listener(const struct config *c, struct slice name);
const struct cfg_mail_flow_policy *config_find_mail_flow_policy(const struct config *c,
                                                                struct slice name);
const struct cfg_bounce_profile *config_find_bounce_profile(const struct config *c,
                                                            struct slice name);
const struct cfg_certificate *config_find_certificate(const struct config *c, struct slice name);
const struct cfg_trust_list *config_find_trust_list(const struct config *c, struct slice name);
/* Exact keys: `example.test`, `.example.test`, `Default` / `ALL`. Who looks for the most specific
 * entry asks for the domain, then `.parent` for each parent, then the last one. */
const struct cfg_destination_control *config_find_destination_control(const struct config *c,
                                                                      struct slice domain);
const struct cfg_smtp_route *config_find_smtp_route(const struct config *c, struct slice domain);
/* The entry Default: always there in a sealed configuration. */
const struct cfg_destination_control *config_default_destination_control(const struct config *c);

/* The HAT and the RAT of a listener, in order: for (i = 0; i < count; i++) …_at(c, listener, i). */
struct config_range {
    const struct config *config;
    const uint32_t *positions;
    size_t count;
};
struct config_range config_sender_groups(const struct config *c, struct slice listener);
const struct cfg_sender_group *config_sender_group_at(struct config_range groups, size_t i);
struct config_range config_rat(const struct config *c, struct slice listener);
const struct cfg_rat_entry *config_rat_entry_at(struct config_range entries, size_t i);
const struct cfg_rat_entry *config_find_rat_entry(const struct config *c, struct slice listener,
                                                  struct slice recipient);

/* The word for an enumeration's value, as in JSON: cfg_policy_tls_word(CFG_POLICY_TLS_OFF). */
#define CFG_ENUM_BEGIN(name) const char *name##_word(enum name value);
#define CFG_ENUM_VALUE(symbol, word)
#define CFG_ENUM_END
#include "config/enums.def"
#undef CFG_ENUM_BEGIN
#undef CFG_ENUM_VALUE
#undef CFG_ENUM_END

/* What differs between two configurations. */
enum config_change_op {
    CONFIG_CHANGE_ADD,
    CONFIG_CHANGE_SET,
    CONFIG_CHANGE_REMOVE,
    CONFIG_CHANGE_ORDER
};

struct config_change {
    enum config_change_op op;
    enum cfg_section section;
    struct slice listener; /* empty unless the section is kept per listener */
    struct slice key;      /* empty for singletons and CONFIG_CHANGE_ORDER */
};

/* Borrows from both configurations: valid as long as they are. */
struct config_diff {
    struct config_change *items;
    size_t count;
    unsigned reload; /* union of enum cfg_reload over the changed rows */
};

/* OLD may be NULL: everything is new. Both sealed. */
void config_diff(const struct config *old, const struct config *new, struct config_diff *ret_diff);
void config_diff_finish(struct config_diff *diff);
/* The name of a section in JSON. */
const char *config_section_name(enum cfg_section section);
/* CFG_SECTION_COUNT: there is none of that name. */
enum cfg_section config_section_find(struct slice name);

struct config_section_traits {
    bool is_singleton;    /* one object, without a key */
    bool is_ordered;      /* the order means something */
    bool is_per_listener; /* the key is (listener, key) */
    const char *key;      /* the member that is the key; NULL for singletons */
};
struct config_section_traits config_section_traits(enum cfg_section section);

#endif
