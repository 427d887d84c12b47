#include "support.h"

#include <stdio.h>

static json_t *numbers(int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:i, s:s}", "n", i, "s", "ok"));
    return list;
}

static void steps_are_counted_by_node(void **state)
{
    struct expr_err err = {0};
    json_t *v = support_eval("1 + 2", 3, 0, &err);

    (void)state;
    assert_non_null(v);
    json_decref(v);
    assert_null(support_eval("1 + 2", 2, 0, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    assert_string_equal(err.msg,
                        "the expression needs more than the 2 steps it may take");
}

static void a_list_of_100000_can_be_filtered(void **state)
{
    struct expr_err err = {0};
    json_t *list = numbers(100000);
    static const struct {
        const char *text;
        size_t wanted;
    } cases[] = {
        {"v.filter(x, x != null)", 100000},
        {"v.filter(x, x.s == 'ok' && x.n % 2 == 0)", 50000},
        {"v.map(x, x.n).sort()", 100000},
        {"v.sortBy(x, -x.n).slice(0, 10)", 10},
        {"v.map(x, x.s).distinct()", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *got = support_eval_with(cases[i].text, list, &err);
        if (got == NULL)
            fail_msg("%s: %s", cases[i].text, err.msg);
        assert_int_equal(json_array_size(got), cases[i].wanted);
        json_decref(got);
    }
    json_decref(list);
}

static void walking_the_same_list_again_is_not_credited(void **state)
{
    struct expr_err err = {0};
    json_t *list = numbers(2000);

    (void)state;
    assert_null(support_eval_with("v.all(x, v.all(y, true))", list, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    assert_null(support_eval_with("v.map(x, v + v)", list, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    assert_null(support_eval_with("v.map(x, v in v)", list, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    json_decref(list);
}

static void no_logic_absorbs_the_end_of_the_budget(void **state)
{
    static const struct support_failure cases[] = {
        {"range(1000).all(x, range(1000).all(y, true)) || true", EXPR_E_LIMIT, ""},
        {"true || range(1000).all(x, range(1000).all(y, true)) && false", EXPR_OK, ""},
        {"or_value(range(1000).all(x, range(1000).all(y, true)), 1)", EXPR_E_LIMIT, ""},
        {"[1].exists(z, range(1000).all(x, range(1000).all(y, true)))", EXPR_E_LIMIT,
         ""},
    };
    struct expr_err err = {0};
    json_t *v = support_eval(cases[1].text, 0, 0, &err);

    (void)state;
    assert_true(json_is_true(v));
    support_check_failures(cases, 1);
    support_check_failures(cases + 2, 2);
}

static void bytes_are_counted_and_never_given_back(void **state)
{
    struct expr_err err = {0};
    json_t *v = support_eval("'abc' + 'de'", 0, 5, &err);

    (void)state;
    assert_non_null(v);
    json_decref(v);
    assert_null(support_eval("'abc' + 'de'", 0, 4, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    assert_null(support_eval("[1, 2]", 0, 15, &err));
    assert_null(support_eval("{'a': 1}", 0, 16, &err));
    assert_null(support_eval("to_json([1, 2])", 0, 20, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    /* 2^21 bytes by doubling. */
    assert_null(
        support_eval("range(20).map(i, 'x').join()"
                     ".replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"
                     ".replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"
                     ".replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')",
                     0, 0, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    assert_non_null(strstr(err.msg, "the expression produces more than the 10"));
}

static void limits_at_the_end_of_their_type_work(void **state)
{
    struct expr_err err = {0};
    json_t *v = support_eval("v.list.filter(x, 'aab'.matches('a+b')).size()",
                             UINT64_MAX, SIZE_MAX, &err);

    (void)state;
    assert_int_equal(json_integer_value(v), 3);
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_counted_by_node),
        cmocka_unit_test(a_list_of_100000_can_be_filtered),
        cmocka_unit_test(walking_the_same_list_again_is_not_credited),
        cmocka_unit_test(no_logic_absorbs_the_end_of_the_budget),
        cmocka_unit_test(bytes_are_counted_and_never_given_back),
        cmocka_unit_test(limits_at_the_end_of_their_type_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
