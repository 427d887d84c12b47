/* sweep.c - see sweep.h. */
#include "sweep.h"

#include "proc.h"
#include "sup.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_US  10000000
#define AGAIN_US     1000000
#define PAUSE_MAX_US 50000
#define CLEAN_PASSES 2 /* one may miss a process that is being born */
#define TICKS_SLACK  3 /* between our clock and the kernel's note of the start */

/* Main processes of the former supervisor. */
static struct former {
    pid_t pid;
    int64_t start_ticks;
} * formers;
static size_t n_formers;

void sweep_add(void *arg, const char *id, pid_t pid, int64_t start_ticks, uint32_t slot)
{
    struct sup *sup = arg;

    struct former *more = realloc(formers, (n_formers + 1) * sizeof(*formers));
    if (more) {
        formers = more;
        formers[n_formers++] = (struct former){pid, start_ticks};
    }
    if (!rl_id_valid(id) || table_by_id(&sup->table, id)) {
        live_give(&sup->live, slot);
        return;
    }
    struct attempt *attempt = attempt_revive(sup, id, SWEEPING);
    if (!attempt) {
        sup_die(sup, "no memory for the former supervisor's attempts", 0);
        return;
    }
    attempt->slot = slot;
    attempt->has_work = true; /* for all we know */
}

/* A process of one of those attempts: by its number and birth, by its session, or
 * by what it has in its environment. */
static bool is_left(const struct sup *sup, pid_t pid, const struct proc_stat *stat)
{
    char name[RL_NAME_SIZE];

    for (size_t i = 0; i < n_formers; i++) {
        const int64_t age = stat->start_ticks - formers[i].start_ticks;
        if (formers[i].pid == 0 || age < -TICKS_SLACK)
            continue;
        if (stat->session == formers[i].pid ||
            (pid == formers[i].pid && age <= TICKS_SLACK))
            return true;
    }
    return proc_out_name(pid, sup->out_prefix, name, sizeof(name));
}

static bool is_alive(pid_t pid, struct proc_stat *stat)
{
    /* A zombie whose new parent does not wait for it is as dead as can be. */
    return proc_stat(pid, stat) && stat->state != 'Z' && stat->state != 'X';
}

/* Kills what is left; how many that were. */
static size_t kill_pass(const struct sup *sup)
{
    const pid_t self = getpid();
    struct proc_stat stat;
    struct pids all = {0};
    struct pids left = {0};

    cgroups_members(&sup->cgroups, &left); /* marks or not, these cannot hide */
    proc_all(&all);
    for (size_t i = 0; i < all.n; i++) {
        const pid_t pid = all.list[i];
        if (pid == self || pid == 1 || !is_alive(pid, &stat) ||
            !is_left(sup, pid, &stat))
            continue;
        pids_add(&left, pid);
        proc_tree(pid, &left); /* these may have lost every mark */
    }
    size_t n = 0;
    for (size_t i = 0; i < left.n; i++)
        if (left.list[i] != self && is_alive(left.list[i], &stat))
            n += kill(left.list[i], SIGKILL) == 0;
    pids_done(&all);
    pids_done(&left);
    return n;
}

static void tell_lost(struct sup *sup)
{
    for (struct attempt *attempt = table_first(&sup->table); attempt;
         attempt = table_next(&sup->table, attempt)) {
        if (attempt->phase != SWEEPING)
            continue;
        attempt->outcome.state = FF_RUN_LOST;
        attempt->outcome.ended_us = wall_us();
        outcome_say(&attempt->outcome, "the supervisor of its processes was killed");
        attempt_finish(attempt);
    }
    free(formers);
    formers = NULL;
    n_formers = 0;
}

static bool sweep(struct sup *sup, int64_t patience_us)
{
    const int64_t until = mono_us() + patience_us;
    useconds_t pause = 1000;
    int clean = 0;

    while (clean < CLEAN_PASSES) {
        if (!kill_pass(sup)) {
            clean++;
            continue;
        }
        clean = 0;
        if (mono_us() >= until)
            return false;
        usleep(pause);
        pause = pause * 2 < PAUSE_MAX_US ? pause * 2 : PAUSE_MAX_US;
    }
    return true;
}

static void sweep_again(struct timer *timer)
{
    struct sup *sup = container_of(timer, struct sup, sweep_again);

    if (sweep(sup, 0))
        tell_lost(sup);
    else
        loop_timer(&sup->loop, timer, sup->loop.now_us + AGAIN_US);
}

void sweep_run(struct sup *sup)
{
    sup->sweep_again.fn = sweep_again;
    if (!n_formers)
        return;
    if (sweep(sup, PATIENCE_US)) {
        tell_lost(sup);
        return;
    }
    say(sup, "processes of a killed supervisor do not end; their attempts must wait");
    loop_timer(&sup->loop, &sup->sweep_again, mono_us() + AGAIN_US);
}
