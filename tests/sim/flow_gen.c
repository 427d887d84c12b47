/* flow_gen.c - random workflows as YAML: chains, diamonds, lists, conditions, retries
 * and handlers.
 *
 * A task's description says in a word what its condition comes to, so that check_run.c
 * can judge it without the expression language:
 *   on, off, wrong            always true, always false, an error
 *   status TASK STATE         true if TASK came to STATE */
#include "flow_gen.h"

#include <string.h>

bool gen_odds(int64_t permille)
{
    return sim_chance(RAND_FLOW, permille);
}

int gen_below(int n)
{
    return (int)sim_rand(RAND_FLOW, (uint64_t)n);
}

/* --- parts of a task --- */

/* A formula over these tasks, "t1.failed || t2 && !t3.done". */
static void add_formula(struct gen *g, int task, uint32_t needs)
{
    static const char *const asked[] = {
        "", ".ok", ".succeeded", ".failed", ".skipped", ".cancelled", ".done"};
    const char *op = "";

    buf_add_text(g->out, "    needs: \"");
    for (int i = 0; i < task; i++) {
        if (!(needs >> i & 1))
            continue;
        const char *not = gen_odds(200) ? "!" : "";
        const char *word = asked[gen_below(7)];
        if (g->is_switch[i] && gen_odds(800))
            word = gen_odds(500) ? ".left" : ".right";
        buf_printf(g->out, "%s%s%s%d%s", op, not, g->prefix, i, word);
        op = gen_odds(500) ? " && " : " || ";
    }
    buf_add_text(g->out, "\"\n");
}

static uint32_t add_needs(struct gen *g, int task)
{
    uint32_t needs = 0;
    const int most = gen_odds(500) ? 1 : 3;

    if (task == 0 || gen_odds(150))
        return 0;
    for (int i = 0; i < most; i++) {
        /* Often the one before: chains. */
        const int need = gen_odds(400) ? task - 1 : gen_below(task);
        needs |= UINT32_C(1) << need;
    }
    if (gen_odds(150)) {
        add_formula(g, task, needs);
        return needs;
    }
    buf_add_text(g->out, "    needs: [");
    const char *comma = "";
    for (int i = 0; i < task; i++)
        if (needs >> i & 1) {
            buf_printf(g->out, "%s%s%d", comma, g->prefix, i);
            comma = ", ";
        }
    buf_add_text(g->out, "]\n");
    if (gen_odds(100))
        buf_add_text(g->out, "    needs_all: true\n");
    return needs;
}

int gen_any_of(uint32_t set)
{
    const int n = __builtin_popcount(set);

    if (n == 0)
        return -1;
    for (int left = gen_below(n), i = 0;; i++)
        if (set >> i & 1 && left-- == 0)
            return i;
}

static void add_condition(struct gen *g, uint32_t needs)
{
    static const char *const states[] = {"succeeded", "failed", "skipped", "cancelled"};
    const int need = gen_any_of(needs);
    const char *state = states[gen_odds(500) ? 1 : gen_below(4)];

    if (need >= 0 && gen_odds(150))
        buf_printf(g->out,
                   "    description: status %s%d %s\n"
                   "    if: ${{ tasks.%s%d.status == '%s' }}\n",
                   g->prefix, need, state, g->prefix, need, state);
    else if (gen_odds(50))
        buf_add_text(g->out, "    description: on\n    if: ${{ inputs.yes_flag }}\n");
    else if (gen_odds(50))
        buf_add_text(g->out, "    description: off\n    if: ${{ inputs.no_flag }}\n");
    else if (gen_odds(20))
        buf_add_text(g->out,
                     "    description: wrong\n    if: ${{ inputs.list[99] == 1 }}\n");
}

void gen_retry(struct gen *g)
{
    static const char *const backoffs[] = {"constant", "linear", "exponential"};
    static const char *const on[] = {"",
                                     ", on: [failed]",
                                     ", on: [lost, evicted]",
                                     ", on: [failed, timeout, lost, oom, evicted]",
                                     ", exit_codes: [1, 2]",
                                     ", if: attempt < 2"};

    if (!gen_odds(400))
        return;
    /* One after the other: compilers differ in the order of arguments. */
    const int attempts = 1 + gen_below(4);
    const int delay = gen_odds(300) ? 0 : gen_below(5000);
    const char *backoff = backoffs[gen_below(3)];
    const int max_delay = 5 + gen_below(10);
    const int jitter = gen_below(10);
    const char *reasons = on[gen_below(6)];
    buf_printf(g->out,
               "    retry: {max_attempts: %d, delay: %dms, backoff: %s, "
               "max_delay: %ds, jitter: 0.%d%s}\n",
               attempts, delay, backoff, max_delay, jitter, reasons);
}

