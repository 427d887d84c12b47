/* flow_wait.c - random tasks that wait for an event, and queues that people pause. What
 * is told has few names and keys, so that it often fits several tasks; client_wait.c
 * tells it. */
#include "flow_gen.h"

/* `is_list`: each item may wait for its own key. */
static void add_key(struct gen *g, bool is_list)
{
    static const char *const keys[] = {", key: k1", ", key: '${{ inputs.word }}'",
                                       ", key: 'k${{ index }}'"};

    if (gen_odds(20))
        buf_add_text(g->out, ", key: '${{ inputs.list[99] }}'");
    else if (gen_odds(500))
        buf_add_text(g->out, keys[gen_below(is_list ? 3 : 2)]);
}

void gen_queue(struct gen *g)
{
    if (sim.o.pauses > 0 && gen_odds(300))
        buf_add_text(g->out, "    queue: fast\n");
}

void gen_wait_event(struct gen *g, bool is_list)
{
    static const char *const ends[] = {"", ", on_timeout: skip",
                                       ", on_timeout: succeed"};

    buf_printf(g->out, "    wait_event: {name: %s", gen_odds(600) ? "ping" : "pong");
    add_key(g, is_list);
    if (gen_odds(400))
        buf_add_text(g->out, ", if: event.ok");
    if (gen_odds(500)) {
        /* One after the other: compilers differ in the order of arguments. */
        const int ms = 1000 + gen_below(30000);
        const char *end = ends[gen_below(3)];
        buf_printf(g->out, ", timeout: %dms%s", ms, end);
    }
    buf_add_text(g->out, "}\n");
}
