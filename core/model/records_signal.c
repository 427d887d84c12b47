/* records_signal.c - the columns of signals and of what waits for them; how such tables
 * are made is said in records.c. */
#include "model/record_macros.h"

/* --- signal --- */

#define ROW signal_row
static const struct ff_column signal_columns[] = {
    [COL_SIGNAL_TENANT] = INT_2(tenant),   [COL_SIGNAL_RUN] = INT_2(run),
    [COL_SIGNAL_NO] = INT_2(no),           [COL_SIGNAL_VERSION] = INT_2(version),
    [COL_SIGNAL_NAME] = TEXT_2(name),      [COL_SIGNAL_KEY] = TEXT_NULL_2(key),
    [COL_SIGNAL_BODY] = JSON_NULL_2(body), [COL_SIGNAL_AT] = TIME_2(at),
};
#undef ROW
COMPLETE(signal_columns, N_SIGNAL_COLUMNS);

const struct ff_record record_signal = {
    RECORD_SINCE("signal", signal_columns, N_SIGNAL_COLUMNS, 3, 2),
};

/* --- event_wait --- */

#define ROW event_wait_row
static const struct ff_column event_wait_columns[] = {
    [COL_EVENT_WAIT_TENANT] = INT_2(tenant),
    [COL_EVENT_WAIT_NAME] = TEXT_2(name),
    [COL_EVENT_WAIT_KEY] = TEXT_2(key),
    [COL_EVENT_WAIT_RUN] = INT_2(run),
    [COL_EVENT_WAIT_NODE] = INT_2(node),
    [COL_EVENT_WAIT_VERSION] = INT_2(version),
    [COL_EVENT_WAIT_ATTEMPT] = INT_2(attempt),
};
#undef ROW
COMPLETE(event_wait_columns, N_EVENT_WAIT_COLUMNS);

const struct ff_record record_event_wait = {
    RECORD_SINCE("event_wait", event_wait_columns, N_EVENT_WAIT_COLUMNS, 5, 2),
};
