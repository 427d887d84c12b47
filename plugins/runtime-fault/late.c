/* late.c - a list of copied events, each with its timer. */
#include "late.h"

#include <stdlib.h>
#include <string.h>

struct late {
    struct late *next;
    struct lates *list;
    struct ff_timer *timer;
    struct ff_run_event event;
    char *attempt_id, *message; /* what the event points to */
};

static void free_one(struct late *e)
{
    free(e->attempt_id);
    free(e->message);
    free(e);
}

static void unlink_one(struct late *e)
{
    struct late **at = &e->list->first;

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
}

/* Whoever hears it may close the session, so it is out of the list before. */
static void on_timer(void *arg)
{
    struct late *e = arg;

    unlink_one(e);
    e->list->fn(e->list->arg, &e->event);
    free_one(e);
}

static struct late *find(const struct lates *l, const char *attempt_id)
{
    for (struct late *e = l->first; e; e = e->next)
        if (strcmp(e->attempt_id, attempt_id) == 0)
            return e;
    return NULL;
}

static struct late *copy(struct lates *l, const struct ff_run_event *event)
{
    struct late *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->list = l;
    e->event = *event;
    e->attempt_id = strdup(event->attempt_id);
    e->message = event->message ? strdup(event->message) : NULL;
    if (!e->attempt_id || (event->message && !e->message)) {
        free_one(e);
        return NULL;
    }
    e->event.attempt_id = e->attempt_id;
    e->event.message = e->message;
    return e;
}

int late_add(struct lates *l, const struct ff_run_event *event, int64_t delay_us)
{
    struct late *e;

    if (find(l, event->attempt_id))
        return FF_OK;
    e = copy(l, event);
    if (!e)
        return FF_NO_MEMORY;
    e->timer = l->host->timer_add(l->host->self, delay_us, on_timer, e);
    if (!e->timer) {
        free_one(e);
        return FF_NO_MEMORY;
    }
    e->next = l->first;
    l->first = e;
    return FF_OK;
}

static void drop(struct late *e)
{
    e->list->host->timer_del(e->list->host->self, e->timer);
    free_one(e);
}

void late_drop(struct lates *l, const char *attempt_id)
{
    struct late *e = find(l, attempt_id);

    if (!e)
        return;
    unlink_one(e);
    drop(e);
}

void late_drop_all(struct lates *l)
{
    struct late *e = l->first;

    l->first = NULL;
    while (e) {
        struct late *next = e->next;

        drop(e);
        e = next;
    }
}
