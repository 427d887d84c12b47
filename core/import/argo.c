/* Argo Workflows: Workflow, WorkflowTemplate and CronWorkflow. A template is written
 * out where it is used, its parameters as what they are there; templates of more than
 * one task become groups. Containers run as programs of the machine, since that is
 * where tasks run here. */
#include "import/argo.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH    8
#define MAX_EXPANDED 2000 /* tasks, by templates that use others several times */

static const char why_place[] = "where a task runs is not chosen in the file here";
static const char why_image[] =
    "an image is not started: the command must be installed where the tasks run";

static const struct im_key spec_keys[] = {
    {"entrypoint", IMPORT_DONE, ""},
    {"templates", IMPORT_DONE, ""},
    {"arguments", IMPORT_DONE, ""},
    {"onExit", IMPORT_DONE, ""},
    {"activeDeadlineSeconds", IMPORT_DONE, ""},
    {"parallelism", IMPORT_DONE, ""},
    {"synchronization", IMPORT_REFUSED, "use concurrency, mutex or semaphores"},
    {"serviceAccountName", IMPORT_APPROXIMATED, why_place},
    {"nodeSelector", IMPORT_APPROXIMATED, why_place},
    {"tolerations", IMPORT_APPROXIMATED, why_place},
    {"affinity", IMPORT_APPROXIMATED, why_place},
    {"volumes", IMPORT_REFUSED, "tasks use the files of their machine"},
    {"volumeClaimTemplates", IMPORT_REFUSED, "tasks use the files of their machine"},
    {"ttlStrategy", IMPORT_APPROXIMATED,
     "how long runs are kept is a setting: engine.keep"},
    {"podGC", IMPORT_APPROXIMATED, "there are no pods to remove"},
    {"hooks", IMPORT_REFUSED, "use on_success, on_failure and finally"},
    {"workflowTemplateRef", IMPORT_REFUSED, "import the template's own file"},
    {NULL, IMPORT_DONE, NULL}};

static const struct im_key template_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"inputs", IMPORT_DONE, ""},
    {"outputs", IMPORT_DONE, ""},
    {"container", IMPORT_DONE, ""},
    {"script", IMPORT_DONE, ""},
    {"dag", IMPORT_DONE, ""},
    {"steps", IMPORT_DONE, ""},
    {"suspend", IMPORT_DONE, ""},
    {"http", IMPORT_DONE, ""},
    {"retryStrategy", IMPORT_DONE, ""},
    {"timeout", IMPORT_DONE, ""},
    {"activeDeadlineSeconds", IMPORT_DONE, ""},
    {"synchronization", IMPORT_DONE, ""},
    {"parallelism", IMPORT_REFUSED,
     "a group has no bound of its own: use parallelism of the workflow"},
    {"failFast", IMPORT_REFUSED,
     "a group goes on with what does not need the failed task"},
    {"memoize", IMPORT_DONE, ""},
    {"nodeSelector", IMPORT_APPROXIMATED, why_place},
    {"tolerations", IMPORT_APPROXIMATED, why_place},
    {"affinity", IMPORT_APPROXIMATED, why_place},
    {"serviceAccountName", IMPORT_APPROXIMATED, why_place},
    {"metadata", IMPORT_APPROXIMATED, "tasks have no labels"},
    {"priority", IMPORT_APPROXIMATED, "pods' priorities are not those of tasks"},
    {"sidecars", IMPORT_REFUSED, "start it in a task of its own"},
    {"initContainers", IMPORT_REFUSED, "make it a task before this one"},
    {"volumes", IMPORT_REFUSED, "tasks use the files of their machine"},
    {"daemon", IMPORT_REFUSED, "a task ends; start daemons outside"},
    {"resource", IMPORT_REFUSED, "use kubectl in a run task"},
    {"data", IMPORT_REFUSED, "use a script"},
    {"containerSet", IMPORT_REFUSED, "make each container a task"},
    {"plugin", IMPORT_REFUSED, "plugins are not known"},
    {NULL, IMPORT_DONE, NULL}};

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

