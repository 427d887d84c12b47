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

static int64_t main_result(const struct mirror_run *r)
{
    if (strcmp(r->stop_reason, "timeout") == 0)
        return RUN_FAILED;
    if (r->stop_reason[0])
        return RUN_CANCELLED;
    return failed_in(r, 0, r->flow->n_main) ? RUN_FAILED : RUN_SUCCEEDED;
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
    if (is(t, TASK_CANCELLED) && r->stop_reason[0])
        return;
    const enum verdict v = judge(r, ft);
    if (v == RUNS) {
        sim_check(t->row.state != TASK_SKIPPED, "run %lld: task %s is skipped: %s",
                  (long long)r->no, ft->name, t->reason);
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

/* --- outputs --- */

/* What output v of a plain task is worth in an expression; false: null. */
static bool value_of(const struct mirror_run *r, const char *task, struct buf *out)
{
    const int64_t i = flow_task_index(r->flow, task);
    const struct mirror_task *t = main_task(r, (uint32_t)i);
    char id[160];

    if (!is(t, TASK_SUCCEEDED) || !is_attempt(&r->flow->tasks[i]))
        return false;
    mirror_attempt_id(r, t, id, sizeof(id));
    return runtime_sim_output(id, "v", out);
}

static void compare(const struct mirror_run *r, const char *what, const char *got,
                    bool has, const struct buf *expected)
{
    sim_check(has ? got && strcmp(got, buf_text(expected)) == 0 : got == NULL,
              "I11: run %lld: %s is %s, expected %s", (long long)r->no, what,
              got ? got : "null", has ? buf_text(expected) : "null");
}

static void check_task_outputs(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct flow_task *ft = &r->flow->tasks[NODE_TASK(t->row.node)];
    struct ff_err err;
    char id[160];

    if (!is(t, TASK_SUCCEEDED) || t->row.items != MODEL_NULL ||
        ft->work->n_outputs == 0 || ft->work->kind == FLOW_SWITCH)
        return;
    if (!is_attempt(ft)) {
        sim_check(ft->work->kind != FLOW_TRANSFORM ||
                      (t->outputs && strstr(t->outputs, "\"w\"")),
                  "I11: run %lld: transform %s gave %s", (long long)r->no, ft->name,
                  t->outputs ? t->outputs : "nothing");
        return;
    }
    sim_check(t->outputs, "I11: run %lld: task %s succeeded without its outputs",
              (long long)r->no, ft->name);
    json_t *o = json_parse(t->outputs, strlen(t->outputs), &err);
    mirror_attempt_id(r, t, id, sizeof(id));
    for (uint32_t i = 0; i < ft->work->n_outputs; i++) {
        struct buf expected = {0};
        if (ft->work->outputs[i].as != FLOW_AS_TEXT)
            continue;
        const bool has = runtime_sim_output(id, ft->work->outputs[i].name, &expected);
        compare(r, ft->name,
                json_string_value(json_object_get(o, ft->work->outputs[i].name)), has,
                &expected);
        buf_done(&expected);
    }
    json_decref(o);
}

static void check_run_outputs(const struct mirror_run *r)
{
    struct ff_err err;

    if (r->flow->n_outputs == 0 || !r->outputs)
        return;
    const char *name = r->flow->outputs[0].name; /* from_tN */
    struct buf expected = {0};
    json_t *o = json_parse(r->outputs, strlen(r->outputs), &err);
    const bool has = value_of(r, name + strlen("from_"), &expected);
    compare(r, name, json_string_value(json_object_get(o, name)), has, &expected);
    if (has)
        sim_seen(SEEN_RUN_OUTPUTS);
    buf_done(&expected);
    json_decref(o);
}

/* --- */

void check_run(struct mirror_run *r)
{
    const int64_t main = main_result(r);
    void *value;

    for (uint32_t i = 0; i < r->flow->n_main; i++)
        check_main(r, i);
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
    for (size_t i = 0; map_next(&r->tasks, &i, &value);)
        check_task_outputs(r, value);
    check_run_outputs(r);
    note_result(r);
}

/* --- what an attempt is told: the same after any restart --- */

static void check_value(const struct mirror_run *r, const char *pair)
{
    const char *eq = strchr(pair, '=');
    struct buf expected = {0};
    char task[32];

    snprintf(task, sizeof(task), "%.*s", (int)(eq - pair - 6), pair + 6);
    const bool has = value_of(r, task, &expected);
    if (has)
        compare(r, pair, eq + 1, true, &expected);
    buf_done(&expected);
}

/* One entry an item, in the order of the items, null where there is none. */
static void check_list(const struct mirror_run *r, const char *pair)
{
    const char *eq = strchr(pair, '=');
    struct ff_err err;
    char task[32], id[160];

    snprintf(task, sizeof(task), "%.*s", (int)(eq - pair - 6), pair + 6);
    const int64_t i = flow_task_index(r->flow, task);
    json_t *got = json_parse(eq + 1, strlen(eq + 1), &err);
    const size_t n = json_array_size(got);
    sim_check(json_is_array(got) && (int64_t)n == main_task(r, (uint32_t)i)->row.items,
              "I11: run %lld: %s", (long long)r->no, pair);
    for (size_t k = 0; k < n; k++) {
        const struct mirror_task *t = mirror_task(r, NODE_OF(i, (int64_t)k));
        struct buf expected = {0};
        bool has = is(t, TASK_SUCCEEDED);
        if (has)
            mirror_attempt_id(r, t, id, sizeof(id));
        has = has && runtime_sim_output(id, "v", &expected);
        compare(r, pair, json_string_value(json_array_get(got, k)), has, &expected);
        if (has)
            sim_seen(SEEN_LIST_OUTPUTS);
        buf_done(&expected);
    }
    json_decref(got);
}

void check_env(const struct ff_run_spec *spec)
{
    struct mirror_run *r;
    int64_t attempt;
    const struct mirror_task *t = mirror_find(spec->attempt_id, &r, &attempt);
    const bool is_handler = r->flow->tasks[NODE_TASK(t->row.node)].part != FLOW_MAIN;
    const char *result = run_state_names[main_result(r)];
    bool told = false;

    for (size_t i = 0; spec->env[i]; i++) {
        const char *pair = spec->env[i];
        if (strncmp(pair, "SIM_WORD=", 9) == 0)
            sim_check(strcmp(pair + 9, "magic") == 0, "%s: inputs are lost: %s",
                      spec->attempt_id, pair);
        else if (strncmp(pair, "SIM_V_", 6) == 0)
            check_value(r, pair);
        else if (strncmp(pair, "SIM_L_", 6) == 0 && strchr(pair, '=')[1])
            check_list(r, pair);
        else if (strncmp(pair, "FF_RUN_STATUS=", 14) == 0)
            told = strcmp(pair + 14, result) == 0;
    }
    sim_check(!is_handler || told, "%s is a handler and not told that the run %s",
              spec->attempt_id, result);
}
