/* field.c - what a request says, against the tables of its route: everything that is
 * wrong is told at once, and nothing that nobody reads is let through. */
#include "rest/rest_priv.h"

#include <string.h>

#define WHOLE_MAX 9007199254740992.0 /* up to here each whole number is a double */

/* Those that several routes have. */
static const struct rest_field page_fields[] = {
    {.name = "limit",
     .type = REST_INT,
     .min = 1,
     .max = PAGE_MAX,
     .help = "how many; 100, if absent"},
    {.name = "cursor",
     .type = REST_TEXT,
     .min = 1,
     .max = (int64_t)2 * CURSOR_MAX,
     .help = "`next` of the page before"},
    {0},
};
static const struct rest_field tenant_fields[] = {
    {.name = "tenant",
     .type = REST_TEXT,
     .min = 1,
     .max = 63,
     .help = "of another tenant, for who administers the installation"},
    {.name = "platform", .type = REST_BOOL, .help = "of the installation itself"},
    {0},
};

/* Parts of paths that are names which somebody gives there; of others any text may be
 * asked for. */
static const struct rest_field path_fields[] = {
    {.name = "queue", .max = 63, .pattern = REST_NAME},
    {.name = "limit", .max = 63, .pattern = REST_NAME},
    {.name = "secret", .max = 63, .pattern = "^[a-z_][a-z0-9_]*$"},
    {.name = "label", .max = 63, .pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]*$"},
    {0},
};

