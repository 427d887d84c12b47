/* See support_ladder.h. */
#include "support_ladder.h"

#include <stdlib.h>
#include <string.h>

struct ladder {
    int64_t rungs, at;
    uint32_t version; /* of the row of rung `at` */
    bool running;
};

static void *parse(const char *source, size_t len, struct span entry,
                   struct ff_err *err)
{
    char text[32];

    (void)entry;

    snprintf(text, sizeof(text), "%.*s", (int)len, source);
    if (atoi(text) <= 0) {
        ff_fail(err, FF_INVALID, 0, "a ladder needs rungs");
        return NULL;
    }
    int64_t *n = mem_alloc(sizeof(*n));
    *n = atoi(text);
    return n;
}

static void *state_new(struct run *r)
{
    struct ladder *l = mem_alloc(sizeof(*l));

    l->rungs = *(int64_t *)r->plan->data;
    return l;
}

static void state_free(struct run *r)
{
    mem_free(r->state);
}

static int load_task(struct run *r, const struct task_row *row, json_t *outputs,
                     struct ff_err *err)
{
    struct ladder *l = r->state;

    (void)outputs;
    (void)err;
    if (task_state_final(row->state)) {
        l->at = row->node + 1;
        return FF_OK;
    }
    l->at = row->node;
    l->version = (uint32_t)row->version;
    l->running = true;
    return FF_OK;
}

static int loaded(struct run *r, struct ff_err *err)
{
    (void)r;
    (void)err;
    return FF_OK;
}

static struct task_row row_of(const struct run *r, int64_t state, int64_t now)
{
    const struct ladder *l = r->state;

    return (struct task_row){
        .tenant = r->row.tenant,
        .run = r->row.run,
        .node = l->at,
        .task = span_of("rung"),
        .item = MODEL_NULL,
        .state = state,
        .attempt = 1,
        .exit_code = MODEL_NULL,
        .items = MODEL_NULL,
        .due_at = MODEL_NULL,
        .queued_at = now,
        .started_at = now,
        .finished_at = task_state_final(state) ? now : MODEL_NULL,
    };
}

static void want(struct run *r, struct step *s)
{
    const struct ladder *l = r->state;

    step_effect(s, (struct effect){.type = EFFECT_OFFER, .node = l->at, .count = 1});
}

static void on_grant(struct run *r, struct step *s)
{
    struct ladder *l = r->state;
    const struct task_row row = row_of(r, TASK_RUNNING, s->now_us);

    batch_put(&s->batch, &record_task, &row, FF_ABSENT);
    l->version = 1;
    l->running = true;
    struct jsonw w = step_event(s, "rung.begun");
    step_event_end(s, &w);
    step_effect(s, (struct effect){.type = EFFECT_START, .node = l->at, .attempt = 1});
}

static void on_result(struct run *r, struct step *s)
{
    struct ladder *l = r->state;
    const struct task_row row = row_of(r, TASK_SUCCEEDED, s->now_us);

    batch_patch(&s->batch, &record_task, &row,
                COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_FINISHED_AT),
                l->version);
    struct jsonw w = step_event(s, "rung.climbed");
    step_event_end(s, &w);
    step_effect(s, (struct effect){.type = EFFECT_FREE, .node = l->at});
    l->running = false;
    if (++l->at == l->rungs)
        engine_run_ended(r, s, RUN_SUCCEEDED, NULL, NULL, NULL);
    else
        step_effect(s, (struct effect){.type = EFFECT_TIMER,
                                       .node = l->at,
                                       .timer = TIMER_RETRY,
                                       .at_us = s->now_us + 1000});
}

static void step(struct run *r, const struct input *in, struct step *s)
{
    struct ladder *l = r->state;

    switch (in->type) {
    case INPUT_BEGIN:
    case INPUT_RESUME:
        if (r->row.state == RUN_PENDING)
            engine_run_started(r, s);
        if (l->running)
            step_effect(
                s, (struct effect){.type = EFFECT_ADOPT, .node = l->at, .attempt = 1});
        else
            want(r, s);
        break;
    case INPUT_SIGNAL:
    case INPUT_SILENT:
        break;
    case INPUT_GRANT:
        on_grant(r, s);
        break;
    case INPUT_RESULT:
        if (l->running && in->node == l->at)
            on_result(r, s);
        break;
    case INPUT_ADMIT:
    case INPUT_FOUND:
    case INPUT_TIMER:
        want(r, s);
        break;
    case INPUT_CANCEL:
        engine_run_ended(r, s, RUN_CANCELLED, "cancelled", NULL, NULL);
        break;
    }
}

static int describe(struct run *r, int64_t node, int64_t attempt, struct arena *arena,
                    struct work *work, struct ff_err *err)
{
    (void)r;
    (void)node;
    (void)arena;
    (void)err;
    *work = (struct work){.task = "rung", .path = "rung", .attempt = attempt};
    return FF_OK;
}

static bool is_current(const struct run *r, int64_t node, int64_t attempt)
{
    const struct ladder *l = r->state;

    return l->running && l->at == node && attempt == 1;
}

static void node_path(const struct run *r, int64_t node, char *out, size_t size)
{
    (void)r;
    snprintf(out, size, "rung.%lld", (long long)node);
}

const struct engine_kind ladder_kind = {
    .name = "ladder",
    .plan_new = parse,
    .plan_free = mem_free,
    .state_new = state_new,
    .state_free = state_free,
    .load_task = load_task,
    .loaded = loaded,
    .step = step,
    .describe = describe,
    .is_current = is_current,
    .node_path = node_path,
};
