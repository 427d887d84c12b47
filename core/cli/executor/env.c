/* env.c - the environment of an attempt: what came with it wins over what this host
 * gives; where the API and the SDK are is this host's to say. */
#include "cli/executor/executor_priv.h"

#include <string.h>
#include <unistd.h>

extern char **environ;

struct env {
    struct arena *arena;
    const char **items;
    size_t n;
};

static size_t count(const char *const *items)
{
    size_t n = 0;

    while (items && items[n])
        n++;
    return n;
}

static bool same_name(const char *a, const char *b)
{
    const char *eq = strchr(a, '=');
    const size_t n = eq ? (size_t)(eq - a) : strlen(a);

    return strncmp(a, b, n) == 0 && b[n] == '=';
}

static const char *find(const struct env *e, const char *name)
{
    for (size_t i = 0; i < e->n; i++)
        if (same_name(name, e->items[i]))
            return strchr(e->items[i], '=') + 1;
    return NULL;
}

static void set(struct env *e, const char *name, const char *value)
{
    struct buf pair = {0};
    size_t at = 0;

    while (at < e->n && !same_name(name, e->items[at]))
        at++;
    buf_printf(&pair, "%s=%s", name, value);
    e->items[at] = arena_text(e->arena, buf_text(&pair), pair.len);
    e->n += at == e->n;
    buf_done(&pair);
}

static void add_sdk(struct env *e, const char *sdk)
{
    const char *old = find(e, "PYTHONPATH");
    struct buf path = {0};

    buf_printf(&path, "%s%s%s", sdk, old ? ":" : "", old ? old : "");
    set(e, "PYTHONPATH", buf_text(&path));
    buf_done(&path);
}

const char *const *env_here(const struct executor *ex, struct arena *arena,
                            const char *const *given, const char *artifacts)
{
    const char *const *own = (const char *const *)environ;
    const size_t cap = count(own) + count(given) + 8;
    struct env e = {.arena = arena,
                    .items = arena_alloc(arena, cap * sizeof(*e.items))};

    for (size_t i = 0; given[i]; i++)
        e.items[e.n++] = given[i];
    for (size_t i = 0; own[i]; i++)
        if (node_passes_env(ex->pass_env, own[i]) && !find(&e, own[i]))
            e.items[e.n++] = own[i];
    if (!find(&e, "PATH"))
        set(&e, "PATH", "/usr/local/bin:/usr/bin:/bin");
    if (ex->sdk)
        add_sdk(&e, ex->sdk);
    if (artifacts)
        set(&e, "FF_ARTIFACTS", artifacts);
    set(&e, "FLOWFORGE_API_ENDPOINT", ex->endpoint);
    set(&e, "FLOWFORGE_LOG_ENDPOINT", ex->endpoint);
    e.items[e.n] = NULL;
    return e.items;
}
