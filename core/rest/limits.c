/* limits.c - what holds tasks back: sizes of semaphores, and queues that are paused. */
#include "rest/rest_priv.h"

#include <string.h>

/* Both are found again by their names. */
static int list(struct rest_call *c, struct store_query *q, void *after,
                struct span *name, store_row_fn *fn, struct ff_err *err)
{
    struct rest_page p;
    int code = rest_page_begin(c, &p, err);

    if (code == FF_OK && p.after.len > 0) {
        *name = (struct span){.s = p.after.data, .len = p.after.len};
        q->after = after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, q, fn, &p, err);
    return rest_page_end(&p, code);
}

static int note(struct rest_call *c, const char *action, const char *what,
                const char *name, struct ff_err *err)
{
    char object[160];

    snprintf(object, sizeof(object), "%s/%.130s", what, name);
    return rest_audit(c, action, object, err);
}

/* --- limits --- */

static int list_limit(void *arg, const void *row)
{
    const struct limit_size_row *limit = row;
    struct rest_page *p = arg;

    if (!rest_page_step(p, true, limit->name.s, limit->name.len))
        return 1;
    jsonw_open(&p->w, '{');
    rest_add_row(&p->w, &shape_limit, limit);
    jsonw_close(&p->w, '}');
    return 0;
}

int rest_limits_list(struct rest_call *c, struct ff_err *err)
{
    struct limit_size_row after = {.tenant = c->who.tenant.no};
    struct store_query q = {.record = &record_limit_size, .like = &after, .n_equal = 1};

    return list(c, &q, &after, &after.name, list_limit, err);
}

int rest_limit_put(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "limit");
    const int code =
        node_plan_limit(&c->plan, c->who.tenant, name, rest_int(c, "size", 0), err);

    return code == FF_OK ? note(c, "limit.set", "limit", name, err) : code;
}

int rest_limit_delete(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "limit");
    const int code = node_plan_forget_limit(&c->plan, c->who.tenant, name, err);

    if (code == FF_NOT_FOUND || code == FF_INVALID)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no limit %.63s", name);
    return code == FF_OK ? note(c, "limit.delete", "limit", name, err) : code;
}

/* --- queues --- */

static int list_queue(void *arg, const void *row)
{
    const struct queue_pause_row *queue = row;
    struct rest_page *p = arg;

    if (!rest_page_step(p, true, queue->name.s, queue->name.len))
        return 1;
    jsonw_open(&p->w, '{');
    rest_add_row(&p->w, &shape_queue, queue);
    jsonw_close(&p->w, '}');
    return 0;
}

int rest_queues_list(struct rest_call *c, struct ff_err *err)
{
    struct queue_pause_row after = {.tenant = c->who.tenant.no};
    struct store_query q = {
        .record = &record_queue_pause, .like = &after, .n_equal = 1};

    return list(c, &q, &after, &after.name, list_queue, err);
}

int rest_queue_pause(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "queue");
    const int code =
        node_plan_pause_queue(&c->plan, c->who.tenant, name, c->who.subject, err);

    return code == FF_OK ? note(c, "queue.pause", "queue", name, err) : code;
}

int rest_queue_unpause(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "queue");
    const int code = node_plan_unpause_queue(&c->plan, c->who.tenant, name, err);

    if (code == FF_NOT_FOUND || code == FF_INVALID)
        return ff_fail(err, FF_NOT_FOUND, 0, "no queue %.63s is paused", name);
    return code == FF_OK ? note(c, "queue.unpause", "queue", name, err) : code;
}
