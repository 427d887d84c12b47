#include "traces/traces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RUN_ID "01a2081f-0569-7cd6-a9c4-642fe84e0499"

static const struct run_row ended = {.tenant = 1,
                                     .run = 7,
                                     .id = {RUN_ID, sizeof(RUN_ID) - 1},
                                     .workflow = {"work", 4},
                                     .state = RUN_SUCCEEDED,
                                     .created_at = 100,
                                     .started_at = 1000,
                                     .finished_at = 9000};

struct told {
    struct buf text;
    struct trace *trace;
    struct jsonw w;
    struct trace_room room;
    int64_t seq;
};

static struct told *told_new(const struct run_row *run, const char *parent)
{
    struct told *told = mem_alloc(sizeof(*told));

    told->trace = trace_new(&(struct trace_of){.run = run,
                                               .outermost = run->id,
                                               .parent = parent,
                                               .tenant = "default",
                                               .project = "default"});
    told->w = (struct jsonw){.out = &told->text};
    told->room = (struct trace_room){.spans = &told->w, .max = 100};
    jsonw_open(&told->w, '[');
    return told;
}

static bool tell(struct told *told, int64_t at, const char *body)
{
    const struct event_row step = {.at = at, .seq = ++told->seq, .body = span_of(body)};

    return trace_take(told->trace, &step, &told->room);
}

static json_t *told_end(struct told *told)
{
    struct ff_err err;

    jsonw_close(&told->w, ']');
    json_t *spans = json_parse(told->text.data, told->text.len, &err);
    assert_non_null(spans);
    assert_int_equal(json_array_size(spans), told->room.n);
    trace_free(told->trace);
    buf_done(&told->text);
    mem_free(told);
    return spans;
}

static const char *text_at(const json_t *spans, size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(spans, i), key));
}

/* Of the attribute of this name, or NULL. */
static const char *has(const json_t *spans, size_t i, const char *key)
{
    json_t *attributes = json_object_get(json_array_get(spans, i), "attributes");
    json_t *one;
    size_t k;

    json_array_foreach(attributes, k, one)
    {
        const json_t *value = json_object_get(one, "value");
        const json_t *text = json_object_get(value, "stringValue");

        if (strcmp(json_string_value(json_object_get(one, "key")), key) == 0)
            return json_string_value(text ? text : json_object_get(value, "intValue"));
    }
    return NULL;
}

static void assert_time(const json_t *spans, size_t i, const char *begun,
                        const char *ended_at)
{
    assert_string_equal(text_at(spans, i, "startTimeUnixNano"), begun);
    assert_string_equal(text_at(spans, i, "endTimeUnixNano"), ended_at);
}

static void an_attempt_that_nothing_was_heard_of_is_lost(void **state)
{
    (void)state;
    struct told *told = told_new(&ended, NULL);

    tell(told, 1000,
         "[{\"type\":\"run.started\"},"
         "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1}]");
    tell(told, 2000, "[{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":2}]");
    tell(told, 3000,
         "[{\"type\":\"task.finished\",\"task\":\"a\",\"attempt\":2,"
         "\"state\":\"succeeded\",\"exit_code\":0}]");

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 2);
    assert_string_equal(has(spans, 0, "flowforge.state"), "lost");
    assert_string_equal(has(spans, 0, "flowforge.attempt"), "1");
    assert_null(has(spans, 0, "flowforge.exit_code"));
    assert_time(spans, 0, "1000000", "2000000");
    assert_string_equal(has(spans, 1, "flowforge.state"), "succeeded");
    assert_time(spans, 1, "2000000", "3000000");
    json_decref(spans);
}

static void what_waits_and_goes_on_is_one_attempt(void **state)
{
    (void)state;
    struct told *told = told_new(&ended, NULL);

    tell(told, 1000, "[{\"type\":\"task.suspended\",\"task\":\"w\",\"attempt\":1}]");
    tell(told, 2000, "[{\"type\":\"task.started\",\"task\":\"w\",\"attempt\":1}]");
    tell(told, 3000,
         "[{\"type\":\"task.finished\",\"task\":\"w\",\"attempt\":1,"
         "\"state\":\"succeeded\"}]");

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 1);
    assert_time(spans, 0, "1000000", "3000000");
    json_decref(spans);
}

static void what_ends_at_once_is_a_moment_and_what_was_skipped_is_nothing(void **state)
{
    (void)state;
    struct told *told = told_new(&ended, NULL);

    tell(told, 1500,
         "[{\"type\":\"task.finished\",\"task\":\"quick\",\"attempt\":1,"
         "\"state\":\"succeeded\"},"
         "{\"type\":\"task.finished\",\"task\":\"no\",\"state\":\"skipped\"}]");

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 1);
    assert_string_equal(text_at(spans, 0, "name"), "quick");
    assert_time(spans, 0, "1500000", "1500000");
    json_decref(spans);
}

