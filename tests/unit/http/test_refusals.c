/* What the server refuses: one test for each way in which two parsers in a row could
 * disagree, or a request could cost more than it should. */
#include "support.h"
#include <string.h>
#include <unistd.h>

static struct site site;

static int start(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.address = "127.0.0.1"});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    site_stop(&site);
    return 0;
}

struct trial {
    const char *what;
    int status;
    const char *bytes;
};

#define GET  "GET /echo HTTP/1.1\r\nHost: localhost\r\n"
#define POST "POST /body HTTP/1.1\r\nHost: localhost\r\n"

static const struct trial refused[] = {
    {"no method", 400, " /echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"unknown method", 501, "BREW /echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"CONNECT", 501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"TRACE", 405, "TRACE /echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"lower-case method", 501, "get /echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"two spaces", 400, "GET  /echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"tab for a space", 400, "GET\t/echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"space in the target", 400, "GET /ec ho HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"no version", 400, "GET /echo\r\nHost: a\r\n\r\n"},
    {"HTTP/2.0", 505, "GET /echo HTTP/2.0\r\nHost: a\r\n\r\n"},
    {"HTTP/1.2", 505, "GET /echo HTTP/1.2\r\nHost: a\r\n\r\n"},
    {"HTTP/1.10", 400, "GET /echo HTTP/1.10\r\nHost: a\r\n\r\n"},
    {"relative target", 400, "GET echo HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"preface of HTTP/2", 501, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"TLS hello", 400, "\x16\x03\x01\r\n\r\n"},
    {"bare LF", 400, "GET /echo HTTP/1.1\nHost: a\n\n"},
    {"bare LF in a header", 400, GET "X-A: b\nX-B: c\r\n\r\n"},
    {"bare CR in a header", 400, GET "X-A: b\rX-B: c\r\n\r\n"},
    {"CR twice", 400, GET "X-A: b\r\r\n\r\n"},
    {"space before the colon", 400, GET "X-A : b\r\n\r\n"},
    {"space before the colon of Host", 400, "GET /echo HTTP/1.1\r\nHost : a\r\n\r\n"},
    {"folded header", 400, GET "X-A: b\r\n c\r\n\r\n"},
    {"space before the first header", 400, "GET /echo HTTP/1.1\r\n Host: a\r\n\r\n"},
    {"header without a name", 400, GET ": b\r\n\r\n"},
    {"header without a colon", 400, GET "X-A\r\n\r\n"},
    {"umlaut in a name", 400, GET "X-\xc3\xa4: b\r\n\r\n"},
    {"control character in a value", 400, GET "X-A: b\x01\r\n\r\n"},
    {"DEL in a value", 400, GET "X-A: b\x7f\r\n\r\n"},
    {"no Host", 400, "GET /echo HTTP/1.1\r\n\r\n"},
    {"two Hosts", 400, GET "Host: b\r\n\r\n"},
    {"two Authorizations", 400, GET "Authorization: a\r\nAuthorization: b\r\n\r\n"},
    {"two lengths", 400, POST "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"},
    {"two lengths that differ", 400,
     POST "Content-Length: 4\r\ncontent-length: 5\r\n\r\nabcd"},
    {"list of lengths", 400, POST "Content-Length: 4, 4\r\n\r\nabcd"},
    {"+4", 400, POST "Content-Length: +4\r\n\r\nabcd"},
    {"-4", 400, POST "Content-Length: -4\r\n\r\nabcd"},
    {"0x4", 400, POST "Content-Length: 0x4\r\n\r\nabcd"},
    {"empty length", 400, POST "Content-Length:\r\n\r\n"},
    {"length of 30 digits", 400,
     POST "Content-Length: 100000000000000000000000000000\r\n\r\n"},
    {"length beyond the limit", 413, POST "Content-Length: 1048577\r\n\r\n"},
    {"length and chunks", 400,
     POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"chunks and length", 400,
     POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"},
    {"xchunked", 501, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    {"gzip, chunked", 501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {"two encodings", 400,
     POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"chunks in HTTP/1.0", 400,
     "POST /body HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"foreign expectation", 417, POST "Content-Length: 4\r\nExpect: tea\r\n\r\n"},
    {"body where none is taken", 413, GET "Content-Length: 1\r\n\r\nx"},
    {"broken escape", 400, "GET /items/a%2 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"escape of no digits", 400, "GET /items/a%zz HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"escaped NUL", 400, "GET /items/a%00b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"escaped line break", 400, "GET /echo?q=a%0d%0ab HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"escaped bytes that are no UTF-8", 400,
     "GET /items/%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"nothing there", 404, "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"empty segment", 404, "GET /items/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"wrong method", 405, "DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n"},
};

static void malformed_heads_are_refused_with_the_right_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        int status = status_of(&site, refused[i].bytes);
        if (status != refused[i].status)
            fail_msg("%s: %d, not %d", refused[i].what, status, refused[i].status);
    }
    assert_int_equal(site.n_handled, 0);
}

#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct trial chunks[] = {
    {"good", 200, CHUNKED "4\r\nabcd\r\n0\r\n\r\n"},
    {"upper-case digits", 200, CHUNKED "A\r\n0123456789\r\n0\r\n\r\n"},
    {"an extension", 200, CHUNKED "4;a=b\r\nabcd\r\n0\r\n\r\n"},
    {"LF after the size", 400, CHUNKED "4\nabcd\r\n0\r\n\r\n"},
    {"CR alone after the size", 400, CHUNKED "4\rXabcd\r\n0\r\n\r\n"},
    {"LF in an extension", 400, CHUNKED "4;a=b\nabcd\r\n0\r\n\r\n"},
    {"a chunk longer than it said", 400, CHUNKED "4\r\nabcde\r\n0\r\n\r\n"},
    {"two other bytes after a chunk", 400, CHUNKED "4\r\nabcdXX0\r\n\r\n"},
    {"LF after a chunk", 400, CHUNKED "4\r\nabcd\n0\r\n\r\n"},
    {"LF at the very end", 400, CHUNKED "4\r\nabcd\r\n0\r\n\n"},
    {"0x4", 400, CHUNKED "0x4\r\nabcd\r\n0\r\n\r\n"},
    {"-4", 400, CHUNKED "-4\r\nabcd\r\n0\r\n\r\n"},
    {"+4", 400, CHUNKED "+4\r\nabcd\r\n0\r\n\r\n"},
    {"space before the size", 400, CHUNKED " 4\r\nabcd\r\n0\r\n\r\n"},
    {"17 digits", 400, CHUNKED "10000000000000004\r\nabcd\r\n0\r\n\r\n"},
    {"a size beyond the limit", 413, CHUNKED "ffffff\r\nabcd"},
    {"a trailer", 400, CHUNKED "4\r\nabcd\r\n0\r\nX-A: b\r\n\r\n"},
};

/* A size beyond the limit is only known when the bytes have come: they are sent. */
static int status_of_chunks(const struct trial *t)
{
    struct buf all = {0};

    buf_add_text(&all, t->bytes);
    if (t->status == 413)
        for (int i = 0; i < 1100 * 1024; i++)
            buf_add_char(&all, 'x');
    int status = status_of_bytes(&site, all.data, all.len);
    buf_done(&all);
    return status;
}

static void malformed_chunks_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(chunks); i++) {
        int status = status_of_chunks(&chunks[i]);
        if (status != chunks[i].status)
            fail_msg("%s: %d, not %d", chunks[i].what, status, chunks[i].status);
    }
    assert_int_equal(site.n_handled, 3);
}

static void a_nul_is_refused_wherever_it_stands(void **state)
{
    const char head[] = "GET /echo HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof(head) - 1; i++) {
        char copy[sizeof(head)];
        memcpy(copy, head, sizeof(head));
        copy[i] = '\0';
        assert_int_equal(status_of_bytes(&site, copy, sizeof(head) - 1), 400);
    }
    assert_int_equal(site.n_handled, 0);
}

static void a_bare_line_feed_is_refused_at_once_not_at_the_deadline(void **state)
{
    (void)state;
    assert_int_equal(status_of(&site, "GET /echo HTTP/1.1\n"), 400);
}

static void large_heads_are_refused(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, GET "X-A: ");
    for (int i = 0; i < 16 * 1024; i++)
        buf_add_char(&text, 'a');
    buf_add_text(&text, "\r\n\r\n");
    assert_int_equal(status_of(&site, buf_text(&text)), 431);
    buf_clear(&text);
    buf_add_text(&text, "GET /");
    for (int i = 0; i < 9 * 1024; i++)
        buf_add_char(&text, 'a');
    buf_add_text(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status_of(&site, buf_text(&text)), 414);
    buf_clear(&text);
    buf_add_text(&text, GET);
    for (int i = 0; i < 101; i++)
        buf_printf(&text, "X-%d: b\r\n", i);
    buf_add_text(&text, "\r\n");
    assert_int_equal(status_of(&site, buf_text(&text)), 431);
    buf_done(&text);
}

