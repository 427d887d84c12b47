/* http/ws_handshake.c - the request that asks for a WebSocket (RFC 6455, section 4.2).
 */
#include "http/ws_priv.h"
#include <sha1.h>
#include <string.h>
#include <strings.h>

enum { KEY_BYTES = 16 };

/* The next word of a list of them; NULL: there is none. */
static const char *next_word(const char **list, size_t *len)
{
    *list += strspn(*list, ", \t");
    const char *word = *list;
    *len = strcspn(word, ",");
    *list += *len;
    while (*len > 0 && (word[*len - 1] == ' ' || word[*len - 1] == '\t'))
        --*len;
    return *len > 0 ? word : NULL;
}

static bool has_word(const char *list, const char *wanted)
{
    const char *word;
    size_t len;

    while (list && (word = next_word(&list, &len)))
        if (strlen(wanted) == len && strncasecmp(word, wanted, len) == 0)
            return true;
    return false;
}

static bool is_key(const char *key)
{
    struct buf bytes = {0};
    bool good = key && base64_read(key, strlen(key), &bytes) && bytes.len == KEY_BYTES;

    buf_done(&bytes);
    return good;
}

/* --- who asks --- */

static bool is_listed(const char *const *list, const char *text)
{
    for (; list && *list; list++)
        if (strcasecmp(*list, text) == 0)
            return true;
    return false;
}

/* Its own pages have its own name. Behind a proxy that speaks TLS for it, their origin
 * says https though this connection has none. */
static bool is_own_origin(const struct http_reply *reply, const char *origin)
{
    const char *host = http_header(&reply->request, "host");
    bool tls = reply->x->conn->tls;

    if (strncasecmp(origin, "https://", 8) == 0)
        origin += 8;
    else if (!tls && strncasecmp(origin, "http://", 7) == 0)
        origin += 7;
    else
        return false;
    return host && strcasecmp(origin, host) == 0;
}

/* --- what is spoken --- */

static const char *choose_protocol(const struct http_request *r,
                                   const char *const *ours)
{
    const char *offered = http_header(r, "sec-websocket-protocol");

    for (; offered && ours && *ours; ours++)
        if (has_word(offered, *ours))
            return *ours;
    return "";
}

static void add_accept(struct http_reply *reply, const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[SHA1_DIGEST_LENGTH];
    struct buf accept = {0};
    SHA1_CTX ctx;

    SHA1Init(&ctx);
    SHA1Update(&ctx, (const uint8_t *)key, strlen(key));
    SHA1Update(&ctx, (const uint8_t *)guid, sizeof(guid) - 1);
    SHA1Final(digest, &ctx);
    base64_add(&accept, digest, sizeof(digest));
    http_reply_header(reply, "Sec-WebSocket-Accept", buf_text(&accept));
    buf_done(&accept);
}

static struct http_refusal refuse(int status, const char *why)
{
    return (struct http_refusal){status, why};
}

struct http_refusal ws_check_handshake(struct http_reply *reply,
                                       const struct http_websocket_opts *opts,
                                       const char **protocol)
{
    const struct http_request *r = &reply->request;
    const char *version = http_header(r, "sec-websocket-version");
    const char *origin = http_header(r, "origin");
    const char *key = http_header(r, "sec-websocket-key");

    if (reply->minor != 1)
        return refuse(400, "a WebSocket is opened over HTTP/1.1");
    if (strcmp(r->method, "GET") != 0 ||
        !has_word(http_header(r, "upgrade"), "websocket") ||
        !has_word(http_header(r, "connection"), "upgrade")) {
        http_reply_header(reply, "Upgrade", "websocket");
        return refuse(426, "this path speaks WebSocket: ask for the upgrade");
    }
    if (!version || strcmp(version, "13") != 0) {
        http_reply_header(reply, "Sec-WebSocket-Version", "13");
        return refuse(426, "of WebSocket, version 13 is spoken here");
    }
    if (!is_key(key))
        return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
    if (origin && !is_own_origin(reply, origin) && !is_listed(opts->origins, origin))
        return refuse(403, "pages of this origin may not open it");
    *protocol = choose_protocol(r, opts->protocols);
    if (**protocol)
        http_reply_header(reply, "Sec-WebSocket-Protocol", *protocol);
    add_accept(reply, key);
    return refuse(0, NULL);
}
