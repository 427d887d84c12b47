/* shrink.c - smaller options with which a seed still fails in the same way.
 *
 * One option after the other is set to the least it can be, or else halved as long as
 * that does; round and round until nothing changes. The seed stays: each subject has a
 * stream of random numbers of its own, so most of what happened happens again. */
#include "seed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define SECOND      UNITS_SECOND
#define MAX_SECONDS 60
#define MAX_TRIES   400

static const struct {
    const char *name;
    int64_t least;
    bool halve;
} steps[] = {
    {"n_runs", 1, true},         {"max_tasks", 1, true},
    {"cancels", 0, true},        {"n_nodes", 1, true},
    {"faults_us", SECOND, true}, {"submit_us", SECOND, true},
    {"crash_us", 0, false},      {"drain_us", 0, false},
    {"pause_us", 0, false},      {"steal", 0, false},
    {"wipe_us", 0, false},       {"store_fatal", 0, false},
    {"store_doubt", 0, false},   {"store_conflict", 0, false},
    {"store_down", 0, false},    {"store_busy", 0, false},
    {"store_stall", 0, false},   {"read_down", 0, false},
    {"interleave", 0, false},    {"wake_lost", 0, false},
    {"queue_shared", 0, false},  {"queue_lose", 0, false},
    {"queue_double", 0, false},  {"queue_late", 0, false},
    {"queue_down", 0, false},    {"start_busy", 0, false},
    {"start_slow", 0, false},    {"start_refused", 0, false},
    {"task_bad", 0, false},      {"task_gone", 0, false},
    {"task_slow", 0, false},     {"task_stuck", 0, false},
    {"event_double", 0, false},  {"event_late", 0, false},
    {"result_double", 0, false}, {"skew_us", 0, false},
    {"lane_us", 50, false},      {"commit_us", 200, false},
    {"waits", 0, false},         {"signals", 0, true},
    {"open_resets", 0, true},    {"pauses", 0, true},
    {"sqlite", 0, false},        {"cache", 0, false},
    {"clears", 0, true},         {"same_again", 0, false},
    {"reuses", 0, true},         {"artifacts", 0, false},
    {"blob_down", 0, false},     {"blob_doubt", 0, false},
    {"blob_full", 0, false},     {"blob_slow", 0, false},
    {"ack_lost", 0, false},      {"shares", 0, false},
    {"schedule_acts", 0, true},  {"schedules", 0, true},
    {"clock_us", 0, false},      {"values", 0, false},
    {"inner", 0, false},         {"limits", 0, false},
    {"resets", 0, true},         {"link_us", 0, false},
    {"watches", 0, false},       {"apart", 0, false},
    {"link_slow", 0, false},     {"store_clock_us", 0, false},
};

static struct {
    struct seed_job job;
    struct sim_options o; /* the smallest that fails so far */
    const char *invariant;
    time_t until;
    int n_tries;
} state;

static bool may_try(void)
{
    return state.n_tries < MAX_TRIES && time(NULL) < state.until;
}

static bool still_fails(const struct sim_options *o)
{
    struct seed_job job = state.job;
    struct seed_child child;
    struct seed_report report;
    int status;

    state.n_tries++;
    job.options = o;
    job.quiet = true;
    job.verbose = false;
    seed_start(&job, &child);
    if (waitpid(child.pid, &status, 0) != child.pid) {
        perror("waitpid");
        exit(1);
    }
    return !seed_ended(&child, status, &report) &&
           strcmp(report.invariant, state.invariant) == 0;
}

static bool take(const char *name, int64_t value)
{
    struct sim_options smaller = state.o;

    *options_find(&smaller, name) = value;
    if (!still_fails(&smaller))
        return false;
    state.o = smaller;
    return true;
}

static bool step(size_t i)
{
    const int64_t least = steps[i].least;
    int64_t now = *options_find(&state.o, steps[i].name);
    bool changed = false;

    if (now <= least || !may_try())
        return false;
    if (take(steps[i].name, least))
        return true;
    while (steps[i].halve && may_try()) {
        const int64_t half = least + (now - least) / 2;
        if (half == least || !take(steps[i].name, half))
            break;
        now = half;
        changed = true;
    }
    return changed;
}

void shrink(const struct seed_job *job, const char *invariant)
{
    struct sim_options first;
    bool changed = true;

    state.job = *job;
    state.invariant = invariant;
    state.until = time(NULL) + MAX_SECONDS;
    seed_options(job, &first);
    state.o = first;
    while (changed && may_try()) {
        changed = false;
        for (size_t i = 0; i < COUNT_OF(steps); i++)
            changed = step(i) || changed;
    }
    printf("shrunk in %d tries: %d of %d options are on, %d were; it fails with: %s\n",
           state.n_tries, options_on(&state.o), options_on(NULL), options_on(&first),
           invariant);
    printf("replay: ff-sim --seed %llu", (unsigned long long)job->seed);
    options_print_difference(&first, &state.o);
    for (size_t i = 0; i < job->n_sets; i++)
        printf(" --set %s", job->sets[i]);
    printf(" --verbose\n");
}
