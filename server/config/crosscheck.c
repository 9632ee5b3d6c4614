/* Rules over several sections, on the whole candidate; what passes is sealed.
 *
 * References exist, keys are unique, and:
 *     listeners             no two on one address and port; a HAT that ends in ALL; TLS that a
 *                           policy requires needs a certificate
 *     interfaces            HTTPS has a certificate and shares its port with nothing
 *     public listeners      a RAT that ends in ALL, which rejects: no open relay
 *     other listeners       no RAT
 *     sender groups         ALL only in the last one; ALL never relays (blackhole listeners forget
 *                           what they get, so they may)
 *     destination controls  Default is there and leaves nothing to inherit
 *     certificates          at most one key pair a type
 *     bounce profiles       the first wait is no longer than the longest
 *     trust lists           custom ones have certificates, the system's has none of its own
 *
 * A candidate that could not be read in full is searched too; an object whose own values were
 * reported is left out, so that one mistake is not reported twice. */
#include "config/config.h"
#include "config/config_priv.h"
#include "config/validate.h"

struct checker {
    struct config *config;
    struct config_errors *errors;
    size_t read_errors; /* those of config_parse come first in the list */
};

/* Pointers in the list are few (CONFIG_ERRORS_MAX). */
static bool is_reported(const struct checker *k, const struct config_path *path)
{
    bool found = false;
    if (k->read_errors == 0)
        return false;
    struct mem_arena arena;
    mem_arena_init(&arena);
    const char *pointer = config_path_pointer(path, &arena);
    size_t len = strlen(pointer);
    for (size_t i = 0; i < k->read_errors && !found; i++) {
        const char *other = k->errors->items[i].pointer;
        found = strncmp(other, pointer, len) == 0 && (other[len] == '\0' || other[len] == '/');
    }
    mem_arena_finish(&arena);
    return found;
}

static bool is_object_reported(const struct checker *k, enum cfg_section section, size_t at)
{
    struct config_path up = {.key = cfg_sections[section].name};
    struct config_path path = {.up = &up, .index = at};
    return is_reported(k, &path);
}

/* Adds an error at /section/at/key; key NULL: the object itself. */
#define FAIL(k, section, at_, key_, code, ...)                                                     \
    do {                                                                                           \
        struct config_path section_path = {.key = cfg_sections[section].name};                     \
        struct config_path object_path = {.up = &section_path, .index = (at_)};                    \
        struct config_path key_path = {.up = &object_path, .key = (key_)};                         \
        config_errors_add_at((k)->errors, (key_) == NULL ? &object_path : &key_path, code,         \
                             __VA_ARGS__);                                                         \
    } while (0)

static size_t position_in(const struct config *c, enum cfg_section section, const void *object)
{
    size_t size = cfg_sections[section].rows->size_bytes;
    return (size_t)((const char *)object - (const char *)cfg_object(c, section, 0)) / size;
}

/* More names than this are not searched for the one that was meant. */
enum { NEAREST_AMONG_MAX = 1000 };

