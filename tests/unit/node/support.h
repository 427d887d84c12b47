/* A process with a data directory of its own, and a pool of readers: what a server has
 * for its users, without the server. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "node/node_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct place {
    char *dir;
    struct loop *loop;
    struct config *config;
    struct node *node;
    struct store *store;
    struct store_readers *pool;
    size_t n_answers, stop_at;
};

void check(int code, const struct ff_err *err);

/* cmocka set-up and tear-down; *state is the struct place. */
int place_open_memory(void **state);
int place_open_sqlite(void **state);
int place_open_lying(void **state); /* the second commit is made, and then in doubt */
int place_open_doubtful(void **state); /* the first is not made, and in doubt */
int place_close(void **state);

#define ON_EACH(name)                                                                  \
    {#name "_in_memory", name, place_open_memory, place_close, NULL},                  \
    {                                                                                  \
#name "_in_sqlite", name, place_open_sqlite, place_close, NULL                 \
    }

/* One change that was asked for, and its answer. */
struct asked {
    struct place *place;
    bool answered;
    int code;
    char msg[256];
};
void on_changed(void *asked, int code, const struct ff_err *err);

/* Runs the loop until so many answers have come in since the place was opened. */
void run_until(struct place *p, size_t n_answers);

int64_t rows_of(struct place *p, const struct ff_record *record);

/* A workflow that is right. */
struct source {
    const char *text;
    struct flow *flow;
    json_t *inputs;
};
void source_open(struct source *s, const char *text);
void source_close(struct source *s);
struct node_submit submit_of(const struct source *s);

/* The plan of a try, for who calls a node_plan_X himself; plan_close it. */
struct own_plan {
    struct batch batch;
    struct zones zones;
    bool keep, alone;
    struct node_plan plan;
};
void plan_open(struct own_plan *o, struct place *p);
void plan_close(struct own_plan *o);
int plan_commit(struct own_plan *o, struct ff_err *err);

#endif
