/* request.c - what to do, from the JSON that the engine has made of the file. It comes
 * from us, so a mistake in it is one of ours; but values in it are anybody's. */
#include "fetch/fetch_priv.h"

#include <stdlib.h>
#include <string.h>

/* A text, or {"secret": VARIABLE}. */
static bool read_text(const json_t *v, const char **text, bool *secret)
{
    const char *variable = json_string_value(json_object_get(v, "secret"));

    *secret = variable != NULL;
    *text = variable ? getenv(variable) : json_string_value(v);
    return *text != NULL;
}

/* A header that goes on in a second line would be two. */
static bool one_line(const char *text)
{
    return strpbrk(text, "\r\n") == NULL;
}

static bool is_token(const char *name)
{
    static const char allowed[] =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return *name && strspn(name, allowed) == strlen(name);
}

static int read_headers(struct request *r, json_t *headers, struct ff_err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach(headers, name, value)
    {
        struct pair p = {.name = name};

        if (!is_token(name))
            return ff_fail(err, FF_INVALID, 0, "%.64s cannot be the name of a header",
                           name);
        if (!read_text(value, &p.value, &p.secret) || !one_line(p.value))
            return ff_fail(err, FF_INVALID, 0,
                           "header %.64s: its value must be one line of text", name);
        ARRAY_ADD(&r->headers, p);
    }
    return FF_OK;
}

static void read_query(struct request *r, json_t *query)
{
    const char *name;
    json_t *value;

    json_object_foreach(query, name, value)
    {
        struct pair p = {.name = name, .value = json_string_value(value)};

        if (p.value)
            ARRAY_ADD(&r->query, p);
    }
}

static bool read_body(struct request *r)
{
    json_t *json = json_object_get(r->json, "json");
    json_t *body = json_object_get(r->json, "body");
    bool secret;

    if (json)
        r->body = r->body_json = json_text(json);
    return !body || read_text(body, &r->body, &secret);
}

int request_read(const char *text, size_t len, struct request *r, struct ff_err *err)
{
    *r = (struct request){.json = json_parse(text, len, err)};
    if (!r->json)
        return err->code;
    r->method = json_string_value(json_object_get(r->json, "method"));
    r->url = json_string_value(json_object_get(r->json, "url"));
    r->expect = json_object_get(r->json, "expect");
    r->max_bytes = json_integer_value(json_object_get(r->json, "max_bytes"));
    r->follow = json_integer_value(json_object_get(r->json, "follow"));
    r->allow_private = json_is_true(json_object_get(r->json, "allow_private"));
    if (!r->method || !is_token(r->method) || !r->url || r->max_bytes < 0)
        return ff_fail(err, FF_INVALID, 0, "the request makes no sense");
    read_query(r, json_object_get(r->json, "query"));
    if (!read_body(r))
        return ff_fail(err, FF_INVALID, 0, "the body is no text");
    return read_headers(r, json_object_get(r->json, "headers"), err);
}

void request_done(struct request *r)
{
    ARRAY_DONE(&r->headers);
    ARRAY_DONE(&r->query);
    mem_free(r->body_json);
    json_decref(r->json);
}

bool request_expects(const struct request *r, long status)
{
    for (size_t i = 0; i < json_array_size(r->expect); i++)
        if (json_integer_value(json_array_get(r->expect, i)) == status)
            return true;
    return json_array_size(r->expect) == 0 && status >= 200 && status <= 299;
}
