/* model/queue_rows.h - what is said of queues of tasks. Included by model.h. */
#ifndef MODEL_QUEUE_ROWS_H
#define MODEL_QUEUE_ROWS_H

#include "model/span.h"
#include <stdint.h>

/* A queue whose tasks start nothing: there as long as it is paused. */
struct queue_pause_row {
    int64_t tenant;
    struct span name; /* "gpu", as in `queue:` of a task; key */
    int64_t version;
    int64_t paused_at;
    struct span paused_by;
};

enum queue_pause_column {
    COL_QUEUE_PAUSE_TENANT,
    COL_QUEUE_PAUSE_NAME,
    COL_QUEUE_PAUSE_VERSION,
    COL_QUEUE_PAUSE_PAUSED_AT,
    COL_QUEUE_PAUSE_PAUSED_BY,
    N_QUEUE_PAUSE_COLUMNS
};

extern const struct ff_record record_queue_pause;

#endif
