/* queue-redis/close.c - the end of a session. What it had goes back at once, if the
 * server takes it within a moment; else when its lease is over. */
#include "redis.h"

#include <stdlib.h>

/* The one place where the loop waits for the server: who closes has nothing more to
 * do, and a lease is longer than this. */
#define PATIENCE_MS 250

static void on_gone(struct rq_session *s, const struct rq_command *c,
                    const redisReply *reply, const struct ff_err *err)
{
    (void)s;
    (void)c;
    (void)reply;
    (void)err;
}

static void leave_all(struct rq_session *s)
{
    bool any = false;

    for (struct rq_subscription *sub = s->subs; sub && s->state == RQ_UP;
         sub = sub->next) {
        struct rq_command *c = sub->gone ? NULL : rq_leave(sub);

        if (!c)
            continue;
        any = true;
        c->fn = on_gone;
        rq_send(s, c);
    }
    if (any && s->state == RQ_UP)
        rq_link_farewell(&s->commands, PATIENCE_MS);
}

void rq_close(struct rq_session *s)
{
    struct ff_err err;

    s->closed = true;
    leave_all(s);
    ff_fail(&err, FF_CANCELLED, 0, "the session was closed");
    for (struct rq_command *c = s->sent.first; c; c = c->next)
        c->again = true; /* all the same from here on */
    rq_keep_unanswered(s, &err);
    rq_fail_waiting(s, &err);
    for (struct rq_subscription *sub = s->subs; sub; sub = sub->next)
        sub->gone = true;
    rq_subs_lost(s);
    rq_stop(s);
}
