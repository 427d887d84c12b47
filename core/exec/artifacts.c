/* artifacts.c - files and folders that an attempt is given, and that it leaves: in a
 * folder of its own, $FF_ARTIFACTS, and as blobs. Of one that runs elsewhere that
 * folder is there, and they are kept for it as they come out of the store (luggage.c).
 * On lanes of their own, since they may be large and their store far away. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PUT_TRIES    8
#define PUT_DELAY_US INT64_C(250000) /* before the second; doubled each time */

/* A task does not fail because this process has no memory left: another one begins
 * where it ended. */
static int with_memory(int code, const struct ff_err *err)
{
    if (code == FF_NO_MEMORY || (code != FF_OK && err->sys == ENOMEM))
        mem_exhausted();
    return code;
}

/* --- lanes --- */

static int open_lane(struct exec *x, struct artifact_lane *al, struct ff_err *err)
{
    const struct exec_source *source = &x->setup.source;

    if (al->lane)
        return FF_OK;
    if (!al->driver)
        al->driver = source->blob ? source->blob(source->arg, err) : NULL;
    if (!source->blob)
        return ff_fail(err, FF_UNSUPPORTED, 0, "there is no store for artifacts");
    if (!al->driver)
        return with_memory(err->code, err);
    if (!al->lane)
        al->lane = lane_new(x->setup.loop, "artifacts", err);
    return al->lane ? FF_OK : with_memory(err->code, err);
}

/* One attempt is always on the same. */
static struct artifact_lane *lane_of(const struct attempt *a)
{
    return &a->exec->artifact_lanes[a->handle % EXEC_ARTIFACT_LANES];
}

/* On the lane. One that cannot be opened now may be later. */
static int need_session(struct artifact_lane *al, struct ff_err *err)
{
    if (!al->lane)
        return ff_fail(err, FF_UNSUPPORTED, 0, "there is no store for artifacts");
    if (!al->blobs)
        al->blobs = blobs_open(al->driver, err);
    return al->blobs ? FF_OK : err->code;
}

/* Where there is none, collecting them says so. */
struct lane *artifacts_lane(struct attempt *a)
{
    struct artifact_lane *al = lane_of(a);
    struct ff_err err;

    if (!a->work.artifact_dir || open_lane(a->exec, al, &err) != FF_OK)
        return a->exec->lane;
    return al->lane;
}

void artifacts_close(struct exec *x)
{
    for (size_t i = 0; i < EXEC_ARTIFACT_LANES; i++) {
        lane_free(x->artifact_lanes[i].lane);
        blobs_close(x->artifact_lanes[i].blobs);
        x->artifact_lanes[i] = (struct artifact_lane){0};
    }
}

/* --- what it is given --- */

/* Asked on the lane; the attempt may be gone when the answer comes. */
struct preparing {
    struct exec *exec;
    struct artifact_lane *al;
    int64_t handle;
    struct tenant tenant;
    char *dir, *scratch;
    struct work_artifact *wanted; /* copies */
    size_t n;
    bool elsewhere;
    struct luggage luggage; /* of one that runs elsewhere */
    char *script;           /* that goes with it, or NULL */
    bool no_script;         /* it cannot: err says why */
    struct ff_err err;
};

static int give(struct preparing *pr, const struct artifact *a, const char *path,
                struct ff_err *err)
{
    const struct artifact_target to = {
        .root = pr->dir, .path = path, .scratch = pr->scratch};

    if (pr->elsewhere)
        return luggage_add(&pr->luggage, pr->al->blobs, pr->tenant, a, path, err);
    return artifact_get(pr->al->blobs, pr->tenant, a, &to, err);
}

static int get_one(struct preparing *pr, const char *name, const char *path,
                   const json_t *value, struct ff_err *err)
{
    struct ff_err why = {0};
    struct artifact a;

    if (!artifact_from_json(value, &a))
        return ff_fail(err, FF_INVALID, 0,
                       "artifacts.in.%.64s: its value is no "
                       "artifact; take one of "
                       "tasks.NAME.artifacts",
                       name);
    if (give(pr, &a, path, &why) == FF_OK)
        return FF_OK;
    return ff_fail(err, why.code, why.sys, "artifacts.in.%.64s: %.160s", name, why.msg);
}

static int give_folder(struct preparing *pr, const char *path, struct ff_err *err)
{
    MEM_AUTO char *folder = file_join(pr->dir, path);

    if (pr->elsewhere) {
        luggage_add_folder(&pr->luggage, path);
        return FF_OK;
    }
    const int sys = file_make_dirs(folder, 0700);
    if (sys == 0)
        return FF_OK;
    return ff_fail(err, sys == -ENOSPC ? FF_FULL : FF_UNAVAILABLE, -sys, "%.160s: %s",
                   folder, strerror(-sys));
}

