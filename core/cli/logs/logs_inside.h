/* cli/logs/logs_inside.h - logs of the runs that are tasks of a run, of groups and
 * `uses`, with the way to them in their names. */
#ifndef CLI_LOGS_LOGS_INSIDE_H
#define CLI_LOGS_LOGS_INSIDE_H

#include "cli/logs/logs_pick.h"
#include "cli/read/run_children.h"

/* Adds what was written inside this run, however deep: "city.2/draw.0". Those that are
 * wanted by `p`, whose attempt is that of the tasks inside; where only the last is, of
 * runs of one task only the last, too. Exit code; has printed why. */
int logs_inside_scan(const struct cli_session *s, const struct run_row *run,
                     const struct logs_pick *p, struct log_sources *to);
/* Tells of each run inside before what it wrote is looked for. */
struct logs_inside_seen {
    void (*fn)(void *arg, const struct run_child *child, const char *way);
    void *arg;
};
int logs_inside_scan_seen(const struct cli_session *s, const struct run_row *run,
                          const struct logs_pick *p,
                          const struct logs_inside_seen *seen, struct log_sources *to);

/* Puts the way to the run that it is of before its names: "city.2/". */
void logs_inside_name(struct log_source *s, const char *way);

#endif
