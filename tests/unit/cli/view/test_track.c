#include "support.h"

#include <string.h>

static const char chain[] = "  a: {run: 'true'}\n"
                            "  b: {needs: [a], run: 'true'}\n";

static void a_task_goes_through_its_states(void **state)
{
    struct track *t = track_of(chain);

    (void)state;
    assert_int_equal(track_task_state(t, 0), TASK_WAITING); /* nobody leads it yet */
    tell(t, 10, "{\"type\":\"run.started\"}");
    assert_int_equal(track_task_state(t, 0), TASK_QUEUED);
    assert_int_equal(track_task_state(t, 1), TASK_WAITING);
    tell(t, 20, "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1}");
    assert_int_equal(t->tasks[0].state, TASK_RUNNING);
    const struct track_event failed =
        tell(t, 25,
             "{\"type\":\"task.retrying\",\"task\":\"a\",\"attempt\":1,\"exit_code\":3,"
             "\"reason\":\"exit_code\",\"delay_us\":100}");
    assert_int_equal(failed.took_us, 5);
    assert_int_equal(t->tasks[0].state, TASK_RETRYING);
    assert_int_equal(track_active(&t->tasks[0], -1)->due_at, 125);
    tell(t, 125, "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":2}");
    const struct track_event done =
        tell(t, 130,
             "{\"type\":\"task.finished\",\"task\":\"a\",\"attempt\":2,\"exit_code\":0,"
             "\"state\":\"succeeded\"}");
    assert_int_equal(done.took_us, 5);
    assert_int_equal(t->tasks[0].attempt, 2);
    assert_null(t->tasks[0].reason);
    assert_int_equal(t->tasks[0].active.n, 0);
    assert_int_equal(track_task_state(t, 1), TASK_QUEUED);
    assert_int_equal(t->final_tasks, 1);
    tell(t, 140, "{\"type\":\"run.finished\",\"state\":\"failed\",\"reason\":\"x\"}");
    assert_int_equal(t->state, RUN_FAILED);
    assert_false(track_shows(t, 1)); /* it never began and never will */
    track_free(t);
}

static void a_loop_waits_for_its_next_iteration(void **state)
{
    struct track *t = track_of(chain);

    (void)state;
    tell(t, 20,
         "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1,\"iteration\":1}");
    tell(t, 25,
         "{\"type\":\"task.retrying\",\"task\":\"a\",\"attempt\":1,\"exit_code\":3,"
         "\"reason\":\"exit_code\",\"delay_us\":100}");
    assert_int_equal(track_active(&t->tasks[0], -1)->iteration, 0);
    tell(t, 30,
         "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":2,\"iteration\":1}");
    const struct track_event ended =
        tell(t, 35,
             "{\"type\":\"task.repeating\",\"task\":\"a\",\"attempt\":2,"
             "\"iteration\":2,\"reason\":\"repeat\",\"delay_us\":100}");
    assert_int_equal(ended.took_us, 5);
    assert_int_equal(track_active(&t->tasks[0], -1)->iteration, 2);
    assert_int_equal(track_active(&t->tasks[0], -1)->due_at, 135);
    assert_int_equal(track_task_state(t, 0), TASK_RETRYING);
    assert_null(t->tasks[0].reason);
    track_free(t);
}

static void items_are_counted_and_only_those_at_work_are_kept(void **state)
{
    struct track *t = track_of("  f: {foreach: '${{ [1, 2, 3] }}', run: 'true'}\n");
    char text[160];

    (void)state;
    tell(t, 1, "{\"type\":\"task.expanded\",\"task\":\"f\",\"items\":3}");
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof(text),
                 "{\"type\":\"task.started\",\"task\":\"f\",\"item\":%d,\"attempt\":1}",
                 i);
        tell(t, 2, text);
    }
    assert_int_equal(t->tasks[0].active.n, 3);
    tell(t, 3,
         "{\"type\":\"task.finished\",\"task\":\"f\",\"item\":1,\"attempt\":1,"
         "\"state\":\"failed\"}");
    assert_int_equal(t->tasks[0].active.n, 2);
    assert_int_equal(t->tasks[0].counts[TASK_FAILED], 1);
    assert_int_equal(t->tasks[0].state, TASK_RUNNING);
    assert_true(track_progress(t, "f.2", 40, "half"));
    assert_int_equal(track_active(&t->tasks[0], 2)->progress, 40);
    assert_false(track_progress(t, "f.1", 40, NULL)); /* it has ended */
    assert_false(track_progress(t, "nosuch", 40, NULL));
    track_free(t);
}

static void unknown_events_change_nothing(void **state)
{
    static const char *const unknown[] = {
        "{\"type\":\"task.started\",\"task\":\"nosuch\"}",
        "{\"type\":\"task.started\"}",
        "{\"type\":\"new.thing\",\"task\":\"a\"}",
        "{}",
        "[]",
    };
    struct track *t = track_of(chain);
    struct track_event e;
    struct ff_err err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        json_t *event = json_parse(unknown[i], strlen(unknown[i]), &err);
        assert_false(track_apply(t, 1, event, &e));
        json_decref(event);
    }
    assert_false(t->tasks[0].seen);
    track_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_goes_through_its_states),
        cmocka_unit_test(a_loop_waits_for_its_next_iteration),
        cmocka_unit_test(items_are_counted_and_only_those_at_work_are_kept),
        cmocka_unit_test(unknown_events_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
