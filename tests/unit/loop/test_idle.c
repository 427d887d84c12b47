/* An idle loop sleeps in one epoll_wait without a timeout. The kernel says which system
 * call a thread is in, with its arguments: /proc/self/task/ID/syscall. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sleeper {
    struct loop *loop;
    pthread_t thread;
    _Atomic pid_t id;
};

static void tell_id(void *arg)
{
    struct sleeper *s = arg;

    atomic_store(&s->id, (pid_t)syscall(SYS_gettid));
}

static void *run(void *arg)
{
    const struct sleeper *s = arg;

    loop_run(s->loop);
    return NULL;
}

static void stop(void *arg)
{
    loop_stop(arg, 0);
}

/* "232 0x3 0x7f.. 0x20 0xffffffff ...": number and arguments; false when the kernel
 * does not tell. */
static bool is_in_call(pid_t id, long *number, int *fourth)
{
    struct buf text = {0};
    char path[64];
    char *at = NULL;

    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)id);
    if (file_read(path, 1000, &text) != 0)
        return false;
    *number = strtol(buf_text(&text), &at, 10);
    if (at == text.data)
        *number = -1; /* "running" */
    for (int i = 0; i < 4; i++)
        *fourth = (int)strtoull(at, &at, 16);
    buf_done(&text);
    return true;
}

static bool is_wait(long number)
{
#ifdef SYS_epoll_wait
    if (number == SYS_epoll_wait)
        return true;
#endif
    return number == SYS_epoll_pwait;
}

static void check_asleep(struct loop *l)
{
    struct sleeper s = {.loop = l};
    long number = -1;
    int timeout = 0;
    bool known = true;

    pthread_create(&s.thread, NULL, run, &s);
    loop_post(l, tell_id, &s);
    while (atomic_load(&s.id) == 0)
        sched_yield();
    /* What is left to do it does now, and then stays; waiting with another timeout
     * would keep us here until the test's own. */
    do {
        sched_yield();
        known = is_in_call(s.id, &number, &timeout);
    } while (known && (!is_wait(number) || timeout != -1));
    loop_post(l, stop, l);
    pthread_join(s.thread, NULL);
    if (!known)
        skip();
}

static void it_sleeps_without_a_timeout(void **state)
{
    check_asleep(*state);
}

static void never(void *arg)
{
    (void)arg;
    fail();
}

static void a_pending_timer_is_the_kernels_business(void **state)
{
    loop_timer_add(*state, 3600 * UNITS_SECOND, never, NULL, NULL);
    check_asleep(*state);
}

static void a_lane_without_work_changes_nothing(void **state)
{
    struct ff_err err;
    struct lane *ln = lane_new(*state, "idle", &err);

    check_asleep(*state);
    lane_free(ln);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(it_sleeps_without_a_timeout),
        WITH_LOOP(a_pending_timer_is_the_kernels_business),
        WITH_LOOP(a_lane_without_work_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
