/* cli/logs/logs_read.h - reads what attempts wrote (docs/logs.md), many logs at once,
 * in the order of time. A log that is not at hand costs no descriptor and no buffer, so
 * the logs of 100,000 items can be merged. Blocking. */
#ifndef CLI_LOGS_LOGS_READ_H
#define CLI_LOGS_LOGS_READ_H

#include "base/base.h"

enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_SDK, LOG_SYSTEM, LOG_STREAMS };
extern const char *const log_stream_names[]; /* ends with NULL */

/* One line, or a piece of one. */
struct log_line {
    int64_t time_us;
    struct span_text {
        const char *s;
        size_t len;
    } time, text; /* borrowed */
    enum log_stream stream;
    bool whole; /* ends the line; else more of it follows */
};
/* "2026-11-21T19:20:37.123456Z stdout F text", without the newline. */
bool log_line_parse(const char *line, size_t len, struct log_line *out);

/* The numbered chunks of one attempt, or its sdk.log. */
struct log_source {
    struct heap_item place; /* in the merge: its next line's time */
    char *dir;
    char *path; /* "fetch", "fetch.3" */
    char *task;
    int64_t item; /* -1: none */
    int64_t attempt;
    bool sdk;
    bool seen; /* a line of it was handed out */
    uint32_t chunk;
    int64_t offset; /* of the next read */
    /* Of lines that stand in no file: puts more into buf and says how many bytes; 0:
     * there are none for now. NULL: there is a file. */
    size_t (*more)(struct log_source *s);
    void (*more_done)(struct log_source *s);
    struct log_there *there; /* its own */
    struct buf buf;
    size_t at;            /* of the next line in buf */
    struct log_line line; /* the next one; borrowed from buf */
};

/* dir's last part is "PATH.ATTEMPT"; NULL when it is not. */
struct log_source *log_source_new(const char *dir, bool sdk);
void log_source_free(struct log_source *s); /* takes NULL */
/* The next whole line into s->line. False: there is none (yet). `last`: what stands at
 * the end without a newline is a line too. */
bool log_source_next(struct log_source *s, bool last);

/* --- merging --- */

struct log_merge {
    struct heap heap;
};
/* Takes part if it has a line now; else it may be added again later. */
void log_merge_add(struct log_merge *m, struct log_source *s, bool last);
/* The source whose s->line is the earliest, or NULL. Then log_merge_pop it. */
struct log_source *log_merge_first(const struct log_merge *m);
void log_merge_pop(struct log_merge *m, bool last);
void log_merge_done(struct log_merge *m);

#endif
