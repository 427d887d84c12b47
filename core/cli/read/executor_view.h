/* cli/read/executor_view.h - the executors of the server that leads. They stand in no
 * rows: it is asked, the one of this data directory by its socket. */
#ifndef CLI_READ_EXECUTOR_VIEW_H
#define CLI_READ_EXECUTOR_VIEW_H

#include "cli/remote/remote.h"
#include "flow/flow.h"

/* Whom to ask, in `here` or the session; NULL: no server leads here. mem_free
 * *address. */
const struct remote *executor_door(const struct cli_session *s, struct remote *here,
                                   char **address);
/* "gpu=a100,zone=b" of an executor, see base/labels.h. */
void executor_labels(const json_t *executor, struct buf *out);

/* Does any task ask for some? */
bool executors_matter(const struct flow *flow);
/* Those there are, as the server says; NULL: tasks run without, or nobody says. New
 * reference. */
json_t *executors_read(const struct cli_session *s);

struct executor_fit {
    int64_t n, n_all;             /* those that fit, and all */
    int64_t n_attempts, n_places; /* of those that fit */
};
struct executor_fit executors_fit(const json_t *executors, const char *selector);

#endif