static void a_body_of_one_byte_chunks_with_long_extensions_is_refused(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_add_text(&text, CHUNKED);
    for (int i = 0; i < 1000; i++)
        buf_add_text(&text, "1;abcdefghijklmnopqrstuvwxyz=abcdefghijklmnopq\r\nx\r\n");
    assert_int_equal(status_of(&site, buf_text(&text)), 400);
    buf_done(&text);
}

static void a_refusal_is_a_problem_document_and_ends_the_connection(void **state)
{
    struct heard h = {0};
    struct ff_err err;
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET /echo HTTP/1.1\r\nHost : a\r\n\r\nGET /echo HTTP/1.1\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 400);
    assert_string_equal(heard_header(&h, "Content-Type: "), "application/problem+json");
    assert_string_equal(heard_header(&h, "Connection: "), "close");
    json_t *problem = json_parse(h.body.data, h.body.len, &err);
    assert_non_null(problem);
    assert_string_equal(json_string_value(json_object_get(problem, "title")),
                        "Bad Request");
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), 400);
    assert_true(json_is_string(json_object_get(problem, "detail")));
    json_decref(problem);
    assert_true(hear_end(fd, &h));
    assert_int_equal(h.rest.len, 0);
    close(fd);
    heard_done(&h);
}

/* Closing with unread bytes would make the kernel drop the answer. */
static void who_sends_too_much_still_reads_the_refusal(void **state)
{
    struct heard h = {0};
    char *junk = mem_alloc(2 * 1024 * 1024);
    int fds[] = {site_connect(&site), site_connect_tcp(&site)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        say(fds[i], POST "Content-Length: 2097152\r\n\r\n");
        say_bytes(fds[i], junk, 2 * 1024 * 1024);
        hear(fds[i], &h);
        assert_int_equal(h.status, 413);
        close(fds[i]);
    }
    mem_free(junk);
    heard_done(&h);
}

