/* main.c - runs seeds, each in a process of its own, several at a time; adds up what
 * they saw; says how to replay the one that failed. */
#include "seed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_JOBS 16

#define COVER_PATIENCE 6 /* times --seconds, until all was seen */

struct args {
    uint64_t from, n;
    int64_t jobs, seconds;
    const char *corpus;
    bool hosts; /* seeds of hosts that share the store */
    bool one, verbose, hashes, cover, counts, keep_going, quiet, no_shrink;
    const char *sets[64];
    size_t n_sets;
};

static struct {
    struct seed_child children[MAX_JOBS];
    int64_t n_children;
    uint64_t n_passed, n_failed, n_events;
    struct seed_job first_failed;
    char invariant[64]; /* of the first that failed */
    int64_t virtual_us;
    uint64_t seen[N_SEEN];
} total;

/* Of the corpus: kept, since the report of its seed names the options. */
struct line {
    struct args args;
    char text[256];
};
static struct {
    struct line **items;
    size_t n, cap;
} lines;

static char data_dir[] = "/dev/shm/ff-sim-XXXXXX";
static char disk_dir[] = "/tmp/ff-sim-XXXXXX";
static char *work_dir = data_dir;

static struct seed_job job_of(const struct args *a, uint64_t seed)
{
    return (struct seed_job){.seed = seed,
                             .data_dir = work_dir,
                             .sets = a->sets,
                             .n_sets = a->n_sets,
                             .verbose = a->verbose,
                             .quiet = a->quiet};
}

/* --- many --- */

static void add(const struct args *a, const struct seed_child *c,
                const struct seed_report *r)
{
    total.n_passed++;
    total.n_events += r->n_events;
    total.virtual_us += r->virtual_us;
    for (int i = 0; i < N_SEEN; i++)
        total.seen[i] += r->seen[i];
    if (a->hashes)
        printf("%llu %016llx\n", (unsigned long long)c->job.seed,
               (unsigned long long)r->hash);
}

static void note_failure(const struct seed_child *c, const struct seed_report *r)
{
    if (total.n_failed++ == 0) {
        total.first_failed = c->job;
        memcpy(total.invariant, r->invariant, sizeof(total.invariant));
    }
    printf("FAILED: seed %llu", (unsigned long long)c->job.seed);
    for (size_t i = 0; i < c->job.n_sets; i++)
        printf(" %s", c->job.sets[i]);
    printf(": %s\n", r->invariant);
}

static void reap(const struct args *a)
{
    struct seed_report r;
    int status;
    int64_t i = 0;
    const pid_t pid = wait(&status);

    while (i < total.n_children && total.children[i].pid != pid)
        i++;
    if (i == total.n_children)
        return;
    const struct seed_child c = total.children[i];
    total.children[i] = total.children[--total.n_children];
    if (seed_ended(&c, status, &r))
        add(a, &c, &r);
    else
        note_failure(&c, &r);
}

/* Seeds of hosts need not show again what all others show. */
static bool is_missing(const struct args *a, int i)
{
    return total.seen[i] == 0 && a->hosts == (i >= SEEN_OF_HOSTS);
}

static bool all_was_seen(const struct args *a)
{
    for (int i = 0; i < N_SEEN; i++)
        if (is_missing(a, i))
            return false;
    return true;
}

/* What is rare takes more seeds now and then, and more time on a machine that others
 * use: only what is not seen by then is missing. */
static bool may_go_on(const struct args *a, time_t began)
{
    const time_t for_seconds = time(NULL) - began;

    if (total.n_failed > 0 && !a->keep_going)
        return false;
    return a->seconds == 0 || for_seconds < a->seconds ||
           (a->cover && for_seconds < COVER_PATIENCE * a->seconds && !all_was_seen(a));
}

static void run_one_of_many(const struct args *a, uint64_t seed)
{
    if (total.n_children == a->jobs)
        reap(a);
    const struct seed_job job = job_of(a, seed);
    seed_start(&job, &total.children[total.n_children++]);
}

