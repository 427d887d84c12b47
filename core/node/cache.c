/* cache.c - what tasks with `cache` gave is deleted: what has expired, by retention,
 * and what people ask for. Nobody who reads it holds it: a task that finds nothing
 * runs. */
#include "node/node_priv.h"

#include <string.h>

#define ROWS_MAX 2000 /* deleted in one commit */

struct which {
    struct batch batch;
    const char *workflow, *task; /* NULL: any */
    int64_t before_us;           /* only what has expired then; 0: all */
};

static bool is(struct span s, const char *text)
{
    return !text || span_is(s, text);
}

/* "fetch", and "fetch.3", an item of it. */
static bool is_task(struct span s, const char *task)
{
    const size_t len = task ? strlen(task) : 0;

    return is(s, task) ||
           (s.len > len && s.s[len] == '.' && memcmp(s.s, task, len) == 0);
}

/* Guarded by its version: another success may have renewed it meanwhile. */
static int add_row(void *arg, const void *row)
{
    const struct cache_row *cached = row;
    struct which *which = arg;

    if (which->before_us > 0 && cached->expires_at > which->before_us)
        return 0;
    if (is(cached->workflow, which->workflow) && is_task(cached->task, which->task))
        batch_delete(&which->batch, &record_cache, cached, cached->version);
    return which->batch.n >= ROWS_MAX;
}

/* like: of its tenant, or NULL for all. A conflict: some were renewed, and the rest
 * goes the next time round. */
static int delete_entries(struct node *n, const struct cache_row *like,
                          const struct which *asked, int64_t *n_deleted,
                          struct ff_err *err)
{
    const struct store_query query = {
        .record = &record_cache, .like = like, .n_equal = like ? 1 : 0};
    int conflicts = 0, code;
    size_t failed, found;

    do {
        struct which which = *asked;
        code = store_scan(n->store, STORE_READER_CALLER, &query, add_row, &which, err);
        found = which.batch.n;
        if (code == FF_OK && found > 0)
            code = store_commit_now(n->store, &which.batch, &failed, err);
        batch_done(&which.batch);
        if (code == FF_OK)
            *n_deleted += (int64_t)found;
        if (code == FF_CONFLICT && ++conflicts < 5)
            code = FF_OK;
        else if (found < ROWS_MAX)
            break;
    } while (code == FF_OK);
    return code;
}

int node_clear_cache(struct node *n, struct tenant t, const char *workflow,
                     const char *task, int64_t *n_deleted, struct ff_err *err)
{
    const struct cache_row like = {.tenant = t.no};
    const struct which which = {.workflow = workflow, .task = task};

    *n_deleted = 0;
    return delete_entries(n, &like, &which, n_deleted, err);
}

int node_sweep_cache(struct node *n, struct ff_err *err)
{
    const struct which which = {.before_us = loop_wall_us(n->loop)};
    int64_t n_deleted = 0;
    const int code = delete_entries(n, NULL, &which, &n_deleted, err);

    if (n_deleted > 0)
        log_debug("cache: %lld entries have expired", (long long)n_deleted);
    return code == FF_CONFLICT ? FF_OK : code;
}
