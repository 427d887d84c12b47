/* project.c - projects: parts of a tenant that roles can be given for. The default one
 * of each tenant is there without a row. */
#include "access/access_priv.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_NAME "default"

static struct project_row default_project(struct tenant t)
{
    return (struct project_row){.tenant = t.no,
                                .project = PROJECT_DEFAULT,
                                .version = FF_ABSENT,
                                .name = span_of(DEFAULT_NAME),
                                .weight = MODEL_NULL};
}

int access_project(struct store *s, struct store_reader *r, struct tenant t,
                   const char *name, struct arena *arena, struct project_row *row,
                   struct ff_err *err)
{
    const struct project_row like = {.tenant = t.no, .name = span_of(name)};
    const struct store_query q = {.record = &record_project,
                                  .index = "project_name",
                                  .like = &like,
                                  .n_equal = 2};

    if (strcmp(name, DEFAULT_NAME) == 0) {
        *row = default_project(t);
        return FF_OK;
    }

    const int code = access_first(s, r, &q, arena, row, err);

    if (code == FF_NOT_FOUND)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "there is no project %.64s: `flowforge project create` makes it",
                       name);
    return code;
}

int access_project_by_no(struct store *s, struct store_reader *r, struct tenant t,
                         int64_t no, struct arena *arena, struct project_row *row,
                         struct ff_err *err)
{
    const struct project_row like = {.tenant = t.no, .project = no};
    const struct store_query q = {
        .record = &record_project, .like = &like, .n_equal = 2};
    const int code = access_first(s, r, &q, arena, row, err);

    if (code != FF_NOT_FOUND || no != PROJECT_DEFAULT)
        return code;
    *row = default_project(t);
    return FF_OK;
}

int access_projects(struct store *s, struct store_reader *r, struct tenant t,
                    store_row_fn *fn, void *arg, struct ff_err *err)
{
    const struct project_row first = default_project(t);
    const struct store_query q = {
        .record = &record_project, .like = &first, .n_equal = 1};

    return fn(arg, &first) == 0 ? store_scan(s, r, &q, fn, arg, err) : FF_OK;
}

static int check_free(const struct access_call *c, struct tenant t, const char *name,
                      struct ff_err *err)
{
    struct arena arena = {0};
    struct project_row row;
    const int code = access_project(c->store, c->reader, t, name, &arena, &row, err);

    arena_done(&arena);
    if (code == FF_OK)
        return ff_fail(err, FF_INVALID, EEXIST, "there is a project %.64s already",
                       name);
    return code == FF_NOT_FOUND ? FF_OK : code;
}

static int check_room(const struct access_call *c, const struct tenant_row *tenant,
                      struct ff_err *err)
{
    const struct project_row like = {.tenant = tenant->tenant};
    const struct store_query q = {
        .record = &record_project, .like = &like, .n_equal = 1};
    int64_t n = 0;
    const int code = access_count(c->store, c->reader, &q, NULL, &n, err);

    if (code != FF_OK)
        return code;
    /* The default one has no row. */
    return access_check_quota(tenant, QUOTA_PROJECTS, n + 1, err);
}

/* Not the number of the default one. */
static int take_number(const struct access_call *c, int64_t *no, struct ff_err *err)
{
    int code = store_take_numbers(c->store, "project", 1, no, err);

    if (code == FF_OK && *no == PROJECT_DEFAULT)
        code = store_take_numbers(c->store, "project", 1, no, err);
    return code;
}

int access_project_create(const struct access_call *c, struct tenant t,
                          const char *name, struct batch *b, struct ff_err *err)
{
    struct project_row row = {.tenant = t.no,
                              .name = span_of(name),
                              .created_at = c->now_us,
                              .weight = MODEL_NULL};
    char object[OBJECT_TEXT];
    const struct access_entry e = {
        .where = {.tenant = t}, .action = "project.create", .object = object};
    struct arena arena = {0};
    struct tenant_row tenant;

    if (access_check_name(name, "a project", err) != FF_OK)
        return err->code;
    snprintf(object, sizeof(object), "project/%s", name);

    int code = access_begin(c, MAY_MEMBERS, &e, b, err);

    if (code == FF_OK)
        code = access_hold_tenant(c, t, &arena, &tenant, b, err);
    if (code == FF_OK)
        code = check_free(c, t, name, err);
    if (code == FF_OK)
        code = check_room(c, &tenant, err);
    if (code == FF_OK)
        code = take_number(c, &row.project, err);
    if (code == FF_OK) {
        batch_put(b, &record_project, &row, FF_ABSENT);
        code = access_audit_add(c, &e, b, err);
    }
    arena_done(&arena);
    return code;
}

/* The one with no row has nowhere to keep a weight. */
static int weigh(struct project_row *row, int64_t weight, struct ff_err *err)
{
    const struct access_quota *q = &access_quotas[QUOTA_WEIGHT];

    if (weight != MODEL_NULL && (weight < q->min || weight > q->max))
        return ff_fail(err, FF_INVALID, 0, "%s is a number from %lld to %lld", q->name,
                       (long long)q->min, (long long)q->max);
    if (row->project == PROJECT_DEFAULT)
        return ff_fail(err, FF_INVALID, EPERM,
                       "the default project weighs 1 beside the others: give those "
                       "their weights");
    row->weight = weight;
    return FF_OK;
}

int access_project_weight(const struct access_call *c, struct tenant t,
                          const char *name, int64_t weight, struct batch *b,
                          struct ff_err *err)
{
    char object[OBJECT_TEXT], detail[64];
    const struct access_entry e = {.where = {.tenant = t},
                                   .action = "project.weight",
                                   .object = object,
                                   .detail = detail};
    struct arena arena = {0};
    struct project_row row;

    if (access_check_name(name, "a project", err) != FF_OK)
        return err->code;
    snprintf(object, sizeof(object), "project/%s", name);
    if (weight == MODEL_NULL)
        snprintf(detail, sizeof(detail), "{\"weight\":null}");
    else
        snprintf(detail, sizeof(detail), "{\"weight\":%lld}", (long long)weight);

    int code = access_begin(c, MAY_MEMBERS, &e, b, err);

    if (code == FF_OK)
        code = access_project(c->store, c->reader, t, name, &arena, &row, err);
    if (code == FF_OK)
        code = weigh(&row, weight, err);
    if (code == FF_OK) {
        batch_put(b, &record_project, &row, row.version);
        code = access_audit_add(c, &e, b, err);
    }
    arena_done(&arena);
    return code;
}
