/* dag_unit.c - one task or item on its way: wants a slot, has one, has a result, waits
 * for another attempt, is final. Every state it takes is a row in the same step. */
#include "engine/dag_priv.h"

#include <string.h>

/* Without a retry: in the file an attempt that was lost by no fault of its own is
 * started again, but not for ever. */
#define LOST_MAX 3

struct unit *dag_unit(struct dag *d, int64_t node)
{
    const int64_t task = NODE_TASK(node);
    const int64_t item = NODE_ITEM(node);

    if (task < 0 || task >= (int64_t)d->flow->n_tasks)
        return NULL;
    if (item < 0)
        return &d->tasks[task].unit;
    struct items *items = d->tasks[task].items;
    return items && item < (int64_t)items->n ? &items->units[item] : NULL;
}

/* --- rows and events --- */

static struct task_row row_of(const struct run *r, int64_t node, const struct unit *u)
{
    const struct dag *d = r->state;
    const int64_t item = NODE_ITEM(node);

    return (struct task_row){
        .tenant = r->row.tenant,
        .run = r->row.run,
        .node = node,
        .task = span_of(d->flow->tasks[NODE_TASK(node)].name),
        .item = item < 0 ? MODEL_NULL : item,
        .state = u->state,
        .attempt = u->attempt,
        .lost = u->lost,
        .exit_code = u->exit_code < 0 ? MODEL_NULL : u->exit_code,
        .items = MODEL_NULL,
        .due_at = MODEL_NULL,
        .queued_at = d->tasks[NODE_TASK(node)].ready_at,
        .started_at = MODEL_NULL,
        .finished_at = MODEL_NULL,
    };
}

/* Inserts the row the first time, patches the columns in `set` after that. */
static void write_unit(struct step *s, const struct task_row *row, struct unit *u,
                       uint64_t set)
{
    if (u->version == 0)
        batch_put(&s->batch, &record_task, row, FF_ABSENT);
    else
        batch_patch(&s->batch, &record_task, row, set, u->version);
    u->version++;
}

/* Two events are written for each task, so their usual parts are put together by hand:
 * names of tasks and states are words that need no escape. */
#define PUT(p, literal) put(p, literal, sizeof(literal) - 1)

static char *put(char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}

static struct jsonw unit_event(const struct run *r, struct step *s, const char *type,
                               int64_t node, const struct unit *u)
{
    const char *name = flow_of(r)->tasks[NODE_TASK(node)].name;
    const struct jsonw w = step_event(s, type);
    const size_t len = strlen(name);
    char *const begin = buf_room(w.out, len + 32 + (size_t)2 * ENGINE_INT_TEXT);

    if (!begin)
        return w;
    char *p = put(PUT(begin, ",\"task\":\""), name, len);
    *p++ = '"';
    if (NODE_ITEM(node) >= 0)
        p = engine_put_int(PUT(p, ",\"item\":"), NODE_ITEM(node));
    if (u->attempt > 0)
        p = engine_put_int(PUT(p, ",\"attempt\":"), u->attempt);
    buf_added(w.out, (size_t)(p - begin));
    return w;
}

static void add_end(struct jsonw *w, const struct task_row *row)
{
    const char *state = task_state_names[row->state];
    const size_t len = strlen(state);
    char *const begin = buf_room(w->out, len + 16);

    if (begin) {
        char *p = put(PUT(begin, ",\"state\":\""), state, len);
        *p++ = '"';
        buf_added(w->out, (size_t)(p - begin));
    }
    if (row->exit_code != MODEL_NULL) {
        jsonw_key(w, "exit_code");
        jsonw_int(w, row->exit_code);
    }
    if (row->reason.s) {
        jsonw_key(w, "reason");
        jsonw_text(w, row->reason.s);
    }
    if (row->message.s) {
        jsonw_key(w, "message");
        jsonw_text_len(w, row->message.s, row->message.len);
    }
}

/* --- slots --- */

