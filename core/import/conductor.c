/* Conductor: one workflow definition in JSON. Its tasks follow each other; those of a
 * FORK go side by side, cases hang on their switch. Workers that poll for SIMPLE tasks
 * are unknown here: each becomes a program of the task's name that reads its input as
 * JSON and prints its output so. */
#include "import/import_priv.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 24

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

/* What has to have ended before the next task: a list or a formula. */
struct before {
    const char *names[64];
    size_t n;
    bool any; /* one of the cases of a switch: all of them have ended */
};

struct place {
    struct import *im;
    struct source_node *into;
    int depth;
    const char *guard; /* in a case of a switch: what says that it was taken */
};

/* --- references --- */

static void note_kind(struct import *im, const char *ref, const char *kind)
{
    char key[256];

    snprintf(key, sizeof(key), "kinds/%.140s", ref);
    map_set_text(&im->names, key, source_text(&im->out, "%s", kind));
}

/* Those that have counterparts here: a JOIN, for instance, gathers nothing. */
static bool has_outputs(const char *kind)
{
    static const char *const kinds[] = {"SIMPLE",       "HTTP",
                                        "DO_WHILE",     "SET_VARIABLE",
                                        "SUB_WORKFLOW", "JSON_JQ_TRANSFORM",
                                        "HUMAN",        "FORK_JOIN_DYNAMIC"};

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

/* ${ref.output.a.b} and ${workflow.input.a} */
static bool convert(struct import *im, void *arg, const char *text, struct buf *expr)
{
    char first[96] = "";
    int used = 0;

    (void)arg;
    if (sscanf(text, "workflow.input.%95[^.]%n", first, &used) == 1) {
        const char *name = im_name(im, "inputs", first);
        if (!source_get(&im->inputs, name))
            im_input(im, name, "string", NULL, NULL);
        buf_printf(expr, "inputs.%s%s", name, text + used);
        return true;
    }
    if (strcmp(text, "workflow.workflowId") == 0) {
        buf_add_text(expr, "run.id");
        return true;
    }
    if (sscanf(text, "%95[^.].output%n", first, &used) != 1 || used == 0)
        return false;
    const char *task = im_known(im, "refs", first);
    const char *kind = task ? im_known(im, "kinds", first) : NULL;
    const char *rest = text + used;
    if (!task || !kind || !has_outputs(kind) || strpbrk(rest, "[$( "))
        return false;
    if (strcmp(kind, "HTTP") == 0) {
        if (text_starts(rest, ".response"))
            rest += strlen(".response");
        if (text_starts(rest, ".statusCode"))
            buf_printf(expr, "tasks.%s.outputs.status", task);
        else
            buf_printf(expr, "tasks.%s.outputs%s", task, rest);
    } else if (strcmp(kind, "DO_WHILE") == 0) {
        if (strcmp(rest, ".iteration") != 0)
            return false;
        buf_add_text(expr, "iteration"); /* of the loop around */
    } else if (strcmp(kind, "SIMPLE") == 0) {
        buf_printf(expr, "tasks.%s.outputs.output%s", task, rest);
    } else {
        buf_printf(expr, "tasks.%s.outputs%s", task, rest);
    }
    return true;
}

static const struct im_syntax syntax = {
    .open = "${", .close = "}", .convert = convert, .arg = NULL};

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

static struct before after(const char *name)
{
    return (struct before){.names = {name}, .n = 1};
}

/* --- kinds --- */

struct kind {
    const char *type;
    /* Fills task; *next, which is the task itself, may become what follows it. */
    void (*add)(struct place *p, const struct source_node *theirs, const char *name,
                struct source_node *task, struct before *next);
};

static void add_list(struct place *p, const struct source_node *tasks,
                     struct before *before);

static const struct source_node *params_of(const struct source_node *theirs)
{
    return source_get(theirs, "inputParameters");
}

static void add_simple(struct place *p, const struct source_node *theirs,
                       const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    struct source_node command = source_made_list();

    (void)name;
    (void)next;
    command.style = SOURCE_FLOW;
    source_append(&im->out, &command,
                  source_made_f(&im->out, "./%s", im_get(theirs, "name")));
    source_add(&im->out, task, "command", command);
    if (params_of(theirs) && params_of(theirs)->n > 0)
        source_add(&im->out, task, "stdin", im_value(im, &syntax, params_of(theirs)));
    im_demand(im, name, "output", "stdout", true);
    im_approximate(im, theirs, name,
                   "a worker polled for it: ./%s reads its input as JSON here, and "
                   "prints its output as JSON",
                   im_get(theirs, "name"));
}

static const char why_time[] = "say how long all of it may take: timeout";

static const struct im_key http_keys[] = {
    {"uri", IMPORT_DONE, ""},
    {"method", IMPORT_DONE, ""},
    {"headers", IMPORT_DONE, ""},
    {"body", IMPORT_DONE, ""},
    {"accept", IMPORT_APPROXIMATED, "say it in headers"},
    {"contentType", IMPORT_APPROXIMATED, "say it in headers"},
    {"encode", IMPORT_APPROXIMATED, "the url is taken as it stands; query is encoded"},
    {"connectionTimeOut", IMPORT_REFUSED, why_time},
    {"readTimeOut", IMPORT_REFUSED, why_time},
    {NULL, IMPORT_DONE, NULL}};

static void add_http(struct place *p, const struct source_node *theirs,
                     const char *name, struct source_node *task, struct before *next)
{
    static const char *const keys[][2] = {
        {"uri", "url"}, {"method", "method"}, {"headers", "headers"}, {"body", "json"}};
    struct import *im = p->im;
    const struct source_node *request = source_get(params_of(theirs), "http_request");
    struct source_node http = source_made_map();

    (void)next;
    if (!request)
        request = params_of(theirs);
    im_keys(im, request, http_keys);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const struct source_node *value = source_get(request, keys[i][0]);
        if (value)
            source_add(&im->out, &http, keys[i][1], im_value(im, &syntax, value));
    }
    source_add(&im->out, task, "http", http);
    im_did(im, theirs, name);
}

