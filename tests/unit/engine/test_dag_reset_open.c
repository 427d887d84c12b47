/* test_dag_reset_open.c - tasks that begin again while their run goes on: what is
 * stopped for it, what waits for that, and that a restart between any two steps changes
 * nothing of it. */
#include "support.h"

#include <string.h>

#define HEAD       "flowforge: 1\nname: test\n"
#define FAILED     "{\"what\": \"failed\"}"
#define ALL        "{\"what\": \"all\"}"
#define FROM(task) "{\"what\": \"task\", \"task\": \"" task "\"}"

static void reset(struct world *w, const char *body)
{
    struct ff_err err;
    json_t *j = json_parse(body, strlen(body), &err);
    const struct signal signal = {.word = "reset", .body = j};

    assert_non_null(j);
    world_input(w, (struct input){.type = INPUT_SIGNAL, .signal = &signal});
    json_decref(j);
}

static void refused(struct world *w, const char *body, const char *reason)
{
    char event[128];

    buf_clear(&w->history);
    reset(w, body);
    snprintf(event, sizeof(event), "\"reason\":\"%s\"", reason);
    if (!strstr(buf_text(&w->history), "request.refused") ||
        !strstr(buf_text(&w->history), event))
        fail_msg("%s: %s instead of %s", body, buf_text(&w->history), reason);
    assert_null(w->row.reset.s);
}

static void end(struct world *w, const char *path, enum outcome outcome)
{
    world_result(w, path, outcome, outcome == OUTCOME_FAILED ? 1 : -1, NULL);
}

/* This one of those that are offered. */
static void grant(struct world *w, const char *path)
{
    const int64_t node = world_node(w, path);

    for (size_t i = 0; i < w->offered.n; i++)
        if (w->offered.items[i] == node) {
            w->offered.items[i] = w->offered.items[0];
            w->offered.items[0] = node;
            assert_true(world_grant_one(w));
            return;
        }
    fail_msg("%s is not offered", path);
}

/* "a=succeeded/1 b=.../2": state and attempt, of tasks that have a row. */
static void expect(struct world *w, const char *expected)
{
    struct buf out = {0};
    const struct flow *f = w->plan->data;

    for (uint32_t i = 0; i < f->n_tasks; i++)
        if (world_state(w, f->tasks[i].name)[0])
            buf_printf(&out, "%s%s=%s/%lld", out.len ? " " : "", f->tasks[i].name,
                       world_state(w, f->tasks[i].name),
                       (long long)world_attempt(w, f->tasks[i].name));
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
}

/* Each test does this between its steps, once with and once without restarts. */
static bool with_restarts;

static void between(struct world *w)
{
    if (with_restarts)
        world_restart(w);
}

static const char chain[] = HEAD "tasks:\n  a: {run: x}\n"
                                 "  b: {needs: [a], run: x}\n"
                                 "  c: {needs: [b], run: x}\n"
                                 "  d: {needs: [c, other], run: x}\n"
                                 "  other: {run: x}\n"
                                 "finally: {last: {run: x}}\n";

/* a and b have succeeded, c and other run. */
static struct world *running_chain(void)
{
    struct world *w = world_new(chain, NULL);

    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_succeed(w, "b");
    world_grant(w);
    expect(w, "a=succeeded/1 b=succeeded/1 c=running/1 other=running/1");
    return w;
}

