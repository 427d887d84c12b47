/* late.h - events that are kept back for a while. Loop thread. */
#ifndef RUNTIME_FAULT_LATE_H
#define RUNTIME_FAULT_LATE_H

#include <flowforge/runtime.h>

struct late; /* one event that waits */

struct lates {
    const struct ff_host *host;
    ff_run_event_fn *fn;
    void *arg;
    struct late *first;
};

/* Says a copy of the event after delay_us, never from inside this call. One event of an
 * attempt waits at most: a second one is dropped, being a repetition. */
int late_add(struct lates *l, const struct ff_run_event *event, int64_t delay_us);

/* Nobody wants to hear of this attempt any more. */
void late_drop(struct lates *l, const char *attempt_id);
void late_drop_all(struct lates *l);

#endif
