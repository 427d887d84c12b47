/* dag_signal.c - what people and programs tell a run, and to whom in it. What cannot be
 * taken is refused, and the history says so. */
#include "engine/dag_kind.h"

#include <string.h>

static void refuse(struct step *s, const struct signal *signal, const char *why)
{
    const char *task = json_string_value(json_object_get(signal->body, "task"));
    struct jsonw w = step_event(s, "request.refused");

    jsonw_key(&w, "request");
    jsonw_text(&w, signal->word);
    if (task) {
        jsonw_key(&w, "task");
        jsonw_text(&w, task);
    }
    jsonw_key(&w, "reason");
    jsonw_text(&w, why);
    step_event_end(s, &w);
}

/* The unit that {"task": NAME, "item": N} names, or NULL. */
static struct unit *unit_of(struct run *r, const struct signal *signal, int64_t *node)
{
    const char *name = json_string_value(json_object_get(signal->body, "task"));
    const json_t *item = json_object_get(signal->body, "item");
    const int64_t task = name ? flow_task_index(flow_of(r), name) : -1;
    const int64_t number = item ? json_integer_value(item) : -1;

    if (task < 0 || number < -1 || number >= FLOW_MAX_ITEMS)
        return NULL;
    *node = NODE_OF(task, number);
    return dag_unit(dag_of(r), *node);
}

/* A unit that is suspended, of this kind. */
static bool waits(const struct run *r, int64_t node, enum flow_kind kind)
{
    const struct unit *u = dag_unit(dag_of(r), node);

    return u && u->state == TASK_SUSPENDED &&
           flow_of(r)->tasks[NODE_TASK(node)].work->kind == kind;
}

/* A decision is for one unit, which must wait for one. */
static const char *decide(struct run *r, struct step *s, const struct input *in)
{
    int64_t node;

    if (!unit_of(r, in->signal, &node))
        return "no_such_task";
    if (!waits(r, node, FLOW_APPROVE))
        return "not_waiting";
    return dag_kind_of(r, node)->signal(r, s, node, in->signal);
}

/* One that does not wait any more, or for another event, has nothing to refuse. */
static const char *offer(struct run *r, struct step *s, const struct input *in,
                         int64_t node, int64_t attempt)
{
    if (!waits(r, node, FLOW_WAIT_EVENT) ||
        dag_unit(dag_of(r), node)->attempt != attempt)
        return NULL;
    const char *why = dag_kind_of(r, node)->signal(r, s, node, in->signal);
    s->taken = s->taken || !why;
    return why && strcmp(why, DAG_NOT_WANTED) != 0 ? why : NULL;
}

static const char *offer_one(struct run *r, struct step *s, const struct input *in)
{
    return offer(r, s, in, in->node, in->attempt);
}

/* An event is for all that were waiting for it when it was told: [[node, attempt]]. */
static const char *offer_all(struct run *r, struct step *s, const struct input *in)
{
    const json_t *to = json_object_get(in->signal->body, "to");
    const char *why = NULL;

    for (size_t i = 0; i < json_array_size(to); i++) {
        const json_t *pair = json_array_get(to, i);
        const char *one = offer(r, s, in, json_integer_value(json_array_get(pair, 0)),
                                json_integer_value(json_array_get(pair, 1)));
        why = one ? one : why;
    }
    return why;
}

static const char *reset(struct run *r, struct step *s, const struct input *in)
{
    return dag_reset_open(r, s, in->signal->body);
}

static const struct {
    const char *word;
    const char *(*apply)(struct run *r, struct step *s, const struct input *in);
} words[] = {
    {"approve", decide},      {"reject", decide}, {SIGNAL_KEPT, offer_one},
    {"event", offer_all},     {"reset", reset},   {"pause", dag_pause},
    {"unpause", dag_unpause},
};

void dag_signal(struct run *r, struct step *s, const struct input *in)
{
    const char *why = "unknown";

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i].word, in->signal->word) == 0)
            why = words[i].apply(r, s, in);
    if (why)
        refuse(s, in->signal, why);
}
