/* driver/ops.c - operations: asynchronous calls of drivers that the core awaits.
 *
 * A driver completes them from any thread. The completed ones gather in a list that
 * anybody may push to, and one call on the loop thread serves all that came meanwhile.
 * Their memory is used again in the order in which it was given back, so that a second
 * completion finds the operation still unused. */
#include "driver/driver_priv.h"

#define CHUNK   64 /* operations allocated together */
#define RESERVE 32 /* unused ones kept back, for noticing second completions */

enum op_state { OP_FREE, OP_PENDING, OP_DONE };

struct ff_op {
    struct ff_op *next;
    struct driver_instance *owner; /* whom it comes back to, whoever completes it */
    driver_done_fn *fn;
    void *arg;
    struct ff_err *err; /* NULL: success */
    _Atomic uint32_t state;
};

struct op_chunk {
    struct op_chunk *next;
    struct ff_op ops[CHUNK];
};

static void give_back(struct driver_ops *ops, struct ff_op *op)
{
    atomic_store_explicit(&op->state, OP_FREE, memory_order_relaxed);
    op->next = NULL;
    if (ops->free_last)
        ops->free_last->next = op;
    else
        ops->free_first = op;
    ops->free_last = op;
    ops->n_free++;
}

static void grow(struct driver_ops *ops)
{
    struct op_chunk *chunk = mem_alloc(sizeof(*chunk));

    chunk->next = ops->chunks;
    ops->chunks = chunk;
    for (size_t i = 0; i < CHUNK; i++)
        give_back(ops, &chunk->ops[i]);
}

struct ff_op *driver_op(struct driver_instance *i, driver_done_fn *fn, void *arg)
{
    struct driver_ops *ops = &i->ops;
    struct ff_op *op;

    if (ops->n_free <= RESERVE)
        grow(ops);
    op = ops->free_first;
    ops->free_first = op->next;
    ops->n_free--;
    op->next = NULL;
    op->owner = i;
    op->fn = fn;
    op->arg = arg;
    op->err = NULL;
    atomic_store_explicit(&op->state, OP_PENDING, memory_order_release);
    ops->n_pending++;
    return op;
}

/* A copy with a code that the core knows; NULL for success. */
static struct ff_err *keep_error(const struct ff_err *err)
{
    struct ff_err *copy;

    if (!err || err->code == FF_OK)
        return NULL;
    copy = mem_alloc(sizeof(*copy));
    *copy = *err;
    copy->msg[sizeof(copy->msg) - 1] = '\0';
    if (copy->code < FF_OK || copy->code > FF_FATAL)
        copy->code = FF_INTERNAL;
    return copy;
}

static void on_loop(void *arg)
{
    struct driver_instance *i = arg;

    atomic_store(&i->posted, false);
    driver_ops_run(i);
    driver_instance_settle(i);
}

void driver_complete(struct ff_core *self, struct ff_op *op, const struct ff_err *err)
{
    struct driver_instance *i = self->instance;
    uint32_t state = OP_PENDING;
    struct ff_op *first;

    if (!op || !atomic_compare_exchange_strong(&op->state, &state, OP_DONE)) {
        driver_misuse(i,
                      op ? "completed an operation twice" : "completed no operation");
        return;
    }
    /* What a filter passed on is completed by the layer below it. */
    i = op->owner;
    op->err = keep_error(err);
    first = atomic_load(&i->ops.done);
    do {
        op->next = first;
    } while (!atomic_compare_exchange_weak(&i->ops.done, &first, op));
    /* Whoever pushed onto an empty list calls; the others come along. */
    if (!first && !atomic_exchange(&i->posted, true))
        loop_post(i->loop, on_loop, i);
}

/* All that was pushed, the first completion first. */
static struct ff_op *take(struct driver_ops *ops)
{
    struct ff_op *pushed = atomic_exchange(&ops->done, NULL);
    struct ff_op *first = NULL;

    while (pushed) {
        struct ff_op *next = pushed->next;

        pushed->next = first;
        first = pushed;
        pushed = next;
    }
    return first;
}

static void run_one(struct driver_ops *ops, struct ff_op *op)
{
    driver_done_fn *fn = op->fn;
    void *arg = op->arg;
    struct ff_err *err = op->err;

    ops->n_pending--;
    give_back(ops, op);
    if (fn)
        fn(arg, err ? err->code : FF_OK, err);
    mem_free(err);
}

static void run_batch(struct driver_ops *ops)
{
    while (ops->batch) {
        struct ff_op *op = ops->batch;

        ops->batch = op->next;
        run_one(ops, op);
    }
}

/* A continuation may free the instance, which comes back here for the rest of the
 * batch; so the batch is the instance's, and `running` keeps its memory. What is
 * completed meanwhile waits for the next call: the loop has other things to do. */
void driver_ops_run(struct driver_instance *i)
{
    i->running++;
    run_batch(&i->ops);
    i->ops.batch = take(&i->ops);
    run_batch(&i->ops);
    i->running--;
}

size_t driver_ops_cancel(struct driver_instance *i)
{
    size_t n = 0;

    for (struct op_chunk *c = i->ops.chunks; c; c = c->next)
        for (size_t k = 0; k < CHUNK; k++) {
            uint32_t state = OP_PENDING;

            if (!atomic_compare_exchange_strong(&c->ops[k].state, &state, OP_DONE))
                continue;
            c->ops[k].err = mem_alloc(sizeof(struct ff_err));
            ff_fail(c->ops[k].err, FF_CANCELLED, 0, "%s was closed", i->label);
            c->ops[k].next = i->ops.batch;
            i->ops.batch = &c->ops[k];
            n++;
        }
    return n;
}

void driver_ops_done(struct driver_ops *ops)
{
    while (ops->chunks) {
        struct op_chunk *next = ops->chunks->next;

        mem_free(ops->chunks);
        ops->chunks = next;
    }
}
