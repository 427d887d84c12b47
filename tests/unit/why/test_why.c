#include "why/why.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1000) * UNITS_SECOND)

struct fixture {
    struct flow *flow;
    struct run_row run;
    struct why_task *tasks;
    struct why_rows rows;
};

static const struct task_row no_row = {.item = MODEL_NULL,
                                       .exit_code = MODEL_NULL,
                                       .items = MODEL_NULL,
                                       .due_at = MODEL_NULL};

static struct fixture *fixture_of(const char *text, size_t len)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    struct flow_problems problems = {0};

    f->flow = flow_parse(text, len, &problems);
    if (!f->flow)
        fail_msg("%s", problems.items[0].msg);
    flow_problems_done(&problems);
    f->run.state = RUN_RUNNING;
    f->tasks = mem_array(f->flow->n_tasks, sizeof(*f->tasks));
    for (uint32_t i = 0; i < f->flow->n_tasks; i++)
        f->tasks[i].row = no_row;
    f->rows = (struct why_rows){
        .flow = f->flow, .run = &f->run, .tasks = f->tasks, .led = true, .now_us = NOW};
    why_begin(&f->rows);
    return f;
}

static struct fixture *fixture_new(const char *body)
{
    struct buf text = {0};

    buf_printf(&text, "flowforge: 1\nname: w\n%s", body);
    struct fixture *f = fixture_of(buf_text(&text), text.len);
    buf_done(&text);
    return f;
}

static void fixture_free(struct fixture *f)
{
    flow_unref(f->flow);
    mem_free(f->tasks);
    mem_free(f);
}

static uint32_t task_no(const struct fixture *f, const char *name)
{
    const int64_t task = flow_task_index(f->flow, name);

    assert_true(task >= 0);
    return (uint32_t)task;
}

static struct task_row *give_row(struct fixture *f, const char *name, int64_t state,
                                 const char *reason)
{
    const uint32_t task = task_no(f, name);
    struct task_row *row = &f->tasks[task].row;

    *row = no_row;
    row->version = 1;
    row->node = NODE_OF(task, -1);
    row->state = state;
    row->reason = span_of(reason);
    why_begin(&f->rows);
    return row;
}

static struct why_answer ask(const struct fixture *f, const char *name)
{
    struct why_answer answer;

    if (name)
        why_task(&f->rows, task_no(f, name), -1, &answer);
    else
        why_run(&f->rows, &answer);
    return answer;
}

