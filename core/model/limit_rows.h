/* model/limit_rows.h - what is held of limits. No row counts anything: a limit is full
 * when its places have rows. Included by model.h. */
#ifndef MODEL_LIMIT_ROWS_H
#define MODEL_LIMIT_ROWS_H

#include "model/span.h"
#include <stdint.h>

/* A place of a limit that a running attempt holds: put in the batch that grants it,
 * with FF_ABSENT, so that nobody else holds the same; deleted in the batch that ends
 * the attempt. Of a run's own concurrency: held by the run, node 0 and attempt 0. */
struct slot_row {
    int64_t tenant;
    struct span name; /* "semaphore:gpu", "mutex:deploy", "concurrency:acme" */
    int64_t place;    /* from 0; the key ends here */
    int64_t version;
    int64_t run, node, attempt;
    int64_t taken_at;
};

/* A start that counts for a rate, until its time is over; then the row means nothing,
 * and the next start in its place overwrites it. */
struct rate_token_row {
    int64_t tenant;
    struct span name; /* "rate:mail" */
    int64_t place;    /* key */
    int64_t version;
    int64_t until_at;
};

/* How many places a semaphore has. Without a row: as configured, else 1. */
struct limit_size_row {
    int64_t tenant;
    struct span name; /* "gpu"; key */
    int64_t version;
    int64_t size;
    int64_t changed_at;
};

enum slot_column {
    COL_SLOT_TENANT,
    COL_SLOT_NAME,
    COL_SLOT_PLACE,
    COL_SLOT_VERSION,
    COL_SLOT_RUN,
    COL_SLOT_NODE,
    COL_SLOT_ATTEMPT,
    COL_SLOT_TAKEN_AT,
    N_SLOT_COLUMNS
};

enum rate_token_column {
    COL_RATE_TOKEN_TENANT,
    COL_RATE_TOKEN_NAME,
    COL_RATE_TOKEN_PLACE,
    COL_RATE_TOKEN_VERSION,
    COL_RATE_TOKEN_UNTIL_AT,
    N_RATE_TOKEN_COLUMNS
};

enum limit_size_column {
    COL_LIMIT_SIZE_TENANT,
    COL_LIMIT_SIZE_NAME,
    COL_LIMIT_SIZE_VERSION,
    COL_LIMIT_SIZE_SIZE,
    COL_LIMIT_SIZE_CHANGED_AT,
    N_LIMIT_SIZE_COLUMNS
};

extern const struct ff_record record_slot, record_rate_token, record_limit_size;

#endif
