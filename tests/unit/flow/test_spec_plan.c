/* What a good file means: each key ends up where the engine looks for it. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <math.h>
#include <string.h>

static const char etl[] =
    "flowforge: 1\n"
    "name: etl-daily\n"
    "description: moves rows\n"
    "inputs:\n"
    "  day: string\n"
    "  n: {type: integer, default: 3, min: 1, max: 5, description: how many}\n"
    "  tags: {type: list, required: false}\n"
    "env: {A: x, VERSION: 1.10, FLAG: True, NONE: }\n"
    "timeout: 2h\n"
    "parallelism: 4\n"
    "tasks:\n"
    "  extract:\n"
    "    description: gets rows\n"
    "    run: ./extract > \"$FF_OUT/path\"\n"
    "    outputs:\n"
    "      path: {from: file}\n"
    "      rows: json\n"
    "      log: {from: stdout, as: json, optional: true}\n"
    "      report: {as: file, ending: pdf}\n"
    "      result: sdk\n"
    "  work:\n"
    "    needs: extract\n"
    "    needs-all: true\n"
    "    if: tasks.extract.status == 'succeeded'\n"
    "    foreach: ${{ tasks.extract.outputs.rows }}\n"
    "    maxParallel: 8\n"
    "    fail_fast: false\n"
    "    env: {A: \"${{ item.id }}\", B: \"${{ env.VERSION }}\"}\n"
    "    stdin: {all: [\"${{ item }}\", 1], n: null}\n"
    "    working_dir: /tmp/${{ index }}\n"
    "    command: [echo, 1.10, \"${{ item }}\", true]\n"
    "    retry: {max_attempts: 4, delay: 2s, backoff: linear, factor: 1.5, max_delay: "
    "1m,\n"
    "            jitter: 0.2, on: [failed, oom], exit_codes: [1, 75]}\n"
    "    timeout: 10m\n"
    "    queue_timeout: 30m\n"
    "    heartbeat_timeout: 45s\n"
    "    grace: 1s\n"
    "    queue: big-ones\n"
    "    priority: -5\n"
    "    resources: {cpu: 500m, memory: 64MiB}\n"
    "  load:\n"
    "    needs: [work, extract]\n"
    "    script: {lang: python, file: jobs/load.py, interpreter: /usr/bin/python3.11}\n"
    "  join: {needs: [load], noop: true}\n"
    "on_failure: [{id: page, run: ./page}, {id: page_again, run: ./page}]\n"
    "finally: {clean: {run: ./clean, env: {S: \"${{ tasks.load.status }}\"}}}\n"
    "outputs: {path: \"${{ tasks.extract.outputs.path }}\", fixed: [1, 2]}\n";

static const struct flow_task *task_of(const struct flow *f, const char *name)
{
    int64_t i = flow_task_index(f, name);

    assert_true(i >= 0);
    assert_string_equal(f->tasks[i].name, name);
    return &f->tasks[i];
}

static void assert_json(const json_t *value, const char *expected)
{
    char *text = json_text(value);

    assert_string_equal(text, expected);
    mem_free(text);
}

static void the_head_of_a_file_is_read(void **state)
{
    struct flow *f = read_good(etl);

    (void)state;
    assert_string_equal(f->name, "etl-daily");
    assert_string_equal(f->description, "moves rows");
    assert_int_equal(strlen(f->hash), 64);
    assert_int_equal(f->timeout_us, 7200 * UNITS_SECOND);
    assert_int_equal(f->parallelism, 4);
    assert_int_equal(f->n_inputs, 3);
    assert_int_equal(f->inputs[0].type, FLOW_STRING);
    assert_true(f->inputs[0].required);
    assert_int_equal(f->inputs[1].type, FLOW_INTEGER);
    assert_false(f->inputs[1].required);
    assert_int_equal(json_integer_value(f->inputs[1].fallback), 3);
    assert_true(f->inputs[1].min == 1 && f->inputs[1].max == 5);
    assert_string_equal(f->inputs[1].description, "how many");
    assert_false(f->inputs[2].required);
    assert_true(isinf(f->inputs[2].min) && isinf(f->inputs[2].max));
    assert_int_equal(f->n_outputs, 2);
    assert_string_equal(f->outputs[0].name, "path");
    assert_non_null(f->outputs[0].value.tmpl);
    assert_json(f->outputs[1].value.constant, "[1,2]");
    flow_unref(f);
}

static void tasks_stand_by_part_in_the_order_of_the_file(void **state)
{
    static const char *const names[] = {"extract", "work",       "load", "join",
                                        "page",    "page_again", "clean"};
    struct flow *f = read_good(etl);

    (void)state;
    assert_int_equal(f->n_tasks, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(f->tasks[i].name, names[i]);
    assert_int_equal(f->n_main, 4);
    assert_int_equal(f->part_count[FLOW_MAIN], 4);
    assert_int_equal(f->part_count[FLOW_ON_SUCCESS], 0);
    assert_int_equal(f->part_first[FLOW_ON_FAILURE], 4);
    assert_int_equal(f->part_count[FLOW_ON_FAILURE], 2);
    assert_int_equal(f->part_first[FLOW_FINALLY], 6);
    assert_int_equal(f->tasks[6].part, FLOW_FINALLY);
    assert_int_equal(f->tasks[1].line, 21);
    assert_int_equal(f->tasks[1].column, 3);
    assert_int_equal(flow_task_index(f, "nobody"), -1);
    flow_unref(f);
}

static void needs_point_both_ways(void **state)
{
    struct flow *f = read_good(etl);

    (void)state;
    assert_int_equal(f->tasks[0].n_needs, 0);
    assert_int_equal(f->tasks[0].n_needed_by, 2);
    assert_int_equal(f->tasks[0].needed_by[0], 1);
    assert_int_equal(f->tasks[0].needed_by[1], 2);
    assert_int_equal(f->tasks[2].n_needs, 2);
    assert_int_equal(f->tasks[2].needs[0], 1);
    assert_int_equal(f->tasks[2].needs[1], 0);
    assert_true(f->tasks[1].work->needs_all);
    assert_false(f->tasks[2].work->needs_all);
    flow_unref(f);
}

static void handlers_need_the_one_before(void **state)
{
    struct flow *f = read_good(etl);

    (void)state;
    assert_int_equal(task_of(f, "page")->n_needs, 0);
    assert_int_equal(task_of(f, "page_again")->n_needs, 1);
    assert_int_equal(task_of(f, "page_again")->needs[0], 4);
    assert_int_equal(task_of(f, "page")->n_needed_by, 1);
    assert_int_equal(task_of(f, "clean")->n_needs, 0);
    flow_unref(f);
}

static void outputs_have_their_forms(void **state)
{
    static const struct flow_output expected[] = {
        {"path", FLOW_FROM_FILE, FLOW_AS_TEXT, false, NULL, "path"},
        {"rows", FLOW_FROM_FILE, FLOW_AS_JSON, false, NULL, "rows"},
        {"log", FLOW_FROM_STDOUT, FLOW_AS_JSON, true, NULL, "log"},
        {"report", FLOW_FROM_FILE, FLOW_AS_FILE, false, "pdf", "report.pdf"},
        {"result", FLOW_FROM_SDK, FLOW_AS_JSON, false, NULL, "result"},
    };
    struct flow *f = read_good(etl);
    const struct flow_task *t = task_of(f, "extract");

    (void)state;
    assert_int_equal(t->work->n_outputs, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_string_equal(t->work->outputs[i].name, expected[i].name);
        assert_int_equal(t->work->outputs[i].from, expected[i].from);
        assert_int_equal(t->work->outputs[i].as, expected[i].as);
        assert_int_equal(t->work->outputs[i].optional, expected[i].optional);
        assert_string_equal(t->work->outputs[i].file, expected[i].file);
    }
    flow_unref(f);
}

static void a_task_that_says_much_is_read_whole(void **state)
{
    struct flow *f = read_good(etl);
    const struct flow_task *t = task_of(f, "work");

    (void)state;
    assert_int_equal(t->work->kind, FLOW_COMMAND);
    assert_int_equal(t->work->n_argv, 4);
    assert_json(t->work->argv[1].constant, "\"1.10\"");
    assert_non_null(t->work->argv[2].tmpl);
    assert_json(t->work->argv[3].constant, "\"true\"");
    assert_non_null(t->work->condition);
    assert_true(t->condition_judges_needs);
    assert_non_null(t->work->foreach->tmpl);
    assert_int_equal(t->work->max_parallel, 8);
    assert_false(t->work->fail_fast);
    assert_non_null(t->work->input->nested);
    assert_non_null(t->work->dir->tmpl);
    assert_int_equal(t->policy->timeout_us, 600 * UNITS_SECOND);
    assert_int_equal(t->policy->queue_timeout_us, 1800 * UNITS_SECOND);
    assert_int_equal(t->policy->heartbeat_us, 45 * UNITS_SECOND);
    assert_int_equal(t->policy->grace_us, UNITS_SECOND);
    assert_string_equal(t->policy->queue, "big-ones");
    assert_int_equal(t->policy->priority, -5);
    assert_int_equal(t->policy->cpu_milli, 500);
    assert_int_equal(t->policy->memory_bytes, 64 << 20);
    flow_unref(f);
}

static void a_retry_is_read_whole(void **state)
{
    struct flow *f = read_good(etl);
    const struct flow_retry *r = &task_of(f, "work")->policy->retry;

    (void)state;
    assert_true(r->given);
    assert_int_equal(r->max_attempts, 4);
    assert_int_equal(r->delay_us, 2 * UNITS_SECOND);
    assert_int_equal(r->max_delay_us, 60 * UNITS_SECOND);
    assert_int_equal(r->backoff, FLOW_LINEAR);
    assert_true(r->factor == 1.5 && r->jitter == 0.2);
    assert_int_equal(r->on, FLOW_ON_FAILED | FLOW_ON_OOM);
    for (int code = 0; code < 256; code++)
        assert_int_equal(r->exit_codes[code / 8] >> (code % 8) & 1,
                         code == 1 || code == 75);
    flow_unref(f);
}

static void a_task_that_says_nothing_has_the_defaults(void **state)
{
    struct flow *f = read_good(TOP "tasks: {a: {run: x}}\n");
    const struct flow_task *t = task_of(f, "a");

    (void)state;
    assert_int_equal(t->work->kind, FLOW_RUN);
    assert_string_equal(t->work->text, "x");
    assert_null(t->work->condition);
    assert_null(t->work->foreach);
    assert_null(t->work->input);
    assert_null(t->work->dir);
    assert_true(t->work->fail_fast);
    assert_int_equal(t->policy->grace_us, 10 * UNITS_SECOND);
    assert_int_equal(t->policy->timeout_us, 0);
    assert_string_equal(t->policy->queue, "default");
    assert_false(t->policy->retry.given);
    assert_int_equal(t->policy->retry.max_attempts, 1);
    assert_int_equal(t->policy->retry.on, 31);
    assert_int_equal(f->timeout_us, 0);
    assert_int_equal(f->parallelism, 0);
    flow_unref(f);
}

static void an_empty_retry_means_three_attempts(void **state)
{
    struct flow *f = read_good(TOP "tasks: {a: {run: x, retry: {}}, "
                                   "b: {run: x, retry: {delay: 2h}}}\n");
    const struct flow_retry *r = &task_of(f, "a")->policy->retry;

    (void)state;
    assert_true(r->given);
    assert_int_equal(r->max_attempts, 3);
    assert_int_equal(r->delay_us, UNITS_SECOND);
    assert_int_equal(r->max_delay_us, 3600 * UNITS_SECOND);
    assert_int_equal(r->backoff, FLOW_EXPONENTIAL);
    assert_true(r->factor == 2 && r->jitter == 0);
    assert_int_equal(r->on, 31);
    assert_null(r->exit_codes);
    r = &task_of(f, "b")->policy->retry;
    assert_int_equal(r->max_delay_us, r->delay_us);
    flow_unref(f);
}

static void scripts_hold_code_or_name_a_file(void **state)
{
    struct flow *f =
        read_good(TOP "tasks: {a: {script: {code: 'echo'}}, "
                      "b: {script: {lang: node, file: a/b.js, interpreter: bun}}}\n");

    (void)state;
    assert_int_equal(f->tasks[0].work->kind, FLOW_SCRIPT);
    assert_int_equal(f->tasks[0].work->lang, FLOW_SH);
    assert_string_equal(f->tasks[0].work->text, "echo");
    assert_null(f->tasks[0].work->file);
    assert_int_equal(f->tasks[1].work->lang, FLOW_NODE);
    assert_string_equal(f->tasks[1].work->file, "a/b.js");
    assert_string_equal(f->tasks[1].work->interpreter, "bun");
    assert_null(f->tasks[1].work->text);
    flow_unref(f);
}

static const char *env_of(const struct flow_task *t, const char *name)
{
    const char *found = NULL;

    for (uint32_t i = 0; i < t->work->n_env; i++) {
        if (strcmp(t->work->env[i].name, name) != 0)
            continue;
        assert_null(found); /* never twice */
        found = t->work->env[i].value.constant
                    ? json_string_value(t->work->env[i].value.constant)
                    : "computed";
    }
    return found;
}

