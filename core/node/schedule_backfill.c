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
static int count_times(struct node *n, const struct backfill_row *row,
                       struct schedule *s, int64_t *n_times, struct ff_err *err)
{
    struct backfill *b = backfill_new(row, s, err);
    int64_t at_us;

    if (!b)
        return err->code;
    const int code = trigger_read_done(n->store, STORE_READER_CALLER, b, err);
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

/* Of a schedule that is still there: who deletes it stops only those that he sees. */
static int put(struct node *n, const struct schedule *s, const struct counter_row *made,
               const struct backfill_row *row, struct ff_err *err)
{
    struct batch b = {0};

    node_check_made(&b, made);
    batch_check(&b, &record_schedule, &s->row, FF_ANY_VERSION);
    batch_put(&b, &record_backfill, row, FF_ABSENT);
    const int code = store_commit_now(n->store, &b, NULL, err);
    batch_done(&b);
    return code;
}

static int add(struct node *n, struct schedule *s, const struct counter_row *made,
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
        .created_at = loop_wall_us(n->loop),
        .finished_at = MODEL_NULL,
    };
    int code = check_range(s, what, err);

    if (code == FF_OK)
        code = count_times(n, &row, s, n_times, err);
    if (code != FF_OK || what->dry || *n_times == 0)
        return code;
    code = store_take_numbers(n->store, "backfill", 1, no, err);
    row.no = *no;
    return code == FF_OK ? put(n, s, made, &row, err) : code;
}

static int add_once(struct node *n, struct tenant t, const struct node_backfill *what,
                    int64_t *no, int64_t *n_times, struct ff_err *err)
{
    struct counter_row made;
    int code = node_schedules_made(n, &made, err);

    if (code != FF_OK)
        return code;
    struct schedule *s = node_schedule_only(n, t, what->schedule, err);
    if (!s)
        return err->code;
    code = add(n, s, &made, what, no, n_times, err);
    schedule_free(s);
    return code;
}

int node_schedule_backfill(struct node *n, struct tenant t,
                           const struct node_backfill *what, int64_t *no,
                           int64_t *n_times, struct ff_err *err)
{
    int code = FF_CONFLICT;

    *no = 0;
    for (int i = 0; i < NODE_SCHEDULE_TRIES && code == FF_CONFLICT; i++)
        code = add_once(n, t, what, no, n_times, err);
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

int node_stop_backfills(struct node *n, struct tenant t, const char *word,
                        struct batch *b, int64_t *n_stopped, struct ff_err *err)
{
    const struct backfill_row like = {.tenant = t.no};
    const struct store_query q = {
        .record = &record_backfill, .like = &like, .n_equal = 1};
    struct stopping st = {.word = word, .now_us = loop_wall_us(n->loop), .batch = b};
    const int code = store_scan(n->store, STORE_READER_CALLER, &q, stop_one, &st, err);

    *n_stopped = st.n;
    return code;
}

int node_schedule_stop_backfills(struct node *n, struct tenant t, const char *word,
                                 int64_t *n_stopped, struct ff_err *err)
{
    struct schedule *s = node_schedule_only(n, t, word, err);
    struct batch b = {0};
    int code = FF_CONFLICT;

    if (!s)
        return err->code;
    for (int i = 0; i < NODE_SCHEDULE_TRIES && code == FF_CONFLICT; i++) {
        batch_reset(&b);
        code = node_stop_backfills(n, t, s->row.name.s, &b, n_stopped, err);
        if (code == FF_OK && b.n > 0)
            code = store_commit_now(n->store, &b, NULL, err);
    }
    batch_done(&b);
    schedule_free(s);
    return code;
}
