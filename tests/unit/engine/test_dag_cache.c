/* test_dag_cache.c - tasks with cache: what makes two of them the same, what a success
 * leaves for the next, and that nothing depends on when the answer comes. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"
#define KEPT HEAD "tasks: {a: {cache: {key: k}, run: x, outputs: {o: sdk}}}\n"

static struct world *answered(const char *yaml, const char *inputs,
                              const struct world *cache)
{
    struct world *w = world_new(yaml, inputs);

    world_look_up(w, cache);
    return w;
}

/* A run of this file that has put what its task "a" gave. */
static struct world *filled(const char *yaml, const char *inputs)
{
    struct world *w = world_new(yaml, inputs);

    world_look_up(w, w);
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"o\": 5}");
    return w;
}

static void a_success_is_used_by_the_next_run_without_an_attempt(void **state)
{
    static const char *const yaml =
        HEAD "tasks:\n  a: {cache: {key: k}, run: x, outputs: {o: sdk}}\n"
             "  b: {needs: a, run: 'x', env: {V: '${{ tasks.a.outputs.o }}'}}\n";
    struct world *first = filled(yaml, NULL);
    struct world *w = world_new(yaml, NULL);

    (void)state;
    assert_int_equal(first->cache.n, 1);
    assert_string_equal(first->cache.items[0].task, "a");
    assert_string_equal(first->cache.items[0].key, "k");
    assert_int_equal(first->cache.items[0].expires_at,
                     first->now + INT64_C(7) * 86400 * UNITS_SECOND);
    assert_int_equal(w->offered.n, 0);
    assert_string_equal(world_state(w, "a"), "");
    assert_int_equal(world_look_up(w, first), 1);
    assert_string_equal(world_state(w, "a"), "succeeded");
    assert_string_equal(world_reason(w, "a"), "cached");
    assert_int_equal(world_attempt(w, "a"), 0);
    assert_int_equal(w->cache.n, 0); /* it grows no older by being used */
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->slots_out, 0);
    world_free(w);
    world_free(first);
}

static void nothing_found_is_a_task_as_any(void **state)
{
    struct world *w = world_new(KEPT, NULL);

    (void)state;
    assert_int_equal(world_look_up(w, w), 1);
    assert_int_equal(w->offered.n, 1);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->cache.n, 1);
    assert_null(w->cache.items[0].outputs);
    world_free(w);
}

static void a_success_without_outputs_counts_too(void **state)
{
    static const char *const yaml = HEAD "tasks: {a: {cache: {key: k}, run: x}}\n";
    struct world *first = world_new(yaml, NULL);

    (void)state;
    world_look_up(first, first);
    world_finish(first);
    struct world *w = answered(yaml, NULL, first);
    assert_string_equal(world_reason(w, "a"), "cached");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
    world_free(first);
}

static void a_failure_is_not_kept(void **state)
{
    struct world *w = world_new(KEPT, NULL);

    (void)state;
    world_look_up(w, w);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, "{\"o\": 1}");
    assert_int_equal(w->cache.n, 0);
    world_free(w);
}

static bool same(const char *one, const char *other, const char *inputs)
{
    struct world *first = filled(one, inputs);
    struct world *w = answered(other, inputs, first);
    const bool found = strcmp(world_reason(w, "a"), "cached") == 0;

    assert_int_equal(first->cache.n, 1);
    assert_int_equal(w->offered.n, found ? 0 : 1);
    world_free(w);
    world_free(first);
    return found;
}

#define OUT "outputs: {o: sdk}"

