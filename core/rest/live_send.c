/* live_send.c - one stream as its protocol has it: server-sent events, or the frames of
 * a WebSocket. */
#include "rest/live.h"

#include <string.h>

#define RETRY_MS 2000
/* One item, and what live.c lets it owe before. */
#define BUFFER_MAX ((size_t)4 * 1024 * 1024)
#define CLIENT_MAX 4096                /* bytes of a message that nobody reads */
#define STALL_US   (60 * UNITS_SECOND) /* without a byte taken */

static void on_gone(void *arg)
{
    live_let_go(arg);
}

static void on_ws_gone(void *arg, int code)
{
    (void)code;
    live_let_go(arg);
}

static void on_drained(void *arg)
{
    live_drained(arg);
}

/* There is nothing to be said to the server here. */
static void on_message(void *arg, bool text, const char *bytes, size_t len)
{
    (void)arg;
    (void)text;
    (void)bytes;
    (void)len;
}

/* An id without data tells no event, but is what the reader comes back with. */
static bool open_sse(struct live *s, struct http_reply *reply, const char *cursor)
{
    const struct http_stream_opts opts = {.buffer_max = BUFFER_MAX,
                                          .stall_us = STALL_US,
                                          .gone = on_gone,
                                          .drained = on_drained,
                                          .arg = s};
    char text[512];

    s->sse = http_stream_open(reply, &opts);
    if (!s->sse)
        return false;
    snprintf(text, sizeof(text), "retry: %d\nid: %s\n\n", RETRY_MS, cursor);
    http_stream_write(s->sse, text, strlen(text));
    return true;
}

static bool open_ws(struct live *s, struct http_reply *reply, const char *cursor)
{
    static const char *const protocols[] = {LIVE_PROTOCOL, NULL};
    const struct http_websocket_opts opts = {.protocols = protocols,
                                             .message_max = CLIENT_MAX,
                                             .buffer_max = BUFFER_MAX,
                                             .stall_us = STALL_US,
                                             .ping_us = STALL_US / 2, /* and a pong */
                                             .message = on_message,
                                             .gone = on_ws_gone,
                                             .drained = on_drained,
                                             .arg = s};
    char text[512];

    s->ws = http_websocket_open(reply, &opts);
    if (!s->ws)
        return false;
    snprintf(text, sizeof(text), "{\"cursor\":\"%s\"}", cursor);
    http_websocket_send(s->ws, true, text, strlen(text));
    return true;
}

bool live_open(struct live *s, struct http_reply *reply, bool ws, const char *cursor)
{
    return ws ? open_ws(s, reply, cursor) : open_sse(s, reply, cursor);
}

bool live_send(struct live *s, const struct live_item *item)
{
    const int code =
        s->sse ? http_stream_event(s->sse, item->cursor, NULL, item->json, item->len)
               : http_websocket_send(s->ws, true, item->json, item->len);

    return code == FF_OK;
}

size_t live_owes(const struct live *s)
{
    return s->sse ? http_stream_unread(s->sse) : http_websocket_unread(s->ws);
}

static int close_code(const char *why)
{
    if (strcmp(why, "stopping") == 0)
        return WEBSOCKET_GOING_AWAY;
    return strcmp(why, "denied") == 0 ? WEBSOCKET_POLICY : WEBSOCKET_NORMAL;
}

void live_close(struct live *s, const char *why)
{
    char text[64];

    if (s->ws) {
        http_websocket_close(s->ws, close_code(why), why);
        return;
    }
    snprintf(text, sizeof(text), "{\"reason\":\"%s\"}", why);
    http_stream_event(s->sse, NULL, "end", text, strlen(text));
    http_stream_end(s->sse);
}
