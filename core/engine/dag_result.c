/* dag_result.c - how an attempt ended, and whether another one follows. */
#include "engine/dag_kind.h"

/* Without a retry: in the file an attempt that was lost by no fault of its own is
 * started again, but not for ever. */
#define LOST_MAX 3

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
    [OUTCOME_HEARTBEAT] = {TASK_FAILED, FLOW_ON_TIMEOUT | FLOW_ON_HEARTBEAT,
                           DAG_HEARTBEAT},
    [OUTCOME_TOTAL] = {TASK_FAILED, 0, DAG_TOTAL},
};

/* By outcome: what is said of those that the engine stopped. */
static const char *const messages[] = {
    [OUTCOME_HEARTBEAT] = "it was silent for longer than its heartbeat_timeout",
    [OUTCOME_TOTAL] = "it took longer than its total_timeout",
};

bool dag_is_stopping(const struct run *r, int64_t node)
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
static enum outcome judge(const struct run *r, int64_t node, const struct unit *u,
                          const struct result *result)
{
    if (result->outcome != OUTCOME_SUCCEEDED && dag_is_stopping(r, node))
        return OUTCOME_CANCELLED;
    if (result->outcome != OUTCOME_SUCCEEDED && (u->flags & UNIT_OVERTIME))
        return OUTCOME_TOTAL;
    if (result->outcome == OUTCOME_CANCELLED && (u->flags & UNIT_SILENT))
        return OUTCOME_HEARTBEAT;
    return result->outcome == OUTCOME_CANCELLED ? OUTCOME_EVICTED : result->outcome;
}

static bool may_retry(const struct run *r, int64_t node, const struct unit *u,
                      enum outcome outcome, const struct result *result)
{
    const struct flow_retry *retry = &flow_of(r)->tasks[NODE_TASK(node)].policy->retry;
    const uint32_t on = outcomes[outcome].on;
    const int64_t attempt = u->attempt - dag_base(r, node);

    if (dag_is_stopping(r, node) || attempt >= FLOW_MAX_ATTEMPTS ||
        u->attempt == DAG_MAX_ATTEMPTS)
        return false;
    if (!retry->given)
        return (on & (FLOW_ON_LOST | FLOW_ON_EVICTED)) && u->lost < LOST_MAX;
    if (!(retry->on & on) || attempt >= retry->max_attempts)
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
    const int64_t attempt = u->attempt - dag_base(r, node);
    int64_t delay = retry->delay_us;

    if (retry->backoff == FLOW_LINEAR)
        delay = delay > most / attempt ? most : delay * attempt;
    if (retry->backoff == FLOW_EXPONENTIAL)
        for (int64_t i = 1; i < attempt && delay < most; i++)
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
                       int64_t delay, const struct task_row *ended)
{
    struct task_row row = *ended;

    u->state = TASK_RETRYING;
    row.state = TASK_RETRYING;
    row.due_at = s->now_us + delay;
    dag_write_unit(s, &row, u,
                   COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_LOST) |
                       COLUMN_BIT(COL_TASK_EXIT_CODE) | COLUMN_BIT(COL_TASK_REASON) |
                       COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_DUE_AT) |
                       COLUMN_BIT(COL_TASK_STARTED_AT) |
                       COLUMN_BIT(COL_TASK_FINISHED_AT));
    struct jsonw w = dag_event(r, s, "task.retrying", node, u);
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
    dag_wait_retry(r, s, node, row.due_at);
}

void dag_wait_retry(struct run *r, struct step *s, int64_t node, int64_t due_at)
{
    if (due_at > s->now_us)
        step_effect(s, (struct effect){.type = EFFECT_TIMER,
                                       .node = node,
                                       .timer = TIMER_RETRY,
                                       .at_us = due_at});
    else
        dag_retry_due(r, s, node, s->now_us);
}

void dag_retry_due(struct run *r, struct step *s, int64_t node, int64_t due_at)
{
    struct unit *u = dag_unit(dag_of(r), node);

    if (!u || u->state != TASK_RETRYING || dag_hold_due(r, node, due_at))
        return;
    if (dag_kind_of(r, node)) {
        dag_enter(r, s, node);
        return;
    }
    u->state = TASK_QUEUED;
    /* It kept its place under the run's parallelism. */
    dag_offer_now(r, s, node, 1, due_at);
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

    json_decref(u->outputs); /* of the iteration before */
    u->outputs = NULL;
    if (u->state == TASK_SUCCEEDED && result->outputs) {
        u->outputs = json_incref(result->outputs);
        text = result->stored ? NULL : dag_stored_text(result->outputs);
        row->outputs = span_of(result->stored ? result->stored : text);
    }
    if (u->state == TASK_SUCCEEDED)
        dag_cache_put(r, s, node, result, row->outputs);
    row->finished_at = s->now_us;
    dag_write_unit(s, row, u,
                   COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_LOST) |
                       COLUMN_BIT(COL_TASK_EXIT_CODE) | COLUMN_BIT(COL_TASK_REASON) |
                       COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_OUTPUTS) |
                       COLUMN_BIT(COL_TASK_STARTED_AT) |
                       COLUMN_BIT(COL_TASK_FINISHED_AT));
    struct jsonw w = dag_event(r, s, "task.finished", node, u);
    dag_event_end(&w, row);
    step_event_end(s, &w);
    dag_unit_final(r, s, node, u, !dag_kind_of(r, node));
}

