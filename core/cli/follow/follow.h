/* cli/follow/follow.h - sees runs through to their end, as the owner or as a client of
 * the owner, whichever this process can be; when the owner goes, it takes over. */
#ifndef CLI_FOLLOW_FOLLOW_H
#define CLI_FOLLOW_FOLLOW_H

#include "cli/frame/frame.h"

struct follow_setup {
    struct cli *c;
    struct cli_session *s;
    const struct run_row *runs;
    size_t n_runs;
    bool interrupt_cancels; /* Ctrl-C cancels the runs; else it only leaves */
    bool show_past;         /* also what happened before */
};

/* Exit code: by how the runs ended, the worst of them; 128 + signal when it was told to
 * leave; or why it could not be done. */
int follow_runs(const struct follow_setup *setup);

/* detach.c */

/* A detached run is led by another process, which has to see it: CLI_OK if it can. */
int detach_check(const struct cli *c, const struct cli_session *s);
/* Sees to it that somebody leads the run, which is in the store, and prints its id. */
int detach_run(struct cli *c, struct cli_session *s, const char *id);

#endif
