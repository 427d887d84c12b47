/* Readers beside those of the store, and the pool of them. */
#include "support_real.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#define LANES 3

static void must(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        fail_msg("%s", err->msg);
}

/* --- a reader --- */

static int64_t version_of(struct real *r, struct store_reader *reader, int64_t no)
{
    char id[ID_TEXT];
    struct arena arena = {0};
    struct run_row row = a_run(1, no, id);
    struct ff_err err = {0};
    const int code =
        store_run_by_id(r->store, reader, TENANT_DEFAULT, id, &arena, &row, &err);

    arena_done(&arena);
    return code == FF_OK ? row.version : -code;
}

static struct store_reader *open_reader(struct real *r)
{
    struct ff_err err = {0};
    struct store_reader *reader = store_reader_open(r->store, &err);

    must(reader ? FF_OK : err.code, &err);
    return reader;
}

static void readers_see_every_commit_that_returned_before(void **state)
{
    struct real *r = *state;
    struct store_reader *early = open_reader(r);

    assert_int_equal(version_of(r, early, 1), -FF_NOT_FOUND);
    put_run(r, 1, 1);
    struct store_reader *late = open_reader(r);

    assert_int_equal(version_of(r, early, 1), 1);
    assert_int_equal(version_of(r, late, 1), 1);
    store_reader_close(early);
    put_run(r, 1, 2);
    assert_int_equal(version_of(r, late, 2), 1);
    assert_int_equal(version_of(r, STORE_READER_LANE, 2), 1);
    store_reader_close(late);
    store_reader_close(NULL);
}

/* --- the pool --- */

static struct store_readers *open_pool(struct real *r, size_t n_lanes, size_t n_waiting)
{
    const struct store_readers_setup setup = {
        .name = "readers", .n_lanes = n_lanes, .n_waiting = n_waiting};
    struct ff_err err = {0};
    struct store_readers *p = store_readers_open(r->store, &setup, &err);

    must(p ? FF_OK : err.code, &err);
    return p;
}

/* Jobs that count, wait for each other, or for the test. */
struct work {
    struct real *real;
    struct store_readers *pool;
    pthread_barrier_t together;
    pthread_mutex_t gate; /* held by the test: those at it wait */
    size_t n_done, stop_at;
    int64_t order[64]; /* numbers of jobs as they began */
    size_t n_order;
    sem_t begun;
    int again; /* jobs that are still to be given from `done` */
};

struct task {
    struct work *work;
    int64_t no, found;
    bool on_loop, answered_on_loop;
};

static void read_run(void *arg, struct store_reader *reader)
{
    struct task *t = arg;

    t->on_loop = loop_is_thread(t->work->real->loop);
    t->found = version_of(t->work->real, reader, t->no);
}

static void read_together(void *arg, struct store_reader *reader)
{
    const struct task *t = arg;

    pthread_barrier_wait(&t->work->together);
    read_run(arg, reader);
    pthread_barrier_wait(&t->work->together);
}

static void note_order(void *arg, struct store_reader *reader)
{
    const struct task *t = arg;

    (void)reader;
    pthread_mutex_lock(&t->work->gate);
    t->work->order[t->work->n_order++] = t->no;
    pthread_mutex_unlock(&t->work->gate);
}

static void answer(void *arg)
{
    struct task *t = arg;

    t->answered_on_loop = loop_is_thread(t->work->real->loop);
    if (++t->work->n_done == t->work->stop_at)
        loop_stop(t->work->real->loop, 0);
}

static void give(struct work *w, store_read_fn *read, struct task *t, int64_t no)
{
    struct ff_err err = {0};

    *t = (struct task){.work = w, .no = no};
    must(store_readers_do(w->pool, read, answer, t, &err), &err);
}

static void run_until_done(struct work *w, size_t n)
{
    if (w->n_done >= n)
        return;
    w->stop_at = n;
    loop_run(w->real->loop);
    assert_int_equal(w->n_done, n);
}

static void jobs_read_at_the_same_time_each_with_a_reader_of_its_own(void **state)
{
    struct work w = {.real = *state};
    struct task tasks[LANES];

    put_run(w.real, 1, 1);
    put_run(w.real, 1, 2);
    w.pool = open_pool(w.real, LANES, 0);
    pthread_barrier_init(&w.together, NULL, LANES);
    for (int i = 0; i < LANES; i++)
        give(&w, read_together, &tasks[i], i + 1);
    assert_int_equal(store_readers_backlog(w.pool), LANES);
    run_until_done(&w, LANES);
    for (int i = 0; i < LANES; i++) {
        assert_int_equal(tasks[i].found, i < 2 ? 1 : -FF_NOT_FOUND);
        assert_false(tasks[i].on_loop);
        assert_true(tasks[i].answered_on_loop);
    }
    assert_int_equal(store_readers_backlog(w.pool), 0);
    store_readers_close(w.pool);
    pthread_barrier_destroy(&w.together);
}

