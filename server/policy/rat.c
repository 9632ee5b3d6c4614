/* The RAT, compiled: see rat.h.
 *
 * Every entry has one key in one hash table:
 *     user@example.test   the local part unquoted, `@`, the domain in lower case
 *     example.test, .example.test   as they are
 * which cannot be mixed up: only the first has an `@`, and a domain has none, so the last `@` ends
 * the local part. A recipient has one key of the first form, one of the second and one of the third
 * for each label of its domain; of the entries found the earliest wins. Equal keys: only the first
 * entry is in the table, the others can never win.
 *
 * Hostile input: an address has at most 64 + 1 + 255 octets and 128 labels, and the hash is keyed,
 * so a look-up is bounded whatever a client sends. */
#include "policy/rat.h"

#include "base/hmap.h"
#include "base/limits.h"
#include "base/mailaddr.h"

enum { RAT_KEY_MAX = LIMIT_SMTP_LOCAL_PART + 1 + LIMIT_SMTP_DOMAIN };

struct rat_node {
    struct hmap_node node;
    size_t order; /* place in the RAT */
    const struct cfg_rat_entry *entry;
};

struct rat {
    struct hmap keys;
    struct mem_arena arena;     /* nodes and keys */
    const struct rat_node *all; /* the first ALL, or NULL */
};

/* local-part@domain in the form in which equal mailboxes are equal bytes. */
struct rat_key {
    char text[RAT_KEY_MAX];
    size_t len;
    size_t domain_at; /* behind the `@` */
    bool is_literal;
};

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void key_put(struct rat_key *key, char c)
{
    ASSERT(key->len < sizeof(key->text));
    key->text[key->len++] = c;
}

/* RFC 5321 4.1.2: a quoted local part means the same as what the quotes and backslashes hold. */
static void key_put_local(struct rat_key *key, struct slice local)
{
    bool is_quoted = local.len >= 2 && local.p[0] == '"';
    size_t end = is_quoted ? local.len - 1 : local.len;
    for (size_t i = is_quoted ? 1 : 0; i < end; i++) {
        if (is_quoted && local.p[i] == '\\')
            i++;
        key_put(key, local.p[i]);
    }
    /* RFC 5321 2.4: the case of a local part is its host's business, save for 4.5.1 */
    if (slice_eq_nocase(slice_of(key->text, key->len), SLICE("postmaster"))) {
        for (size_t i = 0; i < key->len; i++)
            key->text[i] = to_lower(key->text[i]);
    }
}

static void key_put_domain(struct rat_key *key, struct slice domain)
{
    char text[IP_TEXT_MAX];
    struct ip ip;
    key->is_literal = mailaddr_is_literal(domain, &ip);
    if (key->is_literal) {
        domain = slice_str(ip_format(&ip, text));
        key_put(key, '[');
    }
    for (size_t i = 0; i < domain.len; i++)
        key_put(key, to_lower(domain.p[i]));
}

/* False: no address. The bare Postmaster gives a key with an empty domain. */
static bool key_of_address(struct slice address, struct rat_key *key)
{
    struct mailaddr addr;
    if (!mailaddr_parse(address, &addr))
        return false;
    key->len = 0;
    key_put_local(key, addr.local);
    key_put(key, '@');
    key->domain_at = key->len;
    key_put_domain(key, addr.domain);
    return true;
}

static void add(struct rat *rat, size_t order, const struct cfg_rat_entry *entry)
{
    struct slice text = entry->recipient.text;
    struct rat_node *made = mem_arena_alloc(&rat->arena, sizeof(*made));
    struct rat_key key;
    *made = (struct rat_node){.order = order, .entry = entry};
    if (entry->recipient.kind == CFG_PATTERN_ALL) {
        if (rat->all == NULL)
            rat->all = made;
        return;
    }
    if (entry->recipient.kind == CFG_PATTERN_ADDRESS) {
        bool is_address = key_of_address(text, &key);
        ASSERT(is_address); /* config read it with the same parser */
        text = slice_of(mem_arena_strndup(&rat->arena, key.text, key.len), key.len);
    }
    if (hmap_find(&rat->keys, text) == NULL)
        hmap_add(&rat->keys, &made->node, text);
}

struct rat *rat_create(const struct config *config, struct slice listener)
{
    struct config_range entries = config_rat(config, listener);
    struct rat *rat = MEM_NEW(struct rat);
    hmap_init(&rat->keys);
    mem_arena_init(&rat->arena);
    for (size_t i = 0; i < entries.count; i++)
        add(rat, i, config_rat_entry_at(entries, i));
    return rat;
}

void rat_destroy(struct rat *rat)
{
    if (rat == NULL)
        return;
    hmap_finish(&rat->keys);
    mem_arena_finish(&rat->arena);
    free(rat);
}

/* The earlier of BEST (may be NULL) and the entry of that key. */
static const struct rat_node *earlier(const struct rat *rat, const struct rat_node *best,
                                      struct slice key)
{
    struct hmap_node *node = hmap_find(&rat->keys, key);
    if (node == NULL)
        return best;
    const struct rat_node *found = CONTAINER_OF(node, struct rat_node, node);
    return best == NULL || found->order < best->order ? found : best;
}

const struct cfg_rat_entry *rat_find(const struct rat *rat, struct slice address)
{
    const struct rat_node *best = rat->all;
    struct rat_key key;
    if (!key_of_address(address, &key))
        return NULL;
    best = earlier(rat, best, slice_of(key.text, key.len));
    struct slice domain = slice_of(key.text + key.domain_at, key.len - key.domain_at);
    if (!key.is_literal && domain.len > 0) {
        best = earlier(rat, best, domain);
        for (size_t dot = slice_find(domain, '.'); dot < domain.len;) {
            struct slice parent = slice_of(domain.p + dot, domain.len - dot);
            best = earlier(rat, best, parent);
            dot += 1 + slice_find(slice_of(parent.p + 1, parent.len - 1), '.');
        }
    }
    return best == NULL ? NULL : best->entry;
}

bool rat_accepts(const struct rat *rat, struct slice address,
                 const struct cfg_rat_entry **ret_entry)
{
    struct mailaddr addr;
    *ret_entry = NULL;
    if (!mailaddr_parse(address, &addr))
        return false;
    if (addr.domain.len == 0)
        return true; /* RFC 5321 4.5.1 */
    *ret_entry = rat_find(rat, address);
    return *ret_entry != NULL && (*ret_entry)->action == CFG_RAT_ACTION_ACCEPT;
}
