/* trigger_room.c - how many runs of a tenant are open: by their numbers, so that one
 * whose end is told twice, or while rows are read that may or may not have it, counts
 * as none. */
#include "trigger/trigger_priv.h"

struct trigger_room *trigger_room(struct trigger_set *set, int64_t tenant)
{
    struct trigger_room *room = map_get(&set->rooms, tenant);

    if (room)
        return room;
    room = arena_alloc(&set->arena, sizeof(*room));
    *room = (struct trigger_room){.most = set->usual_room};
    map_set(&set->rooms, tenant, room);
    return room;
}

bool trigger_room_take(struct trigger_set *set, int64_t tenant, int64_t run)
{
    if (map_get(&set->open, run))
        return false;
    struct trigger_room *room = trigger_room(set, tenant);
    room->n_open++;
    map_set(&set->open, run, room);
    return true;
}

void trigger_room_leave(struct trigger_set *set, int64_t run)
{
    struct trigger_room *room = map_del(&set->open, run);

    if (room)
        room->n_open--;
}

bool trigger_has_room(void *arg, int64_t tenant)
{
    const struct trigger_room *room =
        trigger_room(&((struct trigger *)arg)->set, tenant);

    return room->n_open < room->most;
}

void trigger_took_room(void *arg, int64_t tenant, int64_t run)
{
    trigger_room_take(&((struct trigger *)arg)->set, tenant, run);
}
