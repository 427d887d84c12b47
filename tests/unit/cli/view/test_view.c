#include "support.h"

#include "cli/view/view.h"
#include <stdlib.h>
#include <string.h>

#define SECOND UNITS_SECOND

static char *draw(struct track *t, struct view_look look)
{
    struct view_frame frame = {0};

    view_render(&frame, &look, &t, 1);
    assert_true(frame.widths.n < look.rows || look.rows < 4);
    for (size_t i = 0; i < frame.widths.n; i++)
        assert_true(frame.widths.items[i] <= look.columns);
    char *text = mem_text(buf_text(&frame.text));
    view_frame_done(&frame);
    return text;
}

static const struct view_look wide = {
    .rows = 24, .columns = 200, .now_us = 20 * SECOND};

static void begin(struct track *t)
{
    tell(t, 10 * SECOND, "{\"type\":\"run.started\"}");
}

static void a_run_is_a_head_and_a_line_a_task(void **state)
{
    struct track *t = track_of("  a: {run: 'true'}\n"
                               "  b: {run: 'true'}\n"
                               "  c: {needs: [a, b], run: 'true'}\n");

    (void)state;
    begin(t);
    tell(t, 11 * SECOND, "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":2}");
    tell(t, 11 * SECOND, "{\"type\":\"task.started\",\"task\":\"b\",\"attempt\":1}");
    tell(t, 12 * SECOND + SECOND / 2,
         "{\"type\":\"task.finished\",\"task\":\"b\",\"attempt\":1,\"exit_code\":3,"
         "\"reason\":\"exit_code\",\"state\":\"failed\"}");
    track_progress(t, "a", 40, "loading\x1b[2J");
    MEM_AUTO char *text = draw(t, wide);
    assert_string_equal(
        text, "* flow running 1/3 tasks 10s 01a1ffce-df7f-7d9d-b276-ac5447dae72d\n"
              "  * a 9s attempt 2 40% loading?[2J\n"
              "  ! b 1.5s exit code 3\n"
              "  . c waiting\n");
    track_free(t);
}

static void a_foreach_is_a_bar_with_its_running_items(void **state)
{
    struct track *t = track_of("  f: {foreach: '${{ range(40) }}', run: 'true'}\n");

    (void)state;
    begin(t);
    tell(t, 11 * SECOND, "{\"type\":\"task.expanded\",\"task\":\"f\",\"items\":40}");
    for (int i = 0; i < 11; i++) {
        char text[160];
        snprintf(text, sizeof(text),
                 "{\"type\":\"task.started\",\"task\":\"f\",\"item\":%d,\"attempt\":1}",
                 i);
        tell(t, 12 * SECOND, text);
        snprintf(text, sizeof(text),
                 "{\"type\":\"task.finished\",\"task\":\"f\",\"item\":%d,\"attempt\":1,"
                 "\"state\":\"%s\"}",
                 i, i == 3 ? "failed" : "succeeded");
        if (i < 10)
            tell(t, 13 * SECOND, text);
    }
    MEM_AUTO char *text = draw(t, wide);
    assert_non_null(strstr(text, "  * f ##........ 10/40 1 failed 1 running 9s\n"
                                 "      * f.10 8s\n"));
    track_free(t);
}

/* What runs and what failed stays, whatever its place in the file. */
static void what_does_not_fit_is_counted(void **state)
{
    struct buf tasks = {0};
    char text[160];

    (void)state;
    for (int i = 0; i < 50; i++)
        buf_printf(&tasks, "  t%d: {run: 'true'}\n", i);
    struct track *t = track_of(buf_text(&tasks));
    buf_done(&tasks);
    begin(t);
    for (int i = 0; i < 48; i++) {
        snprintf(text, sizeof(text),
                 "{\"type\":\"task.finished\",\"task\":\"t%d\",\"state\":\"%s\"}", i,
                 i == 2 ? "failed" : "succeeded");
        tell(t, 11 * SECOND, text);
    }
    tell(t, 11 * SECOND, "{\"type\":\"task.started\",\"task\":\"t48\",\"attempt\":1}");
    MEM_AUTO char *drawn =
        draw(t, (struct view_look){.rows = 8, .columns = 40, .now_us = 12 * SECOND});
    assert_non_null(strstr(drawn, "  ! t2\n"));
    assert_non_null(strstr(drawn, "  + t47\n")); /* of what is done, the latest */
    assert_non_null(strstr(drawn, "  * t48 1s\n"));
    assert_non_null(strstr(drawn, "... 45 more:"));
    assert_null(strstr(drawn, "t0"));
    track_free(t);
}

