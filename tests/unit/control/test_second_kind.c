/* test_second_kind.c - a run kind that knows no DAG, led by the real control room over
 * store-memory and queue-memory: proof that control, exec's contract, scheduler and
 * store know nothing of DAGs. The kind is that of support_ladder.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support_ladder.h"

/* --- the rest of a process --- */

struct process {
    struct loop *loop;
    struct config *config;
    struct driver_instance *store_driver, *queue_driver;
    struct store *store;
    struct control *control;
    void *queue; /* the executor's session */
    int64_t started[64];
    size_t n_started, n_adopted, n_settled, n_all_adopted;
    size_t n_adopted_first; /* when that was said */
    size_t stop_after;      /* starts; then the owner goes without a word. 0: never */
    char abandoned[96];
    char ended[4][32];
    size_t n_ended, n_gone;
    bool inner;      /* what is adopted is a run inside: it tells of its end itself */
    bool stale_scan; /* one that saw a message is slower than what it asked for */
};

static const struct ff_err *check(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        fail_msg("%s", err->msg);
    return err;
}

static void leave_message(struct process *p, int64_t tenant, int64_t no,
                          const char *kind)
{
    struct ff_err err = {0};
    struct batch b = {0};
    size_t failed;
    const struct inbox_row row = {
        .no = no, .tenant = tenant, .run = 1, .kind = span_of(kind)};

    batch_put(&b, &record_inbox, &row, FF_ABSENT);
    check(store_commit_now(p->store, &b, &failed, &err), &err);
    batch_done(&b);
}

/* Of a tenant whose run it is not: that is refused, whatever the kind. */
static void find_message(struct process *p)
{
    const struct inbox_item item = {.no = 5, .run = 1, .tenant = {2}, .kind = "cancel"};

    if (p->n_started == 1)
        leave_message(p, 2, 5, "cancel");
    p->control->scanning = p->n_started < 3;
    control_inbox(p->control, &item, 1, range_all);
}

static void on_start(void *arg, const struct ff_message *message)
{
    struct process *p = arg;
    const char *receipt = message->receipt;
    struct attempt_key key;

    assert_true(attempt_key_parse(message->body, message->len, &key));
    driver_queue_ops(p->queue_driver)
        ->ack(p->queue, &receipt, 1, driver_op(p->queue_driver, NULL, NULL));
    p->started[p->n_started++] = key.node;
    if (p->stale_scan)
        find_message(p);
    if (p->stop_after > 0 && p->n_started == p->stop_after) {
        loop_stop(p->loop, 1);
        return;
    }
    const struct result ok = {.outcome = OUTCOME_SUCCEEDED, .exit_code = 0};
    control_result(p->control, &key, &ok);
}

static void adopt(void *arg, const struct attempt_key *keys, size_t n)
{
    struct process *p = arg;

    p->n_adopted += n;
    for (size_t i = 0; i < n && !p->inner; i++) {
        const struct result ok = {.outcome = OUTCOME_SUCCEEDED, .exit_code = 0};
        control_result(p->control, &keys[i], &ok);
    }
}

static void all_adopted(void *arg)
{
    struct process *p = arg;

    p->n_all_adopted++;
    p->n_adopted_first = p->n_adopted;
}

static void abandon(void *arg, const struct attempt_key *key, const char *run_id,
                    const char *path)
{
    struct process *p = arg;

    snprintf(p->abandoned, sizeof(p->abandoned), "%s/%s.%lld/%lld", run_id, path,
             (long long)key->node, (long long)key->attempt);
}

static void stop(void *arg, const struct attempt_key *key, int64_t grace_us)
{
    (void)arg;
    (void)key;
    (void)grace_us;
}

static void settled(void *arg, const struct attempt_key *key)
{
    struct process *p = arg;

    (void)key;
    p->n_settled++;
}

static void idle(void *arg)
{
    struct process *p = arg;

    if (p->n_started > 0)
        loop_stop(p->loop, 0);
}

