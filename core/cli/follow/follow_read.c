/* follow_read.c - committed events of the followed runs, into the tracks and the view.
 */
#include "cli/follow/follow_priv.h"

#include "cli/read/run_view.h"
#include "cli/view/track_read.h"

#define LOOK_AGAIN_US (UNITS_SECOND / 10)
#define LOOKS_MAX     100

static void show(void *arg, const struct track *t, const struct track_event *e)
{
    struct follow *f = arg;

    f->happened = true;
    view_event(&f->view, t, e);
}

int follow_read(struct follow *f, struct track *t, bool silent)
{
    struct ff_err err = {0};

    if (track_read(t, node_store(f->setup.s->node), silent ? NULL : show, f, &err) !=
        FF_OK)
        return cli_fail_err(&err);
    if (follow_all_final(f))
        follow_end_wait(f, STOP_DONE);
    return CLI_OK;
}

void follow_try(struct follow *f, struct track *t)
{
    struct ff_err err = {0};

    if (track_read(t, node_store(f->setup.s->node), show, f, &err) != FF_OK)
        log_debug("the run %s: %s", t->id, err.msg);
    if (follow_all_final(f))
        follow_end_wait(f, STOP_DONE);
}

void follow_step(struct follow *f, struct track *t, const struct event_row *step,
                 const json_t *events)
{
    track_step(t, step, events, show, f);
    if (follow_all_final(f))
        follow_end_wait(f, STOP_DONE);
}

int follow_read_all(struct follow *f, bool silent)
{
    int code = CLI_OK;

    for (size_t i = 0; i < f->tracks.n && code == CLI_OK; i++)
        code = follow_read(f, f->tracks.items[i], silent);
    return code;
}

bool follow_all_final(const struct follow *f)
{
    for (size_t i = 0; i < f->tracks.n; i++)
        if (!run_state_final(f->tracks.items[i]->state))
            return false;
    return true;
}

struct track *follow_find(const struct follow *f, int64_t run)
{
    for (size_t i = 0; i < f->tracks.n; i++)
        if (f->tracks.items[i]->run == run)
            return f->tracks.items[i];
    return NULL;
}

/* --- ends without an event --- */

static void look_again(void *arg)
{
    struct follow *f = arg;

    for (size_t i = 0; i < f->tracks.n; i++)
        if (!run_state_final(f->tracks.items[i]->state))
            follow_saw_final(f, f->tracks.items[i]);
}

/* A run that could not be loaded is ended without an event of its own, and the news of
 * it can be ahead of the row. */
void follow_saw_final(struct follow *f, struct track *t)
{
    if (run_state_final(t->state))
        return;
    if (!track_read_end(t, node_store(f->setup.s->node))) {
        if (f->looks++ < LOOKS_MAX && !f->look_again)
            loop_timer_add(f->setup.s->loop, LOOK_AGAIN_US, look_again, f,
                           &f->look_again);
        return;
    }
    if (follow_all_final(f))
        follow_end_wait(f, STOP_DONE);
}

int follow_open_tracks(struct follow *f)
{
    int code = CLI_OK;

    for (size_t i = 0; i < f->setup.n_runs && code == CLI_OK; i++) {
        struct flow *flow = run_view_flow(f->setup.s, &f->setup.runs[i]);
        if (!flow)
            return CLI_IO;
        ARRAY_ADD(&f->tracks, track_new(&f->setup.runs[i], flow));
        if (!f->setup.show_past)
            code = follow_read(f, f->tracks.items[i], true);
    }
    return code;
}
