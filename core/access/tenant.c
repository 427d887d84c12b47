/* tenant.c - tenants: those who share nothing. The default one is there without a row,
 * so that one user on one machine never hears the word. */
#include "access/access_priv.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_NAME "default"

#define QUOTA_FROM(least, field, COLUMN, usually, at_most)                             \
    {                                                                                  \
        .name = #field, .offset = offsetof(struct tenant_row, field),                  \
        .column = COL_TENANT_##COLUMN, .usual = (usually), .min = (least),             \
        .max = (at_most)                                                               \
    }
#define QUOTA(field, COLUMN, usually, at_most)                                         \
    QUOTA_FROM(0, field, COLUMN, usually, at_most)
const struct access_quota access_quotas[N_QUOTAS] = {
    [QUOTA_PROJECTS] = QUOTA(max_projects, MAX_PROJECTS, 100, 10000),
    [QUOTA_MEMBERS] = QUOTA(max_members, MAX_MEMBERS, 1000, 100000),
    [QUOTA_KEYS] = QUOTA(max_keys, MAX_KEYS, 100, 10000),
    [QUOTA_OPEN_RUNS] = QUOTA(max_open_runs, MAX_OPEN_RUNS, 10000, 10000000),
    [QUOTA_REQUESTS] =
        QUOTA_FROM(1, max_requests_per_s, MAX_REQUESTS_PER_S, 100, 1000000),
    [QUOTA_WEIGHT] = QUOTA_FROM(1, weight, WEIGHT, 1, 1000),
    [QUOTA_RUNNING] = QUOTA(max_running, MAX_RUNNING, 1000000, 1000000),
};

int64_t access_quota_of(const struct tenant_row *row, enum quota quota)
{
    int64_t value;

    memcpy(&value, (const char *)row + access_quotas[quota].offset, sizeof(value));
    return value == MODEL_NULL ? access_quotas[quota].usual : value;
}

static void set_quota(struct tenant_row *row, enum quota quota, int64_t value)
{
    memcpy((char *)row + access_quotas[quota].offset, &value, sizeof(value));
}

struct tenant_row access_new_tenant(struct tenant t, const char *name)
{
    struct tenant_row row = {.tenant = t.no,
                             .version = FF_ABSENT,
                             .name = span_of(name),
                             .disabled_at = MODEL_NULL};

    for (int quota = 0; quota < N_QUOTAS; quota++)
        set_quota(&row, (enum quota)quota, MODEL_NULL);
    return row;
}

/* --- reads --- */

int access_tenant_by_no(struct store *s, struct store_reader *r, struct tenant t,
                        struct arena *arena, struct tenant_row *row, struct ff_err *err)
{
    const struct tenant_row like = {.tenant = t.no};
    const struct store_query q = {
        .record = &record_tenant, .like = &like, .n_equal = 1};
    const int code = access_first(s, r, &q, arena, row, err);

    if (code != FF_NOT_FOUND || t.no != TENANT_DEFAULT.no)
        return code;
    *row = access_new_tenant(t, DEFAULT_NAME);
    return FF_OK;
}

int access_tenant(struct store *s, struct store_reader *r, const char *name,
                  struct arena *arena, struct tenant_row *row, struct ff_err *err)
{
    const struct tenant_row like = {.name = span_of(name)};
    const struct store_query q = {
        .record = &record_tenant, .index = "tenant_name", .like = &like, .n_equal = 1};

    if (strcmp(name, DEFAULT_NAME) == 0)
        return access_tenant_by_no(s, r, TENANT_DEFAULT, arena, row, err);

    const int code = access_first(s, r, &q, arena, row, err);

    if (code == FF_NOT_FOUND)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "there is no tenant %.64s: `flowforge tenant list` shows all",
                       name);
    return code;
}

struct passing {
    store_row_fn *fn;
    void *arg;
};

static int pass_others(void *arg, const void *row)
{
    const struct passing *p = arg;

    if (((const struct tenant_row *)row)->tenant == TENANT_DEFAULT.no)
        return 0;
    return p->fn(p->arg, row);
}

int access_tenants(struct store *s, struct store_reader *r, store_row_fn *fn, void *arg,
                   struct ff_err *err)
{
    const struct store_query q = {.record = &record_tenant};
    struct passing p = {.fn = fn, .arg = arg};
    struct arena arena = {0};
    struct tenant_row first;
    int code = access_tenant_by_no(s, r, TENANT_DEFAULT, &arena, &first, err);

    if (code == FF_OK && fn(arg, &first) == 0)
        code = store_scan(s, r, &q, pass_others, &p, err);
    arena_done(&arena);
    return code;
}

