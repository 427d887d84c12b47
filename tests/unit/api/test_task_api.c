/* The routes for tasks, over an executor that only remembers. */
#include "support_task.h"
#include <string.h>
#include <unistd.h>

static struct site site;
static struct client *client;
static struct ff_err err;
static json_t *answer;

static struct client *client_with(const char *token)
{
    struct client_options opts = {.endpoint = site.path, .token = token};

    return client_new(&opts, &err);
}

static int start(void **state)
{
    (void)state;
    site_start_with(&site, (struct http_options){0}, mount_fake_exec);
    assert_true(site.listening);
    client = client_with("good");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    json_decref(answer);
    answer = NULL;
    client_free(client);
    site_stop(&site);
    fake_exec_done();
    return 0;
}

/* Posts to /api/v1/task/WHAT; returns the HTTP status, with the body in `answer`. */
static int post_as(struct client *c, const char *what, const char *text)
{
    char path[64];

    snprintf(path, sizeof(path), "/api/v1/task/%s", what);
    json_t *body = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(body);
    json_decref(answer);
    answer = NULL;
    err = (struct ff_err){0};
    int code = client_json(c, "POST", path, body, &answer, &err);
    json_decref(body);
    return code == FF_OK ? 200 : err.sys;
}

static int post(const char *what, const char *text)
{
    return post_as(client, what, text);
}

static void assert_answer(const char *expected)
{
    char *text = json_text(answer);

    assert_string_equal(text, expected);
    mem_free(text);
}

/* --- who may --- */

static void a_task_learns_who_it_is(void **state)
{
    (void)state;
    assert_int_equal(client_json(client, "GET", "/api/v1/task", NULL, &answer, &err),
                     FF_OK);
    assert_answer("{\"workflow_id\":\"r\",\"task_id\":\"t\",\"attempt_id\":\"a-1\","
                  "\"tenant_id\":\"default\",\"project_id\":\"p\",\"attempt\":1}");
}

static void without_a_good_token_every_route_is_401(void **state)
{
    const char *routes[] = {"logs", "status", "outputs", "heartbeat"};
    struct client *none = client_with(NULL);
    struct client *bad = client_with("goo");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        assert_int_equal(post_as(none, routes[i], "{}"), 401);
        assert_int_equal(post_as(bad, routes[i], "{}"), 401);
    }
    client_json(none, "GET", "/api/v1/task", NULL, NULL, &err);
    assert_int_equal(err.sys, 401);
    assert_int_equal(fake_exec.log.len + fake_exec.status.len + fake_exec.outputs.len,
                     0);
    client_free(none);
    client_free(bad);
}

static void a_fenced_attempt_is_403(void **state)
{
    (void)state;
    fake_exec.fenced = true;
    assert_int_equal(post("outputs", "{\"name\":\"a\",\"value\":1}"), 403);
    assert_string_equal(err.msg, "attempt 1 is no longer the current one");
    fake_exec.fenced = false;
    fake_exec.fail = FF_CONFLICT;
    assert_int_equal(post("outputs", "{\"name\":\"a\",\"value\":1}"), 403);
}

static void without_a_token_a_body_is_not_read(void **state)
{
    struct heard h = {0};
    int fd = site_connect(&site);

    (void)state;
    say(fd, "POST /api/v1/task/logs HTTP/1.1\r\nHost: a\r\n"
            "Content-Length: 1000000\r\n\r\n{");
    hear(fd, &h);
    assert_int_equal(h.status, 401);
    assert_string_equal(heard_header(&h, "WWW-Authenticate: "), "Bearer");
    close(fd);
    heard_done(&h);
}

static void what_the_executor_says_decides_the_status(void **state)
{
    static const struct {
        int code, status;
    } table[] = {{FF_UNAVAILABLE, 503}, {FF_NOT_FOUND, 404}, {FF_INVALID, 400},
                 {FF_FULL, 507},        {FF_INTERNAL, 500},  {FF_BUSY, 503}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        fake_exec.fail = table[i].code;
        assert_int_equal(post("heartbeat", "{}"), table[i].status);
        assert_int_equal(err.code, table[i].code);
        assert_string_equal(err.msg, "told to fail");
    }
}

