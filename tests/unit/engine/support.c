#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UNITS_SECOND

/* --- rows --- */

static struct stored_task *stored(struct world *w, int64_t node)
{
    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == node)
            return &w->tasks.items[i];
    return NULL;
}

static void keep_text(struct span *place, char *out, size_t size)
{
    if (!place->s || place->s == out)
        return;
    snprintf(out, size, "%.*s", (int)place->len, place->s);
    *place = span_of(out);
}

/* Puts the columns in `set` of new into old by way of values. */
static void merge(const struct ff_record *record, void *old, const struct ff_change *c)
{
    struct ff_value values[64];

    model_to_values(record, old, values);
    for (uint16_t i = 0; i < record->n_columns; i++)
        if (c->kind == FF_PUT || i < record->n_key || (c->set >> i & 1))
            values[i] = c->values[i];
    model_from_values(record, values, old);
}

static void apply_task(struct world *w, const struct ff_change *c)
{
    struct task_row key = {0};

    model_from_values(&record_task, c->values, &key);
    struct stored_task *t = stored(w, key.node);
    if (c->kind == FF_PUT) {
        assert_null(t);
        const struct stored_task fresh = {0};
        ARRAY_ADD(&w->tasks, fresh);
        t = &w->tasks.items[w->tasks.n - 1];
    } else {
        assert_non_null(t);
        assert_int_equal(c->expect, t->row.version);
        /* No edge leaves a final state but that of a run that begins again. */
        assert_true(!task_state_final(t->row.state) ||
                    c->set & COLUMN_BIT(COL_TASK_ATTEMPT_BASE));
    }
    const int64_t version = t->row.version + 1;
    const int64_t attempt = t->row.attempt;
    merge(&record_task, &t->row, c);
    t->row.version = version;
    assert_true(t->row.attempt >= attempt);
    char *old = t->outputs;
    t->outputs =
        t->row.outputs.s ? mem_text_len(t->row.outputs.s, t->row.outputs.len) : NULL;
    mem_free(old);
    t->row.outputs = span_of(t->outputs);
    t->row.task = (struct span){0};
    keep_text(&t->row.reason, t->reason, sizeof(t->reason));
    keep_text(&t->row.message, t->message, sizeof(t->message));
    keep_text(&t->row.awaits, t->awaits, sizeof(t->awaits));
}

static void apply_run(struct world *w, const struct ff_change *c)
{
    assert_int_equal(c->kind, FF_PATCH);
    assert_int_equal(c->expect, w->row.version);
    assert_true(!run_state_final(w->row.state) || c->set & COLUMN_BIT(COL_RUN_RESET));
    merge(&record_run, &w->row, c);
    w->row.version++;
    keep_text(&w->row.reason, w->reason, sizeof(w->reason));
    keep_text(&w->row.message, w->message, sizeof(w->message));
    keep_text(&w->row.reset, w->reset, sizeof(w->reset));
    keep_text(&w->row.paused, w->paused, sizeof(w->paused));
    mem_free(w->outputs);
    w->outputs =
        w->row.outputs.s ? mem_text_len(w->row.outputs.s, w->row.outputs.len) : NULL;
    w->row.outputs = span_of(w->outputs);
}

static void apply_event(struct world *w, const struct ff_change *c)
{
    struct event_row row = {0};

    model_from_values(&record_event, c->values, &row);
    buf_add(&w->history, row.body.s, row.body.len);
    buf_add_char(&w->history, '\n');
}

/* The last of a key counts. */
static void apply_cache(struct world *w, const struct ff_change *c)
{
    struct cache_row row;
    struct cached kept = {0};

    model_from_values(&record_cache, c->values, &row);
    snprintf(kept.hash, sizeof(kept.hash), "%.*s", (int)row.hash.len, row.hash.s);
    snprintf(kept.task, sizeof(kept.task), "%.*s", (int)row.task.len, row.task.s);
    snprintf(kept.key, sizeof(kept.key), "%.*s", (int)row.cache_key.len,
             row.cache_key.s);
    kept.outputs = row.outputs.s ? mem_text_len(row.outputs.s, row.outputs.len) : NULL;
    kept.expires_at = row.expires_at;
    snprintf(kept.artifacts, sizeof(kept.artifacts), "%.*s", (int)row.artifacts.len,
             row.artifacts.s ? row.artifacts.s : "");
    ARRAY_ADD(&w->cache, kept);
}

