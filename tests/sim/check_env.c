/* check_env.c - values that go from one task to another: outputs of tasks and runs
 * against what attempts wrote, and what an attempt is told (I11). The same after any
 * restart. */
#include "sim.h"

#include <string.h>

static bool is(const struct mirror_task *t, int64_t state)
{
    return t && t->row.state == state;
}

/* --- outputs --- */

/* An output, and the prefix of the output of a run that names the task in there. */
struct kind {
    const char *name, *from;
};
static const struct kind small = {"v", "from_"}, large = {"big", "big_from_"};

static bool value_of(const struct mirror_run *r, const char *task,
                     const struct kind *kind, struct buf *out);

/* The task that such an output of the run is of, or NULL. */
static const char *handed_on(const struct mirror_run *r, const struct kind *kind)
{
    const size_t len = strlen(kind->from);

    for (uint32_t i = 0; i < r->flow->n_outputs; i++)
        if (strncmp(r->flow->outputs[i].name, kind->from, len) == 0)
            return r->flow->outputs[i].name + len;
    return NULL;
}

/* What this output of a task or an item is worth; false: null. Of one that is a run it
 * is that of a task in there. */
static bool value_of_unit(const struct mirror_run *r, const struct mirror_task *t,
                          const struct kind *kind, struct buf *out)
{
    struct mirror_run *of;
    int64_t attempt;
    char id[160];

    if (!is(t, TASK_SUCCEEDED))
        return false;
    mirror_origin(r, t, id, sizeof(id));
    t = mirror_find(id, &of, &attempt);
    if (is_inner(&of->flow->tasks[NODE_TASK(t->row.node)])) {
        const struct mirror_run *child = mirror_child(of, t->row.node, attempt);
        const char *task = handed_on(child, kind);
        return task && value_of(child, task, kind, out);
    }
    if (!is_attempt(&of->flow->tasks[NODE_TASK(t->row.node)]))
        return false;
    return runtime_sim_output(id, kind->name, out);
}

static bool value_of(const struct mirror_run *r, const char *task,
                     const struct kind *kind, struct buf *out)
{
    const int64_t i = flow_task_index(r->flow, task);

    return value_of_unit(r, mirror_task(r, NODE_OF(i, -1)), kind, out);
}

/* The run that has this task: of a group it may be one around it. */
static const struct mirror_run *run_with(const struct mirror_run *r, const char *task)
{
    if (flow_task_index(r->flow, task) < 0 && mirror_parent(r))
        sim_seen(SEEN_OUTER_VALUE);
    while (flow_task_index(r->flow, task) < 0)
        r = mirror_parent(r);
    return r;
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
    char id[160];

    if (!is(t, TASK_SUCCEEDED) || t->row.items != MODEL_NULL ||
        ft->work->n_outputs == 0 || ft->work->kind == FLOW_SWITCH ||
        ft->work->kind == FLOW_APPROVE || ft->work->kind == FLOW_WAIT_EVENT ||
        is_inner(ft))
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
    json_t *o = large_outputs(r, t);
    mirror_origin(r, t, id, sizeof(id));
    for (uint32_t i = 0; i < ft->work->n_outputs; i++) {
        struct buf expected = {0};
        if (ft->work->outputs[i].as == FLOW_AS_ARTIFACT)
            artifact_check_outputs(r, t, &ft->work->outputs[i],
                                   json_object_get(o, ft->work->outputs[i].name));
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

static void check_handed_on(const struct mirror_run *r, const json_t *outputs,
                            const struct kind *kind)
{
    const char *task = handed_on(r, kind);
    struct buf expected = {0};

    if (!task)
        return;
    const bool has = value_of(r, task, kind, &expected);
    compare(r, kind->name, json_string_value(json_object_get(outputs, kind->name)), has,
            &expected);
    if (has)
        sim_seen(kind == &small ? SEEN_RUN_OUTPUTS : SEEN_LARGE_OF_RUN);
    buf_done(&expected);
}

static void check_run_outputs(const struct mirror_run *r)
{
    if (r->flow->n_outputs == 0 || !r->outputs)
        return;
    json_t *o = large_run_outputs(r);
    check_handed_on(r, o, &small);
    check_handed_on(r, o, &large);
    sim_check(!json_is_string(json_object_get(o, "number")),
              "I42: run %lld has a text where an integer is declared",
              (long long)r->no);
    json_decref(o);
}

bool check_output_types(const struct mirror_run *r)
{
    struct buf value = {0};
    bool good = true;

    for (uint32_t i = 0; i < r->flow->n_outputs; i++) {
        const char *name = r->flow->outputs[i].name;
        if (strcmp(name, "number") == 0)
            good = false;
        if (strcmp(name, "text") == 0 &&
            !value_of(r, handed_on(r, &small), &small, &value))
            good = false;
    }
    buf_done(&value);
    return good;
}

void check_outputs(const struct mirror_run *r)
{
    void *value;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);)
        check_task_outputs(r, value);
    check_run_outputs(r);
}

