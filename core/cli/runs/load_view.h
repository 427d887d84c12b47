/* cli/runs/load_view.h - what all open runs are at, from their rows: attempts that run,
 * queues, limits, and who leads. For `top`. */
#ifndef CLI_RUNS_LOAD_VIEW_H
#define CLI_RUNS_LOAD_VIEW_H

#include "cli/read/limit_view.h"
#include "cli/read/queue_view.h"

/* Runs that are looked into, of those that are open; the others are counted. */
#define LOAD_RUNS_MAX 500

struct load_task {
    const char *run, *workflow, *queue; /* in `arena` */
    char *path;                         /* "fetch", "fetch.3"; owned */
    int64_t attempt, started_at;
};
struct load_queue {
    const char *name;      /* in `arena` */
    const char *paused_by; /* or NULL */
    int64_t running, waiting;
};

struct load_view {
    json_t *owner;                     /* what it says of itself; NULL: nobody leads */
    int64_t states[RUN_CANCELLED + 1]; /* open runs, by state */
    int64_t unseen;                    /* of them, not looked into */
    struct {
        struct load_task *items;
        size_t n, cap;
    } tasks; /* those that run, the longest first */
    struct {
        struct load_queue *items;
        size_t n, cap;
    } queues; /* by name */
    struct limit_views limits;
    struct arena arena;
    int64_t at_us;
};

/* Exit code; has printed why. load_view_done in either case. */
int load_view_read(struct load_view *v, struct cli_session *s);
void load_view_done(struct load_view *v);

/* Lines for people, none wider than `columns`, at most `rows`; 0: any. */
void load_view_text(const struct load_view *v, size_t rows, size_t columns,
                    struct buf *out);
void load_view_json(const struct load_view *v, struct buf *out);

#endif
