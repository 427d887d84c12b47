/* Mocks: which entry counts for an attempt, what is plausible without one, and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simulate/simulate_priv.h"

#include <string.h>

static const char source[] = "flowforge: 1\n"
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
                             "stdout}}\n";

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