static void assert_sentence(const struct fixture *f, const char *name,
                            const char *expected)
{
    const struct why_answer answer = ask(f, name);
    struct buf out = {0};

    why_add_sentence(&f->rows, &answer, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

static void what_is_overdue_is_not_what_it_waits_for(void **state)
{
    struct fixture *f = fixture_new("tasks: {a: {sleep: 1s}, b: {run: x}}\n");

    (void)state;
    give_row(f, "a", TASK_SUSPENDED, "sleep")->due_at = NOW + 1;
    give_row(f, "b", TASK_RETRYING, "exit_code")->due_at = NOW + 1;
    f->rows.led = false;
    assert_int_equal(ask(f, "a").code, WHY_TIME);
    assert_int_equal(ask(f, "b").code, WHY_RETRY);
    f->rows.now_us = NOW + 1;
    assert_int_equal(ask(f, "a").code, WHY_NO_OWNER);
    assert_int_equal(ask(f, "b").code, WHY_NO_OWNER);
    f->rows.led = true;
    assert_int_equal(ask(f, "a").code, WHY_TIME); /* in a moment */
    assert_int_equal(ask(f, "b").code, WHY_SLOT);
    f->run.paused = span_of("{\"run\": {\"by\": \"ada\", \"at\": \"T\"}}");
    assert_int_equal(ask(f, "a").code, WHY_PAUSED);
    assert_sentence(f, "b", "run is paused since T, by ada");
    fixture_free(f);
}

static bool some_executors(void *arg, const struct flow_task *task,
                           struct why_executors *out)
{
    assert_string_equal(task->policy->node_selector, "gpu=a100,zone=b");
    *out = *(const struct why_executors *)arg;
    return out->n_all >= 0;
}

static void a_task_waits_for_executors_with_its_labels(void **state)
{
    struct fixture *f = fixture_new(
        "tasks: {a: {run: x, node_selector: {zone: b, gpu: a100}}, b: {run: x}}\n");
    struct why_executors there = {.n_all = -1};

    (void)state;
    assert_string_equal(ask(f, "a").what, "engine.slots");
    f->rows.executors = some_executors;
    f->rows.executors_arg = &there;
    assert_string_equal(ask(f, "a").what, "engine.slots"); /* nobody knows */
    assert_string_equal(ask(f, "b").what, "engine.slots");
    there = (struct why_executors){.n_all = 3};
    assert_int_equal(ask(f, "a").code, WHY_SLOT);
    assert_string_equal(ask(f, "a").what, "node_selector");
    assert_sentence(f, "a",
                    "it is ready and waits for an executor with gpu=a100,zone=b: "
                    "0 of 3 that are there have these labels");
    there = (struct why_executors){.n = 1, .n_all = 3, .n_attempts = 4, .n_places = 4};
    assert_int_equal(ask(f, "a").held, 4);
    assert_int_equal(ask(f, "a").size, 4);
    assert_sentence(f, "a",
                    "it is ready and waits for an executor with gpu=a100,zone=b: "
                    "1 of 3 that are there has these labels, and 4 of 4 places are "
                    "taken");
    there.n_attempts = 3; /* it is something else */
    assert_string_equal(ask(f, "a").what, "engine.slots");
    fixture_free(f);
}

static void a_pause_of_the_run_around_it_counts(void **state)
{
    struct fixture *f = fixture_new("tasks: {a: {noop: true}, b: {run: x}}\n");
    const struct why_queue queue = {.name = "default", .by = "bob"};

    (void)state;
    f->run.paused = span_of("{\"outer\": true}");
    assert_sentence(f, NULL, "outer run is paused");
    f->run.paused = span_of("{\"tasks\": {\"a\": {\"by\": \"ada\", \"at\": \"T\"}}}");
    assert_string_equal(ask(f, "a").what, "task");
    assert_int_equal(ask(f, "b").code, WHY_SLOT);
    f->run.paused = span_of("no JSON");
    f->rows.queues = &queue;
    f->rows.n_queues = 1;
    assert_int_equal(ask(f, "a").code, WHY_RUNNING); /* takes no slot */
    assert_string_equal(ask(f, "b").what, "queue default");
    f->run.state = RUN_SUCCEEDED;
    assert_int_equal(ask(f, NULL).code, WHY_SUCCEEDED);
    fixture_free(f);
}

static bool limit_of(void *arg, const struct flow_task *task, struct why_limit *out)
{
    const struct why_limit *limit = arg;

    if (strcmp(task->name, "a") != 0)
        return false;
    *out = *limit;
    return true;
}

static void limits_tell_who_holds_them_or_until_when(void **state)
{
    struct fixture *f = fixture_new("tasks: {a: {run: x}, b: {run: x}}\n");
    struct why_limit limit = {.name = "mutex:m",
                              .holders = "run 1 (x)",
                              .held = 1,
                              .size = 1,
                              .until_us = MODEL_NULL};

    (void)state;
    f->rows.limit = limit_of;
    f->rows.limit_arg = &limit;
    assert_sentence(f, "a",
                    "it is ready, and mutex m has no place: 1 of 1 held by run 1 (x)");
    assert_int_equal(ask(f, NULL).code, WHY_LIMIT);
    limit.until_us = 0;
    strcpy(limit.name, "rate:m");
    assert_sentence(
        f, "a", "it is ready, and rate m lets it start at 1970-01-01T00:00:00.000000Z");
    assert_int_equal(ask(f, "b").code, WHY_SLOT);
    fixture_free(f);
}

/* What waits for an executor keeps its place, and those behind it wait for that. */
static void who_waits_for_executors_holds_up_its_run(void **state)
{
    struct fixture *f = fixture_new(
        "parallelism: 2\n"
        "tasks:\n"
        "  first: {run: x}\n"
        "  a: {run: x, node_selector: {zone: b, gpu: a100}}\n"
        "  b: {run: x}\n"
        "  later: {run: x, needs: [first], node_selector: {zone: b, gpu: a100}}\n");
    struct why_executors there = {.n_all = 3};

    (void)state;
    f->rows.executors = some_executors;
    f->rows.executors_arg = &there;
    assert_string_equal(ask(f, "b").what, "engine.slots"); /* it has the other place */
    give_row(f, "first", TASK_RUNNING, NULL);
    why_begin(&f->rows);
    assert_string_equal(ask(f, "a").what, "node_selector");
    assert_string_equal(ask(f, "b").what, "parallelism");
    assert_int_equal(ask(f, "b").held, 2);
    assert_sentence(
        f, "b",
        "it is ready and waits for a place: parallelism lets 2 run at once, "
        "and 1 before it waits for an executor with its labels");
    there = (struct why_executors){.n = 1, .n_all = 3, .n_places = 1};
    assert_string_equal(ask(f, "b").what, "engine.slots");
    there = (struct why_executors){.n_all = 3};
    give_row(f, "first", TASK_SUCCEEDED, NULL)->finished_at = NOW;
    give_row(f, "b", TASK_RUNNING, NULL);
    why_begin(&f->rows);
    assert_string_equal(ask(f, "a").what, "node_selector");
    assert_string_equal(ask(f, "later").what, "parallelism");
    fixture_free(f);
}

static void a_list_is_where_its_items_are(void **state)
{
    struct fixture *f =
        fixture_new("parallelism: 1\n"
                    "tasks: {a: {foreach: [1, 2, 3], max_parallel: 2, run: x}}\n");
    struct task_row items[2] = {no_row, no_row};
    struct why_answer answer;

    (void)state;
    give_row(f, "a", TASK_RUNNING, NULL)->items = 3;
    f->tasks[0].items = items;
    f->tasks[0].n_items = 2;
    for (int i = 0; i < 2; i++) {
        items[i].node = NODE_OF(0, i);
        items[i].item = i;
        items[i].version = 1;
        items[i].state = TASK_RUNNING;
    }
    why_begin(&f->rows);
    assert_int_equal(ask(f, "a").code, WHY_RUNNING);
    why_task(&f->rows, 0, 2, &answer);
    assert_string_equal(answer.what, "max_parallel");
    items[0].state = TASK_SUCCEEDED;
    why_begin(&f->rows);
    why_task(&f->rows, 0, 2, &answer);
    assert_string_equal(answer.what, "parallelism");
    items[1].state = TASK_RETRYING;
    items[1].due_at = NOW + 1;
    why_begin(&f->rows);
    assert_int_equal(ask(f, "a").code, WHY_RETRY);
    assert_int_equal(ask(f, "a").item, 1);
    items[1].state = TASK_FAILED;
    assert_int_equal(ask(f, "a").code, WHY_SLOT);
    give_row(f, "a", TASK_FAILED, "item_failed")->items = 3;
    why_task(&f->rows, 0, 2, &answer);
    assert_int_equal(answer.code, WHY_CANCELLED);
    fixture_free(f);
}

static void what_an_ended_run_left_without_a_row_has_an_end_too(void **state)
{
    struct fixture *f = fixture_new("tasks: {a: {run: x}, b: {needs: [a], run: x}}\n"
                                    "finally: {z: {run: x}}\n");

    (void)state;
    assert_int_equal(ask(f, "z").code, WHY_NEEDS);
    assert_sentence(f, "z", "it is a handler, which may run after all tasks");
    f->run.state = RUN_CANCELLED;
    assert_int_equal(ask(f, NULL).code, WHY_CANCELLED);
    assert_sentence(f, "b", "it was cancelled, reason cancelled");
    assert_sentence(f, "z", "it was skipped: the run's end did not call this handler");
    fixture_free(f);
}

static void a_task_that_is_to_begin_again_waits_like_one_that_never_began(void **state)
{
    struct fixture *f = fixture_new("tasks: {a: {run: x}, b: {needs: [a], run: x}}\n");

    (void)state;
    give_row(f, "a", TASK_RUNNING, NULL);
    give_row(f, "b", TASK_WAITING, NULL);
    assert_int_equal(ask(f, "b").code, WHY_NEEDS);
    give_row(f, "a", TASK_SUCCEEDED, NULL);
    assert_int_equal(ask(f, "b").code, WHY_SLOT);
    give_row(f, "b", TASK_QUEUED, NULL);
    assert_int_equal(ask(f, "b").code, WHY_SLOT);
    fixture_free(f);
}

static void a_run_that_may_not_begin_says_so_of_its_tasks(void **state)
{
    struct fixture *f = fixture_new("tasks: {a: {run: x}}\n");

    (void)state;
    f->run.state = RUN_PENDING;
    assert_int_equal(ask(f, NULL).code, WHY_RUNNING); /* in a moment */
    f->run.reason = span_of("concurrency");
    f->run.message = span_of("run 7 has k");
    assert_sentence(f, NULL, "run 7 has k");
    assert_int_equal(ask(f, "a").code, WHY_CONCURRENCY);
    f->rows.led = false;
    assert_int_equal(ask(f, NULL).code, WHY_NO_OWNER);
    fixture_free(f);
}

static void limits_of_a_computed_name_are_admitted(void **state)
{
    struct fixture *f = fixture_new("inputs: {x: {type: string}}\n"
                                    "tasks: {a: {run: x, mutex: '${{ inputs.x }}'}}\n");

    (void)state;
    assert_sentence(f, "a",
                    "it is ready and waits for a place: engine.slots are taken, or "
                    "all that its tenant may have, or it starts in a moment, or a "
                    "limit whose name is an expression is taken");
    fixture_free(f);
}

static void groups_point_inside(void **state)
{
    struct fixture *f = fixture_new("tasks: {g: {tasks: {a: {run: x}}}}\n");

    (void)state;
    give_row(f, "g", TASK_RUNNING, NULL);
    assert_sentence(f, "g",
                    "it runs as a run of its own: ask of g/ what that waits for");
    f->run.state = RUN_CANCELLING;
    assert_sentence(f, NULL, "it runs, and its run is being cancelled");
    fixture_free(f);
}

static void assert_causes(const struct fixture *f, int64_t task, const char *names)
{
    struct why_causes causes;
    struct buf out = {0};

    why_find_causes(&f->rows, task, &causes);
    for (size_t i = 0; i < causes.n; i++)
        buf_printf(&out, "%s ", f->flow->tasks[causes.items[i]].name);
    assert_string_equal(buf_text(&out), names);
    buf_done(&out);
    ARRAY_DONE(&causes);
}

static void causes_are_where_it_begins(void **state)
{
    struct fixture *f = fixture_new(
        "tasks:\n  a: {run: x}\n  b: {run: x}\n  c: {needs: [a, b], run: x}\n"
        "  d: {needs: [c], run: x}\n  e: {run: x, continue_on_error: true}\n"
        "finally: {z: {run: x}}\n");

    (void)state;
    give_row(f, "a", TASK_RUNNING, NULL);
    give_row(f, "e", TASK_SUCCEEDED, NULL);
    assert_causes(f, task_no(f, "d"), "a b ");
    assert_causes(f, task_no(f, "z"), "a b ");
    assert_causes(f, -1, "a b ");
    assert_causes(f, task_no(f, "a"), "");
    give_row(f, "a", TASK_FAILED, "exit_code");
    give_row(f, "b", TASK_CANCELLED, "cancelled");
    give_row(f, "c", TASK_SKIPPED, "upstream_failed");
    give_row(f, "d", TASK_SKIPPED, "upstream_failed");
    assert_causes(f, task_no(f, "d"), "a b ");
    f->run.state = RUN_FAILED;
    give_row(f, "e", TASK_FAILED, "exit_code");
    assert_causes(f, -1, "a b ");
    fixture_free(f);
}

static void a_chain_of_needs_is_as_long_as_files_may_be(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, "flowforge: 1\nname: w\ntasks:\n  t0: {run: x}\n");
    for (int i = 1; i < 20000; i++)
        buf_printf(&text, "  t%d: {needs: [t%d], run: x}\n", i, i - 1);
    struct fixture *f = fixture_of(buf_text(&text), text.len);
    buf_done(&text);
    assert_causes(f, task_no(f, "t19999"), "t0 ");
    assert_sentence(f, "t19999", "it needs t19998, which has not ended");
    fixture_free(f);
}

static void many_needs_are_counted(void **state)
{
    struct fixture *f = fixture_new(
        "tasks:\n  a: {run: x}\n  b: {run: x}\n  c: {run: x}\n  d: {run: x}\n"
        "  e: {run: x}\n  f: {run: x}\n  g: {needs: [a, b, c, d, e, f], run: x}\n");

    (void)state;
    assert_sentence(f, "g", "it needs a, b, c, d, e and 1 more, which have not ended");
    fixture_free(f);
}

static void every_word_has_a_meaning_and_is_there_once(void **state)
{
    (void)state;
    for (int i = 0; i < N_WHY_CODES; i++) {
        assert_non_null(why_words[i].word);
        assert_non_null(why_words[i].meaning);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(why_words[i].word, why_words[k].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_overdue_is_not_what_it_waits_for),
        cmocka_unit_test(a_task_waits_for_executors_with_its_labels),
        cmocka_unit_test(who_waits_for_executors_holds_up_its_run),
        cmocka_unit_test(a_pause_of_the_run_around_it_counts),
        cmocka_unit_test(limits_tell_who_holds_them_or_until_when),
        cmocka_unit_test(a_list_is_where_its_items_are),
        cmocka_unit_test(what_an_ended_run_left_without_a_row_has_an_end_too),
        cmocka_unit_test(a_task_that_is_to_begin_again_waits_like_one_that_never_began),
        cmocka_unit_test(a_run_that_may_not_begin_says_so_of_its_tasks),
        cmocka_unit_test(limits_of_a_computed_name_are_admitted),
        cmocka_unit_test(groups_point_inside),
        cmocka_unit_test(causes_are_where_it_begins),
        cmocka_unit_test(a_chain_of_needs_is_as_long_as_files_may_be),
        cmocka_unit_test(many_needs_are_counted),
        cmocka_unit_test(every_word_has_a_meaning_and_is_there_once),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