static void what_the_task_does_is_part_of_the_key(void **state)
{
    (void)state;
    assert_true(same(KEPT, KEPT, NULL));
    assert_false(
        same(KEPT, HEAD "tasks: {a: {cache: {key: l}, run: x, " OUT "}}\n", NULL));
    assert_false(
        same(KEPT, HEAD "tasks: {a: {cache: {key: k}, run: y, " OUT "}}\n", NULL));
    assert_false(
        same(KEPT, HEAD "env: {A: b}\ntasks: {a: {cache: {key: k}, run: x, " OUT "}}\n",
             NULL));
    assert_false(same(
        KEPT, HEAD "vars: {v: b}\ntasks: {a: {cache: {key: k}, run: x, " OUT "}}\n",
        NULL));
    assert_false(same(
        HEAD "tasks: {a: {cache: {key: k}, env: {A: '1'}, run: x, " OUT "}}\n",
        HEAD "tasks: {a: {cache: {key: k}, env: {A: '2'}, run: x, " OUT "}}\n", NULL));
}

static void when_where_and_how_often_it_runs_is_not(void **state)
{
    (void)state;
    assert_true(same(KEPT,
                     HEAD "tasks:\n  a:\n    cache: {key: k, ttl: 1h}\n    run: x\n"
                          "    description: other\n    timeout: 5s\n"
                          "    retry: {max_attempts: 2}\n    priority: 3\n"
                          "    if: 'true'\n    mutex: m\n    " OUT "\n",
                     NULL));
}

static void scope_key_is_for_all_tasks_with_the_same_outputs(void **state)
{
#define SHARED(what) HEAD "tasks: {a: {cache: {key: k, scope: key}, " what "}}\n"
    (void)state;
    assert_true(same(SHARED("run: x, " OUT), SHARED("run: y, " OUT), NULL));
    assert_false(same(SHARED("run: x, " OUT), SHARED("run: x"), NULL));
    assert_false(same(KEPT, SHARED("run: x, " OUT), NULL));
}

static void values_that_are_no_text_make_keys_too(void **state)
{
#define KEY(k)                                                                         \
    HEAD "inputs: {i: {type: integer, default: 1}}\ntasks: {a: {run: x, cache: "       \
         "{key: " k "}}}\n"
    (void)state;
    assert_true(same(KEY("'${{ inputs }}'"), KEY("'${{ inputs }}'"), "{\"i\": 1}"));
    assert_true(same(KEY("7"), KEY("7"), NULL));
    assert_false(same(KEY("7"), KEY("8"), NULL));
}

static void a_key_that_cannot_be_made_fails_the_task(void **state)
{
    static const char *const bad[] = {"1 / 0", "''"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf yaml = {0};
        buf_printf(&yaml,
                   HEAD "tasks:\n  a:\n    run: x\n    cache: {key: \"${{ %s }}\"}\n",
                   bad[i]);
        struct world *w = world_new(buf_text(&yaml), NULL);
        assert_int_equal(w->look_ups.n, 0);
        assert_string_equal(world_state(w, "a"), "failed");
        assert_string_equal(world_reason(w, "a"), "expression");
        assert_string_equal(world_run_state(w), "failed");
        world_free(w);
        buf_done(&yaml);
    }
}

static void a_key_that_is_too_long_fails_the_task(void **state)
{
    struct buf inputs = {0};

    (void)state;
    buf_add_text(&inputs, "{\"i\": \"");
    for (int i = 0; i < 1025; i++)
        buf_add_char(&inputs, 'x');
    buf_add_text(&inputs, "\"}");
    struct world *w = world_new(HEAD "inputs: {i: string}\n"
                                     "tasks: {a: {run: x, cache: {key: '${{ inputs.i "
                                     "}}'}}}\n",
                                buf_text(&inputs));
    assert_string_equal(world_reason(w, "a"), "expression");
    world_free(w);
    buf_done(&inputs);
}

#define ITEMS                                                                          \
    HEAD "tasks: {a: {foreach: [1, 2, 3], max_parallel: 2, run: x, " OUT               \
         ", cache: {key: k}}}\n"

