/* flow_inner.c - random tasks that are runs of their own: groups, inside each other,
 * and uses of workflows that client.c has applied before. */
#include "flow_gen.h"

#include <string.h>

#define MAX_DEPTH 3

static bool kid_has_v[SIM_KIDS], kid_has_big[SIM_KIDS];
static bool
    kid_lists_runs[SIM_KIDS]; /* makes lists of runs, itself or in what it uses */

/* --- groups --- */

/* What stands at the left margin of a file, inside a task. */
static void add_indented(struct buf *out, const char *text)
{
    while (*text) {
        const size_t len = strcspn(text, "\n") + 1;
        buf_add_text(out, "    ");
        buf_add(out, text, len);
        text += len;
    }
}

static void add_group(struct gen *g, int task, uint32_t needs, bool is_list)
{
    struct buf text = {0};
    char prefix[32];
    struct gen inner = {.out = &text,
                        .prefix = prefix,
                        .n = 1 + gen_below(3),
                        .depth = g->depth + 1,
                        .kid = g->kid,
                        .around = g,
                        .around_needs = needs,
                        .in_list = is_list,
                        .n_lists = g->n_lists + is_list};

    snprintf(prefix, sizeof(prefix), "%s%dx", g->prefix, task);
    gen_tasks(&inner);
    gen_outputs(&inner);
    g->has_v[task] = gen_has_value(&inner);
    g->has_big[task] = gen_first_big(&inner) >= 0;
    g->lists_runs |= inner.lists_runs;
    add_indented(g->out, buf_text(&text));
    buf_done(&text);
    if (gen_odds(150))
        buf_printf(g->out, "    timeout: %dms\n", 1000 + gen_below(30000));
}

/* --- uses --- */

/* One that may be a list's item, when the one that was drawn may not; or -1. */
static int kid_for(const struct gen *g, int kid, bool is_list)
{
    if (!is_list && g->n_lists == 0)
        return kid;
    for (int i = 0; i < g->kid && kid_lists_runs[kid]; i++)
        kid = i;
    return kid_lists_runs[kid] ? -1 : kid;
}

static void add_uses(struct gen *g, int task, bool is_list)
{
    const int kid = kid_for(g, gen_below(g->kid), is_list);

    if (kid < 0) {
        buf_add_text(g->out, "    run: x\n");
        return;
    }
    g->lists_runs |= kid_lists_runs[kid];
    buf_printf(g->out, "    uses: workflow:kid%d\n", kid);
    if (gen_odds(500))
        buf_add_text(g->out, "    with: {word: '${{ inputs.word }}'}\n");
    g->has_v[task] = kid_has_v[kid];
    g->has_big[task] = kid_has_big[kid];
}

void gen_inner(struct gen *g, int task, uint32_t needs, bool is_list)
{
    const bool uses = g->kid > 0 && gen_odds(400);

    g->lists_runs |= is_list;
    gen_retry(g);
    gen_total(g);
    if (uses || g->depth >= MAX_DEPTH)
        add_uses(g, task, is_list);
    else
        add_group(g, task, needs, is_list);
    gen_cache(g, task, is_list);
    gen_repeat(g, is_list);
    gen_compensate(g, task, is_list);
}

/* Lists of groups in lists of groups would be hundreds of runs; so would lists of
 * workflows that have lists of groups: see kid_for. */
bool gen_is_inner(const struct gen *g, bool is_list)
{
    return gen_odds(sim.o.inner) && (g->depth < MAX_DEPTH || g->kid > 0) &&
           (!is_list || g->n_lists == 0);
}

void gen_note_kid(const struct gen *g)
{
    kid_has_v[g->kid] = gen_has_value(g);
    kid_has_big[g->kid] = gen_first_big(g) >= 0;
    kid_lists_runs[g->kid] = g->lists_runs;
}
