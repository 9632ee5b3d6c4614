/* The account of live records: see ledger.h.
 *
 * Counts are kept per segment; which states a segment holds is found by walking all entries,
 * because that is asked once in a segment's life while a list node would cost every message 16
 * bytes. */
#include "queue/ledger.h"

#include "base/mem.h"

void ledger_init(struct ledger *ledger)
{
    hmap_init(&ledger->entries);
    hmap_init(&ledger->segments);
    ledger->is_dirty = false;
}

void ledger_finish(struct ledger *ledger)
{
    for (struct hmap_node *it = hmap_first(&ledger->entries); it != NULL;) {
        struct hmap_node *next = hmap_after(&ledger->entries, it);
        free(CONTAINER_OF(it, struct ledger_entry, node));
        it = next;
    }
    for (struct hmap_node *it = hmap_first(&ledger->segments); it != NULL;) {
        struct hmap_node *next = hmap_after(&ledger->segments, it);
        struct ledger_segment *segment = CONTAINER_OF(it, struct ledger_segment, node);
        free(segment->tombs);
        free(segment);
        it = next;
    }
    hmap_finish(&ledger->entries);
    hmap_finish(&ledger->segments);
}

static struct ledger_segment *segment_find(const struct ledger *ledger, uint64_t number)
{
    struct hmap_node *node = hmap_find_number(&ledger->segments, number);
    return node == NULL ? NULL : CONTAINER_OF(node, struct ledger_segment, node);
}

struct ledger_segment *ledger_segment_add(struct ledger *ledger, uint64_t number)
{
    struct ledger_segment *segment = MEM_NEW(struct ledger_segment);
    segment->number = number;
    hmap_add_number(&ledger->segments, &segment->node, number);
    return segment;
}

void ledger_segment_seal(struct ledger *ledger, uint64_t number)
{
    struct ledger_segment *segment = segment_find(ledger, number);
    ASSERT(segment != NULL);
    segment->is_sealed = true;
    if (segment->live_messages == 0)
        ledger->is_dirty = true;
}

void ledger_segment_drop(struct ledger *ledger, struct ledger_segment *segment)
{
    ASSERT(segment->live_messages == 0 && segment->live_states == 0);
    hmap_remove(&ledger->segments, &segment->node);
    free(segment->tombs);
    free(segment);
}

struct ledger_segment *ledger_segment_removable(struct ledger *ledger)
{
    if (!ledger->is_dirty)
        return NULL;
    struct ledger_segment *oldest = NULL;
    for (struct hmap_node *it = hmap_first(&ledger->segments); it != NULL;
         it = hmap_after(&ledger->segments, it)) {
        struct ledger_segment *segment = CONTAINER_OF(it, struct ledger_segment, node);
        if (segment->is_sealed && !segment->is_kept && segment->live_messages == 0 &&
            (oldest == NULL || segment->number < oldest->number))
            oldest = segment;
    }
    /* Oldest first: its tombs' messages are then most likely gone already. */
    if (oldest == NULL)
        ledger->is_dirty = false;
    return oldest;
}

bool ledger_segment_exists(const struct ledger *ledger, uint64_t number)
{
    return segment_find(ledger, number) != NULL;
}

struct ledger_entry *ledger_find(const struct ledger *ledger, uint64_t mid)
{
    struct hmap_node *node = hmap_find_number(&ledger->entries, mid);
    return node == NULL ? NULL : CONTAINER_OF(node, struct ledger_entry, node);
}

void ledger_message(struct ledger *ledger, uint64_t mid, uint64_t segment, bool has_body_file)
{
    struct ledger_segment *home = segment_find(ledger, segment);
    ASSERT(home != NULL);
    if (ledger_find(ledger, mid) != NULL)
        return; /* a MID is used once; a second record of it would not be a message of ours */
    struct ledger_entry *entry = MEM_NEW(struct ledger_entry);
    entry->message_segment = (uint32_t)segment;
    entry->has_body_file = has_body_file;
    hmap_add_number(&ledger->entries, &entry->node, mid);
    home->live_messages++;
}

static void state_forget(struct ledger *ledger, struct ledger_entry *entry)
{
    struct ledger_segment *old = segment_find(ledger, entry->state_segment);
    if (old != NULL)
        old->live_states--;
    entry->state_segment = 0;
}

void ledger_state(struct ledger *ledger, uint64_t mid, uint64_t segment, uint64_t offset,
                  uint64_t span)
{
    struct ledger_entry *entry = ledger_find(ledger, mid);
    struct ledger_segment *home = segment_find(ledger, segment);
    ASSERT(home != NULL);
    if (entry == NULL)
        return;
    state_forget(ledger, entry);
    entry->state_segment = (uint32_t)segment;
    entry->state_offset = (uint32_t)offset;
    entry->state_span = (uint32_t)span;
    home->live_states++;
}

void ledger_tomb_add(struct ledger_segment *segment, uint64_t mid, uint32_t message_segment)
{
    if (segment->tomb_count == segment->tomb_size) {
        segment->tomb_size = segment->tomb_size == 0 ? 16 : segment->tomb_size * 2;
        segment->tombs =
            mem_realloc(segment->tombs, segment->tomb_size * sizeof(struct ledger_tomb));
    }
    segment->tombs[segment->tomb_count++] =
        (struct ledger_tomb){.mid = mid, .message_segment = message_segment};
}

bool ledger_done(struct ledger *ledger, uint64_t mid, uint64_t segment, bool *ret_has_body_file)
{
    struct ledger_entry *entry = ledger_find(ledger, mid);
    if (entry == NULL)
        return false;
    state_forget(ledger, entry);
    struct ledger_segment *home = segment_find(ledger, entry->message_segment);
    ASSERT(home != NULL && home->live_messages > 0);
    home->live_messages--;
    if (home->live_messages == 0 && home->is_sealed)
        ledger->is_dirty = true;
    if (entry->message_segment != segment) {
        struct ledger_segment *here = segment_find(ledger, segment);
        ASSERT(here != NULL);
        ledger_tomb_add(here, mid, entry->message_segment);
    }
    *ret_has_body_file = entry->has_body_file;
    hmap_remove(&ledger->entries, &entry->node);
    free(entry);
    return true;
}
