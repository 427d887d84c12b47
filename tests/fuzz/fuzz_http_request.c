/* fuzz_http_request.c - what the owner's server reads: head, then body with a length or
 * in chunks. Where the bytes are cut makes no difference; what was understood, written
 * in the plainest form, is understood the same. */
#include "fuzz.h"
#include "http/conn.h"
#include "http/h1_priv.h"

#define BODY_MAX 4096

struct verdict {
    int status; /* 0: not refused */
    bool complete;
    size_t used;
    struct http_reply *reply;
};

static struct http_server server;
static struct http_conn conn = {.server = &server};
static struct http_exchange exchange = {.conn = &conn};

static void parse_body(struct http_parse *p, const char *bytes, size_t len, size_t step,
                       struct verdict *v)
{
    while (!p->done && p->no.status == 0 && len > 0) {
        const size_t n = len < step ? len : step;
        MEM_AUTO char *copy = mem_alloc(n);

        memcpy(copy, bytes, n);
        const size_t used = http_parse_body(p, copy, n);

        FUZZ_CHECK(used <= n);
        FUZZ_CHECK(p->reply->body.len <= BODY_MAX);
        bytes += used;
        len -= used;
        v->used += used;
    }
}

static struct verdict parse(const char *bytes, size_t len, size_t step)
{
    struct verdict v = {.reply = http_reply_new(&exchange)};
    struct http_refusal no = {0};
    struct http_parse p = {0};
    size_t at = 0, head = 0;

    for (size_t n = 0; head == 0 && no.status == 0 && n < len;) {
        n = len - n > step ? n + step : len;
        MEM_AUTO char *copy = mem_alloc(n);

        memcpy(copy, bytes, n);
        head = http_find_head(copy, n, &at, &no);
        FUZZ_CHECK(head <= n && head <= HTTP_HEAD_MAX);
    }
    if (head > 0) {
        v.reply->body_max = BODY_MAX;
        v.used = head;
        if (http_parse_head(&p, v.reply, bytes, head))
            parse_body(&p, bytes + head, len - head, step, &v);
        no = p.no;
        v.complete = p.done;
    }
    v.status = no.status;
    return v;
}

static bool same_request(const struct http_reply *a, const struct http_reply *b,
                         bool framing_too)
{
    size_t k = 0;

    for (size_t i = 0; i < a->headers.n; i++) {
        const struct http_pair *h = &a->headers.items[i];

        if (!framing_too && strcmp(h->name, "transfer-encoding") == 0)
            continue;
        if (k >= b->headers.n || strcmp(b->headers.items[k].name, h->name) != 0 ||
            strcmp(b->headers.items[k].value, h->value) != 0)
            return false;
        k++;
    }
    return strcmp(a->target, b->target) == 0 && a->body.len == b->body.len &&
           memcmp(buf_text(&a->body), buf_text(&b->body), a->body.len) == 0;
}

static void check_cut(const char *bytes, size_t len, const struct verdict *whole,
                      size_t step)
{
    struct verdict cut = parse(bytes, len, step);

    FUZZ_CHECK(whole->status == cut.status);
    if (whole->status == 0) {
        FUZZ_CHECK(whole->complete == cut.complete && whole->used == cut.used);
        FUZZ_CHECK(!whole->complete || same_request(whole->reply, cut.reply, true));
    }
    http_reply_free(cut.reply);
}

/* One space behind each colon, a length instead of chunks. */
static void check_plainest(const struct verdict *v, const char *bytes)
{
    const struct http_reply *r = v->reply;
    const size_t method = (size_t)((const char *)memchr(bytes, ' ', v->used) - bytes);
    struct buf b = {0};

    buf_add(&b, bytes, method);
    buf_printf(&b, " %s HTTP/1.%d\r\n", r->target, r->minor);
    for (size_t i = 0; i < r->headers.n; i++)
        if (strcmp(r->headers.items[i].name, "transfer-encoding") != 0)
            buf_printf(&b, "%s: %s\r\n", r->headers.items[i].name,
                       r->headers.items[i].value);
    const size_t at = b.len;

    if (r->chunked)
        buf_printf(&b, "content-length: %zu\r\n", r->body.len);
    buf_add_text(&b, "\r\n");
    buf_add(&b, buf_text(&r->body), r->body.len);
    if (b.len - r->body.len <= HTTP_HEAD_MAX) {
        struct verdict again = parse(b.data, b.len, SIZE_MAX / 2);

        FUZZ_CHECK(again.status == 0 && again.complete && again.used == b.len);
        if (again.reply->headers.n > 0 && r->chunked)
            again.reply->headers.n--; /* the length, which is the last */
        FUZZ_CHECK(same_request(r, again.reply, false));
        http_reply_free(again.reply);
    }
    (void)at;
    buf_done(&b);
}

/* The target goes through the routes, whatever it is. */
static void check_routes(struct http_reply *reply)
{
    static const struct http_route routes[] = {
        {"GET", "/api/v1/runs/{id}/events", NULL, 0, NULL},
        {"POST", "/api/v1/runs/{id}/cancel", NULL, 64, NULL},
        {"GET", "/{any}", NULL, 0, NULL},
    };
    const struct http_mount mount = {routes, COUNT_OF(routes), NULL};
    struct http_match match = {0};

    reply->request.method = "GET";
    http_route_find(&mount, 1, reply, &match);
    FUZZ_CHECK(match.route || match.no.status >= 400);
    FUZZ_CHECK(reply->query.n <= HTTP_PAIRS_MAX && reply->params.n <= HTTP_PAIRS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MEM_AUTO char *bytes = fuzz_text(data, size);
    struct verdict whole = parse(bytes, size, SIZE_MAX / 2);

    FUZZ_CHECK(whole.status == 0 || (whole.status >= 400 && whole.status < 600));
    check_cut(bytes, size, &whole, 1);
    check_cut(bytes, size, &whole, 7);
    if (whole.complete && whole.status == 0) {
        check_plainest(&whole, bytes);
        check_routes(whole.reply);
    }
    http_reply_free(whole.reply);
    http_reply_free_spare(&server);
    return 0;
}
