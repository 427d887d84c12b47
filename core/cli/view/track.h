/* cli/view/track.h - what a run looks like now, worked out from its events one after
 * the other: the cost of following is the cost of what happens, however large the run.
 * Pure: the events come from the caller. */
#ifndef CLI_VIEW_TRACK_H
#define CLI_VIEW_TRACK_H

#include "flow/flow.h"
#include "model/model.h"

struct track;

/* One thing that runs, waits for its next attempt, or is suspended: a task, or an item.
 */
struct track_active {
    int64_t item;  /* -1: the task itself */
    int64_t state; /* running, retrying or suspended */
    int64_t attempt;
    int64_t iteration;    /* 0: it does not repeat, or tries one again */
    int64_t started_at;   /* of this attempt */
    int64_t due_at;       /* retrying; suspended: or MODEL_NULL */
    char *reason;         /* suspended: what it waits for */
    int progress;         /* -1: never said */
    char *message;        /* of its progress or wait, or NULL */
    uint64_t order;       /* of its start */
    struct track *inside; /* the run that this attempt is, once somebody looks; owned */
};

struct track_task {
    int64_t state; /* enum task_state */
    bool seen;     /* an event named it */
    int64_t attempt;
    int64_t started_at, finished_at; /* MODEL_NULL until then */
    int64_t exit_code;
    char *reason, *message;        /* or NULL */
    int64_t items;                 /* of an expanded foreach, or MODEL_NULL */
    int64_t counts[N_TASK_STATES]; /* of items that are final */
    char *waits;          /* for a limit: a sentence, of whoever looks; or NULL */
    struct map active;    /* item + 2 -> struct track_active */
    struct track *inside; /* the run that it was, of a task without items that ended */
    bool looked_inside;   /* somebody has looked for that run; there may be none */
};

struct track {
    int64_t run; /* number in the store */
    char id[ID_TEXT];
    struct flow *flow;
    int64_t state; /* enum run_state */
    int64_t created_at, started_at, finished_at;
    char *reason, *message;
    int64_t last_seq; /* of the events applied */
    uint64_t n_starts;
    int64_t final_tasks;      /* of the main ones */
    struct track_task *tasks; /* by index */
};

/* Takes a reference of flow over. */
struct track *track_new(const struct run_row *run, struct flow *flow);
void track_free(struct track *t); /* takes NULL */

/* What one event did, for whoever prints it; text is borrowed from the event. */
struct track_event {
    int64_t at_us;
    const char *type;   /* "task.started" */
    int64_t task, item; /* -1: none */
    int64_t attempt;
    int64_t took_us; /* finished, retrying and repeating: since its start; MODEL_NULL:
                        unknown */
    const json_t *json;
};
/* False: no event that is known here; nothing changed. */
bool track_apply(struct track *t, int64_t at_us, const json_t *event,
                 struct track_event *out);
/* path is "fetch" or "fetch.3". False: no such active thing. */
bool track_progress(struct track *t, const char *path, int progress,
                    const char *message);
/* The run's row as it is now: message and the like that events lack. */
void track_take_row(struct track *t, const struct run_row *run);

struct track_active *track_active(const struct track_task *t, int64_t item);
/* The items that have been active longest, first ones first, TRACK_ITEMS at most: the
 * same until they end, so that lines do not jump. How many. */
#define TRACK_ITEMS 8
size_t track_first_items(const struct track_task *t,
                         struct track_active *items[TRACK_ITEMS]);
/* Is each attempt of the task a run of its own: a group, or `uses`? */
bool track_is_run(const struct track *t, uint32_t task);
/* "fetch" or "fetch.3"; at most 96 bytes. */
void track_path(const struct track *t, int64_t task, int64_t item, char out[96]);
/* Is a task of this index of any interest: a main task, or a handler that has begun. */
bool track_shows(const struct track *t, uint32_t task);
/* A task without events: does it wait for needs, or for a slot? */
int64_t track_task_state(const struct track *t, uint32_t task);

#endif
