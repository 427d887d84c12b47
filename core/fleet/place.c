/* place.c - who gets what: of the executors that will do those with the fewest labels,
 * which others may not be able to do without; of these the one with the most free
 * places, and among equals the one that got none for longest. Who does not ask just now
 * may be cut off, and gets nothing. */
#include "fleet/fleet_priv.h"

#include <string.h>

#define ANSWER_MAX ((size_t)4 << 20) /* beyond it the next answer has the rest */
#define POLLS      3                 /* in one lease, at least */
#define POLL_MAX   (20 * UNITS_SECOND)

static bool is_better(const struct member *a, const struct member *b)
{
    if (a->n_labels != b->n_labels)
        return a->n_labels < b->n_labels;

    const int64_t room_a = fleet_member_room(a), room_b = fleet_member_room(b);

    return room_a > room_b || (room_a == room_b && a->turn < b->turn);
}

static bool can_run(const struct member *m, const struct fleet_attempt *a)
{
    return (!a->masked || m->masks) && (!a->has_files || m->files) &&
           (!a->selector || labels_satisfy(m->labels, a->selector));
}

/* One that has just registered has not said how much is free. */
static bool has_room(const struct member *m)
{
    if (m->request == 0)
        return m->places > fleet_member_attempts(m);
    return !fleet_member_hung_up(m) && fleet_member_room(m) > 0;
}

static bool asks(const struct member *m)
{
    return m->pull && !fleet_member_hung_up(m) && fleet_member_room(m) > 0;
}

/* One with more labels than another one that only does not ask just now, but will, is
 * left to those that need it: the scheduler counts on that. */
static struct member *choose(const struct fleet *f, const struct fleet_attempt *a)
{
    struct member *best = NULL;
    size_t fewest = SIZE_MAX;
    void *value;

    for (size_t i = 0; map_next(&f->members, &i, &value);) {
        struct member *m = value;
        if (!has_room(m) || !can_run(m, a))
            continue;
        if (m->n_labels < fewest)
            fewest = m->n_labels;
        if (asks(m) && (!best || is_better(m, best)))
            best = m;
    }
    return best && best->n_labels == fewest ? best : NULL;
}

static bool is_stuck(const struct fleet_attempt *a)
{
    void *value;

    for (size_t i = 0; a->selector && map_next(&a->fleet->members, &i, &value);)
        if (has_room(value) && can_run(value, a))
            return false;
    return a->selector != NULL;
}

int64_t fleet_count_stuck(const struct fleet *f)
{
    int64_t n = 0;

    for (const struct list *l = f->waiting.next; l != &f->waiting; l = l->next)
        n += is_stuck(LIST_OF(l, struct fleet_attempt, waiting));
    return n;
}

/* Of those that wait here only the first: what the core has started is for places that
 * were ours, and little. */
int64_t fleet_wanted_of(const struct member *m)
{
    const struct fleet *f = m->fleet;
    const struct list *first = f->waiting.next;
    const int64_t n = m->draining ? 0 : f->setup.wanted(f->setup.arg, m->labels);

    if (n > 0 || m->draining || first == &f->waiting)
        return n;
    return can_run(m, LIST_OF(first, struct fleet_attempt, waiting));
}

static bool place_one(struct fleet_attempt *a)
{
    struct member *m = choose(a->fleet, a);

    if (!m)
        return false;
    list_del(&a->waiting);
    a->state = FLEET_IS_SENT;
    a->member = m;
    m->turn = ++a->fleet->turns;
    a->start = fleet_member_command(m, COMMAND_START, a->id, 0);
    fleet_attempt_tell(a);
    return true;
}

static bool any_room(const struct fleet *f)
{
    void *value;

    for (size_t i = 0; map_next(&f->members, &i, &value);) {
        if (asks(value))
            return true;
    }
    return false;
}

void fleet_place(struct fleet *f)
{
    for (struct list *l = f->waiting.next, *next; l != &f->waiting; l = next) {
        next = l->next;
        if (!place_one(LIST_OF(l, struct fleet_attempt, waiting)) && !any_room(f))
            return;
    }
}

/* --- requests that wait for something to do --- */

static void write_command(struct jsonw *w, const struct member *m,
                          const struct command *c)
{
    static const char *const words[] = {"start", "cancel", "drop"};
    const struct fleet_attempt *a = map_get_text(&m->fleet->attempts, c->attempt_id);

    jsonw_open(w, '{');
    jsonw_key(w, "seq");
    jsonw_int(w, (int64_t)c->seq);
    jsonw_key(w, "do");
    /* It was stopped, or lost, before the executor heard of it. */
    const bool moot = c->kind == COMMAND_START && (!a || !a->spec || a->member != m);
    jsonw_text(w, words[moot ? COMMAND_DROP : c->kind]);
    jsonw_key(w, "attempt");
    jsonw_text(w, c->attempt_id);
    if (c->kind == COMMAND_START && a && a->tenant_hash >= 0) {
        jsonw_key(w, "tenant_hash");
        jsonw_int(w, a->tenant_hash);
    }
    if (c->kind == COMMAND_CANCEL) {
        jsonw_key(w, "grace_us");
        jsonw_int(w, c->grace_us);
    }
    if (c->kind == COMMAND_START && !moot) {
        jsonw_key(w, "spec");
        jsonw_raw(w, a->spec, a->spec_len);
    }
    jsonw_close(w, '}');
}

static void answer(struct member *m)
{
    struct http_reply *reply = m->pull;
    struct buf text = {0};
    struct jsonw w = {.out = &text};

    m->hung_up = http_reply_ended(reply);
    m->pull = NULL;
    loop_timer_del(m->poll);
    jsonw_open(&w, '{');
    jsonw_key(&w, "commands");
    jsonw_open(&w, '[');
    for (const struct list *l = m->commands.next;
         l != &m->commands && text.len < ANSWER_MAX; l = l->next)
        write_command(&w, m, LIST_OF(l, struct command, link));
    jsonw_close(&w, ']');
    m->wanted = fleet_wanted_of(m);
    jsonw_key(&w, "wanted");
    jsonw_int(&w, m->wanted);
    jsonw_close(&w, '}');
    http_reply_take(reply, 200, "application/json", &text);
}

static void on_poll(void *arg)
{
    struct member *m = arg;

    if (m->pull)
        answer(m);
}

void fleet_pull_begin(struct member *m, struct http_reply *reply)
{
    const int64_t share = m->fleet->setup.lease_us / POLLS;

    fleet_pull_refuse(m); /* who asks again has given the other one up */
    m->pull = reply;
    m->hung_up = false;
    loop_timer_add(m->fleet->setup.loop, share < POLL_MAX ? share : POLL_MAX, on_poll,
                   m, &m->poll);
    fleet_later(m->fleet);
}

void fleet_pull_answer(struct member *m)
{
    const bool has_news =
        m->pull && m->shared && (fleet_wanted_of(m) > 0) != (m->wanted > 0);

    if (m->pull && (!list_empty(&m->commands) || http_reply_gone(m->pull) || has_news))
        answer(m);
}

void fleet_pull_refuse(struct member *m)
{
    struct http_reply *reply = m->pull;

    m->pull = NULL;
    loop_timer_del(m->poll);
    if (reply)
        http_reply_problem(reply, 409, "another request took the place of this one");
}
