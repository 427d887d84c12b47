/* logs_inside.c - see logs_inside.h. */
#include "cli/logs/logs_inside.h"

#include "cli/logs/logs_there.h"

#include <string.h>

static void put_before(char **text, const char *way)
{
    struct buf whole = {0};

    buf_printf(&whole, "%s%s", way, *text);
    mem_free(*text);
    *text = buf_take(&whole);
}

void logs_inside_name(struct log_source *s, const char *way)
{
    put_before(&s->path, way);
    put_before(&s->task, way);
}

static int add_own(const struct cli_session *s, const char *id, const char *way,
                   const struct logs_pick *p, struct log_sources *to)
{
    struct log_sources found = {0};
    const int code = logs_scan(s, id, p, &found);

    for (size_t i = 0; i < found.n; i++) {
        logs_inside_name(found.items[i], way);
        ARRAY_ADD(to, found.items[i]);
    }
    ARRAY_DONE(&found);
    return code;
}

/* The first attempt goes without its number, as with tasks. */
static char *way_to(const char *way, const struct run_child *child)
{
    const size_t len =
        child->attempt > 1 ? strlen(child->path) : strcspn(child->path, "#");
    struct buf text = {0};

    buf_printf(&text, "%s%.*s/", way, (int)len, child->path);
    return buf_take(&text);
}

struct scan {
    const struct cli_session *s;
    int64_t tenant;
    const struct logs_pick *pick;
    const struct logs_inside_seen *seen; /* or NULL */
    struct log_sources *to;
};

static int scan(const struct scan *x, int64_t run, const char *way)
{
    struct run_children children = {0};
    int code = run_children_read(x->s, x->tenant, run, &children);

    for (size_t i = 0; code == CLI_OK && i < children.n; i++) {
        const struct run_child *child = &children.items[i];
        if (x->pick->attempt == 0 && i + 1 < children.n &&
            children.items[i + 1].node == child->node)
            continue;
        MEM_AUTO char *inner = way_to(way, child);
        if (x->seen)
            x->seen->fn(x->seen->arg, child, inner);
        code = add_own(x->s, child->id, inner, x->pick, x->to);
        if (code == CLI_OK)
            code = scan(x, child->run, inner);
    }
    ARRAY_DONE(&children);
    return code;
}

int logs_inside_scan_seen(const struct cli_session *s, const struct run_row *run,
                          const struct logs_pick *p,
                          const struct logs_inside_seen *seen, struct log_sources *to)
{
    const struct scan x = {
        .s = s, .tenant = run->tenant, .pick = p, .seen = seen, .to = to};

    return scan(&x, run->run, "");
}

int logs_inside_scan(const struct cli_session *s, const struct run_row *run,
                     const struct logs_pick *p, struct log_sources *to)
{
    return logs_inside_scan_seen(s, run, p, NULL, to);
}
