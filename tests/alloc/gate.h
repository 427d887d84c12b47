/* tests/alloc/gate.h - every malloc of the process, its libraries included, goes
 * through a gate that can fail the Nth of them. The counters are shared with forked
 * children. */
#ifndef TESTS_ALLOC_GATE_H
#define TESTS_ALLOC_GATE_H

#include <stdbool.h>

/* Maps the counters. Before the first fork. */
bool gate_open(void);
/* From now on counts, and fails the allocation number `at` (0: none), or, with `on`,
 * that and all after it. */
void gate_arm(long at, bool on);
void gate_disarm(void);
long gate_count(void);  /* since it was armed */
bool gate_failed(void); /* has it failed one since then? */

/* The same for a process that is no child of ours: the counters are in a file. The
 * first process that takes it is under the gate, with those that it forks. */
bool gate_file_make(const char *path, long at);
bool gate_file_take(const char *path);
bool gate_file_read(const char *path, long *n, bool *failed);

/* On standard error, where the one that fails was asked for; under a sanitizer. */
void gate_trace(bool trace);

#endif