static void apply_wait_row(struct world *w, const struct ff_change *c)
{
    struct event_wait_row row = {0};
    struct told_wait wait = {0};
    size_t i = 0;

    model_from_values(&record_event_wait, c->values, &row);
    while (i < w->wait_rows.n && w->wait_rows.items[i].node != row.node)
        i++;
    wait.node = row.node;
    wait.attempt = row.attempt;
    snprintf(wait.name, sizeof(wait.name), "%.*s", (int)row.name.len, row.name.s);
    snprintf(wait.key, sizeof(wait.key), "%.*s", (int)row.key.len, row.key.s);
    if (c->kind == FF_PUT) {
        assert_int_equal(i, w->wait_rows.n);
        ARRAY_ADD(&w->wait_rows, wait);
        return;
    }
    assert_int_equal(c->kind, FF_DELETE);
    assert_true(i < w->wait_rows.n);
    assert_string_equal(w->wait_rows.items[i].name, wait.name);
    assert_string_equal(w->wait_rows.items[i].key, wait.key);
    w->wait_rows.items[i] = w->wait_rows.items[--w->wait_rows.n];
}

static void apply_artifact(struct world *w, const struct ff_change *c)
{
    struct artifact_row row;

    model_from_values(&record_artifact, c->values, &row);
    buf_printf(&w->artifacts, "%s%s%.*s", c->kind == FF_CHECK ? "check " : "",
               row.run == ARTIFACT_OF_CACHE ? "cache " : "", (int)row.hash.len,
               row.hash.s);
    if (c->kind == FF_PUT)
        buf_printf(&w->artifacts, " %lld", (long long)row.size);
    buf_add_text(&w->artifacts, "; ");
}

static void apply_batch(struct world *w, const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct ff_change *c = &b->items[i];
        if (c->record == &record_task)
            apply_task(w, c);
        else if (c->record == &record_run)
            apply_run(w, c);
        else if (c->record == &record_event)
            apply_event(w, c);
        else if (c->record == &record_cache)
            apply_cache(w, c);
        else if (c->record == &record_event_wait)
            apply_wait_row(w, c);
        else if (c->record == &record_artifact)
            apply_artifact(w, c);
    }
}

/* --- effects --- */

static void remove_node(struct world *w, int64_t node)
{
    for (size_t i = 0; i < w->offered.n; i++)
        if (w->offered.items[i] == node) {
            memmove(&w->offered.items[i], &w->offered.items[i + 1],
                    (--w->offered.n - i) * sizeof(int64_t));
            return;
        }
}

static void set_timer(struct world *w, const struct effect *e)
{
    for (size_t i = 0; i < w->timers.n; i++)
        if (w->timers.items[i].node == e->node && w->timers.items[i].kind == e->timer)
            w->timers.items[i--] = w->timers.items[--w->timers.n];
    const struct timer_set t = {.node = e->node, .at = e->at_us, .kind = e->timer};
    if (e->at_us != 0)
        ARRAY_ADD(&w->timers, t);
}

static void note_limits(struct world *w, const struct effect *e)
{
    if (e->n_limits > 0)
        buf_printf(&w->limits, "%lld+%lld", (long long)NODE_ITEM(e->node),
                   (long long)e->count);
    for (uint32_t i = 0; i < e->n_limits; i++)
        buf_printf(&w->limits, " %s*%lld/%lld/%lld", e->limits[i].name,
                   (long long)e->limits[i].amount, (long long)e->limits[i].size,
                   (long long)e->limits[i].per_us);
    if (e->n_limits > 0)
        buf_add_text(&w->limits, "; ");
}

