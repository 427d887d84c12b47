/* cli/read/limit_wait.h - which limit keeps a task that is ready from starting, and who
 * has it. Worked out from rows: the order of those that wait is the owner's own. */
#ifndef CLI_READ_LIMIT_WAIT_H
#define CLI_READ_LIMIT_WAIT_H

#include "cli/read/limit_view.h"
#include "flow/flow.h"

struct limit_waits {
    struct limit_views views;
    struct {
        struct limit_token {
            char *name; /* "rate:mail" */
            int64_t until_us;
        } * items; /* those that still count, the first to go first */
        size_t n, cap;
    } tokens;
};

/* Exit code; has printed why. */
int limit_waits_read(struct limit_waits *w, const struct cli_session *s);
void limit_waits_done(struct limit_waits *w);

struct limit_wait {
    char name[FLOW_MAX_LIMIT_NAME + 16]; /* "semaphore:gpu" */
    int64_t wanted, held, size;
    int64_t until_us;              /* of a rate, or MODEL_NULL */
    const struct limit_view *view; /* who holds it, or NULL */
};

/* The first of them that has no room; false: each has, or its name is made by an
 * expression, which is known to the owner only. Takes NULL. */
bool limit_wait_find(const struct limit_waits *w, const struct flow_limits *limits,
                     struct limit_wait *found);
/* "waiting for semaphore gpu (2 of 2 held by run 0199f1c2 (train))" */
void limit_wait_text(const struct limit_wait *wait, struct buf *out);
void limit_wait_json(const struct limit_wait *wait, struct jsonw *w);

/* Is there anything in the workflow that could wait? */
bool limit_wait_may(const struct flow *flow);

#endif
