/* test_kind_wait_event.c - a task that waits for an event: what it waits for is stored
 * and told, who may end the wait, and that a restart while it waits changes nothing. */
#include "support.h"

#include <string.h>

#define HEAD   "flowforge: 1\nname: test\n"
#define SECOND UNITS_SECOND
#define PAY                                                                            \
    HEAD "inputs: {order: {default: '17'}}\n"                                          \
         "tasks:\n"                                                                    \
         "  a:\n"                                                                      \
         "    wait_event:\n"                                                           \
         "      name: payment\n"                                                       \
         "      key: ${{ inputs.order }}\n"                                            \
         "      if: event.amount > 10\n"                                               \
         "      timeout: 1h\n"
#define OPEN HEAD "tasks:\n  a: {wait_event: {name: payment}}\n"

static struct stored_task *row_of(struct world *w, const char *path)
{
    const int64_t node = world_node(w, path);

    for (size_t i = 0; i < w->tasks.n; i++)
        if (w->tasks.items[i].row.node == node)
            return &w->tasks.items[i];
    fail_msg("no row of %s", path);
    return NULL;
}

static void tell(struct world *w, struct input in, const char *word, const char *body)
{
    struct ff_err err;
    json_t *value = json_parse(body, strlen(body), &err);
    const struct signal signal = {.word = word, .body = value};

    assert_non_null(value);
    in.type = INPUT_SIGNAL;
    in.signal = &signal;
    world_input(w, in);
    json_decref(value);
}

/* As the shell offers a signal that it keeps. */
static bool offer(struct world *w, const char *path, int64_t attempt, const char *body)
{
    tell(w, (struct input){.node = world_node(w, path), .attempt = attempt},
         SIGNAL_KEPT, body);
    return w->taken;
}

static bool event(struct world *w, const char *body)
{
    tell(w, (struct input){0}, "event", body);
    return w->taken;
}

static void assert_waits(const struct world *w, size_t i, const char *name,
                         const char *key)
{
    assert_true(i < w->waits.n);
    assert_string_equal(w->waits.items[i].name, name);
    assert_string_equal(w->waits.items[i].key, key);
    assert_int_equal(w->waits.items[i].attempt, 1);
}

static void what_it_waits_for_is_stored_and_told_again(void **state)
{
    (void)state;
    struct world *w = world_new(PAY, "{\"order\": \"17\"}");

    assert_string_equal(world_state(w, "a"), "suspended");
    assert_string_equal(world_reason(w, "a"), "event");
    assert_string_equal(row_of(w, "a")->message, "payment (key 17)");
    assert_int_equal(row_of(w, "a")->row.due_at, 4600 * SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(w->waits.n, 1);
        assert_waits(w, 0, "payment", "17");
        assert_int_equal(w->wait_rows.n, 1);
        assert_string_equal(w->wait_rows.items[0].key, "17");
        world_restart(w);
    }
    world_free(w);
}

static void the_data_of_the_event_is_the_output(void **state)
{
    (void)state;
    struct world *w =
        world_new(PAY "outputs: {n: '${{ tasks.a.outputs.event.amount }}'}\n",
                  "{\"order\": \"17\"}");

    assert_true(offer(w, "a", 1,
                      "{\"name\": \"payment\", \"key\": \"17\", \"data\": "
                      "{\"amount\": 50}}"));
    assert_string_equal(row_of(w, "a")->outputs, "{\"event\":{\"amount\":50}}");
    assert_string_equal(w->outputs, "{\"n\":50}");
    assert_int_equal(w->waits.n, 0);
    assert_int_equal(w->wait_rows.n, 0);
    assert_int_equal(w->timers.n, 0);
    world_free(w);
}

