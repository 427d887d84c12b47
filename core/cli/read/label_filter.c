/* label_filter.c - see label_filter.h. */
#include "cli/read/label_filter.h"

#include <string.h>

static int add(struct label_filter *f, const char *given)
{
    const char *equals = strchr(given, '=');
    const size_t len = equals ? (size_t)(equals - given) : strlen(given);

    if (f->n == LABEL_FILTER_MAX)
        return cli_fail(CLI_USAGE, "at most %d labels can be asked for",
                        LABEL_FILTER_MAX);
    if (len == 0)
        return cli_fail(CLI_USAGE,
                        "--label %.80s names no label; write --label NAME or "
                        "--label NAME=VALUE",
                        given);
    f->items[f->n].name = (struct span){.s = given, .len = len};
    if (equals)
        f->items[f->n].value = span_of(equals + 1);
    f->n++;
    return CLI_OK;
}

int label_filter_read(struct label_filter *f, const struct cli_args *args)
{
    const char *given;
    int code = CLI_OK;

    for (size_t i = 0; code == CLI_OK && (given = cli_next(args, "label", &i));)
        code = add(f, given);
    return code;
}

static bool has(const json_t *labels, struct span name, struct span value)
{
    const json_t *label = json_object_getn(labels, name.s, name.len);
    const char *text = json_string_value(label);

    return text && (!value.s || (json_string_length(label) == value.len &&
                                 memcmp(text, value.s, value.len) == 0));
}

bool label_filter_takes(const struct label_filter *f, const struct run_row *run)
{
    struct ff_err err = {0};
    bool all = true;

    if (f->n == 0)
        return true;
    json_t *labels =
        run->labels.s ? json_parse(run->labels.s, run->labels.len, &err) : NULL;
    for (size_t i = 0; all && i < f->n; i++)
        all = has(labels, f->items[i].name, f->items[i].value);
    json_decref(labels);
    return all;
}
