#include "support.h"

#include <stdlib.h>

static json_t *lookup(void *arg, const char *name)
{
    return json_object_get(arg, name);
}

typedef struct tmpl *compile_fn(const char *text, size_t len, struct expr_err *err);

static json_t *eval(compile_fn *compile, const char *text, struct expr_err *err)
{
    struct expr_scope scope = {.lookup = lookup,
                               .arg = json_loads(support_vars, 0, NULL)};
    struct tmpl *t = compile(text, strlen(text), err);
    json_t *v = t != NULL ? tmpl_eval(t, &scope, err) : NULL;

    tmpl_free(t);
    json_decref(scope.arg);
    return v;
}

static void check(compile_fn *compile, const struct support_case *c)
{
    struct expr_err err = {0};
    json_t *v = eval(compile, c->text, &err);
    char *got;

    if (v == NULL)
        fail_msg("%s: %s", c->text, err.msg);
    got = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    if (strcmp(got, c->wanted) != 0)
        fail_msg("%s gave %s, not %s", c->text, got, c->wanted);
    free(got);
    json_decref(v);
}

static void check_failure(compile_fn *compile, const struct support_failure *c,
                          size_t offset)
{
    struct expr_err err = {0};

    assert_null(eval(compile, c->text, &err));
    if (err.code != c->code || strstr(err.msg, c->msg) == NULL || err.offset != offset)
        fail_msg("%s: code %d at %zu, %s", c->text, err.code, err.offset, err.msg);
}

