/* config/fill.c - a section's settings in the struct of whoever reads it, and the
 * list of all of them for people. */
#include "config/config_priv.h"

#include <errno.h>
#include <string.h>

void config_note_mistake(const struct config *c, const char *sentence)
{
    struct config_notes *notes = c->notes;

    for (size_t i = 0; i < notes->mistakes.n; i++)
        if (strcmp(notes->mistakes.items[i], sentence) == 0)
            return;
    if (notes->mistakes.n < CONFIG_MAX_MISTAKES)
        ARRAY_ADD(&notes->mistakes, mem_text(sentence));
    else
        notes->n_more++;
}

void config_mistakes(const struct config *c, config_warn_fn *tell, void *arg)
{
    char more[80];

    for (size_t i = 0; i < c->notes->mistakes.n; i++)
        tell(arg, c->notes->mistakes.items[i]);
    if (c->notes->n_more == 0)
        return;
    snprintf(more, sizeof(more), "and %zu more mistakes", c->notes->n_more);
    tell(arg, more);
}

/* The first one is what the caller hears; all of them are noted. */
static int keep_first(const struct config *c, int code, const struct ff_err *one,
                      int first, struct ff_err *err)
{
    if (code == FF_OK)
        return first;
    if (c)
        config_note_mistake(c, one->msg);
    if (first != FF_OK)
        return first;
    if (err)
        *err = *one;
    return code;
}

static int refuse_unknown(const char *where, const struct config_section *section,
                          const char *key, struct ff_err *err)
{
    const char *nearest = config_nearest_key(section->opts, key);

    return ff_fail(err, FF_INVALID, 0, "%s: %s has no setting %s%s%s%s", where,
                   section->name, key, nearest ? "; did you mean " : "",
                   nearest ? nearest : "", nearest ? "?" : "");
}

/* Keys that an earlier reader of the same section knows are that one's. */
static bool is_known(const struct config *c, const struct config_section *section,
                     const char *key)
{
    if (config_key_is_known(section->opts, key))
        return true;
    for (size_t i = 0; i < c->notes->known.n; i++) {
        const struct config_section *k = &c->notes->known.items[i];

        if (strcmp(k->name, section->name) == 0 && config_key_is_known(k->opts, key))
            return true;
    }
    return false;
}

static int check_file_keys(const struct config *c, const struct config_section *section,
                           struct ff_err *err)
{
    char where[CONFIG_WHERE_TEXT];
    struct ff_err one;
    int first = FF_OK;
    void *v;

    for (size_t i = 0; map_next(&c->file, &i, &v);) {
        const struct setting *s = v;

        if (strcmp(s->section, section->name) != 0 || is_known(c, section, s->key))
            continue;
        config_where(c, s, where);
        first = keep_first(c, refuse_unknown(where, section, s->key, &one), &one, first,
                           err);
    }
    return first;
}

static int check_flag_keys(const struct config *c, const struct config_section *section,
                           struct ff_err *err)
{
    size_t len = strlen(section->name);
    struct ff_err one;
    int first = FF_OK;
    void *v;

    for (size_t i = 0; map_next(&c->flags, &i, &v);) {
        const char *name = map_key_text(&c->flags, i);

        if (strncmp(name, section->name, len) != 0 || name[len] != '.')
            continue;
        if (is_known(c, section, name + len + 1))
            continue;
        first =
            keep_first(c, refuse_unknown("command line", section, name + len + 1, &one),
                       &one, first, err);
    }
    return first;
}

/* The secret in the file that f->value names, without its last newline. */
static int read_secret(const struct config *c, struct found *f, struct ff_err *err)
{
    struct buf text = {.max = CONFIG_MAX_SECRET + 1};
    int code = file_read(f->value, CONFIG_MAX_SECRET, &text);
    size_t len = text.len;

    if (code == -EFBIG) {
        code = ff_fail(err, FF_INVALID, EFBIG, "%s: %.80s is larger than 64 KiB",
                       f->where, f->value);
    } else if (code != 0) {
        code = ff_fail(err, FF_INVALID, -code, "%s: cannot read %.80s: %s", f->where,
                       f->value, strerror(-code));
    } else if (memchr(buf_text(&text), 0, len)) {
        code = ff_fail(err, FF_INVALID, 0, "%s: %.80s contains a NUL character",
                       f->where, f->value);
    } else {
        if (len > 0 && text.data[len - 1] == '\n')
            len--;
        if (len > 0 && len < text.len && text.data[len - 1] == '\r')
            len--;
        f->value = arena_text(&c->notes->text, buf_text(&text), len);
    }
    if (text.data)
        explicit_bzero(text.data, text.len);
    buf_done(&text);
    return code;
}

