/* What is written back: layout, comments, blocks; and that nothing gets lost, on texts
 * made at random. FF_SEED and FF_CASES repeat and prolong a run. */
#include "support_cmocka.h"

#include "source/source.h"

#include <stdlib.h>
#include <string.h>

static char *print(const char *text)
{
    struct source s;
    struct ff_err err = {0};
    struct buf out = {0};

    if (source_read(&s, text, strlen(text), false, &err) != FF_OK)
        fail_msg("%s\n%s", err.msg, text);
    source_print(&s, &out);
    source_done(&s);
    return out.len > 0 ? buf_take(&out) : mem_text("");
}

static void check(const char *text, const char *wanted)
{
    char *made = print(text);
    char *again = print(made);

    assert_string_equal(made, wanted);
    assert_string_equal(again, wanted);
    mem_free(made);
    mem_free(again);
}

static void two_columns_a_level_whatever_there_were(void **state)
{
    (void)state;
    check("a:\n      b:\n       - 1\n       -   c: 2\n           d: 3\n",
          "a:\n  b:\n    - 1\n    - c: 2\n      d: 3\n");
    check("a:\n- x\n-  - y\n   - z\n", "a:\n  - x\n  - - y\n    - z\n");
    check("--- \na:    1\n...\n", "a: 1\n");
    check("\xEF\xBB\xBF"
          "a: 1\r\nb: 2\r\n",
          "a: 1\nb: 2\n");
    check("a:\nb: ~\n", "a:\nb: ~\n");
}

static void short_lists_and_maps_stay_on_their_line(void **state)
{
    char wide[200] = "a: [";
    char *made;

    (void)state;
    check("a: {x:   1,y: [ 2 , 3 ] }\n", "a: {x: 1, y: [2, 3]}\n");
    check("a: {x, y: }\nb: []\nc: { }\n", "a: {x: null, y: null}\nb: []\nc: {}\n");
    check("a: [1, # one\n  2]\n", "a:\n  - 1  # one\n  - 2\n");
    while (strlen(wide) < 110)
        strcat(wide, "word, ");
    strcat(wide, "end]\n");
    made = print(wide);
    assert_non_null(strstr(made, "a:\n  - word\n  - word\n"));
    mem_free(made);
}

static void quotes_stay_and_single_ones_become_double(void **state)
{
    (void)state;
    check("a: 'x'\nb: \"y\"\nc: 'it''s'\nd: 'a\\b'\ne: '\"'\n",
          "a: \"x\"\nb: \"y\"\nc: \"it's\"\nd: 'a\\b'\ne: '\"'\n");
}

static void comments_stay_at_what_they_stand_at(void **state)
{
    (void)state;
    check("# top\n\n# second\na: 1 # tail\n# of b\nb:\n    # of c\n    c: 2\n"
          "    # foot of b\n# foot\n",
          "# top\n\n# second\na: 1  # tail\n# of b\nb:\n  # of c\n  c: 2\n"
          "  # foot of b\n# foot\n");
    check("a: # of a\n  b: 1\n", "a:  # of a\n  b: 1\n");
    check("a: # why\n  1 # what\n", "# why\na: 1  # what\n");
    check("a:\n  - # of x\n    x: 1\n", "a:\n  # of x\n  - x: 1\n");
    check("a: {b: 1, # one\n  # two\n  c: 2 # three\n  # four\n} # five\n",
          "a:  # five\n  b: 1  # one\n  # two\n  c: 2  # three\n  # four\n");
    check("- [1, # one\n 2] # two\n", "- - 1  # one\n  - 2\n  # two\n");
    check("a: \"# no\"\nb: x#y\n", "a: \"# no\"\nb: x#y\n");
    check("# only\n{}\n", "# only\n{}\n");
    check("x # y\n", "x\n# y\n");
}

