/* A store room on a real driver: "store-memory" or "store-sqlite" from FLOWFORGE_LIB,
 * each with fresh data. */
#ifndef SUPPORT_REAL_H
#define SUPPORT_REAL_H

#include "support.h"

struct real {
    struct loop *loop;
    struct config *config;
    struct driver_instance *instance;
    struct store *store;
    char *dir;
};

void real_open(struct real *r, const char *driver);
/* Another store on the same data, as another process would have. */
struct store *real_open_again(struct real *r);
void real_close(struct real *r);

/* cmocka set-up and tear-down; *state is the struct real. */
int real_set_up_memory(void **state);
int real_set_up_sqlite(void **state);
int real_tear_down(void **state);

/* The test on each driver: two entries of a CMUnitTest array. */
#define ON_EACH(name)                                                                  \
    {#name "_in_memory", name, real_set_up_memory, real_tear_down, NULL},              \
    {                                                                                  \
#name "_in_sqlite", name, real_set_up_sqlite, real_tear_down, NULL             \
    }

/* A run of tenant `tenant` with id "0190a5b2-7c1e-7000-8000-%012d". */
struct run_row a_run(int64_t tenant, int64_t no, char id[ID_TEXT]);
void put_run(struct real *r, int64_t tenant, int64_t no);

#endif
