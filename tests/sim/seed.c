/* seed.c - one seed in a process of its own: its options, its end, and what it tells
 * its parent; or in this process, for those who want to look. */
#include "seed.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of one seed; more is an endless loop. By the wall it may take longer, since others
 * use the machine. */
#define CPU_LIMIT_S  60
#define WALL_LIMIT_S 300

static int report_fd = -1;

/* A failure that a sanitizer finds shows the last events too. */
FF_EXPORT const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

FF_EXPORT const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

/* "I6" of "I6: stuck with ..."; a check without a number is known by its sentence. */
static void set_invariant(struct seed_report *r, const char *fmt)
{
    const size_t digits = fmt[0] == 'I' ? strspn(fmt + 1, "0123456789, I") : 0;
    const bool numbered = digits > 0 && fmt[1 + digits] == ':';

    snprintf(r->invariant, sizeof(r->invariant), "%.*s",
             numbered ? (int)(digits + 1) : (int)sizeof(r->invariant) - 1, fmt);
}

static void tell_parent(const struct seed_report *r)
{
    if (report_fd >= 0 && write(report_fd, r, sizeof(*r)) != (ssize_t)sizeof(*r))
        _exit(1);
}

void seed_failed(const char *fmt)
{
    struct seed_report r = {0};

    set_invariant(&r, fmt);
    tell_parent(&r);
    if (sim.alone)
        file_remove_tree(sim.data_dir);
}

static void on_signal(int signal_no)
{
    sim_trace_print();
    options_print(&sim.o);
    fprintf(stderr, "\nreplay: ff-sim --seed %llu --verbose\n",
            (unsigned long long)sim.seed);
    seed_failed("a sanitizer or abort()");
    signal(signal_no, SIG_DFL);
    raise(signal_no);
}

static void set_options(const struct seed_job *job, struct sim_options *o)
{
    for (size_t i = 0; i < job->n_sets; i++)
        if (!options_set(o, job->sets[i]))
            sim_fail("there is no option %s", job->sets[i]);
}

void seed_options(const struct seed_job *job, struct sim_options *o)
{
    sim.seed = job->seed;
    for (int i = 0; i < N_STREAMS; i++)
        rand_seed(&sim.streams[i],
                  rand_mix(job->seed + UINT64_C(1000003) * (uint64_t)i));
    options_draw(o);
    set_options(job, o);
    if (o->hosts) {
        options_draw_hosts(o);
        set_options(job, o);
    }
    if (job->options)
        *o = *job->options;
}

void seed_run(const struct seed_job *job)
{
    signal(SIGABRT, on_signal);
    sim.verbose = job->verbose;
    sim.data_dir = job->data_dir;
    log_setup(job->verbose ? LOG_DEBUG : 0, false);
    seed_options(job, &sim.o);
    if (job->verbose)
        options_print(&sim.o);
    sim_run();
}

static void limit_time(void)
{
    const struct itimerval cpu = {.it_value.tv_sec = CPU_LIMIT_S};

    setitimer(ITIMER_PROF, &cpu, NULL);
    alarm(WALL_LIMIT_S);
}

static bool ran_too_long(int signal_no)
{
    return signal_no == SIGPROF || signal_no == SIGALRM;
}

/* What a seed leaves in files is its own. One that fails leaves its folder to whoever
 * removes the one around it. */
static char *make_own_dir(const char *around)
{
    char name[32];
    MEM_AUTO char *key = file_join(around, TASK_KEY);

    snprintf(name, sizeof(name), "%d", (int)getpid());
    char *dir = file_join(around, name);
    MEM_AUTO char *own_key = file_join(dir, TASK_KEY);
    if (file_make_dirs(dir, 0700) != 0 || link(key, own_key) != 0)
        _exit(1);
    return dir;
}

/* A seed is short, and a tenth of its time went into pages that were given back and
 * taken anew. */
static void keep_memory(void)
{
    mallopt(M_TOP_PAD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

static void run_child(const struct seed_job *around, int fd)
{
    struct seed_report r = {.passed = true};
    struct seed_job own = *around;
    const struct seed_job *job = &own;
    MEM_AUTO char *dir = make_own_dir(around->data_dir);

    own.data_dir = dir;

    report_fd = fd;
    keep_memory();
    limit_time();
    if (job->quiet && !freopen("/dev/null", "w", stderr))
        _exit(1);
    seed_run(job);
    r.hash = sim.hash;
    r.n_events = sim.n_events;
    r.virtual_us = sim.now;
    memcpy(r.seen, sim.seen, sizeof(r.seen));
    file_remove_tree(dir);
    tell_parent(&r);
    _exit(0);
}

void seed_start(const struct seed_job *job, struct seed_child *c)
{
    int fds[2];

    if (pipe(fds) != 0) {
        perror("pipe");
        exit(1);
    }
    fflush(NULL);
    *c = (struct seed_child){.pid = fork(), .fd = fds[0], .job = *job};
    if (c->pid < 0) {
        perror("fork");
        exit(1);
    }
    if (c->pid == 0)
        run_child(job, fds[1]);
    close(fds[1]);
}

/* A report is shorter than a pipe, so a child that has ended has written it all. */
bool seed_ended(const struct seed_child *c, int status, struct seed_report *r)
{
    const bool told = read(c->fd, r, sizeof(*r)) == (ssize_t)sizeof(*r);

    close(c->fd);
    if (told && r->passed && status == 0)
        return true;
    if (!told)
        *r = (struct seed_report){0};
    if (!told && WIFSIGNALED(status))
        snprintf(r->invariant, sizeof(r->invariant), "%s",
                 ran_too_long(WTERMSIG(status)) ? "it does not come to its end"
                                                : strsignal(WTERMSIG(status)));
    r->passed = false;
    return false;
}
