/* Operations: completed once, from any thread, and never inside the call. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

struct awaited {
    struct fixture *f;
    size_t n, wanted;
    int code;
    char msg[248];
    bool inside; /* a call of the driver is under way */
};

static void on_done(void *arg, int code, const struct ff_err *err)
{
    struct awaited *a = arg;

    assert_false(a->inside);
    assert_true(loop_is_thread(a->f->loop));
    assert_int_equal(code == FF_OK, err == NULL);
    a->code = code;
    snprintf(a->msg, sizeof(a->msg), "%s", err ? err->msg : "");
    if (++a->n == a->wanted)
        loop_stop(a->f->loop, 0);
}

static void publish(struct awaited *a)
{
    a->inside = true;
    fixture_publish(a->f, on_done, a);
    a->inside = false;
}

static void complete_now(const struct ff_host *host, struct ff_op *op)
{
    host->complete(host->self, op, NULL);
}

static void completing_inside_the_call_goes_on_later(void **state)
{
    struct fixture f;
    struct awaited a = {.f = &f, .wanted = 1000};

    (void)state;
    fixture_init(&f);
    on_publish = complete_now;
    for (size_t i = 0; i < a.wanted; i++)
        publish(&a);
    assert_int_equal(a.n, 0);
    loop_run(f.loop);
    assert_int_equal(a.n, 1000);
    fixture_done(&f);
}

static struct ff_err given;

static void complete_with_given(const struct ff_host *host, struct ff_op *op)
{
    host->complete(host->self, op, &given);
}

static void errors_arrive_whole_and_with_known_codes(void **state)
{
    static const struct {
        int given, seen;
    } cases[] = {
        {FF_FULL, FF_FULL}, {FF_FATAL, FF_FATAL}, {FF_FATAL + 1, FF_INTERNAL},
        {-5, FF_INTERNAL},  {FF_OK, FF_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f;
        struct awaited a = {.f = &f, .wanted = 1};

        fixture_init(&f);
        on_publish = complete_with_given;
        ff_fail(&given, cases[i].given, 7, "sentence");
        memset(given.msg + 8, 'x', sizeof(given.msg) - 8); /* and no NUL */
        publish(&a);
        memset(&given, 0, sizeof(given)); /* it was only borrowed */
        loop_run(f.loop);
        assert_int_equal(a.code, cases[i].seen);
        if (a.code != FF_OK)
            assert_int_equal(strncmp(a.msg, "sentencexxx", 11), 0);
        fixture_done(&f);
    }
}

#define N_THREADS 4
#define N_EACH    2500

struct thread {
    pthread_t id;
    const struct ff_host *host;
    struct ff_op *ops[N_EACH];
};

static struct thread threads[N_THREADS];
static size_t n_kept;

static void keep(const struct ff_host *host, struct ff_op *op)
{
    struct thread *t = &threads[n_kept % N_THREADS];

    t->host = host;
    t->ops[n_kept++ / N_THREADS] = op;
}

static void *complete_all(void *arg)
{
    struct thread *t = arg;

    for (size_t i = 0; i < N_EACH; i++)
        t->host->complete(t->host->self, t->ops[i], NULL);
    return NULL;
}

static void any_thread_completes(void **state)
{
    struct fixture f;
    struct awaited a = {.f = &f, .wanted = (size_t)N_THREADS * N_EACH};

    (void)state;
    fixture_init(&f);
    on_publish = keep;
    for (int round = 0; round < 3; round++) {
        n_kept = 0;
        a.n = 0;
        for (size_t i = 0; i < a.wanted; i++)
            publish(&a);
        for (size_t i = 0; i < N_THREADS; i++)
            assert_int_equal(
                pthread_create(&threads[i].id, NULL, complete_all, &threads[i]), 0);
        loop_run(f.loop);
        for (size_t i = 0; i < N_THREADS; i++)
            pthread_join(threads[i].id, NULL);
        assert_int_equal(a.n, a.wanted);
    }
    fixture_done(&f);
}

static struct ff_op *kept_op;

static void keep_one(const struct ff_host *host, struct ff_op *op)
{
    (void)host;
    kept_op = op;
}

static void complete_twice(const struct ff_host *host, struct ff_op *op)
{
    host->complete(host->self, op, NULL);
    host->complete(host->self, op, NULL);
}

static void a_second_completion_is_ignored_in_the_release(void **state)
{
    struct fixture f;
    struct awaited a = {.f = &f, .wanted = 1};
    bool strict = driver_strict;

    (void)state;
    driver_strict = false;
    fixture_init(&f);
    on_publish = complete_twice;
    publish(&a);
    loop_run(f.loop);
    assert_int_equal(a.n, 1);
    /* Also when the first one is long gone, and for operations that never were. */
    on_publish = keep_one;
    publish(&a);
    seen_host->complete(seen_host->self, kept_op, NULL);
    a.wanted = 2;
    loop_run(f.loop);
    seen_host->complete(seen_host->self, kept_op, NULL);
    seen_host->complete(seen_host->self, NULL, NULL);
    fixture_done(&f);
    assert_int_equal(a.n, 2);
    driver_strict = strict;
}

static void die_of_two_completions(void)
{
    struct fixture f;
    struct awaited a = {.f = &f, .wanted = 1};

    driver_strict = true;
    fixture_init(&f);
    on_publish = complete_twice;
    publish(&a);
}

static void a_second_completion_ends_other_builds(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(die_of_two_completions), 128 + SIGABRT);
}

