/* Advice: each rule finds its bad example and not its good one; comments silence; what
 * is mended is good and no longer found. */
#include "support_cmocka.h"

#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: w\n"

/* What the format does not have yet. */
static bool is_later(const struct flow_problems *p)
{
    static const char *const keys[] = {"vars", "image", "approve", "http", "triggers"};

    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < COUNT_OF(keys); k++)
            if ((p->items[i].code == 16 || p->items[i].code == 10) &&
                strcmp(p->items[i].at, keys[k]) == 0)
                return true;
    return false;
}

/* How often a rule is found; -1: the format does not have this yet. */
static int count(const char *body, int id, struct buf *fixed)
{
    struct author_findings found = {0};
    struct flow_problems problems = {0};
    struct buf text = {0};
    struct ff_err err = {0};
    int n = 0;

    buf_printf(&text, "%s%s%s\n", HEAD,
               strstr(body, "tasks:") ? "" : "tasks: {a: {run: ./a}}\n", body);
    const int code =
        author_lint(buf_text(&text), text.len, &found, fixed, &problems, &err);
    if (code != FF_OK && is_later(&problems))
        n = -1;
    else if (code != FF_OK)
        fail_msg("FF%d: %s %s\n%s", id, err.msg,
                 problems.n ? problems.items[0].msg : "", buf_text(&text));
    for (size_t i = 0; i < found.n; i++)
        n += found.items[i].rule->id == id;
    author_findings_done(&found);
    flow_problems_done(&problems);
    buf_done(&text);
    return n;
}

static void each_rule_finds_its_bad_example_and_not_its_good_one(void **state)
{
    int later = 0;

    (void)state;
    for (const struct author_rule *rule = author_rules; rule->id; rule++) {
        const int bad = count(rule->bad, rule->id, NULL);
        const int good = count(rule->good, rule->id, NULL);
        if (bad < 0 || good < 0) {
            printf("FF%d: not in this version yet\n", rule->id);
            later++;
            continue;
        }
        if (bad == 0 || good != 0)
            fail_msg("FF%d: %d in\n%s\n%d in\n%s", rule->id, bad, rule->bad, good,
                     rule->good);
    }
    assert_true(later <= 7);
}

static void numbers_rise_and_names_are_unique(void **state)
{
    (void)state;
    for (const struct author_rule *rule = author_rules; rule->id; rule++) {
        assert_true(rule->id >= 200 && rule->id < 300);
        assert_true(rule == author_rules || rule->id > rule[-1].id);
        for (const struct author_rule *other = author_rules; other < rule; other++)
            assert_string_not_equal(rule->name, other->name);
    }
}

static void what_is_mended_is_found_no_more(void **state)
{
    int n = 0;

    (void)state;
    for (const struct author_rule *rule = author_rules; rule->id; rule++) {
        struct buf fixed = {0};
        const int bad = count(rule->bad, rule->id, &fixed);
        if (rule->fixes) {
            assert_true(fixed.len > 0);
            assert_int_equal(count(buf_text(&fixed) + strlen(HEAD), rule->id, NULL), 0);
            n++;
        } else {
            assert_true(bad < 0 || fixed.len == 0);
        }
        buf_done(&fixed);
    }
    assert_true(n >= 3);
}

static void mending_keeps_comments_and_the_rest(void **state)
{
    struct buf fixed = {0};

    (void)state;
    count("tasks:\n  a: {run: ./a}\n  b: {needs: [a], run: ./b}\n  c:\n    needs:\n"
          "      # of a\n      - a\n      - b\n    # of if\n    if: 'true'\n"
          "    # of run\n    run: ./c # tail\n",
          216, &fixed);
    assert_string_equal(buf_text(&fixed),
                        HEAD "tasks:\n  a: {run: ./a}\n  b: {needs: [a], run: ./b}\n"
                             "  c:\n    needs:\n      # of a\n      - b\n"
                             "    # of run\n    # of if\n    run: ./c  # tail\n");
    buf_done(&fixed);
}