/* since: from when on it waits, for its queue_timeout. */
static void offer_now(struct run *r, struct step *s, int64_t node, int64_t count,
                      int64_t since)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];

    step_effect(s, (struct effect){.type = EFFECT_OFFER,
                                   .node = node,
                                   .count = count,
                                   .priority = (int32_t)t->policy->priority,
                                   .queue = t->policy->queue});
    if (t->policy->queue_timeout_us > 0)
        for (int64_t i = 0; i < count; i++)
            step_effect(s,
                        (struct effect){.type = EFFECT_TIMER,
                                        .node = node + i,
                                        .timer = TIMER_QUEUE,
                                        .at_us = since + t->policy->queue_timeout_us});
}

/* The same after a restart as before, but for what the run's own limits held back: it
 * waits for a slot from when they let it, and no row says when that was. */
static int64_t wanted_since(const struct run *r, const struct step *s, int64_t node)
{
    const struct dag *d = r->state;
    const uint32_t task = (uint32_t)NODE_TASK(node);
    const bool limited =
        NODE_ITEM(node) >= 0 && d->flow->tasks[task].work->max_parallel > 0;

    return d->flow->parallelism > 0 || limited ? s->now_us : d->tasks[task].ready_at;
}

/* Units hold their place under the run's parallelism until they are final, so that
 * a retry does not let another one overtake it. */
void dag_offer(struct run *r, struct step *s, int64_t node, int64_t count)
{
    struct dag *d = dag_of(r);
    const int64_t limit = d->flow->parallelism;

    for (int64_t i = 0; i < count; i++)
        dag_unit(d, node + i)->state = TASK_QUEUED;
    int64_t now = count;
    if (limit > 0 && now > limit - d->active)
        now = limit > d->active ? limit - d->active : 0;
    if (now > 0) {
        d->active += now;
        offer_now(r, s, node, now, wanted_since(r, s, node));
    }
    if (now < count) {
        const struct node_range rest = {.node = node + now, .count = count - now};
        ARRAY_ADD(&d->waiting, rest);
        for (int64_t i = now; i < count; i++)
            dag_unit(d, node + i)->flags |= UNIT_HELD;
    }
}

/* One unit less is active: the next one that waits for parallelism may go. */
static void unit_inactive(struct run *r, struct step *s)
{
    struct dag *d = dag_of(r);
    struct node_queue *q = &d->waiting;

    d->active--;
    while (q->head < q->n && d->active < d->flow->parallelism) {
        struct node_range *range = &q->items[q->head];
        const int64_t node = range->node++;
        if (--range->count == 0)
            q->head++;
        struct unit *u = dag_unit(d, node);
        if (u->state != TASK_QUEUED)
            continue; /* cancelled while it waited */
        u->flags &= (uint8_t)~UNIT_HELD;
        d->active++;
        offer_now(r, s, node, 1, s->now_us);
    }
    if (q->head == q->n)
        q->head = q->n = 0;
}

void dag_forget_held(struct run *r)
{
    struct node_queue *q = &dag_of(r)->waiting;

    q->head = q->n = 0;
}

void dag_grant(struct run *r, struct step *s, int64_t node)
{
    struct unit *u = dag_unit(dag_of(r), node);

    if (!u || u->state != TASK_QUEUED) {
        step_effect(s, (struct effect){.type = EFFECT_FREE, .node = node});
        return;
    }
    u->state = TASK_RUNNING;
    u->attempt++;
    u->exit_code = -1;
    struct task_row row = row_of(r, node, u);
    row.started_at = s->now_us;
    write_unit(s, &row, u,
               COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_ATTEMPT) |
                   COLUMN_BIT(COL_TASK_STARTED_AT) | COLUMN_BIT(COL_TASK_EXIT_CODE) |
                   COLUMN_BIT(COL_TASK_REASON) | COLUMN_BIT(COL_TASK_MESSAGE) |
                   COLUMN_BIT(COL_TASK_DUE_AT) | COLUMN_BIT(COL_TASK_FINISHED_AT));
    struct jsonw w = unit_event(r, s, "task.started", node, u);
    step_event_end(s, &w);
    if (flow_of(r)->tasks[NODE_TASK(node)].policy->queue_timeout_us > 0)
        step_effect(s, (struct effect){
                           .type = EFFECT_TIMER, .node = node, .timer = TIMER_QUEUE});
    step_effect(
        s, (struct effect){.type = EFFECT_START, .node = node, .attempt = u->attempt});
}

