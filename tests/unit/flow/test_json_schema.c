/* `schema:` of an input: what values it lets through, and what schemas are refused. */
#include "flow/json_schema.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

/* Everything is asked of the item x of a list, so that any value can be tried. */
static struct flow *declare(const char *schema)
{
    struct buf b = {0};

    buf_printf(&b,
               TOP "inputs: {v: {type: list, schema: {prefixItems: [%s], "
                   "$defs: {small: {maximum: 9}, list: {type: array, items: {$ref: "
                   "'#/$defs/list'}}, turn: {$ref: '#/$defs/turn'}}}}}\n"
                   "tasks: {a: {run: x}}\n",
               schema);

    struct flow *f = read_good(buf_text(&b));

    buf_done(&b);
    return f;
}

/* NULL: the value is good. */
static void expect(const char *schema, const char *value, const char *fault)
{
    struct flow *f = declare(schema);
    struct flow_problems problems = {0};
    struct buf given = {0};
    struct ff_err err;

    buf_printf(&given, "{\"v\": [%s]}", value);

    json_t *inputs = json_parse(buf_text(&given), given.len, &err);

    assert_non_null(inputs);

    json_t *made = flow_inputs(f, inputs, false, &problems);
    const char *msg = problems.n ? problems.items[0].msg : "nothing";

    if (!fault != !problems.n || (fault && !strstr(msg, fault)))
        fail_msg("%s of %s: expected %s, got %s", value, schema,
                 fault ? fault : "nothing", msg);
    if (fault) {
        assert_int_equal(problems.n, 1);
        assert_int_equal(problems.items[0].code, PROBLEM_INPUT_VALUE);
    }
    json_decref(made);
    json_decref(inputs);
    buf_done(&given);
    flow_problems_done(&problems);
    flow_unref(f);
}

struct asked {
    const char *schema, *value, *fault;
};

static void expect_all(const struct asked *asked, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect(asked[i].schema, asked[i].value, asked[i].fault);
}

static void types_are_those_of_json_schema(void **state)
{
    static const struct asked asked[] = {
        {"{type: string}", "\"x\"", NULL},
        {"{type: string}", "1", "input v[0] must be of type string, not integer"},
        {"{type: integer}", "3", NULL},
        {"{type: integer}", "3.0", NULL},
        {"{type: integer}", "3.5", "must be of type integer, not number"},
        {"{type: integer}", "\"3\"", "not string"},
        {"{type: number}", "3", NULL},
        {"{type: number}", "3.5", NULL},
        {"{type: number}", "null", "not null"},
        {"{type: boolean}", "true", NULL},
        {"{type: boolean}", "false", NULL},
        {"{type: boolean}", "0", "not integer"},
        {"{type: array}", "[]", NULL},
        {"{type: array}", "{}", "not object"},
        {"{type: object}", "{}", NULL},
        {"{type: object}", "[]", "not array"},
        {"{type: 'null'}", "null", NULL},
        {"{type: 'null'}", "false", "not boolean"},
        {"{type: [string, 'null']}", "null", NULL},
        {"{type: [string, 'null']}", "\"\"", NULL},
        {"{type: [string, 'null']}", "1", "of type string or null, not integer"},
        {"true", "1", NULL},
        {"false", "1", "input v[0] is not allowed"},
        {"{}", "1", NULL},
        {"{title: t, description: d, $comment: c, default: 1, examples: [1], "
         "deprecated: true}",
         "\"x\"", NULL},
    };

    (void)state;
    expect_all(asked, COUNT_OF(asked));
}

static void values_are_compared_by_what_they_are_worth(void **state)
{
    static const struct asked asked[] = {
        {"{const: 1}", "1.0", NULL},
        {"{const: 1.5}", "1.5", NULL},
        {"{const: 1.0e300}", "1e300", NULL},
        {"{const: -1.0e300}", "-1e300", NULL},
        {"{const: 9007199254740993}", "9007199254740992", "must be 9007199254740993"},
        {"{const: 1}", "true", "must be 1"},
        {"{const: null}", "null", NULL},
        {"{const: {a: [1, {b: x}], c: 2}}", "{\"c\": 2, \"a\": [1, {\"b\": \"x\"}]}",
         NULL},
        {"{const: {a: 1}}", "{\"a\": 2}", "must be {\"a\":1}"},
        {"{const: {a: 1}}", "{\"b\": 1}", "must be"},
        {"{const: {a: 1}}", "{\"a\": 1, \"b\": 1}", "must be"},
        {"{const: [1, 2]}", "[1]", "must be"},
        {"{const: [1, 2]}", "[1, 3]", "must be"},
        {"{enum: [a, 2, true]}", "2.0", NULL},
        {"{enum: [a, 2, true]}", "\"b\"", "must be one of [\"a\",2,true]"},
    };

    (void)state;
    expect_all(asked, COUNT_OF(asked));
}

