/* Attempts and events as JSON: what goes in comes out, whatever its bytes are, and what
 * is no such thing is refused. */
#include "fleet/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static json_t *written(const struct ff_run_spec *spec)
{
    struct buf text = {0};
    struct ff_err err;

    fleet_spec_write(&text, spec);
    json_t *v = json_parse(buf_text(&text), text.len, &err);
    assert_non_null(v);
    buf_done(&text);
    return v;
}

static void an_attempt_comes_out_as_it_went_in(void **state)
{
    static const char *const argv[] = {"sh", "-c", "", "\xff\x01 a\n", NULL};
    static const char *const env[] = {"A=", "B=\xc3\x28", NULL};
    static const char *const masks[] = {"secret", NULL};
    static const char input[] = {'a', 0, '\xff', '\n'};
    const struct ff_run_spec spec = {
        .struct_size = sizeof(spec),
        .attempt_id = "run/task[1]/2",
        .argv = argv,
        .env = env,
        .dir = "/a/\xfe",
        .input = input,
        .input_len = sizeof(input),
        .log_max_bytes = 7,
        .timeout_us = 8,
        .grace_us = 9,
        .cpu_milli = 10,
        .memory_bytes = 11,
        .masks = masks,
        .files_dir = "/here/only",
    };
    struct fleet_spec out;
    struct ff_err err;

    (void)state;
    json_t *v = written(&spec);
    assert_int_equal(fleet_spec_read(v, &out, &err), FF_OK);
    assert_string_equal(out.spec.attempt_id, spec.attempt_id);
    for (size_t i = 0; argv[i]; i++)
        assert_string_equal(out.spec.argv[i], argv[i]);
    assert_null(out.spec.argv[4]);
    assert_string_equal(out.spec.env[0], env[0]);
    assert_string_equal(out.spec.env[1], env[1]);
    assert_null(out.spec.env[2]);
    assert_string_equal(out.spec.masks[0], "secret");
    assert_null(out.spec.masks[1]);
    assert_string_equal(out.spec.dir, spec.dir);
    assert_int_equal(out.spec.input_len, sizeof(input));
    assert_memory_equal(out.spec.input, input, sizeof(input));
    assert_int_equal(out.spec.log_max_bytes, 7);
    assert_int_equal(out.spec.timeout_us, 8);
    assert_int_equal(out.spec.grace_us, 9);
    assert_int_equal(out.spec.cpu_milli, 10);
    assert_int_equal(out.spec.memory_bytes, 11);
    assert_true(out.files);
    assert_null(out.spec.files_dir);
    fleet_spec_done(&out);
    json_decref(v);
}

static void what_is_not_given_is_not_there(void **state)
{
    static const char *const argv[] = {"true", NULL};
    static const char *const env[] = {NULL};
    const struct ff_run_spec spec = {
        .struct_size = sizeof(spec), .attempt_id = "r/t/1", .argv = argv, .env = env};
    struct fleet_spec out;
    struct ff_err err;

    (void)state;
    json_t *v = written(&spec);
    assert_int_equal(fleet_spec_read(v, &out, &err), FF_OK);
    assert_null(out.spec.dir);
    assert_null(out.spec.input);
    assert_null(out.spec.masks);
    assert_null(out.spec.env[0]);
    assert_false(out.files);
    fleet_spec_done(&out);
    json_decref(v);
}

static void what_is_no_attempt_is_refused(void **state)
{
    static const char *const bad[] = {
        "{}", "[]", "{\"attempt\": \"a\", \"argv\": \"\", \"env\": \"\"}",
        "{\"attempt\": \"a\", \"argv\": \"%%%\", \"env\": \"\"}",
        /* "true" without its NUL */
        "{\"attempt\": \"a\", \"argv\": \"dHJ1ZQ==\", \"env\": \"\"}",
        /* masks that cannot be read: "secret" without its NUL, and no base64 */
        "{\"attempt\": \"a\", \"argv\": \"dHJ1ZQA=\", \"env\": \"\", "
        "\"masks\": \"c2VjcmV0\"}",
        "{\"attempt\": \"a\", \"argv\": \"dHJ1ZQA=\", \"env\": \"\", "
        "\"masks\": \"%%%\"}",
        "{\"attempt\": \"a\", \"argv\": \"dHJ1ZQA=\", \"env\": \"\", "
        "\"input\": 5}"};
    struct fleet_spec out;
    struct ff_err err;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        json_t *v = json_parse(bad[i], strlen(bad[i]), &err);
        assert_non_null(v);
        assert_int_equal(fleet_spec_read(v, &out, &err), FF_INVALID);
        json_decref(v);
    }
}

static void an_event_comes_out_as_it_went_in(void **state)
{
    const struct fleet_event in = {
        .word = FLEET_ENDED,
        .seq = 12,
        .event = {.state = FF_RUN_EXITED,
                  .attempt_id = "r/t/1",
                  .exit_code = 137,
                  .signal = 9,
                  .reason = FF_REASON_OOM,
                  .started_us = 1,
                  .ended_us = 2,
                  .message = "file \xff is gone",
                  .log_chunks = 3,
                  .log_bytes = 4,
                  .log_dropped = 5},
    };
    struct fleet_event out;
    struct ff_err err;

    (void)state;
    json_t *v = fleet_event_json(&in);
    assert_int_equal(fleet_event_read(v, &out, &err), FF_OK);
    assert_int_equal(out.word, FLEET_ENDED);
    assert_int_equal(out.seq, 12);
    assert_string_equal(out.event.attempt_id, "r/t/1");
    assert_string_equal(out.event.message, "file ? is gone");
    assert_int_equal(out.event.state, FF_RUN_EXITED);
    assert_int_equal(out.event.exit_code, 137);
    assert_int_equal(out.event.signal, 9);
    assert_int_equal(out.event.reason, FF_REASON_OOM);
    assert_int_equal(out.event.started_us, 1);
    assert_int_equal(out.event.ended_us, 2);
    assert_int_equal(out.event.log_chunks, 3);
    assert_int_equal(out.event.log_bytes, 4);
    assert_int_equal(out.event.log_dropped, 5);
    json_decref(v);
}

static void an_end_that_is_none_is_refused(void **state)
{
    static const uint32_t states[] = {0, FF_RUN_STARTED, FF_RUN_UNKNOWN, 77};
    struct fleet_event out;
    struct ff_err err;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        const struct fleet_event in = {
            .word = FLEET_ENDED, .event = {.state = states[i], .attempt_id = "r/t/1"}};
        json_t *v = fleet_event_json(&in);
        assert_int_equal(fleet_event_read(v, &out, &err), FF_INVALID);
        json_decref(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_comes_out_as_it_went_in),
        cmocka_unit_test(what_is_not_given_is_not_there),
        cmocka_unit_test(what_is_no_attempt_is_refused),
        cmocka_unit_test(an_event_comes_out_as_it_went_in),
        cmocka_unit_test(an_end_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
