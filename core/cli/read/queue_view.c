/* queue_view.c - the rows of paused queues, in words and as JSON. */
#include "cli/read/queue_view.h"

#include <string.h>

static int add_queue(void *arg, const void *row)
{
    struct queue_views *v = arg;
    const struct queue_pause_row *pause = row;
    const struct queue_view view = {
        .name = arena_text(&v->arena, pause->name.s, pause->name.len),
        .by = arena_text(&v->arena, pause->paused_by.s, pause->paused_by.len),
        .since_us = pause->paused_at,
    };

    ARRAY_ADD(v, view);
    return 0;
}

int queue_views_read(struct queue_views *v, const struct cli_session *s,
                     struct ff_err *err)
{
    const struct queue_pause_row like = {.tenant = TENANT_DEFAULT.no};

    *v = (struct queue_views){0};
    return store_scan(node_store(s->node), STORE_READER_CALLER,
                      &(struct store_query){
                          .record = &record_queue_pause, .like = &like, .n_equal = 1},
                      add_queue, v, err);
}

void queue_views_done(struct queue_views *v)
{
    ARRAY_DONE(v);
    arena_done(&v->arena);
}

static bool is_named(const struct flow *f, const char *queue)
{
    for (uint32_t i = 0; i < f->n_tasks; i++)
        if (strcmp(f->tasks[i].policy->queue, queue) == 0)
            return true;
    return false;
}

void queue_views_of(struct queue_views *v, const struct flow *f)
{
    size_t n = 0;

    for (size_t i = 0; i < v->n; i++)
        if (is_named(f, v->items[i].name))
            v->items[n++] = v->items[i];
    v->n = n;
}

void queue_view_add(struct buf *out, const struct queue_view *q)
{
    char since[UNITS_TEXT];

    units_time_text(q->since_us, since);
    buf_printf(out, "queue %s since %s, by ", q->name, since);
    cli_add_clean(out, q->by, strlen(q->by));
}

void queue_views_json(struct jsonw *w, const struct queue_views *v)
{
    char since[UNITS_TEXT];

    jsonw_key(w, "paused_queues");
    jsonw_open(w, '[');
    for (size_t i = 0; i < v->n; i++) {
        units_time_text(v->items[i].since_us, since);
        jsonw_open(w, '{');
        jsonw_key(w, "queue");
        jsonw_text(w, v->items[i].name);
        jsonw_key(w, "at");
        jsonw_text(w, since);
        jsonw_key(w, "by");
        jsonw_text(w, v->items[i].by);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}