static void numbers_have_bounds_and_steps(void **state)
{
    static const struct asked asked[] = {
        {"{minimum: 1, maximum: 3}", "1", NULL},
        {"{minimum: 1, maximum: 3}", "3.0", NULL},
        {"{minimum: 1}", "0.5", "must be at least 1"},
        {"{maximum: 3}", "4", "must be at most 3"},
        {"{exclusiveMinimum: 1}", "1", "must be more than 1"},
        {"{exclusiveMinimum: 1}", "1.5", NULL},
        {"{exclusiveMaximum: 3}", "3", "must be less than 3"},
        {"{exclusiveMaximum: 3}", "2", NULL},
        {"{minimum: 1}", "\"no number\"", NULL},
        {"{multipleOf: 5}", "15", NULL},
        {"{multipleOf: 5}", "16", "must be a multiple of 5"},
        {"{multipleOf: 0.1}", "0.3", NULL},
        {"{multipleOf: 0.1}", "0.35", "must be a multiple of 0.1"},
        {"{multipleOf: 2}", "4.0", NULL},
        {"{multipleOf: 0.5}", "2", NULL},
        {"{multipleOf: 1.0e-300}", "1e300", "must be a multiple"},
    };

    (void)state;
    expect_all(asked, COUNT_OF(asked));
}

static void strings_have_lengths_in_characters_and_patterns(void **state)
{
    static const struct asked asked[] = {
        {"{minLength: 2, maxLength: 3}", "\"äöü\"", NULL},
        {"{minLength: 2}", "\"ä\"", "must have at least 2 characters, not 1"},
        {"{maxLength: 3}", "\"abcd\"", "must have at most 3 characters, not 4"},
        {"{pattern: '[0-9]+'}", "\"a1b\"", NULL},
        {"{pattern: '^[0-9]+$'}", "\"a1b\"", "must match ^[0-9]+$"},
        {"{minLength: 2}", "1", NULL},
    };

    (void)state;
    expect_all(asked, COUNT_OF(asked));
}

static void lists_have_sizes_and_items(void **state)
{
    static const struct asked asked[] = {
        {"{minItems: 1, maxItems: 2}", "[1]", NULL},
        {"{minItems: 1}", "[]", "must have at least 1 items, not 0"},
        {"{maxItems: 2}", "[1, 2, 3]", "must have at most 2 items, not 3"},
        {"{items: {type: integer}}", "[1, 2]", NULL},
        {"{items: {type: integer}}", "[1, \"x\"]", "input v[0][1] must be of type"},
        {"{items: false}", "[]", NULL},
        {"{prefixItems: [{type: string}], items: {type: integer}}", "[\"x\", 1]", NULL},
        {"{prefixItems: [{type: string}]}", "[\"x\", null]", NULL},
        {"{prefixItems: [{type: string}]}", "[1]", "input v[0][0] must be"},
        {"{uniqueItems: true}",
         "[1, \"1\", true, {\"a\": 1, \"b\": 2}, {\"a\": 2, \"b\": 1}, [1], [2], null]",
         NULL},
        {"{uniqueItems: true}", "[1, 2, 1.0]", "must not hold an item twice"},
        {"{uniqueItems: true}", "[{\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1}]",
         "must not hold an item twice"},
        {"{uniqueItems: true}", "[0.0, -0.0]", "must not hold an item twice"},
        {"{uniqueItems: true}", "[]", NULL},
        {"{uniqueItems: false}", "[1, 1]", NULL},
    };

    (void)state;
    expect_all(asked, COUNT_OF(asked));
}

