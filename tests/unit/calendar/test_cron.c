#include "support.h"

/* --- what comes next --- */

static const struct {
    const char *expr, *after, *next;
} cases[] = {
    {"* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"},
    {"*/15 * * * *", "2026-01-01T00:45:30Z", "2026-01-01T01:00:00Z"},
    {"5/20 * * * *", "2026-01-01T00:05:00Z", "2026-01-01T00:25:00Z"},
    {"0 9-17/4 * * *", "2026-01-01T13:00:00Z", "2026-01-01T17:00:00Z"},
    {"@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"},
    {"@daily", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
    {"@midnight", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
    {"@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"@monthly", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"},
    {"@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"@annually", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"},
    {"0 0 29 2 *", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"},
    {"0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
    {"0 0 * * MON", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
    {"0 0 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"0 0 * * fri-sun", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"0 0 * * 5-7", "2026-01-04T00:00:00Z", "2026-01-09T00:00:00Z"},
    {"0 0 * Jul-sep *", "2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z"},
    /* both day fields say something: either is enough */
    {"0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
    {"0 0 13 * 5", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"},
    {"0 0 ? * 5", "2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z"},
    {"0 0 13 * ?", "2026-01-01T00:00:00Z", "2026-01-13T00:00:00Z"},
    {"0 0 L * *", "2026-02-01T00:00:00Z", "2026-02-28T00:00:00Z"},
    {"0 0 l 2 *", "2028-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
    {"0 0 LW * *", "2026-02-01T00:00:00Z", "2026-02-27T00:00:00Z"},
    {"0 0 lw * *", "2026-05-01T00:00:00Z", "2026-05-29T00:00:00Z"},
    {"0 0 15W * *", "2026-02-01T00:00:00Z", "2026-02-16T00:00:00Z"}, /* a Sunday */
    {"0 0 15w * *", "2026-08-01T00:00:00Z", "2026-08-14T00:00:00Z"}, /* a Saturday */
    {"0 0 15W * *", "2026-04-01T00:00:00Z", "2026-04-15T00:00:00Z"},
    {"0 0 1W * *", "2026-07-30T00:00:00Z", "2026-08-03T00:00:00Z"},  /* Saturday 1st */
    {"0 0 31W 5 *", "2026-05-01T00:00:00Z", "2026-05-29T00:00:00Z"}, /* Sunday 31st */
    {"0 0 * * 5#3", "2026-01-01T00:00:00Z", "2026-01-16T00:00:00Z"},
    {"0 0 * * fri#5", "2026-02-01T00:00:00Z", "2026-05-29T00:00:00Z"},
    {"0 0 * * 5L", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z"},
    {"0 0 * * SunL", "2026-01-26T00:00:00Z", "2026-02-22T00:00:00Z"},
    {"0 0 * * 7#1", "2026-01-05T00:00:00Z", "2026-02-01T00:00:00Z"},
    {"0 0 1,L * *", "2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z"},
    {"\t0  12 * *  1 ", "2026-01-01T00:00:00Z", "2026-01-05T12:00:00Z"},
    {"0 0 29 2 1#5", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
    /* before 1970 numbers are negative */
    {"30 23 * * *", "1969-12-30T23:30:00Z", "1969-12-31T23:30:00Z"},
};

static void next_is_the_first_matching_minute(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct recurrence r = {.kind = RECUR_CRON, .zone = zone_utc};
        struct ff_err err = {0};
        char text[UNITS_TEXT], want[UNITS_TEXT];
        int64_t next = 0;
        if (cron_parse(cases[i].expr, &r.cron, &err) != FF_OK)
            fail_msg("%s: %s", cases[i].expr, err.msg);
        assert_true(recurrence_next(&r, support_time(cases[i].after), &next));
        units_time_text(next, text);
        units_time_text(support_time(cases[i].next), want);
        if (strcmp(text, want) != 0)
            fail_msg("%s after %s: %s", cases[i].expr, cases[i].after, text);
    }
}

/* --- what is refused --- */

static const struct {
    const char *expr, *says;
} wrong[] = {
    {"", "fewer than 5 fields"},
    {"* * * *", "fewer than 5 fields"},
    {"* * * * * *", "more than 5 fields"},
    {"60 * * * *", "minute: 60 is not from 0 to 59"},
    {"* 24 * * *", "hour: 24 is not from 0 to 23"},
    {"* * 0 * *", "day of the month: 0 is not from 1 to 31"},
    {"* * * 13 *", "month: 13 is not from 1 to 12"},
    {"* * * * 8", "day of the week: 8 is not from 0 to 7"},
    {"99999999999999999999 * * * *", "is not from 0 to 59"},
    {"x * * * *", "minute: 'x' is no number"},
    {"* * * foo *", "month: 'foo' is no number or name"},
    {"5-1 * * * *", "the range 5-1 runs backwards; write it as two: 5-59,0-1"},
    {"1- * * * *", "minute: '' is no number"},
    {"1-x * * * *", "minute: 'x' is no number"},
    {"*/0 * * * *", "a step is a whole number from 1 to 59"},
    {"*/x * * * *", "a step is a whole number"},
    {"*/99 * * * *", "a step is a whole number"},
    {"1/ * * * *", "a step is a whole number"},
    {"1.5 * * * *", "'1.5' is not understood at '.5'"},
    {"*5 * * * *", "'*5' is not understood at '5'"},
    {"1,,2 * * * *", "something is missing beside a comma"},
    {"1, * * * *", "something is missing beside a comma"},
    {"0 0 L-3 * *", "'L-3' is no number"},
    {"0 0 32W * *", "32 is not from 1 to 31"},
    {"0 0 W * *", "day of the month: 'W' is no number"},
    {"0 0 * * 5#6", "5#3"},
    {"0 0 * * 5#", "5#3"},
    {"0 0 * * 5#1L", "5#3"},
    {"0 0 * * 9#1", "9 is not from 0 to 7"},
    {"0 0 * * 1-5#2", "5#3"},
    {"0 0 * * L", "'L' is no number or name"},
    {"0 0 * * 1-5L", "5#3"},
    {"0 0 30 2 *", "never happens"},
    {"0 0 31 4,6,9,11 *", "never happens"},
    {"@reboot", "@reboot is none of"},
    {"@every 10m", "use interval"},
    {"CRON_TZ=UTC * * * * *", "timezone:"},
    {"TZ=UTC * * * * *", "timezone:"},
};

static void a_wrong_expression_says_which_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct cron cron;
        struct ff_err err = {0};
        assert_int_equal(cron_parse(wrong[i].expr, &cron, &err), FF_INVALID);
        if (!strstr(err.msg, wrong[i].says))
            fail_msg("%s: %s", wrong[i].expr, err.msg);
    }
}

static void an_expression_has_a_length(void **state)
{
    char text[CRON_MAX_LEN + 2];
    struct cron cron;
    struct ff_err err = {0};

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "* * * * *", 9);
    text[CRON_MAX_LEN] = '\0';
    assert_int_equal(cron_parse(text, &cron, &err), FF_OK);
    text[CRON_MAX_LEN] = ' ';
    text[CRON_MAX_LEN + 1] = '\0';
    assert_int_equal(cron_parse(text, &cron, &err), FF_INVALID);
}

static void every_minute_or_hour_follows_time(void **state)
{
    static const struct {
        const char *expr;
        bool follows;
    } expressions[] = {
        {"* 2 * * *", true},    {"0 * * * *", true},    {"*/5 * * * *", true},
        {"0 0-23 * * *", true}, {"0-59 2 1 1 *", true}, {"0 */2 * * *", false},
        {"*/5 2 * * *", false}, {"0 0 * * *", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(expressions); i++) {
        struct cron cron;
        struct ff_err err = {0};
        assert_int_equal(cron_parse(expressions[i].expr, &cron, &err), FF_OK);
        assert_int_equal(cron.follows_time, expressions[i].follows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_is_the_first_matching_minute),
        cmocka_unit_test(a_wrong_expression_says_which_field),
        cmocka_unit_test(an_expression_has_a_length),
        cmocka_unit_test(every_minute_or_hour_follows_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
