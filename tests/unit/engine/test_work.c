/* test_work.c - what an attempt is told: every kind of work, and what it says when an
 * expression in it fails. */
#include "support.h"

#include <string.h>

#define HEAD  "flowforge: 1\nname: test\n"
#define TEXT  HEAD "inputs: {t: string, l: list}\ntasks:\n"
#define GIVEN "{\"t\": \"word\", \"l\": [1]}"

struct described {
    struct world *w;
    struct arena arena;
    struct work work;
    struct ff_err err;
    int code;
};

static void describe(struct described *d, const char *path)
{
    d->code = d->w->run->kind->describe(d->w->run, world_node(d->w, path),
                                        world_attempt(d->w, path), &d->arena, &d->work,
                                        &d->err);
}

/* The first attempt of task a of this file. */
static struct described first_attempt(const char *yaml, const char *inputs)
{
    struct described d = {.w = world_new(yaml, inputs)};

    world_grant(d.w);
    describe(&d, "a");
    return d;
}

static void done(struct described *d)
{
    arena_done(&d->arena);
    world_free(d->w);
}

static void assert_argv(const struct work *work, const char *const *words)
{
    size_t i = 0;

    for (; words[i]; i++)
        assert_string_equal(work->argv[i], words[i]);
    assert_null(work->argv[i]);
}

static void a_command_is_rendered_word_by_word(void **state)
{
    (void)state;
    struct described d =
        first_attempt(TEXT "  a: {command: [echo, 1, '${{ inputs.t }}']}\n", GIVEN);

    assert_int_equal(d.code, FF_OK);
    assert_argv(&d.work, (const char *const[]){"echo", "1", "word", NULL});
    done(&d);
}

static void code_goes_to_its_interpreter_or_to_that_of_its_language(void **state)
{
    (void)state;
    struct described d =
        first_attempt(HEAD "tasks: {a: {script: {lang: node, code: y}}}\n", NULL);

    assert_argv(&d.work, (const char *const[]){"node", "-e", "y", NULL});
    done(&d);
    d = first_attempt(HEAD "tasks: {a: {script: {interpreter: /x/ruby, file: y.rb}}}\n",
                      NULL);
    assert_argv(&d.work, (const char *const[]){"/x/ruby", "/somewhere/y.rb", NULL});
    done(&d);
}

static void a_script_of_a_run_without_a_folder_keeps_its_path(void **state)
{
    (void)state;
    struct described d =
        first_attempt(HEAD "tasks: {a: {script: {file: y.sh}}}\n", NULL);

    d.w->run->row.dir = (struct span){0};
    describe(&d, "a");
    assert_argv(&d.work, (const char *const[]){"/bin/sh", "y.sh", NULL});
    done(&d);
}

static void outputs_have_their_files(void **state)
{
    (void)state;
    struct described d =
        first_attempt(HEAD "tasks: {a: {run: x, outputs: {o: file}}}\n", NULL);

    assert_int_equal(d.code, FF_OK);
    assert_int_equal(d.work.n_outputs, 1);
    assert_string_equal(d.work.outputs[0].name, "o");
    done(&d);
}

static void what_the_engine_carries_out_is_described_to_nobody(void **state)
{
    (void)state;
    struct described d = first_attempt(HEAD "tasks: {a: {run: x}}\n", NULL);
    const struct flow *f = d.w->plan->data;
    struct flow_work *work = (struct flow_work *)(uintptr_t)f->tasks[0].work;

    work->kind = FLOW_NOOP;
    describe(&d, "a");
    assert_int_equal(d.code, FF_NOT_FOUND);
    work->kind = FLOW_RUN;
    done(&d);
}

static void the_tasks_own_variable_replaces_the_shared_one(void **state)
{
    (void)state;
    struct described d = first_attempt(HEAD "env: {A: shared, B: stays}\n"
                                            "tasks: {a: {run: x, env: {A: own}}}\n",
                                       NULL);
    char all[64] = "";

    for (size_t i = 0; d.work.env[i]; i++)
        strcat(strcat(all, d.work.env[i]), " ");
    assert_non_null(strstr(all, "A=own"));
    assert_non_null(strstr(all, "B=stays"));
    assert_null(strstr(all, "A=shared"));
    done(&d);
}

