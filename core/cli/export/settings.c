/* settings.c - section "traces" of the configuration, and the variables that stand for
 * it in all programs that speak to a collector (OpenTelemetry specification, "OTLP
 * Exporter Configuration" and "Environment Variable Specification"). */
#include "cli/export/export_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OPT(field) .name = #field, .offset = offsetof(struct export_settings, field)
#define NAMED(text, field)                                                             \
    .name = (text), .offset = offsetof(struct export_settings, field)
#define PATH "/v1/traces"

const struct ff_opt export_options[] = {
    {OPT(endpoint), .type = FF_OPT_TEXT,
     .help = "URL of a collector of OpenTelemetry that speaks OTLP by HTTP: " PATH
             " is added where it has no path; default: nothing is sent"},
    {OPT(headers), .type = FF_OPT_TEXT, .flags = FF_OPT_SECRET,
     .help = "headers of each request: key=value, comma separated, values "
             "percent-encoded"},
    {OPT(service_name), .type = FF_OPT_TEXT, .fallback = "flowforge",
     .help = "service.name of all spans"},
    {OPT(resource_attributes), .type = FF_OPT_TEXT,
     .help = "more attributes of the resource, as headers are written"},
    {OPT(ca), .type = FF_OPT_TEXT,
     .help = "PEM file: the authorities that may have signed the collector's "
             "certificate"},
    {NAMED("timeout", timeout_us), .type = FF_OPT_SECONDS, .fallback = "10s",
     .min = UNITS_SECOND, .max = 60 * UNITS_SECOND,
     .help = "how long one request may take"},
    {0},
};

static const char *variable(const char *of_traces, const char *of_all)
{
    const char *value = getenv(of_traces);

    if (!value || !value[0])
        value = getenv(of_all);
    return value && value[0] ? value : NULL;
}

static bool is_off(void)
{
    const char *disabled = getenv("OTEL_SDK_DISABLED");
    const char *exporter = getenv("OTEL_TRACES_EXPORTER");
    const char *protocol =
        variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");

    if (disabled && strcasecmp(disabled, "true") == 0)
        return true;
    if (exporter && exporter[0] && strcmp(exporter, "otlp") != 0)
        return true;
    return protocol && strcmp(protocol, "grpc") == 0;
}

/* --- what is well formed --- */

/* Of the URL, behind its scheme: as far as the path, or what there is instead. */
static size_t authority(const char *host)
{
    return strcspn(host, "/?#");
}

static bool is_endpoint(const char *url)
{
    const char *host = strstr(url, "://");

    if (!host || (!text_starts(url, "http://") && !text_starts(url, "https://")))
        return false;
    host += strlen("://");
    return authority(host) > 0 && !memchr(host, '@', authority(host));
}

/* No line of it begins another one, and its name is one (RFC 9110, 5.6.2). */
static void look_at_header(void *arg, const char *key, const char *value)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    bool *good = arg;

    for (const char *k = key; *k; k++)
        *good = *good && (isalnum((unsigned char)*k) || strchr(others, *k));
    for (const char *v = value; *v; v++)
        *good = *good && !iscntrl((unsigned char)*v);
}

static bool are_headers(const char *list)
{
    bool good = true;

    return trace_pairs(list, look_at_header, &good) && good;
}

static void ignore(void *arg, const char *key, const char *value)
{
    (void)arg;
    (void)key;
    (void)value;
}

static bool are_pairs(const char *list)
{
    return trace_pairs(list, ignore, NULL);
}

int export_check(const struct export_settings *s, struct ff_err *err)
{
    if (!s->endpoint)
        return FF_OK;
    if (!is_endpoint(s->endpoint))
        return ff_fail(err, FF_INVALID, 0,
                       "traces.endpoint: write a URL that begins with http:// or "
                       "https://, without a user (traces.headers can say who sends)");
    if (s->headers && !are_headers(s->headers))
        return ff_fail(err, FF_INVALID, 0,
                       "traces.headers: write key=value, comma separated, and what is "
                       "no letter or digit of a value as %%XX");
    if (s->resource_attributes && !are_pairs(s->resource_attributes))
        return ff_fail(err, FF_INVALID, 0,
                       "traces.resource_attributes: write key=value, comma separated, "
                       "and what is no letter or digit of a value as %%XX");
    return FF_OK;
}

/* --- variables of OpenTelemetry --- */

/* They may be meant for others, in another form: that stops no server. */
static void use(struct config *c, const char *key, const char *value,
                bool (*is_good)(const char *))
{
    if (!value)
        return;
    if (!is_good || is_good(value))
        config_default(c, key, value);
    else
        log_warn("%s is not set by a variable OTEL_..., which has another form", key);
}

static void default_endpoint(struct config *c)
{
    const char *own = getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    const char *all = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    struct buf url = {0};

    if (own && own[0]) {
        buf_add_text(&url, own);
    } else if (all && all[0]) {
        const size_t len = strlen(all);

        buf_add(&url, all, all[len - 1] == '/' ? len - 1 : len);
        buf_add_text(&url, PATH);
    }
    if (url.len > 0)
        use(c, "traces.endpoint", buf_text(&url), is_endpoint);
    buf_done(&url);
}

void export_defaults(struct config *c)
{
    static const struct {
        const char *key, *of_traces, *of_all;
        bool (*is_good)(const char *);
    } names[] = {
        {"traces.headers", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
         "OTEL_EXPORTER_OTLP_HEADERS", are_headers},
        {"traces.ca", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
         "OTEL_EXPORTER_OTLP_CERTIFICATE", NULL},
        {"traces.service_name", "OTEL_SERVICE_NAME", "OTEL_SERVICE_NAME", NULL},
        {"traces.resource_attributes", "OTEL_RESOURCE_ATTRIBUTES",
         "OTEL_RESOURCE_ATTRIBUTES", are_pairs},
    };

    if (!is_off())
        default_endpoint(c);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        use(c, names[i].key, variable(names[i].of_traces, names[i].of_all),
            names[i].is_good);
}

/* --- the way there --- */

struct lines {
    const char **items;
    size_t n;
};

static void add_line(void *arg, const char *key, const char *value)
{
    struct lines *lines = arg;
    struct buf line = {0};

    buf_printf(&line, "%s: %s", key, value);
    lines->items[lines->n++] = buf_take(&line);
}

static size_t count(const char *list)
{
    size_t n = 1;

    for (const char *at = list; at && *at; at++)
        n += *at == ',';
    return n;
}

void export_way_new(const struct export_settings *s, struct export_way *way)
{
    const char *host = strstr(s->endpoint, "://") + strlen("://");
    const char *path = host + authority(host);
    struct lines lines = {.items = mem_array(count(s->headers) + 1, sizeof(char *))};
    struct buf url = {0};

    const char *rest = path + (*path == '/');

    buf_add(&url, s->endpoint, (size_t)(path - s->endpoint));
    buf_add_text(&url, strchr("?#", *rest) ? PATH : "/");
    buf_add_text(&url, rest);
    if (s->headers)
        trace_pairs(s->headers, add_line, &lines);
    *way = (struct export_way){.url = buf_take(&url),
                               .ca = s->ca,
                               .headers = lines.items,
                               .timeout_us = s->timeout_us};
}

static void forget(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    mem_free(text);
}

void export_way_done(struct export_way *way)
{
    for (size_t i = 0; way->headers && way->headers[i]; i++)
        forget((char *)way->headers[i]);
    mem_free((void *)way->headers);
    mem_free((void *)way->url);
}
