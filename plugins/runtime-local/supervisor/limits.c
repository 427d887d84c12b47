/* limits.c - see limits.h. */
#include "limits.h"

#include "spawn.h"
#include "sup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CPU_PERIOD_US 100000

/* A group for this attempt, which may be the one that it has; NULL without. */
static const char *group_in(struct attempt *attempt, const char *parent)
{
    struct limits *limits = attempt->limits;
    char path[CGROUP_PATH];

    if (!parent)
        return NULL;
    snprintf(path, sizeof(path), "%s/%lld-%u", parent, (long long)attempt->born_ticks,
             attempt->slot);
    for (int i = 0; i < limits->n_groups; i++)
        if (strcmp(limits->groups[i], path) == 0)
            return limits->groups[i];
    if (mkdir(path, 0755) && errno != EEXIST)
        return NULL;
    char *group = strdup(path);
    snprintf(path, sizeof(path), "%s/cgroup.procs", group ? group : "");
    const int fd = group ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        if (group)
            rmdir(group);
        free(group);
        return NULL;
    }
    limits->fds[limits->n_groups] = fd;
    limits->groups[limits->n_groups++] = group;
    return group;
}

static bool limit_memory(struct attempt *attempt, int64_t bytes)
{
    const struct cgroups *groups = &attempt->sup->cgroups;
    const bool v1 = groups->is_v1[CGROUP_MEMORY];
    char value[32];

    const char *group = group_in(attempt, groups->parents[CGROUP_MEMORY]);
    if (!group)
        return false;
    snprintf(value, sizeof(value), "%lld", (long long)bytes);
    if (!cgroup_write(group, v1 ? "memory.limit_in_bytes" : "memory.max", value))
        return false;
    /* Swap would only delay the end; a task that is over its limit ends as a whole.
     * Kernels without either file do without. */
    if (v1) {
        cgroup_write(group, "memory.memsw.limit_in_bytes", value);
    } else {
        cgroup_write(group, "memory.swap.max", "0");
        cgroup_write(group, "memory.oom.group", "1");
    }
    attempt->limits->memory = attempt->limits->n_groups - 1;
    return true;
}

static bool limit_cpu(struct attempt *attempt, int64_t milli)
{
    const struct cgroups *groups = &attempt->sup->cgroups;
    char value[64];

    const char *group = group_in(attempt, groups->parents[CGROUP_CPU]);
    if (!group)
        return false;
    const long long quota_us = milli * (CPU_PERIOD_US / 1000);
    if (groups->is_v1[CGROUP_CPU]) {
        snprintf(value, sizeof(value), "%d", CPU_PERIOD_US);
        if (!cgroup_write(group, "cpu.cfs_period_us", value))
            return false;
        snprintf(value, sizeof(value), "%lld", quota_us);
        return cgroup_write(group, "cpu.cfs_quota_us", value);
    }
    snprintf(value, sizeof(value), "%lld %d", quota_us, CPU_PERIOD_US);
    return cgroup_write(group, "cpu.max", value);
}

void limits_begin(struct attempt *attempt, const struct start *start, struct spawn *how)
{
    struct sup *sup = attempt->sup;

    if (!start->memory_bytes && !start->cpu_milli)
        return;
    struct limits *limits = calloc(1, sizeof(*limits));
    attempt->limits = limits;
    if (!limits) {
        outcome_say(&attempt->outcome, "its limits were ignored: no memory");
        return;
    }
    limits->memory = -1;
    cgroups_find_parents(&sup->cgroups);
    if (start->memory_bytes && !limit_memory(attempt, start->memory_bytes)) {
        how->data_limit = (uint64_t)start->memory_bytes;
        outcome_say(&attempt->outcome, "no control group: the memory limit held for "
                                       "the data of each process by itself");
    }
    if (start->cpu_milli && !limit_cpu(attempt, start->cpu_milli))
        outcome_say(&attempt->outcome, "no control group: the cpu limit was ignored");
    how->group_fds = limits->fds;
    how->n_groups = limits->n_groups;
}

void limits_started(struct attempt *attempt)
{
    struct limits *limits = attempt->limits;

    for (int i = 0; limits && i < limits->n_groups; i++)
        close(limits->fds[i]);
}

static bool ran_out_of_memory(const struct limits *limits)
{
    if (limits->memory < 0)
        return false;
    const char *group = limits->groups[limits->memory];
    return cgroup_read(group, "memory.events", "oom_kill") > 0 ||
           cgroup_read(group, "memory.oom_control", "oom_kill") > 0;
}

void limits_end(struct attempt *attempt)
{
    struct limits *limits = attempt->limits;
    struct outcome *outcome = &attempt->outcome;

    if (!limits)
        return;
    if (outcome->exit_code && outcome->reason == FF_REASON_NONE &&
        ran_out_of_memory(limits))
        outcome->reason = FF_REASON_OOM;
    for (int i = 0; i < limits->n_groups; i++) {
        rmdir(limits->groups[i]); /* if it is busy, at the supervisor's end */
        free(limits->groups[i]);
    }
    free(limits);
    attempt->limits = NULL;
}
