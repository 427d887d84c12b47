/* sched_lane.c - nodes of one queue that want the same of the same limits stand in one
 * lane, and lanes that may not go stand aside. What a pick looks at are lanes that may
 * go or have not been asked yet; what a freed place looks at are the lanes that wait
 * for it. */
#include "sched/sched_priv.h"

#include <string.h>

/* --- levels --- */

static struct level *level_of(struct fair_project *p, int32_t priority)
{
    struct level *level = map_get(&p->levels, priority);

    if (level)
        return level;
    level = mem_alloc(sizeof(*level));
    level->project = p;
    level->priority = priority;
    ring_init(&level->runs);
    map_set(&p->levels, priority, level);
    return level;
}

static void level_free(struct level *level)
{
    map_del(&level->project->levels, level->priority);
    map_done(&level->lanes);
    mem_free(level);
}

/* --- lanes come and go --- */

static void take_need(struct lane *lane, struct lane_need *need,
                      const struct sched_need *wanted)
{
    list_init(&need->link);
    need->lane = lane;
    need->limit = limit_of(lane->level->project->tenant, wanted->name);
    need->amount = wanted->amount;
    need->size = wanted->size;
    need->per_us = wanted->per_us;
    lane->rated = lane->rated || need->per_us > 0;
}

static struct lane *lane_new(struct level *level, const char *key,
                             const struct sched_wants *wants)
{
    struct fair_tenant *tenant = level->project->tenant;
    const size_t n = wants->n_needs;
    struct lane *lane = mem_alloc(sizeof(*lane) + n * sizeof(lane->needs[0]));

    lane->level = level;
    lane->key = mem_text(key);
    lane->queue = mem_text(wants->queue);
    lane->paused = map_get_text(&tenant->paused, wants->queue) != NULL;
    lane->n_needs = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        take_need(lane, &lane->needs[i], &wants->needs[i]);
    list_init(&lane->alike);
    if (!wants->labels)
        return lane;
    lane->selector = selector_of(tenant->sched, wants->labels);
    list_add_tail(&lane->selector->lanes, &lane->alike);
    return lane;
}

static struct lane *keyed_lane(struct level *level, const struct sched_wants *wants)
{
    struct buf key = {0};

    buf_printf(&key, "%s %s\n", wants->queue, wants->labels ? wants->labels : "");
    for (size_t i = 0; i < wants->n_needs; i++) {
        const struct sched_need *need = &wants->needs[i];
        buf_printf(&key, "%lld/%lld/%lld %s\n", (long long)need->amount,
                   (long long)need->size, (long long)need->per_us, need->name);
    }
    struct lane *lane = map_get_text(&level->lanes, buf_text(&key));
    if (!lane) {
        lane = lane_new(level, buf_text(&key), wants);
        map_set_text(&level->lanes, lane->key, lane);
    }
    buf_done(&key);
    return lane;
}

struct lane *lane_of(struct fair_project *p, const struct sched_wants *wants)
{
    struct level *level = level_of(p, wants->priority);

    if (!sched_is_plain(wants))
        return keyed_lane(level, wants);
    if (!level->plain)
        level->plain = lane_new(level, "", wants);
    return level->plain;
}

static bool wants_as(const struct lane_need *need, const struct sched_need *wanted)
{
    return need->amount == wanted->amount && need->size == wanted->size &&
           need->per_us == wanted->per_us &&
           strcmp(need->limit->name, wanted->name) == 0;
}

bool lane_is_for(const struct lane *lane, const struct sched_wants *wants)
{
    const char *labels = wants->labels ? wants->labels : "";

    if (lane->level->priority != wants->priority || lane->n_needs != wants->n_needs ||
        strcmp(lane->queue, wants->queue) != 0 ||
        strcmp(lane->selector ? lane->selector->labels : "", labels) != 0)
        return false;
    for (uint32_t i = 0; i < lane->n_needs; i++)
        if (!wants_as(&lane->needs[i], &wants->needs[i]))
            return false;
    return true;
}

void lane_unref(struct lane *lane)
{
    struct level *level = lane->level;

    if (--lane->n_offers > 0)
        return;
    for (uint32_t i = 0; i < lane->n_needs; i++)
        limit_unref(lane->needs[i].limit);
    list_del(&lane->alike);
    selector_unref(lane->selector);
    if (lane == level->plain)
        level->plain = NULL;
    else
        map_del_text(&level->lanes, lane->key);
    heap_done(&lane->parked);
    mem_free(lane->key);
    mem_free(lane->queue);
    mem_free(lane);
    if (!level->plain && level->lanes.n == 0)
        level_free(level);
}

/* --- may it go? --- */

static int64_t size_of(const struct lane_need *need)
{
    if (need->size > 0)
        return need->size;
    return need->limit->size >= 0 ? need->limit->size : 1;
}

static bool has_room(const struct lane_need *need)
{
    return need->limit->held + need->amount <= size_of(need);
}

static bool was_overtaken(const struct lane_need *need)
{
    return need->limit->n_grants - need->mark >= SCHED_OVERTAKEN_MAX;
}

/* Only one that was overtaken wherever it lacks something: what waits for a limit whose
 * holder does not end must not keep others from the rest. Once so, it stays so until it
 * goes, or two could take turns in losing. A rate frees by time and is not waited for
 * with places kept empty; nor is an executor, which may never come. */