static const struct im_key container_keys[] = {
    {"image", IMPORT_APPROXIMATED, why_image},
    {"command", IMPORT_DONE, ""},
    {"args", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"source", IMPORT_DONE, ""},
    {"workingDir", IMPORT_DONE, ""},
    {"name", IMPORT_DONE, ""},
    {"resources", IMPORT_APPROXIMATED, "limits are resources: {cpu, memory}"},
    {"imagePullPolicy", IMPORT_APPROXIMATED, why_image},
    {"volumeMounts", IMPORT_REFUSED, "tasks use the files of their machine"},
    {"envFrom", IMPORT_REFUSED, "name each variable in env"},
    {"securityContext", IMPORT_APPROXIMATED, why_place},
    {NULL, IMPORT_DONE, NULL}};

/* --- parameters --- */

static const struct source_node *parameters_of(const struct source_node *node)
{
    return source_get(node, "parameters");
}

static const struct source_node *find_named(const struct source_node *list,
                                            const char *name)
{
    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++)
        if (strcmp(im_get(&list->items[i].value, "name"), name) == 0)
            return &list->items[i].value;
    return NULL;
}

static void read_inputs(struct import *im, const struct source_node *arguments)
{
    const struct source_node *list = parameters_of(arguments);

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
    const struct source_node *artifacts = source_get(arguments, "artifacts");
    if (artifacts)
        im_refuse(im, artifacts, "artifacts", "pass paths as parameters");
}

/* What the parameters of a template are where this task uses it. */
static struct source_node bind(struct import *im, struct argo_scope *outer,
                               const struct source_node *template,
                               const struct source_node *arguments)
{
    const struct im_syntax syntax = argo_syntax(outer);
    const struct source_node *wanted = parameters_of(source_get(template, "inputs"));
    struct source_node params = source_made_map();

    for (size_t i = 0; wanted && wanted->kind == SOURCE_LIST && i < wanted->n; i++) {
        const struct source_node *p = &wanted->items[i].value;
        const char *name = im_get(p, "name");
        const struct source_node *given = find_named(parameters_of(arguments), name);
        const struct source_node *value = source_get(given ? given : p, "value");
        if (!value)
            value = source_get(p, "default");
        if (value)
            im_set(im, &params, name,
                   im_expression(im, &syntax, value, im_text(value)));
        else
            im_refuse(im, p, name, "this parameter is given no value");
    }
    if (source_get(source_get(template, "inputs"), "artifacts"))
        im_refuse(im, source_get(template, "inputs"), "artifacts",
                  "pass the path of a file, or its text as an output");
    return params;
}

/* --- policy --- */

static const char *word_for(const char *theirs, const char *const table[][2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(theirs, table[i][0]) == 0)
            return table[i][1];
    return NULL;
}

static void add_retry(struct import *im, const struct source_node *retry,
                      struct source_node *task)
{
    static const char *const failed[] = {"failed", "timeout"};
    static const char *const error[] = {"lost", "oom", "evicted"};
    const struct source_node *backoff = source_get(retry, "backoff");
    const char *policy = im_get(retry, "retryPolicy");
    struct source_node made = source_made_map();

    if (!retry)
        return;
    made.style = SOURCE_FLOW;
    /* Their limit counts retries. */
    const long limit = strtol(im_get(retry, "limit"), NULL, 10);
    im_set_plain(
        im, &made, "max_attempts",
        source_text(&im->out, "%ld",
                    source_get(retry, "limit") && limit < 1000 ? limit + 1 : 1000));
    if (source_get(backoff, "duration"))
        im_set_duration(im, &made, "delay", source_get(backoff, "duration"), "s");
    else
        im_set(im, &made, "delay", "1s");
    if (source_get(backoff, "factor"))
        im_set_plain(im, &made, "factor", im_get(backoff, "factor"));
    else
        im_set(im, &made, "backoff", "constant");
    im_set_duration(im, &made, "max_delay", source_get(backoff, "cap"), "s");
    if (source_get(backoff, "maxDuration"))
        im_refuse(im, source_get(backoff, "maxDuration"), "maxDuration",
                  "the time of all attempts together has no bound; max_attempts has");
    if (strcmp(policy, "OnError") == 0)
        im_set_list(im, &made, "on", error, COUNT_OF(error));
    else if (strcmp(policy, "Always") != 0)
        im_set_list(im, &made, "on", failed, COUNT_OF(failed));
    if (strcmp(policy, "OnTransientError") == 0)
        im_approximate(im, retry, "OnTransientError", "any failure is tried again");
    if (source_get(retry, "expression"))
        im_refuse(im, source_get(retry, "expression"), "expression",
                  "say it as retry.if, with exit_code, reason and attempt");
    if (source_get(retry, "affinity"))
        im_approximate(im, source_get(retry, "affinity"), "affinity", "%s", why_place);
    source_add(&im->out, task, "retry", made);
    im_did(im, retry, "retryStrategy");
}

