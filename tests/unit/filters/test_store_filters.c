#include "support.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define PUTS 200

/* One letter for each of many commits: what it came to. */
static void try_commits(struct chain *c, char out[PUTS + 1])
{
    for (int i = 0; i < PUTS; i++)
        out[i] = (char)('a' + thing_put(c, i, "x"));
    out[PUTS] = '\0';
}

static uint64_t rows_of(struct chain *c)
{
    uint64_t n;

    assert_int_equal(thing_count(c, &n), FF_OK);
    return n;
}

static void open_faulty(struct chain *c, const char *const *settings)
{
    chain_open(c, FF_STORE, "store-memory", "store-fault", settings);
}

static size_t times(const char *text, char letter)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == letter;
    return n;
}

static void a_rate_of_commits_fails_and_the_same_seed_fails_the_same(void **state)
{
    static const char *const settings[] = {
        "store-fault.rate=300", "store-fault.code=busy", "store-fault.seed=7", NULL};
    char first[PUTS + 1], second[PUTS + 1];
    struct chain c;

    (void)state;
    open_faulty(&c, settings);
    try_commits(&c, first);
    const size_t failed = times(first, 'a' + FF_BUSY);
    assert_in_range(failed, 30, 90); /* 60 of 200, give or take five deviations */
    assert_int_equal(times(first, 'a') + failed, PUTS);
    assert_int_equal(rows_of(&c), PUTS - failed);
    chain_close(&c);

    open_faulty(&c, settings);
    try_commits(&c, second);
    assert_string_equal(first, second);
    chain_close(&c);
}

static void the_nth_commit_fails_and_names_the_filter(void **state)
{
    static const char *const settings[] = {"store-fault.nth=2", "store-fault.skip=1",
                                           "store-fault.code=conflict", NULL};
    struct chain c;

    (void)state;
    open_faulty(&c, settings);
    assert_int_equal(thing_put(&c, 1, "x"), FF_OK);
    assert_int_equal(thing_put(&c, 2, "x"), FF_OK);
    assert_int_equal(thing_put(&c, 3, "x"), FF_CONFLICT);
    assert_string_equal(c.err.msg, "commit: a fault that store-fault was asked for");
    assert_int_equal(thing_put(&c, 4, "x"), FF_OK);
    assert_int_equal(rows_of(&c), 3);
    chain_close(&c);
}

static void a_commit_in_doubt_was_made(void **state)
{
    static const char *const settings[] = {"store-fault.nth=1",
                                           "store-fault.when=after",
                                           "store-fault.code=in_doubt", NULL};
    struct chain c;

    (void)state;
    open_faulty(&c, settings);
    assert_int_equal(thing_put(&c, 1, "x"), FF_IN_DOUBT);
    assert_int_equal(rows_of(&c), 1);
    chain_close(&c);
}

static void after_fatal_every_call_of_every_session_fails(void **state)
{
    static const char *const settings[] = {"store-fault.nth=2",
                                           "store-fault.code=fatal", NULL};
    struct ff_err err = {0};
    struct chain c;
    void *other;
    uint64_t n;

    (void)state;
    open_faulty(&c, settings);
    assert_int_equal(driver_open_store(c.instance, &other, &err), FF_OK);
    assert_int_equal(thing_put(&c, 1, "x"), FF_OK);
    assert_int_equal(thing_count(&c, &n), FF_OK);
    assert_int_equal(thing_put(&c, 2, "x"), FF_FATAL);
    assert_int_equal(thing_count(&c, &n), FF_FATAL);
    assert_int_equal(driver_store_ops(c.instance)->ping(other, &err), FF_FATAL);
    driver_store_ops(c.instance)->close(other);
    chain_close(&c);
}

static void faults_end_with_the_last_that_was_asked_for(void **state)
{
    static const char *const settings[] = {"store-fault.rate=1000",
                                           "store-fault.max_faults=3", NULL};
    char got[PUTS + 1];
    struct chain c;

    (void)state;
    open_faulty(&c, settings);
    try_commits(&c, got);
    assert_int_equal(times(got, 'a'), PUTS - 3);
    chain_close(&c);
}

