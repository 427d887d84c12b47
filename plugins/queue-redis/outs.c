/* queue-redis/outs.c - messages that are out, by their numbers, which no other message
 * of the session ever has: a receipt that is old finds nothing. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

static bool grow(struct rq_session *s)
{
    const size_t n = s->n_buckets ? s->n_buckets * 2 : 64;
    struct rq_out **outs = calloc(n, sizeof(struct rq_out *));

    if (!outs)
        return false;
    for (size_t i = 0; i < s->n_buckets; i++)
        while (s->outs[i]) {
            struct rq_out *o = s->outs[i];

            s->outs[i] = o->next_of_hash;
            o->next_of_hash = outs[o->number % n];
            outs[o->number % n] = o;
        }
    free(s->outs);
    s->outs = outs;
    s->n_buckets = n;
    return true;
}

struct rq_out *rq_out_add(struct rq_subscription *sub, uint64_t number,
                          char receipt[RQ_RECEIPT_TEXT])
{
    struct rq_session *s = sub->session;
    struct rq_out *o;

    if (s->n_outs >= s->n_buckets && !grow(s))
        return NULL;
    o = calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->sub = sub;
    o->number = number;
    o->next_of_hash = s->outs[number % s->n_buckets];
    s->outs[number % s->n_buckets] = o;
    s->n_outs++;
    o->next = sub->first_out;
    if (o->next)
        o->next->prev = o;
    sub->first_out = o;
    sub->n_out++;
    snprintf(receipt, RQ_RECEIPT_TEXT, "%016llx", (unsigned long long)number);
    return o;
}

static void unlink_out(struct rq_session *s, struct rq_out *o)
{
    struct rq_out **at = &s->outs[o->number % s->n_buckets];

    while (*at != o)
        at = &(*at)->next_of_hash;
    *at = o->next_of_hash;
    s->n_outs--;
    if (o->prev)
        o->prev->next = o->next;
    else
        o->sub->first_out = o->next;
    if (o->next)
        o->next->prev = o->prev;
    o->sub->n_out--;
}

static bool read_receipt(const char *text, uint64_t *number)
{
    *number = 0;
    if (!text)
        return false;
    for (int i = 0; i < RQ_RECEIPT_TEXT - 1; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

        if (!digit)
            return false;
        *number = *number << 4 | (uint64_t)(digit - digits);
    }
    return text[RQ_RECEIPT_TEXT - 1] == '\0';
}

struct rq_out *rq_out_take(struct rq_session *s, const char *receipt)
{
    uint64_t number;
    struct rq_out *o;

    if (s->n_buckets == 0 || !read_receipt(receipt, &number))
        return NULL;
    o = s->outs[number % s->n_buckets];
    while (o && o->number != number)
        o = o->next_of_hash;
    if (o)
        unlink_out(s, o);
    return o;
}

void rq_outs_forget(struct rq_subscription *sub)
{
    struct rq_out *next;

    for (struct rq_out *o = sub->first_out; o; o = next) {
        next = o->next;
        unlink_out(sub->session, o);
        free(o);
    }
}

void rq_outs_done(struct rq_session *s)
{
    free(s->outs);
    s->outs = NULL;
    s->n_outs = s->n_buckets = 0;
}