/* Which, and for what: what they are is never in the engine. */
static void secrets_are_named_and_not_rendered(void **state)
{
    (void)state;
    struct described d = first_attempt(
        TEXT "  a: {run: x, env: {A: '${{ secrets.one }}', B: own}, stdin: '${{ "
             "secrets.two }}'}\n",
        GIVEN);

    assert_int_equal(d.code, FF_OK);
    assert_int_equal(d.work.n_secrets, 2);
    assert_string_equal(d.work.secrets[0].name, "one");
    assert_string_equal(d.work.secrets[0].variable, "A");
    assert_string_equal(d.work.secrets[1].name, "two");
    assert_null(d.work.secrets[1].variable);
    assert_null(d.work.input);
    for (size_t i = 0; d.work.env[i]; i++)
        assert_true(strncmp(d.work.env[i], "A=", 2) != 0);
    done(&d);
}

static void a_request_is_rendered_as_json_with_secrets_as_variables(void **state)
{
    (void)state;
    struct described d = first_attempt(
        TEXT
        "  a: {env: {E: '${{ secrets.e }}'}, http: {url: 'http://x', method: POST, "
        "headers: {A: '${{ secrets.one }}', B: 5, C: '${{ secrets.two }}'}, query: "
        "{q: '${{ size(inputs.l) }}'}, body: '${{ secrets.body }}', expect: [201]}}\n",
        GIVEN);

    assert_int_equal(d.code, FF_OK);
    assert_true(d.work.http);
    assert_string_equal(d.work.argv[0], WORK_HTTP_PROGRAM);
    assert_non_null(strstr(d.work.input,
                           "\"headers\":{\"A\":{\"secret\":\"FF_HTTP_SECRET_0\"},"
                           "\"B\":\"5\",\"C\":{\"secret\":\"FF_HTTP_SECRET_1\"}}"));
    assert_non_null(strstr(d.work.input, "\"body\":{\"secret\":\"FF_HTTP_SECRET_2\"}"));
    assert_non_null(strstr(d.work.input, "\"expect\":[201]"));
    assert_int_equal(d.work.n_secrets, 4);
    assert_string_equal(d.work.secrets[0].variable, "E");
    assert_string_equal(d.work.secrets[2].name, "two");
    assert_string_equal(d.work.secrets[2].variable, "FF_HTTP_SECRET_1");
    assert_string_equal(d.work.secrets[3].name, "body");
    done(&d);
}

static void a_request_without_much_is_rendered_too(void **state)
{
    (void)state;
    struct described d = first_attempt(
        TEXT "  a: {http: {url: 'http://x', json: {l: '${{ inputs.l }}'}}}\n", GIVEN);

    assert_int_equal(d.code, FF_OK);
    assert_non_null(strstr(d.work.input, "\"json\":{\"l\":"));
    assert_null(strstr(d.work.input, "\"expect\""));
    done(&d);
    d = first_attempt(TEXT "  a: {http: {url: 'http://x', body: 'b'}}\n", GIVEN);
    assert_non_null(strstr(d.work.input, "\"body\":\"b\""));
    done(&d);
}

static void handlers_are_told_what_the_run_came_to(void **state)
{
    (void)state;
    struct described d = {
        .w = world_new(HEAD "tasks: {a: {run: x}}\non_failure: {h: {run: y}}\n", NULL)};

    world_grant(d.w);
    world_result(d.w, "a", OUTCOME_FAILED, 1, NULL);
    world_grant(d.w);
    describe(&d, "h");
    assert_int_equal(d.code, FF_OK);
    assert_string_equal(d.work.env[0], "FF_RUN_STATUS=failed");
    done(&d);
}

static void what_cannot_be_rendered_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *key, *says;
    } cases[] = {
        {"{command: [x, '${{ inputs.l[5] }}']}", "command: "},
        {"{run: x, env: {V: '${{ inputs.l[5] }}'}}", "env.V: "},
        {"{run: x, stdin: '${{ inputs.l[5] }}'}", "stdin: "},
        {"{run: x, working_dir: '${{ inputs.l[5] }}'}", "working_dir: "},
        {"{http: {url: '${{ inputs.l[5] }}'}}", "http.url: "},
        {"{http: {url: x, headers: {A: '${{ inputs.l[5] }}'}}}", "http.headers: "},
        {"{http: {url: x, query: {A: '${{ inputs.l[5] }}'}}}", "http.query: "},
        {"{http: {url: x, body: '${{ inputs.l[5] }}'}}", "http.body: "},
        {"{http: {url: x, json: '${{ inputs.l[5] }}'}}", "http.json: "},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b = {0};
        buf_printf(&b, TEXT "  a: %s\n", cases[i].key);
        struct described d = first_attempt(buf_text(&b), GIVEN);
        assert_int_equal(d.code, FF_INVALID);
        assert_int_equal(strncmp(d.err.msg, cases[i].says, strlen(cases[i].says)), 0);
        done(&d);
        buf_done(&b);
    }
}

