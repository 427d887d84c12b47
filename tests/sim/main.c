/* main.c - runs seeds, each in a process of its own, several at a time; adds up what
 * they saw; says how to replay the one that failed. */
#include "sim.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_JOBS   16
#define SEED_LIMIT 60 /* seconds of one seed: more is an endless loop */

struct args {
    uint64_t from, n;
    int64_t jobs, seconds;
    const char *corpus;
    bool one, verbose, hashes, cover, counts, keep_going, quiet;
    const char *sets[32];
    size_t n_sets;
};

/* What a seed tells its parent. */
struct report {
    uint64_t hash, n_events;
    int64_t virtual_us;
    uint32_t seen[N_SEEN];
};

struct child {
    pid_t pid;
    int fd;
    uint64_t seed;
};

static struct {
    struct child children[MAX_JOBS];
    int64_t n_children;
    uint64_t n_passed, n_failed, n_events;
    int64_t virtual_us;
    uint64_t seen[N_SEEN];
} total;

static char data_dir[] = "/tmp/ff-sim-XXXXXX";

/* --- one seed --- */

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

static void on_death(void)
{
    sim_trace_print();
    options_print(&sim.o);
    fprintf(stderr, "\nreplay: ff-sim --seed %llu --verbose\n",
            (unsigned long long)sim.seed);
}

static void on_signal(int signal_no)
{
    on_death();
    signal(signal_no, SIG_DFL);
    raise(signal_no);
}

static void draw(const struct args *a, uint64_t seed)
{
    sim.seed = seed;
    for (int i = 0; i < N_STREAMS; i++)
        rand_seed(&sim.streams[i], rand_mix(seed + UINT64_C(1000003) * (uint64_t)i));
    options_draw(&sim.o);
    for (size_t i = 0; i < a->n_sets; i++)
        if (!options_set(&sim.o, a->sets[i]))
            sim_fail("there is no option %s", a->sets[i]);
}

static void run_seed(const struct args *a, uint64_t seed)
{
    signal(SIGABRT, on_signal);
    sim.verbose = a->verbose;
    sim.data_dir = data_dir;
    log_setup(a->verbose ? LOG_DEBUG : 0, false);
    draw(a, seed);
    if (a->verbose)
        options_print(&sim.o);
    sim_run();
}

