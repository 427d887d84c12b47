/* reuse.c - a new run that takes over what another one of the same text and the same
 * inputs has done, from one task on to be done anew. Taken over are main tasks that
 * have succeeded, and those that were skipped, where everything that they need is taken
 * over too. Not: what people decided, which was about the other run; and outputs that
 * stand in the other run's folder, since they go with it. */
#include "flow/flow.h"
#include "node/node_priv.h"

#include <string.h>

#define REUSED "reused"

struct reuse {
    struct node *node;
    const struct node_submit *what;
    int64_t run;
    struct batch *batch;
    bool *done; /* of the old run, by task: and then: taken over */
    struct {
        uint32_t *items;
        size_t n, cap;
    } anew;
};

static bool is_done(const struct reuse *u, const struct task_row *row)
{
    const struct flow_task *t = &u->what->flow->tasks[NODE_TASK(row->node)];

    if (t->work->kind == FLOW_APPROVE)
        return false;
    return row->state == TASK_SUCCEEDED || row->state == TASK_SKIPPED;
}

/* Large values by reference, and the paths of kept files. */
static bool in_run(const struct reuse *u, const struct task_row *row)
{
    const struct span id = u->what->reuse->id;
    MEM_AUTO char *text =
        row->outputs.s ? mem_text_len(row->outputs.s, row->outputs.len) : NULL;

    return text && (exec_in_run(text) || memmem(text, row->outputs.len, id.s, id.len));
}

static bool is_main(const struct reuse *u, const struct task_row *row)
{
    return NODE_TASK(row->node) < u->what->flow->n_main;
}

/* Rows come by node: that of a task before those of its items. */
static int look_at_row(void *arg, const void *row)
{
    struct reuse *u = arg;
    const struct task_row *t = row;

    if (!is_main(u, t))
        return 1;
    bool *done = &u->done[NODE_TASK(t->node)];
    if (NODE_ITEM(t->node) < 0)
        *done = is_done(u, t);
    *done = *done && !in_run(u, t);
    return 0;
}

static void begin_anew(struct reuse *u, uint32_t task)
{
    u->done[task] = false;
    ARRAY_ADD(&u->anew, task);
}

/* What needs one that is done anew is done anew. */
static void spread(struct reuse *u)
{
    const struct flow *f = u->what->flow;

    for (uint32_t i = 0; i < f->n_main; i++)
        if (!u->done[i])
            ARRAY_ADD(&u->anew, i);
    for (size_t i = 0; i < u->anew.n; i++) {
        const struct flow_task *t = &f->tasks[u->anew.items[i]];
        for (uint32_t k = 0; k < t->n_needed_by; k++)
            if (u->done[t->needed_by[k]])
                begin_anew(u, t->needed_by[k]);
    }
}

/* The new run names these blobs too; only while the old one does is it sure that they
 * are there. */
static void copy_artifacts(const struct reuse *u, const struct task_row *t)
{
    const struct flow_work *work = u->what->flow->tasks[NODE_TASK(t->node)].work;
    struct ff_err ignored;
    json_t *outputs =
        t->outputs.s ? json_parse(t->outputs.s, t->outputs.len, &ignored) : NULL;

    for (uint32_t i = 0; i < work->n_outputs; i++) {
        struct artifact a;
        struct artifact_row row = {.tenant = t->tenant,
                                   .run = u->what->reuse->run,
                                   .at = loop_wall_us(u->node->loop)};

        if (work->outputs[i].as != FLOW_AS_ARTIFACT ||
            !artifact_from_json(json_object_get(outputs, work->outputs[i].name), &a))
            continue;
        row.hash = span_of(a.hash);
        row.size = a.size;
        batch_check(u->batch, &record_artifact, &row, FF_ANY_VERSION);
        row.run = u->run;
        batch_put(u->batch, &record_artifact, &row, FF_ANY_VERSION);
    }
    json_decref(outputs);
}

static int copy_row(void *arg, const void *row)
{
    struct reuse *u = arg;
    struct task_row t = *(const struct task_row *)row;
    const struct span from = u->what->reuse->id;
    struct buf message = {0};

    if (!is_main(u, &t))
        return 1;
    if (!u->done[NODE_TASK(t.node)])
        return 0;
    t.run = u->run;
    t.version = 0;
    t.attempt = t.lost = 0; /* none of this run */
    t.attempt_base = t.iteration = t.deadline_at = MODEL_NULL;
    t.awaits = (struct span){0};
    if (t.state == TASK_SUCCEEDED)
        t.reason = span_of(REUSED);
    buf_printf(&message, "from run %.*s", (int)from.len, from.s);
    t.message = span_of(buf_text(&message));
    store_own_row(&record_task, &t, &u->batch->arena);
    buf_done(&message);
    batch_put(u->batch, &record_task, &t, FF_ABSENT);
    copy_artifacts(u, &t);
    return 0;
}

int node_reuse(const struct node_plan *p, const struct node_submit *what, int64_t run,
               struct ff_err *err)
{
    const struct task_row like = {.tenant = what->reuse->tenant,
                                  .run = what->reuse->run};
    const struct store_query rows = {
        .record = &record_task, .like = &like, .n_equal = 2};
    const int64_t from = flow_task_index(what->flow, what->from);
    struct store *s = p->node->store;
    struct reuse u = {.node = p->node, .what = what, .run = run, .batch = p->batch};

    if (from < 0 || from >= what->flow->n_main)
        return ff_fail(err, FF_NOT_FOUND, 0, "workflow %s has no task %.64s",
                       what->flow->name, what->from);
    u.done = mem_array(what->flow->n_main, sizeof(*u.done));
    int code = store_scan(s, p->reader, &rows, look_at_row, &u, err);
    if (code == FF_OK) {
        u.done[from] = false;
        spread(&u);
        code = store_scan(s, p->reader, &rows, copy_row, &u, err);
    }
    ARRAY_DONE(&u.anew);
    mem_free(u.done);
    return code;
}
