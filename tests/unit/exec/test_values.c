/* test_values.c - outputs on disk and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "exec/exec_priv.h"

#define RUN "0193a000-0000-7000-8000-000000000001"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/ff-values-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return file_remove_tree(dir);
}

/* Stores and resolves; the result must equal what went in. */
static void round_trip(const char *json, bool by_reference)
{
    struct ff_err err = {0};
    json_t *in = json_parse(json, strlen(json), &err);
    MEM_AUTO char *run_dir = exec_run_dir(dir, RUN);
    MEM_AUTO char *stored = values_store(run_dir, in, &err);

    assert_non_null(stored);
    assert_int_equal(strstr(stored, "$value_at") != NULL, by_reference);
    json_t *out = exec_resolve(dir, RUN, span_of(stored), &err);
    if (!out)
        fail_msg("%s", err.msg);
    assert_true(json_equal(in, out));
    json_decref(in);
    json_decref(out);
}

static void small_values_stand_in_the_row(void **state)
{
    (void)state;
    round_trip("{\"a\": 1, \"b\": [1, 2.5, null, \"x\"], \"c\": {\"d\": true}}", false);
}

static void objects_that_look_like_references_come_back_as_they_were(void **state)
{
    (void)state;
    round_trip("{\"a\": {\"$value\": 1}, \"b\": {\"$other\": {\"$value\": 2}}}", false);
    struct ff_err err = {0};
    json_t *forged = json_pack("{s:{s:s, s:i}}", "a", "$value_at",
                               "0000000000000000000000000000000000000000000000000000"
                               "000000000000",
                               "size", 3);
    MEM_AUTO char *run_dir = exec_run_dir(dir, RUN);
    MEM_AUTO char *stored = values_store(run_dir, forged, &err);
    json_t *out = exec_resolve(dir, RUN, span_of(stored), &err);
    assert_true(json_equal(forged, out));
    json_decref(forged);
    json_decref(out);
}

static char *long_value(void)
{
    struct buf b = {0};

    buf_add_text(&b, "{\"a\": \"");
    for (int i = 0; i < 100000; i++)
        buf_add_char(&b, (char)('a' + i % 26));
    buf_add_text(&b, "\", \"b\": 7}");
    return buf_take(&b);
}

static void large_values_stand_by_reference(void **state)
{
    (void)state;
    MEM_AUTO char *json = long_value();

    round_trip(json, true);
}

static void a_value_that_changed_on_disk_is_never_served(void **state)
{
    (void)state;
    struct ff_err err = {0};
    MEM_AUTO char *json = long_value();
    json_t *in = json_parse(json, strlen(json), &err);
    MEM_AUTO char *run_dir = exec_run_dir(dir, RUN);
    MEM_AUTO char *stored = values_store(run_dir, in, &err);
    char hash[SHA256_TEXT];

    const char *at = strstr(stored, "\"$value_at\":\"") + strlen("\"$value_at\":\"");
    snprintf(hash, sizeof(hash), "%.64s", at);
    MEM_AUTO char *folder = file_join(run_dir, "values");
    MEM_AUTO char *path = file_join(folder, hash);
    assert_int_equal(file_write_durable(path, "\"forged\"", 8, 0600), 0);
    assert_null(exec_resolve(dir, RUN, span_of(stored), &err));
    assert_int_equal(err.code, FF_CORRUPT);
    struct rlimit files, none;
    getrlimit(RLIMIT_NOFILE, &files);
    none = files;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    assert_null(exec_resolve(dir, RUN, span_of(stored), &err));
    setrlimit(RLIMIT_NOFILE, &files);
    assert_int_equal(err.code, FF_UNAVAILABLE); /* it may be there tomorrow */
    unlink(path);
    assert_null(exec_resolve(dir, RUN, span_of(stored), &err));
    assert_int_equal(err.code, FF_CORRUPT);
    json_decref(in);
}

static void a_reference_cannot_name_a_file_outside(void **state)
{
    (void)state;
    struct ff_err err = {0};

    assert_null(exec_resolve(
        dir, RUN, span_of("{\"a\":{\"$value_at\":\"../../../etc/passwd\"}}"), &err));
    assert_int_equal(err.code, FF_CORRUPT);
    assert_null(
        exec_resolve(dir, RUN,
                     span_of("{\"a\":{\"$value_at\":"
                             "\"00000000000000000000000000000000"
                             "00000000000000000000000000000000\",\"run\":\"../..\"}}"),
                     &err));
    assert_string_equal(err.msg, "a stored output names an impossible value");
}

