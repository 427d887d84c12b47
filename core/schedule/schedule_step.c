/* schedule_step.c - what a schedule decides: which times are due, which of them are too
 * late, and what becomes of one that comes while a run is still open. */
#include "schedule/schedule_priv.h"

#include <string.h>

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

static void decide(struct schedule *s, struct schedule_step *st,
                   const struct schedule_decision *d)
{
    if (s->spec.overlap == FLOW_OVERLAP_ALLOW || s->row.active_run == MODEL_NULL)
        begin(s, st, d);
    else
        overlap(s, st, d);
}

/* What waits begins when nothing is in its way any more. */
static void begin_waiting(struct schedule *s, struct schedule_step *st)
{
    if (s->row.paused_at != MODEL_NULL)
        return;
    while (s->waiting.n > 0 && s->row.active_run == MODEL_NULL) {
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

/* --- times that are due --- */

/* The times that are due, but only those that may still be in time: after a year nobody
 * wants to walk through each of its minutes. */
struct due {
    int64_t first_us, latest_us; /* latest: MODEL_NULL when all are too late */
    bool several;
};

static struct due find_due(struct schedule *s, int64_t now_us)
{
    const int64_t window_us = s->spec.catchup_us + s->spec.jitter_us + UNITS_SECOND;
    struct due due = {.first_us = s->next_us, .latest_us = MODEL_NULL};

    if (s->row.last_at < now_us - window_us) {
        s->row.last_at = now_us - window_us;
        schedule_find_next(s);
        due.several = s->next_us != due.first_us;
    }
    while (s->due_us <= now_us) {
        due.several = due.several || due.latest_us != MODEL_NULL;
        due.latest_us =
            now_us - s->due_us <= s->spec.catchup_us ? s->next_us : due.latest_us;
        s->row.last_at = s->next_us;
        schedule_find_next(s);
    }
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

    units_time_text(s->row.last_at, until);
    if (due->several)
        snprintf(message, sizeof(message),
                 "nobody started it in time, nor what followed until %s", until);
    else
        snprintf(message, sizeof(message), "nobody started it in time");
    schedule_note(s, st, SCHEDULE_RUN_MISSED, &d);
}

void schedule_on_time(struct schedule *s, struct schedule_step *st)
{
    begin_waiting(s, st);
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

    if (s->spec.kind != kind || s->row.paused_at != MODEL_NULL ||
        !span_is(name, s->spec.name))
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

bool schedule_on_event(struct schedule *s, struct schedule_step *st, const char *event,
                       int64_t at_us)
{
    const int64_t last_us = s->row.last_at;
    struct expr_err why = {0};
    struct schedule_decision d = {
        .nominal_us = at_us > last_us ? at_us : last_us + 1,
        .cause = cause_of(s),
        .event = event,
        .expect = FF_ABSENT,
    };
    const int held = holds(s, event, st->now_us, &why);

    if (held == 0)
        return false;
    s->row.last_at = d.nominal_us;
    s->touched = true;
    if (held > 0) {
        decide(s, st, &d);
    } else {
        d.reason = "expression";
        d.message = why.msg;
        schedule_note(s, st, SCHEDULE_RUN_FAILED, &d);
    }
    return true;
}
