#include "support.h"

#include "loop/loop_priv.h"
#include <pthread.h>
#include <time.h>

#define DAY_US INT64_C(86400000000)

static void real_time_is_shown_as_it_is(void **state)
{
    _Atomic int64_t lead = 0;

    (void)state;
    for (int64_t us = 0; us < 1000; us++)
        assert_int_equal(wall_smooth(&lead, 1000 * DAY_US + us, DAY_US + us),
                         1000 * DAY_US + us);
    /* A step forward is taken at once. */
    assert_int_equal(wall_smooth(&lead, 2000 * DAY_US, DAY_US + 1000), 2000 * DAY_US);
}

static void after_a_step_back_time_goes_on_at_half_speed(void **state)
{
    const int64_t real = 1000 * DAY_US;
    _Atomic int64_t lead = 0;

    (void)state;
    assert_int_equal(wall_smooth(&lead, real, DAY_US), real);
    /* Set back by an hour's 3,600 s: shown goes on from where it was. */
    for (int64_t s = 0; s <= 7200; s += 100)
        assert_int_equal(wall_smooth(&lead, real + (s - 3600) * UNITS_SECOND,
                                     DAY_US + s * UNITS_SECOND),
                         real + s * UNITS_SECOND / 2);
    /* Caught up with after twice the step; real time again. */
    assert_int_equal(
        wall_smooth(&lead, real + 3700 * UNITS_SECOND, DAY_US + 7300 * UNITS_SECOND),
        real + 3700 * UNITS_SECOND);
}

static void any_clock_gives_times_that_never_go_back(void **state)
{
    _Atomic int64_t lead = 0;
    int64_t real = 1000 * DAY_US;
    int64_t mono = DAY_US;
    int64_t shown = 0;
    uint64_t seed = 0;
    struct rand r;

    (void)state;
    rand_system(&seed, sizeof(seed));
    print_message("seed %llu\n", (unsigned long long)seed);
    rand_seed(&r, seed);
    for (int i = 0; i < 100000; i++) {
        const int64_t passed = (int64_t)rand_below(&r, 1000);

        mono += passed;
        real += passed;
        if (rand_below(&r, 100) == 0)
            real += (int64_t)rand_below(&r, 200000) - 100000;
        const int64_t now = wall_smooth(&lead, real, mono);

        assert_true(now >= shown);
        assert_true(now >= real);
        shown = now;
    }
}

/* Shared: what was shown last to whoever asked before me. */
static _Atomic int64_t last_shown;
static _Atomic int64_t common_lead;
static _Atomic int64_t n_backwards;

static void *look_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        const int64_t before = atomic_load(&last_shown);
        /* The real clock jumps about by 50 us; the monotonic one is the kernel's. */
        const int64_t now = wall_smooth(
            &common_lead, 1000 * DAY_US + mono_now_us() - i % 50, mono_now_us());
        int64_t known = before;

        if (now < before)
            atomic_fetch_add(&n_backwards, 1);
        while (now > known && !atomic_compare_exchange_weak(&last_shown, &known, now))
            continue;
    }
    return NULL;
}

static void threads_see_each_others_time(void **state)
{
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_often, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_backwards, 0);
}

static void the_loop_shows_the_clocks_of_the_system(void **state)
{
    struct loop *l = *state;
    const int64_t before = (int64_t)time(NULL) * UNITS_SECOND;
    const int64_t wall = loop_wall_us(l);
    const int64_t mono = loop_mono_us(l);

    assert_in_range(wall, before, before + 60 * UNITS_SECOND);
    assert_true(loop_mono_us(l) >= mono);
    assert_true(loop_wall_us(l) >= wall);
}

static void random_words_differ(void **state)
{
    struct loop *l = *state;
    uint64_t words[200];

    for (size_t i = 0; i < COUNT_OF(words); i++)
        words[i] = loop_random(l);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        for (size_t k = 0; k < i; k++)
            assert_true(words[i] != words[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_time_is_shown_as_it_is),
        cmocka_unit_test(after_a_step_back_time_goes_on_at_half_speed),
        cmocka_unit_test(any_clock_gives_times_that_never_go_back),
        cmocka_unit_test(threads_see_each_others_time),
        WITH_LOOP(the_loop_shows_the_clocks_of_the_system),
        WITH_LOOP(random_words_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
