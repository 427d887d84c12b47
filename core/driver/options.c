/* driver/options.c - judges a driver's option table before anything is stored by it. */
#include "driver/driver_priv.h"

#include <string.h>

#define MAX_OPTIONS 256 /* more: the table has no end */

struct judged {
    const struct ff_driver *d;
    const struct ff_opt *opt;
    const char *subject;
    struct ff_err *err;
};

static int FF_PRINTF(2, 3) refuse(const struct judged *j, const char *fmt, ...)
{
    char sentence[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    return ff_fail(j->err, FF_INVALID, 0, "%s: its option %.40s %s", j->subject,
                   j->opt->name, sentence);
}

static bool is_name(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= 63 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

static int check_choices(const struct judged *j)
{
    if (!j->opt->choices || !j->opt->choices[0])
        return refuse(j, "has no choices");
    return FF_OK;
}

static int check_shape(const struct judged *j)
{
    const struct ff_opt *o = j->opt;

    if (!is_name(o->name))
        return refuse(j, "has a name that is not small letters, digits, '_', '-', '.'");
    if (o->type < FF_OPT_TEXT || o->type > FF_OPT_CHOICE)
        return refuse(j, "is of type %u, which is unknown here", o->type);
    if (o->min > o->max)
        return refuse(j, "has a minimum above its maximum");
    return o->type == FF_OPT_CHOICE ? check_choices(j) : FF_OK;
}

/* Every value has 8 bytes: a pointer or an int64. */
static int check_place(const struct judged *j)
{
    const struct ff_opt *o = j->opt;

    if (j->d->config_size < sizeof(int64_t) ||
        o->offset > j->d->config_size - sizeof(int64_t))
        return refuse(j, "lies at offset %u, beyond the %llu bytes of configuration",
                      o->offset, (unsigned long long)j->d->config_size);
    if (o->offset % sizeof(int64_t) != 0)
        return refuse(j, "lies at offset %u, which is not a multiple of 8", o->offset);
    return FF_OK;
}

static int check_others(const struct judged *j)
{
    for (const struct ff_opt *o = j->d->opts; o < j->opt; o++) {
        if (strcmp(o->name, j->opt->name) == 0)
            return refuse(j, "is there twice");
        if (o->offset == j->opt->offset)
            return refuse(j, "lies at the same offset as %.40s", o->name);
    }
    return FF_OK;
}

/* A default that its own type refuses would show only where nothing is set. */
static int check_default(const struct judged *j)
{
    const struct ff_opt only[] = {
        {.name = j->opt->name,
         .fallback = j->opt->fallback,
         .type = j->opt->type,
         .min = j->opt->min,
         .max = j->opt->max,
         .choices = j->opt->choices},
        {0},
    };
    const struct config_section section = {"default", only};
    int64_t value;

    if (!j->opt->fallback || config_fill(NULL, &section, &value, NULL) == FF_OK)
        return FF_OK;
    return refuse(j, "has a default that it does not allow");
}

static int check_option(const struct judged *j)
{
    int code = check_shape(j);

    if (code == FF_OK)
        code = check_place(j);
    if (code == FF_OK)
        code = check_others(j);
    return code == FF_OK ? check_default(j) : code;
}

int driver_check_options(const struct ff_driver *d, const char *subject,
                         struct ff_err *err)
{
    size_t n = 0;

    for (const struct ff_opt *o = d->opts; o && o->name; o++) {
        const struct judged j = {d, o, subject, err};
        int code = ++n > MAX_OPTIONS ? refuse(&j, "is the 257th: has the table no end?")
                                     : check_option(&j);

        if (code != FF_OK)
            return code;
    }
    /* The end has no name and nothing else: with a type it is an option left nameless.
     */
    if (d->opts && d->opts[n].type)
        return ff_fail(err, FF_INVALID, 0, "%s: its option %zu has no name", subject,
                       n + 1);
    return FF_OK;
}
