/* queues.c - which queues are paused: rows that people write, read with every scan.
 * Before the first scan nothing is given away, so a pause holds from the start. */
#include "control/control_priv.h"

#include <string.h>

static int add_queue(void *arg, const void *row)
{
    struct paused_queues *queues = arg;
    const struct queue_pause_row *pause = row;
    const struct paused_queue queue = {
        .tenant = pause->tenant,
        .name = arena_text(&queues->arena, pause->name.s, pause->name.len)};

    ARRAY_ADD(queues, queue);
    return 0;
}

int control_queues_scan(struct control *c, struct paused_queues *queues,
                        struct ff_err *err)
{
    return store_scan(c->setup.store, STORE_READER_LANE,
                      &(struct store_query){.record = &record_queue_pause}, add_queue,
                      queues, err);
}

static bool has(const struct paused_queues *queues, const struct paused_queue *one)
{
    for (size_t i = 0; i < queues->n; i++)
        if (queues->items[i].tenant == one->tenant &&
            strcmp(queues->items[i].name, one->name) == 0)
            return true;
    return false;
}

void control_queues_take(struct control *c, struct paused_queues *queues)
{
    for (size_t i = 0; i < c->queues.n; i++) {
        const struct paused_queue *before = &c->queues.items[i];
        if (!has(queues, before))
            sched_set_paused(c->sched, before->tenant, before->name, false);
    }
    for (size_t i = 0; i < queues->n; i++)
        sched_set_paused(c->sched, queues->items[i].tenant, queues->items[i].name,
                         true);
    control_queues_done(&c->queues);
    c->queues = *queues;
    *queues = (struct paused_queues){0};
}

void control_queues_done(struct paused_queues *queues)
{
    ARRAY_DONE(queues);
    arena_done(&queues->arena);
    *queues = (struct paused_queues){0};
}
