/* What broken queues share: they are a correct driver with some functions replaced. */
#ifndef BROKEN_QUEUE_H
#define BROKEN_QUEUE_H

#include <flowforge/queue.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The driver that the file is made over, see kit.cmake. */
const struct ff_driver *correct(void);

#define good (correct()->ops.queue)

/* Each file has one: replaces what it breaks. */
static void break_it(struct ff_driver *d, struct ff_queue_ops *ops);

static const struct ff_host *host;
static char spare; /* where the correct one wants an operation that is nobody's */

#define SPARE_OP ((struct ff_op *)(void *)&spare)

static void complete_real_ones(struct ff_core *self, struct ff_op *op,
                               const struct ff_err *err)
{
    if (op != SPARE_OP)
        host->complete(self, op, err);
}

static int open_and_note(const struct ff_host *h, const void *config, void **queue,
                         struct ff_err *err)
{
    static struct ff_host inner;

    host = h;
    inner = *h;
    inner.complete = complete_real_ones;
    return good->open(&inner, config, queue, err);
}

FF_EXPORT const struct ff_driver *ff_driver_entry(void);
FF_EXPORT const struct ff_driver *ff_driver_entry(void)
{
    static struct ff_queue_ops ops;
    static struct ff_driver d;

    d = *correct();
    ops = *good;
    ops.open = open_and_note;
    break_it(&d, &ops);
    d.ops.queue = &ops;
    return &d;
}

__attribute__((unused)) static void succeed(struct ff_op *op)
{
    host->complete(host->self, op, NULL);
}

__attribute__((unused)) static void fail(struct ff_op *op, int code, const char *why)
{
    struct ff_err err;

    ff_fail(&err, code, 0, "%s", why);
    host->complete(host->self, op, &err);
}

/* A subscriber whose deliveries pass through `relay`. */
struct relayed {
    ff_deliver_fn *fn;
    void *arg;
};

__attribute__((unused)) static struct relayed *relay_to(ff_deliver_fn *fn, void *arg)
{
    static struct relayed all[1024];
    static size_t n;

    all[n] = (struct relayed){fn, arg};
    return &all[n++];
}

#endif
