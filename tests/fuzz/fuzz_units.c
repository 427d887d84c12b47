/* fuzz_units.c - durations, sizes, times, ids and names as people write them. A time
 * that is read, written and read again is the same; all stay within their limits. */
#include "fuzz.h"

#define HUNDRED_YEARS (INT64_C(36525) * 86400 * UNITS_SECOND)

static void check_time(const char *text)
{
    char written[UNITS_TEXT], final[UNITS_TEXT];
    int64_t us = 0, again = 0;

    if (!units_time(text, &us))
        return;
    units_time_text(us, written);
    FUZZ_CHECK(strlen(written) == 27);
    FUZZ_CHECK(units_time(written, &again));
    units_time_text(again, final);
    FUZZ_CHECK(strcmp(written, final) == 0);
    /* An offset may lead out of the years that have four digits. */
    FUZZ_CHECK(again == us || strncmp(written, "0000-01-01T00:00:00.0", 21) == 0 ||
               strncmp(written, "9999-12-31T23:59:59.9", 21) == 0);
}

static void check_measures(const char *text)
{
    char shown[UNITS_TEXT];
    int64_t n = -1;

    if (units_duration(text, &n)) {
        FUZZ_CHECK(n >= 0 && n <= HUNDRED_YEARS);
        units_duration_text(n, shown);
        FUZZ_CHECK(*shown);
    }
    n = -1;
    if (!units_size(text, &n))
        return;
    FUZZ_CHECK(n >= 0);
    units_size_text(n, shown);
    FUZZ_CHECK(*shown);
    /* The same in bytes is the same. */
    int64_t again = -1;

    snprintf(shown, sizeof(shown), "%lldB", (long long)n);
    FUZZ_CHECK(units_size(shown, &again) && again == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const near[] = {"extract", "transform", "load", "a", NULL};
    struct fuzz_input in = {data, data + size};
    char shown[UNITS_TEXT];

    while (in.at < in.end) {
        MEM_AUTO char *text = fuzz_piece(&in, '\n', NULL);

        check_time(text);
        check_measures(text);
        if (id_valid(text))
            FUZZ_CHECK(strlen(text) == ID_TEXT - 1);
        if (text_is_name(text, false))
            FUZZ_CHECK(text_is_name(text, true) && strlen(text) <= 63);
        text_nearest(text, near);
    }
    in.at = data;
    const int64_t n = fuzz_number(&in);

    units_duration_text(n, shown);
    units_size_text(n, shown);
    units_time_text(n, shown);
    check_time(shown);
    return 0;
}
