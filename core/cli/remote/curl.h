/* cli/remote/curl.h - one HTTP request by libcurl, which is loaded when the first one
 * is made: a laptop that asks no server shall not pay for it at each start. */
#ifndef CLI_REMOTE_CURL_H
#define CLI_REMOTE_CURL_H

#include "base/base.h"

#include <stdatomic.h>

struct curl_request {
    const char *method, *url;
    const char *unix_socket;     /* path, or NULL */
    const char *token, *ca;      /* or NULL */
    const char *body;            /* JSON, or NULL */
    const char *form;            /* instead of it: NAME=VALUE&..., or NULL */
    const char *idempotency_key; /* or NULL */
    const char *last_event_id;   /* or NULL */
    const char *const *headers;  /* more of them, "Name: value"; NULL ends; or NULL */
    int64_t timeout_us;          /* 0: two minutes */
    atomic_bool *abandon;        /* once it is set, within a second or so; or NULL */
    bool streams;                /* server-sent events are wanted */
    const int *file; /* an open file that a good answer goes to, instead of `body`, from
                      * its beginning; it may take as long as bytes come. NULL: none */
};
struct curl_answer {
    long status;
    struct buf body;       /* buf_done it */
    int64_t retry_after_s; /* 0: it says nothing */
    bool passing;          /* nobody answered, but somebody may when asked again */
};
/* FF_UNAVAILABLE: nobody answered, or not in time; FF_UNSUPPORTED: there is no libcurl.
 */
int curl_ask(const struct curl_request *request, struct curl_answer *answer,
             struct ff_err *err);

#endif
