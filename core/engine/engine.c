/* engine.c - the part of a step that every kind of run shares: the run's own row, its
 * events, the list of effects. The kinds do the deciding. */
#include "engine/engine.h"

#include <string.h>

#define KINDS_MAX       8
#define TRACEPARENT_LEN 55

static const struct engine_kind *kinds[KINDS_MAX] = {&engine_dag};

const struct engine_kind *engine_kind_find(const char *name)
{
    for (size_t i = KINDS_MAX; i-- > 0;)
        if (kinds[i] && strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

void engine_kind_add(const struct engine_kind *kind)
{
    for (size_t i = 0; i < KINDS_MAX; i++) {
        if (kinds[i] == kind)
            return;
        if (!kinds[i]) {
            kinds[i] = kind;
            return;
        }
    }
}

struct plan *plan_new(const struct engine_kind *kind, const char *source, size_t len,
                      struct span entry, struct ff_err *err)
{
    void *data = kind->plan_new(source, len, entry, err);

    if (!data)
        return NULL;
    struct plan *p = mem_alloc(sizeof(*p));
    p->kind = kind;
    p->data = data;
    p->source_len = len;
    p->refs = 1;
    return p;
}

struct plan *plan_ref(struct plan *p)
{
    p->refs++;
    return p;
}

void plan_unref(struct plan *p)
{
    if (!p || --p->refs > 0)
        return;
    p->kind->plan_free(p->data);
    mem_free(p);
}

/* --- the run in memory --- */

static struct span own(struct arena *a, struct span s)
{
    if (!s.s)
        return s;
    return (struct span){.s = arena_text(a, s.s, s.len), .len = s.len};
}

struct run *engine_run_new(struct plan *plan, const struct run_row *row, int64_t shard,
                           struct ff_err *err)
{
    json_t *parsed[3] = {NULL};
    const struct span texts[3] = {row->inputs, row->scope, row->pins};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (!texts[i].s)
            continue;
        parsed[i] = json_parse(texts[i].s, texts[i].len, err);
        if (parsed[i])
            continue;
        while (i-- > 0)
            json_decref(parsed[i]);
        return NULL;
    }
    struct run *r = mem_alloc(sizeof(*r));
    r->kind = plan->kind;
    r->plan = plan_ref(plan);
    r->row = *row;
    r->row.id = own(&r->arena, row->id);
    r->row.workflow = own(&r->arena, row->workflow);
    r->row.hash = own(&r->arena, row->hash);
    r->row.kind = own(&r->arena, row->kind);
    r->row.reason = own(&r->arena, row->reason);
    r->row.message = own(&r->arena, row->message);
    r->row.dir = own(&r->arena, row->dir);
    r->row.schedule = own(&r->arena, row->schedule);
    r->row.event = own(&r->arena, row->event);
    r->row.labels = own(&r->arena, row->labels);
    r->row.entry = own(&r->arena, row->entry);
    r->row.reset = own(&r->arena, row->reset);
    r->row.paused = own(&r->arena, row->paused);
    r->row.inputs = (struct span){0}; /* the parsed form is kept instead */
    r->row.scope = (struct span){0};
    r->row.pins = own(&r->arena, row->pins);
    r->outside = parsed[1];
    r->pins = parsed[2];
    r->row.outputs = (struct span){0};
    r->inputs = parsed[0] ? parsed[0] : json_object();
    r->next_seq = 2; /* 1 is run.created; the loader knows better */
    r->shard = shard;
    r->state = r->kind->state_new(r);
    return r;
}

void engine_run_free(struct run *r)
{
    if (!r)
        return;
    r->kind->state_free(r);
    plan_unref(r->plan);
    json_decref(r->inputs);
    json_decref(r->outside);
    json_decref(r->pins);
    arena_done(&r->arena);
    mem_free(r);
}

/* --- steps --- */

void step_reset(struct step *s)
{
    batch_reset(&s->batch);
    s->effects.n = 0;
    s->children.n = 0;
    buf_clear(&s->events);
}

void step_done(struct step *s)
{
    batch_done(&s->batch);
    ARRAY_DONE(&s->effects);
    ARRAY_DONE(&s->children);
    buf_done(&s->events);
}

void step_effect(struct step *s, struct effect e)
{
    ARRAY_ADD(&s->effects, e);
}

/* The type is a word of ours that needs no escape. */
struct jsonw step_event(struct step *s, const char *type)
{
    struct buf *out = &s->events;

    buf_add(out, out->len == 0 ? "[{\"type\":\"" : ",{\"type\":\"", 10);
    buf_add_text(out, type);
    buf_add_char(out, '"');
    return (struct jsonw){.out = out, .comma = true};
}

void step_event_end(struct step *s, struct jsonw *w)
{
    (void)s;
    jsonw_close(w, '}');
}

static void add_event_row(const struct run_row *row, int64_t seq, int64_t at,
                          const struct buf *body, struct batch *b)
{
    const struct event_row event = {
        .tenant = row->tenant,
        .run = row->run,
        .seq = seq,
        .at = at,
        .body = {.s = body->data, .len = body->len},
        .position = MODEL_NULL,
    };
    batch_put(b, &record_event, &event, FF_ABSENT);
}

void engine_step(struct run *r, const struct input *in, struct step *s)
{
    s->taken = false;
    if (!run_state_final(r->row.state))
        r->kind->step(r, in, s);
}

void engine_step_seal(struct run *r, struct step *s)
{
    if (s->events.len == 0)
        return;
    buf_add_char(&s->events, ']');
    /* The seq is free unless another owner wrote: then this commit must fail. */
    add_event_row(&r->row, r->next_seq++, s->now_us, &s->events, &s->batch);
    buf_clear(&s->events);
}

/* The body of its first event; `asked` is what engine_run_asked_by has put there. */
static void describe_created(struct step *s, struct span workflow, struct span inputs,
                             struct span asked)
{
    struct jsonw w = step_event(s, "run.created");

    jsonw_key(&w, "workflow");
    jsonw_text_len(&w, workflow.s, workflow.len);
    if (inputs.s) {
        jsonw_key(&w, "inputs");
        jsonw_raw(&w, inputs.s, inputs.len);
    }
    if (asked.s) {
        jsonw_key(&w, "traceparent");
        jsonw_text_len(&w, asked.s, asked.len);
    }
    step_event_end(s, &w);
    buf_add_char(&s->events, ']');
}

void engine_run_create(const struct run_row *row, int64_t shard, struct batch *b)
{
    const struct open_run_row open = {
        .shard = shard, .tenant = row->tenant, .run = row->run};
    struct step s = {.now_us = row->created_at};

    describe_created(&s, row->workflow, row->inputs, (struct span){0});
    batch_put(b, &record_run, row, FF_ABSENT);
    batch_put(b, &record_open_run, &open, FF_ABSENT);
    add_event_row(row, 1, row->created_at, &s.events, b);
    step_done(&s);
}

/* Of a run that was just put into the batch: its row, then open_run, then the event. */
static void describe_again(struct batch *b, size_t at, struct span inputs,
                           struct span asked)
{
    const struct ff_value *workflow = &b->items[at].values[COL_RUN_WORKFLOW];
    struct step s = {0};

    describe_created(&s, (struct span){.s = workflow->s, .len = workflow->len}, inputs,
                     asked);
    batch_set_text(b, at + 2, COL_EVENT_BODY,
                   (struct span){.s = s.events.data, .len = s.events.len});
    step_done(&s);
}

void engine_run_asked_by(struct batch *b, size_t at, const char *traceparent)
{
    const struct ff_value *inputs = &b->items[at].values[COL_RUN_INPUTS];

    describe_again(b, at, (struct span){.s = inputs->s, .len = inputs->len},
                   span_of(traceparent));
}

/* It stands at the end; inputs, an object, have one more bracket there. */
static struct span asked_by(const struct batch *b, size_t at)
{
    static const char key[] = ",\"traceparent\":\"";
    static const char end[] = "\"}]";
    const struct ff_value *body = &b->items[at + 2].values[COL_EVENT_BODY];
    const size_t len = TRACEPARENT_LEN + strlen(end);
    const size_t all = strlen(key) + len;

    if (body->len < all || memcmp(body->s + body->len - all, key, strlen(key)) != 0 ||
        memcmp(body->s + body->len - strlen(end), end, strlen(end)) != 0)
        return (struct span){0};
    return (struct span){.s = body->s + body->len - len, .len = TRACEPARENT_LEN};
}

void engine_run_set_inputs(struct batch *b, size_t at, struct span inputs)
{
    MEM_AUTO char *asked = NULL;
    const struct span now = asked_by(b, at);

    if (now.s)
        asked = mem_text_len(now.s, now.len);
    batch_set_text(b, at, COL_RUN_INPUTS, inputs);
    describe_again(b, at, inputs, span_of(asked));
}

void engine_child_create(const struct run_row *row, int64_t shard, struct batch *b)
{
    const struct child_run_row link = {
        .tenant = row->tenant,
        .parent = row->parent_run,
        .node = row->parent_node,
        .attempt = row->parent_attempt,
        .run = row->run,
    };

    batch_put(b, &record_child_run, &link, FF_ABSENT);
    engine_run_create(row, shard, b);
}

void step_child(const struct run *r, struct step *s, int64_t node, int64_t attempt,
                const struct run_row *row)
{
    struct run_row child = *row;

    child.tenant = r->row.tenant;
    child.project = r->row.project;
    child.kind = span_of(r->kind->name);
    child.state = RUN_PENDING;
    child.created_at = s->now_us;
    child.started_at = MODEL_NULL;
    child.finished_at = MODEL_NULL;
    child.schedule = r->row.schedule;
    child.nominal_at = r->row.nominal_at;
    child.event = r->row.event;
    child.priority = r->row.priority;
    child.no_cache = r->row.no_cache;
    child.parent_run = r->row.run;
    child.parent_node = node;
    child.parent_attempt = attempt;
    child.depth = run_is_child(&r->row) ? r->row.depth + 1 : 1;
    child.root = run_is_child(&r->row) ? r->row.root : r->row.run;
    child.paused = (struct span){0};
    struct span *const texts[] = {
        &child.workflow, &child.hash,  &child.inputs, &child.dir,  &child.labels,
        &child.entry,    &child.scope, &child.event,  &child.pins, &child.schedule};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *texts[i] = own(&s->batch.arena, *texts[i]);
    ARRAY_ADD(&s->children, child);
}

void engine_run_set_aside(struct run_row *row, int64_t shard, int64_t seq,
                          const char *message, struct step *s)
{
    const struct open_run_row open = {
        .shard = shard, .tenant = row->tenant, .run = row->run};

    row->state = RUN_FAILED;
    row->reason = span_of(ENGINE_QUARANTINED);
    row->message = span_of(message);
    row->finished_at = s->now_us;
    batch_patch(&s->batch, &record_run, row,
                COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_REASON) |
                    COLUMN_BIT(COL_RUN_MESSAGE) | COLUMN_BIT(COL_RUN_FINISHED_AT),
                FF_ANY_VERSION);
    batch_delete(&s->batch, &record_open_run, &open, FF_ANY_VERSION);

    struct jsonw w = step_event(s, "run.finished");
    jsonw_key(&w, "state");
    jsonw_text(&w, run_state_names[RUN_FAILED]);
    jsonw_key(&w, "reason");
    jsonw_text(&w, ENGINE_QUARANTINED);
    jsonw_key(&w, "message");
    jsonw_text(&w, message);
    step_event_end(s, &w);
    buf_add_char(&s->events, ']');
    if (seq > 0)
        add_event_row(row, seq + 1, s->now_us, &s->events, &s->batch);
}

