#include "support.h"

#include <time.h>

#define MS INT64_C(1000)
#define S  UNITS_SECOND
#define M  (60 * S)
#define H  (60 * M)
#define D  (24 * H)

static const struct {
    const char *text;
    int64_t us;
} durations[] = {
    {"250ms", 250 * MS},
    {"30s", 30 * S},
    {"10m", 10 * M},
    {"2h", 2 * H},
    {"7d", 7 * D},
    {"1h30m", H + 30 * M},
    {"PT10M", 10 * M},
    {"P1DT2H", D + 2 * H},
    {"0s", 0},
    {"1d2h3m4s5ms", D + 2 * H + 3 * M + 4 * S + 5 * MS},
    {"90m", 90 * M},
    {"P7D", 7 * D},
    {"PT1H2M3S", H + 2 * M + 3 * S},
    {"36525d", 36525 * D},
    {"1m1ms", M + MS},
    {"PT0S", 0},
};

static const char *const no_durations[] = {
    "",
    "10",
    "s",
    "ms",
    "10 s",
    " 10s",
    "10s ",
    "10x",
    "-1s",
    "+1s",
    "1.5h",
    "30m1h",
    "1h1h",
    "1h30",
    "10S",
    "1w",
    "P",
    "PT",
    "P1DT",
    "P1D2H",
    "PT1D",
    "P1H",
    "PT1M1H",
    "P1W",
    "P1Y",
    "P1M",
    "PT1.5S",
    "pt10m",
    "P-1D",
    "36526d",
    "P36525DT1S",
    "99999999999999999999s",
    "9223372036854775807d",
    "10us",
    "0x10s",
    "1h 30m",
    "forever",
    "P1D ",
    "1ms1m",
};

static void durations_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        int64_t us = -1;

        if (!units_duration(durations[i].text, &us))
            fail_msg("%s was refused", durations[i].text);
        assert_int_equal(us, durations[i].us);
    }
}

static void what_is_no_duration_is_refused_and_writes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_durations); i++) {
        int64_t us = -77;

        if (units_duration(no_durations[i], &us))
            fail_msg("%s was taken", no_durations[i]);
        assert_int_equal(us, -77);
    }
}

static void sizes_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } sizes[] = {
        {"512", 512},
        {"64KiB", 65536},
        {"2MiB", 2097152},
        {"1GiB", 1073741824},
        {"10MB", 10000000},
        {"4K", 4000},
        {"4k", 4000},
        {"4Ki", 4096},
        {"128Mi", 134217728},
        {"0", 0},
        {"7B", 7},
        {"1T", 1000000000000},
        {"1Ti", INT64_C(1) << 40},
        {"9223372036854775807", INT64_MAX},
    };
    static const char *const no_sizes[] = {
        "",
        "K",
        "-1",
        "1.5G",
        "1 K",
        "1KiBs",
        "1KIB",
        "1ki",
        "1Bi",
        "1BB",
        "abc",
        "9223372036854775808",
        "9000000000000Mi",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int64_t bytes = -1;

        assert_true(units_size(sizes[i].text, &bytes));
        assert_int_equal(bytes, sizes[i].bytes);
    }
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        int64_t bytes = -77;

        assert_false(units_size(no_sizes[i], &bytes));
        assert_int_equal(bytes, -77);
    }
}

static void durations_are_written_for_people(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "0ms"},
        {999, "0ms"},
        {340 * MS, "340ms"},
        {S - 1, "999ms"},
        {4200 * MS, "4.2s"},
        {M - 1, "59.9s"},
        {M, "1m00s"},
        {192 * S, "3m12s"},
        {H - 1, "59m59s"},
        {125 * M, "2h05m"},
        {D - 1, "23h59m"},
        {26 * H, "1d02h"},
        {-4200 * MS, "-4.2s"},
        {-1, "0ms"},
        {INT64_MAX, "106751991d04h"},
        {INT64_MIN, "-106751991d04h"},
    };
    char text[UNITS_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        units_duration_text(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void sizes_are_written_for_people(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1048575, "1023.9 KiB"},
        {1468007, "1.4 MiB"},
        {INT64_MAX, "7.9 EiB"},
        {INT64_MIN, "-8.0 EiB"},
        {-512, "-512 B"},
    };
    char text[UNITS_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        units_size_text(cases[i].bytes, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* glibc's gmtime_r is the oracle. */
static void times_are_written_as_the_c_library_writes_them(void **state)
{
    const int64_t span = INT64_C(253402300800); /* up to the year 10000 */
    struct rand r = support_rand();

    (void)state;
    for (int i = 0; i < 20000; i++) {
        const int64_t seconds = (int64_t)rand_below(&r, (uint64_t)span);
        const int64_t micro = (int64_t)rand_below(&r, 1000000);
        const time_t when = (time_t)seconds;
        char expected[64];
        char text[UNITS_TEXT];
        struct tm tm;
        int64_t back = 0;

        gmtime_r(&when, &tm);
        const size_t len =
            strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(expected + len, sizeof(expected) - len, ".%06dZ", (int)micro);
        units_time_text(seconds * S + micro, text);
        assert_string_equal(text, expected);
        assert_true(units_time(text, &back));
        assert_int_equal(back, seconds * S + micro);
    }
}

static void times_before_1970_and_beyond_four_digits_are_written(void **state)
{
    char text[UNITS_TEXT];

    (void)state;
    units_time_text(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    units_time_text(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000000Z");
    units_time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

static void times_are_read_with_offsets_and_fractions(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.123456789Z", 123456},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1969-12-31T19:30:00-04:30", 0},
        {"2000-02-29T00:00:00Z", INT64_C(951782400) * S},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800) * S},
        {"0000-01-01T00:00:00Z", INT64_C(-62167219200) * S},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = -1;

        if (!units_time(cases[i].text, &us))
            fail_msg("%s was refused", cases[i].text);
        assert_int_equal(us, cases[i].us);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "2026-11-21",
        "2026-11-21T19:20:37",
        "2026-11-21 19:20:37Z",
        "2026-11-21T19:20Z",
        "2026-11-21T19:20:37.Z",
        "2026-11-21T19:20:37Zx",
        "2026-13-21T19:20:37Z",
        "2026-00-21T19:20:37Z",
        "2026-02-29T19:20:37Z",
        "1900-02-29T19:20:37Z",
        "2026-04-31T19:20:37Z",
        "2026-11-00T19:20:37Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T19:60:37Z",
        "2026-11-21T19:20:61Z",
        "2026-11-21T19:20:37+24:00",
        "2026-11-21T19:20:37+0200",
        "2026-1-21T19:20:37Z",
        "+2026-11-21T19:20:37Z",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = -77;

        if (units_time(cases[i], &us))
            fail_msg("%s was taken", cases[i]);
        assert_int_equal(us, -77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_no_duration_is_refused_and_writes_nothing),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(durations_are_written_for_people),
        cmocka_unit_test(sizes_are_written_for_people),
        cmocka_unit_test(times_are_written_as_the_c_library_writes_them),
        cmocka_unit_test(times_before_1970_and_beyond_four_digits_are_written),
        cmocka_unit_test(times_are_read_with_offsets_and_fractions),
        cmocka_unit_test(what_is_no_time_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
