/* around.c - what is wrong with what a file needs from around it. Finding that out is
 * not here: this room reads nothing but the text. */
#include "flow/problem.h"

#include <string.h>

void flow_refuse_zone(struct flow_problems *all, const struct flow_trigger *t,
                      const char *why)
{
    struct flow_problem *p =
        flow_problem_add(all, PROBLEM_TIMEZONE, t->zone_line, t->zone_column,
                         t->timezone, strlen(t->timezone));

    flow_problem_msg(p, "%s", why);
    flow_problem_hint(p, "names are UTC, Europe/Berlin, America/New_York ...");
    flow_problems_sort(all);
}

void flow_refuse_script(struct flow_problems *all, const struct flow_task *t,
                        const char *why)
{
    const char *file = t->work->file;
    struct flow_problem *p = flow_problem_add(all, PROBLEM_SCRIPT_FILE, t->line,
                                              (int)t->column, file, strlen(file));

    if (*why)
        flow_problem_msg(p, "task %s: script.file %.120s: %s", t->name, file, why);
    else
        flow_problem_msg(p, "task %s: there is no file %.120s beside the workflow",
                         t->name, file);
    flow_problem_hint(p, "the path starts in the folder of the workflow file");
    flow_problems_sort(all);
}
