/* cli/read/limit_view.h - what is held of limits and by whom, from the rows: the same
 * for `limit list`, for what waits, and for `doctor`. */
#ifndef CLI_READ_LIMIT_VIEW_H
#define CLI_READ_LIMIT_VIEW_H

#include "cli/frame/frame.h"

struct limit_holder {
    int64_t run, node, attempt, place, since_us;
    char id[ID_TEXT]; /* of the run; "" when there is no such run */
    char *path;       /* "fetch" or "fetch.3"; NULL: the run itself */
};

struct limit_view {
    char *name;      /* "semaphore:gpu" */
    int64_t size;    /* -1: whoever wants it says */
    const char *set; /* where the size is from: set, configured, default; or NULL */
    struct {
        struct limit_holder *items;
        size_t n, cap;
    } holders;
};

struct limit_views {
    struct {
        struct limit_view *items;
        size_t n, cap;
    } all; /* in the order of their names */
};

/* Exit code; has printed why. */
int limit_views_read(struct limit_views *v, const struct cli_session *s);
void limit_views_done(struct limit_views *v);
/* NULL: nobody holds it and nothing was said of its size. */
const struct limit_view *limit_view_find(const struct limit_views *v, const char *name);
/* "run 0199f1c2 (train.3) and 2 more" */
void limit_view_holders(const struct limit_view *v, struct buf *out);

#endif