static void note_look_up(struct world *w, const struct effect *e)
{
    struct look_up_wanted wanted = {.node = e->node};

    assert_int_equal(strlen(e->key), SHA256_TEXT - 1);
    snprintf(wanted.hash, sizeof(wanted.hash), "%s", e->key);
    ARRAY_ADD(&w->look_ups, wanted);
}

static void set_wait(struct world *w, const struct effect *e)
{
    struct told_wait wait = {.node = e->node, .attempt = e->attempt};

    for (size_t i = 0; i < w->waits.n; i++)
        if (w->waits.items[i].node == e->node)
            w->waits.items[i--] = w->waits.items[--w->waits.n];
    if (!e->name)
        return;
    snprintf(wait.name, sizeof(wait.name), "%s", e->name);
    snprintf(wait.key, sizeof(wait.key), "%s", e->key ? e->key : "");
    ARRAY_ADD(&w->waits, wait);
}

static void apply_effect(struct world *w, const struct effect *e)
{
    switch (e->type) {
    case EFFECT_OFFER:
        for (int64_t i = 0; i < e->count; i++)
            ARRAY_ADD(&w->offered, e->node + i);
        note_limits(w, e);
        break;
    case EFFECT_ADMIT:
        snprintf(w->asked, sizeof(w->asked), "%s", e->key);
        break;
    case EFFECT_RETRACT:
        for (int64_t i = 0; i < e->count; i++)
            remove_node(w, e->node + i);
        break;
    case EFFECT_FREE:
        w->slots_out--;
        assert_true(w->slots_out >= 0);
        break;
    case EFFECT_TIMER:
        set_timer(w, e);
        break;
    case EFFECT_AWAIT:
        set_wait(w, e);
        break;
    case EFFECT_START:
        ARRAY_ADD(&w->started, e->node);
        break;
    case EFFECT_ADOPT:
        ARRAY_ADD(&w->adopted, e->node);
        w->slots_out++;
        break;
    case EFFECT_STOP:
        ARRAY_ADD(&w->stopped, e->node);
        break;
    case EFFECT_LOOK_UP:
        note_look_up(w, e);
        break;
    case EFFECT_FORGET:
        break; /* nothing is on its way here */
    case EFFECT_CHILD:
        w->child_stops += e->cancel != CANCEL_NONE;
        w->told_child = e->pause; /* for more the tests look at the step itself */
        break;
    case EFFECT_ENDED:
        w->ended = true;
        break;
    }
}

void world_input(struct world *w, struct input in)
{
    struct step s = {.now_us = w->now};

    engine_step(w->run, &in, &s);
    w->taken = s.taken;
    engine_step_seal(w->run, &s);
    apply_batch(w, &s.batch);
    for (size_t i = 0; i < s.effects.n; i++)
        apply_effect(w, &s.effects.items[i]);
    step_done(&s);
}

/* --- the run --- */

struct world *world_new(const char *yaml, const char *inputs)
{
    struct world *w = mem_alloc(sizeof(*w));
    struct ff_err err = {0};

    w->plan = plan_new(&engine_dag, yaml, strlen(yaml), (struct span){0}, &err);
    if (!w->plan)
        fail_msg("%s", err.msg);
    w->now = 1000 * SECOND;
    w->row = (struct run_row){
        .tenant = 1,
        .run = 7,
        .version = 1,
        .id = span_of("0193a000-0000-7000-8000-000000000007"),
        .project = 1,
        .workflow = span_of("test"),
        .hash = span_of("hash"),
        .kind = span_of("dag"),
        .state = RUN_PENDING,
        .inputs = span_of(inputs),
        .dir = span_of("/somewhere"),
        .created_at = w->now,
        .started_at = MODEL_NULL,
        .finished_at = MODEL_NULL,
    };
    w->run = engine_run_new(w->plan, &w->row, 0, &err);
    if (!w->run)
        fail_msg("%s", err.msg);
    world_input(w, (struct input){.type = INPUT_BEGIN});
    return w;
}

