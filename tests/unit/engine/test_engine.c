/* test_engine.c - what every kind of run shares: the kinds, plans, a run's own rows. */
#include "support.h"

#include <string.h>

#define GOOD "flowforge: 1\nname: test\ntasks: {a: {run: x}}\n"

static void kinds_are_found_by_their_names_and_added_once(void **state)
{
    (void)state;
    static struct engine_kind more[9];
    static const char *const names[] = {"k0", "k1", "k2", "k3", "k4",
                                        "k5", "k6", "k7", "k8"};

    assert_ptr_equal(engine_kind_find("dag"), &engine_dag);
    assert_null(engine_kind_find("k0"));
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        more[i].name = names[i];
        engine_kind_add(&more[i]);
        engine_kind_add(&more[i]);
    }
    assert_ptr_equal(engine_kind_find("dag"), &engine_dag);
    assert_ptr_equal(engine_kind_find("k0"), &more[0]);
    assert_ptr_equal(engine_kind_find("k6"), &more[6]); /* the eighth place */
    assert_null(engine_kind_find("k7"));
    assert_null(engine_kind_find("nobody"));
}

static void a_file_that_is_refused_gives_no_plan_but_its_first_mistake(void **state)
{
    (void)state;
    static const char bad[] = "flowforge: 1\nname: test\ntasks: {a: {rum: x}}\n";
    struct ff_err err = {0};

    assert_null(plan_new(&engine_dag, bad, strlen(bad), (struct span){0}, &err));
    assert_int_equal(err.code, FF_INVALID);
    assert_non_null(strstr(err.msg, "line 3: a task has no key rum"));
}

static void a_plan_lives_until_its_last_user_has_left(void **state)
{
    (void)state;
    struct ff_err err = {0};
    struct plan *p = plan_new(&engine_dag, GOOD, strlen(GOOD), (struct span){0}, &err);
    const struct run_row row = {.tenant = 1, .run = 7};

    assert_non_null(p);
    struct run *r = engine_run_new(p, &row, 0, &err);
    plan_unref(p);
    assert_ptr_equal(r->plan, p); /* the sanitizer knows whether it still is */
    assert_int_equal(p->refs, 1);
    engine_run_free(r);
    engine_run_free(NULL);
    plan_unref(NULL);
}

static void a_run_whose_inputs_are_no_json_is_not_made(void **state)
{
    (void)state;
    struct ff_err err = {0};
    struct plan *p = plan_new(&engine_dag, GOOD, strlen(GOOD), (struct span){0}, &err);
    const struct run_row row = {.tenant = 1, .run = 7, .inputs = span_of("{\"a\":")};

    assert_null(engine_run_new(p, &row, 0, &err));
    assert_int_not_equal(err.code, FF_OK);
    assert_true(err.msg[0]);
    plan_unref(p);
}

static struct span event_body(const struct batch *b)
{
    struct event_row row = {0};

    for (size_t i = 0; i < b->n; i++)
        if (b->items[i].record == &record_event)
            model_from_values(&record_event, b->items[i].values, &row);
    return row.body;
}

static void a_new_run_is_three_rows_with_its_inputs_if_there_are_any(void **state)
{
    (void)state;
    struct run_row row = {.tenant = 1,
                          .run = 7,
                          .workflow = span_of("test"),
                          .inputs = span_of("{\"n\":1}")};
    struct batch b = {0};

    engine_run_create(&row, 0, &b);
    assert_int_equal(b.n, 3);
    assert_non_null(strstr(event_body(&b).s, "\"inputs\":{\"n\":1}"));
    batch_reset(&b);
    row.inputs = (struct span){0};
    engine_run_create(&row, 0, &b);
    assert_int_equal(b.n, 3);
    assert_null(strstr(event_body(&b).s, "inputs"));
    batch_done(&b);
}

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void a_new_run_can_be_given_other_inputs_before_its_commit(void **state)
{
    (void)state;
    const struct run_row before = {.tenant = 1, .run = 6};
    const struct run_row row = {.tenant = 1,
                                .run = 7,
                                .workflow = span_of("test"),
                                .inputs = span_of("{\"n\":1}")};
    struct run_row changed;
    struct batch b = {0};

    engine_run_create(&before, 0, &b);
    const size_t at = b.n;
    engine_run_create(&row, 0, &b);
    engine_run_set_inputs(&b, at, span_of("{\"n\":22}"));
    model_from_values(&record_run, b.items[at].values, &changed);
    assert_true(span_is(changed.inputs, "{\"n\":22}"));
    assert_true(span_is(event_body(&b), "[{\"type\":\"run.created\",\"workflow\":"
                                        "\"test\",\"inputs\":{\"n\":22}}]"));
    assert_int_equal(b.n, at + 3);
    engine_run_asked_by(&b, at, TRACEPARENT);
    assert_true(span_is(event_body(&b),
                        "[{\"type\":\"run.created\",\"workflow\":\"test\",\"inputs\":"
                        "{\"n\":22},\"traceparent\":\"" TRACEPARENT "\"}]"));
    engine_run_set_inputs(&b, at, span_of("{\"m\":3}"));
    assert_true(span_is(event_body(&b),
                        "[{\"type\":\"run.created\",\"workflow\":\"test\",\"inputs\":"
                        "{\"m\":3},\"traceparent\":\"" TRACEPARENT "\"}]"));
    batch_done(&b);
}

/* One character less than a traceparent has, so that with its quote it is as long. */
#define NEARLY "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"

static void inputs_are_not_taken_for_who_asked(void **state)
{
    (void)state;
    struct batch b = {0};
    const size_t at = b.n;
    const struct run_row row = {
        .tenant = 1,
        .run = 7,
        .workflow = span_of("test"),
        .inputs = span_of("{\"n\":1,\"traceparent\":\"" NEARLY "\"}")};

    engine_run_create(&row, 0, &b);
    engine_run_set_inputs(&b, at, span_of("{\"n\":2}"));
    assert_true(span_is(event_body(&b), "[{\"type\":\"run.created\",\"workflow\":"
                                        "\"test\",\"inputs\":{\"n\":2}}]"));
    batch_done(&b);
}

static void a_run_that_is_set_aside_says_why_where_its_history_is_known(void **state)
{
    (void)state;
    struct step s = {.now_us = 5};
    struct run_row row = {.tenant = 1, .run = 7, .state = RUN_RUNNING};

    engine_run_set_aside(&row, 0, 0, "rows make no sense", &s);
    assert_int_equal(row.state, RUN_FAILED);
    assert_int_equal(s.batch.n, 2);
    step_reset(&s);
    engine_run_set_aside(&row, 0, 9, "rows make no sense", &s);
    assert_int_equal(s.batch.n, 3);
    assert_non_null(strstr(event_body(&s.batch).s, "rows make no sense"));
    step_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_found_by_their_names_and_added_once),
        cmocka_unit_test(a_file_that_is_refused_gives_no_plan_but_its_first_mistake),
        cmocka_unit_test(a_plan_lives_until_its_last_user_has_left),
        cmocka_unit_test(a_run_whose_inputs_are_no_json_is_not_made),
        cmocka_unit_test(a_new_run_is_three_rows_with_its_inputs_if_there_are_any),
        cmocka_unit_test(a_new_run_can_be_given_other_inputs_before_its_commit),
        cmocka_unit_test(inputs_are_not_taken_for_who_asked),
        cmocka_unit_test(a_run_that_is_set_aside_says_why_where_its_history_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
