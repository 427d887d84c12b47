/* schedules.h - the mirror of schedules: check_schedule.c keeps it, check_apart.c
 * judges who begins beside whom, check_due.c at which times, check_backfill.c times of
 * the past and check_occurrence.c who hears of events and ends. */
#ifndef SIM_SCHEDULES_H
#define SIM_SCHEDULES_H

#include "sim.h"

/* With no faults, whatever is to happen has happened by then. */
#define SCHEDULE_LATE_US (20 * UNITS_SECOND)

/* What became of one nominal time. */
struct mirror_time {
    int64_t nominal, state, run;
    char cause[16], reason[16];
    char *event;    /* of its run, or of one that waits; NULL: none */
    bool waited;    /* it did, at some time */
    int64_t put_in; /* number of the commit that wrote it last, and first */
    int64_t first_in;
    int64_t decided_at;
};

struct mirror_schedule {
    int64_t tenant;
    char name[128];
    bool is_there;
    /* its spec */
    char kind[16], overlap[16], wanted[64];
    int64_t every_us, offset_us; /* every: 0: it has no times */
    int64_t catchup_us, jitter_us;
    uint32_t on;
    bool has_if;
    int64_t debounce_us, debounce_max_us;
    /* its row */
    int64_t held_at, held_since; /* 0 or MODEL_NULL: none */
    bool is_paused;
    int64_t last_at, active_run;
    char waiting[2048];
    int64_t n_waiting;
    int64_t changed_in, changed_at; /* by people: number of the commit; virtual time */
    int64_t spec_changed_in;
    int64_t touched_at; /* by anybody */
    struct {
        int64_t *items;
        size_t n, cap;
    } runs; /* that overlap each other, since it was made */
    struct map times;
    struct { /* the commit that is judged */
        bool was_there, was_paused, is_sealed;
        int64_t last_at, held_since;
    } before;
};

struct mirror_backfill {
    struct mirror_schedule *schedule;
    int64_t no, state, from_us, below_us, last_us, max_parallel;
    int64_t created_in, touched_at;
    struct {
        int64_t *items;
        size_t n, cap;
    } runs;
    struct { /* the commit that is judged */
        bool is_touched;
        int64_t state, last_us;
    } before;
};

/* Something happened of which schedules are told. */
struct mirror_told {
    int64_t tenant, run;
    char id[64], kind[16], name[64];
    char *body;
    int64_t state; /* of the run */
    int64_t put_in, put_at;
    bool is_new, is_deleted; /* in the commit that is judged */
};

struct schedules {
    struct map by_name;   /* "1 timed0.tick" -> struct mirror_schedule */
    struct map backfills; /* number -> struct mirror_backfill */
    struct map told;      /* id -> struct mirror_told */
    int node;             /* that made the commit */
    int64_t most_open;    /* runs at once, since faults are over */
};
extern struct schedules schedules;

struct mirror_schedule *schedule_named(int64_t tenant, const char *name);
struct mirror_time *schedule_time(const struct mirror_schedule *s, int64_t nominal);
bool schedule_run_is_open(int64_t run); /* and was not opened again by somebody */

/* Is it a cause by which a schedule's runs keep apart? */
bool schedule_is_ordinary(const char *cause);

/* check_apart.c */
void apart_check(const struct mirror_schedule *s);
/* What was held is so no more: this change says what becomes of it. */
void apart_check_held(const struct mirror_schedule *s, const struct mirror_time *t,
                      int64_t state, const struct ff_change *c);

/* check_due.c: all multiples of a time since 1970 */
int64_t due_next(const struct mirror_schedule *s, int64_t after_us);
bool due_is_time(const struct mirror_schedule *s, int64_t at_us);
void due_check(const struct mirror_schedule *s); /* in a commit that moves it on */
void due_check_now(const struct mirror_schedule *s, int64_t wall_us);

/* check_backfill.c */
void backfill_change(const struct ff_change *c);
void backfill_check(void);
void backfill_check_now(void);
bool backfill_is_over(void);

/* check_occurrence.c */
void occurrence_change(const struct ff_change *c);
void occurrence_check(void);
void occurrence_check_now(void);
bool occurrence_is_over(void);
/* Would it be told of this, as it is now, or was before the commit? */
bool occurrence_is_for(const struct mirror_schedule *s, const struct mirror_told *o);
/* How many schedules an event of this name is for. */
int64_t occurrence_count(int64_t tenant, const char *name);

#endif