static void comments_silence_a_rule_where_they_stand(void **state)
{
    static const char two[] = "tasks:\n  a:\n    run: ./a\n  b:\n    run: ./b\n";

    (void)state;
    assert_int_equal(count(two, 210, NULL), 2);
    assert_int_equal(count("tasks:\n  a: # flowforge: ignore FF210\n    run: ./a\n"
                           "  # flowforge: ignore FF201, FF210 -- it is short\n"
                           "  b:\n    run: ./b\n",
                           210, NULL),
                     0);
    assert_int_equal(count("tasks:\n  # flowforge: ignore FF210\n  a:\n    run: ./a\n"
                           "  b:\n    run: ./b\n",
                           210, NULL),
                     1);
    assert_int_equal(count("# flowforge: ignore-file FF210\ntasks:\n  a:\n    run: x\n"
                           "  b:\n    run: ./b\n",
                           210, NULL),
                     0);
    assert_int_equal(
        count("tasks:\n  a: # flowforge: ignore FF211\n    run: ./a\n", 245, NULL), 1);
}

/* Shell text of a task whose $V is computed. */
static int in_shell(const char *text, int id)
{
    struct buf body = {0};
    struct buf lines = {0};

    for (const char *at = text; *at; at++) {
        buf_add_char(&lines, *at);
        if (*at == '\n')
            buf_add_text(&lines, "      ");
    }
    buf_printf(&body,
               "inputs: {v: string}\ntasks:\n  t:\n    env: {V: \"${{ inputs.v }}\", "
               "C: constant}\n    run: |\n      %s\n",
               buf_text(&lines));
    const int n = count(buf_text(&body), id, NULL);
    buf_done(&body);
    buf_done(&lines);
    return n;
}

static void shell_quotes_are_understood(void **state)
{
    static const char *const bad[] = {"echo $V",
                                      "echo ${V}",
                                      "echo \"x\"$V",
                                      "echo \"$(cat $V)\"",
                                      "rm -f dir/$V",
                                      "echo 'a' $V",
                                      "f() { echo $V; }",
                                      "echo \"a\" \\\n$V",
                                      "cat <<E\nx\nE\necho $V"};
    static const char *const good[] = {"echo \"$V\"",
                                       "echo \"${V}\"",
                                       "X=$V",
                                       "case $V in a) ;; esac",
                                       "echo '$V'",
                                       "echo \\$V",
                                       "# echo $V",
                                       "echo $C $FF_OUT",
                                       "echo \"a $V b\"",
                                       "echo $((V + 1))",
                                       "echo $(($V+1))",
                                       "cat <<E\n$V\nE",
                                       "echo \"$(cat \"$V\")\"",
                                       "X=\"a\"$V",
                                       "echo \"${X:-$V}\""};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (in_shell(bad[i], 200) != 1)
            fail_msg("not found in: %s", bad[i]);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (in_shell(good[i], 200) != 0)
            fail_msg("found in: %s", good[i]);
}