/* A list becomes a folder of its items, by their position; those that are null have
 * no place in it. */
static int get_list(struct preparing *pr, const struct work_artifact *w,
                    const json_t *list, struct ff_err *err)
{
    int code = give_folder(pr, w->path, err);

    for (size_t i = 0; code == FF_OK && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct buf path = {0};

        buf_printf(&path, "%s/%zu", w->path, i);
        if (!json_is_null(item))
            code = get_one(pr, w->name, buf_text(&path), item, err);
        buf_done(&path);
    }
    return code;
}

static int get_wanted(struct preparing *pr, const struct work_artifact *w,
                      struct ff_err *err)
{
    json_t *value = json_parse(w->value, strlen(w->value), err);
    int code;

    if (!value)
        return err->code;
    if (json_is_array(value))
        code = get_list(pr, w, value, err);
    else
        code = get_one(pr, w->name, w->path, value, err);
    json_decref(value);
    return code;
}

/* A folder that is there is of a start that was never carried out. */
static int make_dir(const struct preparing *pr, struct ff_err *err)
{
    int sys = file_remove_tree(pr->dir);

    if (sys == 0)
        sys = file_make_dirs(pr->dir, 0700);
    if (sys == 0)
        return FF_OK;
    return ff_fail(err, sys == -ENOSPC ? FF_FULL : FF_UNAVAILABLE, -sys, "%.160s: %s",
                   pr->dir, strerror(-sys));
}

static int pack(struct preparing *pr, struct ff_err *err)
{
    int code = FF_OK;

    if (pr->script)
        code = luggage_add_script(&pr->luggage, pr->script, err);
    pr->no_script = code != FF_OK;
    return code == FF_OK ? luggage_write(&pr->luggage, err) : code;
}

static void prepare_on_lane(void *arg)
{
    struct preparing *pr = arg;
    struct ff_err *err = &pr->err;

    err->code = make_dir(pr, err);
    if (err->code == FF_OK && pr->elsewhere)
        err->code = luggage_begin(&pr->luggage, err);
    if (err->code == FF_OK && pr->n > 0)
        err->code = need_session(pr->al, err);
    for (size_t i = 0; err->code == FF_OK && i < pr->n; i++)
        err->code = get_wanted(pr, &pr->wanted[i], err);
    if (err->code == FF_OK && pr->elsewhere)
        err->code = pack(pr, err);
    with_memory(err->code, err);
    FAILPOINT("exec.artifacts.prepared");
}

static const struct {
    int code;
    const char *reason;
} reasons[] = {
    {FF_NOT_FOUND, "artifact_missing"},
    {FF_CORRUPT, "artifact_damaged"},
    {FF_INVALID, "artifact_invalid"},
    {FF_FULL, "artifact_store_full"},
};

const char *artifact_reason(int code)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i].code == code)
            return reasons[i].reason;
    return "artifact_unavailable";
}

static void after_preparing(void *arg)
{
    struct preparing *pr = arg;
    struct exec *x = pr->exec;
    struct attempt *a = attempt_by_handle(x, pr->handle);

    if (a && a->state == ATTEMPT_STARTING) {
        a->prepared = pr->err.code == FF_OK;
        attempt_go_on(a, a->prepared,
                      pr->no_script ? "start_failed" : artifact_reason(pr->err.code),
                      &pr->err);
    }
    for (size_t i = 0; i < pr->n; i++) {
        mem_free((char *)(uintptr_t)pr->wanted[i].name);
        mem_free((char *)(uintptr_t)pr->wanted[i].path);
        mem_free((char *)(uintptr_t)pr->wanted[i].value);
    }
    luggage_done(&pr->luggage);
    mem_free(pr->wanted);
    mem_free(pr->script);
    mem_free(pr->dir);
    mem_free(pr->scratch);
    mem_free(pr);
    exec_came_back(x);
}

/* Its folder is one of this host, or its runtime brings what is in it. */
static bool can_reach(const struct exec *x, struct ff_err *err)
{
    const uint64_t caps = driver_instance_info(x->setup.runtime)->d.caps;

    if (caps & (x->setup.elsewhere ? FF_RUNTIME_FILES : FF_RUNTIME_LOCAL_FILES))
        return true;
    ff_fail(err, FF_UNSUPPORTED, 0,
            "its runtime does not run on this host, so it has no artifacts");
    return false;
}

static void copy_wanted(struct preparing *pr, const struct work *w)
{
    pr->n = w->n_artifacts;
    pr->wanted = mem_array(w->n_artifacts, sizeof(*pr->wanted));
    for (size_t i = 0; i < w->n_artifacts; i++)
        pr->wanted[i] =
            (struct work_artifact){.name = mem_text(w->artifacts[i].name),
                                   .path = mem_text(w->artifacts[i].path),
                                   .value = mem_text(w->artifacts[i].value)};
}

