/* submit.c - new runs: of a workflow by its name, of a file that comes with the
 * request, or of what another run was made of. */
#include "rest/given.h"

#include <string.h>

struct submitting {
    struct given source;
    json_t *inputs, *labels;
    const struct run_row *old; /* of a rerun */
    int64_t project;
    const char *from;
};

/* --- what it is given --- */

static int read_inputs(struct rest_call *c, struct submitting *s, struct ff_err *err)
{
    struct flow_problems problems = {0};
    json_t *given = rest_value(c, "inputs");
    json_t *all = json_object();
    int code = FF_OK;

    if (s->old) {
        json_t *before = json_parse(s->old->inputs.s, s->old->inputs.len, err);

        json_object_update(all, before);
        json_decref(before);
    }
    if (given)
        json_object_update(all, given);
    s->inputs = flow_inputs(s->source.flow, all, false, &problems);
    if (!s->inputs)
        code = given_fail(c, &problems, err);
    json_decref(all);
    flow_problems_done(&problems);
    return code;
}

static const char *label_fault(const char *name, const json_t *value)
{
    if (!json_is_string(value))
        return "the value of a label is a text";
    return flow_label_fault(name, json_string_value(value));
}

/* Those of the file, or of the run before, and over them those of the request. */
static int read_labels(struct rest_call *c, struct submitting *s, struct ff_err *err)
{
    const struct flow *flow = s->source.flow;
    const char *name;
    json_t *value;
    bool good = true;

    if (s->old && s->old->labels.s)
        s->labels = json_parse(s->old->labels.s, s->old->labels.len, err);
    else
        s->labels = flow->labels ? json_deep_copy(flow->labels) : json_object();
    json_object_foreach(rest_value(c, "labels"), name, value)
    {
        const char *fault = label_fault(name, value);
        char pointer[128];

        snprintf(pointer, sizeof(pointer), "/labels/%.100s", name);
        if (fault)
            rest_add_error(c, "pointer", pointer, "%s", fault);
        good = good && !fault;
        json_object_set(s->labels, name, value);
    }
    if (good && json_object_size(s->labels) <= FLOW_MAX_LABELS)
        return FF_OK;
    return rest_fail(c, PROBLEM_INVALID, err,
                     "the labels cannot be those of a run, which has at most %d",
                     FLOW_MAX_LABELS);
}

/* --- the run --- */

static void answer(struct rest_call *c, const struct flow *flow)
{
    struct jsonw w = {.out = &c->out};

    rest_set_location(c, "/runs/%s", c->made.id);
    jsonw_open(&w, '{');
    jsonw_key(&w, "id");
    jsonw_text(&w, c->made.id);
    jsonw_key(&w, "workflow");
    jsonw_text(&w, flow->name);
    jsonw_key(&w, "hash");
    jsonw_text(&w, flow->hash);
    jsonw_key(&w, "state");
    jsonw_text(&w, run_state_names[RUN_PENDING]);
    jsonw_close(&w, '}');
}

static int put(struct rest_call *c, const struct submitting *s, struct ff_err *err)
{
    const char *traceparent = http_header(c->request, "traceparent");
    struct flow_problems problems = {0};
    char object[64];
    const struct node_submit what = {
        .source = s->source.text,
        .source_len = s->source.len,
        .dir = s->source.dir,
        .workflow = s->source.flow->name,
        .hash = s->source.flow->hash,
        .inputs = s->inputs,
        .labels = s->labels,
        .project = s->project,
        .flow = s->source.flow,
        .priority = rest_int(c, "priority", 0),
        .no_cache = rest_bool(c, "no_cache"),
        .reuse = s->from ? s->old : NULL,
        .from = s->from,
        .traceparent = rest_is_traceparent(traceparent) ? traceparent : NULL,
        .problems = &problems};
    int code = node_plan_submit(&c->plan, c->who.tenant, &what, &c->made, err);

    if (code != FF_OK && problems.n > 0)
        code = given_fail(c, &problems, err);
    flow_problems_done(&problems);
    if (code != FF_OK)
        return code;
    answer(c, s->source.flow);
    snprintf(object, sizeof(object), "run/%s", c->made.id);
    return rest_audit(c, s->old ? "run.rerun" : "run.submit", object, err);
}

static int submit(struct rest_call *c, struct submitting *s, int code,
                  struct ff_err *err)
{
    if (code == FF_OK)
        code = read_inputs(c, s, err);
    if (code == FF_OK)
        code = read_labels(c, s, err);
    if (code == FF_OK)
        code = put(c, s, err);
    json_decref(s->inputs);
    json_decref(s->labels);
    given_done(&s->source);
    return code;
}

/* A workflow of the default project is for all; one of another project is there for who
 * sees it, and runs there unless it is said where. */
static int by_name(struct rest_call *c, const char *word, struct submitting *s,
                   struct ff_err *err)
{
    struct workflow_version_row row;
    int64_t usual = PROJECT_ALL;

    if (given_find(c, word, &row, err) != FF_OK)
        return err->code;

    const int64_t project = model_project(row.project);
    const struct access_scope where = {c->who.tenant, project};

    if (project != PROJECT_DEFAULT && access_may(&c->who, MAY_VIEW, where))
        usual = project;
    else if (project != PROJECT_DEFAULT)
        return given_fail_missing(word, err);
    if (rest_choose_project(c, MAY_OPERATE, usual, &s->project, err) != FF_OK)
        return err->code;
    return given_hash(c, row.hash, row.dir, &s->source, err);
}

/* A file of one's own does all that a workflow can: who runs others' may less. */
static int by_source(struct rest_call *c, struct submitting *s, struct ff_err *err)
{
    if (rest_choose_project(c, MAY_AUTHOR, PROJECT_ALL, &s->project, err) != FF_OK)
        return err->code;
    return given_source(c, &s->source, err);
}

int rest_run_submit(struct rest_call *c, struct ff_err *err)
{
    const char *word = rest_text(c, "workflow");
    struct submitting s = {0};

    if (!word == !rest_text(c, "source"))
        return rest_fail(c, PROBLEM_INVALID, err,
                         "say what is to run: either workflow, the name of one that "
                         "was applied, or source, a workflow file");

    const int code = word ? by_name(c, word, &s, err) : by_source(c, &s, err);

    return submit(c, &s, code, err);
}

/* --- the same again --- */

static int check_from(struct rest_call *c, const struct run_row *old,
                      struct ff_err *err)
{
    if (!rest_text(c, "from"))
        return FF_OK;
    if (run_is_child(old))
        return rest_fail(c, PROBLEM_CONFLICT, err,
                         "the run is a task of another run: name that one");
    if (rest_value(c, "inputs"))
        return rest_fail(c, PROBLEM_INVALID, err,
                         "with other inputs every task begins anew: leave out from, or "
                         "inputs");
    return FF_OK;
}

int rest_run_rerun(struct rest_call *c, struct ff_err *err)
{
    struct submitting s = {.from = rest_text(c, "from")};
    struct run_row old;

    if (rest_find_run(c, &old, err) != FF_OK || check_from(c, &old, err) != FF_OK)
        return err->code;
    old.inputs = rest_open_column(c, &old, old.inputs);
    if (exec_is_kept(old.inputs))
        return rest_fail(c, PROBLEM_CONFLICT, err,
                         "the inputs of that run are gone: submit it anew with inputs");
    s.old = &old;
    s.project = old.project;
    return submit(c, &s, given_hash(c, old.hash, old.dir, &s.source, err), err);
}
