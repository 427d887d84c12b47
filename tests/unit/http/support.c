/* tests/unit/http/support.c - see the header. */
#include "support.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 20 * 1000 };

/* --- the routes --- */

static void echo(void *arg, const struct http_request *r, struct http_reply *reply)
{
    const char *keys[] = {"host", "x-a", "cookie", "user-agent"};
    json_t *out = json_pack("{s:s, s:s}", "method", r->method, "path", r->path);
    struct site *s = arg;

    s->n_handled++;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (http_header(r, keys[i]))
            json_object_set_new(out, keys[i], json_string(http_header(r, keys[i])));
    if (http_query(r, "q"))
        json_object_set_new(out, "q", json_string(http_query(r, "q")));
    http_reply_json(reply, 200, out);
    json_decref(out);
}

static void item(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    http_reply_send(reply, 200, "text/plain", http_param(r, "id"),
                    strlen(http_param(r, "id")));
}

static void body(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct site *s = arg;

    s->n_handled++;
    http_reply_send(reply, 200, "application/octet-stream", r->body, r->body_len);
}

static bool guard(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct site *s = arg;

    s->n_admitted++;
    assert_null(r->body);
    if (http_bearer(r) && strcmp(http_bearer(r), "good") == 0)
        return true;
    http_reply_problem(reply, 401, "no");
    return false;
}

static void keep(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct site *s = arg;

    (void)r;
    assert_true(s->n_kept < COUNT_OF(s->kept));
    s->kept[s->n_kept++] = reply;
    sem_post(&s->event);
}

static void on_gone(void *arg)
{
    struct site *s = arg;

    s->stream = NULL;
    s->n_gone++;
    sem_post(&s->event);
}

static void events(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct site *s = arg;
    struct http_stream_opts opts = {
        .gone = on_gone, .arg = s, .buffer_max = 256 * 1024};

    if (http_query(r, "beat"))
        opts.heartbeat_us = 1000;
    if (http_query(r, "length")) {
        opts.type = "text/plain";
        opts.has_length = true;
        opts.length = strtoll(http_query(r, "length"), NULL, 10);
    }
    s->stream = http_stream_open(reply, &opts);
    sem_post(&s->event);
}

static void big(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct buf out = {0};

    (void)arg;
    (void)r;
    for (int i = 0; i < 512 * 1024; i++)
        buf_add(&out, "12345678", 8);
    http_reply_take(reply, 200, "text/plain", &out);
}

static const struct http_route routes[] = {
    {"GET", "/echo", echo, 0, NULL},
    {"GET", "/items/{id}", item, 0, NULL},
    {"POST", "/body", body, 1024 * 1024, NULL},
    {"POST", "/small", body, 10, NULL},
    {"POST", "/guarded", body, 1024 * 1024, guard},
    {"GET", "/kept", keep, 0, NULL},
    {"POST", "/kept", keep, 100, NULL},
    {"GET", "/events", events, 0, NULL},
    {"GET", "/big", big, 0, NULL},
};

void mount_test_routes(struct site *s)
{
    http_server_mount(s->server, routes, COUNT_OF(routes), s);
}

void site_no_routes(struct site *s)
{
    (void)s;
}

/* --- the server --- */

static void *run(void *arg)
{
    loop_run(((struct site *)arg)->loop);
    return NULL;
}

void site_start_with(struct site *s, struct http_options opts,
                     void (*mount)(struct site *s))
{
    *s = (struct site){0};
    sem_init(&s->event, 0, 0);
    strcpy(s->dir, "/tmp/ff-http-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->path, sizeof(s->path), "%s/api.sock", s->dir);
    s->loop = loop_new(&s->err);
    assert_non_null(s->loop);
    if (!opts.unix_path)
        opts.unix_path = s->path;
    s->server = http_server_new(s->loop, &opts);
    mount(s);
    s->listening = http_server_listen(s->server, &s->err) == FF_OK;
    s->port = http_server_port(s->server);
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

void site_start(struct site *s, struct http_options opts)
{
    site_start_with(s, opts, mount_test_routes);
    assert_true(s->listening);
}

static void free_server(void *arg)
{
    struct site *s = arg;

    http_server_free(s->server);
    if (s->extra)
        s->free_extra(s->extra);
    for (size_t i = 0; i < s->n_kept; i++)
        http_reply_send(s->kept[i], 200, NULL, "", 0);
}

static void stop_loop(void *arg)
{
    loop_stop(((struct site *)arg)->loop, 0);
}

void site_stop(struct site *s)
{
    site_do(s, free_server, s);
    loop_post(s->loop, stop_loop, s);
    pthread_join(s->thread, NULL);
    loop_free(s->loop);
    sem_destroy(&s->event);
    file_remove_tree(s->dir);
}

struct errand {
    ff_call_fn *fn;
    void *arg;
    sem_t done;
};

static void do_errand(void *arg)
{
    struct errand *e = arg;

    e->fn(e->arg);
    sem_post(&e->done);
}

static void wait_for(sem_t *sem)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    while (sem_timedwait(sem, &until) != 0)
        assert_int_equal(errno, EINTR);
}

void site_do(struct site *s, ff_call_fn *fn, void *arg)
{
    struct errand e = {.fn = fn, .arg = arg};

    sem_init(&e.done, 0, 0);
    loop_post(s->loop, do_errand, &e);
    wait_for(&e.done);
    sem_destroy(&e.done);
}

void site_wait(struct site *s)
{
    wait_for(&s->event);
}

struct count {
    struct site *site;
    size_t n;
};

static void count_connections(void *arg)
{
    struct count *c = arg;

    c->n = http_server_connections(c->site->server);
}

size_t site_connections(struct site *s)
{
    struct count c = {.site = s};

    site_do(s, count_connections, &c);
    return c.n;
}

void site_wait_connections(struct site *s, size_t n)
{
    for (int i = 0; i < PATIENCE_MS && site_connections(s) != n; i++)
        poll(NULL, 0, 1);
    assert_int_equal(site_connections(s), n);
}

/* --- the client --- */

int site_connect(struct site *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, s->path);
    assert_int_equal(connect(fd, (void *)&address, sizeof(address)), 0);
    return fd;
}

