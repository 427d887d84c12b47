/* Mocks: which entry counts for an attempt, what is plausible without one, and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simulate/simulate_priv.h"

#include <string.h>

static const char source[] =
    "flowforge: 1\n"
    "name: m\n"
    "tasks:\n"
    "  list:\n"
    "    run: x\n"
    "    outputs: {items: json, text: stdout, n: json}\n"
    "  each:\n"
    "    needs: [list]\n"
    "    foreach: ${{ tasks.list.outputs.items }}\n"
    "    run: x\n"
    "    outputs: {v: {from: sdk}}\n"
    "  city:\n"
    "    foreach: [a, b]\n"
    "    tasks:\n"
    "      draw: {foreach: [1, 2], run: x, outputs: {p: "
    "stdout}}\n"
    "      sure:\n"
    "        approve: {message: Sure?}\n"
    "  ask:\n"
    "    foreach: [a, b]\n"
    "    approve: {message: Go?, inputs: {n: {type: integer}}}\n"
    "  paid: {wait_event: {name: payment}}\n";

static struct flow *flow;
static json_t *root;

static int set_up(void **state)
{
    struct flow_problems problems = {0};

    (void)state;
    flow = flow_parse(source, strlen(source), &problems);
    assert_non_null(flow);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    flow_unref(flow);
    json_decref(root);
    root = NULL;
    return 0;
}

static int check(const char *yaml, struct ff_err *err)
{
    struct flow_problems problems = {0};

    json_decref(root);
    root = flow_yaml(yaml, strlen(yaml), &problems);
    assert_non_null(root);
    return simulate_check_mocks(root, flow, err);
}

static struct mock mocked(const char *path, int64_t attempt)
{
    const struct mocks m = {
        .flow = flow, .tasks = json_object_get(root, "tasks"), .seed = 1};
    struct mock made;

    mock_of(&m, path, attempt, &made);
    return made;
}

static void read(const char *yaml)
{
    struct ff_err err = {0};

    assert_int_equal(check(yaml, &err), FF_OK);
}

static void without_a_mock_it_succeeds_after_a_second(void **state)
{
    (void)state;
    struct mock m = mocked("list", 1);
    assert_int_equal(m.outcome, MOCK_EXIT);
    assert_int_equal(m.exit_code, 0);
    assert_int_equal(m.duration_us, UNITS_SECOND);
    assert_int_equal(json_array_size(json_object_get(m.outputs, "items")), 3);
    assert_string_equal(json_string_value(json_object_get(m.outputs, "text")),
                        "text of list");
    assert_true(json_is_integer(json_object_get(m.outputs, "n")));
    mock_done(&m);
}

static int code_of(const char *path, int64_t attempt)
{
    struct mock m = mocked(path, attempt);
    const int code = m.exit_code;

    mock_done(&m);
    return code;
}

static void the_particular_lies_over_the_general(void **state)
{
    (void)state;
    read("tasks:\n"
         "  '*': {exit_code: 1}\n"
         "  each: {exit_code: 2}\n"
         "  each.3: {exit_code: 3}\n"
         "  'each#2': {exit_code: 4}\n"
         "  'each.3#2': {exit_code: 5}\n");
    assert_int_equal(code_of("list", 1), 1);
    assert_int_equal(code_of("each.0", 1), 2);
    assert_int_equal(code_of("each.3", 1), 3);
    assert_int_equal(code_of("each.0", 2), 4);
    assert_int_equal(code_of("each.3", 2), 5);
}

static void a_task_of_a_group_is_named_behind_it(void **state)
{
    (void)state;
    read("tasks:\n"
         "  city/draw: {exit_code: 2}\n"
         "  city/draw.1: {exit_code: 3}\n"
         "  city.0/draw.1: {exit_code: 4}\n"
         "  'city/draw#2': {exit_code: 5}\n");
    assert_int_equal(code_of("city.1/draw.0", 1), 2);
    assert_int_equal(code_of("city.1/draw.1", 1), 3);
    assert_int_equal(code_of("city.0/draw.1", 1), 4);
    assert_int_equal(code_of("city.0/draw.0", 2), 5);
    struct mock m = mocked("city.0/draw.1", 1);
    assert_string_equal(json_string_value(json_object_get(m.outputs, "p")),
                        "p of draw");
    mock_done(&m);
}

static void so_many_attempts_fail(void **state)
{
    (void)state;
    read("tasks: {list: {fail_times: 2, exit_code: 9}, each: {fail_times: 1}}\n");
    assert_int_equal(code_of("list", 2), 9);
    assert_int_equal(code_of("list", 3), 0);
    assert_int_equal(code_of("each.1", 1), 1);
    assert_int_equal(code_of("each.1", 2), 0);
}

static void a_duration_is_drawn_from_the_attempts_name(void **state)
{
    (void)state;
    read("tasks: {list: {duration: {min: 1s, max: 100s}}}\n");
    struct mock one = mocked("list", 1), again = mocked("list", 1),
                other = mocked("list", 2);
    assert_int_equal(one.duration_us, again.duration_us);
    assert_int_not_equal(one.duration_us, other.duration_us);
    assert_in_range(one.duration_us, UNITS_SECOND, 100 * UNITS_SECOND);
    mock_done(&one);
    mock_done(&again);
    mock_done(&other);
}

static void outputs_are_found_where_the_task_would_leave_them(void **state)
{
    struct buf out = {0};

    (void)state;
    read("tasks: {each: {outputs: {v: 7}}, list: {outputs: {items: [1]}}}\n");
    struct mock list = mocked("list", 1), each = mocked("each.0", 1);
    assert_true(mock_file(&list, "items", &out));
    assert_string_equal(buf_text(&out), "[1]");
    buf_clear(&out);
    assert_true(mock_file(&each, ".flowforge-spool.jsonl", &out));
    assert_string_equal(buf_text(&out),
                        "{\"kind\":\"output\",\"name\":\"v\",\"value\":7}\n");
    assert_false(mock_file(&list, "nothing", &out));
    buf_done(&out);
    mock_done(&list);
    mock_done(&each);
}

static void refused(const char *yaml, const char *part)
{
    struct ff_err err = {0};

    assert_int_equal(check(yaml, &err), FF_INVALID);
    assert_non_null(strstr(err.msg, part));
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    refused("[1]\n", "must be a map");
    refused("task: {}\n", "not task");
    refused("tasks: []\n", "tasks must be a map");
    refused("tasks: {lisst: {}}\n", "no task lisst");
    refused("tasks: {list/x: {}}\n", "no task list/x");
    refused("tasks: {city/paint: {}}\n", "no task city/paint");
    refused("tasks: {list: 1}\n", "it must be a map");
    refused("tasks: {list: {exitcode: 1}}\n", "no key exitcode");
    refused("tasks: {list: {exit_code: 256}}\n", "0 to 255");
    refused("tasks: {list: {fail_times: -1}}\n", "number of attempts");
    refused("tasks: {list: {outcome: sunk}}\n", "evicted");
    refused("tasks: {list: {duration: soon}}\n", "a duration");
    refused("tasks: {list: {duration: {min: 2s, max: 1s}}}\n", "min not above max");
    refused("tasks: {list: {duration: {min: 2s}}}\n", "a duration");
    refused("tasks: {list: {outputs: {itms: 1}}}\n", "no output itms");
    refused("tasks: {list: {outputs: 1}}\n", "a map");
    refused("tasks: {list: {stdout: 1}}\n", "a text");
    refused("cancel: {mode: kill}\n", "at: DURATION");
    refused("cancel: {at: 1s, mode: soft}\n", "not soft");
}

/* --- answers to what waits --- */

