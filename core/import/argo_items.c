/* Tasks of Argo that are there once for each item: withItems, withParam and
 * withSequence as foreach. */
#include "import/argo.h"

#include <string.h>

static void add_sequence(struct import *im, const struct im_syntax *syntax,
                         const struct source_node *seq, struct source_node *task)
{
    const struct source_node *count = source_get(seq, "count");
    const struct source_node *start = source_get(seq, "start");
    const struct source_node *end = source_get(seq, "end");
    const char *from = start ? im_integer(im, syntax, start) : "0";
    const char *to = im_integer(im, syntax, count ? count : end);

    if (count && start)
        to = source_text(&im->out, "%s + %s", from, to);
    else if (!count)
        to = source_text(&im->out, "%s + 1", to); /* their end belongs to it */
    if (source_get(seq, "format"))
        im_refuse(im, source_get(seq, "format"), "format",
                  "write the item as it is wanted");
    im_set(im, task, "foreach",
           source_text(&im->out, "${{ range(%s, %s) }}", from, to));
}

void argo_items(struct import *im, struct argo_scope *scope,
                const struct source_node *theirs, struct source_node *task)
{
    const struct im_syntax syntax = argo_syntax(scope);
    const struct source_node *items = source_get(theirs, "withItems");
    const struct source_node *param = source_get(theirs, "withParam");
    const struct source_node *seq = source_get(theirs, "withSequence");

    if (items) {
        source_add(&im->out, task, "foreach", im_value(im, &syntax, items));
        im_did(im, items, "withItems");
    } else if (param) {
        const char *text = im_template(im, &syntax, param, param->text);
        /* Lists come as JSON text there, and as lists here. */
        if (strstr(text, "inputs."))
            text = source_text(&im->out, "${{ json(%s) }}",
                               im_expression(im, &syntax, param, param->text));
        for (size_t i = 0; i < im->demands.n; i++) {
            const char *named =
                source_text(&im->out, "tasks.%s.outputs.%s ", im->demands.items[i].task,
                            im->demands.items[i].output);
            if (strstr(text, named))
                im->demands.items[i].json = true;
        }
        if (!strstr(text, ".outputs.result") && strstr(text, ".outputs."))
            text = source_text(&im->out, "${{ json(%s) }}",
                               im_expression(im, &syntax, param, param->text));
        im_set(im, task, "foreach", text);
        im_did(im, param, "withParam");
    } else if (seq) {
        add_sequence(im, &syntax, seq, task);
        im_did(im, seq, "withSequence");
    }
}
