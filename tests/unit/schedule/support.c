#include "support.h"

#include <stdlib.h>

#define HEADER                                                                         \
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"              \
    "\0\0\0\1\0\0\0\2"
#define BODY "\0\0\0\0\0\0X\0"

int64_t support_time(const char *text)
{
    int64_t us = 0;

    assert_true(units_time(text, &us));
    return us;
}

static struct zone *berlin;

static void free_zone(void)
{
    zone_free(berlin);
}

const struct zone *support_zone(void *arg, const char *name, struct ff_err *err)
{
    static const char file[] = HEADER BODY HEADER BODY "\nCET-1CEST,M3.5.0,M10.5.0/3\n";

    (void)arg;
    if (strcmp(name, "UTC") == 0)
        return zone_utc;
    if (strcmp(name, "Europe/Berlin") != 0) {
        ff_fail(err, FF_NOT_FOUND, 0, "there is no time zone %s", name);
        return NULL;
    }
    if (!berlin) {
        berlin = zone_new(file, sizeof(file) - 1, err);
        atexit(free_zone);
    }
    return berlin;
}

/* --- rows --- */

static struct span keep(struct rows *r, struct span s)
{
    if (s.s)
        s.s = arena_text(&r->arena, s.s, s.len);
    return s;
}

struct rows *rows_new(const char *triggers, int64_t applied_us)
{
    struct rows *r = mem_alloc(sizeof(*r));
    struct flow_problems problems = {0};
    struct buf text = {0};

    buf_printf(&text, "flowforge: 1\nname: w\ntriggers: {%s}\ntasks: {a: {run: x}}\n",
               triggers);
    struct flow *f = flow_parse(buf_text(&text), text.len, &problems);
    assert_non_null(f);
    json_t *inputs = json_object();
    MEM_AUTO char *spec = schedule_spec_text(&f->triggers[0], inputs, NULL, f->labels);
    char name[SCHEDULE_NAME_MAX + 1];
    schedule_name(f->name, f->triggers[0].id, name);
    r->schedule = (struct schedule_row){
        .tenant = 1,
        .name = keep(r, span_of(name)),
        .version = 1,
        .workflow = keep(r, span_of("w")),
        .kind = keep(r, span_of(flow_trigger_names[f->triggers[0].kind])),
        .spec = keep(r, span_of(spec)),
        .hash = keep(r, span_of("hash")),
        .created_at = applied_us,
        .changed_at = applied_us,
        .last_at = applied_us,
        .paused_at = MODEL_NULL,
        .next_at = MODEL_NULL,
        .active_run = MODEL_NULL,
        .held_at = MODEL_NULL,
        .held_since = MODEL_NULL,
    };
    r->next_run = 1;
    json_decref(inputs);
    flow_unref(f);
    buf_done(&text);
    return r;
}

void rows_free(struct rows *r)
{
    for (size_t i = 0; i < r->times.n; i++)
        mem_free(r->times.items[i].event);
    ARRAY_DONE(&r->times);
    ARRAY_DONE(&r->runs);
    map_done(&r->open);
    map_done(&r->by_time);
    arena_done(&r->arena);
    mem_free(r);
}

struct time_seen *rows_find(const struct rows *r, int64_t nominal_us)
{
    const size_t place = (uintptr_t)map_get(&r->by_time, nominal_us);

    return place ? &r->times.items[place - 1] : NULL;
}

void rows_add_time(struct rows *r, const struct time_seen *seen)
{
    ARRAY_ADD(&r->times, *seen);
    map_set(&r->by_time, seen->nominal_us, (void *)(uintptr_t)r->times.n);
}

const struct time_seen *rows_time(const struct rows *r, const char *nominal)
{
    return rows_find(r, support_time(nominal));
}

size_t rows_count(const struct rows *r, int64_t state)
{
    size_t n = 0;

    for (size_t i = 0; i < r->times.n; i++)
        n += r->times.items[i].state == state;
    return n;
}

