/* sched_limit.c - the places of a limit: which are taken, how many there are, and those
 * of rates, which are free again by time alone. */
#include "sched/sched_priv.h"

#include <string.h>

#define WORD 64

struct limit *limit_of(struct fair_tenant *t, const char *name)
{
    struct limit *limit = map_get_text(&t->limits, name);

    if (!limit) {
        limit = mem_alloc(sizeof(*limit));
        limit->sched = t->sched;
        limit->tenant = t;
        limit->name = mem_text(name);
        limit->size = -1;
        list_init(&limit->waiters);
        map_set_text(&t->limits, name, limit);
    }
    limit->n_refs++;
    return limit;
}

void limit_unref(struct limit *limit)
{
    if (--limit->n_refs > 0)
        return;
    map_del_text(&limit->tenant->limits, limit->name);
    limit_forget(limit);
}

void limit_forget(struct limit *limit)
{
    ARRAY_DONE(&limit->taken);
    mem_free(limit->name);
    mem_free(limit);
}

/* --- places --- */

static bool is_taken(const struct limit *limit, int64_t place)
{
    const size_t word = (size_t)place / WORD;

    return word < limit->taken.n && limit->taken.items[word] >> (place % WORD) & 1;
}

/* Told twice, it is held once. */
void limit_take_place(struct limit *limit, int64_t place)
{
    const size_t word = (size_t)place / WORD;

    if (is_taken(limit, place))
        return;
    while (limit->taken.n <= word)
        ARRAY_ADD(&limit->taken, 0);
    limit->taken.items[word] |= UINT64_C(1) << (place % WORD);
    limit->held++;
    limit->n_refs++;
}

int64_t limit_take(struct limit *limit)
{
    while (limit->low < limit->taken.n && limit->taken.items[limit->low] == UINT64_MAX)
        limit->low++;
    const uint64_t word =
        limit->low < limit->taken.n ? limit->taken.items[limit->low] : 0;
    const int64_t place =
        (int64_t)(limit->low * WORD) + (int64_t)__builtin_ctzll(~word);
    limit_take_place(limit, place);
    return place;
}

void limit_return(struct limit *limit, int64_t place)
{
    const size_t word = (size_t)place / WORD;

    if (!is_taken(limit, place))
        return;
    limit->taken.items[word] &= ~(UINT64_C(1) << (place % WORD));
    limit->held--;
    if (word < limit->low)
        limit->low = word;
    lane_wake(limit);
    limit_unref(limit);
}

/* --- rates --- */

static struct token *add_token(struct limit *limit, int64_t place, int64_t until_us)
{
    struct token *token = mem_alloc(sizeof(*token));

    token->limit = limit;
    token->place = place;
    token->item.when = until_us;
    heap_add(&limit->sched->tokens, &token->item);
    return token;
}

struct token *limit_take_token(struct limit *limit)
{
    return add_token(limit, limit_take(limit), INT64_MAX);
}

void limit_return_token(struct token *token)
{
    heap_del(&token->limit->sched->tokens, &token->item);
    limit_return(token->limit, token->place);
    mem_free(token);
}

void sched_set_now(struct sched *s, int64_t now_us)
{
    struct heap_item *first;

    s->now_us = now_us;
    while ((first = heap_first(&s->tokens)) && first->when <= now_us)
        limit_return_token((struct token *)(void *)first);
}

int64_t sched_next_us(const struct sched *s)
{
    const struct heap_item *first = heap_first(&s->tokens);

    return first && s->n_rated > 0 && first->when != INT64_MAX ? first->when : 0;
}

/* --- what is told from outside --- */

void sched_set_size(struct sched *s, int64_t tenant, const char *name, int64_t size)
{
    struct limit *limit = limit_of(sched_tenant(s, tenant), name);

    limit->n_refs += (limit->size < 0 && size >= 0);
    limit->n_refs -= (limit->size >= 0 && size < 0);
    limit->size = size;
    /* What was kept for one that wants more than there is now would be kept for ever.
     */
    for (struct list *link = limit->waiters.next; link != &limit->waiters;
         link = link->next)
        LIST_OF(link, struct lane_need, link)->lane->overdue = false;
    lane_wake(limit);
    limit_unref(limit);
}

void sched_hold_rate(struct sched *s, int64_t tenant, const char *name, int64_t place,
                     int64_t until_us)
{
    if (!sched_is_place(place))
        return;
    struct limit *limit = limit_of(sched_tenant(s, tenant), name);

    if (!is_taken(limit, place)) {
        limit_take_place(limit, place);
        add_token(limit, place, until_us);
    }
    limit_unref(limit);
}

int64_t sched_held(const struct sched *s, int64_t tenant, const char *name)
{
    const struct fair_tenant *t = map_get(&s->tenants, tenant);
    const struct limit *limit = t ? map_get_text(&t->limits, name) : NULL;

    return limit ? limit->held : 0;
}
