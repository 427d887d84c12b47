/* fuzz_calendar.c - a cron expression, and behind the end of its line a TZif file. What
 * comes next comes after, and matches; a zone stays within the offsets that there are.
 */
#include "fuzz.h"

#include "calendar/calendar.h"

#define HOUR_US (3600 * UNITS_SECOND)

static void check_minutes(const struct cron *cron, int64_t at)
{
    int64_t next = 0, again = 0;

    FUZZ_CHECK(cron_next_minute(cron, at, &next));
    FUZZ_CHECK(next > at);
    FUZZ_CHECK(cron_next_minute(cron, next - 1, &again) && again == next);
}

static void check_recurrence(const struct recurrence *r, int64_t at)
{
    int64_t before = at;

    for (int i = 0; i < 4; i++) {
        int64_t next = 0, again = 0;
        if (!recurrence_next(r, before, &next))
            return;
        FUZZ_CHECK(next > before);
        /* Nothing lies between, and asking a little later changes nothing. */
        FUZZ_CHECK(recurrence_next(r, next - 1, &again) && again == next);
        before = next;
    }
}

static void check_zone(const struct zone *z, int64_t at)
{
    char text[UNITS_TEXT];

    for (int i = 0; i < 8 && at < INT64_MAX; i++) {
        const int64_t offset = zone_offset_s(z, at);
        FUZZ_CHECK(offset > -25 * INT64_C(3600) && offset < 26 * INT64_C(3600));
        zone_time_text(z, at, text);
        const int64_t next = zone_next_change_us(z, at);
        FUZZ_CHECK(next > at);
        FUZZ_CHECK(next == INT64_MAX || zone_offset_s(z, next - 1) == offset);
        at = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    struct recurrence r = {.kind = RECUR_CRON};
    struct ff_err err = {0};
    MEM_AUTO char *text = fuzz_piece(&in, '\n', NULL);
    const bool good = cron_parse(text, &r.cron, &err) == FF_OK;
    const size_t left = (size_t)(in.end - in.at);
    MEM_AUTO char *bytes = fuzz_text(in.at, left);
    struct zone *z = zone_new(bytes, left, &err);
    const int64_t at = (int64_t)(rand_mix(size) % 100) * 8766 * HOUR_US;

    zone_name_is_valid(text);
    if (good)
        check_minutes(&r.cron, at / HOUR_US);
    if (z)
        check_zone(z, at);
    r.zone = z ? z : zone_utc;
    if (good)
        check_recurrence(&r, at);
    zone_free(z);
    return 0;
}
