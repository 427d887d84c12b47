/* sched_ring.c - weighted rounds: in each round each member gets as many picks as it
 * weighs, and one that was away meanwhile gets what is left of them. Deficit round
 * robin (Shreedhar and Varghese 1995) where everything costs one; each step is O(1).
 *
 * Two lists, so that who leaves and comes back neither loses its turn of this round nor
 * gets a second one. */
#include "sched/sched_priv.h"

void ring_init(struct fair_ring *ring)
{
    list_init(&ring->now);
    list_init(&ring->later);
    ring->round = 1;
}

void share_init(struct fair_share *share)
{
    list_init(&share->link);
    share->weight = 1;
}

static void enter_round(const struct fair_ring *ring, struct fair_share *share)
{
    if (share->round == ring->round)
        return;
    share->round = ring->round;
    share->credit = share->weight;
}

void ring_add(struct fair_ring *ring, struct fair_share *share)
{
    if (!list_empty(&share->link))
        return;
    enter_round(ring, share);
    list_add_tail(share->credit > 0 ? &ring->now : &ring->later, &share->link);
}

void ring_del(struct fair_share *share)
{
    list_del(&share->link);
}

bool ring_empty(const struct fair_ring *ring)
{
    return list_empty(&ring->now) && list_empty(&ring->later);
}

static void begin_round(struct fair_ring *ring)
{
    ring->round++;
    ring->now = ring->later;
    ring->now.next->prev = &ring->now;
    ring->now.prev->next = &ring->now;
    list_init(&ring->later);
}

struct fair_share *ring_first(struct fair_ring *ring)
{
    if (ring_empty(ring))
        return NULL;
    if (list_empty(&ring->now))
        begin_round(ring);
    struct fair_share *first = LIST_OF(ring->now.next, struct fair_share, link);
    enter_round(ring, first);
    return first;
}

void ring_to_front(struct fair_ring *ring, struct fair_share *share)
{
    if (list_empty(&share->link))
        return;
    enter_round(ring, share);
    if (share->credit == 0)
        return;
    list_del(&share->link);
    list_add_tail(ring->now.next, &share->link); /* before the first */
}

bool ring_spend(struct fair_ring *ring, struct fair_share *share)
{
    if (--share->credit > 0)
        return false;
    list_del(&share->link);
    list_add_tail(&ring->later, &share->link);
    return true;
}
