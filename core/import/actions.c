/* GitHub Actions: one workflow file. A job becomes a task, its steps one shell text in
 * their order, which share a folder as they do there; a job whose steps have conditions
 * of their own cannot be said so and is told. */
#include "import/actions.h"

#include <string.h>

static const struct im_key workflow_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"on", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"jobs", IMPORT_DONE, ""},
    {"defaults", IMPORT_DONE, ""},
    {"run-name", IMPORT_APPROXIMATED, "runs are named by their workflow"},
    {"permissions", IMPORT_APPROXIMATED, "tasks hold no token of GitHub"},
    {"concurrency", IMPORT_DONE, ""},
    {NULL, IMPORT_DONE, NULL}};

/* --- triggers --- */

static void read_inputs(struct import *im, const struct source_node *inputs)
{
    static const char *const types[][2] = {{"boolean", "boolean"},
                                           {"number", "number"}};

    for (size_t i = 0; inputs && inputs->kind == SOURCE_MAP && i < inputs->n; i++) {
        const struct source_node *input = &inputs->items[i].value;
        const char *name = im_name(im, "inputs", inputs->items[i].key.text);
        const char *type = im_word(im_get(input, "type"), types, COUNT_OF(types));
        im_input(im, name, type ? type : "string", source_get(input, "default"),
                 im_get(input, "description"));
        struct source_node *ours = source_get(&im->inputs, name);
        if (source_get(input, "options"))
            source_add(&im->out, ours, "enum",
                       im_copy(im, source_get(input, "options")));
        if (!source_get(input, "default") &&
            !source_is_text(source_get(input, "required"), "true"))
            im_set_plain(im, ours, "required", "false");
        im_did(im, &inputs->items[i].key, inputs->items[i].key.text);
    }
}

static void read_schedule(struct import *im, const struct source_node *list)
{
    struct source_node cron = source_made_list();

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        struct source_node item = source_made_map();
        item.style = SOURCE_FLOW;
        im_set(im, &item, "expr", im_get(&list->items[i].value, "cron"));
        im_set(im, &item, "timezone", "UTC");
        source_append(&im->out, &cron, item);
        im_did(im, &list->items[i].value, "schedule");
    }
    source_add(&im->out, &im->triggers, "cron", cron);
}

static void read_trigger(struct import *im, const struct source_node *at,
                         const char *event, const struct source_node *value)
{
    if (strcmp(event, "workflow_dispatch") == 0 || strcmp(event, "workflow_call") == 0)
        read_inputs(im, source_get(value, "inputs"));
    else if (strcmp(event, "schedule") == 0)
        read_schedule(im, value);
    else
        im_refuse(im, at, event, "let the server that hosts the code start the run");
}

static void read_on(struct import *im, const struct source_node *on)
{
    if (on && on->kind == SOURCE_SCALAR)
        read_trigger(im, on, on->text, NULL);
    for (size_t i = 0; on && on->kind != SOURCE_SCALAR && i < on->n; i++) {
        const struct source_pair *pair = &on->items[i];
        if (on->kind == SOURCE_MAP)
            read_trigger(im, &pair->key, pair->key.text, &pair->value);
        else
            read_trigger(im, &pair->value, im_text(&pair->value), NULL);
    }
}

/* --- the file --- */

static void read_concurrency(struct import *im, const struct source_node *theirs)
{
    struct source_node made = source_made_map();

    if (!theirs)
        return;
    const struct source_node *group =
        theirs->kind == SOURCE_SCALAR ? theirs : source_get(theirs, "group");
    made.style = SOURCE_FLOW;
    im_set(im, &made, "key", im_template(im, &actions_syntax, group, im_text(group)));
    im_set_plain(im, &made, "limit", "1");
    if (source_is_text(source_get(theirs, "cancel-in-progress"), "true"))
        im_set(im, &made, "overflow", "cancel_oldest");
    source_add(&im->out, &im->out.root, "concurrency", made);
    im_did(im, theirs, "concurrency");
}

int import_actions(struct import *im)
{
    const struct source_node *jobs = source_get(im->doc, "jobs");
    const struct source_node *env = source_get(im->doc, "env");

    if (!jobs || jobs->kind != SOURCE_MAP)
        return ff_fail(im->err, FF_INVALID, 0,
                       "this is no workflow of GitHub Actions: it has no jobs");
    if (im_get(im->doc, "name")[0])
        im->name = im_get(im->doc, "name");
    im_keys(im, im->doc, workflow_keys);
    read_on(im, source_get(im->doc, "on"));
    read_concurrency(im, source_get(im->doc, "concurrency"));
    for (size_t i = 0; env && env->kind == SOURCE_MAP && i < env->n; i++)
        im_set(im, &im->env, env->items[i].key.text,
               im_template(im, &actions_syntax, &env->items[i].value,
                           im_text(&env->items[i].value)));
    for (size_t i = 0; i < jobs->n; i++)
        im_name(im, "jobs", jobs->items[i].key.text);
    for (size_t i = 0; i < jobs->n; i++)
        actions_job(im, &jobs->items[i]);
    return FF_OK;
}