static void constants_of_env_keep_their_text(void **state)
{
    struct flow *f = read_good(etl);
    const struct flow_task *t = task_of(f, "extract");

    (void)state;
    assert_string_equal(env_of(t, "VERSION"), "1.10");
    assert_string_equal(env_of(t, "FLAG"), "True");
    assert_string_equal(env_of(t, "NONE"), "");
    flow_unref(f);
}

static void a_task_env_goes_over_defaults_over_the_workflow(void **state)
{
    struct flow *f =
        read_good(TOP "env: {A: workflow, B: workflow, C: workflow}\n"
                      "tasks: {a: {run: x, env: {C: task}}, b: {run: x}}\n"
                      "defaults: {env: {B: default, C: default, D: default}}\n"
                      "finally: {c: {run: x, env: {A: own}}}\n");

    (void)state;
    assert_string_equal(env_of(&f->tasks[0], "A"), "workflow");
    assert_string_equal(env_of(&f->tasks[0], "B"), "default");
    assert_string_equal(env_of(&f->tasks[0], "C"), "task");
    assert_string_equal(env_of(&f->tasks[0], "D"), "default");
    assert_int_equal(f->tasks[0].work->n_env, 4);
    assert_string_equal(env_of(&f->tasks[1], "C"), "default");
    assert_string_equal(env_of(&f->tasks[2], "A"), "own");
    flow_unref(f);
}

