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

static int judge_known(struct rest_call *c, const struct workflow_version_row *row,
                       int64_t *project, struct ff_err *err)
{
    const int code = rest_judge(c, model_project(row->project), err);

    *project = model_project(row->project);
    if (code != FF_NOT_FOUND)
        return code;
    return rest_fail(c, PROBLEM_CONFLICT, err,
                     "the name %.*s is taken in another project", (int)row->name.len,
                     row->name.s);
}

/* A name that is known stays in its project; that it is there is told to who may not
 * see it, too, since a name is one workflow's in the tenant. */
static int choose(struct rest_call *c, const char *name, int64_t *project,
                  struct ff_err *err)
{
    const char *given = rest_text(c, "project");
    struct workflow_version_row row;
    int code = given_find(c, name, &row, err);

    if (code == FF_NOT_FOUND)
        return given_match(c, NULL, err) == FF_OK
                   ? rest_choose_project(c, MAY_AUTHOR, PROJECT_ALL, project, err)
                   : err->code;
    if (code == FF_OK && given)
        code = rest_choose_project(c, MAY_AUTHOR, PROJECT_ALL, project, err);
    else if (code == FF_OK)
        code = judge_known(c, &row, project, err);
    /* Of one in another project he is told that it is, and no version. */
    if (code == FF_OK && *project == model_project(row.project))
        code = given_match(c, &row, err);
    return code;
}

/* The same text again changes nothing, and is answered with 200. */
int rest_workflow_apply(struct rest_call *c, struct ff_err *err)
{
    struct node_applied applied = {0};
    struct given s;
    int64_t project = PROJECT_ALL;
    int code = given_source(c, &s, err);

    if (code == FF_OK)
        code = choose(c, s.flow->name, &project, err);
    if (code == FF_OK) {
        const struct node_apply what = {.source = s.text,
                                        .source_len = s.len,
                                        .dir = s.dir,
                                        .flow = s.flow,
                                        .project = project};

        code = node_plan_apply(&c->plan, c->who.tenant, &what, &applied, err);
    }
    if (code == FF_OK) {
        c->status = applied.is_new ? 201 : 200;
        answer(c, s.flow, &applied);
    }
    if (code == FF_OK && rest_has_changes(c))
        code = note(c, "workflow.apply", s.flow->name, err);
    given_done(&s);
    return code;
}

/* For who may. FF_NOT_FOUND: there is none for him. The try before may have deleted it.
 */
static int judge(struct rest_call *c, const char *name, struct ff_err *err)
{
    struct workflow_version_row row;
    int code = given_find(c, name, &row, err);

    if (code == FF_NOT_FOUND && c->plan.doubted)
        return FF_OK;
    if (code == FF_OK)
        code = rest_judge(c, model_project(row.project), err);
    return code == FF_OK ? given_match(c, &row, err) : code;
}

int rest_workflow_delete(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "workflow");
    int code = judge(c, name, err);

    if (code == FF_OK)
        code = node_plan_forget(&c->plan, c->who.tenant, name, err);
    if (code == FF_NOT_FOUND)
        return given_fail_missing(name, err);
    return code == FF_OK ? note(c, "workflow.delete", name, err) : code;
}

int rest_workflow_label(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "workflow");
    const struct node_label want = {
        .workflow = name, .label = rest_path(c, "label"), .hash = rest_text(c, "hash")};
    struct span moved_from;
    int code = judge(c, name, err);

    if (code == FF_OK)
        code = node_plan_label(&c->plan, c->who.tenant, &want, &c->arena, &moved_from,
                               err);
    if (code == FF_NOT_FOUND)
        return ff_fail(err, code, 0, "there is no workflow %.100s with such a version",
                       name);
    return code == FF_OK ? note(c, "workflow.label", name, err) : code;
}