static void items_have_a_key_each(void **state)
{
    struct world *first = world_new(ITEMS, NULL);

    (void)state;
    assert_int_equal(first->look_ups.n, 2);
    world_look_up(first, first);
    world_grant(first);
    world_result(first, "a.0", OUTCOME_SUCCEEDED, 0, "{\"o\": 10}");
    world_result(first, "a.1", OUTCOME_SUCCEEDED, 0, "{\"o\": 20}");
    world_look_up(first, first); /* the third */
    world_grant(first);
    world_result(first, "a.2", OUTCOME_FAILED, 1, NULL);
    assert_int_equal(first->cache.n, 2);
    assert_string_equal(first->cache.items[1].task, "a.1");

    struct world *w = world_new(ITEMS, NULL);
    assert_int_equal(world_look_up(w, first), 2);
    assert_string_equal(world_reason(w, "a.1"), "cached");
    assert_int_equal(world_look_up(w, first), 1);
    assert_int_equal(w->offered.n, 1);
    world_restart(w);
    assert_int_equal(world_look_up(w, first), 1);
    world_grant(w);
    world_result(w, "a.2", OUTCOME_SUCCEEDED, 0, "{\"o\": 30}");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
    world_free(first);
}

static void a_bad_key_of_one_item_stops_the_others(void **state)
{
    struct world *w = world_new(HEAD "tasks: {a: {foreach: [1, 0, 2], run: x, "
                                     "cache: {key: '${{ 1 / item }}'}}}\n",
                                NULL);

    (void)state;
    assert_string_equal(world_state(w, "a.0"), "cancelled");
    assert_string_equal(world_state(w, "a.1"), "failed");
    assert_string_equal(world_state(w, "a"), "failed");
    assert_string_equal(world_run_state(w), "failed");
    assert_int_equal(world_look_up(w, w), 1); /* too late: nothing happens */
    assert_string_equal(world_state(w, "a.0"), "cancelled");
    world_free(w);
}

static void who_asks_waits_for_no_place_under_parallelism(void **state)
{
    static const char *const yaml =
        HEAD "parallelism: 1\ntasks:\n  a: {cache: {key: k}, run: x, " OUT "}\n"
             "  b: {run: x}\n";
    struct world *first = filled(KEPT, NULL);
    struct world *w = world_new(yaml, NULL);

    (void)state;
    assert_int_equal(w->offered.n, 1); /* b */
    world_grant(w);
    world_look_up(w, first);
    assert_string_equal(world_reason(w, "a"), "cached");
    world_succeed(w, "b");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);

    w = world_new(yaml, NULL);
    world_look_up(w, w);
    assert_int_equal(w->offered.n, 1); /* a waits for b */
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
    world_free(first);
}

static void a_cancel_does_not_wait_for_the_answer(void **state)
{
    struct world *first = filled(KEPT, NULL);
    struct world *w = world_new(KEPT, NULL);

    (void)state;
    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_string_equal(world_run_state(w), "cancelled");
    world_look_up(w, first);
    assert_string_equal(world_run_state(w), "cancelled");
    world_free(w);
    world_free(first);
}

static void it_is_asked_again_after_a_restart_and_answered_once(void **state)
{
    struct world *first = filled(KEPT, NULL);
    struct world *w = world_new(KEPT, NULL);
    const struct look_up_wanted wanted = w->look_ups.items[0];

    (void)state;
    world_restart(w);
    assert_int_equal(w->look_ups.n, 1);
    assert_string_equal(w->look_ups.items[0].hash, wanted.hash);
    world_input(w, (struct input){.type = INPUT_FOUND, .node = wanted.node});
    assert_int_equal(w->offered.n, 1);
    world_look_up(w, first); /* the second answer is too late */
    assert_int_equal(w->offered.n, 1);
    assert_string_equal(world_state(w, "a"), "");
    world_input(w, (struct input){.type = INPUT_FOUND, .node = INT64_C(99) << 32});
    world_grant(w);
    world_restart(w);
    assert_int_equal(w->look_ups.n, 0); /* it runs */
    world_succeed(w, "a");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
    world_free(first);
}

