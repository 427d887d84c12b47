/* client_made.c - runs that whoever leads has made himself, as a server does for those
 * who ask it: control is told of them with their rows, and reads nothing again. Some it
 * is told of so late that others may have led the run meanwhile, and ended it. */
#include "sim.h"

#include "node/node_priv.h"

#define LATE (20 * UNITS_SECOND)

struct made {
    struct sim_node *by;
    struct arena arena;
    struct run_row row;
};

static void note(const struct made *m, bool was_there)
{
    const struct mirror_run *r = mirror_run(m->row.run);

    if (was_there ||
        !control_run_row(m->by->control, (struct tenant){m->row.tenant}, m->row.run))
        return;
    sim_seen(SEEN_TAKEN_UP);
    if (r->row.state != RUN_PENDING)
        sim_seen(SEEN_TAKEN_UP_LATE);
}

static void tell(void *arg)
{
    struct made *m = arg;
    const struct tenant t = {m->row.tenant};

    if (m->by->phase == NODE_OWNER) {
        const bool was_there = control_run_row(m->by->control, t, m->row.run) != NULL;

        control_opened(m->by->control, t, m->row.run, &m->row);
        note(m, was_there);
    }
    arena_done(&m->arena);
    mem_free(m);
}

/* Every second one, some of them late: without a draw, so that all else is drawn as it
 * was. */
void client_made(struct tenant t, const char *id, int64_t run)
{
    struct sim_node *owner = nodes_owner_of(t);
    struct ff_err err;

    if (!owner || run % 2 == 0)
        return;
    struct made *m = mem_alloc(sizeof(*m));

    m->by = owner;
    if (store_run_by_id(client_node()->store, STORE_READER_CALLER, t, id, &m->arena,
                        &m->row, &err) != FF_OK ||
        m->row.version != 1) {
        arena_done(&m->arena);
        mem_free(m);
        return;
    }
    sim_at(owner->loop, run % 4 == 1 ? 0 : run * LATE / 64 % LATE, tell, m);
}
