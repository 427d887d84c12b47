/* check_run.c - what a run that is over must have come to, worked out from its file and
 * the ends of its tasks, without the engine: who ran, who was skipped and why, which
 * handlers, the result, the outputs (I11). */
#include "sim.h"

#include <string.h>

static const struct mirror_task *main_task(const struct mirror_run *r, uint32_t i)
{
    return mirror_task(r, NODE_OF(i, -1));
}

static bool is(const struct mirror_task *t, int64_t state)
{
    return t && t->row.state == state;
}

static bool any_in(const struct mirror_run *r, uint32_t first, uint32_t n,
                   int64_t state)
{
    for (uint32_t i = first; i < first + n; i++)
        if (is(main_task(r, i), state))
            return true;
    return false;
}

/* Of these the run's result and those behind hear. */
static bool failed_in(const struct mirror_run *r, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        if (!is(main_task(r, i), TASK_FAILED))
            continue;
        if (!r->flow->tasks[i].work->continue_on_error)
            return true;
        sim_seen(SEEN_FORGIVEN);
    }
    return false;
}

int64_t check_main_result(const struct mirror_run *r)
{
    if (strcmp(r->stop_reason, "timeout") == 0)
        return RUN_FAILED;
    if (r->stop_reason[0])
        return RUN_CANCELLED;
    if (failed_in(r, 0, r->flow->n_main))
        return RUN_FAILED;
    /* From before it began again. */
    return any_in(r, 0, r->flow->n_main, TASK_CANCELLED) ? RUN_CANCELLED
                                                         : RUN_SUCCEEDED;
}

/* --- may a task have run? --- */

enum verdict { RUNS, SKIPPED_UPSTREAM, SKIPPED_NEED, SKIPPED_FALSE, SKIPPED_IF, FAILS };

static bool is_bad(const struct mirror_run *r, uint32_t task)
{
    const struct mirror_task *need = main_task(r, task);

    return (is(need, TASK_FAILED) && !r->flow->tasks[task].work->continue_on_error) ||
           is(need, TASK_CANCELLED) ||
           (is(need, TASK_SKIPPED) && strcmp(need->reason, "upstream_failed") == 0);
}

/* Formulas of flow_gen.c have no brackets: an OR of ANDs, whose terms stand in the
 * order of the program. Read from right to left, as the other judge does not. */
static bool term_holds(const struct mirror_run *r, const struct flow_formula *f,
                       uint32_t *at)
{
    const struct flow_term *t = &f->terms[--*at];
    const struct mirror_task *of;
    bool left, right;

    if (t->op == FLOW_NOT)
        return !term_holds(r, f, at);
    if (t->op != FLOW_ASK) {
        right = term_holds(r, f, at);
        left = term_holds(r, f, at);
        return t->op == FLOW_AND ? left && right : left || right;
    }
    of = main_task(r, t->task);
    if (t->ask == FLOW_ASK_CASE) {
        char taken[64];

        snprintf(taken, sizeof(taken), "{\"case\":\"%s\"}", t->word);
        const bool took = of->outputs && strcmp(of->outputs, taken) == 0;
        sim_seen(took ? SEEN_CASE_TAKEN : SEEN_CASE_NOT_TAKEN);
        return took;
    }
    if (t->ask == FLOW_ASK_OK)
        return !is_bad(r, t->task);
    return t->ask == FLOW_ASK_DONE ||
           strcmp(task_state_names[of->row.state], flow_ask_names[t->ask]) == 0;
}

static enum verdict by_formula(const struct mirror_run *r, const struct flow_task *ft)
{
    uint32_t at = ft->work->formula->n;
    const bool holds = term_holds(r, ft->work->formula, &at);

    sim_check(at == 0, "run %lld: the formula of %s is more than one", (long long)r->no,
              ft->name);
    sim_seen(holds ? SEEN_FORMULA_TRUE : SEEN_FORMULA_FALSE);
    if (holds)
        return RUNS;
    for (uint32_t i = 0; i < ft->n_needs; i++)
        if (is_bad(r, ft->needs[i]))
            return SKIPPED_UPSTREAM;
    return SKIPPED_FALSE;
}