static void fail_reference(struct checker *k, const struct config_path *path,
                           enum cfg_section wanted, struct slice name)
{
    size_t count = cfg_count(k->config, wanted);
    const char **names = mem_array(count + 1, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = cfg_key(k->config, wanted, i).p;
    const char *nearest = count > NEAREST_AMONG_MAX ? NULL : cfg_nearest(name, names, count);
    struct config_error_params params = {.got = name.p, .nearest = nearest};
    config_errors_add_params(k->errors, path, "ref.missing", &params,
                             "nothing in %s is named \"%.*s\"%s%s%s", cfg_sections[wanted].name,
                             SLICE_ARGS(name), nearest == NULL ? "" : "; did you mean \"",
                             nearest == NULL ? "" : nearest, nearest == NULL ? "" : "\"?");
    free(names);
}

static void check_reference(struct checker *k, enum cfg_section section, size_t at,
                            const struct cfg_row *row, struct slice name)
{
    bool is_single = (cfg_sections[section].flags & CFG_SECTION_SINGLETON) != 0;
    if (name.len == 0 || (row->word != NULL && slice_eq(name, slice_str(row->word))))
        return;
    if (config_find(k->config, row->ref, SLICE(""), name) != SIZE_MAX)
        return;
    struct config_path section_path = {.key = cfg_sections[section].name};
    struct config_path object_path = {.up = &section_path, .index = at};
    struct config_path path = {.up = is_single ? &section_path : &object_path, .key = row->key};
    if (!is_reported(k, &path))
        fail_reference(k, &path, row->ref, name);
}

static void check_references(struct checker *k)
{
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        enum cfg_section section = (enum cfg_section)i;
        const struct cfg_rows *rows = cfg_sections[i].rows;
        for (size_t at = 0; at < cfg_count(k->config, section); at++) {
            const void *object = cfg_object(k->config, section, at);
            for (size_t j = 0; j < rows->count; j++) {
                const struct cfg_row *row = &rows->rows[j];
                if (row->kind == CFG_KIND_REF)
                    check_reference(k, section, at, row,
                                    *(const struct slice *)cfg_member(object, row));
            }
        }
    }
}

/* A required section that is missing altogether: its required rows were never looked at. */
static void check_singletons(struct checker *k)
{
    struct config_path system = {.key = "system"};
    struct config_path hostname = {.up = &system, .key = "hostname"};
    if (k->config->system.hostname.len == 0 && !is_reported(k, &system))
        config_errors_add_at(k->errors, &hostname, "key.missing", "is missing");
}

static void check_duplicates(struct checker *k)
{
    const struct config *c = k->config;
    for (unsigned i = 0; i < CFG_SECTION_COUNT; i++) {
        enum cfg_section section = (enum cfg_section)i;
        const uint32_t *sorted = c->index[i].by_key;
        for (size_t j = 1; j < cfg_count(c, section); j++) {
            struct slice key = cfg_key(c, section, sorted[j]);
            struct slice listener = cfg_listener_of(c, section, sorted[j]);
            if (key.len == 0 ||
                config_key_compare(cfg_listener_of(c, section, sorted[j - 1]),
                                   cfg_key(c, section, sorted[j - 1]), listener, key) != 0)
                continue;
            FAIL(k, section, sorted[j], (const char *)NULL, "key.duplicate",
                 "\"%.*s\" is there already, as /%s/%u", SLICE_ARGS(key), cfg_sections[i].name,
                 (unsigned)sorted[j - 1]);
        }
    }
}

static bool is_any(const struct ip *ip)
{
    static const uint8_t zero[16];
    return memcmp(ip->bytes, zero, ip->family == 4 ? 4 : 16) == 0;
}

/* 0.0.0.0 takes the port on every IPv4 address; sockets for IPv6 are for IPv6 only. */
static bool clashes(const struct ip *a, const struct ip *b)
{
    if (a->family == 0 || a->family != b->family)
        return false;
    return ip_eq(a, b) || is_any(a) || is_any(b);
}

static void check_addresses(struct checker *k, size_t at)
{
    const struct config *c = k->config;
    const struct cfg_listener *mine = &c->listeners.items[at];
    const struct cfg_interface *here = config_find_interface(c, mine->interface);
    for (size_t i = 0; i < at && here != NULL && mine->port != 0; i++) {
        const struct cfg_listener *other = &c->listeners.items[i];
        const struct cfg_interface *there = config_find_interface(c, other->interface);
        if (there == NULL || other->port != mine->port || !clashes(&here->address, &there->address))
            continue;
        FAIL(k, CFG_SECTION_LISTENERS, at, "port", "rule.address_in_use",
             "port %u of this address is taken by listener \"%.*s\"", (unsigned)mine->port,
             SLICE_ARGS(other->name));
        return;
    }
}