static void a_retry_does_not_ask(void **state)
{
    struct world *w = world_new(
        HEAD "tasks: {a: {cache: {key: k}, run: x, retry: {max_attempts: 2}}}\n", NULL);

    (void)state;
    world_look_up(w, w);
    world_grant(w);
    world_result(w, "a", OUTCOME_FAILED, 1, NULL);
    assert_true(world_next_timer(w));
    assert_int_equal(w->look_ups.n, 0);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    assert_int_equal(w->cache.n, 1);
    world_free(w);
}

static void without_the_cache_it_runs_and_gives_to_others(void **state)
{
    struct world *w = world_new(KEPT, NULL);

    (void)state;
    w->row.no_cache = 1;
    world_restart(w);
    assert_int_equal(w->look_ups.n, 0);
    world_finish(w);
    assert_int_equal(w->cache.n, 1);
    world_free(w);
}

/* n texts of that length. */
static json_t *texts(int n, size_t len)
{
    MEM_AUTO char *text = mem_alloc(len + 1);
    json_t *outputs = json_object();
    char name[16];

    for (size_t i = 0; i < len; i++)
        text[i] = 'x';
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "o%d", i);
        json_object_set_new(outputs, name, json_string(text));
    }
    return outputs;
}

static void outputs_that_go_with_the_run_or_are_large_are_not_kept(void **state)
{
    static const struct {
        bool in_run;
        int n_texts;
        size_t len;
        size_t n_kept;
    } cases[] = {
        {true, 1, 1, 0},
        {false, 2, 40 << 10, 1},       /* none of them is large */
        {false, 1, (64 << 10) - 2, 1}, /* with its quotes as large as a row takes */
        {false, 1, (64 << 10) - 1, 0},
        {false, 20, 60 << 10, 0}, /* all together */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world *w = world_new(KEPT, NULL);
        const struct result result = {
            .outcome = OUTCOME_SUCCEEDED,
            .in_run = cases[i].in_run,
            .outputs = texts(cases[i].n_texts, cases[i].len),
        };
        world_look_up(w, w);
        world_grant(w);
        world_input(w, (struct input){.type = INPUT_RESULT,
                                      .node = world_node(w, "a"),
                                      .attempt = 1,
                                      .result = &result});
        assert_string_equal(world_state(w, "a"), "succeeded");
        assert_int_equal(w->cache.n, cases[i].n_kept);
        json_decref(result.outputs);
        world_free(w);
    }
}

static void a_key_that_is_gone_at_the_end_keeps_nothing(void **state)
{
    struct world *w =
        world_new(HEAD "tasks: {a: {run: x, cache: {key: \"${{ run.status == 'running' "
                       "? 'k' : '' }}\"}}}\n",
                  NULL);

    (void)state;
    world_look_up(w, w);
    world_grant(w);
    world_cancel(w, CANCEL_GRACEFUL);
    world_succeed(w, "a");
    assert_int_equal(w->cache.n, 0);
    world_free(w);
}

static void groups_are_asked_before_they_begin(void **state)
{
    static const char *const yaml =
        HEAD "tasks: {a: {tasks: {i: {run: x}}, cache: {key: k}}}\n";
    struct world *first = world_new(yaml, NULL);
    struct world *w = world_new(yaml, NULL);

    (void)state;
    world_look_up(first, first);
    assert_string_equal(world_state(first, "a"), "running");
    world_result(first, "a", OUTCOME_SUCCEEDED, -1, "{\"o\": {\"$x\": 1}}");
    assert_int_equal(first->cache.n, 1);
    assert_string_equal(first->cache.items[0].outputs,
                        "{\"o\":{\"$value\":{\"$x\":1}}}");
    world_look_up(w, first);
    assert_string_equal(world_reason(w, "a"), "cached");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
    world_free(first);
}

