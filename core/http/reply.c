/* http/reply.c - answers: status line, headers, whole bodies, problems. */
#include "http/conn.h"
#include <string.h>
#include <strings.h>

struct http_reply *http_reply_new(struct http_exchange *x)
{
    struct http_server *s = x->conn->server;
    struct http_reply *reply = s->spare;

    if (reply) {
        s->spare = reply->next;
        s->n_spare--;
    } else {
        reply = mem_alloc(sizeof(*reply));
    }
    *reply = (struct http_reply){.x = x,
                                 .peer = x->conn->peer,
                                 .minor = 1,
                                 .memory = reply->memory,
                                 .headers = reply->headers,
                                 .params = reply->params,
                                 .query = reply->query,
                                 .fields = reply->fields};
    reply->request.peer = &reply->peer;
    reply->request.method = reply->request.path = "";
    return reply;
}

static void destroy(struct http_reply *reply)
{
    ARRAY_DONE(&reply->headers);
    ARRAY_DONE(&reply->params);
    ARRAY_DONE(&reply->query);
    buf_done(&reply->fields);
    arena_done(&reply->memory);
    mem_free(reply);
}

/* An arena begins with 64 KiB: too much to allocate for every request. */
void http_reply_free(struct http_reply *reply)
{
    struct http_server *s = reply->x ? reply->x->conn->server : NULL;

    if (reply->drop_kept)
        reply->drop_kept(reply->kept);
    buf_done(&reply->body);
    if (!s || s->n_spare == HTTP_SPARE_MAX) {
        destroy(reply);
        return;
    }
    arena_reset(&reply->memory);
    reply->headers.n = reply->params.n = reply->query.n = 0;
    buf_clear(&reply->fields);
    reply->next = s->spare;
    s->spare = reply;
    s->n_spare++;
}

void http_reply_free_spare(struct http_server *s)
{
    while (s->spare) {
        struct http_reply *reply = s->spare;
        s->spare = reply->next;
        destroy(reply);
    }
}

void http_reply_keep(struct http_reply *reply, void *state, ff_call_fn *drop)
{
    reply->kept = state;
    reply->drop_kept = drop;
}

void http_reply_hold(struct http_reply *reply)
{
    reply->held = true;
}

void http_reply_admit(struct http_reply *reply)
{
    reply->held = false;
    if (reply->x)
        reply->x->ops->admitted(reply->x);
    else
        http_reply_free(reply);
}

void http_reply_why(struct http_reply *reply, const char *why)
{
    reply->why = why;
}

static void tell_answered(const struct http_reply *reply, int status)
{
    const struct http_exchange *x = reply->x;
    const struct http_server *s = x->conn->server;
    const struct http_answered a = {
        .route = x->match.route,
        .status = status,
        .why = reply->why,
        .took_us = reply->begun_us ? loop_mono_us(s->loop) - reply->begun_us : 0};

    if (s->answered)
        s->answered(s->answered_arg, &a);
}

void http_reply_switch(struct http_reply *reply, const struct http_protocol *protocol,
                       void *state, const char *name)
{
    struct http_exchange *x = reply->x;

    tell_answered(reply, 101);
    evbuffer_add_printf(x->ops->output(x),
                        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                        "Upgrade: %s\r\n%s\r\n",
                        name, buf_text(&reply->fields));
    http_reply_free(reply);
    x->ops->leave_to(x, protocol, state);
}

bool http_reply_gone(const struct http_reply *reply)
{
    return !reply->x;
}

bool http_reply_ended(const struct http_reply *reply)
{
    return !reply->x || reply->x->conn->input_ended;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } table[] = {{200, "OK"},
                 {201, "Created"},
                 {202, "Accepted"},
                 {204, "No Content"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {409, "Conflict"},
                 {412, "Precondition Failed"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {415, "Unsupported Media Type"},
                 {417, "Expectation Failed"},
                 {426, "Upgrade Required"},
                 {421, "Misdirected Request"},
                 {422, "Unprocessable Content"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"},
                 {507, "Insufficient Storage"}};

    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].status == status)
            return table[i].reason;
    return "Unknown";
}

static const struct {
    int status;
    const char *name;
} codes[] = {[FF_OK] = {200, "OK"},
             [FF_INVALID] = {400, "INVALID"},
             [FF_NOT_FOUND] = {404, "NOT_FOUND"},
             [FF_CONFLICT] = {409, "CONFLICT"},
             [FF_BUSY] = {503, "BUSY"},
             [FF_UNAVAILABLE] = {503, "UNAVAILABLE"},
             [FF_IN_DOUBT] = {503, "IN_DOUBT"},
             [FF_CANCELLED] = {409, "CANCELLED"},
             [FF_DENIED] = {403, "DENIED"},
             [FF_UNSUPPORTED] = {501, "UNSUPPORTED"},
             [FF_NO_MEMORY] = {503, "NO_MEMORY"},
             [FF_CORRUPT] = {500, "CORRUPT"},
             [FF_INTERNAL] = {500, "INTERNAL"},
             [FF_FULL] = {507, "FULL"},
             [FF_FATAL] = {500, "FATAL"}};

int http_status_of(int ff_code)
{
    return ff_code < 0 || ff_code >= (int)COUNT_OF(codes) ? 500 : codes[ff_code].status;
}