static void what_runs_behind_is_stopped_before_anything_begins_again(void **state)
{
    struct world *w = running_chain();

    (void)state;
    reset(w, FROM("b"));
    assert_int_equal(w->stopped.n, 1);
    assert_int_equal(w->stopped.items[0], world_node(w, "c"));
    between(w);
    assert_int_equal(w->stopped.n, 1);
    assert_false(world_grant(w));
    expect(w, "a=succeeded/1 b=succeeded/1 c=running/1 other=running/1");
    assert_non_null(w->row.reset.s);
    world_succeed(w, "other"); /* d must not begin for it */
    between(w);
    end(w, "c", OUTCOME_CANCELLED);
    assert_null(w->row.reset.s);
    expect(w, "a=succeeded/1 b=waiting/1 c=waiting/1 other=succeeded/1");
    between(w);
    assert_true(world_grant(w));
    between(w);
    expect(w, "a=succeeded/1 b=running/2 c=waiting/1 other=succeeded/1");
    world_finish(w);
    expect(w, "a=succeeded/1 b=succeeded/2 c=succeeded/2 d=succeeded/1 "
              "other=succeeded/1 last=succeeded/1");
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->slots_out, 0);
    assert_non_null(strstr(buf_text(&w->history),
                           "{\"type\":\"run.reset\",\"what\":{\"what\":\"task\","
                           "\"task\":\"b\",\"open\":true}}"));
    assert_non_null(strstr(buf_text(&w->history),
                           "{\"type\":\"task.reset\",\"task\":\"c\",\"attempt\":1,"
                           "\"was\":\"running\"}"));
    world_free(w);
}

