/* check_edge.c - the life of a task row, edge by edge, as the commits show it: needs
 * (I4), retries, cancels (I13), limits, and the process behind an attempt. */
#include "sim.h"

#include <string.h>

#define LOST_MAX 3 /* losses forgiven without a retry: in the file */

static const struct flow_task *task_of(const struct mirror_run *r,
                                       const struct mirror_task *t)
{
    return &r->flow->tasks[NODE_TASK(t->row.node)];
}

static void name_of(const struct mirror_run *r, const struct mirror_task *t,
                    char out[96])
{
    mirror_attempt_id(r, t, out, 96);
    memmove(out, out + ID_TEXT, strlen(out + ID_TEXT) + 1);
}

static _Noreturn void FF_PRINTF(3, 4)
    fail_task(const struct mirror_run *r, const struct mirror_task *t, const char *fmt,
              ...)
{
    char name[96], why[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    name_of(r, t, name);
    sim.invariant = fmt;
    sim_fail("run %lld task %s: %s", (long long)r->no, name, why);
}

#define check(holds, ...)                                                              \
    do {                                                                               \
        if (!(holds))                                                                  \
            fail_task(r, t, __VA_ARGS__);                                              \
    } while (0)

bool is_attempt(const struct flow_task *t)
{
    return t->work->kind == FLOW_RUN || t->work->kind == FLOW_COMMAND ||
           t->work->kind == FLOW_SCRIPT;
}

/* --- which edges there are --- */

#define TO(state) (1u << (state))
static const uint32_t edges[] = {
    [TASK_WAITING] = TO(TASK_RUNNING) | TO(TASK_FAILED) | TO(TASK_SKIPPED) |
                     TO(TASK_CANCELLED) | TO(TASK_SUSPENDED),
    [TASK_QUEUED] = 0, /* has no row of its own */
    [TASK_RUNNING] =
        TO(TASK_RETRYING) | TO(TASK_SUCCEEDED) | TO(TASK_FAILED) | TO(TASK_CANCELLED),
    [TASK_RETRYING] = TO(TASK_RUNNING) | TO(TASK_FAILED) | TO(TASK_CANCELLED),
    [TASK_SUCCEEDED] = 0,
    [TASK_FAILED] = 0,
    [TASK_SKIPPED] = 0,
    [TASK_CANCELLED] = 0,
    [TASK_SUSPENDED] =
        TO(TASK_SUCCEEDED) | TO(TASK_FAILED) | TO(TASK_CANCELLED) | TO(TASK_SKIPPED),
};

static const struct {
    int64_t from, to;
    enum sim_seen seen;
} seen_edges[] = {
    {TASK_WAITING, TASK_RUNNING, SEEN_TO_RUNNING},
    {TASK_WAITING, TASK_CANCELLED, SEEN_CANCELLED_UNSTARTED},
    {TASK_RUNNING, TASK_RETRYING, SEEN_TO_RETRYING},
    {TASK_RUNNING, TASK_SUCCEEDED, SEEN_TO_SUCCEEDED},
    {TASK_RUNNING, TASK_CANCELLED, SEEN_CANCELLED_RUNNING},
    {TASK_WAITING, TASK_SUSPENDED, SEEN_TO_SUSPENDED},
    {TASK_SUSPENDED, TASK_SUCCEEDED, SEEN_WAIT_OVER},
    {TASK_SUSPENDED, TASK_CANCELLED, SEEN_WAIT_CANCELLED},
    {TASK_RETRYING, TASK_RUNNING, SEEN_RETRYING_TO_RUNNING},
    {TASK_RETRYING, TASK_CANCELLED, SEEN_RETRYING_TO_CANCELLED},
};

static const struct {
    const char *reason;
    enum sim_seen seen;
} seen_reasons[] = {
    {"exit_code", SEEN_EXIT_CODE},
    {"timeout", SEEN_TIMEOUT},
    {"heartbeat", SEEN_HEARTBEAT},
    {"lost", SEEN_LOST},
    {"oom", SEEN_OOM},
    {"evicted", SEEN_EVICTED},
    {"start_failed", SEEN_START_FAILED},
    {"output_missing", SEEN_OUTPUT_MISSING},
    {"expression", SEEN_EXPRESSION},
    {"queue_timeout", SEEN_QUEUE_TIMEOUT},
    {"upstream_failed", SEEN_UPSTREAM_FAILED},
    {"need_skipped", SEEN_NEED_SKIPPED},
    {"if_false", SEEN_IF_FALSE},
    {"needs_false", SEEN_NEEDS_FALSE},
    {"item_failed", SEEN_ITEM_FAILED},
};

static void note(const struct mirror_task *before, const struct mirror_task *t)
{
    for (size_t i = 0; i < COUNT_OF(seen_edges); i++)
        if (seen_edges[i].from == before->row.state && seen_edges[i].to == t->row.state)
            sim_seen(seen_edges[i].seen);
    for (size_t i = 0; i < COUNT_OF(seen_reasons); i++)
        if (strcmp(seen_reasons[i].reason, t->reason) == 0)
            sim_seen(seen_reasons[i].seen);
}

/* --- needs and the order of the parts --- */

static bool is_final(const struct mirror_run *r, uint32_t task)
{
    const struct mirror_task *t = mirror_task(r, NODE_OF(task, -1));

    return t && task_state_final(t->row.state);
}

static bool handler_runs(const struct mirror_run *r)
{
    void *value;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        const struct mirror_task *t = value;
        const enum flow_part part = task_of(r, t)->part;
        if (part != FLOW_MAIN && part != FLOW_FINALLY && t->row.state != TASK_WAITING &&
            !task_state_final(t->row.state))
            return true;
    }
    return false;
}

