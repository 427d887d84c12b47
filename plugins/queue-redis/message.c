/* queue-redis/message.c - a message as one value: "DELIVERY|UNIQUE ID\0BODY", where
 * DELIVERY are digits that the scripts count up, and UNIQUE 16 bytes that keep two
 * equal messages apart in a set. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

#define UNIQUE_LEN 16

int rq_check_topic(const char *topic, struct ff_err *err)
{
    if (!topic || !*topic || strlen(topic) > RQ_MAX_TOPIC)
        return ff_fail(err, FF_INVALID, 0, "a topic has 1 to %d bytes", RQ_MAX_TOPIC);
    return FF_OK;
}

int rq_check_message(const struct ff_message *m, struct ff_err *err)
{
    int code = rq_check_topic(m->topic, err);

    if (code != FF_OK)
        return code;
    if (!m->id || strlen(m->id) > RQ_MAX_ID)
        return ff_fail(err, FF_INVALID, 0,
                       "topic %.80s: a message has an id of at most %d bytes", m->topic,
                       RQ_MAX_ID);
    if (m->len > RQ_MAX_BODY || (m->len > 0 && !m->body))
        return ff_fail(err, FF_INVALID, 0,
                       "topic %.80s: a message has a body of at most %zu bytes",
                       m->topic, RQ_MAX_BODY);
    return FF_OK;
}

void rq_pack(struct rq_session *s, struct rq_text *to, const struct ff_message *m)
{
    const uint64_t number = s->next_message++;

    rq_add(to, "0|", 2);
    rq_add(to, s->id, UNIQUE_LEN - sizeof(number));
    rq_add(to, &number, sizeof(number));
    rq_add(to, m->id, strlen(m->id) + 1);
    rq_add(to, m->body, m->len);
}

bool rq_unpack(const char *data, size_t len, struct ff_message *out)
{
    const char *bar = memchr(data, '|', len < 12 ? len : 12);
    const char *end = data + len;
    const char *id = bar ? bar + 1 + UNIQUE_LEN : NULL;
    unsigned long long delivery = 0;

    if (!bar || bar == data || id > end)
        return false;
    for (const char *c = data; c < bar; c++) {
        if (*c < '0' || *c > '9')
            return false;
        delivery = delivery * 10 + (unsigned)(*c - '0');
    }

    const char *id_end = memchr(id, '\0', (size_t)(end - id));

    if (!id_end || id_end - id > RQ_MAX_ID || (size_t)(end - id_end) - 1 > RQ_MAX_BODY)
        return false;
    out->delivery = delivery < UINT32_MAX ? (uint32_t)delivery + 1 : UINT32_MAX;
    out->id = id;
    out->body = id_end + 1;
    out->len = (size_t)(end - id_end) - 1;
    return true;
}
