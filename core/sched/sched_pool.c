/* sched_pool.c - where attempts run: pools of executors with the same labels, and which
 * node has a place in which. Lanes of nodes that ask for labels stand aside while no
 * pool that has them all has a place. */
#include "sched/sched_priv.h"

#include <string.h>

/* --- who asks for labels --- */

struct selector *selector_of(struct sched *s, const char *labels)
{
    struct selector *sel = map_get_text(&s->selectors, labels);

    if (!sel) {
        sel = mem_alloc(sizeof(*sel));
        sel->sched = s;
        sel->labels = mem_text(labels);
        list_init(&sel->lanes);
        map_set_text(&s->selectors, labels, sel);
    }
    sel->n_refs++;
    return sel;
}

void selector_unref(struct selector *sel)
{
    if (!sel || --sel->n_refs > 0)
        return;
    map_del_text(&sel->sched->selectors, sel->labels);
    mem_free(sel->labels);
    mem_free(sel);
}

/* --- which pool --- */

static bool has_place(const struct pool *p)
{
    return p->used < p->places;
}

/* That with the fewest labels, which the fewest others ask for. asked: NULL: any. */
static struct pool *choose(const struct sched *s, const char *asked)
{
    struct pool *best = NULL;
    void *value;

    for (size_t i = 0; map_next(&s->pools, &i, &value);) {
        struct pool *p = value;
        if (has_place(p) && (!best || p->n_labels < best->n_labels) &&
            (!asked || labels_satisfy(p->labels, asked)))
            best = p;
    }
    return best;
}

bool selector_has_room(const struct selector *sel)
{
    void *value;

    for (size_t i = 0; map_next(&sel->sched->pools, &i, &value);) {
        const struct pool *p = value;
        if (has_place(p) && labels_satisfy(p->labels, sel->labels))
            return true;
    }
    return false;
}

int64_t selector_room(const struct selector *sel)
{
    int64_t room = 0;
    void *value;

    for (size_t i = 0; map_next(&sel->sched->pools, &i, &value);) {
        const struct pool *p = value;
        if (has_place(p) && labels_satisfy(p->labels, sel->labels))
            room += p->places - p->used;
    }
    return room;
}

static bool lacks_place(const struct selector *sel)
{
    for (const struct list *l = sel->lanes.next; l != &sel->lanes; l = l->next)
        if (lane_lacks_place(LIST_OF(l, struct lane, alike)))
            return true;
    return false;
}

/* --- who has a place --- */

struct placed {
    struct pool *pool;
    bool confirmed; /* since the run was loaded last */
};

static struct pool *pool_of(struct sched *s, const char *labels)
{
    struct pool *p = map_get_text(&s->pools, labels);

    if (p)
        return p;
    p = mem_alloc(sizeof(*p));
    p->sched = s;
    p->labels = mem_text(labels);
    p->n_labels = labels_count(labels);
    map_set_text(&s->pools, labels, p);
    return p;
}

static void pool_free(struct pool *p)
{
    mem_free(p->labels);
    mem_free(p);
}

static void forget_if_empty(struct pool *p)
{
    if (p->places > 0 || p->used > 0)
        return;
    map_del_text(&p->sched->pools, p->labels);
    pool_free(p);
}

/* While they stood aside their turns passed: of this round they are the first. */
static void wake(const struct pool *p)
{
    void *value;

    for (size_t i = 0; has_place(p) && map_next(&p->sched->selectors, &i, &value);) {
        const struct selector *sel = value;
        if (!labels_satisfy(p->labels, sel->labels))
            continue;
        for (struct list *l = sel->lanes.next; l != &sel->lanes; l = l->next)
            lane_wake_first(LIST_OF(l, struct lane, alike));
    }
}

static void leave(struct placed *at)
{
    struct pool *p = at->pool;

    mem_free(at);
    p->used--;
    wake(p);
    forget_if_empty(p);
}

static void enter(struct sched_run *r, int64_t node, struct pool *p)
{
    struct placed *at = mem_alloc(sizeof(*at));

    *at = (struct placed){.pool = p, .confirmed = true};
    p->used++;
    map_set(&r->placed, node, at);
}

/* Places of all pools together are not less than slots: where none is free an attempt
 * stands that nobody has told of yet. */
void pool_take(struct sched_run *r, int64_t node, const struct lane *lane)
{
    const char *asked = lane->selector ? lane->selector->labels : NULL;
    struct pool *p = choose(r->sched, asked);

    if (p)
        enter(r, node, p);
}

void place_leave(struct sched_run *r, int64_t node)
{
    struct placed *at = map_del(&r->placed, node);

    if (at)
        leave(at);
}

void pools_free(struct sched *s)
{
    void *value;

    for (size_t i = 0; map_next(&s->pools, &i, &value);)
        pool_free(value);
    map_done(&s->pools);
    map_done(&s->selectors);
}

/* --- what is told from outside --- */

void sched_set_pool(struct sched *s, const char *labels, int64_t places)
{
    struct pool *p = pool_of(s, labels);

    p->places = places;
    wake(p);
    forget_if_empty(p);
}

static int64_t count_in_turn(const struct sched *s)
{
    const struct list *const rings[] = {&s->ring.now, &s->ring.later};
    int64_t n = 0;

    for (size_t i = 0; i < COUNT_OF(rings); i++)
        for (const struct list *l = rings[i]->next;
             l != rings[i] && n < SCHED_WANTED_MAX; l = l->next)
            n++;
    return n;
}

int64_t sched_wanted(const struct sched *s, const char *labels)
{
    /* What is about to be picked wants no place beside those that are free. */
    int64_t n = s->waiting > s->slots ? count_in_turn(s) : 0;
    void *value;

    for (size_t i = 0; n < SCHED_WANTED_MAX && map_next(&s->selectors, &i, &value);) {
        const struct selector *sel = value;

        n += (!labels || labels_satisfy(labels, sel->labels)) && lacks_place(sel);
    }
    return n;
}

bool sched_placed(struct sched_run *r, int64_t node, const char *labels)
{
    struct placed *at = map_get(&r->placed, node);

    if (at && strcmp(at->pool->labels, labels) == 0)
        return false;
    map_del(&r->placed, node);
    enter(r, node, pool_of(r->sched, labels));
    if (at)
        leave(at);
    return true;
}

/* --- after loading --- */

void places_doubt(struct sched_run *r)
{
    void *at;

    for (size_t i = 0; map_next(&r->placed, &i, &at);)
        ((struct placed *)at)->confirmed = false;
}

void places_confirm(struct sched_run *r, int64_t node)
{
    struct placed *at = map_get(&r->placed, node);

    if (at)
        at->confirmed = true;
}

void places_end_strays(struct sched_run *r)
{
    void *at;

    for (size_t i = 0; map_next(&r->placed, &i, &at);)
        if (!((const struct placed *)at)->confirmed)
            place_leave(r, map_key_int(&r->placed, i));
}

void places_free(struct sched_run *r)
{
    places_doubt(r);
    places_end_strays(r);
    map_done(&r->placed);
}
