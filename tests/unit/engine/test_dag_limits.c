/* test_dag_limits.c - what units want of limits when they are offered: by what names,
 * how much, and the same after a restart. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"

static void constant_names_go_out_with_whole_ranges(void **state)
{
    struct world *w = world_new(
        HEAD "tasks: {a: {foreach: [1, 2, 3], semaphores: [gpu, \"db:2\"], run: x}}\n",
        NULL);

    (void)state;
    assert_string_equal(buf_text(&w->limits),
                        "0+3 semaphore:gpu*1/0/0 semaphore:db*2/0/0; ");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void names_are_made_for_each_item(void **state)
{
    struct world *w =
        world_new(HEAD "inputs: {site: string}\n"
                       "tasks:\n  a:\n    foreach: [1, true]\n    run: x\n"
                       "    mutex: ${{ inputs.site }}-${{ item }}\n"
                       "    rate: {key: '${{ item }}', limit: 3, per: 2s}\n",
                  "{\"site\": \"n\"}");

    (void)state;
    assert_string_equal(buf_text(&w->limits),
                        "0+1 mutex:n-1*1/1/0 rate:1*1/3/2000000; "
                        "1+1 mutex:n-true*1/1/0 rate:true*1/3/2000000; ");
    world_free(w);
}

static void each_attempt_wants_them_again_also_after_a_restart(void **state)
{
    struct world *w = world_new(HEAD "tasks: {a: {mutex: 'm${{ attempt }}', run: x, "
                                     "retry: {max_attempts: 3, delay: 1s}}}\n",
                                NULL);

    (void)state;
    world_restart(w);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    buf_clear(&w->limits);
    world_restart(w);
    assert_string_equal(buf_text(&w->limits), ""); /* a wait for a retry wants none */
    assert_true(world_next_timer(w));
    assert_string_equal(buf_text(&w->limits), "-1+1 mutex:m2*1/1/0; ");
    world_restart(w);
    world_grant(w);
    world_succeed(w, "a");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_name_that_cannot_be_made_fails_the_attempt(void **state)
{
    static const struct {
        const char *limit, *given, *why;
    } cases[] = {
        {"mutex: ${{ inputs.v }}", "\"\"", "mutex: gives 0 bytes, must give 1 to 200"},
        {"mutex: ${{ inputs.v[0] }}", "[]", "no position 0"},
        {"rate: {key: '${{ inputs.v }}', limit: 1, per: 1s}", "\"\"", "rate.key"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf yaml = {0}, inputs = {0};
        struct arena arena = {0};
        struct work work;
        struct ff_err err = {0};

        buf_printf(&yaml,
                   HEAD "inputs: {v: {type: %s}}\ntasks:\n  a:\n    run: x\n    %s\n",
                   cases[i].given[0] == '[' ? "list" : "string", cases[i].limit);
        buf_printf(&inputs, "{\"v\": %s}", cases[i].given);
        struct world *w = world_new(buf_text(&yaml), buf_text(&inputs));
        assert_string_equal(buf_text(&w->limits), "");
        world_grant(w);
        assert_int_equal(
            w->run->kind->describe(w->run, world_node(w, "a"), 1, &arena, &work, &err),
            FF_INVALID);
        if (!strstr(err.msg, cases[i].why))
            fail_msg("%s", err.msg);
        world_free(w);
        arena_done(&arena);
        buf_done(&yaml);
        buf_done(&inputs);
    }
}

static void a_name_that_is_no_text_is_written_as_json(void **state)
{
    struct world *w = world_new(HEAD "inputs: {v: list}\n"
                                     "tasks: {a: {mutex: '${{ inputs.v }}', run: x}}\n",
                                "{\"v\": [1, \"b\"]}");

    (void)state;
    assert_string_equal(buf_text(&w->limits), "-1+1 mutex:[1,\"b\"]*1/1/0; ");
    world_grant(w);
    world_succeed(w, "a");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void a_long_name_is_refused(void **state)
{
    struct buf inputs = {0};
    struct arena arena = {0};
    struct work work;
    struct ff_err err = {0};

    (void)state;
    buf_add_text(&inputs, "{\"v\": \"");
    for (int i = 0; i < 201; i++)
        buf_add_char(&inputs, 'x');
    buf_add_text(&inputs, "\"}");
    struct world *w = world_new(HEAD "inputs: {v: string}\n"
                                     "tasks: {a: {mutex: '${{ inputs.v }}', run: x}}\n",
                                buf_text(&inputs));
    world_grant(w);
    assert_int_equal(
        w->run->kind->describe(w->run, world_node(w, "a"), 1, &arena, &work, &err),
        FF_INVALID);
    assert_non_null(strstr(err.msg, "201 bytes"));
    world_free(w);
    arena_done(&arena);
    buf_done(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_names_go_out_with_whole_ranges),
        cmocka_unit_test(names_are_made_for_each_item),
        cmocka_unit_test(each_attempt_wants_them_again_also_after_a_restart),
        cmocka_unit_test(a_name_that_cannot_be_made_fails_the_attempt),
        cmocka_unit_test(a_name_that_is_no_text_is_written_as_json),
        cmocka_unit_test(a_long_name_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