static void ending(void *arg, const struct run_row *run, struct batch *b)
{
    struct process *p = arg;

    assert_true(b->n > 0);
    assert_true(run_state_final(run->state));
    assert_false(run_is_child(run));
    snprintf(p->ended[p->n_ended++], sizeof(p->ended[0]), "%.*s %s",
             (int)run->workflow.len, run->workflow.s, run_state_names[run->state]);
}

static void gone(void *arg)
{
    struct process *p = arg;

    p->n_gone++;
    loop_stop(p->loop, 0);
}

static void fatal(void *arg, const struct ff_err *err)
{
    (void)arg;
    fail_msg("%s", err->msg);
}

static struct driver_instance *instance(struct process *p, const char *name,
                                        uint32_t kind)
{
    struct ff_err err = {0};
    struct driver *d = driver_load(getenv("FLOWFORGE_LIB"), name, kind, &err);

    check(d ? FF_OK : err.code, &err);
    struct driver_instance *i = driver_instance_new(d, p->loop, p->config, name, &err);
    check(i ? FF_OK : err.code, &err);
    return i;
}

static void open_process(struct process *p)
{
    struct ff_err err = {0};
    char *none[] = {NULL};

    p->config = config_load("/dev/null", none, &err);
    check(p->config ? FF_OK : err.code, &err);
    p->loop = loop_new(&err);
    p->store_driver = instance(p, "store-memory", FF_STORE);
    p->queue_driver = instance(p, "queue-memory", FF_QUEUE);
    p->store = store_open(p->loop, p->store_driver, &err);
    check(p->store ? FF_OK : err.code, &err);
}

static void own(struct process *p)
{
    struct ff_err err = {0};
    const struct store_claim claim = {.owner = "test"};
    struct shard_row row = {0};

    check(store_acquire_shard(p->store, 0, &claim, &row, &err), &err);
    check(driver_open_queue(p->queue_driver, &p->queue, &err), &err);
    check(driver_queue_ops(p->queue_driver)
              ->subscribe(p->queue, CONTROL_TOPIC_START, 4, on_start, p, &err),
          &err);
    const struct control_setup setup = {
        .loop = p->loop,
        .store = p->store,
        .queue = p->queue_driver,
        .slots = 4,
        .sink = {p, adopt, stop, settled, all_adopted, abandon},
        .listener =
            {.arg = p, .ending = ending, .gone = gone, .idle = idle, .fatal = fatal},
    };
    p->control = control_new(&setup, &err);
    check(p->control ? FF_OK : err.code, &err);
}

static void drained(void *arg)
{
    loop_stop(((struct process *)arg)->loop, 0);
}

static void disown(struct process *p)
{
    control_drain(p->control, drained, p);
    loop_run(p->loop);
    control_free(p->control);
    driver_queue_ops(p->queue_driver)->close(p->queue);
    p->control = NULL;
}

static void close_process(struct process *p)
{
    store_close(p->store);
    driver_instance_free(p->store_driver);
    driver_instance_free(p->queue_driver);
    loop_free(p->loop);
    config_free(p->config);
}

static void submit(struct process *p, int64_t no, const char *id, const char *rungs)
{
    struct ff_err err = {0};
    struct batch b = {0};
    size_t failed;
    const struct workflow_row workflow = {.tenant = 1,
                                          .hash = span_of(rungs),
                                          .name = span_of("ladder"),
                                          .source = span_of(rungs)};
    const struct run_row row = {
        .tenant = 1,
        .run = no,
        .id = span_of(id),
        .project = 1,
        .workflow = span_of("ladder"),
        .hash = span_of(rungs),
        .kind = span_of("ladder"),
        .inputs = span_of("{}"),
        .dir = span_of("/"),
        .created_at = loop_wall_us(p->loop),
        .started_at = MODEL_NULL,
        .finished_at = MODEL_NULL,
    };
    batch_put(&b, &record_workflow, &workflow, FF_ANY_VERSION);
    engine_run_create(&row, 0, &b);
    check(store_commit_now(p->store, &b, &failed, &err), &err);
    batch_done(&b);
}

#define ID_A "0193a000-0000-7000-8000-00000000000a"
#define ID_B "0193a000-0000-7000-8000-00000000000b"