static void check_https_port(struct checker *k, size_t at, uint32_t port, const char *key)
{
    const struct config *c = k->config;
    const struct cfg_interface *mine = &c->interfaces.items[at];
    for (size_t i = 0; i < c->listeners.count; i++) {
        const struct cfg_listener *l = &c->listeners.items[i];
        const struct cfg_interface *there = config_find_interface(c, l->interface);
        if (there == NULL || l->port != port || !clashes(&mine->address, &there->address))
            continue;
        FAIL(k, CFG_SECTION_INTERFACES, at, key, "rule.address_in_use",
             "port %u of this address is taken by listener \"%.*s\"", (unsigned)port,
             SLICE_ARGS(l->name));
        return;
    }
    for (size_t i = 0; i <= at; i++) {
        const struct cfg_interface *other = &c->interfaces.items[i];
        bool is_https = i < at && other->https && other->https_port == port;
        bool is_http = other->http_redirect && other->http_port == port &&
                       (i < at || strcmp(key, "https_port") == 0);
        if ((!is_https && !is_http) || !clashes(&mine->address, &other->address))
            continue;
        FAIL(k, CFG_SECTION_INTERFACES, at, key, "rule.address_in_use",
             "port %u of this address serves HTTP for interface \"%.*s\"", (unsigned)port,
             SLICE_ARGS(other->name));
        return;
    }
}

static void check_https(struct checker *k, size_t at)
{
    const struct cfg_interface *interface = &k->config->interfaces.items[at];
    if (is_object_reported(k, CFG_SECTION_INTERFACES, at))
        return;
    if (interface->https && interface->https_certificate.len == 0)
        FAIL(k, CFG_SECTION_INTERFACES, at, "https_certificate", "rule.tls_without_certificate",
             "HTTPS needs a certificate");
    if (interface->http_redirect && !interface->https)
        FAIL(k, CFG_SECTION_INTERFACES, at, "http_redirect", "rule.redirect_to_nothing",
             "there is no HTTPS on this interface to redirect to");
    if (interface->https)
        check_https_port(k, at, interface->https_port, "https_port");
    if (interface->http_redirect)
        check_https_port(k, at, interface->http_port, "http_port");
}

/* ALL, or a network that is everything. */
static bool is_everybody(const struct cfg_pattern *sender)
{
    return sender->kind == CFG_PATTERN_ALL ||
           (sender->kind == CFG_PATTERN_NET && sender->net.prefix == 0);
}

static bool has_all(const struct cfg_sender_group *group)
{
    for (size_t i = 0; i < group->senders.count; i++) {
        if (group->senders.items[i].sender.kind == CFG_PATTERN_ALL)
            return true;
    }
    return false;
}

static void check_group(struct checker *k, const struct cfg_listener *listener,
                        const struct cfg_sender_group *group, bool is_last)
{
    size_t at = position_in(k->config, CFG_SECTION_SENDER_GROUPS, group);
    const struct cfg_mail_flow_policy *policy =
        config_find_mail_flow_policy(k->config, group->policy);
    if (is_object_reported(k, CFG_SECTION_SENDER_GROUPS, at))
        return;
    if (is_last && !has_all(group))
        FAIL(k, CFG_SECTION_SENDER_GROUPS, at, "senders", "rule.hat_all_last",
             "the last sender group of listener \"%.*s\" must contain ALL",
             SLICE_ARGS(listener->name));
    if (!is_last && has_all(group))
        FAIL(k, CFG_SECTION_SENDER_GROUPS, at, "senders", "rule.hat_all_last",
             "ALL is for the last sender group of listener \"%.*s\": those behind it would never "
             "match",
             SLICE_ARGS(listener->name));
    if (policy == NULL)
        return;
    if (policy->tls == CFG_POLICY_TLS_REQUIRED && listener->certificate.len == 0)
        FAIL(k, CFG_SECTION_SENDER_GROUPS, at, "policy", "rule.tls_without_certificate",
             "policy \"%.*s\" requires TLS, but listener \"%.*s\" has no certificate",
             SLICE_ARGS(policy->name), SLICE_ARGS(listener->name));
    if (policy->action != CFG_POLICY_ACTION_RELAY || listener->type == CFG_LISTENER_TYPE_BLACKHOLE)
        return;
    for (size_t i = 0; i < group->senders.count; i++) {
        if (is_everybody(&group->senders.items[i].sender)) {
            FAIL(k, CFG_SECTION_SENDER_GROUPS, at, "policy", "rule.open_relay",
                 "relaying for everybody makes an open relay: name the networks");
            return;
        }
    }
}