/* --- what an attempt is told: the same after any restart --- */

/* A compensation is told what the task, or item, gave that it undoes. */
static void check_undone_value(const struct mirror_run *r, const struct mirror_task *t,
                               const char *pair)
{
    struct buf expected = {0};
    const bool has = value_of_unit(r, again_undoes(r, t->row.node), &small, &expected);

    if (has)
        compare(r, pair, strchr(pair, '=') + 1, true, &expected);
    if (has && NODE_ITEM(t->row.node) >= 0)
        sim_seen(SEEN_UNDO_ITEM_VALUE);
    buf_done(&expected);
}

static void check_value(const struct mirror_run *r, const char *pair,
                        const struct kind *kind)
{
    const char *eq = strchr(pair, '=');
    struct buf expected = {0};
    char task[32];

    snprintf(task, sizeof(task), "%.*s", (int)(eq - pair - 6), pair + 6);
    const bool has = value_of(run_with(r, task), task, kind, &expected);
    if (has)
        compare(r, task, eq + 1, true, &expected);
    if (has && kind == &large)
        sim_seen(SEEN_LARGE_TOLD);
    buf_done(&expected);
}

/* One entry an item, in the order of the items, null where there is none. */
static void check_list(const struct mirror_run *r, const char *pair)
{
    const char *eq = strchr(pair, '=');
    struct ff_err err;
    char task[32];

    snprintf(task, sizeof(task), "%.*s", (int)(eq - pair - 6), pair + 6);
    r = run_with(r, task);
    const int64_t i = flow_task_index(r->flow, task);
    json_t *got = json_parse(eq + 1, strlen(eq + 1), &err);
    const size_t n = json_array_size(got);
    sim_check(json_is_array(got) &&
                  (int64_t)n == mirror_task(r, NODE_OF(i, -1))->row.items,
              "I11: run %lld: %s", (long long)r->no, pair);
    for (size_t k = 0; k < n; k++) {
        const struct mirror_task *t = mirror_task(r, NODE_OF(i, (int64_t)k));
        struct buf expected = {0};
        const bool has = value_of_unit(r, t, &small, &expected);
        compare(r, pair, json_string_value(json_array_get(got, k)), has, &expected);
        if (has)
            sim_seen(SEEN_LIST_OUTPUTS);
        buf_done(&expected);
    }
    json_decref(got);
}

static void check_index(const struct ff_run_spec *spec, const char *got, int64_t node)
{
    char expected[24];

    snprintf(expected, sizeof(expected), "%lld", (long long)NODE_ITEM(node));
    sim_check(strcmp(got, expected) == 0, "I11: %s is told item %s, it is %s",
              spec->attempt_id, got, expected);
}

void check_env(const struct ff_run_spec *spec)
{
    struct mirror_run *r;
    int64_t attempt;
    const struct mirror_task *t = mirror_find(spec->attempt_id, &r, &attempt);
    const bool is_undo = r->flow->tasks[NODE_TASK(t->row.node)].part == FLOW_COMPENSATE;
    const bool is_handler = r->flow->tasks[NODE_TASK(t->row.node)].part != FLOW_MAIN;
    const char *result = run_state_names[check_main_result(r)];
    bool told = false;

    for (size_t i = 0; spec->env[i]; i++) {
        const char *pair = spec->env[i];
        if (strncmp(pair, "SIM_WORD=", 9) == 0)
            sim_check(strcmp(pair + 9, "magic") == 0, "%s: inputs are lost: %s",
                      spec->attempt_id, pair);
        else if (strncmp(pair, "SIM_V_", 6) == 0 && is_undo)
            check_undone_value(r, t, pair);
        else if (strncmp(pair, "SIM_V_", 6) == 0)
            check_value(r, pair, &small);
        else if (strncmp(pair, "SIM_B_", 6) == 0)
            check_value(r, pair, &large);
        else if (strncmp(pair, "SIM_INDEX=", 10) == 0)
            check_index(spec, pair + 10, t->row.node);
        else if (strncmp(pair, "SIM_OUTER=", 10) == 0)
            check_index(spec, pair + 10, r->row.parent_node);
        else if (strncmp(pair, "SIM_L_", 6) == 0 && strchr(pair, '=')[1])
            check_list(r, pair);
        else if (strncmp(pair, "FF_RUN_STATUS=", 14) == 0)
            told = strcmp(pair + 14, result) == 0;
    }
    sim_check(!is_handler || told, "%s is a handler and not told that the run %s",
              spec->attempt_id, result);
}