static void objects_have_keys(void **state)
{
    static const struct asked asked[] = {
        {"{minProperties: 1, maxProperties: 1}", "{\"a\": 1}", NULL},
        {"{minProperties: 1}", "{}", "must have at least 1 keys, not 0"},
        {"{maxProperties: 1}", "{\"a\": 1, \"b\": 1}", "must have at most 1 keys"},
        {"{required: [a, b]}", "{\"a\": 1, \"b\": null}", NULL},
        {"{required: [a, b]}", "{\"a\": 1}", "input v[0] needs the key b"},
        {"{properties: {a: {type: string}}}", "{\"b\": 1}", NULL},
        {"{properties: {a: {type: string}}}", "{\"a\": 1}", "input v[0].a must be"},
        {"{properties: {a: true}, additionalProperties: false}", "{\"a\": 1}", NULL},
        {"{properties: {a: true}, additionalProperties: false}", "{\"b\": 1}",
         "must not have a key b"},
        {"{additionalProperties: {type: integer}}", "{\"b\": 1}", NULL},
        {"{additionalProperties: {type: integer}}", "{\"b\": \"x\"}", "v[0].b must be"},
        {"{propertyNames: {pattern: '^[a-z]+$'}}", "{\"ab\": 1}", NULL},
        {"{propertyNames: {pattern: '^[a-z]+$'}}", "{\"A\": 1}",
         "must not have a key A"},
        {"{dependentRequired: {a: [b], c: [d]}}", "{\"a\": 1, \"b\": 1}", NULL},
        {"{dependentRequired: {a: [b]}}", "{\"a\": 1}", "needs the key b"},
    };

    (void)state;
    expect_all(asked, COUNT_OF(asked));
}

static void schemas_are_combined(void **state)
{
    static const struct asked asked[] = {
        {"{allOf: [{minimum: 1}, {maximum: 3}]}", "2", NULL},
        {"{allOf: [{minimum: 1}, {maximum: 3}]}", "4", "at most 3"},
        {"{anyOf: [{minimum: 3}, {type: string}]}", "4", NULL},
        {"{anyOf: [{type: string}, {minimum: 3.5}]}", "4", NULL},
        {"{anyOf: [{type: string}, {minimum: 3}]}", "2",
         "must be as one of the 2 schemas of anyOf"},
        {"{oneOf: [{minimum: 1}, {minimum: 3}]}", "2", NULL},
        {"{oneOf: [{minimum: 1}, {minimum: 3}]}", "4", "of oneOf, not as two"},
        {"{oneOf: [{minimum: 1}, {minimum: 3}]}", "0", "of oneOf, not as none"},
        {"{not: {type: string}}", "1", NULL},
        {"{not: {type: string}}", "\"x\"", "must not be as the schema of not"},
        {"{if: {minimum: 3}, then: {multipleOf: 2}, else: {maximum: 1}}", "4", NULL},
        {"{if: {minimum: 3}, then: {multipleOf: 2}, else: {maximum: 1}}", "5",
         "multiple of 2"},
        {"{if: {minimum: 3}, then: {multipleOf: 2}, else: {maximum: 1}}", "2",
         "at most 1"},
        {"{if: {minimum: 3}, then: {multipleOf: 2}}", "1", NULL},
        {"{$ref: '#/$defs/small'}", "9", NULL},
        {"{$ref: '#/$defs/small'}", "10", "at most 9"},
        {"{$ref: '#/$defs/list'}", "[[], [[]]]", NULL},
        {"{$ref: '#/$defs/list'}", "[[], [[1]]]", "input v[0][1][0][0] must be"},
    };

    (void)state;
    expect_all(asked, COUNT_OF(asked));
}

static void
a_schema_that_leads_back_to_itself_refuses_what_no_branch_may_hide(void **state)
{
    static const struct asked asked[] = {
        {"{$ref: '#/$defs/turn'}", "1", "leads back to itself"},
        {"{not: {$ref: '#/$defs/turn'}}", "1", "leads back to itself"},
        {"{anyOf: [{$ref: '#/$defs/turn'}, true]}", "1", "leads back to itself"},
        {"{if: {$ref: '#/$defs/turn'}, else: true}", "1", "leads back to itself"},
        {"{anyOf: [{$ref: '#/$defs/turn'}, {minimum: 3}]}", "1",
         "leads back to itself"},
    };

    (void)state;
    expect_all(asked, COUNT_OF(asked));
}

static void a_place_too_long_to_be_shown_is_cut(void **state)
{
    struct buf value = {0};
    struct buf schema = {0};

    (void)state;
    buf_printf(&schema,
               "{type: object, additionalProperties: {$ref: '#/$defs/small'}}");
    for (int i = 0; i < 3; i++) {
        char *inner = mem_text(buf_text(&schema));

        buf_clear(&schema);
        buf_printf(&schema, "{additionalProperties: %s}", inner);
        mem_free(inner);
    }
    for (int i = 0; i < 4; i++)
        buf_printf(&value, "{\"%.*s\": ", 50,
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    buf_printf(&value, "99}}}}");
    expect(buf_text(&schema), buf_text(&value), "must be at most 9");
    buf_done(&value);
    buf_done(&schema);
}

static json_t *list_of(size_t n, const char *text)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_sprintf("%s%zu", text, i));
    return list;
}

