/* receipts.h - names for messages that are out: which one is meant by an ack. */
#ifndef QUEUE_MEMORY_RECEIPTS_H
#define QUEUE_MEMORY_RECEIPTS_H

#include "message.h"

#define RECEIPT_TEXT 17 /* 16 hex digits and NUL */

struct receipt {
    struct message *message; /* NULL: unused */
    uint32_t round;          /* how often the place was used: an old receipt differs */
    uint32_t next_unused;    /* place plus 1; 0: the last */
};

/* Zeroed is empty and ready. */
struct receipts {
    struct receipt *items;
    uint32_t n, cap;
    uint32_t first_unused; /* place plus 1; 0: none */
};

/* False when there is no memory. Sets m->receipt. */
bool receipts_add(struct receipts *r, struct message *m, char out[RECEIPT_TEXT]);
/* The message, which has no receipt any more; NULL when it is not out under this. */
struct message *receipts_take(struct receipts *r, const char *text);
void receipts_del(struct receipts *r, const struct message *m);
void receipts_done(struct receipts *r);

#endif
