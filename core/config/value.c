/* config/value.c - the text of one setting as the type that its option asks for.
 *
 * A secret's text never gets into a sentence. */
#include "config/config_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_VALUE 40

/* Where an option stands while its text is judged. */
struct judged {
    const char *section;
    const struct ff_opt *opt;
    const char *text;
    const char *where;
    struct ff_err *err;
};

/* The value in quotes, short and without control characters; or words for a secret. */
static void shown(const struct judged *j, char out[SHOWN_VALUE + 8])
{
    size_t len = strlen(j->text);

    if (j->opt->flags & FF_OPT_SECRET) {
        snprintf(out, SHOWN_VALUE + 8, "its value");
        return;
    }
    snprintf(out, SHOWN_VALUE + 8, "'%.*s%s'", SHOWN_VALUE, j->text,
             len > SHOWN_VALUE ? "..." : "");
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = '?';
}

static int FF_PRINTF(2, 3) refuse(const struct judged *j, const char *fmt, ...)
{
    char sentence[160];
    char value[SHOWN_VALUE + 8];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    shown(j, value);
    return ff_fail(j->err, FF_INVALID, 0, "%s: %s.%s: %s is %s", j->where, j->section,
                   j->opt->name, value, sentence);
}

static int read_text(const struct judged *j, struct value *out)
{
    out->text = j->text;
    return FF_OK;
}

static int read_int(const struct judged *j, struct value *out)
{
    char *end;
    long long n;

    errno = 0;
    n = strtoll(j->text, &end, 10);
    /* strtoll skips blanks and takes a '+', which is nobody's way to write a port. */
    if (end == j->text || *end || !strchr("-0123456789", j->text[0]))
        return refuse(j, "not a whole number");
    if (errno == ERANGE)
        return refuse(j, "beyond 64 bits");
    out->number = n;
    return FF_OK;
}

static int read_bool(const struct judged *j, struct value *out)
{
    if (strcmp(j->text, "true") == 0)
        out->number = 1;
    else if (strcmp(j->text, "false") == 0)
        out->number = 0;
    else
        return refuse(j, "neither true nor false");
    return FF_OK;
}

static int read_seconds(const struct judged *j, struct value *out)
{
    if (!units_duration(j->text, &out->number))
        return refuse(j, "not a duration such as 250ms, 30s, 10m or 2h");
    return FF_OK;
}

static int read_size(const struct judged *j, struct value *out)
{
    if (!units_size(j->text, &out->number))
        return refuse(j, "not a size such as 512, 64KiB, 2MiB or 1GiB");
    return FF_OK;
}

static int read_choice(const struct judged *j, struct value *out)
{
    char words[128] = "";
    size_t used = 0;

    for (size_t i = 0; j->opt->choices[i]; i++) {
        if (strcmp(j->opt->choices[i], j->text) == 0) {
            out->number = (int64_t)i;
            return FF_OK;
        }
        if (used < sizeof(words))
            used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
                                     i ? ", " : "", j->opt->choices[i]);
    }
    return refuse(j, "none of: %s", words);
}

static void int_text(int64_t n, char out[UNITS_TEXT])
{
    snprintf(out, UNITS_TEXT, "%lld", (long long)n);
}

static const struct {
    int (*read)(const struct judged *j, struct value *out);
    void (*text)(int64_t n, char out[UNITS_TEXT]); /* NULL: has no range */
} types[] = {
    [FF_OPT_TEXT] = {read_text, NULL},
    [FF_OPT_INT] = {read_int, int_text},
    [FF_OPT_BOOL] = {read_bool, NULL},
    [FF_OPT_SECONDS] = {read_seconds, units_duration_text},
    [FF_OPT_SIZE] = {read_size, units_size_text},
    [FF_OPT_CHOICE] = {read_choice, NULL},
};

static int check_range(const struct judged *j, const struct value *v)
{
    const struct ff_opt *opt = j->opt;
    char min[UNITS_TEXT];
    char max[UNITS_TEXT];

    if (!types[opt->type].text || (opt->min == 0 && opt->max == 0))
        return FF_OK;
    if (v->number >= opt->min && v->number <= opt->max)
        return FF_OK;
    types[opt->type].text(opt->min, min);
    types[opt->type].text(opt->max, max);
    return refuse(j, "out of range; allowed is %s to %s", min, max);
}

int config_value(const char *section, const struct ff_opt *opt, const char *text,
                 const char *where, struct value *out, struct ff_err *err)
{
    const struct judged j = {section, opt, text, where, err};
    int code;

    *out = (struct value){0};
    if (opt->type >= COUNT_OF(types) || !types[opt->type].read ||
        (opt->type == FF_OPT_CHOICE && !opt->choices))
        return ff_fail(err, FF_INTERNAL, 0, "%s.%s: the option has no known type",
                       section, opt->name);
    if (text_utf8_error(text, strlen(text)) < strlen(text))
        return ff_fail(err, FF_INVALID, 0, "%s: %s.%s: its value is not valid UTF-8",
                       where, section, opt->name);
    code = types[opt->type].read(&j, out);
    return code == FF_OK ? check_range(&j, out) : code;
}

/* By memcpy: the struct is another's, and so is its alignment. */
void config_value_store(const struct ff_opt *opt, const struct value *v, void *target)
{
    char *at = (char *)target + opt->offset;

    if (opt->type == FF_OPT_TEXT)
        memcpy(at, &v->text, sizeof(v->text));
    else
        memcpy(at, &v->number, sizeof(v->number));
}
