/* kit/kit_wait.c - waiting on the loop, see kit_wait.h. */
#include "kit/kit_wait.h"

static void on_late(void *arg)
{
    kit_wake(arg);
}

void kit_wake(struct kit *k)
{
    loop_stop(kit_loop(k), 0);
}

static bool wait_for(struct kit *k, bool (*done)(void *arg), void *arg, int64_t for_us)
{
    struct loop *l = kit_loop(k);
    struct loop_timer *late = NULL;
    bool is_done;

    loop_timer_add(l, for_us, on_late, k, &late);
    while (!(is_done = done(arg)) && late)
        loop_run(l);
    loop_timer_del(late);
    return is_done;
}

bool kit_wait(struct kit *k, bool (*done)(void *arg), void *arg)
{
    return wait_for(k, done, arg, kit_left_us(k) / 3);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

void kit_turn(struct kit *k, int64_t for_us)
{
    wait_for(k, never, NULL, for_us);
}
