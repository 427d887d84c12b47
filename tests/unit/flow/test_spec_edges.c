/* The edges of what single keys take: the last value that is right, the first that is
 * not, and values that were refused already. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

#define TASK   TOP "tasks: {a: {run: x, "
#define INPUT  TOP "tasks: {a: {run: x}}\ninputs: {x: "
#define OUTPUT TASK "outputs: {o: {"

static const struct {
    const char *text;
    int code;
    const char *msg;
} wrong[] = {
    {TASK "resources: {cpu: x}}}\n", PROBLEM_VALUE, "cores from 0.001"},
    {TASK "resources: {cpu: -1m}}}\n", PROBLEM_VALUE, "cores from 0.001"},
    {TASK "resources: {cpu: 5n}}}\n", PROBLEM_VALUE, "cores from 0.001"},
    {TASK "resources: {cpu: ''}}}\n", PROBLEM_VALUE, "cores from 0.001"},
    {TASK "resources: {cpu: 0}}}\n", PROBLEM_VALUE, "cores from 0.001"},
    {TASK "resources: {cpu: 1025}}}\n", PROBLEM_VALUE, "cores from 0.001"},
    {TASK "resources: {cpu: true}}}\n", PROBLEM_TYPE, "not true or false"},
    {TASK "resources: {cpu: [1]}}}\n", PROBLEM_TYPE, "not a list"},
    {TASK "resources: {cpu: '${{ 1 }}'}}}\n", PROBLEM_CONSTANT, "cannot hold"},
    {TASK "resources: {memory: true}}}\n", PROBLEM_TYPE, "not true or false"},
    {TASK "resources: {memory: '${{ 1 }}'}}}\n", PROBLEM_CONSTANT, "cannot hold"},
    {TASK "resources: {memory: 1}}}\n", PROBLEM_VALUE, "from 1MiB"},
    {TASK "resources: {memory: 4PiB}}}\n", PROBLEM_VALUE, "from 1MiB"},
    {TASK "timeout: 1.5}}\n", PROBLEM_TYPE, "not a bare number"},
    {TASK "retry: {exit_codes: 3}}}\n", PROBLEM_TYPE, "a list of exit codes"},
    {TASK "retry: {exit_codes: [0]}}}\n", PROBLEM_VALUE, "from 1 to 255"},
    {TASK "retry: {exit_codes: [256]}}}\n", PROBLEM_VALUE, "from 1 to 255"},
    {TASK "retry: {exit_codes: [x]}}}\n", PROBLEM_VALUE, "from 1 to 255"},
    {TASK "retry: {on: [3]}}}\n", PROBLEM_VALUE, "names failed"},
    {TASK "retry: {factor: x}}}\n", PROBLEM_TYPE, "must be a number"},
    {TOP "tasks: {a: {script: {lang: 3, code: x}}}\n", PROBLEM_TYPE, "sh, python or"},
    {TOP "tasks: {a: {script: {file: 3}}}\n", PROBLEM_TYPE, "a relative path"},
    {TOP "tasks: {a: {script: {file: ../x}}}\n", PROBLEM_VALUE, "below the workflow"},
    {TOP "tasks: {a: {command: 3}}\n", PROBLEM_TYPE, "a list of a program"},
    {TOP "tasks: {a: {run: 'echo ${{ inputs.a_name_that_is_long_enough_to_be_cut }}'}}"
         "\n",
     PROBLEM_EXPRESSION_IN_CODE, "cannot stand in code"},
    {OUTPUT "as: file, ending: ''}}}}\n", PROBLEM_VALUE, "a text that is not empty"},
    {OUTPUT "as: file, ending: a234567890123456x}}}}\n", PROBLEM_VALUE, "1 to 16"},
    {OUTPUT "as: file, ending: .a}}}}\n", PROBLEM_VALUE, "1 to 16"},
    {OUTPUT "as: file, ending: a.}}}}\n", PROBLEM_VALUE, "1 to 16"},
    {OUTPUT "as: file, ending: a..b}}}}\n", PROBLEM_VALUE, "1 to 16"},
    {OUTPUT "from: sdk, as: text}}}}\n", PROBLEM_VALUE, "a value already"},
    {INPUT "{enum: 3}}\n", PROBLEM_TYPE, "a list of the values"},
    {INPUT "{description: 3}}\n", PROBLEM_TYPE, "must be text"},
    {INPUT "{pattern: ''}}\n", PROBLEM_VALUE, "not empty"},
    {INPUT "{pattern: '${{ 1 }}'}}\n", PROBLEM_CONSTANT, "cannot hold"},
    {INPUT "{required: true, default: y}}\n", PROBLEM_EXCLUSIVE, "cannot be required"},
    {TOP "tasks: {'a b': {run: x}}\n", PROBLEM_NAME, "a-z, 0-9 and _"},
    {TOP "tasks: {a234567890123456789012345678901234567890123456789012345678901234: "
         "{run: x}}\n",
     PROBLEM_NAME, "at most 63"},
    {"flowforge: 1\nname: 'my work'\ntasks: {a: {run: x}}\n", PROBLEM_NAME,
     "name must be"},
    {"flowforge: 1\nname: "
     "a2345678901234567890123456789012345678901234567890123456789012345\n"
     "tasks: {a: {run: x}}\n",
     PROBLEM_NAME, "name must be"},
    {TASK "stdin: '${{ siz(inputs) }}'}}\n", PROBLEM_UNKNOWN_ROOT, "siz"},
    {INPUT "{default: null}}\n", PROBLEM_TYPE, "not null"},
    {OUTPUT "as: file, ending: a/b}}}}\n", PROBLEM_VALUE, "1 to 16"},
    {"flowforge: 1\nname: My-work\ntasks: {a: {run: x}}\n", PROBLEM_NAME, "name must"},
    {"flowforge: 1\nname: -x\ntasks: {a: {run: x}}\n", PROBLEM_NAME, "name must be"},
    {TOP "tasks: [{run: x, id: ''}]\n", PROBLEM_NAME, "a-z, 0-9 and _"},
    {TOP "tasks: {a: {run: x, outputs: {rows: file}}, b: {needs: a, run: x, stdin: "
         "'${{ tasks.a.outputs.rowz }}'}}\n",
     PROBLEM_UNKNOWN_FIELD, "no output rowz"},
    {TOP "tasks: {a: {run: x, needs: [c]}, b: {run: x, needs: [a]}, c: {run: x, needs: "
         "[b]}, d: {run: x, needs: [c]}}\n",
     PROBLEM_CYCLE, "a -> c -> b -> a"},
    {TASK "stdin: '${{ tasks }}'}}\n", PROBLEM_UNKNOWN_TASK, "followed by the name"},
    {TASK "env: {_A: 1, 2B: 1}}}\n", PROBLEM_NAME, ""},
    {TOP "tasks: {}\nfinally: {a: {run: x}, b: {run: x}}\n", PROBLEM_VALUE, "no task"},
    {TOP "tasks: [{run: x, id: 3}]\n", PROBLEM_TYPE, "id must be text"},
};

static void what_is_just_wrong_is_refused_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct flow_problems p = read_bad(wrong[i].text);
        if (p.n != 1 || p.items[0].code != wrong[i].code ||
            !strstr(p.items[0].msg, wrong[i].msg)) {
            print_message("of %s", wrong[i].text);
            show_problems(&p);
            fail_msg("expected FF%03d %s", wrong[i].code, wrong[i].msg);
        }
        flow_problems_done(&p);
    }
}

static const char *const right[] = {
    TASK "resources: {cpu: 0.001, memory: 1MiB}}}\n",
    TASK "resources: {cpu: 1024, memory: 1PiB}}}\n",
    TASK "resources: {cpu: 500m, memory: 1048576}}}\n",
    TASK "retry: {exit_codes: [1, 255]}}}\n",
    TOP "tasks: {a: {script: {file: ab/c.d/..e}}}\n",
    OUTPUT "as: file, ending: tar.gz}}}}\n",
    OUTPUT "from: sdk, as: json}}}}\n",
    OUTPUT "from: sdk}}}}\n",
    INPUT "{required: true}}\n",
    INPUT "{required: false, description: ''}}\n",
    INPUT "{type: number, min: -1, max: 2.5}}\n",
    TASK "stdin: '${{ run }} ${{ workflow }} ${{ inputs }} ${{ env }}'}}\n",
    TASK "stdin: '${{ attempt }}', env: {_A: 1}}}\n",
    TOP "env: {A: x, B: '${{ env.A }}'}\ntasks: {a: {run: x}}\n",
    TOP "tasks: {a: {run: x}, b: {needs: a, run: x, stdin: "
        "'${{ tasks.a }} ${{ tasks.a.message.x }} ${{ tasks.a.outputs }}'}}\n",
};

static void what_is_just_right_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(right); i++)
        flow_unref(read_good(right[i]));
}

/* A number that is none is refused by the reader of scalars: nobody else says more. */
static const char *const broken[] = {
    ".nan\n",
    "flowforge: 1\nname: .nan\ntasks: {a: {run: x}}\n",
    TOP "tasks: [.nan, {id: a, run: x}]\n",
    TOP "tasks: [{id: .nan, run: x}, {id: a, run: x}]\n",
    TOP "tasks: {a: .nan}\n",
    TOP "tasks: {a: {run: x, needs: [.nan]}}\n",
    TASK "needs: .nan}}\n",
    TASK "retry: .nan}}\n",
    TASK "retry: {on: [.nan, lost]}}}\n",
    TASK "retry: {exit_codes: [.nan, 1]}}}\n",
    INPUT "{type: list, enum: [.nan]}}\n",
    INPUT "{type: integer, enum: [1, .nan]}}\n",
    INPUT "{default: .nan}}\n",
    INPUT ".nan}\n",
    TASK "outputs: {o: .nan}}}\n",
    TASK "stdin: [.nan]}}\n",
};

