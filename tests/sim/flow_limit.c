/* flow_limit.c - random limits across runs. What a name stands for is the same in every
 * file, so that check_limit.c can judge it: so many places of each semaphore as
 * client_limits.c says, runs with the key kN at most N + 1, rates as in the table. */
#include "flow_gen.h"

static const struct {
    int64_t limit, per_ms;
} rates[] = {{1, 2000}, {3, 5000}};

static void add_semaphores(struct gen *g)
{
    static const char *const some[] = {"gpu", "[gpu, \"db:2\"]", "\"db:2\"", "[db]"};

    buf_printf(g->out, "    semaphores: %s\n", some[gen_below((int)COUNT_OF(some))]);
}

static void add_mutex(struct gen *g)
{
    buf_add_text(g->out, gen_odds(500) ? "    mutex: door\n"
                                       : "    mutex: \"door-${{ inputs.word }}\"\n");
}

static void add_rate(struct gen *g)
{
    const int i = gen_below((int)COUNT_OF(rates));

    buf_printf(g->out, "    rate: {key: r%d, limit: %lld, per: %lldms}\n", i,
               (long long)rates[i].limit, (long long)rates[i].per_ms);
}

void gen_limits(struct gen *g)
{
    if (!gen_odds(sim.o.limits))
        return;
    const bool semaphores = gen_odds(500);

    if (semaphores)
        add_semaphores(g);
    if (gen_odds(300))
        add_mutex(g);
    if (!semaphores && gen_odds(400))
        add_rate(g);
}

void gen_concurrency(struct gen *g)
{
    static const char *const overflows[] = {"queue", "cancel_oldest", "cancel_newest",
                                            "fail"};

    if (sim.o.limits == 0 || !gen_odds(600))
        return;
    /* Those that others use have keys of their own: who waits for a run with its own
     * key waits for ever. */
    const int key = g->kid < SIM_KIDS ? 2 + g->kid : gen_below(2);
    const char *overflow = overflows[gen_below((int)COUNT_OF(overflows))];
    const bool made = gen_odds(300);

    buf_printf(g->out, "concurrency: {key: \"k%d%s\", limit: %d, overflow: %s}\n", key,
               made ? "-${{ inputs.word }}" : "", key + 1, overflow);
}
