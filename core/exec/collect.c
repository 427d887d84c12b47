/* collect.c - what an attempt leaves behind: its exit becomes an outcome, and when it
 * went well its outputs are picked up, on a lane, before anybody is told. */
#include "exec/exec_priv.h"

#include <string.h>
#include <unistd.h>

struct collect {
    struct attempt *attempt;
    struct ff_run_event event; /* its text is not used */
    char *event_message;
    struct result result;
    char message[512];
    struct spool_words words; /* of the SDK */
    json_t *outputs;
    char *stored;
    const struct masks *masks;   /* or NULL */
    struct attempt_secrets *own; /* read here, when nobody had yet */
};

/* --- what the exit means --- */

static const char *signal_name(int signal)
{
    const char *name = sigabbrev_np(signal);

    return name ? name : "?";
}

static void describe_exit(struct collect *co)
{
    const struct ff_run_event *e = &co->event;
    char line[200];

    if (co->event_message) {
        snprintf(co->message, sizeof(co->message), "%s", co->event_message);
        return;
    }
    if (e->signal)
        snprintf(co->message, sizeof(co->message), "killed by signal %d (SIG%s)",
                 e->signal, signal_name(e->signal));
    else
        snprintf(co->message, sizeof(co->message), "exit code %d", e->exit_code);
    stderr_last_line(co->attempt->log_dir, e->log_chunks, line, sizeof(line));
    if (line[0]) {
        const size_t n = strlen(co->message);
        snprintf(co->message + n, sizeof(co->message) - n, ": %s", line);
    }
}

static const struct {
    uint32_t reason;
    enum outcome outcome;
} reasons[] = {
    {FF_REASON_TIMEOUT, OUTCOME_TIMEOUT},
    {FF_REASON_CANCELLED, OUTCOME_CANCELLED},
    {FF_REASON_OOM, OUTCOME_OOM},
    {FF_REASON_EVICTED, OUTCOME_EVICTED},
};

static enum outcome outcome_of(const struct ff_run_event *e)
{
    if (e->state == FF_RUN_LOST)
        return OUTCOME_LOST;
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (e->reason == reasons[i].reason)
            return reasons[i].outcome;
    return e->state == FF_RUN_EXITED && e->exit_code == 0 && e->signal == 0
               ? OUTCOME_SUCCEEDED
               : OUTCOME_FAILED;
}

static void judge(struct collect *co)
{
    const struct ff_run_event *e = &co->event;
    struct result *r = &co->result;

    r->outcome = outcome_of(e);
    r->exit_code = e->state == FF_RUN_EXITED ? e->exit_code : MODEL_NULL;
    r->started_at = e->started_us;
    r->ended_at = e->ended_us;
    r->log_chunks = (int64_t)e->log_chunks;
    r->log_bytes = (int64_t)e->log_bytes;
    r->log_dropped = (int64_t)e->log_dropped;
    if (e->state == FF_RUN_REFUSED)
        r->reason = "start_failed";
    if (r->outcome == OUTCOME_LOST)
        snprintf(co->message, sizeof(co->message), "%s",
                 co->event_message ? co->event_message
                                   : "it is gone without an exit status");
    else if (r->outcome == OUTCOME_TIMEOUT)
        snprintf(co->message, sizeof(co->message), "it took longer than its timeout");
    else if (r->outcome != OUTCOME_SUCCEEDED)
        describe_exit(co);
}

static int add_bytes(void *arg, const void *bytes, size_t len)
{
    struct buf *b = arg;

    buf_add(b, bytes, len);
    return b->overflow;
}

/* --- declared outputs --- */

/* What a task left is named in messages, which others read. */
static void mask_message(struct collect *co)
{
    struct buf shown = {0};

    if (co->masks && masks_text(co->masks, co->message, strlen(co->message), &shown))
        snprintf(co->message, sizeof(co->message), "%s", buf_text(&shown));
    buf_done(&shown);
}

static int FF_PRINTF(3, 4)
    fail_output(struct collect *co, const char *reason, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(co->message, sizeof(co->message), fmt, ap);
    va_end(ap);
    mask_message(co);
    co->result.outcome = OUTCOME_FAILED;
    co->result.reason = reason;
    return FF_INVALID;
}

/* The parser quotes where it stopped, which may be a part of a secret: it is asked
 * again without them. */
static void fail_json(struct collect *co, const struct work_output *o,
                      const struct buf *b, struct ff_err *err)
{
    struct buf shown = {0};

    if (co->masks && masks_text(co->masks, buf_text(b), b->len, &shown)) {
        json_t *v = json_parse(buf_text(&shown), shown.len, err);
        if (v)
            ff_fail(err, FF_INVALID, 0, "it is without its secrets");
        json_decref(v);
    }
    buf_done(&shown);
    fail_output(co, "output_invalid", "output %s is not JSON: %.200s", o->name,
                err->msg);
}