static void add_policy(struct import *im, const struct source_node *template,
                       struct source_node *task)
{
    const struct source_node *sync = source_get(template, "synchronization");
    const struct source_node *mutex = source_get(sync, "mutex");

    add_retry(im, source_get(template, "retryStrategy"), task);
    if (source_get(template, "timeout"))
        im_set_duration(im, task, "timeout", source_get(template, "timeout"), "s");
    else
        im_set_duration(im, task, "timeout",
                        source_get(template, "activeDeadlineSeconds"), "s");
    if (mutex)
        im_set(im, task, "mutex", im_get(mutex, "name"));
    else if (sync)
        im_refuse(im, sync, "synchronization",
                  "use semaphores with sizes in the settings");
}

/* Theirs has one store for a key wherever it is used, and keeps it until it is removed.
 */
static void add_memoize(struct import *im, struct argo_scope *scope,
                        const struct source_node *template, struct source_node *task)
{
    const struct source_node *memoize = source_get(template, "memoize");
    const struct source_node *key = source_get(memoize, "key");
    const struct im_syntax syntax = argo_syntax(scope);
    struct source_node made = source_made_map();

    if (!memoize)
        return;
    made.style = SOURCE_FLOW;
    if (!im_text(key)[0]) {
        im_refuse(im, memoize, "memoize", "it has no key");
        return;
    }
    im_set(im, &made, "key", im_template(im, &syntax, key, im_text(key)));
    if (source_get(memoize, "maxAge"))
        im_set_duration(im, &made, "ttl", source_get(memoize, "maxAge"), "s");
    else
        im_set(im, &made, "ttl", "365d");
    source_add(&im->out, task, "cache", made);
    im_approximate(im, memoize, "memoize",
                   "a change of what the task does is another key too%s",
                   source_get(memoize, "maxAge") ? "" : "; kept for 365d");
}

/* --- leaves --- */

static void add_secret(struct import *im, const struct source_node *item,
                       const struct source_node *secret, struct source_node *env)
{
    const char *theirs =
        source_text(&im->out, "%s_%s", im_get(secret, "name"), im_get(secret, "key"));
    const char *ours = im_name(im, "secrets", theirs);

    im_set(im, env, im_get(item, "name"),
           source_text(&im->out, "${{ secrets.%s }}", ours));
    im_approximate(im, item, im_get(item, "name"), "store it: flowforge secret set %s",
                   ours);
}

static void add_env(struct import *im, const struct im_syntax *syntax,
                    const struct source_node *list, struct source_node *env)
{
    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *item = &list->items[i].value;
        const struct source_node *value = source_get(item, "value");
        const struct source_node *from = source_get(item, "valueFrom");
        const struct source_node *secret = source_get(from, "secretKeyRef");
        if (secret)
            add_secret(im, item, secret, env);
        else if (from)
            im_refuse(im, item, im_get(item, "name"),
                      "values of config maps and fields: write them into env");
        else
            im_set(im, env, im_get(item, "name"),
                   im_template(im, syntax, value, im_text(value)));
    }
}

