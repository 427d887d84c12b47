/* Answers that go on: server-sent events. */
#include "support.h"
#include <string.h>
#include <unistd.h>

static struct site site;
static struct heard h;

static int start(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){0});
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

#define HOST   "Host: localhost\r\n"
#define EVENTS "GET /events HTTP/1.1\r\n" HOST "\r\n"
#define GET    "GET /items/a HTTP/1.1\r\n" HOST "\r\n"

static void write_events(void *arg)
{
    (void)arg;
    http_stream_event(site.stream, "1", "run", "{\"a\":1}", 7);
    http_stream_event(site.stream, NULL, NULL, "two\nlines\r\nthree\rfour", 21);
    http_stream_event(site.stream, "7\nevent: forged", "x\r\ndata: forged", "", 0);
}

static void end_stream(void *arg)
{
    (void)arg;
    http_stream_end(site.stream);
    site.stream = NULL;
}

static void events_have_id_name_and_lines(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, EVENTS GET);
    site_wait(&site);
    site_do(&site, write_events, NULL);
    site_do(&site, end_stream, NULL);
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    assert_string_equal(heard_header(&h, "Content-Type: "), "text/event-stream");
    assert_string_equal(heard_header(&h, "X-Accel-Buffering: "), "no");
    assert_string_equal(buf_text(&h.body),
                        "id: 1\nevent: run\ndata: {\"a\":1}\n\n"
                        "data: two\ndata: lines\ndata: three\ndata: four\n\n"
                        "id: 7\nevent: x\ndata: \n\n");
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "a");
    close(fd);
    assert_int_equal(site.n_gone, 0);
}

static void a_silent_stream_beats(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET /events?beat=1 HTTP/1.1\r\n" HOST "\r\n");
    hear_head_only(fd, &h);
    hear_bytes(fd, &h, strlen("3\r\n:\n\n\r\n3\r\n:\n\n\r\n"));
    assert_string_equal(buf_text(&h.body), "3\r\n:\n\n\r\n3\r\n:\n\n\r\n");
    close(fd);
    site_wait(&site);
}

static void who_leaves_is_noticed_without_writing(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, EVENTS);
    site_wait(&site);
    close(fd);
    site_wait(&site);
    assert_int_equal(site.n_gone, 1);
    site_wait_connections(&site, 0);
}

static void flood(void *arg)
{
    char piece[1024];
    int *n_taken = arg;

    memset(piece, 'x', sizeof(piece));
    while (http_stream_event(site.stream, NULL, NULL, piece, sizeof(piece)) == FF_OK)
        ++*n_taken;
    assert_int_equal(http_stream_event(site.stream, NULL, NULL, "a", 1), FF_FULL);
    assert_int_equal(site.n_gone, 0);
}

static void a_slow_reader_is_dropped_at_its_limit(void **state)
{
    int n_taken = 0;
    int fd = site_connect(&site);

    (void)state;
    say(fd, EVENTS);
    site_wait(&site);
    site_do(&site, flood, &n_taken);
    site_wait(&site);
    assert_int_equal(site.n_gone, 1);
    assert_in_range(n_taken, 200, 256);
    site_wait_connections(&site, 0);
    assert_true(hear_end(fd, &h));
    close(fd);
}

static void fill(void *arg)
{
    char piece[1024];

    (void)arg;
    memset(piece, 'x', sizeof(piece));
    while (site.stream && http_stream_unread(site.stream) < 16 * sizeof(piece))
        http_stream_event(site.stream, NULL, NULL, piece, sizeof(piece));
}

/* Beats fill the rest of what it may owe only after more than the 20 s that are waited
 * for. */
static void who_takes_nothing_is_dropped_though_more_is_written(void **state)
{
    (void)state;
    site_stop(&site);
    site_start(&site, (struct http_options){.send_timeout_us = 200000});
    int fd = site_connect(&site);
    say(fd, "GET /events?beat=1 HTTP/1.1\r\n" HOST "\r\n");
    site_wait(&site);
    for (int i = 0; i < 256; i++) /* more than the kernel keeps for him */
        site_do(&site, fill, NULL);
    site_wait_connections(&site, 0);
    assert_int_equal(site.n_gone, 1);
    close(fd);
}

static void flood_and_end(void *arg)
{
    flood(arg);
    http_stream_end(site.stream);
    site.stream = NULL;
}

