/* Argo Workflows: Workflow, WorkflowTemplate and CronWorkflow. A template is written
 * out where it is used, its parameters as what they are there; templates of more than
 * one task become groups. Containers run as programs of the machine, since that is
 * where tasks run here. */
#include "import/argo.h"

#include <string.h>

static const struct im_key spec_keys[] = {
    {"entrypoint", IMPORT_DONE, ""},
    {"templates", IMPORT_DONE, ""},
    {"arguments", IMPORT_DONE, ""},
    {"onExit", IMPORT_DONE, ""},
    {"activeDeadlineSeconds", IMPORT_DONE, ""},
    {"parallelism", IMPORT_DONE, ""},
    {"synchronization", IMPORT_REFUSED, "use concurrency, mutex or semaphores"},
    {"serviceAccountName", IMPORT_APPROXIMATED, ARGO_WHY_PLACE},
    {"nodeSelector", IMPORT_DONE, ""},
    {"tolerations", IMPORT_APPROXIMATED, ARGO_WHY_PLACE},
    {"affinity", IMPORT_APPROXIMATED, ARGO_WHY_PLACE},
    {"volumes", IMPORT_REFUSED, "tasks use the files of their machine"},
    {"volumeClaimTemplates", IMPORT_REFUSED, "tasks use the files of their machine"},
    {"ttlStrategy", IMPORT_APPROXIMATED,
     "how long runs are kept is a setting: engine.keep"},
    {"podGC", IMPORT_APPROXIMATED, "there are no pods to remove"},
    {"hooks", IMPORT_REFUSED, "use on_success, on_failure and finally"},
    {"workflowTemplateRef", IMPORT_REFUSED, "import the template's own file"},
    {NULL, IMPORT_DONE, NULL}};

static void read_exit(struct import *im, const struct source_node *spec)
{
    const char *name = im_get(spec, "onExit");
    const struct source_node *template = argo_find_template(spec, name);
    struct argo_scope scope = {.names = "exit", .params = source_made_map()};
    struct source_node task = source_made_map();

    if (!name[0])
        return;
    if (!template) {
        im_refuse(im, source_get(spec, "onExit"), "onExit",
                  "there is no such template");
        return;
    }
    scope.template = template;
    scope.params = argo_bind(im, &scope, template, NULL);
    if (source_get(template, "steps")) {
        /* Handlers run one after the other: the steps need no group. */
        argo_steps(im, &scope, source_get(template, "steps"), &im->finally);
        for (size_t i = 0; i < im->finally.n; i++)
            im_drop(&im->finally.items[i].value, "needs");
    } else {
        argo_template(im, &scope, template, &task);
        source_add(&im->out, &im->finally, im_name(im, "exit", name), task);
    }
}

int import_argo(struct import *im)
{
    const char *kind = im_get(im->doc, "kind");
    const struct source_node *spec = argo_spec(im);
    const struct source_node *meta = source_get(im->doc, "metadata");
    const char *named = im_get(meta, "name");
    const char *generated = im_get(meta, "generateName");
    struct argo_scope scope = {.names = "main", .is_entry = true};
    struct source_node defaults = source_made_map();

    if (!spec ||
        (strcmp(kind, "Workflow") != 0 && strcmp(kind, "WorkflowTemplate") != 0 &&
         strcmp(kind, "CronWorkflow") != 0 &&
         strcmp(kind, "ClusterWorkflowTemplate") != 0))
        return ff_fail(
            im->err, FF_INVALID, 0,
            "this is no workflow of Argo: kind is Workflow, WorkflowTemplate "
            "or CronWorkflow");
    if (named[0] || generated[0])
        im->name = named[0] ? named : generated;
    im_keys(im, spec, spec_keys);
    if (strcmp(kind, "CronWorkflow") == 0)
        argo_schedule(im, source_get(im->doc, "spec"));
    argo_inputs(im, source_get(spec, "arguments"));
    argo_selector(im, spec, &defaults);
    if (defaults.n > 0)
        source_add(&im->out, &im->out.root, "defaults", defaults);
    im_set_duration(im, &im->out.root, "timeout",
                    source_get(spec, "activeDeadlineSeconds"), "s");
    im_set_number(im, &im->out.root, "parallelism", source_get(spec, "parallelism"));
    const struct source_node *entry =
        argo_find_template(spec, im_get(spec, "entrypoint"));
    if (!entry)
        return ff_fail(im->err, FF_INVALID, 0,
                       "the entrypoint %.60s is no template of "
                       "this file",
                       im_get(spec, "entrypoint"));
    scope.template = entry;
    scope.params = argo_bind(im, &scope, entry, source_get(spec, "arguments"));
    /* What the entry is given is what the run is started with. */
    for (size_t i = 0; i < scope.params.n; i++) {
        const char *input = im_known(im, "inputs", scope.params.items[i].key.text);
        if (input)
            scope.params.items[i].value = source_made_f(&im->out, "inputs.%s", input);
    }
    struct source_node task = source_made_map();
    struct argo_use use = {.name = im_get(entry, "name"),
                           .arguments = source_get(spec, "arguments"),
                           .inner = &scope,
                           .outer = &scope,
                           .task = &task,
                           .into = &im->tasks};
    argo_bind_artifacts(im, &use);
    if (source_get(entry, "dag") || source_get(entry, "steps")) {
        im_keys(im, entry, argo_template_keys);
        argo_no_selector(im, entry);
        if (source_get(entry, "dag"))
            argo_dag(im, &scope, source_get(entry, "dag"), &im->tasks);
        else
            argo_steps(im, &scope, source_get(entry, "steps"), &im->tasks);
    } else {
        argo_template(im, &scope, entry, &task);
        source_add(&im->out, &im->tasks, im_name(im, "main", im_get(entry, "name")),
                   task);
    }
    read_exit(im, spec);
    return FF_OK;
}
