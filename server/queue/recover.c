/* Replay at start: see recover.h.
 *
 * Segments in the order of their numbers, records in the order in which they stand; the last word
 * on a message counts. A message is decoded when its record is seen and dropped when its DONE is,
 * so memory is bounded by what is live at any point of the log, not by its length.
 *
 * - A torn tail of the newest segment is what a crash leaves: cut off, synced, not worth a word.
 *
 * - A torn tail elsewhere, or a gap, is damage: told and passed over (segment.c finds the next good
 *   record).
 *
 * - A MESSAGE whose body file is gone is told and dropped: there is nothing to deliver.
 *
 * - A body file that nobody names is removed.
 *
 * What can be read and has the right sum is delivered, even if its 250 was never sent. */
#include "queue/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct recover_message {
    struct hmap_node node;
    struct list link;
    struct envelope *env;
    struct spool_location location;
};

struct recover_run {
    const struct recover *recover;
    struct ledger *ledger;
    struct recover_messages messages;
    uint64_t segment; /* being read */
    uint64_t next_seq;
};

static void damaged(const struct recover *recover, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void damaged(const struct recover *recover, const char *fmt, ...)
{
    char text[256];
    if (recover->opts->damaged == NULL)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut off if ever too long */
    va_end(args);
    recover->opts->damaged(recover->opts->ctx, text);
}

void recover_messages_init(struct recover_messages *messages)
{
    hmap_init(&messages->by_mid);
    list_init(&messages->in_order);
}

static struct recover_message *message_find(const struct recover_messages *messages, uint64_t mid)
{
    struct hmap_node *node = hmap_find_number(&messages->by_mid, mid);
    return node == NULL ? NULL : CONTAINER_OF(node, struct recover_message, node);
}

bool recover_messages_has(const struct recover_messages *messages, uint64_t mid)
{
    return message_find(messages, mid) != NULL;
}

static void message_drop(struct recover_messages *messages, struct recover_message *message)
{
    if (message == NULL)
        return;
    hmap_remove(&messages->by_mid, &message->node);
    list_remove(&message->link);
    envelope_destroy(message->env);
    free(message);
}

void recover_messages_finish(struct recover_messages *messages)
{
    LIST_FOREACH(it, next, &messages->in_order)
    message_drop(messages, CONTAINER_OF(it, struct recover_message, link));
    hmap_finish(&messages->by_mid);
}

static bool take_message(struct recover_messages *messages, uint64_t segment,
                         const struct segment_record *found)
{
    const struct record *record = &found->record;
    struct envelope *env;
    if (message_find(messages, record->mid) != NULL)
        return true; /* the first one counts: see ledger_message */
    int r = envelope_decode(found->head, &env);
    if (r < 0)
        return false;
    if (env->mid != record->mid) {
        envelope_destroy(env);
        return false;
    }
    struct recover_message *message = MEM_NEW(struct recover_message);
    bool is_file = (record->flags & RECORD_FLAG_BODY_FILE) != 0;
    message->env = env;
    message->location = (struct spool_location){
        .mid = record->mid,
        .segment = is_file ? 0 : segment,
        .offset = is_file ? 0 : found->body_offset,
        .size_bytes = record->body_len,
    };
    hmap_add_number(&messages->by_mid, &message->node, record->mid);
    list_append(&messages->in_order, &message->link);
    return true;
}

bool recover_record(struct recover_messages *messages, uint64_t segment,
                    const struct segment_record *found)
{
    struct recover_message *message = message_find(messages, found->record.mid);
    switch (found->record.type) {
    case RECORD_TYPE_MESSAGE:
        return take_message(messages, segment, found);
    case RECORD_TYPE_STATE:
        return message == NULL || record_state_apply(found->head, message->env) == 0;
    case RECORD_TYPE_DONE:
        message_drop(messages, message);
        return true;
    case RECORD_TYPE_DONE_LIST:
        if (found->head.len % 8 != 0)
            return false;
        for (size_t i = 0; i < found->head.len; i += 8)
            message_drop(messages, message_find(messages, record_u64_take(found->head.p + i)));
        return true;
    case RECORD_TYPE_SEGMENT:
        return found->head.len == 8 && record_u64_take(found->head.p) == RECORD_VERSION;
    }
    return false;
}

/* The ledger follows what recover_record took. */
static void account(struct recover_run *run, const struct segment_record *found)
{
    const struct record *record = &found->record;
    bool has_body_file;
    switch (record->type) {
    case RECORD_TYPE_MESSAGE:
        ledger_message(run->ledger, record->mid, run->segment,
                       (record->flags & RECORD_FLAG_BODY_FILE) != 0);
        break;
    case RECORD_TYPE_STATE:
        ledger_state(run->ledger, record->mid, run->segment, found->offset, record_span(record));
        break;
    case RECORD_TYPE_DONE:
        /* Its body file, if still there, is what the sweep removes. */
        (void)ledger_done(run->ledger, record->mid, run->segment, &has_body_file);
        break;
    case RECORD_TYPE_DONE_LIST:
        for (size_t i = 0; i < found->head.len; i += 8)
            (void)ledger_done(run->ledger, record_u64_take(found->head.p + i), run->segment,
                              &has_body_file);
        break;
    case RECORD_TYPE_SEGMENT:
        break;
    }
}

static void on_record(void *ctx, const struct segment_record *found)
{
    struct recover_run *run = ctx;
    if (found->record.seq >= run->next_seq)
        run->next_seq = found->record.seq + 1;
    if (recover_record(&run->messages, run->segment, found))
        account(run, found);
    else
        damaged(run->recover, "segment %llu: the record at %llu makes no sense",
                (unsigned long long)run->segment, (unsigned long long)found->offset);
}

static void on_damage(void *ctx, uint64_t from, uint64_t to)
{
    struct recover_run *run = ctx;
    damaged(run->recover, "segment %llu: bytes %llu to %llu are damaged",
            (unsigned long long)run->segment, (unsigned long long)from, (unsigned long long)to);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The segments' numbers, ascending; the caller frees them. */
static int list_segments(const char *dir, uint64_t **ret_numbers, size_t *ret_count,
                         struct error *reterr)
{
    DIR *d = opendir(dir);
    if (d == NULL)
        return error_set_errno(reterr, errno, "cannot open directory %s", dir);
    uint64_t *numbers = NULL;
    size_t count = 0, size = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(d);
        if (entry == NULL)
            break;
        uint64_t number;
        if (!segment_name_parse(entry->d_name, &number))
            continue;
        if (count == size) {
            size = size == 0 ? 64 : size * 2;
            numbers = mem_realloc(numbers, size * sizeof(uint64_t));
        }
        numbers[count++] = number;
    }
    int errnum = errno;
    (void)closedir(d); /* opened for reading */
    if (errnum != 0) {
        free(numbers);
        return error_set_errno(reterr, errnum, "cannot list directory %s", dir);
    }
    if (count > 0)
        qsort(numbers, count, sizeof(uint64_t), compare_numbers);
    *ret_numbers = numbers;
    *ret_count = count;
    return 0;
}

static int read_segment(struct recover_run *run, uint64_t number, bool is_newest,
                        struct error *reterr)
{
    const struct recover *recover = run->recover;
    char path[SEGMENT_PATH_MAX];
    segment_path(recover->dir, number, path);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set_errno(reterr, errno, "cannot open %s", path);
    run->segment = number;
    (void)ledger_segment_add(run->ledger, number); /* found again by its number */
    const struct segment_scan scan = {
        .salt = record_salt(recover->salt, number),
        .ctx = run,
        .record = on_record,
        .damage = on_damage,
    };
    uint64_t end;
    struct stat st;
    int r = segment_scan(fd, &scan, &end, reterr);
    if (r == 0 && fstat(fd, &st) < 0)
        r = error_set_errno(reterr, errno, "cannot look at %s", path);
    if (r == 0 && (uint64_t)st.st_size > end) {
        if (!is_newest) {
            on_damage(run, end, (uint64_t)st.st_size);
        } else if (ftruncate(fd, (off_t)end) < 0 || fdatasync(fd) < 0) {
            r = error_set_errno(reterr, errno, "cannot cut the torn end off %s", path);
        }
    } else if (r == 0 && is_newest && fdatasync(fd) < 0) {
        /* What was read may not be on disk yet if the process alone was killed. */
        r = error_set_errno(reterr, errno, "cannot sync %s", path);
    }
    (void)close(fd); /* synced where it was written */
    if (r == 0)
        ledger_segment_seal(run->ledger, number);
    return r;
}

static void drop_bodiless(struct recover_run *run)
{
    LIST_FOREACH(it, next, &run->messages.in_order)
    {
        struct recover_message *message = CONTAINER_OF(it, struct recover_message, link);
        char path[SEGMENT_PATH_MAX];
        struct stat st;
        if (message->location.segment != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%llu.eml", run->recover->body_dir,
                       (unsigned long long)message->env->mid); /* body_dir is capped: spool.c */
        if (stat(path, &st) == 0 && (uint64_t)st.st_size == message->location.size_bytes)
            continue;
        damaged(run->recover, "message %llu: its body file of %llu bytes is missing or cut",
                (unsigned long long)message->env->mid,
                (unsigned long long)message->location.size_bytes);
        /* Without an own DONE record: the segment that names it is its own witness. */
        struct ledger_entry *entry = ledger_find(run->ledger, message->env->mid);
        bool has_body_file;
        if (entry != NULL)
            (void)ledger_done(run->ledger, message->env->mid, entry->message_segment,
                              &has_body_file); /* the file is what is missing */
        message_drop(&run->messages, message);
    }
}

/* Files of messages that were finished, or never logged, go. */
static int sweep_bodies(struct recover_run *run, struct error *reterr)
{
    const char *dir = run->recover->body_dir;
    DIR *d = opendir(dir);
    if (d == NULL)
        return error_set_errno(reterr, errno, "cannot open directory %s", dir);
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        struct slice name = slice_str(entry->d_name);
        unsigned long long mid;
        if (name.len < 5 || !slice_ends_nocase(name, SLICE(".eml")) ||
            !slice_to_u64(slice_of(name.p, name.len - 4), UINT64_MAX, &mid))
            continue;
        if (recover_messages_has(&run->messages, mid) || ledger_find(run->ledger, mid) != NULL)
            continue;
        (void)unlinkat(dirfd(d), entry->d_name, 0); /* else at the next start */
    }
    (void)closedir(d); /* opened for reading */
    return 0;
}

