/* queue-redis/error.c - what the server's errors mean to the core, in one table. */
#include "redis.h"

#include <string.h>

#define CLUSTER "it is part of a cluster: redis.cluster must not be off"

struct meaning {
    const char *begins;
    int code;
    enum rq_after after;
    const char *sentence;
};

/* The first match counts. */
static const struct meaning meanings[] = {
    {"NOAUTH", FF_DENIED, RQ_LEAVES, "it wants a password: set redis.password"},
    {"WRONGPASS", FF_DENIED, RQ_LEAVES, "it refuses the user or the password"},
    {"ERR AUTH", FF_DENIED, RQ_LEAVES, "it has no password, but redis.password is set"},
    {"ERR invalid password", FF_DENIED, RQ_LEAVES, "it refuses the password"},
    {"DENIED", FF_DENIED, RQ_LEAVES,
     "it is in protected mode: set a password there, and in redis.password"},
    {"NOPERM", FF_DENIED, RQ_GOES_ON, "the user lacks a right; see docs/redis.md"},
    {"ERR The user executing", FF_DENIED, RQ_GOES_ON,
     "the user lacks a right; see docs/redis.md"},
    {"OOM", FF_FULL, RQ_GOES_ON, "its memory is full (maxmemory)"},
    {"FULL", FF_FULL, RQ_GOES_ON, "a topic has redis.max_messages messages already"},
    {"LOADING", FF_UNAVAILABLE, RQ_LEAVES, "it is loading its data"},
    {"READONLY", FF_UNAVAILABLE, RQ_LEAVES, "it is a read-only replica"},
    {"MASTERDOWN", FF_UNAVAILABLE, RQ_LEAVES, "it is a replica without its primary"},
    {"NOREPLICAS", FF_UNAVAILABLE, RQ_GOES_ON, "it lacks the replicas that it wants"},
    {"MISCONF", FF_UNAVAILABLE, RQ_GOES_ON, "it takes no writes since it cannot save"},
    {"BUSY", FF_UNAVAILABLE, RQ_GOES_ON, "it is busy with a script of somebody"},
    {"UNBLOCKED", FF_UNAVAILABLE, RQ_LEAVES, "it has just become a replica"},
    {"CLUSTERDOWN", FF_UNAVAILABLE, RQ_LEAVES, "the cluster is down"},
    {"MOVED", FF_UNAVAILABLE, RQ_FOLLOWS, "our keys are at another node"},
    {"ASK", FF_UNAVAILABLE, RQ_WAITS, "our keys are on their way to another node"},
    {"TRYAGAIN", FF_UNAVAILABLE, RQ_WAITS, "our keys are on their way to it"},
    {"CROSSSLOT", FF_UNSUPPORTED, RQ_LEAVES, CLUSTER},
    {"ERR Script attempted to access a non local key", FF_UNSUPPORTED, RQ_LEAVES,
     CLUSTER},
    {"ERR SELECT is not allowed in cluster mode", FF_INVALID, RQ_LEAVES,
     "a cluster has no redis.db but 0"},
    {"ERR max number of clients", FF_UNAVAILABLE, RQ_LEAVES, "it has too many clients"},
    {"ERR DB index is out of range", FF_INVALID, RQ_LEAVES, "it has no such redis.db"},
    {"ERR invalid DB index", FF_INVALID, RQ_LEAVES, "it has no such redis.db"},
    {"WRONGTYPE", FF_INVALID, RQ_GOES_ON,
     "a key with redis.prefix is somebody else's: choose another prefix"},
};

static const struct meaning *meaning_of(const char *said)
{
    static const struct meaning unknown = {"", FF_INTERNAL, RQ_GOES_ON,
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
                  struct ff_err *err, enum rq_after *after)
{
    const struct meaning *m = meaning_of(reply->str);
    char where[RQ_WHERE];

    *after = m->after;
    return ff_fail(err, m->code, 0, "%.160s: %s (%.60s)", rq_where(s, where),
                   m->sentence, reply->str);
}
