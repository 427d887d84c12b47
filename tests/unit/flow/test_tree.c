/* YAML: what is read, what is refused and where. */
#include "flow/tree.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

static const struct refusal refusals[] = {
    {"", PROBLEM_NOT_A_WORKFLOW, 1, 1, "", "is empty", ""},
    {"# nothing\n", PROBLEM_NOT_A_WORKFLOW, 1, 1, "", "is empty", ""},
    {"- a\n", PROBLEM_NOT_A_WORKFLOW, 1, 1, "", "not a list", ""},
    {"---\n", PROBLEM_NOT_A_WORKFLOW, 2, 1, "", "not nothing", ""},
    {"42\n", PROBLEM_NOT_A_WORKFLOW, 1, 1, "42", "not a number", ""},
    {TOP "tasks: {a: {run: x}\n", PROBLEM_SYNTAX, 4, 1, "", "did not find expected",
     "inside { } and [ ]"},
    {TOP "tasks:\n\ta: 1\n", PROBLEM_SYNTAX, 4, 1, "", "cannot start any token",
     "not tabs"},
    {TOP "tasks: a: b\n", PROBLEM_SYNTAX, 3, 9, "", "mapping values", "quote text"},
    {TOP "tasks:\n  a:\n    run: \"x\n", PROBLEM_SYNTAX, 6, 1, "",
     "quoted scalar that starts in line 5", "never closed"},
    {TOP "description: \"\\q\"\n", PROBLEM_SYNTAX, 3, 15, "", "unknown escape",
     "single quotes"},
    {TOP "description: `x`\n", PROBLEM_SYNTAX, 3, 14, "", "cannot start", "quote text"},
    {TOP "a\n", PROBLEM_SYNTAX, 4, 1, "", "':'", "colon"},
    {TOP "  x: y\n", PROBLEM_SYNTAX, 3, 4, "", "mapping values", "indentation"},
    {"flowforge: 1\nname: \"\x01\"\n", PROBLEM_SYNTAX, 2, 8, "", "control characters",
     "\\xNN"},
    {TOP "description: \"\xff\"\n", PROBLEM_BYTES, 3, 15, "", "not valid UTF-8",
     "UTF-8"},
    {TOP "description: \"\xc3\xa9 \xe2\x82\"\n", PROBLEM_BYTES, 3, 17, "",
     "not valid UTF-8", "UTF-8"},
    {TOP "description: a\xe2\x80\xa8ta\n", PROBLEM_BYTES, 3, 15, "", "line break",
     "\\L"},
    {TOP "description: a\xc2\x85ta\n", PROBLEM_BYTES, 3, 15, "", "line break", "\\N"},
    {TASKS "    run: \"a\\0b\"\n", PROBLEM_BYTES, 8, 10, "\\0", "zero byte", ""},
    {TASKS "    run: &x y\n", PROBLEM_YAML_FEATURE, 8, 10, "x", "anchors",
     "write it out"},
    {TASKS "    run: x\n    env: &e {}\n", PROBLEM_YAML_FEATURE, 9, 10, "e", "anchors",
     "defaults"},
    {TASKS "    run: *x\n", PROBLEM_YAML_FEATURE, 8, 10, "x", "aliases", "quote text"},
    {TASKS "    run: !!str x\n", PROBLEM_YAML_FEATURE, 8, 10, "tag:yaml.org,2002:str",
     "tags", "quote"},
    {TASKS "    run: ! x\n", PROBLEM_YAML_FEATURE, 8, 10, "!", "tags", "quote"},
    {TASKS "    run: x\n    needs: !set [a]\n", PROBLEM_YAML_FEATURE, 9, 12, "!set",
     "tags", "remove"},
    {TASKS "    <<: {run: x}\n    noop: true\n", PROBLEM_YAML_FEATURE, 8, 5, "<<",
     "merge keys", "defaults"},
    {TASKS "    run: x\n    run: y\n", PROBLEM_DUPLICATE_KEY, 9, 5, "run",
     "first is in line 8", "remove one"},
    {TOP "tasks: {a: {run: x}, b: {run: y}, a: {run: z}}\n", PROBLEM_DUPLICATE_KEY, 3,
     35, "a", "line 3", "remove one"},
    {TOP "tasks: {a: {run: x}}\n---\nx: y\n", PROBLEM_DOCUMENTS, 4, 1, "---",
     "second document", "file of its own"},
    {TOP "tasks: {a: {run: x}}\n...\n---\n", PROBLEM_DOCUMENTS, 5, 1, "---",
     "second document", ""},
    {TASKS "    run: x\n    ? [a]\n    : 1\n", PROBLEM_KEY, 9, 7, "", "simple text",
     ""},
    {TASKS "    run: x\n    {a: b}: 1\n", PROBLEM_KEY, 9, 5, "", "simple text", ""},
    {TASKS "    run: x\n    '': 1\n", PROBLEM_KEY, 9, 5, "", "simple text", ""},
    {TASKS "    run: x\n    *a : 1\n", PROBLEM_YAML_FEATURE, 9, 5, "a", "aliases", ""},
    {TASKS "    run: x\n    priority: 99999999999999999999\n", PROBLEM_NUMBER, 9, 15,
     "99999999999999999999", "can be represented", "quote it"},
    {TASKS "    run: x\n    env: {A: .inf}\n", PROBLEM_NUMBER, 9, 14, ".inf", NULL,
     "quote it"},
    {TASKS "    run: x\n    env: {A: 1e999}\n", PROBLEM_NUMBER, 9, 14, "1e999", NULL,
     ""},
};