void recover_messages_give(struct recover_messages *messages, const struct spool_opts *opts)
{
    for (struct list *it = list_pop(&messages->in_order); it != NULL;
         it = list_pop(&messages->in_order)) {
        struct recover_message *message = CONTAINER_OF(it, struct recover_message, link);
        hmap_remove(&messages->by_mid, &message->node);
        if (opts->replay != NULL)
            opts->replay(opts->ctx, message->env, &message->location);
        else
            envelope_destroy(message->env);
        free(message);
    }
}

int recover_run(const struct recover *recover, struct ledger *ledger, uint64_t *ret_next_segment,
                uint64_t *ret_next_seq, struct error *reterr)
{
    struct recover_run run = {.recover = recover, .ledger = ledger, .next_seq = 1};
    uint64_t *numbers = NULL;
    size_t count = 0;
    int r = list_segments(recover->dir, &numbers, &count, reterr);
    if (r < 0)
        return r;
    recover_messages_init(&run.messages);
    for (size_t i = 0; i < count && r == 0; i++)
        r = read_segment(&run, numbers[i], i + 1 == count, reterr);
    if (r == 0) {
        drop_bodiless(&run);
        r = sweep_bodies(&run, reterr);
    }
    if (r == 0) {
        *ret_next_segment = count == 0 ? 1 : numbers[count - 1] + 1;
        *ret_next_seq = run.next_seq;
        recover_messages_give(&run.messages, recover->opts);
    }
    recover_messages_finish(&run.messages);
    free(numbers);
    return r;
}
