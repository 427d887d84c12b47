/* What a CronWorkflow has around its workflow: times, and what becomes of one that
 * comes while the run before it is open. */
#include "import/argo.h"

#include <string.h>

static const struct im_key cron_keys[] = {
    {"schedule", IMPORT_DONE, ""},
    {"schedules", IMPORT_DONE, ""},
    {"timezone", IMPORT_DONE, ""},
    {"concurrencyPolicy", IMPORT_DONE, ""},
    {"startingDeadlineSeconds", IMPORT_DONE, ""},
    {"workflowSpec", IMPORT_DONE, ""},
    {"suspend", IMPORT_REFUSED, "apply the file and use flowforge schedule pause"},
    {"successfulJobsHistoryLimit", IMPORT_APPROXIMATED,
     "how many runs are kept is a setting: engine.keep_runs"},
    {"failedJobsHistoryLimit", IMPORT_APPROXIMATED,
     "how many runs are kept is a setting: engine.keep_runs"},
    {"workflowMetadata", IMPORT_APPROXIMATED, "use labels: {NAME: value}"},
    {NULL, IMPORT_DONE, NULL}};

/* Without a policy runs stand beside each other there; here they do not. */
static const char *overlap_of(const char *policy)
{
    if (strcmp(policy, "Forbid") == 0)
        return "skip";
    return strcmp(policy, "Replace") == 0 ? "cancel" : "allow";
}

void argo_schedule(struct import *im, const struct source_node *spec)
{
    const struct source_node *list = source_get(spec, "schedules");
    struct source_node cron = source_made_list();

    im_keys(im, spec, cron_keys);
    for (size_t i = 0; i < (list ? list->n : 1); i++) {
        const char *expr =
            list ? im_text(&list->items[i].value) : im_get(spec, "schedule");
        struct source_node item = source_made_map();
        if (!expr[0])
            return;
        item.style = SOURCE_FLOW;
        im_set(im, &item, "expr", expr);
        if (source_get(spec, "timezone"))
            im_set(im, &item, "timezone", im_get(spec, "timezone"));
        im_set(im, &item, "overlap", overlap_of(im_get(spec, "concurrencyPolicy")));
        im_set_duration(im, &item, "catchup",
                        source_get(spec, "startingDeadlineSeconds"), "s");
        source_append(&im->out, &cron, item);
    }
    source_add(&im->out, &im->triggers, "cron", cron);
    im_did(im, spec, "schedule");
}
