/* artifacts: what a task is given, and what it hands on. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

#define MADE                                                                           \
    TOP "tasks:\n"                                                                     \
        "  a: {run: x, artifacts: {out: {model: out/model.bin, log: }}}\n"
#define IN MADE "  b:\n    needs: a\n    run: x\n    artifacts:\n      in:\n        "

static void what_is_handed_on_is_an_output(void **state)
{
    struct flow *f = read_good(TOP "tasks:\n"
                                   "  a:\n"
                                   "    run: x\n"
                                   "    outputs: {rows: json}\n"
                                   "    artifacts:\n"
                                   "      out:\n"
                                   "        model: out/model.bin\n"
                                   "        report:\n"
                                   "        trace: {path: t, optional: true}\n"
                                   "        plain: {optional: false}\n");
    static const struct {
        const char *name, *file;
        bool optional;
    } expected[] = {{"rows", "rows", false},
                    {"model", "out/model.bin", false},
                    {"report", "report", false},
                    {"trace", "t", true},
                    {"plain", "plain", false}};
    const struct flow_work *w = f->tasks[0].work;

    (void)state;
    assert_int_equal(w->n_outputs, COUNT_OF(expected));
    for (uint32_t i = 0; i < w->n_outputs; i++) {
        assert_string_equal(w->outputs[i].name, expected[i].name);
        assert_string_equal(w->outputs[i].file, expected[i].file);
        assert_int_equal(w->outputs[i].optional, expected[i].optional);
        assert_int_equal(w->outputs[i].as, i ? FLOW_AS_ARTIFACT : FLOW_AS_JSON);
    }
    assert_null(w->artifacts);
    flow_unref(f);
}

static void what_is_given_has_a_place(void **state)
{
    struct flow *f = read_good(IN "m: '${{ tasks.a.artifacts.model }}'\n"
                                  "        n:\n"
                                  "          from: ${{ tasks.a.artifacts.log }}\n"
                                  "          path: deep/er/log\n"
                                  "          optional: true\n"
                                  "        o: {from: '${{ tasks.a.artifacts }}'}\n");
    const struct flow_artifacts *in = f->tasks[1].work->artifacts;

    (void)state;
    assert_int_equal(in->n, 3);
    assert_string_equal(in->items[0].name, "m");
    assert_string_equal(in->items[0].path, "m");
    assert_false(in->items[0].optional);
    assert_non_null(in->items[0].from.tmpl);
    assert_string_equal(in->items[1].path, "deep/er/log");
    assert_true(in->items[1].optional);
    assert_string_equal(in->items[2].path, "o");
    flow_unref(f);
}

static void tasks_without_any_have_none(void **state)
{
    struct flow *f = read_good(TOP "tasks: {a: {run: x, artifacts: {}}}\n");

    (void)state;
    assert_null(f->tasks[0].work->artifacts);
    assert_int_equal(f->tasks[0].work->n_outputs, 0);
    flow_unref(f);
}

#define OUT TOP "tasks:\n  a:\n    run: x\n    artifacts:\n      out:\n        "
static const struct refusal refusals[] = {
    {OUT "m: /tmp/m\n", PROBLEM_ARTIFACT, 8, 12, "/tmp/m", "inside of $FF_ARTIFACTS",
     "without the first /"},
    {OUT "m: ../m\n", PROBLEM_ARTIFACT, 8, 12, "../m", "without . and ..",
     "as in data"},
    {OUT "m: a/../b\n", PROBLEM_ARTIFACT, 8, 12, "a/../b", "inside", NULL},
    {OUT "m: ..\n", PROBLEM_ARTIFACT, 8, 12, "..", "inside", NULL},
    {OUT "m: ./m\n", PROBLEM_ARTIFACT, 8, 12, "./m", "inside", NULL},
    {OUT "m: a//b\n", PROBLEM_ARTIFACT, 8, 12, "a//b", "inside", NULL},
    {OUT "m: a/\n", PROBLEM_ARTIFACT, 8, 12, "a/", "inside", NULL},
    {OUT "m: \"a\\x7fb\"\n", PROBLEM_ARTIFACT, 8, 12, "a b", "inside", NULL},
    {OUT "m: \"${{ inputs.x }}\"\n", PROBLEM_CONSTANT, 8, 13, "${{", NULL, NULL},
    {OUT "m: {path: 7}\n", PROBLEM_TYPE, 8, 19, "7", "path", NULL},
    {OUT "m: {paht: a}\n", PROBLEM_UNKNOWN_KEY, 8, 13, "paht", NULL, "`path`"},
    {OUT "M: a\n", PROBLEM_NAME, 8, 9, "M", "an artifact", NULL},
    {TOP "tasks: {a: {run: x, artifacts: {out: [m]}}}\n", PROBLEM_TYPE, 3, 38, NULL,
     "a map of names and artifacts", NULL},
    {TOP "tasks: {a: {run: x, artifacts: {in: m}}}\n", PROBLEM_TYPE, 3, 37, "m",
     "a map of names and artifacts", NULL},
    {TOP "tasks: {a: {run: x, outputs: {m: file}, artifacts: {out: {m: m}}}}\n",
     PROBLEM_ARTIFACT, 3, 59, "m", "has an output m already", "another name"},
    {IN "m: model\n", PROBLEM_ARTIFACT, 10, 12, "model", "from an expression",
     "tasks.NAME.artifacts.NAME"},
    {IN "m: {path: x}\n", PROBLEM_MISSING, 10, 12, "from", "from", NULL},
    {IN "m: {from: '${{ 1 + }}'}\n", PROBLEM_EXPRESSION, 10, 28, NULL, NULL, NULL},
    {IN "M: '${{ tasks.a.artifacts.log }}'\n", PROBLEM_NAME, 10, 9, "M", "an artifact",
     NULL},
    {IN "m: '${{ tasks.a.artifacts.modle }}'\n", PROBLEM_UNKNOWN_FIELD, 10, 17,
     "tasks.a.artifacts.modle", "hands on no artifact modle", "`model`"},
    {MADE "  b: {needs: a, noop: true}\n"
          "  c: {needs: b, run: x, stdin: '${{ tasks.b.artifacts.zzz }}'}\n",
     PROBLEM_UNKNOWN_FIELD, 6, 37, "tasks.b.artifacts.zzz", "hands on no artifact zzz",
     "artifacts.out of b"},
    {TOP "tasks:\n  a: {run: x, outputs: {rows: json}, artifacts: {out: {model: m}}}\n"
         "  b: {needs: a, run: x, stdin: '${{ tasks.a.artifacts.rows }}'}\n",
     PROBLEM_UNKNOWN_FIELD, 5, 37, "tasks.a.artifacts.rows",
     "hands on no artifact rows", "artifacts.out of a"},
    {IN "m: '${{ tasks.a.artifacts.log }}'\n"
        "        n: {from: '${{ tasks.a.artifacts.log }}', path: m/x}\n",
     PROBLEM_ARTIFACT, 11, 9, "n", "both want m/x", "another path"},
    {IN "m: {from: '${{ tasks.a.artifacts.log }}', path: x/y}\n"
        "        n: {from: '${{ tasks.a.artifacts.log }}', path: x}\n",
     PROBLEM_ARTIFACT, 11, 9, "n", "both want x", NULL},
    {TOP "tasks: {a: {noop: true, artifacts: {out: {m: m}}}}\n", PROBLEM_EXCLUSIVE, 3,
     36, NULL, "artifacts means nothing in a task with noop", NULL},
    {TOP "tasks: {a: {http: {url: x}, artifacts: {out: {m: m}}}}\n", PROBLEM_EXCLUSIVE,
     3, 40, NULL, "with http", NULL},
    {TOP "tasks: {a: {tasks: {b: {run: x}}, artifacts: {in: {}}}}\n", PROBLEM_EXCLUSIVE,
     3, 46, NULL, "with tasks", NULL},
};

static void wrong_artifacts_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

/* Neither begins with the other as a path. */
static void names_may_begin_alike(void **state)
{
    (void)state;
    flow_unref(read_good(IN "m: '${{ tasks.a.artifacts.log }}'\n"
                            "        mm: '${{ tasks.a.artifacts.log }}'\n"));
    flow_unref(read_good(IN "mm: '${{ tasks.a.artifacts.log }}'\n"
                            "        m: '${{ tasks.a.artifacts.log }}'\n"));
}

