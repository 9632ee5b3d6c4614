/* A spool in memory, for tests without disk, threads or luck: see spool.h.
 *
 *   submit -> waiting -> spool_memory_complete -> record kept -> letter in its box
 *
 * What was completed is what a restart finds (spool_memory_replay), what only waits is lost: a test
 * can stop the world between any two steps. Records are kept for good: tests are short. Bodies are
 * read from the kept records. One thread; the boxes' wake functions are called from within
 * spool_memory_complete. */
#include "base/mem.h"
#include "queue/recover.h"
#include "queue/spool_priv.h"

struct memory_record {
    struct record record;
    char *bytes; /* head, then body */
};

struct memory_file {
    struct list link;
    uint64_t mid;
    struct buf text;
};

struct spool_memory {
    struct spool spool;
    struct list waiting; /* spool_request.submitted */
    struct list files;
    struct memory_record *records;
    size_t record_count, record_size;
    int fail_result;
    size_t fail_count;
    int body_result;
    size_t body_count; /* calls that still work before body_result */
    struct spool_stats stats;
};

static struct spool_memory *memory_of(struct spool *spool)
{
    return CONTAINER_OF(spool, struct spool_memory, spool);
}

static struct memory_file *file_find(struct spool_memory *memory, uint64_t mid)
{
    LIST_FOREACH(it, next, &memory->files)
    {
        struct memory_file *file = CONTAINER_OF(it, struct memory_file, link);
        if (file->mid == mid)
            return file;
    }
    return NULL;
}

static void file_remove(struct memory_file *file)
{
    if (file == NULL)
        return;
    list_remove(&file->link);
    buf_finish(&file->text);
    free(file);
}

static void memory_submit(struct spool *spool, struct spool_request *request)
{
    list_append(&memory_of(spool)->waiting, &request->submitted.node);
}

static void keep(struct spool_memory *memory, struct spool_request *request)
{
    if (memory->record_count == memory->record_size) {
        memory->record_size = memory->record_size == 0 ? 64 : memory->record_size * 2;
        memory->records =
            mem_realloc(memory->records, memory->record_size * sizeof(struct memory_record));
    }
    struct memory_record *kept = &memory->records[memory->record_count++];
    kept->record = (struct record){
        .type = (enum record_type)request->kind,
        .flags = request->has_body_file ? RECORD_FLAG_BODY_FILE : 0,
        .head_len = (uint32_t)request->head.len,
        .body_len =
            (uint32_t)(request->has_body_file ? request->body_file_bytes : request->body.len),
        .mid = request->mid,
    };
    kept->bytes = mem_alloc(request->head.len + request->body.len + 1);
    if (request->head.len > 0)
        memcpy(kept->bytes, request->head.p, request->head.len);
    if (request->body.len > 0)
        memcpy(kept->bytes + request->head.len, request->body.p, request->body.len);
    /* The number of the record, from 1, stands for the segment. */
    request->location = (struct spool_location){
        .mid = request->mid,
        .segment = request->has_body_file ? 0 : memory->record_count,
        .offset = request->has_body_file ? 0 : request->head.len,
        .size_bytes = kept->record.body_len,
    };
    if (request->kind == SPOOL_KIND_DONE)
        file_remove(file_find(memory, request->mid));
}

size_t spool_memory_complete(struct spool *spool, size_t max)
{
    struct spool_memory *memory = memory_of(spool);
    size_t count = 0;
    while (count < max && !list_is_empty(&memory->waiting)) {
        struct spool_request *request =
            CONTAINER_OF(list_pop(&memory->waiting), struct spool_request, submitted.node);
        request->result = 0;
        if (memory->fail_count > 0 && request->kind == SPOOL_KIND_MESSAGE) {
            memory->fail_count--;
            request->result = memory->fail_result;
        } else {
            keep(memory, request);
            memory->stats.records++;
        }
        count++;
        if (request->box == NULL) {
            request->letter.run(&request->letter);
            continue;
        }
        bool is_posted = mailbox_post(request->box, &request->letter);
        ASSERT(is_posted);
    }
    return count;
}

void spool_memory_fail(struct spool *spool, int result, size_t count)
{
    struct spool_memory *memory = memory_of(spool);
    memory->fail_result = result;
    memory->fail_count = count;
}

void spool_memory_fail_bodies(struct spool *spool, int result, size_t count)
{
    memory_of(spool)->body_result = result;
    memory_of(spool)->body_count = count;
}

