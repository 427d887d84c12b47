/* Typed reads on real drivers. */
#include "support_real.h"

#define RUNS 1300 /* some pages */

struct seen {
    int64_t n, first, last, step;
};

/* Runs come one after the other, up or down. */
static int see_run(void *arg, const void *row)
{
    const struct run_row *run = row;
    struct seen *seen = arg;

    if (seen->n++ == 0)
        seen->first = run->run;
    else
        assert_int_equal(run->run, seen->last + seen->step);
    seen->last = run->run;
    assert_int_equal(run->id.len, ID_TEXT - 1);
    assert_int_equal(run->created_at, 1000 + run->run);
    assert_int_equal(run->finished_at, MODEL_NULL);
    assert_null(run->reason.s);
    return 0;
}

static void put_many(struct real *r)
{
    struct batch b = {0};
    struct ff_err err = {0};

    for (int64_t no = 1; no <= RUNS; no++) {
        char id[ID_TEXT];
        const struct run_row row = a_run(1, no, id);

        batch_put(&b, &record_run, &row, FF_ABSENT);
    }
    assert_int_equal(store_commit_now(r->store, &b, NULL, &err), FF_OK);
    batch_done(&b);
    put_run(r, 2, 7);
}

static struct seen scan_runs(struct real *r, struct store_query q, int64_t step)
{
    const struct run_row like = {.tenant = 1};
    struct seen seen = {.step = step};
    struct ff_err err = {0};

    q.record = &record_run;
    q.like = &like;
    q.n_equal = 1;
    if (store_scan(r->store, STORE_READER_LANE, &q, see_run, &seen, &err) != FF_OK)
        fail_msg("%s", err.msg);
    return seen;
}

static void a_scan_goes_through_all_pages(void **state)
{
    struct seen seen;

    put_many(*state);
    seen = scan_runs(*state, (struct store_query){.limit = 0}, 1);
    assert_int_equal(seen.n, RUNS);
    assert_int_equal(seen.first, 1);
    seen = scan_runs(*state, (struct store_query){.descending = true}, -1);
    assert_int_equal(seen.n, RUNS);
    assert_int_equal(seen.last, 1);
    seen = scan_runs(*state, (struct store_query){.index = "run_id"}, 1);
    assert_int_equal(seen.n, RUNS);
}

static void a_scan_goes_on_after_a_row_and_stops_at_its_limit(void **state)
{
    char id[ID_TEXT];
    struct run_row after;
    struct seen seen;

    put_many(*state);
    after = a_run(1, 600, id);
    seen = scan_runs(*state, (struct store_query){.after = &after, .limit = 600}, 1);
    assert_int_equal(seen.n, 600);
    assert_int_equal(seen.first, 601);
    seen = scan_runs(
        *state, (struct store_query){.after = &after, .index = "run_id", .limit = 3},
        1);
    assert_int_equal(seen.first, 601);
    assert_int_equal(seen.n, 3);
    seen = scan_runs(*state, (struct store_query){.after = &after, .descending = true},
                     -1);
    assert_int_equal(seen.first, 599);
    assert_int_equal(seen.n, 599);
}

static int stop_at_ten(void *arg, const void *row)
{
    int *n = arg;

    (void)row;
    return ++*n == 10;
}

static void a_row_function_may_stop_the_scan(void **state)
{
    struct real *r = *state;
    const struct store_query q = {.record = &record_run};
    struct ff_err err = {0};
    int n = 0;

    put_many(r);
    assert_int_equal(
        store_scan(r->store, STORE_READER_CALLER, &q, stop_at_ten, &n, &err), FF_OK);
    assert_int_equal(n, 10);
}

static void an_unknown_index_is_invalid(void **state)
{
    struct real *r = *state;
    const struct store_query q = {.record = &record_run, .index = "nothing"};
    struct ff_err err = {0};
    int n = 0;

    assert_int_equal(
        store_scan(r->store, STORE_READER_CALLER, &q, stop_at_ten, &n, &err),
        FF_INVALID);
}

/* --- runs by what people type --- */

static int find(struct real *r, int64_t tenant, const char *word, int64_t *no)
{
    struct arena arena = {0};
    struct run_row row = {0};
    struct ff_err err = {0};
    const int code = store_run_find(r->store, STORE_READER_CALLER,
                                    (struct tenant){tenant}, word, &arena, &row, &err);

    *no = row.run;
    if (code == FF_OK)
        assert_int_equal(row.id.len, ID_TEXT - 1);
    else
        assert_true(err.msg[0] != '\0');
    arena_done(&arena);
    return code;
}