/* Not for items. */
void gen_repeat(struct gen *g, bool is_list)
{
    if (is_list || !gen_odds(100))
        return;
    const int last = 1 + gen_below(3);
    const int most = 1 + gen_below(3);
    const int delay = gen_odds(500) ? 0 : gen_below(4000);
    const char *end = gen_odds(500) ? ", on_max: succeed" : "";
    buf_printf(g->out, "    repeat: {until: iteration >= %d, max: %d, delay: %dms%s}\n",
               last, most, delay, end);
}

/* Told is the value of the task that is undone, or of the item, if it has one. */
void gen_compensate(struct gen *g, int task, bool is_list)
{
    if (!gen_odds(150))
        return;
    buf_add_text(g->out, "    compensate:\n      run: x\n");
    /* One after the other: compilers differ in the order of arguments. */
    const int attempts = 1 + gen_below(3);
    const int delay = gen_below(3000);
    if (gen_odds(300))
        buf_printf(g->out, "      retry: {max_attempts: %d, delay: %dms}\n", attempts,
                   delay);
    if (gen_odds(200))
        buf_printf(g->out, "      timeout: %dms\n", 500 + gen_below(5000));
    if (g->has_v[task])
        buf_printf(g->out, "      env: {SIM_V_%s%d: '${{ outputs.v }}'%s}\n", g->prefix,
                   task, is_list ? ", SIM_INDEX: '${{ index }}'" : "");
}

void gen_total(struct gen *g)
{
    if (gen_odds(120))
        buf_printf(g->out, "    total_timeout: %dms\n", 1000 + gen_below(20000));
}

static void add_times(struct gen *g)
{
    if (gen_odds(300))
        buf_printf(g->out, "    timeout: %dms\n", 500 + gen_below(10000));
    if (gen_odds(100))
        buf_printf(g->out, "    queue_timeout: %dms\n", 1000 + gen_below(20000));
    if (gen_odds(100)) /* nothing is ever heard of these processes */
        buf_printf(g->out, "    heartbeat_timeout: %dms\n", 3000 + gen_below(20000));
    gen_total(g);
    if (gen_odds(300))
        buf_printf(g->out, "    grace: %dms\n", gen_below(5000));
    if (gen_odds(150))
        buf_printf(g->out, "    priority: %d\n", gen_below(5) - 2);
}

static bool add_foreach(struct gen *g, int task, uint32_t needs)
{
    const int need = gen_any_of(needs);

    if (!gen_odds(250))
        return false;
    if (need >= 0 && g->has_list[need] && gen_odds(800))
        buf_printf(g->out, "    foreach: ${{ tasks.%s%d.outputs.list }}\n", g->prefix,
                   need);
    else if (gen_odds(300))
        buf_add_text(g->out, "    foreach: ${{ inputs.list }}\n");
    else if (gen_odds(300))
        buf_printf(g->out, "    foreach: ${{ range(%d) }}\n", gen_below(12));
    else if (gen_odds(200))
        buf_add_text(g->out, "    foreach: {b: 1, a: '${{ inputs.list }}'}\n");
    else if (gen_odds(300))
        buf_printf(
            g->out,
            "    matrix: {x: [1, 2], y: '${{ inputs.list }}',\n"
            "             exclude: [{x: 2, y: 3}], include: [{x: %d}, {z: 1}]}\n",
            1 + gen_below(3));
    else
        g->is_fixed[task] = true;
    if (g->is_fixed[task])
        buf_add_text(g->out, "    foreach: [7, x, {a: 1}]\n");
    if (gen_odds(500))
        buf_printf(g->out, "    max_parallel: %d\n", 1 + gen_below(4));
    if (gen_odds(500))
        buf_add_text(g->out, "    fail_fast: false\n");
    return true;
}

static void add_value(struct gen *g, const char *variable, const char *prefix, int task)
{
    buf_printf(g->out, ", %s_%s%d: '${{ tasks.%s%d.outputs.v }}'", variable, prefix,
               task, prefix, task);
}

