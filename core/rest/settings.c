/* settings.c - section "server" of the configuration, and what of it is refused. */
#include "rest/rest.h"

#include <string.h>

#define DAY_US (86400 * UNITS_SECOND)

#define OPT(field) .name = #field, .offset = offsetof(struct rest_settings, field)
#define NAMED(text, field)                                                             \
    .name = (text), .offset = offsetof(struct rest_settings, field)

const struct ff_opt rest_options[] = {
    {OPT(roles), .type = FF_OPT_TEXT, .fallback = "api,controller",
     .help = "what this process is for: api, controller, or both"},
    {OPT(host), .type = FF_OPT_TEXT, .fallback = "127.0.0.1",
     .help = "address of the HTTP API"},
    {OPT(http_port), .type = FF_OPT_INT, .fallback = "8080", .max = 65535,
     .help = "its port; 0: the kernel chooses one"},
    {OPT(listen), .type = FF_OPT_TEXT,
     .help = "address and port of the HTTP API, in place of host and http_port"},
    {OPT(grpc_port), .type = FF_OPT_INT, .max = 65535,
     .help = "nothing is served there yet: a warning says so where it is set"},
    {OPT(insecure), .type = FF_OPT_BOOL, .fallback = "false",
     .help = "allows to listen without TLS where other machines can reach it: behind a "
             "proxy that ends TLS, on a network of its own"},
    {NAMED("read_timeout", read_timeout_us), .type = FF_OPT_SECONDS, .fallback = "30s",
     .min = UNITS_SECOND / 10, .max = INT64_C(3600) * UNITS_SECOND,
     .help = "how long a request may take to come, with its body; its head may take "
             "10s of that"},
    {OPT(tls_cert), .type = FF_OPT_TEXT,
     .help = "PEM file: the certificate, and behind it its chain"},
    {OPT(tls_key), .type = FF_OPT_TEXT,
     .help = "PEM file: the key of the certificate, without a password"},
    {OPT(auth), .type = FF_OPT_TEXT,
     .help = "auth driver that verifies tokens (auth-jwt); default: API keys only"},
    {OPT(connections), .type = FF_OPT_INT, .fallback = "4096", .min = 16,
     .max = 1000000, .help = "open at a time; more wait"},
    {OPT(connections_per_address), .type = FF_OPT_INT, .fallback = "512", .min = 1,
     .max = 1000000, .help = "open at a time from one address"},
    {OPT(streams), .type = FF_OPT_INT, .fallback = "2048", .min = 0, .max = 1000000,
     .help = "live streams at a time"},
    {OPT(streams_per_caller), .type = FF_OPT_INT, .fallback = "256", .min = 0,
     .max = 1000000, .help = "live streams at a time with one credential"},
    {OPT(oidc_issuer), .type = FF_OPT_TEXT,
     .help = "provider of OpenID Connect that `flowforge login --oidc` asks"},
    {OPT(oidc_client_id), .type = FF_OPT_TEXT,
     .help = "what the command line is called there; a public client"},
    {OPT(oidc_scopes), .type = FF_OPT_TEXT, .fallback = "openid",
     .help = "what it asks for there, with spaces"},
    {OPT(session_ttl), .type = FF_OPT_SECONDS, .fallback = "1h", .min = UNITS_SECOND,
     .max = DAY_US, .help = "how long a session lives that asks for no other time"},
    {OPT(metrics_port), .type = FF_OPT_INT, .fallback = "0", .max = 65535,
     .help = "port of the metrics (GET /metrics) beside host; 0: there are none"},
    {OPT(metrics_listen), .type = FF_OPT_TEXT,
     .help = "address and port of the metrics, in place of host and metrics_port"},
    {OPT(metrics_exposed), .type = FF_OPT_BOOL, .fallback = "false",
     .help = "the metrics, which want no credential, may be off loopback"},
    {OPT(executor_listen), .type = FF_OPT_TEXT, .fallback = "127.0.0.1:8081",
     .help = "address and port for executors, where engine.runtime is remote"},
    {NAMED("executor_lease", executor_lease_us), .type = FF_OPT_SECONDS,
     .fallback = "30s", .min = UNITS_SECOND, .max = INT64_C(3600) * UNITS_SECOND,
     .help = "an executor that is silent for longer is gone, and its attempts lost"},
    {0},
};

