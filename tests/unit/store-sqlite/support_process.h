/* Children of a test: each runs one function and tells the parent how it goes through a
 * pipe. Start them before the test itself opens a store: no SQLite connection may cross
 * a fork. */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int from; /* the parent reads what the child tells */
    int to;   /* the child waits for a byte here; closed by start_children */
};

/* Runs in the child; its result is the exit status. */
typedef int child_fn(void *arg, int tell_fd);

struct child start_child(child_fn *fn, void *arg);
/* The child's function begins only now: several start at once. */
void let_go(struct child *c);
int end_child(struct child *c);   /* waits; the exit status, -signal when killed */
void kill_child(struct child *c); /* SIGKILL, and waits */

void tell(int fd, int64_t number);
bool hear(struct child *c, int64_t *number); /* false: the child is gone */

#endif
