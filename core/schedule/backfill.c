/* backfill.c - times of the past that are run after all: those of a range in their
 * order, so many at once, without those that have a run already. */
#include "schedule/schedule_priv.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static bool has(const int64_t *items, size_t n, int64_t value)
{
    return n > 0 && bsearch(&value, items, n, sizeof(*items), compare);
}

struct backfill *backfill_new(const struct backfill_row *row, struct schedule *s,
                              struct ff_err *err)
{
    struct backfill *b = mem_alloc(sizeof(*b));

    b->row = *row;
    b->row.schedule = s->row.name;
    b->schedule = s;
    json_t *active =
        row->active.s ? json_parse(row->active.s, row->active.len, err) : json_array();
    b->row.active = (struct span){0};
    if (!active) {
        backfill_free(b);
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(active); i++)
        ARRAY_ADD(&b->active, json_integer_value(json_array_get(active, i)));
    json_decref(active);
    if (b->active.n > 0)
        qsort(b->active.items, b->active.n, sizeof(*b->active.items), compare);
    return b;
}

void backfill_free(struct backfill *b)
{
    if (!b)
        return;
    ARRAY_DONE(&b->active);
    ARRAY_DONE(&b->done);
    mem_free(b);
}

void backfill_add_done(struct backfill *b, int64_t nominal_us)
{
    ARRAY_ADD(&b->done, nominal_us);
}

bool backfill_has_run(const struct backfill *b, int64_t run)
{
    return has(b->active.items, b->active.n, run);
}

bool backfill_next(struct backfill *b, int64_t *at_us)
{
    while (schedule_next(b->schedule, b->row.last_at, at_us) &&
           *at_us < b->row.below_at) {
        b->row.last_at = *at_us;
        b->touched = true;
        if (!has(b->done.items, b->done.n, *at_us))
            return true;
    }
    return false;
}

static void start(struct backfill *b, struct schedule_step *st, int64_t at_us)
{
    /* That it was skipped or missed in its own time may stand there. */
    const struct schedule_decision d = {
        .nominal_us = at_us, .cause = "backfill", .expect = FF_ANY_VERSION};
    char id[ID_TEXT];

    ARRAY_ADD(&b->active, schedule_begin_run(b->schedule, st, &d, id));
    b->row.n_started++;
}

bool backfill_on_time(struct backfill *b, struct schedule_step *st, size_t limit)
{
    int64_t at_us;

    if (b->row.state != BACKFILL_RUNNING)
        return false;
    while ((int64_t)b->active.n < b->row.max_parallel) {
        if (!schedule_has_room(b->schedule, st))
            return false;
        if (limit-- == 0)
            return true;
        if (!backfill_next(b, &at_us))
            break;
        start(b, st, at_us);
    }
    if (b->active.n == 0) {
        b->row.state = BACKFILL_DONE;
        b->row.finished_at = st->now_us;
        b->touched = true;
    }
    return false;
}

void backfill_on_ended(struct backfill *b, int64_t run)
{
    for (size_t i = 0; i < b->active.n; i++) {
        if (b->active.items[i] != run)
            continue;
        b->active.n--;
        memmove(&b->active.items[i], &b->active.items[i + 1],
                (b->active.n - i) * sizeof(*b->active.items));
        b->touched = true;
        return;
    }
}

void backfill_seal(struct backfill *b, struct schedule_step *st)
{
    const uint64_t set =
        COLUMN_BIT(COL_BACKFILL_STATE) | COLUMN_BIT(COL_BACKFILL_LAST_AT) |
        COLUMN_BIT(COL_BACKFILL_ACTIVE) | COLUMN_BIT(COL_BACKFILL_N_STARTED) |
        COLUMN_BIT(COL_BACKFILL_FINISHED_AT);
    struct backfill_row row = b->row;
    struct buf active = {0};

    if (!b->touched)
        return;
    b->touched = false;
    schedule_numbers_text(b->active.items, b->active.n, &active);
    row.active = b->active.n > 0 ? span_of(buf_text(&active)) : (struct span){0};
    batch_patch(&st->batch, &record_backfill, &row, set, b->row.version);
    /* Its times and the version that they run are those of the schedule as it is now:
     * behind what this step has written of that. */
    batch_check(&st->batch, &record_schedule, &b->schedule->row,
                b->schedule->row.version);
    b->row.version++;
    buf_done(&active);
}
