/* foreach over maps, and matrix: what is read, and what is refused where. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

#define A "flowforge: 1\nname: w\ninputs: {l: list}\ntasks:\n  a:\n    run: x\n"

static void a_matrix_is_a_foreach_of_another_kind(void **state)
{
    static const char *const good[] = {
        "    matrix: {os: [a, b], n: [1]}\n",
        "    matrix: {os: '${{ inputs.l }}'}\n    max_parallel: 2\n",
        "    matrix: \"${{ {'os': inputs.l} }}\"\n    fail_fast: false\n",
        "    matrix: {include: [{os: a}, '${{ inputs.l[0] }}']}\n",
        ("    matrix: {os: [a], exclude: '${{ inputs.l }}'}\n"
         "    env: {X: '${{ item.os }}'}\n"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char text[300];

        snprintf(text, sizeof(text), A "%s", good[i]);
        struct flow *f = read_good(text);
        assert_non_null(f->tasks[0].work->foreach);
        assert_true(f->tasks[0].work->matrix);
        flow_unref(f);
    }
}

static void a_foreach_may_be_a_map(void **state)
{
    struct flow *f = read_good(A "    foreach: {a: 1, b: '${{ inputs.l }}'}\n");

    (void)state;
    assert_non_null(f->tasks[0].work->foreach->nested);
    assert_false(f->tasks[0].work->matrix);
    flow_unref(f);
}

static const struct refusal refusals[] = {
    {A "    matrix: [1]\n", PROBLEM_TYPE, 7, 13, "", "matrix must be a map of lists",
     NULL},
    {A "    matrix: os\n", PROBLEM_TYPE, 7, 13, "os", "not text", NULL},
    {A "    matrix: {}\n", PROBLEM_VALUE, 7, 13, "", "no axis", "os:"},
    {A "    matrix: {exclude: [{a: 1}]}\n", PROBLEM_VALUE, 7, 13, "", "no axis", NULL},
    {A "    matrix: {os: linux}\n", PROBLEM_TYPE, 7, 18, "linux",
     "matrix.os must be a list", NULL},
    {A "    matrix: {os: []}\n", PROBLEM_VALUE, 7, 18, "", "matrix.os is empty",
     "remove"},
    {A "    matrix: {O-S: [1]}\n", PROBLEM_NAME, 7, 14, "O-S", NULL, NULL},
    {A "    matrix: {os: [1], include: [linux]}\n", PROBLEM_TYPE, 7, 33, "linux",
     "each item of matrix.include must be a map", NULL},
    {A "    matrix: {os: ['${{ nothing.x }}']}\n", PROBLEM_UNKNOWN_ROOT, 7, 24,
     "nothing.x", NULL, NULL},
    {A "    matrix: {os: ['${{ 1 + }}']}\n", PROBLEM_EXPRESSION, 7, 28, "", NULL, NULL},
    {A "    foreach: [1]\n    matrix: {os: [1]}\n", PROBLEM_EXCLUSIVE, 8, 13, "",
     "foreach or matrix, not both", NULL},
};

static void wrong_matrices_are_refused_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void broken_parts_of_a_matrix_are_told_once(void **state)
{
    static const char *const texts[] = {
        A "    matrix: {os: &x [1]}\n",
        A "    matrix: {os: [1], include: [&x {a: 1}]}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct flow_problems p = read_bad(texts[i]);

        assert_int_equal(p.n, 1);
        assert_int_equal(p.items[0].code, PROBLEM_YAML_FEATURE);
        flow_problems_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_matrix_is_a_foreach_of_another_kind),
        cmocka_unit_test(a_foreach_may_be_a_map),
        cmocka_unit_test(wrong_matrices_are_refused_where_they_stand),
        cmocka_unit_test(broken_parts_of_a_matrix_are_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
