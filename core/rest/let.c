/* let.c - who is let in: before any of a body is read it is known who asks, that he
 * does not ask too often, and that he may. */
#include "rest/rest_priv.h"

#include <string.h>

#define SPARE_USED_MAX ((size_t)64 * 1024)

/* --- a call --- */

/* Most calls need a part of one block, which is too large to be allocated for each. */
static void keep_arena(struct rest *r, struct arena *a)
{
    if (!a->blocks || a->used > SPARE_USED_MAX || r->n_spare == REST_ARENAS_MAX) {
        arena_done(a);
        return;
    }
    arena_reset(a);
    r->spare[r->n_spare++] = *a;
}

static void free_call(void *arg)
{
    struct rest_call *c = arg;

    rest_file_done(c);
    keep_arena(c->rest, &c->arena);
    json_decref(c->body);
    batch_done(&c->aside);
    buf_done(&c->out);
    buf_done(&c->errors);
    mem_free(c);
}

static bool is_request_id(const char *text)
{
    const size_t len = strlen(text);

    return len > 0 && len < REQUEST_ID_TEXT &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-_.:") == len;
}

static void set_request_id(struct rest_call *c)
{
    const char *given = http_header(c->request, "x-request-id");
    struct loop *l = c->rest->setup.loop;
    const uint64_t random = loop_random(l);

    if (given && is_request_id(given))
        snprintf(c->request_id, sizeof(c->request_id), "%s", given);
    else
        id_make(c->now_us, random, loop_random(l), c->request_id);
}

static struct rest_call *new_call(const struct rest_mount *m,
                                  const struct http_request *request,
                                  struct http_reply *reply)
{
    struct rest_call *c = mem_alloc(sizeof(*c));

    c->rest = m->rest;
    if (c->rest->n_spare > 0)
        c->arena = c->rest->spare[--c->rest->n_spare];
    c->file = -1;
    c->route = m->route;
    c->request = request;
    c->reply = reply;
    c->now_us = loop_wall_us(m->rest->setup.loop);
    set_request_id(c);
    http_reply_keep(reply, c, free_call);
    return c;
}

/* --- may he? --- */

enum let { LET_IN, LET_ANSWERED, LET_LATER };

/* What somebody may is asked for where it is known without the store. */
static bool may_be_let(const struct rest_call *c)
{
    const struct http_request *r = c->request;

    if (c->route->scope == REST_SELF)
        return true;
    if (c->route->scope == REST_TENANT &&
        (http_query(r, "tenant") || http_query(r, "platform")))
        return true; /* find_scope decides */
    if (c->route->scope == REST_RUNS)
        return access_may_somewhere(&c->who, c->route->needs);
    return access_may(&c->who, c->route->needs, c->scope);
}

/* Nobody takes all that his tenant may. */
static int64_t share_of(int64_t per_s)
{
    return per_s < 4 ? per_s : per_s * 3 / 4;
}

/* His own, and his tenant's; the answer tells of the one that is nearer to its end. */
static bool take_token(struct rest_call *c)
{
    struct rest *r = c->rest;
    const int64_t now_us = loop_mono_us(r->setup.loop);
    const long long tenant = c->who.tenant.no;
    struct bucket_state of_tenant;
    char name[SUBJECT_TEXT + 32];

    if (c->rate_per_s <= 0)
        return true;
    snprintf(name, sizeof(name), "who %lld %s", tenant, c->who.subject);
    if (!bucket_take(&r->buckets, name, share_of(c->rate_per_s), now_us, &c->limit))
        return false;
    snprintf(name, sizeof(name), "tenant %lld", tenant);

    const bool taken =
        bucket_take(&r->buckets, name, c->rate_per_s, now_us, &of_tenant);

    if (!taken || of_tenant.left < c->limit.left)
        c->limit = of_tenant;
    return taken;
}

static enum let let_in(struct rest_call *c)
{
    const enum rest_scope scope = c->route->scope;

    if (!take_token(c)) {
        c->code = rest_fail(c, PROBLEM_RATE_LIMITED, &c->err,
                            "that is more than %lld requests a second",
                            (long long)c->limit.limit);
        rest_answer(c);
        return LET_ANSWERED;
    }
    c->scope = (struct access_scope){.tenant = c->who.tenant};
    if (scope == REST_PROJECT || scope == REST_RUNS)
        c->scope.project = PROJECT_DEFAULT;
    if (scope == REST_PLATFORM)
        c->scope.tenant = TENANT_PLATFORM;
    if (may_be_let(c))
        return LET_IN;
    return rest_deny(c) ? LET_LATER : LET_ANSWERED;
}

static void note_aside(struct rest_call *c)
{
    if (c->aside.n > 0)
        store_commit(c->rest->store, &c->aside, NULL, NULL);
}

static void asked(void *arg)
{
    struct rest_call *c = arg;
    struct rest *r = c->rest;
    struct http_reply *reply = c->reply;

    note_aside(c);
    if (c->code != FF_OK) {
        who_refused(c);
        rest_end(c);
        return;
    }
    who_learn(c);
    if (let_in(c) == LET_IN)
        http_reply_admit(reply);
    rest_tell_stop(r);
}

static void ask_on_lane(void *arg)
{
    who_ask(arg);
}

bool rest_admit(void *arg, const struct http_request *request, struct http_reply *reply)
{
    struct rest_call *c = new_call(arg, request, reply);

    if (c->route->flags & REST_HOOK)
        return rest_webhook_admit(c);
    if (c->route->scope == REST_OPEN)
        return true;

    const enum who_answer who = who_is(c);

    if (who == WHO_NOBODY) {
        c->code = c->err.code;
        rest_answer(c);
        return false;
    }
    if (who == WHO_KNOWN) {
        const enum let let = let_in(c);

        if (let == LET_LATER)
            http_reply_hold(reply);
        return let != LET_ANSWERED;
    }
    if (!work_begin(c, ask_on_lane, asked)) {
        rest_answer_busy(c);
        return false;
    }
    http_reply_hold(reply);
    return true;
}