/* What becomes of an attempt that succeeded, where its task repeats. */
static enum dag_turn judge_turn(struct run *r, struct step *s, int64_t node,
                                const struct result *result, struct task_row *row,
                                struct ff_err *err)
{
    static const struct {
        enum task_state state;
        const char *reason;
    } turns[] = {
        [TURN_LAST] = {TASK_SUCCEEDED, NULL},
        [TURN_NEXT] = {TASK_SUCCEEDED, NULL},
        [TURN_STOPPED] = {TASK_CANCELLED, "cancelled"},
        [TURN_TOO_MANY] = {TASK_FAILED, "repeat_max"},
        [TURN_TOO_LATE] = {TASK_FAILED, DAG_TOTAL},
        [TURN_WRONG] = {TASK_FAILED, "expression"},
    };
    struct unit *u = dag_unit(dag_of(r), node);

    if (u->state != TASK_SUCCEEDED)
        return TURN_LAST;
    const enum dag_turn turn = dag_judge_repeat(r, s, node, result, err);
    row->state = u->state = (uint8_t)turns[turn].state;
    row->reason = span_of(turns[turn].reason);
    if (err->code != FF_OK)
        row->message = span_of(err->msg);
    return turn;
}

/* How an attempt is judged, before its row is made. */
struct verdict {
    enum outcome outcome;
    int64_t delay;     /* until the next attempt; MODEL_NULL: there is none */
    struct ff_err err; /* its end is this one, whatever the attempt's was */
    const char *err_reason;
};

static const char *reason_of(enum outcome outcome, const struct result *result)
{
    return outcome == OUTCOME_FAILED && result->reason ? result->reason
                                                       : outcomes[outcome].reason;
}

static struct verdict decide(struct run *r, const struct step *s, int64_t node,
                             const struct unit *u, const struct result *result)
{
    const bool given = flow_of(r)->tasks[NODE_TASK(node)].policy->retry.given;
    struct verdict v = {.outcome = judge(r, node, u, result),
                        .delay = MODEL_NULL,
                        .err_reason = "expression"};

    if (!may_retry(r, node, u, v.outcome, result) ||
        !dag_retry_if(r, s, node, v.outcome, result, &v.err))
        return v;
    v.delay = v.outcome == OUTCOME_LOST && !given ? 0 : retry_delay_us(r, node, u);
    if (!dag_total_ends(r, node, s->now_us + v.delay))
        return v;
    v.delay = MODEL_NULL;
    v.err_reason = DAG_TOTAL;
    dag_total_message(reason_of(v.outcome, result), result->message, &v.err);
    return v;
}

void dag_result(struct run *r, struct step *s, const struct input *in)
{
    struct unit *u = dag_unit(dag_of(r), in->node);
    const struct result *result = in->result;

    if (!u || u->state != TASK_RUNNING || u->attempt != in->attempt)
        return; /* late: the attempt was given up, or its result is known */
    if (!dag_kind_of(r, in->node))
        step_effect(s, (struct effect){.type = EFFECT_FREE, .node = in->node});
    write_log_row(r, s, in->node, u, result);
    if (dag_reset_result(r, s, in->node))
        return;

    struct verdict v = decide(r, s, in->node, u, result);
    const enum outcome outcome = v.outcome;
    const bool retry = v.delay != MODEL_NULL;
    if (outcome == OUTCOME_LOST || outcome == OUTCOME_EVICTED)
        u->lost++;
    u->exit_code = result->exit_code == MODEL_NULL ? -1 : (int16_t)result->exit_code;
    u->state = (uint8_t)outcomes[outcome].state;
    u->flags &= (uint8_t)~UNIT_SILENT;

    if (outcome == OUTCOME_SUCCEEDED)
        dag_name_artifacts(r, s, in->node, result->outputs);

    struct task_row row = dag_row_of(r, in->node, u);
    row.started_at = result->started_at ? result->started_at : s->now_us;
    row.reason = span_of(reason_of(outcome, result));
    row.message =
        span_of(outcome < OUTCOME_HEARTBEAT ? result->message : messages[outcome]);
    if (v.err.code != FF_OK) {
        row.reason = span_of(v.err_reason);
        row.message = span_of(v.err.msg);
    }
    const enum dag_turn turn = judge_turn(r, s, in->node, result, &row, &v.err);
    if (!retry || NODE_ITEM(in->node) < 0)
        dag_note_message(r, in->node, row.message);
    if (retry)
        retry_unit(r, s, in->node, u, v.delay, &row);
    else if (turn == TURN_NEXT)
        dag_repeat(r, s, in->node, result, &row);
    else
        end_with_result(r, s, in->node, u, &row, result);
}
