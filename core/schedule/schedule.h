/* schedule/schedule.h - what a schedule does next: a pure function, as the engine's.
 *
 * A schedule is a trigger of a workflow that was applied. It is one row: up to which
 * time everything is decided, what runs, what waits. A step takes the schedule in
 * memory, what has happened and the present, and adds to a batch: the runs that begin,
 * a row for each time that was decided, and the schedule's own row, guarded by its
 * version. The shell (core/trigger) commits it, or throws the schedule away and loads
 * it again.
 *
 * A time is decided once: the row says until when (last_at), and it only moves on. So a
 * clock that is set back starts nothing twice, and one that jumps ahead is like a
 * process that was down: `catchup` says what of that is still done. */
#ifndef SCHEDULE_SCHEDULE_H
#define SCHEDULE_SCHEDULE_H

#include "calendar/calendar.h"
#include "engine/engine.h"
#include "flow/flow.h"

#define SCHEDULE_WAITING_MAX  100    /* times that wait for the run before them */
#define SCHEDULE_PARALLEL_MAX 100    /* runs of one backfill at once */
#define SCHEDULE_BACKFILL_MAX 100000 /* times of one backfill */
#define SCHEDULE_NAME_MAX     127    /* "WORKFLOW.ID" */

/* The counter of schedules that were made. One that is made where another one of its
 * name was deleted has the versions that that one had, so these alone do not tell who
 * acts on what he has read of a schedule whether it is still the same: he checks in his
 * commit that none was made since, by this counter, which he has read before. */
#define SCHEDULE_COUNTER "schedule"

/* --- what a trigger says, as the row keeps it --- */

struct schedule_spec {
    enum flow_trigger_kind kind;
    enum flow_overlap overlap;
    struct recurrence recurrence; /* of cron and interval */
    int64_t catchup_us, jitter_us;
    int64_t debounce_us, debounce_max_us; /* of events; 0: none */
    const char *timezone, *expr;
    const char *name;   /* workflow, event or webhook that it waits for */
    const char *secret; /* of a webhook: its name */
    enum flow_verify verify;
    uint32_t on;            /* enum flow_trigger_on */
    struct tmpl *condition; /* or NULL */
    const char *inputs;     /* JSON object, complete */
    const char *pins;       /* JSON object for run_row.pins, or NULL */
    const char *labels;     /* the same for run_row.labels */
};

/* The JSON of a trigger, for schedule_row.spec; inputs: complete, of flow_inputs; pins:
 * what `uses` means in its runs, or NULL; labels: of the file, or NULL. mem_free it. */
char *schedule_spec_text(const struct flow_trigger *t, const json_t *inputs,
                         const json_t *pins, const json_t *labels);

/* A zone by its name; the answer is borrowed and lives on. NULL with err. */
typedef const struct zone *schedule_zone_fn(void *arg, const char *name,
                                            struct ff_err *err);

/* --- a schedule in memory --- */

struct schedule_wait {
    int64_t nominal_us;
    char *event; /* JSON, or NULL; owned */
};

struct schedule {
    struct schedule_row row; /* text in the arena */
    struct schedule_spec spec;
    struct {
        struct schedule_wait *items;
        size_t n, cap;
    } waiting;              /* oldest first */
    char *held;             /* JSON of the event at row.held_at, or NULL; owned */
    int64_t due_us;         /* when the next time is to be started; INT64_MAX: never */
    int64_t next_us;        /* which time that is */
    bool touched;           /* its row must be written */
    char last_run[ID_TEXT]; /* what row.last_run borrows from, when it was set here */
    json_t *parsed;         /* what spec borrows from */
    struct arena arena;
};

/* From its row, which is copied. NULL with a sentence: the row makes no sense, or its
 * time zone is not there. */
struct schedule *schedule_new(const struct schedule_row *row, schedule_zone_fn *zone,
                              void *arg, struct ff_err *err);
void schedule_free(struct schedule *s); /* takes NULL */