int site_connect_tcp(struct site *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(s->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (void *)&address, sizeof(address)), 0);
    return fd;
}

/* The server may close before all is sent: that is what some tests want. */
void say_bytes(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

/* More bytes into h->rest. False: the end. */
static bool more(int fd, struct heard *h)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char chunk[65536];

    if (poll(&wait, 1, PATIENCE_MS) != 1)
        fail_msg("no answer within %d ms", PATIENCE_MS);
    ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
    if (n <= 0) {
        h->closed = true;
        return false;
    }
    buf_add(&h->rest, chunk, (size_t)n);
    return true;
}

void hear_head_only(int fd, struct heard *h)
{
    char *end;

    h->status = 0;
    buf_clear(&h->head);
    buf_clear(&h->body);
    while (!h->rest.len || !(end = strstr(h->rest.data, "\r\n\r\n")))
        if (!more(fd, h))
            return;
    size_t len = (size_t)(end + 4 - h->rest.data);
    buf_add(&h->head, h->rest.data, len);
    buf_drop(&h->rest, len);
    assert_int_equal(sscanf(h->head.data, "HTTP/1.1 %d ", &h->status), 1);
}

const char *heard_header(struct heard *h, const char *name_colon)
{
    static char value[256];
    const char *at = strstr(buf_text(&h->head), name_colon);

    if (!at)
        return NULL;
    snprintf(value, sizeof(value), "%.*s",
             (int)strcspn(at + strlen(name_colon), "\r\n"), at + strlen(name_colon));
    return value;
}

void hear_bytes(int fd, struct heard *h, size_t n)
{
    while (h->rest.len < n && more(fd, h))
        ;
    n = n < h->rest.len ? n : h->rest.len;
    buf_add(&h->body, buf_text(&h->rest), n);
    buf_drop(&h->rest, n);
}

static void hear_chunks(int fd, struct heard *h)
{
    for (;;) {
        char *end;
        while (!h->rest.len || !(end = strstr(h->rest.data, "\r\n")))
            if (!more(fd, h))
                return;
        size_t n = strtoul(h->rest.data, NULL, 16);
        buf_drop(&h->rest, (size_t)(end + 2 - h->rest.data));
        hear_bytes(fd, h, n);
        while (h->rest.len < 2 && more(fd, h))
            ;
        buf_drop(&h->rest, 2);
        if (n == 0)
            return;
    }
}

void hear(int fd, struct heard *h)
{
    do
        hear_head_only(fd, h);
    while (h->status == 100);
    const char *length = heard_header(h, "Content-Length: ");
    if (length)
        hear_bytes(fd, h, (size_t)atol(length));
    else if (heard_header(h, "Transfer-Encoding: chunked"))
        hear_chunks(fd, h);
}

bool hear_end(int fd, struct heard *h)
{
    while (more(fd, h))
        ;
    return h->closed;
}

void heard_done(struct heard *h)
{
    buf_done(&h->head);
    buf_done(&h->body);
    buf_done(&h->rest);
}

int status_of_bytes(struct site *s, const void *bytes, size_t len)
{
    struct heard h = {0};
    int fd = site_connect(s);

    say_bytes(fd, bytes, len);
    hear(fd, &h);
    close(fd);
    heard_done(&h);
    return h.status;
}

int status_of(struct site *s, const char *text)
{
    return status_of_bytes(s, text, strlen(text));
}
