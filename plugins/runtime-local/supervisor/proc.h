/* proc.h - what /proc tells about processes. Nothing here is fast; it is for trees
 * that must be killed. */
#ifndef SUPERVISOR_PROC_H
#define SUPERVISOR_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pids {
    pid_t *list;
    size_t n;
    size_t cap;
};

struct proc_stat {
    char state; /* 'Z' and 'X' are dead */
    pid_t parent;
    pid_t group;
    pid_t session;
    int64_t start_ticks; /* since boot */
};

bool pids_add(struct pids *pids, pid_t pid); /* false without memory */
bool pids_has(const struct pids *pids, pid_t pid);
void pids_done(struct pids *pids);

/* False when there is no such process. */
bool proc_stat(pid_t pid, struct proc_stat *stat);

/* Adds the children of a process, and their children, to pids. */
void proc_tree(pid_t root, struct pids *pids);

/* Adds our own children, living and dead. */
void proc_children(struct pids *pids);

/* All processes that we may see. */
void proc_all(struct pids *pids);

/* The value of FF_OUT where it is `prefix` and one name more: the name; false
 * otherwise, or when the environment cannot be read. */
bool proc_out_name(pid_t pid, const char *prefix, char *name, size_t size);

#endif
