/* schedule_step.c - what a schedule decides: which times are due, which of them are too
 * late, and what becomes of one that comes while a run is still open. */
#include "schedule/schedule_priv.h"

#include <string.h>

#define CLOCK_US (60 * UNITS_SECOND)

/* --- one time --- */

static void begin(struct schedule *s, struct schedule_step *st,
                  const struct schedule_decision *d)
{
    const int64_t run = schedule_begin_run(s, st, d, s->last_run);

    s->row.last_run = span_of(s->last_run);
    if (s->spec.overlap != FLOW_OVERLAP_ALLOW)
        s->row.active_run = run;
    s->touched = true;
}

static void drop_waiting(struct schedule *s, size_t at)
{
    mem_free(s->waiting.items[at].event);
    s->waiting.n--;
    memmove(&s->waiting.items[at], &s->waiting.items[at + 1],
            (s->waiting.n - at) * sizeof(*s->waiting.items));
}

/* Why its runs begin. */
static const char *cause_of(const struct schedule *s)
{
    return schedule_is_timed(s) ? "time" : flow_trigger_names[s->spec.kind];
}

static void wait_for_run(struct schedule *s, struct schedule_step *st,
                         const struct schedule_decision *d)
{
    const struct schedule_wait w = {.nominal_us = d->nominal_us,
                                    .event = mem_text(d->event)};

    ARRAY_ADD(&s->waiting, w);
    schedule_note(s, st, SCHEDULE_RUN_WAITING, d);
}

static void skip(struct schedule *s, struct schedule_step *st,
                 struct schedule_decision d, const char *reason, const char *message)
{
    d.reason = reason;
    d.message = message;
    schedule_note(s, st, SCHEDULE_RUN_SKIPPED, &d);
}

/* The run before is told to end; only the newest time waits for that. */
static void replace(struct schedule *s, struct schedule_step *st,
                    const struct schedule_decision *d)
{
    while (s->waiting.n > 0) {
        const struct schedule_decision old = {
            .nominal_us = s->waiting.items[0].nominal_us,
            .cause = d->cause,
            .expect = FF_ANY_VERSION,
        };
        skip(s, st, old, "replaced", "a later time took its place");
        drop_waiting(s, 0);
    }
    wait_for_run(s, st, d);
}

bool schedule_wants_cancel(const struct schedule *s)
{
    return s->spec.overlap == FLOW_OVERLAP_CANCEL && s->waiting.n > 0 &&
           s->row.active_run != MODEL_NULL;
}

/* What has happened comes once, so it waits; of times there are always more. */
static void overflow(struct schedule *s, struct schedule_step *st,
                     const struct schedule_decision *d)
{
    if (schedule_is_timed(s))
        skip(s, st, *d, "open_runs",
             "its tenant had as many open runs as it may (max_open_runs)");
    else if (s->waiting.n == SCHEDULE_WAITING_MAX)
        skip(s, st, *d, "queue_full", "too many wait for room already");
    else
        wait_for_run(s, st, d);
    s->touched = true;
}

static void overlap(struct schedule *s, struct schedule_step *st,
                    const struct schedule_decision *d)
{
    if (s->spec.overlap == FLOW_OVERLAP_CANCEL)
        replace(s, st, d);
    else if (s->spec.overlap == FLOW_OVERLAP_SKIP)
        skip(s, st, *d, "overlap", "its run before was still open");
    else if (s->waiting.n == SCHEDULE_WAITING_MAX)
        skip(s, st, *d, "queue_full", "too many times wait for their run already");
    else
        wait_for_run(s, st, d);
    s->touched = true;
}

/* What waits begins when nothing is in its way any more. */
static void begin_waiting(struct schedule *s, struct schedule_step *st)
{
    if (s->row.paused_at != MODEL_NULL)
        return;
    while (s->waiting.n > 0 && s->row.active_run == MODEL_NULL &&
           schedule_has_room(s, st)) {
        const struct schedule_wait *w = &s->waiting.items[0];
        const struct schedule_decision d = {
            .nominal_us = w->nominal_us,
            .cause = cause_of(s),
            .event = w->event,
            .expect = FF_ANY_VERSION, /* its row is there: it waits */
        };
        begin(s, st, &d);
        drop_waiting(s, 0);
    }
}

