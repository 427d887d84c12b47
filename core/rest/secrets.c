/* secrets.c - values that tasks need and nobody reads: set and deleted, each with its
 * row of the audit log in one commit, and told of by name. */
#include "rest/rest_priv.h"

#include "secret/secret.h"
#include <string.h>

struct listing {
    struct rest_page page;
    struct span after;
};

static bool is_behind(const struct listing *l, struct span name)
{
    const size_t least = name.len < l->after.len ? name.len : l->after.len;
    const int order = least > 0 ? memcmp(name.s, l->after.s, least) : 0;

    return order > 0 || (order == 0 && name.len > l->after.len);
}

static int list_one(void *arg, const void *row)
{
    const struct secret_row *secret = row;
    struct listing *l = arg;

    if (!is_behind(l, secret->name))
        return 0;
    if (!rest_page_step(&l->page, true, secret->name.s, secret->name.len))
        return 1;
    jsonw_open(&l->page.w, '{');
    rest_add_row(&l->page.w, &shape_secret, secret);
    jsonw_close(&l->page.w, '}');
    return 0;
}

int rest_secrets_list(struct rest_call *c, struct ff_err *err)
{
    const struct secret_place place = node_secrets(c->rest->setup.node, c->reader);
    struct listing l = {0};
    int code = rest_page_begin(c, &l.page, err);

    l.after = (struct span){.s = buf_text(&l.page.after), .len = l.page.after.len};
    if (code == FF_OK)
        code = secret_list(&place, c->who.tenant, list_one, &l, err);
    return rest_page_end(&l.page, code);
}

static int note(struct rest_call *c, const char *action, struct ff_err *err)
{
    char object[160];

    snprintf(object, sizeof(object), "secret/%.140s", rest_path(c, "secret"));
    return rest_audit(c, action, object, err);
}

int rest_secret_put(struct rest_call *c, struct ff_err *err)
{
    const struct secret_place place = node_secrets(c->rest->setup.node, c->reader);
    const struct secret_new what = {.name = rest_path(c, "secret"),
                                    .value = span_of(rest_text(c, "value")),
                                    .now_us = c->now_us};

    *c->plan.alone = true;
    if (secret_plan_set(&place, c->who.tenant, &what, c->batch, err) != FF_OK)
        return err->code;
    return note(c, "secret.set", err);
}

int rest_secret_delete(struct rest_call *c, struct ff_err *err)
{
    const struct secret_place place = node_secrets(c->rest->setup.node, c->reader);
    const char *name = rest_path(c, "secret");
    const int code = secret_plan_delete(&place, c->who.tenant, name, c->batch, err);

    if (code == FF_NOT_FOUND || code == FF_INVALID)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no secret %.100s", name);
    return code == FF_OK ? note(c, "secret.delete", err) : code;
}
