/* live_logs.c - what a task writes, as it writes it: all of its attempts, one after the
 * other, or one of them. A place is the attempt and the chunk, and the offset in it. */
#include "rest/live.h"
#include "rest/log_lines.h"

#include <string.h>

#define ATTEMPT_SHIFT 24
#define CHUNK_MASK    ((INT64_C(1) << ATTEMPT_SHIFT) - 1)

int64_t live_log_attempt(struct live_place place)
{
    return place.a >> ATTEMPT_SHIFT;
}

static struct live_place place_of(int64_t attempt, struct log_place at)
{
    return (struct live_place){attempt << ATTEMPT_SHIFT | at.chunk, at.offset};
}

/* --- opening --- */

/* Who has read the pages up to their end goes on from there. */
static bool read_page_cursor(const struct rest_call *c, struct live_place *place)
{
    const char *cursor = rest_ask(c, "cursor");
    struct log_place at;
    struct buf says = {0};
    const bool good = cursor && !http_header(c->request, "last-event-id") &&
                      rest_page_cursor(c, cursor, &says) && says.len == sizeof(at);

    if (good) {
        memcpy(&at, says.data, sizeof(at));
        *place = place_of(at.attempt > 0 ? at.attempt : 1, at);
    }
    buf_done(&says);
    return good;
}

static int open_logs(struct rest_call *c, struct ff_err *err)
{
    struct live_ask *ask = arena_alloc(&c->arena, sizeof(*ask));
    const char *source = rest_ask(c, "source");
    struct run_row run = {0};
    struct task_row row = {0};
    bool given;

    if (rest_find_run_task(c, &run, &row, err) != FF_OK)
        return err->code;
    *ask = (struct live_ask){.about = {.kind = &live_logs,
                                       .tenant = c->who.tenant,
                                       .project = run.project,
                                       .run = run.run,
                                       .node = row.node,
                                       .attempt = rest_ask_int(c, "attempt", 0),
                                       .sdk = source && strcmp(source, "sdk") == 0}};
    c->ask_live = ask;
    snprintf(ask->about.run_id, sizeof(ask->about.run_id), "%.*s", (int)run.id.len,
             run.id.s);
    log_task_text(&row, ask->about.task, sizeof(ask->about.task));
    if (ask->about.attempt > row.attempt)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no attempt %lld of this task",
                       (long long)ask->about.attempt);
    if (log_is_here(c, ask->about.run_id, &row,
                    ask->about.attempt > 0 ? ask->about.attempt : 1, err) != FF_OK)
        return err->code;
    ask->at = place_of(ask->about.attempt > 0 ? ask->about.attempt : 1,
                       (struct log_place){.chunk = 1});
    if (read_page_cursor(c, &ask->at))
        return FF_OK;
    return live_cursor_read(c, &ask->about, &ask->at, &given, err);
}

/* --- reading --- */

static void add_line(struct live_read *r, const struct log_lines *l, size_t len,
                     int64_t attempt)
{
    struct log_place behind = l->at;
    struct live_item item = {.project = r->about.project};
    struct buf text = {0};
    struct jsonw w = {.out = &text};
    struct log_record record;

    behind.offset += (int64_t)len;
    item.place = place_of(attempt, behind);
    r->last = item.place;
    if (!log_record_read(&record, buf_text(&l->bytes), len - 1))
        return;
    jsonw_key(&w, "attempt");
    jsonw_int(&w, attempt);
    w.comma = true;
    log_record_add(&w, &record);
    jsonw_close(&w, '}');
    live_add_item(r, item, &text);
    buf_done(&text);
}

/* True: all that is there of the attempt was read. */
static bool read_attempt(struct live_read *r, int64_t attempt)
{
    MEM_AUTO char *dir = exec_log_dir(node_settings(r->rest->setup.node)->files_dir,
                                      r->about.run_id, r->about.task, attempt);
    struct log_lines l = {.dir = dir, .sdk = r->about.sdk, .at = {.chunk = 1}};
    size_t len = 1;

    if (live_log_attempt(r->last) == attempt)
        l.at = (struct log_place){.chunk = r->last.a & CHUNK_MASK, .offset = r->last.b};
    while (live_has_room(r) && (len = log_lines_find(&l)) > 0) {
        add_line(r, &l, len, attempt);
        log_lines_drop(&l, len);
    }
    buf_done(&l.bytes);
    return len == 0;
}

static int take_state(void *arg, const void *row)
{
    struct task_row *out = arg;

    *out = *(const struct task_row *)row;
    return 1;
}

/* Its state is read before the files: it says which attempts have ended. */
static int read_state(struct live_read *r, struct task_row *row, struct ff_err *err)
{
    const struct task_row like = {
        .tenant = r->about.tenant.no, .run = r->about.run, .node = r->about.node};
    const struct store_query q = {
        .record = &record_task, .like = &like, .n_equal = 3, .limit = 1};

    *row = (struct task_row){.state = TASK_WAITING};
    return store_scan(r->store, r->reader, &q, take_state, row, err);
}

static int take_run_state(void *arg, const void *row)
{
    *(bool *)arg = run_state_final(((const struct run_row *)row)->state);
    return 1;
}

/* Is the run over, or gone? Then a task without a row will have none. */
static int read_run_over(struct live_read *r, bool *over, struct ff_err *err)
{
    const struct run_row like = {.tenant = r->about.tenant.no, .run = r->about.run};
    const struct store_query q = {
        .record = &record_run, .like = &like, .n_equal = 2, .limit = 1};

    *over = true;
    return store_scan(r->store, r->reader, &q, take_run_state, over, err);
}

static int read_logs(struct live_read *r, struct ff_err *err)
{
    int64_t attempt = live_log_attempt(r->from);
    struct task_row row;
    bool run_over;
    int code = read_run_over(r, &run_over, err);

    if (code == FF_OK)
        code = read_state(r, &row, err);
    if (code != FF_OK)
        return code;
    while (read_attempt(r, attempt)) {
        const bool ended =
            attempt < row.attempt || run_over || task_state_final(row.state);

        r->over = ended && (r->about.attempt > 0 || attempt >= row.attempt);
        if (r->over || attempt >= row.attempt)
            return FF_OK;
        attempt++;
        r->last = place_of(attempt, (struct log_place){.chunk = 1});
    }
    r->full = true;
    return FF_OK;
}

const struct live_kind live_logs = {
    .name = "logs", .open = open_logs, .read = read_logs, .files = true};
