/* recur.c - what core/calendar answers, for tests in other languages. Each line of its
 * input is one question: FILE<tab>EXPRESSION<tab>FROM<tab>BELOW, FILE being a TZif file
 * or UTC, the times seconds since 1970. Each line of its output holds the instants from
 * FROM on and before BELOW, or the error behind a !. */
#include "calendar/calendar.h"

#include <stdlib.h>
#include <string.h>

#define N_FIELDS 4

static bool read_zone(const char *path, struct zone **zone, struct ff_err *err)
{
    struct buf bytes = {0};

    *zone = NULL;
    if (strcmp(path, "UTC") == 0)
        return true;
    if (file_read(path, ZONE_MAX_BYTES, &bytes) != 0)
        ff_fail(err, FF_NOT_FOUND, 0, "%.200s cannot be read", path);
    else
        *zone = zone_new(buf_text(&bytes), bytes.len, err);
    buf_done(&bytes);
    return *zone;
}

static void answer(char *const *fields)
{
    struct recurrence r = {.kind = RECUR_CRON};
    int64_t at = strtoll(fields[2], NULL, 10) * UNITS_SECOND - 1;
    const int64_t below = strtoll(fields[3], NULL, 10) * UNITS_SECOND;
    struct ff_err err = {0};
    struct zone *zone;

    if (cron_parse(fields[1], &r.cron, &err) != FF_OK ||
        !read_zone(fields[0], &zone, &err)) {
        printf("!%s\n", err.msg);
        return;
    }
    r.zone = zone ? zone : zone_utc;
    while (recurrence_next(&r, at, &at) && at < below)
        printf("%lld ", (long long)(at / UNITS_SECOND));
    printf("\n");
    zone_free(zone);
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        char *fields[N_FIELDS];
        char *rest = line;
        int n = 0;
        line[strcspn(line, "\n")] = '\0';
        for (; n < N_FIELDS && rest; n++)
            fields[n] = strsep(&rest, "\t");
        if (n < N_FIELDS)
            return 2;
        answer(fields);
    }
    free(line);
    return 0;
}