static void an_attempt_that_succeeds_all_the_same_changes_nothing(void **state)
{
    struct world *w = running_chain();

    (void)state;
    reset(w, FROM("c"));
    between(w);
    end(w, "c", OUTCOME_SUCCEEDED);
    expect(w, "a=succeeded/1 b=succeeded/1 c=waiting/1 other=running/1");
    between(w);
    assert_true(world_grant(w));
    const struct result late = {.outcome = OUTCOME_SUCCEEDED};
    const size_t before = w->history.len;
    world_input(w, (struct input){.type = INPUT_RESULT,
                                  .node = world_node(w, "c"),
                                  .attempt = 1,
                                  .result = &late});
    assert_int_equal(w->history.len, before);
    expect(w, "a=succeeded/1 b=succeeded/1 c=running/2 other=running/1");
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void where_nothing_runs_it_begins_at_once(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n"
                                     "  b: {needs: [a], run: x}\n  other: {run: x}\n",
                                NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    between(w);
    const int64_t started_at = w->row.started_at;
    w->now += UNITS_SECOND;
    reset(w, FROM("a"));
    assert_null(w->row.reset.s);
    assert_int_equal(w->row.started_at, started_at);
    expect(w, "a=waiting/1 other=running/1");
    between(w);
    assert_true(world_grant(w));
    expect(w, "a=running/2 other=running/1");
    world_finish(w);
    expect(w, "a=succeeded/2 b=succeeded/1 other=succeeded/1");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void what_failed_is_tried_again_while_others_run(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n"
                                     "  b: {needs: [a], run: x}\n"
                                     "  hook: {needs: a.failed, run: x}\n"
                                     "  late: {run: x}\n  other: {run: x}\n",
                                NULL);

    (void)state;
    world_grant(w);
    end(w, "a", OUTCOME_FAILED);
    world_grant(w);
    expect(w, "a=failed/1 b=skipped/0 hook=running/1 late=running/1 other=running/1");
    reset(w, FAILED);
    between(w);
    end(w, "late", OUTCOME_FAILED); /* meanwhile: it is among what failed */
    between(w);
    end(w, "hook", OUTCOME_CANCELLED);
    expect(w, "a=waiting/1 b=waiting/0 hook=waiting/1 late=waiting/1 other=running/1");
    between(w);
    world_finish(w);
    expect(w, "a=succeeded/2 b=succeeded/1 hook=skipped/1 late=succeeded/2 "
              "other=succeeded/1");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

/* What fails meanwhile may have followers that run by then. */
static void what_fails_meanwhile_is_stopped_for_too(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n"
                                     "  hook: {needs: a.failed, run: x}\n"
                                     "  late: {run: x}\n"
                                     "  react: {needs: late.failed, run: x}\n",
                                NULL);

    (void)state;
    world_grant(w);
    end(w, "a", OUTCOME_FAILED);
    world_grant(w);
    reset(w, FAILED);
    end(w, "late", OUTCOME_FAILED);
    assert_true(world_grant(w));
    between(w);
    end(w, "hook", OUTCOME_CANCELLED);
    if (!with_restarts)
        assert_int_equal(w->stopped.n, 2);
    expect(w, "a=failed/1 hook=waiting/1 late=failed/1 react=running/1");
    between(w);
    end(w, "react", OUTCOME_CANCELLED);
    expect(w, "a=waiting/1 hook=waiting/1 late=waiting/1 react=waiting/1");
    between(w);
    world_finish(w);
    expect(w, "a=succeeded/2 hook=skipped/1 late=succeeded/2 react=skipped/1");
    world_free(w);
}

/* Who loads the run finds it at once, and before its place under parallelism counts. */
static void what_is_to_be_tried_again_gives_its_place_back_once(void **state)
{
    struct world *w =
        world_new(HEAD "parallelism: 2\ntasks:\n  a: {run: x}\n"
                       "  hook: {needs: a.failed, run: x}\n"
                       "  late: {run: x}\n"
                       "  react: {needs: late.failed, run: x,\n"
                       "    retry: {delay: 100s, max_attempts: 2}}\n"
                       "  more: {needs: hook.done, foreach: [1, 2, 3], run: x}\n",
                  NULL);

    (void)state;
    world_grant(w);
    end(w, "a", OUTCOME_FAILED);
    world_grant(w);
    reset(w, FAILED);
    end(w, "late", OUTCOME_FAILED);
    world_grant(w);
    end(w, "react", OUTCOME_FAILED);
    expect(w, "a=failed/1 hook=running/1 late=failed/1 react=retrying/1");
    between(w);
    end(w, "hook", OUTCOME_CANCELLED);
    expect(w, "a=waiting/1 hook=waiting/1 late=waiting/1 react=waiting/1");
    assert_int_equal(w->timers.n, 0);
    world_grant(w);
    world_succeed(w, "a");
    world_succeed(w, "late");
    assert_int_equal(w->offered.n, 2);
    world_finish(w);
    expect(w, "a=succeeded/2 hook=skipped/1 late=succeeded/2 react=skipped/1 "
              "more=succeeded/0");
    world_free(w);
}

static void what_waits_behind_waits_no_longer(void **state)
{
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x}\n"
             "  slow: {needs: [a], run: x}\n"
             "  queued: {needs: [a], run: x, queue_timeout: 60s}\n"
             "  again: {needs: [a], run: x, retry: {delay: 100s, max_attempts: 2}}\n"
             "  nap: {needs: [a], sleep: 100s}\n",
        NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    grant(w, "slow");
    grant(w, "again");
    end(w, "again", OUTCOME_FAILED);
    expect(w, "a=succeeded/1 slow=running/1 again=retrying/1 nap=suspended/1");
    between(w);
    reset(w, FROM("a"));
    assert_int_equal(w->offered.n, 0);
    assert_int_equal(w->timers.n, 0);
    expect(w, "a=succeeded/1 slow=running/1 again=waiting/1 nap=waiting/1");
    between(w);
    assert_int_equal(w->offered.n, 0);
    assert_int_equal(w->timers.n, 0);
    end(w, "slow", OUTCOME_CANCELLED);
    between(w);
    expect(w, "a=waiting/1 slow=waiting/1 again=waiting/1 nap=waiting/1");
    world_grant(w);
    world_succeed(w, "a");
    between(w);
    world_grant(w);
    expect(w, "a=succeeded/2 slow=running/2 queued=running/1 again=running/2 "
              "nap=suspended/2");
    end(w, "again", OUTCOME_FAILED); /* its attempts are counted anew */
    expect(w, "a=succeeded/2 slow=running/2 queued=running/1 again=retrying/2 "
              "nap=suspended/2");
    world_cancel(w, CANCEL_KILL);
    world_free(w);
}

