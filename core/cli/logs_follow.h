/* cli/logs_follow.h - prints what is written from now on, until what is followed has
 * ended. Woken by the kernel about files and by the owner about attempts. */
#ifndef CLI_LOGS_FOLLOW_H
#define CLI_LOGS_FOLLOW_H

#include "cli/logs_pick.h"
#include "cli/logs_print.h"

struct logs_follow_setup {
    struct cli *c;
    struct cli_session *s;
    const struct run_row *run;
    const struct logs_pick *pick;
    struct logs_print *print;
    const char *logs_dir;
    struct log_sources *sources; /* read to their ends; more are added */
};
/* Exit code. */
int logs_follow(const struct logs_follow_setup *setup);

#endif