static void check_hat(struct checker *k, size_t at)
{
    const struct cfg_listener *listener = &k->config->listeners.items[at];
    struct config_range groups = config_sender_groups(k->config, listener->name);
    if (groups.count == 0)
        FAIL(k, CFG_SECTION_LISTENERS, at, (const char *)NULL, "rule.hat_missing",
             "has no sender group: at least one with ALL is needed");
    for (size_t i = 0; i < groups.count; i++)
        check_group(k, listener, config_sender_group_at(groups, i), i + 1 == groups.count);
}

static void check_public_rat(struct checker *k, size_t at, struct config_range entries)
{
    bool has_all_entry = false;
    for (size_t i = 0; i < entries.count; i++) {
        const struct cfg_rat_entry *entry = config_rat_entry_at(entries, i);
        size_t place = position_in(k->config, CFG_SECTION_RAT, entry);
        if (entry->recipient.kind != CFG_PATTERN_ALL)
            continue;
        has_all_entry = true;
        if (i + 1 < entries.count)
            FAIL(k, CFG_SECTION_RAT, place, (const char *)NULL, "rule.rat_all_last",
                 "ALL must be the last entry: those behind it would never match");
        if (entry->action == CFG_RAT_ACTION_ACCEPT)
            FAIL(k, CFG_SECTION_RAT, place, "action", "rule.open_relay",
                 "accepting ALL recipients on a public listener makes an open relay");
    }
    if (!has_all_entry)
        FAIL(k, CFG_SECTION_LISTENERS, at, (const char *)NULL, "rule.rat_all_missing",
             "is public and needs a RAT entry ALL as its last");
}

static void check_rat(struct checker *k, size_t at)
{
    const struct cfg_listener *listener = &k->config->listeners.items[at];
    struct config_range entries = config_rat(k->config, listener->name);
    if (listener->type == CFG_LISTENER_TYPE_PUBLIC) {
        check_public_rat(k, at, entries);
        return;
    }
    for (size_t i = 0; i < entries.count; i++)
        FAIL(k, CFG_SECTION_RAT,
             position_in(k->config, CFG_SECTION_RAT, config_rat_entry_at(entries, i)), "listener",
             "rule.rat_not_public", "listener \"%.*s\" is %s: only public ones have a RAT",
             SLICE_ARGS(listener->name), cfg_listener_type_word(listener->type));
}

static void check_listeners(struct checker *k)
{
    struct config_path path = {.key = "listeners"};
    if (k->config->listeners.count > CONFIG_LISTENERS_MAX) {
        config_errors_add_at(k->errors, &path, "value.length",
                             "must have at most %d items, has %zu", CONFIG_LISTENERS_MAX,
                             k->config->listeners.count);
        return;
    }
    for (size_t i = 0; i < k->config->listeners.count; i++) {
        if (is_object_reported(k, CFG_SECTION_LISTENERS, i))
            continue;
        check_addresses(k, i);
        check_hat(k, i);
        check_rat(k, i);
    }
}

static void check_interfaces(struct checker *k)
{
    struct config_path path = {.key = cfg_sections[CFG_SECTION_INTERFACES].name};
    if (k->config->interfaces.count > CONFIG_INTERFACES_MAX) {
        config_errors_add_at(k->errors, &path, "value.length",
                             "must have at most %d items, has %zu", CONFIG_INTERFACES_MAX,
                             k->config->interfaces.count);
        return;
    }
    for (size_t i = 0; i < k->config->interfaces.count; i++)
        check_https(k, i);
}

