/* The memory of log batches is bounded and forgets who was silent longest. */
#include "support.h"

#include "api/api.h"

#include "api/task_seq.h"

static void writers_are_kept_apart_and_the_silent_forgotten(void **state)
{
    struct task_seq t;

    (void)state;
    task_seq_init(&t, 3);
    assert_int_equal(task_seq_last(&t, "a"), -1);
    task_seq_set(&t, "a", 5);
    task_seq_set(&t, "b", 7);
    task_seq_set(&t, "c", 9);
    task_seq_set(&t, "a", 6);
    task_seq_set(&t, "d", 1);
    assert_int_equal(task_seq_last(&t, "a"), 6);
    assert_int_equal(task_seq_last(&t, "b"), -1);
    assert_int_equal(task_seq_last(&t, "c"), 9);
    assert_int_equal(task_seq_last(&t, "d"), 1);
    task_seq_done(&t);
}

static void many_writers_take_bounded_memory(void **state)
{
    struct task_seq t;
    char name[32];

    (void)state;
    task_seq_init(&t, 100);
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "w%d", i);
        task_seq_set(&t, name, i);
        assert_in_range(t.writers.n, 1, 100);
    }
    assert_int_equal(task_seq_last(&t, "w9900"), 9900);
    assert_int_equal(task_seq_last(&t, "w9899"), -1);
    task_seq_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_are_kept_apart_and_the_silent_forgotten),
        cmocka_unit_test(many_writers_take_bounded_memory),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