/* What a container's files at fixed paths were: copied to where outputs are read. */
static const char *copies(struct import *im, const struct source_node *template,
                          struct source_node *outputs)
{
    const struct source_node *list = parameters_of(source_get(template, "outputs"));
    struct buf text = {0};

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *p = &list->items[i].value;
        const struct source_node *from = source_get(p, "valueFrom");
        const char *path = im_get(from, "path");
        const char *name = im_name(im, "outputs", im_get(p, "name"));
        if (!path[0]) {
            im_refuse(im, p, im_get(p, "name"), "only valueFrom.path is known here");
            continue;
        }
        buf_printf(&text, "\ncp '%s' \"$FF_OUT/%s\"", path, name);
        im_set(im, outputs, name, "file");
        im_did(im, p, im_get(p, "name"));
    }
    if (source_get(source_get(template, "outputs"), "artifacts"))
        im_refuse(im, source_get(template, "outputs"), "artifacts",
                  "declare an output with as: file, and write it to $FF_OUT");
    const char *kept = source_text(&im->out, "%s", buf_text(&text));
    buf_done(&text);
    return kept;
}

/* The TEXT of [sh, -c, TEXT], wherever it stands; or NULL. */
static const struct source_node *shell_text(const struct source_node *command,
                                            const struct source_node *args)
{
    const size_t n = command && command->kind == SOURCE_LIST ? command->n : 0;

    if (n == 3 && strcmp(im_text(&command->items[1].value), "-c") == 0)
        return &command->items[2].value;
    if (n == 2 && strcmp(im_text(&command->items[1].value), "-c") == 0 && args &&
        args->kind == SOURCE_LIST && args->n == 1)
        return &args->items[0].value;
    return NULL;
}

static void set_shell(struct import *im, struct source_node *task, const char *program,
                      const char *text)
{
    const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
    struct source_node script = source_made_map();

    if (strcmp(base, "sh") == 0 || strcmp(base, "ash") == 0) {
        im_set(im, task, "run", text);
        return;
    }
    im_set(im, &script, "interpreter", base);
    im_set(im, &script, "code", text);
    source_add(&im->out, task, "script", script);
}

static void add_container(struct import *im, struct argo_scope *scope,
                          const struct source_node *template,
                          const struct source_node *container, struct source_node *task)
{
    const struct im_syntax syntax = argo_syntax(scope);
    const struct source_node *command = source_get(container, "command");
    const struct source_node *args = source_get(container, "args");
    struct source_node env = source_made_map();
    struct source_node outputs = source_made_map();

    im_keys(im, container, container_keys);
    outputs.style = SOURCE_FLOW;
    add_env(im, &syntax, source_get(container, "env"), &env);
    const char *first = im_words(im, &syntax, command, &env);
    const char *rest = im_words(im, &syntax, args, &env);
    const char *after = copies(im, template, &outputs);
    const struct source_node *text = shell_text(command, args);

    if (!command)
        im_approximate(im, container, "container",
                       "without a command the image's own entry point ran; the "
                       "arguments alone are run here");
    if (text && command) {
        env = source_made_map();
        add_env(im, &syntax, source_get(container, "env"), &env);
        set_shell(im, task, im_text(&command->items[0].value),
                  source_text(&im->out, "%s%s",
                              im_shell(im, &syntax, text, im_text(text), &env), after));
    } else {
        im_set(im, task, "run",
               source_text(&im->out, "%s%s%s%s", first, first[0] && rest[0] ? " " : "",
                           rest[0] || first[0] ? rest : "true", after));
    }
    if (env.n > 0)
        source_add(&im->out, task, "env", env);
    if (outputs.n > 0)
        source_add(&im->out, task, "outputs", outputs);
    if (source_get(container, "workingDir"))
        im_set(im, task, "working_dir", im_get(container, "workingDir"));
    im_did(im, template, im_get(template, "name"));
}

