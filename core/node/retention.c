/* retention.c - deletes finished runs that are too old, too many or too large, oldest
 * first: rows in small commits, then the run's folder. A crash in between leaves a
 * folder without a run, which the next pass finds. */
#include "node/node_priv.h"

#include <string.h>

#define PASS_MAX 1000 /* runs deleted in one pass: a start must not take for ever */
#define ROWS_MAX 2000 /* rows deleted in one commit */

struct finished {
    int64_t tenant, run, finished_at, bytes;
    char id[ID_TEXT];
};

struct collect {
    struct node *node;
    struct {
        struct finished *items; /* newest first */
        size_t n, cap;
    } runs;
};

static int add_finished(void *arg, const void *row)
{
    struct collect *c = arg;
    const struct run_row *r = row;
    struct finished f = {
        .tenant = r->tenant, .run = r->run, .finished_at = r->finished_at};

    /* One that is a task of another run goes with that one. */
    if (!run_state_final(r->state) || run_is_child(r))
        return 0;
    snprintf(f.id, sizeof(f.id), "%.*s", (int)r->id.len, r->id.s);
    ARRAY_ADD(&c->runs, f);
    return 0;
}

static int add_link(void *arg, const void *row)
{
    const struct child_run_row *link = row;
    struct collect *c = arg;
    const struct finished f = {.tenant = link->tenant, .run = link->run};

    ARRAY_ADD(&c->runs, f);
    return 0;
}

static int take_id(void *arg, const void *row)
{
    const struct run_row *r = row;
    struct finished *f = arg;

    snprintf(f->id, sizeof(f->id), "%.*s", (int)r->id.len, r->id.s);
    return 0;
}

static int add_artifact_bytes(void *arg, const void *row)
{
    *(int64_t *)arg += ((const struct artifact_row *)row)->size;
    return 0;
}

static int add_log_bytes(void *arg, const void *row)
{
    *(int64_t *)arg += ((const struct log_row *)row)->bytes;
    return 0;
}

/* The runs that are tasks of this one. */
static int read_children(struct node *n, const struct finished *f, struct collect *c,
                         struct ff_err *err)
{
    const struct child_run_row like = {.tenant = f->tenant, .parent = f->run};
    const struct store_query links = {
        .record = &record_child_run, .like = &like, .n_equal = 2};
    int code = store_scan(n->store, STORE_READER_CALLER, &links, add_link, c, err);

    for (size_t i = 0; code == FF_OK && i < c->runs.n; i++) {
        const struct run_row run = {.tenant = f->tenant, .run = c->runs.items[i].run};
        const struct store_query one = {
            .record = &record_run, .like = &run, .n_equal = 2};
        code = store_scan(n->store, STORE_READER_CALLER, &one, take_id,
                          &c->runs.items[i], err);
    }
    return code;
}

/* What tasks left: logs are counted in rows, since a run may have many small ones;
 * values and kept files have folders of their own, which most runs lack. */
static int add_own_bytes(struct node *n, const struct finished *f, int64_t *bytes,
                         struct ff_err *err)
{
    static const char *const folders[] = {"values", "files"};
    const struct log_row log = {.tenant = f->tenant, .run = f->run};
    const struct store_query query = {
        .record = &record_log, .like = &log, .n_equal = 2};
    MEM_AUTO char *dir = exec_run_dir(n->data_dir, f->id);

    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        MEM_AUTO char *folder = file_join(dir, folders[i]);
        *bytes += file_tree_bytes(folder);
    }
    const struct artifact_row artifact = {.tenant = f->tenant, .run = f->run};
    const struct store_query named = {
        .record = &record_artifact, .like = &artifact, .n_equal = 2};
    const int code =
        store_scan(n->store, STORE_READER_CALLER, &query, add_log_bytes, bytes, err);

    if (code != FF_OK)
        return code;
    return store_scan(n->store, STORE_READER_CALLER, &named, add_artifact_bytes, bytes,
                      err);
}

/* With the runs inside it, as deep as runs may be. */
static int add_bytes(struct node *n, const struct finished *f, int64_t *bytes,
                     struct ff_err *err)
{
    struct collect c = {.node = n};
    int code = add_own_bytes(n, f, bytes, err);

    if (code == FF_OK)
        code = read_children(n, f, &c, err);
    for (size_t i = 0; code == FF_OK && i < c.runs.n; i++)
        code = add_bytes(n, &c.runs.items[i], bytes, err);
    ARRAY_DONE(&c.runs);
    return code;
}

/* --- deleting one --- */

struct rows {
    struct batch batch;
    const struct ff_record *record;
};

static int delete_row(void *arg, const void *row)
{
    struct rows *rows = arg;

    batch_delete(&rows->batch, rows->record, row, FF_ANY_VERSION);
    return rows->batch.n >= ROWS_MAX;
}

/* The rows of `record` that belong to the run, in as many commits as it takes. */
static int delete_rows(struct node *n, const struct ff_record *record, const void *like,
                       struct ff_err *err)
{
    const struct store_query query = {.record = record, .like = like, .n_equal = 2};
    size_t failed, deleted;
    int code;

    do {
        FAILPOINT("node.retention.table");
        struct rows rows = {.record = record};
        code =
            store_scan(n->store, STORE_READER_CALLER, &query, delete_row, &rows, err);
        deleted = rows.batch.n;
        if (code == FF_OK && deleted > 0)
            code = store_commit_now(n->store, &rows.batch, &failed, err);
        batch_done(&rows.batch);
    } while (code == FF_OK && deleted >= ROWS_MAX);
    return code;
}

