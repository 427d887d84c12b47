/* queue-redis/cluster.c - what is different where the server is a node of a cluster.
 *
 * All keys of an installation share a hash tag, so that they are in one slot: scripts
 * need that, and hints need no more than one node does. Installations spread by their
 * prefixes. Which node has the slot is learned from its answers (MOVED) alone.
 *
 * While the slot moves to another node, nothing is done on either: each script names a
 * key that never exists, for which the old node refers to the new one (ASK) from the
 * first moment of a move. Going there would split lists between both, and MIGRATE finds
 * keys there already, and gives up. A slot with hints moves within a moment. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

/* Between the first { and the } after it, unless that is nothing. */
static bool has_tag(const char *prefix)
{
    const char *open = strchr(prefix, '{');
    const char *close = open ? strchr(open, '}') : NULL;

    return close && close > open + 1;
}

int rq_name_keys(struct rq_session *s, struct ff_err *err)
{
    const char *prefix = s->config.prefix;
    const bool tags = s->cluster && !has_tag(prefix);

    if (tags && prefix[0] == '}')
        return ff_fail(err, FF_INVALID, 0,
                       "redis: in a cluster prefix cannot begin with }");
    snprintf(s->prefix, sizeof(s->prefix), tags ? "{%s}" : "%s", prefix);
    /* Channels belong to no database of the server, so their names say which. */
    snprintf(s->channels, sizeof(s->channels), "%s@%lld:", s->prefix,
             (long long)s->config.db);
    return FF_OK;
}

/* "MOVED 3999 127.0.0.1:6381": without a host it is the one that answered. */
bool rq_moved_to(const struct rq_session *s, const redisReply *reply,
                 struct rq_address *out)
{
    const char *at = strrchr(reply->str, ' ');
    const char *colon = at ? strrchr(at, ':') : NULL;
    char host[sizeof(out->host)];

    if (!colon || (size_t)(colon - at) > sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - at - 1), at + 1);
    return rq_read_address(host[0] ? host : s->target.host, colon + 1, out);
}

/* --- other nodes, where those in the settings are gone --- */

static bool is_known(const struct rq_session *s, const struct rq_address *a)
{
    for (size_t i = 0; i < s->n_addresses; i++)
        if (s->addresses[i].port == a->port &&
            strcmp(s->addresses[i].host, a->host) == 0)
            return true;
    return false;
}

/* A host, a port, and what else a node says of itself. */
static void learn_node(struct rq_session *s, const redisReply *node)
{
    struct rq_address a;
    char port[24];

    if (node->type != REDIS_REPLY_ARRAY || node->elements < 2 ||
        node->element[0]->type != REDIS_REPLY_STRING ||
        node->element[1]->type != REDIS_REPLY_INTEGER)
        return;
    snprintf(port, sizeof(port), "%lld", node->element[1]->integer);
    if (s->n_addresses < RQ_MAX_ADDRESSES &&
        rq_read_address(node->element[0]->str, port, &a) && !is_known(s, &a))
        s->addresses[s->n_addresses++] = a;
}

/* Of each range of slots the first, the last, and the nodes. */
static void on_nodes(struct rq_session *s, const struct rq_command *c,
                     const redisReply *reply, const struct ff_err *err)
{
    (void)c;
    if (err || reply->type != REDIS_REPLY_ARRAY)
        return; /* whom it tells nothing may still use it */
    s->n_addresses = s->n_configured;
    s->at_address %= s->n_addresses;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *range = reply->element[i];

        for (size_t n = 2; range->type == REDIS_REPLY_ARRAY && n < range->elements; n++)
            learn_node(s, range->element[n]);
    }
}

void rq_learn_nodes(struct rq_session *s)
{
    struct rq_command *c = rq_command(RQ_PLAIN);

    if (!c)
        return;
    rq_arg_text(c, "CLUSTER");
    rq_arg_text(c, "SLOTS");
    c->again = false;
    c->fn = on_nodes;
    rq_send(s, c);
}
