/* main.c - flowforge-supervisor: starts the tasks of one state directory, outlives
 * whoever asked for them, and tells how they ended. Started by the runtime-local
 * driver, which see; nobody else needs to. */
#include "client.h"
#include "dirs.h"
#include "spawn.h"
#include "sup.h"
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_GRACE_US 5000000
#define EXIT_FATAL    70
#define KEEP_US       (INT64_C(30) * 86400 * 1000000) /* outcomes nobody asks for */
#define LOCK_TRIES    50 /* of 2 ms: a child that is about to call execve holds it */

struct options {
    const char *dir;
    int64_t idle_exit_us;
    int ready_fd; /* told R, B (another one is there) or E and a sentence; or -1 */
    const char *cgroup; /* a control group set aside for us, or NULL */
    uint64_t nofile;    /* soft limit of tasks' descriptors; 0: our own */
    bool empty_trash;
};

void sup_die(struct sup *sup, const char *what, int sys)
{
    say(sup, "%s: %s; all tasks are killed", what, strerror(sys));
    for (const struct attempt *attempt = table_first(&sup->table); attempt;
         attempt = table_next(&sup->table, attempt))
        if (attempt->phase >= RUNNING && attempt->phase <= KILLING)
            tree_signal(sup, attempt, SIGKILL);
    _exit(EXIT_FATAL);
}

static void note_exit(struct attempt *attempt, int status)
{
    struct outcome *outcome = &attempt->outcome;

    attempt->reaped = true;
    outcome->state = FF_RUN_EXITED;
    outcome->ended_us = wall_us();
    outcome->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    outcome->exit_code =
        WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Attempts whose main process is gone and that wait for their orphans. */
static void look_again(struct sup *sup)
{
    struct attempt *attempt = table_first(&sup->table);

    for (; attempt; attempt = table_next(&sup->table, attempt))
        attempt_look(attempt);
}

/* Attempts are judged after all exits are known: then whoever lost its parent among
 * them is our child and can be found. */
static void reap(struct sup *sup)
{
    struct attempt *exited = NULL;
    bool orphans = false;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct attempt *attempt = table_by_pid(&sup->table, pid);
        if (attempt && !attempt->reaped) {
            note_exit(attempt, status);
            attempt->next = exited;
            exited = attempt;
        } else if (pid == sup->sweeper) {
            sup->sweeper = 0;
        } else {
            attempt = tree_reaped(sup, pid);
            orphans = orphans || (attempt && attempt->reaped);
        }
    }
    if (exited || orphans)
        tree_refresh(sup);
    while (exited) {
        struct attempt *attempt = exited;
        exited = attempt->next;
        attempt_exited(attempt);
    }
    if (orphans)
        look_again(sup);
}

static void stop(struct sup *sup)
{
    struct attempt *attempt = table_first(&sup->table);

    if (sup->stopping)
        return;
    sup->stopping = true;
    say(sup, "told to stop; %u attempts are running", sup->n_running);
    for (; attempt; attempt = table_next(&sup->table, attempt))
        if (attempt->phase == RUNNING)
            attempt_cancel(attempt, STOP_GRACE_US);
}

static void on_signals(struct source *source, uint32_t events)
{
    struct sup *sup = container_of(source, struct sup, signals);
    struct signalfd_siginfo infos[8];

    (void)events;
    const ssize_t n = read(source->fd, infos, sizeof(infos));
    for (ssize_t i = 0; i < n / (ssize_t)sizeof(infos[0]); i++)
        if (infos[i].ssi_signo != SIGCHLD)
            stop(sup);
    reap(sup);
}

/* Nothing may end us but SIGKILL and SIGTERM; nothing is ignored, because children
 * would inherit that. */
static bool take_signals(struct sup *sup)
{
    /* The kernel's form, which is not the C library's: SIG_DFL, no flags, no mask. */
    static const uint64_t defaults[4];
    sigset_t all;
    sigset_t wanted;

    /* Not by signal(), which refuses those that the C library has for itself, and
     * posix_spawn leaves those ignored. */
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, defaults, NULL, sizeof(uint64_t));
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sup->signals = (struct source){
        .fn = on_signals, .fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
    return sup->signals.fd >= 0 && loop_watch(&sup->loop, &sup->signals, EPOLLIN);
}

/* Who starts us may have raised his own limit, which programs that use select() would
 * not survive. */
