/* submit.c - new runs, as rows: whoever owns the shard finds them there. */
#include "node/pins.h"

#include <string.h>

void node_numbers_init(struct node *n)
{
    store_numbers_init(&n->run_numbers, "run");
    store_numbers_init(&n->inbox_numbers, "inbox");
}

void node_numbers_done(struct node *n)
{
    store_numbers_done(&n->run_numbers);
    store_numbers_done(&n->inbox_numbers);
}

/* One that the try before has made is there under its id. */
static int look_for_run(const struct node_plan *p, struct tenant t,
                        struct node_submitted *made, struct ff_err *err)
{
    struct arena arena = {0};
    struct run_row row;
    const int code =
        store_run_by_id(p->node->store, p->reader, t, made->id, &arena, &row, err);

    if (code == FF_OK)
        made->run = row.run;
    arena_done(&arena);
    return code;
}

/* Not both in the call: which is asked for first would be the compiler's choice, and a
 * simulated run would differ. */
void node_name_run(struct node *n, char id[ID_TEXT])
{
    const uint64_t random = loop_random(n->loop);

    id_make(loop_wall_us(n->loop), random, loop_random(n->loop), id);
}

static int add_run(const struct node_plan *p, struct tenant t,
                   const struct node_submit *what, const struct node_submitted *made,
                   const json_t *pins, struct ff_err *err)
{
    MEM_AUTO char *inputs = json_text(what->inputs);
    MEM_AUTO char *labels =
        json_object_size(what->labels) > 0 ? json_text(what->labels) : NULL;
    MEM_AUTO char *pinned = json_object_size(pins) > 0 ? json_text(pins) : NULL;
    const struct run_row row = {
        .tenant = t.no,
        .run = made->run,
        .id = span_of(made->id),
        .project = what->project ? what->project : PROJECT_DEFAULT,
        .workflow = span_of(what->workflow),
        .hash = span_of(what->hash),
        .kind = span_of(engine_dag.name),
        .state = RUN_PENDING,
        .inputs = span_of(inputs),
        .dir = span_of(what->dir),
        .created_at = loop_wall_us(p->node->loop),
        .started_at = MODEL_NULL,
        .finished_at = MODEL_NULL,
        .labels = span_of(labels),
        .nominal_at = MODEL_NULL,
        .parent_run = MODEL_NULL,
        .root = MODEL_NULL,
        .parent_node = MODEL_NULL,
        .parent_attempt = MODEL_NULL,
        .depth = MODEL_NULL,
        .pins = what->reuse ? what->reuse->pins : span_of(pinned),
        .priority = what->priority,
        .no_cache = what->no_cache ? 1 : MODEL_NULL,
    };

    const size_t at = p->batch->n;

    engine_run_create(&row, NODE_SHARD, p->batch);
    if (what->traceparent)
        engine_run_asked_by(p->batch, at, what->traceparent);
    return what->reuse ? node_reuse(p, what, made->run, err) : FF_OK;
}

static int add_all(const struct node_plan *p, struct tenant t,
                   const struct node_submit *what, struct node_submitted *made,
                   struct ff_err *err)
{
    const struct workflow_row source = {
        .tenant = t.no,
        .hash = span_of(what->hash),
        .name = span_of(what->workflow),
        .source = {.s = what->source, .len = what->source_len},
        .path = span_of(what->path),
        .created_at = loop_wall_us(p->node->loop),
    };
    struct pins pins = {.plan = p,
                        .tenant = t,
                        .project = model_project(what->project),
                        .problems = what->problems};
    int code = node_check_open_runs(p, t, err);

    if (code == FF_OK)
        code = node_add_source(p, &source, what->flow, err);

    if (code == FF_OK && what->flow && !what->reuse)
        code = node_pin(&pins, what->flow, what->beside, err);
    if (code == FF_OK)
        code = store_number(p->node->store, &p->node->run_numbers, 1, &made->run, err);
    FAILPOINT("node.submit.before");
    if (code == FF_OK)
        code = add_run(p, t, what, made, pins.pins, err);
    json_decref(pins.pins);
    return code;
}

int node_plan_submit(const struct node_plan *p, struct tenant t,
                     const struct node_submit *what, struct node_submitted *made,
                     struct ff_err *err)
{
    const int code = p->doubted ? look_for_run(p, t, made, err) : FF_NOT_FOUND;

    if (code != FF_NOT_FOUND)
        return code;
    if (!p->doubted) {
        made->run = 0;
        node_name_run(p->node, made->id);
    }
    return add_all(p, t, what, made, err);
}

struct submitting {
    struct tenant tenant;
    const struct node_submit *what;
    struct node_submitted *made;
};

static int plan_submit(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct submitting *s = arg;

    return node_plan_submit(p, s->tenant, s->what, s->made, err);
}

int node_submit(struct node *n, struct tenant t, const struct node_submit *what,
                char id[ID_TEXT], int64_t *run, struct ff_err *err)
{
    struct node_submitted made = {0};
    struct submitting s = {.tenant = t, .what = what, .made = &made};
    const int code = node_change_now(n, plan_submit, &s, err);

    memcpy(id, made.id, ID_TEXT);
    *run = made.run;
    FAILPOINT("node.submit.after");
    return code;
}
