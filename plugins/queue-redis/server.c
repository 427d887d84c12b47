/* queue-redis/server.c - from addresses to a server that is there, and to the next one
 * when it is gone: the next address at once, all of them again after a growing pause.
 * Where the addresses are of sentinels, the one that answers names the server; a node
 * of a cluster that has other keys than ours points to the one that has them.
 *
 * Both connections come and go together, so that there is one state to think of. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PAUSE_US INT64_C(20000)
#define MAX_PAUSE_US   INT64_C(2000000)
#define MAX_JUMPS      5
#define SENTINELS_PART 5 /* of connect_timeout each of them has this part */

/* A name that is being looked up, on a worker thread. It outlives the session. */
struct rq_resolve {
    struct rq_session *session; /* NULL: closed meanwhile */
    struct rq_address address;
    struct rq_places places;
};

static void try_place(struct rq_session *s);
static void on_up(struct rq_session *s);
static void on_reply(struct rq_session *s, redisReply *reply);
static void on_down(struct rq_session *s, const struct ff_err *err);
static void on_news_up(struct rq_session *s);
static void on_news_reply(struct rq_session *s, redisReply *reply);

static const struct rq_link_fns command_fns = {on_up, on_reply, on_down};
static const struct rq_link_fns news_fns = {on_news_up, on_news_reply, rq_lost};

bool rq_is_final(int code)
{
    return code != FF_UNAVAILABLE && code != FF_NO_MEMORY;
}

static void del_timer(const struct rq_session *s, struct ff_timer **timer)
{
    if (*timer)
        s->host->timer_del(s->host->self, *timer);
    *timer = NULL;
}

static void disconnect(struct rq_session *s)
{
    del_timer(s, &s->connect_timer);
    rq_link_close(&s->commands);
    rq_link_close(&s->news);
    s->listening = s->proved = false;
    s->state = RQ_WAITING;
}

void rq_stop(struct rq_session *s)
{
    del_timer(s, &s->retry);
    del_timer(s, &s->command_timer);
    del_timer(s, &s->renew_timer);
    disconnect(s);
    if (s->resolving)
        s->resolving->session = NULL;
    s->resolving = NULL;
}

/* --- the next try --- */

static void try_address(struct rq_session *s);
static void try_target(struct rq_session *s);

static void on_retry(void *arg)
{
    struct rq_session *s = arg;

    s->retry = NULL;
    if (s->to_target)
        try_target(s);
    else
        try_address(s);
}

static void retry_in(struct rq_session *s, int64_t delay_us, bool to_target)
{
    s->to_target = to_target;
    if (!s->retry)
        s->retry = s->host->timer_add(s->host->self, delay_us, on_retry, s);
}

/* Between half of the pause and all of it, so that those who lost it together part. */
static int64_t next_pause(struct rq_session *s)
{
    int64_t half_us;

    s->pause_us = s->pause_us ? s->pause_us * 2 : FIRST_PAUSE_US;
    if (s->pause_us > MAX_PAUSE_US)
        s->pause_us = MAX_PAUSE_US;
    half_us = s->pause_us / 2;
    return half_us +
           (int64_t)(s->host->random(s->host->self) % (uint64_t)(half_us + 1));
}

/* What is said once is not said again until a server has worked. */
static void tell(struct rq_session *s, const struct ff_err *err)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (const char *c = err->msg; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    for (size_t i = 0; i < s->n_told && i < RQ_MAX_TOLD; i++)
        if (s->told[i] == hash)
            return;
    s->told[s->n_told++ % RQ_MAX_TOLD] = hash;
    ff_log(s->host, rq_is_final(err->code) ? FF_ERROR : FF_WARN, "%s", err->msg);
}

/* One sentinel that is silent says nothing of the server: who waits is told of it only
 * when all of them are. */
static void remember(struct rq_session *s, const struct ff_err *err, bool all_failed)
{
    const bool silent = s->asking && s->n_greeted == 0 && !rq_is_final(err->code);
    struct ff_err none;

    if (!silent)
        s->heard = true;
    if (!silent) {
        tell(s, err);
        s->why = *err;
    } else if (all_failed && !s->heard) {
        ff_fail(&none, err->code, err->sys,
                "no Redis sentinel answers; the last: %.200s", err->msg);
        tell(s, &none);
        s->why = none;
    }
}

static void next_try(struct rq_session *s, const struct ff_err *err)
{
    const bool all_failed = ++s->n_failed >= s->n_addresses;

    disconnect(s);
    remember(s, err, all_failed);
    s->asking = false;
    if (all_failed) {
        s->n_failed = 0;
        s->heard = false;
    }
    if (all_failed && rq_is_final(s->why.code))
        rq_fail_waiting(s, &s->why);
    retry_in(s, all_failed ? next_pause(s) : 0, false);
}

static void skip_address(struct rq_session *s)
{
    s->at_address = (s->at_address + 1) % s->n_addresses;
}

