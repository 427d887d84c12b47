/* runtime_sample.c - tasks as processes of this one.
 *
 * Made from FlowForge's template for runtime drivers. It runs tasks, keeps their logs
 * and outputs, and knows the name of an attempt; what is yours to do:
 *
 *   TODO  attempts must live on when the session or the process ends, and be found by
 *         the next one. Here they are killed and reported lost, which costs their work
 *         [runtime/adopt/] [runtime/close/] [runtime/start/twice-by-two]
 *   TODO  record an end durably before telling it, and tell it again until release()
 *         [runtime/event/repeated]
 *   TODO  kill the whole tree: a process that calls setsid leaves the session that is
 *         killed here (a cgroup, or what your platform has)
 *         [runtime/cancel/whole-tree] [runtime/timeout/grace]
 *   TODO  image, cpu_milli and memory_bytes, and the caps that say so
 *
 * In brackets: what `flowforge driver check` has against it until then. */
#include "attempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The core fills this from the section `runtime-sample` of the config file and from
 * FLOWFORGE_RUNTIME_SAMPLE_..., before open(). It outlives the session. */
struct config {
    const char *dir;
};

static const struct ff_opt options[] = {
    {.name = "dir",
     .help = "where attempts have their private files; made if absent",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_REQUIRED,
     .offset = offsetof(struct config, dir)},
    {0},
};

static int runtime_open(const struct ff_host *host, const void *config,
                        ff_run_event_fn *fn, void *arg, void **runtime,
                        struct ff_err *err)
{
    const struct config *c = config;
    struct runtime *r;

    if (mkdir(c->dir, 0700) != 0 && errno != EEXIST)
        return ff_fail(err, FF_INVALID, errno, "dir %.160s: %s", c->dir,
                       strerror(errno));
    r = calloc(1, sizeof(*r));
    if (!r)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a session");
    *r = (struct runtime){.host = host, .dir = c->dir, .fn = fn, .arg = arg};
    *runtime = r;
    return FF_OK;
}

static void runtime_close(void *runtime)
{
    struct runtime *r = runtime;

    if (!r)
        return;
    while (r->attempts)
        attempt_free(r->attempts);
    free(r);
}

static void complete(const struct runtime *r, struct ff_op *op, int code,
                     const char *sentence)
{
    struct ff_err err;

    if (code != FF_OK)
        ff_fail(&err, code, 0, "%s", sentence);
    r->host->complete(r->host->self, op, code == FF_OK ? NULL : &err);
}

static void runtime_start(void *runtime, const struct ff_run_spec *spec,
                          struct ff_op *op)
{
    struct runtime *r = runtime;

    complete(r, op, attempt_start(r, spec), "no memory for an attempt");
}

static void runtime_cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                           struct ff_op *op)
{
    struct runtime *r = runtime;
    struct attempt *a = attempt_find(r, attempt_id);

    if (a)
        attempt_stop(a, grace_us, FF_REASON_CANCELLED);
    complete(r, op, a ? FF_OK : FF_NOT_FOUND, "there is no such attempt");
}

static int adopt_one(struct runtime *r, const char *id)
{
    struct attempt *a = attempt_find(r, id);

    if (!a)
        return attempt_lose(r, id);
    if (a->event.state != 0)
        attempt_say_again(a);
    return FF_OK;
}

static void runtime_adopt(void *runtime, const char *const *attempt_ids, size_t n,
                          struct ff_op *op)
{
    struct runtime *r = runtime;
    int code = FF_OK;

    for (size_t i = 0; i < n && code == FF_OK; i++)
        code = adopt_one(r, attempt_ids[i]);
    complete(r, op, code, "no memory for an attempt");
}

/* What is to be deleted, which takes its time and so is done beside the loop. */
struct removal {
    const struct ff_host *host;
    struct ff_op *op;
    size_t n;
    char folders[][MAX_PATH];
};

static void remove_folders(void *removal)
{
    const struct removal *m = removal;

    for (size_t i = 0; i < m->n; i++)
        folder_remove(m->folders[i]);
}

/* The session may be closed by now: only its host is sure to be there. */
static void removed(void *removal)
{
    struct removal *m = removal;

    m->host->complete(m->host->self, m->op, NULL);
    free(m);
}

static void runtime_release(void *runtime, const char *const *attempt_ids, size_t n,
                            struct ff_op *op)
{
    struct runtime *r = runtime;
    struct removal *m = malloc(sizeof(*m) + n * MAX_PATH);

    if (!m) {
        complete(r, op, FF_NO_MEMORY, "no memory to delete files");
        return;
    }
    *m = (struct removal){.host = r->host, .op = op};
    for (size_t i = 0; i < n; i++) {
        struct attempt *a = attempt_find(r, attempt_ids[i]);

        if (!a || a->event.state == 0)
            continue;
        attempt_free(a);
        attempt_folder(r->dir, attempt_ids[i], m->folders[m->n++]);
    }
    if (r->host->work(r->host->self, remove_folders, removed, m) != FF_OK) {
        free(m);
        complete(r, op, FF_UNAVAILABLE, "there is no thread to delete files");
    }
}

/* --- on worker threads: nothing but the folder's name is used --- */

static int runtime_output(void *runtime, const char *attempt_id, const char *name,
                          ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    const struct runtime *r = runtime;
    char folder[MAX_PATH];

    attempt_folder(r->dir, attempt_id, folder);
    return outputs_read(folder, name, fn, arg, err);
}

static int runtime_take(void *runtime, const char *attempt_id, const char *name,
                        const char *to, struct ff_err *err)
{
    const struct runtime *r = runtime;
    char folder[MAX_PATH];

    attempt_folder(r->dir, attempt_id, folder);
    return outputs_take(folder, name, to, err);
}

static int runtime_outputs(void *runtime, const char *attempt_id, ff_bytes_fn *fn,
                           void *arg, struct ff_err *err)
{
    const struct runtime *r = runtime;
    char folder[MAX_PATH];

    attempt_folder(r->dir, attempt_id, folder);
    return outputs_list(folder, fn, arg, err);
}

static const struct ff_runtime_ops ops = {
    .open = runtime_open,
    .close = runtime_close,
    .start = runtime_start,
    .cancel = runtime_cancel,
    .adopt = runtime_adopt,
    .release = runtime_release,
    .output = runtime_output,
    .take = runtime_take,
    .outputs = runtime_outputs,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_RUNTIME, FF_ON_LOOP, ops),
    .caps = FF_RUNTIME_LOCAL_FILES,
    .name = "sample",
    .version = DRIVER_VERSION,
    .summary = "tasks as processes of this one",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.runtime = &ops,
};

FF_REGISTER_DRIVER(driver)