/* Whatever it needs succeeded long ago, or the list was made then. */
static void what_begins_again_waits_for_a_slot_from_then_on(void **state)
{
    struct world *w =
        world_new(HEAD "defaults: {queue_timeout: 60s}\ntasks:\n  a: {run: x}\n"
                       "  b: {needs: [a], run: x}\n"
                       "  f: {needs: [a], foreach: [1], run: x}\n"
                       "  on: {needs: [a], run: x}\n",
                  NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    end(w, "b", OUTCOME_FAILED);
    end(w, "f.0", OUTCOME_FAILED);
    w->now += 3600 * UNITS_SECOND;
    between(w);
    reset(w, FAILED);
    const int64_t due = w->now + 60 * UNITS_SECOND;
    w->now += UNITS_SECOND;
    between(w);
    assert_int_equal(world_timer_at(w, world_node(w, "b"), TIMER_QUEUE), due);
    assert_int_equal(world_timer_at(w, world_node(w, "f.0"), TIMER_QUEUE), due);
    world_finish(w);
    expect(w, "a=succeeded/1 b=succeeded/2 f=succeeded/0 on=succeeded/1");
    world_free(w);
}

/* One that was to be tried again, and had its place in the queue already. */
static void a_retry_that_is_queued_begins_as_new(void **state)
{
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x}\n"
             "  b: {needs: [a], run: x, retry: {delay: 1s, max_attempts: 2}}\n",
        NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    end(w, "b", OUTCOME_FAILED);
    assert_true(world_next_timer(w));
    assert_int_equal(w->offered.n, 1);
    reset(w, FROM("a"));
    expect(w, "a=waiting/1 b=waiting/1");
    between(w);
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    expect(w, "a=succeeded/2 b=succeeded/2");
    world_free(w);
}

static const char items[] = HEAD "tasks:\n  a: {run: x, outputs: {n: json}}\n"
                                 "  each:\n    needs: [a]\n    max_parallel: 3\n"
                                 "    foreach: ${{ range(tasks.a.outputs.n) }}\n"
                                 "    fail_fast: false\n    run: x\n"
                                 "    retry: {max_attempts: 2, delay: 50s}\n"
                                 "  end: {needs: [each], run: x}\n";

/* Of 5 items 0 has succeeded, 1 waits for its retry, 2 runs, 3 is queued. */
static struct world *running_items(void)
{
    struct world *w = world_new(items, NULL);

    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"n\": 5}");
    world_grant(w);
    end(w, "each.1", OUTCOME_FAILED);
    world_succeed(w, "each.0");
    assert_string_equal(world_state(w, "each.2"), "running");
    assert_int_equal(w->offered.n, 1);
    return w;
}

static void a_foreach_makes_its_list_anew_when_no_item_runs(void **state)
{
    struct world *w = running_items();

    (void)state;
    between(w);
    reset(w, FROM("a"));
    assert_int_equal(w->offered.n, 0);
    assert_int_equal(w->stopped.n, 1);
    assert_string_equal(world_state(w, "each.1"), "waiting");
    assert_string_equal(world_state(w, "each"), "running");
    between(w);
    assert_int_equal(w->offered.n, 0);
    end(w, "each.2", OUTCOME_CANCELLED);
    expect(w, "a=waiting/1 each=waiting/0");
    between(w);
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"n\": 3}");
    between(w);
    world_grant(w);
    assert_int_equal(world_attempt(w, "each.0"), 2);
    assert_int_equal(world_attempt(w, "each.2"), 2);
    world_finish(w);
    expect(w, "a=succeeded/2 each=succeeded/0 end=succeeded/1");
    assert_string_equal(world_state(w, "each.4"), "");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

static void items_that_failed_begin_again_by_themselves(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  each:\n    foreach: [1, 2, 3]\n"
                                     "    fail_fast: false\n    run: x\n"
                                     "  end: {needs: [each], run: x}\n"
                                     "  other: {run: x}\n",
                                NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "each.0");
    end(w, "each.1", OUTCOME_FAILED);
    refused(w, FAILED, "nothing_failed"); /* not as a whole yet */
    world_succeed(w, "each.2");
    between(w);
    reset(w, FAILED);
    between(w);
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    assert_int_equal(world_attempt(w, "each.0"), 1);
    assert_int_equal(world_attempt(w, "each.1"), 2);
    expect(w, "each=succeeded/0 end=succeeded/1 other=succeeded/1");
    world_free(w);
}

