/* records_queue.c - the columns of what is said of queues; how such tables are made is
 * said in records.c. */
#include "model/record_macros.h"

#define ROW queue_pause_row
static const struct ff_column queue_pause_columns[] = {
    [COL_QUEUE_PAUSE_TENANT] = INT_2(tenant),
    [COL_QUEUE_PAUSE_NAME] = TEXT_2(name),
    [COL_QUEUE_PAUSE_VERSION] = INT_2(version),
    [COL_QUEUE_PAUSE_PAUSED_AT] = TIME_2(paused_at),
    [COL_QUEUE_PAUSE_PAUSED_BY] = TEXT_2(paused_by),
};
#undef ROW
COMPLETE(queue_pause_columns, N_QUEUE_PAUSE_COLUMNS);

const struct ff_record record_queue_pause = {
    RECORD_SINCE("queue_pause", queue_pause_columns, N_QUEUE_PAUSE_COLUMNS, 2, 2),
};
