#include "support.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

static void allocations_are_zeroed_and_never_null(void **state)
{
    char *p = mem_alloc(1000);
    int *numbers = mem_array(100, sizeof(*numbers));
    void *nothing = mem_array(0, 8);

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    assert_non_null(nothing);
    mem_free(p);
    mem_free(numbers);
    mem_free(nothing);
    mem_free(NULL);
}

static void growing_keeps_what_was_there(void **state)
{
    int *p = mem_grow(NULL, 2, sizeof(*p));

    (void)state;
    p[0] = 7;
    p[1] = 8;
    p = mem_grow(p, 100000, sizeof(*p));
    assert_int_equal(p[0], 7);
    assert_int_equal(p[1], 8);
    mem_free(p);
}

static void copies_of_text_end_with_nul(void **state)
{
    MEM_AUTO char *whole = mem_text("abc");
    MEM_AUTO char *part = mem_text_len("abc", 2);
    MEM_AUTO char *empty = mem_text_len(NULL, 0);

    (void)state;
    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(empty, "");
    assert_null(mem_text(NULL));
}

static volatile size_t huge = SIZE_MAX / 2;

static void ask_for_too_much(void)
{
    assert_non_null(freopen("/dev/null", "w", stderr));
    mem_init();
    mem_grow(NULL, huge, 3);
}

static void let_jansson_ask(void)
{
    const struct rlimit small = {.rlim_cur = 0, .rlim_max = 0};

    assert_non_null(freopen("/dev/null", "w", stderr));
    mem_init();
    setrlimit(RLIMIT_AS, &small);
    for (;;)
        assert_non_null(json_string("a text of some length, kept for ever"));
}

static void running_out_in_jansson_ends_the_process_too(void **state)
{
    (void)state;
    /* The sanitizers have an end of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)let_jansson_ask;
    skip();
#else
    assert_int_equal(support_exit_code(let_jansson_ask), EX_OSERR);
#endif
}

static void running_out_ends_the_process_with_71(void **state)
{
    (void)state;
    assert_int_equal(support_exit_code(ask_for_too_much), EX_OSERR);
}

static void arena_gives_aligned_memory_that_does_not_overlap(void **state)
{
    struct rand r = support_rand();
    struct arena a = {0};
    struct {
        unsigned char *bytes;
        size_t len;
    } given[2000];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        const size_t limit = rand_below(&r, 50) == 0 ? 400000 : 300;

        given[i].len = rand_below(&r, limit);
        given[i].bytes = arena_alloc(&a, given[i].len);
        assert_int_equal((uintptr_t)given[i].bytes % _Alignof(max_align_t), 0);
        memset(given[i].bytes, (int)(i % 251), given[i].len);
    }
    for (size_t i = 0; i < COUNT_OF(given); i++)
        for (size_t k = 0; k < given[i].len; k++)
            assert_int_equal(given[i].bytes[k], i % 251);
    arena_done(&a);
}

static void arena_can_be_used_again_after_a_reset(void **state)
{
    struct arena a = {0};

    (void)state;
    arena_reset(&a);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10000; i++)
            assert_string_equal(arena_text(&a, "some text", 4), "some");
        assert_true(a.used >= 50000);
        arena_reset(&a);
        assert_int_equal(a.used, 0);
        assert_non_null(a.blocks);
    }
    arena_done(&a);
    assert_null(a.blocks);
    arena_done(&a);
}

static void texts_of_an_arena_stand_close_together(void **state)
{
    struct arena a = {0};
    const char *first = arena_text(&a, "one", 3);
    const char *second = arena_text(&a, "two", 3);
    const void *aligned = arena_alloc(&a, 1);

    (void)state;
    assert_ptr_equal(second, first + 4);
    assert_int_equal((uintptr_t)aligned % _Alignof(max_align_t), 0);
    assert_string_equal(first, "one");
    assert_string_equal(second, "two");
    arena_done(&a);
}

static void arrays_grow_and_are_emptied(void **state)
{
    struct {
        int *items;
        size_t n, cap;
    } numbers = {0};

    (void)state;
    for (int i = 0; i < 10000; i++)
        ARRAY_ADD(&numbers, i);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(numbers.items[i], i);
    ARRAY_DONE(&numbers);
    assert_null(numbers.items);
    assert_int_equal(numbers.n, 0);
    assert_int_equal(numbers.cap, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_and_never_null),
        cmocka_unit_test(growing_keeps_what_was_there),
        cmocka_unit_test(copies_of_text_end_with_nul),
        cmocka_unit_test(running_out_ends_the_process_with_71),
        cmocka_unit_test(running_out_in_jansson_ends_the_process_too),
        cmocka_unit_test(arena_gives_aligned_memory_that_does_not_overlap),
        cmocka_unit_test(arena_can_be_used_again_after_a_reset),
        cmocka_unit_test(texts_of_an_arena_stand_close_together),
        cmocka_unit_test(arrays_grow_and_are_emptied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