static void comments_behind_neighbours_stand_under_each_other(void **state)
{
    (void)state;
    check("a: 1 # x\nbbbb: 2 # y\n\nc: 3 # z\n",
          "a: 1     # x\nbbbb: 2  # y\n\nc: 3  # z\n");
    check("a: # x\n  b: 2 # y\n", "a:  # x\n  b: 2  # y\n");
    check("a: 1 # x\nb: a long text that would move the short one far # y\n",
          "a: 1  # x\nb: a long text that would move the short one far  # y\n");
}

static void one_empty_line_is_kept_of_many(void **state)
{
    (void)state;
    check("\n\na: 1\n\n\n\nb:\n\n  c: 2\n\n\n# x\n\nd: 3\n\n",
          "a: 1\n\nb:\n  c: 2\n\n# x\n\nd: 3\n");
}

static void blocks_keep_every_character(void **state)
{
    (void)state;
    check("a: |\n       x\n         y\n\n       z\nb: |- # c\n  x\n\n\nc: |+\n  "
          "x\n\n\nd: 1\n",
          "a: |\n  x\n    y\n\n  z\nb: |-  # c\n  x\n\nc: |+\n  x\n\n\nd: 1\n");
    check("a: |2\n    x\n  y\n", "a: |2\n    x\n  y\n");
    check("a: |\n\n\nb: |+\n\n\nc: >-\n\n", "a: \"\"\n\nb: \"\\n\\n\"\nc: \"\"\n");
    check("a: >\n      x\n      y\n\n        z\n      w\n",
          "a: >\n  x\n  y\n\n    z\n  w\n");
    check("a: >+\n    x\n\nb: >-\n    y\n\n", "a: >+\n  x\n\nb: >-\n  y\n");
    check("a: |2\n  \ttab\n", "a: |2\n  \ttab\n");
}

static void texts_over_several_lines_are_moved(void **state)
{
    (void)state;
    check("a: x\n       y\n\n       z\nb: \"p\n q \\\n   r\"\nc: 'k\n   l'\n",
          "a: x\n  y\n\n  z\nb: \"p\n  q \\\n  r\"\nc: 'k\n  l'\n");
    check("a: {b: x\n  y}\n", "a:\n  b: x\n    y\n");
    check("{\"a\n b\", c}\n", "{\"a b\": null, c: null}\n");
}

static void what_is_not_one_document_is_refused(void **state)
{
    static const char *const bad[] = {
        "",         "a: &x 1\n",      "a: !t 1\n", "a: *x\n",           "a: [\n",
        "[a]: 1\n", "--- a\n--- b\n", "\xff\n",    "a: \xEF\xBB\xBF\n", "a: \"\\0\"\n"};
    struct source s;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ff_err err = {0};
        assert_int_equal(source_read(&s, bad[i], strlen(bad[i]), false, &err),
                         FF_INVALID);
        assert_true(err.msg[0]);
    }
}

static void aliases_and_merges_are_resolved_where_they_may_be(void **state)
{
    static const char text[] = "base: &b {x: 1, y: 2}\nthird: &c [1]\n"
                               "m:\n  <<: *b\n  y: 3\nl: *c\nt: !t v\nu: &d  w\n";
    struct ff_err err = {0};
    struct source s;

    (void)state;
    assert_int_equal(source_read(&s, text, strlen(text), true, &err), FF_OK);
    const struct source_node *m = source_get(&s.root, "m");
    assert_int_equal(m->n, 2);
    assert_true(source_is_text(source_get(m, "y"), "3"));
    assert_true(source_is_text(source_get(m, "x"), "1"));
    assert_int_equal(source_get(&s.root, "l")->n, 1);
    assert_string_equal(source_get(&s.root, "t")->raw, "v");
    assert_string_equal(source_get(&s.root, "u")->raw, "w");
    source_done(&s);
}

