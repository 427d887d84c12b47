/* schedule_event.c - an event for schedules that wait for one of its name: a row, which
 * the owner deletes in the commit that starts their runs. */
#include "node/schedule_priv.h"

struct telling {
    struct node *node;
    const char *name;
    int64_t n;
};

static void count_one(void *arg, const struct schedule_row *row)
{
    struct telling *t = arg;
    struct ff_err ignored;
    struct schedule *s = node_schedule_open(t->node, row, &ignored);

    t->n += s && schedule_wants(s, FLOW_TRIGGER_EVENT, span_of(t->name), 0);
    schedule_free(s);
}

int node_schedule_event(struct node *n, struct tenant t, const char *name,
                        const json_t *data, int64_t *n_told, struct ff_err *err)
{
    struct telling telling = {.node = n, .name = name};
    MEM_AUTO char *body = data ? json_text(data) : NULL;
    const uint64_t random = loop_random(n->loop);
    struct batch b = {0};
    char id[ID_TEXT];
    int code = node_schedules(n, t, NULL, count_one, &telling, err);

    *n_told = telling.n;
    if (code != FF_OK || telling.n == 0)
        return code;
    id_make(loop_wall_us(n->loop), random, loop_random(n->loop), id);
    const struct occurrence_row row = {
        .tenant = t.no,
        .id = span_of(id),
        .kind = span_of(flow_trigger_names[FLOW_TRIGGER_EVENT]),
        .name = span_of(name),
        .run = MODEL_NULL,
        .body = span_of(body),
        .at = loop_wall_us(n->loop),
    };
    batch_put(&b, &record_occurrence, &row, FF_ABSENT);
    code = store_commit_now(n->store, &b, NULL, err);
    batch_done(&b);
    return code;
}