static bool is_overdue(struct lane *lane)
{
    if (lane->overdue || lane->rated || lane->selector)
        return lane->overdue;
    for (uint32_t i = 0; i < lane->n_needs; i++) {
        const struct lane_need *need = &lane->needs[i];
        if (need->amount > size_of(need) || (!has_room(need) && !was_overtaken(need)))
            return false;
    }
    lane->overdue = true;
    return true;
}

/* A priority is above others of its project alone. */
static bool is_above(const struct level *level, const struct level *other)
{
    return level->project == other->project && level->priority > other->priority;
}

/* Lanes enter all their limits at one time, so they stand in the same sequence
 * everywhere, and of two that are overdue only one waits for the other. */
static bool is_kept(const struct lane_need *need)
{
    const struct list *head = &need->limit->waiters;

    for (struct list *link = head->next; link != head; link = link->next) {
        const struct lane_need *w = LIST_OF(link, struct lane_need, link);
        if (w->lane == need->lane || !was_overtaken(w))
            return false;
        if (!is_above(need->lane->level, w->lane->level) && is_overdue(w->lane))
            return true;
    }
    return false;
}

static bool may_go_somewhere(struct lane *lane)
{
    if (lane->paused)
        return false;
    for (uint32_t i = 0; i < lane->n_needs; i++)
        if (!has_room(&lane->needs[i]) || is_kept(&lane->needs[i]))
            return false;
    return true;
}

bool lane_may_go(struct lane *lane)
{
    return (!lane->selector || selector_has_room(lane->selector)) &&
           may_go_somewhere(lane);
}

bool lane_lacks_place(struct lane *lane)
{
    return lane->parked.n > 0 && !selector_has_room(lane->selector) &&
           may_go_somewhere(lane);
}

/* --- aside and back --- */

/* How many nodes of it the places that are free would do for. */
static int64_t room_of(const struct lane *lane)
{
    int64_t room = lane->selector ? selector_room(lane->selector) : INT64_MAX;

    for (uint32_t i = 0; i < lane->n_needs; i++) {
        const struct lane_need *need = &lane->needs[i];
        const int64_t fit = (size_of(need) - need->limit->held) / need->amount;
        room = fit < room ? fit : room;
    }
    return room;
}

/* Of many runs that want the same only as many are asked as there are places for: the
 * others would be met and stand aside again with each place that is free. The one whose
 * turn has been due for longest is the first; one is asked at least, so that the lane
 * is known to be blocked when it is. */
static void stir(struct lane *lane)
{
    const int64_t room = lane->blocked || lane->parked.n == 0 ? 0 : room_of(lane);

    while (!lane->blocked && lane->parked.n > 0 &&
           (lane->n_awake == 0 || lane->n_awake < room))
        offer_wake((struct offer *)(void *)heap_first(&lane->parked));
}

void lane_block(struct lane *lane)
{
    lane->blocked = true;
    lane->level->project->tenant->sched->n_rated += lane->rated;
    if (lane->queued || lane->paused)
        return; /* a paused one waits for no place: it would be kept from others */
    lane->queued = true;
    for (uint32_t i = 0; i < lane->n_needs; i++) {
        struct lane_need *need = &lane->needs[i];
        need->mark = need->limit->n_grants;
        list_add_tail(&need->limit->waiters, &need->link);
    }
}

static void unblock(struct lane *lane)
{
    if (!lane->blocked)
        return;
    lane->blocked = false;
    lane->level->project->tenant->sched->n_rated -= lane->rated;
    stir(lane);
}

void lane_wake(struct limit *limit)
{
    for (struct list *link = limit->waiters.next; link != &limit->waiters;
         link = link->next) {
        struct lane *lane = LIST_OF(link, struct lane_need, link)->lane;
        if (lane->blocked && lane_may_go(lane))
            unblock(lane);
    }
}

void lane_wake_first(struct lane *lane)
{
    struct level *level = lane->level;
    struct fair_tenant *tenant = level->project->tenant;
    struct offer *o = (struct offer *)(void *)heap_first(&lane->parked);

    if (!lane->blocked || !lane_may_go(lane))
        return;
    unblock(lane);
    if (!o) /* what waits in it has not been asked yet, and keeps its turn */
        return;
    ring_to_front(&level->runs, &o->flow->share);
    ring_to_front(&tenant->projects, &level->project->share);
    ring_to_front(&tenant->sched->ring, &tenant->share);
}

/* It waits no more, or from now on anew: what was kept for it is free for others. */
static void leave_queue(struct lane *lane)
{
    const bool kept = lane->overdue;

    if (!lane->queued)
        return;
    lane->queued = false;
    lane->overdue = false;
    for (uint32_t i = 0; i < lane->n_needs; i++)
        list_del(&lane->needs[i].link);
    for (uint32_t i = 0; kept && i < lane->n_needs; i++)
        lane_wake(lane->needs[i].limit);
}

/* One that goes is asked with the next pick, and stands aside then. */
void lane_pause(struct lane *lane, bool paused)
{
    lane->paused = paused;
    if (paused)
        leave_queue(lane);
    else
        unblock(lane);
}

void lane_granted(struct lane *lane)
{
    leave_queue(lane);
}

void lane_changed(struct lane *lane)
{
    if (lane->n_awake > 0 || lane->parked.n > 0) {
        stir(lane);
        return;
    }
    unblock(lane); /* nothing of it waits any more */
    leave_queue(lane);
}
