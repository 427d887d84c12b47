/* repeat: what is read, what is refused where, and which names an iteration has. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

#define A    TOP "inputs: {l: list}\ntasks:\n  a:\n    outputs: {n: json}\n"
#define R    "    run: x\n"
#define LOOP "    repeat: {until: outputs.n, max: 3}\n"
#define GROUP                                                                          \
    TOP "inputs: {l: list}\ntasks:\n  g:\n    repeat: {until: outputs.n, max: 3}\n"    \
        "    outputs: {n: '${{ iteration }}'}\n    tasks:\n      a:\n"                 \
        "        outputs: {o: json}\n"

static void a_loop_has_an_end_and_a_pause(void **state)
{
    struct flow *f = read_good(
        A R "    repeat:\n      until: outputs.n > 1 && attempt > 1 && env.E == 'x' &&"
            " previous.n == iteration && inputs.l[0] == 1\n      max: 10000\n"
            "      delay: 30s\n      on_max: succeed\n    env: {E: x}\n");
    const struct flow_repeat *repeat = f->tasks[0].work->repeat;

    (void)state;
    assert_non_null(repeat->until);
    assert_int_equal(repeat->max, 10000);
    assert_int_equal(repeat->delay_us, 30 * UNITS_SECOND);
    assert_int_equal(repeat->on_max, FLOW_MAX_SUCCEED);
    flow_unref(f);
    f = read_good(A R LOOP);
    assert_int_equal(f->tasks[0].work->repeat->delay_us, 0);
    assert_int_equal(f->tasks[0].work->repeat->on_max, FLOW_MAX_FAIL);
    flow_unref(f);
}

static void names_of_a_loop_stand_where_it_is_known_which_is_meant(void **state)
{
    static const char *const good[] = {
        A R LOOP "    stdin: '${{ iteration }} ${{ previous.n }} ${{ previous }}'\n",
        A R LOOP "    retry: {if: iteration < 2}\n",
        (A LOOP "    command: [x, '${{ iteration }}']\n"),
        (GROUP "        run: x\n        if: iteration > 1 && previous.n == 2\n"),
        (GROUP "        run: x\n        foreach: ['${{ iteration }}']\n"),
        (GROUP "        run: x\n      s: {switch: [{case: b, when: iteration > 1}]}\n"),
        (GROUP "        run: x\n        repeat: {until: outputs.o && previous.o, "
               "max: 2}\n        if: previous.n == 1\n"),
        (TOP "tasks: {u: {uses: 'workflow:w', repeat: {until: outputs.any, max: 2}, "
             "with: {p: '${{ previous.any }}'}}}\n"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        flow_unref(read_good(good[i]));
}

static const struct refusal refusals[] = {
    {A R "    repeat: 3\n", PROBLEM_TYPE, 8, 13, "3", "repeat must be a map", NULL},
    {A R "    repeat: {max: 3}\n", PROBLEM_MISSING, 8, 13, "until",
     "needs the key until", NULL},
    {A R "    repeat: {until: 'true'}\n", PROBLEM_MISSING, 8, 13, "max",
     "needs the key max", NULL},
    {A R "    repeat: {until: 'true', max: 0}\n", PROBLEM_VALUE, 8, 34, "0",
     "from 1 to 10000", NULL},
    {A R "    repeat: {until: 'true', max: 10001}\n", PROBLEM_VALUE, 8, 34, "10001",
     NULL, NULL},
    {A R "    repeat: {until: 'true', max: 2, delay: 31d}\n", PROBLEM_VALUE, 8, 44,
     "31d", "at most 30d", NULL},
    {A R "    repeat: {until: 'true', max: 2, on_max: stop}\n", PROBLEM_VALUE, 8, 45,
     "stop", "fail or succeed", NULL},
    {A R "    repeat: {until: [1], max: 2}\n", PROBLEM_TYPE, 8, 21, "", "until", NULL},
    {A R "    repeat: {until: outputs.m, max: 2}\n", PROBLEM_UNKNOWN_FIELD, 8, 21,
     "outputs.m", "declares no output m", "add it to the outputs"},
    {A R LOOP "    stdin: '${{ previous.m }}'\n", PROBLEM_UNKNOWN_FIELD, 9, 17,
     "previous.m", "declares no output m", NULL},
    {A R LOOP "    stdin: '${{ iteration.m }}'\n", PROBLEM_UNKNOWN_FIELD, 9, 17,
     "iteration.m", "has no field m", NULL},
    {A R "    stdin: '${{ iteration }}'\n", PROBLEM_NOT_HERE, 8, 17, "iteration",
     "only in tasks with repeat", "add repeat:"},
    {A R "    stdin: '${{ previous.n }}'\n", PROBLEM_NOT_HERE, 8, 17, "previous.n",
     "only in tasks with repeat", NULL},
    {A R LOOP "    if: iteration == 1\n", PROBLEM_NOT_HERE, 9, 9, "iteration",
     "only in tasks with repeat", NULL},
    {A R LOOP "    stdin: '${{ outputs.n }}'\n", PROBLEM_NOT_HERE, 9, 17, "outputs.n",
     "only in repeat.until and compensate", NULL},
    {A R "    repeat: {until: exit_code == 0, max: 2}\n", PROBLEM_NOT_HERE, 8, 21,
     "exit_code", "no value in repeat.until", NULL},
    {A R LOOP "    foreach: [1]\n", PROBLEM_EXCLUSIVE, 8, 13, "", "not both",
     "into a group"},
    {A R LOOP "    matrix: {o: [1]}\n", PROBLEM_EXCLUSIVE, 8, 13, "", "not both", NULL},
    {TOP "tasks: {a: {noop: true, repeat: {until: 'true', max: 2}}}\n",
     PROBLEM_EXCLUSIVE, 3, 33, "", "repeat means nothing", "remove repeat"},
    {TOP "tasks: {a: {sleep: 1s, repeat: {until: 'true', max: 2}}}\n",
     PROBLEM_EXCLUSIVE, 3, 32, "", "repeat means nothing", NULL},
    {TOP "tasks: {a: {transform: {x: 1}, repeat: {until: 'true', max: 2}}}\n",
     PROBLEM_EXCLUSIVE, 3, 40, "", "repeat means nothing", NULL},
    {TOP "tasks: {a: {switch: [{case: b}], repeat: {until: 'true', max: 2}}}\n",
     PROBLEM_EXCLUSIVE, 3, 42, "", "repeat means nothing", NULL},
    {TOP "tasks: {a: {approve: {message: x}, repeat: {until: 'true', max: 2}}}\n",
     PROBLEM_EXCLUSIVE, 3, 44, "", "repeat means nothing", NULL},
};

static void mistakes_are_told_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_has_an_end_and_a_pause),
        cmocka_unit_test(names_of_a_loop_stand_where_it_is_known_which_is_meant),
        cmocka_unit_test(mistakes_are_told_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