static bool set_limits(uint64_t nofile_of_tasks)
{
    struct rlimit nofile;
    struct rlimit core;

    if (getrlimit(RLIMIT_NOFILE, &nofile) || getrlimit(RLIMIT_CORE, &core))
        return false;
    if (nofile_of_tasks > 0 && nofile_of_tasks < nofile.rlim_cur)
        nofile.rlim_cur = nofile_of_tasks;
    if (!spawn_init(&nofile))
        return false;
    nofile.rlim_cur = nofile.rlim_max;
    setrlimit(RLIMIT_NOFILE, &nofile);
    core.rlim_cur = 0; /* inherited by the tasks */
    setrlimit(RLIMIT_CORE, &core);
    return true;
}

static void add_ended(void *arg, uint64_t serial, const char *id,
                      const struct outcome *outcome)
{
    struct sup *sup = arg;

    /* A release that was not flushed before a crash is never repeated. */
    if (outcome->ended_us < wall_us() - KEEP_US) {
        sup->forgot = true;
        return;
    }
    if (!rl_id_valid(id) || table_by_id(&sup->table, id))
        return;
    struct attempt *attempt = attempt_revive(sup, id, ENDED);
    if (!attempt) {
        sup->forgot = true;
        return;
    }
    attempt->serial = serial;
    attempt->has_work = true; /* for all we know */
    attempt->outcome = *outcome;
    attempt->outcome.message = outcome->message ? strdup(outcome->message) : NULL;
}

static bool open_journal(struct sup *sup)
{
    if (journal_open(&sup->journal, sup->dir_fd, add_ended, sup))
        return true;
    if (errno != EBADMSG)
        return false;
    say(sup, "%s is damaged and was put aside as " RL_JOURNAL ".damaged", RL_JOURNAL);
    rename(RL_JOURNAL, RL_JOURNAL ".damaged");
    return journal_open(&sup->journal, sup->dir_fd, add_ended, sup);
}

/* Held until we are gone. 1: held; 0: by another supervisor; -1: errno. */
static int lock(struct sup *sup)
{
    const int fd =
        openat(sup->dir_fd, RL_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (!flock(fd, LOCK_EX | LOCK_NB))
            return 1;
        if (errno != EWOULDBLOCK)
            return -1;
        usleep(2000);
    }
    return 0;
}

static void on_idle(struct timer *timer)
{
    struct sup *sup = container_of(timer, struct sup, idle);

    if (!sup->n_running && !sup->n_greeted)
        sup->stop_now = true;
}

/* Everything up to being ready. The word for what failed, or NULL. */
static const char *set_up(struct sup *sup)
{
    const size_t size = strlen(sup->dir) + sizeof("/" RL_OUT_DIR "/");

    open_log(sup);
    sup->idle.fn = on_idle;
    sup->out_prefix = malloc(size);
    if (!sup->out_prefix || !loop_init(&sup->loop) || !table_init(&sup->table))
        return "memory";
    snprintf(sup->out_prefix, size, "%s/" RL_OUT_DIR "/", sup->dir);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!set_limits(sup->nofile) || !take_signals(sup))
        return "signals";
    if (!dirs_open(sup))
        return "the directories of attempts";
    if (!open_journal(sup))
        return RL_JOURNAL;
    if (!live_open(&sup->live, sup->dir_fd, sweep_add, sup))
        return RL_LIVE;
    if ((sup->journal.made || sup->forgot) && !live_new_line(&sup->live))
        return RL_LIVE;
    if (!attempts_record_begin(sup))
        return "a thread";
    sweep_run(sup);
    dirs_tidy(sup);
    attempts_record(sup);
    return clients_listen(sup) ? NULL : RL_SOCKET;
}

static void tell(int ready_fd, const char *fmt, ...) FF_PRINTF(2, 3);

static void tell(int ready_fd, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    if (ready_fd < 0)
        return;
    va_start(ap, fmt);
    const int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    const size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    if (write(ready_fd, text, len) != (ssize_t)len)
        return; /* nobody waits any more */
    close(ready_fd);
}

static void free_dead(struct sup *sup)
{
    while (sup->dead) {
        struct spool *spool = sup->dead;
        sup->dead = spool->next;
        spool_drop(spool);
        free(spool);
    }
}