static void check_destination_controls(struct checker *k)
{
    const struct config *c = k->config;
    struct config_path path = {.key = "destination-controls"};
    size_t at = config_find(c, CFG_SECTION_DESTINATION_CONTROLS, SLICE(""), SLICE("Default"));
    if (at == SIZE_MAX) {
        if (!is_reported(k, &path))
            config_errors_add_at(k->errors, &path, "rule.default_missing",
                                 "needs the entry Default");
        return;
    }
    const struct cfg_destination_control *control = &c->destination_controls.items[at];
    if (is_object_reported(k, CFG_SECTION_DESTINATION_CONTROLS, at))
        return;
    if (control->tls == CFG_DEST_TLS_DEFAULT)
        FAIL(k, CFG_SECTION_DESTINATION_CONTROLS, at, "tls", "rule.default_inherits",
             "the entry Default must say none, preferred or required");
    if (control->max_connections == 0)
        FAIL(k, CFG_SECTION_DESTINATION_CONTROLS, at, "max_connections", "rule.default_inherits",
             "the entry Default needs a number above 0");
    if (control->max_messages_per_connection == 0)
        FAIL(k, CFG_SECTION_DESTINATION_CONTROLS, at, "max_messages_per_connection",
             "rule.default_inherits", "the entry Default needs a number above 0");
}

static void check_objects(struct checker *k)
{
    const struct config *c = k->config;
    for (size_t i = 0; i < c->certificates.count; i++) {
        const struct cfg_certificate *cert = &c->certificates.items[i];
        if (cert->keys.count == 2 && cert->keys.items[0].type == cert->keys.items[1].type &&
            !is_object_reported(k, CFG_SECTION_CERTIFICATES, i))
            FAIL(k, CFG_SECTION_CERTIFICATES, i, "keys", "rule.key_type_twice",
                 "has two key pairs of type %s", cfg_key_type_word(cert->keys.items[0].type));
    }
    for (size_t i = 0; i < c->bounce_profiles.count; i++) {
        const struct cfg_bounce_profile *profile = &c->bounce_profiles.items[i];
        if (profile->initial_retry_s > profile->max_retry_s &&
            !is_object_reported(k, CFG_SECTION_BOUNCE_PROFILES, i))
            FAIL(k, CFG_SECTION_BOUNCE_PROFILES, i, "initial_retry_s", "rule.retry_order",
                 "is longer than max_retry_s (%u)", (unsigned)profile->max_retry_s);
    }
    for (size_t i = 0; i < c->trust_lists.count; i++) {
        const struct cfg_trust_list *list = &c->trust_lists.items[i];
        bool is_system = list->type == CFG_TRUST_TYPE_SYSTEM;
        if (is_system != (list->pem.len == 0) && !is_object_reported(k, CFG_SECTION_TRUST_LISTS, i))
            FAIL(k, CFG_SECTION_TRUST_LISTS, i, "pem", "rule.trust_pem", "%s",
                 is_system ? "the system's list has no certificates of its own"
                           : "a custom list needs certificates");
    }
}

bool config_validate(struct config *candidate, struct config_errors *errors)
{
    ASSERT(!candidate->is_sealed);
    struct checker k = {.config = candidate,
                        .errors = errors,
                        .read_errors = candidate->is_broken ? errors->count : 0};
    size_t before = errors->count + errors->dropped;
    config_index_build(candidate);
    check_singletons(&k);
    check_references(&k);
    check_duplicates(&k);
    check_interfaces(&k);
    check_listeners(&k);
    check_destination_controls(&k);
    check_objects(&k);
    if (candidate->is_broken || errors->count + errors->dropped > before)
        return false;
    candidate->is_sealed = true;
    return true;
}

struct config *config_load(struct slice json, struct config_errors *errors)
{
    struct config *c = config_parse(json, errors);
    if (c != NULL && !config_validate(c, errors)) {
        config_unref(c);
        return NULL;
    }
    return c;
}

bool config_check_text(struct slice json, struct buf *report)
{
    struct config_errors errors;
    config_errors_init(&errors);
    struct config *c = config_load(json, &errors);
    config_check_report(&errors, report);
    config_unref(c);
    bool is_good = c != NULL;
    config_errors_finish(&errors);
    return is_good;
}
