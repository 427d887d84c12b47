/* kit/kit_runtime_use.c - a session of a runtime driver, see kit_runtime.h. */
#include "kit/kit_runtime.h"

#include <string.h>
#include <sys/stat.h>

#define QUIET_US INT64_C(60000)

/* The call that is under way, in which no event may come. */
static const char *calling;

/* --- events --- */

static struct kitr_known *know(struct kitr *r, const char *id)
{
    for (size_t i = 0; i < r->known.n; i++)
        if (strcmp(r->known.items[i]->id, id) == 0)
            return r->known.items[i];
    return NULL;
}

static struct kitr_known *ask_for(struct kitr *r, const char *id)
{
    struct kitr_known *known = know(r, id);

    if (!known) {
        known = mem_alloc(sizeof(*known));
        known->id = mem_text(id);
        ARRAY_ADD(&r->known, known);
    }
    known->n_asked++;
    return known;
}

static void judge_exit(struct kit *k, const struct ff_run_event *e)
{
    const char *id = e->attempt_id;

    kit_expect(k, e->exit_code >= 0 && e->exit_code <= 255,
               "attempt %s ended with exit code %d", id, e->exit_code);
    if (e->signal != 0)
        kit_expect_int(k, e->exit_code, 128 + e->signal,
                       "the exit code of attempt %s, ended by signal %d", id,
                       e->signal);
    kit_expect(k, e->started_us > 0 && e->ended_us >= e->started_us,
               "attempt %s began at %lld and ended at %lld", id,
               (long long)e->started_us, (long long)e->ended_us);
}

static void judge_order(struct kit *k, struct kitr_known *known,
                        const struct ff_run_event *e)
{
    if (e->state == FF_RUN_STARTED) {
        if (known->started || known->n_final > 0)
            kit_fail(k, "FF_RUN_STARTED of attempt %s came %s", known->id,
                     known->started ? "twice" : "after its final event");
        known->started = true;
        return;
    }
    if (known->n_final++ >= known->n_asked)
        kit_fail(k,
                 "final event %u of attempt %s came after %u calls to start or adopt",
                 known->n_final, known->id, known->n_asked);
}

/* Whose it is, and whether it may come now. */
static struct kitr_known *judge_moment(struct kitr *r, const struct ff_run_event *e)
{
    struct kit *k = r->k;
    struct kitr_known *known;

    kit_expect(k, FF_HAS(e, log_dropped), "an event of %u bytes came", e->struct_size);
    kit_expect(k, e->attempt_id, "an event without an attempt id came");
    kit_expect(k, loop_is_thread(r->loop),
               "an event of %s came outside the loop thread", e->attempt_id);
    if (calling)
        kit_fail(k, "an event of attempt %s came inside a call of %s", e->attempt_id,
                 calling);
    if (!r->runtime)
        kit_fail(k, "an event of attempt %s came after close", e->attempt_id);
    known = know(r, e->attempt_id);
    if (!known)
        kit_fail(k, "an event of attempt %s came, which nobody asked for",
                 e->attempt_id);
    return known;
}

static void judge(struct kitr *r, const struct ff_run_event *e)
{
    struct kit *k = r->k;
    struct kitr_known *known = judge_moment(r, e);

    kit_expect(k, e->state >= FF_RUN_STARTED && e->state <= FF_RUN_UNKNOWN,
               "attempt %s is in state %u", known->id, e->state);
    kit_expect(k, e->state != FF_RUN_UNKNOWN || known->n_adopted > 0,
               "attempt %s is unknown, which only adopt may tell", known->id);
    kit_expect(k, e->reason <= FF_REASON_EVICTED, "the reason of attempt %s is %u",
               known->id, e->reason);
    judge_order(k, known, e);
    if (e->state == FF_RUN_EXITED)
        judge_exit(k, e);
    if (e->state == FF_RUN_REFUSED && (!e->message || !*e->message))
        kit_fail(k, "attempt %s was refused without a sentence that says why",
                 known->id);
}

static void on_event(void *arg, const struct ff_run_event *event)
{
    struct kitr *r = arg;
    struct kitr_seen *seen = mem_alloc(sizeof(*seen));

    judge(r, event);
    seen->event = *event;
    seen->event.attempt_id = seen->id = mem_text(event->attempt_id);
    seen->event.message = seen->message = mem_text(event->message);
    ARRAY_ADD(&r->seen, seen);
    kit_wake(r->k);
}

