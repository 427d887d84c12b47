/* sealer.c - seals what was added to the log, on a lane of its own: at once when
 * nothing was for a second, else once a second. Without new rows it does nothing. What
 * cannot be sealed now is tried again with back-off, until the store is dead. */
#include "access/access_priv.h"

#define EVERY_US     UNITS_SECOND
#define RETRY_MAX_US (60 * UNITS_SECOND)

struct sealer {
    struct loop *loop;
    struct store *store;
    struct store_reader *reader;
    struct lane *lane;
    struct loop_timer *timer;
    bool wanted;      /* rows were added since the last seal began */
    bool busy;        /* the lane seals */
    int64_t next_at;  /* not before, by the clock that nobody sets */
    int64_t retry_us; /* after the next failure */
    ff_call_fn *drained;
    void *arg;
    /* of the lane while it is busy */
    int64_t now_us;
    int code;
    struct ff_err err;
};

struct sealer *sealer_new(struct loop *l, struct store *store,
                          struct store_reader *reader, struct ff_err *err)
{
    struct sealer *s = mem_alloc(sizeof(*s));

    *s = (struct sealer){
        .loop = l, .store = store, .reader = reader, .retry_us = EVERY_US};
    s->lane = lane_new(l, "audit", err);
    if (s->lane)
        return s;
    mem_free(s);
    return NULL;
}

void sealer_free(struct sealer *s)
{
    if (!s)
        return;
    loop_timer_del(s->timer);
    lane_free(s->lane);
    mem_free(s);
}

/* --- a seal --- */

static void plan_next(struct sealer *s);

static void seal_on_lane(void *arg)
{
    struct sealer *s = arg;
    int64_t n;

    s->code = access_seal(s->store, s->reader, s->now_us, &n, &s->err);
}

static bool is_dead(int code)
{
    return code == FF_FATAL || code == FF_CORRUPT;
}

static void sealed(void *arg)
{
    struct sealer *s = arg;
    const bool failed = s->code != FF_OK;

    s->busy = false;
    s->next_at = loop_mono_us(s->loop) + (failed ? s->retry_us : EVERY_US);
    if (failed)
        log_warn("the audit log is not sealed yet: %s", s->err.msg);
    if (failed && s->retry_us < RETRY_MAX_US)
        s->retry_us *= 2;
    else if (!failed)
        s->retry_us = EVERY_US;
    s->wanted = s->wanted || (failed && !is_dead(s->code));
    /* Who leaves tries once: what is open is sealed by the next process. */
    if (s->drained && (failed || !s->wanted))
        s->drained(s->arg);
    else
        plan_next(s);
}

static void begin(void *arg)
{
    struct sealer *s = arg;

    s->wanted = false;
    s->busy = true;
    s->now_us = loop_wall_us(s->loop);
    lane_do(s->lane, seal_on_lane, sealed, s);
}

static void plan_next(struct sealer *s)
{
    const int64_t left = s->next_at - loop_mono_us(s->loop);

    if (!s->wanted || s->busy || s->timer)
        return;
    if (left > 0 && !s->drained)
        loop_timer_add(s->loop, left, begin, s, &s->timer);
    else
        begin(s);
}

/* --- what is asked of it --- */

void sealer_wake(struct sealer *s)
{
    s->wanted = true;
    plan_next(s);
}

void sealer_drain(struct sealer *s, ff_call_fn *fn, void *arg)
{
    s->drained = fn;
    s->arg = arg;
    loop_timer_del(s->timer);
    if (s->busy)
        return;
    if (s->wanted)
        plan_next(s);
    else
        loop_post(s->loop, fn, arg);
}
