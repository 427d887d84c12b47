/* cron.c - cron expressions: five fields of lists, ranges, steps and names, or a word
 * such as @daily. What days alone can say (L, W, #) is in cron_day.c. */
#include "calendar/calendar_priv.h"

#include <string.h>

static const char *const month_words[] = {"jan", "feb", "mar", "apr", "may",
                                          "jun", "jul", "aug", "sep", "oct",
                                          "nov", "dec", NULL};
static const char *const weekday_words[] = {"sun", "mon", "tue", "wed",
                                            "thu", "fri", "sat", NULL};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, N_FIELDS };

static const struct cron_field fields[N_FIELDS] = {
    [MINUTE] = {"minute", 0, 59, NULL},
    [HOUR] = {"hour", 0, 23, NULL},
    [DAY] = {"day of the month", 1, 31, NULL},
    [MONTH] = {"month", 1, 12, month_words},
    [WEEKDAY] = {"day of the week", 0, 7, weekday_words}, /* 7 is Sunday too */
};

static const struct {
    const char *word, *means;
} macros[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

/* --- values --- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int take_word(const struct cron_field *field, const char **text)
{
    for (int i = 0; field->words && field->words[i]; i++) {
        const char *word = field->words[i];
        const char *at = *text;
        if (lower(at[0]) != word[0] || lower(at[1]) != word[1] ||
            lower(at[2]) != word[2])
            continue;
        *text += 3;
        return field->min + i;
    }
    return -1;
}

int cron_take_value(const struct cron_field *field, const char **text,
                    struct ff_err *err)
{
    const char *start = *text;
    int value = 0;

    if (!is_digit(**text)) {
        value = take_word(field, text);
        if (value < 0)
            ff_fail(err, FF_INVALID, 0, "%s: '%.20s' is no %s", field->name, start,
                    field->words ? "number or name" : "number");
        return value;
    }
    for (; is_digit(**text); (*text)++)
        if (value <= field->max) /* so that no number is too large for an int */
            value = value * 10 + (**text - '0');
    if (value >= field->min && value <= field->max)
        return value;
    ff_fail(err, FF_INVALID, 0, "%s: %.*s is not from %d to %d", field->name,
            (int)(*text - start > 20 ? 20 : *text - start), start, field->min,
            field->max);
    return -1;
}

/* --- items: *, 5, 1-5, and each with /step --- */

static int take_step(const struct cron_field *field, const char *text, int *step,
                     struct ff_err *err)
{
    int value = 0;

    for (; is_digit(*text) && value < 1000; text++)
        value = value * 10 + (*text - '0');
    if (*text || value < 1 || value > field->max)
        return ff_fail(err, FF_INVALID, 0,
                       "%s: a step is a whole number from 1 to %d, as in */5",
                       field->name, field->max);
    *step = value;
    return FF_OK;
}

/* 0 and 7 are both Sunday: as the end of a range it is the day after Saturday. */
static int range_end(const struct cron_field *field, int first, int last)
{
    return field->max == 7 && last == 0 && first > 0 ? 7 : last;
}

static int take_bounds(const struct cron_field *field, const char **text, int *first,
                       int *last, struct ff_err *err)
{
    *first = cron_take_value(field, text, err);
    if (*first < 0)
        return err->code;
    *last = **text == '/' ? field->max : *first; /* 5/15: from 5 on */
    if (**text != '-')
        return FF_OK;
    (*text)++;
    *last = cron_take_value(field, text, err);
    if (*last < 0)
        return err->code;
    *last = range_end(field, *first, *last);
    if (*first > *last)
        return ff_fail(
            err, FF_INVALID, 0,
            "%s: the range %d-%d runs backwards; write it as two: %d-%d,%d-%d",
            field->name, *first, *last, *first, field->max, field->min, *last);
    return FF_OK;
}

static int take_item(const struct cron_field *field, const char *item, uint64_t *bits,
                     struct ff_err *err)
{
    const char *at = item;
    int first = field->min, last = field->max, step = 1;

    if (*at == '*')
        at++;
    else if (take_bounds(field, &at, &first, &last, err) != FF_OK)
        return err->code;
    if (*at == '/') {
        if (take_step(field, at + 1, &step, err) != FF_OK)
            return err->code;
    } else if (*at) {
        return ff_fail(err, FF_INVALID, 0, "%s: '%.20s' is not understood at '%.20s'",
                       field->name, item, at);
    }
    for (int value = first; value <= last; value += step)
        *bits |= UINT64_C(1) << value;
    return FF_OK;
}