static void bodies_must_be_json_objects_and_say_so(void **state)
{
    struct client_answer got;
    struct client_request r = {.method = "POST",
                               .path = "/api/v1/task/status",
                               .type = "text/plain",
                               .body = "{}",
                               .len = 2};

    (void)state;
    assert_int_equal(client_call(client, &r, &got, &err), FF_OK);
    assert_int_equal(got.status, 415);
    buf_done(&got.body);
    r.type = "application/json; charset=utf-8";
    r.body = "{\"status\":\"A\",\"status\":\"B\"}";
    r.len = strlen(r.body);
    assert_int_equal(client_call(client, &r, &got, &err), FF_OK);
    assert_int_equal(got.status, 400);
    buf_done(&got.body);
    assert_int_equal(post("status", "[]"), 400);
    assert_string_equal(err.msg, "the body is not a JSON object");
}

/* --- logs --- */

#define LINE(text) "{\"time\":\"2026-11-21T19:20:37Z\",\"text\":\"" text "\"}"

static void lines_arrive_with_level_and_time(void **state)
{
    (void)state;
    assert_int_equal(post("logs",
                          "{\"seq\":1,\"lines\":[" LINE(
                              "a") ","
                                   "{\"time\":\"2026-11-21T20:20:37.5+01:00\","
                                   "\"level\":\"error\",\"text\":\"\\u00e4\"}]}"),
                     200);
    assert_answer("{\"acked\":1}");
    assert_string_equal(buf_text(&fake_exec.log), "info a\nerror \xc3\xa4\n");
    assert_int_equal(fake_exec.last_time_us, INT64_C(1795288837500000));
    assert_int_equal(fake_exec.last_seq, 1);
}

static void a_repeated_batch_is_acknowledged_and_dropped(void **state)
{
    (void)state;
    assert_int_equal(post("logs", "{\"seq\":1,\"lines\":[" LINE("a") "]}"), 200);
    assert_int_equal(post("logs", "{\"seq\":2,\"lines\":[" LINE("b") "]}"), 200);
    assert_int_equal(post("logs", "{\"seq\":1,\"lines\":[" LINE("a") "]}"), 200);
    assert_answer("{\"acked\":1}");
    assert_int_equal(post("logs", "{\"seq\":2,\"lines\":[" LINE("b") "]}"), 200);
    assert_string_equal(buf_text(&fake_exec.log), "info a\ninfo b\n");
}

static void a_gap_is_taken_and_declared(void **state)
{
    (void)state;
    assert_int_equal(post("logs", "{\"seq\":3,\"lines\":[" LINE("a") "]}"), 200);
    assert_int_equal(post("logs", "{\"seq\":6,\"lines\":[" LINE("b") "]}"), 200);
    assert_string_equal(buf_text(&fake_exec.log),
                        "info a\nwarn [2 log batches were lost here]\ninfo b\n");
}

static void batches_in_the_spool_are_no_gap(void **state)
{
    (void)state;
    assert_int_equal(post("logs", "{\"seq\":1,\"lines\":[" LINE("a") "]}"), 200);
    assert_int_equal(
        post("logs", "{\"seq\":4,\"spooled\":2,\"lines\":[" LINE("b") "]}"), 200);
    assert_int_equal(
        post("logs", "{\"seq\":7,\"spooled\":1,\"lines\":[" LINE("c") "]}"), 200);
    assert_string_equal(
        buf_text(&fake_exec.log),
        "info a\ninfo b\nwarn [1 log batches were lost here]\ninfo c\n");
}