/* --- the run's own row --- */

static void patch_run(struct run *r, struct step *s, uint64_t set)
{
    batch_patch(&s->batch, &record_run, &r->row, set, r->row.version);
    r->row.version++;
}

void engine_run_started(struct run *r, struct step *s)
{
    r->row.state = RUN_RUNNING;
    r->row.started_at = s->now_us;
    r->row.reason = r->row.message = (struct span){0}; /* why it waited */
    patch_run(r, s,
              COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_STARTED_AT) |
                  COLUMN_BIT(COL_RUN_REASON) | COLUMN_BIT(COL_RUN_MESSAGE));
    struct jsonw w = step_event(s, "run.started");
    step_event_end(s, &w);
}

static void reset_event(struct step *s, const char *reset)
{
    struct jsonw w = step_event(s, "run.reset");

    jsonw_key(&w, "what");
    jsonw_raw(&w, reset, strlen(reset));
    step_event_end(s, &w);
}

void engine_run_resetting(struct run *r, struct step *s, const char *reset,
                          bool no_cache)
{
    uint64_t set = COLUMN_BIT(COL_RUN_RESET);

    r->row.reset = own(&r->arena, span_of(reset));
    if (no_cache) {
        r->row.no_cache = 1;
        set |= COLUMN_BIT(COL_RUN_NO_CACHE);
    }
    patch_run(r, s, set);
    reset_event(s, reset);
}