static struct ff_err named(const struct rq_session *s, const struct ff_err *err)
{
    char where[RQ_WHERE];
    struct ff_err out = *err;

    if (strncmp(err->msg, "Redis ", 6) != 0)
        ff_fail(&out, err->code, err->sys, "%.160s: %.150s", rq_where(s, where),
                err->msg);
    return out;
}

static void part(struct rq_session *s, const struct ff_err *why)
{
    disconnect(s);
    rq_keep_unanswered(s, why);
    rq_subs_lost(s);
}

void rq_lost(struct rq_session *s, const struct ff_err *err)
{
    const struct ff_err why = named(s, err);

    if (s->state == RQ_WAITING)
        return;
    /* A sentinel that named a good server is the first to be asked again. */
    if (!rq_has_sentinels(&s->config) || !s->proved)
        skip_address(s);
    part(s, &why);
    next_try(s, &why);
}

/* Back to the same server a little later: what it refuses now it will do, or say who
 * does. */
static void wait_for(struct rq_session *s, const struct ff_err *err)
{
    part(s, err);
    tell(s, err);
    s->why = *err;
    retry_in(s, next_pause(s), true);
}

/* To where the server points, unless servers point to each other for ever. */
static void follow(struct rq_session *s, const redisReply *reply,
                   const struct ff_err *err)
{
    struct rq_address to = {0};

    if (s->n_jumps >= MAX_JUMPS || !rq_moved_to(s, reply, &to)) {
        s->n_jumps = 0;
        rq_lost(s, err);
        return;
    }
    s->n_jumps++;
    part(s, err);
    s->target = to;
    retry_in(s, 0, true);
}

void rq_leave_after(struct rq_session *s, enum rq_after after, const redisReply *reply,
                    const struct ff_err *err)
{
    if (s->state == RQ_WAITING)
        return;
    if (after == RQ_LEAVES)
        rq_lost(s, err);
    else if (after == RQ_WAITS)
        wait_for(s, err);
    else if (after == RQ_FOLLOWS)
        follow(s, reply, err);
}

/* --- one try --- */

static void on_too_late(void *arg)
{
    struct rq_session *s = arg;
    struct ff_err err;

    s->connect_timer = NULL;
    ff_fail(&err, FF_UNAVAILABLE, 0, "no connection within %sconnect_timeout",
            s->asking ? "a fifth of " : "");
    if (s->state == RQ_UP)
        rq_lost(s, &err);
    else
        on_down(s, &err);
}

/* The name that the certificate must be for. */
static const char *name_of(const struct rq_session *s)
{
    const char *name = s->config.tls_server_name;
    const char *host = s->target.host;

    if (name && *name)
        return name;
    return host[0] == '/' ? "localhost" : host;
}

static int open_link(struct rq_session *s, struct rq_link *l, struct ff_err *err)
{
    return rq_link_open(l, &s->places.items[s->at_place].any,
                        s->places.sizes[s->at_place], s->tls, name_of(s), err);
}

static void arm_connect_timer(struct rq_session *s)
{
    del_timer(s, &s->connect_timer);
    s->connect_timer = s->host->timer_add(
        s->host->self, s->config.connect_timeout_us / (s->asking ? SENTINELS_PART : 1),
        on_too_late, s);
}

static void give_up(struct rq_session *s, const struct ff_err *err)
{
    const struct ff_err why = named(s, err);

    skip_address(s);
    next_try(s, &why);
}

static void try_place(struct rq_session *s)
{
    struct ff_err err;

    ff_fail(&err, FF_UNAVAILABLE, 0, "no such host, or no such socket");
    while (s->at_place < s->places.n) {
        if (open_link(s, &s->commands, &err) == FF_OK) {
            s->state = RQ_CONNECTING;
            arm_connect_timer(s);
            return;
        }
        s->at_place++;
    }
    give_up(s, &err);
}

static void look_up(void *arg)
{
    struct rq_resolve *r = arg;

    rq_place_by_name(&r->address, &r->places);
}

static void on_looked_up(void *arg)
{
    struct rq_resolve *r = arg;
    struct rq_session *s = r->session;

    if (s) {
        s->resolving = NULL;
        s->places = r->places;
        s->at_place = 0;
        try_place(s);
    }
    free(r);
}

/* Off this machine without TLS only if that was asked for: who stands beside us may
 * name a server that does not. */
static int check_target(const struct rq_session *s, struct ff_err *err)
{
    char where[RQ_WHERE];

    if (s->tls || s->config.insecure || rq_is_local(&s->target))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0,
                   "%.160s: it is off this machine: set redis.tls: on, or insecure",
                   rq_where(s, where));
}

