/* cli/runs/ask_reset.h - asks for tasks of runs to begin again, and finds out what
 * became of that: whoever leads a run may refuse it, or the run may end before it is
 * asked. */
#ifndef CLI_RUNS_ASK_RESET_H
#define CLI_RUNS_ASK_RESET_H

#include "cli/read/pick_runs.h"

struct asked_resets {
    struct asked_reset {
        bool waits; /* for an answer: the run was open */
        int64_t seq;
    } * items; /* one for each of the runs */
    size_t n, cap;
};

/* Of runs that were found by their state those are left out that it does not fit. Exit
 * code. */
int ask_resets(struct cli *c, struct cli_session *s, struct picked_runs *picked,
               const struct node_reset *what, struct asked_resets *asked);
/* When they have ended: *again, some of them were over before they were asked, and have
 * been opened. */
int check_resets(struct cli_session *s, struct picked_runs *picked,
                 const struct node_reset *what, struct asked_resets *asked,
                 bool *again);
void asked_resets_done(struct asked_resets *asked);

#endif
