/* What the server does with requests that are right. */
#include "support.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct site site;
static struct heard h;

static int start(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.address = "127.0.0.1"});
    h = (struct heard){0};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    site_stop(&site);
    heard_done(&h);
    return 0;
}

#define HOST "Host: localhost\r\n"
#define GET  "GET /echo HTTP/1.1\r\n" HOST

static json_t *heard_json(void)
{
    struct ff_err err = {0};
    json_t *value = json_parse(buf_text(&h.body), h.body.len, &err);

    if (!value)
        fail_msg("%s: %s", err.msg, buf_text(&h.body));
    return value;
}

static void assert_member(const json_t *object, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(object, key));

    if (!text || strcmp(text, value) != 0)
        fail_msg("%s is %s, not %s", key, text ? text : "absent", value);
}

static void headers_and_query_reach_the_handler_decoded(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET /echo?a=1&q=b%20c+d%C3%A4%2B&q=second HTTP/1.1\r\n" HOST
            "X-A: \t padded \t \r\nCOOKIE: x=y\r\nUser-Agent:\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    json_t *got = heard_json();
    assert_member(got, "method", "GET");
    assert_member(got, "path", "/echo");
    assert_member(got, "q", "b c d\xc3\xa4+");
    assert_member(got, "x-a", "padded");
    assert_member(got, "cookie", "x=y");
    assert_member(got, "user-agent", "");
    json_decref(got);
    close(fd);
}

static void a_path_parameter_is_one_decoded_segment(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET /items/a%2Fb%20c+d HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "a/b c+d");
    say(fd, "GET /items/a/b HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 404);
    close(fd);
}

static void an_absolute_target_means_its_path(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET http://localhost/items/x HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "x");
    close(fd);
}

static void answers_carry_date_length_and_no_store(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, GET "\r\n");
    hear(fd, &h);
    assert_non_null(strstr(heard_header(&h, "Date: "), " GMT"));
    assert_string_equal(heard_header(&h, "Cache-Control: "), "no-store");
    assert_string_equal(heard_header(&h, "X-Content-Type-Options: "), "nosniff");
    assert_string_equal(heard_header(&h, "Content-Type: "), "application/json");
    assert_null(heard_header(&h, "Connection: "));
    close(fd);
}

static void a_connection_is_kept_until_it_is_asked_to_close(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    for (int i = 0; i < 3; i++) {
        say(fd, GET "\r\n");
        hear(fd, &h);
        assert_int_equal(h.status, 200);
    }
    say(fd, GET "Connection: close\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    assert_string_equal(heard_header(&h, "Connection: "), "close");
    assert_true(hear_end(fd, &h));
    close(fd);
    site_wait_connections(&site, 0);
}

static void http_1_0_closes_unless_asked_to_keep(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    hear(fd, &h);
    assert_string_equal(heard_header(&h, "Connection: "), "keep-alive");
    say(fd, "GET /echo HTTP/1.0\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    assert_true(hear_end(fd, &h));
    close(fd);
}

static void head_answers_with_the_length_and_no_body(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "HEAD /items/abc HTTP/1.1\r\n" HOST "\r\nGET /items/abc HTTP/1.1\r\n" HOST
            "\r\n");
    hear_head_only(fd, &h);
    assert_int_equal(h.status, 200);
    assert_string_equal(heard_header(&h, "Content-Length: "), "3");
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "abc");
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct buf all = {0};
    int fd = site_connect(&site);
    char expected[16];

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_printf(&all, "GET /items/%d HTTP/1.1\r\n" HOST "\r\n", i);
    say_bytes(fd, all.data, all.len);
    for (int i = 0; i < 1000; i++) {
        hear(fd, &h);
        snprintf(expected, sizeof(expected), "%d", i);
        assert_string_equal(buf_text(&h.body), expected);
    }
    buf_done(&all);
    close(fd);
}

static void answer_kept(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < site.n_kept; i++)
        http_reply_send(site.kept[i], 200, "text/plain", "late", 4);
    site.n_kept = 0;
}

static void a_later_answer_holds_back_the_request_behind_it(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET /kept HTTP/1.1\r\n" HOST "\r\nGET /items/x HTTP/1.1\r\n" HOST "\r\n");
    site_wait(&site);
    site_do(&site, answer_kept, NULL);
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "late");
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "x");
    close(fd);
}

static void a_request_may_arrive_byte_by_byte(void **state)
{
    const char text[] = "POST /body HTTP/1.1\r\n" HOST
                        "Content-Length: 5\r\n\r\nabcde\r\nPOST /body HTTP/1.1\r\n" HOST
                        "Transfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n";
    int fd = site_connect_tcp(&site);

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        say_bytes(fd, text + i, 1);
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "abcde");
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "xyz");
    close(fd);
}

