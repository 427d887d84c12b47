/* cli/runs/events_there.h - what happens at a server, as it tells it. */
#ifndef CLI_RUNS_EVENTS_THERE_H
#define CLI_RUNS_EVENTS_THERE_H

#include "cli/frame/frame.h"

/* Prints what happens from now on in all runs, or in the one that `word` names from its
 * beginning to its end. Exit code. */
int events_there_follow(struct cli *c, struct cli_session *s, const char *word);

#endif
