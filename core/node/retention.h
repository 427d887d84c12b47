/* node/retention.h - what a pass of retention knows of runs: retention.c deletes them,
 * retention_spans.c what many of them have in common. */
#ifndef NODE_RETENTION_H
#define NODE_RETENTION_H

#include "node/node_priv.h"

/* A run whose history shares a span with that of others may be kept so much longer, so
 * that all of them go at once: by a part of what is kept anyway. */
#define NODE_WAITS 8

struct finished {
    int64_t tenant, run, finished_at;
    int64_t version; /* of its row */
    bool claimed;
    bool condemned; /* by age or number */
    bool waits;     /* for the others of its span */
    bool goes;      /* with its span, by a later pass: also when it is claimed */
    char id[ID_TEXT];
};

/* One that is open, or a task of the run `root`. */
struct other_run {
    int64_t tenant, run;
    int64_t root; /* 0: it is open */
};

struct collect {
    struct node *node;
    struct {
        struct finished *items; /* of one tenant after the other, newest first */
        size_t n, cap;
    } runs;
    bool spans; /* what follows is wanted */
    struct {
        struct other_run *items;
        size_t n, cap;
    } others;
    int64_t next;                /* the number of the next run, before they were read */
    int64_t recent_us, n_recent; /* so many were made since then */
};

/* Before the runs are read, and after that. What cannot be dropped as a span is left to
 * who deletes rows. */
int node_spans_begin(struct collect *c, int64_t now, struct ff_err *err);
void node_spans_pass(struct collect *c, struct node_pass *p, int64_t now);

int node_claim_run(struct node *n, struct finished *f, struct ff_err *err);
bool node_pass_is_over(const struct node_pass *p);

#endif
