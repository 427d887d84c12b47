/* config/find.c - which of the values of a setting wins: flag over environment over
 * file over default. Says where it stands; reads no file and judges no value. */
#include "config/config_priv.h"

#include <string.h>

static void join(const char *section, const char *key, char out[CONFIG_NAME_TEXT])
{
    snprintf(out, CONFIG_NAME_TEXT, "%s.%s", section, key);
}

void config_env_name(const char *section, const char *key, char out[CONFIG_NAME_TEXT])
{
    snprintf(out, CONFIG_NAME_TEXT, "FLOWFORGE_%s_%s", section, key);
    for (char *p = out; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (*p == '-' || *p == '.')
            *p = '_';
    }
}

void config_where(const struct config *c, const struct setting *s,
                  char out[CONFIG_WHERE_TEXT])
{
    snprintf(out, CONFIG_WHERE_TEXT, "%s:%zu:%zu", c->path, s->line, s->column);
}

/* Each level: the text given there for section.key, or NULL, and its place. */
typedef const char *level_fn(const struct config *c, const char *section,
                             const char *key, char where[CONFIG_WHERE_TEXT]);

static const char *from_flags(const struct config *c, const char *section,
                              const char *key, char where[CONFIG_WHERE_TEXT])
{
    char name[CONFIG_NAME_TEXT];

    join(section, key, name);
    snprintf(where, CONFIG_WHERE_TEXT, "command line");
    return map_get_text(&c->flags, name);
}

/* An empty variable counts as unset: container files cannot leave one out. */
static const char *from_environment(const struct config *c, const char *section,
                                    const char *key, char where[CONFIG_WHERE_TEXT])
{
    char name[CONFIG_NAME_TEXT];
    const char *text;

    config_env_name(section, key, name);
    snprintf(where, CONFIG_WHERE_TEXT, "%.*s", CONFIG_WHERE_TEXT - 1, name);
    text = map_get_text(&c->environment, name);
    return text && *text ? text : NULL;
}

static const char *from_file(const struct config *c, const char *section,
                             const char *key, char where[CONFIG_WHERE_TEXT])
{
    char name[CONFIG_NAME_TEXT];
    const struct setting *s;

    join(section, key, name);
    s = map_get_text(&c->file, name);
    if (!s)
        return NULL;
    config_where(c, s, where);
    return s->value;
}

static const struct {
    level_fn *get;
    enum config_source source;
} levels[] = {
    {from_flags, CONFIG_FLAG},
    {from_environment, CONFIG_ENVIRONMENT},
    {from_file, CONFIG_FILE},
};

void config_find(const struct config *c, const char *section, const struct ff_opt *opt,
                 struct found *out)
{
    char file_key[CONFIG_NAME_TEXT];
    char file_where[CONFIG_WHERE_TEXT];
    const char *path = NULL;

    *out = (struct found){.source = CONFIG_DEFAULT, .where = "default"};
    snprintf(file_key, sizeof(file_key), "%s_file", opt->name);
    for (size_t i = 0; c && i < COUNT_OF(levels) && !out->value; i++) {
        out->value = levels[i].get(c, section, opt->name, out->where);
        if (opt->flags & FF_OPT_SECRET)
            path = levels[i].get(c, section, file_key, file_where);
        out->source = levels[i].source;
        out->ambiguous = out->value && path;
        if (path && !out->value) {
            out->value = path;
            out->is_file = true;
            memcpy(out->where, file_where, sizeof(file_where));
        }
    }
    if (out->value)
        return;
    out->source = CONFIG_DEFAULT;
    snprintf(out->where, sizeof(out->where), "default");
    join(section, opt->name, file_key);
    out->value = c ? map_get_text(&c->defaults, file_key) : NULL;
    if (!out->value)
        out->value = opt->fallback;
}

bool config_is_set(const struct config *c, const char *section, const char *key)
{
    const struct ff_opt opt = {.name = key, .flags = FF_OPT_SECRET};
    struct found found;

    config_find(c, section, &opt, &found);
    return found.value && found.source != CONFIG_DEFAULT;
}

static void each_flag(const struct config *c, config_given_fn *fn, void *arg)
{
    char section[CONFIG_MAX_NAME + 1];
    void *v;

    for (size_t i = 0; map_next(&c->flags, &i, &v);) {
        const char *name = map_key_text(&c->flags, i);
        const char *dot = strchr(name, '.');

        snprintf(section, sizeof(section), "%.*s", (int)(dot - name), name);
        fn(arg, section, dot + 1, v, "command line");
    }
}

void config_each_given(const struct config *c, config_given_fn *fn, void *arg)
{
    char where[CONFIG_WHERE_TEXT];
    void *v;

    for (size_t i = 0; map_next(&c->file, &i, &v);) {
        const struct setting *s = v;

        if (!s->value)
            continue;
        config_where(c, s, where);
        fn(arg, s->section, s->key, s->value, where);
    }
    each_flag(c, fn, arg);
}
