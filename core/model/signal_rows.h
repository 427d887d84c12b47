/* model/signal_rows.h - what runs wait for from outside, and what they were told before
 * they waited for it. Included by model.h. */
#ifndef MODEL_SIGNAL_ROWS_H
#define MODEL_SIGNAL_ROWS_H

#include "model/span.h"
#include <stdint.h>

/* A signal that no task has taken yet. Put by the commit that takes the message out of
 * the inbox, deleted by the one in which a task takes it or the run ends. */
struct signal_row {
    int64_t tenant;
    int64_t run; /* the outermost: those inside it take signals from here, too */
    int64_t no;  /* of the message; the key ends here */
    int64_t version;
    struct span name;
    struct span key;  /* or null */
    struct span body; /* JSON, or null */
    int64_t at;
};

/* A task that waits for an event: there as long as it does, so that whoever tells of an
 * event finds all that wait for its name. */
struct event_wait_row {
    int64_t tenant;
    struct span name;
    struct span key; /* "": any */
    int64_t run, node;
    int64_t version; /* the key ends before it */
    int64_t attempt;
};

enum signal_column {
    COL_SIGNAL_TENANT,
    COL_SIGNAL_RUN,
    COL_SIGNAL_NO,
    COL_SIGNAL_VERSION,
    COL_SIGNAL_NAME,
    COL_SIGNAL_KEY,
    COL_SIGNAL_BODY,
    COL_SIGNAL_AT,
    N_SIGNAL_COLUMNS
};

enum event_wait_column {
    COL_EVENT_WAIT_TENANT,
    COL_EVENT_WAIT_NAME,
    COL_EVENT_WAIT_KEY,
    COL_EVENT_WAIT_RUN,
    COL_EVENT_WAIT_NODE,
    COL_EVENT_WAIT_VERSION,
    COL_EVENT_WAIT_ATTEMPT,
    N_EVENT_WAIT_COLUMNS
};

extern const struct ff_record record_signal, record_event_wait;

#endif
