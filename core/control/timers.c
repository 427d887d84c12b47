/* timers.c - what is due when. One heap over all runs and one timer of the loop for
 * its first entry; nothing ticks while nothing is due. Times come as wall clock, since
 * rows outlive processes, and are kept as monotonic: setting the clock of the machine
 * must neither hasten nor delay a retry. */
#include "control/control_priv.h"

static int64_t timer_key(int64_t node, enum timer_kind kind)
{
    return node * 8 + (int64_t)kind; /* node < 2^50: there are 200,000 tasks at most */
}

void control_timer_set(struct live *l, int64_t node, enum timer_kind kind, int64_t at)
{
    struct control *c = l->control;
    struct run_timer *t = map_del(&l->timers, timer_key(node, kind));

    if (t)
        heap_del(&c->timers, &t->item);
    if (at == 0) {
        mem_free(t);
        return;
    }
    if (!t)
        t = mem_alloc(sizeof(*t));
    t->live = l;
    t->node = node;
    t->kind = kind;
    t->item.when = loop_mono_us(c->setup.loop) + at - loop_wall_us(c->setup.loop);
    heap_add(&c->timers, &t->item);
    map_set(&l->timers, timer_key(node, kind), t);
}

void control_timers_clear(struct live *l)
{
    void *value;

    for (size_t i = 0; map_next(&l->timers, &i, &value);) {
        struct run_timer *t = value;
        heap_del(&l->control->timers, &t->item);
        mem_free(t);
    }
    map_done(&l->timers);
    l->timers = (struct map){0};
}

static void on_timer(void *arg)
{
    struct control *c = arg;
    const int64_t now = loop_mono_us(c->setup.loop);
    struct heap_item *first;

    while ((first = heap_first(&c->timers)) && first->when <= now) {
        struct run_timer *t = (struct run_timer *)(void *)first;
        const struct queued q = {
            .in = {.type = INPUT_TIMER, .node = t->node, .timer = t->kind}};
        struct live *l = t->live;
        heap_del(&c->timers, first);
        map_del(&l->timers, timer_key(t->node, t->kind));
        mem_free(t);
        control_queue(l, &q);
    }
    control_timers_arm(c);
}

void control_timers_arm(struct control *c)
{
    const struct heap_item *first = heap_first(&c->timers);

    if (c->timer && first && c->timer_at == first->when)
        return;
    loop_timer_del(c->timer);
    if (!first)
        return;
    const int64_t delay = first->when - loop_mono_us(c->setup.loop);
    c->timer_at = first->when;
    loop_timer_add(c->setup.loop, delay > 0 ? delay : 0, on_timer, c, &c->timer);
}

/* --- hints said again, and the sweep --- */

static void collect_untaken(struct control *c, const struct live *l)
{
    void *value;

    for (size_t i = 0; map_next(&l->untaken, &i, &value);) {
        const struct attempt_key key = {
            .tenant = l->tenant,
            .run = l->no,
            .node = map_key_int(&l->untaken, i),
            .attempt = (int64_t)(intptr_t)value,
        };
        if (l->run && l->run->kind->is_current(l->run, key.node, key.attempt))
            ARRAY_ADD(&c->starts, key);
    }
}

static void on_rehint(void *arg)
{
    struct control *c = arg;
    void *value;

    for (size_t i = 0; map_next(&c->lives, &i, &value);)
        collect_untaken(c, value);
    if (c->starts.n > 0)
        log_debug("%zu starts that nobody took are said again", c->starts.n);
    control_flush(c); /* arms the next one when there were any */
}

void control_arm_rehint(struct control *c)
{
    if (!c->rehint && !c->draining)
        loop_timer_add(c->setup.loop, REHINT_US, on_rehint, c, &c->rehint);
}

static void on_sweep(void *arg)
{
    control_scan(arg);
}

/* Only while there is work: an idle process does nothing. */
void control_arm_sweep(struct control *c)
{
    if (!c->sweep && !c->draining && c->lives.n > 0)
        loop_timer_add(c->setup.loop, SWEEP_US, on_sweep, c, &c->sweep);
}

/* A scan failed. Whoever knocked was promised that somebody looks, and an idle owner
 * has no sweep. */
void control_arm_rescan(struct control *c)
{
    loop_timer_del(c->sweep);
    loop_timer_add(c->setup.loop, RETRY_US, on_sweep, c, &c->sweep);
}
