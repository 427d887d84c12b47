/* http_site.c - a server of core/http for tests in other languages.
 *
 * ff-http-site NAME=VALUE... listens and prints "port N". On standard input it takes
 * "reload", "stop" (after which it ends by itself) and "counts"; each is answered by a
 * line. It ends with standard input. */
#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct loop *loop;
static struct http_server *server;

/* --- the routes --- */

/* What the request said, for both protocols to be compared. */
static void echo(void *arg, const struct http_request *r, struct http_reply *reply)
{
    json_t *out = json_pack("{s:s, s:s, s:i}", "method", r->method, "path", r->path,
                            "length", (int)r->body_len);
    const char *names[] = {"host", "cookie", "x-a", "user-agent", "content-type"};

    (void)arg;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (http_header(r, names[i]))
            json_object_set_new(out, names[i], json_string(http_header(r, names[i])));
    if (http_query(r, "q"))
        json_object_set_new(out, "q", json_string(http_query(r, "q")));
    http_reply_header(reply, "X-Answer", "yes");
    http_reply_json(reply, 200, out);
    json_decref(out);
}

static void give_back(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    http_reply_send(reply, 200, "application/octet-stream", r->body, r->body_len);
}

static size_t number(const struct http_request *r, const char *name)
{
    const char *text = http_query(r, name);

    return text ? (size_t)strtoul(text, NULL, 10) : 0;
}

static void big(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct buf out = {0};

    (void)arg;
    for (size_t i = 0, n = number(r, "n") / 64; i < n; i++)
        buf_printf(&out, "%063zx\n", i);
    http_reply_take(reply, 200, "text/plain", &out);
}

/* Answers when it is told "answer": one after the other. */
static struct http_reply *kept[4096];
static size_t n_kept;

static void keep(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    (void)r;
    if (n_kept < COUNT_OF(kept))
        kept[n_kept++] = reply;
    else
        http_reply_problem(reply, 503, "enough");
}

static bool guard(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    if (http_bearer(r) && strcmp(http_bearer(r), "good") == 0)
        return true;
    http_reply_problem(reply, 401, "no");
    return false;
}

static void admit_later(void *arg)
{
    http_reply_admit(arg);
}

static bool guard_later(void *arg, const struct http_request *r,
                        struct http_reply *reply)
{
    (void)arg;
    if (http_query(r, "for") && strcmp(http_query(r, "for"), "ever") == 0) {
        keep(arg, r, reply);
    } else {
        loop_timer_add(loop, 1000, admit_later, reply, NULL);
    }
    http_reply_hold(reply);
    return true;
}

/* --- streams: ?n=EVENTS of ?size=BYTES, as fast as the peer takes them, who may take
 * none for ?stall=MS; ?ahead=BYTES are written before he does --- */

struct feed {
    struct http_stream *stream;
    struct buf event;
    size_t n, sent, ahead;
};

static size_t n_gone;

static void gone(void *arg)
{
    struct feed *f = arg;

    n_gone++;
    buf_done(&f->event);
    mem_free(f);
}

static void feed_on(void *arg)
{
    struct feed *f = arg;
    char id[24];

    while (f->sent < f->n && http_stream_unread(f->stream) < f->ahead) {
        snprintf(id, sizeof(id), "%zu", ++f->sent);
        if (http_stream_event(f->stream, id, "tick", f->event.data, f->event.len) !=
            FF_OK)
            return;
    }
    if (f->sent == f->n) {
        http_stream_end(f->stream);
        buf_done(&f->event);
        mem_free(f);
    }
}

static void events(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct feed *f = mem_alloc(sizeof(*f));
    const size_t ahead = number(r, "ahead");
    struct http_stream_opts opts = {.stall_us = (int64_t)number(r, "stall") * 1000,
                                    .buffer_max = 2 * ahead,
                                    .gone = gone,
                                    .drained = feed_on,
                                    .arg = f};

    (void)arg;
    f->n = number(r, "n");
    f->ahead = ahead > 0 ? ahead : 64 * 1024;
    for (size_t i = 0, size = number(r, "size"); i < size || i == 0; i++)
        buf_add_char(&f->event, 'x');
    f->stream = http_stream_open(reply, &opts);
    if (f->stream)
        feed_on(f);
    else
        gone(f);
}