/* What a task in a group sees of what is around it. */
static void add_outer_env(struct gen *g, bool is_list)
{
    const int need = gen_any_of(g->around_needs);

    if (g->in_list)
        buf_printf(g->out, ", SIM_OUTER: '${{ %sindex }}'", is_list ? "parent." : "");
    if (need >= 0 && g->around->has_v[need])
        add_value(g, g->around->is_list[need] ? "SIM_L" : "SIM_V", g->around->prefix,
                  need);
}

/* Variables that check_env in check_env.c knows the values of. */
static void add_env(struct gen *g, uint32_t needs, bool is_list)
{
    const int need = gen_any_of(needs);

    buf_add_text(g->out, "    env: {SIM_WORD: '${{ inputs.word }}'");
    if (need >= 0 && g->has_v[need] && !g->is_list[need])
        add_value(g, "SIM_V", g->prefix, need);
    if (need >= 0 && g->has_v[need] && g->is_list[need])
        add_value(g, "SIM_L", g->prefix, need);
    if (is_list)
        buf_add_text(g->out, ", SIM_INDEX: '${{ index }}'");
    add_outer_env(g, is_list);
    gen_big_env(g, needs);
    buf_add_text(g->out, "}\n");
}

static void add_outputs(struct gen *g, int task, bool is_list)
{
    const char *comma = "";

    g->has_v[task] = gen_odds(300);
    g->has_list[task] = !is_list && gen_odds(300);
    const bool has_big = gen_big(g, task);
    if (!g->has_v[task] && !g->has_list[task] && !has_big)
        return;
    buf_add_text(g->out, "    outputs: {");
    if (has_big) {
        buf_add_text(g->out, "big: {from: file}");
        comma = ", ";
    }
    if (g->has_v[task])
        buf_printf(g->out, "%sv: {from: file%s}", comma,
                   gen_odds(300) ? ", optional: true" : "");
    if (g->has_list[task])
        buf_printf(g->out, "%slist: {from: file, as: json}",
                   g->has_v[task] ? ", " : comma);
    buf_add_text(g->out, "}\n");
}

static void add_own_handlers(struct gen *g, int task)
{
    static const char *const parts[] = {"on_success", "on_failure", "finally"};

    for (int i = 0; i < 3; i++)
        if (gen_odds(60))
            buf_printf(g->out, "    %s: {%s%d_%s: {run: x}}\n", parts[i], g->prefix,
                       task, parts[i]);
}

/* Whoever decides gives the input n. */
static void add_approve(struct gen *g)
{
    buf_add_text(g->out, "    approve: {message: 'go ${{ inputs.word }}?'");
    if (gen_odds(500))
        buf_printf(g->out, ", timeout: %dms", 1000 + gen_below(20000));
    if (gen_odds(500))
        buf_add_text(g->out, ", on_timeout: skip");
    if (gen_odds(500))
        buf_add_text(g->out, ", inputs: {n: {type: integer}}");
    buf_add_text(g->out, "}\n");
}

/* Kinds that the engine carries out itself. */
static void add_engine_kind(struct gen *g)
{
    const int pick = gen_below(6);
    const int ms = gen_odds(200) ? 0 : gen_below(20000);

    if (pick == 0)
        buf_add_text(g->out, "    noop: true\n");
    else if (pick == 1)
        buf_printf(g->out, "    sleep: %dms\n", ms);
    else if (pick == 2)
        buf_printf(g->out, "    sleep: '${{ inputs.yes_flag ? %d.5 : 0.0 }}'\n",
                   ms / 1000);
    else if (pick == 3)
        buf_add_text(g->out, "    wait_until: ${{ run.started_at }}\n");
    else if (pick == 4)
        add_approve(g);
    else
        buf_add_text(g->out, gen_odds(300)
                                 ? "    transform: {w: '${{ inputs.list[99] }}'}\n"
                                 : "    transform: {w: '${{ inputs.word }}'}\n");
}

