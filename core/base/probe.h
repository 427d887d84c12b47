/* base/probe.h - points that tools of the system may watch in a process that runs, as
 * bpftrace, perf and SystemTap do: probes of user space (USDT) of the provider
 * `flowforge`. One that nobody watches is a call of a function that does nothing.
 * docs/metrics.md says what they tell; a test compares. Any thread.
 *
 * Where the machine that builds has no <sys/sdt.h> there are none. */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

#include <stdint.h>

/* attempt__start: the runtime is asked to begin it. attempt__end: its result is
 * durable; outcome is 0 when it succeeded. */
void probe_attempt_start(int64_t run, int64_t node, int64_t attempt);
void probe_attempt_end(int64_t run, int64_t node, int64_t attempt, int64_t outcome);

/* slot__give: a node may start, and waited so long for that. */
void probe_slot_give(int64_t run, int64_t node, int64_t waited_us);

/* commit: a driver's commit came back, with what (0: done). */
void probe_commit(int64_t code, int64_t n_changes, int64_t bytes, int64_t took_us);

/* lead: this process leads the runs of this row of `shard`. lose: it does not any more.
 */
void probe_lead(int64_t shard, int64_t epoch);
void probe_lose(int64_t shard, int64_t epoch);

#endif