static void what_is_not_in_the_subset_is_refused_where_it_stands(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void a_zero_byte_is_refused_with_its_place(void **state)
{
    static const char text[] = "flowforge: 1\nname: a\0b\n";
    struct flow_problems p = {0};

    (void)state;
    assert_null(flow_parse(text, sizeof(text) - 1, &p));
    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_BYTES);
    assert_int_equal(p.items[0].line, 2);
    assert_int_equal(p.items[0].column, 8);
    flow_problems_done(&p);
}

static void nesting(struct buf *b, int depth)
{
    buf_add_text(b, TOP "tasks: {a: {run: x, env: {A: ");
    for (int i = 0; i < depth; i++)
        buf_add_char(b, '[');
    for (int i = 0; i < depth; i++)
        buf_add_char(b, ']');
    buf_add_text(b, "}}}\n");
}

static void nesting_is_allowed_up_to_32_levels(void **state)
{
    struct buf good = {0};
    struct buf bad = {0};

    (void)state;
    nesting(&good, FLOW_MAX_DEPTH - 4); /* file, tasks, a and env are four */
    flow_unref(read_good(buf_text(&good)));
    nesting(&bad, FLOW_MAX_DEPTH - 3);
    check_refusal(&(struct refusal){buf_text(&bad), PROBLEM_LIMIT, 3,
                                    30 + FLOW_MAX_DEPTH - 4, "", "32 deep", ""});
    buf_done(&good);
    buf_done(&bad);
}

static void very_deep_nesting_is_refused_without_reading_it_all(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, "a: ");
    for (int i = 0; i < 1000000; i++)
        buf_add_char(&b, '[');

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    flow_problems_done(&p);
    buf_done(&b);
}

static void a_file_over_64_mib_is_refused(void **state)
{
    const size_t len = FLOW_MAX_BYTES + 1;
    char *text = mem_alloc(len + 1);
    struct flow_problems p = {0};

    (void)state;
    memset(text, ' ', len);
    assert_null(flow_parse(text, len, &p));
    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    assert_non_null(strstr(p.items[0].msg, "64 MiB"));
    flow_problems_done(&p);
    mem_free(text);
}

static const struct {
    const char *text;
    const char *json;
} scalars[] = {
    {"null", "null"},
    {"~", "null"},
    {"", "null"},
    {"Null", "null"},
    {"true", "true"},
    {"True", "true"},
    {"FALSE", "false"},
    {"yes", "\"yes\""},
    {"no", "\"no\""},
    {"on", "\"on\""},
    {"off", "\"off\""},
    {"y", "\"y\""},
    {"nULL", "\"nULL\""},
    {"tRUE", "\"tRUE\""},
    {"0", "0"},
    {"-12", "-12"},
    {"+12", "12"},
    {"012", "12"},
    {"0o14", "12"},
    {"0xC", "12"},
    {"0b11", "\"0b11\""},
    {"1_000", "\"1_000\""},
    {"12:30:00", "\"12:30:00\""},
    {"2026-01-02", "\"2026-01-02\""},
    {"1.5", "1.5"},
    {".5", "0.5"},
    {"1.", "1.0"},
    {"-1.5e3", "-1500.0"},
    {"1e2", "100.0"},
    {".", "\".\""},
    {"[]", "[]"},
    {"+", "\"+\""},
    {"1e", "\"1e\""},
    {"0x", "\"0x\""},
    {"0o8", "\"0o8\""},
    {"0o", "\"0o\""},
    {"0xfg", "\"0xfg\""},
    {"25E1", "250.0"},
    {"1E", "\"1E\""},
    {"-0x1", "\"-0x1\""},
    {"1.2.3", "\"1.2.3\""},
    {"'1'", "\"1\""},
    {"\"true\"", "\"true\""},
    {"inf", "\"inf\""},
    {"nan", "\"nan\""},
    {"=", "\"=\""},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"\"a\\u00e9\\n\"", "\"a\xc3\xa9\\n\""},
    {"[1, a, {b: c}]", "[1,\"a\",{\"b\":\"c\"}]"},
    {"{}", "{}"},
    {"[]", "[]"},
};

