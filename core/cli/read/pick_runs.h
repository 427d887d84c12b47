/* cli/read/pick_runs.h - the runs that a command is about: named, or found by --state,
 * --workflow and --label. */
#ifndef CLI_READ_PICK_RUNS_H
#define CLI_READ_PICK_RUNS_H

#include "cli/frame/frame.h"

#define PICK_RUNS_MAX 1000 /* by filters, the newest first */

struct picked_runs {
    struct run_row *items;
    size_t n, cap;
    struct arena arena; /* their text */
    bool more;          /* there were more than PICK_RUNS_MAX */
};

/* `states`: those that --state may name, NULL at the end. Exit code; CLI_USAGE when
 * neither runs nor a state are given, or both are. */
int pick_runs(struct cli *c, const struct cli_session *s, const char *const *states,
              struct picked_runs *picked);
void picked_runs_done(struct picked_runs *picked);

#endif
