/* cli/read/run_children.h - the runs that are tasks of a run. */
#ifndef CLI_READ_RUN_CHILDREN_H
#define CLI_READ_RUN_CHILDREN_H

#include "cli/frame/frame.h"
#include "cli/view/track.h"

struct run_child {
    int64_t node, attempt, run, state;
    char id[ID_TEXT];
    char path[96]; /* of its task and attempt: "each.0#1" */
};
struct run_children {
    struct run_child *items; /* by task, item and attempt */
    size_t n, cap;
};

/* Exit code; has printed why. ARRAY_DONE the list in either case. */
int run_children_read(const struct cli_session *s, int64_t tenant, int64_t run,
                      struct run_children *children);

/* The run that an attempt of a task of `of` is, with no events read yet. `flow` is that
 * of another run of the same task, where it is known, or NULL. *track is NULL when
 * there is none. Exit code; has printed why. */
int run_child_track(const struct cli_session *s, const struct track *of, int64_t node,
                    int64_t attempt, struct flow *flow, struct track **track);

/* "group/task" -> the run inside that `group` is, and "task" in *rest; groups stand in
 * groups, and "group.2" is that item. The last attempt counts. *run becomes that run,
 * its text in `arena`. A word without "/" changes nothing. Exit code; has printed why.
 */
int run_children_walk(const struct cli_session *s, const char *word,
                      struct arena *arena, struct run_row *run, const char **rest);

#endif
