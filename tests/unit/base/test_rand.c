#include "support.h"

#include <string.h>

static void numbers_are_those_of_the_authors(void **state)
{
    /* xoshiro256** from the state {1, 2, 3, 4}: the reference implementation's. */
    static const uint64_t expected[] = {
        11520,
        0,
        1509978240,
        1215971899390074240,
        1216172134540287360,
        607988272756665600,
    };
    struct rand r = {.s = {1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_true(rand_next(&r) == expected[i]);
}

static void the_seed_goes_through_splitmix64(void **state)
{
    struct rand r;

    (void)state;
    /* splitmix64 from 1234567, as published with the algorithm. */
    rand_seed(&r, 1234567);
    assert_true(r.s[0] == UINT64_C(6457827717110365317));
    assert_true(r.s[1] == UINT64_C(3203168211198807973));
    assert_true(r.s[2] == UINT64_C(9817491932198370423));
    assert_true(r.s[3] == UINT64_C(4593380528125082431));
}

static void below_stays_below_and_reaches_all(void **state)
{
    struct rand r = support_rand();
    int seen[7] = {0};

    (void)state;
    for (int i = 0; i < 7000; i++)
        seen[rand_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 700, 1300); /* ten deviations from 1000 */
    assert_int_equal(rand_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(rand_below(&r, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

static void mixing_is_one_to_one_on_neighbours(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(rand_mix(i) != rand_mix(i + 1));
}

static void the_kernel_fills_all_bytes(void **state)
{
    unsigned char seen[1000] = {0};
    unsigned char bytes[1000];

    (void)state;
    for (int round = 0; round < 8; round++) {
        rand_system(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof(seen); i++)
        assert_int_not_equal(seen[i], 0);
    rand_system(bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_the_authors),
        cmocka_unit_test(the_seed_goes_through_splitmix64),
        cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(mixing_is_one_to_one_on_neighbours),
        cmocka_unit_test(the_kernel_fills_all_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
