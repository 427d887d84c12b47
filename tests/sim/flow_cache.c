/* flow_cache.c - random tasks whose outputs are kept for others. A key is cN, or cN and
 * the input `word` behind it, which is the same in all runs; items are those of one
 * list that stands in the file, so that check_cache.c can tell which tasks are the same
 * without working out any list. */
#include "flow_gen.h"

#define MINUTE_MS 60000

void gen_cache(struct gen *g, int task, bool is_list)
{
    if (!gen_odds(sim.o.cache) || g->n_lists > 0 || (is_list && !g->is_fixed[task]))
        return;
    /* One after the other: compilers differ in the order of arguments. */
    const int key = gen_below(3);
    const char *word = gen_odds(300) ? "-${{ inputs.word }}" : "";
    const int ttl = gen_odds(500) ? 1000 + gen_below(20000) : 60 * MINUTE_MS;
    const char *scope = gen_odds(500) ? ", scope: key" : "";
    if (g->has_a[task]) /* few of these are alike but for the key */
        buf_printf(g->out, "    cache: {key: c0, ttl: %dms, scope: key}\n", ttl);
    else
        buf_printf(g->out, "    cache: {key: \"c%d%s\", ttl: %dms%s}\n", key, word, ttl,
                   scope);
}
