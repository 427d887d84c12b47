/* See support.h. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

void check(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        fail_msg("%d: %s", code, err->msg);
}

void check_says(const struct ff_err *err, const char *words)
{
    if (!strstr(err->msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err->msg, words);
}

static void open_store(struct place *p, const char *filters)
{
    p->loop = loop_new(&p->err);
    p->driver = driver_chain_new(getenv("FLOWFORGE_LIB"), "store-memory", filters,
                                 FF_STORE, p->loop, p->config, &p->err);
    check(p->driver ? FF_OK : p->err.code, &p->err);
    p->store = store_open(p->loop, p->driver, &p->err);
    check(p->store ? FF_OK : p->err.code, &p->err);
    store_numbers_init(&p->numbers, ACCESS_NUMBERS);
    access_local("ann", &p->local);
    p->call = (struct access_call){.store = p->store,
                                   .reader = HERE,
                                   .who = &p->local,
                                   .now_us = NOW,
                                   .numbers = &p->numbers};
}

static struct place *new_place(void)
{
    struct place *p = mem_alloc(sizeof(*p));
    char *none[] = {NULL};

    p->config = config_load("/dev/null", none, &p->err);
    check(p->config ? FF_OK : p->err.code, &p->err);
    return p;
}

int place_open(void **state)
{
    struct place *p = new_place();

    open_store(p, NULL);
    *state = p;
    return 0;
}

/* The settings end with NULL. */
static int open_with(void **state, const char *const *settings)
{
    struct place *p = new_place();

    for (; *settings; settings++)
        check(config_set(p->config, *settings, &p->err), &p->err);
    open_store(p, "store-fault");
    *state = p;
    return 0;
}

int place_open_failing(void **state)
{
    static const char *const settings[] = {"store-fault.calls=scan",
                                           "store-fault.rate=1000", NULL};

    return open_with(state, settings);
}

int place_open_few(void **state)
{
    static const char *const settings[] = {"store-fault.calls=commit",
                                           "store-fault.rate=1000",
                                           "store-fault.skip=3", NULL};

    return open_with(state, settings);
}

int place_close(void **state)
{
    struct place *p = *state;

    arena_done(&p->arena);
    store_numbers_done(&p->numbers);
    store_close(p->store);
    driver_instance_free(p->driver);
    loop_free(p->loop);
    config_free(p->config);
    mem_free(p);
    return 0;
}

void take_numbers_ahead(struct place *p, int64_t n)
{
    p->numbers.next = 1;
    p->numbers.left = n;
    p->numbers.taken_us = INT64_MAX / 2; /* they wait as long as they must */
}

/* --- plans --- */

int plan_member(const struct access_call *c, void *arg, struct batch *b,
                struct ff_err *err)
{
    const struct member_plan *plan = arg;

    if (plan->role == ROLE_NONE)
        return access_member_remove(c, plan->where, plan->subject, b, err);
    return access_member_set(c, plan->where, plan->subject, plan->role, b, err);
}

int plan_key(const struct access_call *c, void *arg, struct batch *b,
             struct ff_err *err)
{
    struct key_plan *plan = arg;

    return access_key_create(c, &plan->want, &plan->made, b, err);
}

int plan_revoke(const struct access_call *c, void *arg, struct batch *b,
                struct ff_err *err)
{
    const struct revoke_plan *plan = arg;

    return access_key_revoke(c, plan->t, plan->id, b, err);
}

int plan_tenant(const struct access_call *c, void *arg, struct batch *b,
                struct ff_err *err)
{
    const struct tenant_plan *plan = arg;

    if (plan->how == TENANT_CREATE)
        return access_tenant_create(c, plan->name, "Of a test", b, err);
    if (plan->how == TENANT_LIMIT)
        return access_tenant_limit(c, plan->name, plan->quota, plan->value, b, err);
    return access_tenant_disable(c, plan->name, plan->how == TENANT_DISABLE, b, err);
}

int plan_project(const struct access_call *c, void *arg, struct batch *b,
                 struct ff_err *err)
{
    const struct project_plan *plan = arg;

    return access_project_create(c, plan->t, plan->name, b, err);
}

/* --- what is there --- */

struct tenant made_tenant(struct place *p, const char *name)
{
    struct tenant_plan plan = {.name = name, .how = TENANT_CREATE};
    struct tenant_row row;

    check(access_commit(&p->call, plan_tenant, &plan, &p->err), &p->err);
    check(access_tenant(p->store, HERE, name, &p->arena, &row, &p->err), &p->err);
    return (struct tenant){row.tenant};
}

int64_t made_project(struct place *p, struct tenant t, const char *name)
{
    struct project_plan plan = {.t = t, .name = name};
    struct project_row row;

    check(access_commit(&p->call, plan_project, &plan, &p->err), &p->err);
    check(access_project(p->store, HERE, t, name, &p->arena, &row, &p->err), &p->err);
    return row.project;
}

void made_member(struct place *p, struct access_scope where, const char *subject,
                 enum role role)
{
    struct member_plan plan = {.where = where, .subject = subject, .role = role};

    check(access_commit(&p->call, plan_member, &plan, &p->err), &p->err);
}

struct access_credential made_key(struct place *p, struct access_scope where,
                                  enum role role, int64_t expires_at)
{
    struct key_plan plan = {
        .want = {.name = "ci", .role = role, .where = where, .expires_at = expires_at}};

    check(access_commit(&p->call, plan_key, &plan, &p->err), &p->err);
    return plan.made;
}

struct access_call call_of(struct place *p, const struct principal *who)
{
    struct access_call c = p->call;

    c.who = who;
    return c;
}

struct principal somebody(struct access_scope where, enum role role)
{
    const bool narrow = where.project != PROJECT_ALL;

    return (struct principal){.kind = PRINCIPAL_USER,
                              .subject = "bob",
                              .tenant = where.tenant,
                              .role = narrow ? ROLE_NONE : role,
                              .project = where.project,
                              .project_role = narrow ? role : ROLE_NONE};
}

int64_t rows_of(struct place *p, const struct ff_record *record)
{
    const struct store_query q = {.record = record};
    int64_t n = 0;

    check(access_count(p->store, HERE, &q, NULL, &n, &p->err), &p->err);
    return n;
}

void commit_batch(struct place *p, struct batch *b)
{
    check(store_commit_now(p->store, b, NULL, &p->err), &p->err);
    batch_done(b);
}
