/* config/changes.c - what is another value in the file by now. Flags and variables are
 * those of the process for as long as it lives, and win where they are given. */
#include "config/config_priv.h"

#include <string.h>

/* What somebody who is known reads there, or as much as its name. */
static struct ff_opt option_of(const struct config *c, const struct setting *s)
{
    for (size_t i = 0; i < c->notes->known.n; i++) {
        const struct config_section *k = &c->notes->known.items[i];

        if (strcmp(k->name, s->section) != 0)
            continue;
        for (const struct ff_opt *o = k->opts; o && o->name; o++)
            if (strcmp(o->name, s->key) == 0)
                return *o;
    }
    return (struct ff_opt){.name = s->key};
}

/* The file of a secret is a setting by itself here. */
static const char *value_in(const struct config *c, const struct config *before,
                            const struct setting *s, bool *from_file)
{
    struct ff_opt opt = option_of(before, s);
    char name[CONFIG_NAME_TEXT];
    const char *fallback;
    struct found found;

    opt.flags &= ~(uint32_t)FF_OPT_SECRET;
    config_find(c, s->section, &opt, &found);
    *from_file = found.source <= CONFIG_FILE;
    if (found.source != CONFIG_DEFAULT)
        return found.value;
    snprintf(name, sizeof(name), "%s.%s", s->section, s->key);
    fallback = map_get_text(&before->defaults, name);
    return fallback ? fallback : opt.fallback;
}

static bool is_changed(const struct config *before, const struct config *now,
                       const struct setting *s)
{
    bool from_file;
    const char *old = value_in(before, before, s, &from_file);
    const char *value = value_in(now, before, s, &from_file);

    if (!from_file || (!old && !value))
        return false;
    return !old || !value || strcmp(old, value) != 0;
}

void config_changes(const struct config *before, const struct config *now,
                    config_change_fn *tell, void *arg)
{
    void *s;

    for (size_t i = 0; map_next(&before->file, &i, &s);)
        if (is_changed(before, now, s))
            tell(arg, map_key_text(&before->file, i));
    for (size_t i = 0; map_next(&now->file, &i, &s);)
        if (!map_get_text(&before->file, map_key_text(&now->file, i)) &&
            is_changed(before, now, s))
            tell(arg, map_key_text(&now->file, i));
}
