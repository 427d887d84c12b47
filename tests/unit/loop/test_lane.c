#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

struct job {
    struct loop *loop;
    int number;
    int *next_on_lane;
    int *next_on_loop;
    int n_jobs;
};

static void on_lane(void *arg)
{
    struct job *j = arg;

    assert_false(loop_is_thread(j->loop));
    assert_int_equal(j->number, *j->next_on_lane);
    ++*j->next_on_lane;
}

static void on_loop(void *arg)
{
    struct job *j = arg;

    assert_true(loop_is_thread(j->loop));
    assert_int_equal(j->number, *j->next_on_loop);
    if (++*j->next_on_loop == j->n_jobs)
        loop_stop(j->loop, 0);
}

static void jobs_run_one_after_the_other_and_report_in_order(void **state)
{
    static struct job jobs[5000];
    struct ff_err err;
    struct lane *ln = lane_new(*state, "worker", &err);
    int next_on_lane = 0;
    int next_on_loop = 0;

    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        jobs[i] = (struct job){.loop = *state,
                               .number = (int)i,
                               .next_on_lane = &next_on_lane,
                               .next_on_loop = &next_on_loop,
                               .n_jobs = COUNT_OF(jobs)};
        lane_do(ln, on_lane, on_loop, &jobs[i]);
    }
    loop_run(*state);
    assert_int_equal(next_on_loop, COUNT_OF(jobs));
    lane_free(ln);
    assert_int_equal(next_on_lane, COUNT_OF(jobs));
}

static void freeing_finishes_what_is_queued(void **state)
{
    static struct job jobs[1000];
    struct ff_err err;
    struct lane *ln = lane_new(*state, "a name longer than fifteen", &err);
    int next_on_lane = 0;
    int next_on_loop = 0;

    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        jobs[i] = (struct job){.loop = *state,
                               .number = (int)i,
                               .next_on_lane = &next_on_lane,
                               .next_on_loop = &next_on_loop,
                               .n_jobs = COUNT_OF(jobs)};
        lane_do(ln, on_lane, i % 2 ? on_loop : NULL, &jobs[i]);
        jobs[i].n_jobs = -1;
    }
    lane_free(ln);
    lane_free(NULL);
    assert_int_equal(next_on_lane, COUNT_OF(jobs));
    assert_int_equal(next_on_loop, 0); /* the loop has not run since */
}

static void an_idle_lane_ends_at_once(void **state)
{
    struct ff_err err;

    for (int i = 0; i < 20; i++)
        lane_free(lane_new(*state, "idle", &err));
}

/* Several threads give one lane work. */
struct giver {
    struct lane *lane;
    pthread_t thread;
};

static int n_counted; /* the lane's thread, then the test's */

static void count(void *arg)
{
    (void)arg;
    n_counted++;
}

static void *give(void *arg)
{
    const struct giver *g = arg;

    for (int i = 0; i < 10000; i++)
        lane_do(g->lane, count, NULL, NULL);
    return NULL;
}

static void any_thread_may_give_it_work(void **state)
{
    struct ff_err err;
    struct lane *ln = lane_new(*state, "shared", &err);
    struct giver givers[4];

    for (size_t i = 0; i < COUNT_OF(givers); i++) {
        givers[i].lane = ln;
        pthread_create(&givers[i].thread, NULL, give, &givers[i]);
    }
    for (size_t i = 0; i < COUNT_OF(givers); i++)
        pthread_join(givers[i].thread, NULL);
    lane_free(ln);
    assert_int_equal(n_counted, 40000);
}

/* Two lanes wait for each other, which one thread alone could not. */
struct meeting {
    pthread_barrier_t barrier;
    atomic_int n_met;
};

static void meet(void *arg)
{
    struct meeting *m = arg;

    pthread_barrier_wait(&m->barrier);
    atomic_fetch_add(&m->n_met, 1);
}

static void lanes_run_beside_each_other(void **state)
{
    struct ff_err err;
    struct lane *a = lane_new(*state, "a", &err);
    struct lane *b = lane_new(*state, "b", &err);
    struct meeting m = {.n_met = 0};

    pthread_barrier_init(&m.barrier, NULL, 2);
    lane_do(a, meet, NULL, &m);
    lane_do(b, meet, NULL, &m);
    lane_free(a);
    lane_free(b);
    assert_int_equal(m.n_met, 2);
    pthread_barrier_destroy(&m.barrier);
}

static void look_at_signals(void *arg)
{
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    *(bool *)arg = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGCHLD);
}

static void signals_are_left_to_the_loop_thread(void **state)
{
    struct ff_err err;
    struct lane *ln = lane_new(*state, "signals", &err);
    bool blocked = false;
    sigset_t mine;

    lane_do(ln, look_at_signals, NULL, &blocked);
    lane_free(ln);
    assert_true(blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_false(sigismember(&mine, SIGTERM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(jobs_run_one_after_the_other_and_report_in_order),
        WITH_LOOP(freeing_finishes_what_is_queued),
        WITH_LOOP(an_idle_lane_ends_at_once),
        WITH_LOOP(any_thread_may_give_it_work),
        WITH_LOOP(lanes_run_beside_each_other),
        WITH_LOOP(signals_are_left_to_the_loop_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
