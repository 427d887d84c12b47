/* api/client_events.c - reads server-sent events (WHATWG HTML, section 9.2) from the
 * pieces of a stream. */
#include "api/client.h"
#include <string.h>

enum { EVENT_MAX = 4 * 1024 * 1024 };

struct reader {
    struct buf line, data;
    char id[128], event[64];
    bool after_cr; /* an LF that follows belongs to the CR before it */
    client_event_fn *fn;
    void *arg;
};

static void set(char *field, size_t room, const char *value)
{
    snprintf(field, room, "%s", value);
}

static void take_field(struct reader *r, const char *name, const char *value)
{
    if (strcmp(name, "data") == 0) {
        buf_add_text(&r->data, value);
        buf_add_char(&r->data, '\n');
    } else if (strcmp(name, "event") == 0) {
        set(r->event, sizeof(r->event), value);
    } else if (strcmp(name, "id") == 0) {
        set(r->id, sizeof(r->id), value);
    }
}

/* An empty line ends an event; one without data is none. */
static bool dispatch(struct reader *r)
{
    bool more = true;

    if (r->data.len > 0) {
        r->data.data[--r->data.len] = '\0';
        more = r->fn(r->arg, r->id, r->event, r->data.data, r->data.len);
    }
    buf_clear(&r->data);
    *r->event = '\0';
    return more;
}

static bool take_line(struct reader *r)
{
    if (r->line.len == 0)
        return dispatch(r);
    char *value = strchr(r->line.data, ':');
    if (value == r->line.data)
        return true; /* a comment: the heartbeat */
    if (value) {
        *value++ = '\0';
        value += *value == ' ';
    }
    take_field(r, r->line.data, value ? value : "");
    return true;
}

static bool take_piece(void *arg, const char *bytes, size_t len)
{
    struct reader *r = arg;

    for (size_t i = 0; i < len; i++) {
        bool ends = bytes[i] == '\r' || (bytes[i] == '\n' && !r->after_cr);
        if (ends) {
            bool more = take_line(r);
            buf_clear(&r->line);
            if (!more)
                return false;
        } else if (bytes[i] != '\n') {
            buf_add_char(&r->line, bytes[i]);
        }
        r->after_cr = bytes[i] == '\r';
    }
    return !r->line.overflow && !r->data.overflow;
}

int client_events(struct client *c, const char *path, const char *last_event_id,
                  client_event_fn *fn, void *arg, struct ff_err *err)
{
    struct reader r = {
        .line.max = EVENT_MAX, .data.max = EVENT_MAX, .fn = fn, .arg = arg};
    const struct client_request request = {
        .method = "GET", .path = path, .last_event_id = last_event_id};

    int code = client_stream(c, &request, take_piece, &r, err);
    if (code == FF_OK && (r.line.overflow || r.data.overflow))
        code = ff_fail(err, FF_INTERNAL, 0, "the server sent an event above 4 MiB");
    buf_done(&r.line);
    buf_done(&r.data);
    return code;
}
