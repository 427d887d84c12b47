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

    return node_add_source(a->plan, &row, what->flow, err);
}

/* --- its version --- */

/* known: its newest version, or NULL. */
static int check_project(struct apply *a, const struct workflow_version_row *known,
                         struct ff_err *err)
{
    const int64_t wanted = a->what->project;
    const int64_t project = model_project(known ? known->project : wanted);

    a->applied->project = project;
    if (wanted == 0 || wanted == project)
        return FF_OK;
    return ff_fail(err, FF_CONFLICT, 0,
                   "the workflow %s belongs to another project: delete it there first, "
                   "or take another name",
                   a->what->flow->name);
}

static int add_version(struct apply *a, struct ff_err *err)
{
    const struct flow *f = a->what->flow;
    struct workflow_version_row newest = {0};
    int code = node_workflow_newest(a->plan->node, a->plan->reader, a->tenant, f->name,
                                    &a->arena, &newest, err);

    if (code != FF_OK && code != FF_NOT_FOUND)
        return code;
    if (check_project(a, code == FF_OK ? &newest : NULL, err) != FF_OK)
        return err->code;
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
        .project = a->applied->project,
    };
    batch_put(a->plan->batch, &record_workflow_version, &row, FF_ABSENT);
    return FF_OK;
}

static int delete_row(void *arg, const void *row)
{
    struct forget *f = arg;

    batch_delete(f->plan->batch, f->record, row, FF_ANY_VERSION);
    return 0;
}

static int forget_rows(struct forget *f, const struct ff_record *record,
                       const void *like, struct ff_err *err)
{
    const struct store_query query = {.record = record, .like = like, .n_equal = 2};

    f->record = record;
    return store_scan(f->plan->node->store, f->plan->reader, &query, delete_row, f,
                      err);
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
    if (!f->version)
        return FF_OK;
    struct workflow_label_row row = {
        .tenant = a->tenant.no, .name = span_of(f->name), .label = span_of(f->version)};
    const int code =
        node_workflow_read_label(a->plan->node, a->plan->reader, &a->arena, &row, err);
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
    batch_put(a->plan->batch, &record_workflow_label, &row, FF_ABSENT);
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

int node_plan_apply(const struct node_plan *p, struct tenant t,
                    const struct node_apply *what, struct node_applied *applied,
                    struct ff_err *err)
{
    struct apply a = {.plan = p,
                      .tenant = t,
                      .what = what,
                      .applied = applied,
                      .now_us = loop_wall_us(p->node->loop)};
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < COUNT_OF(parts); i++)
        code = parts[i].add(&a, err);
    arena_done(&a.arena);
    return code;
}

int node_plan_forget(const struct node_plan *p, struct tenant t, const char *name,
                     struct ff_err *err)
{
    struct forget f = {.plan = p, .tenant = t, .name = name};
    const size_t n_before = p->batch->n;
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < COUNT_OF(parts); i++)
        if (parts[i].forget)
            code = parts[i].forget(&f, err);
    /* The try before may have forgotten it. */
    if (code == FF_OK && p->batch->n == n_before && !p->doubted)
        code = node_workflow_unknown(
            p->node, p->reader, (struct workflow_place){t, PROJECT_ALL}, name, err);
    return code;
}

/* --- at once --- */

struct applying {
    struct tenant tenant;
    const struct node_apply *what;
    struct node_applied *applied;
    const char *name; /* that is forgotten */
};

static int plan_apply(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct applying *a = arg;

    return node_plan_apply(p, a->tenant, a->what, a->applied, err);
}

int node_apply(struct node *n, struct tenant t, const struct node_apply *what,
               struct node_applied *applied, struct ff_err *err)
{
    struct applying a = {.tenant = t, .what = what, .applied = applied};

    return node_change_now(n, plan_apply, &a, err);
}

static int plan_forget(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct applying *a = arg;

    return node_plan_forget(p, a->tenant, a->name, err);
}

int node_workflow_delete(struct node *n, struct tenant t, const char *name,
                         struct ff_err *err)
{
    struct applying a = {.tenant = t, .name = name};

    return node_change_now(n, plan_forget, &a, err);
}
