/* Formatting workflow files: the plan is the same before and after, and formatting what
 * is formatted changes nothing. */
#include "support_cmocka.h"

#include "support.h"

#include <string.h>

static char *format(const char *text)
{
    struct flow_problems problems = {0};
    struct buf out = {0};
    struct ff_err err = {0};

    if (author_format(text, strlen(text), &out, &problems, &err) != FF_OK)
        fail_msg("%s\n%s", err.msg, text);
    return out.len > 0 ? buf_take(&out) : mem_text("");
}

static void check(const char *text, const char *wanted)
{
    MEM_AUTO char *made = format(text);
    MEM_AUTO char *again = format(made);

    assert_string_equal(made, wanted);
    assert_string_equal(again, wanted);
}

static void other_spellings_of_keys_become_snake_case(void **state)
{
    (void)state;
    check("flowforge: 1\nname: w\nonFailure:\n- {id: h, run: x}\ndefaults:\n"
          "  queue-timeout: 5m\n  retry: {maxAttempts: 2}\ntasks:\n  a:\n    run: x\n"
          "    needsAll: true\n    max-parallel: 2\n    foreach: [1]\n"
          "    retry: {exit-codes: [1], maxDelay: 1s}\n    working-dir: y\n",
          "flowforge: 1\nname: w\non_failure:\n  - {id: h, run: x}\ndefaults:\n"
          "  queue_timeout: 5m\n  retry: {max_attempts: 2}\ntasks:\n  a:\n    run: x\n"
          "    needs_all: true\n    max_parallel: 2\n    foreach: [1]\n"
          "    retry: {exit_codes: [1], max_delay: 1s}\n    working_dir: y\n");
}

static void names_that_the_author_gave_are_left_alone(void **state)
{
    static const char text[] =
        "flowforge: 1\nname: w\ntasks:\n  a:\n    env: {maxParallel: 1, on-failure: "
        "2}\n"
        "    stdin: {max-parallel: 3, \"quoted\": 4}\n    run: x\n";

    (void)state;
    check(text, "flowforge: 1\nname: w\ntasks:\n  a:\n"
                "    env: {maxParallel: 1, on-failure: 2}\n"
                "    stdin: {max-parallel: 3, quoted: 4}\n    run: x\n");
}

static void keys_lose_quotes_that_they_do_not_need(void **state)
{
    (void)state;
    check("{\"flowforge\": 1, 'name': w, \"tasks\": {\"a\": {\"noop\": true}}}\n",
          "{flowforge: 1, name: w, tasks: {a: {noop: true}}}\n");
    check("\"on\": 1\n\"1\": 2\n\"true\": 3\n\"a b\": 4\n",
          "\"on\": 1\n\"1\": 2\n\"true\": 3\n\"a b\": 4\n");
}

static void a_file_with_mistakes_of_the_format_is_formatted_too(void **state)
{
    (void)state;
    check("flowforge: 1\ntaks:\n   a:    {runn: x}\n",
          "flowforge: 1\ntaks:\n  a: {runn: x}\n");
}

static void what_is_no_yaml_is_refused_with_its_place(void **state)
{
    static const char *const bad[] = {
        "a: [\n",         "a: 1\na: 2\n",        "x: &a 1\n",
        "--- a\n--- b\n", "maxParallel: .inf\n", "\xff"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct flow_problems problems = {0};
        struct buf out = {0};
        struct ff_err err = {0};
        assert_int_equal(author_format(bad[i], strlen(bad[i]), &out, &problems, &err),
                         FF_INVALID);
        assert_true(problems.n > 0 && problems.items[0].line > 0);
        assert_int_equal(out.len, 0);
        flow_problems_done(&problems);
    }
}

static int n_good;

static void check_file(const char *path, const char *text, size_t len)
{
    struct flow_problems problems = {0};
    struct flow_problems after = {0};
    struct buf made = {0};
    struct ff_err err = {0};
    const int code = author_format(text, len, &made, &problems, &err);

    if (code != FF_OK && code != FF_INVALID)
        fail_msg("%s: %s", path, err.msg);
    struct flow *before_plan = flow_parse(text, len, &after);
    if (before_plan && code != FF_OK)
        fail_msg("%s is good and refused: %s", path, err.msg);
    struct flow *plan =
        code == FF_OK ? flow_parse(buf_text(&made), made.len, &after) : NULL;
    if (before_plan) {
        if (!plan)
            fail_msg("%s is refused once it is formatted:\n%s", path, buf_text(&made));
        MEM_AUTO char *a = dump_plan(before_plan);
        MEM_AUTO char *b = dump_plan(plan);
        assert_string_equal(a, b);
        n_good++;
    }
    if (code == FF_OK) {
        MEM_AUTO char *again = format(buf_text(&made));
        assert_string_equal(again, buf_text(&made));
    }
    flow_unref(before_plan);
    flow_unref(plan);
    flow_problems_done(&problems);
    flow_problems_done(&after);
    buf_done(&made);
}

