/* tree.h - which processes belong to which attempt, and signals to all of them.
 *
 * We are the subreaper: whatever a task's processes do, one whose parents are gone
 * becomes our child. Those are the orphans. One belongs to the attempt whose session
 * it is in or whose $FF_OUT is in its environment. Where both are gone (setsid and
 * an emptied environment) it goes to the last of the attempts that ran when it was
 * born, so that it is not killed while its owner may still be running. */
#ifndef SUPERVISOR_TREE_H
#define SUPERVISOR_TREE_H

#include "proc.h"

struct attempt;
struct sup;

struct orphan {
    pid_t pid;
    int64_t start_ticks;
    struct attempt *owner; /* NULL: not known yet */
};

struct orphans {
    struct orphan *list;
    size_t n;
    size_t cap;
};

/* Finds new orphans. Cheap while there is none: one read. */
void tree_refresh(struct sup *sup);

/* Orphans that are this attempt's, `ending` included those nobody else can own. */
size_t tree_orphans(struct sup *sup, struct attempt *ending);

/* A child that is no main process was waited for. Its owner, or NULL. */
struct attempt *tree_reaped(struct sup *sup, pid_t pid);

/* Sends a signal to every process of the attempt. */
void tree_signal(struct sup *sup, const struct attempt *attempt, int signal);

/* The attempt is over; what is left of it is nobody's. */
void tree_disown(struct sup *sup, const struct attempt *attempt);

#endif
