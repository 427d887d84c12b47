/* dag_limits.c - what a unit wants of limits when it is offered to the scheduler. What
 * it then holds is the business of the shell; the engine only says the names. */
#include "engine/dag_priv.h"

#include <string.h>

static const char *const prefixes[] = {
    [FLOW_SEMAPHORE] = "semaphore:",
    [FLOW_MUTEX] = "mutex:",
    [FLOW_RATE] = "rate:",
};
static const char *const keys[] = {
    [FLOW_SEMAPHORE] = "semaphores",
    [FLOW_MUTEX] = "mutex",
    [FLOW_RATE] = "rate.key",
};

/* Other values than text are written as JSON, as in env. */
static const char *name_of(struct dag_scope *sc, const struct flow_limit *limit,
                           struct arena *arena, struct ff_err *err)
{
    const char *prefix = prefixes[limit->kind];
    struct buf text = {0};
    const char *name = NULL;
    json_t *v = dag_eval(sc, limit->name, err);

    if (!v)
        return NULL;
    buf_add_text(&text, prefix);
    if (json_typeof(v) == JSON_STRING)
        buf_add(&text, json_string_value(v), json_string_length(v));
    else
        json_add_to(&text, v);
    json_decref(v);
    const size_t len = text.len - strlen(prefix);
    if (len == 0 || len > FLOW_MAX_LIMIT_NAME)
        ff_fail(err, FF_INVALID, 0, "%s: gives %zu bytes, must give 1 to %d",
                keys[limit->kind], len, FLOW_MAX_LIMIT_NAME);
    else
        name = arena_text(arena, buf_text(&text), text.len);
    buf_done(&text);
    return name;
}

const struct limit_need *dag_limits(struct run *r, int64_t node, struct arena *arena,
                                    struct ff_err *err)
{
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    const struct flow_limits *limits = t->policy->limits;
    struct limit_need *needs = arena_alloc(arena, limits->n * sizeof(*needs));
    const struct unit *u = dag_unit(dag_of(r), node);
    struct dag_scope sc;
    bool good = true;

    /* As for what an attempt is rendered from: the same whenever it is asked for. */
    dag_scope_init(&sc, r, t, NODE_ITEM(node), u->attempt + (u->state != TASK_RUNNING),
                   r->row.started_at);
    for (uint32_t i = 0; good && i < limits->n; i++) {
        const struct flow_limit *limit = &limits->items[i];
        needs[i] = (struct limit_need){
            .name = name_of(&sc, limit, arena, err),
            .amount = limit->amount,
            .size = limit->size,
            .per_us = limit->per_us,
        };
        good = needs[i].name != NULL;
    }
    dag_scope_done(&sc);
    return good ? needs : NULL;
}

static void offer_one(struct run *r, struct step *s, struct effect *e)
{
    const struct flow_policy *policy = flow_of(r)->tasks[NODE_TASK(e->node)].policy;
    struct ff_err err;

    /* A name that cannot be made is told by the attempt, which fails for it: an end in
     * the midst of offering would offer others from inside. */
    e->limits = dag_limits(r, e->node, &s->batch.arena, &err);
    e->n_limits = e->limits ? policy->limits->n : 0;
    step_effect(s, *e);
}

void dag_offer_effect(struct run *r, struct step *s, int64_t node, int64_t count)
{
    const struct flow_policy *policy = flow_of(r)->tasks[NODE_TASK(node)].policy;
    struct effect e = {.type = EFFECT_OFFER,
                       .node = node,
                       .count = count,
                       .priority = (int32_t)policy->priority,
                       .queue = policy->queue,
                       .node_selector = policy->node_selector};

    if (!policy->limits) {
        step_effect(s, e);
    } else if (policy->limits->all_constant) {
        offer_one(r, s, &e);
    } else {
        e.count = 1;
        for (; count > 0; count--, e.node++)
            offer_one(r, s, &e);
    }
}
