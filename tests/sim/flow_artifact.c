/* flow_artifact.c - random files and folders that tasks hand to others: `a` is a file
 * and `d` a folder, both with what artifact_sim.c writes; what task t3 handed on is
 * given as in_t3 and dir_t3, where there is any. */
#include "flow_gen.h"

static void add_in(struct gen *g, uint32_t needs)
{
    const char *comma = "";

    buf_add_text(g->out, "in: {");
    for (int i = 0; i < g->n; i++) {
        if (!(needs >> i & 1) || !g->has_a[i])
            continue;
        buf_printf(g->out,
                   "%sin_%s%d: {from: '${{ tasks.%s%d.artifacts.a }}', optional: true}",
                   comma, g->prefix, i, g->prefix, i);
        comma = ",\n                ";
        if (g->has_d[i])
            buf_printf(
                g->out,
                "%sdir_%s%d: {from: '${{ tasks.%s%d.artifacts.d }}', optional: true}",
                comma, g->prefix, i, g->prefix, i);
    }
    buf_add_text(g->out, "}");
}

static bool any_in(const struct gen *g, uint32_t needs)
{
    for (int i = 0; i < g->n; i++)
        if (needs >> i & 1 && g->has_a[i])
            return true;
    return false;
}

void gen_artifacts(struct gen *g, int task, uint32_t needs)
{
    const bool gives = gen_odds(sim.o.artifacts);
    const bool takes = any_in(g, needs) && gen_odds(800);

    if (!gives && !takes)
        return;
    buf_add_text(g->out, "    artifacts: {");
    if (takes)
        add_in(g, needs);
    if (gives) {
        g->has_a[task] = true;
        g->has_d[task] = gen_odds(300);
        const char *optional = gen_odds(300) ? "{path: a, optional: true}" : "a";
        buf_printf(g->out, "%sout: {a: %s%s}", takes ? ",\n      " : "", optional,
                   g->has_d[task] ? ", d: deep/d" : "");
    }
    buf_add_text(g->out, "}\n");
}
