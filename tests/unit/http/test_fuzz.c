/* Garbage, seeded: whatever comes in, the server answers within its rules, nothing is
 * read past its end (the sanitizers look), and where the bytes are cut does not matter.
 *
 * FF_FUZZ_ROUNDS=n makes more rounds, FF_FUZZ_SEED=n others. */
#include "support.h"

#include "http/conn.h"
#include "http/h1_priv.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t seed = 1;
static int n_rounds = 3000;

/* --- the parser alone --- */

static const char *const pieces[] = {
    "GET",
    "POST",
    " ",
    "/",
    "/echo",
    "HTTP/1.1",
    "HTTP/1.0",
    "\r\n",
    "\r",
    "\n",
    "\r\n\r\n",
    "Host",
    ":",
    ": ",
    "a",
    "0",
    "4",
    "abcd",
    "\t",
    "\0",
    "\x7f",
    "\xff",
    "%41",
    "%",
    "?q=",
    "&",
    ";",
    ",",
    "close",
    "keep-alive",
    "chunked",
    "gzip",
    "+",
    "-1",
    "Connection",
    "Expect",
    "100-continue",
    "Upgrade",
    "h2c",
    "Content-Length",
    "F",
    "ffffffffffffff",
    " HTTP/1.1\r\n",
    "Transfer-Encoding",
    "Host: localhost\r\n",
    "Content-Length: 4\r\n",
    "Transfer-Encoding: chunked\r\n",
    "GET /echo HTTP/1.1\r\nHost: localhost\r\n",
    "POST /body HTTP/1.1\r\nHost: localhost\r\n",
    "4\r\nabcd\r\n",
    "0\r\n\r\n",
};

static size_t piece_len(size_t i)
{
    return *pieces[i] ? strlen(pieces[i]) : 1;
}

/* A request that may be right, then a few changes. */
static void make_request(struct rand *r, struct buf *out)
{
    static const char *const starts[] = {
        "GET /echo?q=1 HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n\r\n",
        "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nabcd",
        ("POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
         "4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\n\r\n"),
        "GET /items/a%20b HTTP/1.0\r\n\r\n",
        "",
    };

    buf_clear(out);
    buf_add_text(out, starts[rand_below(r, COUNT_OF(starts))]);
    for (uint64_t n = rand_below(r, 6); n > 0; n--) {
        size_t at = rand_below(r, out->len + 1);
        size_t cut = rand_below(r, 4) ? 0 : rand_below(r, out->len - at + 1) % 8;
        size_t i = rand_below(r, COUNT_OF(pieces));
        struct buf changed = {0};
        buf_add(&changed, out->data, at);
        if (rand_below(r, 8) == 0)
            buf_add_char(&changed, (char)rand_next(r));
        else
            buf_add(&changed, pieces[i], piece_len(i));
        buf_add(&changed, buf_text(out) + at + cut, out->len - at - cut);
        buf_done(out);
        *out = changed;
    }
}

/* What the parser makes of bytes, as text. */
struct verdict {
    int status; /* 0: not refused */
    bool complete;
    size_t used;
    struct buf request;
};

static void describe(const struct http_reply *reply, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s|", reply->target ? reply->target : "");
    for (size_t i = 0; i < reply->headers.n; i++)
        buf_printf(out, "%s:%s|", reply->headers.items[i].name,
                   reply->headers.items[i].value);
    buf_add(out, buf_text(&reply->body), reply->body.len);
}

/* Feeds the body in pieces of at most `step` bytes. */
static void parse_body(struct http_parse *p, const char *bytes, size_t len, size_t step,
                       struct verdict *v)
{
    while (!p->done && p->no.status == 0 && len > 0) {
        size_t n = len < step ? len : step;
        /* A copy of its own, so that the sanitizer sees a read beyond it. */
        char *copy = mem_alloc(n);
        memcpy(copy, bytes, n);
        size_t used = http_parse_body(p, copy, n);
        mem_free(copy);
        assert_true(used <= n);
        bytes += used;
        len -= used;
        v->used += used;
    }
}