/* --- of rows that the engine writes by itself --- */

#define OTHER "0193a000-0000-7000-8000-000000000002"

static char *kept_as(enum exec_column column, const char *text)
{
    struct ff_err err = {0};
    char *kept;

    assert_int_equal(exec_keep(dir, RUN, column, span_of(text), &kept, &err), FF_OK);
    return kept;
}

static void a_column_without_a_large_value_stays_as_it_is(void **state)
{
    (void)state;
    struct buf b = {0};

    /* Large together, but none by itself. */
    buf_add_text(&b, "{\"a\":\"");
    for (int i = 0; i < 60000; i++)
        buf_add_char(&b, 'a');
    buf_add_text(&b, "\",\"b\":[\"");
    for (int i = 0; i < 60000; i++)
        buf_add_char(&b, 'b');
    buf_add_text(&b, "\"]}");
    assert_null(kept_as(EXEC_TASK_OUTPUTS, buf_text(&b)));
    assert_null(kept_as(EXEC_RUN_OWN, buf_text(&b)));
    assert_null(kept_as(EXEC_RUN_INSIDE, buf_text(&b)));
    buf_done(&b);
}

static void outputs_of_a_task_are_kept_as_those_of_attempts_are(void **state)
{
    (void)state;
    struct ff_err err = {0};
    MEM_AUTO char *json = long_value();
    json_t *in = json_parse(json, strlen(json), &err);
    json_object_set_new(in, "odd", json_pack("{s:i}", "$value_at", 1));
    MEM_AUTO char *run_dir = exec_run_dir(dir, RUN);
    MEM_AUTO char *stored = values_store(run_dir, in, &err);
    json_t *inline_form = json_deep_copy(in);
    json_object_set_new(inline_form, "odd",
                        json_pack("{s:{s:i}}", "$value", "$value_at", 1));
    MEM_AUTO char *text = json_text(inline_form);
    MEM_AUTO char *kept = kept_as(EXEC_TASK_OUTPUTS, text);

    assert_string_equal(kept, stored);
    MEM_AUTO char *again = kept_as(EXEC_TASK_OUTPUTS, kept);
    assert_null(again ? strstr(again, "$values") : NULL);
    json_t *out = exec_resolve(dir, RUN, span_of(again ? again : kept), &err);
    assert_true(json_equal(in, out));
    json_decref(out);
    json_decref(inline_form);
    json_decref(in);
}

static void columns_of_runs_come_back_whoever_reads_them(void **state)
{
    (void)state;
    struct ff_err err = {0};
    MEM_AUTO char *json = long_value();
    json_t *in = json_parse(json, strlen(json), &err);
    json_object_set_new(in, "odd", json_pack("{s:i}", "$value_at", 1));
    MEM_AUTO char *text = json_text(in);
    MEM_AUTO char *own = kept_as(EXEC_RUN_OWN, text);
    MEM_AUTO char *inside = kept_as(EXEC_RUN_INSIDE, text);

    assert_false(exec_is_kept(span_of(text)));
    assert_true(exec_is_kept(span_of(own)));
    assert_null(strstr(own, RUN));
    assert_non_null(strstr(inside, RUN));
    const struct {
        const char *run_id, *column;
    } reads[] = {{RUN, text}, {RUN, own}, {RUN, inside}, {OTHER, inside}};
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        json_t *out =
            exec_resolve_run(dir, reads[i].run_id, span_of(reads[i].column), &err);
        if (!out)
            fail_msg("%zu: %s", i, err.msg);
        assert_true(json_equal(in, out));
        json_decref(out);
    }
    assert_null(exec_resolve_run(dir, OTHER, span_of(own), &err));
    assert_int_equal(err.code, FF_CORRUPT);
    json_decref(in);
}