/* As fast as it can, whoever reads: the peer is dropped. */
static void flood(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct feed *f = mem_alloc(sizeof(*f));
    struct http_stream_opts opts = {.gone = gone, .arg = f};
    static char chunk[64 * 1024];

    (void)arg;
    (void)r;
    f->stream = http_stream_open(reply, &opts);
    if (!f->stream) {
        gone(f);
        return;
    }
    while (http_stream_write(f->stream, chunk, sizeof(chunk)) == FF_OK)
        ;
}

/* --- WebSockets: ?max=BYTES of a message, ?ping=MS, ?stall=MS; what comes in goes out
 * --- */

struct echo {
    struct http_websocket *socket;
};

static int last_code;

static void ws_message(void *arg, bool text, const char *bytes, size_t len)
{
    struct echo *e = arg;

    if (len == 5 && memcmp(bytes, "leave", 5) == 0) {
        http_websocket_close(e->socket, WEBSOCKET_POLICY, "as you say");
        mem_free(e);
    } else if (len == 5 && memcmp(bytes, "flood", 5) == 0) {
        while (http_websocket_send(e->socket, true, bytes, len) == FF_OK)
            ;
    } else {
        http_websocket_send(e->socket, text, bytes, len);
    }
}

static void ws_gone(void *arg, int code)
{
    n_gone++;
    last_code = code;
    mem_free(arg);
}

static void ws(void *arg, const struct http_request *r, struct http_reply *reply)
{
    static const char *const origins[] = {"https://friend.example", NULL};
    static const char *const protocols[] = {"better", "good", NULL};
    struct echo *e = mem_alloc(sizeof(*e));
    struct http_websocket_opts ws_opts = {.origins = origins,
                                          .protocols = protocols,
                                          .message_max = number(r, "max"),
                                          .buffer_max = number(r, "max") * 4,
                                          .ping_us = (int64_t)number(r, "ping") * 1000,
                                          .stall_us =
                                              (int64_t)number(r, "stall") * 1000,
                                          .message = ws_message,
                                          .gone = ws_gone,
                                          .arg = e};

    (void)arg;
    e->socket = http_websocket_open(reply, &ws_opts);
    if (!e->socket)
        mem_free(e);
    else if (*http_websocket_protocol(e->socket))
        http_websocket_send(e->socket, true, http_websocket_protocol(e->socket),
                            strlen(http_websocket_protocol(e->socket)));
}

static const struct http_route routes[] = {
    {"GET", "/echo", echo, 0, NULL},
    {"POST", "/echo", echo, 64 * 1024 * 1024, NULL},
    {"PUT", "/body", give_back, 64 * 1024 * 1024, NULL},
    {"POST", "/body", give_back, 64 * 1024 * 1024, NULL},
    {"POST", "/small", give_back, 10, NULL},
    {"POST", "/guarded", give_back, 1024 * 1024, guard},
    {"POST", "/later", give_back, 64 * 1024 * 1024, guard_later},
    {"GET", "/kept", keep, 0, NULL},
    {"GET", "/big", big, 0, NULL},
    {"GET", "/events", events, 0, NULL},
    {"GET", "/flood", flood, 0, NULL},
    {"GET", "/ws", ws, 0, NULL},
};

/* --- the commands --- */

static void on_stopped(void *arg)
{
    (void)arg;
    puts("stopped");
    loop_stop(loop, 0);
}

static void do_answer(void)
{
    size_t n = n_kept;

    n_kept = 0;
    for (size_t i = 0; i < n; i++)
        http_reply_send(kept[i], 200, "text/plain", "kept", 4);
    printf("answered %zu\n", n);
}

static void do_reload(void)
{
    struct ff_err err = {0};

    if (http_server_reload(server, &err) == FF_OK)
        puts("reloaded");
    else
        printf("refused %s\n", err.msg);
}