static void defaults_reach_every_task_that_does_not_say(void **state)
{
    struct flow *f = read_good(
        TOP "tasks: {a: {run: x}, b: {run: x, timeout: 1s, grace: 2s, queue: q, "
            "queue_timeout: 3s, retry: {max_attempts: 9}}}\n"
            "on_cancel: {c: {run: x}}\n"
            "defaults: {timeout: 5m, grace: 1m, queue: slow, queueTimeout: 6m,\n"
            "           retry: {max_attempts: 2, delay: 7s}}\n");

    (void)state;
    for (size_t i = 0; i < 3; i += 2) {
        assert_int_equal(f->tasks[i].policy->timeout_us, 300 * UNITS_SECOND);
        assert_int_equal(f->tasks[i].policy->grace_us, 60 * UNITS_SECOND);
        assert_int_equal(f->tasks[i].policy->queue_timeout_us, 360 * UNITS_SECOND);
        assert_string_equal(f->tasks[i].policy->queue, "slow");
        assert_int_equal(f->tasks[i].policy->retry.max_attempts, 2);
        assert_int_equal(f->tasks[i].policy->retry.delay_us, 7 * UNITS_SECOND);
    }
    assert_int_equal(f->tasks[1].policy->timeout_us, UNITS_SECOND);
    assert_string_equal(f->tasks[1].policy->queue, "q");
    assert_int_equal(f->tasks[1].policy->retry.max_attempts, 9);
    assert_int_equal(f->tasks[1].policy->retry.delay_us, UNITS_SECOND);
    flow_unref(f);
}