static void what_was_refused_already_is_passed_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        struct flow_problems p = read_bad(broken[i]);
        if (p.n != 1 || p.items[0].code != PROBLEM_NUMBER) {
            print_message("of %s", broken[i]);
            show_problems(&p);
            fail_msg("one mistake, one problem");
        }
        flow_problems_done(&p);
    }
}

/* First a hundred others, so that each of these is only counted. */
static void a_mistake_of_any_kind_may_be_the_hundred_and_first(void **state)
{
    static const char *const last[] = {
        "    zzz: 1\n",
        "    run: 'echo ${{ x }}'\n",
        "    stdin: ${{ inputs.nobody }}\n",
        "    stdin: ${{ env.NOBODY }}\n",
        "    stdin: ${{ run.nothing }}\n",
        "    stdin: ${{ tasks.nobody.status }}\n",
        "    stdin: ${{ tasks.first.outputs.nothing }}\n",
        "    stdin: ${{ tasks.first.nothing }}\n",
        "    stdin: ${{ nobody }}\n",
        "    stdin: ${{ siz(1) }}\n",
        "    needs: [first, nobody]\n",
        "    retry: {on: [losst]}\n",
        "    script: {lang: rubby, code: x}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(last); i++) {
        struct buf b = {0};

        buf_add_text(&b, TOP "tasks:\n  first:\n    run: x\n");
        for (int k = 0; k < FLOW_MAX_ERRORS; k++)
            buf_printf(&b, "    zz%d: 1\n", k);
        buf_printf(&b, "  last:\n    noop: true\n    needs_all: false\n%s", last[i]);
        struct flow_problems p = read_bad(buf_text(&b));
        assert_int_equal(p.n, FLOW_MAX_ERRORS);
        assert_true(p.n_more >= 1);
        flow_problems_done(&p);
        buf_done(&b);
    }
}

