/* test_trigger.c - what users ask of a schedule, when commits come in another order
 * than they were planned in: one that is started by hand starts one run, one that goes
 * leaves no backfill. */
#include "node/schedule.h"
#include "support.h"

static const char timed[] = "flowforge: 1\nname: timed\n"
                            "triggers: {cron: [{expr: '0 0 1 1 *'}]}\n"
                            "tasks:\n  a: {run: 'true'}\n";

static void apply_timed(struct place *p)
{
    struct node_applied applied;
    struct source source;
    struct ff_err err = {0};

    source_open(&source, timed);
    const struct node_apply what = {.source = source.text,
                                    .source_len = strlen(source.text),
                                    .dir = "/",
                                    .flow = source.flow};
    check(node_apply(p->node, TENANT_DEFAULT, &what, &applied, &err), &err);
    source_close(&source);
}

/* Two tries, the second after a doubt about the first. */
struct tries {
    struct own_plan first, second;
    char id[ID_TEXT], first_id[ID_TEXT];
};

static void plan_trigger(struct own_plan *o, char id[ID_TEXT])
{
    struct ff_err err = {0};

    check(node_plan_trigger(&o->plan, TENANT_DEFAULT, "timed", id, &err), &err);
}

static void open_tries(struct tries *t, struct place *p)
{
    apply_timed(p);
    plan_open(&t->first, p);
    plan_trigger(&t->first, t->id);
    memcpy(t->first_id, t->id, ID_TEXT);
    plan_open(&t->second, p);
    t->second.plan.tries = 1;
    t->second.plan.doubted = true;
}

static void close_tries(struct tries *t)
{
    plan_close(&t->first);
    plan_close(&t->second);
}

static void a_try_that_comes_late_starts_no_second_run(void **state)
{
    struct place *p = *state;
    struct tries t;
    struct ff_err err = {0};

    open_tries(&t, p);
    plan_trigger(&t.second, t.id);
    assert_string_equal(t.id, t.first_id);
    check(plan_commit(&t.second, &err), &err);
    assert_int_equal(plan_commit(&t.first, &err), FF_CONFLICT);
    assert_int_equal(rows_of(p, &record_run), 1);
    assert_int_equal(rows_of(p, &record_schedule_run), 1);
    close_tries(&t);
}

static void a_try_that_comes_in_between_is_the_run(void **state)
{
    struct place *p = *state;
    struct tries t;
    struct ff_err err = {0};

    open_tries(&t, p);
    plan_trigger(&t.second, t.id);
    check(plan_commit(&t.first, &err), &err);
    assert_int_equal(plan_commit(&t.second, &err), FF_CONFLICT);
    t.second.plan.tries = 2;
    plan_trigger(&t.second, t.id);
    assert_int_equal(t.second.batch.n, 0); /* it is found by its id */
    assert_string_equal(t.id, t.first_id);
    assert_int_equal(rows_of(p, &record_run), 1);
    close_tries(&t);
}

static void who_was_only_slower_names_another_run(void **state)
{
    struct place *p = *state;
    struct tries t;
    struct ff_err err = {0};

    open_tries(&t, p);
    t.second.plan.doubted = false;
    plan_trigger(&t.second, t.id);
    assert_string_not_equal(t.id, t.first_id);
    check(plan_commit(&t.second, &err), &err);
    assert_int_equal(rows_of(p, &record_run), 1);
    close_tries(&t);
}

/* Else it would stand there as running for ever, and nobody would do it. */
static void a_schedule_that_goes_leaves_no_backfill_that_it_did_not_see(void **state)
{
    const int64_t year_us = INT64_C(366) * 86400 * UNITS_SECOND;
    struct place *p = *state;
    const int64_t now_us = loop_wall_us(p->loop);
    const struct node_backfill fill = {.schedule = "timed",
                                       .from_us = now_us - 2 * year_us,
                                       .below_us = now_us - UNITS_SECOND,
                                       .max_parallel = 1};
    struct own_plan going;
    struct ff_err err = {0};
    int64_t n, no;

    apply_timed(p);
    plan_open(&going, p);
    check(node_plan_schedule_do(&going.plan, TENANT_DEFAULT, "timed",
                                NODE_SCHEDULE_DELETE, &n, &err),
          &err);
    assert_int_equal(n, 1);
    check(node_schedule_backfill(p->node, TENANT_DEFAULT, &fill, &no, &n, &err), &err);
    assert_true(n > 0);
    assert_int_equal(plan_commit(&going, &err), FF_CONFLICT);
    assert_int_equal(rows_of(p, &record_schedule), 1);
    plan_close(&going);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_try_that_comes_late_starts_no_second_run),
        ON_EACH(a_try_that_comes_in_between_is_the_run),
        ON_EACH(who_was_only_slower_names_another_run),
        ON_EACH(a_schedule_that_goes_leaves_no_backfill_that_it_did_not_see),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
