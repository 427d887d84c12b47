/* http/parse.c - turns checked bytes into a request, by llhttp.
 *
 * One message at a time: the head is given whole, then the body in any pieces; llhttp
 * is paused at the end of the message, so that what follows stays the caller's.
 * Trailers are refused, not skipped: nothing here could use them. */
#include "http/h1_priv.h"
#include <string.h>

static struct http_parse *of(llhttp_t *parser)
{
    return parser->data;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http_reply *reply = of(parser)->reply;

    reply->target = arena_text(&reply->memory, at, len);
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http_parse *p = of(parser);

    if (p->head_done)
        return HPE_USER;
    char *name = arena_text(&p->reply->memory, at, len);
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    ARRAY_ADD(&p->reply->headers, ((struct http_pair){.name = name, .value = ""}));
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_reply *reply = of(parser)->reply;

    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    reply->headers.items[reply->headers.n - 1].value =
        arena_text(&reply->memory, at, len);
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_parse *p = of(parser);

    if (p->head_done)
        return HPE_USER;
    p->head_done = true;
    p->keep_alive = llhttp_should_keep_alive(parser);
    p->reply->content_length = parser->content_length;
    p->reply->chunked = parser->flags & F_CHUNKED;
    p->reply->minor = parser->http_minor;
    /* A server may ignore the wish to speak another protocol (RFC 9110, 7.8). */
    parser->upgrade = 0;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_parse *p = of(parser);

    if (p->reply->body.len + len > p->reply->body_max) {
        p->no = (struct http_refusal){413, "the body is larger than this route takes"};
        return HPE_USER;
    }
    buf_add(&p->reply->body, at, len);
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    of(parser)->done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_url = on_url,
                                           .on_header_field = on_field,
                                           .on_header_value = on_value,
                                           .on_headers_complete = on_headers_complete,
                                           .on_body = on_body,
                                           .on_message_complete = on_complete};

bool http_parse_head(struct http_parse *p, struct http_reply *reply, const char *head,
                     size_t len)
{
    *p = (struct http_parse){.reply = reply};
    http_check_head(head, len, &p->no);
    if (p->no.status != 0)
        return false;
    llhttp_init(&p->parser, HTTP_REQUEST, &settings);
    p->parser.data = p;
    enum llhttp_errno code = llhttp_execute(&p->parser, head, len);
    /* Only a message without a body may be at its end, and only here. */
    if ((code == HPE_OK && p->head_done) ||
        (code == HPE_PAUSED && p->done &&
         llhttp_get_error_pos(&p->parser) == head + len))
        return true;
    p->no = (struct http_refusal){400, "this is not an HTTP/1.1 request"};
    return false;
}

/* llhttp lets a bare LF end the last chunk even in its strict mode. */
static bool ends_well(struct http_parse *p, const char *bytes, size_t used)
{
    char last[8];
    size_t n = used < 4 ? used : 4;

    memcpy(last, p->tail, 4);
    memcpy(last + 4, bytes + used - n, n);
    memcpy(p->tail, last + n, 4);
    return !p->done || !p->reply->chunked || memcmp(p->tail, "\r\n\r\n", 4) == 0;
}

size_t http_parse_body(struct http_parse *p, const char *bytes, size_t len)
{
    size_t before = p->reply->body.len;

    enum llhttp_errno code = llhttp_execute(&p->parser, bytes, len);
    size_t used = len;
    if (code == HPE_PAUSED && p->done)
        used = (size_t)(llhttp_get_error_pos(&p->parser) - bytes);
    else if (code != HPE_OK && p->no.status == 0)
        p->no = (struct http_refusal){400, "the chunks of the body are malformed"};
    if (p->no.status != 0)
        return used;
    if (!ends_well(p, bytes, used))
        p->no = (struct http_refusal){400, "the last chunk does not end with CRLF"};
    p->framing += used - (p->reply->body.len - before);
    if (p->framing > HTTP_FRAMING_MAX + 16 * p->reply->body.len)
        p->no = (struct http_refusal){400, "the body is made of chunk framing"};
    return used;
}