static void add_transform(struct place *p, const struct source_node *theirs,
                          const char *name, struct source_node *task,
                          struct before *next)
{
    struct import *im = p->im;

    (void)next;
    source_add(&im->out, task, "transform",
               params_of(theirs) ? im_value(im, &syntax, params_of(theirs))
                                 : source_made_map());
    im_approximate(im, theirs, name,
                   "variables of the workflow are outputs of this task: name it where "
                   "they are used");
}

/* "1 days 2 hours", "10 seconds" and "5m" as 1d2h, 10s and 5m. */
static const char *short_duration(struct import *im, const char *text)
{
    struct buf made = {0};

    while (*text && made.len < 40) {
        const size_t digits = strspn(text, "0123456789");
        const char *unit = text + digits + strspn(text + digits, " ");
        const size_t letters = strspn(unit, "abcdefghijklmnopqrstuvwxyz");
        if (digits == 0)
            break;
        buf_add(&made, text, digits);
        buf_add(&made, unit, letters > 0);
        text = unit + letters;
        text += strspn(text, " ,");
    }
    const char *kept = *text ? "" : source_text(&im->out, "%s", buf_text(&made));
    buf_done(&made);
    return kept;
}

static void add_wait(struct place *p, const struct source_node *theirs,
                     const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const struct source_node *duration = source_get(params_of(theirs), "duration");
    const struct source_node *until = source_get(params_of(theirs), "until");
    char made[UNITS_TEXT];

    (void)next;
    if (duration && im_duration(short_duration(im, im_text(duration)), "s", made)) {
        im_set(im, task, "sleep", made);
        im_did(im, theirs, name);
    } else if (duration) {
        im_set(im, task, "sleep", im_template(im, &syntax, duration, duration->text));
        im_approximate(im, theirs, name,
                       "the duration is text such as 90s or 1h30m, or seconds");
    } else if (until) {
        im_set(im, task, "wait_until", im_template(im, &syntax, until, im_text(until)));
        im_approximate(im, theirs, name,
                       "the time is RFC 3339 here: 2026-11-30T08:00:00Z");
    } else {
        struct source_node event = source_made_map();
        event.style = SOURCE_FLOW;
        im_set(im, &event, "name", name);
        source_add(&im->out, task, "wait_event", event);
        im_approximate(im, theirs, name, "it goes on by `flowforge signal RUN %s`",
                       name);
    }
}

static void add_human(struct place *p, const struct source_node *theirs,
                      const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    struct source_node approve = source_made_map();

    (void)next;
    approve.style = SOURCE_FLOW;
    im_set(im, &approve, "message", im_get(theirs, "name"));
    source_add(&im->out, task, "approve", approve);
    im_approximate(im, theirs, name,
                   "it is approved or rejected; forms are inputs of "
                   "approve");
}

static void add_sub(struct place *p, const struct source_node *theirs, const char *name,
                    struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const struct source_node *sub = source_get(theirs, "subWorkflowParam");
    const char *version = im_get(sub, "version");

    (void)next;
    im_set(im, task, "uses",
           source_text(&im->out, version[0] ? "%s@v%s" : "%s",
                       im_workflow(im, im_get(sub, "name")), version));
    if (params_of(theirs) && params_of(theirs)->n > 0)
        source_add(&im->out, task, "with", im_value(im, &syntax, params_of(theirs)));
    im_approximate(im, theirs, name, "import that workflow too, and apply it");
}

