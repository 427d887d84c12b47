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

/* A decision is for one unit, which must wait for one. */
static const char *decide(struct run *r, struct step *s, const struct signal *signal)
{
    int64_t node;
    const struct unit *u = unit_of(r, signal, &node);

    if (!u)
        return "no_such_task";
    if (u->state != TASK_SUSPENDED || !dag_kind_of(r, node)->signal)
        return "not_waiting";
    return dag_kind_of(r, node)->signal(r, s, node, signal);
}

static const struct {
    const char *word;
    const char *(*apply)(struct run *r, struct step *s, const struct signal *signal);
} words[] = {
    {"approve", decide},
    {"reject", decide},
};

void dag_signal(struct run *r, struct step *s, const struct signal *signal)
{
    const char *why = "unknown";

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i].word, signal->word) == 0)
            why = words[i].apply(r, s, signal);
    if (why)
        refuse(s, signal, why);
}
