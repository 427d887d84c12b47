/* fleet.c - the whole of it: set-up, what is done once a turn, what is shown. */
#include "fleet/fleet_priv.h"

#include <string.h>

void fleet_random_text(char out[SESSION_TEXT])
{
    uint8_t bytes[(SESSION_TEXT - 1) / 2];

    rand_system(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* --- once a turn --- */

static struct fleet_pool *pool_of(struct fleet *f, const char *labels)
{
    struct fleet_pool *p = map_get_text(&f->pools, labels);

    if (!p) {
        p = mem_alloc(sizeof(*p));
        map_set_text(&f->pools, labels, p);
    }
    return p;
}

/* The core does not know yet where these are, and must not give their places away. */
static void take_unnamed(struct fleet *f)
{
    void *value;

    for (size_t i = 0; !f->all_named && map_next(&f->attempts, &i, &value);) {
        const struct fleet_attempt *a = value;
        if (a->member && !a->named && a->state != FLEET_IS_ENDED)
            pool_of(f, a->member->labels)->n_places--;
    }
}

/* For all of them at once, however many they are; and not where nobody asks. */
static void count_held(struct fleet *f)
{
    bool asked = false;
    void *value;

    for (size_t i = 0; map_next(&f->members, &i, &value);) {
        struct member *m = value;
        m->n_held = 0;
        asked = asked || !fleet_member_is_whole(m);
    }
    if (!asked)
        return;
    for (size_t i = 0; map_next(&f->attempts, &i, &value);) {
        const struct fleet_attempt *a = value;
        if (a->member && a->state != FLEET_IS_ENDED)
            a->member->n_held++;
    }
}

static int64_t count_places(struct fleet *f)
{
    int64_t all = 0;
    void *value;

    count_held(f);
    for (size_t i = 0; map_next(&f->pools, &i, &value);)
        ((struct fleet_pool *)value)->n_places = 0;
    for (size_t i = 0; map_next(&f->members, &i, &value);) {
        const struct member *m = value;
        const int64_t n = fleet_member_places(m);
        pool_of(f, m->labels)->n_places += n;
        all += n;
    }
    take_unnamed(f);
    return all;
}

static void tell_pools(struct fleet *f)
{
    void *value;

    for (size_t i = 0; map_next(&f->pools, &i, &value);) {
        struct fleet_pool *p = value;
        const char *labels = map_key_text(&f->pools, i);
        if (p->n_places != p->told)
            f->setup.pool(f->setup.arg, labels, p->n_places);
        p->told = p->n_places;
        if (p->n_places == 0) {
            map_del_text(&f->pools, labels);
            mem_free(p);
        }
    }
}

static void tell_places(struct fleet *f)
{
    const int64_t n_places = count_places(f), n_stuck = fleet_count_stuck(f);

    tell_pools(f);
    if (n_places == f->n_places && n_stuck == f->n_stuck)
        return;
    f->n_places = n_places;
    f->n_stuck = n_stuck;
    f->setup.places(f->setup.arg, n_places, n_stuck);
}

static void take_turn(void *arg)
{
    struct fleet *f = arg;
    void *m;

    if (!f->host)
        return;
    fleet_tell_ends(f);
    fleet_place(f);
    tell_places(f);
    for (size_t i = 0; map_next(&f->members, &i, &m);)
        fleet_pull_answer(m);
}

void fleet_later(struct fleet *f)
{
    if (!f->turn)
        loop_timer_add(f->setup.loop, 0, take_turn, f, &f->turn);
}

void fleet_wanted(struct fleet *f)
{
    void *value;

    for (size_t i = 0; map_next(&f->members, &i, &value);) {
        if (((const struct member *)value)->shared) {
            fleet_later(f);
            return;
        }
    }
}

bool fleet_stood_still(const struct fleet *f, int64_t due_at)
{
    return loop_mono_us(f->setup.loop) - due_at > f->setup.lease_us / 4;
}

/* --- set-up --- */

struct fleet *fleet_new(const struct fleet_setup *setup, struct ff_err *err)
{
    struct fleet *f = mem_alloc(sizeof(*f));

    f->setup = *setup;
    f->dir = mem_text(setup->dir);
    list_init(&f->waiting);
    fleet_random_text(f->controller);
    int code = fleet_read_tokens(setup->token_file, &f->tokens, err);
    const int sys = code == FF_OK ? file_make_dirs(f->dir, 0700) : 0;
    if (sys != 0)
        code = ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", f->dir, strerror(-sys));
    if (code == FF_OK)
        f->lane = lane_new(setup->loop, "executors", err);
    if (f->lane)
        return f;
    fleet_free(f);
    return NULL;
}

/* Who leaves waits for what he has asked for: nobody answers these starts any more. The
 * next owner names the attempts again. */
static void cancel_starts(struct fleet *f)
{
    struct ff_err err;
    void *value;

    ff_fail(&err, FF_CANCELLED, 0, "the server leaves");
    for (size_t i = 0; map_next(&f->attempts, &i, &value);)
        fleet_attempt_answer(value, &err);
}

/* Nobody can be heard any more: silence says nothing, and whoever leads next judges. */
static void judge_no_more(struct fleet *f)
{
    void *value;

    loop_timer_del(f->expecting);
    for (size_t i = 0; map_next(&f->members, &i, &value);)
        loop_timer_del(((struct member *)value)->lease);
}

void fleet_close(struct fleet *f)
{
    if (!f)
        return;
    cancel_starts(f);
    judge_no_more(f);
    lane_free(f->lane);
    f->lane = NULL;
}

void fleet_free(struct fleet *f)
{
    void *value;

    if (!f)
        return;
    fleet_close(f);
    for (size_t i = 0; map_next(&f->members, &i, &value);)
        fleet_member_free(value);
    for (size_t i = 0; map_next(&f->attempts, &i, &value);)
        fleet_attempt_free(value);
    for (size_t i = 0; map_next(&f->awaited, &i, &value);)
        mem_free(value);
    map_done(&f->awaited);
    for (size_t i = 0; i < f->tells.n; i++)
        mem_free(f->tells.items[i]);
    ARRAY_DONE(&f->tells);
    for (size_t i = 0; map_next(&f->pools, &i, &value);)
        mem_free(value);
    map_done(&f->pools);
    loop_timer_del(f->expecting);
    loop_timer_del(f->turn);
    map_done(&f->members);
    map_done(&f->attempts);
    fleet_tokens_done(&f->tokens);
    mem_free(f->dir);
    mem_free(f);
}

/* --- for who shows them --- */

void fleet_each(const struct fleet *f, fleet_executor_fn *fn, void *arg)
{
    const int64_t now = loop_mono_us(f->setup.loop);
    void *value;

    for (size_t i = 0; map_next(&f->members, &i, &value);) {
        const struct member *m = value;
        const struct fleet_executor e = {
            .id = m->id,
            .name = m->name,
            .version = m->version,
            .address = m->address,
            .labels = m->labels,
            .places = m->places,
            .n_attempts = fleet_member_attempts(m),
            .heard_us = now - m->heard_at,
            .draining = m->draining,
        };
        fn(arg, &e);
    }
}

void fleet_count(const struct fleet *f, struct fleet_counts *out)
{
    void *value;

    *out = (struct fleet_counts){.n_executors = f->members.n,
                                 .n_registered = f->n_registered,
                                 .n_gone = f->n_gone,
                                 .n_lost = f->n_lost};
    for (size_t i = 0; map_next(&f->members, &i, &value);)
        out->n_places += ((const struct member *)value)->places;
    for (size_t i = 0; map_next(&f->attempts, &i, &value);) {
        const struct fleet_attempt *a = value;
        out->n_waiting += a->state == FLEET_IS_WAITING;
        out->n_attempts += a->state == FLEET_IS_SENT || a->state == FLEET_IS_RUNNING;
    }
}