static int refuse_absent(const struct config_section *section, const struct ff_opt *opt,
                         struct ff_err *err)
{
    char name[CONFIG_NAME_TEXT];

    config_env_name(section->name, opt->name, name);
    return ff_fail(err, FF_INVALID, 0, "%s.%s is required; set it in the file or by %s",
                   section->name, opt->name, name);
}

static int fill_one(const struct config *c, const struct config_section *section,
                    const struct ff_opt *opt, struct value *out, bool *absent,
                    struct ff_err *err)
{
    struct found f;
    int code = FF_OK;

    *out = (struct value){0};
    config_find(c, section->name, opt, &f);
    if (f.ambiguous)
        return ff_fail(err, FF_INVALID, 0,
                       "%s: %s.%s is given twice, as a value and as a file", f.where,
                       section->name, opt->name);
    if (c && f.is_file)
        code = read_secret(c, &f, err);
    if (code != FF_OK)
        return code;
    *absent = (opt->flags & FF_OPT_REQUIRED) && (!f.value || !*f.value);
    if (*absent)
        return refuse_absent(section, opt, err);
    if (!f.value)
        return FF_OK;
    return config_value(section->name, opt, f.value, f.where, out, err);
}

static bool is_option(const struct ff_opt *opt)
{
    return strcmp(opt->name, "*") != 0;
}

static int fill_all(const struct config *c, const struct config_section *section,
                    struct value *values, struct ff_err *err)
{
    int first = FF_OK;

    for (size_t i = 0; section->opts[i].name; i++) {
        struct ff_err one = {0};
        bool absent = false;
        int code;

        if (!is_option(&section->opts[i]))
            continue;
        code = fill_one(c, section, &section->opts[i], &values[i], &absent, &one);
        first = keep_first(absent ? NULL : c, code, &one, first, err);
    }
    return first;
}

static int check_keys(const struct config *c, const struct config_section *section,
                      struct ff_err *err)
{
    config_note_section(c, section);
    if (config_leaves_rest(section->opts))
        return FF_OK;
    struct ff_err of_flags;
    const int of_file = check_file_keys(c, section, err);
    const int code = check_flag_keys(c, section, &of_flags);
    return keep_first(c, code, &of_flags, of_file, err);
}

int config_fill(const struct config *c, const struct config_section *section,
                void *target, struct ff_err *err)
{
    MEM_AUTO struct value *values = NULL;
    size_t n = 0;
    const int of_keys = c ? check_keys(c, section, err) : FF_OK;
    struct ff_err of_values = {0};

    if (!section->opts)
        return of_keys;
    while (section->opts[n].name)
        n++;
    values = mem_array(n + 1, sizeof(*values));
    int code = fill_all(c, section, values, &of_values);
    if (of_keys != FF_OK)
        return of_keys;
    if (code != FF_OK && err)
        *err = of_values;
    if (code != FF_OK)
        return code;
    for (size_t i = 0; i < n; i++)
        if (is_option(&section->opts[i]))
            config_value_store(&section->opts[i], &values[i], target);
    return FF_OK;
}

static void show_section(const struct config *c, const struct config_section *section,
                         config_show_fn *fn, void *arg)
{
    for (const struct ff_opt *o = section->opts; o && o->name; o++) {
        struct found f;

        if (!is_option(o))
            continue;
        config_find(c, section->name, o, &f);
        if (f.value && *f.value && (o->flags & FF_OPT_SECRET))
            f.value = "***";
        fn(arg, section->name, o->name, f.value, f.source, f.where);
    }
}

void config_each(const struct config *c, config_show_fn *fn, void *arg)
{
    for (size_t i = 0; i < c->notes->known.n; i++)
        show_section(c, &c->notes->known.items[i], fn, arg);
}
