/* driver.c - runtime-local: tasks as processes of this host, by a supervisor process
 * that outlives the engine. The contract's functions; each turns its arguments into a
 * frame of protocol.h. */
#include "local_priv.h"
#include "names.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM       "flowforge-supervisor"
#define DIR_BYTES_MAX 3500 /* so that names below it fit in a path */

struct config {
    const char *dir;
    const char *supervisor;
    const char *cgroup;
    int64_t idle_exit_us;
};

static const struct ff_opt options[] = {
    {
        .name = "dir",
        .help = "directory for the supervisor's state and the tasks' private files; of "
                "one store",
        .type = FF_OPT_TEXT,
        .flags = FF_OPT_REQUIRED,
        .offset = offsetof(struct config, dir),
    },
    {
        .name = "supervisor",
        .help = "path of flowforge-supervisor (default: beside this driver)",
        .type = FF_OPT_TEXT,
        .offset = offsetof(struct config, supervisor),
    },
    {
        .name = "cgroup",
        .help = "directory of an empty control group for limits (default: our own)",
        .type = FF_OPT_TEXT,
        .offset = offsetof(struct config, cgroup),
    },
    {
        .name = "idle_exit",
        .help = "the supervisor ends after so long without tasks and without us",
        .fallback = "10s",
        .type = FF_OPT_SECONDS,
        .offset = offsetof(struct config, idle_exit_us),
        .min = 0,
        .max = INT64_C(86400000000),
    },
    {.name = NULL},
};

static int make_dirs(const char *dir, struct ff_err *err)
{
    char path[DIR_BYTES_MAX + 2];

    if (strlen(dir) > DIR_BYTES_MAX)
        return ff_fail(err, FF_INVALID, ENAMETOOLONG, "dir is longer than %d bytes",
                       DIR_BYTES_MAX);
    snprintf(path, sizeof(path), "%s", dir);
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0755) && errno != EEXIST)
            return ff_fail(err, FF_UNAVAILABLE, errno, "cannot make %.180s: %s", path,
                           strerror(errno));
        *at = '/';
    }
    if (mkdir(path, 0700) && errno != EEXIST)
        return ff_fail(err, FF_UNAVAILABLE, errno, "cannot make %.180s: %s", path,
                       strerror(errno));
    return FF_OK;
}

static char *program_beside_us(void)
{
    Dl_info info;
    char *program = NULL;

    if (!dladdr((const void *)options, &info) || !info.dli_fname)
        return NULL;
    const char *slash = strrchr(info.dli_fname, '/');
    const int len = slash ? (int)(slash - info.dli_fname) : 1;
    if (asprintf(&program, "%.*s/" PROGRAM, len, slash ? info.dli_fname : ".") < 0)
        return NULL;
    return program;
}

static void local_close(void *runtime)
{
    struct local *local = runtime;

    if (!local)
        return;
    link_close(local);
    calls_done(local);
    if (local->dir_fd >= 0)
        close(local->dir_fd);
    free(local->program);
    free(local->cgroup);
    free(local->dir);
    free(local);
}

static int local_open(const struct ff_host *host, const void *config,
                      ff_run_event_fn *fn, void *arg, void **runtime,
                      struct ff_err *err)
{
    const struct config *cfg = config;

