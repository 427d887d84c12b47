/* check_schedule.c - a mirror of schedules and of what became of their times: a time is
 * started once, whoever decides that (I14); and what is late when there are no faults.
 */
#include "schedules.h"

#include <string.h>

struct schedules schedules;

struct mirror_schedule *schedule_named(int64_t tenant, const char *name)
{
    char key[160];

    snprintf(key, sizeof(key), "%lld %s", (long long)tenant, name);
    return map_get_text(&schedules.by_name, key);
}

struct mirror_time *schedule_time(const struct mirror_schedule *s, int64_t nominal)
{
    return map_get(&s->times, nominal);
}

bool schedule_run_is_open(int64_t run)
{
    const struct mirror_run *r = mirror_run(run);

    return r && r->open && r->n_resets == 0;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool schedule_is_ordinary(const char *cause)
{
    return !is(cause, "manual") && !is(cause, "backfill");
}

/* --- the row of a schedule --- */

static struct mirror_schedule *take_named(const struct ff_change *c, int tenant,
                                          int name)
{
    char text[128], key[160];

    snprintf(text, sizeof(text), "%.*s", (int)c->values[name].len, c->values[name].s);
    snprintf(key, sizeof(key), "%lld %s", (long long)c->values[tenant].i, text);
    struct mirror_schedule *s = map_get_text(&schedules.by_name, key);
    if (s)
        return s;
    s = mem_alloc(sizeof(*s));
    s->tenant = c->values[tenant].i;
    s->active_run = MODEL_NULL;
    snprintf(s->name, sizeof(s->name), "%s", text);
    map_set_text(&schedules.by_name, key, s);
    return s;
}

static void take_text(const json_t *spec, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(spec, key));

    snprintf(out, size, "%s", text ? text : "");
}

static int64_t take_number(const json_t *spec, const char *key)
{
    return json_integer_value(json_object_get(spec, key));
}

/* As client_schedule.c writes them; any other one never comes. */
static int64_t minutes_of(const char *expr)
{
    return is(expr, "* * * * *") ? 1 : is(expr, "*/2 * * * *") ? 2 : 0;
}

static void take_spec(struct mirror_schedule *s, const struct ff_value *value)
{
    struct ff_err err;
    char expr[32];
    json_t *spec = json_parse(value->s, value->len, &err);

    take_text(spec, "kind", s->kind, sizeof(s->kind));
    take_text(spec, "overlap", s->overlap, sizeof(s->overlap));
    take_text(spec, "name", s->wanted, sizeof(s->wanted));
    take_text(spec, "expr", expr, sizeof(expr));
    s->every_us = take_number(spec, "every_us");
    s->offset_us = take_number(spec, "offset_us");
    s->catchup_us = take_number(spec, "catchup_us");
    s->jitter_us = take_number(spec, "jitter_us");
    s->on = (uint32_t)take_number(spec, "on");
    s->has_if = json_object_get(spec, "if");
    s->debounce_us = take_number(spec, "debounce_us");
    s->debounce_max_us = take_number(spec, "debounce_max_us");
    if (expr[0])
        s->every_us = minutes_of(expr) * 60 * UNITS_SECOND;
    s->spec_changed_in = mirror.n_commits;
    json_decref(spec);
}

static void on_made(struct mirror_schedule *s)
{
    sim_check(!s->is_there, "I14: schedule %s is made twice", s->name);
    if (s->touched_at > 0)
        sim_seen(SEEN_SCHEDULE_AGAIN);
    s->is_there = true;
    s->runs.n = 0;
    s->last_at = INT64_MIN;
}

/* All times up to the last one are decided, for ever. */
static void take_row(struct mirror_schedule *s, const struct ff_change *c)
{
    const struct ff_value *spec = change_value(c, COL_SCHEDULE_SPEC);
    const int64_t last_at = s->last_at;
    int64_t paused_at = s->is_paused ? 1 : MODEL_NULL;

    if (spec)
        take_spec(s, spec);
    change_int(c, COL_SCHEDULE_PAUSED_AT, &paused_at);
    change_int(c, COL_SCHEDULE_LAST_AT, &s->last_at);
    change_int(c, COL_SCHEDULE_ACTIVE_RUN, &s->active_run);
    change_int(c, COL_SCHEDULE_HELD_AT, &s->held_at);
    change_int(c, COL_SCHEDULE_HELD_SINCE, &s->held_since);
    change_text(c, COL_SCHEDULE_WAITING, s->waiting, sizeof(s->waiting));
    sim_check(s->last_at >= last_at, "I14: schedule %s goes back in time", s->name);
    s->is_paused = paused_at != MODEL_NULL;
}

