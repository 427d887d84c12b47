/* exec.c - the door of the executor: set-up, start messages, what control tells. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <unistd.h>

/* --- start messages --- */

static void refuse(struct exec *x, const struct attempt_key *key, const char *reason,
                   const char *message, enum outcome outcome)
{
    const struct result result = {
        .outcome = outcome,
        .exit_code = MODEL_NULL,
        .reason = reason,
        .message = message,
    };
    attempt_report(x, NULL, key, &result);
}

static void succeed_idle(struct exec *x, const struct attempt_key *key)
{
    const struct result result = {.outcome = OUTCOME_SUCCEEDED,
                                  .exit_code = MODEL_NULL};

    attempt_report(x, NULL, key, &result);
}

/* There is nothing to run (a kind of run may say so), or it cannot be said what. Not
 * found: its result was here before us, or it was overtaken. */
static void end_at_once(struct exec *x, const struct attempt_key *key,
                        const struct ff_err *err)
{
    if (err->code == FF_OK)
        succeed_idle(x, key);
    else if (err->code != FF_NOT_FOUND)
        refuse(x, key, "expression", err->msg, OUTCOME_FAILED);
}

static bool is_stopped(const struct exec *x, const struct attempt_key *key)
{
    char text[ATTEMPT_KEY_TEXT];

    if (x->stops.n == 0)
        return false;
    attempt_key_text(key, text);
    return map_get_text(&x->stops, text) != NULL;
}

static void forget_stop(struct exec *x, const struct attempt_key *key)
{
    char text[ATTEMPT_KEY_TEXT];

    if (x->stops.n == 0)
        return;
    attempt_key_text(key, text);
    mem_free(map_del_text(&x->stops, text));
}

static void take_start(struct exec *x, const struct attempt_key *key)
{
    const struct exec_source *source = &x->setup.source;
    struct ff_err err = {0};

    /* Said twice, or overtaken; or granted by an owner before this one. Such a message
     * may be old, and the attempt may have run: adopt asks the runtime first. */
    if (!source->may_start(source->arg, key) || attempt_by_key(x, key))
        return;
    FAILPOINT("exec.take");
    if (is_stopped(x, key)) {
        refuse(x, key, NULL, "it was cancelled before it began", OUTCOME_CANCELLED);
        return;
    }
    struct attempt *a = attempt_new(x, key, &err);
    if (a)
        attempt_start(a);
    else
        end_at_once(x, key, &err);
}

static void on_message(void *arg, const struct ff_message *message)
{
    struct exec *x = arg;
    struct attempt_key key;

    if (x->draining)
        return; /* the next owner is told again */
    if (attempt_key_parse(message->body, message->len, &key))
        take_start(x, &key);
    else
        log_warn("queue: a start message that makes no sense is dropped");
    /* The store keeps the grant; the message was only the hint. */
    exec_later_ack(x, message->receipt);
}

/* --- what control tells --- */

static void adopt_one(struct exec *x, const struct attempt_key *key, const char **ids,
                      size_t *n)
{
    struct ff_err err = {0};

    if (attempt_by_key(x, key))
        return;
    struct attempt *a = attempt_new(x, key, &err);
    if (!a) {
        end_at_once(x, key, &err);
        return;
    }
    a->state = ATTEMPT_RUNNING;
    attempt_listen(a);
    if (!attempt_is_masked(a))
        attempt_ask_secrets(a);
    ids[(*n)++] = a->id;
}

static void on_adopted(void *arg, int code, const struct ff_err *err)
{
    struct exec *x = arg;

    /* Nobody would hear of their ends; the next start asks again. */
    if (code == FF_NO_MEMORY || (code == FF_BUSY && err->sys == ENOMEM))
        mem_exhausted();
    if (code != FF_OK && code != FF_CANCELLED)
        log_error("runtime: running attempts cannot be taken over: %s", err->msg);
    if (code == FF_OK && x->n_adopting > 0)
        log_info("runtime: %zu attempts are taken over", x->n_adopting);
    x->n_adopting = 0;
    exec_came_back(x);
}

void exec_adopt(struct exec *x, const struct attempt_key *keys, size_t n)
{
    const char **ids = mem_array(n, sizeof(*ids));
    size_t n_ids = 0;

    for (size_t i = 0; i < n; i++)
        adopt_one(x, &keys[i], ids, &n_ids);
    if (n_ids > 0) {
        exec_pending(x);
        x->n_adopting += n_ids;
        x->runtime_ops->adopt(x->runtime, ids, n_ids,
                              driver_op(x->setup.runtime, on_adopted, x));
    }
    mem_free(ids);
}

void exec_adopted_all(struct exec *x)
{
    const char *const none[] = {NULL};

    x->all_named = true;
    exec_pending(x);
    x->runtime_ops->adopt(x->runtime, none, 0,
                          driver_op(x->setup.runtime, on_adopted, x));
}

void exec_stop(struct exec *x, const struct attempt_key *key, int64_t grace_us)
{
    struct attempt *a = attempt_by_key(x, key);
    char text[ATTEMPT_KEY_TEXT];

    if (!a) {
        attempt_key_text(key, text);
        if (!map_get_text(&x->stops, text))
            map_set_text(&x->stops, text, mem_text(text));
        return;
    }
    const bool harder = a->stop_asked && grace_us < a->grace_us;
    a->grace_us = grace_us;
    if (a->stop_asked && !harder)
        return;
    a->stop_asked = true;
    attempt_send_stop(a);
}