    if (!cfg->dir || !*cfg->dir)
        return ff_fail(err, FF_INVALID, 0, "runtime-local needs the option dir");
    const int failed = make_dirs(cfg->dir, err);
    if (failed)
        return failed;
    struct rlimit nofile;
    if (getrlimit(RLIMIT_NOFILE, &nofile))
        return ff_fail(err, FF_UNAVAILABLE, errno, "the limits: %s", strerror(errno));
    struct local *local = malloc(sizeof(*local));
    if (!local)
        return ff_fail(err, FF_NO_MEMORY, ENOMEM, "out of memory");
    *local = (struct local){
        .host = host,
        .fn = fn,
        .arg = arg,
        .dir = realpath(cfg->dir, NULL),
        .dir_fd = open(cfg->dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
        .program = cfg->supervisor ? strdup(cfg->supervisor) : program_beside_us(),
        .cgroup = cfg->cgroup ? strdup(cfg->cgroup) : NULL,
        .idle_exit_us = cfg->idle_exit_us,
        .nofile = nofile.rlim_cur,
        .fd = -1,
    };
    if (!local->dir || local->dir_fd < 0 || !local->program ||
        strlen(local->dir) > DIR_BYTES_MAX) {
        const int sys = errno;
        local_close(local);
        return ff_fail(err, FF_UNAVAILABLE, sys, "cannot use %.180s: %s", cfg->dir,
                       strerror(sys));
    }
    *runtime = local;
    return FF_OK;
}

static size_t count(const char *const *words)
{
    size_t n = 0;

    while (words && words[n])
        n++;
    return n;
}

/* A core that was compiled before there were masks hands over a shorter struct. */
static const char *const *masks_of(const struct ff_run_spec *spec)
{
    const size_t end = offsetof(struct ff_run_spec, masks) + sizeof(spec->masks);

    return spec->struct_size >= end ? spec->masks : NULL;
}

static const char *find_fault(const struct ff_run_spec *spec)
{
    if (!rl_id_valid(spec->attempt_id))
        return "an attempt id is 1 to 255 printable bytes without spaces";
    if (!spec->argv || !spec->argv[0])
        return "there is no program to run";
    if (count(spec->argv) > RL_ENV_MAX || count(spec->env) > RL_ENV_MAX ||
        count(masks_of(spec)) > RL_ENV_MAX)
        return "there are too many arguments, environment variables or masks";
    if (spec->input && spec->input_len > RL_INPUT_MAX)
        return "standard input is larger than 64 MiB";
    return NULL;
}

static void put_spec(struct rl_out *out, const struct ff_run_spec *spec)
{
    rl_put_str(out, spec->attempt_id);
    rl_put_str(out, spec->dir);
    rl_put_str(out, spec->log_dir);
    rl_put_i64(out, spec->log_max_bytes);
    rl_put_i64(out, spec->timeout_us);
    rl_put_i64(out, spec->grace_us);
    rl_put_i64(out, spec->cpu_milli);
    rl_put_i64(out, spec->memory_bytes);
    rl_put_strs(out, spec->argv, count(spec->argv));
    rl_put_strs(out, spec->env, count(spec->env));
}

static void local_start(void *runtime, const struct ff_run_spec *spec, struct ff_op *op)
{
    struct local *local = runtime;

    const size_t n_masks = count(masks_of(spec));
    struct request *request = call_new(local, n_masks ? RL_START_MASKED : RL_START, op);
    if (!request)
        return;
    const char *fault = find_fault(spec);
    if (fault) {
        call_fail(local, request, FF_INVALID, fault);
        return;
    }
    put_spec(&request->frame, spec);
    if (request->frame.len > RL_ARGS_MAX) {
        call_fail(local, request, FF_INVALID,
                  "arguments and environment are larger than 8 MiB");
        return;
    }
    rl_put_blob(&request->frame, spec->input, spec->input_len);
    if (n_masks)
        rl_put_strs(&request->frame, masks_of(spec), n_masks);
    request->tracked = track(local, spec->attempt_id);
    if (!request->tracked) {
        call_fail(local, request, FF_BUSY, "out of memory");
        return;
    }
    request->tracked->starts++;
    call_send(local, request);
}

static void local_cancel(void *runtime, const char *attempt_id, int64_t grace_us,
                         struct ff_op *op)
{
    struct request *request = call_new(runtime, RL_CANCEL, op);

    if (!request)
        return;
    rl_put_str(&request->frame, attempt_id);
    rl_put_i64(&request->frame, grace_us);
    call_send(runtime, request);
}

/* Lists longer than one frame may hold go in several; the op waits for the last,
 * which is answered last. */
static void send_ids(struct local *local, uint32_t type, const char *const *ids,
                     size_t n, struct ff_op *op)
{
    do {
        const size_t some = n < RL_IDS_MAX ? n : RL_IDS_MAX;
        struct request *request = call_new(local, type, some == n ? op : NULL);
        if (!request)
            return;
        rl_put_strs(&request->frame, ids, some);
        call_send(local, request);
        ids += some;
        n -= some;
    } while (n);
}

static void no_memory(struct local *local, struct ff_op *op)
{
    struct ff_err err;

    ff_fail(&err, FF_NO_MEMORY, ENOMEM, "out of memory");
    local->host->complete(local->host->self, op, &err);
}

static void local_adopt(void *runtime, const char *const *attempt_ids, size_t n,
                        struct ff_op *op)
{
    for (size_t i = 0; i < n; i++) {
        struct tracked *tracked = track(runtime, attempt_ids[i]);
        if (!tracked) { /* its end would be taken for one that nobody waits for */
            no_memory(runtime, op);
            return;
        }
        tracked->adopted = true;
    }
    send_ids(runtime, RL_ADOPT, attempt_ids, n, op);
}

static void local_release(void *runtime, const char *const *attempt_ids, size_t n,
                          struct ff_op *op)
{
    for (size_t i = 0; i < n; i++)
        untrack(runtime, attempt_ids[i]);
    send_ids(runtime, RL_RELEASE, attempt_ids, n, op);
}

static const struct ff_runtime_ops ops = {
    .open = local_open,
    .close = local_close,
    .start = local_start,
    .cancel = local_cancel,
    .adopt = local_adopt,
    .release = local_release,
    .output = local_output,
    .take = local_take,
    .outputs = local_outputs,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_RUNTIME, FF_ON_LOOP, struct ff_runtime_ops),
    .caps = FF_RUNTIME_LOCAL_FILES | FF_RUNTIME_LIMITS | FF_RUNTIME_MASKS,
    .name = "local",
    .version = FLOWFORGE_VERSION,
    .summary = "runs tasks as processes of this host",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.runtime = &ops,
};

FF_REGISTER_DRIVER(driver)