/* Ending what is about to be dropped: gone must not be called any more. */
static void a_dropped_stream_may_still_be_ended(void **state)
{
    int n_taken = 0;
    int fd = site_connect(&site);

    (void)state;
    say(fd, EVENTS);
    site_wait(&site);
    site_do(&site, flood_and_end, &n_taken);
    site_wait_connections(&site, 0);
    assert_int_equal(site.n_gone, 0);
    close(fd);
}

static void http_1_0_gets_a_stream_until_the_connection_closes(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET /events HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    site_wait(&site);
    site_do(&site, write_events, NULL);
    site_do(&site, end_stream, NULL);
    hear_head_only(fd, &h);
    assert_null(heard_header(&h, "Transfer-Encoding: "));
    assert_string_equal(heard_header(&h, "Connection: "), "close");
    assert_true(hear_end(fd, &h));
    assert_true(text_starts(buf_text(&h.rest), "id: 1\nevent: run\n"));
    close(fd);
}

static void head_of_a_stream_is_answered_without_one(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "HEAD /events HTTP/1.1\r\n" HOST "\r\n" GET);
    hear_head_only(fd, &h);
    assert_int_equal(h.status, 200);
    hear(fd, &h);
    assert_string_equal(buf_text(&h.body), "a");
    assert_null(site.stream);
    close(fd);
}

#define LENGTH "/events?length=4 HTTP/1.1\r\n" HOST "\r\n"

static void write_four(void *arg)
{
    (void)arg;
    http_stream_write(site.stream, "four", 4);
}

static void a_length_that_is_known_is_said(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "HEAD " LENGTH);
    hear_head_only(fd, &h);
    assert_string_equal(heard_header(&h, "Content-Length: "), "4");
    site_wait(&site);
    say(fd, "GET " LENGTH GET);
    site_wait(&site);
    site_do(&site, write_four, NULL);
    site_do(&site, end_stream, NULL);
    hear(fd, &h);
    assert_string_equal(heard_header(&h, "Content-Length: "), "4");
    assert_null(heard_header(&h, "Transfer-Encoding: "));
    assert_string_equal(buf_text(&h.body), "four");
    hear(fd, &h); /* the connection goes on */
    assert_string_equal(buf_text(&h.body), "a");
    close(fd);
}

static void write_two_and_end(void *arg)
{
    http_stream_write(site.stream, "fo", 2);
    end_stream(arg);
}

static void what_ends_before_its_length_is_not_taken_for_whole(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, "GET " LENGTH GET);
    site_wait(&site);
    site_do(&site, write_two_and_end, NULL);
    site_wait_connections(&site, 0);
    hear_head_only(fd, &h);
    assert_true(hear_end(fd, &h));
    assert_true(h.rest.len < 4);
    assert_int_equal(site.n_gone, 0);
    close(fd);
}

static void on_stopped(void *arg)
{
    sem_post(&((struct site *)arg)->event);
}

static void begin_stop(void *arg)
{
    (void)arg;
    http_server_stop(site.server, 3600 * UNITS_SECOND, on_stopped, &site);
    assert_int_equal(site.n_gone, 0);
}

static void stopping_ends_streams_without_waiting(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, EVENTS);
    site_wait(&site);
    site_do(&site, begin_stop, NULL);
    site_wait(&site); /* gone */
    site_wait(&site); /* stopped */
    assert_int_equal(site.n_gone, 1);
    assert_true(hear_end(fd, &h));
    close(fd);
}

static void freeing_the_server_ends_streams(void **state)
{
    int fd = site_connect(&site);

    (void)state;
    say(fd, EVENTS);
    site_wait(&site);
    close(fd); /* or not noticed any more: stop() frees the server either way */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_have_id_name_and_lines),
        TEST(a_silent_stream_beats),
        TEST(who_leaves_is_noticed_without_writing),
        TEST(a_length_that_is_known_is_said),
        TEST(what_ends_before_its_length_is_not_taken_for_whole),
        TEST(a_slow_reader_is_dropped_at_its_limit),
        TEST(who_takes_nothing_is_dropped_though_more_is_written),
        TEST(a_dropped_stream_may_still_be_ended),
        TEST(http_1_0_gets_a_stream_until_the_connection_closes),
        TEST(head_of_a_stream_is_answered_without_one),
        TEST(stopping_ends_streams_without_waiting),
        TEST(freeing_the_server_ends_streams),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