static int delete_run(struct node *n, const struct finished *f, struct ff_err *err);

/* Those inside first: what is left after a crash is found by the link to it. */
static int delete_children(struct node *n, const struct finished *f, struct ff_err *err)
{
    const struct child_run_row like = {.tenant = f->tenant, .parent = f->run};
    struct collect c = {.node = n};
    int code = read_children(n, f, &c, err);

    for (size_t i = 0; code == FF_OK && i < c.runs.n; i++)
        code = delete_run(n, &c.runs.items[i], err);
    ARRAY_DONE(&c.runs);
    if (code == FF_OK)
        code = delete_rows(n, &record_child_run, &like, err);
    return code;
}

/* The folder of a run without an id, whose row went before a crash, went with it. */
static int delete_folder(const struct node *n, const struct finished *f,
                         struct ff_err *err)
{
    MEM_AUTO char *dir = exec_run_dir(n->data_dir, f->id);

    FAILPOINT("node.retention.rows");
    const int sys = f->id[0] ? file_remove_tree(dir) : 0;
    FAILPOINT("node.retention.folder");
    if (sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", dir, strerror(-sys));
    return FF_OK;
}

/* Those of more than so many the sweep finds. */
#define HASHES_MAX 100000

static int add_hash(void *arg, const void *row)
{
    const struct artifact_row *a = row;
    struct node_hashes *hashes = arg;

    ARRAY_ADD(hashes, mem_text_len(a->hash.s, a->hash.len));
    return hashes->n >= HASHES_MAX;
}

/* A store of blobs that is away keeps no run from being deleted. */
static int delete_artifacts(struct node *n, const struct finished *f,
                            struct ff_err *err)
{
    const struct artifact_row like = {.tenant = f->tenant, .run = f->run};
    const struct store_query query = {
        .record = &record_artifact, .like = &like, .n_equal = 2};
    struct node_hashes hashes = {0};
    struct ff_err why = {0};
    int code =
        store_scan(n->store, STORE_READER_CALLER, &query, add_hash, &hashes, err);

    if (code == FF_OK)
        code = delete_rows(n, &record_artifact, &like, err);
    FAILPOINT("node.retention.artifacts");
    if (code == FF_OK &&
        node_drop_blobs(n, (struct tenant){f->tenant}, &hashes, &why) != FF_OK)
        log_warn("artifacts of a run that was deleted stay for now: %s", why.msg);
    for (size_t i = 0; i < hashes.n; i++)
        mem_free(hashes.items[i]);
    ARRAY_DONE(&hashes);
    return code;
}

static int delete_run(struct node *n, const struct finished *f, struct ff_err *err)
{
    const struct task_row task = {.tenant = f->tenant, .run = f->run};
    const struct event_row event = {.tenant = f->tenant, .run = f->run};
    const struct log_row log = {.tenant = f->tenant, .run = f->run};
    const struct signal_row signal = {.tenant = f->tenant, .run = f->run};
    const struct run_row run = {.tenant = f->tenant, .run = f->run};

    /* The run row goes last: until then the next pass finds the rest. */
    int code = delete_children(n, f, err);
    if (code == FF_OK)
        code = delete_rows(n, &record_task, &task, err);
    if (code == FF_OK)
        code = delete_rows(n, &record_event, &event, err);
    if (code == FF_OK)
        code = delete_rows(n, &record_log, &log, err);
    if (code == FF_OK)
        code = delete_rows(n, &record_signal, &signal, err);
    if (code == FF_OK)
        code = delete_artifacts(n, f, err);
    if (code == FF_OK)
        code = delete_folder(n, f, err);
    return code == FF_OK ? delete_rows(n, &record_run, &run, err) : code;
}

/* --- which --- */

static bool keeps(const struct node *n, const struct finished *f, size_t place,
                  int64_t bytes, int64_t now)
{
    const struct node_settings *s = &n->settings;

    if (s->keep_us > 0 && f->finished_at < now - s->keep_us)
        return false;
    if (s->keep_runs > 0 && place >= (uint64_t)s->keep_runs)
        return false;
    return s->keep_bytes == 0 || bytes <= s->keep_bytes;
}

/* What it leaves is there the next time. */
static void sweep(struct node *n)
{
    struct ff_err err = {0};

    if (node_sweep_blobs(n, &err) != FF_OK)
        log_warn("artifacts that no run names stay for now: %s", err.msg);
}

int node_retention(struct node *n, int64_t *n_runs, struct ff_err *err)
{
    struct collect c = {.node = n};
    const struct run_row like = {.tenant = TENANT_DEFAULT.no};
    const int64_t now = loop_wall_us(n->loop);
    int64_t bytes = 0;
    int code = store_scan(
        n->store, STORE_READER_CALLER,
        &(struct store_query){
            .record = &record_run, .like = &like, .n_equal = 1, .descending = true},
        add_finished, &c, err);

    *n_runs = 0;
    for (size_t i = 0; code == FF_OK && i < c.runs.n && *n_runs < PASS_MAX; i++) {
        const struct finished *f = &c.runs.items[i];
        code = add_bytes(n, f, &bytes, err);
        if (code != FF_OK || keeps(n, f, i, bytes, now))
            continue;
        code = delete_run(n, f, err);
        *n_runs += code == FF_OK;
    }
    ARRAY_DONE(&c.runs);
    if (code == FF_OK)
        code = node_sweep_times(n, now, err);
    if (code == FF_OK)
        code = node_sweep_tokens(n, now, err);
    if (code == FF_OK)
        code = node_sweep_cache(n, err);
    if (code == FF_OK)
        sweep(n);
    return code;
}
