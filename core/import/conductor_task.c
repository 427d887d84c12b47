/* Tasks of Conductor in their order, each by its kind. */
#include "import/conductor.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 24

static const struct im_key task_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"taskReferenceName", IMPORT_DONE, ""},
    {"type", IMPORT_DONE, ""},
    {"description", IMPORT_DONE, ""},
    {"inputParameters", IMPORT_DONE, ""},
    {"optional", IMPORT_DONE, ""},
    {"decisionCases", IMPORT_DONE, ""},
    {"defaultCase", IMPORT_DONE, ""},
    {"evaluatorType", IMPORT_DONE, ""},
    {"caseValueParam", IMPORT_DONE, ""},
    {"caseExpression", IMPORT_DONE, ""},
    {"expression", IMPORT_DONE, ""},
    {"forkTasks", IMPORT_DONE, ""},
    {"joinOn", IMPORT_DONE, ""},
    {"loopCondition", IMPORT_DONE, ""},
    {"loopOver", IMPORT_DONE, ""},
    {"subWorkflowParam", IMPORT_DONE, ""},
    {"retryCount", IMPORT_DONE, ""},
    {"dynamicForkTasksParam", IMPORT_DONE, ""},
    {"dynamicForkTasksInputParamName", IMPORT_DONE, ""},
    {"startDelay", IMPORT_REFUSED, "put a task with sleep before it"},
    {"asyncComplete", IMPORT_REFUSED, "use wait_event"},
    {"rateLimited", IMPORT_REFUSED, "use rate: {key, limit, per}"},
    {"cacheConfig", IMPORT_REFUSED, "use cache: {key, ttl}"},
    {NULL, IMPORT_DONE, NULL}};

struct kind {
    const char *type;
    conductor_kind_fn *add;
};

static const struct kind kinds[] = {
    {"SIMPLE", conductor_simple},
    {"HTTP", conductor_http},
    {"SWITCH", conductor_switch},
    {"DECISION", conductor_switch},
    {"FORK_JOIN", conductor_fork},
    {"FORK_JOIN_DYNAMIC", conductor_dynamic_fork},
    {"JOIN", conductor_noop},
    {"EXCLUSIVE_JOIN", conductor_noop},
    {"NOOP", conductor_noop},
    {"DO_WHILE", conductor_loop},
    {"SUB_WORKFLOW", conductor_sub},
    {"WAIT", conductor_wait},
    {"HUMAN", conductor_human},
    {"SET_VARIABLE", conductor_transform},
    {"JSON_JQ_TRANSFORM", conductor_jq},
    {"TERMINATE", conductor_terminate},
};

static void add_unknown(struct place *p, const struct source_node *theirs,
                        const char *name, struct source_node *task, struct before *next)
{
    (void)next;
    im_refuse(p->im, theirs, name, "%s has no counterpart: nothing is run in its place",
              im_get(theirs, "type"));
    im_set_plain(p->im, task, "noop", "true");
}

struct before conductor_after(const char *name)
{
    return (struct before){.names = {name}, .n = 1};
}

/* A task that was skipped counts as satisfied for those behind it, so each task of a
 * case asks for the case. */
static void set_needs(struct import *im, const struct before *b, const char *guard,
                      struct source_node *task)
{
    struct buf text = {0};

    if (b->n == 0)
        return;
    for (size_t i = 0; i < b->n; i++)
        buf_printf(&text, "%s%s", i ? " && " : "", b->names[i]);
    if (guard && !strstr(buf_text(&text), guard))
        buf_printf(&text, " && %s", guard);
    if (strchr(buf_text(&text), '.'))
        im_set(im, task, "needs", buf_text(&text));
    else
        im_set_list(im, task, "needs", b->names, b->n);
    buf_done(&text);
}

static const char *type_of(const struct source_node *theirs)
{
    const char *type = im_get(theirs, "type");

    return type[0] ? type : "SIMPLE";
}

static void add_task(struct place *p, const struct source_node *theirs,
                     struct before *before)
{
    struct import *im = p->im;
    const char *ref = im_get(theirs, "taskReferenceName");
    const char *type = type_of(theirs);
    if (!ref[0])
        ref = im_get(theirs, "name");
    const char *name = im_name(im, "refs", ref);
    struct source_node task = source_made_map();
    struct before next = conductor_after(name);
    size_t k = 0;

    conductor_note_kind(im, ref, type);
    im_keys(im, theirs, task_keys);
    if (source_get(theirs, "description"))
        im_set(im, &task, "description", im_get(theirs, "description"));
    set_needs(im, before, p->guard, &task);
    if (source_is_text(source_get(theirs, "optional"), "true"))
        im_set_plain(im, &task, "continue_on_error", "true");
    if (source_get(theirs, "retryCount")) {
        struct source_node retry = source_made_map();
        retry.style = SOURCE_FLOW;
        im_set_plain(im, &retry, "max_attempts",
                     source_text(&im->out, "%ld",
                                 strtol(im_get(theirs, "retryCount"), NULL, 10) + 1));
        source_add(&im->out, &task, "retry", retry);
    }
    while (k < COUNT_OF(kinds) && strcmp(kinds[k].type, type) != 0)
        k++;
    (k < COUNT_OF(kinds) ? kinds[k].add : add_unknown)(p, theirs, name, &task, &next);
    if (!source_get(p->into, name))
        source_add(&im->out, p->into, name, task);
    *before = next;
}

void conductor_list(struct place *p, const struct source_node *tasks,
                    struct before *before)
{
    if (++p->depth > MAX_DEPTH) {
        im_refuse(p->im, tasks, "tasks", "nested too deep");
        return;
    }
    for (size_t i = 0; tasks && tasks->kind == SOURCE_LIST && i < tasks->n; i++)
        add_task(p, &tasks->items[i].value, before);
    p->depth--;
}
