/* queue-redis/address.c - where the server is: from settings to addresses, and from an
 * address to what a socket connects to. */
#include "redis.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* "[::1]:6379", "::1", "redis:6379", "redis", "/run/redis.sock" */
static bool split(const char *text, size_t len, struct rq_address *out)
{
    const char *colon = memchr(text, ':', len);
    const bool bare = colon && memchr(colon + 1, ':', len - (size_t)(colon + 1 - text));
    size_t skip = 0;
    size_t host_len = len;

    if (text[0] == '[') {
        const char *end = memchr(text, ']', len);

        if (!end)
            return false;
        skip = 1;
        host_len = (size_t)(end - text);
        colon = end + 1 < text + len ? end + 1 : NULL;
        if (colon && *colon != ':')
            return false;
    } else if (text[0] == '/' || bare) {
        colon = NULL;
    } else if (colon) {
        host_len = (size_t)(colon - text);
    }
    if (host_len <= skip || host_len - skip >= sizeof(out->host))
        return false;
    memcpy(out->host, text + skip, host_len - skip);
    out->host[host_len - skip] = '\0';
    if (!colon)
        return true;

    char digits[8] = "";
    const size_t n = len - (size_t)(colon + 1 - text);

    if (n == 0 || n >= sizeof(digits))
        return false;
    memcpy(digits, colon + 1, n);
    if (strspn(digits, "0123456789") != n)
        return false;
    out->port = atoi(digits);
    return out->port > 0 && out->port < 65536;
}

int rq_read_addresses(struct rq_session *s, struct ff_err *err)
{
    const struct rq_config *c = &s->config;
    const char *at = c->addresses && *c->addresses ? c->addresses : c->host;

    /* The usual port of a sentinel, unless another one is said. */
    const int port = rq_has_sentinels(c) && c->port == 6379 ? 26379 : (int)c->port;

    while (at && *at) {
        size_t len = strcspn(at, ",");
        const char *next = at + len + (at[len] == ',');
        struct rq_address *a = &s->addresses[s->n_addresses];

        while (len > 0 && *at == ' ') {
            at++;
            len--;
        }
        while (len > 0 && at[len - 1] == ' ')
            len--;
        if (s->n_addresses == RQ_MAX_ADDRESSES)
            return ff_fail(err, FF_INVALID, 0, "redis: more than %d addresses",
                           RQ_MAX_ADDRESSES);
        a->port = port;
        if (len == 0 || !split(at, len, a))
            return ff_fail(err, FF_INVALID, 0,
                           "redis: \"%.80s\" is no address; write HOST:PORT or the "
                           "path of a socket, several with commas",
                           at);
        s->n_addresses++;
        at = next;
    }
    if (s->n_addresses == 0)
        return ff_fail(err, FF_INVALID, 0, "redis: host and addresses are empty");
    s->n_configured = s->n_addresses;
    return FF_OK;
}

bool rq_read_address(const char *host, const char *port, struct rq_address *out)
{
    const size_t len = strlen(host);

    if (len == 0 || len >= sizeof(out->host) || host[0] == '/' || !*port ||
        strlen(port) > 5 || strspn(port, "0123456789") != strlen(port))
        return false;
    memcpy(out->host, host, len + 1);
    out->port = atoi(port);
    return out->port > 0 && out->port < 65536;
}

bool rq_is_local(const struct rq_address *address)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(address->host, names[i]) == 0)
            return true;
    return address->host[0] == '/';
}

bool rq_all_local(const struct rq_session *s)
{
    for (size_t i = 0; i < s->n_addresses; i++)
        if (!rq_is_local(&s->addresses[i]))
            return false;
    return true;
}

static const char *text_of(const struct rq_address *a, char out[280])
{
    if (a->host[0] == '/')
        snprintf(out, 280, "%s", a->host);
    else
        snprintf(out, 280, strchr(a->host, ':') ? "[%s]:%d" : "%s:%d", a->host,
                 a->port);
    return out;
}

const char *rq_where(const struct rq_session *s, char out[RQ_WHERE])
{
    char target[280];
    char sentinel[280];

    text_of(&s->target, target);
    if (s->asking || !rq_has_sentinels(&s->config))
        snprintf(out, RQ_WHERE, "Redis %sat %.60s", s->asking ? "sentinel " : "",
                 target);
    else
        snprintf(out, RQ_WHERE, "Redis at %.60s, named by the sentinel at %.60s",
                 target, text_of(&s->addresses[s->at_address], sentinel));
    return out;
}

static void add(struct rq_places *out, const void *address, socklen_t size)
{
    if (out->n == RQ_MAX_PLACES || size > sizeof(out->items[0]))
        return;
    memcpy(&out->items[out->n], address, size);
    out->sizes[out->n++] = size;
}

static void add_v4(struct rq_places *out, struct in_addr address, int port)
{
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};

    add(out, &in, sizeof(in));
}

static void add_v6(struct rq_places *out, struct in6_addr address, int port)
{
    const struct sockaddr_in6 in = {.sin6_family = AF_INET6,
                                    .sin6_port = htons((uint16_t)port),
                                    .sin6_addr = address};

    add(out, &in, sizeof(in));
}

static void add_path(struct rq_places *out, const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(un.sun_path))
        return;
    memcpy(un.sun_path, path, strlen(path) + 1);
    add(out, &un, sizeof(un));
}

bool rq_place_now(const struct rq_address *address, struct rq_places *out)
{
    const char *host = address->host;
    struct in_addr v4;
    struct in6_addr v6;

    out->n = 0;
    if (host[0] == '/') {
        add_path(out, host);
    } else if (strcmp(host, "localhost") == 0) {
        add_v4(out, (struct in_addr){.s_addr = htonl(INADDR_LOOPBACK)}, address->port);
        add_v6(out, in6addr_loopback, address->port);
    } else if (inet_pton(AF_INET, host, &v4) == 1) {
        add_v4(out, v4, address->port);
    } else if (inet_pton(AF_INET6, host, &v6) == 1) {
        add_v6(out, v6, address->port);
    } else {
        return false;
    }
    return true;
}

void rq_place_by_name(const struct rq_address *address, struct rq_places *out)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    char port[8];

    out->n = 0;
    snprintf(port, sizeof(port), "%d", address->port);
    if (getaddrinfo(address->host, port, &hints, &found) != 0)
        return;
    for (const struct addrinfo *a = found; a; a = a->ai_next)
        add(out, a->ai_addr, a->ai_addrlen);
    freeaddrinfo(found);
}
