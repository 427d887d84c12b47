/* apply.c - workflows become known under their names, get labels, and are forgotten. */
#include "rest/given.h"

#include <string.h>

static int note(struct rest_call *c, const char *action, const char *name,
                struct ff_err *err)
{
    char object[128];

    snprintf(object, sizeof(object), "workflow/%.100s", name);
    return rest_audit(c, action, object, err);
}

static void answer(struct rest_call *c, const struct flow *flow,
                   const struct node_applied *applied)
{
    struct jsonw w = {.out = &c->out};

    rest_set_location(c, "/workflows/%s", flow->name);
    jsonw_open(&w, '{');
    jsonw_key(&w, "name");
    jsonw_text(&w, flow->name);
    jsonw_key(&w, "number");
    jsonw_int(&w, applied->number);
    jsonw_key(&w, "hash");
    jsonw_text(&w, flow->hash);
    jsonw_key(&w, "new");
    jsonw_bool(&w, applied->is_new);
    jsonw_close(&w, '}');
}

/* The same text again changes nothing, and is answered with 200. */
int rest_workflow_apply(struct rest_call *c, struct ff_err *err)
{
    struct node_applied applied = {0};
    struct given s;
    int code = given_source(c, &s, err);

    if (code == FF_OK) {
        const struct node_apply what = {
            .source = s.text, .source_len = s.len, .dir = s.dir, .flow = s.flow};

        code = node_plan_apply(&c->plan, c->who.tenant, &what, &applied, err);
    }
    if (code == FF_OK) {
        c->status = applied.is_new ? 201 : 200;
        answer(c, s.flow, &applied);
    }
    if (code == FF_OK && c->batch->n > 0)
        code = note(c, "workflow.apply", s.flow->name, err);
    given_done(&s);
    return code;
}

int rest_workflow_delete(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "workflow");
    const int code = node_plan_forget(&c->plan, c->who.tenant, name, err);

    if (code == FF_NOT_FOUND)
        return ff_fail(err, code, 0, "there is no workflow %.100s", name);
    return code == FF_OK ? note(c, "workflow.delete", name, err) : code;
}

int rest_workflow_label(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "workflow");
    const struct node_label want = {
        .workflow = name, .label = rest_path(c, "label"), .hash = rest_text(c, "hash")};
    struct span moved_from;
    const int code =
        node_plan_label(&c->plan, c->who.tenant, &want, &c->arena, &moved_from, err);

    if (code == FF_NOT_FOUND)
        return ff_fail(err, code, 0, "there is no workflow %.100s with such a version",
                       name);
    return code == FF_OK ? note(c, "workflow.label", name, err) : code;
}
