/* openapi.c - the OpenAPI 3.1 document, made from the tables that requests are judged
 * by: what is not in it is not there, and the reverse. */
#include "rest/rest_priv.h"

#include <string.h>

#define PROBLEM_SCHEMA "Problem"

static void text(struct jsonw *w, const char *key, const char *value)
{
    jsonw_key(w, key);
    jsonw_text(w, value);
}

static void number(struct jsonw *w, const char *key, int64_t value)
{
    jsonw_key(w, key);
    jsonw_int(w, value);
}

static void open_key(struct jsonw *w, const char *key)
{
    jsonw_key(w, key);
    jsonw_open(w, '{');
}

static void raw(struct jsonw *w, const char *json)
{
    jsonw_raw(w, json, strlen(json));
}

static void reference(struct jsonw *w, const char *name)
{
    struct buf path = {0};

    buf_printf(&path, "#/components/schemas/%s", name);
    text(w, "$ref", buf_text(&path));
    buf_done(&path);
}

/* --- schemas --- */

static void add_words(struct jsonw *w, const char *const *words)
{
    jsonw_key(w, "enum");
    jsonw_open(w, '[');
    for (; *words; words++)
        jsonw_text(w, *words);
    jsonw_close(w, ']');
}

static const struct {
    const char *type, *format;
} field_types[] = {
    [REST_TEXT] = {"string", NULL},        [REST_INT] = {"integer", "int64"},
    [REST_BOOL] = {"boolean", NULL},       [REST_WORD] = {"string", NULL},
    [REST_TIME] = {"string", "date-time"}, [REST_OBJECT] = {"object", NULL},
    [REST_LIST] = {"array", NULL},         [REST_ANY] = {NULL, NULL},
};

static bool is_text(enum rest_type type)
{
    return type == REST_TEXT || type == REST_LIST;
}

static void add_limits(struct jsonw *w, const struct rest_field *f)
{
    if (f->min == 0 && f->max == 0)
        return;
    number(w, is_text(f->type) ? "minLength" : "minimum", f->min);
    number(w, is_text(f->type) ? "maxLength" : "maximum", f->max);
}

static void add_field_schema(struct jsonw *w, const struct rest_field *f)
{
    const bool list = f->type == REST_LIST;

    jsonw_open(w, '{');
    if (field_types[f->type].type)
        text(w, "type", field_types[f->type].type);
    if (field_types[f->type].format)
        text(w, "format", field_types[f->type].format);
    if (list && f->max > 0) {
        open_key(w, "items");
        text(w, "type", "string");
        add_limits(w, f);
        if (f->pattern)
            text(w, "pattern", f->pattern);
        jsonw_close(w, '}');
    } else if (!list) {
        add_limits(w, f);
    }
    if (!list && f->pattern)
        text(w, "pattern", f->pattern);
    if (f->words)
        add_words(w, f->words);
    if (f->help)
        text(w, "description", f->help);
    jsonw_close(w, '}');
}

static void add_column_schema(struct jsonw *w, const struct ff_column *column)
{
    jsonw_open(w, '{');
    switch (column->type) {
    case FF_TIME:
        text(w, "type", "string");
        text(w, "format", "date-time");
        break;
    case FF_ENUM:
        text(w, "type", "string");
        add_words(w, column->names);
        break;
    case FF_BOOL:
        text(w, "type", "boolean");
        break;
    case FF_JSON:
        break; /* anything */
    case FF_INT:
        text(w, "type", "integer");
        text(w, "format", "int64");
        break;
    default:
        text(w, "type", "string");
    }
    jsonw_close(w, '}');
}

static void add_fields(struct jsonw *w, const struct rest_field *f)
{
    for (; f && f->name; f++) {
        jsonw_key(w, f->name);
        add_field_schema(w, f);
    }
}

