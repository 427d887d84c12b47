/* queue-redis/command.c - commands on their way: those that wait for a connection, and
 * those that wait for their answer, which come in order. Any number may be under way.
 */
#include "redis.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t rq_mono_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- lists --- */

static void add_last(struct rq_commands *l, struct rq_command *c)
{
    c->next = NULL;
    if (l->last)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
}

static void add_first(struct rq_commands *l, struct rq_command *c)
{
    c->next = l->first;
    l->first = c;
    if (!l->last)
        l->last = c;
}

static struct rq_command *take_first(struct rq_commands *l)
{
    struct rq_command *c = l->first;

    if (!c)
        return NULL;
    l->first = c->next;
    if (!l->first)
        l->last = NULL;
    return c;
}

/* --- making one --- */

void rq_arg(struct rq_command *c, const void *data, size_t len)
{
    if (!c)
        return;
    rq_add_bulk(&c->args, data, len);
    c->n_args++;
}

void rq_arg_text(struct rq_command *c, const char *text)
{
    rq_arg(c, text, strlen(text));
}

void rq_arg_int(struct rq_command *c, int64_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)n);
    rq_arg_text(c, text);
}

struct rq_command *rq_command(enum rq_script script)
{
    struct rq_command *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->script = script;
    c->again = true;
    return c;
}

struct rq_command *rq_command_of(enum rq_script script,
                                 const struct rq_subscription *sub)
{
    struct rq_command *c = rq_command(script);

    rq_arg(c, sub->topic, strlen(sub->topic));
    rq_arg_text(c, sub->holder);
    return c;
}

void rq_free_command(struct rq_command *c)
{
    if (c)
        rq_text_done(&c->args);
    free(c);
}

static void finish(struct rq_session *s, struct rq_command *c, const redisReply *reply,
                   const struct ff_err *err)
{
    s->pending_bytes -= c->args.len;
    c->fn(s, c, reply, err);
    rq_free_command(c);
}

/* --- sending --- */

static void add_text(struct rq_text *to, const char *text)
{
    rq_add_bulk(to, text, strlen(text));
}

/* What all scripts begin with: only now it is known what kind of server it is for.
 * Names of keys follow from topics, so none is given but, in a cluster, the one that
 * leads to the slot. */
static void add_script(const struct rq_session *s, const struct rq_command *c,
                       struct rq_text *to)
{
    char keep_ms[24];

    snprintf(keep_ms, sizeof(keep_ms), "%lld", (long long)s->config.keep_us / 1000);
    rq_addf(to, "*%u\r\n", c->n_args + (s->cluster ? 7U : 6U));
    add_text(to, c->in_full ? "EVAL" : "EVALSHA");
    add_text(to, c->in_full ? rq_scripts[c->script] : s->sha[c->script]);
    add_text(to, s->cluster ? "1" : "0");
    if (s->cluster)
        add_text(to, s->prefix);
    add_text(to, s->prefix);
    add_text(to, s->channels);
    add_text(to, keep_ms);
}

static bool transmit(struct rq_session *s, const struct rq_command *c)
{
    struct rq_text head = {0};
    bool sent;

    if (c->script == RQ_PLAIN)
        rq_addf(&head, "*%u\r\n", c->n_args);
    else
        add_script(s, c, &head);
    sent = !head.failed && rq_link_add(&s->commands, head.s, head.len) &&
           rq_link_add(&s->commands, c->args.s, c->args.len);
    rq_text_done(&head);
    /* While the server works, more is gathered; one that waits gets it now. */
    rq_link_go(&s->commands, s->sent.first == c);
    return sent;
}

static void no_memory(struct rq_session *s)
{
    struct ff_err err;

    ff_fail(&err, FF_NO_MEMORY, 0, "no memory to send a command");
    rq_lost(s, &err);
}

void rq_send(struct rq_session *s, struct rq_command *c)
{
    struct ff_err err;

    s->pending_bytes += c->args.len;
    if (c->args.failed) {
        ff_fail(&err, FF_NO_MEMORY, 0, "no memory for a command");
        finish(s, c, NULL, &err);
        return;
    }
    c->deadline_us = rq_mono_us() + s->config.command_timeout_us;
    add_last(s->state == RQ_UP ? &s->sent : &s->waiting, c);
    rq_watch_deadlines(s);
    if (s->state == RQ_UP && !transmit(s, c))
        no_memory(s);
}