/* Does it hold an event, until no other has come for a while? At row.held_at. */
bool schedule_holds(const struct schedule *s);
/* What a time that waits, or is held, was told; after schedule_new, from the row of
 * that time. */
void schedule_set_event(struct schedule *s, int64_t nominal_us, struct span event);

/* The name of a trigger of a workflow, as rows and people have it. */
void schedule_name(const char *workflow, const char *id,
                   char out[SCHEDULE_NAME_MAX + 1]);

/* The first time after this one, or false. Also of one that is paused. */
bool schedule_next(const struct schedule *s, int64_t after_us, int64_t *next_us);

/* --- steps --- */

/* What a step needs of the world, and what it does to it. */
struct schedule_step {
    /* May one more run of the tenant be open? And one more is. NULL: nobody counts. */
    bool (*has_room)(void *arg, int64_t tenant);
    void (*took_room)(void *arg, int64_t tenant, int64_t run);
    void *room_arg;
    bool starved; /* there was none: to be asked again when runs have ended */
    int64_t now_us;
    int64_t shard;
    int64_t next_run; /* number of the next run, of those that are taken in advance */
    size_t n_started; /* runs that began: so many numbers are used up */
    struct rand rand; /* for ids */
    struct batch batch;
};
void schedule_step_done(struct schedule_step *st);

/* Time has passed: what is due is decided. */
void schedule_on_time(struct schedule *s, struct schedule_step *st);
/* The run that it had under way has ended. */
void schedule_on_ended(struct schedule *s, struct schedule_step *st);
/* Its run under way is to be cancelled: something waits that takes its place. To be
 * done when that is durable, and again after a restart. */
bool schedule_wants_cancel(const struct schedule *s);
/* What an event holds, for a schedule that waits for such; see schedule_wants. False:
 * its condition does not hold. */
bool schedule_on_event(struct schedule *s, struct schedule_step *st, const char *event,
                       int64_t at_us);
/* A run has ended, an event was sent, or a webhook was called: is this schedule told of
 * it? name: of the workflow or the event; of a webhook the schedule's own, as several
 * may have one path, each with its secret. state: of a run. */
bool schedule_wants(const struct schedule *s, enum flow_trigger_kind kind,
                    struct span name, int64_t state);
/* Adds the schedule's row if a step has touched it. Once in a batch. */
void schedule_seal(struct schedule *s, struct schedule_step *st);

/* Rows that begin a run outside of the schedule's own order, for who is asked by a
 * person: started at once, whatever else runs. The caller names it: whoever asks twice
 * for the same run gives the same id, and no more than one of them is there. */
void schedule_start_now(const struct schedule *s, struct schedule_step *st,
                        const char *id);

/* --- backfills: the times of a range, so many at once --- */

struct backfill {
    struct backfill_row row; /* text of the schedule's name is borrowed from it */
    struct schedule *schedule;
    struct {
        int64_t *items;
        size_t n, cap;
    } active; /* numbers of runs, ascending */
    struct {
        int64_t *items;
        size_t n, cap;
    } done; /* times in the range that were started before, ascending */
    bool touched;
};

struct backfill *backfill_new(const struct backfill_row *row, struct schedule *s,
                              struct ff_err *err);
void backfill_free(struct backfill *b);
/* A time of its range that has a run already; in ascending order. */
void backfill_add_done(struct backfill *b, int64_t nominal_us);
/* The next time without a run, which is its last from now on; false: there is none. */
bool backfill_next(struct backfill *b, int64_t *at_us);
bool backfill_has_run(const struct backfill *b, int64_t run);
/* Starts what may start, and ends when nothing is left. At most `limit` runs: more
 * follows in another step. True: there is more. */
bool backfill_on_time(struct backfill *b, struct schedule_step *st, size_t limit);
void backfill_on_ended(struct backfill *b, int64_t run);
void backfill_seal(struct backfill *b, struct schedule_step *st);

#endif