static const struct rest_field *find(const struct rest_field *fields, const char *name)
{
    for (; fields && fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

const struct rest_field *rest_common_fields(const struct rest_route *route,
                                            bool of_tenant)
{
    if (of_tenant)
        return route->scope == REST_TENANT ? tenant_fields : NULL;
    return route->flags & REST_PAGE ? page_fields : NULL;
}

struct rest_field rest_path_field(const char *name)
{
    const struct rest_field *known = find(path_fields, name);
    struct rest_field f = known ? *known : (struct rest_field){0};

    f.name = name;
    f.type = REST_TEXT;
    f.required = true;
    f.min = f.max > 0 ? 1 : 0;
    return f;
}

static const struct rest_field *find_asked(const struct rest_route *route,
                                           const char *name)
{
    const struct rest_field *field = find(route->query, name);

    if (!field)
        field = find(rest_common_fields(route, false), name);
    if (!field)
        field = find(rest_common_fields(route, true), name);
    return field;
}

/* --- single values --- */

static void words_text(const struct rest_field *f, char *out, size_t size)
{
    size_t len = 0;

    *out = '\0';
    for (size_t i = 0; f->words[i] && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "",
                                f->words[i]);
}

static bool is_word(const struct rest_field *f, const char *text)
{
    for (size_t i = 0; f->words[i]; i++)
        if (strcmp(f->words[i], text) == 0)
            return true;
    return false;
}

/* What is wrong with a text; "" when nothing is. */
static void text_fault(const struct rest_field *f, const char *text, char *fault,
                       size_t size)
{
    const int64_t len = (int64_t)strlen(text);
    char words[160];
    int64_t at_us;

    *fault = '\0';
    if (f->type == REST_WORD && !is_word(f, text)) {
        words_text(f, words, sizeof(words));
        snprintf(fault, size, "must be one of %s", words);
    } else if (f->type == REST_TIME && !units_time(text, &at_us)) {
        snprintf(fault, size, "must be a time as 2026-11-21T19:20:37Z (RFC 3339)");
    } else if (f->max > 0 && (len < f->min || len > f->max)) {
        snprintf(fault, size, "must have %lld to %lld bytes", (long long)f->min,
                 (long long)f->max);
    }
}

static void int_fault(const struct rest_field *f, int64_t n, char *fault, size_t size)
{
    *fault = '\0';
    if ((f->min != 0 || f->max != 0) && (n < f->min || n > f->max))
        snprintf(fault, size, "must be %lld to %lld", (long long)f->min,
                 (long long)f->max);
}

/* --- the query --- */

static bool is_int(const char *text, int64_t *n)
{
    char *end;
    const size_t digits = strspn(text + (*text == '-'), "0123456789");

    if (digits == 0 || digits > 18)
        return false;
    *n = strtoll(text, &end, 10);
    return *end == '\0';
}

static void asked_fault(const struct rest_field *f, const char *value, char *fault,
                        size_t size)
{
    int64_t n;

    *fault = '\0';
    if (f->type == REST_INT && !is_int(value, &n))
        snprintf(fault, size, "must be a whole number");
    else if (f->type == REST_INT)
        int_fault(f, n, fault, size);
    else if (f->type == REST_BOOL && strcmp(value, "true") != 0 &&
             strcmp(value, "false") != 0)
        snprintf(fault, size, "must be true or false");
    else if (f->type != REST_BOOL)
        text_fault(f, value, fault, size);
}

static bool was_before(const struct rest_call *c, size_t i, const char *name)
{
    const char *other;
    const char *value;

    for (size_t k = 0; k < i && http_query_at(c->request, k, &other, &value); k++)
        if (strcmp(other, name) == 0)
            return true;
    return false;
}

static void read_query(struct rest_call *c)
{
    const char *name;
    const char *value;
    char fault[256];

    for (size_t i = 0; http_query_at(c->request, i, &name, &value); i++) {
        const struct rest_field *f = find_asked(c->route, name);

        if (!f)
            snprintf(fault, sizeof(fault), "nothing is asked for by this name here");
        else if (f->type != REST_LIST && was_before(c, i, name))
            snprintf(fault, sizeof(fault), "is given twice");
        else
            asked_fault(f, value, fault, sizeof(fault));
        if (*fault)
            rest_add_error(c, "parameter", name, "%s", fault);
    }
    for (const struct rest_field *f = c->route->query; f && f->name; f++)
        if (f->required && !http_query(c->request, f->name))
            rest_add_error(c, "parameter", f->name, "is missing");
}

/* --- the body --- */

static void value_fault(const struct rest_field *f, const json_t *value, char *fault,
                        size_t size)
{
    static const char *const wanted[] = {
        [REST_TEXT] = "a text",        [REST_INT] = "a whole number",
        [REST_BOOL] = "true or false", [REST_WORD] = "a text",
        [REST_TIME] = "a text",        [REST_OBJECT] = "an object",
        [REST_ANY] = "JSON",           [REST_LIST] = "a list"};
    const bool fits[] = {[REST_TEXT] = json_is_string(value),
                         [REST_INT] = json_is_integer(value),
                         [REST_BOOL] = json_is_boolean(value),
                         [REST_WORD] = json_is_string(value),
                         [REST_TIME] = json_is_string(value),
                         [REST_OBJECT] = json_is_object(value),
                         [REST_ANY] = true,
                         [REST_LIST] = json_is_array(value)};

    *fault = '\0';
    if (!fits[f->type])
        snprintf(fault, size, "must be %s", wanted[f->type]);
    else if (f->type == REST_INT)
        int_fault(f, json_integer_value(value), fault, size);
    else if (json_is_string(value) &&
             strlen(json_string_value(value)) != json_string_length(value))
        snprintf(fault, size, "must not contain U+0000");
    else if (json_is_string(value))
        text_fault(f, json_string_value(value), fault, size);
}

/* RFC 6901: what stands for a step is escaped. */
static void point_to(const char *name, char *out, size_t size)
{
    size_t len = 0;

    out[len++] = '/';
    for (; *name && len + 3 < size; name++) {
        if (*name == '~' || *name == '/')
            out[len++] = '~';
        out[len++] = *name == '~' ? '0' : *name == '/' ? '1' : *name;
    }
    out[len] = '\0';
}

/* A whole number may be written 30.0 (JSON Schema, 6.1.1): some languages do. */
static void settle_ints(struct rest_call *c)
{
    for (const struct rest_field *f = c->route->body; f && f->name; f++) {
        const json_t *value = json_object_get(c->body, f->name);
        const double n = json_is_real(value) ? json_real_value(value) : 0.5;

        if (f->type == REST_INT && n >= -WHOLE_MAX && n <= WHOLE_MAX &&
            n == (double)(int64_t)n)
            json_object_set_new(c->body, f->name, json_integer((int64_t)n));
    }
}

static void read_fields(struct rest_call *c)
{
    const char *name;
    char pointer[160];
    char fault[256];
    json_t *value;

    json_object_foreach(c->body, name, value)
    {
        const struct rest_field *f = find(c->route->body, name);

        point_to(name, pointer, sizeof(pointer));
        if (!f)
            snprintf(fault, sizeof(fault), "there is no such field");
        else
            value_fault(f, value, fault, sizeof(fault));
        if (*fault)
            rest_add_error(c, "pointer", pointer, "%s", fault);
    }
    for (const struct rest_field *f = c->route->body; f && f->name; f++) {
        snprintf(pointer, sizeof(pointer), "/%s", f->name);
        if (f->required && !json_object_get(c->body, f->name))
            rest_add_error(c, "pointer", pointer, "is missing");
    }
}

/* "application/yaml" (RFC 9512), and what it was called before. */
static bool is_yaml(const struct http_request *r)
{
    static const char *const types[] = {"application/yaml", "application/x-yaml",
                                        "text/yaml", "text/x-yaml"};
    const char *type = http_header(r, "content-type");

    for (size_t i = 0; type && i < COUNT_OF(types); i++)
        if (text_is(type, strcspn(type, "; \t"), types[i]))
            return true;
    return false;
}

static json_t *read_yaml(const struct http_request *r, struct ff_err *err)
{
    json_t *text = json_stringn(r->body, r->body_len);

    if (!text)
        ff_fail(err, FF_INVALID, 0, "the body is not valid UTF-8");
    return text ? json_pack("{s:o}", "source", text) : NULL;
}

static int read_body(struct rest_call *c, struct ff_err *err)
{
    const struct http_request *r = c->request;

    if (!c->route->body)
        return FF_OK;
    if (r->body_len == 0)
        c->body = json_object();
    else if ((c->route->flags & REST_YAML) && is_yaml(r))
        c->body = read_yaml(r, err);
    else
        c->body = http_json(r, err);
    if (!c->body && err->sys == 415)
        c->problem = PROBLEM_MEDIA_TYPE;
    if (!c->body)
        return err->code;
    if (!json_is_object(c->body))
        return rest_fail(c, PROBLEM_INVALID, err, "the body must be a JSON object");
    settle_ints(c);
    read_fields(c);
    return FF_OK;
}

/* A condition that is not judged must not be ignored: what it was to prevent would be
 * done (RFC 9110, 13.1.1). */
static int refuse_conditions(struct rest_call *c, struct ff_err *err)
{
    const bool changes = strcmp(c->route->method, "GET") != 0;

    if (changes && !c->route->match && http_header(c->request, "if-match"))
        return rest_fail(c, PROBLEM_INVALID, err,
                         "If-Match is not taken here, since what this changes has no "
                         "ETag: nothing was done");
    if (changes && http_header(c->request, "if-none-match"))
        return rest_fail(c, PROBLEM_INVALID, err,
                         "If-None-Match is taken with GET and HEAD only: nothing was "
                         "done");
    return FF_OK;
}

int rest_read(struct rest_call *c, struct ff_err *err)
{
    if (refuse_conditions(c, err) != FF_OK)
        return err->code;
    if (c->route->flags & REST_HOOK)
        return FF_OK;
    read_query(c);
    if (read_body(c, err) != FF_OK)
        return err->code;
    if (c->errors.len > 0)
        return rest_fail(c, PROBLEM_INVALID, err,
                         "what is asked for cannot be understood: see errors");
    return FF_OK;
}
