/* Conductor: one workflow definition in JSON. Its tasks follow each other; those of a
 * FORK go side by side, cases hang on their switch. Workers that poll for SIMPLE tasks
 * are unknown here: each becomes a program of the task's name that reads its input as
 * JSON and prints its output so. */
#include "import/conductor.h"

#include <string.h>

static const struct im_key workflow_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"description", IMPORT_DONE, ""},
    {"version", IMPORT_DONE, ""},
    {"tasks", IMPORT_DONE, ""},
    {"inputParameters", IMPORT_DONE, ""},
    {"inputTemplate", IMPORT_DONE, ""},
    {"outputParameters", IMPORT_DONE, ""},
    {"timeoutSeconds", IMPORT_DONE, ""},
    {"failureWorkflow", IMPORT_DONE, ""},
    {"schemaVersion", IMPORT_DONE, ""},
    {"ownerEmail", IMPORT_DONE, ""},
    {"restartable", IMPORT_DONE, ""},
    {"timeoutPolicy", IMPORT_APPROXIMATED, "a run that takes too long fails"},
    {"workflowStatusListenerEnabled", IMPORT_APPROXIMATED,
     "use on_success and on_failure"},
    {"variables", IMPORT_REFUSED, "use outputs of tasks"},
    {NULL, IMPORT_DONE, NULL}};

static void read_inputs(struct import *im, const struct source_node *list,
                        const struct source_node *values)
{
    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *item = &list->items[i].value;
        im_input(im, im_name(im, "inputs", im_text(item)), "string",
                 source_get(values, im_text(item)), NULL);
        im_approximate(im, item, im_text(item),
                       "inputs have a type here: text, unless it is changed");
    }
}

static void read_outputs(struct import *im, const struct source_node *map)
{
    for (size_t i = 0; map && map->kind == SOURCE_MAP && i < map->n; i++) {
        source_add(&im->out, &im->outputs,
                   im_name(im, "outputs", map->items[i].key.text),
                   im_value(im, &conductor_syntax, &map->items[i].value));
        im_did(im, &map->items[i].key, map->items[i].key.text);
    }
}

int import_conductor(struct import *im)
{
    const struct source_node *tasks = source_get(im->doc, "tasks");
    const char *failure = im_get(im->doc, "failureWorkflow");
    struct place place = {.im = im, .into = &im->tasks};
    struct before before = {.n = 0};

    if (!tasks || tasks->kind != SOURCE_LIST)
        return ff_fail(im->err, FF_INVALID, 0,
                       "this is no workflow of Conductor: it has no list of tasks");
    if (im_get(im->doc, "name")[0])
        im->name = im_get(im->doc, "name");
    im_keys(im, im->doc, workflow_keys);
    if (source_get(im->doc, "description"))
        im_set(im, &im->out.root, "description", im_get(im->doc, "description"));
    if (source_get(im->doc, "version"))
        im_set(im, &im->out.root, "version",
               source_text(&im->out, "v%s", im_get(im->doc, "version")));
    if (strcmp(im_get(im->doc, "timeoutSeconds"), "0") != 0)
        im_set_duration(im, &im->out.root, "timeout",
                        source_get(im->doc, "timeoutSeconds"), "s");
    read_inputs(im, source_get(im->doc, "inputParameters"),
                source_get(im->doc, "inputTemplate"));
    conductor_list(&place, tasks, &before);
    read_outputs(im, source_get(im->doc, "outputParameters"));
    if (failure[0]) {
        struct source_node task = source_made_map();
        im_set(im, &task, "uses", im_workflow(im, failure));
        source_add(&im->out, &im->on_failure,
                   im_name(im, "handlers", "failure_workflow"), task);
        im_approximate(im, source_get(im->doc, "failureWorkflow"), "failureWorkflow",
                       "import that workflow too, and apply it");
    }
    return FF_OK;
}
