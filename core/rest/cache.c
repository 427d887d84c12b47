/* cache.c - what tasks with `cache` gave is forgotten, when people ask for it. */
#include "rest/rest_priv.h"

#include <string.h>

static int note(struct rest_call *c, const char *workflow, const char *task,
                struct ff_err *err)
{
    char object[200];

    snprintf(object, sizeof(object), "cache/%.64s/%.120s", workflow ? workflow : "*",
             task ? task : "*");
    return rest_audit(c, "cache.clear", object, err);
}

int rest_cache_clear(struct rest_call *c, struct ff_err *err)
{
    const char *workflow = rest_ask(c, "workflow");
    const char *task = rest_ask(c, "task");
    struct jsonw w = {.out = &c->out};
    bool more = false;
    int64_t n = 0;

    if (node_plan_clear_cache(&c->plan, c->who.tenant, workflow, task, &n, &more,
                              err) != FF_OK)
        return err->code;
    jsonw_open(&w, '{');
    jsonw_key(&w, "deleted");
    jsonw_int(&w, n);
    jsonw_key(&w, "more");
    jsonw_bool(&w, more);
    jsonw_close(&w, '}');
    return n > 0 ? note(c, workflow, task, err) : FF_OK;
}