static void check_needs(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_task *ft = task_of(r, t);

    for (uint32_t i = 0; i < ft->n_needs; i++)
        check(is_final(r, ft->needs[i]), "I4: %s is not final",
              r->flow->tasks[ft->needs[i]].name);
    for (uint32_t i = 0; ft->part != FLOW_MAIN && i < r->flow->n_main; i++)
        check(is_final(r, i), "I4: a handler runs while %s does",
              r->flow->tasks[i].name);
    if (ft->part != FLOW_MAIN && ft->part != FLOW_COMPENSATE)
        again_undone(r);
    if (ft->part == FLOW_FINALLY)
        check(!handler_runs(r), "I4: finally runs while another handler does");
}

/* --- starts --- */

static bool lost_is_free(const struct mirror_task *before)
{
    return strcmp(before->reason, "lost") == 0 ||
           strcmp(before->reason, "evicted") == 0;
}

static void check_next_attempt(const struct mirror_run *r,
                               const struct mirror_task *before,
                               const struct mirror_task *t)
{
    const struct flow_retry *retry = &task_of(r, t)->policy->retry;

    check(t->row.attempt == before->row.attempt + 1, "I2: attempt %lld follows %lld",
          (long long)t->row.attempt, (long long)before->row.attempt);
    const int64_t nth = reset_attempts(t);
    if (nth == 1)
        return;
    if (retry->given)
        check(nth <= retry->max_attempts, "attempt %lld of at most %lld",
              (long long)nth, (long long)retry->max_attempts);
    else
        check(lost_is_free(before) && nth <= LOST_MAX + 1,
              "attempt %lld without retry, after %s", (long long)t->row.attempt,
              before->reason);
}

static const struct mirror_task *parent_of(const struct mirror_run *r,
                                           const struct mirror_task *t)
{
    return NODE_ITEM(t->row.node) < 0
               ? NULL
               : mirror_task(r, NODE_OF(NODE_TASK(t->row.node), -1));
}

/* How many it may have: a compensation those of the task that it undoes, of which its
 * row counts only some. */
static int64_t n_items(const struct mirror_run *r, int64_t task)
{
    const struct flow_undo *undo = r->flow->tasks[task].work->undo;

    return mirror_task(r, NODE_OF(undo ? undo->of : task, -1))->row.items;
}

