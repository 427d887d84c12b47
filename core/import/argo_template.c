/* Templates of Argo: where they are found, and what each kind of them becomes. */
#include "import/argo.h"

const struct im_key argo_template_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"inputs", IMPORT_DONE, ""},
    {"outputs", IMPORT_DONE, ""},
    {"container", IMPORT_DONE, ""},
    {"script", IMPORT_DONE, ""},
    {"dag", IMPORT_DONE, ""},
    {"steps", IMPORT_DONE, ""},
    {"suspend", IMPORT_DONE, ""},
    {"http", IMPORT_DONE, ""},
    {"retryStrategy", IMPORT_DONE, ""},
    {"timeout", IMPORT_DONE, ""},
    {"activeDeadlineSeconds", IMPORT_DONE, ""},
    {"synchronization", IMPORT_DONE, ""},
    {"parallelism", IMPORT_REFUSED,
     "a group has no bound of its own: use parallelism of the workflow"},
    {"failFast", IMPORT_REFUSED,
     "a group goes on with what does not need the failed task"},
    {"memoize", IMPORT_DONE, ""},
    {"nodeSelector", IMPORT_DONE, ""},
    {"tolerations", IMPORT_APPROXIMATED, ARGO_WHY_PLACE},
    {"affinity", IMPORT_APPROXIMATED, ARGO_WHY_PLACE},
    {"serviceAccountName", IMPORT_APPROXIMATED, ARGO_WHY_PLACE},
    {"metadata", IMPORT_APPROXIMATED, "tasks have no labels"},
    {"priority", IMPORT_APPROXIMATED, "pods' priorities are not those of tasks"},
    {"sidecars", IMPORT_REFUSED, "start it in a task of its own"},
    {"initContainers", IMPORT_REFUSED, "make it a task before this one"},
    {"volumes", IMPORT_REFUSED, "tasks use the files of their machine"},
    {"daemon", IMPORT_REFUSED, "a task ends; start daemons outside"},
    {"resource", IMPORT_REFUSED, "use kubectl in a run task"},
    {"data", IMPORT_REFUSED, "use a script"},
    {"containerSet", IMPORT_REFUSED, "make each container a task"},
    {"plugin", IMPORT_REFUSED, "plugins are not known"},
    {NULL, IMPORT_DONE, NULL}};

const struct source_node *argo_find_template(const struct source_node *spec,
                                             const char *name)
{
    return argo_named(source_get(spec, "templates"), name);
}

const struct source_node *argo_spec(const struct import *im)
{
    const struct source_node *spec = source_get(im->doc, "spec");
    const struct source_node *inner = source_get(spec, "workflowSpec");

    return inner ? inner : spec;
}

const struct source_node *argo_template_of(const struct import *im,
                                           const struct source_node *use)
{
    const struct source_node *inlined = source_get(use, "inline");

    return inlined ? inlined
                   : argo_find_template(argo_spec(im), im_get(use, "template"));
}

bool argo_has_program(const struct source_node *template)
{
    static const char *const kinds[] = {"container", "script", "dag", "steps"};

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (source_get(template, kinds[i]))
            return true;
    return false;
}

/* Of a template that starts no program. */
static void refuse_artifacts(struct import *im, const struct source_node *template)
{
    static const char *const sides[] = {"inputs", "outputs"};

    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        const struct source_node *list = argo_artifacts(source_get(template, sides[i]));
        if (list)
            im_refuse(im, list, "artifacts",
                      "only tasks that start a program have any");
    }
}

static void add_group_outputs(struct import *im, struct argo_scope *scope,
                              const struct source_node *template,
                              struct source_node *task)
{
    const struct im_syntax syntax = argo_syntax(scope);
    const struct source_node *list = argo_parameters(source_get(template, "outputs"));
    struct source_node outputs = source_made_map();

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *p = &list->items[i].value;
        const struct source_node *from = source_get(p, "valueFrom");
        const struct source_node *parameter = source_get(from, "parameter");
        if (parameter)
            im_set(im, &outputs, im_name(im, "outputs", im_get(p, "name")),
                   im_template(im, &syntax, parameter, parameter->text));
        else
            im_refuse(im, p, im_get(p, "name"),
                      "only valueFrom.parameter is known here");
    }
    argo_group_artifacts(im, scope, template, &outputs);
    if (outputs.n > 0)
        source_add(&im->out, task, "outputs", outputs);
}

void argo_template(struct import *im, struct argo_scope *scope,
                   const struct source_node *template, struct source_node *task)
{
    const struct source_node *container = source_get(template, "container");
    const struct source_node *script = source_get(template, "script");
    const struct source_node *suspend = source_get(template, "suspend");
    const struct source_node *http = source_get(template, "http");
    const struct source_node *dag = source_get(template, "dag");
    const struct source_node *steps = source_get(template, "steps");

    im_keys(im, template, argo_template_keys);
    argo_policy(im, template, task);
    argo_memoize(im, scope, template, task);
    if (!argo_has_program(template))
        refuse_artifacts(im, template);
    if (container) {
        argo_container(im, scope, template, container, task);
    } else if (script) {
        argo_script(im, scope, template, script, task);
    } else if (suspend) {
        argo_suspend(im, template, suspend, task);
    } else if (http) {
        argo_http(im, scope, template, http, task);
    } else if (dag || steps) {
        struct source_node inner = source_made_map();
        if (dag)
            argo_dag(im, scope, dag, &inner);
        else
            argo_steps(im, scope, steps, &inner);
        source_add(&im->out, task, "tasks", inner);
        add_group_outputs(im, scope, template, task);
        im_did(im, template, im_get(template, "name"));
    } else {
        im_set_plain(im, task, "noop", "true");
    }
}
