/* attempt.c - the attempts that this executor has in hand, found by key, id or handle;
 * and what is said to the drivers once a turn of the loop, for all of them together. */
#include "exec/exec_priv.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct attempt *attempt_by_key(const struct exec *x, const struct attempt_key *key)
{
    char text[ATTEMPT_KEY_TEXT];

    if (x->by_key.n == 0)
        return NULL;
    attempt_key_text(key, text);
    return map_get_text(&x->by_key, text);
}

struct attempt *attempt_by_id(const struct exec *x, const char *id)
{
    return map_get_text(&x->by_id, id);
}

bool exec_key_of(const struct exec *x, const char *attempt_id, struct attempt_key *key)
{
    const struct attempt *a = attempt_by_id(x, attempt_id);

    if (a)
        *key = a->key;
    return a != NULL;
}

struct attempt *attempt_by_handle(const struct exec *x, int64_t handle)
{
    return map_get(&x->by_handle, handle);
}

static const char *join3(struct arena *a, const char *run, const char *path,
                         int64_t attempt)
{
    const size_t size = strlen(run) + strlen(path) + 24;
    char *text = arena_alloc(a, size);

    if (attempt > 0)
        snprintf(text, size, "%s/%s/%" PRId64, run, path, attempt);
    else
        snprintf(text, size, "%s/%s", run, path);
    return text;
}

static const char *working_dir(struct arena *a, struct span run_dir, const char *dir)
{
    const char *base = run_dir.s ? arena_text(a, run_dir.s, run_dir.len) : "/";

    if (!dir || dir[0] == '/')
        return dir ? dir : base;
    const size_t size = strlen(base) + strlen(dir) + 2;
    char *text = arena_alloc(a, size);
    snprintf(text, size, "%s/%s", base, dir);
    return text;
}

/* Of one that runs elsewhere a script beside the workflow is brought there too. */
static bool has_files(const struct attempt *a)
{
    return a->work.artifact_dir || (a->exec->setup.elsewhere && a->work.script);
}

/* One is kept for the next attempt: most live for a moment only. */
static void give_back_arena(struct exec *x, struct arena *arena)
{
    if (x->spare.blocks) {
        arena_done(arena);
        return;
    }
    arena_reset(arena);
    x->spare = *arena;
}

static void name_span(struct attempt *a, struct span outermost)
{
    if (outermost.s)
        trace_parent(outermost, a->id, a->traceparent);
}

struct attempt *attempt_new(struct exec *x, const struct attempt_key *key,
                            struct ff_err *err)
{
    const struct exec_source *source = &x->setup.source;
    const struct run_row *run;
    struct arena arena = x->spare;
    struct work work;

    x->spare = (struct arena){0};
    err->code = source->describe(source->arg, key, &arena, &work, &run, err);
    FAILPOINT("exec.described");
    if (err->code != FF_OK || !work.argv) {
        give_back_arena(x, &arena);
        return NULL;
    }
    struct attempt *a = mem_alloc(sizeof(*a));
    a->exec = x;
    a->key = *key;
    a->arena = arena;
    a->work = work;
    a->sdk_log_fd = -1;
    a->progress = -1;
    attempt_key_text(key, a->key_text);
    a->run_id = arena_text(&a->arena, run->id.s, run->id.len);
    a->tenant = work.tenant ? work.tenant : "default";
    a->project = work.project ? work.project : "default";
    a->task_id = join3(&a->arena, a->run_id, a->work.path, 0);
    a->id = join3(&a->arena, a->run_id, a->work.path, key->attempt);
    if (x->setup.traced)
        name_span(a, source->outermost(source->arg, run));
    a->dir = x->setup.elsewhere ? a->work.dir
                                : working_dir(&a->arena, run->dir, a->work.dir);
    a->run_dir = exec_run_dir(x->setup.files_dir, a->run_id);
    a->log_dir =
        exec_log_dir(x->setup.files_dir, a->run_id, a->work.path, key->attempt);
    if (has_files(a))
        a->artifact_dir = exec_artifact_dir(x->setup.files_dir, a->run_id, a->work.path,
                                            key->attempt);
    a->handle = ++x->next_handle;
    map_set_text(&x->by_key, a->key_text, a);
    map_set_text(&x->by_id, a->id, a);
    map_set(&x->by_handle, a->handle, a);
    return a;
}

void attempt_free(struct attempt *a)
{
    struct exec *x = a->exec;

    if (a->handle > 0) {
        map_del_text(&x->by_key, a->key_text);
        map_del_text(&x->by_id, a->id);
        map_del(&x->by_handle, a->handle);
    }
    loop_timer_del(a->retry);
    loop_timer_del(a->silence);
    if (a->sdk_log_fd >= 0)
        close(a->sdk_log_fd);
    if (a->sdk_used && a->state == ATTEMPT_REPORTED)
        unlink(a->sdk_file); /* its values are in the store by now */
    if (a->settled)
        artifacts_forget(a);
    mem_free(a->artifact_dir);
    mem_free(a->sdk_file);
    mem_free(a->log_dir);
    mem_free(a->run_dir);
    mem_free(a->status);
    mem_free(a->message);
    secrets_free(a->secrets);
    give_back_arena(x, &a->arena);
    mem_free(a);
}

void attempt_report(struct exec *x, struct attempt *a, const struct attempt_key *key,
                    const struct result *result)
{
    FAILPOINT("exec.result");
    if (a)
        a->state = ATTEMPT_REPORTED;
    x->setup.source.result(x->setup.source.arg, key, result);
}

/* --- once a turn --- */

void exec_pending(struct exec *x)
{
    x->n_pending++;
}

void exec_came_back(struct exec *x)
{
    x->n_pending--;
    if (x->n_pending > 0 || !x->drained)
        return;
    ff_call_fn *fn = x->drained;
    x->drained = NULL;
    x->is_drained = true;
    fn(x->drained_arg);
}

static void on_told(void *arg, int code, const struct ff_err *err)
{
    /* An ack or release that is lost costs a redelivery or some disk; both are dealt
     * with when they show. */
    if (code != FF_OK && code != FF_CANCELLED)
        log_debug("driver: %s", err->msg);
    exec_came_back(arg);
}

static void flush(void *arg)
{
    struct exec *x = arg;

    x->flush_posted = false;
    if (x->receipts.n > 0) {
        exec_pending(x);
        x->queue_ops->ack(x->queue, (const char *const *)x->receipts.items,
                          x->receipts.n, driver_op(x->setup.queue, on_told, x));
    }
    if (x->releases.n > 0) {
        exec_pending(x);
        FAILPOINT("exec.release.before");
        x->runtime_ops->release(x->runtime, (const char *const *)x->releases.items,
                                x->releases.n, driver_op(x->setup.runtime, on_told, x));
    }
    for (size_t i = 0; i < x->receipts.n; i++)
        mem_free(x->receipts.items[i]);
    for (size_t i = 0; i < x->releases.n; i++)
        mem_free(x->releases.items[i]);
    x->receipts.n = x->releases.n = 0;
    exec_came_back(x);
}

static void post_flush(struct exec *x)
{
    if (x->flush_posted)
        return;
    x->flush_posted = true;
    exec_pending(x);
    loop_post(x->setup.loop, flush, x);
}

void exec_later_ack(struct exec *x, const char *receipt)
{
    ARRAY_ADD(&x->receipts, mem_text(receipt));
    post_flush(x);
}

void exec_later_release(struct exec *x, const char *id)
{
    ARRAY_ADD(&x->releases, mem_text(id));
    post_flush(x);
}
