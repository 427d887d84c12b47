/* Connections as such: deadlines, the cap, peers that leave, stopping, idleness. */
#include "support.h"
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct site site;
static struct heard h;

static int set_up(void **state)
{
    (void)state;
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
#define GET  "GET /items/a HTTP/1.1\r\n" HOST "\r\n"

/* --- deadlines --- */

static void a_head_that_does_not_come_is_given_up(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.head_timeout_us = 1000});
    int fd = site_connect(&site);
    say(fd, "GET /items/a HTTP/1.1\r\nHost: loc");
    hear(fd, &h);
    assert_int_equal(h.status, 408);
    assert_true(hear_end(fd, &h));
    close(fd);
}

/* However often a byte comes: the deadline is for the whole head. */
static void drip_feeding_does_not_move_the_deadline(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.head_timeout_us = 50 * 1000});
    int fd = site_connect(&site);
    struct pollfd answered = {.fd = fd, .events = POLLIN};
    say(fd, "GET /items/a HTTP/1.1\r\n");
    while (poll(&answered, 1, 1) == 0)
        say(fd, "X-A: b\r\n");
    hear(fd, &h);
    assert_int_equal(h.status, 408);
    close(fd);
}

static void a_body_that_does_not_come_is_given_up(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.body_timeout_us = 1000});
    int fd = site_connect(&site);
    say(fd, "POST /body HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
    hear(fd, &h);
    assert_int_equal(h.status, 408);
    close(fd);
    assert_int_equal(site.n_handled, 0);
}

static void who_connects_and_says_nothing_is_closed_without_a_word(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.head_timeout_us = 1000});
    int fd = site_connect(&site);
    assert_true(hear_end(fd, &h));
    assert_int_equal(h.rest.len, 0);
    close(fd);
}

static void who_takes_nothing_of_its_answer_is_dropped(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.send_timeout_us = 20 * 1000});
    int fd = site_connect(&site);
    say(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    site_wait_connections(&site, 0);
    close(fd);
}

static void a_refusal_lingers_no_longer_than_told(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.linger_us = 1000});
    int fd = site_connect(&site);
    say(fd, "POST /body HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n");
    site_wait_connections(&site, 0);
    hear(fd, &h);
    assert_int_equal(h.status, 400);
    close(fd);
}

/* --- idleness --- */

/* Is any timerfd of this process armed? */
static bool a_timer_is_armed(void)
{
    DIR *dir = opendir("/proc/self/fdinfo");
    struct dirent *entry;
    bool armed = false;

    while ((entry = readdir(dir))) {
        struct buf text = {0};
        char path[300];
        snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", entry->d_name);
        if (file_read(path, 4096, &text) == 0 &&
            strstr(buf_text(&text), "it_value: ") &&
            !strstr(buf_text(&text), "it_value: (0, 0)"))
            armed = true;
        buf_done(&text);
    }
    closedir(dir);
    return armed;
}

static void an_idle_connection_leaves_no_timer_armed(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.head_timeout_us = 1000,
                                            .body_timeout_us = 1000,
                                            .send_timeout_us = 1000});
    int fd = site_connect(&site);
    say(fd, GET);
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    for (int i = 0; i < 20000 && a_timer_is_armed(); i++)
        poll(NULL, 0, 1);
    assert_false(a_timer_is_armed());
    say(fd, GET);
    hear(fd, &h);
    assert_int_equal(h.status, 200);
    close(fd);
}

/* --- many --- */

static void three_hundred_connections_are_served_at_once(void **state)
{
    int fds[300];

    (void)state;
    site_start(&site, (struct http_options){.address = "127.0.0.1"});
    for (int i = 0; i < 300; i++)
        fds[i] = i % 2 ? site_connect(&site) : site_connect_tcp(&site);
    site_wait_connections(&site, 300);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 300; i++)
            say(fds[i], GET);
        for (int i = 0; i < 300; i++) {
            hear(fds[i], &h);
            assert_int_equal(h.status, 200);
        }
    }
    for (int i = 0; i < 300; i++)
        close(fds[i]);
    site_wait_connections(&site, 0);
}