static void one_more_than_may_wait_is_refused_at_once(void **state)
{
    struct work w = {.real = *state, .gate = PTHREAD_MUTEX_INITIALIZER};
    struct ff_err err = {0};
    struct task tasks[4], more = {.work = &w};

    w.pool = open_pool(w.real, 1, 3);
    pthread_mutex_lock(&w.gate);
    for (int i = 0; i < 4; i++)
        give(&w, note_order, &tasks[i], i);
    assert_int_equal(store_readers_do(w.pool, note_order, answer, &more, &err),
                     FF_BUSY);
    assert_non_null(strstr(err.msg, "try again"));
    assert_int_equal(store_readers_backlog(w.pool), 4);
    pthread_mutex_unlock(&w.gate);
    run_until_done(&w, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(w.order[i], i);
    /* There is room again, all round the ring. */
    for (int i = 0; i < 10; i++) {
        give(&w, read_run, &more, i);
        run_until_done(&w, 5 + (size_t)i);
    }
    store_readers_close(w.pool);
}

static void tell_test(void *arg, struct store_reader *reader)
{
    struct task *t = arg;

    (void)reader;
    sem_post(&t->work->begun);
}

/* A loop that is busy with other things answers late, but what waits is done. */
static void lanes_go_on_while_the_loop_has_no_time(void **state)
{
    struct work w = {.real = *state};
    struct task tasks[12];
    struct timespec late;

    sem_init(&w.begun, 0, 0);
    clock_gettime(CLOCK_REALTIME, &late);
    late.tv_sec += 60;
    w.pool = open_pool(w.real, 2, 10);
    for (int i = 0; i < 12; i++)
        give(&w, tell_test, &tasks[i], i);
    for (int i = 0; i < 12; i++)
        assert_int_equal(sem_timedwait(&w.begun, &late), 0);
    assert_int_equal(store_readers_backlog(w.pool), 12);
    run_until_done(&w, 12);
    store_readers_close(w.pool);
    sem_destroy(&w.begun);
}

static void answer_and_go_on(void *arg)
{
    struct task *t = arg;
    struct ff_err err = {0};

    if (t->work->again-- > 0)
        must(store_readers_do(t->work->pool, read_run, answer_and_go_on, t, &err),
             &err);
    answer(t);
}

static void an_answer_may_give_the_next_job(void **state)
{
    struct work w = {.real = *state, .again = 40};
    struct task t = {.work = &w};
    struct ff_err err = {0};

    w.pool = open_pool(w.real, 2, 4);
    must(store_readers_do(w.pool, read_run, answer_and_go_on, &t, &err), &err);
    run_until_done(&w, 41);
    store_readers_close(w.pool);
}

/* --- its end --- */

static void on_drained(void *arg)
{
    struct work *w = arg;

    w->stop_at = w->n_done; /* all that there were */
    store_readers_close(w->pool);
    w->pool = NULL;
    loop_stop(w->real->loop, 7);
}

static void draining_answers_what_was_taken_and_takes_no_more(void **state)
{
    struct work w = {.real = *state, .gate = PTHREAD_MUTEX_INITIALIZER};
    struct ff_err err = {0};
    struct task tasks[6];

    w.pool = open_pool(w.real, 2, 4);
    pthread_mutex_lock(&w.gate);
    for (int i = 0; i < 6; i++)
        give(&w, note_order, &tasks[i], i);
    store_readers_drain(w.pool, on_drained, &w);
    assert_int_equal(store_readers_do(w.pool, note_order, answer, &tasks[0], &err),
                     FF_CANCELLED);
    pthread_mutex_unlock(&w.gate);
    assert_int_equal(loop_run(w.real->loop), 7);
    assert_int_equal(w.stop_at, 6);
    assert_null(w.pool);
}

static void an_idle_pool_is_drained_at_once(void **state)
{
    struct work w = {.real = *state};

    w.pool = open_pool(w.real, 2, 4);
    store_readers_drain(w.pool, on_drained, &w);
    assert_non_null(w.pool);
    assert_int_equal(loop_run(w.real->loop), 7);
    assert_null(w.pool);
}

static void release(void *arg)
{
    struct work *w = arg;

    w->n_done++;
    store_readers_release(w->pool);
}

static void a_pool_that_is_held_is_drained_when_it_is_released(void **state)
{
    struct work w = {.real = *state};
    struct task t;

    w.pool = open_pool(w.real, 2, 4);
    store_readers_hold(w.pool);
    give(&w, read_run, &t, 1);
    run_until_done(&w, 1);
    store_readers_drain(w.pool, on_drained, &w);
    loop_timer_add(w.real->loop, 1000, release, &w, NULL);
    assert_int_equal(loop_run(w.real->loop), 7);
    assert_int_equal(w.stop_at, 2);
    assert_null(w.pool);
}

static void closing_waits_for_who_holds_the_pool(void **state)
{
    struct work w = {.real = *state};

    w.pool = open_pool(w.real, 1, 0);
    store_readers_hold(w.pool);
    loop_post(w.real->loop, release, &w);
    store_readers_close(w.pool);
    assert_int_equal(w.n_done, 1);
}

static void closing_answers_what_was_taken(void **state)
{
    struct work w = {.real = *state};
    struct task tasks[20];

    w.pool = open_pool(w.real, 2, 30);
    for (int i = 0; i < 20; i++)
        give(&w, read_run, &tasks[i], i);
    store_readers_close(w.pool);
    assert_int_equal(w.n_done, 20);
    store_readers_close(NULL);
}

static void a_pool_without_lanes_or_bounds_is_refused(void **state)
{
    static const struct store_readers_setup wrong[] = {
        {"readers", 0, 1},
        {"readers", STORE_LANES_MAX + 1, 1},
        {"readers", 1, STORE_WAITING_MAX + 1},
    };
    struct real *r = *state;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct ff_err err = {0};

        assert_null(store_readers_open(r->store, &wrong[i], &err));
        assert_int_equal(err.code, FF_INVALID);
    }
}