static void add_script(struct import *im, struct argo_scope *scope,
                       const struct source_node *template,
                       const struct source_node *script, struct source_node *task)
{
    static const char *const langs[][2] = {
        {"python", "python"}, {"python3", "python"}, {"node", "node"}};
    const struct im_syntax syntax = argo_syntax(scope);
    const struct source_node *command = source_get(script, "command");
    const char *program =
        command && command->n > 0 ? im_text(&command->items[0].value) : "sh";
    const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
    const char *lang = word_for(base, langs, COUNT_OF(langs));
    const struct source_node *source = source_get(script, "source");
    struct source_node env = source_made_map();
    struct source_node outputs = source_made_map();

    im_keys(im, script, container_keys);
    outputs.style = SOURCE_FLOW;
    add_env(im, &syntax, source_get(script, "env"), &env);
    const char *after = copies(im, template, &outputs);
    if (!lang) {
        const char *text = im_shell(im, &syntax, source, im_text(source), &env);
        const size_t len = strlen(text);
        const bool ends = len > 0 && text[len - 1] == '\n';
        text = source_text(&im->out, "%s%s", text, after + (ends && after[0] == '\n'));
        set_shell(im, task, base, text);
    } else {
        struct source_node made = source_made_map();
        if (im_has_ref(&syntax, im_text(source)))
            im_refuse(im, source, "source",
                      "values are not pasted into programs here: put them into env and "
                      "read os.environ");
        if (after[0])
            im_refuse(im, script, "outputs",
                      "write each to $FF_OUT/NAME in the script");
        im_set(im, &made, "lang", lang);
        im_set(im, &made, "code", im_text(source));
        source_add(&im->out, task, "script", made);
    }
    if (env.n > 0)
        source_add(&im->out, task, "env", env);
    if (outputs.n > 0)
        source_add(&im->out, task, "outputs", outputs);
    im_did(im, template, im_get(template, "name"));
}

/* --- templates of more than one task --- */

static void add_template(struct import *im, struct argo_scope *scope,
                         const struct source_node *template, struct source_node *task);

static const struct source_node *
find_template(const struct import *im, const struct source_node *spec, const char *name)
{
    (void)im;
    return find_named(source_get(spec, "templates"), name);
}

static const struct source_node *spec_of(const struct import *im)
{
    const struct source_node *spec = source_get(im->doc, "spec");
    const struct source_node *inner = source_get(spec, "workflowSpec");

    return inner ? inner : spec;
}

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