static void an_event_may_have_no_data(void **state)
{
    (void)state;
    struct world *w = world_new(OPEN, NULL);

    assert_int_equal(w->timers.n, 0);
    assert_waits(w, 0, "payment", "");
    assert_true(offer(w, "a", 1, "{\"name\": \"payment\"}"));
    assert_string_equal(row_of(w, "a")->outputs, "{\"event\":null}");
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void without_a_key_of_its_own_any_key_is_right(void **state)
{
    (void)state;
    struct world *w = world_new(OPEN, NULL);

    world_restart(w);
    assert_waits(w, 0, "payment", "");
    assert_true(offer(w, "a", 1, "{\"name\": \"payment\", \"key\": \"x\"}"));
    world_free(w);
}

static void what_is_not_meant_is_not_taken(void **state)
{
    static const char *const others[] = {
        "{\"name\": \"refund\", \"key\": \"17\", \"data\": {\"amount\": 50}}",
        "{\"key\": \"17\", \"data\": {\"amount\": 50}}",
        "{\"name\": \"payment\", \"key\": \"18\", \"data\": {\"amount\": 50}}",
        "{\"name\": \"payment\", \"data\": {\"amount\": 50}}",
        "{\"name\": \"payment\", \"key\": \"17\", \"data\": {\"amount\": 5}}",
    };

    (void)state;
    struct world *w = world_new(PAY, "{\"order\": \"17\"}");
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(offer(w, "a", 1, others[i]));
    assert_null(strstr(buf_text(&w->history), "refused"));
    /* One whose data the condition cannot read is noted. */
    assert_false(
        offer(w, "a", 1, "{\"name\": \"payment\", \"key\": \"17\", \"data\": 7}"));
    assert_non_null(strstr(buf_text(&w->history), "\"reason\":\"expression\""));
    assert_false(offer(w, "a", 1, "{\"name\": \"payment\", \"key\": \"17\"}"));
    assert_string_equal(world_state(w, "a"), "suspended");
    world_free(w);
}

static void one_that_does_not_wait_takes_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(OPEN "  b: {run: x}\n  c: {sleep: 1h}\n", NULL);
    const struct input nowhere = {.node = NODE_OF(9, -1), .attempt = 1};

    assert_false(offer(w, "a", 2, "{\"name\": \"payment\"}"));
    assert_false(offer(w, "b", 1, "{\"name\": \"payment\"}"));
    assert_false(offer(w, "c", 1, "{\"name\": \"payment\"}"));
    tell(w, nowhere, SIGNAL_KEPT, "{\"name\": \"payment\"}");
    assert_false(w->taken);
    assert_true(offer(w, "a", 1, "{\"name\": \"payment\"}"));
    assert_false(offer(w, "a", 1, "{\"name\": \"payment\"}"));
    assert_null(strstr(buf_text(&w->history), "refused"));
    world_free(w);
}

static void an_approval_is_not_for_it(void **state)
{
    (void)state;
    struct world *w = world_new(OPEN, NULL);

    tell(w, (struct input){0}, "approve", "{\"task\": \"a\"}");
    assert_string_equal(world_state(w, "a"), "suspended");
    assert_non_null(strstr(buf_text(&w->history), "not_waiting"));
    world_free(w);
}

static void an_event_reaches_all_that_it_was_told_for(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "tasks:\n"
                       "  a:\n"
                       "    foreach: [1, 2, 3]\n"
                       "    wait_event: {name: payment, key: '${{ item }}', if: "
                       "item != 3}\n"
                       "  b: {wait_event: {name: payment}}\n",
                  NULL);
    char body[200];

    assert_waits(w, 1, "payment", "2");
    snprintf(body, sizeof(body),
             "{\"name\": \"payment\", \"key\": \"2\", \"data\": 1, \"to\": "
             "[[%lld, 1], [%lld, 1], [%lld, 2], [%lld, 1], 7]}",
             (long long)world_node(w, "a.1"), (long long)world_node(w, "b"),
             (long long)world_node(w, "a.0"), (long long)world_node(w, "a.2"));
    world_restart(w);
    assert_true(event(w, body));
    assert_string_equal(world_state(w, "a.0"), "suspended");
    assert_string_equal(world_state(w, "a.1"), "succeeded");
    assert_string_equal(world_state(w, "a.2"), "suspended");
    assert_string_equal(world_state(w, "b"), "succeeded");
    assert_false(event(w, body));
    assert_false(event(w, "{\"name\": \"payment\"}"));
    assert_int_equal(w->wait_rows.n, 2);
    world_free(w);
}

