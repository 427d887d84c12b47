/* cli/export/export_priv.h - the inside of the room: settings.c is its section,
 * page.c makes a request of histories, send.c sends it, both on a lane; exporter.c says
 * what is next. */
#ifndef CLI_EXPORT_EXPORT_PRIV_H
#define CLI_EXPORT_EXPORT_PRIV_H

#include "cli/export/export.h"
#include "traces/traces.h"

#include <stdatomic.h>

struct export_run {
    struct tenant tenant;
    int64_t run;
};

/* The run whose history is read. */
struct export_reading {
    struct trace *trace; /* NULL: none is */
    struct arena arena;
    struct run_row row;
    char *parent; /* of the attempt that it is, or NULL */
    int64_t seq;  /* of the last step that was read */
};

/* One request, and what the next one goes on with. */
struct export_page {
    struct store *store;
    struct trace_sender sender;
    struct {
        struct export_run *items;
        size_t n, cap, next;
    } runs;
    struct export_reading at;
    struct buf body;
    size_t n_spans;
    struct ff_err unread; /* with a code: the store did not answer */
};
/* Fills the body. Blocking; of a run that is gone, or goes on again, it has nothing.
 * Where the store does not answer it ends there, and goes on with that the next time.
 */
void export_page_fill(struct export_page *p, struct store_reader *r);
bool export_page_is_over(const struct export_page *p); /* all its runs are read */
void export_page_clear(struct export_page *p);         /* its body */
void export_page_done(struct export_page *p);

enum export_outcome { EXPORT_SENT, EXPORT_REJECTED, EXPORT_AGAIN, EXPORT_UNREAD };
struct export_sent {
    enum export_outcome outcome;
    int64_t n_rejected;    /* of those sent */
    int64_t retry_after_s; /* 0: nothing was said */
    struct ff_err err;     /* where it was not EXPORT_SENT */
};
struct export_way {
    const char *url, *ca;
    const char **headers; /* "Name: value", ends with NULL */
    int64_t timeout_us;
    atomic_bool abandon; /* what is on its way; any thread */
};
/* Mem_free the URL, and the list with its texts. */
void export_way_new(const struct export_settings *s, struct export_way *way);
void export_way_done(struct export_way *way);
/* Blocking. */
void export_send(struct export_way *way, const struct export_page *p,
                 struct export_sent *sent);

#endif
