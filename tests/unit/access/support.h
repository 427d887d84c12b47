/* support.h - a store in memory, and who asks, for the tests of core/access. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/access_priv.h"

#define NOW  (INT64_C(1700000000) * UNITS_SECOND)
#define HERE STORE_READER_CALLER

struct place {
    struct loop *loop;
    struct config *config;
    struct driver_instance *driver;
    struct store *store;
    struct principal local;
    struct store_numbers numbers;
    struct access_call call; /* of the local user, NOW */
    struct ff_err err;
    struct arena arena;
};

int place_open(void **state);
int place_open_failing(void **state); /* every read fails */
int place_open_few(void **state);     /* the first three commits are made, no other */
int place_close(void **state);

void check(int code, const struct ff_err *err);
/* The err says the words. */
void check_says(const struct ff_err *err, const char *words);

/* Plans that must be done, by the local user. */
struct tenant made_tenant(struct place *p, const char *name);
int64_t made_project(struct place *p, struct tenant t, const char *name);
void made_member(struct place *p, struct access_scope where, const char *subject,
                 enum role role);
struct access_credential made_key(struct place *p, struct access_scope where,
                                  enum role role, int64_t expires_at);

/* A call by another principal. */
struct access_call call_of(struct place *p, const struct principal *who);
struct principal somebody(struct access_scope where, enum role role);

/* How many rows a record has. */
int64_t rows_of(struct place *p, const struct ff_record *record);
/* The next n audit rows cost no commit for their numbers. */
void take_numbers_ahead(struct place *p, int64_t n);
void commit_batch(struct place *p, struct batch *b);

/* Plans by name, for access_commit. */
struct member_plan {
    struct access_scope where;
    const char *subject;
    enum role role; /* ROLE_NONE: is removed */
};
int plan_member(const struct access_call *c, void *arg, struct batch *b,
                struct ff_err *err);
struct key_plan {
    struct access_new_key want;
    struct access_credential made;
};
int plan_key(const struct access_call *c, void *arg, struct batch *b,
             struct ff_err *err);
struct revoke_plan {
    struct tenant t;
    const char *id;
};
int plan_revoke(const struct access_call *c, void *arg, struct batch *b,
                struct ff_err *err);
struct tenant_plan {
    const char *name;
    enum { TENANT_CREATE, TENANT_DISABLE, TENANT_ENABLE, TENANT_LIMIT } how;
    enum quota quota;
    int64_t value;
};
int plan_tenant(const struct access_call *c, void *arg, struct batch *b,
                struct ff_err *err);
struct project_plan {
    struct tenant t;
    const char *name;
};
int plan_project(const struct access_call *c, void *arg, struct batch *b,
                 struct ff_err *err);

#endif