/* Is an item of this task final and bad, in an earlier commit or this one? */
static int64_t count_items(const struct mirror_run *r, int64_t task, int64_t state)
{
    const int64_t width = n_items(r, task);
    int64_t n = 0;

    for (int64_t i = 0; i < width; i++) {
        const struct mirror_task *item = mirror_task(r, NODE_OF(task, i));
        n += item && item->row.state == state;
    }
    return n;
}

/* Whoever leads the run knows when its time is over, also after a restart. A step that
 * begins others is written when they have numbers, which a busy lane takes. */
static void check_run_timeout(const struct mirror_run *r, const struct mirror_task *t)
{
    const int64_t slack = 10 * UNITS_SECOND + 2 * sim.o.skew_us;
    const int64_t due = r->row.started_at - SIM_EPOCH_US + r->flow->timeout_us;

    const bool waits_for_lane = sim.o.inner > 0 && sim.o.lane_us > 1000;

    if (sim.faults || waits_for_lane || r->flow->timeout_us == 0 ||
        r->row.cancel != CANCEL_NONE || task_of(r, t)->part != FLOW_MAIN)
        return;
    check(sim.now < due + slack || sim.now < sim.healed_at + slack,
          "it starts, and the run's time was over %lld s ago",
          (long long)((sim.now - due) / UNITS_SECOND));
}

static void check_start(const struct mirror_run *r, const struct mirror_task *before,
                        const struct mirror_task *t)
{
    const struct flow_task *ft = task_of(r, t);
    const struct mirror_task *parent = parent_of(r, t);

    check(!r->killed, "I13: it starts after a kill");
    check(!r->cancelled_main || ft->part != FLOW_MAIN, "I13: it starts after a cancel");
    check_needs(r, t);
    check_run_timeout(r, t);
    if (t->row.items != MODEL_NULL) {
        sim_seen(t->row.items > 0 ? SEEN_EXPANDED : SEEN_EXPANDED_EMPTY);
        if (ft->part == FLOW_COMPENSATE)
            again_undo_expanded(r, t);
        return;
    }
    pause_check_start(r, t);
    check_next_attempt(r, before, t);
    cache_miss(r, before, t);
    again_start(r, before, t);
    if (ft->part == FLOW_COMPENSATE)
        again_undo_start(r, t);
    if (before->row.state == TASK_RETRYING && !lost_is_free(before))
        check(SIM_EPOCH_US + sim.now + 2 * sim.o.skew_us >= before->row.due_at,
              "it starts again before it is due");
    check(!ft->work->foreach ||
              (parent && parent->row.state == TASK_RUNNING &&
               NODE_ITEM(t->row.node) < n_items(r, NODE_TASK(t->row.node))),
          "an item of a task that is not expanded runs");
}

/* --- ends of attempts --- */

static const struct {
    const char *reason;
    uint32_t on;
} retry_reasons[] = {
    {"exit_code", FLOW_ON_FAILED},
    {"start_failed", FLOW_ON_FAILED},
    {"output_missing", FLOW_ON_FAILED},
    {"artifact_missing", FLOW_ON_FAILED},
    {"artifact_store_full", FLOW_ON_FAILED},
    {"artifact_unavailable", FLOW_ON_FAILED},
    {"expression", FLOW_ON_FAILED},
    {"timeout", FLOW_ON_TIMEOUT},
    {"heartbeat", FLOW_ON_TIMEOUT | FLOW_ON_HEARTBEAT},
    {"lost", FLOW_ON_LOST},
    {"oom", FLOW_ON_OOM},
    {"evicted", FLOW_ON_EVICTED},
};

static uint32_t retry_bit(const char *reason)
{
    for (size_t i = 0; i < COUNT_OF(retry_reasons); i++)
        if (strcmp(retry_reasons[i].reason, reason) == 0)
            return retry_reasons[i].on;
    return 0;
}

