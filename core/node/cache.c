/* cache.c - what tasks with `cache` gave is deleted: what has expired, by retention,
 * and what people ask for; and then the blobs go that only it named. Nobody who reads
 * it holds it: a task that finds nothing runs. */
#include "access/access.h"
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

int node_plan_clear_cache(const struct node_plan *p, struct tenant t,
                          const char *workflow, const char *task, int64_t *n_deleted,
                          bool *more, struct ff_err *err)
{
    const struct cache_row like = {.tenant = t.no};
    const struct store_query query = {
        .record = &record_cache, .like = &like, .n_equal = 1};
    struct which which = {.batch = *p->batch, .workflow = workflow, .task = task};
    const size_t before = which.batch.n;
    const int code =
        store_scan(p->node->store, p->reader, &query, add_row, &which, err);

    *p->batch = which.batch;
    *n_deleted = (int64_t)(which.batch.n - before);
    *more = which.batch.n >= ROWS_MAX;
    return code;
}

/* --- blobs --- */

/* The rows that name blobs for the cache. */
struct names {
    struct {
        struct name {
            char hash[SHA256_TEXT];
            int64_t version;
        } * items;
        size_t n, cap;
    } rows;
    struct map used; /* by hash: some entry needs it */
};

static int add_name(void *arg, const void *row)
{
    const struct artifact_row *a = row;
    struct names *names = arg;
    struct name name = {.version = a->version};

    snprintf(name.hash, sizeof(name.hash), "%.*s", (int)a->hash.len, a->hash.s);
    ARRAY_ADD(&names->rows, name);
    return 0;
}

static int add_used(void *arg, const void *row)
{
    const struct cache_row *cached = row;
    struct names *names = arg;
    struct ff_err ignored;
    json_t *hashes = cached->artifacts.s ? json_parse(cached->artifacts.s,
                                                      cached->artifacts.len, &ignored)
                                         : NULL;

    for (size_t i = 0; i < json_array_size(hashes); i++) {
        const char *hash = json_string_value(json_array_get(hashes, i));
        if (hash)
            map_set_text(&names->used, hash, names);
    }
    json_decref(hashes);
    return 0;
}

/* Guarded by its version: an entry that was put since names its blobs anew. */
static void delete_unused(const struct names *names, struct tenant t,
                          struct batch *batch, struct node_hashes *gone)
{
    for (size_t i = 0; i < names->rows.n && batch->n < ROWS_MAX; i++) {
        const struct name *name = &names->rows.items[i];
        const struct artifact_row row = {
            .tenant = t.no, .run = ARTIFACT_OF_CACHE, .hash = span_of(name->hash)};

        if (map_get_text(&names->used, name->hash))
            continue;
        batch_delete(batch, &record_artifact, &row, name->version);
        ARRAY_ADD(gone, mem_text(name->hash));
    }
}

static int drop_unused(struct node *n, struct tenant t, const struct names *names,
                       struct ff_err *err)
{
    struct node_hashes gone = {0};
    struct batch batch = {0};
    struct ff_err why = {0};
    size_t failed;
    int code = FF_OK;

    delete_unused(names, t, &batch, &gone);
    if (batch.n > 0)
        code = store_commit_now(n->store, &batch, &failed, err);
    batch_done(&batch);
    if (code == FF_OK && node_drop_blobs(n, t, &gone, &why) != FF_OK)
        log_warn("artifacts that the cache named stay for now: %s", why.msg);
    for (size_t i = 0; i < gone.n; i++)
        mem_free(gone.items[i]);
    ARRAY_DONE(&gone);
    return code;
}

/* The rows before the entries: what is put in between has another version then. */
static int sweep_blobs(struct node *n, struct tenant t, struct ff_err *err)
{
    const struct artifact_row row = {.tenant = t.no, .run = ARTIFACT_OF_CACHE};
    const struct cache_row entry = {.tenant = t.no};
    const struct store_query rows = {
        .record = &record_artifact, .like = &row, .n_equal = 2};
    const struct store_query entries = {
        .record = &record_cache, .like = &entry, .n_equal = 1};
    struct names names = {0};
    int code = store_scan(n->store, STORE_READER_CALLER, &rows, add_name, &names, err);

    if (code == FF_OK && names.rows.n > 0)
        code =
            store_scan(n->store, STORE_READER_CALLER, &entries, add_used, &names, err);
    if (code == FF_OK)
        code = drop_unused(n, t, &names, err);
    map_done(&names.used);
    ARRAY_DONE(&names.rows);
    return code;
}

struct tenants {
    int64_t *items;
    size_t n, cap;
};

static int add_tenant(void *arg, const void *row)
{
    struct tenants *tenants = arg;

    ARRAY_ADD(tenants, ((const struct tenant_row *)row)->tenant);
    return 0;
}

/* One that was renewed meanwhile is for the next pass; the other tenants are not. */
static int sweep_tenants(struct node *n, struct ff_err *err)
{
    struct tenants tenants = {0};
    int code = access_tenants(n->store, STORE_READER_CALLER, add_tenant, &tenants, err);

    for (size_t i = 0; code == FF_OK && i < tenants.n; i++) {
        code = sweep_blobs(n, (struct tenant){tenants.items[i]}, err);
        if (code == FF_CONFLICT)
            code = FF_OK;
    }
    ARRAY_DONE(&tenants);
    return code;
}

int node_sweep_cache(struct node *n, struct ff_err *err)
{
    const struct which which = {.before_us = loop_wall_us(n->loop)};
    int64_t n_deleted = 0;

    if (node_is_held(n))
        return ff_fail(err, FF_BUSY, 0, "a backup is being made");
    int code = delete_entries(n, NULL, &which, &n_deleted, err);

    if (n_deleted > 0)
        log_debug("cache: %lld entries have expired", (long long)n_deleted);
    if (code == FF_OK)
        code = sweep_tenants(n, err);
    return code == FF_CONFLICT ? FF_OK : code;
}