static void do_counts(void)
{
    struct http_counts c;

    http_server_counts(server, &c);
    printf("{\"connections\": %zu, \"accepted\": %llu, \"refused\": %llu, "
           "\"slow\": %llu, \"floods\": %llu, \"requests\": %llu, \"kept\": %zu, "
           "\"gone\": %zu, \"code\": %d}\n",
           c.n_connections, (unsigned long long)c.n_accepted,
           (unsigned long long)c.n_refused, (unsigned long long)c.n_slow,
           (unsigned long long)c.n_floods, (unsigned long long)c.n_requests, n_kept,
           n_gone, last_code);
}

static void do_stop(void)
{
    http_server_stop(server, 10 * UNITS_SECOND, on_stopped, NULL);
    puts("stopping");
}

static const struct {
    const char *word;
    void (*fn)(void);
} commands[] = {{"answer", do_answer},
                {"reload", do_reload},
                {"counts", do_counts},
                {"stop", do_stop}};

static void on_command(void *arg, int fd, uint32_t got)
{
    char line[64] = "";

    (void)arg;
    (void)got;
    ssize_t n = read(fd, line, sizeof(line) - 1);
    if (n <= 0) {
        loop_stop(loop, 0);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strncmp(line, commands[i].word, strlen(commands[i].word)) == 0)
            commands[i].fn();
    fflush(stdout);
}

/* --- the options --- */

static struct http_options opts = {.address = "127.0.0.1"};

static const struct {
    const char *name;
    enum { TEXT, SIZE, TIME_MS, FLAG } kind;
    void *place;
} words[] = {
    {"address", TEXT, &opts.address},
    {"certificate", TEXT, &opts.certificate},
    {"key", TEXT, &opts.key},
    {"any_host", FLAG, &opts.any_host},
    {"any_address", FLAG, &opts.any_address},
    {"h2c", FLAG, &opts.h2c},
    {"connections", SIZE, &opts.n_connections_max},
    {"per_address", SIZE, &opts.n_per_address_max},
    {"requests", SIZE, &opts.n_requests_max},
    {"rate", SIZE, &opts.rate_min},
    {"window_ms", TIME_MS, &opts.rate_window_us},
    {"head_ms", TIME_MS, &opts.head_timeout_us},
    {"body_ms", TIME_MS, &opts.body_timeout_us},
    {"send_ms", TIME_MS, &opts.send_timeout_us},
    {"idle_ms", TIME_MS, &opts.idle_timeout_us},
    {"linger_ms", TIME_MS, &opts.linger_us},
};

static bool set(size_t i, const char *value)
{
    unsigned long long n = strtoull(value, NULL, 10);

    if (words[i].kind == TEXT)
        *(const char **)words[i].place = value;
    else if (words[i].kind == SIZE)
        *(size_t *)words[i].place = (size_t)n;
    else if (words[i].kind == TIME_MS)
        *(int64_t *)words[i].place = (int64_t)n * 1000;
    else
        *(bool *)words[i].place = n != 0;
    return true;
}

static bool read_option(const char *text)
{
    size_t len = strcspn(text, "=");

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text[len] == '=' && strlen(words[i].name) == len &&
            strncmp(words[i].name, text, len) == 0)
            return set(i, text + len + 1);
    return false;
}

int main(int argc, char **argv)
{
    struct ff_err err = {0};

    mem_init();
    for (int i = 1; i < argc; i++) {
        if (!read_option(argv[i])) {
            fprintf(stderr, "ff-http-site: %s: no such option\n", argv[i]);
            return 64;
        }
    }
    loop = loop_new(&err);
    if (!loop)
        return 70;
    server = http_server_new(loop, &opts);
    http_server_mount(server, routes, COUNT_OF(routes), NULL);
    if (http_server_listen(server, &err) != FF_OK) {
        printf("refused %s\n", err.msg);
        http_server_free(server);
        loop_free(loop);
        return 1;
    }
    printf("port %u\n", http_server_port(server));
    fflush(stdout);
    struct loop_watch *watch = loop_watch_add(loop, 0, EPOLLIN, on_command, NULL);
    loop_run(loop);
    loop_watch_del(watch);
    http_server_free(server);
    do_answer();
    loop_free(loop);
    return 0;
}