/* How a run ended is a failure, if it was not its timeout. */
static uint32_t retry_bit_of(const struct mirror_run *r, const struct mirror_task *t)
{
    if (is_inner(task_of(r, t)) && strcmp(t->reason, "timeout") != 0)
        return FLOW_ON_FAILED;
    return retry_bit(t->reason);
}

static bool exit_code_fits(const struct flow_retry *retry, const struct mirror_task *t)
{
    const uint32_t code = (uint32_t)t->row.exit_code & 255;

    if (!retry->exit_codes || retry_bit(t->reason) != FLOW_ON_FAILED ||
        t->row.exit_code == MODEL_NULL)
        return true;
    return retry->exit_codes[code / 8] >> (code % 8) & 1;
}

/* By the words of the file alone: would this end be followed by another attempt? */
static bool wants_retry(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_retry *retry = &task_of(r, t)->policy->retry;

    if (strcmp(t->reason, "total_timeout") == 0)
        return false; /* check_total.c judges whether it was over */
    if (!retry->given)
        return lost_is_free(t) && t->row.lost <= LOST_MAX;
    if (!(retry->on & retry_bit_of(r, t)) || reset_attempts(t) >= retry->max_attempts ||
        !exit_code_fits(retry, t))
        return false;
    if (!retry->condition || t->row.attempt < 2) /* the only retry.if of flow_gen.c */
        return true;
    sim_seen(SEEN_RETRY_IF);
    return false;
}

#define MS (UNITS_SECOND / 1000)

/* The least that the file allows: in doubles and by powers, unlike the engine. */
static int64_t least_delay_us(const struct flow_retry *retry, int64_t attempt)
{
    double delay = (double)retry->delay_us;

    if (retry->backoff == FLOW_LINEAR)
        delay *= (double)attempt;
    if (retry->backoff == FLOW_EXPONENTIAL)
        for (int64_t i = 1; i < attempt; i++)
            delay *= retry->factor;
    if (retry->max_delay_us > 0 && delay > (double)retry->max_delay_us)
        delay = (double)retry->max_delay_us;
    return (int64_t)(delay * (1 - retry->jitter));
}

/* Counted from the end of the process, by clocks that differ. */
static void check_delay(const struct mirror_run *r, const struct mirror_task *t,
                        const char *id)
{
    const struct flow_retry *retry = &task_of(r, t)->policy->retry;
    const int64_t ended = runtime_sim_ended(id);

    if (!retry->given || ended == 0)
        return;
    const int64_t least = least_delay_us(retry, reset_attempts(t));
    check(t->row.due_at + sim.o.skew_us + MS >= ended + least,
          "its retry is due %lld ms after its end, %lld ms were asked for",
          (long long)((t->row.due_at - ended) / MS), (long long)(least / MS));
}

/* How long a process was there, as far as it is known to be over. */
static int64_t lifetime(const char *id)
{
    const int64_t started = runtime_sim_started(id), ended = runtime_sim_ended(id);

    return started > 0 && ended > 0 ? ended - started : 0;
}

/* No process of the simulation says anything: none outlives its heartbeat_timeout, and
 * none is ended by it sooner. Where nothing fails each step takes a moment only. */
#define SILENCE_SLACK (5 * UNITS_SECOND)

static void check_silence(const struct mirror_run *r, const struct mirror_task *before,
                          const struct mirror_task *t, const char *id)
{
    const struct flow_policy *policy = task_of(r, t)->policy;

    check(strcmp(t->reason, "heartbeat") != 0 ||
              strcmp(before->reason, "heartbeat") == 0,
          "it ends for its silence, and nobody found it silent");
    /* A process that takes over counts the silence anew. */
    check(sim.faults || policy->heartbeat_us == 0 ||
              runtime_sim_started(id) <= SIM_EPOCH_US + sim.healed_at ||
              runtime_sim_started(id) <= SIM_EPOCH_US + lead_owned_at(r->tenant) ||
              lifetime(id) <= policy->heartbeat_us + policy->grace_us + SILENCE_SLACK,
          "it was silent for %lld ms, and nobody stopped it",
          (long long)(lifetime(id) / MS));
}

