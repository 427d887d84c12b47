/* What is known of an expression before it is evaluated. */
#include "support.h"

static struct tmpl *condition(const char *text)
{
    struct expr_err err = {0};
    struct tmpl *t = tmpl_compile_condition(text, strlen(text), &err);

    if (t == NULL)
        fail_msg("%s: %s", text, err.msg);
    return t;
}

static void conditions_that_give_no_bool_are_known(void **state)
{
    static const char *const never[] = {
        "1 + 1",         "'x'",           "null",         "[1]",
        "{'a': 1}",      "-inputs.n",     "inputs.n % 2", "size(v.list)",
        "v.list.sort()", "v.b ? 1 : 'x'", "${{ 3 }}",
    };
    static const char *const maybe[] = {
        "true",
        "v.n",
        "v.n > 1",
        "1 in v.list",
        "!v.b",
        "v.a && v.b",
        "v.b ? 1 : v.b",
        "v.b ? v.b : 1",
        "bool(v)",
        "has(v.a)",
        "v.list.all(x, x > 1)",
        "v.list[0]",
        "v == null",
        "or_value(v.a, 1)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        struct tmpl *t = condition(never[i]);
        if (!tmpl_never_bool(t))
            fail_msg("%s may give a bool", never[i]);
        tmpl_free(t);
    }
    for (size_t i = 0; i < sizeof(maybe) / sizeof(maybe[0]); i++) {
        struct tmpl *t = condition(maybe[i]);
        if (tmpl_never_bool(t))
            fail_msg("%s never gives a bool", maybe[i]);
        tmpl_free(t);
    }
}

static void a_range_that_always_fails_is_known_with_its_place(void **state)
{
    static const struct {
        const char *text;
        size_t offset, length;
        const char *msg;
    } fails[] = {
        {"${{ range(-5) }}", 4, 9, "no negative count"},
        {"x ${{ v.a }} ${{ size(range(1, v.n, 0)) }}", 22, 16, "no step of 0"},
    };
    static const char *const works[] = {
        "plain",          "${{ range(0) }}",       "${{ range(v.n) }}",
        "${{ size(v) }}", "${{ range(-5, 5) }}",   "${{ range(5, 0, -1) }}",
        "${{ v.n }}",     "${{ range(1, 2, v) }}", "${{ range(1, 2, '') }}",
    };
    struct expr_err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(fails) / sizeof(fails[0]); i++) {
        struct tmpl *t = tmpl_compile(fails[i].text, strlen(fails[i].text), &err);
        assert_non_null(t);
        assert_true(tmpl_always_fails(t, &err));
        assert_int_equal(err.offset, fails[i].offset);
        assert_int_equal(err.length, fails[i].length);
        assert_non_null(strstr(err.msg, fails[i].msg));
        tmpl_free(t);
    }
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
        struct tmpl *t = tmpl_compile(works[i], strlen(works[i]), &err);
        assert_non_null(t);
        if (tmpl_always_fails(t, &err))
            fail_msg("%s: %s", works[i], err.msg);
        tmpl_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_that_give_no_bool_are_known),
        cmocka_unit_test(a_range_that_always_fails_is_known_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