static void each_process_of_a_task_counts_for_itself(void **state)
{
    (void)state;
    assert_int_equal(post("logs", "{\"seq\":1,\"lines\":[" LINE("a") "]}"), 200);
    assert_int_equal(
        post("logs", "{\"seq\":1,\"source\":\"x\",\"lines\":[" LINE("b") "]}"), 200);
    assert_int_equal(
        post("logs", "{\"seq\":1,\"source\":\"y\",\"lines\":[" LINE("c") "]}"), 200);
    assert_int_equal(
        post("logs", "{\"seq\":1,\"source\":\"x\",\"lines\":[" LINE("b") "]}"), 200);
    assert_string_equal(buf_text(&fake_exec.log), "info a\ninfo b\ninfo c\n");
}

static void a_batch_that_was_not_stored_may_come_again(void **state)
{
    (void)state;
    fake_exec.fail = FF_UNAVAILABLE;
    assert_int_equal(post("logs", "{\"seq\":1,\"lines\":[" LINE("a") "]}"), 503);
    fake_exec.fail = 0;
    assert_int_equal(post("logs", "{\"seq\":1,\"lines\":[" LINE("a") "]}"), 200);
    assert_string_equal(buf_text(&fake_exec.log), "info a\n");
}

static void malformed_batches_are_refused_whole(void **state)
{
    const char *wrong[] = {
        "{}",
        "{\"seq\":0,\"lines\":[]}",
        "{\"seq\":\"1\",\"lines\":[]}",
        "{\"seq\":1.5,\"lines\":[]}",
        "{\"seq\":1}",
        "{\"seq\":1,\"lines\":{}}",
        "{\"seq\":1,\"lines\":[1]}",
        "{\"seq\":1,\"lines\":[" LINE("a") ",{\"time\":\"2026-11-21T19:20:37Z\"}]}",
        "{\"seq\":1,\"lines\":[{\"time\":\"now\",\"text\":\"a\"}]}",
        "{\"seq\":1,\"lines\":[{\"text\":\"a\"}]}",
        "{\"seq\":1,\"lines\":[" LINE("a\\nb") "]}",
        "{\"seq\":1,\"source\":1,\"lines\":[" LINE("a") "]}",
        "{\"seq\":1,\"source\":\"123456789012345678901234567890123\",\"lines\":[]}",
        ("{\"seq\":1,\"lines\":[{\"time\":\"2026-11-21T19:20:37Z\",\"level\":\"x\","
         "\"text\":\"a\"}]}"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (post("logs", wrong[i]) != 400)
            fail_msg("%s is not refused", wrong[i]);
    assert_int_equal(fake_exec.n_logs, 0);
    assert_int_equal(post("logs", "{\"seq\":1,\"lines\":[]}"), 200);
}

/* Above 32 KiB a body is parsed on another thread; nobody may tell from outside. */
static void large_batches_keep_their_order(void **state)
{
    (void)state;
    for (int k = 1; k <= 4; k++) {
        struct buf text = {0};
        buf_printf(&text, "{\"seq\":%d,\"lines\":[", k);
        for (int i = 0; i < 5000; i++)
            buf_printf(&text, "%s{\"time\":\"2026-11-21T19:20:37Z\",\"text\":\"%d\"}",
                       i ? "," : "", k * 10000 + i);
        buf_add_text(&text, "]}");
        assert_int_equal(post("logs", buf_text(&text)), 200);
        buf_done(&text);
    }
    const char *at = buf_text(&fake_exec.log);
    for (int k = 1; k <= 4; k++)
        for (int i = 0; i < 5000; i++) {
            char line[32];
            int len = snprintf(line, sizeof(line), "info %d\n", k * 10000 + i);
            assert_memory_equal(at, line, (size_t)len);
            at += len;
        }
    assert_int_equal(*at, '\0');
}

static void a_batch_above_a_megabyte_is_413(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, "{\"seq\":1,\"lines\":[],\"x\":\"");
    for (int i = 0; i < 1024 * 1024; i++)
        buf_add_char(&text, 'x');
    buf_add_text(&text, "\"}");
    assert_int_equal(post("logs", buf_text(&text)), 413);
    buf_done(&text);
}

/* --- the others --- */

static void status_carries_progress_and_message(void **state)
{
    (void)state;
    assert_int_equal(post("status", "{\"status\":\"RUNNING\",\"progress\":10.9}"), 200);
    assert_answer("{\"cancel\":false}");
    fake_exec.cancel = true;
    assert_int_equal(post("status", "{\"status\":\"SUCCEEDED\",\"progress\":null,"
                                    "\"message\":\"all is well\"}"),
                     200);
    assert_answer("{\"cancel\":true}");
    assert_string_equal(buf_text(&fake_exec.status),
                        "RUNNING 10 -;SUCCEEDED -1 all is well;");
}

static void malformed_statuses_are_refused(void **state)
{
    const char *wrong[] = {"{}",
                           "{\"status\":1}",
                           "{\"status\":\"\"}",
                           "{\"status\":\"running\"}",
                           "{\"status\":\"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG\"}",
                           "{\"status\":\"A\",\"progress\":-1}",
                           "{\"status\":\"A\",\"progress\":101}",
                           "{\"status\":\"A\",\"progress\":\"1\"}",
                           "{\"status\":\"A\",\"message\":1}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (post("status", wrong[i]) != 400)
            fail_msg("%s is not refused", wrong[i]);
    assert_int_equal(fake_exec.status.len, 0);
}

static void outputs_are_any_json(void **state)
{
    const char *values[] = {"null", "true", "-1.5", "\"x\"", "[1,{\"a\":[]}]", "{}"};
    struct buf expected = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"name\":\"o%zu\",\"value\":%s}", i, values[i]);
        assert_int_equal(post("outputs", text), 200);
        assert_answer("{}");
        buf_printf(&expected, "o%zu=%s;", i, values[i]);
    }
    assert_string_equal(buf_text(&fake_exec.outputs), buf_text(&expected));
    buf_done(&expected);
}