static void plans_are_the_same_before_and_after(void **state)
{
    (void)state;
    assert_true(for_each_file(check_file) > 50);
    assert_true(n_good > 10);
}

/* --- diffs --- */

static void check_diff(const char *before, const char *after, const char *wanted)
{
    struct buf out = {0};

    author_diff("f", before, after, &out);
    assert_string_equal(buf_text(&out), wanted);
    buf_done(&out);
}

static void a_diff_shows_what_changes_and_three_lines_around(void **state)
{
    (void)state;
    check_diff("a\n", "a\n", "");
    check_diff("", "a\n", "--- f\n+++ f (formatted)\n@@ -0,0 +1 @@\n+a\n");
    check_diff("a", "",
               "--- f\n+++ f (formatted)\n@@ -1 +0,0 @@\n-a\n"
               "\\ No newline at end of file\n");
    check_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
               "--- f\n+++ f (formatted)\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n"
               " 7\n 8\n");
    check_diff("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n",
               "--- f\n+++ f (formatted)\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
               "@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-b\n+B\n");
}

/* Applies a diff without its header, and compares. */
static void apply(const char *before, const char *diff, struct buf *out)
{
    const char *at = before;
    size_t line = 1;

    while (*diff) {
        size_t from = 0;
        if (strncmp(diff, "@@ -", 4) == 0) {
            from = strtoul(diff + 4, NULL, 10);
            const char *comma = strchr(diff, ',');
            if (comma && comma[1] == '0' && comma < strchr(diff, '+'))
                from++;
            for (; line < from; line++) {
                const size_t len = strcspn(at, "\n") + 1;
                buf_add(out, at, len);
                at += len;
            }
        } else if (diff[0] != '-' || diff[1] != '-') {
            const size_t len = strcspn(diff, "\n") + 1;
            if (diff[0] != '-')
                buf_add(out, diff + 1, len - 1);
            if (diff[0] != '+') {
                at += strcspn(at, "\n") + 1;
                line++;
            }
        }
        diff += strcspn(diff, "\n") + 1;
    }
    buf_add_text(out, at);
}

static void a_diff_applied_gives_the_other_text(void **state)
{
    struct rand rand;

    (void)state;
    rand_seed(&rand, 7);
    for (int round = 0; round < 300; round++) {
        struct buf a = {0}, b = {0}, diff = {0}, made = {0};
        for (uint64_t n = rand_below(&rand, 40), i = 0; i < n; i++) {
            const uint64_t what = rand_below(&rand, 8);
            if (what != 1)
                buf_printf(&a, "l%d\n", (int)rand_below(&rand, 5));
            if (what > 1)
                buf_add_text(&b, a.len > 3 ? a.data + a.len - 3 : "");
            else if (what == 1)
                buf_printf(&b, "n%d\n", (int)rand_below(&rand, 5));
        }
        author_diff("f", buf_text(&a), buf_text(&b), &diff);
        const char *body = strstr(buf_text(&diff), "@@");
        apply(buf_text(&a), body ? body : "", &made);
        assert_string_equal(buf_text(&made), buf_text(&b));
        buf_done(&a);
        buf_done(&b);
        buf_done(&diff);
        buf_done(&made);
    }
}

static void texts_without_anything_in_common_are_replaced_whole(void **state)
{
    struct buf a = {0}, b = {0}, diff = {0};

    (void)state;
    for (int i = 0; i < 1500; i++) {
        buf_printf(&a, "a%d\n", i);
        buf_printf(&b, "b%d\n", i);
    }
    author_diff("f", buf_text(&a), buf_text(&b), &diff);
    assert_non_null(strstr(buf_text(&diff), "@@ -1,1500 +1,1500 @@"));
    buf_done(&a);
    buf_done(&b);
    buf_done(&diff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_spellings_of_keys_become_snake_case),
        cmocka_unit_test(names_that_the_author_gave_are_left_alone),
        cmocka_unit_test(keys_lose_quotes_that_they_do_not_need),
        cmocka_unit_test(a_file_with_mistakes_of_the_format_is_formatted_too),
        cmocka_unit_test(what_is_no_yaml_is_refused_with_its_place),
        cmocka_unit_test(plans_are_the_same_before_and_after),
        cmocka_unit_test(a_diff_shows_what_changes_and_three_lines_around),
        cmocka_unit_test(a_diff_applied_gives_the_other_text),
        cmocka_unit_test(texts_without_anything_in_common_are_replaced_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