static bool judges(const struct flow_task *ft)
{
    return ft->work->description && strncmp(ft->work->description, "status ", 7) == 0;
}

static enum verdict by_needs(const struct mirror_run *r, const struct flow_task *ft)
{
    if (ft->work->formula)
        return by_formula(r, ft);
    for (uint32_t i = 0; i < ft->n_needs; i++) {
        const struct mirror_task *need = main_task(r, ft->needs[i]);
        if (is_bad(r, ft->needs[i]) && !judges(ft))
            return SKIPPED_UPSTREAM;
        if (ft->work->needs_all && is(need, TASK_SKIPPED))
            return SKIPPED_NEED;
    }
    return RUNS;
}

static enum verdict by_condition(const struct mirror_run *r, const struct flow_task *ft)
{
    char task[32], state[32];
    const char *is_true = ft->work->description;

    if (!is_true || strcmp(is_true, "on") == 0)
        return RUNS;
    if (strcmp(is_true, "off") == 0)
        return SKIPPED_IF;
    if (strcmp(is_true, "wrong") == 0)
        return FAILS;
    sscanf(is_true, "status %31s %31s", task, state);
    const int64_t need = flow_task_index(r->flow, task);
    const struct mirror_task *t = main_task(r, (uint32_t)need);
    return strcmp(task_state_names[t->row.state], state) == 0 ? RUNS : SKIPPED_IF;
}

static enum verdict judge(const struct mirror_run *r, const struct flow_task *ft)
{
    const enum verdict v = by_needs(r, ft);

    return v == RUNS ? by_condition(r, ft) : v;
}

static const char *const skip_reasons[] = {
    [SKIPPED_UPSTREAM] = "upstream_failed",
    [SKIPPED_NEED] = "need_skipped",
    [SKIPPED_FALSE] = "needs_false",
    [SKIPPED_IF] = "if_false",
};

static void check_main(const struct mirror_run *r, uint32_t i)
{
    const struct flow_task *ft = &r->flow->tasks[i];
    const struct mirror_task *t = main_task(r, i);

    sim_check(t && task_state_final(t->row.state),
              "I6: run %lld is over, task %s is not", (long long)r->no, ft->name);
    if (is(t, TASK_CANCELLED) && (r->stop_reason[0] || t->kept))
        return;
    const enum verdict v = judge(r, ft);
    if (v == RUNS) {
        sim_check(t->row.state != TASK_SKIPPED ||
                      strcmp(t->reason, "approval_timeout") == 0 ||
                      strcmp(t->reason, "event_timeout") == 0,
                  "run %lld: task %s is skipped: %s", (long long)r->no, ft->name,
                  t->reason);
        if (judges(ft) && by_needs(r, ft) == RUNS &&
            strstr(ft->work->description, " failed"))
            sim_seen(SEEN_JUDGED_FAILED);
    } else if (v == FAILS) {
        sim_check(is(t, TASK_FAILED) && strcmp(t->reason, "expression") == 0,
                  "run %lld: task %s is %s %s, its condition is wrong",
                  (long long)r->no, ft->name, task_state_names[t->row.state],
                  t->reason);
    } else {
        sim_check(is(t, TASK_SKIPPED) && strcmp(t->reason, skip_reasons[v]) == 0,
                  "run %lld: task %s is %s %s instead of skipped: %s", (long long)r->no,
                  ft->name, task_state_names[t->row.state], t->reason, skip_reasons[v]);
    }
}

/* --- handlers --- */

static enum flow_part part_of(int64_t result)
{
    if (result == RUN_SUCCEEDED)
        return FLOW_ON_SUCCESS;
    return result == RUN_FAILED ? FLOW_ON_FAILURE : FLOW_ON_CANCEL;
}

