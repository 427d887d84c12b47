/* trace.c - what happened: hashed, so that two runs of a seed can be compared, and the
 * last of it kept, to be shown when something is wrong. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define RING 200
#define LINE 240

static char ring[RING][LINE];
static uint64_t n_lines;

const char *const sim_seen_names[] = {
#define X(name) #name,
    SIM_SEEN(X)
#undef X
};

void sim_seen(enum sim_seen what)
{
    sim.seen[what]++;
}

/* FNV-1a. */
static void add_hash(const char *text)
{
    for (; *text; text++)
        sim.hash = (sim.hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
}

void sim_trace(const char *fmt, ...)
{
    char *line = ring[n_lines++ % RING];
    /* By whole numbers: a double takes longer to print, and lines are many. */
    const int head = snprintf(
        line, LINE, "%5lld.%06lld %2d ", (long long)(sim.now / UNITS_SECOND),
        (long long)(sim.now % UNITS_SECOND), sim.loop ? sim_loop_node(sim.loop) : -9);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line + head, LINE - (size_t)head, fmt, ap);
    va_end(ap);
    add_hash(line);
    if (sim.verbose)
        fprintf(stderr, "%s\n", line);
}

void sim_trace_print(void)
{
    const uint64_t first = n_lines > RING ? n_lines - RING : 0;

    if (sim.verbose)
        return;
    for (uint64_t i = first; i < n_lines; i++)
        fprintf(stderr, "%s\n", ring[i % RING]);
}

void sim_fail(const char *fmt, ...)
{
    va_list ap;

    sim_trace_print();
    options_print(&sim.o);
    fprintf(stderr, "\nseed %llu, %.6f s, event %llu: ", (unsigned long long)sim.seed,
            (double)sim.now / 1e6, (unsigned long long)sim.n_events);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nreplay: ff-sim --seed %llu --verbose\n",
            (unsigned long long)sim.seed);
    fflush(NULL);
    seed_failed(sim.invariant ? sim.invariant : fmt);
    _Exit(1);
}
