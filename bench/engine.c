/* bench/engine.c - runs of one workflow through a real engine in this process, over the
 * real drivers; waits until all are done and prints one JSON line.
 *
 * usage: engine DATA_DIR DRIVER_DIR SHAPE TASKS [OPTION=VALUE ...]
 *   wide         tasks without needs
 *   layers       each needs one of the layer of a hundred before it
 *   chain        one after the other
 *   flat         items of one foreach, and a task that joins them
 *   runs=N       so many runs of it (1)
 *   slots=N      (4000)
 *   command=P    each task starts this program; without it a task does nothing
 *   ballast=MB   memory that the engine also holds (0)
 *   set=X.Y=V    a setting of the configuration
 *   resume=1     submits nothing: goes on with what is there
 *   asked=1      so many runs again for each line of standard input, until it ends;
 * each time is told by a line of its own, and counts from when it was asked changed_us
 * in the result: between one commit and the next, which in a chain is from one task's
 * end to the end of the next one, that does nothing. */
#include "base/base.h"
#include "flow/flow.h"
#include "node/node.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LAYER        100
#define MAX_SETTINGS 16

struct options {
    const char *data_dir, *driver_dir, *shape, *command, *slots;
    const char *settings[MAX_SETTINGS]; /* ends with NULL */
    int tasks, runs;
    size_t ballast_mb;
    bool resume, asked;
};

struct times {
    int64_t *items;
    size_t n, cap;
};

struct bench {
    struct options options;
    struct loop *loop;
    struct node *node;
    struct config *config;
    struct flow *flow;
    struct buf yaml;
    int left;
    long peak_kb;
    int64_t first_us, last_us; /* when something changed */
    struct times changes;
    struct lane *lane; /* that submits, where runs are asked for */
    int64_t main_us, begun_us;
    long before_kb;
};

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void check(int code, const struct ff_err *err)
{
    if (code == FF_OK)
        return;
    fprintf(stderr, "engine: %s\n", err->msg);
    exit(1);
}