static void items_are_inside_their_task(void **state)
{
    (void)state;
    struct told *told = told_new(&ended, NULL);

    tell(told, 1000,
         "[{\"type\":\"task.expanded\",\"task\":\"e\",\"items\":1},"
         "{\"type\":\"task.started\",\"task\":\"e\",\"item\":0,"
         "\"attempt\":1}]");
    tell(told, 2000,
         "[{\"type\":\"task.finished\",\"task\":\"e\",\"item\":0,"
         "\"attempt\":1,\"state\":\"failed\",\"reason\":\"exit_code\"},"
         "{\"type\":\"task.finished\",\"task\":\"e\",\"state\":\"failed\"}]");

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 2);
    assert_string_equal(text_at(spans, 0, "parentSpanId"), text_at(spans, 1, "spanId"));
    assert_string_equal(has(spans, 0, "flowforge.item"), "0");
    assert_string_equal(has(spans, 0, "flowforge.reason"), "exit_code");
    assert_null(has(spans, 1, "flowforge.attempt"));
    json_decref(spans);
}

static void a_run_that_could_not_be_seen_through_leaves_nothing_open(void **state)
{
    (void)state;
    struct run_row failed = ended;
    struct told *told;

    failed.state = RUN_FAILED;
    failed.message = span_of("its rows make no sense");
    told = told_new(&failed, NULL);
    tell(told, 1000,
         "[{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1},"
         "{\"type\":\"task.expanded\",\"task\":\"e\",\"items\":2},"
         "{\"type\":\"task.started\",\"task\":\"e\",\"item\":1,"
         "\"attempt\":3}]");
    tell(told, 9000,
         "[{\"type\":\"run.finished\",\"state\":\"failed\","
         "\"reason\":\"quarantined\"}]");

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 4);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(has(spans, i, "flowforge.state"), "lost");
    assert_string_equal(text_at(spans, 3, "name"), "work");
    assert_string_equal(
        json_string_value(json_object_get(
            json_object_get(json_array_get(spans, 3), "status"), "message")),
        "its rows make no sense");
    json_decref(spans);
}

static void what_is_left_open_is_told_in_parts_too(void **state)
{
    static const char end[] = "[{\"type\":\"run.finished\",\"state\":\"failed\"}]";
    (void)state;
    struct told *told = told_new(&ended, NULL);
    char around[TRACE_SPAN_TEXT], event[128];

    tell(told, 1000, "[{\"type\":\"task.expanded\",\"task\":\"e\",\"items\":5}]");
    for (int i = 0; i < 5; i++) {
        snprintf(event, sizeof(event),
                 "[{\"type\":\"task.started\",\"task\":\"e\",\"item\":%d,"
                 "\"attempt\":1}]",
                 i);
        tell(told, 2000, event);
    }
    for (told->room.max = 2; told->room.max < 8; told->room.max += 2) {
        assert_int_equal(tell(told, 9000, end), told->room.max == 6);
        assert_in_range(told->room.n, told->room.max, told->room.max + 1);
    }

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 7);
    trace_span_of(RUN_ID "/e/0", around);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(text_at(spans, i, "parentSpanId"), around);
    assert_string_equal(text_at(spans, 5, "spanId"), around);
    assert_string_equal(text_at(spans, 6, "name"), "work");
    json_decref(spans);
}

static void a_run_inside_another_is_inside_that_ones_attempt(void **state)
{
    (void)state;
    struct run_row run = ended;
    char span[TRACE_SPAN_TEXT];
    struct told *told;

    run.entry = span_of("deploy.inner");
    told = told_new(&run, "RUN/deploy/1");
    tell(told, 9000, "[{\"type\":\"run.finished\",\"state\":\"succeeded\"}]");

    json_t *spans = told_end(told);

    trace_span_of("RUN/deploy/1", span);
    assert_string_equal(text_at(spans, 0, "parentSpanId"), span);
    assert_string_equal(text_at(spans, 0, "name"), "deploy.inner");
    assert_time(spans, 0, "100000", "9000000");
    json_decref(spans);
}

