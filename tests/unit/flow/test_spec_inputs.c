/* The values that a run is given, against what the workflow declares. */
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

static const char declared[] =
    TOP "inputs:\n"
        "  day: {pattern: '[0-9]{4}-[0-9]{2}'}\n"
        "  n: {type: integer, default: 3, min: 1, max: 5}\n"
        "  ratio: {type: number, required: false, min: 0.5}\n"
        "  dry: {type: boolean, default: false}\n"
        "  tags: {type: list, default: [a, 1]}\n"
        "  more: {type: object, required: false}\n"
        "  mode: {default: fast, enum: [fast, slow]}\n"
        "  size: {type: number, default: 1, enum: [1, 2.5]}\n"
        "tasks: {a: {run: x}}\n";

static char *check(const char *given, bool from_text, struct flow_problems *problems)
{
    struct flow *f = read_good(declared);
    struct ff_err err;
    json_t *values = given ? json_parse(given, strlen(given), &err) : NULL;
    json_t *made = flow_inputs(f, values, from_text, problems);
    char *text = made ? json_text(made) : NULL;

    json_decref(made);
    json_decref(values);
    flow_unref(f);
    return text;
}

static void absent_inputs_get_their_defaults_or_null(void **state)
{
    struct flow_problems p = {0};
    char *text = check("{\"day\": \"2026-01\"}", false, &p);

    (void)state;
    show_problems(&p);
    assert_non_null(text);
    assert_string_equal(text, "{\"day\":\"2026-01\",\"n\":3,\"ratio\":null,"
                              "\"dry\":false,\"tags\":[\"a\",1],\"more\":null,"
                              "\"mode\":\"fast\",\"size\":1}");
    mem_free(text);
}

static void given_inputs_go_over_defaults(void **state)
{
    struct flow_problems p = {0};
    char *text = check("{\"size\": 2.5, \"day\": \"2026-01\", \"n\": 5, \"ratio\": 1, "
                       "\"dry\": true, \"tags\": [], \"more\": {\"x\": null}, "
                       "\"mode\": \"slow\"}",
                       false, &p);

    (void)state;
    show_problems(&p);
    assert_non_null(text);
    assert_string_equal(text, "{\"day\":\"2026-01\",\"n\":5,\"ratio\":1,"
                              "\"dry\":true,\"tags\":[],\"more\":{\"x\":null},"
                              "\"mode\":\"slow\",\"size\":2.5}");
    mem_free(text);
}

static void words_of_a_command_line_are_read_as_the_declared_type(void **state)
{
    struct flow_problems p = {0};
    char *text = check("{\"day\": \"2026-01\", \"n\": \"2\", \"ratio\": \"0.5\", "
                       "\"dry\": \"true\", \"tags\": \"[1, \\\"x\\\"]\", "
                       "\"more\": \"{\\\"k\\\": [true]}\", \"size\": \"2.5\"}",
                       true, &p);

    (void)state;
    show_problems(&p);
    assert_non_null(text);
    assert_string_equal(text, "{\"day\":\"2026-01\",\"n\":2,\"ratio\":0.5,"
                              "\"dry\":true,\"tags\":[1,\"x\"],\"more\":{\"k\":[true]},"
                              "\"mode\":\"fast\",\"size\":2.5}");
    mem_free(text);
}

#define DAY "\"day\": \"2026-01\""

