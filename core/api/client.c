/* api/client.c - one request and its answer, parsed by llhttp. */
#include "api/client.h"
#include "api/client_link.h"
#include "http/http.h"
#include <llhttp/llhttp.h>
#include <string.h>
#include <strings.h>

enum { ANSWER_MAX = 256 * 1024 * 1024 };
#define TIMEOUT_US (30 * UNITS_SECOND)

struct client {
    struct client_link link;
    char *token;
    int64_t timeout_us;
};

/* An answer on its way in. */
struct intake {
    llhttp_t parser;
    struct client_answer *answer;
    char name[32], value[64]; /* of the header in hand, cut where longer */
    bool in_value;
    bool no_body; /* to HEAD */
    bool began;   /* a byte has come */
    bool done, keep_alive, stopped;
    client_piece_fn *fn; /* NULL: into answer->body */
    void *arg;
};

/* --- what llhttp finds --- */

static struct intake *of(llhttp_t *parser)
{
    return parser->data;
}

static void append(char *text, size_t room, const char *at, size_t len)
{
    size_t used = strlen(text);
    size_t n = len < room - 1 - used ? len : room - 1 - used;

    memcpy(text + used, at, n);
    text[used + n] = '\0';
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct intake *in = of(parser);

    if (in->in_value)
        *in->name = '\0';
    in->in_value = false;
    append(in->name, sizeof(in->name), at, len);
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct intake *in = of(parser);

    if (!in->in_value)
        *in->value = '\0';
    in->in_value = true;
    append(in->value, sizeof(in->value), at, len);
    if (strcasecmp(in->name, "content-type") == 0)
        snprintf(in->answer->type, sizeof(in->answer->type), "%s", in->value);
    return 0;
}

/* 1 tells llhttp that no body follows. */
static int on_headers_complete(llhttp_t *parser)
{
    struct intake *in = of(parser);

    in->answer->status = parser->status_code;
    return in->no_body ? 1 : 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct intake *in = of(parser);

    if (!in->fn || in->answer->status >= 400) {
        buf_add(&in->answer->body, at, len);
        return in->answer->body.overflow ? HPE_USER : 0;
    }
    if (!in->stopped && !in->fn(in->arg, at, len))
        in->stopped = true;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    struct intake *in = of(parser);

    if (parser->status_code == 100)
        return 0;
    in->done = true;
    in->keep_alive = llhttp_should_keep_alive(parser);
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_header_field = on_field,
                                           .on_header_value = on_value,
                                           .on_headers_complete = on_headers_complete,
                                           .on_body = on_body,
                                           .on_message_complete = on_complete};

/* --- one call --- */

struct client *client_new(const struct client_options *opts, struct ff_err *err)
{
    struct client *c = mem_alloc(sizeof(*c));

    if (client_link_init(&c->link, opts->endpoint, err) != FF_OK) {
        client_free(c);
        return NULL;
    }
    c->link.stop_fd = opts->stop_fd;
    c->token = mem_text(opts->token);
    c->timeout_us = opts->timeout_us > 0 ? opts->timeout_us : TIMEOUT_US;
    return c;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    client_link_done(&c->link);
    mem_free(c->token);
    mem_free(c);
}

static void add_header(struct buf *out, const char *name, const char *value)
{
    if (value)
        buf_printf(out, "%s: %s\r\n", name, value);
}

static void write_request(const struct client *c, const struct client_request *r,
                          struct buf *out)
{
    buf_printf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\n", r->method, r->path);
    if (c->token)
        buf_printf(out, "Authorization: Bearer %s\r\n", c->token);
    add_header(out, "Idempotency-Key", r->idempotency_key);
    add_header(out, "Last-Event-ID", r->last_event_id);
    if (r->body) {
        add_header(out, "Content-Type", r->type ? r->type : "application/json");
        buf_printf(out, "Content-Length: %zu\r\n", r->len);
    }
    buf_add_text(out, "\r\n");
    buf_add(out, r->body, r->len);
}

/* n 0: the end of input, which also ends an answer without a length. */
static int take_bytes(struct intake *in, const char *bytes, size_t n,
                      struct ff_err *err)
{
    enum llhttp_errno code =
        n > 0 ? llhttp_execute(&in->parser, bytes, n) : llhttp_finish(&in->parser);

    if (in->done || (n > 0 && code == HPE_OK))
        return FF_OK;
    if (n == 0)
        return ff_fail(err, FF_UNAVAILABLE, 0, "the server closed the connection");
    return ff_fail(err, FF_INTERNAL, 0, "the server's answer is malformed: %s",
                   llhttp_get_error_reason(&in->parser));
}

static int read_answer(struct client *c, struct intake *in, struct ff_err *err)
{
    char bytes[16 * 1024];
    size_t n = 0;
    int code = FF_OK;

    while (code == FF_OK && !in->done && !in->stopped) {
        code = client_link_recv(&c->link, bytes, sizeof(bytes), &n, err);
        if (code == FF_OK && n > 0)
            in->began = true;
        if (code == FF_OK)
            code = take_bytes(in, bytes, n, err);
        if (in->fn)
            client_link_set_deadline(&c->link, c->timeout_us);
    }
    if (code != FF_OK || !in->keep_alive)
        client_link_close(&c->link);
    return code;
}

