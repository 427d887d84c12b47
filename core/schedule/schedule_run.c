/* schedule_run.c - a run begins, or does not: the rows that say so. */
#include "schedule/schedule_priv.h"

#include <string.h>

static void put_time(const struct schedule *s, struct schedule_step *st,
                     const struct schedule_decision *d, struct schedule_run_row *row)
{
    row->tenant = s->row.tenant;
    row->schedule = s->row.name;
    row->nominal_at = d->nominal_us;
    row->cause = span_of(d->cause);
    row->reason = span_of(d->reason);
    row->message = span_of(d->message);
    row->decided_at = st->now_us;
    batch_put(&st->batch, &record_schedule_run, row, d->expect);
}

void schedule_note(const struct schedule *s, struct schedule_step *st,
                   enum schedule_run_state state, const struct schedule_decision *d)
{
    struct schedule_run_row row = {.state = state, .run = MODEL_NULL};

    if (state == SCHEDULE_RUN_WAITING)
        row.event = span_of(d->event);
    put_time(s, st, d, &row);
}

bool schedule_has_room(const struct schedule *s, struct schedule_step *st)
{
    const bool has = !st->has_room || st->has_room(st->room_arg, s->row.tenant);

    st->starved = st->starved || !has;
    return has;
}

static int64_t begin_named_run(const struct schedule *s, struct schedule_step *st,
                               const struct schedule_decision *d, const char *id)
{
    const int64_t run = st->next_run++;

    st->n_started++;
    if (st->took_room)
        st->took_room(st->room_arg, s->row.tenant, run);
    const struct run_row row = {
        .tenant = s->row.tenant,
        .run = run,
        .id = span_of(id),
        .project = model_project(s->row.project),
        .workflow = s->row.workflow,
        .hash = s->row.hash,
        .kind = span_of(engine_dag.name),
        .state = RUN_PENDING,
        .inputs = span_of(s->spec.inputs),
        .dir = s->row.dir,
        .created_at = st->now_us,
        .started_at = MODEL_NULL,
        .finished_at = MODEL_NULL,
        .schedule = s->row.name,
        .nominal_at = d->nominal_us,
        .event = span_of(d->event),
        .labels = span_of(s->spec.labels),
        .pins = span_of(s->spec.pins),
        .parent_run = MODEL_NULL,
        .root = MODEL_NULL,
        .parent_node = MODEL_NULL,
        .parent_attempt = MODEL_NULL,
        .depth = MODEL_NULL,
    };
    struct schedule_run_row time = {
        .state = SCHEDULE_RUN_STARTED, .run = run, .run_id = span_of(id)};
    engine_run_create(&row, st->shard, &st->batch);
    put_time(s, st, d, &time);
    return run;
}

int64_t schedule_begin_run(const struct schedule *s, struct schedule_step *st,
                           const struct schedule_decision *d, char id[ID_TEXT])
{
    const uint64_t random = rand_next(&st->rand);

    id_make(st->now_us, random, rand_next(&st->rand), id);
    return begin_named_run(s, st, d, id);
}

/* An odd microsecond: even ones, and so whole seconds, are for times of schedules and
 * for events. Two of them at one time would conflict for ever. */
void schedule_start_now(const struct schedule *s, struct schedule_step *st,
                        const char *id)
{
    const struct schedule_decision d = {
        .nominal_us = st->now_us | 1,
        .cause = "manual",
        .expect = FF_ABSENT,
    };

    begin_named_run(s, st, &d, id);
}

void schedule_step_done(struct schedule_step *st)
{
    batch_done(&st->batch);
}