static void aliases_cannot_make_a_small_file_huge(void **state)
{
    struct ff_err err = {0};
    struct buf text = {0};
    struct source s;

    (void)state;
    buf_add_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_printf(&text, "%s*a%d", k ? ", " : "", i - 1);
        buf_add_text(&text, "]\n");
    }
    assert_int_equal(source_read(&s, buf_text(&text), text.len, true, &err),
                     FF_INVALID);
    buf_done(&text);
}

static void made_texts_are_read_as_they_were(void **state)
{
    static const char *const texts[] = {"",
                                        "plain",
                                        "a b",
                                        "1",
                                        "true",
                                        "null",
                                        "~",
                                        "on",
                                        "a: b",
                                        "# x",
                                        " x",
                                        "x ",
                                        "line\nline\n",
                                        "no end\nof line",
                                        "  deep\n x\n",
                                        "\n\nlate\n",
                                        "keep\n\n\n",
                                        "\n",
                                        "tab\tin",
                                        "quote\"s and \\",
                                        "bell\a",
                                        "\xc2\x85",
                                        "\xe2\x80\xa8x",
                                        "- a",
                                        "[x]",
                                        "{x}",
                                        "a, b",
                                        "${{ x }}",
                                        "@x",
                                        "it's",
                                        "%x",
                                        "-1",
                                        "0x1f",
                                        "1e3",
                                        ".5",
                                        "x\nbell\a",
                                        "no\xc3\xa9l",
                                        ("a\n\xc2\x85"
                                         "b"),
                                        "!x",
                                        "=",
                                        "<<"};
    struct buf out = {0};
    struct source s = {.root = source_made_map()};
    struct source again;
    struct ff_err err = {0};

    (void)state;
    struct source_node list = source_made_list();
    struct source_node flow = source_made_list();
    flow.style = SOURCE_FLOW;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        source_append(&s, &list, source_made_text(&s, texts[i], strlen(texts[i])));
        if (!strchr(texts[i], '\n') && flow.n < 9)
            source_append(&s, &flow, source_made_text(&s, texts[i], strlen(texts[i])));
    }
    source_add(&s, &s.root, "list", list);
    source_add(&s, &s.root, "flow", flow);
    source_add(&s, &s.root, "a key: odd", source_made_f(&s, "%d", 7));
    source_comment(&s, &source_pair(&s.root, "flow")->head, "two\nlines");
    source_print(&s, &out);
    if (source_read(&again, buf_text(&out), out.len, false, &err) != FF_OK)
        fail_msg("%s\n%s", err.msg, buf_text(&out));
    list = *source_get(&again.root, "list");
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        json_t *value = source_json(&list.items[i].value);
        assert_true(json_is_string(value));
        assert_string_equal(json_string_value(value), texts[i]);
        json_decref(value);
    }
    assert_true(source_same(&s.root, &again.root));
    assert_non_null(strstr(buf_text(&out), "# two\n# lines\nflow: ["));
    buf_done(&out);
    source_done(&again);
    source_done(&s);
}

static void values_become_json_by_the_core_schema(void **state)
{
    static const char text[] =
        "[1, 0x1f, 0o17, 1.5, true, ~, yes, \"1\", {a: []}, 1e400]";
    struct ff_err err = {0};
    struct source s;

    (void)state;
    assert_int_equal(source_read(&s, text, strlen(text), false, &err), FF_OK);
    json_t *value = source_json(&s.root);
    char *json = json_text(value);
    assert_string_equal(json,
                        "[1,31,15,1.5,true,null,\"yes\",\"1\",{\"a\":[]},\"1e400\"]");
    mem_free(json);
    json_decref(value);
    source_done(&s);
}

/* --- at random --- */

struct maker {
    struct rand rand;
    struct buf out;
    int n_comments;
    int budget;
};

static bool chance(struct maker *m, uint64_t one_in)
{
    return rand_below(&m->rand, one_in) == 0;
}

