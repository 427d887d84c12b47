/* store/positions.c - where each step of a run stands among the steps of all runs: in
 * the order in which they became durable, so that whoever reads on behind a position
 * misses nothing.
 *
 * Only the owner of the shard gives them, to batches in the order in which they are
 * committed: one group after the other, behind the check of the shard's row. What an
 * owner that lost the shard may still have under way is refused by that check, so
 * nothing comes late below a position that was seen. The epoch stands in front: an
 * owner need not know how far the one before it came. Numbers that were never committed
 * leave gaps, which mean nothing. Where several lead, each gives them to the steps of
 * its own tenants: one of another's, from another epoch, would stand before or behind
 * all that its leader writes. */
#include "store/store_priv.h"

#define EPOCH_SHIFT 40

int64_t position_first(int64_t epoch)
{
    return (int64_t)((uint64_t)epoch << EPOCH_SHIFT) + 1;
}

static bool is_step(const struct ff_change *c)
{
    return c->kind == FF_PUT && c->record == &record_event;
}

static bool is_ours(const struct fence *f, const struct ff_change *c)
{
    return range_has(f->range, (struct tenant){c->values[COL_EVENT_TENANT].i});
}

void position_batch(struct fence *f, struct batch *b)
{
    if (f->state != FENCE_HELD)
        return;
    for (size_t i = 0; i < b->n; i++) {
        const struct ff_change *c = &b->items[i];

        if (!is_step(c) || !is_ours(f, c))
            continue;
        /* They are the batch's own: const is for drivers. */
        struct ff_value *values = (struct ff_value *)(uintptr_t)c->values;

        values[COL_EVENT_POSITION] =
            (struct ff_value){.type = FF_INT, .i = f->next_position++};
    }
}

void store_on_step(struct store *s, store_step_fn *fn, void *arg)
{
    s->on_step = fn;
    s->step_arg = arg;
}

void position_tell(const struct store *s, const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct ff_change *c = &b->items[i];

        if (is_step(c))
            s->on_step(s->step_arg, (struct tenant){c->values[COL_EVENT_TENANT].i},
                       c->values[COL_EVENT_RUN].i);
    }
}
