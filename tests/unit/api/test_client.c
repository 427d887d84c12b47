/* The command line's client, against the real server and against bad ones. */
#include "support.h"

#include "api/api.h"
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct site site;
static struct client *client;
static struct ff_err err;

static int start(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.address = "127.0.0.1"});
    client = client_new(
        &(struct client_options){.endpoint = site.path, .token = "good"}, &err);
    assert_non_null(client);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    client_free(client);
    site_stop(&site);
    return 0;
}

static void json_goes_both_ways(void **state)
{
    json_t *body = json_pack("{s:[i, s]}", "a", 1, "\xc3\xa4");
    json_t *out;

    (void)state;
    assert_int_equal(client_json(client, "POST", "/guarded", body, &out, &err), FF_OK);
    assert_true(json_equal(out, body));
    json_decref(out);
    json_decref(body);
}

static void a_problem_becomes_an_error(void **state)
{
    json_t *out;

    (void)state;
    assert_int_equal(client_json(client, "GET", "/nowhere", NULL, &out, &err),
                     FF_NOT_FOUND);
    assert_int_equal(err.sys, 404);
    assert_string_equal(err.msg, "there is nothing at this path");
}

static void one_connection_serves_many_calls(void **state)
{
    json_t *out;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(client_json(client, "GET", "/echo?q=x", NULL, &out, &err),
                         FF_OK);
        json_decref(out);
    }
    assert_int_equal(site_connections(&site), 1);
}

static void a_large_body_and_a_large_answer_pass(void **state)
{
    struct client_answer answer;
    struct buf body = {0};

    (void)state;
    for (int i = 0; i < 1024 * 1024; i++)
        buf_add_char(&body, (char)i);
    struct client_request put = {
        .method = "POST", .path = "/body", .body = body.data, .len = body.len};
    assert_int_equal(client_call(client, &put, &answer, &err), FF_OK);
    assert_int_equal(answer.body.len, body.len);
    assert_memory_equal(answer.body.data, body.data, body.len);
    assert_string_equal(answer.type, "application/octet-stream");
    buf_done(&answer.body);
    struct client_request get = {.method = "GET", .path = "/big"};
    assert_int_equal(client_call(client, &get, &answer, &err), FF_OK);
    assert_int_equal(answer.body.len, 4 * 1024 * 1024);
    buf_done(&answer.body);
    buf_done(&body);
}

/* The server closes while the client still sends. */
static void an_early_refusal_is_heard(void **state)
{
    struct client_answer answer;
    char *body = mem_alloc(4 * 1024 * 1024);
    struct client_request put = {
        .method = "POST", .path = "/small", .body = body, .len = 4 * 1024 * 1024};

    (void)state;
    assert_int_equal(client_call(client, &put, &answer, &err), FF_OK);
    assert_int_equal(answer.status, 413);
    buf_done(&answer.body);
    mem_free(body);
}

static void head_has_no_body(void **state)
{
    struct client_answer answer;
    struct client_request head = {.method = "HEAD", .path = "/items/abc"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(client_call(client, &head, &answer, &err), FF_OK);
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.body.len, 0);
        buf_done(&answer.body);
    }
}

static void tcp_works_too(void **state)
{
    char endpoint[64];
    json_t *out;

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "http://localhost:%u", site.port);
    struct client *c = client_new(&(struct client_options){.endpoint = endpoint}, &err);
    assert_int_equal(client_json(c, "GET", "/echo", NULL, &out, &err), FF_OK);
    json_decref(out);
    client_free(c);
}

static void a_wrong_endpoint_is_told(void **state)
{
    const char *wrong[] = {"",           "redis://a",      "http://",    "http://a",
                           "http://a:0", "http://a:99999", "http://a:1x"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_null(client_new(&(struct client_options){.endpoint = wrong[i]}, &err));
        assert_int_equal(err.code, FF_INVALID);
    }
}

static void nobody_there_is_unavailable_and_names_the_place(void **state)
{
    json_t *out;

    (void)state;
    struct client *c =
        client_new(&(struct client_options){.endpoint = "unix:///tmp/ff-none"}, &err);
    assert_int_equal(client_json(c, "GET", "/", NULL, &out, &err), FF_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "no server at /tmp/ff-none"));
    client_free(c);
}

/* --- events --- */