/* Ten busy connections fill the cap; the others wait in the backlog for their turn. */
static void beyond_the_cap_connections_wait(void **state)
{
    int fds[30];

    (void)state;
    site_start(&site, (struct http_options){.n_connections_max = 10});
    for (int i = 0; i < 30; i++) {
        fds[i] = site_connect(&site);
        say(fds[i], "GET /items/a HTTP/1.1\r\n" HOST);
        if (i == 9)
            site_wait_connections(&site, 10);
    }
    assert_int_equal(site_connections(&site), 10);
    for (int i = 0; i < 30; i++) {
        say(fds[i], "Connection: close\r\n\r\n");
        hear(fds[i], &h);
        assert_int_equal(h.status, 200);
        close(fds[i]);
    }
    site_wait_connections(&site, 0);
}

static void at_the_cap_the_longest_idle_makes_way(void **state)
{
    int fds[30];

    (void)state;
    site_start(&site, (struct http_options){.n_connections_max = 10});
    for (int i = 0; i < 30; i++) {
        fds[i] = site_connect(&site);
        say(fds[i], GET);
        hear(fds[i], &h);
        assert_int_equal(h.status, 200);
    }
    for (int i = 0; i < 20; i++)
        assert_true(hear_end(fds[i], &h));
    for (int i = 20; i < 30; i++) {
        say(fds[i], GET);
        hear(fds[i], &h);
        assert_int_equal(h.status, 200);
    }
    for (int i = 0; i < 30; i++)
        close(fds[i]);
}

/* Their answers are not out yet, so none of them can make way. */
static void those_that_do_not_read_cannot_exceed_the_cap(void **state)
{
    int fds[20];

    (void)state;
    site_start(&site, (struct http_options){.n_connections_max = 5});
    for (int i = 0; i < 20; i++) {
        fds[i] = site_connect(&site);
        say(fds[i], "GET /big HTTP/1.1\r\n" HOST "\r\n");
    }
    site_wait_connections(&site, 5);
    for (int i = 0; i < 20; i++) {
        assert_in_range(site_connections(&site), 1, 6);
        hear(fds[i], &h);
        assert_int_equal(h.body.len, 4 * 1024 * 1024);
        close(fds[i]);
    }
}

static void running_out_of_descriptors_is_survived(void **state)
{
    struct rlimit old, tight;
    int fds[64];
    int n = 0;

    (void)state;
    site_start(&site, (struct http_options){0});
    /* Sockets of the client first, so that only the server's side can run out. */
    for (; n < 64; n++)
        fds[n] = socket(AF_UNIX, SOCK_STREAM, 0);
    getrlimit(RLIMIT_NOFILE, &old);
    tight = old;
    tight.rlim_cur = (rlim_t)fds[63] + 8;
    setrlimit(RLIMIT_NOFILE, &tight);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, site.path);
    for (int i = 0; i < 64; i++)
        assert_int_equal(connect(fds[i], (void *)&address, sizeof(address)), 0);
    for (int i = 0; i < 64; i++) {
        say(fds[i], GET);
        hear(fds[i], &h);
        assert_int_equal(h.status, 200);
        close(fds[i]);
    }
    setrlimit(RLIMIT_NOFILE, &old);
}

/* --- peers that leave --- */