static void check_end_of_attempt(const struct mirror_run *r,
                                 const struct mirror_task *before,
                                 const struct mirror_task *t)
{
    char id[160];

    mirror_attempt_id(r, t, id, sizeof(id));
    check(t->row.attempt == before->row.attempt, "I2: its attempt changes as it ends");
    check(!runtime_sim_runs(id), "its process still runs, and it is %s %s",
          task_state_names[t->row.state], t->reason);
    check_silence(r, before, t, id);
    /* What it needs was there: everything that may fail so fails before it starts. */
    check(strcmp(t->reason, "expression") != 0, "its attempt cannot be made: %s",
          t->message);
    artifact_check_reason(id, t->reason);
    cache_success(r, t);
    if (is_inner(task_of(r, t)))
        check_child_end(r, t);
    again_end(r, t);
    if (t->row.state == TASK_RETRYING && !again_repeats(r, before, t)) {
        check(wants_retry(r, t), "it is retried after %s", t->reason);
        check_delay(r, t, id);
    }
    if (t->row.state == TASK_FAILED && !again_too_many(t))
        check(!wants_retry(r, t), "it is not retried after %s", t->reason);
    if (t->row.state == TASK_CANCELLED) {
        const struct mirror_task *parent = parent_of(r, t);
        check(r->row.cancel != CANCEL_NONE ||
                  (parent && task_of(r, t)->work->fail_fast) ||
                  strcmp(t->reason, "cancelled") != 0,
              "it is cancelled, and nobody asked for it");
        const struct mirror_task *told = parent ? parent : before;
        check(task_of(r, t)->part == FLOW_MAIN || r->row.cancel == CANCEL_KILL ||
                  (parent && task_of(r, t)->work->fail_fast) ||
                  strcmp(told->reason, "cancelled") == 0,
              "I13: a handler is cancelled, and the cancel was not for it");
    }
}

/* --- items and their task --- */

static void check_parent_end(const struct mirror_run *r, const struct mirror_task *t)
{
    const int64_t task = NODE_TASK(t->row.node);
    const int64_t failed = count_items(r, task, TASK_FAILED);
    const int64_t cancelled = count_items(r, task, TASK_CANCELLED);
    const int64_t done =
        count_items(r, task, TASK_SUCCEEDED) + count_items(r, task, TASK_SKIPPED);

    check(count_items(r, task, TASK_RUNNING) == 0 &&
              count_items(r, task, TASK_RETRYING) == 0 &&
              count_items(r, task, TASK_SUSPENDED) == 0,
          "it ends while items of it run");
    if (t->row.state == TASK_SUCCEEDED)
        check(done == t->row.items, "it succeeds with %lld of %lld items",
              (long long)done, (long long)t->row.items);
    if (t->row.state == TASK_FAILED)
        check(failed > 0, "it fails, and no item did");
    if (t->row.state == TASK_CANCELLED)
        check(failed == 0 && (cancelled > 0 || done < t->row.items ||
                              r->row.cancel != CANCEL_NONE),
              "it is cancelled, and no item was");
    if (failed > 0)
        check(t->row.state == TASK_FAILED, "it is %s with %lld items failed",
              task_state_names[t->row.state], (long long)failed);
    if (failed > 0 && task_of(r, t)->work->fail_fast && done + failed < t->row.items)
        sim_seen(SEEN_FAIL_FAST);
    if (failed + cancelled + done < t->row.items)
        check(r->row.cancel != CANCEL_NONE ||
                  (failed > 0 && task_of(r, t)->work->fail_fast),
              "it leaves out items, and nobody stopped it");
}

/* An item may not begin in a later commit than the failure of another one. */
static void check_fail_fast(const struct mirror_run *r, const struct mirror_task *t)
{
    if (NODE_ITEM(t->row.node) < 0 || !task_of(r, t)->work->fail_fast)
        return;
    const struct mirror_task *parent = parent_of(r, t);
    check(!parent->item_failed, "it starts after the failure of another item");
}

