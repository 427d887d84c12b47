/* fuzz_workflow.c - workflow files: the YAML tree and the format on it. Either there is
 * a plan or at least one problem, the same ones each time; and text that is JSON too
 * means in the tree what it means to the JSON parser. */
#include "flow/tree.h"
#include "fuzz.h"

/* A plan of the fuzzer's is small; more would be a way to make us swell. */
#define PER_BYTE 4096
#define AT_LEAST ((size_t)1 << 20)

static void check_problems(const struct flow_problems *problems)
{
    FUZZ_CHECK(problems->n <= FLOW_MAX_ERRORS);
    for (size_t i = 0; i < problems->n; i++) {
        FUZZ_CHECK(problems->items[i].msg[0]);
        FUZZ_CHECK(problems->items[i].code > 0);
    }
}

static void check_plan(struct flow *f, size_t size)
{
    struct flow_problems problems = {0};

    FUZZ_CHECK(f->n_main <= f->n_tasks);
    FUZZ_CHECK(f->arena.used <= AT_LEAST + size * PER_BYTE);
    for (uint32_t i = 0; i < f->n_tasks; i++) {
        const struct flow_task *t = &f->tasks[i];

        FUZZ_CHECK(flow_task_index(f, t->name) == (int64_t)i);
        for (uint32_t k = 0; k < t->n_needs; k++)
            FUZZ_CHECK(t->needs[k] < f->n_tasks && t->needs[k] != i);
    }
    json_t *inputs = flow_inputs(f, NULL, false, &problems);

    FUZZ_CHECK((inputs != NULL) == (problems.n == 0));
    check_problems(&problems);
    flow_problems_done(&problems);
    json_decref(inputs);
}

/* YAML 1.2 holds JSON. */
static void compare_with_json(const char *text, size_t size)
{
    struct flow_problems problems = {0};
    struct ff_err err;
    struct tree tree;
    json_t *value = json_parse(text, size, &err);

    if (!value)
        return;
    if (tree_read(&tree, text, size, &problems) && problems.n == 0) {
        json_t *same = tree_json(&tree.root);

        FUZZ_CHECK(json_equal(value, same));
        json_decref(same);
    }
    tree_done(&tree);
    flow_problems_done(&problems);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct flow_problems problems = {0}, again = {0};
    MEM_AUTO char *text = fuzz_text(data, size);
    struct flow *f = flow_parse(text, size, &problems);
    struct flow *same = flow_parse(text, size, &again);

    FUZZ_CHECK((f == NULL) == (problems.n > 0));
    FUZZ_CHECK((f == NULL) == (same == NULL));
    FUZZ_CHECK(problems.n == again.n);
    for (size_t i = 0; i < problems.n; i++)
        FUZZ_CHECK(strcmp(problems.items[i].msg, again.items[i].msg) == 0 &&
                   problems.items[i].line == again.items[i].line);
    check_problems(&problems);
    if (f)
        check_plan(f, size);
    compare_with_json(text, size);
    flow_unref(f);
    flow_unref(same);
    flow_problems_done(&problems);
    flow_problems_done(&again);
    return 0;
}
