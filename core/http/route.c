/* http/route.c - from a request target to a route: splits path and query, decodes
 * percent escapes, matches the patterns. */
#include "http/http_priv.h"
#include <string.h>
#include <strings.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum { PLUS = 1, CONTROLS = 2 };

/* Decoded copy, or NULL: a broken escape, no UTF-8, NUL; a control character unless
 * flags has CONTROLS. */
static char *decode(struct arena *memory, const char *text, size_t len, int flags)
{
    char *out = arena_text(memory, text, len);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex(text[i + 1]) : -1;
            int low = high >= 0 ? hex(text[i + 2]) : -1;
            if (low < 0)
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && (flags & PLUS)) {
            c = ' ';
        }
        if (!(flags & CONTROLS) && ((unsigned char)c < 0x20 || c == 0x7f))
            return NULL;
        out[n++] = c;
    }
    out[n] = '\0';
    return text_utf8_error(out, n) == n ? out : NULL;
}

/* --- the query --- */

static bool add_parameter(struct http_reply *reply, const char *text, size_t len)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals ? (size_t)(equals - text) : len;

    if (len == 0)
        return true;
    const char *name = decode(&reply->memory, text, name_len, PLUS);
    const char *value = "";
    if (equals)
        value = decode(&reply->memory, equals + 1, len - name_len - 1, PLUS);
    if (!name || !value || reply->query.n == HTTP_PAIRS_MAX)
        return false;
    ARRAY_ADD(&reply->query, ((struct http_pair){name, value}));
    return true;
}

