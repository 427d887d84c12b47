/* check_occurrence.c - events, and ends of runs that schedules wait for: each begins
 * one run of each schedule that it is for, in the commit that deletes it (I40, I41). */
#include "schedules.h"

#include <string.h>

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* --- the rows --- */

static void add(const struct ff_change *c, const char *id)
{
    struct mirror_told *o = mem_alloc(sizeof(*o));
    const struct ff_value *body = &c->values[COL_OCCURRENCE_BODY];

    o->tenant = c->values[COL_OCCURRENCE_TENANT].i;
    o->run = MODEL_NULL;
    change_int(c, COL_OCCURRENCE_RUN, &o->run);
    snprintf(o->id, sizeof(o->id), "%s", id);
    change_text(c, COL_OCCURRENCE_KIND, o->kind, sizeof(o->kind));
    change_text(c, COL_OCCURRENCE_NAME, o->name, sizeof(o->name));
    o->body = body->type && body->s ? mem_text_len(body->s, body->len) : NULL;
    o->put_in = mirror.n_commits;
    o->put_at = sim.now;
    o->is_new = true;
    map_set_text(&schedules.told, o->id, o);
}

void occurrence_change(const struct ff_change *c)
{
    char id[64];

    snprintf(id, sizeof(id), "%.*s", (int)c->values[COL_OCCURRENCE_ID].len,
             c->values[COL_OCCURRENCE_ID].s);
    struct mirror_told *o = map_get_text(&schedules.told, id);
    sim_check(!o == (c->kind == FF_PUT), "I41: %s is told again before it was heard",
              id);
    if (c->kind == FF_PUT) {
        add(c, id);
        return;
    }
    sim_check(schedules.node == lead_owner(change_tenant(c)),
              "G4: process %d tells of %s, and %d owns the shard", schedules.node, id,
              lead_owner(change_tenant(c)));
    o->is_deleted = true;
}

/* --- who is told --- */

static bool on_end(const struct mirror_schedule *s, int64_t state)
{
    return (state == RUN_SUCCEEDED && (s->on & FLOW_TRIGGER_ON_SUCCEEDED)) ||
           (state == RUN_FAILED && (s->on & FLOW_TRIGGER_ON_FAILED)) ||
           (state == RUN_CANCELLED && (s->on & FLOW_TRIGGER_ON_CANCELLED));
}

bool occurrence_is_for(const struct mirror_schedule *s, const struct mirror_told *o)
{
    return s->tenant == o->tenant && is(s->kind, o->kind) && is(s->wanted, o->name) &&
           (is(o->kind, "event") || on_end(s, o->state));
}

int64_t occurrence_count(int64_t tenant, const char *name)
{
    const struct mirror_told event = {.tenant = tenant, .kind = "event"};
    struct mirror_told o = event;
    int64_t n = 0;
    void *value;

    snprintf(o.name, sizeof(o.name), "%s", name);
    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);) {
        const struct mirror_schedule *s = value;
        n += s->is_there && !s->is_paused && occurrence_is_for(s, &o);
    }
    return n;
}

/* The only condition there is: an even number. */
static bool condition_holds(const struct mirror_schedule *s,
                            const struct mirror_told *o)
{
    struct ff_err err;

    if (!s->has_if)
        return true;
    json_t *body = json_parse(o->body, strlen(o->body), &err);
    const bool holds = json_integer_value(json_object_get(body, "n")) % 2 == 0;
    json_decref(body);
    if (!holds)
        sim_seen(SEEN_EVENT_IF_FALSE);
    return holds;
}

/* --- what a commit has done --- */

struct count {
    int64_t least, most;
};

/* Those who were told of it when it happened must hear, and others that are there when
 * it is told may. */
static struct count count_wanted(const struct mirror_schedule *s)
{
    struct count n = {0};
    void *value;

    for (size_t i = 0; map_next(&schedules.told, &i, &value);) {
        const struct mirror_told *o = value;
        if (!o->is_deleted || !s->before.was_there || !occurrence_is_for(s, o))
            continue;
        if (s->before.was_paused) {
            sim_seen(is(o->kind, "event") ? SEEN_EVENT_MISSED : SEEN_AFTER_MISSED);
            continue;
        }
        if (!condition_holds(s, o))
            continue;
        n.most++;
        n.least += s->changed_in < o->put_in;
    }
    return n;
}

