/* cli/executor/ask.h - requests to servers by libcurl. Each asker keeps a connection of
 * its own, so that one that waits holds up no other. */
#ifndef CLI_EXECUTOR_ASK_H
#define CLI_EXECUTOR_ASK_H

#include "base/base.h"

#include <stdatomic.h>

struct asker;

struct ask {
    const char *method, *url;
    const char *token;
    const char *ca;   /* or NULL */
    const char *type; /* of the body */
    const void *body; /* or NULL */
    size_t len;
    int64_t timeout_us;
    const atomic_bool *given_up; /* true: nobody waits for the answer any more */
};
struct answer {
    long status; /* 0: nobody answered */
    char type[64];
    struct buf body; /* buf_done it */
};

void ask_init(void); /* once, before there are threads */
struct asker *asker_new(void);
void asker_free(struct asker *a); /* takes NULL */
/* Worker thread; one at a time for one asker. FF_UNAVAILABLE: nobody answered. */
int ask(struct asker *a, const struct ask *what, struct answer *answer,
        struct ff_err *err);

/* A value of a query, with what must not stand there escaped. */
void ask_add_escaped(struct buf *url, const char *text);

#endif
