/* Which row of the shards a process is to have: node/ranges.h. */
#include "node/ranges.h"

#include "support.h"

#include <string.h>

#define N_ROWS 4
#define MID    (RANGE_END / 2)
#define LONG   (10 * UNITS_SECOND) /* more than anybody has to wait */

struct table {
    struct shard_row rows[N_ROWS];
    struct ranges_row seen[N_ROWS];
    struct ranges_view view;
};

static void begin(struct table *t)
{
    *t = (struct table){.view = {.rows = t->seen, .place = "here", .gift = {-1, 0}}};
}

static struct shard_row *add(struct table *t, const char *place, int64_t low,
                             int64_t high)
{
    const size_t i = t->view.n++;

    t->rows[i] = (struct shard_row){.shard = (int64_t)i,
                                    .version = 1,
                                    .epoch = (int64_t)i + 1,
                                    .owner = span_of("1@h"),
                                    .place = span_of(place)};
    range_write(&t->rows[i], (struct tenant_range){low, high});
    t->seen[i].row = &t->rows[i];
    t->seen[i].is_free = strcmp(place, "here") == 0;
    return &t->rows[i];
}

static void leave(struct table *t, int64_t free_us)
{
    t->seen[t->view.n - 1].is_free = true;
    t->seen[t->view.n - 1].free_us = free_us;
}

static void assert_range(struct tenant_range r, int64_t low, int64_t high)
{
    assert_int_equal(r.low, low);
    assert_int_equal(r.high, high);
}

/* --- without a row --- */

static void the_first_leads_everybody(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    const struct ranges_plan p = ranges_plan(&t.view);
    assert_int_equal(p.act, RANGES_TAKE);
    assert_int_equal(p.shard, 0);
}

static void the_second_waits_where_one_leads(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "there", 0, RANGE_END);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_WAIT);
    leave(&t, 0);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
}

static void the_second_gets_an_empty_row_where_all_lead(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    t.view.joins = true;
    add(&t, "there", 0, RANGE_END);
    const struct ranges_plan p = ranges_plan(&t.view);
    assert_int_equal(p.act, RANGES_MAKE);
    assert_int_equal(p.shard, 1);
    assert_null(p.row);
    assert_null(p.other);
    assert_range(p.range, 0, 0);
}

static void an_empty_row_of_one_that_is_gone_is_used_again(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    t.view.joins = true;
    add(&t, "there", 0, RANGE_END);
    add(&t, "gone", 0, 0);
    leave(&t, 0);
    const struct ranges_plan p = ranges_plan(&t.view);
    assert_int_equal(p.act, RANGES_TAKE);
    assert_int_equal(p.shard, 1);
}

static void who_leads_alone_does_not_take_his_empty_row(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "there", 0, RANGE_END);
    add(&t, "here", 0, 0);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_WAIT);
}

/* --- with one --- */

static void the_row_of_this_place_comes_first(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "gone", 0, MID)->owner = (struct span){0};
    leave(&t, 0);
    add(&t, "here", MID, RANGE_END);
    const struct ranges_plan p = ranges_plan(&t.view);
    assert_int_equal(p.act, RANGES_TAKE);
    assert_int_equal(p.shard, 1);
}

static void what_is_nobodys_for_long_is_added(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "here", 0, MID)->epoch = 3;
    add(&t, "gone", MID, RANGE_END)->epoch = 7;
    leave(&t, LONG);
    const struct ranges_plan p = ranges_plan(&t.view);
    assert_int_equal(p.act, RANGES_MAKE);
    assert_int_equal(p.shard, 0);
    assert_ptr_equal(p.other, &t.rows[1]);
    assert_range(p.range, 0, RANGE_END);
    assert_range(p.other_range, 0, 0);
    assert_int_equal(p.epoch, 7);
    assert_true(p.mixed);
}

static void it_is_left_for_a_while_to_those_who_have_nothing(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "here", 0, MID);
    add(&t, "there", 0, 0);
    add(&t, "gone", MID, RANGE_END);
    leave(&t, UNITS_SECOND / 2);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
    range_write(&t.rows[0], (struct tenant_range){0, 0});
    t.view.joins = true;
    assert_int_equal(ranges_plan(&t.view).act, RANGES_MAKE);
}

/* It may only be started again. */
static void what_one_has_left_stays_his_for_a_while(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "here", 0, MID);
    add(&t, "left", MID, RANGE_END)->owner = (struct span){0};
    leave(&t, UNITS_SECOND / 2);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
    leave(&t, LONG);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_MAKE);
}

static void what_is_above_it_is_taken_at_once_from_one_that_died(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "here", 0, MID);
    add(&t, "gone", MID, RANGE_END);
    leave(&t, 0);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_MAKE);
}

static void what_is_below_it_is_left_to_whoever_leads_below_that(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "here", 200, RANGE_END);
    add(&t, "there", 0, 100);
    add(&t, "gone", 100, 200);
    leave(&t, 0);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
    leave(&t, UNITS_SECOND);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_MAKE);
    t.seen[1].is_free = true; /* there is nobody to leave it to */
    leave(&t, 0);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_MAKE);
}

