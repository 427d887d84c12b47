#include "support.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define N_MAX  8

static const struct {
    const char *what, *expr, *from, *below;
    const char *instants[N_MAX];
} changes[] = {
    {"a time in the gap is the first instant behind it",
     "30 2 * * *",
     "2026-03-28T12:00:00Z",
     "2026-03-30T12:00:00Z",
     {"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
    {"several times in the gap are one",
     "*/20 1-3 * * *",
     "2026-03-29T00:30:00Z",
     "2026-03-29T02:00:00Z",
     {"2026-03-29T00:40:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z",
      "2026-03-29T01:40:00Z"}},
    {"a time that comes twice counts once",
     "30 2 * * *",
     "2026-10-24T12:00:00Z",
     "2026-10-26T12:00:00Z",
     {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
    {"the hour after the repeated one comes at its own time",
     "0 2,3 * * *",
     "2026-10-24T23:00:00Z",
     "2026-10-25T06:00:00Z",
     {"2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"}},
    {"every hour follows real time",
     "0 * * * *",
     "2026-10-24T23:30:00Z",
     "2026-10-25T03:30:00Z",
     {"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z",
      "2026-10-25T03:00:00Z"}},
    {"every hour follows real time over the gap",
     "0 * * * *",
     "2026-03-28T23:30:00Z",
     "2026-03-29T02:30:00Z",
     {"2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"}},
    {"the minutes of an hour that does not exist do not either",
     "* 2 29 3 *",
     "2026-03-01T00:00:00Z",
     "2026-04-01T00:00:00Z",
     {0}},
    {"far ahead it finds the year",
     "0 2 29 2 *",
     "2024-03-01T00:00:00Z",
     "2029-01-01T00:00:00Z",
     {"2028-02-29T01:00:00Z"}},
    {"every minute far ahead too",
     "*/30 * 29 2 *",
     "2024-03-01T00:00:00Z",
     "2028-02-29T00:00:00Z",
     {"2028-02-28T23:00:00Z", "2028-02-28T23:30:00Z"}},
};

static void clocks_are_changed(void **state)
{
    struct zone *z = support_zone(BERLIN);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct recurrence r = {.kind = RECUR_CRON, .zone = z};
        struct ff_err err = {0};
        int64_t at = support_time(changes[i].from);
        assert_int_equal(cron_parse(changes[i].expr, &r.cron, &err), FF_OK);
        for (size_t k = 0; changes[i].instants[k]; k++) {
            char text[UNITS_TEXT];
            assert_true(recurrence_next(&r, at, &at));
            units_time_text(at, text);
            if (at != support_time(changes[i].instants[k]))
                fail_msg("%s: %s", changes[i].what, text);
        }
        assert_true(recurrence_next(&r, at, &at));
        assert_true(at >= support_time(changes[i].below));
    }
    zone_free(z);
}

static void an_interval_counts_from_1970(void **state)
{
    struct recurrence r = {.kind = RECUR_INTERVAL, .every_us = 600 * UNITS_SECOND};
    int64_t next = 0;

    (void)state;
    assert_true(recurrence_next(&r, support_time("2026-01-01T00:05:00Z"), &next));
    assert_true(next == support_time("2026-01-01T00:10:00Z"));
    assert_true(recurrence_next(&r, next, &next));
    assert_true(next == support_time("2026-01-01T00:20:00Z"));
    r.offset_us = 60 * UNITS_SECOND;
    assert_true(recurrence_next(&r, next, &next));
    assert_true(next == support_time("2026-01-01T00:21:00Z"));
    assert_true(recurrence_next(&r, -1, &next));
    assert_true(next == 60 * UNITS_SECOND);
    assert_true(recurrence_next(&r, -UNITS_SECOND * 600, &next));
    assert_true(next == -540 * UNITS_SECOND);
}

static void time_has_an_end(void **state)
{
    struct recurrence r = {.kind = RECUR_CRON, .zone = zone_utc};
    struct ff_err err = {0};
    int64_t next = 0;

    (void)state;
    assert_int_equal(cron_parse("* * * * *", &r.cron, &err), FF_OK);
    assert_false(recurrence_next(&r, INT64_MAX, &next));
    assert_false(recurrence_next(&r, INT64_MIN, &next));
}

static void jitter_is_the_same_each_time(void **state)
{
    const int64_t max = 30 * UNITS_SECOND;
    int64_t least = max, most = 0;

    (void)state;
    assert_int_equal(recurrence_jitter_us("nightly", 5, 0), 0);
    for (int64_t i = 0; i < 1000; i++) {
        const int64_t wait = recurrence_jitter_us("nightly", i * 3600, max);
        assert_in_range(wait, 0, max - 1);
        assert_true(wait == recurrence_jitter_us("nightly", i * 3600, max));
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    assert_true(least < max / 50 && most > max - max / 50);
    assert_true(recurrence_jitter_us("a", 0, max) != recurrence_jitter_us("b", 0, max));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_are_changed),
        cmocka_unit_test(an_interval_counts_from_1970),
        cmocka_unit_test(time_has_an_end),
        cmocka_unit_test(jitter_is_the_same_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
