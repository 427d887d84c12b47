/* The tasks of a dag and of steps of Argo, each with its template written out. */
#include "import/argo.h"

#include <string.h>

#define MAX_EXPANDED 2000 /* tasks, by templates that use others several times */

static const struct im_key task_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"template", IMPORT_DONE, ""},
    {"inline", IMPORT_DONE, ""},
    {"arguments", IMPORT_DONE, ""},
    {"dependencies", IMPORT_DONE, ""},
    {"depends", IMPORT_DONE, ""},
    {"when", IMPORT_DONE, ""},
    {"withItems", IMPORT_DONE, ""},
    {"withParam", IMPORT_DONE, ""},
    {"withSequence", IMPORT_DONE, ""},
    {"continueOn", IMPORT_DONE, ""},
    {"templateRef", IMPORT_DONE, ""},
    {"hooks", IMPORT_REFUSED, "use on_success, on_failure and finally of the task"},
    {"onExit", IMPORT_REFUSED, "use finally of the task"},
    {NULL, IMPORT_DONE, NULL}};

/* Templates are written out where they are used, which must come to an end. */
static const char *why_not(struct import *im, const struct argo_scope *scope)
{
    if (!scope->template)
        return "its template is not in this file: use uses: workflow:NAME";
    if (scope->depth > ARGO_MAX_DEPTH)
        return "templates use each other more than 8 deep: use uses:";
    for (const struct argo_scope *o = scope->outer; o; o = o->outer)
        if (o->template == scope->template)
            return "the template uses itself: put it into a file of its own that has "
                   "uses: ./FILE";
    if (++im->n_expanded > MAX_EXPANDED)
        return "the templates make more than 2000 tasks: put those that are used "
               "often into files of their own, for uses: ./FILE";
    return NULL;
}

/* One task of a dag or step. `before`: names of the steps that come first. */
static void add_task(struct import *im, struct argo_scope *scope,
                     const struct source_node *theirs, const char *const *before,
                     size_t n_before, struct source_node *into)
{
    const char *name = im_known(im, scope->names, im_get(theirs, "name"));
    const struct source_node *template = argo_template_of(im, theirs);
    const struct source_node *when = source_get(theirs, "when");
    const struct source_node *deps = source_get(theirs, "dependencies");
    const struct source_node *go_on = source_get(theirs, "continueOn");
    struct source_node task = source_made_map();

    im_keys(im, theirs, task_keys);
    if (source_get(theirs, "depends"))
        argo_depends(im, scope, source_get(theirs, "depends"), &task);
    else if (n_before > 0)
        im_set_list(im, &task, "needs", before, n_before);
    const char *names[100];
    size_t n = 0;
    for (size_t i = 0; deps && i < deps->n && n < COUNT_OF(names); i++) {
        const char *ours = im_known(im, scope->names, im_text(&deps->items[i].value));
        if (ours)
            names[n++] = ours;
    }
    if (n > 0 && !source_get(&task, "needs"))
        im_set_list(im, &task, "needs", names, n);
    const char *condition = when ? argo_when(im, scope, when) : NULL;
    if (condition)
        im_set(im, &task, "if", condition);
    argo_items(im, scope, theirs, &task);
    if (go_on)
        im_set_plain(im, &task, "continue_on_error", "true");
    struct argo_scope inner = {
        .names = source_text(&im->out, "%s/%s", scope->names, im_get(theirs, "name")),
        .params = argo_bind(im, scope, template, source_get(theirs, "arguments")),
        .depth = scope->depth + 1,
        .template = template,
        .outer = scope};
    struct argo_use use = {.name = im_get(theirs, "name"),
                           .arguments = source_get(theirs, "arguments"),
                           .outer = scope,
                           .inner = &inner,
                           .task = &task,
                           .into = into};
    const char *why = why_not(im, &inner);
    if (!why)
        argo_bind_artifacts(im, &use);
    if (why)
        im_refuse(im, theirs, im_get(theirs, "name"), "%s", why);
    if (why)
        im_set_plain(im, &task, "noop", "true");
    else
        argo_template(im, &inner, template, &task);
    source_add(&im->out, into, name, task);
}

void argo_dag(struct import *im, struct argo_scope *scope,
              const struct source_node *dag, struct source_node *into)
{
    const struct source_node *list = source_get(dag, "tasks");

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++)
        im_name(im, scope->names, im_get(&list->items[i].value, "name"));
    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++)
        add_task(im, scope, &list->items[i].value, NULL, 0, into);
    if (source_get(dag, "failFast"))
        im_approximate(im, source_get(dag, "failFast"), "failFast",
                       "tasks that need nothing failed go on here");
    if (source_get(dag, "target"))
        im_refuse(im, source_get(dag, "target"), "target", "all tasks run");
}

void argo_steps(struct import *im, struct argo_scope *scope,
                const struct source_node *steps, struct source_node *into)
{
    const char *before[100];
    const char *now[100];
    size_t n_before = 0;

    for (size_t i = 0; steps->kind == SOURCE_LIST && i < steps->n; i++) {
        const struct source_node *step = &steps->items[i].value;
        size_t n = 0;
        for (size_t k = 0; step->kind == SOURCE_LIST && k < step->n && n < 100; k++)
            now[n++] = im_name(im, scope->names, im_get(&step->items[k].value, "name"));
        for (size_t k = 0; step->kind == SOURCE_LIST && k < n; k++)
            add_task(im, scope, &step->items[k].value, before, n_before, into);
        memcpy(before, now, n * sizeof(*before));
        n_before = n;
    }
}
