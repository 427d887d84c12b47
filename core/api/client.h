/* api/client.h - a blocking HTTP/1.1 client for the command line: calls, JSON, event
 * streams, over a unix socket or TCP. One connection, kept open between calls. One
 * thread at a time; not for a process that runs the loop of the server it asks. */
#ifndef API_CLIENT_H
#define API_CLIENT_H

#include "base/base.h"

struct client;

struct client_options {
    const char
        *endpoint;      /* "unix:///run/ff.sock", a path, or "http://127.0.0.1:8080" */
    const char *token;  /* sent as a bearer token; NULL: none */
    int64_t timeout_us; /* for a whole call, and of silence in a stream; 0: 30 s */
    int stop_fd;        /* readable: give up with FF_CANCELLED; 0: none */
};

struct client_request {
    const char *method; /* "GET" */
    const char *path;   /* escaped, with its query; see client_escape */
    const char *type;   /* of the body; NULL: application/json */
    const void *body;   /* NULL: none */
    size_t len;
    const char *idempotency_key; /* NULL: none; with one a call is tried twice */
    const char *last_event_id;   /* NULL: none */
};

struct client_answer {
    int status;
    char type[64];
    struct buf body;
};

/* Does not connect yet. NULL with FF_INVALID: the endpoint is none. */
struct client *client_new(const struct client_options *opts, struct ff_err *err);
void client_free(struct client *c); /* takes NULL */

/* FF_OK: there is an answer, of whatever status; buf_done its body. FF_UNAVAILABLE:
 * nobody is listening, or the link broke where repeating does no harm. FF_IN_DOUBT: it
 * broke after a call that may have taken effect. */
int client_call(struct client *c, const struct client_request *r,
                struct client_answer *out, struct ff_err *err);

/* The same with JSON both ways. An answer of 400 or more becomes err, with the code and
 * the sentence of its problem document and the status in err->sys. body NULL: none;
 * *out is a new reference; out NULL: not wanted. */
int client_json(struct client *c, const char *method, const char *path,
                const json_t *body, json_t **out, struct ff_err *err);

/* Hands over the body piece by piece until it ends (FF_OK), or fn returns false (FF_OK
 * too). As client_json for statuses of 400 and more. */
typedef bool client_piece_fn(void *arg, const char *bytes, size_t len);
int client_stream(struct client *c, const struct client_request *r, client_piece_fn *fn,
                  void *arg, struct ff_err *err);

/* The same for server-sent events. id and event are "" where the server gave none. */
typedef bool client_event_fn(void *arg, const char *id, const char *event,
                             const char *data, size_t len);
int client_events(struct client *c, const char *path, const char *last_event_id,
                  client_event_fn *fn, void *arg, struct ff_err *err);

/* Appends text as one segment of a path or one value of a query. */
void client_escape(struct buf *out, const char *text);

#endif