/* Text loses the newlines at its end, as $(...) of the shell does. */
static json_t *value_of(struct collect *co, const struct work_output *o, struct buf *b)
{
    struct ff_err err;
    json_t *v;

    if (b->overflow) {
        fail_output(co, "output_too_large", "output %s: larger than %zu MiB", o->name,
                    VALUE_MAX >> 20);
        return NULL;
    }
    if (o->as == WORK_AS_JSON) {
        v = json_parse(buf_text(b), b->len, &err);
        if (!v)
            fail_json(co, o, b, &err);
        return v;
    }
    while (b->len > 0 && b->data[b->len - 1] == '\n')
        b->len--;
    if (text_utf8_error(buf_text(b), b->len) != b->len) {
        fail_output(co, "output_invalid",
                    "output %s is not UTF-8 text; `as: file` takes any bytes", o->name);
        return NULL;
    }
    return json_stringn(buf_text(b), b->len);
}

static json_t *read_value(struct collect *co, const struct work_output *o,
                          bool *missing)
{
    struct attempt *a = co->attempt;
    const struct exec *x = a->exec;
    struct buf b = {.max = VALUE_MAX};
    struct ff_err err = {0};
    int code;

    /* Part of a value would look like a whole one. */
    if (o->from == WORK_FROM_STDOUT && co->event.log_dropped > 0) {
        fail_output(co, "output_too_large",
                    "output %s is not whole: the log was over its limit", o->name);
        return NULL;
    }
    if (o->from == WORK_FROM_STDOUT)
        code = stdout_read(a->log_dir, co->event.log_chunks, &b, &err);
    else
        code = x->runtime_ops->output(x->runtime, a->id, o->name, add_bytes, &b, &err);
    json_t *v = NULL;
    if (code == FF_OK)
        v = value_of(co, o, &b);
    else if (code == FF_NOT_FOUND)
        *missing = true;
    else
        fail_output(co, "output_unreadable", "output %s: %.200s", o->name, err.msg);
    buf_done(&b);
    return v;
}

static json_t *get_output(struct collect *co, const struct work_output *o,
                          bool *missing)
{
    struct attempt *a = co->attempt;
    struct ff_err err = {0};

    if (o->from == WORK_FROM_SDK) {
        json_t *v = json_object_get(co->words.outputs, o->name);
        *missing = v == NULL;
        return json_incref(v);
    }
    if (o->as != WORK_AS_FILE)
        return read_value(co, o, missing);
    json_t *v = values_keep_file(a, o->file, &err);
    if (!v && err.code == FF_NOT_FOUND)
        *missing = true;
    else if (!v)
        fail_output(co, "output_unreadable", "output %s: %.200s", o->name, err.msg);
    return v;
}

static const char *const expected_at[] = {
    [WORK_FROM_FILE] = "no file $FF_OUT/",
    [WORK_FROM_STDOUT] = "no standard output for ",
    [WORK_FROM_SDK] = "the SDK reported no output ",
};

static int collect_declared(struct collect *co)
{
    const struct work *w = &co->attempt->work;

    for (size_t i = 0; i < w->n_outputs; i++) {
        const struct work_output *o = &w->outputs[i];
        bool missing = false;
        if (o->as == WORK_AS_ARTIFACT)
            continue;
        json_t *v = get_output(co, o, &missing);
        if (!v && !missing)
            return FF_INVALID;
        if (!v && !o->optional)
            return fail_output(co, "output_missing", "output %s is missing: %s%s",
                               o->name, expected_at[o->from], o->file);
        json_object_set_new(co->outputs, o->name, v ? v : json_null());
    }
    return FF_OK;
}

/* After the masks: a hash is no text. */
static int collect_artifacts(struct collect *co)
{
    const struct work *w = &co->attempt->work;

    for (size_t i = 0; i < w->n_outputs; i++) {
        const struct work_output *o = &w->outputs[i];
        struct ff_err err = {0};
        json_t *v = NULL;

        if (o->as != WORK_AS_ARTIFACT)
            continue;
        const int code = artifact_collect(co->attempt, o, &v, &err);
        if (code == FF_NOT_FOUND && !o->optional)
            return fail_output(co, "artifact_missing",
                               "artifact %s is missing: no file or folder "
                               "$FF_ARTIFACTS/%.200s",
                               o->name, o->file);
        if (code != FF_OK && code != FF_NOT_FOUND)
            return fail_output(co, artifact_reason(code), "artifact %s: %.200s",
                               o->name, err.msg);
        json_object_set_new(co->outputs, o->name, v ? v : json_null());
    }
    return FF_OK;
}