static int64_t count_said(const struct mirror_schedule *s)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&s->times, &i, &value);) {
        const struct mirror_time *t = value;
        n += t->first_in == mirror.n_commits &&
             (is(t->cause, "event") || is(t->cause, "workflow"));
    }
    return n;
}

/* The run of a time was told what happened, and nothing else. */
static void check_event(const struct mirror_schedule *s, const struct mirror_time *t)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.told, &i, &value);) {
        const struct mirror_told *o = value;
        if (o->is_deleted && occurrence_is_for(s, o) && o->body &&
            is(t->event, o->body))
            return;
    }
    sim_fail("I40: a run of %s was told %s, and nobody said so", s->name, t->event);
}

static void check_events(const struct mirror_schedule *s)
{
    void *value;

    for (size_t i = 0; map_next(&s->times, &i, &value);) {
        const struct mirror_time *t = value;
        if (t->first_in != mirror.n_commits || t->state != SCHEDULE_RUN_STARTED ||
            (!is(t->cause, "event") && !is(t->cause, "workflow")))
            continue;
        sim_check(t->event, "I40: a run of %s was told nothing", s->name);
        check_event(s, t);
    }
}

/* An end of a run is told once, in the commit that is it. */
static void take_end(struct mirror_told *o)
{
    const struct mirror_run *r = mirror_run(o->run);

    if (!is(o->kind, "workflow"))
        return;
    sim_check(r && r->was_final && r->ended_at == sim.now,
              "I41: the end of run %lld is told, and it does not end",
              (long long)o->run);
    o->state = r->row.state;
}

static void forget_deleted(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.told, &i, &value);) {
        struct mirror_told *o = value;
        if (!o->is_deleted)
            continue;
        map_del_text(&schedules.told, o->id);
        mem_free(o->body);
        mem_free(o);
    }
}

void occurrence_check(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.told, &i, &value);) {
        struct mirror_told *o = value;
        if (o->is_new)
            take_end(o);
        o->is_new = false;
    }
    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);) {
        const struct mirror_schedule *s = value;
        const struct count wanted = count_wanted(s);
        const int64_t n = count_said(s);
        sim_check(n >= wanted.least && n <= wanted.most,
                  "I%d: %s is told %lld times, not %lld to %lld",
                  is(s->kind, "workflow") ? 41 : 40, s->name, (long long)n,
                  (long long)wanted.least, (long long)wanted.most);
        check_events(s);
    }
    forget_deleted();
}

/* --- the end of a run, as its owner decides it --- */

static bool is_in(const struct batch *b, const struct run_row *run)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->items[i].record == &record_occurrence && b->items[i].kind == FF_PUT &&
            b->items[i].values[COL_OCCURRENCE_RUN].i == run->run)
            return true;
    return false;
}

void schedule_run_ends(const struct sim_node *n, const struct run_row *run,
                       const struct batch *b)
{
    struct mirror_told end = {
        .tenant = run->tenant, .kind = "workflow", .state = run->state};
    void *value;

    snprintf(end.name, sizeof(end.name), "%.*s", (int)run->workflow.len,
             run->workflow.s);
    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);) {
        const struct mirror_schedule *s = value;
        sim_check(!s->is_there || s->is_paused || s->changed_in > n->heard_at ||
                      !occurrence_is_for(s, &end) || is_in(b, run),
                  "I41: %s waits for ends of %s, and is not told of run %lld", s->name,
                  end.name, (long long)run->run);
    }
}

/* --- when faults are over --- */

/* An end that nobody waits for may stay until the next is told, or until somebody is
 * made, or goes on, who waits for such ends; by `changed_us` he was. */
static bool is_waited_for(const struct mirror_told *o, int64_t changed_us)
{
    void *value;

    if (is(o->kind, "event"))
        return true;
    for (size_t i = 0; map_next(&schedules.by_name, &i, &value);) {
        const struct mirror_schedule *s = value;
        if (s->is_there && !s->is_paused && s->changed_at <= changed_us &&
            occurrence_is_for(s, o))
            return true;
    }
    return false;
}

void occurrence_check_now(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.told, &i, &value);) {
        const struct mirror_told *o = value;
        const int64_t late_us = sim.now - SCHEDULE_LATE_US;
        sim_check(o->put_at > late_us || !is_waited_for(o, late_us),
                  "I40: nobody is told of %s %s", o->kind, o->name);
    }
}

bool occurrence_is_over(void)
{
    void *value;

    for (size_t i = 0; map_next(&schedules.told, &i, &value);)
        if (is_waited_for(value, sim.now))
            return false;
    return true;
}