/* What waits longer goes first: its run may have ended during a pause, and nothing
 * looked since. */
static void decide(struct schedule *s, struct schedule_step *st,
                   const struct schedule_decision *d)
{
    begin_waiting(s, st);
    if (s->spec.overlap != FLOW_OVERLAP_ALLOW && s->row.active_run != MODEL_NULL)
        overlap(s, st, d);
    else if (schedule_has_room(s, st))
        begin(s, st, d);
    else
        overflow(s, st, d);
}

/* --- what is held until no more comes --- */

static void forget_held(struct schedule *s)
{
    mem_free(s->held);
    s->held = NULL;
    s->row.held_at = MODEL_NULL;
    s->touched = true;
}

/* The last of several in a row is the one that a run begins for. */
static void hold(struct schedule *s, struct schedule_step *st,
                 struct schedule_decision d)
{
    const struct schedule_decision old = {
        .nominal_us = s->row.held_at, .cause = d.cause, .expect = FF_ANY_VERSION};

    if (schedule_holds(s)) {
        skip(s, st, old, "debounced", "a later one came within its debounce");
        forget_held(s);
    } else {
        s->row.held_since = d.nominal_us;
    }
    s->row.held_at = d.nominal_us;
    s->held = mem_text(d.event);
    s->touched = true;
    d.reason = "debounce";
    schedule_note(s, st, SCHEDULE_RUN_WAITING, &d);
    schedule_find_next(s);
}

/* at_us: it is quiet until then. */
static void begin_held(struct schedule *s, struct schedule_step *st, int64_t at_us)
{
    if (!schedule_holds(s) || s->due_us > at_us)
        return;
    MEM_AUTO char *event = mem_text(s->held);
    const struct schedule_decision d = {
        .nominal_us = s->row.held_at,
        .cause = cause_of(s),
        .event = event,
        .expect = FF_ANY_VERSION, /* its row is there */
    };

    forget_held(s);
    s->row.held_since = MODEL_NULL;
    schedule_find_next(s);
    decide(s, st, &d);
}

/* An event comes in the present, so a clock that is before it by more than clocks of
 * processes differ was set back. Nobody waits until it is there again: that may take as
 * long as it was wrong. */
static int64_t quiet_until(const struct schedule *s, int64_t now_us)
{
    if (s->row.paused_at == MODEL_NULL && schedule_holds(s) &&
        s->row.held_at - now_us > CLOCK_US)
        return s->due_us;
    return now_us;
}

/* --- times that are due --- */

/* The times that are due, but only those that may still be in time: after a year nobody
 * wants to walk through each of its minutes. */
struct due {
    int64_t first_us, latest_us; /* latest: MODEL_NULL when all are too late */
    bool several;                /* of them nobody starts, beside the first */
};

static struct due find_due(struct schedule *s, int64_t now_us)
{
    const int64_t window_us = s->spec.catchup_us + s->spec.jitter_us + UNITS_SECOND;
    struct due due = {.first_us = s->next_us, .latest_us = MODEL_NULL};
    size_t n = 0;

    if (s->row.last_at < now_us - window_us) {
        s->row.last_at = now_us - window_us;
        schedule_find_next(s);
        if (s->next_us != due.first_us) { /* it is passed over, and what follows? */
            int64_t second_us;
            n++;
            due.several = schedule_next(s, due.first_us, &second_us) &&
                          second_us <= s->row.last_at;
        }
    }
    while (s->due_us <= now_us) {
        n++;
        due.latest_us =
            now_us - s->due_us <= s->spec.catchup_us ? s->next_us : due.latest_us;
        s->row.last_at = s->next_us;
        schedule_find_next(s);
    }
    due.several = due.several || n > (due.latest_us == MODEL_NULL ? 1 : 2);
    return due;
}

