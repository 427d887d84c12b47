/* queue-redis/error.c - what the server's errors mean to the core, in one table. */
#include "redis.h"

#include <string.h>

struct meaning {
    const char *begins;
    int code;
    bool loses; /* the connection is of no use: another server is asked */
    const char *sentence;
};

/* The first match counts. */
static const struct meaning meanings[] = {
    {"NOAUTH", FF_DENIED, true, "it wants a password: set redis.password"},
    {"WRONGPASS", FF_DENIED, true, "it refuses the user or the password"},
    {"ERR AUTH", FF_DENIED, true, "it has no password, but redis.password is set"},
    {"ERR invalid password", FF_DENIED, true, "it refuses the password"},
    {"DENIED", FF_DENIED, true,
     "it is in protected mode: set a password there, and in redis.password"},
    {"NOPERM", FF_DENIED, false, "the user lacks a right; see docs/redis.md"},
    {"ERR The user executing", FF_DENIED, false,
     "the user lacks a right; see docs/redis.md"},
    {"OOM", FF_FULL, false, "its memory is full (maxmemory)"},
    {"FULL", FF_FULL, false, "a topic has redis.max_messages messages already"},
    {"LOADING", FF_UNAVAILABLE, true, "it is loading its data"},
    {"READONLY", FF_UNAVAILABLE, true, "it is a read-only replica"},
    {"MASTERDOWN", FF_UNAVAILABLE, true, "it is a replica without its primary"},
    {"NOREPLICAS", FF_UNAVAILABLE, false, "it lacks the replicas that it wants"},
    {"MISCONF", FF_UNAVAILABLE, false, "it takes no writes since it cannot save"},
    {"BUSY", FF_UNAVAILABLE, false, "it is busy with a script of somebody"},
    {"UNBLOCKED", FF_UNAVAILABLE, true, "it has just become a replica"},
    {"CLUSTERDOWN", FF_UNSUPPORTED, true, "it is part of a cluster"},
    {"MOVED", FF_UNSUPPORTED, true, "it is part of a cluster"},
    {"ASK", FF_UNSUPPORTED, true, "it is part of a cluster"},
    {"CROSSSLOT", FF_UNSUPPORTED, true, "it is part of a cluster"},
    {"ERR max number of clients", FF_UNAVAILABLE, true, "it has too many clients"},
    {"ERR DB index is out of range", FF_INVALID, true, "it has no such redis.db"},
    {"ERR invalid DB index", FF_INVALID, true, "it has no such redis.db"},
    {"WRONGTYPE", FF_INVALID, false,
     "a key with redis.prefix is somebody else's: choose another prefix"},
};

static const struct meaning *meaning_of(const char *said)
{
    static const struct meaning unknown = {"", FF_INTERNAL, false,
                                           "an unexpected error"};

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (strncmp(said, meanings[i].begins, strlen(meanings[i].begins)) == 0)
            return &meanings[i];
    return &unknown;
}

bool rq_is_error(const redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_ERROR &&
           strncmp(reply->str, word, strlen(word)) == 0;
}

/* A server that does not know AUTH repeats what came with it. */
int rq_fail_auth(const struct rq_session *s, const redisReply *reply,
                 struct ff_err *err)
{
    const struct meaning *m = meaning_of(reply->str);
    char where[RQ_WHERE];

    return ff_fail(err, m->code != FF_INTERNAL ? m->code : FF_DENIED, 0, "%.160s: %s",
                   rq_where(s, where),
                   m->code != FF_INTERNAL ? m->sentence : "it does not take AUTH");
}

/* The server's own words hold names of commands and of keys, no contents. */
int rq_fail_reply(const struct rq_session *s, const redisReply *reply,
                  struct ff_err *err, bool *loses)
{
    const struct meaning *m = meaning_of(reply->str);
    char where[RQ_WHERE];

    *loses = m->loses;
    return ff_fail(err, m->code, 0, "%.160s: %s (%.60s)", rq_where(s, where),
                   m->sentence, reply->str);
}
