/* shares.c - what tenants and projects get of the slots: rows that people write, read
 * with every scan. One without a row, or of whose row a column is null, weighs 1 and
 * may run any number. */
#include "control/control_priv.h"

#include "model/access_rows.h"

static int add_tenant(void *arg, const void *stored)
{
    struct shares *shares = arg;
    const struct tenant_row *row = stored;
    const struct tenant_share share = {
        .tenant = row->tenant,
        .weight = row->weight == MODEL_NULL ? 1 : row->weight,
        .max_running = row->max_running == MODEL_NULL ? -1 : row->max_running};

    ARRAY_ADD(&shares->tenants, share);
    return 0;
}

static int add_project(void *arg, const void *stored)
{
    struct shares *shares = arg;
    const struct project_row *row = stored;
    const struct project_share share = {
        .tenant = row->tenant,
        .project = row->project,
        .weight = row->weight == MODEL_NULL ? 1 : row->weight};

    ARRAY_ADD(&shares->projects, share);
    return 0;
}

int control_shares_scan(struct control *c, struct shares *shares, struct ff_err *err)
{
    const int code = store_scan(c->setup.store, STORE_READER_LANE,
                                &(struct store_query){.record = &record_tenant},
                                add_tenant, shares, err);

    return code == FF_OK ? store_scan(c->setup.store, STORE_READER_LANE,
                                      &(struct store_query){.record = &record_project},
                                      add_project, shares, err)
                         : code;
}

/* Rows of tenants and projects are never deleted, so there is none that was told and
 * holds no more. */
void control_shares_take(struct control *c, const struct shares *shares)
{
    for (size_t i = 0; i < shares->tenants.n; i++) {
        const struct tenant_share *t = &shares->tenants.items[i];
        sched_set_tenant(c->sched, t->tenant, t->weight, t->max_running);
    }
    for (size_t i = 0; i < shares->projects.n; i++) {
        const struct project_share *p = &shares->projects.items[i];
        sched_set_project(c->sched, p->tenant, p->project, p->weight);
    }
}

static void hold(void *arg, int64_t tenant, int64_t picks)
{
    const struct control *c = arg;

    (void)picks;
    sched_hold_tenant(c->sched, tenant, !range_has(c->range, (struct tenant){tenant}));
}

/* Those whose runs are still being loaded, too, of whom the scheduler knows nothing
 * yet; and on the way back those whose last run has ended meanwhile. */
void control_shares_lead(struct control *c)
{
    void *value;

    for (size_t i = 0; map_next(&c->lives, &i, &value);)
        hold(c, ((const struct live *)value)->tenant.no, 0);
    sched_each_tenant(c->sched, hold, c);
}

void control_shares_done(struct shares *shares)
{
    ARRAY_DONE(&shares->tenants);
    ARRAY_DONE(&shares->projects);
}
