/* The sealer: what was added is sealed beside the loop, and at the end. */
#include "support.h"

#include <stdlib.h>

static void add_row(struct place *p)
{
    const struct access_entry e = {
        .where = {TENANT_DEFAULT, PROJECT_ALL}, .action = "x.y", .object = "x/1"};
    struct batch b = {0};

    check(access_audit_add(&p->call, &e, &b, &p->err), &p->err);
    commit_batch(p, &b);
}

static struct sealer *sealer_of(struct place *p)
{
    struct sealer *s = sealer_new(p->loop, p->store, STORE_READER_LANE, &p->err);

    check(s ? FF_OK : p->err.code, &p->err);
    return s;
}

static void stop(void *arg)
{
    loop_stop(((struct place *)arg)->loop, 0);
}

static void leave(struct place *p, struct sealer *s)
{
    sealer_drain(s, stop, p);
    loop_run(p->loop);
    sealer_free(s);
}

static void what_it_is_woken_for_is_sealed_before_it_leaves(void **state)
{
    struct place *p = *state;
    struct sealer *s = sealer_of(p);

    add_row(p);
    sealer_wake(s);
    add_row(p);
    sealer_wake(s); /* the lane may be at work, or not yet */
    leave(p, s);
    assert_int_equal(rows_of(p, &record_audit_open), 0);
}

static void who_was_never_woken_leaves_at_once(void **state)
{
    struct place *p = *state;

    add_row(p);
    leave(p, sealer_of(p));
    assert_int_equal(rows_of(p, &record_audit_open), 1);
    sealer_free(sealer_of(p));
    sealer_free(NULL);
}

/* Until all rows are sealed. */
struct watch {
    struct place *p;
    struct sealer *s;
};

static void look(void *arg)
{
    struct watch *w = arg;

    if (rows_of(w->p, &record_audit_open) == 0)
        loop_stop(w->p->loop, 0);
    else
        loop_timer_add(w->p->loop, 1000, look, w, NULL);
}

static void rows_that_come_within_a_second_wait_for_its_end(void **state)
{
    struct place *p = *state;
    struct watch w = {p, sealer_of(p)};
    const int64_t began = loop_mono_us(p->loop);

    add_row(p);
    sealer_wake(w.s);
    look(&w);
    loop_run(p->loop);
    for (int i = 0; i < 3; i++) {
        add_row(p);
        sealer_wake(w.s);
    }
    look(&w);
    loop_run(p->loop);
    assert_true(loop_mono_us(p->loop) - began >= UNITS_SECOND);
    assert_int_equal(rows_of(p, &record_audit_open), 0);
    leave(p, w.s);
}

static void what_cannot_be_sealed_is_left_to_others(void **state)
{
    struct place *p = *state;
    struct sealer *s = sealer_of(p);
    int64_t n;

    take_numbers_ahead(p, 1); /* without a read */
    add_row(p);
    sealer_wake(s);
    leave(p, s);
    assert_int_equal(access_seal(p->store, HERE, NOW, &n, &p->err), FF_UNAVAILABLE);
    assert_int_equal(n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_is_woken_for_is_sealed_before_it_leaves),
        TEST(who_was_never_woken_leaves_at_once),
        TEST(rows_that_come_within_a_second_wait_for_its_end),
        cmocka_unit_test_setup_teardown(what_cannot_be_sealed_is_left_to_others,
                                        place_open_failing, place_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