/* The hash that a run of this file, inside a group or with pins, asks with. */
static void hash_of(const char *yaml, const struct run_row *more, const char *entry,
                    char hash[SHA256_TEXT])
{
    struct ff_err err = {0};
    struct plan *plan = plan_new(&engine_dag, yaml, strlen(yaml), span_of(entry), &err);
    struct run_row row = *more;
    struct step s = {.now_us = 1};

    assert_non_null(plan);
    row.tenant = 1;
    row.run = 7;
    row.version = 1;
    row.id = span_of("0193a000-0000-7000-8000-000000000007");
    row.workflow = span_of("test");
    row.entry = span_of(entry);
    row.started_at = row.finished_at = MODEL_NULL;
    struct run *r = engine_run_new(plan, &row, 0, &err);
    assert_non_null(r);
    engine_step(r, &(struct input){.type = INPUT_BEGIN}, &s);
    hash[0] = '\0';
    for (size_t i = 0; i < s.effects.n; i++)
        if (s.effects.items[i].type == EFFECT_LOOK_UP)
            snprintf(hash, SHA256_TEXT, "%s", s.effects.items[i].key);
    assert_int_equal(strlen(hash), SHA256_TEXT - 1);
    step_done(&s);
    engine_run_free(r);
    plan_unref(plan);
}

static void the_texts_that_a_task_uses_are_part_of_its_key(void **state)
{
    static const char *const yaml =
        HEAD "tasks: {a: {uses: 'workflow:etl', cache: {key: k}}}\n";
    static const char *const pins[] = {
        "{\"x\":{\"hash\":\"h1\"},\"y\":{\"hash\":\"h2\"}}",
        ("{\"b\":{\"hash\":\"h2\"},\"a\":{\"hash\":\"h1\"},\"c\":{\"hash\":\"h1\"},"
         "\"d\":{}}"),
        "{\"x\":{\"hash\":\"h1\"},\"y\":{\"hash\":\"h3\"}}"};
    char hashes[4][SHA256_TEXT];

    (void)state;
    for (int i = 0; i < 3; i++)
        hash_of(yaml, &(struct run_row){.pins = span_of(pins[i])}, NULL, hashes[i]);
    hash_of(yaml, &(struct run_row){0}, NULL, hashes[3]);
    assert_string_equal(hashes[0], hashes[1]); /* whatever they are called */
    assert_string_not_equal(hashes[0], hashes[2]);
    assert_string_not_equal(hashes[0], hashes[3]);
}

/* Such a task declares no outputs: those of the workflow are what others would get. */
static void tasks_that_share_a_key_use_the_same_text(void **state)
{
#define USES(more)                                                                     \
    HEAD "tasks: {a: {uses: 'workflow:etl', cache: {key: k, scope: key}" more "}}\n"
    char hashes[4][SHA256_TEXT];

    (void)state;
    for (int i = 0; i < 3; i++) {
        const char *yaml = i == 1 ? USES(", description: other") : USES("");
        char source[SHA256_TEXT];
        struct buf pins = {0};

        sha256_text(yaml, strlen(yaml), source);
        buf_printf(&pins, "{\"%s workflow:etl\": {\"hash\": \"h%d\"}}", source, i == 2);
        hash_of(yaml, &(struct run_row){.pins = span_of(buf_text(&pins))}, NULL,
                hashes[i]);
        buf_done(&pins);
    }
    hash_of(HEAD "tasks: {a: {run: x, cache: {key: k, scope: key}}}\n",
            &(struct run_row){0}, NULL, hashes[3]);
    assert_string_equal(hashes[0], hashes[1]);
    assert_string_not_equal(hashes[0], hashes[2]);
    assert_string_not_equal(hashes[0], hashes[3]);
    hash_of(USES(""), &(struct run_row){0}, NULL, hashes[3]);
    assert_string_not_equal(hashes[0], hashes[3]);
}

