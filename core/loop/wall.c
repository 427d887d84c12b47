/* loop/wall.c - the wall clock, smoothed. */
#include "loop/loop_priv.h"

/* Shown is the greater of the real time and a clock that went at half speed since the
 * last look. When the real one is set back, the slow one leads until it is caught up
 * with: time goes on for whoever waits, and never goes back.
 *
 * *lead is the slow clock's distance from half the monotonic one. It only grows, and
 * so does the latter; hence a look that begins after another has ended shows no less.
 */
int64_t wall_smooth(_Atomic int64_t *lead, int64_t real_us, int64_t mono_us)
{
    const int64_t half = mono_us / 2;
    int64_t known = atomic_load(lead);

    for (;;) {
        const int64_t slow = known + half;

        if (real_us <= slow)
            return slow;
        if (atomic_compare_exchange_weak(lead, &known, real_us - half))
            return real_us;
    }
}
