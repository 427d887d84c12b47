#include "support.h"

static void utc_never_changes(void **state)
{
    (void)state;
    assert_int_equal(zone_offset_s(zone_utc, 0), 0);
    assert_true(zone_next_change_us(zone_utc, 0) == INT64_MAX);
}

static const struct {
    const char *rule, *at, *text;
} shown[] = {
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", "2026-03-29T01:59:59+01:00"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00+02:00"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", "2026-10-25T02:59:59+02:00"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00+01:00"},
    {"EST5EDT,M3.2.0,M11.1.0", "2026-07-04T12:00:00Z", "2026-07-04T08:00:00-04:00"},
    /* the south: summer goes over the end of the year */
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z",
     "2026-01-01T11:00:00+11:00"},
    {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-06-01T00:00:00Z",
     "2026-06-01T10:00:00+10:00"},
    /* winter time that is behind: Dublin */
    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00+01:00"},
    /* hours beyond a day: Gaza's is a Saturday after a Thursday */
    {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00Z",
     "2026-03-28T03:00:00+03:00"},
    {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59Z",
     "2026-03-28T01:59:59+02:00"},
    /* summer time that never ends */
    {"XXX3EDT4,0/0,J365/23", "2026-01-01T03:00:00Z", "2025-12-31T23:00:00-04:00"},
    {"XXX3EDT4,0/0,J365/23", "2026-07-01T00:00:00Z", "2026-06-30T20:00:00-04:00"},
    /* J60 is the first of March in every year, 59 only in those without a leap day */
    {"A0B,J60/0,300", "2028-02-29T23:59:59Z", "2028-02-29T23:59:59Z"},
    {"A0B,J60/0,300", "2028-03-01T00:00:00Z", "2028-03-01T01:00:00+01:00"},
    {"A0B,59/0,300", "2028-02-29T00:00:00Z", "2028-02-29T01:00:00+01:00"},
    {"<+0545>-5:45", "2026-01-01T00:00:00Z", "2026-01-01T05:45:00+05:45"},
    {"<-02>2:00:00<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z",
     "2026-03-28T22:59:59-02:00"},
    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z",
     "2026-03-29T00:00:00-01:00"},
    {"", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
};

static void a_rule_says_what_the_wall_shows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        struct zone *z = support_zone(shown[i].rule);
        char text[UNITS_TEXT];
        zone_time_text(z, support_time(shown[i].at), text);
        if (strcmp(text, shown[i].text) != 0)
            fail_msg("%s at %s: %s", shown[i].rule, shown[i].at, text);
        zone_free(z);
    }
}

static void the_next_change_comes_after_now(void **state)
{
    struct zone *z = support_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    const int64_t spring = support_time("2026-03-29T01:00:00Z");

    (void)state;
    assert_true(zone_next_change_us(z, spring - 1) == spring);
    assert_true(zone_next_change_us(z, spring) == support_time("2026-10-25T01:00:00Z"));
    zone_free(z);
}

static void a_wrong_rule_is_refused(void **state)
{
    static const char *const rules[] = {
        "1",
        "CET",
        "CET-",
        "CET-26",
        "CET-1:60",
        "CET25",
        "CET-1CEST",
        "CET-1CEST,M3",
        "<CET-1",
        "C0B,J0,300",
        "C0B,J366,1",
        "C0B,366,1",
        "C0B,1",
        "C0B,1,M13.1.0",
        "C0B,1,M1.6.0",
        "C0B,1,M1.0.0",
        "C0B,1,M1.1.7",
        "C0B,1/168,2",
        "C0B,1,2x",
        "C0B,x,2",
        "C0B,M1,2",
        "C0 ",
        "C0B-30,1,2",
        "C0B,1/,2",
        "C0B,1/1:60,2",
        "C0B,Jx,2",
        "AAA-25BBB,M3.5.0,M10.5.0", /* summer time is an hour more */
    };
    static const char front[] =
        "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\1\0\0\0\0\0\0\0\0\0\0"
        "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\1\0\0\0\0\0\0\0\0\0\0\n";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct buf file = {0};
        struct ff_err err = {0};
        buf_add(&file, front, sizeof(front) - 1);
        buf_printf(&file, "%s\n", rules[i]);
        if (zone_new(buf_text(&file), file.len, &err))
            fail_msg("%s was taken", rules[i]);
        assert_non_null(strstr(err.msg, "the rule in its footer"));
        buf_done(&file);
    }
}

/* --- files --- */

#define V1   "TZif\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* magic, version, reserved */
#define V2   "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define NONE "\0\0\0\0\0\0\0\0\0\0\0\0" /* of UT, of standard time, leap seconds */
#define TYPE "\0\0\0\0\0\0"

#define FILE_OF(bytes)                                                                 \
    {                                                                                  \
        (bytes), sizeof(bytes) - 1                                                     \
    }