static void other_hosts_are_refused_on_the_loopback_port_only(void **state)
{
    struct heard h = {0};
    int fd = site_connect_tcp(&site);

    (void)state;
    say(fd, "GET /echo HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 421);
    say(fd, "GET /echo HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 421);
    say(fd, "GET /echo HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    close(fd);
    heard_done(&h);
    assert_int_equal(status_of(&site, "GET /echo HTTP/1.1\r\nHost: evil\r\n\r\n"), 200);
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    struct heard h = {0};
    int fd = site_connect(&site);

    (void)state;
    say(fd, "PUT /kept HTTP/1.1\r\nHost: a\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 405);
    assert_string_equal(heard_header(&h, "Allow: "), "GET, HEAD, POST");
    say(fd, "OPTIONS /kept HTTP/1.1\r\nHost: a\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 204);
    assert_string_equal(heard_header(&h, "Allow: "), "GET, HEAD, POST");
    close(fd);
    heard_done(&h);
}

static void a_body_is_not_read_before_its_sender_is_admitted(void **state)
{
    struct heard h = {0};
    int fd = site_connect(&site);

    (void)state;
    say(fd, "POST /guarded HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 401);
    assert_string_equal(heard_header(&h, "Connection: "), "close");
    close(fd);
    fd = site_connect(&site);
    h.rest.len = 0;
    say(fd, "POST /guarded HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n"
            "Content-Length: 3\r\n\r\nabc");
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    assert_null(heard_header(&h, "Connection: "));
    close(fd);
    heard_done(&h);
    assert_int_equal(site.n_admitted, 2);
    assert_int_equal(site.n_handled, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(malformed_heads_are_refused_with_the_right_status),
        TEST(malformed_chunks_are_refused),
        TEST(a_nul_is_refused_wherever_it_stands),
        TEST(a_bare_line_feed_is_refused_at_once_not_at_the_deadline),
        TEST(large_heads_are_refused),
        TEST(a_body_of_one_byte_chunks_with_long_extensions_is_refused),
        TEST(a_refusal_is_a_problem_document_and_ends_the_connection),
        TEST(who_sends_too_much_still_reads_the_refusal),
        TEST(other_hosts_are_refused_on_the_loopback_port_only),
        TEST(a_wrong_method_is_told_the_right_ones),
        TEST(a_body_is_not_read_before_its_sender_is_admitted),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