static void long_lists_are_compared_in_little_time(void **state)
{
    json_t *list = list_of(50000, "item ");

    (void)state;
    assert_true(json_schema_unique(list));
    json_array_append_new(list, json_string("item 17"));
    assert_false(json_schema_unique(list));
    json_decref(list);
}

static void a_check_that_takes_too_long_ends(void **state)
{
    struct ff_err err;
    static const char text[] =
        "{\"$defs\": {\"t\": {\"allOf\": [{\"$ref\": \"#/$defs/u\"}, "
        "{\"$ref\": \"#/$defs/u\"}]}, \"u\": {\"allOf\": [{\"items\": {\"$ref\": "
        "\"#/$defs/t\"}}, {\"items\": {\"$ref\": \"#/$defs/t\"}}]}}, \"$ref\": "
        "\"#/$defs/t\"}";
    json_t *schema = json_parse(text, strlen(text), &err);
    json_t *value = json_integer(1);
    struct json_schema_fault fault;

    (void)state;
    for (int i = 0; i < 12; i++)
        value = json_pack("[o]", value);
    assert_false(json_schema_accepts(schema, value, &fault));
    assert_non_null(strstr(fault.msg, "takes too long"));
    json_decref(value);
    json_decref(schema);
}

#define SCHEMA(text)                                                                   \
    TOP "inputs:\n  v:\n    type: object\n    schema: " text "\ntasks: {a: {run: "     \
        "x}}\n"

static const struct refusal refusals[] = {
    {SCHEMA("{typ: string}"), PROBLEM_SCHEMA, 6, 14, "typ", "no keyword typ", "`type`"},
    {SCHEMA("{format: date}"), PROBLEM_SCHEMA, 6, 14, "format", "no keyword format",
     "use pattern"},
    {SCHEMA("5"), PROBLEM_TYPE, 6, 13, "5", "must be a map of keywords", NULL},
    {SCHEMA("{type: text}"), PROBLEM_SCHEMA, 6, 20, "text", "must be string, integer",
     NULL},
    {SCHEMA("{type: strin}"), PROBLEM_SCHEMA, 6, 20, "strin", NULL, "`string`"},
    {SCHEMA("{type: null}"), PROBLEM_SCHEMA, 6, 20, "null", NULL, "in quotes"},
    {SCHEMA("{type: 5}"), PROBLEM_SCHEMA, 6, 20, "5", NULL, NULL},
    {SCHEMA("{type: []}"), PROBLEM_SCHEMA, 6, 20, "", "not empty", NULL},
    {SCHEMA("{type: [string, 5]}"), PROBLEM_SCHEMA, 6, 29, "5", NULL, NULL},
    {SCHEMA("{enum: 5}"), PROBLEM_SCHEMA, 6, 20, "5", "a list that is not", NULL},
    {SCHEMA("{enum: []}"), PROBLEM_SCHEMA, 6, 20, "", "a list that is not", NULL},
    {SCHEMA("{title: 5}"), PROBLEM_SCHEMA, 6, 21, "5", "title must be text", NULL},
    {SCHEMA("{uniqueItems: 5}"), PROBLEM_SCHEMA, 6, 27, "5", "true or false", NULL},
    {SCHEMA("{minItems: -1}"), PROBLEM_SCHEMA, 6, 24, "-1", "0 or more", NULL},
    {SCHEMA("{minItems: x}"), PROBLEM_SCHEMA, 6, 24, "x", "0 or more", NULL},
    {SCHEMA("{minimum: x}"), PROBLEM_SCHEMA, 6, 23, "x", "must be a number", NULL},
    {SCHEMA("{multipleOf: 0}"), PROBLEM_SCHEMA, 6, 26, "0", "above 0", NULL},
    {SCHEMA("{multipleOf: 0.0}"), PROBLEM_SCHEMA, 6, 26, "0.0", "above 0", NULL},
    {SCHEMA("{multipleOf: x}"), PROBLEM_SCHEMA, 6, 26, "x", "above 0", NULL},
    {SCHEMA("{pattern: '('}"), PROBLEM_SCHEMA, 6, 23, "(", "pattern cannot be used",
     NULL},
    {SCHEMA("{pattern: 5}"), PROBLEM_SCHEMA, 6, 23, "5", "must be text", NULL},
    {SCHEMA("{required: a}"), PROBLEM_SCHEMA, 6, 24, "a", "a list of keys", NULL},
    {SCHEMA("{required: [5]}"), PROBLEM_SCHEMA, 6, 25, "5", "which are text", NULL},
    {SCHEMA("{properties: [a]}"), PROBLEM_SCHEMA, 6, 26, "", "must be a map", NULL},
    {SCHEMA("{properties: {a: 5}}"), PROBLEM_SCHEMA, 6, 30, "5", "a schema is a map",
     NULL},
    {SCHEMA("{dependentRequired: {a: 5}}"), PROBLEM_SCHEMA, 6, 37, "5",
     "a list of keys", NULL},
    {SCHEMA("{allOf: {}}"), PROBLEM_SCHEMA, 6, 21, "", "a list that is not", NULL},
    {SCHEMA("{allOf: [5]}"), PROBLEM_SCHEMA, 6, 22, "5", "a schema is a map", NULL},
    {SCHEMA("{items: {$defs: {a: true}}}"), PROBLEM_SCHEMA, 6, 29, "",
     "at the top of the schema", NULL},
    {SCHEMA("{$ref: 5}"), PROBLEM_SCHEMA, 6, 20, "5", "#/$defs/NAME", NULL},
    {SCHEMA("{$ref: 'http://x'}"), PROBLEM_SCHEMA, 6, 20, "http://x", "#/$defs/NAME",
     NULL},
    {SCHEMA("{$ref: '#/$defs/a'}"), PROBLEM_SCHEMA, 6, 20, "#/$defs/a",
     "$defs has no schema a", NULL},
    {SCHEMA("{$ref: '#/$defs/a', $defs: {b: true}}"), PROBLEM_SCHEMA, 6, 20,
     "#/$defs/a", "$defs has no schema a", NULL},
    {SCHEMA("{$schema: 'http://json-schema.org/draft-07/schema#'}"), PROBLEM_SCHEMA, 6,
     23, "http://json-schema.org/draft-07/schema#", "2020-12", NULL},
    {TOP "inputs: {v: {type: string, schema: {}}}\ntasks: {a: {run: x}}\n",
     PROBLEM_EXCLUSIVE, 3, 36, "", "schema is for lists and objects only", NULL},
    {TOP "inputs: {v: {type: list, default: [1], schema: {maxItems: 0}}}\n"
         "tasks: {a: {run: x}}\n",
     PROBLEM_VALUE, 3, 35, "", "input v must have at most 0 items", NULL},
};

