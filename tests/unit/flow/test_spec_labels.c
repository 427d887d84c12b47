/* version: and labels: of a workflow, and labels from elsewhere. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

#define REST "tasks: {a: {noop: true}}\n"

static void a_version_stays_as_it_is_written(void **state)
{
    struct flow *f = read_good(TOP "version: 1.10\n" REST);

    (void)state;
    assert_string_equal(f->version, "1.10");
    flow_unref(f);
    f = read_good(TOP "version: 7\n" REST);
    assert_string_equal(f->version, "7");
    flow_unref(f);
    f = read_good(TOP REST);
    assert_null(f->version);
    assert_null(f->labels);
    flow_unref(f);
}

static void versions_are_words(void **state)
{
    char word[80];

    (void)state;
    assert_true(flow_is_version("1.4.0-rc_1"));
    assert_false(flow_is_version(""));
    assert_false(flow_is_version(".1"));
    assert_false(flow_is_version("-1"));
    assert_false(flow_is_version("a b"));
    assert_false(flow_is_version(FLOW_LATEST));
    memset(word, 'x', sizeof(word));
    word[64] = 0;
    assert_false(flow_is_version(word));
    word[63] = 0;
    assert_true(flow_is_version(word));
}

static void wrong_versions_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {TOP "version: [1]\n" REST, PROBLEM_TYPE, 3, 10, "", "a word of A-Z", NULL},
        {TOP "version: a b\n" REST, PROBLEM_VALUE, 3, 10, "a b", "a word of A-Z",
         "1.4.0"},
        {TOP "version: latest\n" REST, PROBLEM_VALUE, 3, 10, "latest", "a word of A-Z",
         "by itself"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void labels_are_texts_as_they_are_written(void **state)
{
    struct flow *f =
        read_good(TOP "labels: {team: data, tier: 1, v: 1.10, on-call: true}\n" REST);

    (void)state;
    assert_int_equal(json_object_size(f->labels), 4);
    assert_string_equal(json_string_value(json_object_get(f->labels, "team")), "data");
    assert_string_equal(json_string_value(json_object_get(f->labels, "tier")), "1");
    assert_string_equal(json_string_value(json_object_get(f->labels, "v")), "1.10");
    assert_string_equal(json_string_value(json_object_get(f->labels, "on-call")),
                        "true");
    flow_unref(f);
}

static void wrong_labels_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {TOP "labels: [a]\n" REST, PROBLEM_TYPE, 3, 9, "", "a map of names and texts",
         NULL},
        {TOP "labels: {a: [b]}\n" REST, PROBLEM_TYPE, 3, 13, "",
         "must be text, not a list", NULL},
        {TOP "labels: {A: b}\n" REST, PROBLEM_VALUE, 3, 10, "A", "the name of a label",
         NULL},
        {TOP "labels: {a: \"${{ inputs.x }}\"}\n" REST, PROBLEM_CONSTANT, 3, 14, "${{",
         NULL, NULL},
        {TOP "labels: {a: .nan}\n" REST, PROBLEM_NUMBER, 3, 13, ".nan", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void a_workflow_has_at_most_64_labels(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, TOP "labels: {");
    for (int i = 0; i < 65; i++)
        buf_printf(&text, "l%d: x, ", i);
    buf_add_text(&text, "}\n" REST);
    struct flow_problems p = read_bad(buf_text(&text));
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    flow_problems_done(&p);
    buf_done(&text);
}

static void faults_of_labels_from_elsewhere_are_sentences(void **state)
{
    char value[300];

    (void)state;
    memset(value, 'x', sizeof(value));
    value[256] = 0;
    assert_null(flow_label_fault("team", "data eng"));
    assert_null(flow_label_fault("team", ""));
    assert_non_null(strstr(flow_label_fault("Team", "x"), "name"));
    assert_non_null(strstr(flow_label_fault("team", "a\nb"), "control"));
    assert_non_null(strstr(flow_label_fault("team", "a\x7f"), "control"));
    assert_non_null(strstr(flow_label_fault("team", value), "255"));
    value[255] = 0;
    assert_null(flow_label_fault("team", value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_stays_as_it_is_written),
        cmocka_unit_test(versions_are_words),
        cmocka_unit_test(wrong_versions_are_refused),
        cmocka_unit_test(labels_are_texts_as_they_are_written),
        cmocka_unit_test(wrong_labels_are_refused),
        cmocka_unit_test(a_workflow_has_at_most_64_labels),
        cmocka_unit_test(faults_of_labels_from_elsewhere_are_sentences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
