/* silence.c - attempts that must be heard of now and then: whatever comes over the task
 * API is a sign of life. How long a silence is counts from the moment that this process
 * took charge of the attempt, since what was said to another one nobody knows.
 *
 * One timer an attempt, which is set anew when it is due and not at each sign: those
 * may come often. */
#include "exec/exec_priv.h"

static void on_silence(void *arg)
{
    struct attempt *a = arg;
    struct exec *x = a->exec;
    const int64_t left =
        a->heard_at + a->work.heartbeat_us - loop_mono_us(x->setup.loop);

    if (a->state != ATTEMPT_RUNNING || a->stop_asked || x->draining)
        return; /* it ends, or the next owner begins to listen */
    if (left > 0)
        loop_timer_add(x->setup.loop, left, on_silence, a, &a->silence);
    else
        x->setup.source.silent(x->setup.source.arg, &a->key);
}

void attempt_listen(struct attempt *a)
{
    const struct exec_setup *s = &a->exec->setup;

    if (a->work.heartbeat_us == 0 || (s->is_mute && s->is_mute(a->id)))
        return;
    attempt_heard(a);
    loop_timer_del(a->silence); /* it was adopted, and had not begun */
    loop_timer_add(s->loop, a->work.heartbeat_us, on_silence, a, &a->silence);
}

void attempt_heard(struct attempt *a)
{
    a->heard_at = loop_mono_us(a->exec->setup.loop);
}