void spool_memory_replay(struct spool *spool, const struct spool_opts *opts)
{
    struct spool_memory *memory = memory_of(spool);
    struct recover_messages messages;
    recover_messages_init(&messages);
    for (size_t i = 0; i < memory->record_count; i++) {
        const struct memory_record *kept = &memory->records[i];
        const struct segment_record found = {
            .record = kept->record,
            .body_offset = kept->record.head_len,
            .head = slice_of(kept->bytes, kept->record.head_len),
        };
        bool is_good = recover_record(&messages, i + 1, &found);
        ASSERT(is_good);
    }
    recover_messages_give(&messages, opts);
    recover_messages_finish(&messages);
}

static void memory_close(struct spool *spool)
{
    struct spool_memory *memory = memory_of(spool);
    (void)spool_memory_complete(spool, SIZE_MAX); /* how many: of no interest */
    LIST_FOREACH(it, next, &memory->files)
    file_remove(CONTAINER_OF(it, struct memory_file, link));
    for (size_t i = 0; i < memory->record_count; i++)
        free(memory->records[i].bytes);
    free(memory->records);
    free(memory);
}

static void memory_stats(struct spool *spool, struct spool_stats *ret_stats)
{
    *ret_stats = memory_of(spool)->stats;
}

static int memory_state(struct spool *spool)
{
    const struct spool_memory *memory = memory_of(spool);
    return memory->fail_count > 0 ? memory->fail_result : 0;
}

static int memory_check_space(struct spool *spool, uint64_t size_bytes)
{
    (void)size_bytes; /* memory is never short */
    return memory_state(spool);
}

static int body_trouble(struct spool_body_writer *writer, struct error *reterr)
{
    struct spool_memory *memory = memory_of(writer->spool);
    if (memory->body_result == 0)
        return 0;
    if (memory->body_count == 0)
        return error_set(reterr, memory->body_result, "as the test asked");
    memory->body_count--;
    return 0;
}

static int memory_body_open(struct spool_body_writer *writer, struct error *reterr)
{
    buf_init(&writer->text, 0);
    return body_trouble(writer, reterr);
}

static int memory_body_write(struct spool_body_writer *writer, struct slice bytes,
                             struct error *reterr)
{
    bool fits = buf_append_slice(&writer->text, bytes);
    ASSERT(fits); /* no cap */
    return body_trouble(writer, reterr);
}

static int memory_body_finish(struct spool_body_writer *writer, struct error *reterr)
{
    struct spool_memory *memory = memory_of(writer->spool);
    int r = body_trouble(writer, reterr);
    if (r < 0)
        return r;
    if (file_find(memory, writer->mid) != NULL)
        return error_set(reterr, ERR_EXISTS, "a body of this message exists");
    struct memory_file *file = MEM_NEW(struct memory_file);
    file->mid = writer->mid;
    file->text = writer->text;
    buf_init(&writer->text, 0);
    list_append(&memory->files, &file->link);
    return 0;
}

static void memory_body_close(struct spool_body_writer *writer)
{
    buf_finish(&writer->text);
}

static void memory_body_discard(struct spool *spool, uint64_t mid)
{
    file_remove(file_find(memory_of(spool), mid));
}

static ssize_t memory_read(struct spool *spool, const struct spool_location *location,
                           uint64_t offset, void *p, size_t len, struct error *reterr)
{
    struct spool_memory *memory = memory_of(spool);
    struct slice bytes;
    if (location->segment == 0) {
        struct memory_file *file = file_find(memory, location->mid);
        if (file == NULL)
            return error_set(reterr, ERR_NOT_FOUND, "message %llu is gone",
                             (unsigned long long)location->mid);
        bytes = buf_slice(&file->text);
    } else {
        ASSERT(location->segment <= memory->record_count);
        const struct memory_record *kept = &memory->records[location->segment - 1];
        bytes = slice_of(kept->bytes + location->offset, kept->record.body_len);
    }
    if (offset >= bytes.len)
        return 0;
    size_t n = len < bytes.len - offset ? len : (size_t)(bytes.len - offset);
    memcpy(p, bytes.p + offset, n);
    return (ssize_t)n;
}

static const struct spool_ops memory_ops = {
    .close = memory_close,
    .submit = memory_submit,
    .stats = memory_stats,
    .state = memory_state,
    .check_space = memory_check_space,
    .body_open = memory_body_open,
    .body_write = memory_body_write,
    .body_finish = memory_body_finish,
    .body_close = memory_body_close,
    .body_discard = memory_body_discard,
    .read = memory_read,
};

struct spool *spool_memory_create(void)
{
    struct spool_memory *memory = MEM_NEW(struct spool_memory);
    memory->spool.ops = &memory_ops;
    list_init(&memory->waiting);
    list_init(&memory->files);
    return &memory->spool;
}