static void run_child(const struct args *a, uint64_t seed, int fd)
{
    struct report r = {0};

    alarm(SEED_LIMIT);
    if (a->quiet && !freopen("/dev/null", "w", stderr))
        _exit(1);
    run_seed(a, seed);
    r.hash = sim.hash;
    r.n_events = sim.n_events;
    r.virtual_us = sim.now;
    memcpy(r.seen, sim.seen, sizeof(r.seen));
    if (write(fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
        _exit(1);
    _exit(0);
}

/* --- many --- */

static void start(const struct args *a, uint64_t seed)
{
    struct child *c = &total.children[total.n_children++];
    int fds[2];

    if (pipe(fds) != 0) {
        perror("pipe");
        exit(1);
    }
    fflush(NULL);
    *c = (struct child){.pid = fork(), .fd = fds[0], .seed = seed};
    if (c->pid < 0) {
        perror("fork");
        exit(1);
    }
    if (c->pid == 0)
        run_child(a, seed, fds[1]);
    close(fds[1]);
}

static void add(const struct args *a, const struct child *c, const struct report *r)
{
    total.n_passed++;
    total.n_events += r->n_events;
    total.virtual_us += r->virtual_us;
    for (int i = 0; i < N_SEEN; i++)
        total.seen[i] += r->seen[i];
    if (a->hashes)
        printf("%llu %016llx\n", (unsigned long long)c->seed,
               (unsigned long long)r->hash);
}

static void reap(const struct args *a)
{
    struct report r;
    int status;
    int64_t i = 0;
    const pid_t pid = wait(&status);

    while (i < total.n_children && total.children[i].pid != pid)
        i++;
    if (i == total.n_children)
        return;
    const struct child c = total.children[i];
    total.children[i] = total.children[--total.n_children];
    if (status == 0 && read(c.fd, &r, sizeof(r)) == (ssize_t)sizeof(r)) {
        add(a, &c, &r);
    } else {
        total.n_failed++;
        printf("FAILED: seed %llu%s\n", (unsigned long long)c.seed,
               WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                   ? ": it does not come to its end"
                   : "");
    }
    close(c.fd);
}

static bool may_go_on(const struct args *a, time_t began)
{
    if (total.n_failed > 0 && !a->keep_going)
        return false;
    return a->seconds == 0 || time(NULL) - began < a->seconds;
}

static void run_one_of_many(const struct args *a, uint64_t seed)
{
    if (total.n_children == a->jobs)
        reap(a);
    start(a, seed);
}

static void run_corpus(const struct args *a)
{
    char line[256];
    FILE *f = fopen(a->corpus, "r");

    if (!f) {
        perror(a->corpus);
        exit(1);
    }
    while (fgets(line, sizeof(line), f))
        if (line[0] >= '0' && line[0] <= '9')
            run_one_of_many(a, strtoull(line, NULL, 10));
    fclose(f);
}

static int check_coverage(void)
{
    int missing = 0;

    for (int i = 0; i < N_SEEN; i++) {
        if (total.seen[i] > 0)
            continue;
        printf("never seen: %s\n", sim_seen_names[i]);
        missing++;
    }
    return missing;
}

static int run_all(const struct args *a)
{
    const time_t began = time(NULL);

    if (a->corpus)
        run_corpus(a);
    for (uint64_t i = 0; i < a->n && may_go_on(a, began); i++)
        run_one_of_many(a, a->from + i);
    while (total.n_children > 0)
        reap(a);
    if (!a->hashes)
        printf(
            "%llu seeds passed, %llu failed: %llu events, %lld virtual hours, %lld s\n",
            (unsigned long long)total.n_passed, (unsigned long long)total.n_failed,
            (unsigned long long)total.n_events,
            (long long)(total.virtual_us / UNITS_SECOND / 3600),
            (long long)(time(NULL) - began));
    for (int i = 0; a->counts && i < N_SEEN; i++)
        printf("%8llu %s\n", (unsigned long long)total.seen[i], sim_seen_names[i]);
    if (total.n_failed > 0)
        return 1;
    return a->cover && check_coverage() > 0;
}

/* --- the command line --- */

static void usage(void)
{
    fputs("ff-sim [--seeds N] [--from SEED] [--seconds N] [--jobs N] [--corpus FILE]\n"
          "       [--cover] [--counts] [--hashes] [--keep-going] [--quiet] [--set "
          "OPTION=N]...\n"
          "ff-sim --seed SEED [--verbose]      one seed, in this process\n",
          stderr);
    exit(2);
}

static bool flag(const char *word, const char *name, bool *place)
{
    if (strcmp(word, name) != 0)
        return false;
    *place = true;
    return true;
}

static void take_word(struct args *a, const char *word, const char *value)
{
    if (!value)
        usage();
    if (strcmp(word, "--seeds") == 0)
        a->n = strtoull(value, NULL, 10);
    else if (strcmp(word, "--from") == 0)
        a->from = strtoull(value, NULL, 10);
    else if (strcmp(word, "--seconds") == 0)
        a->seconds = strtoll(value, NULL, 10);
    else if (strcmp(word, "--jobs") == 0)
        a->jobs = strtoll(value, NULL, 10);
    else if (strcmp(word, "--corpus") == 0)
        a->corpus = value;
    else if (strcmp(word, "--set") == 0 && a->n_sets < COUNT_OF(a->sets))
        a->sets[a->n_sets++] = value;
    else if (strcmp(word, "--seed") == 0) {
        a->one = true;
        a->from = strtoull(value, NULL, 10);
    } else {
        usage();
    }
}

static struct args parse(int argc, char **argv)
{
    /* Fresh seeds each time: over many runs they add up. */
    struct args a = {.from = (uint64_t)time(NULL) * 100000, .n = UINT64_MAX, .jobs = 2};

    for (int i = 1; i < argc; i++) {
        if (flag(argv[i], "--verbose", &a.verbose) ||
            flag(argv[i], "--hashes", &a.hashes) ||
            flag(argv[i], "--cover", &a.cover) ||
            flag(argv[i], "--counts", &a.counts) ||
            flag(argv[i], "--keep-going", &a.keep_going) ||
            flag(argv[i], "--quiet", &a.quiet))
            continue;
        take_word(&a, argv[i], argv[i + 1]);
        i++;
    }
    if (a.n == UINT64_MAX && a.seconds == 0)
        a.n = 100;
    if (a.jobs < 1 || a.jobs > MAX_JOBS)
        usage();
    return a;
}

/* The key that task tokens are signed with: always the same. */
static void make_data_dir(void)
{
    if (!mkdtemp(data_dir)) {
        perror(data_dir);
        exit(1);
    }
    MEM_AUTO char *key = file_join(data_dir, "task.key");
    if (file_write_durable(key, "0123456789abcdef0123456789abcdef", 32, 0600) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    const struct args a = parse(argc, argv);
    int result = 0;

    make_data_dir();
    if (a.one) {
        run_seed(&a, a.from);
        printf("%llu %016llx\n", (unsigned long long)a.from,
               (unsigned long long)sim.hash);
        fflush(NULL);
    } else {
        if (!a.hashes)
            printf("seeds from %llu\n", (unsigned long long)a.from);
        result = run_all(&a);
    }
    file_remove_tree(data_dir);
    if (a.one)
        _exit(0); /* crashed processes of the simulation are no leaks of ours */
    return result;
}
