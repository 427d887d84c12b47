/* flow_gen.c - random workflows as YAML: chains, diamonds, lists, conditions, retries,
 * limits and handlers.
 *
 * A task's description says in a word what its condition comes to, so that check_run.c
 * can judge it without the expression language:
 *   on, off, wrong            always true, always false, an error
 *   status TASK STATE         true if TASK came to STATE */
#include "sim.h"

#include <string.h>

static bool odds(int64_t permille)
{
    return sim_chance(RAND_FLOW, permille);
}

static int below(int n)
{
    return (int)sim_rand(RAND_FLOW, (uint64_t)n);
}

/* What the tasks written so far can offer to later ones. */
struct gen {
    struct buf *out;
    int n;
    bool has_v[64], has_list[64], is_list[64], is_switch[64];
};

/* --- parts of a task --- */

/* A formula over these tasks, "((t1.failed || t2) && !t3.done)". */
static void add_formula(struct gen *g, int task, uint32_t needs)
{
    static const char *const asked[] = {
        "", ".ok", ".succeeded", ".failed", ".skipped", ".cancelled", ".done"};
    const char *op = "";

    buf_add_text(g->out, "    needs: \"");
    for (int i = 0; i < task; i++) {
        if (!(needs >> i & 1))
            continue;
        const char *not = odds(200) ? "!" : "";
        const char *word = asked[below(7)];
        if (g->is_switch[i] && odds(800))
            word = odds(500) ? ".left" : ".right";
        buf_printf(g->out, "%s%st%d%s", op, not, i, word);
        op = odds(500) ? " && " : " || ";
    }
    buf_add_text(g->out, "\"\n");
}

static uint32_t add_needs(struct gen *g, int task)
{
    uint32_t needs = 0;
    const int most = odds(500) ? 1 : 3;

    if (task == 0 || odds(150))
        return 0;
    for (int i = 0; i < most; i++) {
        /* Often the one before: chains. */
        const int need = odds(400) ? task - 1 : below(task);
        needs |= UINT32_C(1) << need;
    }
    if (odds(150)) {
        add_formula(g, task, needs);
        return needs;
    }
    buf_add_text(g->out, "    needs: [");
    const char *comma = "";
    for (int i = 0; i < task; i++)
        if (needs >> i & 1) {
            buf_printf(g->out, "%st%d", comma, i);
            comma = ", ";
        }
    buf_add_text(g->out, "]\n");
    if (odds(100))
        buf_add_text(g->out, "    needs_all: true\n");
    return needs;
}

/* One of the tasks in the set, or -1. */
static int any_of(uint32_t set)
{
    const int n = __builtin_popcount(set);

    if (n == 0)
        return -1;
    for (int left = below(n), i = 0;; i++)
        if (set >> i & 1 && left-- == 0)
            return i;
}

static void add_condition(struct gen *g, uint32_t needs)
{
    static const char *const states[] = {"succeeded", "failed", "skipped", "cancelled"};
    const int need = any_of(needs);
    const char *state = states[odds(500) ? 1 : below(4)];

    if (need >= 0 && odds(150))
        buf_printf(g->out,
                   "    description: status t%d %s\n"
                   "    if: ${{ tasks.t%d.status == '%s' }}\n",
                   need, state, need, state);
    else if (odds(50))
        buf_add_text(g->out, "    description: on\n    if: ${{ inputs.yes_flag }}\n");
    else if (odds(50))
        buf_add_text(g->out, "    description: off\n    if: ${{ inputs.no_flag }}\n");
    else if (odds(20))
        buf_add_text(g->out,
                     "    description: wrong\n    if: ${{ inputs.list[99] == 1 }}\n");
}

