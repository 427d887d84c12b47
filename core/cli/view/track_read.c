/* track_read.c - see track_read.h. */
#include "cli/view/track_read.h"

struct reading {
    struct track *track;
    track_event_fn *fn;
    void *arg;
};

void track_step(struct track *t, const struct event_row *step, const json_t *events,
                track_event_fn *fn, void *arg)
{
    struct track_event e;
    const json_t *one;
    size_t i;

    if (step->seq <= t->last_seq)
        return;
    t->last_seq = step->seq;
    json_array_foreach(events, i, one)
    {
        if (track_apply(t, step->at, one, &e) && fn)
            fn(arg, t, &e);
    }
}

static int apply_row(void *arg, const void *row)
{
    const struct reading *r = arg;
    const struct event_row *event = row;
    struct ff_err err = {0};
    json_t *list = json_parse(event->body.s, event->body.len, &err);
    if (!list)
        log_warn("event %lld of run %s: %s", (long long)event->seq, r->track->id,
                 err.msg);
    track_step(r->track, event, list, r->fn, r->arg);
    json_decref(list);
    return 0;
}

int track_read(struct track *t, struct store *store, track_event_fn *fn, void *arg,
               struct ff_err *err)
{
    const struct event_row last = {
        .tenant = TENANT_DEFAULT.no, .run = t->run, .seq = t->last_seq};
    const struct store_query query = {.record = &record_event,
                                      .like = &last,
                                      .n_equal = 2,
                                      .after = t->last_seq > 0 ? &last : NULL};
    struct reading r = {.track = t, .fn = fn, .arg = arg};

    return store_scan(store, STORE_READER_CALLER, &query, apply_row, &r, err);
}

bool track_read_end(struct track *t, struct store *store)
{
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};

    if (!run_state_final(t->state) &&
        store_run_by_id(store, STORE_READER_CALLER, TENANT_DEFAULT, t->id, &arena, &run,
                        &err) == FF_OK &&
        run_state_final(run.state)) {
        t->state = run.state;
        t->finished_at = run.finished_at;
        track_take_row(t, &run);
    }
    arena_done(&arena);
    return run_state_final(t->state);
}