static void write_events(void *arg)
{
    (void)arg;
    http_stream_event(site.stream, "1", "run", "a\nb", 3);
    http_stream_write(site.stream, ":\n\n", 3);
    http_stream_event(site.stream, "2", NULL, "", 0);
    http_stream_event(site.stream, NULL, NULL, "last", 4);
    http_stream_end(site.stream);
    site.stream = NULL;
}

struct events {
    struct buf text;
    int n_wanted;
};

static bool on_event(void *arg, const char *id, const char *event, const char *data,
                     size_t len)
{
    struct events *e = arg;

    assert_int_equal(strlen(data), len);
    buf_printf(&e->text, "%s|%s|%s;", id, event, data);
    return --e->n_wanted != 0;
}

static void *write_when_open(void *arg)
{
    (void)arg;
    site_wait(&site);
    site_do(&site, write_events, NULL);
    return NULL;
}

static void events_arrive_with_id_name_and_data(void **state)
{
    struct events e = {0};
    pthread_t writer;

    (void)state;
    pthread_create(&writer, NULL, write_when_open, NULL);
    assert_int_equal(client_events(client, "/events", NULL, on_event, &e, &err), FF_OK);
    pthread_join(writer, NULL);
    assert_string_equal(buf_text(&e.text), "1|run|a\nb;2||;2||last;");
    buf_done(&e.text);
}

static void a_reader_may_stop_and_go_on_with_calls(void **state)
{
    struct events e = {.n_wanted = 1};
    pthread_t writer;
    json_t *out;

    (void)state;
    pthread_create(&writer, NULL, write_when_open, NULL);
    assert_int_equal(client_events(client, "/events", NULL, on_event, &e, &err), FF_OK);
    pthread_join(writer, NULL);
    assert_string_equal(buf_text(&e.text), "1|run|a\nb;");
    assert_int_equal(client_json(client, "GET", "/echo", NULL, &out, &err), FF_OK);
    json_decref(out);
    buf_done(&e.text);
}

static void a_problem_instead_of_events_is_an_error(void **state)
{
    struct events e = {0};

    (void)state;
    assert_int_equal(client_events(client, "/nowhere", NULL, on_event, &e, &err),
                     FF_NOT_FOUND);
}

/* --- servers that misbehave --- */

/* Answers each connection with the next script: bytes, or NULL to close at once. */
struct rogue {
    const char *const *scripts;
    int listener;
    pthread_t thread;
    char path[64];
    int n_requests;
};

static void *serve(void *arg)
{
    struct rogue *r = arg;
    char request[4096];

    for (size_t i = 0; r->scripts[i]; i++) {
        int fd = accept(r->listener, NULL, NULL);
        if (fd < 0)
            break;
        if (recv(fd, request, sizeof(request), 0) > 0)
            r->n_requests++;
        say(fd, r->scripts[i]);
        close(fd);
    }
    return NULL;
}

static struct client *rogue_start(struct rogue *r, const char *const *scripts)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *r = (struct rogue){.scripts = scripts, .path = "/tmp/ff-rogue-XXXXXX"};
    close(mkstemp(r->path));
    unlink(r->path);
    strcpy(address.sun_path, r->path);
    r->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(r->listener, (void *)&address, sizeof(address)), 0);
    assert_int_equal(listen(r->listener, 8), 0);
    pthread_create(&r->thread, NULL, serve, r);
    return client_new(&(struct client_options){.endpoint = r->path}, &err);
}

static void rogue_stop(struct rogue *r, struct client *c)
{
    client_free(c);
    shutdown(r->listener, SHUT_RDWR);
    pthread_join(r->thread, NULL);
    close(r->listener);
    unlink(r->path);
}

static int ask_rogue(const char *script, const char *method)
{
    const char *const scripts[] = {script, NULL};
    struct client_answer answer;
    struct rogue r;

    struct client *c = rogue_start(&r, scripts);
    struct client_request request = {
        .method = method, .path = "/", .body = "{}", .len = 2};
    int code = client_call(c, &request, &answer, &err);
    if (code == FF_OK)
        buf_done(&answer.body);
    rogue_stop(&r, c);
    return code;
}