static void what_is_not_beside_it_is_for_others(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "here", 0, 100);
    add(&t, "there", 100, 200);
    add(&t, "gone", 200, RANGE_END);
    leave(&t, LONG);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
}

static void what_somebody_leads_is_his(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "here", 0, 100);
    add(&t, "there", 100, RANGE_END);
    t.seen[1].free_us = LONG;
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
    assert_null(ranges_empty_one(&t.view));
}

/* --- giving --- */

static void half_is_given_to_one_that_leads_nobody(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    t.view.joins = true;
    add(&t, "here", 0, RANGE_END);
    add(&t, "there", 0, 0)->epoch = 9;
    assert_ptr_equal(ranges_empty_one(&t.view)->row, &t.rows[1]);
    t.view.gift = (struct ranges_gift){1, MID};
    const struct ranges_plan p = ranges_plan(&t.view);
    assert_int_equal(p.act, RANGES_MAKE);
    assert_int_equal(p.shard, 0);
    assert_range(p.range, 0, MID);
    assert_ptr_equal(p.other, &t.rows[1]);
    assert_range(p.other_range, MID, RANGE_END);
    assert_int_equal(p.epoch, 9);
}

static void nothing_is_given_to_one_that_is_gone_or_has_something(void **state)
{
    struct table t;

    (void)state;
    begin(&t);
    t.view.joins = true;
    add(&t, "here", 0, MID);
    add(&t, "there", MID, RANGE_END);
    t.view.gift = (struct ranges_gift){1, 100};
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
    range_write(&t.rows[1], (struct tenant_range){0, 0});
    leave(&t, 0);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
}

static void a_cut_outside_gives_nothing(void **state)
{
    static const int64_t cuts[] = {0, 100, MID, RANGE_END};
    struct table t;

    (void)state;
    begin(&t);
    add(&t, "here", 100, MID);
    add(&t, "there", 0, 0);
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        t.view.gift = (struct ranges_gift){1, cuts[i]};
        assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
    }
}

/* --- for one tenant --- */

/* A process of the command line, whose runs are all of that one. */
static void who_leads_for_a_tenant_leaves_what_is_of_others(void **state)
{
    const int64_t hash = range_hash(TENANT_DEFAULT);
    struct table t;

    (void)state;
    begin(&t);
    t.view.whom = TENANT_DEFAULT;
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
    add(&t, "there", hash + 1, RANGE_END);
    leave(&t, LONG);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_WAIT);
    add(&t, "elsewhere", 0, hash + 1);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_WAIT);
    leave(&t, 0);
    const struct ranges_plan p = ranges_plan(&t.view);
    assert_int_equal(p.act, RANGES_TAKE);
    assert_int_equal(p.shard, 1);
}

static void nor_does_he_take_the_row_of_a_server_that_was_here(void **state)
{
    const int64_t hash = range_hash(TENANT_DEFAULT);
    struct table t;

    (void)state;
    begin(&t);
    t.view.whom = TENANT_DEFAULT;
    add(&t, "here", hash + 1, RANGE_END);
    add(&t, "there", 0, hash + 1);
    assert_int_equal(ranges_plan(&t.view).act, RANGES_WAIT);
    range_write(&t.rows[0], (struct tenant_range){hash, RANGE_END});
    assert_int_equal(ranges_plan(&t.view).act, RANGES_TAKE);
}

/* --- hashes --- */

/* They stand in stores: rows of other releases mean the same tenants. */
static void hashes_of_tenants_never_change(void **state)
{
    (void)state;
    assert_int_equal(range_hash(TENANT_DEFAULT), 1452414493);
    assert_int_equal(range_hash((struct tenant){2}), 3687987351);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_leads_everybody),
        cmocka_unit_test(the_second_waits_where_one_leads),
        cmocka_unit_test(the_second_gets_an_empty_row_where_all_lead),
        cmocka_unit_test(an_empty_row_of_one_that_is_gone_is_used_again),
        cmocka_unit_test(who_leads_alone_does_not_take_his_empty_row),
        cmocka_unit_test(the_row_of_this_place_comes_first),
        cmocka_unit_test(what_is_nobodys_for_long_is_added),
        cmocka_unit_test(it_is_left_for_a_while_to_those_who_have_nothing),
        cmocka_unit_test(what_one_has_left_stays_his_for_a_while),
        cmocka_unit_test(what_is_above_it_is_taken_at_once_from_one_that_died),
        cmocka_unit_test(what_is_below_it_is_left_to_whoever_leads_below_that),
        cmocka_unit_test(what_is_not_beside_it_is_for_others),
        cmocka_unit_test(what_somebody_leads_is_his),
        cmocka_unit_test(half_is_given_to_one_that_leads_nobody),
        cmocka_unit_test(nothing_is_given_to_one_that_is_gone_or_has_something),
        cmocka_unit_test(a_cut_outside_gives_nothing),
        cmocka_unit_test(who_leads_for_a_tenant_leaves_what_is_of_others),
        cmocka_unit_test(nor_does_he_take_the_row_of_a_server_that_was_here),
        cmocka_unit_test(hashes_of_tenants_never_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