static void one_part_alone_keeps_its_type(void **state)
{
    static const struct support_case cases[] = {
        {"${{ v.i }}", "7"},       {"${{v.list}}\n", "[1,2,3]"},
        {"${{ v.none }}", "null"}, {" ${{ v.i }}", "\" 7\""},
        {"${{ v.i }} ", "\"7 \""}, {"${{ v.i }}${{ v.i }}", "\"77\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(tmpl_compile, &cases[i]);
}

static void mixed_text_is_a_string(void **state)
{
    static const struct support_case cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"n=${{ v.i }}, s=${{ v.s }}, d=${{ v.d }}", "\"n=7, s=text, d=2.5\""},
        {"[${{ v.none }}] ${{ v.yes }} ${{ v.list }}", "\"[] true [1,2,3]\""},
        {"x ${{ v.map }}", "\"x {\\\"a\\\":1,\\\"b-c\\\":2}\""},
        {"$${{ v.i }} ${{ v.i }}", "\"${{ v.i }} 7\""},
        {"$$${{ v.i }}", "\"$${{ v.i }}\""},
        {"$ { $x ${ }} {{ }}", "\"$ { $x ${ }} {{ }}\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(tmpl_compile, &cases[i]);
}

static void braces_in_strings_and_maps_do_not_end_a_part(void **state)
{
    static const struct support_case cases[] = {
        {"${{ '}}' }}", "\"}}\""},
        {"${{ {'a': {'b': 1}} }}", "{\"a\":{\"b\":1}}"},
        {"${{ {'a': {}}}}", "{\"a\":{}}"},
        {"a ${{ \"${{ x }}\" }} b", "\"a ${{ x }} b\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(tmpl_compile, &cases[i]);
}

static void a_value_is_never_looked_into(void **state)
{
    static const struct support_case cases[] = {
        {"${{ v.code }}", "\"${{ v.i }}\""},
        {"a ${{ v.code }}", "\"a ${{ v.i }}\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(tmpl_compile, &cases[i]);
}

static void errors_count_from_the_start_of_the_scalar(void **state)
{
    static const struct support_failure open = {"ab ${{ v.i", EXPR_E_SYNTAX,
                                                "'${{' has no '}}' after it"};
    static const struct support_failure empty = {"ab ${{ }}", EXPR_E_SYNTAX,
                                                 "a value is expected"};
    static const struct support_failure syntax = {"ab ${{ 1 + }}", EXPR_E_SYNTAX,
                                                  "a value is expected"};
    static const struct support_failure absent = {"ab ${{ 1 }} ${{ v.zz }}",
                                                  EXPR_E_ABSENT, "no such key 'zz'"};
    static const struct support_failure string = {"${{ 'a }}", EXPR_E_SYNTAX,
                                                  "has no end"};

    (void)state;
    check_failure(tmpl_compile, &open, 3);
    check_failure(tmpl_compile, &empty, 7);
    check_failure(tmpl_compile, &syntax, 11);
    check_failure(tmpl_compile, &absent, 16);
    check_failure(tmpl_compile, &string, 4);
}

static void a_condition_needs_no_delimiters(void **state)
{
    static const struct support_case cases[] = {
        {"v.i == 7", "true"},
        {"  v.i == 7\n", "true"},
        {"${{ v.i == 7 }}", "true"},
        {" ${{ v.i }} ", "7"},
    };
    static const struct support_failure mixed = {"${{ true }} && ${{ false }}",
                                                 EXPR_E_SYNTAX, "one expression"};
    static const struct support_failure absent = {"  v.zz", EXPR_E_ABSENT, "'zz'"};
    static const struct support_failure inside = {" ${{ v.zz }}", EXPR_E_ABSENT,
                                                  "'zz'"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(tmpl_compile_condition, &cases[i]);
    check_failure(tmpl_compile_condition, &mixed, 0);
    check_failure(tmpl_compile_condition, &absent, 2);
    check_failure(tmpl_compile_condition, &inside, 5);
}

static void only_a_bool_is_a_truth(void **state)
{
    bool truth = true;

    (void)state;
    assert_true(expr_truth(json_false(), &truth));
    assert_false(truth);
    assert_false(expr_truth(json_null(), &truth));
    json_t *text = json_string("true");
    assert_false(expr_truth(text, &truth));
    json_decref(text);
    assert_false(truth);
}

static void the_budget_is_for_the_whole_scalar(void **state)
{
    struct expr_scope scope = {.max_bytes = 9};
    struct expr_err err = {0};
    static const char text[] = "${{ 'aaaaa' }}-${{ 'bbbbb' }}";
    struct tmpl *t = tmpl_compile(text, strlen(text), &err);

    (void)state;
    assert_null(tmpl_eval(t, &scope, &err));
    assert_int_equal(err.code, EXPR_E_LIMIT);
    assert_int_equal(err.offset, 18);
    tmpl_free(t);
}

static void note(void *arg, const char *const *path, size_t n, size_t offset,
                 size_t length)
{
    size_t *sum = arg;

    assert_int_equal(n, 2);
    assert_string_equal(path[0], "v");
    assert_int_equal(length, 3);
    *sum = *sum * 100 + offset;
}

static void references_count_from_the_start_of_the_scalar(void **state)
{
    struct expr_err err = {0};
    size_t places = 0;
    static const char text[] = "a ${{ v.i }} ${{ v.s }} ${{ now() }}";
    struct tmpl *t = tmpl_compile(text, strlen(text), &err);

    (void)state;
    tmpl_refs(t, note, &places);
    assert_int_equal(places, 617);
    assert_true(tmpl_uses_now(t));
    tmpl_free(t);
    t = tmpl_compile_condition("  v.i == 1", 10, &err);
    places = 0;
    tmpl_refs(t, note, &places);
    assert_int_equal(places, 2);
    assert_false(tmpl_uses_now(t));
    tmpl_free(t);
    tmpl_free(NULL);
}

static void plain_text_needs_no_compiling(void **state)
{
    (void)state;
    assert_true(tmpl_is_plain("a $ {{ b"));
    assert_false(tmpl_is_plain("a ${{ b"));
    assert_false(tmpl_is_plain("$${{"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_part_alone_keeps_its_type),
        cmocka_unit_test(mixed_text_is_a_string),
        cmocka_unit_test(braces_in_strings_and_maps_do_not_end_a_part),
        cmocka_unit_test(a_value_is_never_looked_into),
        cmocka_unit_test(errors_count_from_the_start_of_the_scalar),
        cmocka_unit_test(a_condition_needs_no_delimiters),
        cmocka_unit_test(only_a_bool_is_a_truth),
        cmocka_unit_test(the_budget_is_for_the_whole_scalar),
        cmocka_unit_test(references_count_from_the_start_of_the_scalar),
        cmocka_unit_test(plain_text_needs_no_compiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