/* With no task and no client it ends after a while; told to stop, at once. */
static void consider_the_end(struct sup *sup)
{
    if (sup->n_running)
        return;
    if (sup->stopping)
        sup->stop_now = true;
    else if (!sup->n_greeted && !sup->idle.place)
        loop_timer(&sup->loop, &sup->idle, mono_us() + sup->idle_exit_us);
}

static void serve(struct sup *sup)
{
    for (;;) {
        clients_run(sup);
        attempts_record(sup);
        const bool more = clients_flush(sup);
        free_dead(sup);
        dirs_empty_trash(sup);
        consider_the_end(sup);
        if (sup->stop_now)
            break;
        loop_round(&sup->loop, more);
    }
    clients_close(sup);
    cgroups_leave(&sup->cgroups);
    const int failed = journal_commit(&sup->journal, attempts_keep, sup);
    if (failed) {
        live_new_line(&sup->live); /* as when it fails before */
        say(sup, "the last records were not written: %s", strerror(failed));
    }
}

static bool parse(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {
        {"dir", required_argument, NULL, 'd'},
        {"idle-exit-us", required_argument, NULL, 'i'},
        {"ready-fd", required_argument, NULL, 'r'},
        {"cgroup", required_argument, NULL, 'c'},
        {"nofile", required_argument, NULL, 'n'},
        {"empty-trash", no_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int option;

    *options = (struct options){.idle_exit_us = 10000000, .ready_fd = -1};
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'd')
            options->dir = optarg;
        else if (option == 'i')
            options->idle_exit_us = strtoll(optarg, NULL, 10);
        else if (option == 'r')
            options->ready_fd = (int)strtol(optarg, NULL, 10);
        else if (option == 'c')
            options->cgroup = optarg;
        else if (option == 'n')
            options->nofile = strtoull(optarg, NULL, 10);
        else if (option == 't')
            options->empty_trash = true;
        else
            return false;
    }
    return options->empty_trash || (options->dir && options->dir[0] == '/');
}

/* Leaves the terminal, the session and whoever started us; the process that was
 * started ends here. */
static bool detach(const struct sup *sup)
{
    const pid_t pid = cgroups_fork(&sup->cgroups);
    if (pid)
        _exit(pid < 0 ? 1 : 0);
    setsid();
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        if (null >= 0)
            dup2(null, fd);
    if (null > 2)
        close(null);
    return null >= 0;
}

/* Whoever started us may have left descriptors open. */
static void close_others(int ready_fd)
{
    const unsigned keep = ready_fd > 2 ? (unsigned)ready_fd : 2;

    if (keep > 3)
        syscall(SYS_close_range, 3u, keep - 1, 0u);
    syscall(SYS_close_range, keep + 1, ~0u, 0u);
    if (ready_fd > 2)
        fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
}

/* Takes the state directory and becomes a process of its own. 0: go on; 1: this one
 * is done; -1: failed, with errno. */
static int begin(struct sup *sup, const struct options *options)
{
    if (chdir(options->dir))
        return -1;
    sup->dir = options->dir;
    sup->idle_exit_us = options->idle_exit_us;
    sup->nofile = options->nofile;
    sup->uid = geteuid();
    sup->dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sup->dir_fd < 0)
        return -1;
    /* Before the fork: only the one that holds it may enter the home group, since all
     * else in that is killed. */
    const int locked = lock(sup);
    if (locked == 0)
        tell(options->ready_fd, "B");
    if (locked != 1)
        return locked == 0 ? 1 : -1;
    cgroups_begin(&sup->cgroups, sup->dir, options->cgroup);
    return detach(sup) ? 0 : -1;
}

int main(int argc, char **argv)
{
    static struct sup sup;
    struct options options;

    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: %s --dir DIR [--idle-exit-us N] [--ready-fd N]\n",
                argv[0]);
        return 2;
    }
    if (options.empty_trash)
        return dirs_empty_main();
    close_others(options.ready_fd);
    const int begun = begin(&sup, &options);
    if (begun == 1)
        return 0;
    const char *failed = begun < 0 ? RL_LOCK : set_up(&sup);
    if (failed) {
        tell(options.ready_fd, "Ecannot use %s in %.150s: %s", failed, options.dir,
             strerror(errno));
        return 1;
    }
    tell(options.ready_fd, "R");
    serve(&sup);
    return 0;
}
