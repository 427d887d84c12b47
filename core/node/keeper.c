/* keeper.c - retention while this process leads, seals for the audit log, and the end
 * of sessions that have expired. One pass at a time, on a lane: at the start of a
 * process that stays; when runs have ended, at most every engine.retention_every; and
 * when the oldest run that was kept is too old. There is one timer, and none while
 * nothing of that is to come: an idle owner does nothing. */
#include "access/access.h"
#include "node/node_priv.h"

#define SOON_US  (5 * UNITS_SECOND)
#define SOON_MAX 20 /* times twice as long */

static void on_timer(void *arg);

static void arm(struct node *n, int64_t delay_us)
{
    struct keeper *k = &n->keeper;

    loop_timer_del(k->timer);
    loop_timer_add(n->loop, delay_us > 0 ? delay_us : 0, on_timer, n, &k->timer);
}

/* --- a pass --- */

/* Rows of the audit log whose writer died before it had sealed them. */
static void seal_audit(struct node *n)
{
    struct ff_err err = {0};
    int64_t n_rows;

    if (access_seal(n->store, STORE_READER_CALLER, loop_wall_us(n->loop), &n_rows,
                    &err) != FF_OK)
        log_warn("the audit log is not sealed yet: %s", err.msg);
}

static void end_sessions(struct node *n)
{
    struct ff_err err = {0};

    if (access_sessions_sweep(n->store, STORE_READER_CALLER, loop_wall_us(n->loop),
                              &err) != FF_OK)
        log_warn("sessions that have expired stay for now: %s", err.msg);
}

static void pass_on_lane(void *arg)
{
    struct node *n = arg;
    struct keeper *k = &n->keeper;

    FAILPOINT("node.keeper.pass");
    k->pass = (struct node_pass){.stop = &k->stop};
    k->code = node_retention_pass(n, &k->pass, &k->err);
    if (k->code == FF_OK) {
        seal_audit(n);
        end_sessions(n);
    }
}

/* Locks are held for seconds, as by autovacuum, or for hours, as by a dump: after these
 * the next pass comes no sooner than any other. */
static int64_t soon(struct keeper *k, int64_t every)
{
    const int64_t delay = SOON_US << k->n_hindered;

    if (k->n_hindered < SOON_MAX)
        k->n_hindered++;
    return delay < every ? delay : every;
}

/* What was not done is tried again as if a run had ended. */
static void plan_next(struct node *n)
{
    struct keeper *k = &n->keeper;
    const int64_t every = n->settings.retention_every_us;
    const int64_t left = k->pass.next_at - loop_wall_us(n->loop);

    if (k->code == FF_OK && k->pass.hindered) {
        arm(n, soon(k, every));
        return;
    }
    k->n_hindered = 0;
    if (k->ended || k->code != FF_OK)
        arm(n, every);
    else if (k->pass.next_at > 0)
        arm(n, left > every ? left : every);
}

static void pass_done(void *arg)
{
    struct node *n = arg;
    struct keeper *k = &n->keeper;

    k->busy = false;
    lane_free(k->lane); /* it has nothing left to do */
    k->lane = NULL;
    if (k->code != FF_OK)
        log_warn("old runs stay: %s", k->err.msg);
    if (k->pass.n_runs > 0)
        log_info("retention: %lld old runs are gone", (long long)k->pass.n_runs);
    if (k->keeps)
        plan_next(n);
    else
        node_left(n);
}

static void begin(struct node *n)
{
    struct keeper *k = &n->keeper;
    struct ff_err err = {0};

    if (k->busy)
        return;
    k->ended = false;
    k->lane = lane_new(n->loop, "retention", &err);
    if (!k->lane) {
        log_warn("old runs stay: %s", err.msg);
        arm(n, n->settings.retention_every_us);
        return;
    }
    /* The lane must not load it, and cannot know whether it will be needed. */
    if (!node_blob_driver(n, &err))
        log_warn("artifacts of old runs stay for now: %s", err.msg);
    atomic_store(&k->stop, false);
    k->busy = true;
    lane_do(k->lane, pass_on_lane, pass_done, n);
}

static void on_timer(void *arg)
{
    begin(arg);
}

/* --- when --- */

void node_keep(struct node *n, bool at_once)
{
    n->keeper.keeps = true;
    if (at_once)
        begin(n);
}

/* What is planned for a run that grows old may be later than this; what is planned for
 * something that was in the way is not. */
void node_keeper_run_ended(struct node *n)
{
    struct keeper *k = &n->keeper;

    if (!k->keeps || k->ended)
        return;
    k->ended = true;
    if (!k->busy && k->n_hindered == 0)
        arm(n, n->settings.retention_every_us);
}

void node_keeper_stop(struct node *n)
{
    struct keeper *k = &n->keeper;

    k->keeps = k->ended = false;
    k->n_hindered = 0;
    atomic_store(&k->stop, true);
    loop_timer_del(k->timer);
}