static void put_time(struct rows *r, const struct schedule_run_row *row)
{
    struct time_seen *seen = rows_find(r, row->nominal_at);
    const struct time_seen none = {.nominal_us = row->nominal_at, .run = MODEL_NULL};

    if (!seen) {
        rows_add_time(r, &none);
        seen = &r->times.items[r->times.n - 1];
    }
    /* The one thing that must never be: two runs of one time. */
    assert_true(seen->run == MODEL_NULL);
    mem_free(seen->event);
    *seen = (struct time_seen){.nominal_us = row->nominal_at,
                               .state = row->state,
                               .run = row->run,
                               .decided_us = row->decided_at};
    snprintf(seen->cause, sizeof(seen->cause), "%.*s", (int)row->cause.len,
             row->cause.s);
    snprintf(seen->reason, sizeof(seen->reason), "%.*s", (int)row->reason.len,
             row->reason.s ? row->reason.s : "");
    snprintf(seen->message, sizeof(seen->message), "%.*s", (int)row->message.len,
             row->message.s ? row->message.s : "");
    seen->event = row->event.s ? mem_text_len(row->event.s, row->event.len) : NULL;
}

/* Only what the patch writes: a column that it forgot stays as it was. */
static bool writes(const struct ff_change *c, int column)
{
    return c->set & COLUMN_BIT(column);
}

static void patch_schedule(struct rows *r, const struct ff_change *c,
                           const struct schedule_row *row)
{
    r->schedule.version++;
    if (writes(c, COL_SCHEDULE_LAST_AT))
        r->schedule.last_at = row->last_at;
    if (writes(c, COL_SCHEDULE_NEXT_AT))
        r->schedule.next_at = row->next_at;
    if (writes(c, COL_SCHEDULE_ACTIVE_RUN))
        r->schedule.active_run = row->active_run;
    if (writes(c, COL_SCHEDULE_WAITING))
        r->schedule.waiting = keep(r, row->waiting);
    if (writes(c, COL_SCHEDULE_LAST_RUN))
        r->schedule.last_run = keep(r, row->last_run);
    if (writes(c, COL_SCHEDULE_HELD_AT))
        r->schedule.held_at = row->held_at;
    if (writes(c, COL_SCHEDULE_HELD_SINCE))
        r->schedule.held_since = row->held_since;
}

static void patch_backfill(struct rows *r, const struct ff_change *c,
                           const struct backfill_row *row)
{
    r->backfill.version++;
    if (writes(c, COL_BACKFILL_STATE))
        r->backfill.state = row->state;
    if (writes(c, COL_BACKFILL_LAST_AT))
        r->backfill.last_at = row->last_at;
    if (writes(c, COL_BACKFILL_ACTIVE))
        r->backfill.active = keep(r, row->active);
    if (writes(c, COL_BACKFILL_N_STARTED))
        r->backfill.n_started = row->n_started;
    if (writes(c, COL_BACKFILL_FINISHED_AT))
        r->backfill.finished_at = row->finished_at;
}

/* A row struct of any of the records; the largest decides. */
union any_row {
    struct schedule_row schedule;
    struct schedule_run_row time;
    struct backfill_row backfill;
    struct run_row run;
    struct open_run_row open;
};

/* written: how often this batch has written the schedule's row before. */
static bool guard_holds(const struct rows *r, const struct ff_change *c,
                        const union any_row *row, int64_t written)
{
    if (c->record == &record_schedule)
        return c->expect == r->schedule.version + written;
    if (c->record == &record_backfill)
        return c->expect == r->backfill.version;
    if (c->record == &record_schedule_run && c->expect == FF_ABSENT)
        return !rows_find(r, row->time.nominal_at);
    return true;
}

static void apply(struct rows *r, const struct ff_change *c, const union any_row *row)
{
    if (c->record == &record_schedule)
        patch_schedule(r, c, &row->schedule);
    else if (c->record == &record_backfill)
        patch_backfill(r, c, &row->backfill);
    else if (c->record == &record_schedule_run)
        put_time(r, &row->time);
    else if (c->record == &record_open_run)
        map_set(&r->open, row->open.run, r);
    if (c->record == &record_run) {
        struct run_row run = row->run;
        run.event = keep(r, run.event);
        ARRAY_ADD(&r->runs, run);
    }
}

