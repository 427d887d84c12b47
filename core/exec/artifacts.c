/* artifacts.c - files and folders that an attempt is given, and that it leaves: in a
 * folder of its own, $FF_ARTIFACTS, and as blobs. On lanes of their own, since they may
 * be large and their store far away. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PUT_TRIES    8
#define PUT_DELAY_US INT64_C(250000) /* before the second; doubled each time */

/* --- lanes --- */

static int open_lane(struct exec *x, struct artifact_lane *al, struct ff_err *err)
{
    const struct exec_source *source = &x->setup.source;

    if (!al->driver)
        al->driver = source->blob ? source->blob(source->arg, err) : NULL;
    if (!source->blob)
        return ff_fail(err, FF_UNSUPPORTED, 0, "there is no store for artifacts");
    if (!al->driver)
        return err->code;
    if (!al->lane)
        al->lane = lane_new(x->setup.loop, "artifacts", err);
    return al->lane ? FF_OK : err->code;
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

    if (!a->artifact_dir || open_lane(a->exec, al, &err) != FF_OK)
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
    struct ff_err err;
};

static int get_one(const struct preparing *pr, const char *name, const char *path,
                   const json_t *value, struct ff_err *err)
{
    const struct artifact_target to = {
        .root = pr->dir, .path = path, .scratch = pr->scratch};
    struct ff_err why = {0};
    struct artifact a;

    if (!artifact_from_json(value, &a))
        return ff_fail(err, FF_INVALID, 0,
                       "artifacts.in.%.64s: its value is no "
                       "artifact; take one of "
                       "tasks.NAME.artifacts",
                       name);
    if (artifact_get(pr->al->blobs, pr->tenant, &a, &to, &why) == FF_OK)
        return FF_OK;
    return ff_fail(err, why.code, why.sys, "artifacts.in.%.64s: %.160s", name, why.msg);
}

/* A list becomes a folder of its items, by their position; those that are null have
 * no place in it. */
static int get_list(const struct preparing *pr, const struct work_artifact *w,
                    const json_t *list, struct ff_err *err)
{
    MEM_AUTO char *folder = file_join(pr->dir, w->path);
    int code = FF_OK;
    const int sys = file_make_dirs(folder, 0700);

    if (sys != 0)
        return ff_fail(err, sys == -ENOSPC ? FF_FULL : FF_UNAVAILABLE, -sys,
                       "%.160s: %s", folder, strerror(-sys));
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

static int get_wanted(const struct preparing *pr, const struct work_artifact *w,
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
static void prepare_on_lane(void *arg)
{
    struct preparing *pr = arg;
    struct ff_err *err = &pr->err;
    int sys = file_remove_tree(pr->dir);

    err->code = FF_OK;
    if (sys == 0)
        sys = file_make_dirs(pr->dir, 0700);
    if (sys != 0)
        ff_fail(err, sys == -ENOSPC ? FF_FULL : FF_UNAVAILABLE, -sys, "%.160s: %s",
                pr->dir, strerror(-sys));
    else if (pr->n > 0)
        need_session(pr->al, err);
    for (size_t i = 0; err->code == FF_OK && i < pr->n; i++)
        err->code = get_wanted(pr, &pr->wanted[i], err);
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
        attempt_go_on(a, a->prepared, artifact_reason(pr->err.code), &pr->err);
    }
    for (size_t i = 0; i < pr->n; i++) {
        mem_free((char *)(uintptr_t)pr->wanted[i].name);
        mem_free((char *)(uintptr_t)pr->wanted[i].path);
        mem_free((char *)(uintptr_t)pr->wanted[i].value);
    }
    mem_free(pr->wanted);
    mem_free(pr->dir);
    mem_free(pr->scratch);
    mem_free(pr);
    exec_came_back(x);
}

/* Its folder is one of this host. */
static bool can_reach(const struct exec *x, struct ff_err *err)
{
    if (driver_instance_info(x->setup.runtime)->d.caps & FF_RUNTIME_LOCAL_FILES)
        return true;
    ff_fail(err, FF_UNSUPPORTED, 0,
            "its runtime does not run on this host, so it has no artifacts");
    return false;
}

void attempt_prepare(struct attempt *a)
{
    const struct work *w = &a->work;
    struct ff_err err = {0};
    struct preparing *pr;

    if (!can_reach(a->exec, &err) || open_lane(a->exec, lane_of(a), &err) != FF_OK) {
        attempt_go_on(a, false, "artifact_unavailable", &err);
        return;
    }
    pr = mem_alloc(sizeof(*pr));
    *pr = (struct preparing){.exec = a->exec,
                             .al = lane_of(a),
                             .handle = a->handle,
                             .tenant = a->key.tenant,
                             .dir = mem_text(a->artifact_dir),
                             .scratch = file_join(a->run_dir, EXEC_ARTIFACTS),
                             .wanted = mem_array(w->n_artifacts, sizeof(*pr->wanted)),
                             .n = w->n_artifacts};
    for (size_t i = 0; i < w->n_artifacts; i++)
        pr->wanted[i] =
            (struct work_artifact){.name = mem_text(w->artifacts[i].name),
                                   .path = mem_text(w->artifacts[i].path),
                                   .value = mem_text(w->artifacts[i].value)};
    exec_pending(a->exec);
    lane_do(pr->al->lane, prepare_on_lane, after_preparing, pr);
}

/* --- what it leaves --- */

/* A store that is away for a moment must not cost the work of hours. */
static int put_patiently(struct artifact_lane *al, struct tenant t,
                         const struct artifact_source *from, struct artifact *out,
                         struct ff_err *err)
{
    int code = FF_OK;

    for (int i = 0; i < PUT_TRIES; i++) {
        if (i > 0)
            usleep((useconds_t)(PUT_DELAY_US << (i - 1)));
        code = need_session(al, err);
        if (code == FF_OK)
            code = artifact_put(al->blobs, t, from, out, err);
        if (code != FF_BUSY && code != FF_UNAVAILABLE)
            break;
    }
    return code;
}

int artifact_collect(struct attempt *a, const struct work_output *o, json_t **value,
                     struct ff_err *err)
{
    MEM_AUTO char *scratch = file_join(a->run_dir, EXEC_ARTIFACTS);
    const struct artifact_source from = {.root = a->artifact_dir,
                                         .path = o->file,
                                         .scratch = scratch,
                                         .max_bytes =
                                             a->exec->setup.artifact_max_bytes};
    struct artifact artifact;
    const int code = put_patiently(lane_of(a), a->key.tenant, &from, &artifact, err);

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

void artifacts_forget(struct attempt *a)
{
    struct artifact_lane *al = lane_of(a);

    if (a->artifact_dir && al->lane)
        lane_do(al->lane, remove_on_lane, NULL, mem_text(a->artifact_dir));
}