static void add_retry(struct gen *g)
{
    static const char *const backoffs[] = {"constant", "linear", "exponential"};
    static const char *const on[] = {"",
                                     ", on: [failed]",
                                     ", on: [lost, evicted]",
                                     ", on: [failed, timeout, lost, oom, evicted]",
                                     ", exit_codes: [1, 2]",
                                     ", if: attempt < 2"};

    if (!odds(400))
        return;
    /* One after the other: compilers differ in the order of arguments. */
    const int attempts = 1 + below(4);
    const int delay = odds(300) ? 0 : below(5000);
    const char *backoff = backoffs[below(3)];
    const int max_delay = 5 + below(10);
    const int jitter = below(10);
    const char *reasons = on[below(6)];
    buf_printf(g->out,
               "    retry: {max_attempts: %d, delay: %dms, backoff: %s, "
               "max_delay: %ds, jitter: 0.%d%s}\n",
               attempts, delay, backoff, max_delay, jitter, reasons);
}

static void add_times(struct gen *g)
{
    if (odds(300))
        buf_printf(g->out, "    timeout: %dms\n", 500 + below(10000));
    if (odds(100))
        buf_printf(g->out, "    queue_timeout: %dms\n", 1000 + below(20000));
    if (odds(100)) /* nothing is ever heard of these processes */
        buf_printf(g->out, "    heartbeat_timeout: %dms\n", 3000 + below(20000));
    if (odds(300))
        buf_printf(g->out, "    grace: %dms\n", below(5000));
    if (odds(150))
        buf_printf(g->out, "    priority: %d\n", below(5) - 2);
}

static bool add_foreach(struct gen *g, uint32_t needs)
{
    const int need = any_of(needs);

    if (!odds(250))
        return false;
    if (need >= 0 && g->has_list[need] && odds(800))
        buf_printf(g->out, "    foreach: ${{ tasks.t%d.outputs.list }}\n", need);
    else if (odds(300))
        buf_add_text(g->out, "    foreach: ${{ inputs.list }}\n");
    else if (odds(300))
        buf_printf(g->out, "    foreach: ${{ range(%d) }}\n", below(12));
    else if (odds(200))
        buf_add_text(g->out, "    foreach: {b: 1, a: '${{ inputs.list }}'}\n");
    else if (odds(300))
        buf_printf(
            g->out,
            "    matrix: {x: [1, 2], y: '${{ inputs.list }}',\n"
            "             exclude: [{x: 2, y: 3}], include: [{x: %d}, {z: 1}]}\n",
            1 + below(3));
    else
        buf_add_text(g->out, "    foreach: [7, x, {a: 1}]\n");
    if (odds(500))
        buf_printf(g->out, "    max_parallel: %d\n", 1 + below(4));
    if (odds(500))
        buf_add_text(g->out, "    fail_fast: false\n");
    return true;
}

/* Variables that judge_env in check_run.c knows the values of. */
static void add_env(struct gen *g, uint32_t needs, bool is_list)
{
    const int need = any_of(needs);

    buf_add_text(g->out, "    env: {SIM_WORD: '${{ inputs.word }}'");
    if (need >= 0 && g->has_v[need] && !g->is_list[need])
        buf_printf(g->out, ", SIM_V_t%d: '${{ tasks.t%d.outputs.v }}'", need, need);
    if (need >= 0 && g->has_v[need] && g->is_list[need])
        buf_printf(g->out, ", SIM_L_t%d: '${{ tasks.t%d.outputs.v }}'", need, need);
    if (is_list)
        buf_add_text(g->out, ", SIM_INDEX: '${{ index }}'");
    buf_add_text(g->out, "}\n");
}

static void add_outputs(struct gen *g, int task, bool is_list)
{
    g->has_v[task] = odds(300);
    g->has_list[task] = !is_list && odds(300);
    if (!g->has_v[task] && !g->has_list[task])
        return;
    buf_add_text(g->out, "    outputs: {");
    if (g->has_v[task])
        buf_printf(g->out, "v: {from: file%s}", odds(300) ? ", optional: true" : "");
    if (g->has_list[task])
        buf_printf(g->out, "%slist: {from: file, as: json}",
                   g->has_v[task] ? ", " : "");
    buf_add_text(g->out, "}\n");
}

static void add_own_handlers(struct gen *g, int task)
{
    static const char *const parts[] = {"on_success", "on_failure", "finally"};

    for (int i = 0; i < 3; i++)
        if (odds(60))
            buf_printf(g->out, "    %s: {t%d_%s: {run: x}}\n", parts[i], task,
                       parts[i]);
}

