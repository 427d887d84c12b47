/* rest/log_lines.h - the records in the numbered chunks of an attempt (docs/logs.md),
 * or in what it said through the SDK, one after the other. Blocking. */
#ifndef REST_LOG_LINES_H
#define REST_LOG_LINES_H

#include "rest/rest_priv.h"

/* Where the next record begins. Who asked for the last attempt goes on with that one,
 * though there is a later one by then. */
struct log_place {
    int64_t attempt;
    int64_t chunk; /* from 1 */
    int64_t offset;
};

struct log_lines {
    const char *dir; /* of the attempt; borrowed */
    bool sdk;
    struct log_place at;
    struct buf bytes; /* of the chunk, from `at` on; buf_done it */
};

/* A whole line in front of l->bytes, its length with the newline; 0: none for now. */
size_t log_lines_find(struct log_lines *l);
void log_lines_drop(struct log_lines *l, size_t len); /* passes over it */

/* TIME STREAM TAG TEXT, without the newline. */
struct log_record {
    struct span time, stream, text;
    bool whole;
};
bool log_record_read(struct log_record *r, const char *line, size_t len);
/* Its fields, into an open object. */
void log_record_add(struct jsonw *w, const struct log_record *r);

/* "fetch" or "fetch.3", as folders of logs are called. */
void log_task_text(const struct task_row *row, char *out, size_t size);

/* Is that attempt's log to be had here? One that has exited had a folder: where hosts
 * share the store and this one has none, it may be on another one, and that is said
 * rather than that nothing was written. FF_NOT_FOUND. */
int log_is_here(const struct rest_call *c, const char *run_id,
                const struct task_row *row, int64_t attempt, struct ff_err *err);

#endif