static const struct {
    const char *given;
    bool from_text;
    int code;
    const char *msg, *hint;
} refusals[] = {
    {NULL, false, PROBLEM_INPUT_MISSING, "input day is required", ""},
    {"{}", false, PROBLEM_INPUT_MISSING, "input day is required", ""},
    {"{\"day\": null}", false, PROBLEM_INPUT_TYPE, "type string, not null", ""},
    {"[]", false, PROBLEM_INPUT_TYPE, "must be an object", ""},
    {"{" DAY ", \"m\": 3}", false, PROBLEM_INPUT_UNKNOWN, "no input m", ""},
    {"{" DAY ", \"mdoe\": 3}", false, PROBLEM_INPUT_UNKNOWN, "no input mdoe", "`mode`"},
    {"{" DAY ", \"n\": \"3\"}", false, PROBLEM_INPUT_TYPE, "type integer, not a string",
     ""},
    {"{" DAY ", \"n\": 3.5}", false, PROBLEM_INPUT_TYPE, "type integer, not a number",
     ""},
    {"{" DAY ", \"n\": 6}", false, PROBLEM_INPUT_VALUE, "at most 5", ""},
    {"{" DAY ", \"n\": 0}", false, PROBLEM_INPUT_VALUE, "at least 1", ""},
    {"{" DAY ", \"ratio\": 0.25}", false, PROBLEM_INPUT_VALUE, "at least 0.5", ""},
    {"{" DAY ", \"dry\": 1}", false, PROBLEM_INPUT_TYPE, "type boolean", ""},
    {"{" DAY ", \"tags\": {}}", false, PROBLEM_INPUT_TYPE, "type list, not an object",
     ""},
    {"{" DAY ", \"more\": []}", false, PROBLEM_INPUT_TYPE, "type object, not a list",
     ""},
    {"{" DAY ", \"mode\": \"quick\"}", false, PROBLEM_INPUT_VALUE,
     "one of [\"fast\",\"slow\"]", ""},
    {"{\"day\": \"2026-1\"}", false, PROBLEM_INPUT_VALUE, "must match [0-9]", "whole"},
    {"{\"day\": \"x2026-01\"}", false, PROBLEM_INPUT_VALUE, "must match", "whole"},
    {"{\"day\": \"2026-01\\n\"}", false, PROBLEM_INPUT_VALUE, "must match", "whole"},
    {"{" DAY ", \"n\": \"x\"}", true, PROBLEM_INPUT_TYPE,
     "cannot be read as integer: x", "whole number"},
    {"{" DAY ", \"n\": \"\"}", true, PROBLEM_INPUT_TYPE, "cannot be read as integer",
     ""},
    {"{" DAY ", \"n\": \" 3\"}", true, PROBLEM_INPUT_TYPE, "cannot be read", ""},
    {"{" DAY ", \"n\": \"99999999999999999999\"}", true, PROBLEM_INPUT_TYPE,
     "cannot be read", ""},
    {"{" DAY ", \"ratio\": \"nan\"}", true, PROBLEM_INPUT_TYPE, "cannot be read",
     "0.5"},
    {"{" DAY ", \"ratio\": \"0x10\"}", true, PROBLEM_INPUT_TYPE, "cannot be read", ""},
    {"{" DAY ", \"ratio\": \"1e999\"}", true, PROBLEM_INPUT_TYPE, "cannot be read", ""},
    {"{" DAY ", \"dry\": \"yes\"}", true, PROBLEM_INPUT_TYPE,
     "cannot be read as boolean", "true or false"},
    {"{" DAY ", \"tags\": \"a,b\"}", true, PROBLEM_INPUT_TYPE, "cannot be read as list",
     "JSON"},
    {"{" DAY ", \"tags\": \"{}\"}", true, PROBLEM_INPUT_TYPE, "not an object", ""},
    {"{" DAY ", \"ratio\": \"1.5s\"}", true, PROBLEM_INPUT_TYPE, "cannot be read",
     "0.5"},
    {"{" DAY ", \"n\": true}", false, PROBLEM_INPUT_TYPE, "not a boolean", ""},
    {"{" DAY ", \"n\": false}", true, PROBLEM_INPUT_TYPE, "not a boolean", ""},
    {"{" DAY ", \"mode\": 1}", false, PROBLEM_INPUT_TYPE, "not an integer", "quote it"},
    {"{" DAY ", \"mode\": 1.5}", false, PROBLEM_INPUT_TYPE, "not a number", ""},
    {"{" DAY ", \"size\": 2}", false, PROBLEM_INPUT_VALUE, "one of [1,2.5]", ""},
};

static void wrong_inputs_are_refused_with_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct flow_problems p = {0};

        assert_null(check(refusals[i].given, refusals[i].from_text, &p));
        if (p.n != 1 || p.items[0].code != refusals[i].code ||
            !strstr(p.items[0].msg, refusals[i].msg) ||
            !strstr(p.items[0].hint, refusals[i].hint)) {
            print_message("%s\n", refusals[i].given);
            show_problems(&p);
        }
        assert_int_equal(p.n, 1);
        assert_int_equal(p.items[0].code, refusals[i].code);
        assert_int_equal(p.items[0].line, 0);
        assert_non_null(strstr(p.items[0].msg, refusals[i].msg));
        assert_non_null(strstr(p.items[0].hint, refusals[i].hint));
        flow_problems_done(&p);
    }
}

static void null_stands_for_an_input_that_need_not_be_given(void **state)
{
    struct flow_problems p = {0};
    char *text = check("{" DAY ", \"n\": null, \"ratio\": null, \"dry\": \"false\", "
                       "\"size\": 1.0}",
                       true, &p);

    (void)state;
    show_problems(&p);
    assert_non_null(text);
    assert_non_null(strstr(text, "\"n\":3,\"ratio\":null,\"dry\":false"));
    assert_non_null(strstr(text, "\"size\":1.0"));
    mem_free(text);
}