static void make_comment_line(struct maker *m, size_t indent)
{
    if (chance(m, 6))
        buf_add_text(&m->out, chance(m, 2) ? "\n" : "  \n\n");
    if (!chance(m, 5))
        return;
    const size_t odd = chance(m, 4) ? rand_below(&m->rand, 9) : indent;
    for (size_t i = 0; i < odd; i++)
        buf_add_char(&m->out, ' ');
    buf_printf(&m->out, "# c%d.\n", m->n_comments++);
}

static void make_end(struct maker *m)
{
    if (chance(m, 5))
        buf_printf(&m->out, "%*s# c%d.", 1 + (int)rand_below(&m->rand, 3), "",
                   m->n_comments++);
    buf_add_char(&m->out, '\n');
}

static void make_indent(struct maker *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_char(&m->out, ' ');
}

static void make_block(struct maker *m, size_t indent)
{
    static const char *const heads[] = {"|", "|-", "|+", ">", ">-", ">+"};
    const size_t deeper = indent + 1 + rand_below(&m->rand, 4);

    buf_add_text(&m->out, heads[rand_below(&m->rand, COUNT_OF(heads))]);
    make_end(m);
    for (uint64_t n = 1 + rand_below(&m->rand, 5), i = 0; i < n; i++) {
        if (i > 0 && chance(m, 4)) {
            buf_add_char(&m->out, '\n');
            continue;
        }
        make_indent(m, deeper + (i > 0 && chance(m, 4) ? 2 : 0));
        buf_printf(&m->out, "text # %d: x\n", (int)i);
    }
    if (chance(m, 3))
        buf_add_char(&m->out, '\n');
}

static const char *const scalars[] = {"x",          "1",        "true",  "~",
                                      "'it''s'",    "\"q\\n\"", "'a b'", "a b c",
                                      "http://x/y", "-1.5",     "\"\"",  "'# no'"};

static void make_flow(struct maker *m, int depth)
{
    const bool is_map = chance(m, 2);
    const bool lines = chance(m, 4);

    buf_add_char(&m->out, is_map ? '{' : '[');
    for (uint64_t n = rand_below(&m->rand, 4), i = 0; i < n; i++) {
        if (i > 0)
            buf_add_text(&m->out, chance(m, 2) ? " ," : ", ");
        if (lines) {
            make_end(m);
            make_indent(m, 40);
        }
        if (is_map)
            buf_printf(&m->out, "k%d: ", (int)i);
        if (depth < 3 && chance(m, 4))
            make_flow(m, depth + 1);
        else
            buf_add_text(&m->out, scalars[rand_below(&m->rand, COUNT_OF(scalars))]);
    }
    if (lines) {
        make_end(m);
        make_indent(m, 40);
    }
    buf_add_char(&m->out, is_map ? '}' : ']');
}

static void make_items(struct maker *m, size_t indent, int depth, bool behind);

static void make_value(struct maker *m, size_t indent, int depth, bool in_list)
{
    const uint64_t what = rand_below(&m->rand, 10);

    if (what < 3 && depth < 5 && --m->budget > 0) {
        const size_t deeper = indent + 1 + rand_below(&m->rand, 4);
        if (in_list && chance(m, 2)) {
            make_indent(m, deeper - indent - 1);
            make_items(m, deeper, depth + 1, true);
        } else {
            make_end(m);
            make_items(m, deeper, depth + 1, false);
        }
        return;
    }
    buf_add_char(&m->out, ' ');
    if (what == 3) {
        make_block(m, indent);
        return;
    }
    if (what == 4) {
        make_flow(m, 0);
    } else if (what == 5) {
        const bool quoted = chance(m, 2);
        buf_add_text(&m->out, quoted ? "\"one\n" : "one\n");
        make_indent(m, indent + 3);
        buf_add_text(&m->out, quoted ? "two\"" : "two");
    } else if (what < 9) {
        buf_add_text(&m->out, scalars[rand_below(&m->rand, COUNT_OF(scalars))]);
    }
    make_end(m);
}

