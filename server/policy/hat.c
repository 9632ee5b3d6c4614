/* The HAT, compiled: see hat.h.
 *
 * Two networks are disjoint or one holds the other. Sorted by first address, the larger one first,
 * the entries are therefore a walk over a forest, and a stack of the networks that are open at a
 * point tells who wins there: the earliest entry of all on the stack. Each time the winner changes
 * a range begins. One entry opens and closes once, so n entries make at most 2n + 1 ranges.
 *
 *     0: 10.1.0.0/16     from 0.0.0.0 on ALL, from 10.0.0.0 on entry 1, from 10.1.0.0 on entry 0,
 *     1: 10.0.0.0/8      from 10.2.0.0 on entry 1, from 11.0.0.0 on ALL;
 *     2: 10.3.1.0/24     entry 2 never wins, since 1 stands before it
 *     3: ALL
 *
 * An address is a 128-bit number in two halves; IPv4 uses the lowest 32 bits, in a table of its
 * own. ALL is what lies at the bottom of both stacks. */
#include "policy/hat.h"

enum { HAT_FAMILIES = 2 }; /* 0: IPv4, 1: IPv6 */

/* No entry: it loses against every other one. */
#define HAT_NOBODY UINT32_MAX

struct hat_number {
    uint64_t high, low;
};

/* From FIRST up to the next range's. */
struct hat_range {
    struct hat_number first;
    uint32_t entry; /* index of who wins, or HAT_NOBODY */
};

struct hat_table {
    struct hat_range *ranges; /* sorted; the first begins at 0 */
    size_t count;
};

struct hat {
    struct hat_match *entries; /* in the order of the configuration */
    struct hat_table tables[HAT_FAMILIES];
    uint32_t all; /* the first ALL, or HAT_NOBODY */
};

/* While compiling. */
struct hat_net {
    struct hat_number first, last;
    uint32_t entry;
};