static void what_is_open_is_cancelled_with_the_instance(void **state)
{
    struct fixture f;
    struct awaited a = {.f = &f};

    (void)state;
    fixture_init(&f);
    on_publish = keep_one;
    for (int i = 0; i < 100; i++)
        publish(&a);
    on_publish = complete_now;
    publish(&a);
    assert_int_equal(a.n, 0);
    driver_instance_free(f.instance);
    assert_int_equal(a.n, 101);
    assert_int_equal(a.code, FF_CANCELLED);
    assert_string_equal(a.msg, "poke was closed");
    f.instance = NULL;
    fixture_done(&f);
}

static void stop(void *arg)
{
    loop_stop(arg, 0);
}

/* The call that the loop still had to make finds the instance gone. */
static void instances_may_go_before_their_loop_called(void **state)
{
    struct fixture f;
    struct awaited a = {.f = &f};

    (void)state;
    fixture_init(&f);
    on_publish = complete_now;
    publish(&a);
    driver_instance_free(f.instance);
    assert_int_equal(a.n, 1);
    loop_post(f.loop, stop, f.loop);
    loop_run(f.loop);
    assert_int_equal(a.n, 1);
    f.instance = NULL;
    fixture_done(&f);
}

static void free_instance(void *arg, int code, const struct ff_err *err)
{
    struct awaited *a = arg;

    on_done(arg, code, err);
    driver_instance_free(a->f->instance);
    a->f->instance = NULL;
}

static void continuations_may_free_the_instance(void **state)
{
    struct fixture f;
    struct awaited a = {.f = &f, .wanted = 4};

    (void)state;
    fixture_init(&f);
    on_publish = complete_now;
    publish(&a);
    fixture_publish(&f, free_instance, &a);
    publish(&a);
    on_publish = keep_one;
    publish(&a);
    loop_run(f.loop);
    assert_null(f.instance);
    assert_int_equal(a.n, 4);
    assert_int_equal(a.code, FF_CANCELLED);
    fixture_done(&f);
}

struct chain {
    struct fixture *f;
    size_t left;
};

static void go_on(void *arg, int code, const struct ff_err *err)
{
    struct chain *c = arg;

    (void)code;
    (void)err;
    if (c->left-- == 0)
        loop_stop(c->f->loop, 0);
    else
        fixture_publish(c->f, go_on, c);
}

static void continuations_may_start_the_next_operation(void **state)
{
    struct fixture f;
    struct chain c = {&f, 10000};

    (void)state;
    fixture_init(&f);
    on_publish = complete_now;
    fixture_publish(&f, go_on, &c);
    loop_run(f.loop);
    assert_true(f.instance->ops.n_pending == 0);
    /* One chain never needs more than the first operations. */
    assert_true(f.instance->ops.n_free <= 128);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completing_inside_the_call_goes_on_later),
        cmocka_unit_test(errors_arrive_whole_and_with_known_codes),
        cmocka_unit_test(any_thread_completes),
        cmocka_unit_test(a_second_completion_is_ignored_in_the_release),
        cmocka_unit_test(a_second_completion_ends_other_builds),
        cmocka_unit_test(what_is_open_is_cancelled_with_the_instance),
        cmocka_unit_test(instances_may_go_before_their_loop_called),
        cmocka_unit_test(continuations_may_free_the_instance),
        cmocka_unit_test(continuations_may_start_the_next_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
