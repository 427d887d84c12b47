/* Templates of Argo that start no container: suspend and http. */
#include "import/argo.h"

void argo_suspend(struct import *im, const struct source_node *template,
                  const struct source_node *suspend, struct source_node *task)
{
    if (source_get(suspend, "duration")) {
        im_set_duration(im, task, "sleep", source_get(suspend, "duration"), "s");
    } else {
        struct source_node approve = source_made_map();
        approve.style = SOURCE_FLOW;
        im_set(im, &approve, "message",
               source_text(&im->out, "Go on with %s?", im_get(template, "name")));
        source_add(&im->out, task, "approve", approve);
    }
    im_did(im, template, im_get(template, "name"));
}

void argo_http(struct import *im, struct argo_scope *scope,
               const struct source_node *template, const struct source_node *http,
               struct source_node *task)
{
    static const struct im_key keys[] = {{"url", IMPORT_DONE, ""},
                                         {"method", IMPORT_DONE, ""},
                                         {"headers", IMPORT_DONE, ""},
                                         {"body", IMPORT_DONE, ""},
                                         {"timeoutSeconds", IMPORT_DONE, ""},
                                         {"successCondition", IMPORT_REFUSED,
                                          "say which statuses are good: expect: [200]"},
                                         {NULL, IMPORT_DONE, NULL}};
    const struct im_syntax syntax = argo_syntax(scope);
    const struct source_node *headers = source_get(http, "headers");
    struct source_node made = source_made_map();
    struct source_node ours = source_made_map();

    im_keys(im, http, keys);
    for (size_t i = 0; i < 3; i++) {
        static const char *const same[] = {"url", "method", "body"};
        const struct source_node *value = source_get(http, same[i]);
        if (value)
            im_set(im, &made, same[i], im_template(im, &syntax, value, value->text));
    }
    for (size_t i = 0; headers && headers->kind == SOURCE_LIST && i < headers->n; i++) {
        const struct source_node *h = &headers->items[i].value;
        im_set(im, &ours, im_get(h, "name"),
               im_template(im, &syntax, h, im_get(h, "value")));
    }
    if (ours.n > 0)
        source_add(&im->out, &made, "headers", ours);
    im_set_duration(im, task, "timeout", source_get(http, "timeoutSeconds"), "s");
    source_add(&im->out, task, "http", made);
    im_did(im, template, im_get(template, "name"));
}
