/* cli_args.c - options and words of a command line, by the table of the command. */
#include "cli/frame/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct cli_args *args;
    const struct cli_option *tables[2];
    char *const *argv;
    size_t at;
    struct ff_err *err;
};

/* --- finding an option --- */

static const struct cli_option *find_long(const struct reading *r, const char *name,
                                          size_t len)
{
    for (size_t t = 0; t < 2; t++)
        for (const struct cli_option *o = r->tables[t]; o && o->name; o++)
            if (text_is(name, len, o->name))
                return o;
    return NULL;
}

static const struct cli_option *find_letter(const struct reading *r, char letter)
{
    for (size_t t = 0; t < 2; t++)
        for (const struct cli_option *o = r->tables[t]; o && o->name; o++)
            if (o->letter && o->letter == letter)
                return o;
    return NULL;
}

static int unknown_long(const struct reading *r, const char *name, size_t len)
{
    MEM_AUTO char *word = mem_text_len(name, len);
    struct {
        const char **items;
        size_t n, cap;
    } names = {0};

    for (size_t t = 0; t < 2; t++)
        for (const struct cli_option *o = r->tables[t]; o && o->name; o++)
            ARRAY_ADD(&names, o->name);
    ARRAY_ADD(&names, NULL);
    const char *near = text_nearest(word, names.items);
    ARRAY_DONE(&names);
    return ff_fail(r->err, FF_INVALID, 0, "there is no option --%.60s%s%s%s", word,
                   near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

/* --- taking a value --- */

static int check_choice(const struct reading *r, const struct cli_option *o,
                        const char *value)
{
    struct buf words = {.max = 160};

    for (size_t i = 0; o->choices && o->choices[i]; i++) {
        if (strcmp(o->choices[i], value) == 0) {
            buf_done(&words);
            return FF_OK;
        }
        buf_printf(&words, "%s%s", i ? ", " : "", o->choices[i]);
    }
    if (o->choices)
        ff_fail(r->err, FF_INVALID, 0, "--%s is one of %s; not %.40s", o->name,
                buf_text(&words), value);
    buf_done(&words);
    return o->choices ? FF_INVALID : FF_OK;
}

static int give(struct reading *r, const struct cli_option *o, const char *value)
{
    const struct cli_given given = {.option = o, .value = value};

    if (value && check_choice(r, o, value) != FF_OK)
        return FF_INVALID;
    ARRAY_ADD(&r->args->given, given);
    return FF_OK;
}

static int give_next(struct reading *r, const struct cli_option *o)
{
    const char *value = r->argv[r->at];

    if (!value)
        return ff_fail(r->err, FF_INVALID, 0, "--%s wants a value: --%s %s", o->name,
                       o->name, o->value);
    r->at++;
    return give(r, o, value);
}

static int take_long(struct reading *r, const char *name)
{
    const size_t len = strcspn(name, "=");
    const struct cli_option *o = find_long(r, name, len);

    if (!o)
        return unknown_long(r, name, len);
    if (name[len] == '=' && !o->value)
        return ff_fail(r->err, FF_INVALID, 0, "--%s takes no value", o->name);
    if (name[len] == '=')
        return give(r, o, name + len + 1);
    return o->value ? give_next(r, o) : give(r, o, NULL);
}

/* -q, -qf, -n20, -n 20 */
static int take_letters(struct reading *r, const char *letters)
{
    for (; *letters; letters++) {
        const struct cli_option *o = find_letter(r, *letters);
        if (!o)
            return ff_fail(r->err, FF_INVALID, 0, "there is no option -%c", *letters);
        if (o->value && letters[1])
            return give(r, o, letters + 1 + (letters[1] == '='));
        const int code = o->value ? give_next(r, o) : give(r, o, NULL);
        if (code != FF_OK)
            return code;
    }
    return FF_OK;
}

int cli_args_read(struct cli_args *a, const struct cli_option *own, char *const *argv,
                  bool one_word, size_t *used, struct ff_err *err)
{
    struct reading r = {
        .args = a, .tables = {own, cli_global_options}, .argv = argv, .err = err};
    bool only_words = false;
    int code = FF_OK;

    while (code == FF_OK && argv[r.at]) {
        const char *arg = argv[r.at];
        const bool is_option = !only_words && arg[0] == '-' && arg[1];
        if (!is_option && one_word)
            break;
        r.at++;
        if (!is_option)
            ARRAY_ADD(&a->words, arg);
        else if (strcmp(arg, "--") == 0)
            only_words = true;
        else
            code = arg[1] == '-' ? take_long(&r, arg + 2) : take_letters(&r, arg + 1);
    }
    *used = r.at;
    return code;
}

void cli_args_done(struct cli_args *a)
{
    ARRAY_DONE(&a->given);
    ARRAY_DONE(&a->words);
}

/* --- asking --- */

bool cli_has(const struct cli_args *a, const char *name)
{
    for (size_t i = 0; i < a->given.n; i++)
        if (strcmp(a->given.items[i].option->name, name) == 0)
            return true;
    return false;
}

const char *cli_next(const struct cli_args *a, const char *name, size_t *i)
{
    while (*i < a->given.n) {
        const struct cli_given *given = &a->given.items[(*i)++];
        if (strcmp(given->option->name, name) == 0)
            return given->value;
    }
    return NULL;
}

const char *cli_get(const struct cli_args *a, const char *name)
{
    const char *last = NULL;
    const char *value;

    for (size_t i = 0; (value = cli_next(a, name, &i));)
        last = value;
    return last;
}

int cli_between(const struct cli_args *a, const char *name, int64_t min, int64_t max,
                int64_t *out, struct ff_err *err)
{
    const char *text = cli_get(a, name);
    char *end;

    *out = 0;
    if (!text)
        return FF_OK;
    errno = 0;
    const long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < min || n > max)
        return ff_fail(err, FF_INVALID, 0,
                       "--%s is a number from %lld to %lld; not %.40s", name,
                       (long long)min, (long long)max, text);
    *out = n;
    return FF_OK;
}

int cli_number(const struct cli_args *a, const char *name, int64_t fallback,
               int64_t max, int64_t *out, struct ff_err *err)
{
    const char *text = cli_get(a, name);
    char *end;

    *out = fallback;
    if (!text)
        return FF_OK;
    errno = 0;
    const long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < 0 || n > max)
        return ff_fail(err, FF_INVALID, 0, "--%s is a number from 0 to %lld; not %.40s",
                       name, (long long)max, text);
    *out = n;
    return FF_OK;
}
