/* follow_limits.c - what ready tasks wait for, for the picture: no event tells of it,
 * so the rows are asked, once a second and only where a workflow has limits. */
#include "cli/follow/follow_priv.h"

#include "cli/read/limit_wait.h"

#include <string.h>

#define LOOK_US UNITS_SECOND

/* Some item neither runs nor has ended. */
static bool has_items_left(const struct track_task *t)
{
    int64_t n = (int64_t)t->active.n;

    for (size_t i = 0; i < COUNT_OF(t->counts); i++)
        n += t->counts[i];
    return t->items != MODEL_NULL && n < t->items;
}

static bool may_wait(const struct track *t, uint32_t task)
{
    const int64_t state = track_task_state(t, task);

    if (t->state == RUN_PENDING || run_state_final(t->state))
        return false;
    return track_shows(t, task) &&
           (state == TASK_QUEUED || state == TASK_RETRYING ||
            (state == TASK_RUNNING && has_items_left(&t->tasks[task])));
}

static bool look_at(struct track *t, const struct limit_waits *waits)
{
    bool changed = false;

    for (uint32_t i = 0; i < t->flow->n_tasks; i++) {
        const struct flow_limits *limits = t->flow->tasks[i].policy->limits;
        struct track_task *task = &t->tasks[i];
        struct limit_wait wait;
        struct buf text = {0};
        if (!limits)
            continue;
        if (may_wait(t, i) && limit_wait_find(waits, limits, &wait))
            limit_wait_text(&wait, &text);
        if (strcmp(task->waits ? task->waits : "", buf_text(&text)) != 0) {
            mem_free(task->waits);
            task->waits = text.len > 0 ? mem_text(buf_text(&text)) : NULL;
            changed = true;
        }
        buf_done(&text);
    }
    return changed;
}

static void look(void *arg)
{
    struct follow *f = arg;
    struct limit_waits waits;
    bool changed = false;

    if (!f->away && limit_waits_read(&waits, f->setup.s) == CLI_OK) {
        for (size_t i = 0; i < f->tracks.n; i++)
            changed |= look_at(f->tracks.items[i], &waits);
        limit_waits_done(&waits);
    }
    if (changed)
        view_changed(&f->view);
    loop_timer_add(f->setup.s->loop, LOOK_US, look, f, &f->look_at_limits);
}

void follow_limits_begin(struct follow *f)
{
    bool any = false;

    for (size_t i = 0; i < f->tracks.n; i++)
        any |= limit_wait_may(f->tracks.items[i]->flow);
    if (any && f->view.kind == &view_live)
        loop_timer_add(f->setup.s->loop, LOOK_US, look, f, &f->look_at_limits);
}
