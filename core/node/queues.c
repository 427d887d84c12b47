/* queues.c - people pause queues, and end that: a row for as long as it lasts. */
#include "node/node_priv.h"

static int check_name(const char *name, struct ff_err *err)
{
    if (text_is_name(name, true))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0,
                   "\"%.80s\" is no name of a queue: a-z, 0-9, _ and -, no digit or - "
                   "first",
                   name);
}

static int note_version(void *arg, const void *row)
{
    *(int64_t *)arg = ((const struct queue_pause_row *)row)->version;
    return 1;
}

/* Is it paused? *version is 0 when it is not. */
static int read_pause(const struct node_plan *p, const struct queue_pause_row *row,
                      int64_t *version, struct ff_err *err)
{
    *version = 0;
    return store_scan(
        p->node->store, p->reader,
        &(struct store_query){.record = &record_queue_pause, .like = row, .n_equal = 2},
        note_version, version, err);
}

/* One that is paused stays so since when it is. */
int node_plan_pause_queue(const struct node_plan *p, struct tenant t, const char *name,
                          const char *by, struct ff_err *err)
{
    const struct queue_pause_row row = {
        .tenant = t.no,
        .name = span_of(name),
        .paused_at = loop_wall_us(p->node->loop),
        .paused_by = span_of(by),
    };
    int64_t version = 0;
    int code = check_name(name, err);

    if (code == FF_OK)
        code = read_pause(p, &row, &version, err);
    if (code == FF_OK && version == 0)
        batch_put(p->batch, &record_queue_pause, &row, FF_ABSENT);
    return code;
}

int node_plan_unpause_queue(const struct node_plan *p, struct tenant t,
                            const char *name, struct ff_err *err)
{
    const struct queue_pause_row row = {.tenant = t.no, .name = span_of(name)};
    int64_t version = 0;
    int code = check_name(name, err);

    if (code == FF_OK)
        code = read_pause(p, &row, &version, err);
    if (code != FF_OK)
        return code;
    if (version == 0 && p->doubted)
        return FF_OK; /* it was ended by the try before */
    if (version == 0)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "the queue %s is not paused: `flowforge doctor paused` shows "
                       "what is",
                       name);
    batch_delete(p->batch, &record_queue_pause, &row, FF_ANY_VERSION);
    return FF_OK;
}

/* --- at once --- */

struct pausing {
    struct tenant tenant;
    const char *name, *by;
};

static int plan_pause(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct pausing *x = arg;

    return node_plan_pause_queue(p, x->tenant, x->name, x->by, err);
}

int node_pause_queue(struct node *n, struct tenant t, const char *name, const char *by,
                     struct ff_err *err)
{
    struct pausing x = {.tenant = t, .name = name, .by = by};

    return node_change_now(n, plan_pause, &x, err);
}

static int plan_unpause(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct pausing *x = arg;

    return node_plan_unpause_queue(p, x->tenant, x->name, err);
}

int node_unpause_queue(struct node *n, struct tenant t, const char *name,
                       struct ff_err *err)
{
    struct pausing x = {.tenant = t, .name = name};

    return node_change_now(n, plan_unpause, &x, err);
}