static void the_timeout_does_what_the_file_says(void **state)
{
    static const struct {
        const char *how, *state, *reason, *run;
    } cases[] = {
        {"", "failed", "timeout", "failed"},
        {", on_timeout: fail", "failed", "timeout", "failed"},
        {", on_timeout: skip", "skipped", "event_timeout", "succeeded"},
        {", on_timeout: succeed", "succeeded", "", "succeeded"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf file = {0};
        buf_printf(&file, HEAD "tasks: {a: {wait_event: {name: p, timeout: 1h%s}}}\n",
                   cases[i].how);
        struct world *w = world_new(buf_text(&file), NULL);
        world_restart(w);
        assert_true(world_next_timer(w));
        assert_int_equal(w->now, 4600 * SECOND);
        assert_string_equal(world_state(w, "a"), cases[i].state);
        assert_string_equal(world_reason(w, "a"), cases[i].reason);
        assert_string_equal(world_run_state(w), cases[i].run);
        assert_int_equal(w->waits.n, 0);
        assert_int_equal(w->wait_rows.n, 0);
        world_free(w);
        buf_done(&file);
    }
}

static void a_timeout_that_passed_while_nobody_led_ends_it(void **state)
{
    (void)state;
    struct world *w = world_new(PAY, "{\"order\": \"17\"}");

    w->now += 7200 * SECOND;
    world_restart(w);
    assert_string_equal(world_reason(w, "a"), "timeout");
    assert_int_equal(w->waits.n, 0);
    assert_int_equal(w->wait_rows.n, 0);
    world_free(w);
}

static void a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct world *w = world_new(PAY, "{\"order\": \"17\"}");

    world_cancel(w, CANCEL_GRACEFUL);
    assert_string_equal(world_state(w, "a"), "cancelled");
    assert_int_equal(w->waits.n, 0);
    assert_int_equal(w->wait_rows.n, 0);
    world_free(w);
}

static void a_key_is_a_text_or_a_number(void **state)
{
    static const struct {
        const char *key, *text; /* NULL: refused */
    } cases[] = {
        {"17", "17"},
        {"${{ 17 }}", "17"},
        {"${{ true }}", "true"},
        {"'${{ [1] }}'", NULL},
        {"'${{ null }}'", NULL},
        {"'${{ \"\" }}'", NULL},
        {"'${{ inputs.long + \"\" }}'", NULL},
        {"'${{ 1 / 0 }}'", NULL},
    };
    char inputs[400];

    (void)state;
    snprintf(inputs, sizeof(inputs), "{\"long\": \"%0*d\"}", FLOW_EVENT_KEY_MAX + 1, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf file = {0};
        buf_printf(&file,
                   HEAD "inputs: {long: string}\n"
                        "tasks:\n  a:\n    wait_event:\n      name: p\n      key: %s\n",
                   cases[i].key);
        struct world *w = world_new(buf_text(&file), inputs);
        if (cases[i].text)
            assert_waits(w, 0, "p", cases[i].text);
        else
            assert_string_equal(world_reason(w, "a"), "expression");
        assert_int_equal(w->wait_rows.n, cases[i].text ? 1 : 0);
        world_free(w);
        buf_done(&file);
    }
}

static void one_that_begins_again_waits_anew(void **state)
{
    (void)state;
    struct world *w = world_new(PAY, "{\"order\": \"17\"}");

    world_next_timer(w);
    assert_string_equal(world_run_state(w), "failed");
    world_reopen(w, "{\"what\": \"failed\"}");
    assert_string_equal(world_state(w, "a"), "suspended");
    assert_int_equal(w->waits.items[0].attempt, 2);
    assert_true(offer(w, "a", 2,
                      "{\"name\": \"payment\", \"key\": \"17\", \"data\": "
                      "{\"amount\": 50}}"));
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(w);
}

static void check_load(struct world *w, const char *awaits)
{
    struct stored_task *t = row_of(w, "a");
    struct ff_err err = {0};
    struct run *r = engine_run_new(w->plan, &w->row, 0, &err);

    assert_non_null(r);
    t->row.awaits = span_of(awaits);
    assert_int_equal(r->kind->load_task(r, &t->row, NULL, &err), FF_CORRUPT);
    assert_non_null(strstr(err.msg, "waits for no event"));
    engine_run_free(r);
}

static void a_row_that_does_not_say_what_for_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(PAY, "{\"order\": \"17\"}");

    check_load(w, NULL);
    check_load(w, "{");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_waits_for_is_stored_and_told_again),
        cmocka_unit_test(the_data_of_the_event_is_the_output),
        cmocka_unit_test(an_event_may_have_no_data),
        cmocka_unit_test(without_a_key_of_its_own_any_key_is_right),
        cmocka_unit_test(what_is_not_meant_is_not_taken),
        cmocka_unit_test(one_that_does_not_wait_takes_nothing),
        cmocka_unit_test(an_approval_is_not_for_it),
        cmocka_unit_test(an_event_reaches_all_that_it_was_told_for),
        cmocka_unit_test(the_timeout_does_what_the_file_says),
        cmocka_unit_test(a_timeout_that_passed_while_nobody_led_ends_it),
        cmocka_unit_test(a_cancel_ends_the_wait),
        cmocka_unit_test(a_key_is_a_text_or_a_number),
        cmocka_unit_test(one_that_begins_again_waits_anew),
        cmocka_unit_test(a_row_that_does_not_say_what_for_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