/* Keys for tokens are there to be used. */
void rest_defaults(struct config *c)
{
    static const char *const keys[] = {"jwt_secret", "jwks_file", "public_key_file",
                                       "issuer_discovery"};

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (config_is_set(c, "auth", keys[i]))
            config_default(c, "server.auth", "auth-jwt");
}

static int take_host(const struct rest_settings *s, int64_t port,
                     struct rest_listen *out, struct ff_err *err)
{
    const char *host = strcmp(s->host, "localhost") == 0 ? "127.0.0.1" : s->host;

    if (!http_is_address(host))
        return ff_fail(err, FF_INVALID, 0,
                       "server.host: \"%.80s\" is no address; write 127.0.0.1, ::1 or "
                       "0.0.0.0",
                       host);
    snprintf(out->address, sizeof(out->address), "%s", host);
    out->port = (uint16_t)port;
    return FF_OK;
}

static int take_listen(const char *setting, const char *text, struct rest_listen *out,
                       struct ff_err *err)
{
    if (!http_read_place(text, out->address, &out->port))
        return ff_fail(err, FF_INVALID, 0,
                       "server.%s: \"%.80s\" is no address and port; write "
                       "127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8443",
                       setting, text);
    return FF_OK;
}

bool rest_has_metrics(const struct rest_settings *s)
{
    return s->metrics_listen || s->metrics_port > 0;
}

int rest_metrics_parse(const struct rest_settings *s, bool dev, struct rest_listen *out,
                       struct ff_err *err)
{
    *out = (struct rest_listen){0};
    if ((s->metrics_listen ? take_listen("metrics_listen", s->metrics_listen, out, err)
                           : take_host(s, s->metrics_port, out, err)) != FF_OK)
        return err->code;
    out->loopback = http_is_loopback(out->address);
    if (!out->loopback && !s->metrics_exposed && !dev)
        return ff_fail(err, FF_INVALID, 0,
                       "%s can be reached from other machines, and whoever does would "
                       "read the metrics: set server.metrics_exposed, or let "
                       "server.metrics_listen be on 127.0.0.1",
                       out->address);
    return FF_OK;
}

int rest_executors_parse(const struct rest_settings *s, bool dev,
                         struct rest_listen *out, struct ff_err *err)
{
    *out = (struct rest_listen){0};
    if (take_listen("executor_listen", s->executor_listen, out, err) != FF_OK)
        return err->code;
    out->loopback = http_is_loopback(out->address);
    if (!out->loopback && !s->tls_cert && !s->insecure && !dev)
        return ff_fail(err, FF_INVALID, 0,
                       "%s can be reached from other machines: what executors are "
                       "told, secrets too, would be seen there; set server.tls_cert "
                       "and server.tls_key, or let server.executor_listen be on "
                       "127.0.0.1",
                       out->address);
    return FF_OK;
}

int rest_check_pairs(const struct rest_settings *s, struct ff_err *err)
{
    if (!s->tls_cert != !s->tls_key)
        return ff_fail(err, FF_INVALID, 0,
                       "server.tls_cert and server.tls_key belong together: one of "
                       "them is missing");
    if (!s->oidc_issuer != !s->oidc_client_id)
        return ff_fail(err, FF_INVALID, 0,
                       "server.oidc_issuer and server.oidc_client_id belong together: "
                       "one of them is missing");
    return FF_OK;
}

int rest_listen_parse(const struct rest_settings *s, bool dev, struct rest_listen *out,
                      struct ff_err *err)
{
    *out = (struct rest_listen){0};
    if ((s->listen ? take_listen("listen", s->listen, out, err)
                   : take_host(s, s->http_port, out, err)) != FF_OK)
        return err->code;
    if (rest_check_pairs(s, err) != FF_OK)
        return err->code;
    out->loopback = http_is_loopback(out->address);
    if (!out->loopback && !s->tls_cert && !s->insecure && !dev)
        return ff_fail(err, FF_INVALID, 0,
                       "%s can be reached from other machines: credentials would be "
                       "seen there; give --tls-cert and --tls-key, listen on "
                       "127.0.0.1, or set server.insecure where a proxy in front of it "
                       "ends TLS",
                       out->address);
    return FF_OK;
}