static void a_need_beyond_the_first_64_is_a_need(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n");
    for (int i = 0; i < 70; i++)
        buf_printf(&b, "  t%d: {run: x}\n", i);
    buf_add_text(&b, "  last:\n    run: x\n    stdin: ${{ tasks.t69.status }}\n"
                     "    needs: [t0");
    for (int i = 1; i < 70; i++)
        buf_printf(&b, ", t%d", i);
    buf_add_text(&b, "]\n");
    flow_unref(read_good(buf_text(&b)));
    buf_done(&b);
}

static void among_many_tasks_the_first_few_thousand_are_compared(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n");
    for (int i = 0; i < 5100; i++)
        buf_printf(&b, "  task%04d: {run: x}\n", i);
    buf_add_text(&b, "  last: {run: x, needs: [tesk5050]}\n");
    struct flow_problems p = read_bad(buf_text(&b));
    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_UNKNOWN_NEED);
    assert_null(strstr(p.items[0].hint, "task5050"));
    flow_problems_done(&p);
    buf_done(&b);
}

static void a_foreach_in_the_file_has_a_million_items_at_most(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TASK "foreach: [1");
    for (int i = 0; i < FLOW_MAX_ITEMS; i++)
        buf_add(&b, ",1", 2);
    buf_add_text(&b, "]}}\n");
    struct flow_problems p = read_bad(buf_text(&b));
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    assert_non_null(strstr(p.items[0].msg, "1000001 items; 1000000 are the limit"));
    flow_problems_done(&p);
    buf_done(&b);
}