static void it_fits_into_any_size(void **state)
{
    struct track *t = track_of("  a: {run: 'true'}\n  b: {run: 'true'}\n"
                               "  c: {run: 'true'}\n");

    (void)state;
    begin(t);
    tell(t, 1, "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1}");
    track_progress(t, "a", 1, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
    for (size_t rows = 1; rows < 7; rows++)
        for (size_t columns = 1; columns < 90; columns++) {
            MEM_AUTO char *text =
                draw(t, (struct view_look){.rows = rows,
                                           .columns = columns,
                                           .unicode = columns % 2 == 0,
                                           .colour = columns % 3 == 0});
            assert_int_equal(text_utf8_error(text, strlen(text)), strlen(text));
        }
    track_free(t);
}

/* --- runs inside --- */

static void tasks_of_a_group_stand_under_it(void **state)
{
    struct track *t = track_of("  g: {tasks: {a: {run: 'true'}, b: {run: 'true'}}}\n"
                               "  c: {needs: [g], run: 'true'}\n");
    struct track *inside = track_of("  a: {run: 'true'}\n"
                                    "  b: {needs: [a], run: 'true'}\n");

    (void)state;
    begin(t);
    begin(inside);
    tell(t, 11 * SECOND, "{\"type\":\"task.started\",\"task\":\"g\",\"attempt\":1}");
    track_active(&t->tasks[0], -1)->inside = inside;
    tell(inside, 12 * SECOND,
         "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1}");
    MEM_AUTO char *text = draw(t, wide);
    assert_non_null(strstr(text, "  * g 9s\n"
                                 "      * a 8s\n"
                                 "      . b waiting\n"
                                 "  . c waiting\n"));
    tell(inside, 13 * SECOND,
         "{\"type\":\"task.finished\",\"task\":\"a\",\"attempt\":1,"
         "\"state\":\"failed\",\"exit_code\":4}");
    tell(t, 14 * SECOND,
         "{\"type\":\"task.finished\",\"task\":\"g\",\"attempt\":1,"
         "\"state\":\"failed\"}");
    MEM_AUTO char *ended = draw(t, wide);
    assert_non_null(strstr(ended, "  ! g 3.0s\n"
                                  "      ! a 1.0s exit code 4\n"));
    /* What it was before it began again is of no interest, and what it will be then
     * has to be looked for again. */
    t->tasks[0].looked_inside = true;
    tell(t, 15 * SECOND, "{\"type\":\"task.reset\",\"task\":\"g\"}");
    assert_false(t->tasks[0].looked_inside);
    MEM_AUTO char *again = draw(t, wide);
    assert_null(strstr(again, "exit code 4"));
    track_free(t);
}

/* A group of three tasks for each of `n` items, all of which run. */
static struct track *items_of_groups(int n)
{
    struct track *t = track_of("  g: {foreach: '${{ range(40) }}', tasks:"
                               " {a: {run: 'true'}}}\n"
                               "  z: {run: 'true'}\n");
    char text[160];

    begin(t);
    tell(t, 11 * SECOND, "{\"type\":\"task.expanded\",\"task\":\"g\",\"items\":40}");
    for (int i = 0; i < n; i++) {
        struct track *inside =
            track_of("  a: {run: 'true'}\n  b: {run: 'true'}\n  c: {run: 'true'}\n");
        snprintf(text, sizeof(text),
                 "{\"type\":\"task.started\",\"task\":\"g\",\"item\":%d,\"attempt\":1}",
                 i);
        tell(t, 12 * SECOND, text);
        begin(inside);
        tell(inside, 12 * SECOND,
             "{\"type\":\"task.finished\",\"task\":\"a\",\"state\":\"succeeded\"}");
        tell(inside, 12 * SECOND,
             "{\"type\":\"task.started\",\"task\":\"b\",\"attempt\":1}");
        track_active(&t->tasks[0], i)->inside = inside;
    }
    return t;
}

static void tasks_of_items_stand_under_those_that_run_longest(void **state)
{
    struct track *t = items_of_groups(10);

    (void)state;
    MEM_AUTO char *text =
        draw(t, (struct view_look){.rows = 60, .columns = 99, .now_us = 20 * SECOND});
    assert_non_null(strstr(text, "      * g.0 8s\n"
                                 "          + a\n"
                                 "          * b 8s\n"
                                 "          o c queued\n"
                                 "      * g.1 8s\n"));
    assert_non_null(strstr(text, "* g.7 8s\n"));
    assert_null(strstr(text, "* g.8 8s\n"));
    track_free(t);
}

/* What is inside goes first, and never stands under what has gone. */
static void what_is_inside_is_kept_less_dearly(void **state)
{
    struct track *t = items_of_groups(3);

    (void)state;
    MEM_AUTO char *few =
        draw(t, (struct view_look){.rows = 8, .columns = 99, .now_us = 20 * SECOND});
    assert_string_equal(strchr(few, '\n'),
                        "\n  * g .......... 0/40 3 running 9s\n"
                        "      * g.0 8s\n"
                        "          * b 8s\n"
                        "      * g.1 8s\n"
                        "          * b 8s\n"
                        "  ... 9 more: 4 queued, 2 running, 3 succeeded\n");
    for (size_t rows = 4; rows < 20; rows++) {
        MEM_AUTO char *text = draw(
            t, (struct view_look){.rows = rows, .columns = 99, .now_us = 20 * SECOND});
        const char *part = strstr(text, "\n          ");
        const char *item = strstr(text, "\n      * g.");
        assert_true(!part || (item && item < part));
    }
    track_free(t);
}

/* --- lines --- */

static void line_is(struct track *t, const char *event, const char *expect)
{
    struct buf line = {0};
    const struct track_event e = tell(t, 3 * SECOND, event);

    view_event_line(t, &e, false, &line);
    assert_string_equal(buf_text(&line), expect);
    buf_done(&line);
}

static void each_event_is_a_line(void **state)
{
    struct track *t = track_of("  a: {run: 'true'}\n"
                               "  f: {foreach: '${{ [1] }}', run: 'true'}\n");

    (void)state;
    setenv("TZ", "UTC", 1);
    line_is(t, "{\"type\":\"run.created\"}", "");
    line_is(t, "{\"type\":\"run.started\"}",
            "00:00:03 run 01a1ffce-df7f-7d9d-b276-ac5447dae72d of flow started");
    line_is(t, "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1}",
            "00:00:03 a started");
    line_is(
        t,
        "{\"type\":\"task.retrying\",\"task\":\"a\",\"attempt\":1,\"delay_us\":2000000,"
        "\"reason\":\"timeout\"}",
        "00:00:03 a failed (0ms): timeout; attempt 2 in 2.0s");
    line_is(t, "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":2}",
            "00:00:03 a started (attempt 2)");
    line_is(t,
            "{\"type\":\"task.finished\",\"task\":\"a\",\"attempt\":2,"
            "\"state\":\"succeeded\",\"exit_code\":0}",
            "00:00:03 a succeeded (0ms)");
    line_is(t,
            "{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":3,"
            "\"iteration\":2}",
            "00:00:03 a started (iteration 2, attempt 3)");
    line_is(t,
            "{\"type\":\"task.repeating\",\"task\":\"a\",\"attempt\":3,"
            "\"iteration\":3,\"exit_code\":0,\"reason\":\"repeat\","
            "\"delay_us\":2000000}",
            "00:00:03 a has ended an iteration (0ms); iteration 3 in 2.0s");
    line_is(t, "{\"type\":\"task.expanded\",\"task\":\"f\",\"items\":1}",
            "00:00:03 f has 1 items");
    line_is(t, "{\"type\":\"task.started\",\"task\":\"f\",\"item\":0,\"attempt\":1}",
            "00:00:03 f.0 started");
    line_is(t, "{\"type\":\"run.cancelling\",\"mode\":\"kill\"}",
            "00:00:03 run is being killed");
    line_is(t, "{\"type\":\"request.refused\",\"request\":\"kill\"}",
            "00:00:03 a request to kill was refused: it came from another tenant");
    line_is(t,
            "{\"type\":\"run.finished\",\"state\":\"cancelled\",\"reason\":\"killed\"}",
            "00:00:03 run cancelled (0ms): killed");
    track_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_a_head_and_a_line_a_task),
        cmocka_unit_test(a_foreach_is_a_bar_with_its_running_items),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(it_fits_into_any_size),
        cmocka_unit_test(tasks_of_a_group_stand_under_it),
        cmocka_unit_test(tasks_of_items_stand_under_those_that_run_longest),
        cmocka_unit_test(what_is_inside_is_kept_less_dearly),
        cmocka_unit_test(each_event_is_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