const char *http_code_name(int ff_code)
{
    if (ff_code < 0 || ff_code >= (int)COUNT_OF(codes))
        ff_code = FF_INTERNAL;
    return codes[ff_code].name;
}

int http_code_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (strcmp(codes[i].name, name) == 0)
            return (int)i;
    return FF_INTERNAL;
}

int http_code_for(int status)
{
    static const struct {
        int status, code;
    } table[] = {{400, FF_INVALID},     {401, FF_DENIED},  {403, FF_DENIED},
                 {404, FF_NOT_FOUND},   {405, FF_INVALID}, {409, FF_CONFLICT},
                 {412, FF_CONFLICT},    {413, FF_INVALID}, {415, FF_INVALID},
                 {422, FF_INVALID},     {429, FF_BUSY},    {501, FF_UNSUPPORTED},
                 {503, FF_UNAVAILABLE}, {507, FF_FULL}};

    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].status == status)
            return table[i].code;
    return status < 500 ? FF_INVALID : FF_INTERNAL;
}

static void add_field(struct buf *fields, const char *name, const char *value)
{
    buf_add_text(fields, name);
    buf_add_text(fields, ": ");
    buf_add_text(fields, value);
    buf_add_text(fields, "\r\n");
}

void http_reply_header(struct http_reply *reply, const char *name, const char *value)
{
    if (strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n")) {
        log_error("the answer's header %.32s is malformed and was left out", name);
        return;
    }
    if (strcasecmp(name, "cache-control") == 0)
        reply->cache_said = true;
    add_field(&reply->fields, name, value);
}

void http_reply_header_int(struct http_reply *reply, const char *name, int64_t n)
{
    buf_add_text(&reply->fields, name);
    buf_add_text(&reply->fields, ": ");
    buf_add_int(&reply->fields, n);
    buf_add_text(&reply->fields, "\r\n");
}

void http_reply_head(struct http_reply *reply, int status, const char *type,
                     int64_t length)
{
    struct buf *fields = &reply->fields;

    tell_answered(reply, status);
    add_field(fields, "Date", http_server_date(reply->x->conn->server));
    if (type)
        add_field(fields, "Content-Type", type);
    if (!reply->cache_said)
        buf_add_text(fields, "Cache-Control: no-store\r\n");
    buf_add_text(fields, "X-Content-Type-Options: nosniff\r\n");
    reply->x->ops->head(reply->x, status, length);
}

static bool has_body(const struct http_reply *reply, int status)
{
    return !reply->head_only && status != 204 && status != 304;
}

static void finish(struct http_reply *reply)
{
    struct http_exchange *x = reply->x;
    bool keep_alive = reply->keep_alive;

    http_reply_free(reply);
    if (x)
        x->ops->answered(x, keep_alive);
}

void http_reply_send(struct http_reply *reply, int status, const char *type,
                     const void *body, size_t len)
{
    if (reply->x) {
        http_reply_head(reply, status, type, (int64_t)len);
        if (has_body(reply, status))
            evbuffer_add(reply->x->ops->output(reply->x), body, len);
    }
    finish(reply);
}

void http_reply_bare(struct http_reply *reply, int status, const char *type,
                     int64_t length)
{
    if (reply->x)
        http_reply_head(reply, status, type, length);
    finish(reply);
}

static void free_body(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    mem_free(arg);
}

void http_reply_take(struct http_reply *reply, int status, const char *type,
                     struct buf *body)
{
    size_t len = body->len;
    char *data = buf_take(body);

    if (reply->x)
        http_reply_head(reply, status, type, (int64_t)len);
    if (!reply->x || len == 0 || !has_body(reply, status) ||
        evbuffer_add_reference(reply->x->ops->output(reply->x), data, len, free_body,
                               data) != 0)
        mem_free(data);
    finish(reply);
}

void http_reply_json(struct http_reply *reply, int status, const json_t *value)
{
    struct buf body = {0};

    json_add_to(&body, value);
    http_reply_take(reply, status, "application/json", &body);
}

/* RFC 9457. `code` is the machine's word for it: NULL leaves it out. */
static void problem(struct http_reply *reply, int status, const char *code,
                    const char *detail)
{
    struct buf body = {0};
    struct jsonw w = {.out = &body};

    jsonw_open(&w, '{');
    jsonw_key(&w, "type");
    jsonw_text(&w, "about:blank");
    jsonw_key(&w, "title");
    jsonw_text(&w, http_reason(status));
    jsonw_key(&w, "status");
    jsonw_int(&w, status);
    jsonw_key(&w, "detail");
    jsonw_text(&w, detail);
    if (code) {
        jsonw_key(&w, "code");
        jsonw_text(&w, code);
    }
    jsonw_close(&w, '}');
    if (status == 401)
        http_reply_header(reply, "WWW-Authenticate", "Bearer");
    if (status == 503)
        http_reply_header(reply, "Retry-After", "1");
    http_reply_take(reply, status, "application/problem+json", &body);
}

void http_reply_problem(struct http_reply *reply, int status, const char *fmt, ...)
{
    char detail[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    problem(reply, status, NULL, detail);
}

void http_reply_err(struct http_reply *reply, const struct ff_err *err)
{
    const char *code = http_code_name(err->code);
    int status = http_status_of(err->code);

    /* What http_json refused for its type says so itself. */
    if (err->code == FF_UNSUPPORTED && err->sys == 415)
        status = 415;
    problem(reply, status, code, err->msg);
}