/* --- ends --- */

/* What follows from a unit having become final. */
static void unit_final(struct run *r, struct step *s, int64_t node, struct unit *u,
                       bool was_active)
{
    struct dag *d = dag_of(r);
    const uint32_t task = (uint32_t)NODE_TASK(node);

    if (was_active)
        unit_inactive(r, s);
    if (NODE_ITEM(node) >= 0)
        dag_item_final(r, s, task, u);
    else
        ARRAY_ADD(&d->settled, task);
}

static void forget_message(struct dag_task *t)
{
    mem_free(t->message);
    t->message = NULL;
}

/* What the last attempt had to say, as in its row; a task of items keeps what the
 * lowest of those that failed for good said. Not the earliest: rows do not tell which
 * that was.
 */
void dag_note_message(struct run *r, int64_t node, struct span message)
{
    struct dag *d = dag_of(r);
    struct dag_task *t = &d->tasks[NODE_TASK(node)];
    struct buf b = {0};

    if (NODE_ITEM(node) < 0)
        forget_message(t);
    if (!message.s)
        return;
    if (NODE_ITEM(node) >= 0) {
        const uint32_t item = (uint32_t)NODE_ITEM(node);
        if (dag_unit(d, node)->state != TASK_FAILED ||
            (t->message && t->items->told < item))
            return;
        forget_message(t);
        t->items->told = item;
        buf_printf(&b, "item %lld: ", (long long)NODE_ITEM(node));
    }
    buf_add(&b, message.s, message.len);
    t->message = buf_take(&b);
}

void dag_end_unit(struct run *r, struct step *s, int64_t node, enum task_state state,
                  const char *reason, const char *message)
{
    struct dag *d = dag_of(r);
    struct unit *u = dag_unit(d, node);
    const bool was_active = (u->state == TASK_QUEUED && !(u->flags & UNIT_HELD)) ||
                            u->state == TASK_RETRYING;

    if (u->state == TASK_QUEUED)
        step_effect(s,
                    (struct effect){.type = EFFECT_RETRACT, .node = node, .count = 1});
    if (u->state == TASK_RETRYING)
        step_effect(s, (struct effect){
                           .type = EFFECT_TIMER, .node = node, .timer = TIMER_RETRY});
    u->state = (uint8_t)state;
    struct task_row row = row_of(r, node, u);
    row.reason = span_of(reason);
    row.message = span_of(message);
    row.finished_at = s->now_us;
    write_unit(s, &row, u,
               COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_REASON) |
                   COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_FINISHED_AT) |
                   COLUMN_BIT(COL_TASK_DUE_AT));
    struct jsonw w = unit_event(r, s, "task.finished", node, u);
    add_end(&w, &row);
    step_event_end(s, &w);
    dag_note_message(r, node, row.message);
    unit_final(r, s, node, u, was_active);
}

void dag_stop_unit(struct run *r, struct step *s, int64_t node, enum cancel_mode mode)
{
    const struct unit *u = dag_unit(dag_of(r), node);
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];

    step_effect(
        s, (struct effect){.type = EFFECT_STOP,
                           .node = node,
                           .attempt = u->attempt,
                           .grace_us = mode == CANCEL_KILL ? 0 : t->policy->grace_us});
}

void dag_note_stopped(struct run *r, struct step *s, uint32_t task)
{
    struct unit *u = &dag_of(r)->tasks[task].unit;
    struct task_row row = row_of(r, NODE_OF(task, -1), u);

    u->flags |= UNIT_STOPPED;
    row.reason = span_of(DAG_STOPPED);
    write_unit(s, &row, u, COLUMN_BIT(COL_TASK_REASON));
}

/* --- results and retries --- */

