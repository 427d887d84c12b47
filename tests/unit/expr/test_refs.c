#include "support.h"

#include <stdio.h>

struct seen {
    char text[512];
};

/* Appends "a.b.c@offset+length;". */
static void note(void *arg, const char *const *path, size_t n, size_t offset,
                 size_t length)
{
    struct seen *seen = arg;
    size_t at = strlen(seen->text);

    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(seen->text + at, sizeof(seen->text) - at, "%s%s",
                               i > 0 ? "." : "", path[i]);
    snprintf(seen->text + at, sizeof(seen->text) - at, "@%zu+%zu;", offset, length);
}

static void check_refs(const char *text, const char *wanted)
{
    struct expr_err err = {0};
    struct seen seen = {""};
    struct expr *e = expr_compile(text, strlen(text), &err);

    if (e == NULL)
        fail_msg("%s: %s", text, err.msg);
    expr_refs(e, note, &seen);
    expr_free(e);
    assert_string_equal(seen.text, wanted);
}

static void references_have_their_static_path(void **state)
{
    (void)state;
    check_refs("tasks.extract.outputs.path", "tasks.extract.outputs.path@0+26;");
    check_refs("1 + item", "item@4+4;");
    check_refs("tasks['a'][\"b\"].c", "tasks.a.b.c@0+17;");
    check_refs("1 + 2", "");
    check_refs("a.b == c.d ? e : {'k': [f]}", "a.b@0+3;c.d@7+3;e@13+1;f@24+1;");
    check_refs("size(a.b)", "a.b@5+3;");
}

static void a_path_ends_where_it_is_not_known(void **state)
{
    (void)state;
    check_refs("tasks[item].outputs", "tasks@0+5;item@6+4;");
    check_refs("a.b[c.d].e", "a.b@0+3;c.d@4+3;");
    check_refs("a.b[0].c", "a.b@0+3;");
    check_refs("a.b.size()", "a.b@0+3;");
}

static void has_does_not_ask_for_its_last_name(void **state)
{
    (void)state;
    check_refs("has(tasks.a.outputs.b)", "tasks.a.outputs@4+15;");
}

static void macro_variables_are_no_references(void **state)
{
    (void)state;
    check_refs("a.b.filter(x, x.c > limit)", "a.b@0+3;limit@20+5;");
    check_refs("a.map(x, b.map(y, x + y + z))", "a@0+1;b@9+1;z@26+1;");
    check_refs("a.map(a, a.b) == [a]", "a@0+1;a@18+1;");
    check_refs("a.map(a, .a)", "a@0+1;a@10+1;");
}

static void the_use_of_now_is_known(void **state)
{
    struct expr_err err = {0};
    struct expr *with = expr_compile("[1].map(x, now())", 17, &err);
    struct expr *without = expr_compile("inputs.now", 10, &err);

    (void)state;
    assert_true(expr_uses_now(with));
    assert_false(expr_uses_now(without));
    expr_free(with);
    expr_free(without);
    expr_free(NULL);
}

static void an_offset_has_a_line_and_a_column(void **state)
{
    static const char text[] = "a\nbc\n\nd";
    struct expr_pos pos = expr_position(text, 7, 0);

    (void)state;
    assert_int_equal(pos.line * 10 + pos.column, 11);
    pos = expr_position(text, 7, 3);
    assert_int_equal(pos.line * 10 + pos.column, 22);
    pos = expr_position(text, 7, 6);
    assert_int_equal(pos.line * 10 + pos.column, 41);
    pos = expr_position(text, 7, 99);
    assert_int_equal(pos.line * 10 + pos.column, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_have_their_static_path),
        cmocka_unit_test(a_path_ends_where_it_is_not_known),
        cmocka_unit_test(has_does_not_ask_for_its_last_name),
        cmocka_unit_test(macro_variables_are_no_references),
        cmocka_unit_test(the_use_of_now_is_known),
        cmocka_unit_test(an_offset_has_a_line_and_a_column),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
