/* schedule/schedule_priv.h - the inside of the room: schedule.c holds schedules,
 * schedule_spec.c reads what they say, schedule_step.c decides, schedule_run.c begins
 * runs, backfill.c does times of the past. */
#ifndef SCHEDULE_SCHEDULE_PRIV_H
#define SCHEDULE_SCHEDULE_PRIV_H

#include "schedule/schedule.h"

/* Fills s->spec from s->parsed. */
int schedule_spec_read(struct schedule *s, schedule_zone_fn *zone, void *arg,
                       struct ff_err *err);

/* Works out what comes next after row.last_at. */
void schedule_find_next(struct schedule *s);

bool schedule_is_timed(const struct schedule *s);

/* --- rows --- */

struct schedule_decision {
    int64_t nominal_us;
    const char *cause, *event; /* event: JSON or NULL */
    const char *reason, *message;
    int64_t expect; /* guard of the row: FF_ABSENT, or FF_ANY_VERSION where it may be */
};

/* May one more run of its tenant be open? */
bool schedule_has_room(const struct schedule *s, struct schedule_step *st);
/* A run begins: its rows and that of the time. Returns its number. */
int64_t schedule_begin_run(const struct schedule *s, struct schedule_step *st,
                           const struct schedule_decision *d, char id[ID_TEXT]);
/* The row of a time at which none does. */
void schedule_note(const struct schedule *s, struct schedule_step *st,
                   enum schedule_run_state state, const struct schedule_decision *d);

/* A JSON list of whole numbers, or "" for none; and back, false when it is none. */
void schedule_numbers_text(const int64_t *numbers, size_t n, struct buf *out);

#endif
