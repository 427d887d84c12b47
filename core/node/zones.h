/* node/zones.h - time zones by name, from the files of this host: $TZDIR, else
 * /usr/share/zoneinfo. Read once and kept; one thread. Private to the room. */
#ifndef NODE_ZONES_H
#define NODE_ZONES_H

#include "schedule/schedule.h"

struct zones {
    struct map by_name; /* text -> struct zone */
};

/* A schedule_zone_fn: arg is a struct zones. FF_NOT_FOUND says where was looked. */
const struct zone *zones_find(void *arg, const char *name, struct ff_err *err);
/* False: this host has no zones but UTC. */
bool zones_are_here(void);
void zones_done(struct zones *z);

#endif
