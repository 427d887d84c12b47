/* rest/rest.h - the HTTP API for users under /api/v1: who asks, whether he may, what he
 * asks for. It never leads a run itself: it reads committed rows and writes rows, and
 * wakes whoever leads.
 *
 * rest_routes.c is the table of all there is; docs/api.md describes it for people, and
 * the OpenAPI document is made from the same table. */
#ifndef REST_REST_H
#define REST_REST_H

#include "fleet/fleet.h"
#include "http/http.h"
#include "node/node.h"

struct rest;

#define REST_PREFIX "/api/v1"
/* The pattern of the route that calls of webhooks come by. */
#define REST_WEBHOOKS REST_PREFIX "/webhooks/{tenant}/{path}"
/* Why a request is answered 429 that did not come too often (http_reply_why). */
#define REST_OPEN_RUNS "open_runs"

/* Section "server" of the configuration. */
struct rest_settings {
    const char *roles;  /* "api,controller": what the process is for */
    const char *listen; /* NULL: host and http_port */
    const char *host;
    int64_t http_port, grpc_port; /* grpc_port: 0 or set */
    const char *tls_cert, *tls_key, *auth;
    int64_t insecure; /* 0 or 1 */
    int64_t read_timeout_us;
    const char *oidc_issuer, *oidc_client_id, *oidc_scopes; /* for whoever logs in */
    int64_t connections, connections_per_address;
    int64_t streams, streams_per_caller; /* that are live */
    int64_t session_ttl;                 /* microseconds */
    int64_t session_max; /* the same; it is auth.token_ttl, and not of this section */
    const char *metrics_listen; /* NULL: host and metrics_port */
    int64_t metrics_port;       /* 0: none */
    int64_t metrics_exposed;    /* 0 or 1 */
    const char *executor_listen;
    int64_t executor_lease_us;
};
extern const struct ff_opt rest_options[];
/* The defaults that depend on other settings. */
void rest_defaults(struct config *c);

struct rest_listen {
    char address[HTTP_ADDRESS_TEXT];
    uint16_t port;
    bool loopback;
};
/* FF_INVALID: it is no place, or one where others would hear what is said; dev allows
 * that, as the setting `insecure` does. */
int rest_listen_parse(const struct rest_settings *s, bool dev, struct rest_listen *out,
                      struct ff_err *err);
/* What of it is checked wherever the process listens: FF_INVALID, one of two that
 * belong together is missing. */
int rest_check_pairs(const struct rest_settings *s, struct ff_err *err);
/* The same of the metrics, which nobody shows a credential for; they have a place. */
bool rest_has_metrics(const struct rest_settings *s);
int rest_metrics_parse(const struct rest_settings *s, bool dev, struct rest_listen *out,
                       struct ff_err *err);
/* The same for executors, who would be overheard. */
int rest_executors_parse(const struct rest_settings *s, bool dev,
                         struct rest_listen *out, struct ff_err *err);

struct rest_setup {
    struct loop *loop;
    struct http_server *server;
    struct node *node;
    const char *version; /* of the program; lives as long */
    struct rest_settings settings;
    const char *user;             /* the local one: who comes by the unix socket */
    struct driver_instance *auth; /* verifies tokens; NULL: there are API keys only */
    const struct fleet *fleet;    /* who runs attempts; NULL: this host does */
};

/* Mounts the routes. NULL with a sentence: the key of cursors, or the auth driver,
 * cannot be had. Loop thread, as all of these. */
struct rest *rest_new(const struct rest_setup *setup, struct ff_err *err);

/* For who measures: what goes on, and the readers that requests are worked on by, for
 * small jobs of others; they are there until rest_free. */
size_t rest_streams(const struct rest *r);
struct store_readers *rest_readers(struct rest *r);

/* What GET /livez and /readyz answer, and the status of the latter, for who answers it
 * elsewhere as well; r is NULL where no API is served. */
void rest_tell_live(struct buf *out);
int rest_tell_ready(struct node *n, const struct rest *r, struct buf *out);

/* Executors are those of another fleet, or of none, from now on. Takes NULL. */
void rest_use_fleet(struct rest *r, const struct fleet *fleet);

/* The auth driver reads its keys again, beside the loop; what came of it is in the log,
 * and what was found out about callers before is found out again. */
void rest_refresh_auth(struct rest *r);

/* Is not ready from now on: load balancers shall look elsewhere. */
void rest_drain(struct rest *r);
/* Waits for what is on lanes; what is answered after it is dropped. After
 * http_server_free, and not from a callback. Takes NULL. */
void rest_free(struct rest *r);

/* The OpenAPI 3.1 document as JSON. */
void rest_openapi(const char *version, struct buf *out);

#endif