static const struct {
    enum task_state state; /* when it is not retried */
    uint32_t on;           /* its bit in retry.on */
    const char *reason;    /* unless the result names its own */
} outcomes[] = {
    [OUTCOME_SUCCEEDED] = {TASK_SUCCEEDED, 0, NULL},
    [OUTCOME_FAILED] = {TASK_FAILED, FLOW_ON_FAILED, "exit_code"},
    [OUTCOME_TIMEOUT] = {TASK_FAILED, FLOW_ON_TIMEOUT, "timeout"},
    [OUTCOME_LOST] = {TASK_FAILED, FLOW_ON_LOST, "lost"},
    [OUTCOME_OOM] = {TASK_FAILED, FLOW_ON_OOM, "oom"},
    [OUTCOME_EVICTED] = {TASK_FAILED, FLOW_ON_EVICTED, "evicted"},
    [OUTCOME_CANCELLED] = {TASK_CANCELLED, 0, "cancelled"},
};

static bool is_stopping(const struct run *r, int64_t node)
{
    const struct dag *d = r->state;
    const struct items *items = d->tasks[NODE_TASK(node)].items;

    if (NODE_ITEM(node) >= 0 && items->stopping)
        return true;
    if (d->tasks[NODE_TASK(node)].unit.flags & UNIT_STOPPED)
        return true;
    return r->row.cancel == CANCEL_KILL ||
           (r->row.cancel != CANCEL_NONE && d->phase == PHASE_MAIN);
}

/* Whatever an attempt that we stop did not succeed at is cancelled. One that ends as
 * cancelled and nobody here told to was sent away by whoever owns the machine: a run
 * must not end well because its host was shut down. */
static enum outcome judge(const struct run *r, int64_t node,
                          const struct result *result)
{
    if (result->outcome != OUTCOME_SUCCEEDED && is_stopping(r, node))
        return OUTCOME_CANCELLED;
    return result->outcome == OUTCOME_CANCELLED ? OUTCOME_EVICTED : result->outcome;
}

static bool may_retry(const struct run *r, int64_t node, const struct unit *u,
                      enum outcome outcome, const struct result *result)
{
    const struct flow_retry *retry = &flow_of(r)->tasks[NODE_TASK(node)].policy->retry;
    const uint32_t on = outcomes[outcome].on;

    if (is_stopping(r, node) || u->attempt >= FLOW_MAX_ATTEMPTS)
        return false;
    if (!retry->given)
        return (on & (FLOW_ON_LOST | FLOW_ON_EVICTED)) && u->lost < LOST_MAX;
    if (!(retry->on & on) || u->attempt >= retry->max_attempts)
        return false;
    if (on == FLOW_ON_FAILED && retry->exit_codes && result->exit_code != MODEL_NULL) {
        const uint32_t code = (uint32_t)result->exit_code & 255;
        return retry->exit_codes[code / 8] >> (code % 8) & 1;
    }
    return true;
}

/* In integers, so that every compiler gives the same history. Jitter takes its luck
 * from the run, the node and the attempt: the same after a restart. */
static int64_t retry_delay_us(const struct run *r, int64_t node, const struct unit *u)
{
    const struct flow_retry *retry = &flow_of(r)->tasks[NODE_TASK(node)].policy->retry;
    const int64_t most = retry->max_delay_us > 0 ? retry->max_delay_us
                                                 : INT64_C(24) * 3600 * UNITS_SECOND;
    const int64_t factor_ppm = (int64_t)(retry->factor * 1e6);
    int64_t delay = retry->delay_us;

    if (retry->backoff == FLOW_LINEAR)
        delay = delay > most / u->attempt ? most : delay * u->attempt;
    if (retry->backoff == FLOW_EXPONENTIAL)
        for (int i = 1; i < u->attempt && delay < most; i++)
            delay = delay > most / factor_ppm * 1000000 + 1000000
                        ? most
                        : delay / 1000000 * factor_ppm +
                              delay % 1000000 * factor_ppm / 1000000;
    if (delay > most)
        delay = most;
    const int64_t jitter_ppm = (int64_t)(retry->jitter * 1e6);
    if (jitter_ppm > 0 && delay > 0) {
        const uint64_t luck = rand_mix((uint64_t)r->row.run ^ rand_mix((uint64_t)node) ^
                                       ((uint64_t)u->attempt << 48));
        const int64_t swing = (int64_t)(luck % 2000001) - 1000000; /* -1 .. 1 */
        delay += delay / 1000000 * jitter_ppm / 1000000 * swing +
                 delay % 1000000 * jitter_ppm / 1000000 * swing / 1000000;
    }
    return delay < 0 ? 0 : delay;
}

