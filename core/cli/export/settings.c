/* settings.c - section "traces" of the configuration, and the variables that stand for
 * it in all programs that speak to a collector (OpenTelemetry specification, "OTLP
 * Exporter Configuration" and "Environment Variable Specification"). */
#include "cli/export/export_priv.h"

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
        config_default(c, "traces.endpoint", buf_text(&url));
    buf_done(&url);
}

void export_defaults(struct config *c)
{
    static const struct {
        const char *key, *of_traces, *of_all;
    } names[] = {
        {"traces.headers", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
         "OTEL_EXPORTER_OTLP_HEADERS"},
        {"traces.ca", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
         "OTEL_EXPORTER_OTLP_CERTIFICATE"},
        {"traces.service_name", "OTEL_SERVICE_NAME", "OTEL_SERVICE_NAME"},
        {"traces.resource_attributes", "OTEL_RESOURCE_ATTRIBUTES",
         "OTEL_RESOURCE_ATTRIBUTES"},
    };

    if (!is_off())
        default_endpoint(c);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *value = variable(names[i].of_traces, names[i].of_all);

        if (value)
            config_default(c, names[i].key, value);
    }
}

static void ignore(void *arg, const char *key, const char *value)
{
    (void)arg;
    (void)key;
    (void)value;
}

int export_check(const struct export_settings *s, struct ff_err *err)
{
    if (!s->endpoint)
        return FF_OK;
    if (!text_starts(s->endpoint, "http://") && !text_starts(s->endpoint, "https://"))
        return ff_fail(err, FF_INVALID, 0,
                       "traces.endpoint: \"%.100s\" is no URL that begins with http:// "
                       "or https://",
                       s->endpoint);
    if (s->headers && !trace_pairs(s->headers, ignore, NULL))
        return ff_fail(err, FF_INVALID, 0,
                       "traces.headers: write key=value, comma separated, and what is "
                       "no letter or digit of a value as %%XX");
    if (s->resource_attributes && !trace_pairs(s->resource_attributes, ignore, NULL))
        return ff_fail(err, FF_INVALID, 0,
                       "traces.resource_attributes: write key=value, comma separated, "
                       "and what is no letter or digit of a value as %%XX");
    return FF_OK;
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
    const char *host = strstr(s->endpoint, "://") + 3;
    const char *path = strchr(host, '/');
    struct lines lines = {.items = mem_array(count(s->headers) + 1, sizeof(char *))};
    struct buf url = {0};

    buf_add_text(&url, s->endpoint);
    if (!path || !path[1])
        buf_add_text(&url, path ? &PATH[1] : PATH);
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
