/* Parameters of Argo: what a run is started with, and what those of a template are
 * where a task uses it. */
#include "import/argo.h"

#include <string.h>

const struct source_node *argo_parameters(const struct source_node *node)
{
    return source_get(node, "parameters");
}

const struct source_node *argo_named(const struct source_node *list, const char *name)
{
    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++)
        if (strcmp(im_get(&list->items[i].value, "name"), name) == 0)
            return &list->items[i].value;
    return NULL;
}

void argo_inputs(struct import *im, const struct source_node *arguments)
{
    const struct source_node *list = argo_parameters(arguments);

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *p = &list->items[i].value;
        const char *name = im_name(im, "inputs", im_get(p, "name"));
        const struct source_node *value = source_get(p, "value");
        im_input(im, name, "string", value ? value : source_get(p, "default"),
                 im_get(p, "description"));
        struct source_node *input = source_get(&im->inputs, name);
        if (source_get(p, "enum"))
            source_add(&im->out, input, "enum", im_copy(im, source_get(p, "enum")));
        im_did(im, p, im_get(p, "name"));
    }
}

/* What the parameters of a template are where this task uses it. */
struct source_node argo_bind(struct import *im, struct argo_scope *outer,
                             const struct source_node *template,
                             const struct source_node *arguments)
{
    const struct im_syntax syntax = argo_syntax(outer);
    const struct source_node *wanted = argo_parameters(source_get(template, "inputs"));
    struct source_node params = source_made_map();

    for (size_t i = 0; wanted && wanted->kind == SOURCE_LIST && i < wanted->n; i++) {
        const struct source_node *p = &wanted->items[i].value;
        const char *name = im_get(p, "name");
        const struct source_node *given = argo_named(argo_parameters(arguments), name);
        const struct source_node *value = source_get(given ? given : p, "value");
        if (!value)
            value = source_get(p, "default");
        if (value)
            im_set(im, &params, name,
                   im_expression(im, &syntax, value, im_text(value)));
        else
            im_refuse(im, p, name, "this parameter is given no value");
    }
    return params;
}