/* Those that its parallelism held back would be in the queue twice. */
static void what_was_held_back_is_offered_once(void **state)
{
    struct world *w =
        world_new(HEAD "parallelism: 2\ntasks:\n"
                       "  a: {run: x}\n"
                       "  each: {needs: [a], foreach: [1, 2, 3, 4], run: x}\n"
                       "  other: {foreach: [1, 2, 3], run: x}\n",
                  NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    world_succeed(w, "other.0");
    between(w);
    reset(w, FROM("a"));
    between(w);
    while (w->slots_out > 0 || w->offered.n > 0) {
        world_grant(w);
        assert_true(w->slots_out <= 2);
        for (size_t i = 0; i < w->tasks.n; i++)
            if (w->tasks.items[i].row.state == TASK_RUNNING &&
                w->tasks.items[i].row.items == MODEL_NULL) {
                const struct result ok = {.outcome = OUTCOME_SUCCEEDED};
                world_input(w, (struct input){.type = INPUT_RESULT,
                                              .node = w->tasks.items[i].row.node,
                                              .attempt = w->tasks.items[i].row.attempt,
                                              .result = &ok});
                break;
            }
    }
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(world_attempt(w, "a"), 2);
    world_free(w);
}

/* A run inside is made anew, as the next attempt of its task. */
static void a_group_is_stopped_and_begins_as_another_run(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n"
                                     "  g: {needs: [a], tasks: {in: {run: x}}}\n"
                                     "  end: {needs: [g], run: x}\n",
                                NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    assert_string_equal(world_state(w, "g"), "running");
    reset(w, FROM("a"));
    assert_non_null(w->row.reset.s);
    between(w);
    end(w, "g", OUTCOME_FAILED);
    assert_null(w->row.reset.s);
    between(w);
    world_grant(w);
    world_succeed(w, "a");
    assert_string_equal(world_state(w, "g"), "running");
    assert_int_equal(world_attempt(w, "g"), 2);
    end(w, "g", OUTCOME_SUCCEEDED);
    world_grant(w);
    assert_string_equal(world_state(w, "end"), "running");
    world_cancel(w, CANCEL_KILL);
    world_free(w);
}

static void the_cache_answers_before_it_is_asked_again(void **state)
{
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x}\n"
             "  b: {needs: [a], run: x, cache: {key: k, ttl: 1h}}\n  c: {run: x}\n",
        NULL);
    const struct result found = {.outcome = OUTCOME_SUCCEEDED};

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    reset(w, FROM("a"));
    assert_non_null(w->row.reset.s);
    assert_false(world_grant(w));
    world_input(w, (struct input){.type = INPUT_FOUND,
                                  .node = world_node(w, "b"),
                                  .result = &found});
    assert_null(w->row.reset.s);
    expect(w, "a=waiting/1 c=running/1");
    world_grant(w);
    world_succeed(w, "a");
    world_input(w, (struct input){.type = INPUT_FOUND, .node = world_node(w, "b")});
    world_finish(w);
    expect(w, "a=succeeded/2 b=succeeded/1 c=succeeded/1");
    world_free(w);
}

/* One that was asking when its list failed is over: its answer changes nothing, and it
 * may come as late as it likes. */