static void scalars_are_those_of_the_core_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scalars); i++) {
        struct flow_problems problems = {0};
        struct tree t;
        struct buf text = {0};

        buf_printf(&text, "x: %s\n", scalars[i].text);
        assert_true(tree_read(&t, buf_text(&text), text.len, &problems));
        assert_int_equal(problems.n, 0);

        json_t *value = tree_json(&t.root.items[0].value);
        char *json = json_text(value);

        assert_string_equal(json, scalars[i].json);
        mem_free(json);
        json_decref(value);
        tree_done(&t);
        flow_problems_done(&problems);
        buf_done(&text);
    }
}

/* The position of the `$` of each file, by its own eyes. */
static void places_inside_scalars_are_exact(void **state)
{
    static const struct {
        const char *text;
        int line, column;
    } cases[] = {
        {"x: ${{ y }}\n", 1, 4},
        {"x: a b ${{ y }}\n", 1, 8},
        {"x: '${{ y }}'\n", 1, 5},
        {"x: \"a ${{ y }}\"\n", 1, 7},
        {"x: \"\xc3\xa9\xe2\x82\xac ${{ y }}\"\n", 1, 8},
        {"x: {y: [\"${{ y }}\"]}\n", 1, 10},
        {"\xEF\xBB\xBFx: ${{ y }}\n", 1, 4},
        {"x: |\n  a\n  b ${{ y }}\n", 3, 5},
        {"x: |-\n\n\n    b\n      ${{ y }}\n", 5, 7},
        {"x: |2\n    b ${{ y }}\n", 2, 7},
        {"x: |\r\n  a\r\n  b ${{ y }}\r\n", 3, 5},
        {"x: >\n  ${{ y }}\n  b\n", 2, 3},
        {"x:\n  - |\n    a\n    ${{ y }}", 4, 5},
        {"x: '''a'' ${{ y }}'\n", 1, 4}, /* not byte for byte: the scalar */
        {"x: \"\\t${{ y }}\"\n", 1, 4},
        {"x: >\n  b\n  ${{ y }}\n", 3, 3},
        {"x: >-\n  ${x\n\n  b ${{ y }}\n", 2, 3},
        {"x: a\n  b ${{ y }}\n", 2, 5},
        {"x: 'a\n  b ${{ y }}'\n", 1, 4}, /* quotes may hide more than white space */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flow_problems problems = {0};
        struct tree t;
        int line, column;

        assert_true(tree_read(&t, cases[i].text, strlen(cases[i].text), &problems));

        const struct tree_node *node = &t.root.items[0].value;

        while (node->kind >= TREE_LIST)
            node = &node->items[0].value;
        tree_place(&t, node, (size_t)(strchr(node->text, '$') - node->text), &line,
                   &column);
        if (line != cases[i].line || column != cases[i].column)
            print_message("%d:%d of %s", line, column, cases[i].text);
        assert_int_equal(line, cases[i].line);
        assert_int_equal(column, cases[i].column);
        tree_done(&t);
    }
}

