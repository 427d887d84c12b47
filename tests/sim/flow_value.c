/* flow_value.c - random values that are too large for a row, and outputs of runs with a
 * type. `big` is a value of more than 64 KiB, which runtime_sim.c makes; a run hands
 * that of one of its tasks on, as it does `v`. The name of an output with a type says
 * what becomes of it: `number` is never one, `text` is one unless it is null. */
#include "flow_gen.h"

static bool later_odds(int64_t permille)
{
    return sim_chance(RAND_LATER, permille);
}

bool gen_big(struct gen *g, int task)
{
    g->has_big[task] = later_odds(sim.o.values);
    return g->has_big[task];
}

void gen_big_env(struct gen *g, uint32_t needs)
{
    for (int i = 0; i < g->n; i++)
        if (needs >> i & 1 && g->has_big[i] && !g->is_list[i] && later_odds(500))
            buf_printf(g->out, ", SIM_B_%s%d: '${{ tasks.%s%d.outputs.big }}'",
                       g->prefix, i, g->prefix, i);
}

int gen_first_big(const struct gen *g)
{
    for (int i = 0; i < g->n; i++)
        if (g->has_big[i] && !g->is_list[i])
            return i;
    return -1;
}

static void add_typed(struct gen *g, int task)
{
    const char *p = g->prefix;

    if (later_odds(50))
        buf_printf(g->out,
                   ",\n          number: {value: '${{ tasks.%s%d.outputs.v }}', "
                   "type: integer}",
                   p, task);
    if (later_odds(500))
        buf_printf(g->out,
                   ",\n          text: {value: '${{ tasks.%s%d.outputs.v }}', "
                   "type: string}",
                   p, task);
}

void gen_value_outputs(struct gen *g, int with_v)
{
    const int i = gen_first_big(g);
    const char *p = g->prefix;

    if (sim.o.values == 0)
        return;
    if (with_v >= 0)
        add_typed(g, with_v);
    if (i >= 0)
        buf_printf(g->out,
                   "%s\n          big_from_%s%d: '${{ tasks.%s%d.outputs.big }}',\n"
                   "          big: '${{ tasks.%s%d.outputs.big }}'",
                   with_v >= 0 ? "," : "", p, i, p, i, p, i);
}
