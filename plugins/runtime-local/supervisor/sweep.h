/* sweep.h - ends what a former supervisor, which was killed, left running. Its tasks
 * died with it, but not always all of their children. Until none is left, none of
 * those attempts is said to be lost: two live processes of one attempt never are. */
#ifndef SUPERVISOR_SWEEP_H
#define SUPERVISOR_SWEEP_H

#include <stdint.h>
#include <sys/types.h>

struct sup;

/* A live_fn: makes an attempt that is SWEEPING, unless the journal knows its end. */
void sweep_add(void *sup, const char *id, pid_t pid, int64_t start_ticks,
               uint32_t slot);

/* Kills, and waits some seconds at most; goes on later where that was not enough. */
void sweep_run(struct sup *sup);

#endif
