/* support.c - the server of a test is a thread that answers one request after the
 * other, on as many connections as the driver makes. */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the host --- */

static struct world *of(struct ff_core *self)
{
    return (struct world *)(void *)self;
}

static int64_t now_us(struct ff_core *self)
{
    return of(self)->now_us;
}

static uint64_t no_luck(struct ff_core *self)
{
    (void)self;
    return 0; /* no wait between tries */
}

static void no_log(struct ff_core *self, int level, const char *file, int line,
                   const char *fmt, ...)
{
    (void)self;
    (void)level;
    (void)file;
    (void)line;
    (void)fmt;
}

/* --- the server --- */

static char *find_header(char *head, const char *name)
{
    const size_t n = strlen(name);

    for (char *at = head; (at = strstr(at, "\r\n")); at += 2)
        if (strncasecmp(at + 2, name, n) == 0 && at[2 + n] == ':')
            return at + 2 + n + 1 + strspn(at + 2 + n + 1, " ");
    return NULL;
}

/* False: there is no further request. */
static bool read_request(int fd, struct asked *a)
{
    char head[8192];
    size_t n = 0;
    char *end = NULL;

    while (!end) {
        const ssize_t got = recv(fd, head + n, sizeof(head) - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        head[n] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    const size_t n_head = (size_t)(end - head) + 4;
    const char *length = find_header(head, "Content-Length");
    const char *range = find_header(head, "Range");
    char *sign = find_header(head, "Authorization");

    *a = (struct asked){.len = length ? strtoul(length, NULL, 10) : 0};
    a->signed_ = sign && strncmp(sign, "AWS4-HMAC-SHA256", 16) == 0 &&
                 find_header(head, "x-amz-date") &&
                 find_header(head, "x-amz-content-sha256");
    snprintf(a->line, sizeof(a->line), "%.*s", (int)strcspn(head, "\r\n") - 9, head);
    if (range)
        snprintf(a->range, sizeof(a->range), "%.*s", (int)strcspn(range, "\r\n"),
                 range);
    a->body = calloc(1, a->len + 1);
    size_t have = n - n_head;
    if (have > a->len)
        have = a->len;
    memcpy(a->body, head + n_head, have);
    while (have < a->len) {
        const ssize_t got = recv(fd, a->body + have, a->len - have, 0);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return true;
}

static void wait_for_end(int fd)
{
    char byte;

    while (recv(fd, &byte, 1, 0) > 0)
        continue;
}

/* False: the connection is of no more use. */
static bool send_answer(int fd, const struct answer *a)
{
    char head[1024];
    const size_t len = a->body ? strlen(a->body) : 0;
    const size_t most = a->cut > 0 && a->cut < len ? a->cut : len;

    if (a->status == 0)
        return false;
    const int n =
        snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n",
                 a->status, a->headers ? a->headers : "", len);
    send(fd, head, (size_t)n, MSG_NOSIGNAL);
    if (most > 0)
        send(fd, a->body, most, MSG_NOSIGNAL);
    if (a->stalls)
        wait_for_end(fd);
    return most == len && !a->stalls;
}

static void *serve(void *arg)
{
    struct world *w = arg;

    for (;;) {
        const int fd = accept(w->listener, NULL, NULL);
        bool more = fd >= 0;
        if (fd < 0)
            return NULL;
        while (more && w->n_asked < N_MAX && read_request(fd, &w->asked[w->n_asked])) {
            const struct answer none = {.status = 599, .body = "not written down"};
            const size_t i = w->n_asked++;
            more = send_answer(fd, i < w->n_answers ? &w->answers[i] : &none);
        }
        close(fd);
    }
}

void world_begin(struct world *w)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    char endpoint[64];
    const struct ff_driver *driver = NULL;
    extern const struct ff_driver *ff_driver_entry(void);

    *w = (struct world){.now_us = INT64_C(1764000000000000)};
    w->host = (struct ff_host){.struct_size = sizeof(w->host),
                               .self = (struct ff_core *)(void *)w,
                               .now_us = now_us,
                               .random = no_luck,
                               .log = no_log};
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(w->listener, 16), 0);
    assert_int_equal(getsockname(w->listener, (struct sockaddr *)&at, &n), 0);
    w->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);

    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", w->port);
    const struct s3_config config = {.bucket = "bucket",
                                     .region = "us-east-1",
                                     .endpoint = endpoint,
                                     .prefix = "p/",
                                     .access_key = "AK",
                                     .secret_key = "hidden",
                                     .part_bytes = 10,
                                     .tries = 4,
                                     .connect_timeout_us = 10000000,
                                     .stall_timeout_us = 1000000};
    driver = ff_driver_entry();
    assert_int_equal(
        driver->ops.blob->open(&w->host, &config, (void **)&w->s3, &w->err), FF_OK);
}

void world_end(struct world *w)
{
    ff_driver_entry()->ops.blob->close(w->s3);
    shutdown(w->listener, SHUT_RDWR);
    close(w->listener);
    pthread_join(w->thread, NULL);
    assert_int_equal(w->n_asked, w->n_answers);
    for (size_t i = 0; i < w->n_asked; i++) {
        assert_true(w->asked[i].signed_);
        free(w->asked[i].body);
    }
}

/* --- what it says --- */

void world_answers(struct world *w, struct answer a)
{
    assert_true(w->n_answers < N_MAX);
    w->answers[w->n_answers++] = a;
}

void world_says(struct world *w, int status, const char *body)
{
    world_answers(w, (struct answer){.status = status, .body = body});
}

void world_lists(struct world *w, const char *hash, const int64_t *times,
                 const size_t *sizes, size_t n)
{
    static char texts[N_MAX][4096];
    char *text = texts[w->n_answers];
    size_t at = 0;

    at += (size_t)snprintf(text, 4096,
                           "<?xml version=\"1.0\"?><ListBucketResult "
                           "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                           "<IsTruncated>false</IsTruncated>");
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, 4096 - at,
                               "<Contents><Key>p/kit/%s.%020lld</Key>"
                               "<Size>%zu</Size></Contents>",
                               hash, (long long)times[i], sizes[i]);
    snprintf(text + at, 4096 - at, "</ListBucketResult>");
    world_says(w, 200, text);
}

/* --- the driver --- */

struct content content_of(const char *bytes)
{
    struct content c = {.bytes = bytes, .len = strlen(bytes)};

    s3_hash(bytes, c.len, c.hash);
    return c;
}

static int read_content(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct content *c = arg;

    assert_true(offset + len <= c->len);
    if (c->fails_at > 0 && offset + len >= c->fails_at)
        return 1;
    memcpy(to, c->bytes + offset, len);
    return 0;
}

static void name(struct content *c)
{
    c->id = (struct ff_blob_id){.space = "kit", .hash = c->hash};
}

int put(struct world *w, struct content *c)
{
    name(c);
    return s3_put(w->s3, &c->id, c->len, read_content, c, &w->err);
}

static int take_bytes(void *arg, const void *bytes, size_t len)
{
    struct got *got = arg;

    assert_true(got->len + len <= sizeof(got->bytes));
    memcpy(got->bytes + got->len, bytes, len);
    got->len += len;
    return got->stop_at > 0 && got->len >= got->stop_at;
}

int get(struct world *w, struct content *c, struct got *got)
{
    name(c);
    return s3_get(w->s3, &c->id, take_bytes, got, &w->err);
}
