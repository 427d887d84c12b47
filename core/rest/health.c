/* health.c - is the process well? The same words wherever it is asked: by the API, and
 * beside the metrics, where there may be no API. */
#include "rest/rest_priv.h"

#include <string.h>

void rest_tell_live(struct buf *out)
{
    buf_add_text(out, "{\"status\":\"ok\"}");
}

/* The sentence of a store may name hosts and files: who is not known hears one word.
 * Where it says nothing at all requests would wait until they are given up. */
static const char *store_word(struct node *n)
{
    struct ff_err err = {0};
    const bool well = store_health(node_store(n), &err) == FF_OK;

    return well && node_store_answers(n) ? "ok" : "failing";
}

/* Who comes with an API key is let in meanwhile, so it is no reason to stay away. */
static const char *auth_word(const struct rest *r)
{
    return driver_auth_ops(r->setup.auth)->ready(r->auth, NULL) == FF_OK ? "ok"
                                                                         : "waiting";
}

static bool tells_auth(const struct rest *r)
{
    return r && r->auth && driver_auth_ops(r->setup.auth)->ready;
}

int rest_tell_ready(struct node *n, const struct rest *r, struct buf *out)
{
    const char *store = store_word(n);
    const bool well = strcmp(store, "ok") == 0;
    const bool draining = r && r->draining;
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    jsonw_key(&w, "status");
    jsonw_text(&w, draining ? "draining" : well ? "ok" : "failing");
    jsonw_key(&w, "checks");
    jsonw_open(&w, '{');
    jsonw_key(&w, "store");
    jsonw_text(&w, store);
    jsonw_key(&w, "leads");
    jsonw_bool(&w, node_is_owner(n));
    if (node_is_leased(n)) {
        jsonw_key(&w, "led");
        jsonw_bool(&w, node_is_led(n)); /* a server that does not lead is as ready */
    }
    if (tells_auth(r)) {
        jsonw_key(&w, "auth");
        jsonw_text(&w, auth_word(r));
    }
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    return draining || !well ? 503 : 200;
}