static void an_item_that_ended_while_it_asked_is_not_waited_for(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n"
                                     "  each: {foreach: [1, 2, 3], run: x,\n"
                                     "    cache: {key: k, ttl: 1h}}\n"
                                     "  other: {run: x}\n",
                                NULL);

    (void)state;
    world_input(w,
                (struct input){.type = INPUT_FOUND, .node = world_node(w, "each.0")});
    world_input(w,
                (struct input){.type = INPUT_FOUND, .node = world_node(w, "each.1")});
    world_grant(w);
    end(w, "each.1", OUTCOME_FAILED);
    assert_string_equal(world_state(w, "each.2"), "cancelled");
    expect(w, "each=running/0 other=running/1");
    between(w);
    reset(w, FROM("each"));
    assert_non_null(w->row.reset.s);
    between(w);
    end(w, "each.0", OUTCOME_CANCELLED);
    assert_null(w->row.reset.s);
    between(w);
    world_look_up(w, w);
    world_finish(w);
    assert_int_equal(world_attempt(w, "each.0"), 2);
    assert_int_equal(world_attempt(w, "each.2"), 1);
    expect(w, "each=succeeded/0 other=succeeded/1");
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
}

/* Or what begins again would be given what it has just made. */
static void a_cache_may_be_left_aside_from_then_on(void **state)
{
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x, cache: {key: k, ttl: 1h}}\n  c: {run: x}\n", NULL);

    (void)state;
    world_input(w, (struct input){.type = INPUT_FOUND, .node = world_node(w, "a")});
    world_grant(w);
    world_succeed(w, "a");
    reset(w, "{\"what\": \"task\", \"task\": \"a\", \"no_cache\": true}");
    assert_int_equal(w->row.no_cache, 1);
    between(w);
    world_finish(w);
    expect(w, "a=succeeded/2 c=succeeded/1");
    world_free(w);
}

/* As it would be after a restart, when it does not ask at all. */
static void what_has_asked_the_cache_by_then_runs_too(void **state)
{
    struct result found = {.outcome = OUTCOME_SUCCEEDED, .exit_code = MODEL_NULL};
    struct world *w = world_new(
        HEAD "tasks:\n  a: {run: x, cache: {key: k, ttl: 1h}}\n  c: {run: x}\n", NULL);

    (void)state;
    reset(w, "{\"what\": \"task\", \"task\": \"c\", \"no_cache\": true}");
    world_input(w, (struct input){.type = INPUT_FOUND,
                                  .node = world_node(w, "a"),
                                  .result = &found});
    assert_string_equal(world_state(w, "a"), "");
    world_finish(w);
    expect(w, "a=succeeded/1 c=succeeded/1");
    world_free(w);
}

static void a_cancel_ends_it_all(void **state)
{
    struct world *w = running_items();

    (void)state;
    reset(w, FROM("a"));
    between(w);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_null(w->row.reset.s);
    between(w);
    end(w, "each.2", OUTCOME_CANCELLED);
    assert_string_equal(world_run_state(w), "cancelled");
    assert_string_equal(world_state(w, "each"), "cancelled");
    assert_string_equal(world_state(w, "a"), "succeeded");
    world_free(w);
}

/* No item of it runs any more, so that none will come to end it. */
static void a_cancel_ends_a_foreach_whose_items_are_all_held(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n"
                                     "  slow: {needs: [a], run: x}\n"
                                     "  each: {needs: [a], foreach: [1, 2], run: x,\n"
                                     "    retry: {delay: 60s, max_attempts: 3}}\n",
                                NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    end(w, "each.0", OUTCOME_FAILED);
    end(w, "each.1", OUTCOME_FAILED);
    reset(w, FROM("a"));
    between(w);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "each"), "cancelled");
    between(w);
    end(w, "slow", OUTCOME_CANCELLED);
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

/* Its items had been stopped when one failed; the last one ended to begin again. */
static void a_cancel_ends_a_foreach_that_had_failed(void **state)
{
    struct world *w = world_new(HEAD "tasks:\n  a: {run: x}\n"
                                     "  slow: {needs: [a], run: x}\n"
                                     "  each: {needs: [a], foreach: [1, 2], run: x}\n",
                                NULL);

    (void)state;
    world_grant(w);
    world_succeed(w, "a");
    world_grant(w);
    end(w, "each.0", OUTCOME_FAILED);
    reset(w, FROM("a"));
    between(w);
    end(w, "each.1", OUTCOME_CANCELLED);
    between(w);
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "each"), "failed");
    between(w);
    end(w, "slow", OUTCOME_CANCELLED);
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
}

