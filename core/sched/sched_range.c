/* sched_range.c - ranges of nodes in the order in which they came. A million tasks that
 * are offered one by one are a million ranges, and what they cost is memory that is in
 * no cache: so those between the first and the last are eight bytes each, in chunks, as
 * the difference from the first one of their chunk. What does not fit into that begins
 * a chunk. */
#include "sched/sched_priv.h"

/* At places that are known, as what is retracted is searched for in all of them:
 * numbers of as few bytes as they need would take half of the memory, and four times as
 * long. */
struct step {
    int32_t node;
    uint32_t count : 8;
    uint32_t since_us : 24;
};

#define COUNT_MAX ((1 << 8) - 1)
#define SINCE_MAX ((1 << 24) - 1) /* some 17 seconds */

struct chunk {
    struct list link;
    struct range base;
    uint32_t from, to;     /* of what is in it; 0 is the base */
    struct step steps[25]; /* so it is four lines of a cache, with what malloc adds */
};

void ranges_init(struct ranges *q)
{
    list_init(&q->chunks);
}

void ranges_done(struct ranges *q)
{
    struct list *link;

    while ((link = list_first(&q->chunks))) {
        list_del(link);
        mem_free(LIST_OF(link, struct chunk, link));
    }
}

/* --- written down --- */

static struct range range_at(const struct chunk *c, uint32_t at)
{
    if (at == 0)
        return c->base;
    const struct step *step = &c->steps[at - 1];
    return (struct range){.node = c->base.node + step->node,
                          .count = step->count,
                          .since_us = c->base.since_us + step->since_us};
}

static void chunk_add(struct list *end, const struct range *base)
{
    struct chunk *c = mem_alloc(sizeof(*c));

    c->base = *base;
    c->to = 1;
    list_add_tail(end, &c->link);
}

static bool write_into(struct chunk *c, const struct range *range)
{
    const uint64_t node = (uint64_t)range->node - (uint64_t)c->base.node;
    const uint64_t later = (uint64_t)range->since_us - (uint64_t)c->base.since_us;

    if (c->to > COUNT_OF(c->steps) || range->count > COUNT_MAX || later > SINCE_MAX ||
        node + (UINT64_C(1) << 31) > UINT32_MAX)
        return false;
    c->steps[c->to++ - 1] = (struct step){.node = (int32_t)(int64_t)node,
                                          .count = (uint32_t)range->count & COUNT_MAX,
                                          .since_us = (uint32_t)later & SINCE_MAX};
    return true;
}

/* Behind all chunks that are before `end`: one of them, or the list itself. */
static void write_before(struct ranges *q, struct list *end, const struct range *range)
{
    if (range->count == 0)
        return;
    if (end->prev == &q->chunks ||
        !write_into(LIST_OF(end->prev, struct chunk, link), range))
        chunk_add(end, range);
}

/* --- in at the end, out at the beginning --- */

/* As long as there is any, one is the first. */
static void find_first(struct ranges *q)
{
    struct list *link = list_first(&q->chunks);

    if (q->first.count > 0)
        return;
    if (!link) {
        q->first = q->last;
        q->last.count = 0;
        return;
    }
    struct chunk *c = LIST_OF(link, struct chunk, link);
    q->first = range_at(c, c->from++);
    if (c->from < c->to)
        return;
    list_del(&c->link);
    mem_free(c);
}

static bool goes_on(const struct range *last, const struct range *range)
{
    return last->count > 0 && last->node + last->count == range->node &&
           last->since_us == range->since_us;
}

void ranges_add(struct ranges *q, const struct range *range)
{
    struct range *last =
        q->last.count == 0 && list_empty(&q->chunks) ? &q->first : &q->last;

    q->n_nodes += range->count;
    if (goes_on(last, range)) {
        last->count += range->count;
        return;
    }
    write_before(q, &q->chunks, &q->last);
    q->last = *range;
    find_first(q);
}

int64_t ranges_take(struct ranges *q)
{
    const int64_t node = q->first.node++;

    q->n_nodes--;
    if (--q->first.count == 0)
        find_first(q);
    return node;
}

/* --- out of the middle --- */

static int64_t overlap(const struct range *range, int64_t node, int64_t count)
{
    const int64_t end = range->node + range->count;
    const int64_t from = node > range->node ? node : range->node;
    const int64_t to = node + count < end ? node + count : end;

    return to > from ? to - from : 0;
}

static bool is_in(const struct chunk *c, int64_t node, int64_t count)
{
    const int64_t from = node - c->base.node, to = from + count;

    if (c->from == 0 && overlap(&c->base, node, count) > 0)
        return true;
    for (uint32_t at = c->from > 0 ? c->from - 1 : 0; at + 1 < c->to; at++) {
        const struct step *step = &c->steps[at];
        if (step->node < to && step->node + (int64_t)step->count > from)
            return true;
    }
    return false;
}

/* What remains on both sides is written before `end`; how many are gone. */
static int64_t cut(struct ranges *q, struct list *end, const struct range *range,
                   int64_t node, int64_t count)
{
    const int64_t gone = overlap(range, node, count);
    struct range left = *range, right = *range;

    if (gone > 0) {
        left.count = node > range->node ? node - range->node : 0;
        right.node += left.count + gone;
    }
    right.count -= left.count + gone;
    write_before(q, end, &left);
    write_before(q, end, &right);
    return gone;
}

static int64_t cut_chunk(struct ranges *q, struct chunk *c, int64_t node, int64_t count)
{
    int64_t gone = 0;

    while (c->from < c->to) {
        const struct range range = range_at(c, c->from++);
        gone += cut(q, &c->link, &range, node, count);
    }
    list_del(&c->link);
    mem_free(c);
    return gone;
}

static int64_t cut_one(struct ranges *q, struct list *end, struct range *range,
                       int64_t node, int64_t count)
{
    const struct range old = *range;

    if (overlap(range, node, count) == 0)
        return 0;
    range->count = 0;
    return cut(q, end, &old, node, count);
}

int64_t ranges_cut(struct ranges *q, int64_t node, int64_t count)
{
    int64_t gone = cut_one(q, q->chunks.next, &q->first, node, count);

    /* No node is there twice: with the last one found the rest is not searched, or a
     * cancel of 100,000 tasks would take a minute. */
    for (struct list *link = q->chunks.next; link != &q->chunks && gone < count;) {
        struct chunk *c = LIST_OF(link, struct chunk, link);
        link = link->next;
        if (is_in(c, node, count))
            gone += cut_chunk(q, c, node, count);
    }
    gone += cut_one(q, &q->chunks, &q->last, node, count);
    q->n_nodes -= gone;
    find_first(q);
    return gone;
}
