/* Expectations against a result: what differs is said, and what makes no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simulate/simulate.h"

#include <string.h>

static const char failed_text[] =
    "{\"state\": \"failed\", \"over\": true, \"reason\": \"task_failed\","
    " \"message\": \"task b failed: boom\", \"duration\": 12.5,"
    " \"outputs\": {\"sum\": 3, \"list\": [1, 2]},"
    " \"order\": [\"a\", \"c\", \"b\"],"
    " \"tasks\": {\"a\": {\"state\": \"succeeded\", \"attempts\": 1},"
    "             \"b\": {\"state\": \"failed\", \"attempts\": 3, \"exit_code\": 2}}}";

static int judge_of(const char *result_text, const char *expect_text, struct buf *out)
{
    struct ff_err err = {0};
    json_t *expect = json_parse(expect_text, strlen(expect_text), &err);
    json_t *result = json_parse(result_text, strlen(result_text), &err);

    assert_non_null(expect);
    assert_non_null(result);
    const int code = simulate_expect(expect, result, out, &err);
    json_decref(expect);
    json_decref(result);
    return code;
}

static int judge(const char *expect_text, struct buf *out)
{
    return judge_of(failed_text, expect_text, out);
}

/* "": it is as expected. */
static void says(const char *expect, const char *differences)
{
    struct buf out = {0};

    assert_int_equal(judge(expect, &out), FF_OK);
    assert_string_equal(buf_text(&out), differences);
    buf_done(&out);
}

static void refuses(const char *expect)
{
    struct buf out = {0};

    assert_int_equal(judge(expect, &out), FF_INVALID);
    buf_done(&out);
}

static void what_is_as_expected_says_nothing(void **state)
{
    (void)state;
    says("{\"state\": \"failed\", \"reason\": \"task_failed\", \"message\": \"boom\"}",
         "");
    says("{\"outputs\": {\"sum\": 3.0}, \"order\": [\"a\", \"b\"]}", "");
    says("{\"tasks\": {\"a\": \"succeeded\", \"d\": \"absent\"}}", "");
    says("{\"tasks\": {\"b\": {\"attempts\": 3, \"exit_code\": 2}}}", "");
    says(
        "{\"attempts\": {\"b\": 3}, \"duration\": {\"below\": \"13s\", \"above\": 12}}",
        "");
}

static void what_it_waits_for_is_said_where_it_is_not_over(void **state)
{
    static const char waiting[] =
        "{\"state\": \"running\", \"over\": false, \"waits_for\": ["
        "{\"task\": \"ask\", \"for\": \"approval\", \"message\": \"Go?\","
        " \"hint\": \"mock it\"},"
        "{\"task\": \"paid\", \"for\": \"event\", \"hint\": \"mock it, too\"}]}";
    struct buf out = {0};

    (void)state;
    assert_int_equal(judge_of(waiting, "{\"state\": \"succeeded\"}", &out), FF_OK);
    assert_string_equal(buf_text(&out),
                        "state: expected \"succeeded\", got \"running\"\n"
                        "  ask waits for an approval, Go?: mock it\n"
                        "  paid waits for an event: mock it, too\n");
    buf_clear(&out);
    assert_int_equal(judge_of(waiting, "{\"state\": \"running\"}", &out), FF_OK);
    assert_string_equal(buf_text(&out), "");
    buf_done(&out);
}

static void what_differs_is_said_with_both_values(void **state)
{
    (void)state;
    says("{\"state\": \"succeeded\"}", "state: expected \"succeeded\", got \"failed\"\n"
                                       "  its message: task b failed: boom\n");
    says("{\"outputs\": {\"sum\": 4}}", "outputs.sum: expected 4, got 3\n");
    says("{\"outputs\": {\"none\": 1}}", "outputs.none: expected 1, got nothing\n");
    says("{\"tasks\": {\"b\": \"succeeded\"}}",
         "tasks.b: expected \"succeeded\", got \"failed\"\n");
    says("{\"tasks\": {\"a\": \"absent\"}}",
         "tasks.a: expected \"absent\", got \"succeeded\"\n");
    says("{\"tasks\": {\"b\": {\"attempts\": 1}}}",
         "tasks.b.attempts: expected 1, got 3\n");
    says("{\"attempts\": {\"a\": 2}}", "attempts.a: expected 2, got 1\n");
    says("{\"message\": \"bang\"}",
         "message: expected \"bang\", got \"task b failed: boom\"\n");
}

static void an_order_is_that_of_the_beginnings(void **state)
{
    (void)state;
    says("{\"order\": [\"b\", \"a\"]}",
         "order: expected [\"b\",\"a\"], got [\"a\",\"c\",\"b\"]\n");
    says("{\"order\": [\"a\", \"x\"]}",
         "order: expected [\"a\",\"x\"], got [\"a\",\"c\",\"b\"]\n");
}

static void a_duration_has_two_bounds(void **state)
{
    (void)state;
    says("{\"duration\": {\"below\": \"10s\"}}",
         "duration: expected below 10s, got 12.5s\n");
    says("{\"duration\": {\"above\": 20}}",
         "duration: expected above 20s, got 12.5s\n");
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    refuses("{}");
    refuses("[]");
    refuses("{\"colour\": \"red\"}");
    refuses("{\"tasks\": [1]}");
    refuses("{\"tasks\": {\"a\": 7}}");
    refuses("{\"tasks\": {\"a\": {\"colour\": 1}}}");
    refuses("{\"order\": \"a\"}");
    refuses("{\"outputs\": 1}");
    refuses("{\"attempts\": 1}");
    refuses("{\"duration\": 5}");
    refuses("{\"duration\": {\"about\": 5}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_expected_says_nothing),
        cmocka_unit_test(what_it_waits_for_is_said_where_it_is_not_over),
        cmocka_unit_test(what_differs_is_said_with_both_values),
        cmocka_unit_test(an_order_is_that_of_the_beginnings),
        cmocka_unit_test(a_duration_has_two_bounds),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
