/* queue-redis/greet.c - the first words on a connection: who we are, and whether the
 * server is one that we can use. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

/* The steps in order; one that is not needed is left out. */
enum step { AUTH, SELECT, NAME, HELLO, INFO, LOAD };

static unsigned steps_before_load(const struct rq_config *c)
{
    return (c->password ? 1U : 0U) + (c->db ? 1U : 0U) + 3U;
}

static enum step step_of(const struct rq_config *c, unsigned n)
{
    if (c->password && n-- == 0)
        return AUTH;
    if (c->db && n-- == 0)
        return SELECT;
    return n < 3 ? (enum step)(NAME + n) : LOAD;
}

void rq_say(struct rq_text *to, const char *const *words)
{
    size_t n = 0;

    while (words[n])
        n++;
    rq_addf(to, "*%zu\r\n", n);
    for (size_t i = 0; i < n; i++)
        rq_add_bulk(to, words[i], strlen(words[i]));
}

void rq_say_who(const char *user, const char *password, struct rq_text *to)
{
    if (password && user && *user)
        rq_say(to, (const char *const[]){"AUTH", user, password, NULL});
    else if (password)
        rq_say(to, (const char *const[]){"AUTH", password, NULL});
}

static bool send_all(struct rq_link *l, struct rq_text *text)
{
    const bool sent = !text->failed && rq_link_send(l, text->s, text->len);

    rq_text_done(text);
    return sent;
}

bool rq_greet(struct rq_session *s)
{
    const struct rq_config *c = &s->config;
    struct rq_text text = {0};
    char db[24];

    snprintf(db, sizeof(db), "%lld", (long long)c->db);
    rq_say_who(c->user, c->password, &text);
    if (c->db)
        rq_say(&text, (const char *const[]){"SELECT", db, NULL});
    rq_say(&text, (const char *const[]){"CLIENT", "SETNAME", "flowforge", NULL});
    rq_say(&text, (const char *const[]){"HELLO", NULL});
    rq_say(&text, (const char *const[]){"INFO", NULL});
    for (size_t i = 0; i < RQ_N_SCRIPTS; i++)
        rq_say(&text, (const char *const[]){"SCRIPT", "LOAD", rq_scripts[i], NULL});
    return send_all(&s->commands, &text);
}

bool rq_greet_news(struct rq_session *s)
{
    struct rq_text text = {0};

    s->n_news_greeted = 0;
    rq_say_who(s->config.user, s->config.password, &text);
    rq_say(&text, (const char *const[]){"CLIENT", "SETNAME", "flowforge-news", NULL});
    return send_all(&s->news, &text);
}

/* --- what kind of server --- */

/* The value of a line "NAME:VALUE" of INFO; false: there is none. */
static bool info(const redisReply *reply, const char *name, char *out, size_t size)
{
    const char *at = reply->str;
    const size_t len = strlen(name);

    while (at && (strncmp(at, name, len) != 0 || at[len] != ':')) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return false;
    at += len + 1;
    snprintf(out, size, "%.*s", (int)strcspn(at, "\r\n"), at);
    return true;
}

static bool info_is(const redisReply *reply, const char *name, const char *value)
{
    char found[64];

    return info(reply, name, found, sizeof(found)) && strcmp(found, value) == 0;
}

static int refuse(const struct rq_session *s, int code, const char *why,
                  struct ff_err *err)
{
    char where[RQ_WHERE];

    return ff_fail(err, code, 0, "%.160s: %s", rq_where(s, where), why);
}

/* Messages are hints, so losing some is no mistake; but somebody should know why work
 * starts late. */
static void warn_of_eviction(struct rq_session *s, const redisReply *reply)
{
    char policy[64];
    char where[RQ_WHERE];

    if (s->told_eviction || info_is(reply, "maxmemory", "0") ||
        !info(reply, "maxmemory_policy", policy, sizeof(policy)) ||
        strcmp(policy, "noeviction") == 0)
        return;
    s->told_eviction = true;
    ff_log(s->host, FF_WARN,
           "%s: with maxmemory-policy %s it drops messages when its memory is "
           "full, and work starts late; use noeviction",
           rq_where(s, where), policy);
}