static void add_items(struct import *im, struct argo_scope *scope,
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

/* Templates are written out where they are used, which must come to an end. */
static const char *why_not(struct import *im, const struct argo_scope *scope)
{
    if (!scope->template)
        return "its template is not in this file: use uses: workflow:NAME";
    if (scope->depth > MAX_DEPTH)
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
    const struct source_node *template =
        source_get(theirs, "inline")
            ? source_get(theirs, "inline")
            : find_template(im, spec_of(im), im_get(theirs, "template"));
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
    if (n > 0)
        im_set_list(im, &task, "needs", names, n);
    const char *condition = when ? argo_when(im, scope, when) : NULL;
    if (condition)
        im_set(im, &task, "if", condition);
    add_items(im, scope, theirs, &task);
    if (go_on)
        im_set_plain(im, &task, "continue_on_error", "true");
    struct argo_scope inner = {
        .names = source_text(&im->out, "%s/%s", scope->names, im_get(theirs, "name")),
        .params = bind(im, scope, template, source_get(theirs, "arguments")),
        .depth = scope->depth + 1,
        .template = template,
        .outer = scope};
    const char *why = why_not(im, &inner);
    if (why)
        im_refuse(im, theirs, im_get(theirs, "name"), "%s", why);
    if (why)
        im_set_plain(im, &task, "noop", "true");
    else
        add_template(im, &inner, template, &task);
    source_add(&im->out, into, name, task);
}

static void add_dag(struct import *im, struct argo_scope *scope,
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

static void add_steps(struct import *im, struct argo_scope *scope,
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

static void add_group_outputs(struct import *im, struct argo_scope *scope,
                              const struct source_node *template,
                              struct source_node *task)
{
    const struct im_syntax syntax = argo_syntax(scope);
    const struct source_node *list = parameters_of(source_get(template, "outputs"));
    struct source_node outputs = source_made_map();

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *p = &list->items[i].value;
        const struct source_node *from = source_get(p, "valueFrom");
        const struct source_node *parameter = source_get(from, "parameter");
        if (parameter)
            im_set(im, &outputs, im_name(im, "outputs", im_get(p, "name")),
                   im_template(im, &syntax, parameter, parameter->text));
        else
            im_refuse(im, p, im_get(p, "name"),
                      "only valueFrom.parameter is known here");
    }
    if (outputs.n > 0)
        source_add(&im->out, task, "outputs", outputs);
}

static void add_template(struct import *im, struct argo_scope *scope,
                         const struct source_node *template, struct source_node *task)
{
    const struct source_node *container = source_get(template, "container");
    const struct source_node *script = source_get(template, "script");
    const struct source_node *suspend = source_get(template, "suspend");
    const struct source_node *http = source_get(template, "http");
    const struct source_node *dag = source_get(template, "dag");
    const struct source_node *steps = source_get(template, "steps");

    im_keys(im, template, template_keys);
    add_policy(im, template, task);
    add_memoize(im, scope, template, task);
    if (container) {
        add_container(im, scope, template, container, task);
    } else if (script) {
        add_script(im, scope, template, script, task);
    } else if (suspend) {
        argo_suspend(im, template, suspend, task);
    } else if (http) {
        argo_http(im, scope, template, http, task);
    } else if (dag || steps) {
        struct source_node inner = source_made_map();
        if (dag)
            add_dag(im, scope, dag, &inner);
        else
            add_steps(im, scope, steps, &inner);
        source_add(&im->out, task, "tasks", inner);
        add_group_outputs(im, scope, template, task);
        im_did(im, template, im_get(template, "name"));
    } else {
        im_set_plain(im, task, "noop", "true");
    }
}

/* --- the file --- */

static void read_exit(struct import *im, const struct source_node *spec)
{
    const char *name = im_get(spec, "onExit");
    const struct source_node *template = find_template(im, spec, name);
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
    scope.params = bind(im, &scope, template, NULL);
    if (source_get(template, "steps")) {
        /* Handlers run one after the other: the steps need no group. */
        add_steps(im, &scope, source_get(template, "steps"), &im->finally);
        for (size_t i = 0; i < im->finally.n; i++)
            im_drop(&im->finally.items[i].value, "needs");
    } else {
        add_template(im, &scope, template, &task);
        source_add(&im->out, &im->finally, im_name(im, "exit", name), task);
    }
}

int import_argo(struct import *im)
{
    const char *kind = im_get(im->doc, "kind");
    const struct source_node *spec = spec_of(im);
    const struct source_node *meta = source_get(im->doc, "metadata");
    const char *named = im_get(meta, "name");
    const char *generated = im_get(meta, "generateName");
    struct argo_scope scope = {.names = "main"};

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
    read_inputs(im, source_get(spec, "arguments"));
    im_set_duration(im, &im->out.root, "timeout",
                    source_get(spec, "activeDeadlineSeconds"), "s");
    if (source_get(spec, "parallelism"))
        im_set_plain(im, &im->out.root, "parallelism", im_get(spec, "parallelism"));
    const struct source_node *entry =
        find_template(im, spec, im_get(spec, "entrypoint"));
    if (!entry)
        return ff_fail(im->err, FF_INVALID, 0,
                       "the entrypoint %.60s is no template of "
                       "this file",
                       im_get(spec, "entrypoint"));
    scope.template = entry;
    scope.params = bind(im, &scope, entry, source_get(spec, "arguments"));
    /* What the entry is given is what the run is started with. */
    for (size_t i = 0; i < scope.params.n; i++) {
        const char *input = im_known(im, "inputs", scope.params.items[i].key.text);
        if (input)
            scope.params.items[i].value = source_made_f(&im->out, "inputs.%s", input);
    }
    if (source_get(entry, "dag") || source_get(entry, "steps")) {
        im_keys(im, entry, template_keys);
        if (source_get(entry, "dag"))
            add_dag(im, &scope, source_get(entry, "dag"), &im->tasks);
        else
            add_steps(im, &scope, source_get(entry, "steps"), &im->tasks);
    } else {
        struct source_node task = source_made_map();
        add_template(im, &scope, entry, &task);
        source_add(&im->out, &im->tasks, im_name(im, "main", im_get(entry, "name")),
                   task);
    }
    read_exit(im, spec);
    return FF_OK;
}