static void tasks_that_wait_are_answered_by_what_fits_them(void **state)
{
    (void)state;
    read("tasks:\n"
         "  '*': {duration: 1s, approve: {}, event: {}}\n"
         "  ask: {approve: {by: ada, comment: go, inputs: {n: 3}, after: 10m}}\n"
         "  ask.1: {reject: {by: ada, reason: no, after: {min: 1s, max: 2s}}}\n"
         "  city/sure: {approve: {after: 5}}\n"
         "  paid: {event: {data: [1], after: 1d}}\n"
         "signals: [{at: 10m, name: payment, key: a, data: {n: 1}}, {at: 0, name: x}]\n"
         "events: [{at: 1s, name: payment}]\n"
         "cancel: {at: 1h}\n");
}

static void answers_that_cannot_be_told_are_refused(void **state)
{
    (void)state;
    refused("tasks: {ask: {exit_code: 1}}\n", "approve or reject");
    refused("tasks: {ask: {event: {}}}\n", "waits for an event; this one does not");
    refused("tasks: {paid: {outputs: {event: 1}}}\n", "answer it with event");
    refused("tasks: {paid: {reject: {}}}\n", "this one does not");
    refused("tasks: {list: {approve: {}}}\n", "asks for an approval");
    refused("tasks: {ask: {approve: {inputs: {n: 1}}, reject: {}}}\n", "not both");
    refused("tasks: {ask: {approve: true}}\n", "must be a map");
    refused("tasks: {ask: {approve: {who: ada}}}\n", "by, comment, inputs, after");
    refused("tasks: {ask: {approve: {by: ''}}}\n", "by must be a text");
    refused("tasks: {ask: {approve: {inputs: 1}}}\n", "inputs must be a map");
    refused("tasks: {ask: {approve: {inputs: {n: many}}}}\n", "input n must be");
    refused("tasks: {ask: {approve: {}}}\n", "input n is required");
    refused("tasks: {ask: {reject: {comment: no}}}\n", "by, reason, after");
    refused("tasks: {ask: {reject: {after: soon}}}\n", "a duration");
    refused("tasks: {paid: {event: {key: a}}}\n", "data, after");
}

