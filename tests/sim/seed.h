/* seed.h - seeds as processes, for main.c and shrink.c. */
#ifndef SIM_SEED_H
#define SIM_SEED_H

#include "sim.h"

#include <sys/types.h>

#define TASK_KEY "task.key" /* of core/exec, made once for all seeds */

struct seed_job {
    uint64_t seed;
    const char
        *data_dir; /* of a seed in a process of its own: what is around its own */
    const char *const *sets; /* "slots=1": over what the seed draws */
    size_t n_sets;
    const struct sim_options *options; /* all of them, or NULL */
    bool verbose, quiet;
};

/* What a seed tells its parent. */
struct seed_report {
    bool passed;
    char invariant[64]; /* that does not hold */
    uint64_t hash, n_events;
    int64_t virtual_us;
    uint32_t seen[N_SEEN];
};

struct seed_child {
    pid_t pid;
    int fd;
    struct seed_job job;
};

/* What the job's options come to. */
void seed_options(const struct seed_job *job, struct sim_options *o);
void seed_run(const struct seed_job *job); /* here; returns if all is well */
void seed_start(const struct seed_job *job, struct seed_child *c);
/* The child was waited for: true if it passed. */
bool seed_ended(const struct seed_child *c, int status, struct seed_report *r);

/* shrink.c: prints the smallest options found with which this seed fails by the same
 * invariant, as a command. */
void shrink(const struct seed_job *job, const char *invariant);

#endif