static const struct {
    struct {
        const char *s;
        size_t len;
    } file;
    const char *says;
} damaged[] = {
    {FILE_OF(""), "no TZif"},
    {FILE_OF("TZif"), "no TZif"},
    {FILE_OF("GZif\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" NONE
             "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE),
     "no TZif"},
    {FILE_OF("TZif9\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" NONE
             "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE),
     "no TZif"},
    {FILE_OF(V1 NONE "\0\0\0\0\0\0\0\1\0\0\0\0"
                     "\0\0"),
     "too early"},
    {FILE_OF(V1 NONE "\xff\xff\xff\xff\0\0\0\1\0\0\0\0" TYPE), "too early"},
    {FILE_OF(V1 NONE "\0\0\0\0\0\0\0\0\0\0\0\0"), "no types"},
    {FILE_OF(V1 "\0\0\0\0\0\0\0\0\0\0\0\1"
                "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE TYPE TYPE),
     "leap seconds"},
    {FILE_OF(V1 NONE "\0\0\0\0\0\0\0\1\0\0\0\0"
                     "\0\2\0\0\0\0"),
     "offset"},
    {FILE_OF(V1 NONE "\0\0\0\2\0\0\0\1\0\0\0\0"
                     "\0\0\0\2\0\0\0\1"
                     "\0\0" TYPE),
     "not in order"},
    {FILE_OF(V1 NONE "\0\0\0\1\0\0\0\1\0\0\0\0"
                     "\0\0\0\2"
                     "\1" TYPE),
     "not there"},
    {FILE_OF(V2 NONE "\0\0\0\0\0\0\0\1\0\0\0\0"), "too early"},
    {FILE_OF(V2 NONE "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE "TZif"), "second header"},
    {FILE_OF(V2 NONE "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE V2 NONE
                     "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE),
     "footer is missing"},
    {FILE_OF(V2 NONE "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE V2 NONE
                     "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE "\nUTC0"),
     "footer is missing"},
    {FILE_OF(V2 NONE "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE V2 NONE
                     "\0\0\0\0\0\0\0\1\0\0\0\0" TYPE "xUTC0\n"),
     "footer is missing"},
};

static void a_damaged_file_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(damaged); i++) {
        struct ff_err err = {0};
        struct zone *z = zone_new(damaged[i].file.s, damaged[i].file.len, &err);
        assert_null(z);
        if (!strstr(err.msg, damaged[i].says))
            fail_msg("%zu: %s", i, err.msg);
    }
}

static void sizes_have_limits(void **state)
{
    static const char many[] = V1 NONE "\0\0\x07\xd1\0\0\0\1\0\0\0\0";
    char *large = mem_alloc(ZONE_MAX_BYTES + 1);
    struct ff_err err = {0};

    (void)state;
    memcpy(large, many, sizeof(many));
    assert_null(zone_new(large, 20000, &err));
    assert_non_null(strstr(err.msg, "more changes than any zone"));
    assert_null(zone_new(large, ZONE_MAX_BYTES + 1, &err));
    assert_non_null(strstr(err.msg, "larger than any"));
    mem_free(large);
}

static void the_table_holds_until_its_end(void **state)
{
    /* +1 h until second 1000, then +2 h, then -1 h; version 1, so nothing behind it */
    static const char file[] =
        V1 NONE "\0\0\0\2\0\0\0\3\0\0\0\0"
                "\0\0\x03\xe8\0\0\x07\xd0\1\2"
                "\0\0\x0e\x10\0\0\0\0\x1c\x20\0\0\xff\xff\xf1\xf0\0\0";
    struct ff_err err = {0};
    struct zone *z = zone_new(file, sizeof(file) - 1, &err);

    (void)state;
    assert_non_null(z);
    assert_int_equal(zone_offset_s(z, 999 * UNITS_SECOND), 3600);
    assert_int_equal(zone_offset_s(z, 1000 * UNITS_SECOND), 7200);
    assert_int_equal(zone_offset_s(z, INT64_MAX), -3600);
    assert_int_equal(zone_offset_s(z, INT64_MIN), 3600);
    assert_true(zone_next_change_us(z, 1000 * UNITS_SECOND) == 2000 * UNITS_SECOND);
    assert_true(zone_next_change_us(z, 2000 * UNITS_SECOND) == INT64_MAX);
    zone_free(z);
}

static void a_name_leads_nowhere_else(void **state)
{
    static const char *const good[] = {"UTC", "Europe/Berlin", "Etc/GMT+12",
                                       "America/Argentina/Buenos_Aires"};
    static const char *const bad[] = {
        "",
        "/etc/passwd",
        "../etc",
        "Europe/../x",
        "Europe//x",
        "Europe/",
        "a b",
        ".x",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(zone_name_is_valid(good[i]));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(zone_name_is_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc_never_changes),
        cmocka_unit_test(a_rule_says_what_the_wall_shows),
        cmocka_unit_test(the_next_change_comes_after_now),
        cmocka_unit_test(a_wrong_rule_is_refused),
        cmocka_unit_test(a_damaged_file_is_refused),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(the_table_holds_until_its_end),
        cmocka_unit_test(a_name_leads_nowhere_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