static int refuse_replica(const struct rq_session *s, struct ff_err *err)
{
    return refuse(s, FF_UNAVAILABLE,
                  rq_has_sentinels(&s->config)
                      ? "it is a read-only replica"
                      : "it is a read-only replica; name the primary, or all of them "
                        "in redis.addresses",
                  err);
}

static void note_mode(struct rq_session *s, bool is_cluster)
{
    if (s->config.cluster == RQ_CLUSTER_AUTO && is_cluster)
        s->cluster = true;
}

static bool says(const redisReply *reply, const char *name, const char *value)
{
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const redisReply *key = reply->element[i];
        const redisReply *is = reply->element[i + 1];

        if (key->type == REDIS_REPLY_STRING && strcmp(key->str, name) == 0)
            return is->type == REDIS_REPLY_STRING && strcmp(is->str, value) == 0;
    }
    return false;
}

/* HELLO gives names and values. The role is as ROLE tells it, but that is a right which
 * few users have. A server that does not know the command refuses writes in time. In a
 * cluster a replica says where its primary is. */
static int meet(struct rq_session *s, const redisReply *reply, struct ff_err *err)
{
    note_mode(s, says(reply, "mode", "cluster"));
    return !s->cluster && says(reply, "role", "replica") ? refuse_replica(s, err)
                                                         : FF_OK;
}

static int judge(struct rq_session *s, const redisReply *reply, struct ff_err *err)
{
    char version[32];

    if (reply->type != REDIS_REPLY_STRING)
        return FF_OK; /* whom it tells nothing may still use it */
    if (info_is(reply, "loading", "1"))
        return refuse(s, FF_UNAVAILABLE, "it is loading its data", err);
    note_mode(s, info_is(reply, "redis_mode", "cluster"));
    if (info_is(reply, "redis_mode", "sentinel"))
        return refuse(s, FF_UNSUPPORTED,
                      "it is a sentinel; set redis.sentinel_master to the name of "
                      "the primary that it watches",
                      err);
    if (!s->cluster && info_is(reply, "role", "slave"))
        return refuse_replica(s, err);
    if (info(reply, "redis_version", version, sizeof(version)) && atoi(version) < 7)
        return refuse(s, FF_UNSUPPORTED, "it is older than Redis 7", err);
    warn_of_eviction(s, reply);
    return FF_OK;
}

static int keep_sha(struct rq_session *s, size_t script, const redisReply *reply,
                    struct ff_err *err)
{
    if (reply->type != REDIS_REPLY_STRING || reply->len != sizeof(s->sha[0]) - 1)
        return refuse(s, FF_UNSUPPORTED, "it does not take scripts", err);
    memcpy(s->sha[script], reply->str, sizeof(s->sha[0]));
    return FF_OK;
}

int rq_greeted(struct rq_session *s, const redisReply *reply, bool *done,
               struct ff_err *err)
{
    const unsigned n = s->n_greeted++;
    const unsigned before = steps_before_load(&s->config);
    const enum step step = step_of(&s->config, n);
    enum rq_after after;

    *done = n + 1 == before + RQ_N_SCRIPTS;
    /* A user without the right to ask or to have a name may still do the work. */
    if (rq_is_error(reply, "NOPERM") && (step == NAME || step == INFO))
        return FF_OK;
    if (step == HELLO && !rq_is_error(reply, "NOAUTH"))
        return meet(s, reply, err);
    if (reply->type == REDIS_REPLY_ERROR)
        return step == AUTH ? rq_fail_auth(s, reply, err)
                            : rq_fail_reply(s, reply, err, &after);
    if (step == INFO)
        return judge(s, reply, err);
    return step == LOAD ? keep_sha(s, n - before, reply, err) : FF_OK;
}

int rq_news_greeted(struct rq_session *s, const redisReply *reply, bool *done,
                    struct ff_err *err)
{
    const bool has_auth = s->config.password != NULL;
    const unsigned n = s->n_news_greeted++;
    const bool is_name = n == (has_auth ? 1U : 0U);
    enum rq_after after;

    *done = is_name;
    if (reply->type != REDIS_REPLY_ERROR || (is_name && rq_is_error(reply, "NOPERM")))
        return FF_OK;
    return is_name ? rq_fail_reply(s, reply, err, &after) : rq_fail_auth(s, reply, err);
}
