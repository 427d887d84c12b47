/* breaks: queue/close/again
 * over: queue-memory
 *
 * Sessions that were closed count on: after 20 there is no room. */
#include "broken_queue.h"

static int open_counted(const struct ff_host *h, const void *config, void **queue,
                        struct ff_err *err)
{
    static int n;

    if (n++ >= 20)
        return ff_fail(err, FF_FULL, 0, "there are 20 sessions");
    return open_and_note(h, config, queue, err);
}

static void break_it(struct ff_driver *d, struct ff_queue_ops *ops)
{
    (void)d;
    ops->open = open_counted;
}