/* --- beside the committer --- */

/* One commit after the other on the loop, each read on a lane once it is durable, while
 * other jobs scan everything. */
#define COMMITS 60

struct traffic {
    struct work work;
    struct task task;
    struct task scans[LANES];
    int64_t no;
};

static int count_row(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return 0;
}

static void scan_all(void *arg, struct store_reader *reader)
{
    struct task *t = arg;
    const struct store_query q = {.record = &record_run};
    struct ff_err err = {0};
    int64_t n = 0;

    if (store_scan(t->work->real->store, reader, &q, count_row, &n, &err) != FF_OK)
        n = -1;
    t->found = n;
}

/* A later scan sees at least as much. */
static void scan_again(void *arg)
{
    struct task *t = arg;
    struct traffic *x = (struct traffic *)(void *)t->work;
    struct ff_err err = {0};

    assert_true(t->found >= t->no);
    t->no = t->found;
    if (x->no < COMMITS)
        must(store_readers_do(t->work->pool, scan_all, scan_again, t, &err), &err);
}

static void commit_next(struct traffic *x);

static void on_found(void *arg)
{
    struct traffic *x = arg;

    assert_int_equal(x->task.found, 1);
    if (x->no < COMMITS)
        commit_next(x);
    else
        loop_stop(x->work.real->loop, 0);
}

static void read_committed(void *arg, struct store_reader *reader)
{
    struct traffic *x = arg;

    read_run(&x->task, reader);
}

static void on_durable(void *arg, int code, size_t failed, const struct ff_err *why)
{
    struct traffic *x = arg;
    struct ff_err err = {0};

    (void)failed;
    must(code, why);
    must(store_readers_do(x->work.pool, read_committed, on_found, x, &err), &err);
}

static void commit_next(struct traffic *x)
{
    char id[ID_TEXT];
    const struct run_row row = a_run(1, ++x->no, id);
    struct batch b = {0};

    x->task.no = x->no;
    batch_put(&b, &record_run, &row, FF_ABSENT);
    store_commit(x->work.real->store, &b, on_durable, x);
}

static void what_is_durable_is_seen_by_the_next_job_while_others_scan(void **state)
{
    struct traffic x = {.work = {.real = *state}};
    struct ff_err err = {0};

    x.task.work = &x.work;
    x.work.pool = open_pool(x.work.real, LANES, LANES);
    for (int i = 0; i < LANES; i++) {
        x.scans[i] = (struct task){.work = &x.work};
        must(store_readers_do(x.work.pool, scan_all, scan_again, &x.scans[i], &err),
             &err);
    }
    commit_next(&x);
    loop_run(x.work.real->loop);
    store_readers_close(x.work.pool);
    for (int i = 0; i < LANES; i++)
        assert_true(x.scans[i].found >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(readers_see_every_commit_that_returned_before),
        ON_EACH(jobs_read_at_the_same_time_each_with_a_reader_of_its_own),
        ON_EACH(one_more_than_may_wait_is_refused_at_once),
        ON_EACH(lanes_go_on_while_the_loop_has_no_time),
        ON_EACH(an_answer_may_give_the_next_job),
        ON_EACH(draining_answers_what_was_taken_and_takes_no_more),
        ON_EACH(an_idle_pool_is_drained_at_once),
        ON_EACH(a_pool_that_is_held_is_drained_when_it_is_released),
        ON_EACH(closing_waits_for_who_holds_the_pool),
        ON_EACH(closing_answers_what_was_taken),
        ON_EACH(a_pool_without_lanes_or_bounds_is_refused),
        ON_EACH(what_is_durable_is_seen_by_the_next_job_while_others_scan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
