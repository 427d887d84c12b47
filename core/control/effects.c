/* effects.c - what a step wants done: with memory at once, with the world only when
 * its batch is durable. */
#include "control/control_priv.h"

#include <string.h>

static struct attempt_key key_of(const struct live *l, int64_t node, int64_t attempt)
{
    return (struct attempt_key){
        .tenant = l->tenant, .run = l->no, .node = node, .attempt = attempt};
}

static void give_back(struct live *l, int64_t node)
{
    l->granted--;
    sched_return_slot(l->sched);
    control_limits_freed(l, node);
}

/* What was on its way to the node when it began again. */
static void forget_inputs(struct live *l, int64_t node)
{
    for (size_t i = l->n_taken; i < l->inputs.n; i++) {
        struct queued *q = &l->inputs.items[i];
        if (q->is_void || q->in.node != node ||
            (q->in.type != INPUT_GRANT && q->in.type != INPUT_TIMER) ||
            (q->in.type == INPUT_TIMER && q->in.timer == TIMER_RUN))
            continue;
        q->is_void = true;
        if (q->in.type == INPUT_GRANT)
            give_back(l, node);
    }
}

void control_now_effects(struct live *l)
{
    for (; l->n_effects < l->step.effects.n; l->n_effects++) {
        const struct effect *e = &l->step.effects.items[l->n_effects];
        switch (e->type) {
        case EFFECT_OFFER:
            control_offer(l, e);
            break;
        case EFFECT_RETRACT:
            sched_retract(l->sched, e->node, e->count);
            break;
        case EFFECT_FREE:
            give_back(l, e->node);
            break;
        case EFFECT_FORGET:
            forget_inputs(l, e->node);
            break;
        case EFFECT_START:
            control_limits_started(l, e->node, e->attempt);
            break;
        case EFFECT_ADMIT:
            control_admit(l, e);
            break;
        case EFFECT_ENDED:
            control_admit_ended(l);
            break;
        case EFFECT_AWAIT:
            control_await(l, e);
            break;
        case EFFECT_TIMER:
            control_timer_set(l, e->node, e->timer, e->at_us);
            break;
        case EFFECT_LOOK_UP:
            control_asks(l, e->node);
            break;
        case EFFECT_ADOPT:
            l->granted++;
            sched_take_slot(l->sched);
            sched_confirm(l->sched, e->node);
            break;
        default:
            break; /* waits until the batch is durable */
        }
    }
}

static void after_effect(struct live *l, const struct effect *e)
{
    struct control *c = l->control;
    const struct control_sink *sink = &c->setup.sink;
    const struct attempt_key key = key_of(l, e->node, e->attempt);

    switch (e->type) {
    case EFFECT_START:
        map_set(&l->untaken, e->node, (void *)(intptr_t)e->attempt);
        ARRAY_ADD(&c->starts, key);
        break;
    case EFFECT_ADOPT:
        ARRAY_ADD(&c->adopts, key);
        break;
    case EFFECT_LOOK_UP:
        control_look_up(l, e->node, e->key);
        break;
    case EFFECT_CHILD:
        control_look(l, e);
        break;
    case EFFECT_STOP:
        control_flush(c); /* a stop must not overtake its own start */
        sink->stop(sink->arg, &key, e->grace_us);
        break;
    default:
        break;
    }
}

static void tell_applied(struct live *l)
{
    const struct control_sink *sink = &l->control->setup.sink;

    for (size_t i = 0; i < l->applied.n; i++) {
        struct queued *q = &l->applied.items[i];
        if (q->in.type == INPUT_RESULT && !q->inner) {
            const struct attempt_key key = key_of(l, q->in.node, q->in.attempt);
            sink->settled(sink->arg, &key);
            probe_attempt_end(key.run, key.node, key.attempt, q->result->outcome);
            if (l->control->watch.ended)
                l->control->watch.ended(l->control->watch.arg, q->result);
        }
        control_inbox_durable(l->control, q->inbox_no);
        control_kept_durable(l, q);
        control_queued_done(q, FF_OK);
    }
    l->applied.n = 0;
}

