/* Delays after failed logins: see throttle.h.
 *
 * A table maps the 64-bit hash of a name or an address to how often it was charged and when last.
 * The hash is keyed by a random value of the process (base/hmap.h): nobody can look for two names
 * that share an entry. */
#include "config/throttle.h"

#include "base/hmap.h"
#include "base/mem.h"

enum { ACCOUNT_SHOWN = 64 /* longer than any user's name: the rest makes no difference */ };

struct entry {
    struct hmap_node node;
    uint32_t charges;
    uint64_t charged_ms; /* the last time */
};

struct table {
    struct hmap entries; /* owned */
    uint32_t free_charges, delay_max_s;
};

struct throttle {
    struct table accounts, addresses;
};

struct throttle *throttle_create(void)
{
    struct throttle *throttle = MEM_NEW(struct throttle);
    hmap_init(&throttle->accounts.entries);
    throttle->accounts.free_charges = THROTTLE_FREE_ACCOUNT;
    throttle->accounts.delay_max_s = THROTTLE_DELAY_ACCOUNT_MAX_S;
    hmap_init(&throttle->addresses.entries);
    throttle->addresses.free_charges = THROTTLE_FREE_ADDRESS;
    throttle->addresses.delay_max_s = THROTTLE_DELAY_ADDRESS_MAX_S;
    return throttle;
}

static struct entry *entry_of(struct hmap_node *node)
{
    return node == NULL ? NULL : CONTAINER_OF(node, struct entry, node);
}

static void remove_entry(struct table *table, struct entry *entry)
{
    hmap_remove(&table->entries, &entry->node);
    free(entry);
}

static void finish_table(struct table *table)
{
    struct hmap_node *node = hmap_first(&table->entries);
    while (node != NULL) {
        struct entry *entry = entry_of(node);
        node = hmap_after(&table->entries, node);
        remove_entry(table, entry);
    }
    hmap_finish(&table->entries);
}

void throttle_destroy(struct throttle *throttle)
{
    if (throttle == NULL)
        return;
    finish_table(&throttle->accounts);
    finish_table(&throttle->addresses);
    free(throttle);
}

/* --- what is looked up --- */

static uint64_t account_key(struct slice account)
{
    char lower[ACCOUNT_SHOWN];
    size_t len = account.len < sizeof(lower) ? account.len : sizeof(lower);
    for (size_t i = 0; i < len; i++) {
        char c = account.p[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return hmap_hash(slice_of(lower, len));
}

static bool has_address(const struct ip *address)
{
    return address != NULL && address->family != 0;
}

static uint64_t address_key(const struct ip *address)
{
    /* Who has one IPv6 address usually has its whole /64. */
    char key[9] = {(char)address->family};
    memcpy(key + 1, address->bytes, address->family == 4 ? 4 : 8);
    return hmap_hash(slice_of(key, sizeof(key)));
}

static struct entry *find(const struct table *table, uint64_t key)
{
    return entry_of(hmap_find_number(&table->entries, key));
}

/* --- charges --- */

static uint32_t charges_at(const struct entry *entry, uint64_t now_ms)
{
    return now_ms - entry->charged_ms >= THROTTLE_FORGET_MS ? 0 : entry->charges;
}

static uint32_t wait_s(const struct table *table, uint64_t key, uint64_t now_ms)
{
    const struct entry *entry = find(table, key);
    uint32_t charges = entry == NULL ? 0 : charges_at(entry, now_ms);
    if (charges < table->free_charges)
        return 0;
    uint32_t doublings = charges - table->free_charges;
    uint64_t delay_s = doublings < 31 ? 1U << doublings : table->delay_max_s;
    if (delay_s > table->delay_max_s)
        delay_s = table->delay_max_s;
    uint64_t until_ms = entry->charged_ms + delay_s * 1000;
    return now_ms >= until_ms ? 0 : (uint32_t)((until_ms - now_ms + 999) / 1000);
}

/* The one whose loss matters least. */
static void make_room(struct table *table, uint64_t now_ms)
{
    struct entry *least = NULL;
    uint32_t fewest = UINT32_MAX;
    for (struct hmap_node *node = hmap_first(&table->entries); node != NULL;
         node = hmap_after(&table->entries, node)) {
        struct entry *entry = entry_of(node);
        uint32_t charges = charges_at(entry, now_ms);
        if (least == NULL || charges < fewest ||
            (charges == fewest && entry->charged_ms < least->charged_ms)) {
            least = entry;
            fewest = charges;
        }
    }
    if (least != NULL)
        remove_entry(table, least);
}

static void charge(struct table *table, uint64_t key, uint64_t now_ms)
{
    struct entry *entry = find(table, key);
    if (entry == NULL) {
        if (table->entries.count >= THROTTLE_ENTRIES_MAX)
            make_room(table, now_ms);
        entry = MEM_NEW(struct entry);
        entry->charged_ms = now_ms;
        hmap_add_number(&table->entries, &entry->node, key);
    }
    entry->charges = charges_at(entry, now_ms) + 1;
    entry->charged_ms = now_ms;
}

static void take_back(struct table *table, uint64_t key)
{
    struct entry *entry = find(table, key);
    if (entry == NULL) /* it made room, or was forgotten */
        return;
    if (entry->charges > 1)
        entry->charges--;
    else
        remove_entry(table, entry);
}

uint32_t throttle_ask(struct throttle *throttle, struct slice account, const struct ip *address,
                      uint64_t now_ms)
{
    uint64_t key = account_key(account);
    uint32_t wait = wait_s(&throttle->accounts, key, now_ms);
    if (has_address(address)) {
        uint32_t other = wait_s(&throttle->addresses, address_key(address), now_ms);
        wait = other > wait ? other : wait;
    }
    if (wait > 0)
        return wait;
    charge(&throttle->accounts, key, now_ms);
    if (has_address(address))
        charge(&throttle->addresses, address_key(address), now_ms);
    return 0;
}

void throttle_succeeded(struct throttle *throttle, struct slice account, const struct ip *address)
{
    struct entry *entry = find(&throttle->accounts, account_key(account));
    if (entry != NULL)
        remove_entry(&throttle->accounts, entry);
    if (has_address(address))
        take_back(&throttle->addresses, address_key(address));
}

void throttle_withdraw(struct throttle *throttle, struct slice account, const struct ip *address)
{
    take_back(&throttle->accounts, account_key(account));
    if (has_address(address))
        take_back(&throttle->addresses, address_key(address));
}
