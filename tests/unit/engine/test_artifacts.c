/* test_artifacts.c - artifacts in the engine: values like outputs, and a row for each
 * blob that is named. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\ntasks:\n"
#define A    "  a: {run: x, artifacts: {out: {m: m, o: {path: o, optional: true}}}}\n"
#define FILE_OF(hash, size)                                                            \
    "{\"type\": \"file\", \"sha256\": \"" hash "\", \"size\": " size "}"

struct described {
    struct arena arena;
    struct work work;
    struct ff_err err;
    int code;
};

static void describe(struct world *w, const char *path, struct described *d)
{
    *d = (struct described){0};
    d->code =
        w->run->kind->describe(w->run, world_node(w, path), world_attempt(w, path),
                               &d->arena, &d->work, &d->err);
}

static void what_is_handed_on_is_told_to_the_executor(void **state)
{
    struct world *w = world_new(HEAD A, NULL);
    struct described d;

    (void)state;
    world_grant(w);
    describe(w, "a", &d);
    assert_int_equal(d.code, FF_OK);
    assert_int_equal(d.work.n_outputs, 2);
    assert_int_equal(d.work.outputs[0].as, WORK_AS_ARTIFACT);
    assert_string_equal(d.work.outputs[0].file, "m");
    assert_true(d.work.outputs[1].optional);
    assert_true(d.work.artifact_dir);
    assert_int_equal(d.work.n_artifacts, 0);
    arena_done(&d.arena);
    world_free(w);
}

static void a_task_without_artifacts_has_no_folder(void **state)
{
    struct world *w = world_new(HEAD "  a: {run: x, outputs: {v: file}}\n", NULL);
    struct described d;

    (void)state;
    world_grant(w);
    describe(w, "a", &d);
    assert_false(d.work.artifact_dir);
    arena_done(&d.arena);
    world_free(w);
}

#define B                                                                              \
    "  b:\n    needs: a\n    run: x\n    artifacts:\n      in:\n"                      \
    "        m: {from: '${{ tasks.a.artifacts.m }}', path: x/m}\n"                     \
    "        o: {from: '${{ tasks.a.artifacts.o }}', optional: true}\n"

static void what_it_is_given_is_the_value(void **state)
{
    struct world *w = world_new(HEAD A B, NULL);
    struct described d;

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0,
                 "{\"m\": " FILE_OF("aa", "7") ", \"o\": null}");
    assert_string_equal(buf_text(&w->artifacts), "aa 7; ");
    world_restart(w);
    world_grant(w);
    describe(w, "b", &d);
    assert_int_equal(d.code, FF_OK);
    assert_int_equal(d.work.n_artifacts, 1);
    assert_string_equal(d.work.artifacts[0].name, "m");
    assert_string_equal(d.work.artifacts[0].path, "x/m");
    assert_non_null(strstr(d.work.artifacts[0].value, "\"aa\""));
    assert_true(d.work.artifact_dir);
    arena_done(&d.arena);
    world_free(w);
}

static void an_artifact_that_is_not_there_fails_the_attempt(void **state)
{
    struct world *w = world_new(HEAD A "  b: {needs: a, run: x, artifacts: {in: "
                                       "{o: '${{ tasks.a.artifacts.o }}'}}}\n",
                                NULL);
    struct described d;

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"m\": " FILE_OF("aa", "7") "}");
    world_grant(w);
    describe(w, "b", &d);
    assert_int_equal(d.code, FF_INVALID);
    assert_string_equal(d.err.msg, "artifacts.in.o: there is none: its value is null, "
                                   "and it is not optional");
    arena_done(&d.arena);
    world_free(w);
}

static void an_expression_that_fails_fails_the_attempt(void **state)
{
    struct world *w = world_new(HEAD A "  b: {needs: a, run: x, artifacts: {in: "
                                       "{o: '${{ tasks.a.artifacts.m.size / 0 }}'}}}\n",
                                NULL);
    struct described d;

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"m\": " FILE_OF("aa", "7") "}");
    world_grant(w);
    describe(w, "b", &d);
    assert_int_equal(d.code, FF_INVALID);
    assert_non_null(strstr(d.err.msg, "artifacts.in.o: "));
    arena_done(&d.arena);
    world_free(w);
}

static void those_of_items_are_lists(void **state)
{
    struct world *w = world_new(HEAD "  a: {run: x, foreach: [1, 2, 3], fail_fast: "
                                     "false, artifacts: {out: {m: m}}}\n"
                                     "  b:\n    needs: a.done\n    run: x\n"
                                     "    artifacts: {in: {m: "
                                     "'${{ tasks.a.artifacts.m }}'}}\n",
                                NULL);
    struct described d;

    (void)state;
    world_grant(w);
    world_result(w, "a.0", OUTCOME_SUCCEEDED, 0, "{\"m\": " FILE_OF("aa", "7") "}");
    world_result(w, "a.1", OUTCOME_FAILED, 1, NULL);
    world_restart(w);
    world_result(w, "a.2", OUTCOME_SUCCEEDED, 0, "{\"m\": " FILE_OF("cc", "9") "}");
    world_grant(w);
    describe(w, "b", &d);
    assert_int_equal(d.code, FF_OK);
    assert_string_equal(d.work.artifacts[0].value,
                        "[{\"type\":\"file\",\"sha256\":\"aa\",\"size\":7},null,"
                        "{\"type\":\"file\",\"sha256\":\"cc\",\"size\":9}]");
    assert_string_equal(buf_text(&w->artifacts), "aa 7; cc 9; ");
    arena_done(&d.arena);
    world_free(w);
}

/* Only what was declared as one: an output may look like it. */
static void outputs_that_look_like_one_have_no_row(void **state)
{
    struct world *w = world_new(
        HEAD "  a: {run: x, outputs: {v: json}, artifacts: {out: {m: m}}}\n", NULL);

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0,
                 "{\"v\": " FILE_OF("bb", "1") ", \"m\": " FILE_OF("aa", "7") "}");
    assert_string_equal(buf_text(&w->artifacts), "aa 7; ");
    world_free(w);
}