static void schemas_that_cannot_be_kept_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void what_is_broken_is_told_once(void **state)
{
    static const struct refusal broken[] = {
        {SCHEMA("{items: 99999999999999999999}"), PROBLEM_NUMBER, 6, 21,
         "99999999999999999999", NULL, NULL},
        {SCHEMA("{allOf: [99999999999999999999]}"), PROBLEM_NUMBER, 6, 22,
         "99999999999999999999", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        check_refusal(&broken[i]);

    struct flow_problems p =
        read_bad(SCHEMA("{$ref: '#/$defs/a', $defs: 5, $schema: 5}"));

    assert_int_equal(p.n, 3);
    flow_problems_done(&p);
}

static void the_dialect_may_be_named(void **state)
{
    (void)state;
    flow_unref(
        read_good(SCHEMA("{$schema: 'https://json-schema.org/draft/2020-12/schema'}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_those_of_json_schema),
        cmocka_unit_test(values_are_compared_by_what_they_are_worth),
        cmocka_unit_test(numbers_have_bounds_and_steps),
        cmocka_unit_test(strings_have_lengths_in_characters_and_patterns),
        cmocka_unit_test(lists_have_sizes_and_items),
        cmocka_unit_test(objects_have_keys),
        cmocka_unit_test(schemas_are_combined),
        cmocka_unit_test(
            a_schema_that_leads_back_to_itself_refuses_what_no_branch_may_hide),
        cmocka_unit_test(a_place_too_long_to_be_shown_is_cut),
        cmocka_unit_test(long_lists_are_compared_in_little_time),
        cmocka_unit_test(a_check_that_takes_too_long_ends),
        cmocka_unit_test(schemas_that_cannot_be_kept_are_refused),
        cmocka_unit_test(what_is_broken_is_told_once),
        cmocka_unit_test(the_dialect_may_be_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