static void inputs_in_an_event_come_back_or_stay_a_reference(void **state)
{
    (void)state;
    struct ff_err err = {0};
    MEM_AUTO char *json = long_value();
    json_t *in = json_parse(json, strlen(json), &err);
    MEM_AUTO char *inside = kept_as(EXEC_RUN_INSIDE, json);
    json_t *event =
        json_pack("{s:o}", "inputs", json_parse(inside, strlen(inside), &err));
    json_t *lost = json_deep_copy(event);

    exec_open_event(dir, OTHER, event);
    assert_true(json_equal(json_object_get(event, "inputs"), in));
    MEM_AUTO char *run_dir = exec_run_dir(dir, RUN);
    file_remove_tree(run_dir);
    exec_open_event(dir, OTHER, lost);
    assert_non_null(json_object_get(json_object_get(lost, "inputs"), "$values"));
    json_decref(event);
    json_decref(lost);
    json_decref(in);
}

/* --- stdout from log chunks --- */

static void stdout_comes_back_byte_for_byte(void **state)
{
    (void)state;
    static const char one[] = "2026-11-21T00:00:00.000000Z stdout F first\n"
                              "2026-11-21T00:00:00.000000Z stderr F not this\n"
                              "2026-11-21T00:00:00.000000Z stdout P half a \n";
    static const char two[] = "2026-11-21T00:00:00.000000Z stdout F line\n"
                              "2026-11-21T00:00:00.000000Z stdout F \n"
                              "2026-11-21T00:00:00.000000Z stderr F the end\n"
                              "2026-11-21T00:00:00.000000Z stdout P no newline\n";
    struct buf out = {.max = 1000};
    struct ff_err err = {0};
    char line[64];

    MEM_AUTO char *a = file_join(dir, "000001.log");
    MEM_AUTO char *b = file_join(dir, "000002.log");
    assert_int_equal(file_write_durable(a, one, sizeof(one) - 1, 0600), 0);
    assert_int_equal(file_write_durable(b, two, sizeof(two) - 1, 0600), 0);
    assert_int_equal(stdout_read(dir, 2, &out, &err), FF_OK);
    assert_string_equal(buf_text(&out), "first\nhalf a line\n\nno newline");
    stderr_last_line(dir, 2, line, sizeof(line));
    assert_string_equal(line, "the end");
    assert_int_equal(stdout_read(dir, 3, &out, &err), FF_UNAVAILABLE);
    buf_done(&out);
}

static void the_last_line_is_whole_though_it_came_in_pieces(void **state)
{
    (void)state;
    static const char one[] = "2026-11-21T00:00:00.000000Z stderr F before\n"
                              "2026-11-21T00:00:00.000000Z stderr P cat: \n"
                              "2026-11-21T00:00:00.000000Z stdout F between\n"
                              "2026-11-21T00:00:00.000000Z stderr P /x: caf\xc3\n"
                              "2026-11-21T00:00:00.000000Z stderr P \xa9 is gone\n"
                              "2026-11-21T00:00:00.000000Z stderr F \n"
                              "2026-11-21T00:00:00.000000Z stderr F \n";
    char line[64], shorter[8], none[4];

    MEM_AUTO char *a = file_join(dir, "000001.log");
    assert_int_equal(file_write_durable(a, one, sizeof(one) - 1, 0600), 0);
    stderr_last_line(dir, 1, line, sizeof(line));
    assert_string_equal(line, "cat: /x: caf\xc3\xa9 is gone");
    stderr_last_line(dir, 1, shorter, sizeof(shorter));
    assert_string_equal(shorter, "cat: /x");
    stderr_last_line(dir, 0, none, sizeof(none));
    assert_string_equal(none, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_values_stand_in_the_row, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(
            objects_that_look_like_references_come_back_as_they_were, make_dir,
            remove_dir),
        cmocka_unit_test_setup_teardown(large_values_stand_by_reference, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_value_that_changed_on_disk_is_never_served,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_reference_cannot_name_a_file_outside,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_column_without_a_large_value_stays_as_it_is,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            outputs_of_a_task_are_kept_as_those_of_attempts_are, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(columns_of_runs_come_back_whoever_reads_them,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            inputs_in_an_event_come_back_or_stay_a_reference, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(stdout_comes_back_byte_for_byte, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(the_last_line_is_whole_though_it_came_in_pieces,
                                        make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