static void retry_unit(struct run *r, struct step *s, int64_t node, struct unit *u,
                       enum outcome outcome, const struct task_row *ended)
{
    const bool given = flow_of(r)->tasks[NODE_TASK(node)].policy->retry.given;
    const int64_t delay =
        outcome == OUTCOME_LOST && !given ? 0 : retry_delay_us(r, node, u);
    struct task_row row = *ended;

    u->state = TASK_RETRYING;
    row.state = TASK_RETRYING;
    row.due_at = s->now_us + delay;
    write_unit(s, &row, u,
               COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_LOST) |
                   COLUMN_BIT(COL_TASK_EXIT_CODE) | COLUMN_BIT(COL_TASK_REASON) |
                   COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_DUE_AT) |
                   COLUMN_BIT(COL_TASK_STARTED_AT) | COLUMN_BIT(COL_TASK_FINISHED_AT));
    struct jsonw w = unit_event(r, s, "task.retrying", node, u);
    if (row.exit_code != MODEL_NULL) {
        jsonw_key(&w, "exit_code");
        jsonw_int(&w, row.exit_code);
    }
    jsonw_key(&w, "reason");
    jsonw_text(&w, row.reason.s);
    if (row.message.s) {
        jsonw_key(&w, "message");
        jsonw_text_len(&w, row.message.s, row.message.len);
    }
    jsonw_key(&w, "delay_us");
    jsonw_int(&w, delay);
    step_event_end(s, &w);
    if (delay > 0)
        step_effect(s, (struct effect){.type = EFFECT_TIMER,
                                       .node = node,
                                       .timer = TIMER_RETRY,
                                       .at_us = row.due_at});
    else
        dag_retry_due(r, s, node, s->now_us);
}

void dag_retry_due(struct run *r, struct step *s, int64_t node, int64_t due_at)
{
    struct unit *u = dag_unit(dag_of(r), node);

    if (!u || u->state != TASK_RETRYING)
        return;
    u->state = TASK_QUEUED;
    offer_now(r, s, node, 1,
              due_at); /* it kept its place under the run's parallelism */
}

void dag_queue_timeout(struct run *r, struct step *s, int64_t node)
{
    const struct unit *u = dag_unit(dag_of(r), node);

    if (u && u->state == TASK_QUEUED)
        dag_end_unit(r, s, node, TASK_FAILED, "queue_timeout",
                     "it waited for a slot longer than queue_timeout");
}

static void write_log_row(const struct run *r, struct step *s, int64_t node,
                          const struct unit *u, const struct result *result)
{
    const struct log_row row = {
        .tenant = r->row.tenant,
        .run = r->row.run,
        .node = node,
        .attempt = u->attempt,
        .chunks = result->log_chunks,
        .bytes = result->log_bytes,
        .dropped = result->log_dropped,
        .at = s->now_us,
    };
    if (row.chunks > 0 || row.dropped > 0)
        batch_put(&s->batch, &record_log, &row, FF_ABSENT);
}

static void end_with_result(struct run *r, struct step *s, int64_t node, struct unit *u,
                            struct task_row *row, const struct result *result)
{
    MEM_AUTO char *text = NULL;

