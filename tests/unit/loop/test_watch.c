#include "support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two ends of a socket; the loop watches the first. */
struct ends {
    struct loop *loop;
    int own, far;
    struct loop_watch *watch;
    int n_calls;
    uint32_t seen;
};

static struct ends make_ends(struct loop *l)
{
    int fds[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    return (struct ends){.loop = l, .own = fds[0], .far = fds[1]};
}

static void close_ends(struct ends *e)
{
    loop_watch_del(e->watch);
    close(e->own);
    if (e->far >= 0)
        close(e->far);
}

static void stop_on_third(void *arg, int fd, uint32_t events)
{
    struct ends *e = arg;

    assert_int_equal(fd, e->own);
    e->seen |= events;
    if (++e->n_calls == 3)
        loop_stop(e->loop, 0);
}

static void it_calls_as_long_as_the_condition_holds(void **state)
{
    struct ends e = make_ends(*state);

    e.watch = loop_watch_add(e.loop, e.own, FF_FD_READ, stop_on_third, &e);
    assert_int_equal(write(e.far, "x", 1), 1);
    loop_run(e.loop);
    assert_int_equal(e.n_calls, 3);
    assert_int_equal(e.seen, FF_FD_READ);
    close_ends(&e);
}

static void events_can_be_changed_and_suspended(void **state)
{
    struct ends e = make_ends(*state);

    e.watch = loop_watch_add(e.loop, e.own, 0, stop_on_third, &e);
    assert_int_equal(write(e.far, "x", 1), 1);
    loop_watch_set(e.watch, FF_FD_WRITE);
    loop_watch_set(e.watch, FF_FD_WRITE);
    loop_run(e.loop);
    assert_int_equal(e.seen, FF_FD_WRITE);

    e.seen = 0;
    e.n_calls = 0;
    loop_watch_set(e.watch, FF_FD_READ | FF_FD_WRITE);
    loop_run(e.loop);
    assert_int_equal(e.seen, FF_FD_READ | FF_FD_WRITE);
    close_ends(&e);
}

static void stop_loop(void *arg)
{
    loop_stop(arg, 0);
}

static void suspend(void *arg, int fd, uint32_t events)
{
    struct ends *e = arg;

    (void)fd;
    (void)events;
    e->n_calls++;
    loop_watch_set(e->watch, 0);
    loop_timer_add(e->loop, 1000, stop_loop, e->loop, NULL);
}

static void a_suspended_one_is_silent(void **state)
{
    struct ends e = make_ends(*state);

    e.watch = loop_watch_add(e.loop, e.own, FF_FD_READ, suspend, &e);
    assert_int_equal(write(e.far, "x", 1), 1);
    loop_run(e.loop);
    assert_int_equal(e.n_calls, 1);
    loop_watch_set(e.watch, FF_FD_READ);
    loop_run(e.loop);
    assert_int_equal(e.n_calls, 2);
    close_ends(&e);
}

/* Both are readable; whichever comes first deletes both. */
struct pair {
    struct ends a, b;
    int n_calls;
};

static void delete_both(void *arg, int fd, uint32_t events)
{
    struct pair *p = arg;

    (void)fd;
    (void)events;
    p->n_calls++;
    loop_watch_del(p->a.watch);
    loop_watch_del(p->b.watch);
    p->a.watch = p->b.watch = NULL;
    loop_timer_add(p->a.loop, 1000, stop_loop, p->a.loop, NULL);
}

static void deleting_inside_the_callback_silences_both(void **state)
{
    struct pair p = {.a = make_ends(*state), .b = make_ends(*state)};

    p.a.watch = loop_watch_add(p.a.loop, p.a.own, FF_FD_READ, delete_both, &p);
    p.b.watch = loop_watch_add(p.b.loop, p.b.own, FF_FD_READ, delete_both, &p);
    assert_int_equal(write(p.a.far, "x", 1), 1);
    assert_int_equal(write(p.b.far, "x", 1), 1);
    loop_run(p.a.loop);
    assert_int_equal(p.n_calls, 1);
    close_ends(&p.a);
    close_ends(&p.b);
}

static void the_end_of_the_far_side_is_readable(void **state)
{
    struct ends e = make_ends(*state);

    e.watch = loop_watch_add(e.loop, e.own, FF_FD_READ, stop_on_third, &e);
    close(e.far);
    e.far = -1;
    loop_run(e.loop);
    assert_true(e.seen & FF_FD_READ);
    close_ends(&e);
}

static void one_descriptor_may_have_a_reader_and_a_writer(void **state)
{
    struct ends reader = make_ends(*state);
    struct ends writer = reader;

    reader.watch =
        loop_watch_add(*state, reader.own, FF_FD_READ, stop_on_third, &reader);
    writer.watch =
        loop_watch_add(*state, writer.own, FF_FD_WRITE, stop_on_third, &writer);
    loop_run(*state);
    assert_int_equal(writer.n_calls, 3);
    assert_int_equal(writer.seen, FF_FD_WRITE);
    assert_int_equal(reader.n_calls, 0);
    loop_watch_del(writer.watch);
    assert_int_equal(write(reader.far, "x", 1), 1);
    loop_run(*state);
    assert_int_equal(reader.n_calls, 3);
    close_ends(&reader);
}

static void what_cannot_be_watched_gives_null(void **state)
{
    const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    assert_null(loop_watch_add(*state, file, FF_FD_READ, stop_on_third, NULL));
    loop_watch_del(NULL);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(it_calls_as_long_as_the_condition_holds),
        WITH_LOOP(events_can_be_changed_and_suspended),
        WITH_LOOP(a_suspended_one_is_silent),
        WITH_LOOP(deleting_inside_the_callback_silences_both),
        WITH_LOOP(the_end_of_the_far_side_is_readable),
        WITH_LOOP(one_descriptor_may_have_a_reader_and_a_writer),
        WITH_LOOP(what_cannot_be_watched_gives_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