static void on_schedule(const struct ff_change *c)
{
    struct mirror_schedule *s = take_named(c, COL_SCHEDULE_TENANT, COL_SCHEDULE_NAME);
    const bool by_people = schedules.node == SIM_CLIENT;
    const bool was_paused = s->is_paused;

    if (c->kind == FF_PUT)
        on_made(s);
    if (c->kind == FF_DELETE) {
        s->is_there = s->is_paused = false;
        s->active_run = MODEL_NULL;
        s->waiting[0] = 0;
        s->held_at = MODEL_NULL;
        sim_seen(SEEN_SCHEDULE_DELETED);
    } else {
        take_row(s, c);
    }
    sim_check(by_people || schedules.node == lead_owner(change_tenant(c)),
              "G4: process %d moves schedule %s on, and %d owns the shard",
              schedules.node, s->name, lead_owner(change_tenant(c)));
    s->touched_at = sim.now;
    s->before.is_sealed = !by_people;
    if (!by_people)
        return;
    s->changed_in = mirror.n_commits;
    s->changed_at = sim.now;
    sim_check(c->kind != FF_PATCH || !was_paused || s->is_paused ||
                  s->last_at + SCHEDULE_LATE_US > SIM_EPOCH_US + sim.now,
              "I38: %s makes up for times of its pause", s->name);
    if (was_paused != s->is_paused)
        sim_seen(was_paused ? SEEN_SCHEDULE_RESUMED : SEEN_SCHEDULE_PAUSED);
    else if (c->kind == FF_PATCH)
        sim_seen(SEEN_SCHEDULE_CHANGED);
}

/* --- times --- */

static bool may_become(const struct mirror_time *t, int64_t state, const char *cause)
{
    /* What was held may have to wait for the run before. */
    if (state == SCHEDULE_RUN_WAITING)
        return t->state == SCHEDULE_RUN_WAITING && is(t->reason, "debounce");
    if (t->state == SCHEDULE_RUN_WAITING)
        return (state == SCHEDULE_RUN_STARTED || state == SCHEDULE_RUN_SKIPPED) &&
               schedule_is_ordinary(cause);
    return t->state != SCHEDULE_RUN_STARTED && state == SCHEDULE_RUN_STARTED &&
           is(cause, "backfill");
}

static struct mirror_time *take_place(struct mirror_schedule *s, int64_t nominal)
{
    struct mirror_time *t = schedule_time(s, nominal);

    if (t)
        return t;
    t = mem_alloc(sizeof(*t));
    t->nominal = nominal;
    t->first_in = mirror.n_commits;
    map_set(&s->times, nominal, t);
    return t;
}

static void count_waiting(struct mirror_schedule *s, const struct mirror_time *t,
                          int64_t state)
{
    const bool waits = state == SCHEDULE_RUN_WAITING;
    const bool waited = t->put_in > 0 && t->state == SCHEDULE_RUN_WAITING;

    s->n_waiting += waits - waited;
}

static char *text_of(const struct ff_value *v)
{
    return v->type && v->s ? mem_text_len(v->s, v->len) : NULL;
}

/* Of those that wait the oldest begins. */
static void check_oldest(const struct mirror_schedule *s, const struct mirror_time *t)
{
    void *value;

    for (size_t i = 0; map_next(&s->times, &i, &value);) {
        const struct mirror_time *other = value;
        sim_check(other->state != SCHEDULE_RUN_WAITING || other->nominal >= t->nominal,
                  "I37: %s begins a time that waits before an older one", s->name);
    }
}

/* Its schedule is deleted in the same commit. */
static void on_dropped(struct mirror_schedule *s, struct mirror_time *t)
{
    sim_check(t->state == SCHEDULE_RUN_WAITING && schedules.node == SIM_CLIENT,
              "I14: a time of %s is rewritten", s->name);
    t->state = SCHEDULE_RUN_SKIPPED;
    t->waited = false; /* a backfill is to run it */
    s->n_waiting--;
    sim_seen(SEEN_WAITING_DROPPED);
}

