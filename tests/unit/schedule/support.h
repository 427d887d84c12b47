/* What the tests of schedules share: a store of rows that takes the batches of steps,
 * with their guards, and gives the rows back as a process that starts would read them.
 */
#ifndef TESTS_SCHEDULE_SUPPORT_H
#define TESTS_SCHEDULE_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedule/schedule.h"

#include <string.h>

#define SECOND UNITS_SECOND
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* One time of the schedule, as its row says. */
struct time_seen {
    int64_t nominal_us;
    int64_t state;
    int64_t run; /* MODEL_NULL: none */
    int64_t decided_us;
    char cause[16], reason[16], message[120];
    char *event;
};

struct rows {
    struct schedule_row schedule;
    struct backfill_row backfill;
    bool has_backfill;
    int64_t next_run;
    struct {
        struct time_seen *items;
        size_t n, cap;
    } times;
    struct map by_time; /* nominal time -> place in times, from 1 */
    struct {
        struct run_row *items;
        size_t n, cap;
    } runs;
    struct map open; /* numbers of runs */
    struct arena arena;
};

/* A schedule of this trigger, applied at this moment. */
struct rows *rows_new(const char *triggers, int64_t applied_us);
void rows_free(struct rows *r);
/* All of the batch, or nothing: false. */
bool rows_commit(struct rows *r, struct schedule_step *st);

/* A process that leads it. */
struct leader {
    struct rows *rows;
    struct schedule *schedule;
    struct backfill *backfill;
    struct schedule_step step;
};
/* As after a start: from rows alone, and what ended meanwhile has ended. */
void leader_start(struct leader *l, struct rows *rows, int64_t now_us);
void leader_stop(struct leader *l); /* as by kill -9 */
/* A turn at this moment; commits, unless it dies before it. */
void leader_turn(struct leader *l, int64_t now_us, bool dies);
void leader_event(struct leader *l, const char *event, int64_t now_us);
/* Its run ends, and the leader, if any, hears of it. */
void rows_end_run(struct rows *r, int64_t run);
void leader_ended(struct leader *l, int64_t run, int64_t now_us);

int64_t support_time(const char *text);
/* Europe/Berlin's rule; for all other names there is no zone. */
const struct zone *support_zone(void *arg, const char *name, struct ff_err *err);

/* NULL: it has no row. */
struct time_seen *rows_find(const struct rows *r, int64_t nominal_us);
const struct time_seen *rows_time(const struct rows *r, const char *nominal);
void rows_add_time(struct rows *r, const struct time_seen *seen);
size_t rows_count(const struct rows *r, int64_t state);

#endif