/* --- fields --- */

static int take_field_item(int which, const char *item, struct cron *cron,
                           uint64_t *bits, struct ff_err *err)
{
    const struct cron_field *field = &fields[which];
    int code = FF_NOT_FOUND;

    if (!*item)
        return ff_fail(err, FF_INVALID, 0, "%s: something is missing beside a comma",
                       field->name);
    if (which == DAY)
        code = cron_take_day_item(field, item, cron, err);
    if (which == WEEKDAY)
        code = cron_take_weekday_item(field, item, cron, err);
    return code == FF_NOT_FOUND ? take_item(field, item, bits, err) : code;
}

static int take_field(int which, char *text, struct cron *cron, uint64_t *bits,
                      struct ff_err *err)
{
    bool *any = which == DAY       ? &cron->any_day
                : which == WEEKDAY ? &cron->any_weekday
                                   : NULL;

    if (any && (strcmp(text, "*") == 0 || strcmp(text, "?") == 0)) {
        *any = true;
        return take_item(&fields[which], "*", bits, err);
    }
    for (char *next = text; next;) {
        char *item = next;
        next = strchr(item, ',');
        if (next)
            *next++ = '\0';
        if (take_field_item(which, item, cron, bits, err) != FF_OK)
            return err->code;
    }
    return FF_OK;
}

/* Cuts the text at its blanks. Returns how many fields there are, at most limit + 1. */
static int split(char *text, char **parts, int limit)
{
    int n = 0;

    while (n <= limit) {
        text += strspn(text, " \t");
        if (!*text)
            break;
        if (n < limit)
            parts[n] = text;
        n++;
        text += strcspn(text, " \t");
        if (*text)
            *text++ = '\0';
    }
    return n;
}

static int parse_fields(const char *text, struct cron *cron, struct ff_err *err)
{
    MEM_AUTO char *copy = mem_text(text);
    uint64_t bits[N_FIELDS] = {0};
    char *parts[N_FIELDS];
    const int n = split(copy, parts, N_FIELDS);

    if (n != N_FIELDS)
        return ff_fail(err, FF_INVALID, 0,
                       "'%.40s' has %s than 5 fields: minute, hour, day of the month, "
                       "month, day of the week",
                       text, n < N_FIELDS ? "fewer" : "more");
    for (int i = 0; i < N_FIELDS; i++)
        if (take_field(i, parts[i], cron, &bits[i], err) != FF_OK)
            return err->code;
    cron->minutes = bits[MINUTE];
    cron->hours = (uint32_t)bits[HOUR];
    cron->days = (uint32_t)bits[DAY];
    cron->months = (uint32_t)bits[MONTH];
    cron->weekdays = (uint32_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f);
    cron->follows_time =
        cron->minutes == (UINT64_C(1) << 60) - 1 || cron->hours == (1U << 24) - 1;
    return FF_OK;
}

static const char *expand(const char *text, struct ff_err *err)
{
    if (text[0] != '@')
        return text;
    for (size_t i = 0; i < COUNT_OF(macros); i++)
        if (strcmp(text, macros[i].word) == 0)
            return macros[i].means;
    ff_fail(err, FF_INVALID, 0,
            text_starts(text, "@every")
                ? "%.40s is no cron expression: use interval: [{every: 10m}]"
                : "%.40s is none of @yearly, @monthly, @weekly, @daily and @hourly",
            text);
    return NULL;
}

int cron_parse(const char *text, struct cron *cron, struct ff_err *err)
{
    struct cron c = {0};
    int64_t minute;

    if (strlen(text) > CRON_MAX_LEN)
        return ff_fail(err, FF_INVALID, 0, "a cron expression has at most %d bytes",
                       CRON_MAX_LEN);
    if (text_starts(text, "TZ=") || text_starts(text, "CRON_TZ="))
        return ff_fail(err, FF_INVALID, 0, "the time zone stands beside it: timezone:");
    text = expand(text, err);
    if (!text || parse_fields(text, &c, err) != FF_OK)
        return err->code;
    if (!cron_next_minute(&c, 0, &minute))
        return ff_fail(err, FF_INVALID, 0,
                       "'%.40s' never happens: none of these months has such a day",
                       text);
    *cron = c;
    return FF_OK;
}
