/* sched/sched.h - who gets the next free slot: fair between tenants, then by priority,
 * then in turn between runs, then first come first served.
 *
 * Weighted round robin over tenants with unit cost (deficit round robin, Shreedhar and
 * Varghese 1995): O(1) a pick however many wait. Only memory: what waits is offered
 * again by the engine after a restart. Loop thread only, pure. */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "base/base.h"

struct sched;
struct sched_run; /* one run's place in it */

struct sched *sched_new(void);
void sched_free(struct sched *s);

/* Slots: picks stop when none is free. May go below zero when attempts of an earlier
 * process are adopted beyond the number. */
void sched_add_slots(struct sched *s, int64_t n);
int64_t sched_free_slots(const struct sched *s);
void sched_take_slot(struct sched *s); /* for an adopted attempt */
void sched_return_slot(struct sched *s);

/* owner comes back with each pick. weight >= 1. */
struct sched_run *sched_run_new(struct sched *s, int64_t tenant, uint32_t weight,
                                void *owner);
void sched_run_free(struct sched_run *r); /* what it offered is gone; takes NULL */

/* Nodes node .. node+count-1 want a slot each. Higher priority first. */
void sched_offer(struct sched_run *r, int64_t node, int64_t count, int32_t priority);
void sched_retract(struct sched_run *r, int64_t node, int64_t count);

/* Takes a free slot for the next node; false: no slot is free or nobody waits. */
bool sched_pick(struct sched *s, void **owner, int64_t *node);
int64_t sched_waiting(const struct sched *s); /* nodes that wait */

#endif
