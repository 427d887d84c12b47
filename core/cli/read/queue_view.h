/* cli/read/queue_view.h - which queues are paused, for people and programs. */
#ifndef CLI_READ_QUEUE_VIEW_H
#define CLI_READ_QUEUE_VIEW_H

#include "cli/frame/frame.h"
#include "flow/flow.h"

struct queue_views {
    struct queue_view {
        const char *name, *by; /* in `arena` */
        int64_t since_us;
    } * items;
    size_t n, cap;
    struct arena arena;
};

/* FF_OK, or what the store said. queue_views_done in either case. */
int queue_views_read(struct queue_views *v, const struct cli_session *s,
                     struct ff_err *err);
void queue_views_done(struct queue_views *v);
/* Leaves only those that a task of this workflow names. */
void queue_views_of(struct queue_views *v, const struct flow *f);

/* "queue gpu since 2026-11-22T07:00:00Z, by ada"; a name may hold any byte. */
void queue_view_add(struct buf *out, const struct queue_view *q);
/* Key and value "paused_queues" of an object that is open. */
void queue_views_json(struct jsonw *w, const struct queue_views *v);

#endif
