/* cgroup.h - where this process may make control groups, of either version, and the
 * few files in them that are read and written here. */
#ifndef SUPERVISOR_CGROUP_H
#define SUPERVISOR_CGROUP_H

#include "proc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CGROUP_PATH 4096

enum cgroup_kind { CGROUP_MEMORY, CGROUP_CPU, CGROUP_KINDS };

struct cgroups {
    char name[64];    /* of our groups: the state directory's, in every life the same */
    char *version_2;  /* where we may make groups: ours, or one set aside for us */
    char *from;       /* the group that the supervisor was started in */
    char *home;       /* its own group below that, and by that its tasks'; or NULL */
    bool has_parents; /* looked for, that is */
    char *parents[CGROUP_KINDS]; /* where groups with this limit are made, or NULL */
    bool is_v1[CGROUP_KINDS];
};

/* Finds or makes the home group. `given` is a group that was set aside for us, or
 * NULL. What is not possible stays NULL. */
void cgroups_begin(struct cgroups *groups, const char *dir, const char *given);

/* fork(), with the child in the home group from its beginning: to move there later
 * takes milliseconds. */
pid_t cgroups_fork(const struct cgroups *groups);

/* Adds the members of the home group: what a former supervisor left, and ourselves. */
void cgroups_members(const struct cgroups *groups, struct pids *pids);

/* Looks for the parents, once. */
void cgroups_find_parents(struct cgroups *groups);

/* Leaves and deletes all groups. */
void cgroups_leave(struct cgroups *groups);

bool cgroup_write(const char *group, const char *file, const char *value);

/* The number after `key` in a file of "key number" lines; -1 when not there. */
int64_t cgroup_read(const char *group, const char *file, const char *key);

#endif