static json_t *lookup(void *arg, const char *name)
{
    return json_object_get(arg, name);
}

static void nested_values_are_evaluated_in_place(void **state)
{
    struct flow *f = read_good(etl);
    json_t *names = json_pack("{s{si}}", "item", "id", 7);
    const struct expr_scope scope = {.lookup = lookup, .arg = names};
    struct expr_err err = {0};
    json_t *value = flow_value_eval(task_of(f, "work")->work->input, &scope, &err);

    (void)state;
    assert_non_null(value);
    assert_json(value, "{\"all\":[{\"id\":7},1],\"n\":null}");
    json_decref(value);
    value = flow_value_eval(&task_of(f, "work")->work->argv[0], &scope, &err);
    assert_json(value, "\"echo\"");
    json_decref(value);
    json_object_clear(names); /* a name inside that is not there: nothing at all */
    assert_null(flow_value_eval(task_of(f, "work")->work->input, &scope, &err));
    json_decref(names);
    flow_unref(f);
}

static void a_status_in_if_is_noticed_in_every_form(void **state)
{
    struct flow *f =
        read_good(TOP "tasks:\n  a: {run: x, outputs: {o: json}}\n"
                      "  b: {run: x, needs: a, if: \"tasks['a'].status == 'failed'\"}\n"
                      "  c: {run: x, needs: a, if: tasks.a.outputs.o == 1}\n"
                      "  d: {run: x, needs: a, env: {A: '${{ tasks.a.status }}'}}\n");

    (void)state;
    assert_true(f->tasks[1].condition_judges_needs);
    assert_false(f->tasks[2].condition_judges_needs);
    assert_false(f->tasks[3].condition_judges_needs);
    flow_unref(f);
}

