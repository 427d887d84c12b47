/* redis_stream ADDRESS MESSAGES BATCH HOPS: messages through a stream of Redis by bare
 * hiredis. MESSAGES are added, BATCH to a pipeline with two of them under way, read by
 * a group on another connection, and acknowledged by one command for each BATCH. Then,
 * one by one: from an XADD to who waits in XREADGROUP, and a PING, the least that
 * anything can take. */
#include "limit.h"

#include <hiredis/hiredis.h>
#include <string.h>

#define BODY   100 /* an id of 36 bytes and a body of 64 */
#define WINDOW 2

struct bench {
    redisContext *adds, *reads;
    size_t batch;
    char body[BODY];
};

static redisContext *join(const char *address)
{
    redisContext *c = redisConnectUnix(address);

    if (!c || c->err)
        DIE("%s: %s", address, c ? c->errstr : "no memory");
    return c;
}

static redisReply *reply_of(redisContext *c)
{
    void *reply = NULL;

    if (redisGetReply(c, &reply) != REDIS_OK)
        DIE("%s", c->errstr);
    if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
        DIE("%s", ((redisReply *)reply)->str);
    return reply;
}

static void skip(redisContext *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        freeReplyObject(reply_of(c));
}

static void flush(redisContext *c)
{
    int done = 0;

    while (!done)
        if (redisBufferWrite(c, &done) != REDIS_OK)
            DIE("%s", c->errstr);
}

static void add(struct bench *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        redisAppendCommand(b->adds, "XADD s * m %b", b->body, (size_t)BODY);
    flush(b->adds);
}

static void ask(struct bench *b)
{
    redisAppendCommand(b->reads, "XREADGROUP GROUP g c COUNT %d BLOCK 0 STREAMS s >",
                       (int)b->batch);
}

/* One command for all that came. */
static size_t acknowledge(struct bench *b, const redisReply *read)
{
    const redisReply *messages = read->element[0]->element[1];
    const char *words[1024] = {"XACK", "s", "g"};
    size_t lens[1024] = {4, 1, 1};
    const size_t n = messages->elements;

    for (size_t i = 0; i < n; i++) {
        words[3 + i] = messages->element[i]->element[0]->str;
        lens[3 + i] = (size_t)messages->element[i]->element[0]->len;
    }
    redisAppendCommandArgv(b->reads, (int)n + 3, words, lens);
    return n;
}

/* Who reads asks for what was added for certain, so each answer is a full one; the
 * acknowledgement goes with the next question. */
static double run_many(struct bench *b, size_t total)
{
    const int64_t began = now_ns();
    size_t n_added = 0;
    size_t n_sure = 0;
    size_t n_read = 0;

    while (n_read < total) {
        redisReply *read;

        for (; n_added < total && n_added < n_sure + WINDOW * b->batch;
             n_added += b->batch)
            add(b, b->batch);
        if (n_sure < total) {
            skip(b->adds, b->batch);
            n_sure += b->batch;
        }
        ask(b);
        flush(b->reads);
        skip(b->reads, n_read > 0 ? 1 : 0);
        read = reply_of(b->reads);
        n_read += acknowledge(b, read);
        freeReplyObject(read);
    }
    flush(b->reads);
    skip(b->reads, 1);
    return (double)total * 1e9 / (double)(now_ns() - began);
}

static double run_hops(struct bench *b, size_t n)
{
    struct samples took = {0};

    for (size_t i = 0; i < n; i++) {
        redisReply *read;
        int64_t began;

        ask(b);
        flush(b->reads);
        freeReplyObject(redisCommand(b->adds, "PING")); /* who reads waits by now */
        began = now_ns();
        add(b, 1);
        read = reply_of(b->reads);
        samples_add(&took, now_ns() - began);
        acknowledge(b, read);
        flush(b->reads);
        freeReplyObject(read);
        skip(b->adds, 1);
        skip(b->reads, 1);
    }
    samples_sort(&took);
    return samples_us(&took, 0.5);
}

static double run_pings(struct bench *b, size_t n)
{
    struct samples took = {0};

    for (size_t i = 0; i < n; i++) {
        const int64_t began = now_ns();

        freeReplyObject(redisCommand(b->adds, "PING"));
        samples_add(&took, now_ns() - began);
    }
    samples_sort(&took);
    return samples_us(&took, 0.5);
}

int main(int argc, char **argv)
{
    struct bench b = {.batch = argc == 5 ? strtoul(argv[3], NULL, 10) : 0};
    const size_t total = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    const size_t hops = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    double per_s;
    double hop_us;

    if (b.batch < 1 || b.batch > 1000 || total % b.batch != 0 || total < 1 || hops < 1)
        DIE("usage: redis_stream SOCKET MESSAGES BATCH HOPS");
    memset(b.body, 'x', sizeof(b.body));
    b.adds = join(argv[1]);
    b.reads = join(argv[1]);
    freeReplyObject(redisCommand(b.adds, "XGROUP CREATE s g 0 MKSTREAM"));
    per_s = run_many(&b, total);
    hop_us = run_hops(&b, hops);
    printf("{\"messages_per_s\": %.0f, \"hop_p50_us\": %.1f, \"ping_p50_us\": %.1f}\n",
           per_s, hop_us, run_pings(&b, hops));
    redisFree(b.adds);
    redisFree(b.reads);
    return 0;
}