static void a_run_that_was_opened_again_tells_of_its_last_time(void **state)
{
    (void)state;
    struct run_row again = ended;
    struct told *told;

    again.started_at = 5000;
    told = told_new(&again, NULL);
    tell(told, 1000, "[{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1}]");
    tell(told, 2000,
         "[{\"type\":\"task.finished\",\"task\":\"a\",\"attempt\":1,"
         "\"state\":\"failed\"}]");
    tell(told, 2000, "[{\"type\":\"run.finished\",\"state\":\"failed\"}]");
    tell(told, 5000, "[{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":2}]");
    tell(told, 6000,
         "[{\"type\":\"task.finished\",\"task\":\"a\",\"attempt\":2,"
         "\"state\":\"succeeded\"}]");
    tell(told, 9000, "[{\"type\":\"run.finished\",\"state\":\"succeeded\"}]");

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 2);
    assert_string_equal(has(spans, 0, "flowforge.attempt"), "2");
    assert_time(spans, 1, "5000000", "9000000");
    json_decref(spans);
}

static void a_clock_that_was_set_back_hides_nothing(void **state)
{
    (void)state;
    struct run_row run = ended;
    struct told *told;

    run.started_at = 5000;
    run.finished_at = 4000;
    told = told_new(&run, NULL);
    tell(told, 5000, "[{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1}]");
    tell(told, 4000,
         "[{\"type\":\"task.finished\",\"task\":\"a\",\"attempt\":1,"
         "\"state\":\"succeeded\"},{\"type\":\"run.finished\","
         "\"state\":\"succeeded\"}]");

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 2);
    assert_time(spans, 0, "5000000", "5000000");
    assert_time(spans, 1, "100000", "4000000");
    json_decref(spans);
}

static void a_step_that_is_too_large_is_taken_in_parts(void **state)
{
    static const char body[] = "[{\"type\":\"task.finished\",\"task\":\"a\","
                               "\"attempt\":1,\"state\":\"succeeded\"},"
                               "{\"type\":\"task.finished\",\"task\":\"b\",\"attempt\":"
                               "1,\"state\":\"succeeded\"},"
                               "{\"type\":\"task.finished\",\"task\":\"c\",\"attempt\":"
                               "1,\"state\":\"succeeded\"}]";
    (void)state;
    struct told *told = told_new(&ended, NULL);

    told->room.max = 2;
    assert_false(tell(told, 2000, body));
    assert_int_equal(told->room.n, 2);
    told->room.max = 4;
    assert_true(tell(told, 2000, body));
    assert_int_equal(told->room.n, 3);
    assert_true(tell(told, 3000, "[]"));

    json_t *spans = told_end(told);

    assert_string_equal(text_at(spans, 0, "name"), "a");
    assert_string_equal(text_at(spans, 2, "name"), "c");
    json_decref(spans);
}

static void what_makes_no_sense_is_passed_over(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{",
        "{}",
        "[1, null, {}]",
        "[{\"type\": 7}]",
        "[{\"type\":\"task.started\"}]",
        "[{\"type\":\"task.new\",\"task\":\"a\",\"attempt\":1}]"};
    struct told *told = told_new(&ended, NULL);

    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        assert_true(tell(told, 2000, bodies[i]));

    json_t *spans = told_end(told);

    assert_int_equal(json_array_size(spans), 0);
    json_decref(spans);
}

static void a_traceparent_is_one_of_the_standard(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true},
        {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
        {"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false},
        {"00-0af76519-6cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333--01", false},
        {"0--0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331--1", false},
        {"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", false},
        {"", false},
    };
    char text[TRACE_PARENT_TEXT];

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(trace_is_parent(cases[i].text, strlen(cases[i].text)),
                         cases[i].good);
    trace_parent(ended.id, RUN_ID "/a/1", text);
    assert_int_equal(strlen(text), TRACE_PARENT_TEXT - 1);
    assert_true(trace_is_parent(text, strlen(text)));
    assert_memory_equal(text, "00-01a2081f05697cd6a9c4642fe84e0499-", 36);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_that_nothing_was_heard_of_is_lost),
        cmocka_unit_test(what_waits_and_goes_on_is_one_attempt),
        cmocka_unit_test(what_ends_at_once_is_a_moment_and_what_was_skipped_is_nothing),
        cmocka_unit_test(items_are_inside_their_task),
        cmocka_unit_test(a_run_that_could_not_be_seen_through_leaves_nothing_open),
        cmocka_unit_test(what_is_left_open_is_told_in_parts_too),
        cmocka_unit_test(a_run_inside_another_is_inside_that_ones_attempt),
        cmocka_unit_test(a_run_that_was_opened_again_tells_of_its_last_time),
        cmocka_unit_test(a_clock_that_was_set_back_hides_nothing),
        cmocka_unit_test(a_step_that_is_too_large_is_taken_in_parts),
        cmocka_unit_test(what_makes_no_sense_is_passed_over),
        cmocka_unit_test(a_traceparent_is_one_of_the_standard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