static void an_output_of_a_megabyte_is_taken(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, "{\"name\":\"a\",\"value\":\"");
    for (int i = 0; i < 1024 * 1024 - 2; i++)
        buf_add_char(&text, 'x');
    buf_add_text(&text, "\"}");
    assert_int_equal(post("outputs", buf_text(&text)), 200);
    assert_int_equal(fake_exec.outputs.len, 1024 * 1024 + 3);
    buf_done(&text);
}

static void malformed_outputs_are_refused(void **state)
{
    const char *wrong[] = {"{}",
                           "{\"name\":\"a\"}",
                           "{\"value\":1}",
                           "{\"name\":\"A\",\"value\":1}",
                           "{\"name\":1,\"value\":1}",
                           "{\"name\":\"../a\",\"value\":1}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (post("outputs", wrong[i]) != 400)
            fail_msg("%s is not refused", wrong[i]);
    assert_int_equal(fake_exec.outputs.len, 0);
}

static void a_heartbeat_renews_the_token(void **state)
{
    (void)state;
    fake_exec.next_token = "better";
    fake_exec.cancel = true;
    assert_int_equal(post("heartbeat", "{}"), 200);
    assert_answer("{\"cancel\":true,\"token\":\"better\","
                  "\"expires_at\":\"2026-11-21T19:20:37.000000Z\",\"interval\":2.5}");
}

static void an_executor_may_want_heartbeats_sooner(void **state)
{
    (void)state;
    fake_exec.interval_us = 1250000;
    assert_int_equal(post("heartbeat", "{}"), 200);
    assert_answer("{\"cancel\":false,\"token\":\"\","
                  "\"expires_at\":\"2026-11-21T19:20:37.000000Z\",\"interval\":1.25}");
}

/* --- the end of the server --- */

/* --- start tickets --- */

static int start_with(const char *ticket, const char *text)
{
    struct client *c = client_with(ticket);
    const int status = post_as(c, "start", text);

    client_free(c);
    return status;
}

static void a_ticket_is_exchanged_for_a_token(void **state)
{
    (void)state;
    assert_int_equal(start_with("ticket", "{\"attempt_id\": \"a-1\"}"), 200);
    assert_answer("{\"token\":\"fresh\","
                  "\"expires_at\":\"2026-11-21T19:20:37.000000Z\"}");
    assert_int_equal(start_with("ticket", "{\"attempt_id\": \"a-1\", \"nonce\": "
                                          "\"0123456789012345678901\"}"),
                     200);
    assert_string_equal(buf_text(&fake_exec.status), "-;0123456789012345678901;");
    assert_int_equal(fake_exec.n_authorized, 0);
}

static void what_a_ticket_is_worth_decides_the_status(void **state)
{
    static const struct {
        const char *ticket, *body;
        int fail, status;
    } cases[] = {
        {"other", "{\"attempt_id\": \"a-1\"}", 0, 401},
        {"ticket", "{\"attempt_id\": \"a-2\"}", 0, 403},
        {"ticket", "{}", 0, 400},
        {"ticket", "[]", 0, 400},
        {"ticket", "{\"attempt_id\": 1}", 0, 400},
        {"ticket", "{\"attempt_id\": \"a-1\", \"nonce\": 1}", 0, 400},
        {"ticket", "{\"attempt_id\": \"a-1\", \"nonce\": \"012345678901234567890\"}", 0,
         400},
        {"ticket", "{\"attempt_id\": \"a-1\"}", FF_CANCELLED, 409},
        {"ticket", "{\"attempt_id\": \"a-1\"}", FF_CONFLICT, 403},
        {"ticket", "{\"attempt_id\": \"a-1\"}", FF_DENIED, 401},
        {"ticket", "{\"attempt_id\": \"a-1\"}", FF_UNAVAILABLE, 503},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fake_exec.fail = cases[i].fail;
        assert_int_equal(start_with(cases[i].ticket, cases[i].body), cases[i].status);
    }
}

static void free_task_api(void *arg)
{
    (void)arg;
    http_server_free(site.server);
    task_api_free(site.extra);
    site.extra = NULL;
    site.server = NULL;
}

/* A body is on the lane when the routes go. */
static void a_call_in_hand_survives_the_end_of_the_routes(void **state)
{
    struct buf text = {0};
    int fd = site_connect(&site);

    (void)state;
    buf_add_text(&text, "{\"seq\":1,\"lines\":[],\"x\":\"");
    for (int i = 0; i < 1000 * 1000; i++)
        buf_add_char(&text, 'x');
    buf_add_text(&text, "\"}");
    char head[200];
    snprintf(
        head, sizeof(head),
        "POST /api/v1/task/logs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        text.len);
    say(fd, head);
    say_bytes(fd, text.data, text.len);
    site_do(&site, free_task_api, NULL);
    close(fd);
    buf_done(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_learns_who_it_is),
        TEST(without_a_good_token_every_route_is_401),
        TEST(a_fenced_attempt_is_403),
        TEST(without_a_token_a_body_is_not_read),
        TEST(what_the_executor_says_decides_the_status),
        TEST(bodies_must_be_json_objects_and_say_so),
        TEST(lines_arrive_with_level_and_time),
        TEST(a_repeated_batch_is_acknowledged_and_dropped),
        TEST(a_gap_is_taken_and_declared),
        TEST(batches_in_the_spool_are_no_gap),
        TEST(each_process_of_a_task_counts_for_itself),
        TEST(a_batch_that_was_not_stored_may_come_again),
        TEST(malformed_batches_are_refused_whole),
        TEST(large_batches_keep_their_order),
        TEST(a_batch_above_a_megabyte_is_413),
        TEST(status_carries_progress_and_message),
        TEST(malformed_statuses_are_refused),
        TEST(outputs_are_any_json),
        TEST(an_output_of_a_megabyte_is_taken),
        TEST(malformed_outputs_are_refused),
        TEST(a_heartbeat_renews_the_token),
        TEST(an_executor_may_want_heartbeats_sooner),
        TEST(a_ticket_is_exchanged_for_a_token),
        TEST(what_a_ticket_is_worth_decides_the_status),
        TEST(a_call_in_hand_survives_the_end_of_the_routes),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