bool rows_commit(struct rows *r, struct schedule_step *st)
{
    union any_row row;
    int64_t written = 0;

    for (size_t i = 0; i < st->batch.n; i++) {
        const struct ff_change *c = &st->batch.items[i];
        if (c->record == &record_event)
            continue;
        model_from_values(c->record, c->values, &row);
        if (!guard_holds(r, c, &row, written))
            return false;
        written += c->record == &record_schedule && c->kind == FF_PATCH;
    }
    for (size_t i = 0; i < st->batch.n; i++) {
        const struct ff_change *c = &st->batch.items[i];
        if (c->record == &record_event || c->kind == FF_CHECK)
            continue;
        model_from_values(c->record, c->values, &row);
        apply(r, c, &row);
    }
    r->next_run = st->next_run;
    return true;
}

void rows_end_run(struct rows *r, int64_t run)
{
    map_del(&r->open, run);
}

/* --- a leader --- */

static void begin_step(struct leader *l, int64_t now_us)
{
    l->step.now_us = now_us;
    l->step.next_run = l->rows->next_run;
    l->step.n_started = 0;
    batch_reset(&l->step.batch);
}

static void commit(struct leader *l)
{
    schedule_seal(l->schedule, &l->step);
    if (l->backfill)
        backfill_seal(l->backfill, &l->step);
    assert_true(rows_commit(l->rows, &l->step));
}

static void read_backfill(struct leader *l)
{
    struct rows *r = l->rows;
    struct ff_err err = {0};

    if (!r->has_backfill)
        return;
    l->backfill = backfill_new(&r->backfill, l->schedule, &err);
    assert_non_null(l->backfill);
    /* Times come by their rows' order, which is that of the key. */
    int64_t at = r->backfill.last_at;
    while (schedule_next(l->schedule, at, &at) && at < r->backfill.below_at) {
        const struct time_seen *seen = rows_find(r, at);
        if (seen && seen->state == SCHEDULE_RUN_STARTED)
            backfill_add_done(l->backfill, at);
    }
}

static void tell_ended(struct leader *l)
{
    struct rows *r = l->rows;

    if (r->schedule.active_run != MODEL_NULL &&
        !map_get(&r->open, r->schedule.active_run))
        schedule_on_ended(l->schedule, &l->step);
    for (int64_t run = 1; l->backfill && run < r->next_run; run++)
        if (backfill_has_run(l->backfill, run) && !map_get(&r->open, run))
            backfill_on_ended(l->backfill, run);
}

void leader_start(struct leader *l, struct rows *rows, int64_t now_us)
{
    struct ff_err err = {0};

    *l = (struct leader){.rows = rows};
    rand_seed(&l->step.rand, (uint64_t)rows->next_run);
    l->schedule = schedule_new(&rows->schedule, support_zone, NULL, &err);
    assert_non_null(l->schedule);
    for (size_t i = 0; i < rows->times.n; i++)
        if (rows->times.items[i].state == SCHEDULE_RUN_WAITING)
            schedule_set_event(l->schedule, rows->times.items[i].nominal_us,
                               span_of(rows->times.items[i].event));
    read_backfill(l);
    begin_step(l, now_us);
    tell_ended(l);
    commit(l);
}

void leader_stop(struct leader *l)
{
    schedule_step_done(&l->step);
    backfill_free(l->backfill);
    schedule_free(l->schedule);
    *l = (struct leader){0};
}

void leader_turn(struct leader *l, int64_t now_us, bool dies)
{
    begin_step(l, now_us);
    schedule_on_time(l->schedule, &l->step);
    while (l->backfill && backfill_on_time(l->backfill, &l->step, 3))
        ;
    if (dies)
        leader_stop(l);
    else
        commit(l);
}

void leader_event(struct leader *l, const char *event, int64_t now_us)
{
    begin_step(l, now_us);
    schedule_on_event(l->schedule, &l->step, event, now_us);
    commit(l);
}

void leader_ended(struct leader *l, int64_t run, int64_t now_us)
{
    rows_end_run(l->rows, run);
    begin_step(l, now_us);
    if (l->schedule->row.active_run == run)
        schedule_on_ended(l->schedule, &l->step);
    if (l->backfill)
        backfill_on_ended(l->backfill, run);
    commit(l);
}
