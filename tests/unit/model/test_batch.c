/* Batches: what they hold after the rows are gone. */
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void text_is_copied_into_the_batch(void **state)
{
    struct batch b = {0};
    char name[] = "runs";
    struct counter_row row = {.name = span_of(name), .next = 5};

    (void)state;
    batch_put(&b, &record_counter, &row, FF_ABSENT);
    memset(name, 'x', sizeof(name) - 1);
    memset(&row, 0, sizeof(row));
    assert_int_equal(b.n, 1);
    assert_int_equal(b.items[0].kind, FF_PUT);
    assert_int_equal(b.items[0].expect, FF_ABSENT);
    assert_string_equal(b.items[0].values[COL_COUNTER_NAME].s, "runs");
    assert_int_equal(b.items[0].values[COL_COUNTER_NEXT].i, 5);
    batch_done(&b);
}

static void a_patch_carries_its_key_and_what_it_sets(void **state)
{
    struct batch b = {0};
    const struct run_row row = {.tenant = 1,
                                .run = 9,
                                .state = RUN_FAILED,
                                .reason = span_of("timeout"),
                                .workflow = span_of("not written")};
    const uint64_t set = COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_REASON);

    (void)state;
    batch_patch(&b, &record_run, &row, set, 4);
    assert_int_equal(b.items[0].kind, FF_PATCH);
    assert_int_equal(b.items[0].set, set);
    assert_int_equal(b.items[0].expect, 4);
    assert_int_equal(b.items[0].values[COL_RUN_RUN].i, 9);
    assert_string_equal(b.items[0].values[COL_RUN_REASON].s, "timeout");
    assert_int_equal(b.items[0].values[COL_RUN_WORKFLOW].type, 0);
    batch_done(&b);
}

static void checks_and_deletes_carry_the_key_alone(void **state)
{
    struct batch b = {0};
    const struct shard_row row = {.shard = 3, .owner = span_of("me")};

    (void)state;
    batch_check(&b, &record_shard, &row, 8);
    batch_delete(&b, &record_shard, &row, FF_ANY_VERSION);
    assert_int_equal(b.n, 2);
    assert_int_equal(b.items[0].kind, FF_CHECK);
    assert_int_equal(b.items[1].kind, FF_DELETE);
    assert_int_equal(b.items[1].values[COL_SHARD_SHARD].i, 3);
    assert_int_equal(b.items[1].values[COL_SHARD_OWNER].type, 0);
    batch_done(&b);
}

static void the_estimate_grows_with_the_text_and_ends_with_a_reset(void **state)
{
    struct batch b = {0};
    struct event_row row = {.tenant = 1, .run = 1, .seq = 1, .body = span_of("[]")};
    size_t small;

    (void)state;
    batch_put(&b, &record_event, &row, FF_ABSENT);
    small = b.bytes;
    row.body.s = "[\"0123456789012345678901234567890123456789\"]";
    row.body.len = strlen(row.body.s);
    batch_put(&b, &record_event, &row, FF_ABSENT);
    assert_int_equal(b.bytes - small, small + row.body.len - 2);
    batch_reset(&b);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.bytes, 0);
    batch_put(&b, &record_event, &row, FF_ABSENT);
    assert_int_equal(b.n, 1);
    batch_done(&b);
    batch_done(&b);
}

static void a_text_can_be_replaced_by_another(void **state)
{
    struct batch b = {0};
    const struct run_row row = {.tenant = 1, .run = 9, .outputs = span_of("{1234567}")};

    (void)state;
    batch_patch(&b, &record_run, &row, COLUMN_BIT(COL_RUN_OUTPUTS), 4);
    const size_t bytes = b.bytes;
    batch_set_text(&b, 0, COL_RUN_OUTPUTS, span_of("{}"));
    assert_string_equal(b.items[0].values[COL_RUN_OUTPUTS].s, "{}");
    assert_int_equal(b.items[0].values[COL_RUN_OUTPUTS].len, 2);
    assert_int_equal(b.bytes, bytes - 7);
    batch_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_copied_into_the_batch),
        cmocka_unit_test(a_patch_carries_its_key_and_what_it_sets),
        cmocka_unit_test(checks_and_deletes_carry_the_key_alone),
        cmocka_unit_test(a_text_can_be_replaced_by_another),
        cmocka_unit_test(the_estimate_grows_with_the_text_and_ends_with_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
