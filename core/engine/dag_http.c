/* dag_http.c - renders the request of a task with http: JSON for the program that
 * carries it out. A secret is the name of a variable there, which the executor fills;
 * no text of the file can be taken for one. */
#include "engine/dag_priv.h"

#include <stdlib.h>
#include <string.h>

#define VARIABLE      "FF_HTTP_SECRET_%u"
#define VARIABLE_TEXT 32

static json_t *text_value(struct dag_scope *sc, const struct flow_value *v,
                          struct ff_err *err)
{
    json_t *value = dag_eval(sc, v, err);
    int failed = EXPR_OK;

    if (!value)
        return NULL;

    char *text = expr_to_text(value, &failed);

    json_decref(value);
    if (!text) /* too deep it is not: dag_eval sees to that */
        mem_exhausted();
    value = json_string(text);
    free(text);
    return value;
}

static json_t *text_or_secret(struct dag_scope *sc, const struct flow_value *v,
                              unsigned *n_secrets, struct ff_err *err)
{
    char variable[VARIABLE_TEXT];

    if (!v->secret)
        return text_value(sc, v, err);
    snprintf(variable, sizeof(variable), VARIABLE, (*n_secrets)++);
    return json_pack("{ss}", "secret", variable);
}

static json_t *pairs_of(struct dag_scope *sc, const struct flow_pairs *pairs,
                        unsigned *n_secrets, struct ff_err *err)
{
    json_t *made = json_object();

    for (uint32_t i = 0; i < pairs->n; i++) {
        json_t *v = text_or_secret(sc, &pairs->items[i].value, n_secrets, err);

        if (!v) {
            json_decref(made);
            return NULL;
        }
        json_object_set_new_nocheck(made, pairs->items[i].name, v);
    }
    return made;
}

/* Adds one value to the request; false with a sentence that names the key. */
static bool put(json_t *request, const char *key, json_t *value,
                const struct ff_err *why, struct ff_err *err)
{
    if (value) {
        json_object_set_new(request, key, value);
        return true;
    }
    ff_fail(err, FF_INVALID, 0, "http.%s: %.180s", key, why->msg);
    return false;
}

static bool put_values(json_t *request, struct dag_scope *sc, const struct flow_http *h,
                       struct ff_err *err)
{
    struct ff_err why = {0};
    unsigned n = 0;

    return put(request, "url", text_value(sc, h->url, &why), &why, err) &&
           put(request, "headers", pairs_of(sc, &h->headers, &n, &why), &why, err) &&
           put(request, "query", pairs_of(sc, &h->query, &n, &why), &why, err) &&
           (!h->body ||
            put(request, "body", text_or_secret(sc, h->body, &n, &why), &why, err)) &&
           (!h->json || put(request, "json", dag_eval(sc, h->json, &why), &why, err));
}

json_t *dag_http_request(struct dag_scope *sc, const struct flow_http *h,
                         struct ff_err *err)
{
    json_t *request =
        json_pack("{sssIsIsb}", "method", flow_http_methods[h->method], "max_bytes",
                  (json_int_t)h->max_bytes, "follow", (json_int_t)h->follow,
                  "allow_private", h->allow_private);

    if (h->expect)
        json_object_set(request, "expect", h->expect);
    if (put_values(request, sc, h, err))
        return request;
    json_decref(request);
    return NULL;
}

static void add(struct arena *arena, struct work_secret *secrets, size_t *n,
                unsigned *n_here, const char *name)
{
    char variable[VARIABLE_TEXT];

    snprintf(variable, sizeof(variable), VARIABLE, (*n_here)++);
    secrets[(*n)++] =
        (struct work_secret){.name = arena_text(arena, name, strlen(name)),
                             .variable = arena_text(arena, variable, strlen(variable))};
}

/* In the order in which the request counts them. */
void dag_http_secrets(const struct flow_http *h, struct arena *arena,
                      struct work_secret *secrets, size_t *n)
{
    unsigned n_here = 0;

    for (uint32_t i = 0; i < h->headers.n; i++)
        if (h->headers.items[i].value.secret)
            add(arena, secrets, n, &n_here, h->headers.items[i].value.secret);
    if (h->body && h->body->secret)
        add(arena, secrets, n, &n_here, h->body->secret);
}
