/* ops_sim.c - operations of drivers: completed at once, later, or by the close. */
#include "sim.h"

struct sim_op {
    struct sim_ops *ops;
    struct ff_op *op;
    int code;
    const char *why;
};

static void complete(const struct sim_ops *ops, struct ff_op *op, int code,
                     const char *why)
{
    struct ff_err err;

    if (code != FF_OK)
        ff_fail(&err, code, 0, "%s", why ? why : "simulated");
    ops->host->complete(ops->host->self, op, code == FF_OK ? NULL : &err);
}

static void remove_op(struct sim_ops *ops, const struct sim_op *so)
{
    for (size_t i = 0; i < ops->open.n; i++)
        if (ops->open.items[i] == so)
            ops->open.items[i] = ops->open.items[--ops->open.n];
}

static void on_due(void *arg)
{
    struct sim_op *so = arg;

    if (so->op) {
        remove_op(so->ops, so);
        complete(so->ops, so->op, so->code, so->why);
    }
    mem_free(so);
}

void ops_complete(struct sim_ops *ops, struct ff_op *op, int code, const char *why,
                  int64_t delay_us)
{
    if (delay_us <= 0) {
        complete(ops, op, code, why);
        return;
    }
    struct sim_op *so = mem_alloc(sizeof(*so));
    *so = (struct sim_op){.ops = ops, .op = op, .code = code, .why = why};
    ARRAY_ADD(&ops->open, so);
    sim_at(ops->loop, delay_us, on_due, so);
}

void ops_close(struct sim_ops *ops)
{
    for (size_t i = 0; i < ops->open.n; i++) {
        struct ff_op *op = ops->open.items[i]->op;
        ops->open.items[i]->op = NULL;
        complete(ops, op, FF_CANCELLED, "the session is closed");
    }
    ARRAY_DONE(&ops->open);
}
