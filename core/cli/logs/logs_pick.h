/* cli/logs/logs_pick.h - which logs of a run are meant: all, a task's, an item's, an
 * attempt's. */
#ifndef CLI_LOGS_LOGS_PICK_H
#define CLI_LOGS_LOGS_PICK_H

#include "cli/frame/frame.h"
#include "cli/logs/logs_read.h"

struct logs_pick {
    char *task;      /* NULL: all */
    int64_t item;    /* -1: all, and the task's own */
    int64_t attempt; /* -1: all, 0: the last one */
    int only;        /* enum log_stream, or -1 */
};

/* word: "fetch", "fetch.3" or NULL. Exit code. */
int logs_pick_read(struct logs_pick *p, const struct cli *c, const char *word);
void logs_pick_done(struct logs_pick *p);
bool logs_pick_wants(const struct logs_pick *p, const struct log_source *s);

struct log_sources {
    struct log_source **items;
    size_t n, cap;
};
/* Adds the sources of one attempt's folder that are wanted: two at most. */
void logs_pick_add(const struct logs_pick *p, struct log_sources *to, const char *dir);
/* Everything below the run's folder of logs; the order is that of the names. */
void logs_pick_scan(const struct logs_pick *p, struct log_sources *to,
                    const char *logs_dir);
/* What logs_pick_scan does last: in order, and only the last attempts if those are
 * wanted. */
void logs_pick_sort(const struct logs_pick *p, struct log_sources *to);
void logs_pick_free(struct log_sources *sources);

#endif
