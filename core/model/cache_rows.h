/* model/cache_rows.h - the record of what tasks with `cache` gave, for the next that
 * asks for the same. */
#ifndef MODEL_CACHE_ROWS_H
#define MODEL_CACHE_ROWS_H

#include "model/span.h"
#include <stdint.h>

/* Written with the end of the task that succeeded; the last of a key counts. */
struct cache_row {
    int64_t tenant;
    struct span hash; /* key: SHA-256 of all that makes two tasks the same */
    int64_t version;
    struct span workflow, task; /* who gave it, for people; the task with its item */
    struct span cache_key;      /* as the task made it, for people */
    struct span outputs;        /* JSON object, as in the task's row; or null */
    struct span run_id;
    int64_t created_at;
    int64_t expires_at; /* from then on it is as if it were not there */
    /* JSON list of the hashes of the blobs that the outputs name, or null. For each
     * there is a row of record_artifact, of the run ARTIFACT_OF_CACHE. */
    struct span artifacts;
};

enum cache_column {
    COL_CACHE_TENANT,
    COL_CACHE_HASH,
    COL_CACHE_VERSION,
    COL_CACHE_WORKFLOW,
    COL_CACHE_TASK,
    COL_CACHE_CACHE_KEY,
    COL_CACHE_OUTPUTS,
    COL_CACHE_RUN_ID,
    COL_CACHE_CREATED_AT,
    COL_CACHE_EXPIRES_AT,
    COL_CACHE_ARTIFACTS,
    N_CACHE_COLUMNS
};

extern const struct ff_record record_cache;

#endif
