/* sched/admit.h - which runs may begin, where runs with one key are limited: those of
 * the highest priority first, among them the oldest. Only memory, pure, loop thread.
 *
 * A place of a key has a number and is a row, as places of other limits (see sched.h);
 * each run says its own limit. A run that was not decided yet is decided by those that
 * are older than it, so that after a restart, where all join at once, it comes to the
 * same as when they came one by one. */
#ifndef SCHED_ADMIT_H
#define SCHED_ADMIT_H

#include "base/base.h"

struct admit;
struct admit_run;

enum admit_overflow {
    ADMIT_QUEUE,         /* wait */
    ADMIT_CANCEL_OLDEST, /* wait, and the oldest ones are cancelled */
    ADMIT_CANCEL_NEWEST, /* the one that comes is cancelled */
    ADMIT_FAIL           /* ... or fails */
};

struct admit *admit_new(void);
void admit_free(struct admit *a); /* after its runs */

struct admit_want {
    int64_t tenant;
    const char *key; /* copied */
    int64_t limit;
    enum admit_overflow overflow;
    int32_t priority;
    int64_t order; /* lower is older; no two are alike */
    void *owner;
};
struct admit_run *admit_join(struct admit *a, const struct admit_want *want);
/* Out of its key; what it held is free for the next. Takes NULL. */
void admit_leave(struct admit_run *r);
/* It began before: it holds this place. */
void admit_holds(struct admit_run *r, int64_t place);
/* It was told to stop: it counts no more, but holds until it leaves. Takes NULL. */
void admit_stopping(struct admit_run *r);

enum admit_verdict {
    ADMITTED, /* it holds `place` */
    WAITS,    /* told once */
    DENIED,   /* overflow says how */
    OUSTED    /* it is to be cancelled, for a newer one */
};
struct admit_answer {
    void *owner;
    enum admit_verdict verdict;
    enum admit_overflow overflow;
    const char *key;
    int64_t place;
    int64_t limit;
};
/* What there is to tell, one by one; false: nothing more. */
bool admit_next(struct admit *a, struct admit_answer *answer);

#endif
