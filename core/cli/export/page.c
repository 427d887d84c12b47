/* page.c - histories of runs, one after the other, as spans of one request: so much of
 * them as it may hold. */
#include "cli/export/export_priv.h"

#include "access/access.h"
#include "store/store.h"

#define SPANS_MAX 512 /* as batches of OpenTelemetry's own exporters */
#define BYTES_MAX ((size_t)1 << 20)

/* --- who it is --- */

/* False: it is not there, or the store did not answer, which is noted. */
static bool was_found(struct export_page *p, int code, const struct ff_err *err)
{
    if (code != FF_OK && code != FF_NOT_FOUND)
        p->unread = *err;
    return code == FF_OK;
}

static bool read_run(struct export_page *p, struct store_reader *r, int64_t tenant,
                     int64_t run, struct run_row *row)
{
    const struct run_row like = {.tenant = tenant, .run = run};
    const struct store_query q = {.record = &record_run, .like = &like, .n_equal = 2};
    struct ff_err err;

    return was_found(p, store_read_one(p->store, r, &q, &p->at.arena, row, &err), &err);
}

/* "RUN/deploy.2/1" of the attempt that a run inside another one is. */
static void name_parent(struct export_page *p, struct store_reader *r)
{
    const struct run_row *run = &p->at.row;
    const struct task_row like = {
        .tenant = run->tenant, .run = run->parent_run, .node = run->parent_node};
    const struct store_query q = {.record = &record_task, .like = &like, .n_equal = 3};
    struct task_row task;
    struct run_row parent;
    struct buf text = {0};
    struct ff_err err;

    if (!read_run(p, r, run->tenant, run->parent_run, &parent) ||
        !was_found(p, store_read_one(p->store, r, &q, &p->at.arena, &task, &err), &err))
        return;
    buf_printf(&text, "%.*s/%.*s", (int)parent.id.len, parent.id.s, (int)task.task.len,
               task.task.s);
    if (task.item != MODEL_NULL)
        buf_printf(&text, ".%lld", (long long)task.item);
    buf_printf(&text, "/%lld", (long long)run->parent_attempt);
    p->at.parent = buf_take(&text);
}

static struct span outermost(struct export_page *p, struct store_reader *r)
{
    struct run_row root;

    if (p->at.row.root == MODEL_NULL ||
        !read_run(p, r, p->at.row.tenant, p->at.row.root, &root))
        return p->at.row.id;
    return root.id;
}

static const char *name_of(struct export_page *p, struct span name)
{
    return name.s ? arena_text(&p->at.arena, name.s, name.len) : "default";
}

/* No trace: it is gone, or goes on again, and will be told when it has ended then; or
 * not all of this could be read. */
static void begin(struct export_page *p, struct store_reader *r,
                  const struct export_run *which)
{
    struct export_reading *at = &p->at;
    struct tenant_row tenant = {0};
    struct project_row project = {0};
    struct ff_err err;

    *at = (struct export_reading){0};
    if (!read_run(p, r, which->tenant.no, which->run, &at->row) ||
        !run_state_final(at->row.state))
        return;
    was_found(
        p, access_tenant_by_no(p->store, r, which->tenant, &at->arena, &tenant, &err),
        &err);
    was_found(p,
              access_project_by_no(p->store, r, which->tenant,
                                   model_project(at->row.project), &at->arena, &project,
                                   &err),
              &err);
    if (run_is_child(&at->row))
        name_parent(p, r);
    at->trace = trace_new(&(struct trace_of){.run = &at->row,
                                             .outermost = outermost(p, r),
                                             .parent = at->parent,
                                             .tenant = name_of(p, tenant.name),
                                             .project = name_of(p, project.name)});
}

static void end(struct export_reading *at)
{
    trace_free(at->trace);
    mem_free(at->parent);
    arena_done(&at->arena);
    *at = (struct export_reading){0};
}

/* --- its history --- */

struct filling {
    struct export_page *page;
    struct trace_room room;
};

static bool is_full(const struct export_page *p)
{
    return p->n_spans >= SPANS_MAX || p->body.len >= BYTES_MAX;
}

static int take_step(void *arg, const void *stored)
{
    struct filling *f = arg;
    const struct event_row *step = stored;
    if (trace_take(f->page->at.trace, step, &f->room))
        f->page->at.seq = step->seq;
    f->page->n_spans = f->room.n;
    return is_full(f->page);
}

/* It waits for the next time; what fails in another way than that the store is away
 * would do so then, too. */
static bool is_passing(const struct ff_err *err)
{
    return err->code == FF_UNAVAILABLE || err->code == FF_BUSY;
}

static void pass_over(struct export_page *p)
{
    const struct span id = p->at.row.id.s ? p->at.row.id : span_of("?");

    log_warn("traces: run %.*s is passed over, as its history cannot be read: %s",
             (int)id.len, id.s, p->unread.msg);
    p->unread = (struct ff_err){0};
    end(&p->at);
}

static void read_on(struct export_page *p, struct store_reader *r, struct jsonw *w)
{
    const struct event_row like = {.tenant = p->at.row.tenant, .run = p->at.row.run};
    const struct event_row after = {
        .tenant = like.tenant, .run = like.run, .seq = p->at.seq};
    const struct store_query q = {
        .record = &record_event, .like = &like, .n_equal = 2, .after = &after};
    struct filling filling = {p, {w, p->n_spans, SPANS_MAX}};
    struct ff_err err;

    was_found(p, store_scan(p->store, r, &q, take_step, &filling, &err), &err);
    if (is_passing(&p->unread) || (p->unread.code == FF_OK && is_full(p)))
        return;
    if (p->unread.code != FF_OK)
        pass_over(p);
    else
        end(&p->at);
}

static void read_next(struct export_page *p, struct store_reader *r)
{
    begin(p, r, &p->runs.items[p->runs.next]);
    if (is_passing(&p->unread)) {
        end(&p->at);
        return;
    }
    if (p->unread.code != FF_OK)
        pass_over(p);
    else if (!p->at.trace)
        end(&p->at);
    p->runs.next++;
}

void export_page_fill(struct export_page *p, struct store_reader *r)
{
    struct jsonw w = {.out = &p->body};

    p->unread = (struct ff_err){0};
    trace_request_open(&p->sender, &w);
    while (p->unread.code == FF_OK && !is_full(p) && !export_page_is_over(p)) {
        if (p->at.trace)
            read_on(p, r, &w);
        else
            read_next(p, r);
    }
    trace_request_close(&w);
}

bool export_page_is_over(const struct export_page *p)
{
    return !p->at.trace && p->runs.next >= p->runs.n;
}

void export_page_clear(struct export_page *p)
{
    buf_done(&p->body);
    p->n_spans = 0;
}

void export_page_done(struct export_page *p)
{
    export_page_clear(p);
    end(&p->at);
    mem_free(p->runs.items);
}