static void add_jq(struct place *p, const struct source_node *theirs, const char *name,
                   struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const char *query = im_get(params_of(theirs), "queryExpression");
    struct source_node command = source_made_list();

    (void)next;
    command.style = SOURCE_FLOW;
    source_append(&im->out, &command, source_made_f(&im->out, "jq"));
    source_append(&im->out, &command, source_made_f(&im->out, "%s", query));
    source_add(&im->out, task, "command", command);
    source_add(&im->out, task, "stdin", im_value(im, &syntax, params_of(theirs)));
    im_demand(im, name, "result", "stdout", true);
    im_approximate(im, theirs, name, "jq must be installed where tasks run");
}

static void add_terminate(struct place *p, const struct source_node *theirs,
                          const char *name, struct source_node *task,
                          struct before *next)
{
    struct import *im = p->im;
    const char *status = im_get(params_of(theirs), "terminationStatus");
    const bool failed = strcmp(status, "COMPLETED") != 0;

    (void)next;
    im_set(im, task, "run",
           failed ? source_text(&im->out, "echo \"%s\" >&2\nexit 1",
                                im_get(params_of(theirs), "terminationReason"))
                  : "exit 0");
    im_approximate(im, theirs, name,
                   failed
                       ? "it fails, and what needs it is skipped; what does not need "
                         "it goes on"
                       : "it ends nothing: what follows it would run");
}

static void add_noop(struct place *p, const struct source_node *theirs,
                     const char *name, struct source_node *task, struct before *next)
{
    (void)next;
    im_set_plain(p->im, task, "noop", "true");
    im_did(p->im, theirs, name);
}

static const char *case_name(struct import *im, const char *task, const char *theirs)
{
    char scope[96];

    snprintf(scope, sizeof(scope), "case:%.80s", task);
    return im_name(im, scope, theirs);
}

/* What follows the switch waits for the end of each branch; one that was not taken is
 * known by its first task, which is skipped. */
static void add_case(struct place *p, const struct source_node *tasks, const char *name,
                     const char *ours, struct before *end)
{
    struct import *im = p->im;
    struct before branch = after(source_text(&im->out, "%s.%s", name, ours));

    if (tasks->kind != SOURCE_LIST || tasks->n == 0)
        return;
    const char *outer = p->guard;
    p->guard = branch.names[0];
    add_list(p, tasks, &branch);
    p->guard = outer;
    const char *first =
        im_name(im, "refs", im_get(&tasks->items[0].value, "taskReferenceName"));
    for (size_t k = 0; k < branch.n && end->n < COUNT_OF(end->names); k++)
        end->names[end->n++] =
            source_text(&im->out,
                        strchr(branch.names[k], '(') ? "(%s || %s.skipped)"
                                                     : "(%s.ok || %s.skipped)",
                        branch.names[k], first);
}

/* A condition of JavaScript or a value: value-param names one input. */
static void add_switch(struct place *p, const struct source_node *theirs,
                       const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const struct source_node *cases = source_get(theirs, "decisionCases");
    const struct source_node *otherwise = source_get(theirs, "defaultCase");
    const char *old = im_get(theirs, "caseValueParam");
    const struct source_node *value =
        source_get(params_of(theirs), old[0] ? old : im_get(theirs, "expression"));
    struct source_node list = source_made_list();
    struct before end = {.n = 0};

    if (!value ||
        (!old[0] && strcmp(im_get(theirs, "evaluatorType"), "value-param") != 0))
        im_refuse(im, theirs, name, "a switch by a script: write when of each case");
    const char *expr =
        value ? im_expression(im, &syntax, value, im_text(value)) : "null";
    for (size_t i = 0; cases && i < cases->n; i++) {
        struct source_node one = source_made_map();
        struct buf when = {0};
        one.style = SOURCE_FLOW;
        buf_printf(&when, "%s == ", expr);
        im_quote(&when, cases->items[i].key.text, strlen(cases->items[i].key.text));
        im_set(im, &one, "case", case_name(im, name, cases->items[i].key.text));
        im_set(im, &one, "when", buf_text(&when));
        source_append(&im->out, &list, one);
        buf_done(&when);
    }
    if (otherwise && otherwise->n > 0) {
        struct source_node one = source_made_map();
        one.style = SOURCE_FLOW;
        im_set(im, &one, "case", case_name(im, name, "otherwise"));
        source_append(&im->out, &list, one);
    }
    source_add(&im->out, task, "switch", list);
    im_did(im, theirs, name);
    source_add(&im->out, p->into, name, *task);
    for (size_t i = 0; cases && i < cases->n; i++)
        add_case(p, &cases->items[i].value, name,
                 case_name(im, name, cases->items[i].key.text), &end);
    if (otherwise && otherwise->n > 0)
        add_case(p, otherwise, name, case_name(im, name, "otherwise"), &end);
    *next = end.n > 0 ? end : after(name);
}

