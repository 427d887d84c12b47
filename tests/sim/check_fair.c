/* check_fair.c - what tenants get of the slots (I18): never more at a time than each
 * may have, and while something of one may go, no other starts more than two rounds
 * bring. */
#include "sim.h"

#include "control/control_priv.h"
#include "model/access_rows.h"
#include "node/node_priv.h"

#define TENANTS 2

static struct {
    int64_t weight, max_running;
    int64_t running; /* task rows that hold a slot */
} shares[TENANTS + 1] = {{1, INT64_MAX, 0}, {1, INT64_MAX, 0}, {1, INT64_MAX, 0}};

/* --- as people say it --- */

static void put(int64_t tenant)
{
    struct ff_err err;
    struct batch b = {0};
    size_t failed;
    const struct tenant_row row = {.tenant = tenant,
                                   .name = span_of(tenant == 1 ? "one" : "two"),
                                   .disabled_at = MODEL_NULL,
                                   .max_projects = MODEL_NULL,
                                   .max_members = MODEL_NULL,
                                   .max_keys = MODEL_NULL,
                                   .max_open_runs = MODEL_NULL,
                                   .max_requests_per_s = MODEL_NULL,
                                   .weight = shares[tenant].weight,
                                   .max_running = shares[tenant].max_running};

    batch_put(&b, &record_tenant, &row, FF_ABSENT);
    if (store_commit_now(client_node()->store, &b, &failed, &err) != FF_OK)
        sim_fail("a tenant cannot be told its share: %s", err.msg);
    batch_done(&b);
}

void fair_set_up(void)
{
    for (int64_t tenant = 1; tenant <= TENANTS; tenant++) {
        if (!sim_chance(RAND_LATER, sim.o.shares))
            continue;
        shares[tenant].weight = sim_between(RAND_LATER, 1, 3);
        shares[tenant].max_running = sim_between(RAND_LATER, 1, 4);
        put(tenant);
    }
}

/* --- rows --- */

void fair_takes_slots(const struct mirror_run *r, int64_t n)
{
    shares[r->tenant.no].running += n;
}

void check_fair_rows(bool may_exceed)
{
    for (int64_t tenant = 1; tenant <= TENANTS; tenant++) {
        const int64_t n = shares[tenant].running, max = shares[tenant].max_running;

        sim_check(may_exceed || n <= max,
                  "I18: %lld attempts of tenant %lld run, of %lld", (long long)n,
                  (long long)tenant, (long long)max);
        if (n >= max)
            sim_seen(SEEN_TENANT_FULL);
    }
}

/* --- turns, in the memory of who leads --- */

static struct {
    const struct control *control;
    struct sched_standing standing[TENANTS + 1];
    int64_t passed[TENANTS + 1]; /* starts of others since it may go */
} seen;

void check_fair(const struct control *c)
{
    const struct sched_standing before[] = {seen.standing[0], seen.standing[1],
                                            seen.standing[2]};
    const bool same = seen.control == c;

    seen.control = c;
    for (int64_t tenant = 1; tenant <= TENANTS; tenant++)
        seen.standing[tenant] = sched_standing(c->sched, tenant);
    for (int64_t tenant = 1; tenant <= TENANTS; tenant++) {
        const struct sched_standing *s = &seen.standing[tenant];
        const int64_t other = TENANTS + 1 - tenant;

        if (!same || !s->in_turn || !before[tenant].in_turn ||
            s->picks != before[tenant].picks || s->turns != before[tenant].turns) {
            seen.passed[tenant] = 0;
            continue;
        }
        seen.passed[tenant] += seen.standing[other].picks - before[other].picks;
        if (seen.passed[tenant] > 0)
            sim_seen(SEEN_TENANT_WAITS);
        sim_check(seen.passed[tenant] <= 2 * shares[other].weight,
                  "I18: tenant %lld may go, and %lld others went", (long long)tenant,
                  (long long)seen.passed[tenant]);
    }
}