static void tasks_in_a_group_are_told_apart_by_its_item(void **state)
{
    static const char *const yaml =
        HEAD "tasks: {g: {foreach: [1, 2], tasks: {a: {run: x, cache: {key: k}}}}}\n";
    static const char *const scopes[] = {"{\"item\":1,\"index\":0}",
                                         "{\"item\":2,\"index\":1}",
                                         "{\"item\":1,\"index\":5}"};
    char hashes[3][SHA256_TEXT];

    (void)state;
    for (int i = 0; i < 3; i++)
        hash_of(yaml,
                &(struct run_row){.scope = span_of(scopes[i]),
                                  .parent_run = 1,
                                  .inputs = span_of("{}")},
                "g", hashes[i]);
    assert_string_not_equal(hashes[0], hashes[1]);
    assert_string_equal(hashes[0], hashes[2]);
}

static void a_run_that_begins_again_may_leave_the_cache_alone(void **state)
{
    struct world *first = filled(KEPT, NULL);
    struct world *w = answered(KEPT, NULL, first);
    struct run_row row = w->row;
    struct batch b = {0};

    (void)state;
    assert_string_equal(world_run_state(w), "succeeded");
    engine_run_reopen(&row,
                      &(struct run_reopen){.reset = "{\"what\":\"all\"}",
                                           .last_seq = 9,
                                           .now_us = w->now,
                                           .no_cache = true},
                      &b);
    assert_int_equal(row.no_cache, 1);
    batch_done(&b);

    world_reopen(w, "{\"what\":\"all\"}"); /* as retry does: it asks again */
    assert_int_equal(world_look_up(w, first), 1);
    assert_string_equal(world_reason(w, "a"), "cached");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
    world_free(first);
}

static void values_that_look_like_references_are_wrapped(void **state)
{
    struct world *w = world_new(
        HEAD "tasks: {a: {transform: {s: {$ref: x}, t: {k: 1}, u: 5}}}\n", NULL);

    (void)state;
    assert_string_equal(
        w->tasks.items[0].outputs,
        "{\"s\":{\"$value\":{\"$ref\":\"x\"}},\"t\":{\"k\":1},\"u\":5}");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_success_is_used_by_the_next_run_without_an_attempt),
        cmocka_unit_test(nothing_found_is_a_task_as_any),
        cmocka_unit_test(a_success_without_outputs_counts_too),
        cmocka_unit_test(a_failure_is_not_kept),
        cmocka_unit_test(what_the_task_does_is_part_of_the_key),
        cmocka_unit_test(when_where_and_how_often_it_runs_is_not),
        cmocka_unit_test(scope_key_is_for_all_tasks_with_the_same_outputs),
        cmocka_unit_test(values_that_are_no_text_make_keys_too),
        cmocka_unit_test(a_key_that_cannot_be_made_fails_the_task),
        cmocka_unit_test(a_key_that_is_too_long_fails_the_task),
        cmocka_unit_test(items_have_a_key_each),
        cmocka_unit_test(a_bad_key_of_one_item_stops_the_others),
        cmocka_unit_test(who_asks_waits_for_no_place_under_parallelism),
        cmocka_unit_test(a_cancel_does_not_wait_for_the_answer),
        cmocka_unit_test(it_is_asked_again_after_a_restart_and_answered_once),
        cmocka_unit_test(a_retry_does_not_ask),
        cmocka_unit_test(without_the_cache_it_runs_and_gives_to_others),
        cmocka_unit_test(outputs_that_go_with_the_run_or_are_large_are_not_kept),
        cmocka_unit_test(a_key_that_is_gone_at_the_end_keeps_nothing),
        cmocka_unit_test(groups_are_asked_before_they_begin),
        cmocka_unit_test(the_texts_that_a_task_uses_are_part_of_its_key),
        cmocka_unit_test(tasks_that_share_a_key_use_the_same_text),
        cmocka_unit_test(tasks_in_a_group_are_told_apart_by_its_item),
        cmocka_unit_test(a_run_that_begins_again_may_leave_the_cache_alone),
        cmocka_unit_test(values_that_look_like_references_are_wrapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
