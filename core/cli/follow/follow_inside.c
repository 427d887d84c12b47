/* follow_inside.c - the runs inside the followed ones, of groups and `uses`, for the
 * picture: only those that it has room for are read, and only when it is drawn. */
#include "cli/follow/follow_priv.h"

#include "cli/read/run_children.h"
#include "cli/view/track_read.h"

#define INSIDE_MAX 64 /* runs that are looked into for one picture */

struct looking {
    struct follow *f;
    int left;   /* runs that may still be looked into */
    bool ended; /* at tasks that have ended: after all those that run */
};

static void look_into(struct looking *l, struct track *t);

/* An error is no reason to stop: the picture shows what there is. */
static void read_one(struct looking *l, struct track *t)
{
    struct ff_err err = {0};

    l->left--;
    if (!run_state_final(t->state) &&
        track_read(t, node_store(l->f->setup.s->node), NULL, NULL, &err) != FF_OK)
        log_debug("the run %s: %s", t->id, err.msg);
    look_into(l, t);
}

static void look_at_active(struct looking *l, const struct track *t, uint32_t task,
                           struct track_active *a, const struct track *alike)
{
    struct flow *flow = alike ? alike->flow : NULL;

    if (l->ended) {
        if (a->inside)
            look_into(l, a->inside);
        return;
    }
    if (l->left <= 0)
        return;
    if (!a->inside && a->attempt > 0)
        run_child_track(l->f->setup.s, t, NODE_OF(task, a->item), a->attempt, flow,
                        &a->inside);
    if (a->inside)
        read_one(l, a->inside);
}

/* A run that began and ended between two pictures has never been looked at: its link
 * was written before its task ended, so one look is enough to know it. Whose run is
 * known already is read to its end, however many there are: once each. */
static void look_at_ended(struct looking *l, const struct track *t, uint32_t index)
{
    struct track_task *task = &t->tasks[index];

    if (!l->ended || !task_state_final(task->state) || task->items != MODEL_NULL ||
        task->attempt <= 0)
        return;
    if (l->left > 0 && !task->inside && !task->looked_inside) {
        run_child_track(l->f->setup.s, t, NODE_OF(index, -1), task->attempt, NULL,
                        &task->inside);
        task->looked_inside = true;
    }
    if (task->inside)
        read_one(l, task->inside);
}

static void look_into(struct looking *l, struct track *t)
{
    struct track_active *items[TRACK_ITEMS];

    for (uint32_t i = 0; i < t->flow->n_tasks; i++) {
        struct track_task *task = &t->tasks[i];
        struct track_active *a = track_active(task, -1);
        if (!task->seen || !track_is_run(t, i))
            continue;
        if (a)
            look_at_active(l, t, i, a, NULL);
        else
            look_at_ended(l, t, i);
        const size_t n = track_first_items(task, items);
        for (size_t k = 0; k < n; k++)
            look_at_active(l, t, i, items[k], items[0]->inside);
    }
}

void follow_inside_look(void *arg)
{
    struct looking l = {.f = arg, .left = INSIDE_MAX};

    for (int pass = 0; pass < 2 && !l.f->away; pass++) {
        l.ended = pass > 0;
        for (size_t i = 0; i < l.f->tracks.n; i++)
            look_into(&l, l.f->tracks.items[i]);
    }
}

/* --- by number --- */

static struct track *find_in(const struct track *t, int64_t run);

static struct track *find_at(struct track *inside, int64_t run)
{
    if (!inside || inside->run == run)
        return inside;
    return find_in(inside, run);
}

static struct track *find_in(const struct track *t, int64_t run)
{
    struct track *found = NULL;
    void *value;

    for (uint32_t i = 0; i < t->flow->n_tasks && !found; i++) {
        if (!t->tasks[i].seen || !track_is_run(t, i))
            continue;
        for (size_t k = 0; !found && map_next(&t->tasks[i].active, &k, &value);)
            found = find_at(((struct track_active *)value)->inside, run);
    }
    return found;
}

struct track *follow_inside_find(const struct follow *f, int64_t run)
{
    struct track *found = NULL;

    for (size_t i = 0; i < f->tracks.n && !found; i++)
        found = find_in(f->tracks.items[i], run);
    return found;
}