static void try_target(struct rq_session *s)
{
    struct ff_err err;

    s->generation++;
    s->n_greeted = 0;
    s->at_place = 0;
    s->cluster = s->config.cluster == RQ_CLUSTER_ON;
    if (check_target(s, &err) != FF_OK) {
        give_up(s, &err);
        return;
    }
    if (rq_place_now(&s->target, &s->places)) {
        try_place(s);
        return;
    }
    s->resolving = calloc(1, sizeof(*s->resolving));
    if (s->resolving) {
        *s->resolving = (struct rq_resolve){.session = s, .address = s->target};
        s->state = RQ_RESOLVING;
        if (s->host->work(s->host->self, look_up, on_looked_up, s->resolving) == FF_OK)
            return;
        free(s->resolving);
        s->resolving = NULL;
    }
    ff_fail(&err, FF_NO_MEMORY, 0, "its name cannot be looked up now");
    give_up(s, &err);
}

static void try_address(struct rq_session *s)
{
    s->asking = rq_has_sentinels(&s->config);
    s->target = s->addresses[s->at_address];
    try_target(s);
}

void rq_start(struct rq_session *s)
{
    s->commands.fns = &command_fns;
    s->news.fns = &news_fns;
    try_address(s);
}

/* Many a server lets us in and then refuses what we are there for. Only one that has
 * done it ends the pauses, or we would come back at once, for ever. */
void rq_prove(struct rq_session *s)
{
    char where[RQ_WHERE];

    if (s->proved || !s->listening)
        return;
    for (const struct rq_subscription *sub = s->subs; sub; sub = sub->next)
        if (!sub->gone && !sub->confirmed)
            return;
    s->proved = true;
    if (s->why.code != FF_OK)
        ff_log(s->host, FF_INFO, "%s: connected again", rq_where(s, where));
    s->why = (struct ff_err){0};
    s->n_told = 0;
    s->heard = false;
    s->pause_us = 0;
    s->n_failed = 0;
    s->n_jumps = 0;
}

/* --- the connection for commands --- */

static void no_memory(struct rq_session *s)
{
    struct ff_err err;

    ff_fail(&err, FF_NO_MEMORY, 0, "no memory to say who we are");
    rq_lost(s, &err);
}

static void on_up(struct rq_session *s)
{
    if (!(s->asking ? rq_ask_sentinel(s) : rq_greet(s)))
        no_memory(s);
}

static void on_down(struct rq_session *s, const struct ff_err *err)
{
    const bool may_be_elsewhere = s->n_greeted == 0 && !rq_is_final(err->code);

    if (s->state == RQ_UP) {
        rq_lost(s, err);
        return;
    }
    disconnect(s);
    if (may_be_elsewhere && s->at_place + 1 < s->places.n) {
        s->at_place++;
        try_place(s);
    } else {
        give_up(s, err);
    }
}

static void be_up(struct rq_session *s)
{
    struct ff_err err;

    if (rq_name_keys(s, &err) != FF_OK) {
        give_up(s, &err);
        return;
    }
    s->state = RQ_UP;
    /* What was asked before must come before what is out is compared. */
    rq_send_waiting(s);
    if (s->state == RQ_UP && s->was_up)
        rq_subs_back(s);
    s->was_up = true;
    if (s->state == RQ_UP && s->cluster)
        rq_learn_nodes(s);
    if (s->state == RQ_UP && open_link(s, &s->news, &err) != FF_OK)
        rq_lost(s, &err);
}

static void on_sentinel(struct rq_session *s, const redisReply *reply)
{
    struct rq_address primary = {0};
    struct ff_err err;
    bool done;

    if (rq_sentinel_said(s, reply, &done, &primary, &err) != FF_OK) {
        give_up(s, &err);
    } else if (done) {
        disconnect(s);
        s->asking = false;
        s->heard = true;
        s->target = primary;
        try_target(s);
    }
}

static void on_reply(struct rq_session *s, redisReply *reply)
{
    struct ff_err err;
    bool done;

    if (s->state == RQ_UP) {
        rq_on_reply(s, reply);
        return;
    }
    if (s->asking) {
        on_sentinel(s, reply);
        freeReplyObject(reply);
        return;
    }
    if (rq_greeted(s, reply, &done, &err) != FF_OK) {
        disconnect(s);
        give_up(s, &err);
    } else if (done) {
        be_up(s);
    }
    freeReplyObject(reply);
}

/* --- the connection for news --- */

static void on_news_up(struct rq_session *s)
{
    if (!rq_greet_news(s))
        no_memory(s);
}

static void on_news_reply(struct rq_session *s, redisReply *reply)
{
    struct ff_err err;
    bool done;

    if (s->listening) {
        rq_on_news(s, reply);
        return;
    }
    if (rq_news_greeted(s, reply, &done, &err) != FF_OK) {
        rq_lost(s, &err);
    } else if (done) {
        del_timer(s, &s->connect_timer);
        s->listening = true;
        rq_listen_to_all(s);
    }
    freeReplyObject(reply);
}