static void add_task(struct gen *g, int task)
{
    buf_printf(g->out, "  %s%d:\n", g->prefix, task);
    const uint32_t needs = add_needs(g, task);
    add_condition(g, needs);
    if (gen_odds(80))
        buf_add_text(g->out, "    continue_on_error: true\n");
    const bool is_list = add_foreach(g, task, needs);
    g->is_list[task] = is_list;
    add_own_handlers(g, task);
    if (gen_is_inner(g, is_list)) {
        gen_inner(g, task, needs, is_list);
        return;
    }
    add_env(g, needs, is_list);
    g->is_switch[task] = !is_list && gen_odds(100);
    if (g->is_switch[task]) {
        /* One after the other: compilers differ in the order of arguments. */
        const char *flag = gen_odds(500) ? "yes" : "no";
        const char *right =
            gen_odds(500) ? ", {case: right}" : ", {case: right, when: false}";
        buf_printf(g->out, "    switch: [{case: left, when: inputs.%s_flag}%s]\n", flag,
                   right);
        return;
    }
    if (gen_odds(sim.o.waits)) {
        gen_wait_event(g, is_list);
        return;
    }
    if (gen_odds(150)) {
        add_engine_kind(g);
        return;
    }
    buf_add_text(g->out, "    run: x\n");
    gen_retry(g);
    add_times(g);
    gen_limits(g);
    gen_queue(g);
    gen_artifacts(g, task, needs);
    gen_cache(g, task, is_list);
    add_outputs(g, task, is_list);
    gen_repeat(g, is_list);
    gen_compensate(g, task, is_list);
}

void gen_tasks(struct gen *g)
{
    buf_add_text(g->out, "tasks:\n");
    for (int i = 0; i < g->n; i++)
        add_task(g, i);
}

/* --- the file --- */

static void add_handlers(struct gen *g, const char *part, const char *prefix)
{
    const int n = 1 + gen_below(2);

    if (!gen_odds(400))
        return;
    buf_printf(g->out, "%s:\n", part);
    for (int i = 0; i < n; i++) {
        buf_printf(g->out, "  %s%d:\n    run: x\n", prefix, i);
        if (gen_odds(200))
            buf_printf(g->out, "    timeout: %dms\n", 500 + gen_below(5000));
        if (gen_odds(200))
            gen_retry(g);
        gen_queue(g);
    }
}

static void add_head(struct gen *g, const char *name)
{
    buf_printf(g->out, "flowforge: 1\nname: %s\n", name);
    buf_add_text(g->out, "inputs:\n"
                         "  yes_flag: {type: boolean, default: true}\n"
                         "  no_flag: {type: boolean, default: false}\n"
                         "  word: {default: magic}\n");
    const int first = gen_below(100);
    buf_printf(g->out, "  list: {type: list, default: [%d, 2, 3%s]}\n", first,
               gen_odds(300) ? ", 4, 5, 6, 7, 8" : "");
    if (gen_odds(300))
        buf_printf(g->out, "parallelism: %d\n", 1 + gen_below(4));
    if (gen_odds(150))
        buf_printf(g->out, "timeout: %ds\n", 3 + gen_below(60));
}

/* The task whose value it is, or -1. */
static int first_value(const struct gen *g)
{
    for (int i = 0; i < g->n; i++)
        if (g->has_v[i] && !g->is_list[i])
            return i;
    return -1;
}

bool gen_has_value(const struct gen *g)
{
    return first_value(g) >= 0;
}

void gen_outputs(struct gen *g)
{
    const int i = first_value(g);

    if (i < 0 && gen_first_big(g) < 0)
        return;
    buf_add_text(g->out, "outputs: {");
    if (i >= 0)
        buf_printf(g->out,
                   "from_%s%d: '${{ tasks.%s%d.outputs.v }}',\n"
                   "          v: '${{ tasks.%s%d.outputs.v }}'",
                   g->prefix, i, g->prefix, i, g->prefix, i);
    gen_value_outputs(g, i);
    buf_add_text(g->out, "}\n");
}

static char *write_file(struct gen *g, const char *name, int64_t max_tasks,
                        const char *triggers)
{
    struct buf out = {0};

    g->out = &out;
    g->prefix = "t";
    g->n = 1 + gen_below((int)max_tasks);
    add_head(g, name);
    buf_add_text(g->out, triggers);
    gen_concurrency(g);
    gen_tasks(g);
    add_handlers(g, "on_success", "good");
    add_handlers(g, "on_failure", "bad");
    add_handlers(g, "on_cancel", "gone");
    add_handlers(g, "finally", "last");
    gen_outputs(g);
    return buf_take(&out);
}

char *flow_gen(void)
{
    struct gen g = {.kid = SIM_KIDS};

    return write_file(&g, "gen", sim.o.max_tasks, "");
}

char *flow_gen_kid(int kid)
{
    struct gen g = {.kid = kid};
    char name[16];

    snprintf(name, sizeof(name), "kid%d", kid);
    char *text = write_file(&g, name, 4, "");
    gen_note_kid(&g);
    return text;
}

char *flow_gen_timed(const char *name, const char *triggers)
{
    struct gen g = {.kid = SIM_KIDS};

    return write_file(&g, name, 2, triggers);
}
