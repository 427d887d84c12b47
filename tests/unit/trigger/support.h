/* What the tests of trigger share: rows of schedules, and a process that reads them. */
#ifndef TESTS_TRIGGER_SUPPORT_H
#define TESTS_TRIGGER_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trigger/trigger.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE  (60 * UNITS_SECOND)
#define NAME    "w.t"
#define OUTSIDE 900 /* number of a run that the test itself made */

struct process {
    struct loop *loop;
    struct config *config;
    struct driver_instance *store_driver;
    struct store *store;
    struct trigger *trigger;
    bool wakes;         /* each load is told that something has changed */
    size_t n_loads;     /* that asked for the zone */
    bool stop_on_start; /* else when the rows are there */
    bool is_ticking;    /* on neither */
    struct loop_timer *tick;
    int n_ticks;
    int n_loaded, max_loaded; /* 0: as often as it likes */
};

/* What there is, as rows tell. */
struct seen {
    struct {
        int64_t nominal_at;
        char event[160];
    } runs[32];
    size_t n_runs; /* in the order of their numbers */
    size_t n_backfills, n_occurrences;
};

void support_check(int code, const struct ff_err *err);

/* --- rows --- */

void support_put(struct process *p, const struct ff_record *record, const void *row);
/* As after an apply at this time. */
struct schedule_row support_schedule_of(const char *trigger, int64_t last_at,
                                        struct arena *arena);
/* Once more, should this be the read that is to fail. */
void support_scan(struct process *p, const struct store_query *q, store_row_fn *fn,
                  void *arg);
struct seen support_look(struct process *p);
void support_end_runs(struct process *p); /* all that are open */

/* --- a process --- */

/* Its n-th read fails, 0: none. */
void support_open_failing(struct process *p, int nth);
void support_open_process(struct process *p);
void support_begin(struct process *p);
void support_wake(void *arg); /* arg: the process */
/* What is under way is durable, all is read again, and that is acted upon. */
void support_turn(struct process *p);
void support_close_process(struct process *p);

#endif
