/* What is counted, and the text that says so. */
#include "support.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { JOBS, DEPTH, TOOK, N_FAMILIES };

static const struct metric_bounds bounds = {3, {1000, 250000, 2000000}};
static const struct metric_family families[N_FAMILIES] = {
    [JOBS] = {.name = "x_jobs",
              .type = METRIC_COUNTER,
              .help = "Jobs.",
              .labels = {"who", "state"},
              .series_max = 2,
              .open = 1},
    [DEPTH] = {.name = "x_depth", .type = METRIC_GAUGE, .help = "Depth."},
    [TOOK] = {.name = "x_took_seconds",
              .type = METRIC_HISTOGRAM,
              .help = "Time.",
              .scale = 1000000,
              .bounds = &bounds},
};

static struct metric *job(struct metrics *m, const char *who, const char *state)
{
    return metrics_get(m, JOBS, (const char *const[]){who, state});
}

static void expect_text(const struct metrics *m, enum metrics_format format,
                        const char *expected)
{
    struct buf text = {0};

    metrics_write(m, format, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_done(&text);
}

static void both_formats_say_the_same_in_their_own_words(void **state)
{
    struct metrics *m = metrics_new(families, N_FAMILIES);

    (void)state;
    metric_add(job(m, "a", "done"), 2);
    metric_set(metrics_get(m, DEPTH, NULL), -3);
    struct metric *took = metrics_get(m, TOOK, NULL);
    metric_observe(took, 1000);
    metric_observe(took, 1001);
    metric_observe(took, 2500000);
    metric_observe(took, -5); /* a clock was set */

#define SAMPLES                                                                        \
    "x_took_seconds_bucket{le=\"0.001\"} 2\n"                                          \
    "x_took_seconds_bucket{le=\"0.25\"} 3\n"                                           \
    "x_took_seconds_bucket{le=\"2.0\"} 3\n"                                            \
    "x_took_seconds_bucket{le=\"+Inf\"} 4\n"                                           \
    "x_took_seconds_sum 2.502001\n"                                                    \
    "x_took_seconds_count 4\n"
    expect_text(m, METRICS_TEXT,
                "# HELP x_jobs_total Jobs.\n"
                "# TYPE x_jobs_total counter\n"
                "x_jobs_total{who=\"a\",state=\"done\"} 2\n"
                "# HELP x_depth Depth.\n"
                "# TYPE x_depth gauge\n"
                "x_depth -3\n"
                "# HELP x_took_seconds Time.\n"
                "# TYPE x_took_seconds histogram\n" SAMPLES);
    expect_text(m, METRICS_OPEN,
                "# HELP x_jobs Jobs.\n"
                "# TYPE x_jobs counter\n"
                "x_jobs_total{who=\"a\",state=\"done\"} 2\n"
                "# HELP x_depth Depth.\n"
                "# TYPE x_depth gauge\n"
                "x_depth -3\n"
                "# HELP x_took_seconds Time.\n"
                "# TYPE x_took_seconds histogram\n"
                "# UNIT x_took_seconds seconds\n" SAMPLES "# EOF\n");
    metrics_free(m);
}

static void no_character_is_cut_where_a_value_is_too_long(void **state)
{
    struct metrics *m = metrics_new(families, N_FAMILIES);
    char value[METRIC_VALUE_MAX + 2] = "";
    struct buf text = {0};

    (void)state;
    memset(value, 'a', METRIC_VALUE_MAX - 1);
    memcpy(value + METRIC_VALUE_MAX - 1, "\xc3\xa9", 3);
    metric_add(job(m, value, "done"), 1);
    metric_add(job(m, "b\xff", "done"), 1);
    metrics_write(m, METRICS_OPEN, &text);
    assert_int_equal(text_utf8_error(buf_text(&text), text.len), text.len);
    assert_non_null(strstr(buf_text(&text), "aaa\",state=\"done\"} 1\n"));
    assert_non_null(strstr(buf_text(&text), "who=\"b\",state"));
    buf_done(&text);
    metrics_free(m);
}

static void one_series_for_the_same_labels(void **state)
{
    struct metrics *m = metrics_new(families, N_FAMILIES);

    (void)state;
    assert_ptr_equal(job(m, "a", "done"), job(m, "a", "done"));
    assert_ptr_not_equal(job(m, "a", "done"), job(m, "a", "lost"));
    metrics_free(m);
}

static void beyond_its_limit_open_labels_are_other_and_closed_ones_are_kept(void **s)
{
    struct metrics *m = metrics_new(families, N_FAMILIES);

    (void)s;
    metric_add(job(m, "a", "done"), 1);
    metric_add(job(m, "b", "done"), 1);
    for (int i = 0; i < 1000; i++) {
        char who[16];

        snprintf(who, sizeof(who), "c%d", i);
        metric_add(job(m, who, i % 2 ? "done" : "lost"), 1);
    }
    metric_add(job(m, "a", "done"), 1); /* was there before */

    struct buf text = {0};
    metrics_write(m, METRICS_TEXT, &text);
    assert_non_null(strstr(text.data, "{who=\"a\",state=\"done\"} 2\n"));
    assert_non_null(strstr(text.data, "{who=\"b\",state=\"done\"} 1\n"));
    assert_non_null(strstr(text.data, "{who=\"other\",state=\"done\"} 500\n"));
    assert_non_null(strstr(text.data, "{who=\"other\",state=\"lost\"} 500\n"));
    assert_null(strstr(text.data, "c1"));
    buf_done(&text);
    metrics_free(m);
}

static void what_labels_hold_breaks_no_line(void **state)
{
    struct metrics *m = metrics_new(families, N_FAMILIES);
    char nasty[2 * METRIC_VALUE_MAX + 1];
    struct buf text = {0};

    (void)state;
    metric_add(job(m, "a\"b\\c\nd", "e"), 1);
    memset(nasty, '"', sizeof(nasty) - 1);
    nasty[sizeof(nasty) - 1] = '\0';
    metric_add(job(m, nasty, nasty), 1);
    metrics_write(m, METRICS_TEXT, &text);
    assert_non_null(
        strstr(text.data, "x_jobs_total{who=\"a\\\"b\\\\c\\nd\",state=\"e\"} 1\n"));
    buf_done(&text);
    metrics_free(m);
}

static void what_is_cleared_is_gone(void **state)
{
    struct metrics *m = metrics_new(families, N_FAMILIES);

    (void)state;
    metric_raise(job(m, "a", "b"), 7);
    metric_raise(job(m, "a", "b"), 3);
    struct buf text = {0};
    metrics_write(m, METRICS_TEXT, &text);
    assert_non_null(strstr(text.data, "} 7\n"));
    metrics_clear(m, JOBS);
    buf_clear(&text);
    metrics_write(m, METRICS_TEXT, &text);
    assert_null(strstr(text.data, "who="));
    buf_done(&text);
    metrics_free(m);
}

static void the_process_is_this_one(void **state)
{
    const struct metrics_process before = metrics_process();
    const int fd = dup(STDERR_FILENO);
    const struct metrics_process after = metrics_process();
    struct timespec now;

    (void)state;
    close(fd);
    assert_int_equal(after.n_fds, before.n_fds + 1);
    assert_true(after.n_fds_max >= after.n_fds);
    assert_true(after.rss_bytes > 100000 && after.vm_bytes > after.rss_bytes);
    assert_true(after.cpu_us >= before.cpu_us);
    clock_gettime(CLOCK_REALTIME, &now);
    /* The kernel counts its boot in whole seconds. */
    const int64_t age_us = now.tv_sec * UNITS_SECOND - metrics_process_start_us();
    assert_true(age_us > -3 * UNITS_SECOND && age_us < 600 * UNITS_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_formats_say_the_same_in_their_own_words),
        cmocka_unit_test(no_character_is_cut_where_a_value_is_too_long),
        cmocka_unit_test(one_series_for_the_same_labels),
        cmocka_unit_test(
            beyond_its_limit_open_labels_are_other_and_closed_ones_are_kept),
        cmocka_unit_test(what_labels_hold_breaks_no_line),
        cmocka_unit_test(what_is_cleared_is_gone),
        cmocka_unit_test(the_process_is_this_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
