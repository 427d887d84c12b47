/* cron_day.c - what only the fields of days can say: L, LW and 15W of the month, 5L and
 * 5#3 of the week. */
#include "calendar/calendar_priv.h"

#include <string.h>

static bool is_letter(const char *at, char letter)
{
    return (*at == letter || *at == letter - 'A' + 'a') && at[1] == '\0';
}

int cron_take_day_item(const struct cron_field *field, const char *item,
                       struct cron *cron, struct ff_err *err)
{
    if (is_letter(item, 'L')) {
        cron->last_day = true;
        return FF_OK;
    }
    if ((*item == 'L' || *item == 'l') && is_letter(item + 1, 'W')) {
        cron->last_weekday = true;
        return FF_OK;
    }
    if (!is_letter(item + strspn(item, "0123456789"), 'W'))
        return FF_NOT_FOUND;
    const int day = cron_take_value(field, &item, err);
    if (day < 0)
        return err->code;
    cron->nearest_weekday |= 1U << day;
    return FF_OK;
}

/* The number behind #, or 0. */
static int take_nth(const char *at)
{
    return at[0] >= '1' && at[0] <= '5' && at[1] == '\0' ? at[0] - '0' : 0;
}

int cron_take_weekday_item(const struct cron_field *field, const char *item,
                           struct cron *cron, struct ff_err *err)
{
    const char *hash = strchr(item, '#');
    const size_t len = strlen(item);
    const bool last = len > 1 && is_letter(item + len - 1, 'L');

    if (!hash && !last)
        return FF_NOT_FOUND;
    int day = cron_take_value(field, &item, err);
    if (day < 0)
        return err->code;
    day %= 7;
    if (last && is_letter(item, 'L')) {
        cron->last_weekdays |= 1U << day;
        return FF_OK;
    }
    const int nth = item == hash ? take_nth(hash + 1) : 0;
    if (nth == 0)
        return ff_fail(
            err, FF_INVALID, 0,
            "%s: write 5#3 for the third Friday of the month (1 to 5) and 5L "
            "for the last",
            field->name);
    cron->nth_weekdays |= UINT64_C(1) << (8 * day + nth);
    return FF_OK;
}