/* --- plans --- */

static struct access_entry entry(const char *action, const char *name,
                                 char object[OBJECT_TEXT])
{
    snprintf(object, OBJECT_TEXT, "tenant/%s", name);
    return (struct access_entry){
        .where = {.tenant = TENANT_PLATFORM}, .action = action, .object = object};
}

static int check_free(const struct access_call *c, const char *name, struct ff_err *err)
{
    struct arena arena = {0};
    struct tenant_row row;
    const int code = access_tenant(c->store, c->reader, name, &arena, &row, err);

    arena_done(&arena);
    if (code == FF_OK)
        return ff_fail(err, FF_INVALID, EEXIST, "there is a tenant %.64s already",
                       name);
    return code == FF_NOT_FOUND ? FF_OK : code;
}

/* Not the number of the default one. */
static int take_number(const struct access_call *c, int64_t *no, struct ff_err *err)
{
    int code = store_take_numbers(c->store, "tenant", 1, no, err);

    if (code == FF_OK && *no == TENANT_DEFAULT.no)
        code = store_take_numbers(c->store, "tenant", 1, no, err);
    return code;
}

int access_tenant_create(const struct access_call *c, const char *name,
                         const char *title, struct batch *b, struct ff_err *err)
{
    char object[OBJECT_TEXT];
    struct tenant_row row = access_new_tenant((struct tenant){0}, name);

    if (access_check_name(name, "a tenant", err) != FF_OK ||
        access_check_title(title, err) != FF_OK)
        return err->code;

    const struct access_entry e = entry("tenant.create", name, object);

    row.title = span_of(title);
    row.created_at = c->now_us;
    if (access_begin(c, MAY_TENANTS, &e, b, err) != FF_OK ||
        check_free(c, name, err) != FF_OK || take_number(c, &row.tenant, err) != FF_OK)
        return err->code;
    batch_put(b, &record_tenant, &row, FF_ABSENT);
    return access_audit_add(c, &e, b, err);
}

int access_tenant_disable(const struct access_call *c, const char *name, bool disable,
                          struct batch *b, struct ff_err *err)
{
    char object[OBJECT_TEXT];
    struct arena arena = {0};
    struct tenant_row row;

    if (access_check_name(name, "a tenant", err) != FF_OK)
        return err->code;

    const struct access_entry e =
        entry(disable ? "tenant.disable" : "tenant.enable", name, object);
    int code = access_begin(c, MAY_TENANTS, &e, b, err);

    if (code == FF_OK)
        code = access_tenant(c->store, c->reader, name, &arena, &row, err);
    if (code == FF_OK && disable && row.tenant == TENANT_DEFAULT.no)
        code = ff_fail(err, FF_INVALID, 0,
                       "the default tenant cannot be disabled: who may open the data "
                       "directory works in it");
    if (code == FF_OK && disable != (row.disabled_at != MODEL_NULL)) {
        row.disabled_at = disable ? c->now_us : MODEL_NULL;
        batch_put(b, &record_tenant, &row, row.version);
        code = access_audit_add(c, &e, b, err);
    }
    arena_done(&arena);
    return code;
}

static void add_limit_detail(struct buf *out, enum quota quota, int64_t value)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    jsonw_key(&w, access_quotas[quota].name);
    if (value == MODEL_NULL)
        jsonw_null(&w);
    else
        jsonw_int(&w, value);
    jsonw_close(&w, '}');
}

int access_tenant_limit(const struct access_call *c, const char *name, enum quota quota,
                        int64_t value, struct batch *b, struct ff_err *err)
{
    const struct access_quota *q = &access_quotas[quota];
    char object[OBJECT_TEXT];
    struct arena arena = {0};
    struct buf detail = {0};
    struct tenant_row row;

    if (access_check_name(name, "a tenant", err) != FF_OK)
        return err->code;
    if (value != MODEL_NULL && (value < q->min || value > q->max))
        return ff_fail(err, FF_INVALID, 0, "%s is a number from %lld to %lld", q->name,
                       (long long)q->min, (long long)q->max);

    struct access_entry e = entry("tenant.limit", name, object);
    int code = access_begin(c, MAY_TENANTS, &e, b, err);

    if (code == FF_OK)
        code = access_tenant(c->store, c->reader, name, &arena, &row, err);
    if (code == FF_OK) {
        set_quota(&row, quota, value);
        add_limit_detail(&detail, quota, value);
        e.detail = buf_text(&detail);
        batch_put(b, &record_tenant, &row, row.version);
        code = access_audit_add(c, &e, b, err);
    }
    buf_done(&detail);
    arena_done(&arena);
    return code;
}
