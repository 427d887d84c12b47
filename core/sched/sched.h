/* sched/sched.h - who gets the next free slot: fair between tenants, then between the
 * projects of one, then by priority, then in turn between runs, then first come first
 * served; and of what is limited only what its limits allow.
 *
 * Weighted deficit round robin with unit cost (Shreedhar and Varghese 1995), twice: in
 * each round a tenant gets as many picks as it weighs, and in each round of the tenant
 * a project as many as that weighs. Who has nothing that may go - nothing waits, its
 * limits are reached, its queues are paused, as many attempts run as it may have - is
 * in no round and costs a pick nothing; when it can go again it gets what is left of
 * its picks of the round. So who comes anew is served within two rounds. What counts is
 * starts: who starts long tasks holds more slots than who starts short ones, which
 * max_running bounds.
 *
 * Among runs of one priority a turn is a run's, however many tasks it has, and however
 * many different limits these want. A higher priority of the same project goes first
 * for as long as there is any: there is no aging.
 *
 * O(1) a pick however many wait, but for heaps over the priorities of a project and the
 * different limits of a run. Only memory: what waits is offered again by the engine
 * after a restart. Loop thread only, pure.
 *
 * LIMITS. A limit is a number of places under a name, of one tenant. Nodes that want
 * the same of the same limits share a lane; a lane that may not go stands aside until
 * a place is free, so nobody behind it waits for what it waits for. A node gets all of
 * its places at once or none: there is nothing to deadlock on. Whoever was overtaken
 * SCHED_OVERTAKEN_MAX times on each limit that it lacks has them kept for it, so that
 * one that wants two places is not starved by those that want one.
 *
 * EXECUTORS. Where attempts run on several hosts, these stand in pools by their labels,
 * and a node may ask for labels: it goes when a pool that has them all has a place, and
 * stands aside until then as for a limit. A pick takes a place of the pool with the
 * fewest labels that will do; who starts the attempt may find it another one, and
 * tells.
 *
 * A place has a number. The caller writes (limit, place) as a row, put with FF_ABSENT,
 * in the batch that grants, and deletes it in the batch that ends the attempt; after a
 * restart it tells the places that it finds. So what is held is what rows say, and no
 * counter can drift from them. Several owners over one store may enforce a limit
 * together by the same rows: each picks from the places that it saw free; whose put
 * comes second conflicts, loads the rows and picks again; who lowers or raises a size
 * changes its row, which the batch that grants checks by version. What they need beside
 * this is to hear of freed places (a hint; the sweep finds them without it). A place of
 * a rate is taken by time: an owner that takes an old one over puts its row with the
 * version that it read. */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "sched/admit.h"

#define SCHED_OVERTAKEN_MAX 64
#define SCHED_QUEUE_DEFAULT "default" /* of whatever names no queue */

struct sched;
struct sched_run; /* one run's place in it */

struct sched *sched_new(void);
void sched_free(struct sched *s);

/* Slots: picks stop when none is free. May go below zero when attempts of an earlier
 * process are adopted beyond the number. */
void sched_add_slots(struct sched *s, int64_t n);
int64_t sched_free_slots(const struct sched *s);

/* What a tenant gets of the slots, beside others and at most: picks a round, from 1;
 * attempts at a time, below 0: any number. */
#define SCHED_WEIGHT_MAX 1000
void sched_set_tenant(struct sched *s, int64_t tenant, int64_t weight,
                      int64_t max_running);
/* ... and a project of what its tenant gets. */
void sched_set_project(struct sched *s, int64_t tenant, int64_t project,
                       int64_t weight);

/* How a tenant stands, for who looks on. */
struct sched_standing {
    int64_t running; /* slots that it has */
    int64_t picks;   /* so far */
    bool in_turn;    /* something of it may go, as far as is known */
    int64_t turns;   /* times that this began */
};
struct sched_standing sched_standing(const struct sched *s, int64_t tenant);
/* Those that something is known of. */
typedef void sched_tenant_fn(void *arg, int64_t tenant, int64_t picks);
void sched_each_tenant(const struct sched *s, sched_tenant_fn *fn, void *arg);
/* What is its waits, whatever it may have at a time, until it is held no more. */
void sched_hold_tenant(struct sched *s, int64_t tenant, bool held);

/* owner comes back with each pick. */
struct sched_run *sched_run_new(struct sched *s, int64_t tenant, int64_t project,
                                void *owner);
/* It is of another project of its tenant. What it offered is gone. */
void sched_run_project(struct sched_run *r, int64_t project);
void sched_take_slot(struct sched_run *r);   /* for an adopted attempt */
void sched_return_slot(struct sched_run *r); /* one that it took or was picked for */
/* What it offered is gone; takes NULL. Its slots are to be returned before. */
void sched_run_free(struct sched_run *r);
/* What it offered is gone; the places that it holds are not. */
void sched_run_clear(struct sched_run *r);