static bool parse_query(struct http_reply *reply, const char *text)
{
    for (;;) {
        size_t len = strcspn(text, "&");
        if (!add_parameter(reply, text, len))
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

static size_t scheme_len(const char *target)
{
    if (strncasecmp(target, "http://", 7) == 0)
        return 7;
    return strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
}

/* "http://host/path" means "/path" of that host (RFC 9112, section 3.2.2), and the Host
 * header must say the same: who stands in front may have gone by either. */
static char *origin_form(struct http_reply *reply)
{
    const char *host = http_header(&reply->request, "host");
    char *target = reply->target;
    size_t scheme = scheme_len(target);

    if (*target == '/' || *target == '*')
        return target;
    size_t len = strcspn(target + scheme, "/?");
    if (scheme == 0 || len == 0 ||
        (host && (strlen(host) != len || strncasecmp(host, target + scheme, len) != 0)))
        return NULL;
    char *path = target + scheme + len;
    if (*path == '/')
        return path;
    path = arena_text(&reply->memory, path - 1, strlen(path) + 1);
    *path = '/';
    return path;
}

static bool split_target(struct http_reply *reply)
{
    char *path = origin_form(reply);

    if (!path)
        return false;
    char *query = strchr(path, '?');
    if (query) {
        path = arena_text(&reply->memory, path, (size_t)(query - path));
        if (!parse_query(reply, query + 1))
            return false;
    }
    reply->request.path = path;
    return true;
}

/* --- the patterns --- */

enum fit { NO, YES, BROKEN };

static enum fit fit_segment(struct http_reply *reply, const char *pattern,
                            size_t pattern_len, const char *text, size_t len)
{
    if (pattern_len < 2 || *pattern != '{')
        return pattern_len == len && memcmp(pattern, text, len) == 0 ? YES : NO;
    if (len == 0)
        return NO;
    const char *value = decode(&reply->memory, text, len, 0);
    if (!value)
        return BROKEN;
    const char *name = arena_text(&reply->memory, pattern + 1, pattern_len - 2);
    ARRAY_ADD(&reply->params, ((struct http_pair){name, value}));
    return YES;
}

/* Most patterns are others before their first name: told without a look at segments. */
static bool may_fit(const char *path, const char *pattern)
{
    while (*pattern && *pattern != '{' && *pattern == *path) {
        pattern++;
        path++;
    }
    return *pattern == '{' || *pattern == *path;
}

static enum fit fit_path(struct http_reply *reply, const char *pattern)
{
    const char *path = reply->request.path;

    reply->params.n = 0;
    if (!may_fit(path, pattern))
        return NO;
    for (;;) {
        size_t pattern_len = strcspn(pattern, "/");
        size_t len = strcspn(path, "/");
        enum fit fit = fit_segment(reply, pattern, pattern_len, path, len);
        if (fit != YES)
            return fit;
        pattern += pattern_len;
        path += len;
        if (*pattern != *path)
            return NO;
        if (*pattern == '\0')
            return YES;
        pattern++;
        path++;
    }
}

static bool fit_method(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void add_allowed(struct http_match *out, const char *method)
{
    size_t len = strlen(out->allow);

    if (!strstr(out->allow, method) && len + strlen(method) + 3 < sizeof(out->allow))
        snprintf(out->allow + len, sizeof(out->allow) - len, "%s%s", len ? ", " : "",
                 method);
}

/* True: the search is over. */
static bool try_route(struct http_reply *reply, const struct http_mount *mount,
                      const struct http_route *route, struct http_match *out)
{
    enum fit fit = fit_path(reply, route->pattern);

    if (fit == BROKEN)
        out->no = (struct http_refusal){400, "the path holds a broken escape"};
    if (fit == YES && fit_method(route, reply->request.method)) {
        out->route = route;
        out->arg = mount->arg;
    } else if (fit == YES) {
        add_allowed(out, route->method);
        if (strcmp(route->method, "GET") == 0)
            add_allowed(out, "HEAD");
    }
    return out->route || fit == BROKEN;
}

void http_route_find(const struct http_mount *mounts, size_t n_mounts,
                     struct http_reply *reply, struct http_match *out)
{
    *out = (struct http_match){0};
    if (!split_target(reply)) {
        out->no = (struct http_refusal){400, "the request target is malformed"};
        return;
    }
    for (size_t m = 0; m < n_mounts; m++)
        for (size_t i = 0; i < mounts[m].n_routes; i++)
            if (try_route(reply, &mounts[m], &mounts[m].routes[i], out))
                return;
    if (*out->allow == '\0')
        out->no = (struct http_refusal){404, "there is nothing at this path"};
    else
        out->no = (struct http_refusal){405, "this path has no such method"};
}

/* --- what handlers ask --- */

static const char *find(const struct http_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->n; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}

static const struct http_reply *owner(const struct http_request *r)
{
    return LIST_OF(r, struct http_reply, request);
}

const char *http_header(const struct http_request *r, const char *name)
{
    return find(&owner(r)->headers, name);
}

const char *http_param(const struct http_request *r, const char *name)
{
    return find(&owner(r)->params, name);
}

const char *http_query(const struct http_request *r, const char *name)
{
    return find(&owner(r)->query, name);
}

bool http_query_at(const struct http_request *r, size_t i, const char **name,
                   const char **value)
{
    const struct http_pairs *query = &owner(r)->query;

    if (i >= query->n)
        return false;
    *name = query->items[i].name;
    *value = query->items[i].value;
    return true;
}

void *http_kept(const struct http_request *r)
{
    return owner(r)->kept;
}

const char *http_bearer(const struct http_request *r)
{
    const char *value = http_header(r, "authorization");

    if (!value || strncasecmp(value, "bearer ", 7) != 0)
        return NULL;
    value += 7 + strspn(value + 7, " ");
    return *value ? value : NULL;
}

static bool is_json_type(const char *type)
{
    size_t len = strcspn(type, "; \t");

    return len == 16 && strncasecmp(type, "application/json", len) == 0;
}

json_t *http_json(const struct http_request *r, struct ff_err *err)
{
    const char *type = http_header(r, "content-type");

    if (!type || !is_json_type(type)) {
        ff_fail(err, FF_UNSUPPORTED, 415,
                "the body must be sent with Content-Type: application/json");
        return NULL;
    }
    return json_parse(r->body, r->body_len, err);
}

/* --- a form --- */

#define FORM_MAX 1000 /* pairs */

static void add_to_form(json_t *form, const char *name, const char *value)
{
    json_t *before = json_object_get(form, name);

    if (!before) {
        json_object_set_new(form, name, json_string(value));
        return;
    }
    if (!json_is_array(before)) {
        json_object_set_new(form, name, json_pack("[O]", before));
        before = json_object_get(form, name);
    }
    json_array_append_new(before, json_string(value));
}

static bool add_pair(json_t *form, struct arena *memory, const char *text, size_t len)
{
    const char *equals = memchr(text, '=', len);
    const size_t name_len = equals ? (size_t)(equals - text) : len;
    const char *name = decode(memory, text, name_len, PLUS | CONTROLS);
    const char *value = "";

    if (equals)
        value = decode(memory, equals + 1, len - name_len - 1, PLUS | CONTROLS);
    if (!name || !value)
        return false;
    if (len > 0)
        add_to_form(form, name, value);
    return true;
}

json_t *http_form(const struct http_request *r, struct ff_err *err)
{
    const char *at = r->body;
    const char *const end = at + r->body_len;
    struct arena memory = {0};
    json_t *form = json_object();
    bool good = true;

    for (int n = 0; good && at < end; n++) {
        const char *and = memchr(at, '&', (size_t)(end - at));
        const size_t len = (size_t)((and? and : end) - at);

        good = n < FORM_MAX && add_pair(form, &memory, at, len);
        at += len + 1;
    }
    arena_done(&memory);
    if (good)
        return form;
    json_decref(form);
    ff_fail(err, FF_INVALID, 0,
            "the body is no form of at most %d fields, percent-encoded UTF-8",
            FORM_MAX);
    return NULL;
}