static void words_of_bash_are_told_from_words(void **state)
{
    static const char *const bad[] = {
        "[[ -n x ]]",   "source ./env", "diff <(a) b",       "set -o pipefail",
        "x && [[ y ]]", "cat <<< x",    "function f { :; }", "a &> b"};
    static const char *const good[] = {
        "echo \"[[ x\"", "echo source",       "cat <<E\n[[ x\nE", "grep function x",
        "echo '<(x)'",   "sed 's/[[:a:]]//'", "# source ./env",   "a > b 2>&1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (in_shell(bad[i], 201) != 1)
            fail_msg("not found in: %s", bad[i]);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (in_shell(good[i], 201) != 0)
            fail_msg("found in: %s", good[i]);
}

static void needs_with_conditions_between_are_kept(void **state)
{
    (void)state;
    assert_int_equal(
        count("tasks:\n  a: {run: ./a}\n"
              "  b: {needs: [a], if: tasks.a.status == 'failed', run: ./b}\n"
              "  c: {needs: [a, b], run: ./c}\n",
              216, NULL),
        0);
    assert_int_equal(count("tasks:\n  a: {run: ./a}\n  b: {needs: [a], run: ./b}\n"
                           "  c: {needs: [a, b], needs_all: true, run: ./c}\n",
                           216, NULL),
                     0);
}

static void lint_file_of_any_kind(const char *path, const char *text, size_t len)
{
    struct author_findings found = {0};
    struct flow_problems problems = {0};
    struct buf fixed = {0};
    struct ff_err err = {0};
    const int code = author_lint(text, len, &found, &fixed, &problems, &err);

    if (code != FF_OK && (code != FF_INVALID || found.n > 0))
        fail_msg("%s: %s", path, err.msg);
    for (size_t i = 0; i < found.n; i++) {
        assert_true(found.items[i].line > 0 && found.items[i].column > 0);
        if (found.items[i].rule->severity == AUTHOR_ERROR)
            fail_msg("%s:%d: %s", path, found.items[i].line, found.items[i].msg);
    }
    author_findings_done(&found);
    flow_problems_done(&problems);
    buf_done(&fixed);
}

static void no_file_of_the_tree_breaks_it_and_no_example_has_an_error(void **state)
{
    (void)state;
    assert_true(for_each_file(lint_file_of_any_kind) > 50);
}

static void a_large_file_takes_no_long_time(void **state)
{
    struct author_findings found = {0};
    struct flow_problems problems = {0};
    struct buf text = {0};
    struct ff_err err = {0};

    (void)state;
    buf_add_text(&text, HEAD "timeout: 1h\ntasks:\n");
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, "  t%d: {run: ./work %d, outputs: {o: file}%s%d%s}\n", i, i,
                   i > 0 ? ", needs: [t" : ", priority: ", i > 0 ? i - 1 : 1,
                   i > 0 ? "]" : "");
    assert_int_equal(
        author_lint(buf_text(&text), text.len, &found, NULL, &problems, &err), FF_OK);
    assert_true(found.n >= 20000);
    author_findings_done(&found);
    flow_problems_done(&problems);
    buf_done(&text);
}

static void sarif_names_rules_files_and_lines(void **state)
{
    struct author_finding finding = {.rule = &author_rules[1], .line = 3, .column = 5};
    struct author_findings found = {.items = &finding, .n = 1};
    const struct author_linted file = {"a.yaml", &found};

    (void)state;
    strcpy(finding.msg, "said");
    json_t *all = author_sarif(&file, 1, "1.2.3");
    const char *uri = NULL;
    const char *id = NULL;
    int line = 0;
    int index = -1;
    assert_int_equal(json_unpack(all,
                                 "{s:[{s:[{s:s, s:i, s:[{s:{s:{s:s}, s:{s:i}}}]}]}]}",
                                 "runs", "results", "ruleId", &id, "ruleIndex", &index,
                                 "locations", "physicalLocation", "artifactLocation",
                                 "uri", &uri, "region", "startLine", &line),
                     0);
    assert_string_equal(uri, "a.yaml");
    assert_string_equal(id, "FF201");
    assert_int_equal(line, 3);
    assert_int_equal(index, 1);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_finds_its_bad_example_and_not_its_good_one),
        cmocka_unit_test(numbers_rise_and_names_are_unique),
        cmocka_unit_test(what_is_mended_is_found_no_more),
        cmocka_unit_test(mending_keeps_comments_and_the_rest),
        cmocka_unit_test(comments_silence_a_rule_where_they_stand),
        cmocka_unit_test(shell_quotes_are_understood),
        cmocka_unit_test(words_of_bash_are_told_from_words),
        cmocka_unit_test(needs_with_conditions_between_are_kept),
        cmocka_unit_test(no_file_of_the_tree_breaks_it_and_no_example_has_an_error),
        cmocka_unit_test(a_large_file_takes_no_long_time),
        cmocka_unit_test(sarif_names_rules_files_and_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