static void what_is_told_at_no_time_or_under_no_name_is_refused(void **state)
{
    (void)state;
    refused("signals: {at: 1s, name: x}\n", "must be a list");
    refused("signals: [x]\n", "signals 1 must be a map");
    refused("signals: [{name: x}]\n", "at is missing");
    refused("events: [{at: 1s, name: x}, {at: 1s}]\n", "events 2: name is missing");
    refused("events: [{at: {min: 1s, max: 2s}, name: x}]\n", "at must be");
    refused("signals: [{at: 1s, name: a.b}]\n", "name of an event");
    refused("signals: [{at: 1s, name: x, key: 17}]\n", "in quotes");
    refused("signals: [{at: 1s, name: x, to: y}]\n", "at, name, key, data");
}

static void data_of_an_event_has_a_bound(void **state)
{
    struct buf yaml = {0};

    (void)state;
    buf_add_text(&yaml, "signals: [{at: 1s, name: x, data: ");
    for (size_t i = 0; i < FLOW_EVENT_DATA_MAX; i++)
        buf_add_char(&yaml, 'a');
    buf_add_text(&yaml, "}]\n");
    refused(buf_text(&yaml), "64 KiB");
    buf_done(&yaml);
}

static void the_more_particular_decision_stands_alone(void **state)
{
    struct mocks with = {.seed = 1};

    (void)state;
    read(
        "tasks: {'*': {approve: {}}, ask.1: {reject: {}}, city/sure: {approve: {}}}\n");
    with.tasks = json_object_get(root, "tasks");
    json_t *one = mock_entry(&with, "ask.1", 1);
    json_t *other = mock_entry(&with, "ask.0", 1);
    json_t *inner = mock_entry(&with, "city.1/sure", 1);
    assert_null(json_object_get(one, "approve"));
    assert_non_null(json_object_get(one, "reject"));
    assert_non_null(json_object_get(other, "approve"));
    assert_non_null(json_object_get(inner, "approve"));
    json_decref(one);
    json_decref(other);
    json_decref(inner);
}

static void what_goes_unanswered_says_how_it_is_mocked(void **state)
{
    struct task_row t = {.state = TASK_SUSPENDED,
                         .attempt = 1,
                         .reason = span_of("event"),
                         .message = span_of("payment (key k)"),
                         .awaits = span_of("{\"name\":\"payment\",\"key\":\"k\"}")};
    struct mocks m = {.flow = flow, .seed = 1};

    (void)state;
    json_t *one = answers_missing(&m, &t, "paid");
    assert_string_equal(json_string_value(json_object_get(one, "for")), "event");
    const char *hint = json_string_value(json_object_get(one, "hint"));
    assert_non_null(strstr(hint, "tasks: {paid: {event: "));
    assert_non_null(strstr(hint, "name: payment, key: 'k'"));
    json_decref(one);

    read("tasks: {paid: {event: {}}}\n");
    m.tasks = json_object_get(root, "tasks");
    one = answers_missing(&m, &t, "paid");
    assert_non_null(
        strstr(json_string_value(json_object_get(one, "hint")), "too late"));
    json_decref(one);

    t.reason = span_of("approval");
    one = answers_missing(&m, &t, "ask.1");
    assert_non_null(strstr(json_string_value(json_object_get(one, "hint")),
                           "tasks: {ask.1: {approve: "));
    json_decref(one);
    t.reason = span_of("sleep");
    assert_null(answers_missing(&m, &t, "nap"));
    t.state = TASK_RUNNING;
    assert_null(answers_missing(&m, &t, "list"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(without_a_mock_it_succeeds_after_a_second),
        TEST(the_particular_lies_over_the_general),
        TEST(a_task_of_a_group_is_named_behind_it),
        TEST(so_many_attempts_fail),
        TEST(a_duration_is_drawn_from_the_attempts_name),
        TEST(outputs_are_found_where_the_task_would_leave_them),
        TEST(what_makes_no_sense_is_refused),
        TEST(tasks_that_wait_are_answered_by_what_fits_them),
        TEST(answers_that_cannot_be_told_are_refused),
        TEST(what_is_told_at_no_time_or_under_no_name_is_refused),
        TEST(data_of_an_event_has_a_bound),
        TEST(the_more_particular_decision_stands_alone),
        TEST(what_goes_unanswered_says_how_it_is_mocked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