void world_free(struct world *w)
{
    engine_run_free(w->run);
    plan_unref(w->plan);
    for (size_t i = 0; i < w->tasks.n; i++)
        mem_free(w->tasks.items[i].outputs);
    ARRAY_DONE(&w->tasks);
    ARRAY_DONE(&w->offered);
    ARRAY_DONE(&w->started);
    ARRAY_DONE(&w->adopted);
    ARRAY_DONE(&w->stopped);
    ARRAY_DONE(&w->timers);
    for (size_t i = 0; i < w->cache.n; i++)
        mem_free(w->cache.items[i].outputs);
    ARRAY_DONE(&w->cache);
    ARRAY_DONE(&w->look_ups);
    ARRAY_DONE(&w->waits);
    ARRAY_DONE(&w->wait_rows);
    buf_done(&w->history);
    buf_done(&w->limits);
    buf_done(&w->artifacts);
    mem_free(w->outputs);
    mem_free(w);
}

static int by_node(const void *a, const void *b)
{
    const int64_t x = ((const struct stored_task *)a)->row.node;
    const int64_t y = ((const struct stored_task *)b)->row.node;

    return x < y ? -1 : x > y;
}

void world_restart(struct world *w)
{
    struct ff_err err = {0};

    engine_run_free(w->run);
    w->offered.n = w->started.n = w->adopted.n = w->stopped.n = w->timers.n = 0;
    w->look_ups.n = 0;
    w->waits.n = 0;
    w->slots_out = 0;
    w->told_child = PAUSE_AS_IT_IS;
    w->child_stops = 0;
    w->run = engine_run_new(w->plan, &w->row, 0, &err);
    assert_non_null(w->run);
    if (w->tasks.n > 0)
        qsort(w->tasks.items, w->tasks.n, sizeof(*w->tasks.items), by_node);
    for (size_t i = 0; i < w->tasks.n; i++) {
        struct stored_task *t = &w->tasks.items[i];
        /* the array may have moved */
        if (t->row.reason.s)
            t->row.reason = span_of(t->reason);
        if (t->row.message.s)
            t->row.message = span_of(t->message);
        if (t->row.awaits.s)
            t->row.awaits = span_of(t->awaits);
        json_t *outputs =
            t->outputs ? json_parse(t->outputs, strlen(t->outputs), &err) : NULL;
        if (w->run->kind->load_task(w->run, &t->row, outputs, &err) != FF_OK)
            fail_msg("%s", err.msg);
        json_decref(outputs);
    }
    if (w->run->kind->loaded(w->run, &err) != FF_OK)
        fail_msg("%s", err.msg);
    world_input(w, (struct input){.type = INPUT_RESUME});
}

size_t world_look_up(struct world *w, const struct world *cache)
{
    const size_t n = w->look_ups.n;

    for (size_t i = 0; i < n; i++) {
        /* a copy: the answer may bring more */
        const struct look_up_wanted wanted = w->look_ups.items[i];
        struct result found = {.outcome = OUTCOME_SUCCEEDED};
        const struct result *result = NULL;
        struct ff_err err;
        for (size_t k = 0; k < cache->cache.n; k++) {
            const struct cached *c = &cache->cache.items[k];
            if (strcmp(c->hash, wanted.hash) != 0)
                continue;
            if (c->outputs)
                found.outputs = json_parse(c->outputs, strlen(c->outputs), &err);
            found.stored = c->outputs;
            result = &found;
        }
        world_input(w, (struct input){
                           .type = INPUT_FOUND, .node = wanted.node, .result = result});
        json_decref(found.outputs);
    }
    memmove(w->look_ups.items, w->look_ups.items + n,
            (w->look_ups.n - n) * sizeof(*w->look_ups.items));
    w->look_ups.n -= n;
    return n;
}

void world_reopen(struct world *w, const char *reset)
{
    const struct run_reopen how = {.reset = reset, .last_seq = 99, .now_us = w->now};
    struct run_row row = w->row;
    struct batch b = {0};

    assert_true(run_state_final(w->row.state));
    engine_run_reopen(&row, &how, &b);
    apply_batch(w, &b);
    batch_done(&b);
    w->ended = false;
    world_restart(w);
}