static void on_abandoned(void *arg, int code, const struct ff_err *err)
{
    if (code != FF_OK && code != FF_NOT_FOUND && code != FF_CANCELLED)
        log_warn("runtime: an attempt of a run that was set aside: %s", err->msg);
    exec_came_back(arg);
}

void exec_abandon(struct exec *x, const struct attempt_key *key, const char *run_id,
                  const char *path)
{
    struct buf text = {0};

    if (attempt_by_key(x, key)) {
        exec_stop(x, key, ABANDON_GRACE_US); /* its result is settled as a late one */
        return;
    }
    buf_printf(&text, "%s/%s/%lld", run_id, path, (long long)key->attempt);
    const char *id = buf_text(&text);
    mem_free(map_del_text(&x->abandoned, id));
    map_set_text(&x->abandoned, id, mem_text(id));
    exec_pending(x);
    x->runtime_ops->adopt(x->runtime, &id, 1,
                          driver_op(x->setup.runtime, on_abandoned, x));
    exec_pending(x);
    x->runtime_ops->cancel(x->runtime, id, ABANDON_GRACE_US,
                           driver_op(x->setup.runtime, on_abandoned, x));
    buf_done(&text);
}

void exec_settled(struct exec *x, const struct attempt_key *key)
{
    struct attempt *a = attempt_by_key(x, key);

    FAILPOINT("exec.settled");
    forget_stop(x, key);
    if (!a)
        return;
    if (a->state == ATTEMPT_COLLECTING) {
        a->settled = true; /* the lane is reading it: freed when it comes back */
        return;
    }
    a->settled = true;
    exec_later_release(x, a->id);
    attempt_free(a);
}

/* --- progress --- */

bool exec_progress_of(const struct exec *x, const struct attempt_key *key,
                      struct exec_progress *out)
{
    const struct attempt *a = attempt_by_key(x, key);

    if (!a)
        return false;
    *out = (struct exec_progress){
        .progress = a->progress, .status = a->status, .message = a->message};
    return true;
}

void exec_on_progress(struct exec *x, void (*fn)(void *arg, const struct attempt_key *),
                      void *arg)
{
    x->on_progress = fn;
    x->on_progress_arg = arg;
}

/* --- set-up --- */

static int open_drivers(struct exec *x, struct ff_err *err)
{
    const struct exec_setup *s = &x->setup;
    int code;

    x->queue_ops = driver_queue_ops(s->queue);
    x->runtime_ops = driver_runtime_ops(s->runtime);
    code = driver_open_runtime(s->runtime, exec_on_event, x, &x->runtime, err);
    if (code == FF_OK)
        code = driver_open_queue(s->queue, &x->queue, err);
    if (code == FF_OK)
        code = x->queue_ops->subscribe(x->queue, s->source.topic, s->slots, on_message,
                                       x, err);
    return code;
}

struct exec *exec_new(const struct exec_setup *setup, struct ff_err *err)
{
    struct exec *x = mem_alloc(sizeof(*x));

    x->setup = *setup;
    list_init(&x->redeems);
    x->lane = lane_new(setup->loop, "collect", err);
    if (!x->lane || token_load_key(x, err) != FF_OK || open_drivers(x, err) != FF_OK) {
        exec_free(x);
        return NULL;
    }
    return x;
}

size_t exec_starting(const struct exec *x)
{
    size_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&x->by_key, &i, &value);)
        n += ((const struct attempt *)value)->state == ATTEMPT_STARTING;
    return n;
}

void exec_begin_no_more(struct exec *x)
{
    x->draining = true;
}

void exec_drain(struct exec *x, ff_call_fn *fn, void *arg)
{
    exec_begin_no_more(x);
    x->drained = fn;
    x->drained_arg = arg;
    exec_pending(x);
    exec_came_back(x);
}

void exec_free(struct exec *x)
{
    void *value;

    if (!x)
        return;
    lane_free(x->lane);
    x->lane = NULL; /* attempts that go now ask nothing of it */
    tickets_close(x);
    artifacts_close(x);
    for (size_t i = 0; map_next(&x->by_key, &i, &value);)
        attempt_free(value);
    for (size_t i = 0; map_next(&x->stops, &i, &value);)
        mem_free(value);
    for (size_t i = 0; map_next(&x->abandoned, &i, &value);)
        mem_free(value);
    map_done(&x->abandoned);
    map_done(&x->by_key);
    map_done(&x->by_id);
    map_done(&x->by_handle);
    map_done(&x->stops);
    if (x->queue)
        x->queue_ops->close(x->queue);
    if (x->runtime)
        x->runtime_ops->close(x->runtime);
    for (size_t i = 0; i < x->receipts.n; i++)
        mem_free(x->receipts.items[i]);
    for (size_t i = 0; i < x->releases.n; i++)
        mem_free(x->releases.items[i]);
    ARRAY_DONE(&x->receipts);
    ARRAY_DONE(&x->releases);
    arena_done(&x->spare);
    mem_free(x);
}