void engine_run_reset(struct run *r, struct step *s, bool was_over)
{
    r->row.reset = (struct span){0};
    if (was_over) {
        r->row.state = RUN_RUNNING;
        r->row.reason = r->row.message = (struct span){0}; /* why it waited */
        r->row.started_at = s->now_us;
    }
    patch_run(r, s,
              COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_RESET) |
                  COLUMN_BIT(COL_RUN_REASON) | COLUMN_BIT(COL_RUN_MESSAGE) |
                  COLUMN_BIT(COL_RUN_STARTED_AT));
}

void engine_run_reopen(struct run_row *row, const struct run_reopen *how,
                       struct batch *b)
{
    struct step s = {.now_us = how->now_us};
    const struct open_run_row open = {
        .shard = how->shard, .tenant = row->tenant, .run = row->run};

    row->state = RUN_RUNNING;
    row->cancel = CANCEL_NONE;
    row->reason = row->message = row->outputs = (struct span){0};
    row->finished_at = MODEL_NULL;
    row->reset = span_of(how->reset);
    if (how->no_cache)
        row->no_cache = 1;
    batch_patch(b, &record_run, row,
                COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_CANCEL) |
                    COLUMN_BIT(COL_RUN_REASON) | COLUMN_BIT(COL_RUN_MESSAGE) |
                    COLUMN_BIT(COL_RUN_OUTPUTS) | COLUMN_BIT(COL_RUN_FINISHED_AT) |
                    COLUMN_BIT(COL_RUN_RESET) | COLUMN_BIT(COL_RUN_NO_CACHE),
                row->version);
    batch_put(b, &record_open_run, &open, FF_ABSENT);
    reset_event(&s, how->reset);
    buf_add_char(&s.events, ']');
    add_event_row(row, how->last_seq + 1, how->now_us, &s.events, b);
    step_done(&s);
}