/* No JSON that is read is so deep; what expressions put around it may be. */
static void a_value_nested_too_deeply_is_refused(void **state)
{
    (void)state;
    struct described d =
        first_attempt(TEXT "  a: {run: x, stdin: '${{ inputs.l }}'}\n", GIVEN);
    json_t *deep = json_array();

    for (int i = 0; i < EXPR_MAX_DEPTH + 5; i++)
        deep = json_pack("[o]", deep);
    json_object_set_new(d.w->run->inputs, "l", deep);
    describe(&d, "a");
    assert_int_equal(d.code, FF_INVALID);
    assert_string_equal(d.err.msg, "stdin: gives a value of more than 80 levels");
    done(&d);
}

static void only_the_running_attempt_is_described_and_current(void **state)
{
    (void)state;
    struct described d =
        first_attempt(HEAD "tasks: {a: {run: x}, b: {needs: [a], run: x}}\n", NULL);
    const struct engine_kind *k = d.w->run->kind;
    const int64_t a = world_node(d.w, "a");
    const struct {
        int64_t node, attempt;
    } others[] = {
        {a, 2},  {world_node(d.w, "b"), 0}, {NODE_OF(9, -1), 1}, {NODE_OF(0, 4), 1},
        {-1, 1},
    };

    assert_true(k->is_current(d.w->run, a, 1));
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_false(k->is_current(d.w->run, others[i].node, others[i].attempt));
        assert_int_equal(k->describe(d.w->run, others[i].node, others[i].attempt,
                                     &d.arena, &d.work, &d.err),
                         FF_NOT_FOUND);
    }
    done(&d);
}

static void a_foreach_as_such_has_no_item(void **state)
{
    (void)state;
    static const char *const values[] = {"item", "index"};

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct buf b = {0};
        buf_printf(&b, TEXT "  a: {foreach: [1], run: x, stdin: '${{ %s }}'}\n",
                   values[i]);
        struct described d = first_attempt(buf_text(&b), GIVEN);
        assert_int_equal(d.code, FF_INVALID);
        assert_non_null(strstr(d.err.msg, values[i]));
        describe(&d, "a.0");
        assert_int_equal(d.code, FF_OK);
        assert_string_equal(d.work.input, i == 0 ? "1" : "0");
        done(&d);
        buf_done(&b);
    }
}

static void a_path_is_cut_where_it_does_not_fit(void **state)
{
    (void)state;
    struct described d =
        first_attempt(HEAD "tasks: {a: {foreach: [1], run: x}}\n", NULL);
    char out[96];

    d.w->run->kind->node_path(d.w->run, NODE_OF(0, 123), out, sizeof(out));
    assert_string_equal(out, "a.123");
    d.w->run->kind->node_path(d.w->run, NODE_OF(0, 123), out, 4);
    assert_string_equal(out, "a.1");
    d.w->run->kind->node_path(d.w->run, NODE_OF(1, 3), out, sizeof(out));
    assert_string_equal(out, "?");
    d.w->run->kind->node_path(d.w->run, -1, out, sizeof(out));
    assert_string_equal(out, "?");
    done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_rendered_word_by_word),
        cmocka_unit_test(code_goes_to_its_interpreter_or_to_that_of_its_language),
        cmocka_unit_test(a_script_of_a_run_without_a_folder_keeps_its_path),
        cmocka_unit_test(outputs_have_their_files),
        cmocka_unit_test(what_the_engine_carries_out_is_described_to_nobody),
        cmocka_unit_test(the_tasks_own_variable_replaces_the_shared_one),
        cmocka_unit_test(secrets_are_named_and_not_rendered),
        cmocka_unit_test(a_request_is_rendered_as_json_with_secrets_as_variables),
        cmocka_unit_test(a_request_without_much_is_rendered_too),
        cmocka_unit_test(handlers_are_told_what_the_run_came_to),
        cmocka_unit_test(what_cannot_be_rendered_is_named),
        cmocka_unit_test(a_value_nested_too_deeply_is_refused),
        cmocka_unit_test(only_the_running_attempt_is_described_and_current),
        cmocka_unit_test(a_foreach_as_such_has_no_item),
        cmocka_unit_test(a_path_is_cut_where_it_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
