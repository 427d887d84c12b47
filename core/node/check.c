/* check.c - what a workflow file needs of the machine that it is checked on: files of
 * scripts beside it, and time zones. What it uses of other workflows is in pins.c. */
#include "node/node_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- time zones --- */

int node_check_zones(const struct flow *f, struct zones *zones,
                     struct flow_problems *problems)
{
    int code = FF_OK;

    for (uint32_t i = 0; i < f->n_triggers; i++) {
        const struct flow_trigger *t = &f->triggers[i];
        struct ff_err err = {0};
        if (t->kind != FLOW_TRIGGER_CRON || zones_find(zones, t->timezone, &err))
            continue;
        flow_refuse_zone(problems, t, err.msg);
        if (code == FF_OK)
            code = err.code;
    }
    return code;
}

/* --- files of scripts --- */

/* NULL when it can be read as a file; "" when there is none. */
static const char *file_fault(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT ? "" : strerror(errno);
    if (!S_ISREG(st.st_mode))
        return "not a file";
    return access(path, R_OK) == 0 ? NULL : strerror(errno);
}

static void check_scripts(const struct flow *f, const char *dir,
                          struct flow_problems *problems)
{
    for (uint32_t i = 0; i < f->n_tasks; i++) {
        const struct flow_work *work = f->tasks[i].work;
        if (work->group)
            check_scripts(work->group, dir, problems);
        if (!work->file)
            continue;
        MEM_AUTO char *path = file_join(dir, work->file);
        const char *fault = file_fault(path);
        if (fault)
            flow_refuse_script(problems, &f->tasks[i], fault);
    }
}

void node_check_machine(const struct flow *f, const char *dir,
                        struct flow_problems *problems)
{
    struct zones zones = {0};

    check_scripts(f, dir, problems);
    if (zones_are_here()) /* else they may be all right elsewhere */
        node_check_zones(f, &zones, problems);
    zones_done(&zones);
}