static void on_time(const struct ff_change *c)
{
    struct mirror_schedule *s =
        take_named(c, COL_SCHEDULE_RUN_TENANT, COL_SCHEDULE_RUN_SCHEDULE);
    struct mirror_time *t = take_place(s, c->values[COL_SCHEDULE_RUN_NOMINAL_AT].i);
    const int64_t state = c->values[COL_SCHEDULE_RUN_STATE].i;
    char cause[16];

    if (c->kind == FF_PATCH) {
        on_dropped(s, t);
        return;
    }
    change_text(c, COL_SCHEDULE_RUN_CAUSE, cause, sizeof(cause));
    sim_check(c->kind == FF_PUT, "I14: a time of %s is lost", s->name);
    sim_check(is(cause, "manual") || schedules.node == lead_owner(change_tenant(c)),
              "G4: process %d decides of %s, and %d owns the shard", schedules.node,
              s->name, lead_owner(change_tenant(c)));
    sim_check(t->put_in == 0 || may_become(t, state, cause),
              "I14: a time of %s that was %s is %s by %s", s->name,
              schedule_run_state_names[t->state], schedule_run_state_names[state],
              cause);
    if (t->put_in > 0 && t->state == SCHEDULE_RUN_WAITING &&
        state == SCHEDULE_RUN_STARTED)
        check_oldest(s, t);
    if (t->put_in > 0 && is(t->reason, "debounce"))
        apart_check_held(s, t, state, c);
    count_waiting(s, t, state);
    t->state = state;
    t->put_in = mirror.n_commits;
    t->run = MODEL_NULL;
    t->waited = t->waited || state == SCHEDULE_RUN_WAITING;
    memcpy(t->cause, cause, sizeof(cause));
    change_int(c, COL_SCHEDULE_RUN_RUN, &t->run);
    change_int(c, COL_SCHEDULE_RUN_DECIDED_AT, &t->decided_at);
    change_text(c, COL_SCHEDULE_RUN_REASON, t->reason, sizeof(t->reason));
    if (state == SCHEDULE_RUN_WAITING)
        t->event = text_of(&c->values[COL_SCHEDULE_RUN_EVENT]);
    if (state == SCHEDULE_RUN_STARTED && schedule_is_ordinary(cause))
        ARRAY_ADD(&s->runs, t->run);
    sim_trace("schedule %s at %lld: %s by %s", s->name,
              (long long)(t->nominal - SIM_EPOCH_US), schedule_run_state_names[state],
              cause);
}

/* One that waited was told its event when it began to wait. */
static void take_event(const struct mirror_schedule *s, struct mirror_time *t,
                       char *event)
{
    const bool waited = t->waited && t->first_in != mirror.n_commits;

    sim_check(!waited || !t->event == !event, "I40: %s forgets what it was told",
              s->name);
    sim_check(!waited || !event || is(t->event, event),
              "I40: %s was told something else", s->name);
    mem_free(t->event);
    t->event = event;
}

/* A run that a schedule began, and the row of its time, belong to each other. */
static void on_run(const struct ff_change *c)
{
    const int64_t run = c->values[COL_RUN_RUN].i;

    if (c->kind != FF_PUT || !c->values[COL_RUN_SCHEDULE].type ||
        c->values[COL_RUN_PARENT_RUN].type)
        return;
    struct mirror_schedule *s = take_named(c, COL_RUN_TENANT, COL_RUN_SCHEDULE);
    struct mirror_time *t = schedule_time(s, c->values[COL_RUN_NOMINAL_AT].i);
    sim_check(t && t->put_in == mirror.n_commits && t->run == run &&
                  t->state == SCHEDULE_RUN_STARTED,
              "I14: run %lld of %s begins without its time", (long long)run, s->name);
    take_event(s, t, text_of(&c->values[COL_RUN_EVENT]));
    if (is(t->cause, "manual"))
        sim_seen(SEEN_MANUAL);
}

/* --- the commit as a whole --- */

static void check_schedule(const struct mirror_schedule *s)
{
    apart_check(s);
    if (s->is_there && s->before.is_sealed)
        due_check(s);
}

static void remember(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);) {
        struct mirror_schedule *s = value;
        s->before.was_there = s->is_there;
        s->before.was_paused = s->is_paused;
        s->before.is_sealed = false;
        s->before.last_at = s->last_at;
        s->before.held_since = s->held_since;
    }
    for (size_t i = 0; map_next(&schedules.backfills, &i, &value);) {
        struct mirror_backfill *b = value;
        b->before.is_touched = false;
        b->before.state = b->state;
        b->before.last_us = b->last_us;
    }
}

