/* calls.c - requests that wait for their answer, and attempts that wait for their
 * final event. */
#include "local_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t bucket_of(const struct local *local, const char *id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32)) & (local->n_buckets - 1);
}

static bool grow_buckets(struct local *local)
{
    struct local grown = {.n_buckets = local->n_buckets ? local->n_buckets * 2 : 64};

    grown.buckets = calloc(grown.n_buckets, sizeof(struct tracked *));
    if (!grown.buckets)
        return false;
    for (size_t i = 0; i < local->n_buckets; i++) {
        while (local->buckets[i]) {
            struct tracked *tracked = local->buckets[i];
            local->buckets[i] = tracked->next;
            struct tracked **bucket = &grown.buckets[bucket_of(&grown, tracked->id)];
            tracked->next = *bucket;
            *bucket = tracked;
        }
    }
    free(local->buckets);
    local->buckets = grown.buckets;
    local->n_buckets = grown.n_buckets;
    return true;
}

static struct tracked **find(struct local *local, const char *id)
{
    struct tracked **at = &local->buckets[bucket_of(local, id)];

    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

struct tracked *track(struct local *local, const char *id)
{
    if (local->n_tracked >= local->n_buckets && !grow_buckets(local))
        return NULL;
    struct tracked **at = find(local, id);
    struct tracked *known = *at;
    if (known)
        return known;
    const size_t len = strlen(id);
    struct tracked *tracked = calloc(1, sizeof(*tracked) + len + 1);
    if (!tracked)
        return NULL;
    memcpy(tracked->id, id, len + 1);
    *at = tracked;
    local->n_tracked++;
    return tracked;
}

/* Kept while a START refers to it. */
static void drop(struct local *local, struct tracked *tracked)
{
    if (tracked->starts || tracked->adopted)
        return;
    struct tracked **at = find(local, tracked->id);
    *at = tracked->next;
    local->n_tracked--;
    free(tracked);
}

void untrack(struct local *local, const char *id)
{
    if (!local->n_buckets)
        return;
    struct tracked *tracked = *find(local, id);
    if (!tracked)
        return;
    tracked->adopted = false;
    drop(local, tracked);
}

struct request *call_new(struct local *local, uint32_t type, struct ff_op *op)
{
    struct request *request = calloc(1, sizeof(*request));

    if (!request) {
        struct ff_err err;
        ff_fail(&err, FF_BUSY, ENOMEM, "out of memory");
        if (op)
            local->host->complete(local->host->self, op, &err);
        return NULL;
    }
    request->op = op;
    request->seq = ++local->seq;
    request->frame.max = RL_FRAME_MAX;
    rl_frame_begin(&request->frame, type, request->seq);
    return request;
}

/* Ends a request that is in no list. */
static void finish(struct local *local, struct request *request,
                   const struct ff_err *err)
{
    if (request->op)
        local->host->complete(local->host->self, request->op, err);
    if (request->tracked) {
        request->tracked->starts--;
        if (!err || !err->code)
            request->tracked->adopted = true;
        drop(local, request->tracked);
    }
    rl_out_done(&request->frame);
    free(request);
}

void call_fail(struct local *local, struct request *request, int code, const char *why)
{
    struct ff_err err;

    ff_fail(&err, code, 0, "%s", why);
    finish(local, request, &err);
}

static void append(struct local *local, struct request *request)
{
    request->next = NULL;
    if (local->last)
        local->last->next = request;
    else
        local->first = request;
    local->last = request;
}

void call_send(struct local *local, struct request *request)
{
    rl_frame_end(&request->frame, 0);
    if (request->frame.failed) {
        call_fail(local, request, FF_BUSY,
                  "out of memory, or the request is too large");
        return;
    }
    append(local, request);
    link_need(local);
}

static struct request *take_first(struct local *local)
{
    struct request *request = local->first;