static void an_expression_beyond_its_limits_is_a_limit(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TASK "stdin: '${{ ");
    for (int i = 0; i < EXPR_MAX_NESTING + 2; i++)
        buf_add_char(&b, '(');
    buf_add_char(&b, '1');
    for (int i = 0; i < EXPR_MAX_NESTING + 2; i++)
        buf_add_char(&b, ')');
    buf_add_text(&b, " }}'}}\n");
    struct flow_problems p = read_bad(buf_text(&b));
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    flow_problems_done(&p);
    buf_done(&b);
}

static void spellings_and_lists_of_words_end_where_their_room_does(void **state)
{
    static const char *const words[] = {"alpha", "beta", "gamma", NULL};
    char key[SPEC_KEY_MAX], list[8], name[200];

    (void)state;
    assert_true(spec_camel("a_bc_2d_{e", key));
    assert_string_equal(key, "aBc2d{e");
    memset(name, 'x', sizeof(name));
    name[1] = '_';
    name[sizeof(name) - 1] = '\0';
    assert_true(spec_camel(name, key));
    assert_int_equal(strlen(key), SPEC_KEY_MAX - 1);
    spec_list_choices(words, list, sizeof(list));
    assert_string_equal(list, "alpha, ");
}

static void a_place_beyond_a_text_is_its_end(void **state)
{
    struct flow_problems problems = {0};
    struct tree t;

    (void)state;
    assert_true(tree_read(&t, "x: abc\n", 7, &problems));
    struct spec s = {.tree = &t, .problems = &problems};
    const struct tree_node *node = &t.root.items[0].value;
    spec_problem_in(&s, PROBLEM_VALUE, node, 9, 9);
    spec_problem_in(&s, PROBLEM_VALUE, node, 1, 9);
    assert_string_equal(problems.items[0].at, "");
    assert_int_equal(problems.items[0].column, 7);
    assert_string_equal(problems.items[1].at, "bc");
    assert_int_equal(problems.items[1].column, 5);
    tree_done(&t);
    flow_problems_done(&problems);
}

static void what_is_shown_has_no_delete_character(void **state)
{
    struct flow_problems p =
        read_bad("flowforge: 1\nname: \"a\\x7fb\"\ntasks: {a: {run: x}}\n");

    (void)state;
    assert_string_equal(p.items[0].at, "a b");
    flow_problems_done(&p);
}

static json_t *property(json_t *schema, const char *object, const char *key)
{
    json_t *of = json_object_get(json_object_get(schema, "$defs"), object);

    return json_object_get(json_object_get(of, "properties"), key);
}

static void the_schema_says_what_the_tables_say(void **state)
{
    json_t *schema = flow_schema();
    json_t *cpu = property(schema, "resources", "cpu");
    json_t *factor = property(schema, "retry", "factor");
    json_t *least = property(schema, "input", "min");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(cpu, "anyOf")), 2);
    assert_true(json_real_value(json_object_get(factor, "minimum")) == 1);
    assert_true(json_real_value(json_object_get(factor, "maximum")) == 100);
    assert_null(json_object_get(least, "minimum")); /* any number */
    assert_null(json_object_get(least, "maximum"));
    assert_int_equal(json_array_size(json_object_get(schema, "required")), 3);
    assert_non_null(json_object_get(property(schema, "task", "foreach"), "anyOf"));
    assert_null(json_object_get(property(schema, "task", "stdin"), "anyOf"));
    assert_true(json_is_true(
        json_object_get(property(schema, "task", "max-parallel"), "deprecated")));
    assert_null(property(schema, "task", "sql"));
    assert_non_null(json_object_get(property(schema, "retry", "on"), "default"));
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_just_wrong_is_refused_once),
        cmocka_unit_test(what_is_just_right_is_taken),
        cmocka_unit_test(what_was_refused_already_is_passed_over),
        cmocka_unit_test(a_mistake_of_any_kind_may_be_the_hundred_and_first),
        cmocka_unit_test(a_need_beyond_the_first_64_is_a_need),
        cmocka_unit_test(among_many_tasks_the_first_few_thousand_are_compared),
        cmocka_unit_test(a_foreach_in_the_file_has_a_million_items_at_most),
        cmocka_unit_test(an_expression_beyond_its_limits_is_a_limit),
        cmocka_unit_test(spellings_and_lists_of_words_end_where_their_room_does),
        cmocka_unit_test(a_place_beyond_a_text_is_its_end),
        cmocka_unit_test(what_is_shown_has_no_delete_character),
        cmocka_unit_test(the_schema_says_what_the_tables_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