static int try_once(struct client *c, const struct buf *request, struct intake *in,
                    bool *sent, struct ff_err *err)
{
    int code = FF_OK;

    llhttp_init(&in->parser, HTTP_RESPONSE, &settings);
    in->parser.data = in;
    if (c->link.fd < 0)
        code = client_link_open(&c->link, err);
    if (code != FF_OK)
        return code;
    *sent = true;
    code = client_link_send(&c->link, request->data, request->len, err);
    /* A server that refuses early may have answered before it closed. */
    if (code == FF_OK || code == FF_UNAVAILABLE) {
        struct ff_err other;
        int answer = read_answer(c, in, code == FF_OK ? err : &other);
        if (code != FF_OK && answer == FF_OK)
            code = FF_OK;
        else if (code == FF_OK)
            code = answer;
    }
    if (code != FF_OK)
        client_link_close(&c->link);
    return code;
}

/* May it be sent again when nobody knows what became of it? */
static bool is_repeatable(const struct client_request *r)
{
    return strcmp(r->method, "POST") != 0 || r->idempotency_key;
}

static int perform(struct client *c, const struct client_request *r, struct intake *in,
                   struct ff_err *err)
{
    struct buf request = {.max = SIZE_MAX};
    bool sent = false;

    write_request(c, r, &request);
    in->no_body = strcmp(r->method, "HEAD") == 0;
    client_link_set_deadline(&c->link, c->timeout_us);
    if (!client_link_is_fresh(&c->link))
        client_link_close(&c->link);
    bool reused = c->link.fd >= 0;
    int code = try_once(c, &request, in, &sent, err);
    if (code == FF_UNAVAILABLE && sent && !in->began && is_repeatable(r) &&
        (reused || r->idempotency_key))
        code = try_once(c, &request, in, &sent, err);
    if (code == FF_UNAVAILABLE && sent && !is_repeatable(r)) {
        code = FF_IN_DOUBT;
        if (err)
            err->code = code;
    }
    buf_done(&request);
    return code;
}

int client_call(struct client *c, const struct client_request *r,
                struct client_answer *out, struct ff_err *err)
{
    struct intake in = {.answer = out};

    *out = (struct client_answer){.body.max = ANSWER_MAX};
    int code = perform(c, r, &in, err);
    if (code != FF_OK)
        buf_done(&out->body);
    return code;
}

/* --- JSON --- */

static int fail_plainly(int status, struct ff_err *err)
{
    return ff_fail(err, FF_INTERNAL, status, "the server answered with status %d",
                   status);
}

/* What a problem document says. */
static int fail_as_told(const struct client_answer *answer, struct ff_err *err)
{
    struct ff_err ignored;
    json_t *problem = json_parse(buf_text(&answer->body), answer->body.len, &ignored);
    const char *code = json_string_value(json_object_get(problem, "code"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    int result;

    if (!detail || !detail[0])
        result = fail_plainly(answer->status, err);
    else
        result = ff_fail(err, code ? http_code_of(code) : http_code_for(answer->status),
                         answer->status, "%s", detail);
    json_decref(problem);
    return result;
}

static int parse_answer(const struct client_answer *answer, json_t **out,
                        struct ff_err *err)
{
    if (answer->status >= 400)
        return fail_as_told(answer, err);
    if (!out)
        return FF_OK;
    *out = answer->body.len > 0 ? json_parse(answer->body.data, answer->body.len, err)
                                : json_null();
    return *out ? FF_OK : err->code;
}

int client_json(struct client *c, const char *method, const char *path,
                const json_t *body, json_t **out, struct ff_err *err)
{
    struct client_request r = {.method = method, .path = path};
    struct client_answer answer;
    struct ff_err own = {0};

    MEM_AUTO char *text = body ? json_text(body) : NULL;
    r.body = text;
    r.len = text ? strlen(text) : 0;
    int code = client_call(c, &r, &answer, &own);
    if (code == FF_OK) {
        code = parse_answer(&answer, out, &own);
        buf_done(&answer.body);
    }
    if (code != FF_OK && err)
        *err = own;
    return code;
}

int client_stream(struct client *c, const struct client_request *r, client_piece_fn *fn,
                  void *arg, struct ff_err *err)
{
    struct client_answer answer = {.body.max = ANSWER_MAX};
    struct intake in = {.answer = &answer, .fn = fn, .arg = arg};
    struct ff_err own = {0};

    int code = perform(c, r, &in, &own);
    if (code == FF_OK && answer.status >= 400)
        code = fail_as_told(&answer, &own);
    buf_done(&answer.body);
    if (code != FF_OK && err)
        *err = own;
    return code;
}

void client_escape(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~";

    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_add_char(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}
