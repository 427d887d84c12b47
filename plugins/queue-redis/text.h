/* queue-redis/text.h - bytes that grow. A failure to grow is remembered until it is
 * asked for, so that many additions need one check. */
#ifndef QUEUE_REDIS_TEXT_H
#define QUEUE_REDIS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flowforge/base.h>

struct rq_text {
    char *s;
    size_t len, cap;
    bool failed;
};

void rq_add(struct rq_text *t, const void *data, size_t len);
void rq_addf(struct rq_text *t, const char *fmt, ...) FF_PRINTF(2, 3);
/* One argument of a command, as the protocol wants it. */
void rq_add_bulk(struct rq_text *t, const void *data, size_t len);
void rq_text_done(struct rq_text *t);

#endif