static void collect_outputs(struct collect *co)
{
    struct attempt *a = co->attempt;
    struct ff_err err = {0};
    const char *name;
    json_t *value;

    co->outputs = json_object();
    json_object_foreach(co->words.outputs, name, value)
        json_object_set(co->outputs, name, value);
    if (collect_declared(co) != FF_OK)
        return;
    if (co->masks) {
        json_t *shown = masks_json(co->masks, co->outputs);
        json_decref(co->outputs);
        co->outputs = shown;
    }
    if (collect_artifacts(co) != FF_OK || json_object_size(co->outputs) == 0)
        return;
    co->stored = values_store(a->run_dir, co->outputs, &err);
    if (!co->stored)
        fail_output(co, "output_store_full", "outputs cannot be stored: %.200s",
                    err.msg);
}

/* --- the way there and back --- */

/* What it left cannot be kept when it is not known what must not be seen. */
static bool need_masks(struct collect *co)
{
    const struct attempt *a = co->attempt;
    struct ff_err err = {0};

    if (co->masks || a->work.n_secrets == 0)
        return true;
    co->own =
        secrets_read(a->exec, a->key.tenant, a->work.secrets, a->work.n_secrets, &err);
    if (!co->own) {
        if (co->result.outcome == OUTCOME_SUCCEEDED)
            fail_output(co, "secret_unreadable", "its outputs cannot be masked: %.200s",
                        err.msg);
        return false;
    }
    co->masks = &co->own->masks;
    return true;
}

static void on_lane(void *arg)
{
    struct collect *co = arg;

    judge(co);
    if (!need_masks(co))
        return;
    if (co->event.state == FF_RUN_EXITED)
        spool_read(co->attempt, co->masks, &co->words);
    if (co->result.outcome == OUTCOME_SUCCEEDED)
        collect_outputs(co);
}

/* The exit code decides; a task that said something else of itself is quoted. */
static void note_status(struct collect *co)
{
    const char *last = co->words.status ? co->words.status : co->attempt->status;
    const bool ok = co->result.outcome == OUTCOME_SUCCEEDED;

    if (!last)
        return;
    const bool said_ok = strcmp(last, "SUCCEEDED") == 0;
    const bool said_bad = strcmp(last, "FAILED") == 0;
    if ((ok && said_bad) || (!ok && said_ok)) {
        const size_t n = strlen(co->message);
        snprintf(co->message + n, sizeof(co->message) - n,
                 "%sthe task said %s of itself; its exit code decides", n ? "; " : "",
                 last);
    }
}

/* The same file runs where there is nothing to choose from. */
static void note_selector(struct collect *co)
{
    const struct attempt *a = co->attempt;
    const size_t n = strlen(co->message);

    if (a->work.node_selector &&
        !(driver_instance_info(a->exec->setup.runtime)->d.caps & FF_RUNTIME_LABELS))
        snprintf(co->message + n, sizeof(co->message) - n,
                 "%snode_selector was ignored: this runtime knows no labels",
                 n ? "; " : "");
}

static void after(void *arg)
{
    struct collect *co = arg;
    struct attempt *a = co->attempt;
    struct exec *x = a->exec;

    note_status(co);
    note_selector(co);
    if (co->message[0])
        co->result.message = co->message;
    if (co->result.outcome == OUTCOME_SUCCEEDED && co->stored) {
        co->result.outputs = co->outputs;
        co->result.stored = co->stored;
        co->result.in_run = exec_in_run(co->stored);
    }
    if (a->settled) { /* by another result, which came first */
        exec_later_release(x, a->id);
        attempt_free(a);
    } else {
        attempt_report(x, a, &a->key, &co->result);
    }
    spool_words_done(&co->words);
    secrets_free(co->own);
    json_decref(co->outputs);
    mem_free(co->stored);
    mem_free(co->event_message);
    mem_free(co);
    exec_came_back(x);
}

void attempt_collect(struct attempt *a, const struct ff_run_event *event)
{
    struct collect *co = mem_alloc(sizeof(*co));

    co->attempt = a;
    co->event = *event;
    co->event.attempt_id = a->id;
    co->event.message = NULL;
    co->event_message = mem_text(event->message);
    co->masks = a->secrets ? &a->secrets->masks : NULL;
    a->state = ATTEMPT_COLLECTING;
    attempt_sdk_path(a);
    exec_pending(a->exec);
    lane_do(artifacts_lane(a), on_lane, after, co);
}