/* --- opening and closing --- */

static void make_fifo(struct kitr *r, const char *name)
{
    MEM_AUTO char *path = kitr_path(r, name);

    mkfifo(path, 0600); /* another process of the check may have made it */
}

struct kitr *kitr_open(struct kit *k)
{
    struct kitr *r = mem_alloc(sizeof(*r));
    struct ff_err err = {0};

    *r = (struct kitr){.k = k,
                       .instance = kit_instance(k),
                       .loop = kit_loop(k),
                       .tell_fd = -1,
                       .go_fd = -1};
    r->ops = driver_runtime_ops(r->instance);
    r->lane = lane_new(r->loop, "kit", &err);
    if (!r->lane)
        kit_skip(k, "no thread: %s", err.msg);
    make_fifo(r, "tell");
    make_fifo(r, "go");
    kit_expect_code(k, driver_open_runtime(r->instance, on_event, r, &r->runtime, &err),
                    FF_OK, &err, "opening a session");
    return r;
}

static void forget(struct kitr *r)
{
    for (size_t i = 0; i < r->seen.n; i++) {
        mem_free(r->seen.items[i]->id);
        mem_free(r->seen.items[i]->message);
        mem_free(r->seen.items[i]);
    }
    for (size_t i = 0; i < r->known.n; i++) {
        mem_free(r->known.items[i]->id);
        mem_free(r->known.items[i]);
    }
    ARRAY_DONE(&r->seen);
    ARRAY_DONE(&r->known);
}

void kitr_shut(struct kitr *r)
{
    void *runtime = r->runtime;

    r->runtime = NULL;
    r->ops->close(runtime);
}

/* After a moment in which the driver might still send events. */
void kitr_close(struct kitr *r)
{
    if (r->runtime)
        kitr_shut(r);
    kit_turn(r->k, 1000);
    kitr_fifos_done(r);
    lane_free(r->lane);
    forget(r);
    mem_free(r);
}

/* --- operations --- */

static void on_done(void *arg, int code, const struct ff_err *err)
{
    struct kitr_op *op = arg;
    struct kit *k = op->r->k;

    if (op->in_call || op->done)
        kit_fail(k, "%s completed %s", op->what,
                 op->done ? "twice" : "inside its call");
    op->done = true;
    op->code = code;
    op->err = err ? *err : (struct ff_err){0};
    if (code != FF_OK && (!err || !err->msg[0]))
        kit_fail(k, "%s failed with %s and no sentence that says why", op->what,
                 kit_code_name(code));
    kit_wake(k);
}

static struct ff_op *begin(struct kitr *r, struct kitr_op *op, const char *what)
{
    *op = (struct kitr_op){.r = r, .what = what, .in_call = true};
    calling = what;
    return driver_op(r->instance, on_done, op);
}

static void began(struct kitr_op *op)
{
    calling = NULL;
    op->in_call = false;
}

void kitr_begin_start(struct kitr *r, struct kitr_op *op,
                      const struct ff_run_spec *spec)
{
    ask_for(r, spec->attempt_id);
    r->ops->start(r->runtime, spec, begin(r, op, "start"));
    began(op);
}

void kitr_begin_cancel(struct kitr *r, struct kitr_op *op, const char *id,
                       int64_t grace_us)
{
    r->ops->cancel(r->runtime, id, grace_us, begin(r, op, "cancel"));
    began(op);
}

void kitr_begin_adopt(struct kitr *r, struct kitr_op *op, const char *const *ids,
                      size_t n)
{
    for (size_t i = 0; i < n; i++)
        ask_for(r, ids[i])->n_adopted++;
    r->ops->adopt(r->runtime, ids, n, begin(r, op, "adopt"));
    began(op);
}

void kitr_begin_release(struct kitr *r, struct kitr_op *op, const char *const *ids,
                        size_t n)
{
    r->ops->release(r->runtime, ids, n, begin(r, op, "release"));
    began(op);
}

static bool op_is_done(void *arg)
{
    return ((const struct kitr_op *)arg)->done;
}

int kitr_wait_op(struct kitr_op *op)
{
    if (!kit_wait(op->r->k, op_is_done, op))
        kit_fail(op->r->k, "%s was not completed", op->what);
    return op->code;
}