static int64_t state_of(struct process *p, const char *id)
{
    struct arena arena = {0};
    struct run_row row = {0};
    struct ff_err err = {0};

    check(store_run_by_id(p->store, STORE_READER_CALLER, TENANT_DEFAULT, id, &arena,
                          &row, &err),
          &err);
    const int64_t run_state = row.state;
    arena_done(&arena);
    return run_state;
}

static void a_kind_that_is_no_dag_runs_to_its_end(void **state)
{
    (void)state;
    struct process p = {0};

    open_process(&p);
    submit(&p, 1, ID_A, "5");
    submit(&p, 2, ID_B, "3");
    own(&p);
    loop_run(p.loop);
    assert_int_equal(p.n_started, 8);
    assert_int_equal(p.n_settled, 8);
    assert_int_equal(state_of(&p, ID_A), RUN_SUCCEEDED);
    assert_int_equal(state_of(&p, ID_B), RUN_SUCCEEDED);
    disown(&p);
    close_process(&p);
}

/* Also while its run is read again: who has it says so once. */
static void where_an_attempt_is_counts_while_its_run_is_read(void **state)
{
    (void)state;
    struct process p = {.stop_after = 1};

    open_process(&p);
    submit(&p, 1, ID_A, "3");
    own(&p);
    loop_run(p.loop);
    struct live *l = control_live(p.control, 1);
    const struct attempt_key key = {
        .tenant = TENANT_DEFAULT, .run = 1, .node = p.started[0], .attempt = 1};
    control_reload(l);
    assert_null(l->run);
    control_placed(p.control, &key, "gpu=a100");
    assert_false(sched_placed(l->sched, key.node, "gpu=a100")); /* as was thought */
    disown(&p);
    close_process(&p);
}

/* A schedule that was paused meanwhile lets the process go, if it is asked. */
static void after_a_knock_idleness_is_said_again(void **state)
{
    (void)state;
    struct process p = {0};

    open_process(&p);
    submit(&p, 1, ID_A, "3");
    own(&p);
    loop_run(p.loop);
    for (int i = 0; i < 3; i++) {
        control_wake(p.control);
        control_wake(p.control);
        loop_run(p.loop); /* until it is said */
    }
    disown(&p);
    close_process(&p);
}

/* As when its last commit was in doubt, and had been made all the same. */
static void a_run_that_is_over_when_it_is_loaded_is_told_of(void **state)
{
    (void)state;
    struct process p = {0};
    struct batch b = {0};
    struct ff_err err = {0};
    const struct run_row over = {.tenant = 1, .run = 1, .state = RUN_SUCCEEDED};

    open_process(&p);
    submit(&p, 1, ID_A, "3");
    batch_patch(&b, &record_run, &over, COLUMN_BIT(COL_RUN_STATE), FF_ANY_VERSION);
    check(store_commit_now(p.store, &b, NULL, &err), &err);
    batch_done(&b);
    own(&p);
    loop_run(p.loop);
    assert_int_equal(p.n_gone, 1);
    assert_int_equal(p.n_started, 0);
    assert_int_equal(control_open_runs(p.control), 0);
    disown(&p);
    close_process(&p);
}

