/* What the tests of driver share. */
#ifndef TESTS_DRIVER_SUPPORT_H
#define TESTS_DRIVER_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/driver_priv.h"

/* A linked-in queue driver for tests to poke at: its publish hands op and host to
 * `on_publish`, everything else succeeds at once. */
typedef void poke_fn(const struct ff_host *host, struct ff_op *op);
extern poke_fn *on_publish;
extern int open_code;         /* what its open() returns */
extern const char *open_says; /* the sentence with which it fails; NULL: none */
extern bool open_gives;       /* whether it gives a session */

struct poke_config {
    const char *word;
    int64_t limit, retries;
};
extern const struct poke_config *seen_config; /* what open() got */
extern const struct ff_host *seen_host;
extern const struct ff_driver poke_driver;

/* One instance of it on a loop of its own, with an open session. */
struct fixture {
    struct loop *loop;
    struct driver_instance *instance;
    void *queue;
};

void fixture_init(struct fixture *f);
void fixture_done(struct fixture *f); /* what is NULL in it was freed by the test */
void fixture_publish(struct fixture *f, driver_done_fn *fn, void *arg);

/* Runs fn in a child; its exit code, or 128 and the number of the signal. */
int exit_code_of(void (*fn)(void));

#endif