/* Kinds that the engine carries out itself. */
static void add_engine_kind(struct gen *g)
{
    const int pick = below(5);
    const int ms = odds(200) ? 0 : below(20000);

    if (pick == 0)
        buf_add_text(g->out, "    noop: true\n");
    else if (pick == 1)
        buf_printf(g->out, "    sleep: %dms\n", ms);
    else if (pick == 2)
        buf_printf(g->out, "    sleep: '${{ inputs.yes_flag ? %d.5 : 0.0 }}'\n",
                   ms / 1000);
    else if (pick == 3)
        buf_add_text(g->out, "    wait_until: ${{ run.started_at }}\n");
    else
        buf_add_text(g->out, odds(300)
                                 ? "    transform: {w: '${{ inputs.list[99] }}'}\n"
                                 : "    transform: {w: '${{ inputs.word }}'}\n");
}

static void add_task(struct gen *g, int task)
{
    buf_printf(g->out, "  t%d:\n", task);
    const uint32_t needs = add_needs(g, task);
    add_condition(g, needs);
    if (odds(80))
        buf_add_text(g->out, "    continue_on_error: true\n");
    const bool is_list = add_foreach(g, needs);
    g->is_list[task] = is_list;
    add_env(g, needs, is_list);
    add_own_handlers(g, task);
    g->is_switch[task] = !is_list && odds(100);
    if (g->is_switch[task]) {
        /* One after the other: compilers differ in the order of arguments. */
        const char *flag = odds(500) ? "yes" : "no";
        const char *right =
            odds(500) ? ", {case: right}" : ", {case: right, when: false}";
        buf_printf(g->out, "    switch: [{case: left, when: inputs.%s_flag}%s]\n", flag,
                   right);
        return;
    }
    if (odds(150)) {
        add_engine_kind(g);
        return;
    }
    buf_add_text(g->out, "    run: x\n");
    add_retry(g);
    add_times(g);
    add_outputs(g, task, is_list);
}

/* --- the file --- */

static void add_handlers(struct gen *g, const char *part, const char *prefix)
{
    const int n = 1 + below(2);

    if (!odds(400))
        return;
    buf_printf(g->out, "%s:\n", part);
    for (int i = 0; i < n; i++) {
        buf_printf(g->out, "  %s%d:\n    run: x\n", prefix, i);
        if (odds(200))
            buf_printf(g->out, "    timeout: %dms\n", 500 + below(5000));
        if (odds(200))
            add_retry(g);
    }
}

static void add_head(struct gen *g)
{
    buf_add_text(g->out, "flowforge: 1\nname: gen\n"
                         "inputs:\n"
                         "  yes_flag: {type: boolean, default: true}\n"
                         "  no_flag: {type: boolean, default: false}\n"
                         "  word: {default: magic}\n");
    const int first = below(100);
    buf_printf(g->out, "  list: {type: list, default: [%d, 2, 3%s]}\n", first,
               odds(300) ? ", 4, 5, 6, 7, 8" : "");
    if (odds(300))
        buf_printf(g->out, "parallelism: %d\n", 1 + below(4));
    if (odds(150))
        buf_printf(g->out, "timeout: %ds\n", 3 + below(60));
}

static void add_run_outputs(struct gen *g)
{
    for (int i = 0; i < g->n; i++) {
        if (!g->has_v[i] || g->is_list[i])
            continue;
        buf_printf(g->out, "outputs: {from_t%d: '${{ tasks.t%d.outputs.v }}'}\n", i, i);
        return;
    }
}

char *flow_gen(void)
{
    struct buf out = {0};
    struct gen g = {.out = &out};

    g.n = 1 + below((int)sim.o.max_tasks);
    add_head(&g);
    buf_add_text(&out, "tasks:\n");
    for (int i = 0; i < g.n; i++)
        add_task(&g, i);
    add_handlers(&g, "on_success", "good");
    add_handlers(&g, "on_failure", "bad");
    add_handlers(&g, "on_cancel", "gone");
    add_handlers(&g, "finally", "last");
    add_run_outputs(&g);
    return buf_take(&out);
}
