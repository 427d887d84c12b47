#include "support.h"

#include <string.h>

static void an_id_is_a_version_7_uuid_of_its_time(void **state)
{
    char id[ID_TEXT];

    (void)state;
    /* The time of RFC 9562, appendix A.6: 0x017F22E279B0 ms. */
    id_make(INT64_C(1645557742000) * 1000, UINT64_MAX, UINT64_MAX, id);
    assert_string_equal(id, "017f22e2-79b0-7003-bfff-ffffffffffff");
    id_make(INT64_C(1645557742000) * 1000 + 999, 0, 0, id);
    assert_string_equal(id, "017f22e2-79b0-7f9c-8000-000000000000");
    assert_true(id_valid(id));
}

static void ids_sort_by_the_microsecond_of_their_making(void **state)
{
    struct rand r = support_rand();
    char before[ID_TEXT];
    char id[ID_TEXT];

    (void)state;
    id_make(0, 0, 0, before);
    for (int64_t us = 1; us < 5000; us++) {
        id_make(us, rand_next(&r), rand_next(&r), id);
        assert_true(id_valid(id));
        assert_true(strcmp(before, id) < 0);
        memcpy(before, id, sizeof(id));
    }
}

static void all_random_bits_but_the_fixed_ones_are_used(void **state)
{
    struct rand r = support_rand();
    char seen[ID_TEXT][128] = {{0}};
    char id[ID_TEXT];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        id_make(0, rand_next(&r), rand_next(&r), id);
        for (size_t at = 0; at < ID_TEXT; at++)
            seen[at][(unsigned char)id[at]] = 1;
    }
    for (size_t at = 20; at < 36; at++)
        for (const char *c = "0123456789abcdef"; *c && at != 23; c++)
            assert_true(seen[at][(unsigned char)*c]);
    assert_true(seen[19]['8'] && seen[19]['9'] && seen[19]['a'] && seen[19]['b']);
    assert_false(seen[19]['7'] || seen[19]['c']);
}

static void only_lower_case_uuids_are_valid(void **state)
{
    (void)state;
    assert_true(id_valid("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
    assert_true(id_valid("00000000-0000-0000-0000-000000000000"));
    assert_false(id_valid("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"));
    assert_false(id_valid("017f22e2-79b0-7cc3-98c4-dc0c0c07398"));
    assert_false(id_valid("017f22e2-79b0-7cc3-98c4-dc0c0c07398ff"));
    assert_false(id_valid("017f22e279b07cc398c4dc0c0c07398f"));
    assert_false(id_valid("017f22e2-79b0-7cc3-98c4_dc0c0c07398f"));
    assert_false(id_valid("{17f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
    assert_false(id_valid(""));
    assert_false(id_valid(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_a_version_7_uuid_of_its_time),
        cmocka_unit_test(ids_sort_by_the_microsecond_of_their_making),
        cmocka_unit_test(all_random_bits_but_the_fixed_ones_are_used),
        cmocka_unit_test(only_lower_case_uuids_are_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