/* A number, and the options that it failed with, if any. */
static void run_line(const struct args *a, const char *text)
{
    struct line *line = mem_alloc(sizeof(*line));
    char *rest = line->text;

    line->args = *a;
    snprintf(line->text, sizeof(line->text), "%s", text);
    ARRAY_ADD(&lines, line);
    const uint64_t seed = strtoull(rest, &rest, 10);
    for (char *word = strtok_r(rest, " ", &rest); word && strchr(word, '=');
         word = strtok_r(NULL, " ", &rest))
        if (line->args.n_sets < COUNT_OF(line->args.sets))
            line->args.sets[line->args.n_sets++] = word;
    run_one_of_many(&line->args, seed);
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
            run_line(a, line);
    fclose(f);
}

static int check_coverage(const struct args *a)
{
    int missing = 0;

    for (int i = 0; i < N_SEEN; i++) {
        if (!is_missing(a, i))
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
    if (total.n_failed > 0) {
        if (!a->no_shrink)
            shrink(&total.first_failed, total.invariant);
        return 1;
    }
    return a->cover && check_coverage(a) > 0;
}

/* --- the command line --- */

static void usage(void)
{
    fputs("ff-sim [--seeds N] [--from SEED] [--seconds N] [--jobs N] [--corpus FILE]\n"
          "       [--store model|sqlite] [--set OPTION=N]... [--cover] [--counts]\n"
          "       [--hosts] [--hashes] [--keep-going] [--no-shrink] [--quiet]\n"
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

static const char *store_word(const char *value)
{
    if (strcmp(value, "sqlite") == 0)
        return "sqlite=1";
    if (strcmp(value, "model") != 0)
        usage();
    return "sqlite=0";
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
    else if (strcmp(word, "--store") == 0 && a->n_sets < COUNT_OF(a->sets))
        a->sets[a->n_sets++] = store_word(value);
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
            flag(argv[i], "--cover", &a.cover) || flag(argv[i], "--hosts", &a.hosts) ||
            flag(argv[i], "--counts", &a.counts) ||
            flag(argv[i], "--keep-going", &a.keep_going) ||
            flag(argv[i], "--no-shrink", &a.no_shrink) ||
            flag(argv[i], "--quiet", &a.quiet))
            continue;
        take_word(&a, argv[i], argv[i + 1]);
        i++;
    }
    if (a.hosts && a.n_sets < COUNT_OF(a.sets))
        a.sets[a.n_sets++] = "hosts=1";
    if (a.n == UINT64_MAX && a.seconds == 0)
        a.n = 100;
    if (a.jobs < 1 || a.jobs > MAX_JOBS)
        usage();
    return a;
}

/* In memory where there is such a place: SQLite flushes each commit of each seed. The
 * key that task tokens are signed with is always the same. */
static void make_data_dir(void)
{
    if (!mkdtemp(data_dir)) {
        work_dir = disk_dir;
        if (!mkdtemp(disk_dir)) {
            perror(disk_dir);
            exit(1);
        }
    }
    MEM_AUTO char *key = file_join(work_dir, TASK_KEY);
    if (file_write_durable(key, "0123456789abcdef0123456789abcdef", 32, 0600) != 0)
        exit(1);
}

static void run_here(const struct args *a)
{
    const struct seed_job job = job_of(a, a->from);

    sim.alone = true;
    seed_run(&job);
    printf("%llu %016llx\n", (unsigned long long)a->from, (unsigned long long)sim.hash);
    fflush(NULL);
}

int main(int argc, char **argv)
{
    const struct args a = parse(argc, argv);
    int result = 0;

    make_data_dir();
    if (a.one) {
        run_here(&a);
    } else {
        if (!a.hashes)
            printf("seeds from %llu\n", (unsigned long long)a.from);
        result = run_all(&a);
    }
    file_remove_tree(work_dir);
    if (a.one)
        _exit(0); /* crashed processes of the simulation are no leaks of ours */
    return result;
}
