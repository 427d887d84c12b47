/* queue-redis/sentinel.c - asks a sentinel which server is the primary.
 *
 * How, and what to do with the answer (server.c), is the protocol of "Guidelines for
 * Redis clients with support for Redis Sentinel" of Redis' documentation: the sentinels
 * in turn, each with little patience; what is named is asked for its role; and all of
 * it again whenever a connection is lost. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

bool rq_has_sentinels(const struct rq_config *c)
{
    return c->sentinel_master && *c->sentinel_master;
}

bool rq_ask_sentinel(struct rq_session *s)
{
    const struct rq_config *c = &s->config;
    struct rq_text text = {0};
    bool sent;

    rq_say_who(c->sentinel_user, c->sentinel_password, &text);
    rq_say(&text, (const char *const[]){"SENTINEL", "get-master-addr-by-name",
                                        c->sentinel_master, NULL});
    sent = !text.failed && rq_link_send(&s->commands, text.s, text.len);
    rq_text_done(&text);
    return sent;
}

static int fail(const struct rq_session *s, int code, const char *why,
                struct ff_err *err)
{
    char where[RQ_WHERE];

    return ff_fail(err, code, 0, "%.160s: %s", rq_where(s, where), why);
}

/* None of the server's own words: one that does not know AUTH repeats what came. */
static int refused(const struct rq_session *s, const redisReply *reply,
                   struct ff_err *err)
{
    static const struct {
        const char *begins;
        int code;
        const char *why;
    } rows[] = {
        {"NOAUTH", FF_DENIED, "it wants a password: set redis.sentinel_password"},
        {"WRONGPASS", FF_DENIED,
         "it refuses redis.sentinel_user or redis.sentinel_password"},
        {"ERR AUTH", FF_DENIED,
         "it has no password, but redis.sentinel_password is set"},
        {"ERR invalid password", FF_DENIED, "it refuses redis.sentinel_password"},
        {"NOPERM", FF_DENIED, "the user lacks a right; see docs/redis.md"},
        {"DENIED", FF_DENIED,
         "it is in protected mode: set a password there, and in "
         "redis.sentinel_password"},
        {"ERR unknown command", FF_INVALID,
         "it is no sentinel, but redis.sentinel_master is set"},
        {"ERR max number of clients", FF_UNAVAILABLE, "it has too many clients"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rq_is_error(reply, rows[i].begins))
            return fail(s, rows[i].code, rows[i].why, err);
    return fail(s, FF_UNAVAILABLE, "an unexpected error", err);
}

static int read_answer(const struct rq_session *s, const redisReply *reply,
                       struct rq_address *out, struct ff_err *err)
{
    const redisReply *host = NULL;
    const redisReply *port = NULL;

    if (reply->type == REDIS_REPLY_NIL)
        return fail(s, FF_INVALID,
                    "it watches no primary of the name redis.sentinel_master", err);
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        host = reply->element[0];
        port = reply->element[1];
    }
    if (!host || host->type != REDIS_REPLY_STRING || port->type != REDIS_REPLY_STRING ||
        !rq_read_address(host->str, port->str, out))
        return fail(s, FF_UNAVAILABLE, "its answer is no address", err);
    return FF_OK;
}

int rq_sentinel_said(struct rq_session *s, const redisReply *reply, bool *done,
                     struct rq_address *out, struct ff_err *err)
{
    const bool is_auth = s->config.sentinel_password && s->n_greeted == 0;

    s->n_greeted++;
    *done = !is_auth;
    if (reply->type == REDIS_REPLY_ERROR)
        return refused(s, reply, err);
    return is_auth ? FF_OK : read_answer(s, reply, out, err);
}
