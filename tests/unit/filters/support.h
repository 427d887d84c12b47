/* A chain of drivers with its settings, and a record to try stores with. */
#ifndef TESTS_FILTERS_SUPPORT_H
#define TESTS_FILTERS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/driver.h"

struct chain {
    struct loop *loop;
    struct config *config;
    struct driver_instance *instance;
    void *session;
    struct ff_err err; /* of the last call */
};

/* Settings "section.key=value", ended by NULL. Opens one session and, of a store, sets
 * its schema up unless told not to. */
void chain_open(struct chain *c, uint32_t kind, const char *name, const char *filters,
                const char *const *settings);
void chain_make(struct chain *c, uint32_t kind, const char *name, const char *filters,
                const char *const *settings); /* without the session */
void chain_close(struct chain *c);
/* Runs the loop until all that was posted before has been done. */
void chain_settle(struct chain *c);

/* Record "thing": k (key), version, word. */
extern const struct ff_schema thing_schema;
int thing_put(struct chain *c, int64_t k, const char *word); /* insert */
int thing_count(struct chain *c, uint64_t *n);
int thing_scan(struct chain *c, uint64_t *n);

/* A file of this test's own: its name is at `at`; mem_free it. */
char *temp_file(void);
char *text_of_file(const char *path); /* mem_free it */

#endif