static void must(struct kitr_op *op, const char *id)
{
    kit_expect_code(op->r->k, kitr_wait_op(op), FF_OK, &op->err, "%s of attempt %s",
                    op->what, id);
}

void kitr_start(struct kitr *r, const struct ff_run_spec *spec)
{
    struct kitr_op op;

    kitr_begin_start(r, &op, spec);
    must(&op, spec->attempt_id);
}

void kitr_cancel(struct kitr *r, const char *id, int64_t grace_us)
{
    struct kitr_op op;

    kitr_begin_cancel(r, &op, id, grace_us);
    must(&op, id);
}

void kitr_adopt(struct kitr *r, const char *id)
{
    struct kitr_op op;

    kitr_begin_adopt(r, &op, &id, 1);
    must(&op, id);
}

void kitr_release(struct kitr *r, const char *id)
{
    struct kitr_op op;

    kitr_begin_release(r, &op, &id, 1);
    must(&op, id);
}

/* --- final events --- */

const struct ff_run_event *kitr_final(const struct kitr *r, const char *id)
{
    for (size_t i = r->seen.n; i-- > 0;) {
        const struct ff_run_event *event = &r->seen.items[i]->event;

        if (event->state != FF_RUN_STARTED && strcmp(event->attempt_id, id) == 0)
            return event;
    }
    return NULL;
}

size_t kitr_n_final(const struct kitr *r, const char *id)
{
    size_t n = 0;

    for (size_t i = 0; i < r->seen.n; i++)
        n += r->seen.items[i]->event.state != FF_RUN_STARTED &&
             strcmp(r->seen.items[i]->id, id) == 0;
    return n;
}

struct awaited {
    struct kitr *r;
    const char *id;
};

static bool has_ended(void *arg)
{
    const struct awaited *a = arg;

    return kitr_final(a->r, a->id) != NULL;
}

const struct ff_run_event *kitr_end(struct kitr *r, const char *id)
{
    struct awaited a = {r, id};

    if (!kit_wait(r->k, has_ended, &a))
        kit_fail(r->k, "no final event of attempt %s came", id);
    return kitr_final(r, id);
}

void kitr_expect_exit(struct kitr *r, const struct ff_run_event *event, int exit_code)
{
    if (event->state != FF_RUN_EXITED)
        kit_fail(r->k, "attempt %s did not exit but is in state %u: %s",
                 event->attempt_id, event->state,
                 event->message ? event->message : "(no message)");
    kit_expect_int(r->k, event->exit_code, exit_code, "the exit code of attempt %s",
                   event->attempt_id);
}

void kitr_expect_nobody(struct kitr *r, const struct ff_run_event *event)
{
    if (event->state != FF_RUN_LOST && event->state != FF_RUN_UNKNOWN)
        kit_fail(r->k, "attempt %s, which is not there, is told to be in state %u",
                 event->attempt_id, event->state);
}

/* Another attempt goes through it meanwhile. */
void kitr_quiet(struct kitr *r)
{
    static unsigned n;
    char id[32];

    snprintf(id, sizeof(id), "quiet-%u", n++);
    kitr_expect_exit(r, kitr_run_sh(r, id, ":"), 0);
    kit_turn(r->k, QUIET_US);
}

/* --- jobs --- */

void kitr_job(struct kitr_job *job, struct kitr *r, const char *id, const char *script)
{
    static unsigned n;

    *job = (struct kitr_job){.argv = {"sh", "-c", script, NULL},
                             .env = {"PATH=/usr/local/bin:/usr/bin:/bin", job->d}};
    snprintf(job->d, sizeof(job->d), "D=%s", kit_dir(r->k));
    snprintf(job->log_dir, sizeof(job->log_dir), "%s/logs/%u", kit_dir(r->k), n++);
    job->spec = (struct ff_run_spec){
        .struct_size = sizeof(job->spec),
        .attempt_id = id,
        .argv = job->argv,
        .env = job->env,
        .dir = "/",
        .log_dir = job->log_dir,
        .grace_us = KITR_GRACE_US,
    };
}

void kitr_sh(struct kitr *r, const char *id, const char *script)
{
    struct kitr_job job;

    kitr_job(&job, r, id, script);
    kitr_start(r, &job.spec);
}

const struct ff_run_event *kitr_run_sh(struct kitr *r, const char *id,
                                       const char *script)
{
    kitr_sh(r, id, script);
    return kitr_end(r, id);
}
