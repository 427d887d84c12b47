/* spawn.h - starts one process: vfork-like, so that its cost does not depend on
 * the supervisor's size, and told at once whether the program could be run. */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct spawn {
    char **argv; /* argv[-1] may be overwritten */
    char **env;
    const char *dir;
    int in_fd; /* -1: what the supervisor has, /dev/null */
    int out_fd;
    int err_fd;
    const int *group_fds; /* cgroup.procs files to enter */
    int n_groups;
    uint64_t data_limit; /* RLIMIT_DATA; 0: as it is */
};

/* Where it failed; the words are for the message. */
enum spawn_step { SPAWN_CLONE, SPAWN_GROUP, SPAWN_DIR, SPAWN_LIMIT, SPAWN_EXEC };

struct spawn_error {
    enum spawn_step step;
    int sys;
};

/* Once, before the first spawn: notes what children must get back. */
bool spawn_init(const struct rlimit *nofile);

/* The process id, or -1 and *error. After a failed step past CLONE the child has
 * been waited for. */
pid_t spawn(const struct spawn *spawn, struct spawn_error *error);

#endif
