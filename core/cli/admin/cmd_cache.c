/* cmd_cache.c - `flowforge cache`: which outputs stand for tasks that would do the same
 * again, and how they are forgotten. */
#include "cli/admin/admin.h"
#include "cli/frame/frame.h"
#include "cli/remote/remote.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT     20
#define LIMIT_MAX 100000

struct entries {
    struct cache_row *items;
    size_t n, cap;
    struct arena arena;
    int64_t now_us;
};

/* Without the outputs, which may be large. */
static int add_entry(void *arg, const void *row)
{
    struct entries *all = arg;
    struct cache_row entry = *(const struct cache_row *)row;

    if (entry.expires_at <= all->now_us)
        return 0;
    entry.outputs = (struct span){0};
    store_own_row(&record_cache, &entry, &all->arena);
    ARRAY_ADD(all, entry);
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct cache_row *x = a;
    const struct cache_row *y = b;

    if (x->created_at != y->created_at)
        return x->created_at < y->created_at ? 1 : -1;
    return memcmp(x->hash.s, y->hash.s, x->hash.len);
}

static json_t *json_of(const struct cache_row *e)
{
    char created[UNITS_TEXT];
    char expires[UNITS_TEXT];

    units_time_text(e->created_at, created);
    units_time_text(e->expires_at, expires);
    return json_pack("{s:s%, s:s%, s:s%, s:s%, s:s%, s:s, s:s}", "workflow",
                     e->workflow.s, e->workflow.len, "task", e->task.s, e->task.len,
                     "key", e->cache_key.s, e->cache_key.len, "hash", e->hash.s,
                     e->hash.len, "run", e->run_id.s, e->run_id.len, "created_at",
                     created, "expires_at", expires);
}

static void add_json(const struct entries *all, size_t n, struct buf *out)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_of(&all->items[i]));
    json_add_to(out, list);
    buf_add_char(out, '\n');
    json_decref(list);
}

static void add_text(const struct cli *c, const struct entries *all, size_t n,
                     struct buf *out)
{
    static const char *const heads[] = {"WORKFLOW", "TASK",    "KEY",
                                        "CREATED",  "EXPIRES", "RUN"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = c->colour};

    for (size_t i = 0; !c->quiet && i < COUNT_OF(heads); i++)
        cli_cell(&g, CLI_DIM, heads[i]);
    for (size_t i = 0; i < n; i++) {
        const struct cache_row *e = &all->items[i];
        char created[UNITS_TEXT];
        char expires[UNITS_TEXT];
        cli_time_text(e->created_at, created);
        cli_time_text(e->expires_at, expires);
        cli_cell_span(&g, CLI_PLAIN, e->workflow);
        cli_cell_span(&g, CLI_BOLD, e->task);
        cli_cell_span(&g, CLI_PLAIN, e->cache_key);
        cli_cell(&g, CLI_PLAIN, created);
        cli_cell(&g, CLI_PLAIN, expires);
        cli_cell_span(&g, CLI_DIM, e->run_id);
    }
    cli_grid_add_to(&g, out);
    if (n == 0) {
        cli_note(c, "the cache is empty");
        buf_clear(out);
    } else if (n < all->n) {
        cli_note(c, "%zu more: see --limit", all->n - n);
    }
}

static int show(const struct cli *c, const struct cli_session *s, size_t limit)
{
    const struct cache_row like = {.tenant = TENANT_DEFAULT.no};
    const struct store_query query = {
        .record = &record_cache, .like = &like, .n_equal = 1};
    struct entries all = {.now_us = loop_wall_us(s->loop)};
    struct ff_err err = {0};
    struct buf out = {0};
    int code = store_scan(node_store(s->node), STORE_READER_CALLER, &query, add_entry,
                          &all, &err);

    if (code == FF_OK) {
        if (all.n > 0)
            qsort(all.items, all.n, sizeof(*all.items), newest_first);
        const size_t n = all.n < limit ? all.n : limit;
        if (c->json)
            add_json(&all, n, &out);
        else
            add_text(c, &all, n, &out);
        code = cli_print(&out);
    } else {
        code = cli_fail_err(&err);
    }
    ARRAY_DONE(&all);
    arena_done(&all.arena);
    return code;
}

int cmd_cache_list(struct cli *c)
{
    struct cli_session s;
    struct ff_err err = {0};
    int64_t limit;

    if (cli_number(&c->args, "limit", LIMIT, LIMIT_MAX, &limit, &err) != FF_OK)
        return cli_fail_err(&err);
    int code = cli_open(c, &s);
    if (code == CLI_OK)
        code = show(c, &s, (size_t)limit);
    cli_close(&s);
    return code;
}

/* A server deletes so many in a request. */
static int clear_there(const struct remote *r, const char *workflow, const char *task,
                       int64_t *n)
{
    struct buf path = {0};
    bool more = true;
    int code = CLI_OK;

    buf_add_text(&path, "/cache");
    remote_add_query(&path, "workflow", workflow);
    remote_add_query(&path, "task", task);
    while (more && code == CLI_OK) {
        json_t *answer = NULL;

        code = remote_tell(r, "DELETE", buf_text(&path), NULL, &answer);
        *n += json_integer_value(json_object_get(answer, "deleted"));
        more = json_is_true(json_object_get(answer, "more"));
        json_decref(answer);
    }
    buf_done(&path);
    return code;
}

static int clear(const struct cli_session *s, const char *workflow, const char *task,
                 int64_t *n)
{
    struct ff_err err = {0};

    if (s->remote)
        return clear_there(s->remote, workflow, task, n);
    return node_clear_cache(s->node, TENANT_DEFAULT, workflow, task, n, &err) == FF_OK
               ? CLI_OK
               : cli_fail_err(&err);
}

int cmd_cache_clear(struct cli *c)
{
    const char *workflow = c->args.words.n > 0 ? c->args.words.items[0] : NULL;
    const char *task = c->args.words.n > 1 ? c->args.words.items[1] : NULL;
    struct cli_session s;
    struct buf out = {0};
    int64_t n = 0;
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = clear(&s, workflow, task, &n);
    if (code == CLI_OK) {
        cli_note(c, "%lld %s deleted", (long long)n,
                 n == 1 ? "entry is" : "entries are");
        if (c->json)
            buf_printf(&out, "{\"deleted\":%lld}\n", (long long)n);
        code = cli_print(&out);
    }
    cli_close(&s);
    return code;
}
