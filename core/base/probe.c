/* base/probe.c - see probe.h. All in one place, so that nothing else has to be built
 * with what the system offers. */
#include "base/probe.h"

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#ifdef __clang__ /* of the macros of that header, where they are used */
#pragma GCC diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#else
#define DTRACE_PROBE2(provider, name, a, b)    ((void)(a), (void)(b))
#define DTRACE_PROBE3(provider, name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define DTRACE_PROBE4(provider, name, a, b, c, d)                                      \
    ((void)(a), (void)(b), (void)(c), (void)(d))
#endif

/* What a probe's macro makes of its arguments' sizes and signs counts as branches.
 * NOLINTBEGIN(readability-function-cognitive-complexity) */
void probe_attempt_start(int64_t run, int64_t node, int64_t attempt)
{
    DTRACE_PROBE3(flowforge, attempt__start, run, node, attempt);
}

void probe_attempt_end(int64_t run, int64_t node, int64_t attempt, int64_t outcome)
{
    DTRACE_PROBE4(flowforge, attempt__end, run, node, attempt, outcome);
}

void probe_slot_give(int64_t run, int64_t node, int64_t waited_us)
{
    DTRACE_PROBE3(flowforge, slot__give, run, node, waited_us);
}

void probe_commit(int64_t code, int64_t n_changes, int64_t bytes, int64_t took_us)
{
    DTRACE_PROBE4(flowforge, commit, code, n_changes, bytes, took_us);
}

void probe_lead(int64_t shard, int64_t epoch)
{
    DTRACE_PROBE2(flowforge, lead, shard, epoch);
}

void probe_lose(int64_t shard, int64_t epoch)
{
    DTRACE_PROBE2(flowforge, lose, shard, epoch);
}
/* NOLINTEND(readability-function-cognitive-complexity) */