static void only_the_calls_that_are_named_fail(void **state)
{
    static const char *const settings[] = {"store-fault.calls=count, ping",
                                           "store-fault.rate=1000", NULL};
    struct chain c;
    uint64_t n;

    (void)state;
    open_faulty(&c, settings);
    assert_int_equal(thing_put(&c, 1, "x"), FF_OK);
    assert_int_equal(thing_scan(&c, &n), FF_OK);
    assert_int_equal(thing_count(&c, &n), FF_UNAVAILABLE);
    assert_int_equal(driver_store_ops(c.instance)->ping(c.session, &c.err),
                     FF_UNAVAILABLE);
    chain_close(&c);
}

static void a_call_that_no_store_has_is_refused(void **state)
{
    static const char *const settings[] = {"store-fault.calls=commit,flush", NULL};
    struct chain c;

    (void)state;
    chain_make(&c, FF_STORE, "store-memory", "store-fault", settings);
    assert_non_null(c.instance);
    assert_int_equal(driver_open_store(c.instance, &c.session, &c.err), FF_INVALID);
    assert_non_null(
        strstr(c.err.msg, "store-fault.calls: a store has no call 'flush'"));
    c.session = NULL;
    chain_close(&c);
}

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void a_slow_store_takes_at_least_its_time(void **state)
{
    static const char *const settings[] = {"store-delay.calls=commit",
                                           "store-delay.delay=3ms",
                                           "store-delay.flush=4ms", NULL};
    struct chain c;

    (void)state;
    chain_open(&c, FF_STORE, "store-memory", "store-delay", settings);

    const int64_t from_us = clock_us();

    assert_int_equal(thing_put(&c, 1, "x"), FF_OK);
    assert_true(clock_us() - from_us >= 7000);
    chain_close(&c);
}

/* The line that begins with `head`; NULL: none. It ends with the text. */
static const char *line_of(const char *text, const char *head)
{
    const char *at = strstr(text, head);

    return at && (at == text || at[-1] == '\n') ? at : NULL;
}

static void each_call_has_a_line_with_sizes_and_result(void **state)
{
    char *path = temp_file();
    struct buf file = {0};
    uint64_t n;
    struct chain c;

    (void)state;
    buf_printf(&file, "store-trace.file=%s", path);
    const char *const settings[] = {buf_text(&file), NULL};
    chain_open(&c, FF_STORE, "store-memory", "store-trace", settings);
    assert_int_equal(thing_put(&c, 1, "hello"), FF_OK);
    assert_int_equal(thing_put(&c, 2, "you"), FF_OK);
    assert_int_equal(thing_put(&c, 1, "again"), FF_CONFLICT);
    assert_int_equal(thing_scan(&c, &n), FF_OK);
    chain_close(&c);

    char *text = text_of_file(path);
    assert_int_equal(times(text, '\n'), 5);
    assert_non_null(line_of(text, "call=setup record=- items=0 bytes=0 code=ok took_"));
    assert_non_null(
        line_of(text, "call=commit record=thing items=1 bytes=5 code=ok took_us="));
    assert_non_null(
        line_of(text, "call=commit record=thing items=1 bytes=5 code=conflict took"));
    assert_non_null(strstr(text, " error=\""));
    assert_non_null(
        line_of(text, "call=scan record=thing items=2 bytes=8 code=ok took_us="));
    unlink(path);
    mem_free(text);
    mem_free(path);
    buf_done(&file);
}

static void calls_are_counted_as_prometheus_reads_them(void **state)
{
    char *path = temp_file();
    struct buf file = {0};
    struct chain c;

    (void)state;
    buf_printf(&file, "store-metrics.file=%s", path);
    const char *const settings[] = {buf_text(&file), NULL};
    chain_open(&c, FF_STORE, "store-memory", "store-metrics", settings);
    for (int i = 0; i < 5; i++)
        assert_int_equal(thing_put(&c, i, "four"), FF_OK);
    assert_int_equal(thing_put(&c, 0, "four"), FF_CONFLICT);
    chain_close(&c);

    char *text = text_of_file(path);
#define LABELS "{store=\"store-memory\",call=\"commit\""
    assert_non_null(
        line_of(text, "flowforge_store_calls_total" LABELS ",code=\"ok\"} 5\n"));
    assert_non_null(
        line_of(text, "flowforge_store_calls_total" LABELS ",code=\"conflict\"} 1\n"));
    assert_non_null(line_of(text, "flowforge_store_items_total" LABELS "} 6\n"));
    assert_non_null(line_of(text, "flowforge_store_bytes_total" LABELS "} 24\n"));
    assert_non_null(line_of(text, "flowforge_store_call_seconds_bucket" LABELS
                                  ",le=\"+Inf\"} 6\n"));
    assert_non_null(line_of(text, "flowforge_store_call_seconds_count" LABELS "} 6\n"));
    assert_non_null(line_of(text, "# TYPE flowforge_store_call_seconds histogram\n"));
    unlink(path);
    mem_free(text);
    mem_free(path);
    buf_done(&file);
}

