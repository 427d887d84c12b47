/* http/exchange.c - one request and its answer, whatever protocol carries them: who may
 * ask here, which route it is, who answers. */
#include "http/conn.h"
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* All of 127.0.0.0/8, as an address and not as the beginning of a name. */
static bool is_loopback_v4(const char *host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    size_t len = strcspn(host, ":");

    if (len >= sizeof(text))
        return false;
    memcpy(text, host, len);
    text[len] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 &&
           ntohl(address.s_addr) >> 24 == 127;
}

/* Names that a page of somebody else cannot be served under. */
static bool is_loopback_host(const char *host)
{
    static const char *const names[] = {"localhost", "[::1]"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t len = strlen(names[i]);
        if (strncasecmp(host, names[i], len) == 0 &&
            (host[len] == '\0' || host[len] == ':'))
            return true;
    }
    return is_loopback_v4(host);
}

static struct http_refusal judge(const struct http_exchange *x)
{
    const struct http_request *r = &x->reply->request;
    const char *host = http_header(r, "host");
    const char *expect = http_header(r, "expect");

    if (x->conn->rebinding_guard && host && !is_loopback_host(host))
        return (struct http_refusal){421, "this server answers to localhost only"};
    if (!x->match.route)
        return x->match.no;
    if (x->reply->content_length > x->match.route->body_max)
        return (struct http_refusal){413, "the body is larger than this route takes"};
    if (expect && strcasecmp(expect, "100-continue") != 0)
        return (struct http_refusal){417, "only 100-continue can be expected"};
    return (struct http_refusal){0};
}

void http_exchange_refuse(struct http_exchange *x, struct http_refusal no)
{
    if (*x->match.allow)
        http_reply_header(x->reply, "Allow", x->match.allow);
    http_reply_problem(x->reply, no.status, "%s", no.why);
}

void http_exchange_begin(struct http_exchange *x, bool whole)
{
    struct http_reply *reply = x->reply;
    struct http_server *s = x->conn->server;

    s->counts.n_requests++;
    if (s->answered)
        reply->begun_us = loop_mono_us(s->loop);
    reply->head_only = strcmp(reply->request.method, "HEAD") == 0;
    http_route_find(s->mounts.items, s->mounts.n, reply, &x->match);
    if (*x->match.allow && whole && strcmp(reply->request.method, "OPTIONS") == 0) {
        http_reply_header(reply, "Allow", x->match.allow);
        http_reply_send(reply, 204, NULL, "", 0);
        return;
    }
    struct http_refusal no = judge(x);
    if (no.status != 0) {
        http_exchange_refuse(x, no);
        return;
    }
    const struct http_route *route = x->match.route;
    reply->body_max = route->body_max;
    if (route->admit && !route->admit(x->match.arg, &reply->request, reply))
        return;
    if (!reply->held)
        x->ops->admitted(x);
}

void http_exchange_dispatch(struct http_exchange *x)
{
    struct http_reply *reply = x->reply;

    reply->request.body = buf_text(&reply->body);
    reply->request.body_len = reply->body.len;
    x->match.route->handle(x->match.arg, &reply->request, reply);
}

void http_exchange_lost(struct http_exchange *x, bool has_handler)
{
    struct http_reply *reply = x->reply;
    struct http_stream *stream = x->stream;

    x->reply = NULL;
    x->stream = NULL;
    if (reply && has_handler)
        reply->x = NULL;
    else if (reply)
        http_reply_free(reply);
    if (stream)
        http_stream_lost(stream);
}
