/* sched_hold.c - which node has which places, from its grant until it is durable that
 * its attempt has ended. */
#include "sched/sched_priv.h"

/* As many as a busy scheduler has on their way from one turn to the next. */
#define SPARE_MAX 256

static struct hold *spare_hold(struct sched *s)
{
    struct list *link = list_first(&s->spare);

    if (!link)
        return mem_alloc(sizeof(struct hold));
    s->n_spare--;
    list_del(link);
    struct hold *h = LIST_OF(link, struct hold, link);
    *h = (struct hold){0};
    return h;
}

static struct hold *hold_new(struct sched_run *r, int64_t node, uint32_t n)
{
    struct hold *h = spare_hold(r->sched);

    h->node = node;
    h->places = n <= COUNT_OF(h->few) ? h->few : mem_array(n, sizeof(*h->places));
    list_init(&h->link);
    list_add_tail(&r->holds, &h->link);
    map_set(&r->by_node, node, h);
    return h;
}

static void return_places(struct hold *h)
{
    for (uint32_t i = 0; i < h->n; i++) {
        struct held *held = &h->places[i];
        if (held->token)
            limit_return_token(held->token);
        if (held->token || held->per_us > 0)
            continue;
        limit_return(held->limit, held->place);
        limit_unref(
            held->limit); /* another one that was told it may have returned it */
    }
}

/* It is not found by its node any more. */
static void hold_free(struct sched_run *r, struct hold *h)
{
    struct sched *s = r->sched;

    list_del(&h->link);
    return_places(h);
    if (h->places != h->few)
        mem_free(h->places);
    if (s->n_spare >= SPARE_MAX) {
        mem_free(h);
        return;
    }
    s->n_spare++;
    list_add_tail(&s->spare, &h->link);
}

void hold_forget_spare(struct sched *s)
{
    struct list *link;

    while ((link = list_first(&s->spare))) {
        list_del(link);
        mem_free(LIST_OF(link, struct hold, link));
    }
}

static void add_places(struct hold *h, const struct lane_need *need)
{
    need->limit->n_grants++;
    for (int64_t i = 0; i < need->amount; i++) {
        struct held held = {.limit = need->limit, .per_us = need->per_us};
        if (need->per_us > 0) {
            held.token = limit_take_token(need->limit);
            held.place = held.token->place;
        } else {
            held.place = limit_take(need->limit);
            need->limit->n_refs++;
        }
        h->places[h->n++] = held;
    }
}

void hold_take(struct sched_run *r, int64_t node, const struct lane *lane)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < lane->n_needs; i++)
        n += lane->needs[i].amount;
    struct hold *h = hold_new(r, node, (uint32_t)n);
    for (uint32_t i = 0; i < lane->n_needs; i++)
        add_places(h, &lane->needs[i]);
}

/* --- the life of a grant --- */

void sched_started(struct sched_run *r, int64_t node, int64_t now_us,
                   sched_place_fn *fn, void *arg)
{
    struct hold *h = map_get(&r->by_node, node);

    if (!h || h->started)
        return;
    h->started = h->confirmed = true;
    for (uint32_t i = 0; i < h->n; i++) {
        struct held *held = &h->places[i];
        struct sched_place place = {.name = held->limit->name, .place = held->place};
        if (held->token) {
            place.until_us = now_us + held->per_us;
            heap_del(&r->sched->tokens, &held->token->item);
            held->token->item.when = place.until_us;
            heap_add(&r->sched->tokens, &held->token->item);
            held->token = NULL; /* from now on it goes by the clock */
        }
        fn(arg, &place);
    }
}

static void say_places(const struct hold *h, sched_place_fn *fn, void *arg)
{
    for (uint32_t i = 0; i < h->n; i++) {
        const struct held *held = &h->places[i];
        if (held->per_us > 0)
            continue; /* by time alone; its limit may be gone */
        const struct sched_place place = {.name = held->limit->name,
                                          .place = held->place};
        fn(arg, &place);
    }
}

static void end_hold(struct sched_run *r, struct hold *h, sched_place_fn *fn, void *arg)
{
    h->ending = true;
    list_del(&h->link);
    list_add_tail(&r->ending, &h->link);
    say_places(h, fn, arg);
}

void sched_ended(struct sched_run *r, int64_t node, sched_place_fn *fn, void *arg)
{
    struct hold *h = map_del(&r->by_node, node);

    place_leave(r, node);
    if (!h)
        return;
    if (h->started)
        end_hold(r, h, fn, arg);
    else
        hold_free(r, h); /* no row tells of it */
}

static void free_all(struct sched_run *r, struct list *holds)
{
    struct list *link;

    while ((link = list_first(holds)))
        hold_free(r, LIST_OF(link, struct hold, link));
}

void sched_settled(struct sched_run *r)
{
    free_all(r, &r->ending);
}

/* --- after loading --- */

void sched_drop_holds(struct sched_run *r)
{
    map_done(&r->by_node);
    r->by_node = (struct map){0};
    free_all(r, &r->holds);
    free_all(r, &r->ending);
    places_doubt(r);
}

/* The place of one more. */
static struct held *add_place(struct hold *h)
{
    if (h->n < COUNT_OF(h->few)) {
        h->n++;
        return &h->places[h->n - 1];
    }
    if (h->places == h->few) {
        h->places = mem_array(h->n + 1, sizeof(*h->places));
        for (uint32_t i = 0; i < h->n; i++)
            h->places[i] = h->few[i];
    } else {
        h->places = mem_grow(h->places, h->n + 1, sizeof(*h->places));
    }
    return &h->places[h->n++];
}

void sched_hold(struct sched_run *r, int64_t node, const char *name, int64_t place)
{
    struct hold *h = map_get(&r->by_node, node);

    if (!sched_is_place(place))
        return;
    struct limit *limit = limit_of(r->project->tenant, name);
    if (!h)
        h = hold_new(r, node, 1);
    h->started = true;
    limit_take_place(limit, place);
    *add_place(h) = (struct held){.limit = limit, .place = place};
}

void sched_confirm(struct sched_run *r, int64_t node)
{
    struct hold *h = map_get(&r->by_node, node);

    if (h)
        h->confirmed = true;
    places_confirm(r, node);
}

size_t sched_end_strays(struct sched_run *r, sched_place_fn *fn, void *arg)
{
    size_t n = 0;

    for (struct list *link = r->holds.next; link != &r->holds;) {
        struct hold *h = LIST_OF(link, struct hold, link);
        link = link->next;
        if (!h->started || h->confirmed)
            continue;
        map_del(&r->by_node, h->node);
        end_hold(r, h, fn, arg);
        n++;
    }
    places_end_strays(r);
    return n;
}