static void answers_that_are_cut_short_are_errors(void **state)
{
    (void)state;
    assert_int_equal(
        ask_rogue("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "GET"),
        FF_UNAVAILABLE);
    assert_int_equal(ask_rogue("HTTP/1.1 200 OK\r\nContent-Le", "GET"), FF_UNAVAILABLE);
    assert_int_equal(ask_rogue("", "GET"), FF_UNAVAILABLE);
    assert_int_equal(ask_rogue("garbage\r\n\r\n", "GET"), FF_INTERNAL);
    assert_int_equal(ask_rogue("HTTP/1.1 200 OK\r\n\r\nto the end", "GET"), FF_OK);
}

static void a_call_that_may_have_taken_effect_is_in_doubt(void **state)
{
    (void)state;
    assert_int_equal(ask_rogue("", "POST"), FF_IN_DOUBT);
    assert_int_equal(err.code, FF_IN_DOUBT);
    assert_int_equal(ask_rogue("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "POST"),
                     FF_IN_DOUBT);
}

static void with_an_idempotency_key_it_is_tried_again(void **state)
{
    const char *const scripts[] = {
        "", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", NULL};
    struct client_answer answer;
    struct rogue r;

    (void)state;
    struct client *c = rogue_start(&r, scripts);
    struct client_request request = {
        .method = "POST", .path = "/", .body = "{}", .len = 2, .idempotency_key = "k"};
    assert_int_equal(client_call(c, &request, &answer, &err), FF_OK);
    assert_int_equal(answer.status, 201);
    buf_done(&answer.body);
    rogue_stop(&r, c);
    assert_int_equal(r.n_requests, 2);
}

static void a_server_that_does_not_answer_is_given_up(void **state)
{
    json_t *out;

    (void)state;
    struct client *c = client_new(
        &(struct client_options){.endpoint = site.path, .timeout_us = 10 * 1000}, &err);
    assert_int_equal(client_json(c, "GET", "/kept", NULL, &out, &err), FF_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "did not answer in time"));
    client_free(c);
}

static void a_wait_can_be_stopped(void **state)
{
    json_t *out;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    struct client *c = client_new(
        &(struct client_options){.endpoint = site.path, .stop_fd = ends[0]}, &err);
    assert_int_equal(client_json(c, "GET", "/kept", NULL, &out, &err), FF_CANCELLED);
    client_free(c);
    close(ends[0]);
    close(ends[1]);
}

static void segments_are_escaped(void **state)
{
    struct buf out = {0};

    (void)state;
    client_escape(&out, "a/b?c=d e\xc3\xa4-._~");
    assert_string_equal(buf_text(&out), "a%2Fb%3Fc%3Dd%20e%C3%A4-._~");
    buf_done(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void an_endpoint_may_be_a_path_beyond_107_bytes(void **state)
{
    struct site other;
    struct buf path = {0};
    json_t *out;

    (void)state;
    buf_printf(&path, "%s/%0100d", site.dir, 1);
    assert_int_equal(file_make_dirs(path.data, 0700), 0);
    buf_add_text(&path, "/api.sock");
    site_start(&other, (struct http_options){.unix_path = path.data});
    struct client *c =
        client_new(&(struct client_options){.endpoint = path.data}, &err);
    assert_int_equal(client_json(c, "GET", "/echo", NULL, &out, &err), FF_OK);
    json_decref(out);
    client_free(c);
    site_stop(&other);
    buf_done(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json_goes_both_ways),
        TEST(a_problem_becomes_an_error),
        TEST(one_connection_serves_many_calls),
        TEST(a_large_body_and_a_large_answer_pass),
        TEST(an_early_refusal_is_heard),
        TEST(head_has_no_body),
        TEST(tcp_works_too),
        TEST(a_wrong_endpoint_is_told),
        TEST(nobody_there_is_unavailable_and_names_the_place),
        TEST(events_arrive_with_id_name_and_data),
        TEST(a_reader_may_stop_and_go_on_with_calls),
        TEST(a_problem_instead_of_events_is_an_error),
        TEST(answers_that_are_cut_short_are_errors),
        TEST(a_call_that_may_have_taken_effect_is_in_doubt),
        TEST(with_an_idempotency_key_it_is_tried_again),
        TEST(a_server_that_does_not_answer_is_given_up),
        TEST(a_wait_can_be_stopped),
        TEST(segments_are_escaped),
        TEST(an_endpoint_may_be_a_path_beyond_107_bytes),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
