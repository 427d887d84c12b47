/* retention_times.c - what is known of times of schedules that are long over. A row
 * lets its time be started only once, so it stays as long as something may ask for it:
 * while its run is there, while it waits, while a backfill goes over its time, and, of
 * each schedule, the newest, after which a schedule of its name begins. */
#include "node/schedule_priv.h"

#define TIMES_MAX 2000 /* in one commit */

struct range {
    char *schedule;
    int64_t tenant, from_us, below_us;
};

struct old_time {
    int64_t tenant, nominal_us, version, run; /* run: MODEL_NULL, none */
    char *schedule;
};

struct old_times {
    int64_t before_us;
    struct {
        struct range *items;
        size_t n, cap;
    } backfills; /* those under way */
    struct {
        struct old_time *items;
        size_t n, cap;
    } times;
    struct old_time last; /* read last: the newest so far of its schedule */
    bool last_is_old;
};

static int add_backfill(void *arg, const void *row)
{
    const struct backfill_row *b = row;
    struct old_times *o = arg;
    const struct range range = {
        .tenant = b->tenant, .from_us = b->from_at, .below_us = b->below_at};

    if (b->state != BACKFILL_RUNNING)
        return 0;
    ARRAY_ADD(&o->backfills, range);
    o->backfills.items[o->backfills.n - 1].schedule =
        mem_text_len(b->schedule.s, b->schedule.len);
    return 0;
}

static bool is_filled_in(const struct old_times *o, const struct schedule_run_row *r)
{
    for (size_t i = 0; i < o->backfills.n; i++) {
        const struct range *b = &o->backfills.items[i];
        if (b->tenant == r->tenant && span_is(r->schedule, b->schedule) &&
            r->nominal_at >= b->from_us && r->nominal_at < b->below_us)
            return true;
    }
    return false;
}

/* By both: a backfill of today decides about times of years ago. */
static bool is_old(const struct old_times *o, const struct schedule_run_row *r)
{
    return r->state != SCHEDULE_RUN_WAITING && r->nominal_at < o->before_us &&
           r->decided_at < o->before_us && !is_filled_in(o, r);
}

/* Times of one schedule come in their order: the one before is not the newest. */
static int take_time(void *arg, const void *row)
{
    const struct schedule_run_row *r = row;
    struct old_times *o = arg;

    if (o->last.schedule && o->last.tenant == r->tenant &&
        span_is(r->schedule, o->last.schedule) && o->last_is_old)
        ARRAY_ADD(&o->times, o->last);
    else
        mem_free(o->last.schedule);
    o->last = (struct old_time){
        .tenant = r->tenant,
        .nominal_us = r->nominal_at,
        .version = r->version,
        .run = r->run,
        .schedule = mem_text_len(r->schedule.s, r->schedule.len),
    };
    o->last_is_old = is_old(o, r);
    return 0;
}

static int note_found(void *arg, const void *row)
{
    (void)row;
    *(bool *)arg = true;
    return 1;
}

static int has_run(struct node *n, const struct old_time *t, bool *has,
                   struct ff_err *err)
{
    const struct run_row run = {.tenant = t->tenant, .run = t->run};

    *has = false;
    if (t->run == MODEL_NULL)
        return FF_OK;
    return store_scan(
        n->store, STORE_READER_CALLER,
        &(struct store_query){
            .record = &record_run, .like = &run, .n_equal = 2, .limit = 1},
        note_found, has, err);
}

/* A time that a backfill has taken up meanwhile has another version: it stays, and the
 * others of its commit until the next pass. */
static int commit(struct node *n, struct batch *b, struct ff_err *err)
{
    size_t failed;
    const int code = b->n > 0 ? store_commit_now(n->store, b, &failed, err) : FF_OK;

    batch_reset(b);
    return code == FF_CONFLICT ? FF_OK : code;
}

static int delete_times(struct node *n, const struct old_times *o, struct ff_err *err)
{
    struct batch b = {0};
    int code = FF_OK;
    bool has;

    for (size_t i = 0; code == FF_OK && i < o->times.n; i++) {
        const struct old_time *t = &o->times.items[i];
        const struct schedule_run_row row = {.tenant = t->tenant,
                                             .schedule = span_of(t->schedule),
                                             .nominal_at = t->nominal_us};
        code = has_run(n, t, &has, err);
        if (code == FF_OK && !has)
            batch_delete(&b, &record_schedule_run, &row, t->version);
        if (code == FF_OK && b.n >= TIMES_MAX)
            code = commit(n, &b, err);
    }
    if (code == FF_OK)
        code = commit(n, &b, err);
    batch_done(&b);
    return code;
}

static void old_times_done(struct old_times *o)
{
    for (size_t i = 0; i < o->backfills.n; i++)
        mem_free(o->backfills.items[i].schedule);
    for (size_t i = 0; i < o->times.n; i++)
        mem_free(o->times.items[i].schedule);
    ARRAY_DONE(&o->backfills);
    ARRAY_DONE(&o->times);
    mem_free(o->last.schedule);
}

int node_sweep_times(struct node *n, int64_t now, struct ff_err *err)
{
    struct old_times o = {.before_us = now - n->settings.keep_us};

    if (n->settings.keep_us <= 0)
        return FF_OK;
    int code = store_scan(n->store, STORE_READER_CALLER,
                          &(struct store_query){.record = &record_backfill},
                          add_backfill, &o, err);
    if (code == FF_OK)
        code = store_scan(n->store, STORE_READER_CALLER,
                          &(struct store_query){.record = &record_schedule_run},
                          take_time, &o, err);
    if (code == FF_OK)
        code = delete_times(n, &o, err);
    old_times_done(&o);
    return code;
}
