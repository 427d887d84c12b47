/* tests/alloc/main.c - for each scenario and each N: the command, in a process whose
 * Nth allocation fails; then what it left is judged.
 *
 *     ff-alloc [--points MAX] [--seed N] [--scenario NAME] [--at N] [--on]
 *     ff-alloc --control
 *
 * MAX allocations of each scenario, spread over it; 0, the default: every one, until
 * the scenario passes without reaching the one that fails. --on: those after it fail
 * too.
 * --at: one only, with where it was asked for. --control: can it find anything? */
#include "alloc.h"
#include "gate.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    long points, at;
    uint64_t seed;
    bool on, control;
    const char *scenario;
};

struct tally {
    long points, n_points; /* judged; all there are */
    long n_codes[128];
    long n_wrong;
};

/* What comes of it when nothing fails; unasked: when it was not done at all. */
struct expected {
    char *usual, *unasked;
};

static char base[64];

/* --- folders --- */

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "alloc: %s\n", what);
    exit(2);
}

static char *make_dir(const char *name)
{
    char *dir = file_join(base, name);

    file_remove_tree(dir);
    must(file_make_dirs(dir, 0700) == 0, "a folder cannot be made");
    return dir;
}

static void write_flow(const struct scenario *s, const char *dir)
{
    MEM_AUTO char *path = file_join(dir, "flow.yaml");

    if (s->flow)
        must(file_write_durable(path, s->flow, strlen(s->flow), 0600) == 0,
             "the workflow cannot be written");
}

/* A run that was begun and not ended: by an engine that ran out of memory. */
static void leave_half(const char *dir, const char *const *args)
{
    static const char *const list[] = {"list", "-o", "json", NULL};
    struct ended e;
    bool open = false;

    child_run(dir, args, LONG_MAX, false, &e);
    long n = gate_count();

    ended_done(&e);
    for (n = n / 2; !open && n > 0; n += n / 64 + 1) {
        MEM_AUTO char *data = file_join(dir, "data");

        file_remove_tree(data);
        child_run(dir, args, n, true, &e);
        const bool died = gate_failed();

        must(died, "no allocation leaves a run open");
        ended_done(&e);
        child_run(dir, list, 0, false, &e);
        open = strstr(buf_text(&e.out), "\"pending\"") ||
               strstr(buf_text(&e.out), "\"running\"");
        ended_done(&e);
    }
}

static void prepare(const struct scenario *s, const char *dir)
{
    write_flow(s, dir);
    for (size_t i = 0; i < COUNT_OF(s->before) && s->before[i][0]; i++) {
        const char *args[ARGS_MAX] = {NULL};
        bool half = false;
        struct ended e;

        for (size_t k = 0; s->before[i][k]; k++) {
            if (s->before[i][k][0] == '@')
                half = true;
            else
                args[k] = s->before[i][k];
        }
        if (half) {
            leave_half(dir, args);
            continue;
        }
        child_run(dir, args, 0, false, &e);
        if (e.code != 0)
            fprintf(stderr, "%s\n", buf_text(&e.err));
        must(e.code == 0, "what the scenario stands on cannot be made");
        ended_done(&e);
    }
}

/* --- one point --- */

/* The files of a folder, and none of the folders in it: what a store is made of. */
static void copy_files(const char *from, const char *to)
{
    struct dirent **names;
    const int n = scandir(from, &names, NULL, alphasort);

    must(n >= 0 && file_make_dirs(to, 0700) == 0, "a store cannot be copied");
    for (int i = 0; i < n; i++) {
        MEM_AUTO char *source = file_join(from, names[i]->d_name);
        MEM_AUTO char *target = file_join(to, names[i]->d_name);
        struct buf b = {0};

        if (names[i]->d_type == DT_REG)
            must(file_read(source, (size_t)64 << 20, &b) == 0 &&
                     file_write_durable(target, buf_text(&b), b.len, 0600) == 0,
                 "a store cannot be copied");
        buf_done(&b);
        free(names[i]);
    }
    free(names);
}