static void parse(const struct buf *in, size_t step, struct verdict *v)
{
    struct http_server server = {0};
    struct http_conn conn = {.server = &server};
    struct http_exchange x = {.conn = &conn};
    struct http_reply *reply = http_reply_new(&x);
    struct http_refusal no = {0};
    struct http_parse p;
    size_t at = 0, head = 0;

    *v = (struct verdict){.request = v->request};
    for (size_t n = 0; head == 0 && no.status == 0 && n < in->len;) {
        n = n + step < in->len ? n + step : in->len;
        char *copy = mem_alloc(n);
        memcpy(copy, in->data, n);
        head = http_find_head(copy, n, &at, &no);
        mem_free(copy);
    }
    if (head > 0) {
        reply->body_max = 64;
        v->used = head;
        if (http_parse_head(&p, reply, in->data, head))
            parse_body(&p, in->data + head, in->len - head, step, v);
        no = p.no;
        v->complete = p.done;
    }
    v->status = no.status;
    describe(reply, &v->request);
    http_reply_free(reply);
    http_reply_free_spare(&server);
}

static void where_bytes_are_cut_makes_no_difference(void **state)
{
    struct verdict whole = {0}, cut = {0};
    struct buf in = {0};
    struct rand r;
    int n_complete = 0;

    (void)state;
    rand_seed(&r, seed);
    for (int i = 0; i < n_rounds * 10; i++) {
        make_request(&r, &in);
        parse(&in, SIZE_MAX / 2, &whole);
        parse(&in, 1 + rand_below(&r, 7), &cut);
        n_complete += whole.complete && whole.status == 0;
        /* A refusal may come before the bytes that would complete the head. */
        if (whole.status != cut.status ||
            (whole.status == 0 &&
             (whole.complete != cut.complete || whole.used != cut.used ||
              strcmp(buf_text(&whole.request), buf_text(&cut.request)) != 0)))
            fail_msg("seed %llu round %d: %d and %d for: %s", (unsigned long long)seed,
                     i, whole.status, cut.status, buf_text(&in));
    }
    /* The changes leave enough right to be worth it. */
    assert_in_range(n_complete, n_rounds, n_rounds * 10);
    buf_done(&whole.request);
    buf_done(&cut.request);
    buf_done(&in);
}

/* --- the whole server --- */

static struct site site;

static bool is_known(int status)
{
    static const int known[] = {100, 200, 204, 400, 404, 405, 408,
                                413, 414, 417, 421, 431, 501, 505};

    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (known[i] == status)
            return true;
    return false;
}

/* Everything that comes back until the end: answers and nothing else. */
static void check_answers(int fd, int round)
{
    struct heard h = {0};

    shutdown(fd, SHUT_WR);
    do {
        hear(fd, &h);
        if (h.status != 0 && !is_known(h.status))
            fail_msg("seed %llu round %d: status %d", (unsigned long long)seed, round,
                     h.status);
    } while (h.status != 0);
    assert_int_equal(h.rest.len, 0);
    heard_done(&h);
}

static void garbage_is_answered_by_the_rules(void **state)
{
    struct buf in = {0};
    struct rand r;

    (void)state;
    site_start(&site, (struct http_options){.linger_us = 1000});
    rand_seed(&r, seed + 1);
    for (int i = 0; i < n_rounds; i++) {
        int fd = site_connect(&site);
        for (uint64_t n = 1 + rand_below(&r, 3); n > 0; n--) {
            make_request(&r, &in);
            size_t half = rand_below(&r, in.len + 1);
            say_bytes(fd, in.data, half);
            say_bytes(fd, buf_text(&in) + half, in.len - half);
        }
        check_answers(fd, i);
        close(fd);
    }
    assert_int_equal(status_of(&site, "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                     200);
    site_wait_connections(&site, 0);
    site_stop(&site);
    buf_done(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_bytes_are_cut_makes_no_difference),
        cmocka_unit_test(garbage_is_answered_by_the_rules),
    };

    mem_init();
    if (getenv("FF_FUZZ_ROUNDS"))
        n_rounds = atoi(getenv("FF_FUZZ_ROUNDS"));
    if (getenv("FF_FUZZ_SEED"))
        seed = strtoull(getenv("FF_FUZZ_SEED"), NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