static void make_items(struct maker *m, size_t indent, int depth, bool behind)
{
    const bool is_map = depth == 0 || chance(m, 2);

    for (uint64_t n = 1 + rand_below(&m->rand, 4), i = 0; i < n; i++) {
        if (i > 0 || !behind) {
            make_comment_line(m, indent);
            make_indent(m, indent);
        }
        if (is_map)
            buf_printf(&m->out, chance(m, 8) ? "'k%d':" : "k%d:", (int)i);
        else
            buf_add_char(&m->out, '-');
        make_value(m, indent, depth, !is_map);
    }
    if (chance(m, 3))
        make_comment_line(m, indent);
}

static void check_comments(const char *text, const char *made, int n)
{
    char mark[16];

    for (int i = 0; i < n; i++) {
        snprintf(mark, sizeof(mark), "# c%d.", i);
        const char *at = strstr(made, mark);
        if (!at || strstr(at + 1, mark))
            fail_msg("%s\n--- became\n%s\n--- with comment %d %s", text, made, i,
                     at ? "twice" : "lost");
    }
}

static int make_case(uint64_t seed)
{
    struct maker m = {.budget = 12};
    struct ff_err err = {0};
    struct source s, again;
    struct buf out = {0}, twice = {0};

    rand_seed(&m.rand, seed);
    make_items(&m, 0, 0, false);
    const char *text = buf_text(&m.out);
    const int rc = source_read(&s, text, m.out.len, false, &err);
    if (rc == FF_OK) {
        source_print(&s, &out);
        if (source_read(&again, buf_text(&out), out.len, false, &err) != FF_OK)
            fail_msg("seed %lu: %s\n%s\n--- became\n%s", seed, err.msg, text,
                     buf_text(&out));
        source_print(&again, &twice);
        if (!source_same(&s.root, &again.root) ||
            strcmp(buf_text(&out), buf_text(&twice)) != 0)
            fail_msg("seed %lu:\n%s\n--- became\n%s\n--- and then\n%s", seed, text,
                     buf_text(&out), buf_text(&twice));
        check_comments(text, buf_text(&out), m.n_comments);
        source_done(&again);
        source_done(&s);
    }
    buf_done(&out);
    buf_done(&twice);
    buf_done(&m.out);
    return rc == FF_OK;
}

static void nothing_is_lost_or_changed_in_texts_made_at_random(void **state)
{
    const char *given = getenv("FF_SEED");
    const char *cases = getenv("FF_CASES");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    const int n = cases ? atoi(cases) : 3000;
    int read = 0;

    (void)state;
    for (int i = 0; i < n; i++)
        read += make_case(seed + (uint64_t)i);
    printf("seed %lu: %d of %d texts were YAML\n", seed, read, n);
    assert_true(n < 100 || read > n / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_columns_a_level_whatever_there_were),
        cmocka_unit_test(short_lists_and_maps_stay_on_their_line),
        cmocka_unit_test(quotes_stay_and_single_ones_become_double),
        cmocka_unit_test(comments_stay_at_what_they_stand_at),
        cmocka_unit_test(comments_behind_neighbours_stand_under_each_other),
        cmocka_unit_test(one_empty_line_is_kept_of_many),
        cmocka_unit_test(blocks_keep_every_character),
        cmocka_unit_test(texts_over_several_lines_are_moved),
        cmocka_unit_test(what_is_not_one_document_is_refused),
        cmocka_unit_test(aliases_and_merges_are_resolved_where_they_may_be),
        cmocka_unit_test(aliases_cannot_make_a_small_file_huge),
        cmocka_unit_test(made_texts_are_read_as_they_were),
        cmocka_unit_test(values_become_json_by_the_core_schema),
        cmocka_unit_test(nothing_is_lost_or_changed_in_texts_made_at_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