static void check_part(const struct mirror_run *r, enum flow_part part, bool expected)
{
    static const enum sim_seen seen[] = {[FLOW_ON_SUCCESS] = SEEN_ON_SUCCESS,
                                         [FLOW_ON_FAILURE] = SEEN_ON_FAILURE,
                                         [FLOW_ON_CANCEL] = SEEN_ON_CANCEL,
                                         [FLOW_FINALLY] = SEEN_FINALLY};
    const struct flow *f = r->flow;

    for (uint32_t k = 0; k < f->part_count[part]; k++) {
        const uint32_t i = f->part_first[part] + k;
        const struct mirror_task *t = main_task(r, i);
        if (is(t, TASK_WAITING))
            t = NULL; /* it ran before the run began again */
        sim_check(expected || !t, "run %lld: handler %s ran", (long long)r->no,
                  f->tasks[i].name);
        sim_check(!expected || t || r->row.cancel == CANCEL_KILL,
                  "run %lld: handler %s did not run", (long long)r->no,
                  f->tasks[i].name);
        sim_check(!t || task_state_final(t->row.state),
                  "run %lld: handler %s is not over", (long long)r->no,
                  f->tasks[i].name);
        sim_check(!is(t, TASK_CANCELLED) || r->row.cancel != CANCEL_NONE,
                  "run %lld: handler %s is cancelled", (long long)r->no,
                  f->tasks[i].name);
        if (is(t, TASK_SUCCEEDED))
            sim_seen(seen[part]);
        if (is(t, TASK_CANCELLED))
            sim_seen(SEEN_CANCEL_OF_HANDLER);
    }
}

/* --- the result --- */

static int64_t expected_result(const struct mirror_run *r, int64_t main)
{
    const struct flow *f = r->flow;
    const uint32_t n = f->n_tasks - f->n_main;

    if (main != RUN_SUCCEEDED)
        return main;
    if (failed_in(r, f->n_main, n)) {
        sim_seen(SEEN_HANDLER_FAILED);
        return RUN_FAILED;
    }
    if (any_in(r, f->n_main, n, TASK_CANCELLED) || r->row.cancel == CANCEL_KILL)
        return RUN_CANCELLED;
    if (!check_output_types(r)) {
        sim_check(strcmp(r->reason, "output_invalid") == 0,
                  "I42: run %lld with an output of a wrong type is %s (%s)",
                  (long long)r->no, run_state_names[r->row.state], r->reason);
        sim_seen(SEEN_OUTPUT_INVALID);
        return RUN_FAILED;
    }
    if (r->flow->n_outputs > 0 && r->flow->outputs[r->flow->n_outputs - 1].declared)
        sim_seen(SEEN_OUTPUT_TYPED);
    return RUN_SUCCEEDED;
}

static void note_result(const struct mirror_run *r)
{
    static const enum sim_seen seen[] = {[RUN_SUCCEEDED] = SEEN_RUN_SUCCEEDED,
                                         [RUN_FAILED] = SEEN_RUN_FAILED,
                                         [RUN_CANCELLED] = SEEN_RUN_CANCELLED};

    sim_seen(seen[r->row.state]);
    if (strcmp(r->stop_reason, "timeout") == 0)
        sim_seen(SEEN_RUN_TIMEOUT);
    if (r->row.cancel == CANCEL_KILL)
        sim_seen(SEEN_RUN_KILLED);
    if (r->tenant.no == 2)
        sim_seen(SEEN_TWO_TENANTS);
}

/* --- */

void check_run(struct mirror_run *r)
{
    const int64_t main = check_main_result(r);

    if (check_not_begun(r) || r->reset)
        return; /* the same before it was to begin again */
    for (uint32_t i = 0; i < r->flow->n_main; i++)
        check_main(r, i);
    again_undone(r);
    for (int part = FLOW_ON_SUCCESS; part <= FLOW_FINALLY; part++)
        check_part(r, (enum flow_part)part,
                   part == FLOW_FINALLY || part == (int)part_of(main));
    const int64_t expected = expected_result(r, main);
    sim_check(r->row.state == expected, "run %lld is %s (%s), expected %s",
              (long long)r->no, run_state_names[r->row.state], r->reason,
              run_state_names[expected]);
    sim_check(r->row.state == RUN_SUCCEEDED || r->reason[0],
              "run %lld is %s and does not say why", (long long)r->no,
              run_state_names[r->row.state]);
    check_outputs(r);
    note_result(r);
}