static long rss_kb(void)
{
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f && fscanf(f, "%ld %ld", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* --- the workflow --- */

static void add_work(struct buf *b, const struct options *o)
{
    if (o->command)
        buf_printf(b, "command: [\"%s\"]", o->command);
    else
        buf_add_text(b, "command: [nothing]");
}

/* An attempt that takes its way through scheduler, queue and executor, and succeeds
 * there. */
static int describe_nothing(struct run *r, int64_t node, int64_t attempt,
                            struct arena *arena, struct work *work, struct ff_err *err)
{
    (void)arena;
    (void)err;
    *work = (struct work){.attempt = attempt};
    return r->kind->is_current(r, node, attempt) ? FF_OK : FF_NOT_FOUND;
}

static void make_idle(void)
{
    static struct engine_kind idle;

    idle = engine_dag;
    idle.describe = describe_nothing;
    engine_kind_add(&idle);
}

static int need_of(const struct options *o, int task)
{
    if (strcmp(o->shape, "chain") == 0)
        return task - 1;
    if (strcmp(o->shape, "layers") == 0)
        return task - LAYER;
    return -1;
}

static void write_flow(struct buf *b, const struct options *o)
{
    buf_add_text(b, "flowforge: 1\nname: bench\ntasks:\n");
    if (strcmp(o->shape, "flat") == 0) {
        buf_printf(b, "  t: {foreach: '${{ range(%d) }}', ", o->tasks);
        add_work(b, o);
        buf_add_text(b, "}\n  join: {needs: [t], noop: true}\n");
        return;
    }
    for (int i = 0; i < o->tasks; i++) {
        const int need = need_of(o, i);

        buf_printf(b, "  t%d: {", i);
        if (need >= 0)
            buf_printf(b, "needs: [t%d], ", need);
        add_work(b, o);
        buf_add_text(b, "}\n");
    }
}

/* --- the result --- */

static int order(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t part_of(const struct times *t, double part)
{
    return t->n ? t->items[(size_t)(part * (double)(t->n - 1))] : 0;
}

static void print_result(struct bench *b)
{
    const int join = strcmp(b->options.shape, "flat") == 0;
    const int64_t tasks = (int64_t)b->options.runs * (b->options.tasks + join);
    const double seconds = (double)(b->last_us - b->begun_us) / 1e6;

    qsort(b->changes.items, b->changes.n, sizeof(*b->changes.items), order);
    printf("{\"tasks\":%lld,\"seconds\":%.6f,\"tasks_per_s\":%.0f,"
           "\"start_to_first_s\":%.6f,\"changed_us\":{\"p50\":%lld,\"p99\":%lld},"
           "\"before_kb\":%ld,\"rss_kb\":%ld}\n",
           (long long)tasks, seconds, (double)tasks / seconds,
           (double)(b->first_us - b->main_us) / 1e6,
           (long long)part_of(&b->changes, 0.5), (long long)part_of(&b->changes, 0.99),
           b->before_kb, b->peak_kb);
    fflush(stdout);
}

/* --- what the engine tells --- */

static void changed(void *arg, const struct run_row *run)
{
    struct bench *b = arg;
    const int64_t at = now_us();

    if (b->first_us == 0)
        b->first_us = at;
    else
        ARRAY_ADD(&b->changes, at - b->last_us);
    b->last_us = at;
    if (!run_state_final(run->state) || --b->left > 0)
        return;
    b->peak_kb = rss_kb();
    if (b->options.asked)
        print_result(b);
    else
        loop_stop(b->loop, 0);
}

static void fatal(void *arg, const struct ff_err *err)
{
    (void)arg;
    check(FF_FATAL, err);
}

/* --- set-up --- */

static void set(struct config *c, const char *name, const char *value)
{
    struct buf b = {0};
    struct ff_err err;

    buf_printf(&b, name ? "%s=%s" : "%s%s", name ? name : "", value);
    check(config_set(c, buf_text(&b), &err), &err);
    buf_done(&b);
}

static bool add_setting(struct options *o, const char *assignment)
{
    size_t n = 0;

    while (o->settings[n])
        n++;
    if (n + 1 == MAX_SETTINGS)
        return false;
    o->settings[n] = assignment;
    return true;
}

static bool take_option(struct options *o, const char *word)
{
    const char *value = strchr(word, '=');

    if (!value++)
        return false;
    if (strncmp(word, "runs=", 5) == 0)
        o->runs = atoi(value);
    else if (strncmp(word, "slots=", 6) == 0)
        o->slots = value;
    else if (strncmp(word, "command=", 8) == 0)
        o->command = value;
    else if (strncmp(word, "ballast=", 8) == 0)
        o->ballast_mb = strtoul(value, NULL, 10);
    else if (strncmp(word, "set=", 4) == 0)
        return add_setting(o, value);
    else if (strncmp(word, "resume=", 7) == 0)
        o->resume = atoi(value);
    else if (strncmp(word, "asked=", 6) == 0)
        o->asked = atoi(value);
    else
        return false;
    return true;
}

static void take_words(struct options *o, int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: engine DATA_DIR DRIVER_DIR SHAPE TASKS [NAME=VALUE]\n");
        exit(2);
    }
    *o = (struct options){.data_dir = argv[1],
                          .driver_dir = argv[2],
                          .shape = argv[3],
                          .tasks = atoi(argv[4]),
                          .runs = 1,
                          .slots = "4000"};
    for (int i = 5; i < argc; i++) {
        if (take_option(o, argv[i]))
            continue;
        fprintf(stderr, "engine: what is %s?\n", argv[i]);
        exit(2);
    }
}

static void open_engine(struct bench *b)
{
    struct ff_err err = {0};
    struct flow_problems problems = {0};
    char *none[] = {NULL};

    write_flow(&b->yaml, &b->options);
    b->flow = flow_parse(b->yaml.data, b->yaml.len, &problems);
    if (!b->flow) {
        fprintf(stderr, "engine: %s\n", problems.items[0].msg);
        exit(1);
    }
    b->config = config_load("/dev/null", none, &err);
    check(b->config ? FF_OK : err.code, &err);
    set(b->config, "engine.data_dir", b->options.data_dir);
    set(b->config, "engine.driver_dir", b->options.driver_dir);
    set(b->config, "engine.slots", b->options.slots);
    for (size_t i = 0; b->options.settings[i]; i++)
        set(b->config, NULL, b->options.settings[i]);
    b->loop = loop_new(&err);
    check(b->loop ? FF_OK : err.code, &err);
    b->node = node_open(b->loop, b->config, &err);
    check(b->node ? FF_OK : err.code, &err);
}

static void submit(struct bench *b)
{
    json_t *inputs = json_object();
    const struct node_submit what = {.source = b->yaml.data,
                                     .source_len = b->yaml.len,
                                     .dir = "/",
                                     .workflow = b->flow->name,
                                     .hash = b->flow->hash,
                                     .inputs = inputs};

    for (int i = 0; i < b->options.runs; i++) {
        struct ff_err err = {0};
        char id[ID_TEXT];
        int64_t run;

        check(node_submit(b->node, TENANT_DEFAULT, &what, id, &run, &err), &err);
    }
    json_decref(inputs);
}

/* Touched, and not by the same byte, so that it is really there. */
static char *take_ballast(size_t mb)
{
    const size_t size = mb << 20;
    char *ballast = size ? mem_grow(NULL, size, 1) : NULL;

    for (size_t i = 0; i < size; i += 512)
        ballast[i] = (char)(i >> 9);
    return ballast;
}

/* --- rounds --- */

static void submit_on_lane(void *arg)
{
    submit(arg);
}

static void submitted(void *arg)
{
    struct bench *b = arg;

    node_wake(b->node);
}

static void on_line(void *arg, int fd, uint32_t events)
{
    struct bench *b = arg;
    char line[64];

    (void)events;
    if (read(fd, line, sizeof(line)) <= 0) {
        loop_stop(b->loop, 0);
        return;
    }
    b->left = b->options.runs;
    b->changes.n = 0;
    b->first_us = 0;
    b->begun_us = now_us();
    lane_do(b->lane, submit_on_lane, submitted, b);
}

static void listen_for_lines(struct bench *b)
{
    struct ff_err err = {0};

    b->lane = lane_new(b->loop, "submit", &err);
    check(b->lane ? FF_OK : err.code, &err);
    loop_watch_add(b->loop, STDIN_FILENO, FF_FD_READ, on_line, b);
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct ff_err err = {0};

    b.main_us = now_us();
    mem_init();
    take_words(&b.options, argc, argv);
    if (!b.options.command)
        make_idle();
    open_engine(&b);
    char *ballast = take_ballast(b.options.ballast_mb);
    if (!b.options.resume && !b.options.asked)
        submit(&b);
    mem_give_back(); /* or the engine would seem to need nothing: it takes what is free
                      */
    b.before_kb = rss_kb();
    b.begun_us = now_us();
    const struct control_listener listener = {
        .arg = &b, .changed = changed, .fatal = fatal};

    b.left = b.options.runs;
    check(node_own(b.node, &listener, NULL, &err), &err);
    if (b.options.asked)
        listen_for_lines(&b);
    loop_run(b.loop);
    lane_free(b.lane);
    if (!b.options.asked)
        print_result(&b);
    node_close(b.node);
    loop_free(b.loop);
    config_free(b.config);
    flow_unref(b.flow);
    buf_done(&b.yaml);
    ARRAY_DONE(&b.changes);
    mem_free(ballast);
    return 0;
}