static void what_cannot_begin_again_is_refused(void **state)
{
    struct world *w = running_chain();

    (void)state;
    refused(w, FAILED, "nothing_failed");
    refused(w, "{}", "nothing_failed");
    refused(w, FROM("nobody"), "no_such_task");
    refused(w, FROM("last"), "no_such_task");
    reset(w, FROM("c"));
    buf_clear(&w->history);
    reset(w, FROM("b"));
    assert_non_null(strstr(buf_text(&w->history), "being_reset"));
    world_cancel(w, CANCEL_GRACEFUL);
    refused(w, FROM("b"), "being_cancelled");
    world_free(w);

    w = running_chain();
    world_succeed(w, "c");
    world_succeed(w, "other");
    world_grant(w);
    world_succeed(w, "d");
    world_grant(w);
    expect(w, "a=succeeded/1 b=succeeded/1 c=succeeded/1 d=succeeded/1 "
              "other=succeeded/1 last=running/1");
    refused(w, FROM("b"), "handlers_run");
    world_finish(w);
    world_free(w);

    w = world_new(HEAD "concurrency: {key: k, limit: 1}\ntasks: {a: {run: x}}\n", NULL);
    refused(w, FROM("a"), "not_begun");
    world_free(w);
}

static void all_of_it_may_begin_again(void **state)
{
    struct world *w = running_chain();

    (void)state;
    reset(w, ALL);
    assert_int_equal(w->stopped.n, 2);
    between(w);
    end(w, "other", OUTCOME_CANCELLED);
    between(w);
    end(w, "c", OUTCOME_CANCELLED);
    expect(w, "a=waiting/1 b=waiting/1 c=waiting/1 other=waiting/1");
    between(w);
    world_finish(w);
    expect(w, "a=succeeded/2 b=succeeded/2 c=succeeded/2 d=succeeded/1 "
              "other=succeeded/2 last=succeeded/1");
    world_free(w);
}

static int restarting(void **state)
{
    (void)state;
    with_restarts = true;
    return 0;
}

static int staying(void **state)
{
    (void)state;
    with_restarts = false;
    return 0;
}

#define BOTH(test)                                                                     \
    cmocka_unit_test_setup(test, staying),                                             \
    {                                                                                  \
#test "_also_with_restarts", test, restarting, NULL, NULL                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_runs_behind_is_stopped_before_anything_begins_again),
        BOTH(an_attempt_that_succeeds_all_the_same_changes_nothing),
        BOTH(where_nothing_runs_it_begins_at_once),
        BOTH(what_failed_is_tried_again_while_others_run),
        BOTH(what_fails_meanwhile_is_stopped_for_too),
        BOTH(what_is_to_be_tried_again_gives_its_place_back_once),
        BOTH(what_waits_behind_waits_no_longer),
        BOTH(what_begins_again_waits_for_a_slot_from_then_on),
        BOTH(a_retry_that_is_queued_begins_as_new),
        BOTH(a_foreach_makes_its_list_anew_when_no_item_runs),
        BOTH(items_that_failed_begin_again_by_themselves),
        BOTH(what_was_held_back_is_offered_once),
        BOTH(a_group_is_stopped_and_begins_as_another_run),
        cmocka_unit_test_setup(the_cache_answers_before_it_is_asked_again, staying),
        BOTH(an_item_that_ended_while_it_asked_is_not_waited_for),
        BOTH(a_cache_may_be_left_aside_from_then_on),
        BOTH(what_has_asked_the_cache_by_then_runs_too),
        BOTH(a_cancel_ends_it_all),
        BOTH(a_cancel_ends_a_foreach_whose_items_are_all_held),
        BOTH(a_cancel_ends_a_foreach_that_had_failed),
        cmocka_unit_test_setup(what_cannot_begin_again_is_refused, staying),
        BOTH(all_of_it_may_begin_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