/* --- shorthands --- */

int64_t world_node(struct world *w, const char *path)
{
    char name[64];
    const char *dot = strchr(path, '.');
    const int n = dot ? (int)(dot - path) : (int)strlen(path);

    snprintf(name, sizeof(name), "%.*s", n, path);
    const int64_t task = flow_task_index(w->plan->data, name);
    if (task < 0)
        fail_msg("no task %s", name);
    return NODE_OF(task, dot ? atoi(dot + 1) : -1);
}

int64_t world_attempt(struct world *w, const char *path)
{
    const struct stored_task *t = stored(w, world_node(w, path));

    return t ? t->row.attempt : 0;
}

const char *world_state(struct world *w, const char *path)
{
    const struct stored_task *t = stored(w, world_node(w, path));

    return t ? task_state_names[t->row.state] : "";
}

const char *world_reason(struct world *w, const char *path)
{
    const struct stored_task *t = stored(w, world_node(w, path));

    return t && t->row.reason.s ? t->reason : "";
}

const char *world_run_state(const struct world *w)
{
    return run_state_names[w->row.state];
}

size_t world_running(const struct world *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->tasks.n; i++)
        n += w->tasks.items[i].row.state == TASK_RUNNING &&
             w->tasks.items[i].row.items == MODEL_NULL;
    return n;
}

bool world_grant_one(struct world *w)
{
    if (w->offered.n == 0)
        return false;
    const int64_t node = w->offered.items[0];
    remove_node(w, node);
    w->slots_out++;
    world_input(w, (struct input){.type = INPUT_GRANT, .node = node});
    return true;
}

bool world_grant(struct world *w)
{
    bool any = false;

    while (world_grant_one(w))
        any = true;
    return any;
}

void world_result(struct world *w, const char *path, enum outcome outcome,
                  int exit_code, const char *outputs)
{
    struct ff_err err;
    json_t *value = outputs ? json_parse(outputs, strlen(outputs), &err) : NULL;
    const struct result result = {
        .outcome = outcome,
        .exit_code = exit_code < 0 ? MODEL_NULL : exit_code,
        .outputs = value,
        .ended_at = w->now,
    };

    assert_true(!outputs || value);
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, path),
                                  .attempt = world_attempt(w, path),
                                  .result = &result});
    json_decref(value);
}

void world_succeed(struct world *w, const char *path)
{
    world_result(w, path, OUTCOME_SUCCEEDED, 0, NULL);
}

void world_finish(struct world *w)
{
    bool any = true;

    while (any) {
        any = world_grant(w);
        for (size_t i = 0; i < w->tasks.n; i++) {
            const struct task_row *t = &w->tasks.items[i].row;
            char path[96];
            if (t->state != TASK_RUNNING || t->items != MODEL_NULL)
                continue;
            w->run->kind->node_path(w->run, t->node, path, sizeof(path));
            world_succeed(w, path);
            any = true;
        }
    }
}

void world_cancel(struct world *w, enum cancel_mode mode)
{
    world_input(w, (struct input){.type = INPUT_CANCEL, .cancel = mode});
}

int64_t world_timer_at(const struct world *w, int64_t node, enum timer_kind kind)
{
    for (size_t i = 0; i < w->timers.n; i++)
        if (w->timers.items[i].kind == kind && w->timers.items[i].node == node)
            return w->timers.items[i].at;
    return 0;
}

bool world_next_timer(struct world *w)
{
    size_t best = 0;

    if (w->timers.n == 0)
        return false;
    for (size_t i = 1; i < w->timers.n; i++)
        if (w->timers.items[i].at < w->timers.items[best].at)
            best = i;
    const struct timer_set t = w->timers.items[best];
    w->timers.items[best] = w->timers.items[--w->timers.n];
    if (t.at > w->now)
        w->now = t.at;
    world_input(w,
                (struct input){.type = INPUT_TIMER, .node = t.node, .timer = t.kind});
    return true;
}