static void add_fork(struct place *p, const struct source_node *theirs,
                     const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const struct source_node *branches = source_get(theirs, "forkTasks");
    struct before end = {.n = 0};

    im_set_plain(im, task, "noop", "true");
    source_add(&im->out, p->into, name, *task);
    im_did(im, theirs, name);
    for (size_t i = 0; branches && i < branches->n; i++) {
        struct before branch = after(name);
        add_list(p, &branches->items[i].value, &branch);
        for (size_t k = 0; k < branch.n && end.n < COUNT_OF(end.names); k++)
            end.names[end.n++] = branch.names[k];
    }
    *next = end;
}

static void add_dynamic_fork(struct place *p, const struct source_node *theirs,
                             const char *name, struct source_node *task,
                             struct before *next)
{
    struct import *im = p->im;
    const struct source_node *params = params_of(theirs);
    const struct source_node *inputs = source_get(params, "forkTaskInputs");
    const char *worker = im_get(params, "forkTaskName");
    const char *text = im_text(inputs);

    (void)next;
    if (!inputs || !im_only_ref(im, &syntax, text) || !worker[0]) {
        im_refuse(im, theirs, name,
                  "only forkTaskName with forkTaskInputs is known here: "
                  "use foreach");
        im_set_plain(im, task, "noop", "true");
        return;
    }
    im_set(im, task, "foreach", im_template(im, &syntax, inputs, text));
    struct source_node command = source_made_list();
    command.style = SOURCE_FLOW;
    source_append(&im->out, &command, source_made_f(&im->out, "./%s", worker));
    source_add(&im->out, task, "command", command);
    im_set(im, task, "stdin", "${{ item }}");
    im_demand(im, name, "output", "stdout", true);
    im_approximate(im, theirs, name,
                   "each item is given to ./%s as JSON; the output is a list", worker);
}

static void add_loop(struct place *p, const struct source_node *theirs,
                     const char *name, struct source_node *task, struct before *next)
{
    struct import *im = p->im;
    const char *condition = im_get(theirs, "loopCondition");
    const char *counter = strstr(condition, "['iteration'] < ");
    struct source_node inner = source_made_map();
    struct source_node repeat = source_made_map();
    struct place inside = {.im = im, .into = &inner, .depth = p->depth + 1};
    struct before none = {.n = 0};

    (void)next;
    repeat.style = SOURCE_FLOW;
    long most = counter ? strtol(counter + 16, NULL, 10) : 0;
    if (most > 0) {
        im_set(im, &repeat, "until", source_text(&im->out, "iteration >= %ld", most));
        im_set_plain(im, &repeat, "max", source_text(&im->out, "%ld", most));
        im_did(im, theirs, name);
    } else {
        im_set(im, &repeat, "until", "false");
        im_set_plain(im, &repeat, "max", "100");
        im_set(im, &repeat, "on_max", "succeed");
        im_refuse(
            im, source_get(theirs, "loopCondition"), "loopCondition",
            "a condition of JavaScript: say it as repeat.until; it is repeated 100 "
            "times until then");
    }
    source_add(&im->out, task, "repeat", repeat);
    add_list(&inside, source_get(theirs, "loopOver"), &none);
    note_kind(im, im_get(theirs, "taskReferenceName"), "DO_WHILE, over");
    source_add(&im->out, task, "tasks", inner);
}

static const struct kind kinds[] = {
    {"SIMPLE", add_simple},
    {"HTTP", add_http},
    {"SWITCH", add_switch},
    {"DECISION", add_switch},
    {"FORK_JOIN", add_fork},
    {"FORK_JOIN_DYNAMIC", add_dynamic_fork},
    {"JOIN", add_noop},
    {"EXCLUSIVE_JOIN", add_noop},
    {"NOOP", add_noop},
    {"DO_WHILE", add_loop},
    {"SUB_WORKFLOW", add_sub},
    {"WAIT", add_wait},
    {"HUMAN", add_human},
    {"SET_VARIABLE", add_transform},
    {"JSON_JQ_TRANSFORM", add_jq},
    {"TERMINATE", add_terminate},
};

static void add_unknown(struct place *p, const struct source_node *theirs,
                        const char *name, struct source_node *task, struct before *next)
{
    (void)next;
    im_refuse(p->im, theirs, name, "%s has no counterpart: nothing is run in its place",
              im_get(theirs, "type"));
    im_set_plain(p->im, task, "noop", "true");
}

/* --- tasks --- */

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
    struct before next = after(name);
    size_t k = 0;

    note_kind(im, ref, type);
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

static void add_list(struct place *p, const struct source_node *tasks,
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

/* --- the file --- */

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
                   im_value(im, &syntax, &map->items[i].value));
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
    add_list(&place, tasks, &before);
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
