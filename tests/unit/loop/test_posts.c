#include "support.h"

#include <pthread.h>
#include <string.h>

static void stop(void *arg)
{
    struct trace *t = arg;

    loop_stop(t->loop, 7);
}

static void note_b(void *arg)
{
    support_note(arg, "b");
}

static void note_a_and_post_b(void *arg)
{
    struct trace *t = arg;

    loop_post(t->loop, note_b, t);
    loop_post(t->loop, stop, t);
    support_note(t, "a");
}

static void calls_come_in_order_and_never_inline(void **state)
{
    struct trace t = {.loop = *state};

    loop_post(t.loop, note_a_and_post_b, &t);
    loop_post(t.loop, note_b, &t);
    assert_string_equal(t.text, "");
    assert_int_equal(loop_run(t.loop), 7);
    assert_string_equal(t.text, "a b b");
}

static void the_loop_runs_again_after_a_stop(void **state)
{
    struct trace t = {.loop = *state};

    for (int i = 0; i < 3; i++) {
        loop_post(t.loop, note_b, &t);
        loop_post(t.loop, stop, &t);
        assert_int_equal(loop_run(t.loop), 7);
    }
    assert_string_equal(t.text, "b b b");
}

static void a_stop_before_running_counts(void **state)
{
    struct loop *l = *state;

    loop_stop(l, 3);
    assert_int_equal(loop_run(l), 3);
}

static void pending_calls_are_dropped_with_the_loop(void **state)
{
    struct trace t = {.loop = *state};

    loop_post(t.loop, stop, &t);
    loop_run(t.loop);
    loop_post(t.loop, note_b, &t);
    assert_string_equal(t.text, "");
}

/* Many threads, each counting upwards; the loop sees each one's numbers in order. */
#define N_THREADS 4
#define N_CALLS   20000

struct sender {
    struct loop *loop;
    pthread_t thread;
    int expected; /* loop thread */
    int *n_done;  /* loop thread */
};

struct number {
    struct sender *from;
    int n;
};

static void receive(void *arg)
{
    struct number *number = arg;
    struct sender *from = number->from;

    assert_true(loop_is_thread(from->loop));
    assert_int_equal(number->n, from->expected);
    from->expected++;
    mem_free(number);
    if (from->expected == N_CALLS && ++*from->n_done == N_THREADS)
        loop_stop(from->loop, 0);
}

static void *send_numbers(void *arg)
{
    struct sender *from = arg;

    assert_false(loop_is_thread(from->loop));
    for (int n = 0; n < N_CALLS; n++) {
        struct number *number = mem_alloc(sizeof(*number));

        *number = (struct number){.from = from, .n = n};
        loop_post(from->loop, receive, number);
    }
    return NULL;
}

static void calls_of_many_threads_all_arrive_in_each_ones_order(void **state)
{
    struct sender senders[N_THREADS] = {{0}};
    int n_done = 0;

    for (int i = 0; i < N_THREADS; i++) {
        senders[i] = (struct sender){.loop = *state, .n_done = &n_done};
        pthread_create(&senders[i].thread, NULL, send_numbers, &senders[i]);
    }
    loop_run(*state);
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(senders[i].thread, NULL);
        assert_int_equal(senders[i].expected, N_CALLS);
    }
}

/* Two loops in two threads throw a ball: each wake-up must come through. */
struct player {
    struct loop *own;
    struct player *other;
    int n_left;
};

static void catch_ball(void *arg)
{
    struct player *p = arg;

    if (p->n_left-- == 0) {
        loop_stop(p->own, 0);
        if (p->other->own)
            loop_post(p->other->own, catch_ball, p->other);
        return;
    }
    loop_post(p->other->own, catch_ball, p->other);
}

static void *run_player(void *arg)
{
    struct player *p = arg;

    loop_run(p->own);
    return NULL;
}

static void no_wake_up_is_lost_between_two_loops(void **state)
{
    struct player a = {.own = *state, .n_left = 5000};
    struct player b = {.own = loop_new(NULL), .n_left = 5000};
    pthread_t thread;

    a.other = &b;
    b.other = &a;
    loop_post(a.own, catch_ball, &a);
    pthread_create(&thread, NULL, run_player, &b);
    loop_run(a.own);
    pthread_join(thread, NULL);
    assert_int_equal(a.n_left, -1);
    assert_int_equal(b.n_left, -1);
    loop_free(b.own);
}

/* Posts that post themselves again must not keep a timer from its turn. */
static void post_again(void *arg)
{
    struct trace *t = arg;

    loop_post(t->loop, post_again, t);
}

static void timers_have_their_turn_among_endless_posts(void **state)
{
    struct trace t = {.loop = *state};

    loop_post(t.loop, post_again, &t);
    loop_timer_add(t.loop, 1000, stop, &t, NULL);
    assert_int_equal(loop_run(t.loop), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(calls_come_in_order_and_never_inline),
        WITH_LOOP(the_loop_runs_again_after_a_stop),
        WITH_LOOP(a_stop_before_running_counts),
        WITH_LOOP(pending_calls_are_dropped_with_the_loop),
        WITH_LOOP(calls_of_many_threads_all_arrive_in_each_ones_order),
        WITH_LOOP(no_wake_up_is_lost_between_two_loops),
        WITH_LOOP(timers_have_their_turn_among_endless_posts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