/* What tree_place makes of a node that this source does not have. */
static void places_that_cannot_be_told_are_those_of_the_scalar(void **state)
{
    static const struct {
        const char *source, *text;
        uint32_t line, column;
        size_t offset;
        enum tree_style style;
    } cases[] = {
        {"x: abc\n", "abc", 99, 4, 1, TREE_PLAIN},
        {"x: abc\n", "abc", 99, 4, 1, TREE_BLOCK},
        {"x: abc\n", "abc", 1, 50, 1, TREE_PLAIN},
        {"x: abc\n", "abc", 1, 4, 9, TREE_PLAIN},    /* beyond the text */
        {"x: abc\n", "zzz zz", 1, 4, 4, TREE_PLAIN}, /* no such word */
        {"x: b\n", "b q b", 1, 4, 4, TREE_PLAIN},    /* only one of them */
        {"x: abc\n", "zbc", 1, 4, 3, TREE_PLAIN},    /* no word there */
        {"\xc3\xa9", "abc", 1, 2, 1, TREE_QUOTED},   /* a line of one character */
        {"\xc3\xa9", "abc", 1, 3, 1, TREE_QUOTED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tree t = {.source = cases[i].source, .len = strlen(cases[i].source)};
        const struct tree_node node = {.kind = TREE_TEXT,
                                       .style = (uint8_t)cases[i].style,
                                       .line = cases[i].line,
                                       .column = cases[i].column,
                                       .text = cases[i].text,
                                       .n = (uint32_t)strlen(cases[i].text)};
        int line, column;
        tree_place(&t, &node, cases[i].offset, &line, &column);
        assert_int_equal(line, cases[i].line);
        assert_int_equal(column, cases[i].column);
    }
}

static void a_byte_order_mark_takes_no_column(void **state)
{
    static const char source[] = "\xEF\xBB\xBFx: \"y\n";
    int line, column;

    (void)state;
    tree_place_of_byte(source, 4, &line, &column);
    assert_int_equal(line, 1);
    assert_int_equal(column, 2);
    tree_place_of_byte("abcd", 3, &line, &column);
    assert_int_equal(column, 4);
}

static void only_characters_that_break_lines_are_refused(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"x: \xc2\xa9\n", true},                /* U+00A9, as U+0085 begins */
        {"x: \xe2\x80\x93 \xe2\x82\xac", true}, /* U+2013, as U+2028 begins */
        {"x: a\xe2\x80\xa8", false},
        {"x: a\xe2\x80\xa9", false},
        {"x: a\xc2\x85", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flow_problems p = {0};
        const size_t len = strlen(cases[i].text);
        assert_int_equal(tree_check_bytes(cases[i].text, len, &p), cases[i].good);
        assert_int_equal(p.n, cases[i].good ? 0 : 1);
        flow_problems_done(&p);
    }
}

/* Of keys that are refused nothing is kept, so this needs no memory for a tree. */
static void values_are_counted_up_to_five_million(void **state)
{
    const size_t n = TREE_MAX_NODES / 2 + 1000; /* key and value count */
    struct buf b = {0};
    struct flow_problems p = {0};
    struct tree t;

    (void)state;
    for (size_t i = 0; i < n; i++)
        buf_add_text(&b, "<<:\n");
    assert_false(tree_read(&t, buf_text(&b), b.len, &p));
    assert_int_equal(p.n + p.n_more, TREE_MAX_NODES / 2 + 1);
    tree_done(&t);
    flow_problems_done(&p);
    buf_done(&b);
}

static void many_keys_are_compared_too(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "  t%d: {run: x}\n", i);
    buf_add_text(&b, "  t7: {run: x}\n  t999: {run: x}\n");

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 2);
    assert_int_equal(p.items[0].code, PROBLEM_DUPLICATE_KEY);
    assert_int_equal(p.items[0].line, 1004);
    assert_non_null(strstr(p.items[0].msg, "line 11"));
    assert_int_equal(p.items[1].line, 1005);
    flow_problems_done(&p);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_in_the_subset_is_refused_where_it_stands),
        cmocka_unit_test(a_zero_byte_is_refused_with_its_place),
        cmocka_unit_test(nesting_is_allowed_up_to_32_levels),
        cmocka_unit_test(very_deep_nesting_is_refused_without_reading_it_all),
        cmocka_unit_test(a_file_over_64_mib_is_refused),
        cmocka_unit_test(scalars_are_those_of_the_core_schema),
        cmocka_unit_test(places_inside_scalars_are_exact),
        cmocka_unit_test(places_that_cannot_be_told_are_those_of_the_scalar),
        cmocka_unit_test(a_byte_order_mark_takes_no_column),
        cmocka_unit_test(only_characters_that_break_lines_are_refused),
        cmocka_unit_test(values_are_counted_up_to_five_million),
        cmocka_unit_test(many_keys_are_compared_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
