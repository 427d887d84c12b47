/* test_dag_matrix.c - the items of maps and of matrices, in their order; the same after
 * a restart. */
#include "support.h"

#include <string.h>

#define HEAD "flowforge: 1\nname: test\n"

/* The items that `key: value` gives, as one JSON text; or the message of the failure.
 */
static void items_of(const char *key, const char *value, const char *inputs,
                     struct buf *out)
{
    struct arena arena = {0};
    struct buf yaml = {0};
    struct ff_err err = {0};

    buf_printf(&yaml,
               HEAD "inputs: {v: object, l: list}\n"
                    "tasks: {a: {%s: %s, stdin: '${{ item }}', run: x}}\n",
               key, value);
    struct world *w =
        world_new(buf_text(&yaml), inputs ? inputs : "{\"v\": {}, \"l\": [1, 2]}");
    if (strcmp(world_state(w, "a"), "failed") == 0) {
        assert_string_equal(world_reason(w, "a"), "expression");
        buf_add_text(out, w->message + strlen("task a failed: "));
    }
    world_grant(w);
    world_restart(w);
    for (int64_t i = 0; i < (int64_t)world_running(w); i++) {
        struct work work;

        assert_int_equal(
            w->run->kind->describe(w->run, NODE_OF(0, i), 1, &arena, &work, &err),
            FF_OK);
        buf_printf(out, "%s%s", i > 0 ? " " : "", work.input);
    }
    world_free(w);
    arena_done(&arena);
    buf_done(&yaml);
}

static void expect(const char *key, const char *value, const char *inputs,
                   const char *expected)
{
    struct buf out = {0};

    items_of(key, value, inputs, &out);
    if (strcmp(buf_text(&out), expected) != 0)
        fail_msg("%s: %s\n%s instead of\n%s", key, value, buf_text(&out), expected);
    buf_done(&out);
}

static void the_items_of_a_map_are_keys_and_values_as_written(void **state)
{
    (void)state;
    expect("foreach", "{b: 1, a: [2]}", NULL,
           "{\"key\":\"b\",\"value\":1} {\"key\":\"a\",\"value\":[2]}");
    expect("foreach", "'${{ inputs.v }}'", "{\"v\": {\"z\": null, \"y\": {\"x\": 1}}}",
           "{\"key\":\"z\",\"value\":null} {\"key\":\"y\",\"value\":{\"x\":1}}");
    expect("foreach", "'${{ inputs.v }}'", NULL, "");
    expect("foreach", "'${{ range(4, 8, 2) }}'", NULL, "4 6");
}

static void the_first_axis_changes_slowest(void **state)
{
    (void)state;
    expect("matrix", "{b: [1, 2], a: [x, y]}", NULL,
           "{\"b\":1,\"a\":\"x\"} {\"b\":1,\"a\":\"y\"} {\"b\":2,\"a\":\"x\"} "
           "{\"b\":2,\"a\":\"y\"}");
    expect("matrix", "{n: '${{ inputs.l }}'}", NULL, "{\"n\":1} {\"n\":2}");
    expect("matrix", "'${{ {\"n\": inputs.l} }}'", NULL, "{\"n\":1} {\"n\":2}");
}

static void exclude_takes_away_what_has_all_it_says(void **state)
{
    (void)state;
    expect("matrix", "{b: [1, 2], a: [x, y], exclude: [{b: 1, a: y}, {a: z}]}", NULL,
           "{\"b\":1,\"a\":\"x\"} {\"b\":2,\"a\":\"x\"} {\"b\":2,\"a\":\"y\"}");
    expect("matrix", "{b: [1, 2], a: [x, y], exclude: [{b: 1}]}", NULL,
           "{\"b\":2,\"a\":\"x\"} {\"b\":2,\"a\":\"y\"}");
    expect("matrix", "{b: [1], exclude: [{b: 1}, {c: 1}]}", NULL, "");
}

/* The example of GitHub's documentation, whose result is given there. */
static void include_extends_or_adds(void **state)
{
    (void)state;
    expect("matrix",
           "{fruit: [apple, pear], animal: [cat, dog], include: [{color: green}, "
           "{color: pink, animal: cat}, {fruit: apple, shape: circle}, "
           "{fruit: banana}, {fruit: banana, animal: cat}]}",
           NULL,
           "{\"fruit\":\"apple\",\"animal\":\"cat\",\"color\":\"pink\","
           "\"shape\":\"circle\"} "
           "{\"fruit\":\"apple\",\"animal\":\"dog\",\"color\":\"green\","
           "\"shape\":\"circle\"} "
           "{\"fruit\":\"pear\",\"animal\":\"cat\",\"color\":\"pink\"} "
           "{\"fruit\":\"pear\",\"animal\":\"dog\",\"color\":\"green\"} "
           "{\"fruit\":\"banana\"} {\"fruit\":\"banana\",\"animal\":\"cat\"}");
    expect("matrix", "{include: [{a: 1}, {include: 2}]}", NULL,
           "{\"a\":1} {\"include\":2}");
    expect("matrix", "{a: '${{ inputs.v.none }}'}", "{\"v\": {\"none\": []}}", "");
    expect("matrix", "{a: '${{ inputs.v.none }}', b: [1], include: [{a: 3}]}",
           "{\"v\": {\"none\": []}}", "{\"a\":3}");
}

static void what_gives_no_matrix_fails_the_task(void **state)
{
    (void)state;
    expect("matrix", "'${{ inputs.l }}'", NULL, "matrix: gives no map");
    expect("matrix", "{a: '${{ inputs.v }}'}", NULL, "matrix: a gives no list");
    expect("matrix", "{a: [1], include: '${{ inputs.l }}'}", NULL,
           "matrix: entry 0 of include is no map");
    expect("foreach", "'${{ inputs.l[0] }}'", NULL, "foreach: gives no list");
}

static void a_matrix_has_limits(void **state)
{
    (void)state;
    expect("matrix",
           "{a: '${{ range(2000) }}', b: '${{ range(501) }}', c: '${{ range(9) }}'}",
           NULL, "matrix: more than 1000000 combinations, which is the limit");
    expect("matrix",
           "{a: '${{ range(5000) }}', b: '${{ range(100) }}',"
           " exclude: '${{ range(41).map(i, {\"a\": i}) }}'}",
           NULL,
           "matrix: 500000 combinations times 41 entries of include and exclude are "
           "more than 20000000, which is the limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_items_of_a_map_are_keys_and_values_as_written),
        cmocka_unit_test(the_first_axis_changes_slowest),
        cmocka_unit_test(exclude_takes_away_what_has_all_it_says),
        cmocka_unit_test(include_extends_or_adds),
        cmocka_unit_test(what_gives_no_matrix_fails_the_task),
        cmocka_unit_test(a_matrix_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
