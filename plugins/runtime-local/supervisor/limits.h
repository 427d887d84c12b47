/* limits.h - memory and processor limits of one attempt: by control groups where we
 * may make them, else by what there is, and the outcome says what was not obeyed. */
#ifndef SUPERVISOR_LIMITS_H
#define SUPERVISOR_LIMITS_H

#include <stdint.h>

struct attempt;
struct spawn;
struct start;

struct limits {
    char *groups[2]; /* paths; NULL where unused */
    int n_groups;
    int fds[2]; /* their cgroup.procs, open until the child is in */
    int memory; /* which of them counts memory, or -1 */
};

/* Makes the groups and sets `how` to enter them. */
void limits_begin(struct attempt *attempt, const struct start *start,
                  struct spawn *how);

/* The process was started, or not. */
void limits_started(struct attempt *attempt);

/* All processes are gone: notes whether memory ran out, and deletes the groups. */
void limits_end(struct attempt *attempt);

#endif