static void a_list_of_tasks_means_the_same_as_a_map(void **state)
{
    struct flow *map = read_good(TOP "tasks: {a: {run: x}, b: {run: y, needs: a}}\n");
    struct flow *list =
        read_good(TOP "tasks: [{id: a, run: x}, {id: b, run: y, needs: a}]\n");

    (void)state;
    assert_int_equal(map->n_tasks, list->n_tasks);
    for (uint32_t i = 0; i < map->n_tasks; i++) {
        assert_string_equal(map->tasks[i].name, list->tasks[i].name);
        assert_string_equal(map->tasks[i].work->text, list->tasks[i].work->text);
        assert_int_equal(map->tasks[i].n_needs, list->tasks[i].n_needs);
    }
    flow_unref(map);
    flow_unref(list);
}

static void tasks_that_say_the_same_share_it(void **state)
{
    struct flow *f =
        read_good(TOP "defaults: {queue: q}\ntasks:\n  a: {noop: true}\n"
                      "  b: {needs: a, noop: true}\n  c: {noop: true, queue: r}\n"
                      "  d: {noop: true, foreach: [1]}\n"
                      "  e: {run: x, retry: {max_attempts: 2}}\n"
                      "  f: {run: y, retry: {max_attempts: 2}}\n");
    const struct flow_task *t = f->tasks;

    (void)state;
    assert_ptr_equal(t[1].work, t[0].work);
    assert_ptr_equal(t[1].policy, t[0].policy);
    assert_ptr_equal(t[2].work, t[0].work);
    assert_ptr_not_equal(t[2].policy, t[0].policy);
    assert_string_equal(t[2].policy->queue, "r");
    assert_string_equal(t[0].policy->queue, "q");
    assert_ptr_not_equal(t[3].work, t[0].work);
    assert_ptr_equal(t[3].policy, t[0].policy);
    assert_string_equal(t[4].work->text, "x");
    assert_string_equal(t[5].work->text, "y");
    assert_int_equal(t[5].policy->retry.max_attempts, 2);
    flow_unref(f);
}

static void every_task_is_found_by_its_name(void **state)
{
    struct flow *f = read_good(TOP "tasks: {m: {noop: true}, z: {noop: true}, "
                                   "a1: {noop: true}, a: {noop: true}}\n"
                                   "finally: {b: {noop: true}}\n");

    (void)state;
    for (uint32_t i = 0; i < f->n_tasks; i++)
        assert_int_equal(flow_task_index(f, f->tasks[i].name), i);
    assert_int_equal(flow_task_index(f, ""), -1);
    assert_int_equal(flow_task_index(f, "a2"), -1);
    assert_int_equal(flow_task_index(f, "zz"), -1);
    flow_unref(f);
}

static void code_may_hold_everything_but_expressions(void **state)
{
    struct flow *f = read_good(TOP "tasks:\n  a:\n    run: |\n"
                                   "      echo ${A} $(b) {{ c }} \"${d[0]}\" '$$'\n"
                                   "description: uses ${{ }} in words\n");

    (void)state;
    assert_string_equal(f->tasks[0].work->text,
                        "echo ${A} $(b) {{ c }} \"${d[0]}\" '$$'\n");
    flow_unref(f);
}

