/* outputs: of a run, with and without types. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

#define RUN TOP "tasks: {a: {run: x, outputs: {n: json}}}\noutputs:\n"

static void an_output_is_a_value_or_says_what_its_value_is(void **state)
{
    struct flow *f = read_good(
        RUN "  plain: \"${{ tasks.a.outputs.n }}\"\n"
            "  map: {type: integer, n: 1}\n"
            "  loose: {value: \"${{ tasks.a.outputs.n }}\", description: how many}\n"
            "  inner: {value: {value: 1}}\n"
            "  typed: {value: 2, type: number, description: d, required: false}\n"
            "  list: {value: [1], type: list, schema: {minItems: 1}}\n"
            "  object: {value: {a: 1}, type: object, schema: {required: [a]}}\n");

    (void)state;
    assert_int_equal(f->n_outputs, 7);
    assert_non_null(f->outputs[0].value.tmpl);
    assert_null(f->outputs[0].declared);
    assert_int_equal(json_object_size(f->outputs[1].value.constant), 2);
    assert_null(f->outputs[1].declared);
    assert_non_null(f->outputs[2].value.tmpl);
    assert_null(f->outputs[2].declared);
    assert_int_equal(json_object_size(f->outputs[3].value.constant), 1);
    assert_string_equal(f->outputs[4].name, "typed");
    assert_int_equal(json_integer_value(f->outputs[4].value.constant), 2);
    assert_int_equal(f->outputs[4].declared->type, FLOW_NUMBER);
    assert_string_equal(f->outputs[4].declared->description, "d");
    assert_false(f->outputs[4].declared->required);
    assert_true(f->outputs[5].declared->required);
    assert_non_null(f->outputs[5].declared->schema);
    flow_unref(f);
}

static void outputs_of_groups_have_types_too(void **state)
{
    struct flow *f = read_good(
        TOP "tasks:\n"
            "  g:\n"
            "    tasks: {b: {run: x, outputs: {n: json}}}\n"
            "    outputs:\n"
            "      n: {value: \"${{ tasks.b.outputs.n }}\", type: integer}\n"
            "  c: {needs: g, run: x, env: {N: \"${{ tasks.g.outputs.n }}\"}}\n");

    (void)state;
    assert_int_equal(f->tasks[0].work->group->outputs[0].declared->type, FLOW_INTEGER);
    flow_unref(f);
}

static void wrong_outputs_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {RUN "  n: {value: 1, type: int}\n", PROBLEM_VALUE, 5, 23, "int", NULL,
         "`integer`"},
        {RUN "  n: {value: 1, typ: integer}\n", PROBLEM_UNKNOWN_KEY, 5, 17, "typ", NULL,
         "`type`"},
        {RUN "  n: {value: [], schema: {minItems: 1}}\n", PROBLEM_EXCLUSIVE, 5, 26,
         NULL, "schema is for lists and objects", "add type"},
        {RUN "  n: {value: 1, type: integer, schema: {minimum: 1}}\n",
         PROBLEM_EXCLUSIVE, 5, 40, NULL, "schema is for lists and objects", NULL},
        {RUN "  n: {value: [], type: list, schema: {minItem: 1}}\n", PROBLEM_SCHEMA, 5,
         39, "minItem", NULL, NULL},
        {RUN "  n: {value: 1, required: false}\n", PROBLEM_EXCLUSIVE, 5, 27, "false",
         "required is for outputs with a type", "any value"},
        {RUN "  n: {value: \"${{ 1 + }}\", type: integer}\n", PROBLEM_EXPRESSION, 5, 23,
         NULL, NULL, NULL},
        {RUN "  n: {value: \"${{ tasks.b.status }}\", type: string}\n",
         PROBLEM_UNKNOWN_TASK, 5, 19, "tasks.b.status", NULL, NULL},
        {RUN "  N: {value: 1, type: integer}\n", PROBLEM_NAME, 5, 3, "N", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct refusal r = refusals[i];
        if (!r.at)
            r.at = "";
        check_refusal(&r);
    }
}

/* What an output of a run gave, and what is said of it. */
struct judged {
    const char *said; /* beside the value */
    const char *value;
    const char *why; /* or NULL: it is good */
};

static void check_judged(const struct judged *j)
{
    struct buf text = {0};
    struct ff_err err = {0};

    buf_printf(&text, RUN "  o: {value: 1%s}\n", j->said);
    struct flow *f = read_good(buf_text(&text));
    json_t *value = json_loads(j->value, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    const int code = flow_output_check(&f->outputs[0], value, &err);
    assert_int_equal(code, j->why ? FF_INVALID : FF_OK);
    if (j->why)
        assert_string_equal(err.msg, j->why);
    json_decref(value);
    flow_unref(f);
    buf_done(&text);
}

static void what_a_run_gives_must_be_of_the_type_it_declares(void **state)
{
    static const struct judged judged[] = {
        {"", "null", NULL},
        {", description: x", "[1]", NULL},
        {", type: integer", "3", NULL},
        {", type: number", "3", NULL},
        {", type: boolean", "false", NULL},
        {", type: string", "\"\"", NULL},
        {", type: integer, required: false", "null", NULL},
        {", type: integer, required: false", "\"1\"",
         ("output o must be of type integer, not a string: int(...) makes one of text "
          "or of a number")},
        {", type: integer", "null",
         ("output o must be of type integer, not null: with required: false it may be "
          "null")},
        {", type: string", "7",
         ("output o must be of type string, not an integer: string(...) makes text of "
          "it")},
        {", type: list", "\"[1]\"",
         ("output o must be of type list, not a string: json(...) reads one from "
          "text")},
        {", type: list, schema: {items: {type: integer}}", "[1, 2]", NULL},
        {", type: list, schema: {items: {type: integer}}", "[1, \"x\"]",
         "output o[1] must be of type integer, not string"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(judged); i++)
        check_judged(&judged[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_output_is_a_value_or_says_what_its_value_is),
        cmocka_unit_test(outputs_of_groups_have_types_too),
        cmocka_unit_test(wrong_outputs_are_refused),
        cmocka_unit_test(what_a_run_gives_must_be_of_the_type_it_declares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