static void want_outputs(struct luggage *l, const struct work *w)
{
    for (size_t i = 0; i < w->n_outputs; i++)
        if (w->outputs[i].as == WORK_AS_ARTIFACT)
            luggage_want(l, w->outputs[i].name, w->outputs[i].file);
}

static struct preparing *preparing_new(struct attempt *a)
{
    const struct work *w = &a->work;
    struct preparing *pr = mem_alloc(sizeof(*pr));

    *pr = (struct preparing){.exec = a->exec,
                             .al = lane_of(a),
                             .handle = a->handle,
                             .tenant = a->key.tenant,
                             .dir = mem_text(a->artifact_dir),
                             .scratch = file_join(a->run_dir, EXEC_ARTIFACTS),
                             .elsewhere = a->exec->setup.elsewhere,
                             .script = mem_text(w->script)};
    copy_wanted(pr, w);
    pr->luggage = (struct luggage){.dir = pr->dir,
                                   .max_bytes = a->exec->setup.artifact_max_bytes,
                                   .artifacts = w->artifact_dir};
    want_outputs(&pr->luggage, w);
    return pr;
}

void attempt_prepare(struct attempt *a)
{
    struct exec *x = a->exec;
    const bool stored = a->work.artifact_dir; /* else there is only a script */
    struct ff_err err = {0};

    if (!can_reach(x, &err) || (stored && open_lane(x, lane_of(a), &err) != FF_OK)) {
        attempt_go_on(a, false, "artifact_unavailable", &err);
        return;
    }
    exec_pending(x);
    lane_do(stored ? lane_of(a)->lane : x->lane, prepare_on_lane, after_preparing,
            preparing_new(a));
}

/* --- what it leaves --- */

struct putting {
    struct artifact_lane *al;
    struct tenant tenant;
    struct artifact_source from;
    int fd; /* the content; -1: from says where it is */
    struct artifact *out;
};

static int put(const struct putting *p, struct ff_err *err)
{
    struct blobs *b = p->al->blobs;

    if (p->fd < 0)
        return artifact_put(b, p->tenant, &p->from, p->out, err);
    return blobs_put(b, p->tenant, p->out->hash, p->out->size, p->fd, err);
}

/* A store that is away for a moment must not cost the work of hours. */
static int put_patiently(const struct putting *p, struct ff_err *err)
{
    int code = FF_OK;

    for (int i = 0; i < PUT_TRIES; i++) {
        if (i > 0)
            usleep((useconds_t)(PUT_DELAY_US << (i - 1)));
        code = need_session(p->al, err);
        if (code == FF_OK)
            code = put(p, err);
        if (code != FF_BUSY && code != FF_UNAVAILABLE)
            break;
    }
    return code;
}

int artifact_collect(struct attempt *a, const struct work_output *o, json_t **value,
                     struct ff_err *err)
{
    const struct exec *x = a->exec;
    MEM_AUTO char *scratch = file_join(a->run_dir, EXEC_ARTIFACTS);
    struct artifact artifact;
    struct putting p = {.al = lane_of(a),
                        .tenant = a->key.tenant,
                        .from = {.root = a->artifact_dir,
                                 .path = o->file,
                                 .scratch = scratch,
                                 .max_bytes = x->setup.artifact_max_bytes},
                        .fd = -1,
                        .out = &artifact};
    int code = FF_OK;

    if (x->setup.elsewhere)
        code = luggage_open(a->artifact_dir, o->name, &artifact, &p.fd, err);
    if (code == FF_OK && p.fd >= 0 && artifact.size > p.from.max_bytes)
        code = ff_fail(err, FF_INVALID, 0, "it is larger than %lld bytes",
                       (long long)p.from.max_bytes);
    if (code == FF_OK)
        code = put_patiently(&p, err);
    with_memory(code, err);
    if (p.fd >= 0)
        close(p.fd);
    FAILPOINT("exec.artifacts.put");
    if (code == FF_OK)
        *value = artifact_json(&artifact);
    return code;
}

/* --- when it is settled --- */

static void remove_on_lane(void *arg)
{
    file_remove_tree(arg);
    mem_free(arg);
}

/* Behind all that is done there. Of one that was prepared by a process before this one
 * the lane may never have been opened. */
void artifacts_forget(struct attempt *a)
{
    struct lane *own = a->work.artifact_dir ? lane_of(a)->lane : NULL;
    struct lane *lane = own ? own : a->exec->lane;

    if (a->artifact_dir && lane)
        lane_do(lane, remove_on_lane, NULL, mem_text(a->artifact_dir));
}