static int number_compare(struct hat_number a, struct hat_number b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

/* False after the largest address of IPv6. After IPv4's comes one that no address reaches. */
static bool number_next(struct hat_number n, struct hat_number *ret_next)
{
    *ret_next = (struct hat_number){.high = n.high + (n.low == UINT64_MAX), .low = n.low + 1};
    return ret_next->high != 0 || ret_next->low != 0;
}

static struct hat_number number_of(const struct ip *ip)
{
    struct hat_number n = {0};
    if (ip->family == 4) {
        for (size_t i = 0; i < 4; i++)
            n.low = n.low << 8 | ip->bytes[i];
        return n;
    }
    for (size_t i = 0; i < 8; i++) {
        n.high = n.high << 8 | ip->bytes[i];
        n.low = n.low << 8 | ip->bytes[i + 8];
    }
    return n;
}

/* The lowest COUNT bits of a half, 0..64. */
static uint64_t low_bits(unsigned count)
{
    return count == 0 ? 0 : UINT64_MAX >> (64 - count);
}

static struct hat_net net_of(const struct ip_net *net, uint32_t entry)
{
    unsigned host_bits = (net->ip.family == 4 ? 32u : 128u) - net->prefix;
    struct hat_number first = number_of(&net->ip);
    struct hat_number last = {
        .high = first.high | low_bits(host_bits > 64 ? host_bits - 64 : 0),
        .low = first.low | low_bits(host_bits > 64 ? 64 : host_bits),
    };
    return (struct hat_net){.first = first, .last = last, .entry = entry};
}

/* The larger network first, so that it is on the stack before what it holds. */
static int net_compare(const void *a, const void *b)
{
    const struct hat_net *x = a, *y = b;
    int order = number_compare(x->first, y->first);
    if (order == 0)
        order = number_compare(y->last, x->last);
    return order != 0 ? order : (x->entry > y->entry) - (x->entry < y->entry);
}

/* From FIRST on ENTRY wins. Comes with rising FIRST; the last word at one place counts. */
static void range_begin(struct hat_table *table, struct hat_number first, uint32_t entry)
{
    struct hat_range *end = table->ranges + table->count;
    if (table->count > 0 && number_compare(end[-1].first, first) == 0) {
        table->count--;
        end--;
    }
    if (table->count > 0 && end[-1].entry == entry)
        return;
    *end = (struct hat_range){.first = first, .entry = entry};
    table->count++;
}

/* Sorts NETS, and uses its start as the stack: a net is pushed at or before its own place. */
static void table_build(struct hat_table *table, struct hat_net *nets, size_t count, uint32_t all)
{
    struct hat_number next;
    size_t open = 0;
    table->ranges = mem_array(2 * count + 1, sizeof(*table->ranges));
    range_begin(table, (struct hat_number){0}, all);
    if (count > 0)
        qsort(nets, count, sizeof(*nets), net_compare);
    for (size_t i = 0; i <= count; i++) {
        while (open > 0 && (i == count || number_compare(nets[open - 1].last, nets[i].first) < 0)) {
            struct hat_number last = nets[--open].last;
            if (number_next(last, &next))
                range_begin(table, next, open > 0 ? nets[open - 1].entry : all);
        }
        if (i == count)
            break;
        struct hat_net net = nets[i];
        uint32_t below = open > 0 ? nets[open - 1].entry : all;
        if (below < net.entry)
            net.entry = below; /* what holds it stands before it */
        nets[open++] = net;
        range_begin(table, net.first, net.entry);
    }
    /* Rarely all of them: nested networks and dead entries. */
    table->ranges = mem_realloc(table->ranges, table->count * sizeof(*table->ranges));
}

static size_t count_senders(struct config_range groups)
{
    size_t count = 0;
    for (size_t i = 0; i < groups.count; i++)
        count += config_sender_group_at(groups, i)->senders.count;
    return count;
}

struct hat *hat_create(const struct config *config, struct slice listener)
{
    struct config_range groups = config_sender_groups(config, listener);
    size_t total = count_senders(groups);
    struct hat *hat = MEM_NEW(struct hat);
    struct hat_net *nets[HAT_FAMILIES];
    size_t counts[HAT_FAMILIES] = {0};
    uint32_t entry = 0;
    ASSERT(total < HAT_NOBODY);
    hat->entries = mem_array(total + 1, sizeof(*hat->entries));
    hat->all = HAT_NOBODY;
    for (size_t i = 0; i < HAT_FAMILIES; i++)
        nets[i] = mem_array(total + 1, sizeof(*nets[i]));

    for (size_t i = 0; i < groups.count; i++) {
        const struct cfg_sender_group *group = config_sender_group_at(groups, i);
        const struct cfg_mail_flow_policy *policy =
            config_find_mail_flow_policy(config, group->policy);
        ASSERT(policy != NULL); /* sealed: references exist */
        for (size_t j = 0; j < group->senders.count; j++, entry++) {
            const struct cfg_pattern *sender = &group->senders.items[j].sender;
            hat->entries[entry] =
                (struct hat_match){.group = group, .pattern = sender->text, .policy = policy};
            if (sender->kind == CFG_PATTERN_NET) {
                size_t family = sender->net.ip.family == 6;
                nets[family][counts[family]++] = net_of(&sender->net, entry);
            } else if (sender->kind == CFG_PATTERN_ALL && hat->all == HAT_NOBODY) {
                hat->all = entry;
            }
        }
    }
    for (size_t i = 0; i < HAT_FAMILIES; i++) {
        table_build(&hat->tables[i], nets[i], counts[i], hat->all);
        free(nets[i]);
    }
    return hat;
}

void hat_destroy(struct hat *hat)
{
    if (hat == NULL)
        return;
    for (size_t i = 0; i < HAT_FAMILIES; i++)
        free(hat->tables[i].ranges);
    free(hat->entries);
    free(hat);
}

/* The range that holds N: the last one that does not begin behind it. */
static uint32_t table_find(const struct hat_table *table, struct hat_number n)
{
    size_t low = 0, high = table->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (number_compare(table->ranges[middle].first, n) <= 0)
            low = middle;
        else
            high = middle;
    }
    return table->ranges[low].entry;
}

bool hat_find(const struct hat *hat, const struct ip *ip, struct hat_match *ret_match)
{
    uint32_t entry = hat->all;
    if (ip->family != 0)
        entry = table_find(&hat->tables[ip->family == 6], number_of(ip));
    if (entry == HAT_NOBODY)
        return false;
    *ret_match = hat->entries[entry];
    return true;
}
