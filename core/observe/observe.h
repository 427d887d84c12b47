/* observe/observe.h - what can be measured of a server process, shown as GET /metrics
 * on a port of its own, to whoever asks there, and beside it whether the process is
 * well: also where it serves no API.
 *
 * What is counted of runs, tasks and schedules is what became durable, read from the
 * rows of each batch; what stands at a moment is looked up when somebody asks. A server
 * that shows nothing is not measured. families.c is the table of all there is;
 * docs/metrics.md describes it for people. */
#ifndef OBSERVE_OBSERVE_H
#define OBSERVE_OBSERVE_H

#include "node/node.h"
#include "rest/rest.h"

struct observe;

/* What there is only while the node leads. */
struct observe_lead {
    struct http_server *tasks; /* of owner.sock; NULL: the node does not lead */
    const struct fleet *fleet; /* who runs attempts; NULL: this host does */
};

/* Of spans that are sent elsewhere; see cli/export. */
struct observe_spans {
    int64_t n_sent, n_rejected;
    int64_t n_passed_over, n_waiting; /* runs */
};

struct observe_setup {
    struct loop *loop;
    struct node *node;
    struct observe_lead lead;
    struct http_server *api; /* NULL, as rest: the process serves none */
    struct rest *rest;
    const char *version; /* of the program */
    struct rest_listen place;
    struct observe_spans (*spans)(void *arg); /* NULL: none are sent */
    void *spans_arg;
};

/* Counts from now on, and listens. FF_CONFLICT: another process does so there. Loop
 * thread, as all of these. */
struct observe *observe_new(const struct observe_setup *setup, struct ff_err *err);
uint16_t observe_port(const struct observe *o);

/* The node leads, again or from now on; or does not, and `lead` is empty: said before
 * what was in it goes. Takes NULL. */
void observe_leads(struct observe *o, const struct observe_lead *lead);

/* Something of this run became durable. Takes NULL. */
void observe_changed(struct observe *o, const struct run_row *run);

/* Answers nobody any more, and counts nothing. Before the API's server and the node's
 * ownership go. Takes NULL. */
void observe_stop(struct observe *o);
/* After rest_free, which waits for what a scrape has it read. Runs the loop where there
 * is no rest: not from a callback. Takes NULL. */
void observe_free(struct observe *o);

#endif