static void chunked_bodies_are_put_together(void **state)
{
    struct buf all = {0}, expected = {0};
    int fd = site_connect(&site);

    (void)state;
    buf_add_text(&all,
                 "POST /body HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n");
    for (size_t i = 1; i < 1200; i++) {
        buf_printf(&all, "%zX\r\n", i);
        for (size_t k = 0; k < i; k++) {
            buf_add_char(&all, (char)(i + k));
            buf_add_char(&expected, (char)(i + k));
        }
        buf_add_text(&all, "\r\n");
    }
    buf_add_text(&all, "0\r\n\r\n");
    say_bytes(fd, all.data, all.len);
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    assert_int_equal(h.body.len, expected.len);
    assert_memory_equal(h.body.data, expected.data, expected.len);
    buf_done(&all);
    buf_done(&expected);
    close(fd);
}

static void who_expects_100_is_told_to_go_on(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "POST /body HTTP/1.1\r\n" HOST
            "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    hear_head_only(fd, &h);
    assert_int_equal(h.status, 100);
    say(fd, "abc");
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    assert_string_equal(buf_text(&h.body), "abc");
    close(fd);
}

static void who_expects_100_is_refused_before_the_body(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "POST /small HTTP/1.1\r\n" HOST
            "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 413);
    close(fd);
}

static void a_wish_to_upgrade_is_ignored(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" GET "\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    close(fd);
}

static void an_answer_larger_than_the_socket_arrives_whole(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    for (int i = 0; i < 2; i++) {
        say(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &h);
        assert_int_equal(h.body.len, 4 * 1024 * 1024);
        assert_memory_equal(h.body.data + 4 * 1024 * 1024 - 8, "12345678", 8);
    }
    close(fd);
}

/* Its output is full, so the server must not go on reading and answering. */
static void who_does_not_read_is_not_served_on(void **state)
{
    struct buf all = {0};
    int fd = site_connect(&site);

    (void)state;
    for (int i = 0; i < 5; i++)
        buf_add_text(&all, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    buf_add_text(&all, GET "\r\n");
    say_bytes(fd, all.data, all.len);
    /* Others are served meanwhile; once they are, the first has had its turns. */
    for (int i = 0; i < 20; i++)
        assert_int_equal(status_of(&site, "GET /items/a HTTP/1.1\r\n" HOST "\r\n"),
                         200);
    assert_int_equal(site.n_handled, 0);
    for (int i = 0; i < 5; i++) {
        hear(fd, &h);
        assert_int_equal(h.body.len, 4 * 1024 * 1024);
    }
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    buf_done(&all);
    close(fd);
}

static void who_ends_its_half_still_gets_its_answers(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET /items/a HTTP/1.1\r\n" HOST "\r\nGET /kept HTTP/1.1\r\n" HOST "\r\n");
    shutdown(fd, SHUT_WR);
    site_wait(&site);
    site_do(&site, answer_kept, NULL);
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "a");
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "late");
    assert_true(hear_end(fd, &h));
    close(fd);
}

static void is_gone(void *arg)
{
    *(bool *)arg = http_reply_gone(site.kept[0]);
}

static void a_reply_outlives_its_connection(void **state)
{
    struct linger at_once = {.l_onoff = 1};
    bool gone = false;
    int fd = site_connect_tcp(&site);

    (void)state;
    say(fd, "POST /kept HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    site_wait(&site);
    /* A reset: a mere end of input could be a half-close. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    site_wait_connections(&site, 0);
    site_do(&site, is_gone, &gone);
    assert_true(gone);
    site_do(&site, answer_kept, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(headers_and_query_reach_the_handler_decoded),
        TEST(a_path_parameter_is_one_decoded_segment),
        TEST(an_absolute_target_means_its_path),
        TEST(answers_carry_date_length_and_no_store),
        TEST(a_connection_is_kept_until_it_is_asked_to_close),
        TEST(http_1_0_closes_unless_asked_to_keep),
        TEST(head_answers_with_the_length_and_no_body),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(a_later_answer_holds_back_the_request_behind_it),
        TEST(a_request_may_arrive_byte_by_byte),
        TEST(chunked_bodies_are_put_together),
        TEST(who_expects_100_is_told_to_go_on),
        TEST(who_expects_100_is_refused_before_the_body),
        TEST(a_wish_to_upgrade_is_ignored),
        TEST(an_answer_larger_than_the_socket_arrives_whole),
        TEST(who_does_not_read_is_not_served_on),
        TEST(who_ends_its_half_still_gets_its_answers),
        TEST(a_reply_outlives_its_connection),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