static void a_task_that_is_kept_keeps_its_artifacts(void **state)
{
    struct world *w = world_new(HEAD A B, NULL);
    struct described d;

    (void)state;
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"m\": " FILE_OF("aa", "7") "}");
    world_grant(w);
    world_result(w, "b", OUTCOME_FAILED, 1, NULL);
    assert_string_equal(world_run_state(w), "failed");
    world_reopen(w, "{\"what\": \"failed\"}");
    world_grant(w);
    assert_string_equal(world_state(w, "a"), "succeeded");
    describe(w, "b", &d);
    assert_int_equal(d.code, FF_OK);
    assert_non_null(strstr(d.work.artifacts[0].value, "\"aa\""));
    arena_done(&d.arena);
    world_free(w);
}

/* --- with cache --- */

#define CACHED                                                                         \
    HEAD "  a:\n    run: x\n    cache: {key: k}\n    outputs: {j: json}\n"             \
         "    artifacts: {out: {m: m, o: {path: o, optional: true}}}\n"                \
         "  b: {needs: a, run: x, artifacts: {in: {m: '${{ tasks.a.artifacts.m "       \
         "}}'}}}\n"

/* What only looks like an artifact is none. */
static void what_is_kept_for_others_is_named_for_them_too(void **state)
{
    struct world *first = world_new(CACHED, NULL);
    struct world *w = world_new(CACHED, NULL);

    (void)state;
    world_look_up(first, first);
    world_grant(first);
    world_result(first, "a", OUTCOME_SUCCEEDED, 0,
                 "{\"m\": " FILE_OF("aa", "7") ", \"j\": " FILE_OF("bb", "8") "}");
    assert_string_equal(buf_text(&first->artifacts), "aa 7; cache aa 7; ");
    assert_string_equal(first->cache.items[0].artifacts, "[\"aa\"]");
    assert_int_equal(world_look_up(w, first), 1);
    assert_string_equal(world_reason(w, "a"), "cached");
    assert_string_equal(buf_text(&w->artifacts), "check cache aa; aa 7; ");
    world_restart(w);
    world_finish(w);
    assert_string_equal(world_run_state(w), "succeeded");
    world_free(first);
    world_free(w);
}

static void one_that_was_left_out_is_named_by_nobody(void **state)
{
    struct world *w = world_new(HEAD "  a:\n    run: x\n    cache: {key: k}\n"
                                     "    artifacts: {out: {o: {path: o, "
                                     "optional: true}}}\n",
                                NULL);

    (void)state;
    world_look_up(w, w);
    world_grant(w);
    world_result(w, "a", OUTCOME_SUCCEEDED, 0, "{\"o\": null}");
    assert_string_equal(buf_text(&w->artifacts), "");
    assert_int_equal(w->cache.n, 1);
    assert_string_equal(w->cache.items[0].artifacts, "");
    world_free(w);
}

/* The run inside names its blobs, and goes with the run around it. */
static void a_group_that_hands_on_artifacts_is_not_kept(void **state)
{
    static const struct {
        const char *outputs;
        size_t kept;
    } cases[] = {
        {"{\"v\": " FILE_OF("aa", "7") "}", 0},
        {"{\"v\": [1, {\"x\": " FILE_OF("aa", "7") "}]}", 0},
        {"{\"v\": {\"sha256\": \"aa\", \"size\": \"large\"}}", 1},
        {"{\"v\": [{\"sha256\": 3}]}", 1},
        {"{\"v\": [{\"sha256\": \"aa\"}]}", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world *w =
            world_new(HEAD "  g:\n    cache: {key: k}\n    tasks: {a: {run: x}}\n"
                           "    outputs: {v: '${{ tasks.a.status }}'}\n",
                      NULL);
        world_look_up(w, w);
        world_result(w, "g", OUTCOME_SUCCEEDED, 0, cases[i].outputs);
        assert_string_equal(world_state(w, "g"), "succeeded");
        assert_int_equal(w->cache.n, cases[i].kept);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_for_others_is_named_for_them_too),
        cmocka_unit_test(one_that_was_left_out_is_named_by_nobody),
        cmocka_unit_test(a_group_that_hands_on_artifacts_is_not_kept),
        cmocka_unit_test(what_is_handed_on_is_told_to_the_executor),
        cmocka_unit_test(a_task_without_artifacts_has_no_folder),
        cmocka_unit_test(what_it_is_given_is_the_value),
        cmocka_unit_test(an_artifact_that_is_not_there_fails_the_attempt),
        cmocka_unit_test(an_expression_that_fails_fails_the_attempt),
        cmocka_unit_test(those_of_items_are_lists),
        cmocka_unit_test(outputs_that_look_like_one_have_no_row),
        cmocka_unit_test(a_task_that_is_kept_keeps_its_artifacts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