static void note_item_failure(const struct mirror_run *r, const struct mirror_task *t)
{
    struct mirror_task *parent = (struct mirror_task *)(uintptr_t)parent_of(r, t);

    if (parent && t->row.state == TASK_FAILED)
        parent->item_failed = true;
}

/* --- */

/* Handlers that a cancel meets have it in their rows while they still run. */
static bool is_note_of_stop(const struct mirror_run *r,
                            const struct mirror_task *before,
                            const struct mirror_task *t, uint64_t set)
{
    return before->row.state == TASK_RUNNING && t->row.state == TASK_RUNNING &&
           set == COLUMN_BIT(COL_TASK_REASON) && NODE_ITEM(t->row.node) < 0 &&
           task_of(r, t)->part != FLOW_MAIN && strcmp(t->reason, "cancelled") == 0;
}

/* So does an attempt that is being stopped since nothing was heard of it. */
static bool is_note_of_silence(const struct mirror_run *r,
                               const struct mirror_task *before,
                               const struct mirror_task *t, uint64_t set)
{
    const int64_t most = task_of(r, t)->policy->heartbeat_us;
    char id[160];

    if (before->row.state != TASK_RUNNING || t->row.state != TASK_RUNNING ||
        set != COLUMN_BIT(COL_TASK_REASON) || strcmp(t->reason, "heartbeat") != 0)
        return false;
    mirror_attempt_id(r, t, id, sizeof(id));
    check(most > 0 && is_attempt(task_of(r, t)),
          "it is found silent, and may be silent");
    /* One that was adopted counts from then, and may begin only when its runtime says
     * late that it never began. */
    check(sim.o.event_late || SIM_EPOCH_US + sim.now - runtime_sim_started(id) >= most,
          "it is found silent too soon");
    return true;
}

/* I23: decided by somebody, or by the end of its time, and then never approved. */
static void check_gate(const struct mirror_run *r, const struct mirror_task *before,
                       const struct mirror_task *t)
{
    const bool approved = t->row.state == TASK_SUCCEEDED;
    const bool skips = task_of(r, t)->work->approve->on_timeout == FLOW_TIMEOUT_SKIP;

    if (approved || (t->row.state == TASK_FAILED && inbox_decides(r, t, "reject"))) {
        check(!approved || inbox_decides(r, t, "approve"),
              "I23: it is approved, and nobody did that");
        sim_seen(approved ? SEEN_GATE_APPROVED : SEEN_GATE_REJECTED);
        return;
    }
    check(before->row.due_at != MODEL_NULL &&
              SIM_EPOCH_US + sim.now + 2 * sim.o.skew_us >= before->row.due_at,
          "I23: it is %s, and nobody decided", task_state_names[t->row.state]);
    pause_check_due(r, t);
    check(t->row.state == (skips ? TASK_SKIPPED : TASK_FAILED),
          "I23: when its time is over it is %s", task_state_names[t->row.state]);
    sim_seen(skips ? SEEN_GATE_SKIPPED : SEEN_GATE_TIMEOUT);
}

/* Nobody waits shorter than asked, and nobody is cancelled unasked. */
static void check_wait_end(const struct mirror_run *r, const struct mirror_task *before,
                           const struct mirror_task *t)
{
    check(!is_attempt(task_of(r, t)), "an attempt is suspended");
    check(t->row.attempt == before->row.attempt, "I2: its attempt changes as it ends");
    if (t->row.state == TASK_SUCCEEDED && strcmp(before->reason, "sleep") == 0)
        check(SIM_EPOCH_US + sim.now + 2 * sim.o.skew_us >= before->row.due_at,
              "its wait ends before it is due");
    if (t->row.state == TASK_SUCCEEDED && strcmp(before->reason, "sleep") == 0)
        pause_check_due(r, t);
    if (strcmp(before->reason, "approval") == 0 && t->row.state != TASK_CANCELLED)
        check_gate(r, before, t);
    if (strcmp(before->reason, "event") == 0 && t->row.state != TASK_CANCELLED)
        wait_ended(r, before, t);
    if (t->row.state == TASK_CANCELLED) {
        const struct mirror_task *parent = parent_of(r, t);
        check(r->row.cancel != CANCEL_NONE || (parent && parent->item_failed),
              "its wait is cancelled, and nobody asked for it");
    }
}

