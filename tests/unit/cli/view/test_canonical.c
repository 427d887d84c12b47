#include "support.h"

#include "cli/view/canonical.h"
#include <string.h>

static char *canonical_of(const char *const *bodies)
{
    struct canonical c = {0};
    struct buf out = {0};
    struct ff_err err = {0};

    for (; *bodies; bodies++)
        assert_int_equal(FF_OK,
                         canonical_add(&c, *bodies, strlen(*bodies), NULL, &err));
    canonical_write(&c, &out);
    return buf_take(&out);
}

static void the_order_of_steps_does_not_show(void **state)
{
    static const char *const one[] = {
        "[{\"type\":\"run.started\"}]",
        "[{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1}]",
        "[{\"type\":\"task.started\",\"task\":\"b\",\"attempt\":1}]",
        "[{\"type\":\"task.finished\",\"task\":\"b\",\"attempt\":1}]",
        "[{\"type\":\"task.finished\",\"task\":\"a\",\"attempt\":1}]",
        NULL,
    };
    static const char *const other[] = {
        "[{\"type\":\"run.started\"},"
        "{\"task\":\"b\",\"type\":\"task.started\",\"attempt\":1}]",
        "[{\"type\":\"task.started\",\"task\":\"a\",\"attempt\":1},"
        "{\"type\":\"task.finished\",\"attempt\":1,\"task\":\"a\"}]",
        "[{\"type\":\"task.finished\",\"task\":\"b\",\"attempt\":1}]",
        NULL,
    };

    (void)state;
    MEM_AUTO char *a = canonical_of(one);
    MEM_AUTO char *b = canonical_of(other);
    assert_string_equal(a, b);
    assert_string_equal(a,
                        "{\"type\":\"run.started\"}\n"
                        "{\"attempt\":1,\"task\":\"a\",\"type\":\"task.started\"}\n"
                        "{\"attempt\":1,\"task\":\"a\",\"type\":\"task.finished\"}\n"
                        "{\"attempt\":1,\"task\":\"b\",\"type\":\"task.started\"}\n"
                        "{\"attempt\":1,\"task\":\"b\",\"type\":\"task.finished\"}\n");
}

static void items_are_in_the_order_of_numbers(void **state)
{
    static const char *const bodies[] = {
        "[{\"task\":\"f\",\"item\":10},{\"task\":\"f\",\"item\":2,\"attempt\":2}]",
        "[{\"task\":\"f\",\"item\":2,\"attempt\":1},{\"task\":\"f\"}]",
        NULL,
    };

    (void)state;
    MEM_AUTO char *text = canonical_of(bodies);
    assert_string_equal(text, "{\"task\":\"f\"}\n"
                              "{\"attempt\":1,\"item\":2,\"task\":\"f\"}\n"
                              "{\"attempt\":2,\"item\":2,\"task\":\"f\"}\n"
                              "{\"item\":10,\"task\":\"f\"}\n");
}

static void what_differs_between_machines_is_left_out(void **state)
{
    static const char *const bodies[] = {
        "[{\"type\":\"t\",\"message\":\"pid "
        "4711\",\"delay_us\":17,\"reason\":\"lost\"}]",
        NULL,
    };

    (void)state;
    MEM_AUTO char *text = canonical_of(bodies);
    assert_string_equal(text, "{\"reason\":\"lost\",\"type\":\"t\"}\n");
}

static void damaged_events_are_an_error(void **state)
{
    struct canonical c = {0};
    struct buf out = {0};
    struct ff_err err = {0};

    (void)state;
    assert_int_not_equal(FF_OK, canonical_add(&c, "[{", 2, NULL, &err));
    canonical_write(&c, &out);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_steps_does_not_show),
        cmocka_unit_test(items_are_in_the_order_of_numbers),
        cmocka_unit_test(what_differs_between_machines_is_left_out),
        cmocka_unit_test(damaged_events_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
