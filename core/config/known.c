/* config/known.c - which names somebody reads, and what to say about the others. */
#include "config/config_priv.h"

#include <string.h>

/* Names for text_nearest, which wants them to end with NULL. */
struct names {
    const char **items;
    size_t n, cap;
};

static void names_add(struct names *names, const char *name)
{
    ARRAY_ADD(names, name);
}

static const char *names_nearest(struct names *names, const char *word)
{
    names_add(names, NULL);
    return text_nearest(word, names->items);
}

/* True when key is name with the ending under which a secret's file is named. */
static bool is_file_form(const char *key, const char *name)
{
    size_t len = strlen(name);

    return strncmp(key, name, len) == 0 && strcmp(key + len, "_file") == 0;
}

bool config_key_is_known(const struct ff_opt *opts, const char *key)
{
    for (const struct ff_opt *o = opts; o && o->name; o++) {
        if (strcmp(o->name, key) == 0)
            return true;
        if ((o->flags & FF_OPT_SECRET) && is_file_form(key, o->name))
            return true;
    }
    return false;
}

bool config_leaves_rest(const struct ff_opt *opts)
{
    return config_key_is_known(opts, "*");
}

const char *config_nearest_key(const struct ff_opt *opts, const char *key)
{
    struct names names = {0};
    const char *nearest;

    for (const struct ff_opt *o = opts; o && o->name; o++)
        if (strcmp(o->name, "*") != 0)
            names_add(&names, o->name);
    nearest = names_nearest(&names, key);
    ARRAY_DONE(&names);
    return nearest;
}

void config_note_section(const struct config *c, const struct config_section *section)
{
    struct config_section copy = {.opts = section->opts};

    for (size_t i = 0; i < c->notes->known.n; i++) {
        const struct config_section *k = &c->notes->known.items[i];

        if (k->opts == section->opts && strcmp(k->name, section->name) == 0)
            return;
    }
    copy.name = mem_text(section->name);
    ARRAY_ADD(&c->notes->known, copy);
}

static bool section_is_known(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->notes->known.n; i++)
        if (strcmp(c->notes->known.items[i].name, name) == 0)
            return true;
    return false;
}

/* Known to any of those who read the section. */
static bool setting_is_known(const struct config *c, const char *section,
                             const char *key)
{
    for (size_t i = 0; i < c->notes->known.n; i++) {
        const struct config_section *k = &c->notes->known.items[i];

        if (strcmp(k->name, section) == 0 && config_key_is_known(k->opts, key))
            return true;
    }
    return false;
}

struct warner {
    const struct config *c;
    config_warn_fn *warn;
    void *arg;
};

static void FF_PRINTF(3, 4)
    say(const struct warner *w, const char *nearest, const char *fmt, ...)
{
    struct buf sentence = {0};
    char first[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(first, sizeof(first), fmt, ap);
    va_end(ap);
    buf_add_text(&sentence, first);
    if (nearest)
        buf_printf(&sentence, "; did you mean %s?", nearest);
    w->warn(w->arg, buf_text(&sentence));
    buf_done(&sentence);
}

static const char *nearest_section(const struct config *c, const char *name)
{
    struct names names = {0};
    const char *nearest;

    for (size_t i = 0; i < c->notes->known.n; i++)
        names_add(&names, c->notes->known.items[i].name);
    nearest = names_nearest(&names, name);
    ARRAY_DONE(&names);
    return nearest;
}

static const char *nearest_in_section(const struct config *c, const char *section,
                                      const char *key)
{
    for (size_t i = 0; i < c->notes->known.n; i++) {
        const struct config_section *k = &c->notes->known.items[i];
        const char *nearest = NULL;

        if (strcmp(k->name, section) == 0)
            nearest = config_nearest_key(k->opts, key);
        if (nearest)
            return nearest;
    }
    return NULL;
}

static void warn_file(const struct warner *w)
{
    char where[CONFIG_WHERE_TEXT];
    void *v;

    for (size_t i = 0; map_next(&w->c->sections, &i, &v);) {
        const struct setting *s = v;

        if (section_is_known(w->c, s->section))
            continue;
        config_where(w->c, s, where);
        say(w, nearest_section(w->c, s->section),
            "%s: nothing here reads the section %s", where, s->section);
    }
    for (size_t i = 0; map_next(&w->c->file, &i, &v);) {
        const struct setting *s = v;

        if (!section_is_known(w->c, s->section) ||
            setting_is_known(w->c, s->section, s->key))
            continue;
        config_where(w->c, s, where);
        say(w, nearest_in_section(w->c, s->section, s->key),
            "%s: nothing here reads %s.%s", where, s->section, s->key);
    }
}

static void warn_flags(const struct warner *w)
{
    char section[CONFIG_MAX_NAME + 1];
    void *v;

    for (size_t i = 0; map_next(&w->c->flags, &i, &v);) {
        const char *name = map_key_text(&w->c->flags, i);
        const char *dot = strchr(name, '.');
        bool known;

        snprintf(section, sizeof(section), "%.*s", (int)(dot - name), name);
        known = section_is_known(w->c, section);
        if (known && setting_is_known(w->c, section, dot + 1))
            continue;
        say(w,
            known ? nearest_in_section(w->c, section, dot + 1)
                  : nearest_section(w->c, section),
            "command line: nothing here reads %s", name);
    }
}

/* The names of all variables that are read, in one map whose values are themselves
 * of no use; and whether `variable` starts like a section that is read. */
static void collect_variables(const struct config *c, struct map *out)
{
    char name[CONFIG_NAME_TEXT];
    char file_name[CONFIG_NAME_TEXT + 8];

    for (size_t i = 0; i < c->notes->known.n; i++) {
        const struct config_section *k = &c->notes->known.items[i];

        for (const struct ff_opt *o = k->opts; o && o->name; o++) {
            if (strcmp(o->name, "*") == 0)
                continue;
            config_env_name(k->name, o->name, name);
            map_set_text(out, name, out);
            if (!(o->flags & FF_OPT_SECRET))
                continue;
            snprintf(file_name, sizeof(file_name), "%s_FILE", name);
            map_set_text(out, file_name, out);
        }
    }
}

static bool starts_like_a_section(const struct config *c, const char *variable)
{
    char prefix[CONFIG_NAME_TEXT];

    for (size_t i = 0; i < c->notes->known.n; i++) {
        config_env_name(c->notes->known.items[i].name, "", prefix);
        if (text_starts(variable, prefix))
            return true;
    }
    return false;
}

static const char *nearest_variable(const struct map *known, const char *variable)
{
    struct names names = {0};
    const char *nearest;
    void *v;

    for (size_t i = 0; map_next(known, &i, &v);)
        names_add(&names, map_key_text(known, i));
    nearest = names_nearest(&names, variable);
    ARRAY_DONE(&names);
    return nearest;
}

static void warn_environment(const struct warner *w)
{
    struct map known = {0};
    void *v;

    collect_variables(w->c, &known);
    for (size_t i = 0; map_next(&w->c->environment, &i, &v);) {
        const char *variable = map_key_text(&w->c->environment, i);

        if (map_get_text(&known, variable) || !starts_like_a_section(w->c, variable))
            continue;
        say(w, nearest_variable(&known, variable), "nothing here reads %s", variable);
    }
    map_done(&known);
}

void config_unknown(const struct config *c, config_warn_fn *warn, void *arg)
{
    const struct warner w = {c, warn, arg};

    warn_file(&w);
    warn_flags(&w);
    warn_environment(&w);
}