static void an_input_that_is_missing_says_what_it_is_for(void **state)
{
    struct flow *f = read_good(TOP "inputs: {x: {description: the day before}}\n"
                                   "tasks: {a: {run: x}}\n");
    struct flow_problems p = {0};

    (void)state;
    assert_null(flow_inputs(f, NULL, false, &p));
    assert_int_equal(p.n, 1);
    assert_string_equal(p.items[0].hint, "the day before");
    flow_problems_done(&p);
    flow_unref(f);
}

static void unknown_inputs_beyond_those_shown_are_counted(void **state)
{
    struct flow_problems p = {0};
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, "{" DAY);
    for (int i = 0; i < FLOW_MAX_ERRORS + 5; i++)
        buf_printf(&b, ", \"zz%d\": 1", i);
    buf_add_char(&b, '}');
    assert_null(check(buf_text(&b), false, &p));
    assert_int_equal(p.n, FLOW_MAX_ERRORS);
    assert_int_equal(p.n_more, 5);
    flow_problems_done(&p);
    buf_done(&b);
}

static void all_wrong_inputs_are_told_at_once(void **state)
{
    struct flow_problems p = {0};

    (void)state;
    assert_null(check("{\"n\": 9, \"dry\": \"x\", \"nobody\": 1}", false, &p));
    assert_int_equal(p.n, 4);
    flow_problems_done(&p);
}

static void a_hard_pattern_costs_no_more_than_its_text(void **state)
{
    static const char text[] = TOP "inputs: {x: {pattern: '(a*)*(a*)*(a*)*b'}}\n"
                                   "tasks: {a: {run: x}}\n";
    struct flow *f = read_good(text);
    char value[2001];
    struct flow_problems p = {0};
    json_t *given;

    (void)state;
    memset(value, 'a', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    given = json_pack("{ss}", "x", value);
    assert_null(flow_inputs(f, given, false, &p));
    assert_int_equal(p.items[0].code, PROBLEM_INPUT_VALUE);
    flow_problems_done(&p);
    json_decref(given);
    flow_unref(f);
}

static json_t *of_length(size_t n)
{
    char *text = mem_alloc(n + 1);

    memset(text, 'x', n);

    json_t *value = json_stringn(text, n);

    mem_free(text);
    return value;
}

/* Text counts as it is, everything else as JSON. */
static void inputs_that_are_too_large_are_refused(void **state)
{
    static const char text[] = TOP "inputs: {a: string, b: {type: list, default: []}, "
                                   "c: {default: ''}, d: {default: ''}, "
                                   "e: {default: ''}}\n"
                                   "tasks: {t: {run: x}}\n";
    struct flow *f = read_good(text);
    struct flow_problems p = {0};
    json_t *given = json_object();

    (void)state;
    json_object_set_new(given, "a", of_length(FLOW_MAX_INPUT));
    json_object_set_new(given, "b", json_pack("[o]", of_length(FLOW_MAX_INPUT - 4)));
    json_t *made = flow_inputs(f, given, false, &p);
    assert_non_null(made);
    json_decref(made);

    json_object_set_new(given, "a", of_length(FLOW_MAX_INPUT + 1));
    json_object_set_new(given, "b", json_pack("[o]", of_length(FLOW_MAX_INPUT - 3)));
    assert_null(flow_inputs(f, given, false, &p));
    assert_int_equal(p.n, 2);
    assert_int_equal(p.items[0].code, PROBLEM_INPUT_VALUE);
    assert_string_equal(p.items[0].msg, "a: 16777217 bytes, of 16 MiB at most");
    assert_string_equal(p.items[1].msg, "b: 16777217 bytes, of 16 MiB at most");
    flow_problems_done(&p);

    json_object_set_new(given, "a", of_length(FLOW_MAX_INPUT));
    json_object_del(given, "b");
    for (const char *name = "cde"; *name; name++)
        json_object_set_new(given, (char[]){*name, '\0'}, of_length(FLOW_MAX_INPUT));
    assert_null(flow_inputs(f, given, false, &p));
    assert_int_equal(p.n, 1);
    assert_string_equal(p.items[0].msg,
                        "all inputs: 67108866 bytes, of 64 MiB at most");
    flow_problems_done(&p);
    json_decref(given);
    flow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_inputs_get_their_defaults_or_null),
        cmocka_unit_test(given_inputs_go_over_defaults),
        cmocka_unit_test(words_of_a_command_line_are_read_as_the_declared_type),
        cmocka_unit_test(wrong_inputs_are_refused_with_a_sentence),
        cmocka_unit_test(null_stands_for_an_input_that_need_not_be_given),
        cmocka_unit_test(an_input_that_is_missing_says_what_it_is_for),
        cmocka_unit_test(unknown_inputs_beyond_those_shown_are_counted),
        cmocka_unit_test(all_wrong_inputs_are_told_at_once),
        cmocka_unit_test(a_hard_pattern_costs_no_more_than_its_text),
        cmocka_unit_test(inputs_that_are_too_large_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
