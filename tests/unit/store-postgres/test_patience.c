/* How long a call waits for a server that is not there. */
#include "postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Nobody listens there. */
#define HOST    "127.0.0.1"
#define NO_PORT 1

static const struct ff_column columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
};
static const struct ff_record plain = {.struct_size = sizeof(struct ff_record),
                                       .name = "plain",
                                       .since = 1,
                                       .columns = columns,
                                       .n_columns = 2,
                                       .n_key = 1};
static const struct ff_record *const records[] = {&plain, NULL};
static const struct ff_schema schema = {
    .struct_size = sizeof(struct ff_schema), .version = 1, .records = records};

/* Asked once after each try, for the pause. */
static uint64_t shortest_pause(struct ff_core *self)
{
    ++*(int *)(void *)self;
    return 0;
}

static int no_row(void *arg, const struct ff_value *values)
{
    (void)arg;
    (void)values;
    return 0;
}

static void a_read_is_patient_once(void **state)
{
    int n_tries = 0;
    const struct ff_host host = {.struct_size = sizeof(host),
                                 .self = (struct ff_core *)(void *)&n_tries,
                                 .random = shortest_pause};
    const struct pg_config config = {.host = HOST,
                                     .database = "d",
                                     .user = "u",
                                     .port = NO_PORT,
                                     .schema = "s",
                                     .connect_timeout_us = 2000000,
                                     .reconnect_timeout_us = 300000};
    struct pg_session s = {
        .host = &host, .config = &config, .schema = &schema, .connection = 1};
    const struct ff_query q = {.struct_size = sizeof(q), .record = &plain, .index = -1};
    struct ff_err err;

    (void)state;
    assert_int_equal(pg_scan(&s, &q, no_row, NULL, &err), FF_UNAVAILABLE);
    /* At 0, 25, 75, 175 and 375 ms. */
    assert_in_range(n_tries, 1, 5);
    pg_cache_done(&s.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_is_patient_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