static void miss(const struct schedule *s, struct schedule_step *st,
                 const struct due *due)
{
    char message[120];
    char until[UNITS_TEXT];
    const struct schedule_decision d = {.nominal_us = due->first_us,
                                        .cause = "time",
                                        .reason = "late",
                                        .message = message,
                                        .expect = FF_ABSENT};

    const bool all = due->latest_us == MODEL_NULL;
    zone_time_text(zone_utc, all ? s->row.last_at : due->latest_us, until);
    if (due->several)
        snprintf(message, sizeof(message),
                 "nobody started it in time, nor what followed %s %s",
                 all ? "until" : "before", until);
    else
        snprintf(message, sizeof(message), "nobody started it in time");
    schedule_note(s, st, SCHEDULE_RUN_MISSED, &d);
}

void schedule_on_time(struct schedule *s, struct schedule_step *st)
{
    begin_waiting(s, st);
    begin_held(s, st, quiet_until(s, st->now_us));
    if (s->due_us > st->now_us)
        return;
    const struct due due = find_due(s, st->now_us);
    const struct schedule_decision d = {
        .nominal_us = due.latest_us, .cause = "time", .expect = FF_ABSENT};

    s->touched = true;
    if (due.latest_us != due.first_us)
        miss(s, st, &due);
    if (due.latest_us != MODEL_NULL)
        decide(s, st, &d);
}

void schedule_on_ended(struct schedule *s, struct schedule_step *st)
{
    s->row.active_run = MODEL_NULL;
    s->touched = true;
    begin_waiting(s, st);
}

/* --- events --- */

bool schedule_wants(const struct schedule *s, enum flow_trigger_kind kind,
                    struct span name, int64_t state)
{
    static const struct {
        int64_t state;
        uint32_t on;
    } ends[] = {{RUN_SUCCEEDED, FLOW_TRIGGER_ON_SUCCEEDED},
                {RUN_FAILED, FLOW_TRIGGER_ON_FAILED},
                {RUN_CANCELLED, FLOW_TRIGGER_ON_CANCELLED}};

    if (s->spec.kind != kind || s->row.paused_at != MODEL_NULL)
        return false;
    if (kind == FLOW_TRIGGER_WEBHOOK)
        return span_eq(name, s->row.name);
    if (!span_is(name, s->spec.name))
        return false;
    if (kind != FLOW_TRIGGER_WORKFLOW)
        return true;
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (ends[i].state == state && (s->spec.on & ends[i].on))
            return true;
    return false;
}

static json_t *lookup(void *arg, const char *name)
{
    return strcmp(name, "event") == 0 ? arg : NULL;
}

/* 1 or 0; -1 with a sentence when it cannot be said. */
static int holds(const struct schedule *s, const char *event, int64_t now_us,
                 struct expr_err *why)
{
    struct ff_err ignored;

    if (!s->spec.condition)
        return 1;
    json_t *value = event ? json_parse(event, strlen(event), &ignored) : NULL;
    if (!value)
        value = json_null();
    const struct expr_scope scope = {.lookup = lookup, .arg = value, .now_us = now_us};
    json_t *answer = tmpl_eval(s->spec.condition, &scope, why);
    const int held = answer ? json_is_true(answer) : -1;
    json_decref(answer);
    json_decref(value);
    return held;
}

/* After all that was decided before, and never when a run was started by hand. */
static int64_t time_of_event(const struct schedule *s, int64_t at_us)
{
    const int64_t time_us = at_us > s->row.last_at ? at_us : s->row.last_at + 1;

    return time_us + (time_us & 1);
}

bool schedule_on_event(struct schedule *s, struct schedule_step *st, const char *event,
                       int64_t at_us)
{
    struct expr_err why = {0};
    struct schedule_decision d = {
        .nominal_us = time_of_event(s, at_us),
        .cause = cause_of(s),
        .event = event,
        .expect = FF_ABSENT,
    };
    const int held = holds(s, event, st->now_us, &why);

    if (held == 0)
        return false;
    s->row.last_at = d.nominal_us;
    s->touched = true;
    if (held > 0) /* what nobody was there for in time */
        begin_held(s, st, at_us);
    if (held > 0 && s->spec.debounce_us > 0) {
        hold(s, st, d);
    } else if (held > 0) {
        decide(s, st, &d);
    } else {
        d.reason = "expression";
        d.message = why.msg;
        schedule_note(s, st, SCHEDULE_RUN_FAILED, &d);
    }
    return true;
}
