/* waiting.c - tasks of a run that goes on and of which nothing was written yet: what
 * they are follows from its file and the rows of those that they need. To parse a file
 * of 100,000 tasks takes a second, so of one that no request has parsed before its
 * outline is read, the part that is asked for; only one that has none is parsed: small
 * ones, and those that an older release has written. */
#include "rest/rest_priv.h"

#include <string.h>

/* --- rows --- */

static int take_row(void *arg, const void *row)
{
    struct waiting_need *need = arg;

    need->row = *(const struct task_row *)row;
    store_own_row(&record_task, &need->row, need->arena);
    need->found = true;
    return 1;
}

int waiting_read_row(struct rest_call *c, const struct run_row *run, int64_t node,
                     struct waiting_need *need, struct ff_err *err)
{
    const struct task_row like = {.tenant = run->tenant, .run = run->run, .node = node};
    const struct store_query q = {
        .record = &record_task, .like = &like, .n_equal = 3, .limit = 1};

    *need = (struct waiting_need){.arena = &c->arena};
    return store_scan(c->store, c->reader, &q, take_row, need, err);
}

/* --- the file --- */

static int read_part(struct rest_waiting *w, int64_t part, struct ff_err *err)
{
    const struct run_row *run = w->run;
    const struct workflow_outline_row like = {
        .tenant = run->tenant,
        .hash = run->hash,
        .entry = run->entry.s ? run->entry : span_of(OUTLINE_OF_FILE),
        .part = part};
    const struct store_query q = {
        .record = &record_workflow_outline, .like = &like, .n_equal = 4, .limit = 1};
    struct workflow_outline_row row;
    struct arena arena = {0};
    const int code = store_read_one(w->c->store, w->c->reader, &q, &arena, &row, err);

    flow_outline_done(&w->part);
    if (code == FF_OK && flow_outline_read(&w->part, row.body.s, row.body.len))
        w->n_main = w->part.n_main;
    arena_done(&arena);
    if (code == FF_OK || code == FF_NOT_FOUND)
        *err = (struct ff_err){0};
    return err->code;
}

static int parse(struct rest_waiting *w, struct ff_err *err)
{
    w->flow = rest_flow_of(w->c, w->run, err);
    if (!w->flow)
        return err->code;
    w->n_main = w->flow->n_main;
    return FF_OK;
}

static bool is_known(const struct rest_waiting *w, int64_t index)
{
    return w->flow || flow_outline_has(&w->part, index) ||
           (w->n_main >= 0 && index >= w->n_main);
}

/* There is no part behind the last task, where the page of what ran after all main
 * tasks begins: the first one says so. */
static int know(struct rest_waiting *w, int64_t index, struct ff_err *err)
{
    if (!is_known(w, index))
        w->flow = rest_flow_kept(w->c, w->run);
    if (w->flow)
        w->n_main = w->flow->n_main;
    if (!is_known(w, index) && read_part(w, index / FLOW_OUTLINE_PART, err) != FF_OK)
        return err->code;
    if (!is_known(w, index) && index >= FLOW_OUTLINE_PART &&
        read_part(w, 0, err) != FF_OK)
        return err->code;
    return is_known(w, index) ? FF_OK : parse(w, err);
}

/* --- what they are --- */

static struct task_row row_of(const char *name)
{
    return (struct task_row){.task = span_of(name),
                             .item = MODEL_NULL,
                             .state = TASK_WAITING,
                             .exit_code = MODEL_NULL,
                             .items = MODEL_NULL,
                             .due_at = MODEL_NULL,
                             .queued_at = MODEL_NULL,
                             .started_at = MODEL_NULL,
                             .finished_at = MODEL_NULL,
                             .attempt_base = MODEL_NULL,
                             .iteration = MODEL_NULL};
}

static int have_ended(struct rest_waiting *w, int64_t first, int64_t last, bool *ended,
                      struct ff_err *err)
{
    struct waiting_need need;

    for (int64_t i = first; *ended && i <= last; i++) {
        if (waiting_read_row(w->c, w->run, NODE_OF(i, -1), &need, err) != FF_OK)
            return err->code;
        *ended = need.found && task_state_final(need.row.state);
    }
    return FF_OK;
}

static int look_at_needs(struct rest_waiting *w, int64_t index, bool *ended,
                         struct ff_err *err)
{
    const struct flow_task *t = w->flow ? &w->flow->tasks[index] : NULL;
    int64_t first, last;
    int code = FF_OK;

    *ended = true;
    for (uint32_t i = 0; t && code == FF_OK && *ended && i < t->n_needs; i++)
        code = have_ended(w, t->needs[i], t->needs[i], ended, err);
    for (size_t i = 0; !t && code == FF_OK && *ended &&
                       flow_outline_need(&w->part, index, i, &first, &last);
         i++)
        code = have_ended(w, first, last, ended, err);
    return code;
}

/* Queued, once all that it needs has ended. */
int waiting_read(struct rest_waiting *w, int64_t index, struct task_row *row,
                 bool *there, struct ff_err *err)
{
    bool ended;

    *there = false;
    if (run_state_final(w->run->state))
        return FF_OK;
    if (know(w, index, err) != FF_OK || index >= w->n_main)
        return err->code;
    *there = true;
    *row = row_of(w->flow ? w->flow->tasks[index].name
                          : flow_outline_name(&w->part, index));
    if (look_at_needs(w, index, &ended, err) != FF_OK)
        return err->code;
    if (ended)
        row->state = TASK_QUEUED;
    return FF_OK;
}

struct rest_waiting waiting_of(struct rest_call *c, const struct run_row *run,
                               struct flow *flow)
{
    return (struct rest_waiting){.c = c, .run = run, .flow = flow, .n_main = -1};
}

void waiting_done(struct rest_waiting *w)
{
    flow_outline_done(&w->part);
    flows_put(w->c->rest, w->flow);
    w->flow = NULL;
}
