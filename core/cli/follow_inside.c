/* follow_inside.c - the runs inside the followed ones, of groups and `uses`, for the
 * picture: only those that it has room for are read, and only when it is drawn. */
#include "cli/follow_priv.h"

#include "cli/run_children.h"
#include "cli/track_read.h"

#define INSIDE_MAX 64 /* runs that are read for one picture */

struct looking {
    struct follow *f;
    int left; /* runs that may still be read */
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

static void look_at_one(struct looking *l, const struct track *t, uint32_t task,
                        struct track_active *a, const struct track *alike)
{
    struct flow *flow = alike ? alike->flow : NULL;

    if (l->left <= 0)
        return;
    if (!a->inside && a->state == TASK_RUNNING)
        run_child_track(l->f->setup.s, t, NODE_OF(task, a->item), a->attempt, flow,
                        &a->inside);
    if (a->inside)
        read_one(l, a->inside);
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
            look_at_one(l, t, i, a, NULL);
        else if (task->inside && l->left > 0)
            read_one(l, task->inside);
        const size_t n = track_first_items(task, items);
        for (size_t k = 0; k < n; k++)
            look_at_one(l, t, i, items[k], items[0]->inside);
    }
}

void follow_inside_look(void *arg)
{
    struct looking l = {.f = arg, .left = INSIDE_MAX};

    for (size_t i = 0; i < l.f->tracks.n; i++)
        look_into(&l, l.f->tracks.items[i]);
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
