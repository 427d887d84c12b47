/* cli/logs/logs_there.h - logs of a server: which attempts wrote, and their records as
 * lines of files, for those who merge and print. */
#ifndef CLI_LOGS_LOGS_THERE_H
#define CLI_LOGS_LOGS_THERE_H

#include "cli/logs/logs_follow.h"

/* As logs_pick_scan, of the run with this id, on this machine or there. Exit code; has
 * printed why. */
int logs_scan(const struct cli_session *s, const char *id, const struct logs_pick *p,
              struct log_sources *to);
/* What could not be read of them has been printed: the exit code. */
int logs_there_code(const struct log_sources *sources);
/* As logs_follow, told by the server. */
int logs_there_follow(const struct logs_follow_setup *setup);

#endif
