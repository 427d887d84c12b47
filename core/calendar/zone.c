/* zone.c - how far a zone's clock is ahead, and when that changes. */
#include "calendar/calendar_priv.h"

static const struct zone utc = {.n_changes = 0};
const struct zone *const zone_utc = &utc;

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '+';
}

bool zone_name_is_valid(const char *name)
{
    size_t len = 0;
    char before = '/';

    for (; name[len]; len++) {
        /* No empty part, and none that begins with a dot: dots are no name's. */
        if (!is_name_char(name[len]) && (name[len] != '/' || before == '/'))
            return false;
        before = name[len];
    }
    return len > 0 && len <= ZONE_MAX_NAME && before != '/';
}

/* How many changes there are until then, itself included. */
static size_t n_until(const struct zone *z, int64_t at_s)
{
    size_t low = 0, high = z->n_changes;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (z->changes_s[middle] <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t clamp_s(int64_t at_us)
{
    const int64_t at_s = floor_div(at_us, UNITS_SECOND);

    if (at_s > INSTANT_MAX_S)
        return INSTANT_MAX_S;
    return at_s < -INSTANT_MAX_S ? -INSTANT_MAX_S : at_s;
}

int64_t zone_offset_s(const struct zone *z, int64_t at_us)
{
    const int64_t at_s = clamp_s(at_us);
    const size_t n = n_until(z, at_s);

    if (n == z->n_changes && z->has_rule)
        return zone_rule_offset_s(&z->rule, at_s);
    return n == 0 ? z->first_s : z->offsets_s[n - 1];
}

int64_t zone_next_change_us(const struct zone *z, int64_t at_us)
{
    const int64_t at_s = clamp_s(at_us);
    const size_t n = n_until(z, at_s);
    int64_t next_s = INT64_MAX;

    if (n < z->n_changes)
        next_s = z->changes_s[n];
    else if (z->has_rule)
        next_s = zone_rule_next_s(&z->rule, at_s);
    return next_s > INSTANT_MAX_S ? INT64_MAX : next_s * UNITS_SECOND;
}

void zone_time_text(const struct zone *z, int64_t at_us, char out[UNITS_TEXT])
{
    const int64_t offset_s = zone_offset_s(z, at_us);
    const unsigned minutes = (unsigned)((offset_s < 0 ? -offset_s : offset_s) / 60);
    const size_t date_and_time = 19; /* 2026-11-21T20:20:37 */

    units_time_text(at_us + offset_s * UNITS_SECOND, out);
    if (offset_s == 0)
        snprintf(out + date_and_time, UNITS_TEXT - date_and_time, "Z");
    else
        snprintf(out + date_and_time, UNITS_TEXT - date_and_time, "%c%02u:%02u",
                 offset_s < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}
