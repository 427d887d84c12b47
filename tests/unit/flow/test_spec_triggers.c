/* triggers: what a file may say about when its runs begin. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

#define REST  "tasks: {a: {run: x}}\n"
#define INPUT "inputs: {day: string, n: {type: integer, default: 1}}\n"

static const struct refusal refusals[] = {
    {TOP "triggers: 5\n" REST, PROBLEM_TYPE, 3, 11, "5", "triggers must be a map",
     NULL},
    {TOP "triggers: {crn: []}\n" REST, PROBLEM_UNKNOWN_KEY, 3, 12, "crn", NULL,
     "`cron`"},
    {TOP "triggers: {cron: []}\non: {cron: []}\n" REST, PROBLEM_EXCLUSIVE, 4, 5, "",
     "are the same", NULL},
    {TOP "triggers: {cron: [{timezone: UTC}]}\n" REST, PROBLEM_MISSING, 3, 19, "expr",
     "a cron trigger needs the key expr", NULL},
    {TOP "triggers: {cron: 61 * * * *}\n" REST, PROBLEM_CRON, 3, 18, "61 * * * *",
     "minute: 61 is not from 0 to 59", "as in"},
    {TOP "triggers: {cron: [{expr: 5}]}\n" REST, PROBLEM_TYPE, 3, 26, "5",
     "a cron expression as text", NULL},
    {TOP "triggers: {cron: [5]}\n" REST, PROBLEM_TYPE, 3, 19, "5", NULL, NULL},
    {TOP "triggers: {cron: ['${{ x }}']}\n" REST, PROBLEM_CONSTANT, 3, 20, "${{", NULL,
     NULL},
    {TOP "triggers: {cron: [{expr: '@daily', timezone: ../x}]}\n" REST,
     PROBLEM_TIMEZONE, 3, 46, "../x", "is not the name", "Europe/Berlin"},
    {TOP "triggers: {cron: [{expr: '@daily', timezone: 1}]}\n" REST, PROBLEM_TYPE, 3,
     46, "1", "the name of a time zone", NULL},
    {TOP "triggers: {cron: [{expr: '@daily', timezone: '${{ x }}'}]}\n" REST,
     PROBLEM_CONSTANT, 3, 47, "${{", NULL, NULL},
    {TOP "triggers: {cron: [{expr: '@daily', overlap: never}]}\n" REST, PROBLEM_VALUE,
     3, 45, "never", NULL, NULL},
    {TOP "triggers: {cron: [{expr: '@daily', catchup: 0s}]}\n" REST, PROBLEM_VALUE, 3,
     45, "0s", "from 1s to 31d", NULL},
    {TOP "triggers: {cron: [{expr: '@daily', jitter: 2d}]}\n" REST, PROBLEM_VALUE, 3,
     44, "2d", "at most 1d", NULL},
    {TOP "triggers: {interval: {every: 500ms}}\n" REST, PROBLEM_VALUE, 3, 30, "500ms",
     "from 1s to 366d", NULL},
    {TOP "triggers: {workflow: {name: etl, on: []}}\n" REST, PROBLEM_VALUE, 3, 38, "",
     "names succeeded, failed or cancelled", NULL},
    {TOP "triggers: {workflow: {name: etl, on: skipped}}\n" REST, PROBLEM_VALUE, 3, 38,
     "skipped", "names succeeded", NULL},
    {TOP "triggers: {workflow: {name: etl, on: [failed, 1]}}\n" REST, PROBLEM_VALUE, 3,
     38, "", "names succeeded", NULL},
    {TOP "triggers: {event: {name: paid, if: inputs.x}}\n" REST, PROBLEM_NOT_HERE, 3,
     36, "inputs.x", "sees the event only", NULL},
    {TOP "triggers: {event: {name: paid, if: 3}}\n" REST, PROBLEM_TYPE, 3, 36, "3",
     "if must be", NULL},
    {TOP "triggers: {event: {name: paid, if: 'event.'}}\n" REST, PROBLEM_EXPRESSION, 3,
     43, "", NULL, NULL},
    {TOP "triggers: {webhook: {path: p}}\n" REST, PROBLEM_MISSING, 3, 21, "secret",
     "needs the key secret", NULL},
    {TOP "triggers: {webhook: {path: p, secret: It's}}\n" REST, PROBLEM_NAME, 3, 39,
     "It's", "is not the name of a secret", "secret set"},
    {TOP "triggers: {webhook: {path: p, secret: [s]}}\n" REST, PROBLEM_TYPE, 3, 39, "",
     "secret must be", NULL},
    {TOP "triggers: {webhook: {path: p, secret: '${{ event.s }}'}}\n" REST,
     PROBLEM_CONSTANT, 3, 40, "${{", "must be known before the run",
     "write a constant"},
    {TOP "triggers: {webhook: {path: p, secret: s, verify: no}}\n" REST, PROBLEM_VALUE,
     3, 50, "no", NULL, NULL},
    {TOP INPUT "triggers: {cron: '@daily'}\n" REST, PROBLEM_TRIGGER_INPUT_MISSING, 4,
     18, "@daily", "does not give the required input day", "inputs: {day: ...}"},
    {TOP INPUT "triggers: {cron: {expr: '@daily', inputs: {day: x, dai: y}}}\n" REST,
     PROBLEM_TRIGGER_INPUT, 4, 52, "dai", "no input dai", "`day`"},
    {TOP INPUT "triggers: {cron: {expr: '@daily', inputs: {day: x, n: y}}}\n" REST,
     PROBLEM_TRIGGER_INPUT, 4, 55, "y", NULL, NULL},
    {TOP INPUT
     "triggers: {cron: {expr: '@daily', inputs: {day: x, n: '${{ 1 }}'}}}\n" REST,
     PROBLEM_CONSTANT, 4, 56, "${{", NULL, NULL},
    {TOP "triggers: {cron: {expr: '@daily', inputs: [x]}}\n" REST, PROBLEM_TYPE, 3, 43,
     "", "inputs must be a map of names", NULL},
    {TOP "triggers: {cron: [{expr: '@daily', id: n}, {expr: '@hourly', id: n}]}\n" REST,
     PROBLEM_TRIGGER_NAME, 3, 44, "", "two triggers have the id n", "another id"},
    {TOP "triggers: {event: {name: e, debounce: 10ms}}\n" REST, PROBLEM_VALUE, 3, 39,
     "10ms", "from 1s to 1d", NULL},
    {TOP "triggers: {event: {name: e, debounce_max: 1m}}\n" REST, PROBLEM_EXCLUSIVE, 3,
     43, "1m", "for triggers with debounce only", NULL},
    {TOP "triggers: {event: {name: e, debounce: 2m, debounce_max: 1m}}\n" REST,
     PROBLEM_VALUE, 3, 57, "1m", "debounce_max is less than debounce", NULL},
    {TOP "triggers: {workflow: {name: e, debounce: 2m}}\n" REST, PROBLEM_UNKNOWN_KEY, 3,
     32, "debounce", NULL, NULL},
};

static void what_is_wrong_is_said_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void a_broken_value_is_reported_once(void **state)
{
    static const char *const files[] = {
        TOP "triggers: {cron: [*a]}\n" REST,
        TOP INPUT "triggers: {cron: {expr: '@daily', inputs: {day: *a}}}\n" REST,
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct flow_problems p = read_bad(files[i]);
        assert_int_equal(p.items[0].code, PROBLEM_YAML_FEATURE);
        flow_problems_done(&p);
    }
}

static void triggers_say_what_they_do_not_need_to(void **state)
{
    struct flow *f = read_good(
        TOP INPUT
        "triggers:\n"
        "  cron:\n"
        "    - {expr: '30 6 * * mon-fri', inputs: {day: x}}\n"
        "    - {expr: '@daily', timezone: Europe/Berlin, inputs: {day: y, n: 2},\n"
        "       overlap: queue, catchup: 2h, jitter: 30s, id: late,\n"
        "       description: at night}\n"
        "    - {expr: '@daily', inputs: {day: x}}\n"
        "  interval: {every: 10m, offset: 1m, inputs: {day: z}}\n"
        "  workflow: [{name: etl, on: failed, inputs: {day: z}},\n"
        "             {name: etl, on: [succeeded, cancelled], inputs: {day: z},\n"
        "              overlap: skip}]\n"
        "  event: {name: paid, if: event.amount > 0, inputs: {day: z}}\n"
        "  webhook: {path: hook, secret: key, verify: token, if: true, inputs: {day: "
        "z}}\n" REST);
    static const char *const ids[] = {"cron",     "late",       "cron_2", "interval",
                                      "workflow", "workflow_2", "event",  "webhook"};

    (void)state;
    assert_int_equal(f->n_triggers, COUNT_OF(ids));
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        assert_string_equal(f->triggers[i].id, ids[i]);
    const struct flow_trigger *t = f->triggers;
    assert_int_equal(t[0].kind, FLOW_TRIGGER_CRON);
    assert_string_equal(t[0].timezone, "UTC");
    assert_int_equal(t[0].overlap, FLOW_OVERLAP_SKIP);
    assert_int_equal(t[0].catchup_us, 60 * UNITS_SECOND);
    assert_int_equal(t[0].jitter_us, 0);
    assert_string_equal(t[1].timezone, "Europe/Berlin");
    assert_string_equal(t[1].description, "at night");
    assert_int_equal(t[1].overlap, FLOW_OVERLAP_QUEUE);
    assert_int_equal(t[1].catchup_us, 7200 * UNITS_SECOND);
    assert_int_equal(t[1].jitter_us, 30 * UNITS_SECOND);
    assert_int_equal(json_integer_value(json_object_get(t[1].inputs, "n")), 2);
    assert_int_equal(t[3].every_us, 600 * UNITS_SECOND);
    assert_int_equal(t[3].offset_us, 60 * UNITS_SECOND);
    assert_int_equal(t[4].overlap, FLOW_OVERLAP_ALLOW);
    assert_int_equal(t[4].on, FLOW_TRIGGER_ON_FAILED);
    assert_int_equal(t[5].on, FLOW_TRIGGER_ON_SUCCEEDED | FLOW_TRIGGER_ON_CANCELLED);
    assert_int_equal(t[5].overlap, FLOW_OVERLAP_SKIP);
    assert_string_equal(t[6].name, "paid");
    assert_string_equal(t[6].condition, "event.amount > 0");
    assert_string_equal(t[7].condition, "true");
    assert_string_equal(t[7].secret, "key");
    assert_int_equal(t[7].verify, FLOW_VERIFY_TOKEN);
    flow_unref(f);
}

static void on_is_another_word_for_triggers(void **state)
{
    struct flow *f = read_good(TOP "on: {cron: '@daily'}\n" REST);

    (void)state;
    assert_int_equal(f->n_triggers, 1);
    assert_string_equal(f->triggers[0].expr, "@daily");
    flow_unref(f);
}

static void tasks_see_what_started_their_run(void **state)
{
    (void)state;
    flow_unref(read_good(
        TOP "on: {event: {name: paid}}\n"
            "tasks:\n"
            "  a:\n"
            "    run: x\n"
            "    env: {AT: '${{ run.nominal_at }}', BY: '${{ run.schedule }}',\n"
            "          SUM: '${{ event.sum }}'}\n"));
}

static void there_is_a_limit(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, TOP "triggers: {cron: [");
    for (int i = 0; i < FLOW_MAX_TRIGGERS; i++)
        buf_add_text(&text, "'@daily', ");
    struct buf more = {0};
    buf_printf(&more, "%s]}\n" REST, buf_text(&text));
    flow_unref(read_good(buf_text(&more)));
    buf_clear(&more);
    buf_printf(&more, "%s'@daily']}\n" REST, buf_text(&text));
    struct flow_problems p = read_bad(buf_text(&more));
    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    flow_problems_done(&p);
    buf_done(&text);
    buf_done(&more);
}

static void a_debounce_has_an_end(void **state)
{
    struct flow *f =
        read_good(TOP "triggers: {event: [{name: a}, {name: b, debounce: 30s},\n"
                      "  {name: c, debounce: 1m, debounce_max: 1m}],\n"
                      "  webhook: {path: p, secret: s, debounce: 2s}}\n" REST);

    (void)state;
    assert_int_equal(f->triggers[0].debounce_us, 0);
    assert_int_equal(f->triggers[1].debounce_us, 30 * UNITS_SECOND);
    assert_int_equal(f->triggers[1].debounce_max_us, 300 * UNITS_SECOND);
    assert_int_equal(f->triggers[2].debounce_max_us, 60 * UNITS_SECOND);
    assert_int_equal(f->triggers[3].debounce_us, 2 * UNITS_SECOND);
    flow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said_at_its_place),
        cmocka_unit_test(a_broken_value_is_reported_once),
        cmocka_unit_test(a_debounce_has_an_end),
        cmocka_unit_test(triggers_say_what_they_do_not_need_to),
        cmocka_unit_test(on_is_another_word_for_triggers),
        cmocka_unit_test(tasks_see_what_started_their_run),
        cmocka_unit_test(there_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