void control_refuse_inputs(struct live *l)
{
    const struct control_sink *sink = &l->control->setup.sink;

    for (size_t i = 0; i < l->inputs.n; i++) {
        struct queued *q = &l->inputs.items[i];
        if (q->in.type == INPUT_RESULT && !q->inner) {
            const struct attempt_key key = key_of(l, q->in.node, q->in.attempt);
            sink->settled(sink->arg, &key);
        }
        control_kept_refused(l, q);
        control_queued_done(q, FF_NOT_FOUND);
    }
    l->inputs.n = 0;
}

void control_stands_no_more(struct live *l)
{
    l->control->n_standing -= l->standing;
    l->standing = false;
}

bool control_after_effects(struct live *l)
{
    struct control *c = l->control;
    const struct control_listener *listener = &c->setup.listener;
    const bool ended = run_state_final(l->run->row.state);

    FAILPOINT("control.effects.before");
    control_load_children(l);
    for (size_t i = 0; i < l->step.effects.n; i++)
        after_effect(l, &l->step.effects.items[i]);
    control_stands_no_more(l);
    sched_settled(l->sched);
    tell_applied(l);
    step_reset(&l->step);
    l->n_effects = 0;
    l->n_put = l->n_put_inside = 0;
    if (listener->changed)
        listener->changed(listener->arg, &l->run->row);
    if (!ended)
        return true;
    control_tell_parent(c, &l->run->row);
    control_refuse_inputs(l);
    map_del(&c->lives, l->no);
    control_live_free(l);
    return false;
}

/* --- starts and adoptions, many in one call --- */

#define PUBLISH_MAX 256

static void on_published(void *arg, int code, const struct ff_err *err)
{
    struct control *c = arg;

    c->n_busy--;
    if (code != FF_OK && code != FF_CANCELLED)
        log_warn("queue: %s; the starts are said again", err->msg);
    if (code != FF_OK)
        control_arm_rehint(c);
    control_check_drained(c);
}

static void publish(struct control *c, const struct attempt_key *keys, size_t n)
{
    struct ff_message messages[PUBLISH_MAX];
    char bodies[PUBLISH_MAX][ATTEMPT_KEY_TEXT];

    for (size_t i = 0; i < n; i++) {
        attempt_key_text(&keys[i], bodies[i]);
        messages[i] = (struct ff_message){
            .struct_size = sizeof(messages[i]),
            .topic = c->setup.topic,
            .id = bodies[i],
            .body = bodies[i],
            .len = strlen(bodies[i]),
        };
    }
    c->n_busy++;
    FAILPOINT("control.publish.before");
    c->queue_ops->publish(c->queue, messages, n,
                          driver_op(c->setup.queue, on_published, c));
    FAILPOINT("control.publish.after");
}

void control_flush(struct control *c)
{
    const struct control_sink *sink = &c->setup.sink;

    for (size_t i = 0; i < c->starts.n; i += PUBLISH_MAX) {
        const size_t left = c->starts.n - i;
        publish(c, &c->starts.items[i], left < PUBLISH_MAX ? left : PUBLISH_MAX);
    }
    if (c->starts.n > 0)
        control_arm_rehint(c);
    if (c->starts.n > 0 && c->watch.started)
        c->watch.started(c->watch.arg, c->starts.n);
    c->starts.n = 0;
    control_look_ups_go(c);
    if (c->adopts.n > 0)
        FAILPOINT("control.adopt.before");
    if (c->adopts.n > 0)
        sink->adopt(sink->arg, c->adopts.items, c->adopts.n);
    c->adopts.n = 0;
    if (c->told_adopted || !c->began || c->n_standing > 0)
        return;
    c->told_adopted = true;
    if (sink->all_adopted)
        sink->all_adopted(sink->arg);
}

void control_check_idle(struct control *c)
{
    const bool idle = c->lives.n == 0 && !control_loading(c) && !c->scan_again;

    if (idle && !c->was_idle && c->setup.listener.idle) {
        c->was_idle = true;
        c->setup.listener.idle(c->setup.listener.arg);
    }
    c->was_idle = idle;
}
