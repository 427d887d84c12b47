/* sched_queue.c - which queues of a tenant are paused: told from outside, and known to
 * each lane of theirs, also to one that comes later. */
#include "sched/sched_priv.h"

#include <string.h>

static void tell(struct lane *lane, const char *queue, bool paused)
{
    if (lane->paused != paused && strcmp(lane->queue, queue) == 0)
        lane_pause(lane, paused);
}

void sched_set_paused(struct sched *s, int64_t tenant, const char *queue, bool paused)
{
    struct fair_tenant *t = sched_tenant(s, tenant);
    void *lane;

    if (paused)
        map_set_text(&t->paused, queue, t);
    else
        map_del_text(&t->paused, queue);
    for (size_t i = 0; i < t->levels.n; i++) {
        const struct level *level = t->levels.items[i];
        if (level->plain)
            tell(level->plain, queue, paused);
        for (size_t k = 0; map_next(&level->lanes, &k, &lane);)
            tell(lane, queue, paused);
    }
}
