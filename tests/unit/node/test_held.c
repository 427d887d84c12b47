/* test_held.c - what people do to a schedule that holds an event: no row of it is left
 * that says it waits, and nothing that it holds is lost. */
#include "node/schedule.h"
#include "support.h"

#define HEAD                                                                           \
    "flowforge: 1\nname: build\n"                                                      \
    "tasks:\n  a: {run: 'true'}\n"
#define SINCE INT64_C(1000000)
#define AT    INT64_C(3000000)

static const char debounced[] =
    HEAD "triggers: {event: {name: push, debounce: 10s, debounce_max: 1m}}\n";

static void apply(struct place *p, const char *text)
{
    struct node_applied applied;
    struct source source;
    struct ff_err err = {0};

    source_open(&source, text);
    const struct node_apply what = {.source = source.text,
                                    .source_len = strlen(source.text),
                                    .dir = "/",
                                    .flow = source.flow};
    check(node_apply(p->node, TENANT_DEFAULT, &what, &applied, &err), &err);
    source_close(&source);
}

static int copy_schedule(void *arg, const void *row)
{
    *(struct schedule_row *)arg = *(const struct schedule_row *)row;
    return 1; /* its text is not for who asks */
}

static void read_schedule(struct place *p, struct schedule_row *row)
{
    const struct store_query q = {.record = &record_schedule};
    struct ff_err err = {0};

    check(store_scan(p->store, STORE_READER_CALLER, &q, copy_schedule, row, &err),
          &err);
}

/* As whoever leads has left it. */
static void hold(struct place *p)
{
    const uint64_t set =
        COLUMN_BIT(COL_SCHEDULE_HELD_AT) | COLUMN_BIT(COL_SCHEDULE_HELD_SINCE);
    const struct schedule_run_row time = {.tenant = TENANT_DEFAULT.no,
                                          .schedule = span_of("build.event"),
                                          .nominal_at = AT,
                                          .state = SCHEDULE_RUN_WAITING,
                                          .cause = span_of("event"),
                                          .reason = span_of("debounce"),
                                          .event = span_of("{\"n\":1}"),
                                          .run = MODEL_NULL};
    const struct schedule_row row = {.tenant = TENANT_DEFAULT.no,
                                     .name = span_of("build.event"),
                                     .held_at = AT,
                                     .held_since = SINCE};
    struct batch b = {0};
    struct ff_err err = {0};

    apply(p, debounced);
    batch_patch(&b, &record_schedule, &row, set, FF_ANY_VERSION);
    batch_put(&b, &record_schedule_run, &time, FF_ABSENT);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

static void act(struct place *p, enum node_schedule_action action)
{
    struct ff_err err = {0};
    int64_t n;

    check(node_schedule_do(p->node, TENANT_DEFAULT, "build", action, &n, &err), &err);
    assert_int_equal(n, 1);
}

static int check_deleted(void *arg, const void *row)
{
    const struct schedule_run_row *r = row;

    (void)arg;
    assert_int_equal(r->nominal_at, AT);
    assert_int_equal(r->state, SCHEDULE_RUN_SKIPPED);
    assert_true(span_is(r->reason, "deleted"));
    assert_null(r->event.s);
    return 0;
}

static void expect_deleted(struct place *p)
{
    const struct store_query q = {.record = &record_schedule_run};
    struct ff_err err = {0};

    assert_int_equal(rows_of(p, &record_schedule), 0);
    assert_int_equal(rows_of(p, &record_schedule_run), 1);
    check(store_scan(p->store, STORE_READER_CALLER, &q, check_deleted, NULL, &err),
          &err);
}

static void with_its_schedule_it_goes(void **state)
{
    struct place *p = *state;

    hold(p);
    act(p, NODE_SCHEDULE_DELETE);
    expect_deleted(p);
}

static void with_the_trigger_in_the_file_it_goes(void **state)
{
    struct place *p = *state;
    struct schedule_row row;

    hold(p);
    apply(p, HEAD);
    expect_deleted(p);
    apply(p, debounced); /* another schedule, which holds nothing */
    read_schedule(p, &row);
    assert_true(row.held_at == MODEL_NULL && row.next_at == MODEL_NULL);
}

static void a_pause_keeps_it_and_then_it_is_the_next(void **state)
{
    struct place *p = *state;
    struct schedule_row row;

    hold(p);
    act(p, NODE_SCHEDULE_PAUSE);
    read_schedule(p, &row);
    assert_true(row.held_at == AT && row.next_at == MODEL_NULL);
    act(p, NODE_SCHEDULE_RESUME);
    read_schedule(p, &row);
    assert_true(row.held_at == AT && row.held_since == SINCE);
    assert_true(row.next_at == AT + 10 * UNITS_SECOND);
}

static void a_new_version_says_until_when(void **state)
{
    struct place *p = *state;
    struct schedule_row row;

    hold(p);
    apply(p, HEAD "triggers: {event: {name: push, debounce: 2s, debounce_max: 3s}}\n");
    read_schedule(p, &row);
    assert_true(row.held_at == AT && row.next_at == SINCE + 3 * UNITS_SECOND);
    apply(p, HEAD "triggers: {event: {name: push}}\n");
    read_schedule(p, &row);
    assert_true(row.held_at == AT && row.held_since == SINCE);
    assert_true(row.next_at == SINCE); /* at once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(with_its_schedule_it_goes),
        ON_EACH(with_the_trigger_in_the_file_it_goes),
        ON_EACH(a_pause_keeps_it_and_then_it_is_the_next),
        ON_EACH(a_new_version_says_until_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
