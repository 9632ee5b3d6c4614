/* The configuration as C structs, made from the rows of the .def files: nothing is declared twice.
 *
 * One struct a section (`struct cfg_listener`), one list type beside it (`struct cfg_listener_list`
 * with items and count). What a member holds depends on the row's kind:
 *     STR, NAME, REF, HOSTNAME  struct slice; p is never NULL, p[len] is NUL; empty: not set
 *     U32, U64, BOOL            the number
 *     ENUM                      enum from enums.def
 *     IP                        struct ip
 *     PATTERN                   struct cfg_pattern, parsed, domains in lower case
 *     LIST                      struct <item>_list
 * Everything lives in the arena of the struct config it was read from and dies with it.
 * This file is included by config/config.h; users include that. */
#ifndef POSTERN_CONFIG_SECTIONS_H
#define POSTERN_CONFIG_SECTIONS_H

#include "base/ip.h"

/* What a pattern matches. */
enum cfg_pattern_kind {
    CFG_PATTERN_NONE,       /* not set */
    CFG_PATTERN_ALL,        /* ALL, or Default in destination controls */
    CFG_PATTERN_DOMAIN,     /* example.test */
    CFG_PATTERN_SUBDOMAINS, /* .example.test: everything below it, not itself; text has the dot */
    CFG_PATTERN_ADDRESS,    /* user@example.test: local part as written */
    CFG_PATTERN_NET,        /* 192.0.2.1, 192.0.2.0/24: net */
    CFG_PATTERN_LITERAL,    /* [192.0.2.1], [IPv6:2001:db8::1]: net.ip */
};

struct cfg_pattern {
    enum cfg_pattern_kind kind;
    struct slice text; /* canonical: domains in lower case */
    struct ip_net net; /* NET and LITERAL */
};

/* address or address@port */
struct cfg_endpoint {
    struct ip ip;
    uint16_t port;
};

#define CFG_ENUM_BEGIN(name)         enum name {
#define CFG_ENUM_VALUE(symbol, word) symbol,
#define CFG_ENUM_END                                                                               \
    }                                                                                              \
    ;
#include "config/enums.def"
#undef CFG_ENUM_BEGIN
#undef CFG_ENUM_VALUE
#undef CFG_ENUM_END

#define CFG_LIST_OF(item)                                                                          \
    struct item##_list {                                                                           \
        const struct item *items;                                                                  \
        size_t count;                                                                              \
    }

#define CFG_STR(name, ...)              struct slice name;
#define CFG_NAME(name, ...)             struct slice name;
#define CFG_HOSTNAME(name, ...)         struct slice name;
#define CFG_REF(name, section, ...)     struct slice name;
#define CFG_U32(name, ...)              uint32_t name;
#define CFG_U64(name, ...)              uint64_t name;
#define CFG_BOOL(name, ...)             bool name;
#define CFG_IP(name, ...)               struct ip name;
#define CFG_PATTERN(name, ...)          struct cfg_pattern name;
#define CFG_ENUM(name, type, ...)       enum type name;
#define CFG_LIST(name, item, kind, ...) struct item##_list name;

CFG_LIST_OF(cfg_pattern);
CFG_LIST_OF(cfg_endpoint);

struct cfg_sender {
#include "config/sender_group_senders.def"
};
CFG_LIST_OF(cfg_sender);

struct cfg_smtp_route_target {
#include "config/smtp_route_targets.def"
};
CFG_LIST_OF(cfg_smtp_route_target);

struct cfg_certificate_key {
#include "config/certificate_keys.def"
};
CFG_LIST_OF(cfg_certificate_key);

struct cfg_system {
#include "config/system.def"
};

struct cfg_dns {
#include "config/dns.def"
};

struct cfg_delivery {
#include "config/delivery.def"
};

struct cfg_logs {
#include "config/logs.def"
};

struct cfg_interface {
#include "config/interfaces.def"
};

struct cfg_listener {
#include "config/listeners.def"
};

struct cfg_sender_group {
#include "config/sender_groups.def"
};

struct cfg_mail_flow_policy {
#include "config/mail_flow_policies.def"
};

struct cfg_rat_entry {
#include "config/rat.def"
};

struct cfg_destination_control {
#include "config/destination_controls.def"
};

struct cfg_smtp_route {
#include "config/smtp_routes.def"
};

struct cfg_bounce_profile {
#include "config/bounce_profiles.def"
};

struct cfg_certificate {
#include "config/certificates.def"
};

struct cfg_trust_list {
#include "config/trust_lists.def"
};

#undef CFG_STR
#undef CFG_NAME
#undef CFG_HOSTNAME
#undef CFG_REF
#undef CFG_U32
#undef CFG_U64
#undef CFG_BOOL
#undef CFG_IP
#undef CFG_PATTERN
#undef CFG_ENUM
#undef CFG_LIST

#define CFG_SINGLETON(id, member, name, type)
#define CFG_OBJECTS(id, member, name, type, key, flags) CFG_LIST_OF(type);
#include "config/sections.def"
#undef CFG_SINGLETON
#undef CFG_OBJECTS

enum cfg_section {
#define CFG_SINGLETON(id, member, name, type)           CFG_SECTION_##id,
#define CFG_OBJECTS(id, member, name, type, key, flags) CFG_SECTION_##id,
#include "config/sections.def"
#undef CFG_SINGLETON
#undef CFG_OBJECTS
    CFG_SECTION_COUNT
};

#endif