void rq_send_waiting(struct rq_session *s)
{
    struct rq_command *c;

    while (s->state == RQ_UP && (c = take_first(&s->waiting))) {
        add_last(&s->sent, c);
        c->in_full = false;
        if (!transmit(s, c))
            no_memory(s);
    }
}

/* --- answers --- */

static void send_in_full(struct rq_session *s, struct rq_command *c)
{
    c->in_full = true;
    add_last(&s->sent, c);
    if (!transmit(s, c))
        no_memory(s);
}

/* A server that will not do it has not done it: it is for the next one. */
static void refused(struct rq_session *s, struct rq_command *c, const redisReply *reply)
{
    struct ff_err err;
    enum rq_after after;

    rq_fail_reply(s, reply, &err, &after);
    c->again = c->again || c->script == RQ_BROADCAST;
    if (after != RQ_GOES_ON && c->again && err.code == FF_UNAVAILABLE)
        add_first(&s->sent, c);
    else
        finish(s, c, NULL, &err);
    rq_leave_after(s, after, reply, &err);
}

void rq_on_reply(struct rq_session *s, redisReply *reply)
{
    struct rq_command *c = take_first(&s->sent);
    struct ff_err err;

    if (!c) {
        ff_fail(&err, FF_UNAVAILABLE, 0, "an answer came that nobody asked for");
        rq_lost(s, &err);
    } else if (rq_is_error(reply, "NOSCRIPT") && !c->in_full) {
        send_in_full(s, c);
    } else if (reply->type != REDIS_REPLY_ERROR) {
        rq_prove(s);
        finish(s, c, reply, NULL);
    } else {
        refused(s, c, reply);
    }
    freeReplyObject(reply);
}

/* What may be repeated waits for the next connection, in its order; the rest is told.
 */
void rq_keep_unanswered(struct rq_session *s, const struct ff_err *err)
{
    struct rq_commands sent = s->sent;
    struct rq_commands kept = {0};
    struct rq_command *c;

    s->sent = (struct rq_commands){0};
    while ((c = take_first(&sent)))
        if (c->again)
            add_last(&kept, c);
        else
            finish(s, c, NULL, err);
    while ((c = take_first(&s->waiting)))
        add_last(&kept, c);
    s->waiting = kept;
}

void rq_fail_waiting(struct rq_session *s, const struct ff_err *err)
{
    struct rq_commands failed = s->waiting;
    struct rq_command *c;

    s->waiting = (struct rq_commands){0};
    while ((c = take_first(&failed)))
        finish(s, c, NULL, err);
}

/* --- deadlines --- */

static void expire(struct rq_session *s, int64_t now_us)
{
    char where[RQ_WHERE];
    struct ff_err err = s->why;
    struct rq_command *c;

    if (err.code == FF_OK)
        ff_fail(&err, FF_UNAVAILABLE, 0, "%.160s: no answer within command_timeout",
                rq_where(s, where));
    while (s->waiting.first && s->waiting.first->deadline_us <= now_us) {
        c = take_first(&s->waiting);
        finish(s, c, NULL, &err);
    }
}

static void on_deadline(void *arg)
{
    struct rq_session *s = arg;
    const int64_t now_us = rq_mono_us();
    struct ff_err err;

    s->command_timer = NULL;
    if (s->sent.first && s->sent.first->deadline_us <= now_us) {
        ff_fail(&err, FF_UNAVAILABLE, 0, "no answer within command_timeout");
        rq_lost(s, &err);
    }
    expire(s, now_us);
    rq_watch_deadlines(s);
}

void rq_watch_deadlines(struct rq_session *s)
{
    const struct rq_command *first = s->sent.first;
    int64_t left_us;

    if (!first ||
        (s->waiting.first && s->waiting.first->deadline_us < first->deadline_us))
        first = s->waiting.first;
    if (!first || s->command_timer)
        return;
    left_us = first->deadline_us - rq_mono_us();
    s->command_timer =
        s->host->timer_add(s->host->self, left_us > 0 ? left_us : 0, on_deadline, s);
}