/* What a node wants of one limit. */
struct sched_need {
    const char *name;
    int64_t amount; /* places, at least 1 */
    int64_t size;   /* how many there are; 0: as sched_set_size says, else 1 */
    int64_t per_us; /* of a rate: a place is free so long after its start; else 0 */
};

/* Nodes node .. node+count-1 want a slot each. Higher priority first. */
void sched_offer(struct sched_run *r, int64_t node, int64_t count, int32_t priority);
/* ... and each of them all of these, which name no limit twice. */
void sched_offer_limited(struct sched_run *r, int64_t node, int64_t count,
                         int32_t priority, const struct sched_need *needs,
                         size_t n_needs);
/* ... in a queue of the tenant; a-z, 0-9, _ and - */
void sched_offer_queued(struct sched_run *r, const char *queue, int64_t node,
                        int64_t count, int32_t priority, const struct sched_need *needs,
                        size_t n_needs);
/* ... of all that there is. */
struct sched_wants {
    const char *queue;
    const char *labels; /* as base/labels.h writes them; NULL: it runs anywhere */
    int32_t priority;
    const struct sched_need *needs;
    size_t n_needs;
};
void sched_offer_wanting(struct sched_run *r, int64_t node, int64_t count,
                         const struct sched_wants *wants);
void sched_retract(struct sched_run *r, int64_t node, int64_t count);

/* Takes a free slot for the next node; false: no slot is free or nobody may go. */
bool sched_pick(struct sched *s, void **owner, int64_t *node);
int64_t sched_waiting(const struct sched *s); /* nodes that wait */
/* By sched_set_now: when the node that was picked last was offered. */
int64_t sched_picked_since_us(const struct sched *s);
/* How many nodes of the run wait; *since_us, where it is an earlier time than the one
 * that stands there: when the first of them was offered. */
int64_t sched_run_waiting(const struct sched_run *r, int64_t *since_us);

/* Nothing that is offered in this queue goes, now and later, until it is told again.
 * What waits keeps its turn, holds nothing, and no limit is kept for it. */
void sched_set_paused(struct sched *s, int64_t tenant, const char *queue, bool paused);

/* --- executors --- */

/* Those with these labels have so many places, of all that are slots. 0: none. */
void sched_set_pool(struct sched *s, const char *labels, int64_t places);
/* How many would take a place with these labels, were there one: tenants whose turn it
 * is, and selectors for which nodes stand aside. NULL: one with any. At most
 * SCHED_WANTED_MAX; 0: who has such a place cannot use it. */
#define SCHED_WANTED_MAX 100
int64_t sched_wanted(const struct sched *s, const char *labels);
/* The attempt of this node, which has a slot, is at one with these labels; false: as
 * was thought. */
bool sched_placed(struct sched_run *r, int64_t node, const char *labels);

/* --- limits --- */

/* Wall clock, for rates and for how long something waits. Before offers and picks. */
void sched_set_now(struct sched *s, int64_t now_us);
/* When to look again because of a rate; 0: nobody waits for one. */
int64_t sched_next_us(const struct sched *s);

/* size < 0: it has none any more. */
void sched_set_size(struct sched *s, int64_t tenant, const char *name, int64_t size);

struct sched_place {
    const char *name;
    int64_t place;    /* from 0 */
    int64_t until_us; /* of a rate; 0: until the attempt has ended */
};
typedef void sched_place_fn(void *arg, const struct sched_place *place);

/* The grant of `node` is used: fn is told each place that is now to be stored. */
void sched_started(struct sched_run *r, int64_t node, int64_t now_us,
                   sched_place_fn *fn, void *arg);
/* Its attempt has ended, or the grant was not used. fn is told what is to be deleted;
 * that is free for others with sched_settled, when the deletion is durable: two batches
 * in flight never write one place. */
void sched_ended(struct sched_run *r, int64_t node, sched_place_fn *fn, void *arg);
void sched_settled(struct sched_run *r);

/* Can a stored place be one? A limit keeps a bit for each place up to the highest. */
#define SCHED_PLACES_MAX (INT64_C(1) << 20)
static inline bool sched_is_place(int64_t place)
{
    return place >= 0 && place < SCHED_PLACES_MAX;
}

/* After loading: first nothing is held, then what rows say. What is no place is not
 * held. */
void sched_drop_holds(struct sched_run *r);
void sched_hold(struct sched_run *r, int64_t node, const char *name, int64_t place);
void sched_hold_rate(struct sched *s, int64_t tenant, const char *name, int64_t place,
                     int64_t until_us);
/* The attempt that a stored place is for is there. Those of which nobody says so are
 * ended by sched_end_strays. */
void sched_confirm(struct sched_run *r, int64_t node);
size_t sched_end_strays(struct sched_run *r, sched_place_fn *fn, void *arg);

/* Places of this limit that are taken. */
int64_t sched_held(const struct sched *s, int64_t tenant, const char *name);

#endif
