/* cli/logs/logs_follow.h - prints what was written and what is written from now on,
 * until what is followed has ended; of a whole run also what is written by the runs
 * inside it. Woken by the kernel about files and by the owner about attempts. */
#ifndef CLI_LOGS_LOGS_FOLLOW_H
#define CLI_LOGS_LOGS_FOLLOW_H

#include "cli/logs/logs_pick.h"
#include "cli/logs/logs_print.h"

struct logs_follow_setup {
    struct cli *c;
    struct cli_session *s;
    const struct run_row *run;
    const struct logs_pick *pick;
    struct logs_print *print;
    struct log_sources *sources; /* empty; those that were read are added */
};
/* Exit code. */
int logs_follow(const struct logs_follow_setup *setup);

#endif