static void a_peer_may_leave_at_any_byte(void **state)
{
    const char text[] = "POST /body HTTP/1.1\r\n" HOST
                        "Transfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n" GET;

    (void)state;
    site_start(&site, (struct http_options){.address = "127.0.0.1"});
    for (size_t i = 0; i < sizeof(text); i++) {
        struct linger at_once = {.l_onoff = 1};
        int fd = i % 2 ? site_connect(&site) : site_connect_tcp(&site);
        say_bytes(fd, text, i);
        if (i % 3 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(fd);
    }
    site_wait_connections(&site, 0);
    assert_int_equal(status_of(&site, GET), 200);
}

static void a_peer_may_leave_amid_a_large_answer(void **state)
{
    (void)state;
    site_start(&site, (struct http_options){.address = "127.0.0.1"});
    for (int i = 0; i < 20; i++) {
        int fd = i % 2 ? site_connect(&site) : site_connect_tcp(&site);
        say(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
        hear_head_only(fd, &h);
        buf_clear(&h.rest);
        close(fd);
    }
    site_wait_connections(&site, 0);
}

/* --- stopping --- */

static void on_stopped(void *arg)
{
    sem_post(&((struct site *)arg)->event);
}

static void begin_stop(void *arg)
{
    http_server_stop(site.server, *(int64_t *)arg, on_stopped, &site);
}

static void answer_kept(void *arg)
{
    (void)arg;
    http_reply_send(site.kept[--site.n_kept], 200, "text/plain", "late", 4);
}

static void stopping_lets_due_answers_out_and_takes_nothing_new(void **state)
{
    int64_t grace_us = 60 * UNITS_SECOND;

    (void)state;
    site_start(&site, (struct http_options){0});
    int busy = site_connect(&site);
    int idle = site_connect(&site);
    say(idle, GET);
    hear(idle, &h);
    say(busy, "GET /kept HTTP/1.1\r\n" HOST "\r\n" GET);
    site_wait(&site);
    site_do(&site, begin_stop, &grace_us);
    assert_int_equal(access(site.path, F_OK), -1);
    assert_true(hear_end(idle, &h));
    site_do(&site, answer_kept, NULL);
    hear(busy, &h);
    assert_string_equal(buf_text(&h.body), "late");
    assert_string_equal(heard_header(&h, "Connection: "), "close");
    assert_true(hear_end(busy, &h));
    site_wait(&site);
    close(idle);
    close(busy);
}

static void stopping_waits_no_longer_than_its_grace(void **state)
{
    int64_t grace_us = 1000;

    (void)state;
    site_start(&site, (struct http_options){0});
    int fd = site_connect(&site);
    say(fd, "GET /kept HTTP/1.1\r\n" HOST "\r\n");
    site_wait(&site);
    site_do(&site, begin_stop, &grace_us);
    site_wait(&site);
    assert_true(hear_end(fd, &h));
    site_do(&site, answer_kept, NULL);
    close(fd);
}

static void stopping_an_idle_server_ends_at_once(void **state)
{
    int64_t grace_us = 3600 * UNITS_SECOND;

    (void)state;
    site_start(&site, (struct http_options){0});
    site_do(&site, begin_stop, &grace_us);
    site_wait(&site);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_head_that_does_not_come_is_given_up),
        TEST(drip_feeding_does_not_move_the_deadline),
        TEST(a_body_that_does_not_come_is_given_up),
        TEST(who_connects_and_says_nothing_is_closed_without_a_word),
        TEST(who_takes_nothing_of_its_answer_is_dropped),
        TEST(a_refusal_lingers_no_longer_than_told),
        TEST(an_idle_connection_leaves_no_timer_armed),
        TEST(three_hundred_connections_are_served_at_once),
        TEST(beyond_the_cap_connections_wait),
        TEST(at_the_cap_the_longest_idle_makes_way),
        TEST(those_that_do_not_read_cannot_exceed_the_cap),
        TEST(running_out_of_descriptors_is_survived),
        TEST(a_peer_may_leave_at_any_byte),
        TEST(a_peer_may_leave_amid_a_large_answer),
        TEST(stopping_lets_due_answers_out_and_takes_nothing_new),
        TEST(stopping_waits_no_longer_than_its_grace),
        TEST(stopping_an_idle_server_ends_at_once),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
