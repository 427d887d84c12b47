/* What people write who come from another system, or for the first time: each mistake
 * is answered with how it is written here. */
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

static const struct refusal foreign[] = {
    {"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {entrypoint: a}\n",
     PROBLEM_NOT_A_WORKFLOW, 1, 1, NULL, "a workflow of Argo Workflows", "import argo"},
    {"name: CI\non: [push]\njobs: {b: {runs-on: x, steps: [{run: y}]}}\n",
     PROBLEM_NOT_A_WORKFLOW, 1, 1, NULL, "of GitHub Actions", "import actions"},
    {"on: push\njobs: {b: {uses: ./x.yml}}\n", PROBLEM_NOT_A_WORKFLOW, 1, 1, NULL,
     "of GitHub Actions", "import actions"},
    {"steps: [{command: x}]\n", PROBLEM_NOT_A_WORKFLOW, 1, 1, NULL, "of Dagu",
     "import dagu"},
    {"{name: x, tasks: [{name: a, taskReferenceName: a}]}\n", PROBLEM_NOT_A_WORKFLOW, 1,
     1, NULL, "of Conductor", "import conductor"},
};

static const struct refusal words[] = {
    {TOP "tasks: {a: {run: x}}\nschedule: '0 * * * *'\n", PROBLEM_UNKNOWN_KEY, 4, 1,
     "schedule", NULL, "`triggers`"},
    {TOP "on: {schedule: '0 * * * *'}\ntasks: {a: {run: x}}\n", PROBLEM_UNKNOWN_KEY, 3,
     6, "schedule", NULL, "`cron`"},
    {TOP "tasks: [{id: a, run: x, timeout-minutes: 3}]\n", PROBLEM_UNKNOWN_KEY, 3, 25,
     "timeout-minutes", NULL, "`timeout`"},
    {TASKS "    run: x\n    withItems: [1]\n", PROBLEM_UNKNOWN_KEY, 9, 5, "withItems",
     NULL, "`foreach`"},
    {TOP "inputs: {n: {type: int}}\ntasks: {a: {run: x}}\n", PROBLEM_VALUE, 3, 20,
     "int", NULL, "`integer`"},
    {TOP "inputs: {n: str}\ntasks: {a: {run: x}}\n", PROBLEM_VALUE, 3, 13, "str", NULL,
     "`string`"},
    {TASKS "    script: {lang: bash, code: x}\n", PROBLEM_VALUE, 8, 20, "bash", NULL,
     "`sh`"},
    {TASKS "    run: x\n    queue: 7\n", PROBLEM_TYPE, 9, 12, "7", NULL, NULL},
};

static const struct refusal functions[] = {
    {TASKS "    run: x\n    needs: [a]\n    if: always()\n", PROBLEM_UNKNOWN_ROOT, 10,
     9, NULL, "'always'", "needs: \"NAME.done\""},
    {TASKS "    run: x\n    needs: [a]\n    if: ${{ failure() }}\n",
     PROBLEM_UNKNOWN_ROOT, 10, 13, NULL, "'failure'", "needs: \"NAME.failed\""},
    {TASKS "    run: x\n    needs: [a]\n    if: hurry()\n", PROBLEM_UNKNOWN_ROOT, 10, 9,
     NULL, "'hurry'", ""},
};

static const struct refusal shapes[] = {
    {TOP "tasks: {a: echo hi}\n", PROBLEM_TYPE, 3, 12, "echo hi", NULL, "{run: make}"},
    {TOP "tasks:\n  a:\n", PROBLEM_TYPE, 4, 5, NULL, "not nothing", "{run: make}"},
    {TOP "tasks: [{name: a, run: x}]\n", PROBLEM_MISSING, 3, 9, NULL, "the key id",
     "{id: build, run: make}"},
    {TASKS "    run: x\n    retry: 3\n", PROBLEM_TYPE, 9, 12, "3", NULL,
     "{max_attempts: 3}"},
    {TASKS "    approve: Sure?\n", PROBLEM_TYPE, 8, 14, "Sure?", NULL, "{message: "},
    {TASKS "    run: x\n    env: [A=b]\n", PROBLEM_TYPE, 9, 10, NULL, NULL,
     "NAME: VALUE"},
    {TASKS "    run: x\n    resources: 3\n", PROBLEM_TYPE, 9, 16, "3",
     "resources must be a map", ""},
    {TOP "on: push\ntasks: {a: {run: x}}\n", PROBLEM_TYPE, 3, 5, "push", NULL,
     "{cron: "},
    {TASKS "    run: x\n    env: {T: '${{ secrets.NPM_TOKEN }}'}\n", PROBLEM_SECRET, 9,
     19, NULL, "the name of a secret", "`npm_token`"},
    {TASKS
     "    run: x\n    env: {T: '${{ secrets.A2345678901234567890123456789012345678"
     "90123456789012345678901234 }}'}\n",
     PROBLEM_SECRET, 9, 19, NULL, "the name of a secret", ""},
};

static void check(const struct refusal *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct refusal r = all[i];
        struct flow_problems p = read_bad(r.text);

        assert_int_equal(p.n, 1);
        if (!r.at)
            r.at = p.items[0].at;
        check_refusal(&r);
        flow_problems_done(&p);
    }
}

static void files_of_other_systems_are_known_by_one_sentence(void **state)
{
    (void)state;
    check(foreign, COUNT_OF(foreign));
}

static void words_of_other_systems_are_translated(void **state)
{
    (void)state;
    check(words, COUNT_OF(words));
    check(functions, COUNT_OF(functions));
}

static void a_wrong_shape_is_answered_with_the_right_one(void **state)
{
    (void)state;
    check(shapes, COUNT_OF(shapes));
}

static void what_only_looks_like_another_system_is_told_key_by_key(void **state)
{
    static const char *const texts[] = {
        "flowforge: 1\nname: w\njobs: {b: {runs-on: x}}\n",
        "apiVersion: v1\nkind: Pod\n",
        "apiVersion: 5\n",
        "jobs: [1]\n",
        "jobs: {}\n",
        "jobs: {a: 1}\n",
        "name: w\nsteps: [{run: x}]\n",
        "steps: 3\n",
        "tasks: {a: {taskReferenceName: a}}\n",
        "tasks: []\n",
        "tasks: [a]\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct flow_problems p = read_bad(texts[i]);

        for (size_t k = 0; k < p.n; k++)
            assert_int_not_equal(p.items[k].code, PROBLEM_NOT_A_WORKFLOW);
        flow_problems_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_other_systems_are_known_by_one_sentence),
        cmocka_unit_test(words_of_other_systems_are_translated),
        cmocka_unit_test(a_wrong_shape_is_answered_with_the_right_one),
        cmocka_unit_test(what_only_looks_like_another_system_is_told_key_by_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
