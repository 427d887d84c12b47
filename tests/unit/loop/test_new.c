/* A loop that cannot be made, as descriptors are missing: libevent's epoll, our
 * eventfd, our timerfd. Without its pair of sockets, the second and third, libevent
 * ends the process by itself. */
#include "support.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that may still be opened. */
static void allow(rlim_t n)
{
    const int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct rlimit limit;

    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)lowest + n;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void without_descriptors_there_is_a_sentence_and_no_loop(void **state)
{
    struct rlimit before;
    struct loop *l = NULL;
    const rlim_t n_allowed[] = {0, 3, 4};

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < COUNT_OF(n_allowed); i++) {
        struct ff_err err = {0};

        allow(n_allowed[i]);
        l = loop_new(&err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_null(l);
        assert_int_equal(err.code, FF_UNAVAILABLE);
        assert_true(text_starts(err.msg, "event loop: "));
        print_message("%s\n", err.msg);
    }
    allow(5);
    l = loop_new(NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_non_null(l);
    loop_free(l);
    loop_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_descriptors_there_is_a_sentence_and_no_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