void engine_run_waits(struct run *r, struct step *s, const char *reason,
                      const char *message)
{
    r->row.state = RUN_PENDING;
    r->row.reason = own(&r->arena, span_of(reason));
    r->row.message = own(&r->arena, span_of(message));
    patch_run(r, s,
              COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_REASON) |
                  COLUMN_BIT(COL_RUN_MESSAGE));
}

void engine_run_paused(struct run *r, struct step *s, const char *text)
{
    r->row.paused = span_of(text);
    patch_run(r, s, COLUMN_BIT(COL_RUN_PAUSED));
    r->row.paused = (struct span){0}; /* the kind knows */
}

void engine_run_cancelling(struct run *r, struct step *s, enum cancel_mode mode,
                           const char *reason)
{
    uint64_t set = COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_CANCEL);

    r->row.state = RUN_CANCELLING;
    r->row.cancel = mode;
    if (reason) {
        r->row.reason = own(&r->arena, span_of(reason));
        set |= COLUMN_BIT(COL_RUN_REASON);
    }
    patch_run(r, s, set);
    struct jsonw w = step_event(s, "run.cancelling");
    jsonw_key(&w, "mode");
    jsonw_text(&w, mode == CANCEL_KILL ? "kill" : "graceful");
    if (reason) {
        jsonw_key(&w, "reason");
        jsonw_text(&w, reason);
    }
    step_event_end(s, &w);
}

void engine_run_ended(struct run *r, struct step *s, enum run_state state,
                      const char *reason, const char *message, json_t *outputs)
{
    MEM_AUTO char *text = outputs ? json_text(outputs) : NULL;
    const struct open_run_row open = {
        .shard = r->shard, .tenant = r->row.tenant, .run = r->row.run};

    r->row.state = state;
    r->row.finished_at = s->now_us;
    r->row.reason = own(&r->arena, span_of(reason));
    r->row.message = own(&r->arena, span_of(message));
    r->row.outputs = span_of(text);
    r->row.paused = (struct span){0};
    patch_run(r, s,
              COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_FINISHED_AT) |
                  COLUMN_BIT(COL_RUN_PAUSED) | COLUMN_BIT(COL_RUN_REASON) |
                  COLUMN_BIT(COL_RUN_MESSAGE) | COLUMN_BIT(COL_RUN_OUTPUTS));
    r->row.outputs = (struct span){0};
    batch_delete(&s->batch, &record_open_run, &open, FF_ANY_VERSION);

    struct jsonw w = step_event(s, "run.finished");
    jsonw_key(&w, "state");
    jsonw_text(&w, run_state_names[state]);
    if (reason) {
        jsonw_key(&w, "reason");
        jsonw_text(&w, reason);
    }
    step_event_end(s, &w);
    step_effect(s, (struct effect){.type = EFFECT_ENDED});
}
