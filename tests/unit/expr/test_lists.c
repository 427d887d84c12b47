#include "support.h"

static void macros_walk_lists_and_keys(void **state)
{
    static const struct support_case cases[] = {
        {"v.list.map(x, x * 2)", "[2, 4, 6]"},
        {"v.list.map(x, x > 1, x * 2)", "[4, 6]"},
        {"v.list.filter(x, x != 2)", "[1, 3]"},
        {"v.map.filter(k, v.map[k] > 1)", "[\"b-c\"]"},
        {"v.list.all(x, x > 0) && [].all(x, false)", "true"},
        {"v.list.exists(x, x == 2) && ![].exists(x, true)", "true"},
        {"v.list.exists_one(x, x > 2) && !v.list.existsOne(x, x > 1)", "true"},
        {"[[1, 2], [3]].map(x, x.map(y, y + size(x)))", "[[3, 4], [4]]"},
        {"[1].map(x, [2].map(x, x)[0] + x)", "[3]"},
        {"[1, 2].map(x, x + 1).map(x, x * 10)", "[20, 30]"},
        {"[{'n': 2}, {'n': 1}].sortBy(x, x.n)", "[{\"n\": 1}, {\"n\": 2}]"},
    };
    static const struct support_failure failures[] = {
        {"v.i.map(x, x)", EXPR_E_TYPE, "map() walks a list or a map, and v.i is int"},
        {"v.none.filter(x, x)", EXPR_E_TYPE, "v.none is null_type"},
        {"v.list.filter(x, x)", EXPR_E_TYPE, "'x' must be a bool, and is int"},
        {"v.list.map(x, y)", EXPR_E_NAME, "no such name 'y'"},
        {"[1].map(x, x) == [x]", EXPR_E_NAME, "no such name 'x'"},
        {"v.map.sortBy(x, x)", EXPR_E_TYPE, "takes a list"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void lists_are_ordered_and_cut(void **state)
{
    static const struct support_case cases[] = {
        {"[3, 1.5, 2].sort()", "[1.5, 2, 3]"},
        {"['b', 'a', ''].sort()", "[\"\", \"a\", \"b\"]"},
        {"[].sort()", "[]"},
        {"range(5).reverse()", "[4, 3, 2, 1, 0]"},
        {"lists.range(2)", "[0, 1]"},
        {"range(0)", "[]"},
        {"range(2, 5)", "[2, 3, 4]"},
        {"range(5, 2)", "[]"},
        {"range(-1, 1)", "[-1, 0]"},
        {"range(0, 7, 3)", "[0, 3, 6]"},
        {"range(0, 6, 3)", "[0, 3]"},
        {"range(3, 0, -1)", "[3, 2, 1]"},
        {"range(3, 3, -1)", "[]"},
        {"range(9223372036854775806, 9223372036854775807)", "[9223372036854775806]"},
        {"range(9223372036854775807, -9223372036854775807, -9223372036854775807)",
         "[9223372036854775807, 0]"},
        {"[1, 2, 3].slice(1, 3)", "[2, 3]"},
        {"[1, 2, 3].slice(3, 3)", "[]"},
        {"[1, 1.0, 2, 'a', 'a', null, null, [1], [1]].distinct()",
         "[1, 2, \"a\", null, [1]]"},
        {"[1, [2, [3, [4]]]].flatten()", "[1, 2, [3, [4]]]"},
        {"[1, [2, [3, [4]]]].flatten(2)", "[1, 2, 3, [4]]"},
        {"[[1]].flatten(0)", "[[1]]"},
    };
    static const struct support_failure failures[] = {
        {"[1, 'a'].sort()", EXPR_E_TYPE, "int and string have no order"},
        {"[null].sort()", EXPR_E_TYPE, "have no order"},
        {"[[1], [2]].sort()", EXPR_E_TYPE, "list and list have no order"},
        {"[1].slice(0, 2)", EXPR_E_ABSENT, "no slice from 0 to 2 in a list of 1"},
        {"[1].slice(1, 0)", EXPR_E_ABSENT, "no slice"},
        {"[1].flatten(-1)", EXPR_E_VALUE, "flatten()"},
        {"range(-1)", EXPR_E_VALUE, "no negative count"},
        {"range(1, 2, 0)", EXPR_E_VALUE, "no step of 0"},
        {"range(1, 2.5)", EXPR_E_TYPE, "range"},
        {"range(-9223372036854775807, 9223372036854775807)", EXPR_E_LIMIT, ""},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void sorting_is_stable(void **state)
{
    static const struct support_case cases[] = {
        {"['bb', 'a', 'aa', 'b', 'c'].sortBy(x, size(x))",
         "[\"a\", \"b\", \"c\", \"bb\", \"aa\"]"},
    };

    (void)state;
    CHECK(cases);
}

static void numbers_are_summed_up(void **state)
{
    static const struct support_case cases[] = {
        {"sum([])", "0"},
        {"[1, 2].sum()", "3"},
        {"sum([1, 0.5])", "1.5"},
        {"min([3, 1.5])", "1.5"},
        {"max(3, 1, 2)", "3"},
        {"['b', 'a'].min()", "\"a\""},
        {"math.greatest([1, 2])", "2"},
        {"math.least(1, 2.0)", "1"},
    };
    static const struct support_failure failures[] = {
        {"sum([1, 'a'])", EXPR_E_TYPE, "element 1 is string"},
        {"sum([9223372036854775807, 1])", EXPR_E_VALUE, "overflows"},
        {"max([])", EXPR_E_VALUE, "max() of an empty list"},
        {"max([1, null])", EXPR_E_TYPE, "int and null_type have no order"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

static void maps_give_keys_and_values_in_their_order(void **state)
{
    static const struct support_case cases[] = {
        {"keys({'b': 1, 'a': 2})", "[\"b\", \"a\"]"},
        {"{'b': 1, 'a': 2}.values()", "[1, 2]"},
        {"size(v.map)", "2"},
    };
    static const struct support_failure failures[] = {
        {"keys([])", EXPR_E_TYPE, "keys() does not take (list)"},
    };

    (void)state;
    CHECK(cases);
    CHECK_FAILURES(failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macros_walk_lists_and_keys),
        cmocka_unit_test(lists_are_ordered_and_cut),
        cmocka_unit_test(sorting_is_stable),
        cmocka_unit_test(numbers_are_summed_up),
        cmocka_unit_test(maps_give_keys_and_values_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