static void a_run_is_found_by_id_prefix_and_last(void **state)
{
    struct real *r = *state;
    int64_t no;

    assert_int_equal(find(r, 1, "last", &no), FF_NOT_FOUND);
    put_run(r, 1, 11);
    put_run(r, 1, 22);
    put_run(r, 1, 23);
    assert_int_equal(find(r, 1, "last", &no), FF_OK);
    assert_int_equal(no, 23);
    assert_int_equal(find(r, 1, "0190a5b2-7c1e-7000-8000-000000000022", &no), FF_OK);
    assert_int_equal(no, 22);
    assert_int_equal(find(r, 1, "0190a5b2-7c1e-7000-8000-00000000001", &no), FF_OK);
    assert_int_equal(no, 11);
    assert_int_equal(find(r, 1, "0190a5b2", &no), FF_INVALID); /* several */
    assert_int_equal(find(r, 1, "0190a5b3", &no), FF_NOT_FOUND);
    assert_int_equal(find(r, 1, "0190a5", &no), FF_INVALID); /* too short */
    assert_int_equal(find(r, 1, "nightly-build", &no), FF_INVALID);
}

static void a_tenant_sees_its_own_runs_alone(void **state)
{
    struct real *r = *state;
    struct arena arena = {0};
    struct run_row row;
    struct ff_err err = {0};
    int64_t no;

    put_run(r, 1, 11);
    put_run(r, 2, 12);
    assert_int_equal(find(r, 1, "last", &no), FF_OK);
    assert_int_equal(no, 11);
    assert_int_equal(find(r, 1, "0190a5b2", &no), FF_OK);
    assert_int_equal(find(r, 3, "last", &no), FF_NOT_FOUND);
    assert_int_equal(store_run_by_id(r->store, STORE_READER_CALLER, (struct tenant){1},
                                     "0190a5b2-7c1e-7000-8000-000000000012", &arena,
                                     &row, &err),
                     FF_NOT_FOUND);
    arena_done(&arena);
}

static void a_workflow_is_found_by_its_hash(void **state)
{
    struct real *r = *state;
    const struct workflow_row put = {.tenant = 1,
                                     .hash = span_of("0123"),
                                     .name = span_of("nightly"),
                                     .source = span_of("tasks: \xc3\xa4\n"),
                                     .created_at = 5};
    struct workflow_row row;
    struct arena arena = {0};
    struct batch b = {0};
    struct ff_err err = {0};

    batch_put(&b, &record_workflow, &put, FF_ABSENT);
    assert_int_equal(store_commit_now(r->store, &b, NULL, &err), FF_OK);
    batch_done(&b);
    assert_int_equal(store_workflow(r->store, STORE_READER_LANE, TENANT_DEFAULT,
                                    span_of("0123"), &arena, &row, &err),
                     FF_OK);
    assert_string_equal(row.source.s, put.source.s);
    assert_null(row.path.s);
    assert_int_equal(row.version, 1);
    assert_int_equal(store_workflow(r->store, STORE_READER_LANE, TENANT_DEFAULT,
                                    span_of("9999"), &arena, &row, &err),
                     FF_NOT_FOUND);
    arena_done(&arena);
}

static void the_last_event_of_a_run_is_found_among_those_of_others(void **state)
{
    static const struct event_row events[] = {
        {.tenant = 1, .run = 7, .seq = 1}, {.tenant = 1, .run = 7, .seq = 12},
        {.tenant = 1, .run = 8, .seq = 3}, {.tenant = 2, .run = 7, .seq = 40},
        {.tenant = 1, .run = 7, .seq = 2},
    };
    struct real *r = *state;
    struct batch b = {0};
    struct ff_err err = {0};
    int64_t seq;

    for (size_t i = 0; i < COUNT_OF(events); i++) {
        struct event_row row = events[i];
        row.body = span_of("[]");
        batch_put(&b, &record_event, &row, FF_ABSENT);
    }
    assert_int_equal(store_commit_now(r->store, &b, NULL, &err), FF_OK);
    batch_done(&b);
    assert_int_equal(
        store_last_seq(r->store, STORE_READER_LANE, TENANT_DEFAULT, 7, &seq, &err),
        FF_OK);
    assert_int_equal(seq, 12);
    assert_int_equal(
        store_last_seq(r->store, STORE_READER_LANE, TENANT_DEFAULT, 6, &seq, &err),
        FF_OK);
    assert_int_equal(seq, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_scan_goes_through_all_pages),
        ON_EACH(a_scan_goes_on_after_a_row_and_stops_at_its_limit),
        ON_EACH(a_row_function_may_stop_the_scan),
        ON_EACH(an_unknown_index_is_invalid),
        ON_EACH(a_run_is_found_by_id_prefix_and_last),
        ON_EACH(a_tenant_sees_its_own_runs_alone),
        ON_EACH(a_workflow_is_found_by_its_hash),
        ON_EACH(the_last_event_of_a_run_is_found_among_those_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