static char *place_of(const struct scenario *s, const char *prepared)
{
    if (s->kind == READS) {
        static const char *const copies[] = {"copy.db", "copy.db.d",
                                             "copy.db.unfinished"};

        for (size_t i = 0; i < COUNT_OF(copies); i++) {
            MEM_AUTO char *copy = file_join(prepared, copies[i]);

            file_remove_tree(copy);
        }
        return mem_text(prepared);
    }
    char *dir = make_dir("run");
    MEM_AUTO char *from = file_join(prepared, "data");
    MEM_AUTO char *to = file_join(dir, "data");

    write_flow(s, dir);
    if (access(from, F_OK) == 0)
        copy_files(from, to);
    return dir;
}

/* A script in the supervisor's place, since it is started with an environment of its
 * own. */
static void write_supervisor(const char *dir, long at)
{
    MEM_AUTO char *path = file_join(dir, "supervisor");
    MEM_AUTO char *gate = file_join(dir, "gate");
    struct buf b = {0};

    buf_printf(&b,
               "#!/bin/sh\nFF_GATE='%s' ASAN_OPTIONS=detect_leaks=0:log_path='%s/asan' "
               "UBSAN_OPTIONS=log_path='%s/asan' exec '%s' \"$@\"\n",
               gate, dir, dir, FF_SUPERVISOR);
    must(gate_file_make(gate, at), "a gate cannot be made");
    must(file_write_durable(path, buf_text(&b), b.len, 0700) == 0,
         "the supervisor's script cannot be written");
    buf_done(&b);
}

static void do_it(const struct scenario *s, const char *dir, long at, bool on,
                  struct ended *e)
{
    if (s->supervised) {
        write_supervisor(dir, at);
        child_run(dir, s->args, 0, false, e);
        return;
    }
    if (s->direct)
        child_call(dir, s->direct, at, on, e);
    else
        child_run(dir, s->args, at, on, e);
}

/* Of the last do_it: how many allocations there were. */
static long count(const struct scenario *s, const char *dir, bool *failed)
{
    MEM_AUTO char *gate = file_join(dir, "gate");
    long n = gate_count();

    *failed = gate_failed();
    if (s->supervised)
        must(gate_file_read(gate, &n, failed), "the gate cannot be read");
    return n;
}

static const char *judge(const struct scenario *s, const char *dir,
                         const struct ended *e, const struct expected *expected)
{
    const char *why = judge_end(s, e);

    if (!why && s->supervised)
        why = judge_supervisor(dir);
    if (why)
        return why;
    if (s->kind == READS)
        return e->code == s->result && !s->varies &&
                       strcmp(buf_text(&e->out), expected->usual) != 0
                   ? "it said something else than without the fault"
                   : NULL;
    why = judge_store(dir);
    return why ? why : judge_recovery(s, dir, e, expected->usual, expected->unasked);
}

/* False: the scenario passes without reaching the one that fails. */
static bool try_point(const struct scenario *s, const char *prepared, long at, bool on,
                      const struct expected *expected, struct tally *t)
{
    MEM_AUTO char *dir = place_of(s, prepared);
    struct ended e;

    do_it(s, dir, at, on, &e);
    bool reached;

    count(s, dir, &reached);
    const char *why = judge(s, dir, &e, expected);

    if (reached)
        t->points++;
    if (reached && e.code >= 0 && e.code < (int)COUNT_OF(t->n_codes))
        t->n_codes[e.code]++;
    if (why) {
        t->n_wrong++;
        printf("%s: allocation %ld: %s\n%s", s->name, at, why, buf_text(&e.err));
    }
    ended_done(&e);
    return reached;
}

/* --- a scenario --- */

/* What it says and does when nothing fails. */
static char *expect(const struct scenario *s, const char *prepared, struct tally *t)
{
    MEM_AUTO char *dir = place_of(s, prepared);
    struct ended e;
    char *expected = NULL;
    bool failed;

    do_it(s, dir, LONG_MAX, false, &e);
    t->n_points = count(s, dir, &failed);
    if (e.code == s->result || (s->kind == RUNS && e.code == s->run_result))
        expected = s->kind == RUNS ? judge_look(s, dir) : mem_text(buf_text(&e.out));
    if (!expected)
        printf("%s: without a fault it ends with %d (signal %d)\n%s%s", s->name, e.code,
               e.signal, buf_text(&e.out), buf_text(&e.err));
    ended_done(&e);
    return expected;
}

static void try_points(const struct scenario *s, const char *prepared,
                       const struct options *o, const struct expected *expected,
                       struct tally *t)
{
    struct rand r;

