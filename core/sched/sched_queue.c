/* sched_queue.c - which queues of a tenant are paused: told from outside, and known to
 * each lane of theirs, also to one that comes later. */
#include "sched/sched_priv.h"

#include <string.h>

static void tell(struct lane *lane, const char *queue, bool paused)
{
    if (lane->paused != paused && strcmp(lane->queue, queue) == 0)
        lane_pause(lane, paused);
}

static void tell_level(struct level *level, const char *queue, bool paused)
{
    void *lane;

    if (level->plain)
        tell(level->plain, queue, paused);
    for (size_t i = 0; map_next(&level->lanes, &i, &lane);)
        tell(lane, queue, paused);
}

void sched_set_paused(struct sched *s, int64_t tenant, const char *queue, bool paused)
{
    struct fair_tenant *t = sched_tenant(s, tenant);
    void *project, *level;

    if (paused)
        map_set_text(&t->paused, queue, t);
    else
        map_del_text(&t->paused, queue);
    for (size_t i = 0; map_next(&t->by_no, &i, &project);)
        for (size_t k = 0;
             map_next(&((struct fair_project *)project)->levels, &k, &level);)
            tell_level(level, queue, paused);
}