/* The run is attempt 1 of node 0 of run 1. */
static void end_inside(struct process *p, int64_t no)
{
    struct batch b = {0};
    struct ff_err err = {0};
    const struct run_row over = {.tenant = 1,
                                 .run = no,
                                 .state = RUN_SUCCEEDED,
                                 .parent_run = 1,
                                 .parent_node = 0,
                                 .parent_attempt = 1};
    const struct child_run_row link = {
        .tenant = 1, .parent = 1, .node = 0, .attempt = 1, .run = no};

    batch_patch(&b, &record_run, &over,
                COLUMN_BIT(COL_RUN_STATE) | COLUMN_BIT(COL_RUN_PARENT_RUN) |
                    COLUMN_BIT(COL_RUN_PARENT_NODE) |
                    COLUMN_BIT(COL_RUN_PARENT_ATTEMPT),
                FF_ANY_VERSION);
    batch_put(&b, &record_child_run, &link, FF_ABSENT);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

/* Nobody has told it: who made that commit took it for lost. */
static void the_run_around_one_that_is_over_is_told_of_it(void **state)
{
    (void)state;
    struct process p = {.stop_after = 1, .inner = true};

    open_process(&p);
    submit(&p, 1, ID_A, "1");
    own(&p);
    assert_int_equal(loop_run(p.loop), 1);
    disown(&p);
    submit(&p, 2, ID_B, "1");
    end_inside(&p, 2);
    own(&p);
    while (state_of(&p, ID_A) != RUN_SUCCEEDED)
        loop_run(p.loop);
    assert_int_equal(p.n_gone, 1);
    assert_int_equal(p.n_started, 1);
    disown(&p);
    close_process(&p);
}

static void the_next_owner_goes_on_with_it(void **state)
{
    (void)state;
    struct process p = {.stop_after = 3};

    open_process(&p);
    submit(&p, 1, ID_A, "5");
    own(&p);
    assert_int_equal(loop_run(p.loop), 1); /* rung 2 runs and its end is never said */
    disown(&p);
    assert_int_equal(state_of(&p, ID_A), RUN_RUNNING);
    p.stop_after = 0;
    own(&p);
    loop_run(p.loop);
    assert_int_equal(p.n_adopted, 1);
    assert_int_equal(p.n_started, 5);     /* none was started twice */
    assert_int_equal(p.n_all_adopted, 2); /* each owner says so once */
    assert_int_equal(p.n_adopted_first, 1);
    assert_int_equal(state_of(&p, ID_A), RUN_SUCCEEDED);
    disown(&p);
    close_process(&p);
}

static void a_run_of_an_unknown_kind_is_set_aside_and_stops_nobody(void **state)
{
    (void)state;
    struct process p = {0};

    open_process(&p);
    submit(&p, 1, ID_A, "no number"); /* its plan does not parse */
    submit(&p, 2, ID_B, "2");
    own(&p);
    loop_run(p.loop);
    assert_int_equal(state_of(&p, ID_A), RUN_FAILED);
    assert_int_equal(state_of(&p, ID_B), RUN_SUCCEEDED);
    /* What waits for its end hears of it as of any other. */
    assert_int_equal(p.n_ended, 2);
    assert_string_equal(p.ended[0], "ladder failed");
    assert_string_equal(p.ended[1], "ladder succeeded");
    disown(&p);
    close_process(&p);
}

struct story {
    char text[4096];
    size_t n;
};

static int add_event(void *arg, const void *row)
{
    struct story *story = arg;
    const struct event_row *e = row;

    story->n++;
    assert_int_equal(e->seq, story->n);
    strncat(story->text, e->body.s, e->body.len);
    return 0;
}

static struct story story_of(struct process *p, int64_t no)
{
    struct story story = {.n = 0};
    struct ff_err err = {0};
    const struct event_row like = {.tenant = 1, .run = no};

    check(store_scan(p->store, STORE_READER_CALLER,
                     &(struct store_query){
                         .record = &record_event, .like = &like, .n_equal = 2},
                     add_event, &story, &err),
          &err);
    return story;
}

static int count_row(void *arg, const void *row)
{
    (void)row;
    ++*(size_t *)arg;
    return 0;
}

static int keep_task(void *arg, const void *row)
{
    *(struct task_row *)arg = *(const struct task_row *)row;
    return 0;
}

static void a_message_is_carried_out_once(void **state)
{
    (void)state;
    struct process p = {.stale_scan = true};

    open_process(&p);
    submit(&p, 1, ID_A, "3");
    own(&p);
    loop_run(p.loop);

    const struct story story = story_of(&p, 1);
    const char *refused = strstr(story.text, "request.refused");

    assert_non_null(refused);
    assert_null(strstr(refused + 1, "request.refused"));
    disown(&p);
    close_process(&p);
}

static void damage_plan(struct process *p, const char *hash)
{
    struct ff_err err = {0};
    struct batch b = {0};
    size_t failed;
    const struct workflow_row workflow = {.tenant = 1,
                                          .hash = span_of(hash),
                                          .name = span_of("ladder"),
                                          .source = span_of("no number")};

    batch_put(&b, &record_workflow, &workflow, FF_ANY_VERSION);
    check(store_commit_now(p->store, &b, &failed, &err), &err);
    batch_done(&b);
}

static void a_run_set_aside_gives_up_its_attempts_and_says_why(void **state)
{
    (void)state;
    struct process p = {.stop_after = 3};
    struct task_row task = {0};
    struct ff_err err = {0};
    const struct task_row like = {.tenant = 1, .run = 1};

    open_process(&p);
    submit(&p, 1, ID_A, "5");
    own(&p);
    assert_int_equal(loop_run(p.loop), 1); /* rung 2 runs */
    disown(&p);
    damage_plan(&p, "5");
    own(&p);
    loop_run(p.loop);
    disown(&p);
    assert_string_equal(p.abandoned, ID_A "/rung.2/1");
    assert_int_equal(p.n_adopted, 0);
    assert_int_equal(state_of(&p, ID_A), RUN_FAILED);
    check(store_scan(p.store, STORE_READER_CALLER,
                     &(struct store_query){
                         .record = &record_task, .like = &like, .n_equal = 2},
                     keep_task, &task, &err),
          &err);
    assert_int_equal(task.node, 2);
    assert_int_equal(task.state, TASK_CANCELLED);
    const struct story story = story_of(&p, 1);
    assert_non_null(strstr(story.text,
                           "\"task\":\"rung\",\"attempt\":1,"
                           "\"state\":\"cancelled\",\"reason\":\"quarantined\""));
    assert_non_null(strstr(story.text, "\"reason\":\"quarantined\",\"message\":\"a "
                                       "ladder needs rungs\"}]"));
    close_process(&p);
}

static void another_tenant_cancels_nothing(void **state)
{
    (void)state;
    struct process p = {0};
    struct ff_err err = {0};
    const struct inbox_row like = {.shard = 0};
    size_t n = 0;

    open_process(&p);
    submit(&p, 1, ID_A, "3");
    leave_message(&p, 2, 1, "kill");
    own(&p);
    loop_run(p.loop);
    disown(&p);
    assert_int_equal(state_of(&p, ID_A), RUN_SUCCEEDED);
    const struct story story = story_of(&p, 1);
    assert_non_null(strstr(story.text, "{\"type\":\"request.refused\",\"request\":"
                                       "\"kill\",\"reason\":\"other_tenant\"}"));
    check(store_scan(p.store, STORE_READER_CALLER,
                     &(struct store_query){
                         .record = &record_inbox, .like = &like, .n_equal = 1},
                     count_row, &n, &err),
          &err);
    assert_int_equal(n, 0);
    close_process(&p);
}

static void the_own_tenant_cancels(void **state)
{
    (void)state;
    struct process p = {.stop_after = 1};

    open_process(&p);
    submit(&p, 1, ID_A, "3");
    own(&p);
    assert_int_equal(loop_run(p.loop), 1);
    disown(&p);
    leave_message(&p, 1, 1, "cancel");
    own(&p);
    loop_run(p.loop);
    disown(&p);
    assert_int_equal(state_of(&p, ID_A), RUN_CANCELLED);
    close_process(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_that_is_no_dag_runs_to_its_end),
        cmocka_unit_test(where_an_attempt_is_counts_while_its_run_is_read),
        cmocka_unit_test(after_a_knock_idleness_is_said_again),
        cmocka_unit_test(a_run_that_is_over_when_it_is_loaded_is_told_of),
        cmocka_unit_test(the_run_around_one_that_is_over_is_told_of_it),
        cmocka_unit_test(the_next_owner_goes_on_with_it),
        cmocka_unit_test(a_message_is_carried_out_once),
        cmocka_unit_test(a_run_of_an_unknown_kind_is_set_aside_and_stops_nobody),
        cmocka_unit_test(a_run_set_aside_gives_up_its_attempts_and_says_why),
        cmocka_unit_test(another_tenant_cancels_nothing),
        cmocka_unit_test(the_own_tenant_cancels),
    };
    engine_kind_add(&ladder_kind);
    log_setup(0, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
