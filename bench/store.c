/* bench/store.c - what batches and a store driver cost, without an engine: for each
 * commit so many tasks inserted, those of ten commits before patched, one event row of
 * 100 bytes a task. 1,000 runs take turns, as many live runs do.
 *
 *     store DRIVER_DIR DRIVER DIRECTORY [tasks to a commit] [commits]
 *
 * A store that is no file finds its settings in the environment. Prints one JSON line.
 * Beside it: bench/limits/rows and postgres, the same rows in bare C. */
#include "driver/driver.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#define RUNS        1000
#define EVENT_BYTES 100 /* of each task */
#define START_US    INT64_C(1750000000000000)

struct bench {
    struct loop *loop;
    const struct ff_store_ops *ops;
    void *store;
    int64_t n_tasks;
    int64_t n_commits;
    char *body;
    struct batch batch;
    int64_t *took_us; /* of each commit */
    int64_t build_us;
};

static _Noreturn void give_up(const struct ff_err *err)
{
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static struct task_row task_of(const struct bench *b, int64_t commit, int64_t i)
{
    const int64_t n_turns = RUNS / b->n_tasks;

    return (struct task_row){.tenant = 1,
                             .run = commit % n_turns * b->n_tasks + i + 1,
                             .node = NODE_OF(commit / n_turns, -1),
                             .task = span_of("build_something"),
                             .item = MODEL_NULL,
                             .state = TASK_RUNNING,
                             .attempt = 1,
                             .exit_code = MODEL_NULL,
                             .items = MODEL_NULL,
                             .due_at = MODEL_NULL,
                             .deadline_at = MODEL_NULL,
                             .queued_at = START_US + commit,
                             .started_at = START_US + commit,
                             .finished_at = MODEL_NULL};
}

static void add_task(struct bench *b, int64_t commit, int64_t i)
{
    const uint64_t set = COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_EXIT_CODE) |
                         COLUMN_BIT(COL_TASK_FINISHED_AT);
    const int64_t n_turns = RUNS / b->n_tasks;
    struct task_row row = task_of(b, commit, i);

    batch_put(&b->batch, &record_task, &row, FF_ABSENT);
    if (commit < n_turns)
        return;
    row = task_of(b, commit - n_turns, i);
    row.state = TASK_SUCCEEDED;
    row.exit_code = 0;
    row.finished_at = START_US + commit;
    batch_patch(&b->batch, &record_task, &row, set, 1);
}

static void commit_one(struct bench *b, int64_t commit)
{
    const struct event_row event = {
        .tenant = 1,
        .run = commit + 1,
        .seq = 1,
        .at = START_US,
        .body = {.s = b->body, .len = (size_t)b->n_tasks * EVENT_BYTES}};
    const int64_t began_us = loop_mono_us(b->loop);
    struct ff_err err = {0};
    size_t failed;

    batch_reset(&b->batch);
    for (int64_t i = 0; i < b->n_tasks; i++)
        add_task(b, commit, i);
    batch_put(&b->batch, &record_event, &event, FF_ABSENT);
    b->build_us += loop_mono_us(b->loop) - began_us;
    if (b->ops->commit(b->store, b->batch.items, b->batch.n, &failed, &err) != FF_OK)
        give_up(&err);
    b->took_us[commit] = loop_mono_us(b->loop) - began_us;
}

static int by_time(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void run(struct bench *b)
{
    const int64_t n = b->n_commits;
    const int64_t began_us = loop_mono_us(b->loop);

    for (int64_t i = 0; i < n; i++)
        commit_one(b, i);

    const double us = (double)(loop_mono_us(b->loop) - began_us);

    qsort(b->took_us, (size_t)n, sizeof(*b->took_us), by_time);
    printf("{\"tasks_s\": %.0f, \"commit_p50_us\": %lld, \"commit_p99_us\": %lld, "
           "\"commit_max_us\": %lld, \"build_us_per_task\": %.2f}\n",
           (double)(n * b->n_tasks) * 1e6 / us, (long long)b->took_us[n / 2],
           (long long)b->took_us[n * 99 / 100], (long long)b->took_us[n - 1],
           (double)b->build_us / (double)(n * b->n_tasks));
}

extern char **environ;

static bool has_path(const struct driver *d)
{
    for (const struct ff_opt *o = driver_info(d)->d.opts; o && o->name; o++)
        if (strcmp(o->name, "path") == 0)
            return true;
    return false;
}

/* The options of the driver from a config of two lines. */
static struct driver_instance *open_instance(struct loop *l, const char *lib,
                                             const char *name, const char *dir,
                                             struct ff_err *err)
{
    struct driver *d = driver_load(lib, name, FF_STORE, err);
    char *path = file_join(dir, "bench.yaml");
    struct buf text = {0};
    struct driver_instance *instance = NULL;

    if (d && has_path(d))
        buf_printf(&text, "%s:\n  path: %s/bench.db\n", name, dir);
    if (file_write_durable(path, text.data, text.len, 0600) != 0)
        ff_fail(err, FF_INVALID, 0, "%s cannot be written", path);
    else if (d)
        instance =
            driver_instance_new(d, l, config_load(path, environ, err), name, err);
    buf_done(&text);
    mem_free(path);
    return instance;
}

int main(int argc, char **argv)
{
    struct bench b = {.n_tasks = argc > 4 ? atoi(argv[4]) : 100};
    struct driver_instance *instance;
    struct ff_err err = {0};

    if (argc < 4 || b.n_tasks < 1 || b.n_tasks > RUNS) {
        fprintf(stderr, "usage: store DRIVER_DIR DRIVER DIRECTORY [TASKS] [COMMITS]\n");
        return 2;
    }
    mem_init();
    b.n_commits = argc > 5 ? atoi(argv[5]) : 100LL * RUNS / b.n_tasks;
    b.body = mem_alloc((size_t)b.n_tasks * EVENT_BYTES);
    memset(b.body, 'x', (size_t)b.n_tasks * EVENT_BYTES);
    b.body[0] = b.body[(size_t)b.n_tasks * EVENT_BYTES - 1] = '"'; /* it is JSON */
    b.took_us = mem_array((size_t)b.n_commits, sizeof(*b.took_us));
    b.loop = loop_new(&err);
    instance = b.loop ? open_instance(b.loop, argv[1], argv[2], argv[3], &err) : NULL;
    if (!instance || driver_open_store(instance, &b.store, &err) != FF_OK)
        give_up(&err);
    b.ops = driver_store_ops(instance);
    if (b.ops->setup(b.store, &model_schema, &err) != FF_OK)
        give_up(&err);
    run(&b);
    b.ops->close(b.store);
    return 0;
}
