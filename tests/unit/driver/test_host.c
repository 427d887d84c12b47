/* The host: what a driver gets from it, on and beside the loop thread. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static struct fixture f;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_done(&f);
    return 0;
}

static const struct ff_host *host(void)
{
    return seen_host;
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(f.loop, 0);
}

static void the_table_says_how_large_it_is(void **state)
{
    (void)state;
    assert_int_equal(host()->struct_size, sizeof(struct ff_host));
    assert_int_equal(host()->abi_minor, FF_ABI_MINOR);
    assert_true(FF_HAS(host(), complete));
}

static void time_and_chance_are_the_loops(void **state)
{
    int64_t before = loop_wall_us(f.loop);
    int64_t now = host()->now_us(host()->self);

    (void)state;
    assert_true(now >= before && now <= loop_wall_us(f.loop));
    assert_true(host()->random(host()->self) != host()->random(host()->self));
}

static void logs_of_any_level_do_no_harm(void **state)
{
    (void)state;
    log_setup(LOG_ERROR, false);
    ff_log(host(), FF_WARN, "%s", "not seen");
    ff_log(host(), -7, "level %d counts as an error", -7);
    ff_log(host(), 7, "not seen");
    log_setup(LOG_INFO, false);
}

static struct ff_watch *watch;
static int n_read;

static void on_readable(void *arg, int fd, uint32_t events)
{
    char c;

    assert_ptr_equal(arg, &f);
    assert_int_equal(events, FF_FD_READ);
    assert_int_equal(read(fd, &c, 1), 1);
    if (++n_read == 2) {
        host()->watch_del(host()->self, watch);
        loop_stop(f.loop, 0);
    }
}

static void descriptors_are_watched(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    n_read = 0;
    watch = host()->watch_add(host()->self, ends[0], 0, on_readable, &f);
    assert_non_null(watch);
    assert_int_equal(host()->watch_set(host()->self, watch, FF_FD_READ), FF_OK);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    loop_run(f.loop);
    assert_int_equal(n_read, 2);
    close(ends[0]);
    close(ends[1]);
}

static void not_called(void *arg)
{
    (void)arg;
    fail();
}

static void timers_fire_once_or_are_deleted(void **state)
{
    struct ff_timer *t = host()->timer_add(host()->self, 1, not_called, NULL);

    (void)state;
    host()->timer_add(host()->self, -5, stop, NULL);
    host()->timer_del(host()->self, t);
    host()->timer_del(host()->self, NULL);
    loop_run(f.loop);
}

static int n_posted;

static void on_post(void *arg)
{
    assert_int_equal(n_posted++, (int)(intptr_t)arg);
    if (n_posted == 3)
        loop_stop(f.loop, 0);
}

static void posts_come_in_order_and_later(void **state)
{
    (void)state;
    n_posted = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(host()->post(host()->self, on_post, (void *)(intptr_t)i),
                         FF_OK);
    assert_int_equal(n_posted, 0);
    loop_run(f.loop);
}

struct work {
    _Atomic int n_done;
    int n_after;
    int wanted;
};

static void do_work(void *arg)
{
    struct work *w = arg;

    assert_false(loop_is_thread(f.loop));
    atomic_fetch_add(&w->n_done, 1);
}

static void after_work(void *arg)
{
    struct work *w = arg;

    assert_true(loop_is_thread(f.loop));
    if (++w->n_after == w->wanted)
        loop_stop(f.loop, 0);
}

static void work_is_done_beside_the_loop(void **state)
{
    struct work w = {.wanted = 200};

    (void)state;
    for (int i = 0; i < w.wanted; i++)
        assert_int_equal(host()->work(host()->self, do_work, after_work, &w), FF_OK);
    assert_int_equal(w.n_after, 0);
    loop_run(f.loop);
    assert_int_equal(atomic_load(&w.n_done), 200);
}

static pthread_barrier_t barrier;

static void meet(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&barrier);
}

static void met(void *arg)
{
    int *n = arg;

    if (++*n == 4)
        loop_stop(f.loop, 0);
}

/* Four that wait for each other would wait for ever on fewer threads. */
static void four_pieces_of_work_run_at_once(void **state)
{
    int n = 0;

    (void)state;
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < 4; i++)
        host()->work(host()->self, meet, met, &n);
    loop_run(f.loop);
    pthread_barrier_destroy(&barrier);
}

static void ask_for_work(void *arg)
{
    host()->work(host()->self, do_work, after_work, arg);
}

static void work_may_ask_for_more_work(void **state)
{
    struct work w = {.wanted = 1};

    (void)state;
    host()->work(host()->self, ask_for_work, NULL, &w);
    loop_run(f.loop);
    assert_int_equal(atomic_load(&w.n_done), 1);
}

static void work_is_finished_before_the_instance_is_gone(void **state)
{
    struct work w = {.wanted = 10};
    int code;

    (void)state;
    for (int i = 0; i < w.wanted; i++)
        host()->work(host()->self, do_work, after_work, &w);
    driver_instance_free(f.instance);
    f.instance = NULL;
    assert_int_equal(atomic_load(&w.n_done), 10);
    assert_int_equal(w.n_after, 0);
    code = loop_run(f.loop);
    assert_int_equal(code, 0);
    assert_int_equal(w.n_after, 10);
}

static void *misuse(void *arg)
{
    (void)arg;
    assert_null(host()->timer_add(host()->self, 1, not_called, NULL));
    assert_null(host()->watch_add(host()->self, 0, FF_FD_READ, on_readable, NULL));
    return NULL;
}

static void other_threads_get_no_timers_and_watches(void **state)
{
    bool strict = driver_strict;
    pthread_t id;

    (void)state;
    driver_strict = false;
    assert_int_equal(pthread_create(&id, NULL, misuse, NULL), 0);
    pthread_join(id, NULL);
    driver_strict = strict;
    loop_post(f.loop, stop, NULL);
    loop_run(f.loop);
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOST(the_table_says_how_large_it_is),
        WITH_HOST(time_and_chance_are_the_loops),
        WITH_HOST(logs_of_any_level_do_no_harm),
        WITH_HOST(descriptors_are_watched),
        WITH_HOST(timers_fire_once_or_are_deleted),
        WITH_HOST(posts_come_in_order_and_later),
        WITH_HOST(work_is_done_beside_the_loop),
        WITH_HOST(four_pieces_of_work_run_at_once),
        WITH_HOST(work_may_ask_for_more_work),
        WITH_HOST(work_is_finished_before_the_instance_is_gone),
        WITH_HOST(other_threads_get_no_timers_and_watches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