/* Times before their runs, whatever the order within a batch. */
void schedule_begin(int node, const struct ff_change *changes, size_t n)
{
    schedules.node = node;
    remember();
    for (size_t i = 0; i < n; i++) {
        const struct ff_change *c = &changes[i];
        if (c->kind == FF_CHECK)
            continue;
        if (c->record == &record_schedule)
            on_schedule(c);
        else if (c->record == &record_schedule_run)
            on_time(c);
        else if (c->record == &record_backfill)
            backfill_change(c);
        else if (c->record == &record_occurrence)
            occurrence_change(c);
    }
    for (size_t i = 0; i < n; i++)
        if (changes[i].record == &record_run)
            on_run(&changes[i]);
}

static bool waits_for(const struct mirror_schedule *s, int64_t run)
{
    return s->is_there && s->active_run == run && is(s->overlap, "cancel") &&
           s->n_waiting > 0;
}

static void note_waits(const struct mirror_schedule *s)
{
    struct mirror_run *r = mirror_run(s->active_run);

    if (r && waits_for(s, s->active_run))
        r->was_waited_for = true;
}

void schedule_end(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);)
        check_schedule(value);
    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);)
        note_waits(value);
    if (sim.faults || mirror.n_open > schedules.most_open)
        schedules.most_open = mirror.n_open;
    backfill_check();
    occurrence_check();
}

/* --- when faults are over --- */

/* One that is to make room is loaded behind all others that are open, or were when the
 * owner began. */
static int64_t late_us(void)
{
    return SCHEDULE_LATE_US + 4 * schedules.most_open * sim.o.lane_us;
}

/* Since when its owner knows of what waits, and has nothing in its way. */
static int64_t known_since(const struct mirror_schedule *s, const struct sim_node *n)
{
    const int64_t calm = n->calm_since > sim.healed_at ? n->calm_since : sim.healed_at;

    return s->touched_at > calm ? s->touched_at : calm;
}

static void check_now(const struct mirror_schedule *s, const struct sim_node *n)
{
    const struct mirror_run *r = mirror_run(s->active_run);

    if (!s->is_there || s->is_paused || sim.now - s->changed_at < SCHEDULE_LATE_US)
        return;
    due_check_now(s, loop_wall_us(n->loop));
    sim_check(!r || r->open || sim.now - r->ended_at < SCHEDULE_LATE_US,
              "I37: run %lld is over, and in the way of %s", (long long)s->active_run,
              s->name);
    /* What is held waits for silence, by a clock that may be far behind. */
    if (s->n_waiting == (s->held_at > 0) || sim.now - known_since(s, n) < late_us())
        return;
    sim_check(r, "I37: %s waits for nothing", s->name);
    sim_check(!is(s->overlap, "cancel") || !r->open || r->row.cancel != CANCEL_NONE,
              "I37: run %lld is in the way of %s and was not cancelled",
              (long long)s->active_run, s->name);
}

void schedule_check_now(void)
{
    void *value;

    if (sim.faults || !nodes_lead_all() || sim.n_events % 32 != 0 ||
        sim.now - SCHEDULE_LATE_US < sim.healed_at)
        return;
    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);) {
        const struct mirror_schedule *s = value;
        const struct sim_node *n = nodes_owner_of((struct tenant){s->tenant});

        if (sim.now - SCHEDULE_LATE_US < n->calm_since)
            return;
        check_now(value, n);
    }
    backfill_check_now();
    occurrence_check_now();
}

bool schedule_is_over(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);) {
        const struct mirror_schedule *s = value;
        if (s->is_there && (s->n_waiting > 0 || s->active_run != MODEL_NULL))
            return false;
    }
    return backfill_is_over() && occurrence_is_over();
}

void schedule_check_end(void)
{
    sim_check(schedule_is_over(), "I36: schedules have something to do in the end");
}

/* Whoever is in doubt may not know yet that nothing waits any more, but never of a time
 * that nobody has read. */
void schedule_cancels(const struct sim_node *n, int64_t run)
{
    const struct mirror_run *r = mirror_run(run);
    void *value;

    if (!r || n->no != lead_owner(r->tenant))
        return; /* others are ahead of its memory */
    sim_check(
        r && r->was_waited_for,
        "I37: run %lld is cancelled, and it is not durable that a time waits for that",
        (long long)run);
    for (size_t i = 0;
         sim.o.store_doubt == 0 && map_next(&schedules.by_name, &i, &value);) {
        const struct mirror_schedule *s = value;
        sim_check(!s->is_there || s->active_run != run || waits_for(s, run),
                  "I37: run %lld of %s is cancelled, and nothing waits for that",
                  (long long)run, s->name);
    }
}