    local->first = request->next;
    if (!local->first)
        local->last = NULL;
    return request;
}

void calls_answer(struct local *local, struct rl_frame *frame)
{
    struct ff_err err = {0};

    err.code = rl_get_i32(&frame->body);
    err.sys = rl_get_i32(&frame->body);
    const char *message = rl_get_str(&frame->body);
    snprintf(err.msg, sizeof(err.msg), "%s", message ? message : "");
    if (frame->body.bad || !local->first || local->first->seq != frame->seq) {
        link_lost(local, "the supervisor gave an answer that was not asked for");
        return;
    }
    finish(local, take_first(local), err.code ? &err : NULL);
}

void calls_event(struct local *local, struct rl_frame *frame)
{
    struct ff_run_event event = {.struct_size = sizeof(event)};
    struct rl_in *in = &frame->body;

    event.attempt_id = rl_get_str(in);
    event.state = rl_get_u32(in);
    event.reason = rl_get_u32(in);
    event.exit_code = rl_get_i32(in);
    event.signal = rl_get_i32(in);
    event.started_us = rl_get_i64(in);
    event.ended_us = rl_get_i64(in);
    event.log_chunks = rl_get_u64(in);
    event.log_bytes = rl_get_u64(in);
    event.log_dropped = rl_get_u64(in);
    event.message = rl_get_str(in);
    if (in->bad || !event.attempt_id) {
        link_lost(local, "the supervisor sent a malformed event");
        return;
    }
    if (!local->n_buckets)
        return;
    /* One that is not waited for was told before, on a connection that broke. */
    struct tracked *tracked = *find(local, event.attempt_id);
    if (!tracked || !tracked->adopted)
        return;
    untrack(local, event.attempt_id);
    local->fn(local->arg, &event);
}

/* A START that a supervisor of another line may have seen: whether it started
 * anything is not known, so it is taken as started, and adopt tells the rest. */
static void settle_unknown(struct local *local, uint64_t lineage)
{
    struct request *request = local->first;

    local->first = NULL;
    local->last = NULL;
    while (request) {
        struct request *next = request->next;
        if (request->tracked && request->lineage && request->lineage != lineage)
            finish(local, request, NULL);
        else
            append(local, request);
        request = next;
    }
}

/* False: no memory. *out NULL: there is nothing to adopt. */
static bool adopt_all(struct local *local, struct request **out)
{
    struct request *request = NULL;
    uint32_t n = 0;

    *out = NULL;

    for (size_t i = 0; i < local->n_buckets; i++) {
        const struct tracked *tracked = local->buckets[i];
        for (; tracked; tracked = tracked->next) {
            if (!tracked->adopted || n == RL_IDS_MAX)
                continue;
            if (!request)
                request = call_new(local, RL_ADOPT, NULL);
            if (!request)
                return false;
            if (!n++)
                rl_put_u32(&request->frame, 0);
            rl_put_str(&request->frame, tracked->id);
        }
    }
    if (request && request->frame.failed) {
        finish(local, request, NULL);
        return false;
    }
    if (request)
        memcpy(request->frame.data + sizeof(struct rl_head), &n, sizeof(n));
    *out = request;
    return true;
}

bool calls_again(struct local *local, uint64_t lineage)
{
    struct request *adopt;

    settle_unknown(local, lineage);
    for (struct request *request = local->first; request; request = request->next)
        request->sent = 0;
    if (!adopt_all(local, &adopt))
        return false;
    if (!adopt)
        return true;
    rl_frame_end(&adopt->frame, 0);
    adopt->next = local->first;
    local->first = adopt;
    if (!local->last)
        local->last = adopt;
    return true;
}

void calls_refuse(struct local *local, const char *why)
{
    struct request *request = local->first;

    local->first = NULL;
    local->last = NULL;
    while (request) {
        struct request *next = request->next;
        if (request->lineage || !request->op)
            append(local, request);
        else
            call_fail(local, request, FF_UNAVAILABLE, why);
        request = next;
    }
}

bool calls_pending(const struct local *local)
{
    return local->first || local->n_tracked;
}

void calls_done(struct local *local)
{
    while (local->first)
        call_fail(local, take_first(local), FF_CANCELLED, "the runtime was closed");
    for (size_t i = 0; i < local->n_buckets; i++) {
        while (local->buckets[i]) {
            struct tracked *tracked = local->buckets[i];
            local->buckets[i] = tracked->next;
            free(tracked);
        }
    }
    free(local->buckets);
}
