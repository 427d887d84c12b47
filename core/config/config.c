/* config/config.c - where settings come from: the file, the environment, flags.
 *
 * Collects text only. find.c says which text wins, value.c what it means. */
#include "config/config_priv.h"

#include <errno.h>
#include <string.h>

#define PREFIX      "FLOWFORGE_"
#define SYSTEM_FILE "/etc/flowforge/config.yaml"
#define HOME_FILE   ".config/flowforge/config.yaml"

/* Messages have room for one sentence; of a long path the end says more. */
#define SHOWN_PATH 100

static const char *env_get(char *const *env, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; env && env[i]; i++)
        if (strncmp(env[i], name, len) == 0 && env[i][len] == '=')
            return env[i] + len + 1;
    return NULL;
}

static void collect_environment(struct config *c, char *const *env)
{
    for (size_t i = 0; env && env[i]; i++) {
        const char *equals = strchr(env[i], '=');
        char name[CONFIG_NAME_TEXT];

        if (!equals || !text_starts(env[i], PREFIX))
            continue;
        if ((size_t)(equals - env[i]) >= sizeof(name))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)(equals - env[i]), env[i]);
        /* Of two entries with one name getenv sees the first; so do we. */
        if (!map_get_text(&c->environment, name))
            map_set_text(&c->environment, name,
                         arena_text(&c->text, equals + 1, strlen(equals + 1)));
    }
}

static void show_path(struct config *c, const char *path)
{
    size_t len = strlen(path);
    char shown[SHOWN_PATH + 1];

    if (len <= SHOWN_PATH)
        snprintf(shown, sizeof(shown), "%s", path);
    else
        snprintf(shown, sizeof(shown), "...%s", path + len - (SHOWN_PATH - 3));
    c->path = arena_text(&c->text, shown, strlen(shown));
}

/* missing_ok is for the default places only. Sets *found when there was a file. */
static int read_file(struct config *c, const char *path, bool missing_ok, bool *found,
                     struct ff_err *err)
{
    struct buf text = {.max = CONFIG_MAX_BYTES + 1};
    int code;

    show_path(c, path);
    code = file_read(path, CONFIG_MAX_BYTES, &text);
    *found = code == 0;
    if (code == 0) {
        code = config_parse(c, buf_text(&text), text.len, err);
    } else if (missing_ok && (code == -ENOENT || code == -ENOTDIR)) {
        c->path = NULL;
        code = FF_OK;
    } else if (code == -EFBIG) {
        code = ff_fail(err, FF_INVALID, EFBIG,
                       "%s is larger than 1 MiB, too large for settings", c->path);
    } else {
        code = ff_fail(err, code == -ENOENT ? FF_NOT_FOUND : FF_INVALID, -code,
                       "cannot read the settings in %s: %s", c->path, strerror(-code));
    }
    buf_done(&text);
    return code;
}

static int read_default_places(struct config *c, char *const *env, struct ff_err *err)
{
    const char *home = env_get(env, "HOME");
    MEM_AUTO char *path = NULL;
    bool found;
    int code = read_file(c, SYSTEM_FILE, true, &found, err);

    if (code != FF_OK || found || !home || home[0] != '/')
        return code;
    path = file_join(home, HOME_FILE);
    return read_file(c, path, true, &found, err);
}

struct config *config_load(const char *path, char *const *env, struct ff_err *err)
{
    struct config *c = mem_alloc(sizeof(*c));
    const char *named = path ? path : env_get(env, "FLOWFORGE_CONFIG");
    bool found;
    int code;

    c->notes = mem_alloc(sizeof(*c->notes));
    collect_environment(c, env);
    if (named && *named)
        code = read_file(c, named, false, &found, err);
    else
        code = read_default_places(c, env, err);
    if (code != FF_OK) {
        config_free(c);
        return NULL;
    }
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->notes->known.n; i++)
        mem_free((void *)(uintptr_t)c->notes->known.items[i].name);
    ARRAY_DONE(&c->notes->known);
    for (size_t i = 0; i < c->notes->mistakes.n; i++)
        mem_free(c->notes->mistakes.items[i]);
    ARRAY_DONE(&c->notes->mistakes);
    arena_done(&c->notes->text);
    mem_free(c->notes);
    map_done(&c->file);
    map_done(&c->sections);
    map_done(&c->environment);
    map_done(&c->flags);
    map_done(&c->defaults);
    arena_done(&c->text);
    mem_free(c);
}

int config_set(struct config *c, const char *assignment, struct ff_err *err)
{
    const char *equals = strchr(assignment, '=');
    const char *dot = strchr(assignment, '.');
    char name[CONFIG_NAME_TEXT];
    size_t len;

    /* The value may be a secret, so it is not repeated. */
    if (!equals || !dot || dot > equals || dot == assignment || dot + 1 == equals)
        return ff_fail(err, FF_INVALID, 0,
                       "a setting is given as section.key=value, not as '%.*s'",
                       equals ? (int)(equals - assignment) : 60, assignment);
    len = (size_t)(equals - assignment);
    if (len >= sizeof(name) || dot - assignment > CONFIG_MAX_NAME)
        return ff_fail(err, FF_INVALID, 0, "the setting '%.60s...' has too long a name",
                       assignment);
    if (text_utf8_error(equals, strlen(equals)) < strlen(equals))
        return ff_fail(err, FF_INVALID, 0, "the value of %.*s is not valid UTF-8",
                       (int)len, assignment);
    snprintf(name, sizeof(name), "%.*s", (int)len, assignment);
    map_set_text(&c->flags, name, arena_text(&c->text, equals + 1, strlen(equals + 1)));
    return FF_OK;
}

void config_default(struct config *c, const char *name, const char *value)
{
    map_set_text(&c->defaults, name, arena_text(&c->text, value, strlen(value)));
}