static void a_plan_lives_as_long_as_its_last_owner(void **state)
{
    struct flow *f = read_good(etl);

    (void)state;
    assert_ptr_equal(flow_ref(f), f);
    flow_unref(f);
    assert_string_equal(f->name, "etl-daily");
    flow_unref(f);
    flow_unref(NULL);
}

static void references_are_allowed_where_they_have_a_value(void **state)
{
    static const char *const good[] = {
        /* through a task in between */
        TOP "tasks:\n  a: {run: x, outputs: {o: file}}\n  b: {run: x, needs: a}\n"
            "  c: {run: x, needs: b, env: {A: '${{ tasks.a.outputs.o }}'}}\n",
        /* handlers see all main tasks, and handlers before them */
        TOP
        "tasks: {a: {run: x}}\non_failure:\n  - {id: h, run: x, outputs: {o: json}}\n"
        "  - {id: i, run: x, if: tasks.a.status == 'failed',\n"
        "     env: {A: '${{ tasks.h.outputs.o.deep[0] }}'}}\n",
        TOP "tasks: {a: {run: x}}\noutputs: {o: '${{ tasks.a.exit_code }}', "
            "n: {m: ['${{ tasks.a.message }}']}, i: '${{ workflow.hash }}'}\n",
        TOP "inputs: {i: {type: object}}\ntasks: {a: {run: x, "
            "if: has(inputs.i.x) && inputs.i.y.z > 1}}\n",
        TOP "tasks: {a: {run: x, stdin: '${{ inputs }}', env: {N: '${{ attempt }}', "
            "R: '${{ run.id + run.name + run.status }}'}}}\n",
        TOP "env: {R: '${{ run.id }}-${{ attempt }}'}\ntasks: {a: {run: x}}\n",
        TOP
        "tasks: {a: {command: [x, '${{ item }}', '${{ index }}'], foreach: [1, 2]}}\n",
        TOP "tasks: {a: {run: x, if: true}, b: {run: x, if: '${{ 1 < 2 }}'}}\n",
        TOP "tasks: {a: {run: x, env: {A: '$${{ not.an.expression }}'}}}\n",
        TOP "tasks: {a: {run: x, if: '[1].exists(x, x == 1)'}}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        flow_unref(read_good(good[i]));
}

static void every_field_of_the_tables_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; spec_objects[i]; i++) {
        const struct spec_object *o = spec_objects[i];

        assert_true(o->n_fields <= SPEC_MAX_FIELDS);
        for (size_t k = 0; k < o->n_fields; k++) {
            const struct spec_field *field = &o->fields[k];

            assert_true(strlen(field->key) < SPEC_KEY_MAX);
            if (field->flags & SPEC_LATER)
                continue;
            assert_non_null(field->type);
            assert_non_null(field->help);
            assert_non_null(field->since);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_of_a_file_is_read),
        cmocka_unit_test(tasks_stand_by_part_in_the_order_of_the_file),
        cmocka_unit_test(needs_point_both_ways),
        cmocka_unit_test(handlers_need_the_one_before),
        cmocka_unit_test(outputs_have_their_forms),
        cmocka_unit_test(a_task_that_says_much_is_read_whole),
        cmocka_unit_test(a_retry_is_read_whole),
        cmocka_unit_test(a_task_that_says_nothing_has_the_defaults),
        cmocka_unit_test(an_empty_retry_means_three_attempts),
        cmocka_unit_test(scripts_hold_code_or_name_a_file),
        cmocka_unit_test(constants_of_env_keep_their_text),
        cmocka_unit_test(a_task_env_goes_over_defaults_over_the_workflow),
        cmocka_unit_test(defaults_reach_every_task_that_does_not_say),
        cmocka_unit_test(nested_values_are_evaluated_in_place),
        cmocka_unit_test(a_status_in_if_is_noticed_in_every_form),
        cmocka_unit_test(a_list_of_tasks_means_the_same_as_a_map),
        cmocka_unit_test(tasks_that_say_the_same_share_it),
        cmocka_unit_test(every_task_is_found_by_its_name),
        cmocka_unit_test(code_may_hold_everything_but_expressions),
        cmocka_unit_test(a_plan_lives_as_long_as_its_last_owner),
        cmocka_unit_test(references_are_allowed_where_they_have_a_value),
        cmocka_unit_test(every_field_of_the_tables_is_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