/* The tracer stands outside and sees what the fault made of it. */
static void filters_stand_in_the_order_in_which_they_are_named(void **state)
{
    char *path = temp_file();
    struct buf file = {0};
    struct chain c;

    (void)state;
    buf_printf(&file, "store-trace.file=%s", path);
    const char *const settings[] = {buf_text(&file), "store-fault.rate=1000", NULL};
    for (int outside = 0; outside < 2; outside++) {
        chain_open(&c, FF_STORE, "store-memory",
                   outside ? "store-trace, store-fault" : "store-fault,store-trace",
                   settings);
        assert_int_equal(thing_put(&c, 1, "x"), FF_UNAVAILABLE);
        chain_close(&c);

        char *text = text_of_file(path);
        const char *line = line_of(text, "call=commit");
        assert_int_equal(line != NULL, outside);
        if (line)
            assert_non_null(strstr(line, "code=unavailable"));
        mem_free(text);
    }
    unlink(path);
    mem_free(path);
    buf_done(&file);
}

static void a_file_that_cannot_be_written_is_told_at_once(void **state)
{
    static const struct {
        const char *filter, *setting;
    } cases[] = {
        {"store-trace", "store-trace.file=/nowhere/at/all"},
        {"store-metrics", "store-metrics.file=/nowhere/at/all"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const settings[] = {cases[i].setting, NULL};
        struct chain c;

        chain_make(&c, FF_STORE, "store-memory", cases[i].filter, settings);
        assert_non_null(c.instance);
        assert_int_equal(driver_open_store(c.instance, &c.session, &c.err), FF_INVALID);
        assert_non_null(
            strstr(c.err.msg, ".file: /nowhere/at/all: No such file or directory"));
        c.session = NULL;
        chain_close(&c);
    }
}

/* What the store in memory lacks, the chain lacks. */
static void optional_functions_of_the_store_alone_count(void **state)
{
    struct chain c;

    (void)state;
    chain_open(&c, FF_STORE, "store-memory", "store-delay,store-fault", NULL);
    assert_null(driver_store_ops(c.instance)->backup);
    assert_null(driver_store_ops(c.instance)->expire);
    assert_null(driver_store_ops(c.instance)->watch);
    assert_int_equal(driver_instance_info(c.instance)->d.caps, 0);
    chain_close(&c);
}

static void a_filter_that_is_not_there_is_refused_by_name(void **state)
{
    struct chain c;

    (void)state;
    chain_make(&c, FF_STORE, "store-memory", "store-falt", NULL);
    assert_null(c.instance);
    assert_non_null(strstr(c.err.msg, "did you mean store-fault?"));
    chain_close(&c);
    chain_make(&c, FF_STORE, "store-memory", "queue-fault", NULL);
    assert_null(c.instance);
    assert_non_null(strstr(c.err.msg, "one of kind store is needed"));
    chain_close(&c);
    chain_make(&c, FF_STORE, "store-memory", "store-memory", NULL);
    assert_null(c.instance);
    assert_non_null(strstr(c.err.msg, "store-memory is no filter"));
    chain_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_of_commits_fails_and_the_same_seed_fails_the_same),
        cmocka_unit_test(the_nth_commit_fails_and_names_the_filter),
        cmocka_unit_test(a_commit_in_doubt_was_made),
        cmocka_unit_test(after_fatal_every_call_of_every_session_fails),
        cmocka_unit_test(faults_end_with_the_last_that_was_asked_for),
        cmocka_unit_test(only_the_calls_that_are_named_fail),
        cmocka_unit_test(a_call_that_no_store_has_is_refused),
        cmocka_unit_test(a_slow_store_takes_at_least_its_time),
        cmocka_unit_test(each_call_has_a_line_with_sizes_and_result),
        cmocka_unit_test(calls_are_counted_as_prometheus_reads_them),
        cmocka_unit_test(filters_stand_in_the_order_in_which_they_are_named),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told_at_once),
        cmocka_unit_test(optional_functions_of_the_store_alone_count),
        cmocka_unit_test(a_filter_that_is_not_there_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
