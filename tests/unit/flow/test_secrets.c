/* secrets.NAME: where it may stand, and what is kept of it. */
#include "support_cmocka.h"
#include "support_spec.h"

static void a_secret_is_the_whole_value_of_a_variable_or_of_stdin(void **state)
{
    struct flow *f =
        read_good(TOP "env: {ALL: '${{ secrets.shared }}'}\n"
                      "tasks: {a: {run: x, env: {T: '${{secrets.token}}'}, stdin: "
                      "\"${{  secrets._k1  }}\\n\"}}\n");
    const struct flow_work *w = f->tasks[0].work;

    (void)state;
    assert_int_equal(w->n_env, 2);
    assert_string_equal(w->env[0].value.secret, "shared");
    assert_string_equal(w->env[1].value.secret, "token");
    assert_null(w->env[1].value.tmpl);
    assert_null(w->env[1].value.constant);
    assert_string_equal(w->input->secret, "_k1");
    flow_unref(f);
}

#define TASK(keys) TOP "tasks: {a: {run: x, " keys "}}\n"

static const struct refusal refusals[] = {
    {TASK("env: {T: 'Bearer ${{ secrets.token }}'}"), PROBLEM_SECRET, 3, 42,
     "secrets.token", "whole value", "secrets.token"},
    {TASK("env: {T: '${{ secrets.token }} x'}"), PROBLEM_SECRET, 3, 35, "secrets.token",
     "whole value", NULL},
    {TASK("env: {T: '${{ secrets.token + 1 }}'}"), PROBLEM_SECRET, 3, 35,
     "secrets.token", "whole value", NULL},
    {TASK("env: {T: '${{ secrets.a.b }}'}"), PROBLEM_SECRET, 3, 35, "secrets.a.b", NULL,
     NULL},
    {TASK("env: {T: '${{ secrets }}'}"), PROBLEM_SECRET, 3, 35, "secrets", NULL,
     "secrets.name"},
    {TASK("stdin: {t: '${{ secrets.token }}'}"), PROBLEM_SECRET, 3, 37, "secrets.token",
     NULL, NULL},
    {TASK("if: secrets.token == 'x'"), PROBLEM_SECRET, 3, 25, "secrets.token", NULL,
     NULL},
    {TASK("working_dir: '${{ secrets.token }}'"), PROBLEM_SECRET, 3, 39,
     "secrets.token", NULL, NULL},
    {TOP "tasks: {a: {run: x}}\noutputs: {o: '${{ secrets.token }}'}\n", PROBLEM_SECRET,
     4, 19, "secrets.token", NULL, NULL},
    {TOP "tasks: {a: {command: [x, '${{ secrets.token }}']}}\n", PROBLEM_SECRET, 3, 31,
     "secrets.token", NULL, NULL},
    {TOP "tasks: {a: {run: x, env: {T: '${{ secrets.t }}'}, if: env.T == ''}}\n",
     PROBLEM_NOT_HERE, 3, 55, "env.T", "env.T is computed", NULL},
    {TOP "secrets: [token]\ntasks: {a: {run: x}}\n", PROBLEM_UNKNOWN_KEY, 3, 1,
     "secrets", NULL, NULL},
};

static void anywhere_else_it_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_the_whole_value_of_a_variable_or_of_stdin),
        cmocka_unit_test(anywhere_else_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