static void add_required(struct jsonw *w, const struct rest_field *fields)
{
    bool any = false;

    for (const struct rest_field *f = fields; f && f->name; f++)
        any = any || f->required;
    if (!any)
        return;
    jsonw_key(w, "required");
    jsonw_open(w, '[');
    for (const struct rest_field *f = fields; f->name; f++)
        if (f->required)
            jsonw_text(w, f->name);
    jsonw_close(w, ']');
}

static void add_shape(struct jsonw *w, const struct rest_shape *shape)
{
    const struct ff_record *record = shape->record;

    jsonw_open(w, '{');
    text(w, "type", "object");
    open_key(w, "properties");
    for (uint16_t i = 0; record && i < record->n_columns; i++) {
        if (!(shape->columns & COLUMN_BIT(i)))
            continue;
        jsonw_key(w, record->columns[i].name);
        add_column_schema(w, &record->columns[i]);
    }
    add_fields(w, shape->more);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void add_problem_schema(struct jsonw *w)
{
    static const struct rest_field fields[] = {
        {.name = "type",
         .type = REST_TEXT,
         .required = true,
         .help = "urn:flowforge:problem: and the code in small letters"},
        {.name = "title", .type = REST_TEXT, .required = true},
        {.name = "status", .type = REST_INT, .required = true},
        {.name = "detail", .type = REST_TEXT, .required = true},
        {.name = "instance", .type = REST_TEXT},
        {.name = "code",
         .type = REST_TEXT,
         .help = "absent (and the type about:blank) where no route was found for what "
                 "was asked"},
        {.name = "request_id", .type = REST_TEXT},
        {.name = "errors",
         .type = REST_LIST,
         .help = "each with detail, and pointer (of the body), parameter (of the "
                 "query), or code, line and column (of a workflow file)"},
        {0},
    };

    jsonw_key(w, PROBLEM_SCHEMA);
    jsonw_open(w, '{');
    text(w, "type", "object");
    open_key(w, "properties");
    add_fields(w, fields);
    jsonw_close(w, '}');
    add_required(w, fields);
    jsonw_close(w, '}');
}

static bool was_before(size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (rest_routes[k].answer == rest_routes[i].answer)
            return true;
    return false;
}

static void add_components(struct jsonw *w)
{
    open_key(w, "components");
    open_key(w, "securitySchemes");
    open_key(w, "bearer");
    text(w, "type", "http");
    text(w, "scheme", "bearer");
    text(w, "description", "an API key, or a token that the auth driver verifies");
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    open_key(w, "schemas");
    add_problem_schema(w);
    for (size_t i = 0; i < rest_n_routes; i++) {
        if (!rest_routes[i].answer || was_before(i))
            continue;
        jsonw_key(w, rest_routes[i].answer->name);
        add_shape(w, rest_routes[i].answer);
    }
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

/* --- operations --- */

/* What stands in a target is decoded, and has no control characters then; a text of a
 * body may have all but U+0000. */
#define PATTERN_BODY "^[^\\u0000]*$"

static struct rest_field with_pattern(const struct rest_field *f, const char *pattern)
{
    struct rest_field out = *f;

    if (is_text(f->type) && !f->pattern)
        out.pattern = pattern;
    return out;
}

static void add_parameter(struct jsonw *w, const char *in, const struct rest_field *f)
{
    const struct rest_field shown = with_pattern(f, REST_LINE);

    jsonw_open(w, '{');
    text(w, "name", f->name);
    text(w, "in", in);
    if (f->required) {
        jsonw_key(w, "required");
        jsonw_bool(w, true);
    }
    jsonw_key(w, "schema");
    add_field_schema(w, &shown);
    jsonw_close(w, '}');
}

static void add_path_parameters(struct jsonw *w, const char *pattern)
{
    for (const char *at = strchr(pattern, '{'); at; at = strchr(at + 1, '{')) {
        const size_t len = strcspn(at + 1, "}");
        MEM_AUTO char *name = mem_text_len(at + 1, len);
        const struct rest_field f = rest_path_field(name);

        add_parameter(w, "path", &f);
    }
}

static void add_parameters(struct jsonw *w, const struct rest_route *route)
{
    static const struct rest_field key = {
        .name = "Idempotency-Key",
        .type = REST_TEXT,
        .min = 1,
        .max = 128,
        .pattern = "^[!-~]+$",
        .help = "the same request with the same key takes effect once"};

    jsonw_key(w, "parameters");
    jsonw_open(w, '[');
    add_path_parameters(w, route->pattern);
    for (const struct rest_field *f = route->query; f && f->name; f++)
        add_parameter(w, "query", f);
    for (const struct rest_field *f = rest_common_fields(route, false); f && f->name;
         f++)
        add_parameter(w, "query", f);
    for (const struct rest_field *f = rest_common_fields(route, true); f && f->name;
         f++)
        add_parameter(w, "query", f);
    if ((route->flags & REST_CHANGES) && !(route->flags & REST_HOOK))
        add_parameter(w, "header", &key);
    jsonw_close(w, ']');
}

static void add_one_of(struct jsonw *w, const char *const *names)
{
    jsonw_key(w, "oneOf");
    jsonw_open(w, '[');
    for (; *names; names++) {
        jsonw_open(w, '{');
        jsonw_key(w, "required");
        jsonw_open(w, '[');
        jsonw_text(w, *names);
        jsonw_close(w, ']');
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void add_body_schema(struct jsonw *w, const struct rest_route *route)
{
    open_key(w, "schema");
    text(w, "type", "object");
    jsonw_key(w, "additionalProperties");
    jsonw_bool(w, false);
    open_key(w, "properties");
    for (const struct rest_field *f = route->body; f->name; f++) {
        const struct rest_field shown = with_pattern(f, PATTERN_BODY);

        jsonw_key(w, f->name);
        add_field_schema(w, &shown);
    }
    jsonw_close(w, '}');
    add_required(w, route->body);
    if (route->one_of)
        add_one_of(w, route->one_of);
    if (route->flags & REST_ONE_FIELD) {
        number(w, "minProperties", 1);
        number(w, "maxProperties", 1);
    }
    jsonw_close(w, '}');
}

/* No body is an empty object. */
static bool wants_body(const struct rest_route *route)
{
    bool wants = route->one_of || (route->flags & REST_ONE_FIELD);

    for (const struct rest_field *f = route->body; f->name; f++)
        wants = wants || f->required;
    return wants;
}

static void add_any_body(struct jsonw *w)
{
    open_key(w, "requestBody");
    open_key(w, "content");
    open_key(w, "*/*");
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void add_body(struct jsonw *w, const struct rest_route *route)
{
    if (route->flags & REST_HOOK)
        add_any_body(w);
    if (!route->body)
        return;
    open_key(w, "requestBody");
    jsonw_key(w, "required");
    jsonw_bool(w, wants_body(route));
    open_key(w, "content");
    open_key(w, "application/json");
    add_body_schema(w, route);
    jsonw_close(w, '}');
    if (route->flags & REST_YAML) {
        /* Of what the YAML means; what is no workflow file is judged as one. */
        open_key(w, "application/yaml");
        open_key(w, "schema");
        jsonw_close(w, '}');
        jsonw_close(w, '}');
    }
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

/* {"items": [...], "next": cursor or null} */
static void add_page_schema(struct jsonw *w, const struct rest_shape *shape)
{
    text(w, "type", "object");
    open_key(w, "properties");
    open_key(w, "items");
    text(w, "type", "array");
    open_key(w, "items");
    reference(w, shape->name);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    open_key(w, "next");
    raw(w, "\"type\":[\"string\",\"null\"]");
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    raw(w, "\"required\":[\"items\",\"next\"]");
}

/* Of all answers that a route gives (answer.c). */
static void add_headers(struct jsonw *w)
{
    open_key(w, "headers");
    open_key(w, "X-Request-Id");
    jsonw_key(w, "required");
    jsonw_bool(w, true);
    open_key(w, "schema");
    text(w, "type", "string");
    text(w, "pattern", "^[A-Za-z0-9_.:-]{1,64}$");
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void add_stream(struct jsonw *w)
{
    open_key(w, "text/event-stream");
    open_key(w, "schema");
    text(w, "type", "string");
    text(w, "description",
         "server-sent events, each with the JSON of one item and its cursor as its id; "
         "goes on behind Last-Event-ID, or behind the parameter cursor");
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void add_success(struct jsonw *w, const struct rest_route *route, int status)
{
    char word[16];

    snprintf(word, sizeof(word), "%d", status);
    open_key(w, word);
    text(w, "description", route->summary);
    add_headers(w);
    if (route->flags & REST_FILE) {
        open_key(w, "content");
        open_key(w, "application/octet-stream");
        jsonw_close(w, '}');
        open_key(w, "application/x-tar");
        jsonw_close(w, '}');
        jsonw_close(w, '}');
    }
    if (route->answer) {
        open_key(w, "content");
        open_key(w, "application/json");
        open_key(w, "schema");
        if (route->flags & REST_PAGE)
            add_page_schema(w, route->answer);
        else
            reference(w, route->answer->name);
        jsonw_close(w, '}');
        jsonw_close(w, '}');
        if (route->live)
            add_stream(w);
        jsonw_close(w, '}');
    }
    jsonw_close(w, '}');
}

static void add_operation(struct jsonw *w, const struct rest_route *route)
{
    char method[16];

    snprintf(method, sizeof(method), "%s", route->method);
    for (char *at = method; *at; at++)
        *at = (char)(*at | 0x20);
    open_key(w, method);
    text(w, "operationId", route->id);
    text(w, "summary", route->summary);
    jsonw_key(w, "tags");
    jsonw_open(w, '[');
    jsonw_text(w, route->tag);
    jsonw_close(w, ']');
    jsonw_key(w, "security");
    jsonw_open(w, '[');
    if (route->scope != REST_OPEN)
        raw(w, "{\"bearer\":[]}");
    jsonw_close(w, ']');
    if (route->scope > REST_SELF)
        text(w, "x-permission", permission_names[route->needs]);
    add_parameters(w, route);
    add_body(w, route);
    open_key(w, "responses");
    if (route->status_unchanged)
        add_success(w, route, route->status_unchanged);
    add_success(w, route, route->status ? route->status : 200);
    open_key(w, "default");
    text(w, "description", "A problem (RFC 9457)");
    open_key(w, "content");
    open_key(w, "application/problem+json");
    open_key(w, "schema");
    reference(w, PROBLEM_SCHEMA);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static bool path_was_before(size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(rest_routes[k].pattern, rest_routes[i].pattern) == 0)
            return true;
    return false;
}

static void add_path(struct jsonw *w, size_t i)
{
    const struct rest_route *first = &rest_routes[i];
    struct buf path = {0};

    buf_printf(&path, "%s%s", first->scope == REST_OPEN ? "" : REST_PREFIX,
               first->pattern);
    open_key(w, buf_text(&path));
    buf_done(&path);
    for (size_t k = i; k < rest_n_routes; k++)
        if (strcmp(rest_routes[k].pattern, first->pattern) == 0)
            add_operation(w, &rest_routes[k]);
    jsonw_close(w, '}');
}

void rest_openapi(const char *version, struct buf *out)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    text(&w, "openapi", "3.1.0");
    open_key(&w, "info");
    text(&w, "title", "FlowForge");
    text(&w, "version", version);
    jsonw_close(&w, '}');
    open_key(&w, "paths");
    for (size_t i = 0; i < rest_n_routes; i++)
        if (!path_was_before(i))
            add_path(&w, i);
    jsonw_close(&w, '}');
    add_components(&w);
    jsonw_close(&w, '}');
}
