/* What surely goes wrong when it runs is a problem of the file. */
#include "support_cmocka.h"
#include "support_spec.h"

static void what_always_fails_is_refused(void **state)
{
    static const struct refusal refusals[] = {
        {TASKS "    run: x\n    if: \"1 + 1\"\n", PROBLEM_TYPE, 9, 9, "1 + 1",
         "if must be an expression that gives true or false", "compare it"},
        {TASKS "    run: x\n    foreach: \"${{ range(-5) }}\"\n", PROBLEM_VALUE, 9, 19,
         "range(-5)", "no negative count", "range(from, to)"},
        {TASKS "    run: x\n    env: {A: \"${{ range(1, 9, 0) }}\"}\n", PROBLEM_VALUE,
         9, 19, "range(1, 9, 0)", "no step of 0", NULL},
        {TASKS "    run: x\n    repeat: {max: 2, until: \"size('x')\"}\n", PROBLEM_TYPE,
         9, 29, "size('x')", "until must be", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

/* --- around the file --- */

static void a_zone_that_is_not_there_is_told_with_its_place(void **state)
{
    struct flow *f =
        read_good(TOP "tasks: {a: {run: x}}\ntriggers:\n  cron:\n"
                      "    - '@daily'\n"
                      "    - {expr: '@daily', timezone: Europe/Atlantis}\n");
    struct flow_problems p = {0};

    (void)state;
    assert_int_equal(f->triggers[0].zone_line, 0);
    flow_refuse_zone(&p, &f->triggers[1], "there is none");
    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_TIMEZONE);
    assert_int_equal(p.items[0].line, 7);
    assert_int_equal(p.items[0].column, 34);
    assert_string_equal(p.items[0].at, "Europe/Atlantis");
    assert_string_equal(p.items[0].msg, "there is none");
    flow_problems_done(&p);
    flow_unref(f);
}

static void the_file_of_a_script_is_told_with_its_task(void **state)
{
    struct flow *f = read_good(TOP "tasks:\n  a: {script: {file: x/y.sh}}\n");
    struct flow_problems p = {0};

    (void)state;
    flow_refuse_script(&p, &f->tasks[0], "not a file");
    flow_refuse_script(&p, &f->tasks[0], "");
    assert_int_equal(p.n, 2);
    assert_int_equal(p.items[0].code, PROBLEM_SCRIPT_FILE);
    assert_int_equal(p.items[0].line, 4);
    assert_int_equal(p.items[0].column, 3);
    assert_string_equal(p.items[0].at, "x/y.sh");
    assert_string_equal(p.items[0].msg, "task a: script.file x/y.sh: not a file");
    assert_string_equal(p.items[1].msg,
                        "task a: there is no file x/y.sh beside the workflow");
    flow_problems_done(&p);
    flow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_always_fails_is_refused),
        cmocka_unit_test(a_zone_that_is_not_there_is_told_with_its_place),
        cmocka_unit_test(the_file_of_a_script_is_told_with_its_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
