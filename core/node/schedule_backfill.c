/* schedule_backfill.c - asks for the times of a range in the past; the owner of the
 * shard does them. */
#include "node/schedule_priv.h"

#include "trigger/trigger.h"

#include <string.h>

/* Times at or after what the schedule has decided are its own business. */
static int check_range(const struct schedule *s, const struct node_backfill *what,
                       struct ff_err *err)
{
    char last[UNITS_TEXT];

    if (s->spec.kind != FLOW_TRIGGER_CRON && s->spec.kind != FLOW_TRIGGER_INTERVAL)
        return ff_fail(err, FF_INVALID, 0,
                       "%s waits for events: it has no times that could be filled in",
                       s->row.name.s);
    if (what->from_us >= what->below_us)
        return ff_fail(err, FF_INVALID, 0, "the range ends before it begins");
    units_time_text(s->row.last_at, last);
    if (what->below_us > s->row.last_at + 1)
        return ff_fail(err, FF_INVALID, 0,
                       "the range must end by %s: later times are still to come", last);
    return FF_OK;
}

/* A trial of it in memory. */
static int count_times(const struct node_plan *p, const struct backfill_row *row,
                       struct schedule *s, int64_t *n_times, struct ff_err *err)
{
    struct backfill *b = backfill_new(row, s, err);
    int64_t at_us;

    if (!b)
        return err->code;
    const int code = trigger_read_done(p->node->store, p->reader, b, err);
    *n_times = 0;
    while (code == FF_OK && *n_times <= SCHEDULE_BACKFILL_MAX &&
           backfill_next(b, &at_us))
        ++*n_times;
    backfill_free(b);
    if (code == FF_OK && *n_times > SCHEDULE_BACKFILL_MAX)
        return ff_fail(err, FF_INVALID, 0,
                       "the range holds more than %d times: fill it in piece by piece",
                       SCHEDULE_BACKFILL_MAX);
    return code;
}

static int add(const struct node_plan *p, struct schedule *s,
               const struct node_backfill *what, int64_t *no, int64_t *n_times,
               struct ff_err *err)
{
    struct backfill_row row = {
        .tenant = s->row.tenant,
        .schedule = s->row.name,
        .state = BACKFILL_RUNNING,
        .from_at = what->from_us,
        .below_at = what->below_us,
        .last_at = what->from_us - 1,
        .max_parallel = what->max_parallel,
        .created_at = loop_wall_us(p->node->loop),
        .finished_at = MODEL_NULL,
    };
    int code = check_range(s, what, err);

    if (code == FF_OK)
        code = count_times(p, &row, s, n_times, err);
    if (code != FF_OK || what->dry || *n_times == 0)
        return code;
    code = store_take_numbers(p->node->store, "backfill", 1, no, err);
    row.no = *no;
    /* Of a schedule that is still there; and whose row moves: who deletes it stops only
     * those that he has seen, so he must look again. */
    if (code == FF_OK) {
        batch_patch(p->batch, &record_schedule, &s->row,
                    COLUMN_BIT(COL_SCHEDULE_CREATED_AT), FF_ANY_VERSION);
        batch_put(p->batch, &record_backfill, &row, FF_ABSENT);
    }
    return code;
}

int node_plan_backfill(const struct node_plan *p, struct tenant t,
                       const struct node_backfill *what, int64_t *no, int64_t *n_times,
                       struct ff_err *err)
{
    const size_t n_before = p->batch->n;
    struct counter_row made;
    int code = p->doubted ? node_fail_doubt(err) : node_schedules_made(p, &made, err);

    *no = *n_times = 0;
    if (code != FF_OK)
        return code;
    struct schedule *s = node_schedule_only(p, t, what->schedule, err);
    if (!s)
        return err->code;
    code = add(p, s, what, no, n_times, err);
    schedule_free(s);
    if (code == FF_OK && p->batch->n > n_before)
        node_check_made(p->batch, &made);
    return code;
}

/* --- stopping --- */

struct stopping {
    const char *word;
    int64_t now_us, n;
    struct batch *batch;
};

/* The schedule's name, or that of its workflow, which stands before the dot. */
static bool is_meant(const struct stopping *st, struct span schedule)
{
    const size_t len = st->word ? strlen(st->word) : 0;

    return !st->word ||
           (schedule.len >= len && memcmp(schedule.s, st->word, len) == 0 &&
            (schedule.len == len || schedule.s[len] == '.'));
}

static int stop_one(void *arg, const void *read)
{
    struct stopping *st = arg;
    struct backfill_row row = *(const struct backfill_row *)read;

    if (row.state != BACKFILL_RUNNING || !is_meant(st, row.schedule))
        return 0;
    row.state = BACKFILL_STOPPED;
    row.finished_at = st->now_us;
    batch_patch(st->batch, &record_backfill, &row,
                COLUMN_BIT(COL_BACKFILL_STATE) | COLUMN_BIT(COL_BACKFILL_FINISHED_AT),
                row.version);
    st->n++;
    return 0;
}

int node_stop_backfills(const struct node_plan *p, struct tenant t, const char *word,
                        int64_t *n_stopped, struct ff_err *err)
{
    const struct backfill_row like = {.tenant = t.no};
    const struct store_query q = {
        .record = &record_backfill, .like = &like, .n_equal = 1};
    struct stopping st = {
        .word = word, .now_us = loop_wall_us(p->node->loop), .batch = p->batch};
    const int code = store_scan(p->node->store, p->reader, &q, stop_one, &st, err);

    *n_stopped = st.n;
    return code;
}

int node_plan_stop_backfills(const struct node_plan *p, struct tenant t,
                             const char *word, int64_t *n_stopped, struct ff_err *err)
{
    struct schedule *s = node_schedule_only(p, t, word, err);

    if (!s)
        return err->code;
    const int code = node_stop_backfills(p, t, s->row.name.s, n_stopped, err);
    schedule_free(s);
    return code;
}

/* --- at once --- */

struct filling {
    struct tenant tenant;
    const struct node_backfill *what;
    const char *word; /* of those that are stopped */
    int64_t *no, *n;
};

static int plan_backfill(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct filling *f = arg;

    return node_plan_backfill(p, f->tenant, f->what, f->no, f->n, err);
}

int node_schedule_backfill(struct node *n, struct tenant t,
                           const struct node_backfill *what, int64_t *no,
                           int64_t *n_times, struct ff_err *err)
{
    struct filling f = {.tenant = t, .what = what, .no = no, .n = n_times};

    return node_change_now(n, plan_backfill, &f, err);
}

static int plan_stop(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct filling *f = arg;

    return node_plan_stop_backfills(p, f->tenant, f->word, f->n, err);
}

int node_schedule_stop_backfills(struct node *n, struct tenant t, const char *word,
                                 int64_t *n_stopped, struct ff_err *err)
{
    struct filling f = {.tenant = t, .word = word, .n = n_stopped};

    return node_change_now(n, plan_stop, &f, err);
}
