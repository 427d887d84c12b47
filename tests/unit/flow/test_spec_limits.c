/* semaphores, mutex and rate: what is read of them, and what is refused where. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

#define A TOP "tasks:\n  a:\n    run: x\n    "

static const struct flow_limits *limits_of(const struct flow *f, const char *task)
{
    return f->tasks[flow_task_index(f, task)].policy->limits;
}

static void names_amounts_and_kinds_are_read(void **state)
{
    struct flow *f =
        read_good(TOP "inputs: {i: {type: string}}\n"
                      "tasks:\n"
                      "  a: {run: x, semaphores: [gpu, \"db:1000\"], mutex: m,\n"
                      "      rate: {key: k, limit: 5, per: 1m}}\n"
                      "  b: {run: x, semaphores: gpu}\n"
                      "  c: {run: x, mutex: 'x-${{ inputs.i }}'}\n"
                      "  d: {run: x, mutex: 5}\n"
                      "  e: {run: x}\n");
    const struct flow_limits *a = limits_of(f, "a");

    (void)state;
    assert_int_equal(a->n, 4);
    assert_true(a->all_constant);
    assert_int_equal(a->items[1].amount, 1000);
    assert_string_equal(json_string_value(a->items[1].name->constant), "db");
    assert_int_equal(a->items[2].kind, FLOW_MUTEX);
    assert_int_equal(a->items[2].size, 1);
    assert_int_equal(a->items[3].kind, FLOW_RATE);
    assert_int_equal(a->items[3].size, 5);
    assert_int_equal(a->items[3].per_us, 60 * UNITS_SECOND);
    assert_int_equal(limits_of(f, "b")->n, 1);
    assert_false(limits_of(f, "c")->all_constant);
    assert_string_equal(json_string_value(limits_of(f, "d")->items[0].name->constant),
                        "5");
    assert_null(limits_of(f, "e"));
    flow_unref(f);
}

static void tasks_alike_share_their_limits(void **state)
{
    struct flow *f = read_good(TOP "tasks:\n"
                                   "  a: {run: x, semaphores: [gpu]}\n"
                                   "  b: {run: x, semaphores: [gpu]}\n"
                                   "  c: {run: x, semaphores: [\"gpu:2\"]}\n"
                                   "  d: {run: x, mutex: gpu}\n"
                                   "  e: {run: x, mutex: '${{ run.id }}'}\n"
                                   "  f: {run: x, mutex: '${{ run.id }}'}\n"
                                   "  g: {run: x, mutex: x, semaphores: x}\n");

    (void)state;
    assert_ptr_equal(limits_of(f, "a"), limits_of(f, "b"));
    assert_ptr_not_equal(limits_of(f, "b"), limits_of(f, "c"));
    assert_ptr_not_equal(limits_of(f, "c"), limits_of(f, "d"));
    assert_ptr_not_equal(limits_of(f, "e"), limits_of(f, "f"));
    assert_int_equal(limits_of(f, "g")->n, 2);
    flow_unref(f);
}

static const struct refusal refusals[] = {
    {A "semaphores: Gpu\n", PROBLEM_LIMIT_NAME, 6, 17, "Gpu", "a name and how many",
     "gpu:2"},
    {A "semaphores: [5]\n", PROBLEM_LIMIT_NAME, 6, 18, "5", "a name and how many",
     NULL},
    {A "semaphores: [\"db:0\"]\n", PROBLEM_LIMIT_NAME, 6, 18, "db:0", NULL, NULL},
    {A "semaphores: [\"db:x\"]\n", PROBLEM_LIMIT_NAME, 6, 18, "db:x", NULL, NULL},
    {A "semaphores: [\"db:1x\"]\n", PROBLEM_LIMIT_NAME, 6, 18, "db:1x", NULL, NULL},
    {A "semaphores: [\"db:1001\"]\n", PROBLEM_LIMIT_NAME, 6, 18, "db:1001", NULL, NULL},
    {A "semaphores: [\"db:10000000\"]\n", PROBLEM_LIMIT_NAME, 6, 18, "db:10000000",
     NULL, NULL},
    {A
     "semaphores: a1234567890123456789012345678901234567890123456789012345678901234\n",
     PROBLEM_LIMIT_NAME, 6, 17,
     "a12345678901234567890123456789012345678901234567890123456789...", NULL, NULL},
    {A "semaphores: []\n", PROBLEM_VALUE, 6, 17, "", "must name 1 to 16", NULL},
    {A "semaphores: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]\n", PROBLEM_VALUE, 6, 17, NULL,
     "must name 1 to 16", NULL},
    {A "semaphores: [gpu, \"gpu:2\"]\n", PROBLEM_LIMIT_TWICE, 6, 23, "gpu:2",
     "gpu twice", "gpu:2"},
    {A "semaphores: '${{ run.id }}'\n", PROBLEM_CONSTANT, 6, 18, "${{", NULL, NULL},
    {A "mutex: ''\n", PROBLEM_TYPE, 6, 12, "", "mutex must be", NULL},
    {A "mutex: [a]\n", PROBLEM_TYPE, 6, 12, "", "mutex must be", NULL},
    {A "mutex: '${{ nope }}'\n", PROBLEM_UNKNOWN_ROOT, 6, 17, "nope", NULL, NULL},
    {A
     "mutex: aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbb"
     "bbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbb"
     "bbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbx\n",
     PROBLEM_VALUE, 6, 12,
     "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb...",
     "at most 200 bytes", NULL},
    {A "rate: 5\n", PROBLEM_TYPE, 6, 11, "5", "rate must be a map", NULL},
    {A "rate: {key: k, limit: 5}\n", PROBLEM_MISSING, 6, 11, "per", "needs the key per",
     NULL},
    {A "rate: {key: k, limit: 0, per: 1s}\n", PROBLEM_VALUE, 6, 27, "0",
     "from 1 to 10000", NULL},
    {A "rate: {key: [k], limit: 1, per: 1s}\n", PROBLEM_TYPE, 6, 17, "", "key must be",
     NULL},
    {A "rate: {key: k, limit: 1, per: 0s}\n", PROBLEM_VALUE, 6, 35, "0s", NULL, NULL},
    {TOP "tasks: {a: {noop: true, mutex: m}}\n", PROBLEM_EXCLUSIVE, 3, 32, "m", "mutex",
     NULL},
};

static void wrong_limits_are_refused_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void concurrency_is_read_with_its_defaults(void **state)
{
    struct flow *f = read_good(TOP "inputs: {c: {type: string}}\n"
                                   "concurrency: {key: '${{ inputs.c }}', limit: 3, "
                                   "overflow: cancel_oldest}\n"
                                   "tasks: {a: {run: x}}\n");

    (void)state;
    assert_int_equal(f->concurrency->limit, 3);
    assert_int_equal(f->concurrency->overflow, FLOW_CANCEL_OLDEST);
    flow_unref(f);
    f = read_good(TOP "concurrency: {key: k}\ntasks: {a: {run: x}}\n");
    assert_int_equal(f->concurrency->limit, 1);
    assert_int_equal(f->concurrency->overflow, FLOW_QUEUE);
    flow_unref(f);
}

static const struct refusal concurrency_refusals[] = {
    {TOP "concurrency: k\ntasks: {a: {run: x}}\n", PROBLEM_TYPE, 3, 14, "k",
     "concurrency must be a map", NULL},
    {TOP "concurrency: {limit: 2}\ntasks: {a: {run: x}}\n", PROBLEM_MISSING, 3, 14,
     "key", "needs the key key", NULL},
    {TOP "concurrency: {key: '${{ tasks.a.status }}'}\ntasks: {a: {run: x}}\n",
     PROBLEM_NOT_HERE, 3, 25, "tasks.a.status", "before the run begins", NULL},
};

static void wrong_concurrency_is_refused_where_it_stands(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(concurrency_refusals); i++)
        check_refusal(&concurrency_refusals[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_amounts_and_kinds_are_read),
        cmocka_unit_test(tasks_alike_share_their_limits),
        cmocka_unit_test(concurrency_is_read_with_its_defaults),
        cmocka_unit_test(wrong_concurrency_is_refused_where_it_stands),
        cmocka_unit_test(wrong_limits_are_refused_where_they_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