/* What the engine carries out itself may begin and end in one commit. */
static bool begins_and_ends(const struct mirror_run *r,
                            const struct mirror_task *before,
                            const struct mirror_task *t)
{
    return before->row.state == TASK_WAITING && !is_attempt(task_of(r, t)) &&
           t->row.attempt > before->row.attempt &&
           (t->row.state == TASK_SUCCEEDED || t->row.state == TASK_FAILED);
}

void check_edge(struct mirror_run *r, const struct mirror_task *before,
                struct mirror_task *t, uint64_t set)
{
    const int64_t from = before->row.state, to = t->row.state;
    const bool was_attempt = from == TASK_RUNNING && before->row.items == MODEL_NULL;

    if (is_note_of_stop(r, before, t, set) || is_note_of_silence(r, before, t, set))
        return;
    const bool at_once = begins_and_ends(r, before, t);
    const bool cached = from == TASK_WAITING && cache_is_hit(t);
    check(at_once || cached || edges[from] & TO(to), "I1: it goes from %s to %s",
          task_state_names[from], task_state_names[to]);
    note(before, t);
    total_edge(r, before, t);
    if (strcmp(t->reason, "queue_timeout") == 0)
        pause_check_queue_timeout(r, t);
    if (at_once)
        sim_seen(SEEN_AT_ONCE);
    if (from == TASK_SUSPENDED)
        check_wait_end(r, before, t);
    if (cached) {
        check_needs(r, t);
        check(!r->killed && !r->cancelled_main, "I13: it is given after a cancel");
        check_fail_fast(r, t);
        cache_hit(r, before, t);
    }
    if (to == TASK_RUNNING || to == TASK_SUSPENDED || at_once) {
        check_start(r, before, t);
        check_fail_fast(r, t);
    } else if (was_attempt) {
        check_end_of_attempt(r, before, t);
    } else if (from == TASK_RUNNING) {
        check_parent_end(r, t);
    } else if (from == TASK_WAITING && to == TASK_SKIPPED) {
        check_needs(r, t);
    }
    note_item_failure(r, t);
    if (task_state_final(to) && NODE_ITEM(t->row.node) < 0 &&
        task_of(r, t)->part == FLOW_MAIN)
        r->final_main++;
}

/* --- limits of a run, after each commit --- */

static int64_t running_of(const struct mirror_run *r, int64_t task)
{
    void *value;
    int64_t n = 0;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        const struct mirror_task *t = value;
        n += (t->row.state == TASK_RUNNING || t->row.state == TASK_SUSPENDED) &&
             t->row.items == MODEL_NULL &&
             (task < 0 ? is_attempt(task_of(r, t)) : NODE_TASK(t->row.node) == task);
    }
    return n;
}

void check_limits(struct mirror_run *r)
{
    const struct flow *f = r->flow;

    if (f->parallelism > 0) {
        const int64_t n = running_of(r, -1);
        sim_check(n <= f->parallelism, "run %lld: %lld attempts, parallelism is %lld",
                  (long long)r->no, (long long)n, (long long)f->parallelism);
        if (n == f->parallelism)
            sim_seen(SEEN_PARALLELISM);
    }
    for (uint32_t i = 0; i < f->n_tasks; i++) {
        if (!f->tasks[i].work->foreach || f->tasks[i].work->max_parallel == 0)
            continue;
        const int64_t n = running_of(r, i);
        sim_check(n <= f->tasks[i].work->max_parallel,
                  "run %lld: %lld items of %s, max_parallel is %lld", (long long)r->no,
                  (long long)n, f->tasks[i].name,
                  (long long)f->tasks[i].work->max_parallel);
        if (n == f->tasks[i].work->max_parallel)
            sim_seen(SEEN_MAX_PARALLEL);
    }
}