    rand_seed(&r, o->seed);
    if (o->at) {
        try_point(s, prepared, o->at, o->on, expected, t);
        return;
    }
    if (o->points == 0 || o->points >= t->n_points) {
        for (long at = 1; try_point(s, prepared, at, o->on, expected, t); at++)
            ;
        return;
    }
    const long step = t->n_points / o->points;

    for (long at = 1; at <= t->n_points; at += step)
        try_point(s, prepared, at + (long)rand_below(&r, (uint64_t)step), o->on,
                  expected, t);
}

/* How the run ends that the command was to change. */
static char *expect_unasked(const struct scenario *s, const char *prepared)
{
    static const char *const resume[] = {"resume", NULL};
    MEM_AUTO char *dir = place_of(s, prepared);
    struct ended e;

    child_run(dir, resume, 0, false, &e);
    must(e.code == 0, "the run does not end by itself");
    ended_done(&e);
    return judge_look(s, dir);
}

static bool try_scenario(const struct scenario *s, const struct options *o,
                         struct tally *t)
{
    MEM_AUTO char *prepared = make_dir("prepared");

    child_settings = s->settings;
    prepare(s, prepared);
    struct expected expected = {.usual = expect(s, prepared, t)};

    if (!expected.usual)
        return false;
    if (s->asks)
        expected.unasked = expect_unasked(s, prepared);
    try_points(s, prepared, o, &expected, t);
    mem_free(expected.usual);
    mem_free(expected.unasked);
    printf("%-10s %7ld of %7ld:", s->name, t->points, t->n_points);
    for (size_t i = 0; i < COUNT_OF(t->n_codes); i++)
        if (t->n_codes[i])
            printf(" exit %zu %ldx", i, t->n_codes[i]);
    printf("%s\n", t->n_wrong ? ", WRONG" : "");
    fflush(stdout);
    return t->n_wrong == 0;
}

static struct options read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"points", required_argument, NULL, 'p'},
        {"seed", required_argument, NULL, 's'},
        {"scenario", required_argument, NULL, 'n'},
        {"at", required_argument, NULL, 'a'},
        {"on", no_argument, NULL, 'o'},
        {"control", no_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    struct options o = {.seed = 1};

    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 'p')
            o.points = strtol(optarg, NULL, 10);
        else if (c == 's')
            o.seed = strtoull(optarg, NULL, 10);
        else if (c == 'n')
            o.scenario = optarg;
        else if (c == 'a')
            o.at = strtol(optarg, NULL, 10);
        else if (c == 'o')
            o.on = true;
        else if (c == 'c')
            o.control = true;
        else
            exit(2);
    }
    return o;
}

static bool try_controls(const struct options *o)
{
    bool good = true;

    for (size_t i = 0; i < n_controls; i++) {
        struct tally t = {0};
        const bool found = !try_scenario(&controls[i], o, &t) && t.points > 0;

        good = good && found;
        printf("control %s: %s\n", controls[i].name, found ? "found" : "NOT found");
    }
    return good;
}

static bool try_all(const struct options *o)
{
    bool good = true;
    long points = 0;
    size_t n = 0;

    for (size_t i = 0; i < n_scenarios; i++) {
        struct tally t = {0};

        if (o->scenario && strcmp(o->scenario, scenarios[i].name) != 0)
            continue;
        good = try_scenario(&scenarios[i], o, &t) && good;
        points += t.points;
        n++;
    }
    printf("%zu scenarios, %ld failed allocations%s\n", n, points,
           good ? "" : ": NOT all is right");
    return good && n > 0;
}

int main(int argc, char **argv)
{
    const struct options o = read_options(argc, argv);

    must(getenv("FLOWFORGE_LIB"), "FLOWFORGE_LIB is not set");
    must(gate_open(), "no memory for the gate");
    child_loud = o.at != 0;
    gate_trace(o.at != 0);
    strcpy(base, access("/dev/shm", W_OK) == 0 ? "/dev/shm/ff-alloc-XXXXXX"
                                               : "/tmp/ff-alloc-XXXXXX");
    must(mkdtemp(base), "no folder");
    const bool good = o.control ? try_controls(&o) : try_all(&o);

    file_remove_tree(base);
    return good ? 0 : 1;
}