    if (u->state == TASK_SUCCEEDED && result->outputs) {
        u->outputs = json_incref(result->outputs);
        text = result->stored ? NULL : json_text(result->outputs);
        row->outputs = span_of(result->stored ? result->stored : text);
    }
    row->finished_at = s->now_us;
    write_unit(s, row, u,
               COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_LOST) |
                   COLUMN_BIT(COL_TASK_EXIT_CODE) | COLUMN_BIT(COL_TASK_REASON) |
                   COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_OUTPUTS) |
                   COLUMN_BIT(COL_TASK_STARTED_AT) | COLUMN_BIT(COL_TASK_FINISHED_AT));
    struct jsonw w = unit_event(r, s, "task.finished", node, u);
    add_end(&w, row);
    step_event_end(s, &w);
    unit_final(r, s, node, u, true);
}

void dag_result(struct run *r, struct step *s, const struct input *in)
{
    struct unit *u = dag_unit(dag_of(r), in->node);
    const struct result *result = in->result;

    if (!u || u->state != TASK_RUNNING || u->attempt != in->attempt)
        return; /* late: the attempt was given up, or its result is known */
    step_effect(s, (struct effect){.type = EFFECT_FREE, .node = in->node});
    write_log_row(r, s, in->node, u, result);

    const enum outcome outcome = judge(r, in->node, result);
    struct ff_err err = {.code = FF_OK};
    const bool retry = may_retry(r, in->node, u, outcome, result) &&
                       dag_retry_if(r, s, in->node, outcome, result, &err);
    if (outcome == OUTCOME_LOST || outcome == OUTCOME_EVICTED)
        u->lost++;
    u->exit_code = result->exit_code == MODEL_NULL ? -1 : (int16_t)result->exit_code;
    u->state = (uint8_t)outcomes[outcome].state;

    struct task_row row = row_of(r, in->node, u);
    row.started_at = result->started_at ? result->started_at : s->now_us;
    row.reason =
        span_of(outcome == OUTCOME_FAILED && result->reason ? result->reason
                                                            : outcomes[outcome].reason);
    row.message = span_of(result->message);
    if (err.code != FF_OK) {
        row.reason = span_of("expression");
        row.message = span_of(err.msg);
    }
    if (!retry || NODE_ITEM(in->node) < 0)
        dag_note_message(r, in->node, row.message);
    if (retry)
        retry_unit(r, s, in->node, u, outcome, &row);
    else
        end_with_result(r, s, in->node, u, &row, result);
}

/* --- a task with items --- */

void dag_put_expanded(struct run *r, struct step *s, uint32_t task)
{
    struct dag_task *t = &dag_of(r)->tasks[task];
    const int64_t node = NODE_OF(task, -1);

    t->unit.state = TASK_RUNNING;
    struct task_row row = row_of(r, node, &t->unit);
    row.items = t->items->n;
    row.started_at = s->now_us;
    write_unit(s, &row, &t->unit, 0);
    struct jsonw w = unit_event(r, s, "task.expanded", node, &t->unit);
    jsonw_key(&w, "items");
    jsonw_int(&w, t->items->n);
    step_event_end(s, &w);
}

void dag_end_expanded(struct run *r, struct step *s, uint32_t task)
{
    struct dag *d = dag_of(r);
    struct dag_task *t = &d->tasks[task];
    const struct items *items = t->items;
    const int64_t node = NODE_OF(task, -1);
    const char *reason = NULL;

    t->unit.state = TASK_SUCCEEDED;
    if (items->failed > 0) {
        t->unit.state = TASK_FAILED;
        reason = "item_failed";
    } else if (items->cancelled > 0 || items->stopping) {
        t->unit.state = TASK_CANCELLED;
        reason = "cancelled";
    }
    struct task_row row = row_of(r, node, &t->unit);
    row.reason = span_of(reason);
    row.message = span_of(items->failed > 0 ? t->message : NULL);
    row.items = items->n;
    row.finished_at = s->now_us;
    write_unit(s, &row, &t->unit,
               COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_REASON) |
                   COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_FINISHED_AT));
    struct jsonw w = unit_event(r, s, "task.finished", node, &t->unit);
    add_end(&w, &row);
    step_event_end(s, &w);
    ARRAY_ADD(&d->settled, task);
}
