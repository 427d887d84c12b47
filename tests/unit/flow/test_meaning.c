/* Which files mean the same. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

static json_t *meaning(const char *text)
{
    json_t *made = flow_meaning(text, strlen(text));

    assert_non_null(made);
    return made;
}

static bool same(const char *a, const char *b)
{
    json_t *x = meaning(a);
    json_t *y = meaning(b);
    const bool equal = json_equal(x, y);

    json_decref(x);
    json_decref(y);
    return equal;
}

static void spelling_order_and_comments_mean_nothing(void **state)
{
    (void)state;
    assert_true(same(TOP "tasks:\n"
                         "  a: {run: x, timeout: 60s, working-dir: d}\n"
                         "  b: {noop: true, needs: a}\n",
                     TOP "# why\n"
                         "tasks:\n"
                         "  b: {needs: [a], noop: true}\n"
                         "  a: {workingDir: d, timeout: 1m, run: x}\n"));
    assert_true(same(TOP "tasks: {a: {noop: true, needs: [c, b]}}",
                     TOP "tasks: {a: {noop: true, needs: [b, c]}}"));
    assert_true(
        same(TOP "tasks: {a: {noop: true}}", TOP "tasks: [{id: a, noop: true}]"));
}

static void labels_and_words_that_stand_alone_mean_themselves(void **state)
{
    (void)state;
    assert_true(same(TOP "labels: {a: x, b: y}\n"
                         "tasks: {a: {run: x, semaphores: [gpu, db], mutex: m}}",
                     TOP "labels: {b: y, a: x}\n"
                         "tasks: {a: {mutex: m, semaphores: [gpu, db], run: x}}"));
    assert_false(same(TOP "tasks: {a: {run: x, semaphores: gpu}}",
                      TOP "tasks: {a: {run: x, semaphores: db}}"));
}

static void outputs_of_runs_mean_their_values_and_types(void **state)
{
    static const char run[] = TOP "tasks: {a: {run: x}}\noutputs: {";
    static const struct {
        const char *a, *b;
        bool same;
    } pairs[] = {
        {"o: 1", "o: {value: 1}", true},
        {"o: {value: 1, required: true, type: integer}", "o: {type: integer, value: 1}",
         true},
        {"o: {value: {value: 1}}", "o: {value: 1}", false},
        {"o: {value: 1}", "o: {value: 1, type: integer}", false},
        {"o: {max_n: 1}", "o: {maxN: 1}", false}, /* a map that is the value */
        {"o: {required: true}", "o: {}", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct buf a = {0}, b = {0};
        buf_printf(&a, "%s%s}", run, pairs[i].a);
        buf_printf(&b, "%s%s}", run, pairs[i].b);
        assert_int_equal(same(buf_text(&a), buf_text(&b)), pairs[i].same);
        buf_done(&a);
        buf_done(&b);
    }
}

static void defaults_and_short_forms_mean_what_they_stand_for(void **state)
{
    (void)state;
    assert_true(same(TOP "inputs: {d: integer}\ntasks: {a: {run: x, grace: 10s}}",
                     TOP "inputs: {d: {type: integer}}\ntasks: {a: {run: x}}"));
    assert_true(same(TOP "tasks: {a: {run: x, outputs: {o: stdout, p: json}}}",
                     TOP "tasks: {a: {run: x, outputs: {o: {from: stdout}, "
                         "p: {from: file, as: json}}}}"));
    assert_true(same(TOP "defaults: {retry: {delay: 1000ms}}\ntasks: {a: {run: x}}",
                     TOP "defaults: {retry: {delay: PT1S}}\ntasks: {a: {run: x}}"));
}

static void what_changes_a_run_is_seen(void **state)
{
    (void)state;
    assert_false(same(TOP "tasks: {a: {run: x, env: {V: 1.10}}}",
                      TOP "tasks: {a: {run: x, env: {V: 1.1}}}"));
    assert_false(same(TOP "tasks: {a: {run: x, timeout: 1500ms}}",
                      TOP "tasks: {a: {run: x, timeout: 1s}}"));
    assert_false(
        same(TOP "tasks: {a: {run: x, grace: 0s}}", TOP "tasks: {a: {run: x}}"));
    assert_false(
        same(TOP "tasks: {a: {command: [x, y]}}", TOP "tasks: {a: {command: [y, x]}}"));
}

/* It is asked about texts that were read before; the others must not hurt. */
static void files_that_are_wrong_are_taken_as_they_stand(void **state)
{
    (void)state;
    json_decref(meaning("[1, {a: b}]"));
    json_decref(meaning("just: text"));
    json_decref(meaning(TOP "tasks: [{noop: true}, x]"));
    json_decref(meaning(TOP "tasks: {a: {needs: [1, [b]], timeout: soon, run: [x]}}"));
    json_decref(meaning(TOP "tasks: {a: {needs: {b: c}}}\nlabels: 7"));
    json_decref(meaning(TOP
                        "aVeryLongKeyThatNobodyHasEverSeenInAnyFileAndThatIsMadeOf"
                        "ManyWordsSoThatItIsLongerThanAllTheKeysThatAreKnownAndThenS"
                        "omeMoreSoThatItDoesNotFit: 1"));
    assert_null(flow_meaning("a: [", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling_order_and_comments_mean_nothing),
        cmocka_unit_test(labels_and_words_that_stand_alone_mean_themselves),
        cmocka_unit_test(outputs_of_runs_mean_their_values_and_types),
        cmocka_unit_test(defaults_and_short_forms_mean_what_they_stand_for),
        cmocka_unit_test(what_changes_a_run_is_seen),
        cmocka_unit_test(files_that_are_wrong_are_taken_as_they_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
