/* retention.c - deletes finished runs that are too old, too many or too large, oldest
 * first; of each tenant, since what one of them runs must not cost another one its
 * runs. The first commit claims the run: from then on nobody opens it again. Then go
 * its rows, in small commits, and its folder, and at last its own row; what a crash
 * leaves of a claimed run the next pass finds. The caller's thread, or that of a lane.
 */
#include "node/retention.h"

#include <string.h>

#define PASS_MAX                                                                       \
    1000             /* runs deleted as a process ends: that must not take for ever    \
                      */
#define ROWS_MAX 500 /* rows deleted in one commit: others want to commit as well */

bool node_is_claimed(const struct run_row *run)
{
    return run_state_final(run->state) && span_is(run->reset, NODE_CLAIM);
}

static int add_finished(void *arg, const void *row)
{
    struct collect *c = arg;
    const struct run_row *r = row;
    struct finished f = {.tenant = r->tenant,
                         .run = r->run,
                         .finished_at = r->finished_at,
                         .version = r->version,
                         .claimed = node_is_claimed(r)};

    c->n_recent += r->created_at >= c->recent_us;
    /* One that is a task of another run goes with that one. */
    if (!run_state_final(r->state) || run_is_child(r)) {
        const struct other_run o = {
            .tenant = r->tenant, .run = r->run, .root = run_is_child(r) ? r->root : 0};

        if (c->spans)
            ARRAY_ADD(&c->others, o);
        return 0;
    }
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
    MEM_AUTO char *dir = exec_run_dir(n->files_dir, f->id);

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

static int delete_child(struct node *n, const struct finished *f, struct ff_err *err);

/* Those inside first: what is left after a crash is found by the link to it. */
static int delete_children(struct node *n, const struct finished *f, struct ff_err *err)
{
    const struct child_run_row like = {.tenant = f->tenant, .parent = f->run};
    struct collect c = {.node = n};
    int code = read_children(n, f, &c, err);

    for (size_t i = 0; code == FF_OK && i < c.runs.n; i++)
        code = delete_child(n, &c.runs.items[i], err);
    ARRAY_DONE(&c.runs);
    if (code == FF_OK)
        code = delete_rows(n, &record_child_run, &like, err);
    return code;
}

/* The folder of a run without an id, whose row went before a crash, went with it. */
static int delete_folder(const struct node *n, const struct finished *f,
                         struct ff_err *err)
{
    MEM_AUTO char *dir = exec_run_dir(n->files_dir, f->id);
    int fd;

    FAILPOINT("node.retention.rows");
    const int code = node_deleting(n, &fd, err);
    if (code != FF_OK)
        return code;
    const int sys = f->id[0] ? file_remove_tree(dir) : 0;
    node_deleted(fd);
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

/* All that there is of it but its own row. */
static int delete_parts(struct node *n, const struct finished *f, struct ff_err *err)
{
    const struct task_row task = {.tenant = f->tenant, .run = f->run};
    const struct event_row event = {.tenant = f->tenant, .run = f->run};
    const struct log_row log = {.tenant = f->tenant, .run = f->run};
    const struct signal_row signal = {.tenant = f->tenant, .run = f->run};
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
    return code == FF_OK ? delete_folder(n, f, err) : code;
}

/* One that is a task of another run: whoever has claimed that one has this one too. */
static int delete_child(struct node *n, const struct finished *f, struct ff_err *err)
{
    const struct run_row run = {.tenant = f->tenant, .run = f->run};
    const int code = delete_parts(n, f, err);

    return code == FF_OK ? delete_rows(n, &record_run, &run, err) : code;
}

/* `b` goes only if the run is not open: opening it again and this are one after the
 * other, and whoever comes second sees it. */
static int commit_closed(struct node *n, const struct finished *f, struct batch *b,
                         struct ff_err *err)
{
    const struct open_run_row open = {
        .shard = NODE_SHARD, .tenant = f->tenant, .run = f->run};
    size_t failed;

    batch_check(b, &record_open_run, &open, FF_ABSENT);
    const int code = store_commit_now(n->store, b, &failed, err);
    batch_done(b);
    return code;
}

int node_claim_run(struct node *n, struct finished *f, struct ff_err *err)
{
    const struct run_row run = {
        .tenant = f->tenant, .run = f->run, .reset = span_of(NODE_CLAIM)};
    struct batch b = {0};

    if (f->claimed)
        return FF_OK;
    FAILPOINT("node.retention.claim");
    batch_patch(&b, &record_run, &run, COLUMN_BIT(COL_RUN_RESET), f->version);
    const int code = commit_closed(n, f, &b, err);
    if (code == FF_OK) {
        f->version++;
        f->claimed = true;
    }
    return code;
}

/* FF_CONFLICT: it was opened again, or somebody else deletes it as well. FF_BUSY: its
 * files are held. */
static int delete_run(struct node *n, struct finished *f, struct ff_err *err)
{
    const struct run_row run = {.tenant = f->tenant, .run = f->run};
    struct batch b = {0};
    int code =
        node_is_held(n) ? ff_fail(err, FF_BUSY, 0, "a backup is being made") : FF_OK;

    if (code == FF_OK)
        code = node_claim_run(n, f, err);
    if (code == FF_OK)
        code = delete_parts(n, f, err);
    if (code != FF_OK)
        return code;
    batch_delete(&b, &record_run, &run, f->version);
    return commit_closed(n, f, &b, err);
}

/* --- which --- */

/* What is kept as good as for ever is not kept longer. */
static int64_t longer(const struct finished *f, int64_t kept)
{
    return f->waits && kept < INT64_MAX / 2 ? kept / NODE_WAITS : 0;
}

static int64_t keep_us(const struct node *n, const struct finished *f)
{
    return n->settings.keep_us + longer(f, n->settings.keep_us);
}

static bool keeps(const struct node *n, const struct finished *f, size_t place,
                  int64_t bytes, int64_t now)
{
    const struct node_settings *s = &n->settings;

    if (f->claimed && !f->goes)
        return false;
    if (s->keep_us > 0 && f->finished_at < now - keep_us(n, f))
        return false;
    if (s->keep_runs > 0 && place >= (uint64_t)(s->keep_runs + longer(f, s->keep_runs)))
        return false;
    return s->keep_bytes == 0 || bytes <= s->keep_bytes;
}

/* What it leaves is there the next time. */
static void sweep(struct node *n)
{
    struct ff_err err = {0};

    if (node_sweep_given(n, &err) != FF_OK)
        log_warn("inputs of a run that never came about stay for now: %s", err.msg);

    if (node_sweep_blobs(n, &err) != FF_OK)
        log_warn("artifacts that no run names stay for now: %s", err.msg);
}

bool node_pass_is_over(const struct node_pass *p)
{
    return (p->stop && atomic_load(p->stop)) ||
           (p->runs_max > 0 && p->n_runs >= p->runs_max);
}

static void note_kept(const struct node *n, const struct finished *f,
                      struct node_pass *p)
{
    const int64_t at = f->finished_at + keep_us(n, f);

    if (n->settings.keep_us > 0 && (p->next_at == 0 || at < p->next_at))
        p->next_at = at;
}

static int look_at_runs(struct node *n, struct collect *c, struct node_pass *p,
                        int64_t now, struct ff_err *err)
{
    size_t first = 0; /* of its tenant */
    int64_t bytes = 0;
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < c->runs.n && !node_pass_is_over(p); i++) {
        struct finished *f = &c->runs.items[i];
        if (f->tenant != c->runs.items[first].tenant) {
            first = i;
            bytes = 0;
        }
        if (n->settings.keep_bytes > 0)
            code = add_bytes(n, f, &bytes, err);
        if (code != FF_OK)
            return code;
        if (keeps(n, f, i - first, bytes, now)) {
            note_kept(n, f, p);
            continue;
        }
        code = delete_run(n, f, err);
        p->n_runs += code == FF_OK;
        if (code == FF_CONFLICT) { /* the next pass looks again */
            p->next_at = now;
            code = FF_OK;
        }
    }
    return code;
}

int node_retention_pass(struct node *n, struct node_pass *p, struct ff_err *err)
{
    struct collect c = {.node = n};
    const int64_t now = loop_wall_us(n->loop);
    int code = node_spans_begin(&c, now, err);

    if (code == FF_OK)
        code =
            store_scan(n->store, STORE_READER_CALLER,
                       &(struct store_query){.record = &record_run, .descending = true},
                       add_finished, &c, err);
    p->n_runs = p->next_at = 0;
    if (code == FF_OK && c.spans)
        node_spans_pass(&c, p, now);
    if (code == FF_OK)
        code = look_at_runs(n, &c, p, now, err);
    ARRAY_DONE(&c.runs);
    ARRAY_DONE(&c.others);
    if (code == FF_OK && !node_pass_is_over(p))
        code = node_sweep_times(n, now, err);
    if (code == FF_OK && !node_pass_is_over(p))
        code = node_sweep_tokens(n, now, err);
    if (code == FF_OK && !node_pass_is_over(p))
        code = node_sweep_cache(n, err);
    if (code == FF_OK && !node_pass_is_over(p))
        sweep(n);
    if (code == FF_BUSY) { /* what is left the next pass takes */
        log_info("retention waits: %s", err->msg);
        p->next_at = now;
        code = FF_OK;
    }
    return code;
}

int node_retention(struct node *n, int64_t *n_runs, struct ff_err *err)
{
    struct node_pass pass = {.runs_max = PASS_MAX};
    const int code = node_retention_pass(n, &pass, err);

    *n_runs = pass.n_runs;
    return code;
}
