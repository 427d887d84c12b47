/* apply.c - a workflow file becomes known under its name, in one commit: its text, its
 * version, its label. Whatever else a file asks for by being applied is a part of its
 * own in the table at the end: it adds its rows to the same batch, and takes them back
 * when the name is forgotten. */
#include "node/apply.h"
#include "node/schedule_priv.h"

/* --- the text --- */

static int add_source(struct apply *a, struct ff_err *err)
{
    const struct node_apply *what = a->what;
    const struct workflow_row row = {
        .tenant = a->tenant.no,
        .hash = span_of(what->flow->hash),
        .name = span_of(what->flow->name),
        .source = {.s = what->source, .len = what->source_len},
        .path = span_of(what->path),
        .created_at = a->now_us,
    };

    return node_add_source(a->node, &row, &a->batch, err);
}

/* --- its version --- */

static int add_version(struct apply *a, struct ff_err *err)
{
    const struct flow *f = a->what->flow;
    struct workflow_version_row newest = {0};
    int code =
        node_workflow_newest(a->node, a->tenant, f->name, &a->arena, &newest, err);

    if (code != FF_OK && code != FF_NOT_FOUND)
        return code;
    a->applied->is_new = code == FF_NOT_FOUND || !span_is(newest.hash, f->hash);
    a->applied->number = newest.number + a->applied->is_new;
    if (!a->applied->is_new)
        return FF_OK;
    const struct workflow_version_row row = {
        .tenant = a->tenant.no,
        .name = span_of(f->name),
        .number = a->applied->number,
        .hash = span_of(f->hash),
        .label = span_of(f->version),
        .dir = span_of(a->what->dir),
        .created_at = a->now_us,
    };
    batch_put(&a->batch, &record_workflow_version, &row, FF_ABSENT);
    return FF_OK;
}

static int delete_row(void *arg, const void *row)
{
    struct forget *f = arg;

    batch_delete(&f->batch, f->record, row, FF_ANY_VERSION);
    return 0;
}

static int forget_rows(struct forget *f, const struct ff_record *record,
                       const void *like, struct ff_err *err)
{
    const struct store_query query = {.record = record, .like = like, .n_equal = 2};

    f->record = record;
    return store_scan(f->node->store, STORE_READER_CALLER, &query, delete_row, f, err);
}

static int forget_versions(struct forget *f, struct ff_err *err)
{
    const struct workflow_version_row like = {.tenant = f->tenant.no,
                                              .name = span_of(f->name)};

    return forget_rows(f, &record_workflow_version, &like, err);
}

/* --- its label --- */

static int add_label(struct apply *a, struct ff_err *err)
{
    const struct flow *f = a->what->flow;
    struct workflow_label_row row = {0};

    if (!f->version)
        return FF_OK;
    const int code = node_workflow_read_label(a->node, a->tenant, f->name, f->version,
                                              &a->arena, &row, err);
    if (code == FF_OK && span_is(row.hash, f->hash))
        return FF_OK;
    if (code == FF_OK)
        return ff_fail(err, FF_CONFLICT, 0,
                       "version %s of %s is another text (%.12s) already: change "
                       "version: in the file, or first say `flowforge workflow label "
                       "%s %s %.12s`",
                       f->version, f->name, row.hash.s, f->name, f->version, f->hash);
    if (code != FF_NOT_FOUND)
        return code;
    row = (struct workflow_label_row){
        .tenant = a->tenant.no,
        .name = span_of(f->name),
        .label = span_of(f->version),
        .hash = span_of(f->hash),
        .at = a->now_us,
    };
    batch_put(&a->batch, &record_workflow_label, &row, FF_ABSENT);
    return FF_OK;
}

static int forget_labels(struct forget *f, struct ff_err *err)
{
    const struct workflow_label_row like = {.tenant = f->tenant.no,
                                            .name = span_of(f->name)};

    return forget_rows(f, &record_workflow_label, &like, err);
}

/* --- all of it --- */

static const struct {
    int (*add)(struct apply *a, struct ff_err *err);
    int (*forget)(struct forget *f, struct ff_err *err); /* or NULL */
} parts[] = {
    {add_source, NULL}, /* runs are pinned to it */
    {add_version, forget_versions},
    {add_label, forget_labels},
    {node_apply_schedules, node_forget_schedules},
};

/* FF_CONFLICT with *again: somebody else applied at the same moment. */
static int apply_once(struct apply *a, bool *again, struct ff_err *err)
{
    size_t failed;
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < COUNT_OF(parts); i++)
        code = parts[i].add(a, err);
    if (code == FF_OK && a->batch.n > 0) {
        code = store_commit_now(a->node->store, &a->batch, &failed, err);
        *again = code == FF_CONFLICT;
    }
    batch_done(&a->batch);
    arena_done(&a->arena);
    return code;
}

int node_apply(struct node *n, struct tenant t, const struct node_apply *what,
               struct node_applied *applied, struct ff_err *err)
{
    int code = FF_OK;
    bool again = true;

    for (int i = 0; again && i < NODE_SCHEDULE_TRIES; i++) {
        struct apply a = {.node = n,
                          .tenant = t,
                          .what = what,
                          .applied = applied,
                          .now_us = loop_wall_us(n->loop)};
        again = false;
        code = apply_once(&a, &again, err);
    }
    return code;
}

static int forget_once(struct forget *f, struct ff_err *err)
{
    size_t failed;
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < COUNT_OF(parts); i++)
        if (parts[i].forget)
            code = parts[i].forget(f, err);
    if (code == FF_OK && f->batch.n == 0)
        code = node_workflow_unknown(f->node, f->tenant, f->name, err);
    return code == FF_OK ? store_commit_now(f->node->store, &f->batch, &failed, err)
                         : code;
}

int node_workflow_delete(struct node *n, struct tenant t, const char *name,
                         struct ff_err *err)
{
    struct forget f = {.node = n, .tenant = t, .name = name};
    int code = FF_CONFLICT;

    for (int i = 0; code == FF_CONFLICT && i < NODE_SCHEDULE_TRIES; i++) {
        batch_reset(&f.batch);
        code = forget_once(&f, err);
    }
    batch_done(&f.batch);
    return code;
}