/* Only . and .. lead elsewhere. */
static void paths_may_begin_with_a_dot(void **state)
{
    struct flow *f = read_good(OUT "m: .cache/.x\n        n: ..x\n        o: ...\n");
    const struct flow_work *w = f->tasks[0].work;

    (void)state;
    assert_int_equal(w->n_outputs, 3);
    assert_string_equal(w->outputs[0].file, ".cache/.x");
    assert_string_equal(w->outputs[1].file, "..x");
    assert_string_equal(w->outputs[2].file, "...");
    flow_unref(f);
}

/* Also of those past the number of problems that are told. */
static void unknown_ones_are_all_counted(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, MADE);
    for (int i = 0; i < FLOW_MAX_ERRORS + 5; i++)
        buf_printf(&b,
                   "  b%d: {needs: a, run: x, stdin: '${{ "
                   "tasks.a.artifacts.zzz }}'}\n",
                   i);

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, FLOW_MAX_ERRORS);
    assert_int_equal(p.n_more, 5);
    assert_int_equal(p.items[0].code, PROBLEM_UNKNOWN_FIELD);
    flow_problems_done(&p);
    buf_done(&b);
}

static void refuse_many(const char *part, const char *value)
{
    struct buf b = {0};

    buf_printf(&b, MADE "  b:\n    needs: a\n    run: x\n    artifacts:\n      %s:\n",
               part);
    for (int i = 0; i <= FLOW_MAX_NAMES; i++)
        buf_printf(&b, "        v%d: %s\n", i, value);

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    flow_problems_done(&p);
    buf_done(&b);
}

static void there_is_a_limit_to_them(void **state)
{
    (void)state;
    refuse_many("in", "'${{ tasks.a.artifacts.log }}'");
    refuse_many("out", "x");
}

static void refuse_path(const char *part, int n)
{
    struct buf b = {0};

    buf_add_text(&b, OUT "m: ");
    for (int i = 0; i < n; i++)
        buf_add_text(&b, part);
    buf_add_text(&b, "a\n");

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_ARTIFACT);
    flow_problems_done(&p);
    buf_done(&b);
}

static void a_path_has_a_limit(void **state)
{
    (void)state;
    refuse_path("a/", 600); /* all of it */
    refuse_path("a", 255);  /* and a part */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_on_is_an_output),
        cmocka_unit_test(what_is_given_has_a_place),
        cmocka_unit_test(tasks_without_any_have_none),
        cmocka_unit_test(wrong_artifacts_are_refused),
        cmocka_unit_test(names_may_begin_alike),
        cmocka_unit_test(paths_may_begin_with_a_dot),
        cmocka_unit_test(unknown_ones_are_all_counted),
        cmocka_unit_test(there_is_a_limit_to_them),
        cmocka_unit_test(a_path_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
