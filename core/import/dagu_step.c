/* A step of Dagu as a task. */
#include "import/dagu.h"

static const char why_signal[] = "it is SIGTERM, and SIGKILL after grace";
static const char why_printed[] = "what a task prints is in its logs";

static const struct im_key step_keys[] = {
    {"id", IMPORT_DONE, ""},
    {"name", IMPORT_DONE, ""},
    {"description", IMPORT_DONE, ""},
    {"command", IMPORT_DONE, ""},
    {"script", IMPORT_DONE, ""},
    {"shell", IMPORT_DONE, ""},
    {"depends", IMPORT_DONE, ""},
    {"output", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"params", IMPORT_DONE, ""},
    {"dir", IMPORT_DONE, ""},
    {"working_dir", IMPORT_DONE, ""},
    {"workingDir", IMPORT_DONE, ""},
    {"retry_policy", IMPORT_DONE, ""},
    {"retryPolicy", IMPORT_DONE, ""},
    {"repeat_policy", IMPORT_DONE, ""},
    {"repeatPolicy", IMPORT_DONE, ""},
    {"continue_on", IMPORT_DONE, ""},
    {"continueOn", IMPORT_DONE, ""},
    {"preconditions", IMPORT_DONE, ""},
    {"timeout_sec", IMPORT_DONE, ""},
    {"call", IMPORT_DONE, ""},
    {"run", IMPORT_DONE, ""},
    {"parallel", IMPORT_DONE, ""},
    {"approval", IMPORT_DONE, ""},
    {"timeoutSec", IMPORT_DONE, ""},
    {"executor", IMPORT_DONE, ""},
    {"container", IMPORT_APPROXIMATED, "an image is not started"},
    {"stdout", IMPORT_APPROXIMATED, why_printed},
    {"stderr", IMPORT_APPROXIMATED, why_printed},
    {"mail_on_error", IMPORT_REFUSED, "send it in on_failure"},
    {"mailOnError", IMPORT_REFUSED, "send it in on_failure"},
    {"signal_on_stop", IMPORT_APPROXIMATED, why_signal},
    {"signalOnStop", IMPORT_APPROXIMATED, why_signal},
    {NULL, IMPORT_DONE, NULL}};

static void add_output(struct import *im, const struct source_node *step,
                       const char *name, struct source_node *task)
{
    const struct source_node *output = source_get(step, "output");
    const char *theirs =
        output && output->kind == SOURCE_MAP ? im_get(output, "name") : im_text(output);
    struct source_node outputs = source_made_map();

    if (!theirs[0] || source_get(task, "noop"))
        return;
    if (*theirs == '$')
        theirs++;
    const char *ours = im_name(im, "outputs", dagu_lower(im, theirs));
    outputs.style = SOURCE_FLOW;
    im_set(im, &outputs, ours, "stdout");
    source_add(&im->out, task, "outputs", outputs);
    dagu_note_value(im, theirs,
                    source_text(&im->out, "tasks.%s.outputs.%s", name, ours));
}

const char *dagu_step_name(const struct source_node *step)
{
    const char *id = im_get(step, "id");

    return id[0] ? id : im_get(step, "name");
}

void dagu_step(struct import *im, const struct source_node *step, const char *name,
               const char *before, struct source_node *into)
{
    const struct source_node *depends = source_get(step, "depends");
    const struct source_node *go_on = dagu_either(step, "continue_on", "continueOn");
    const struct source_node *dir = dagu_either(step, "working_dir", "workingDir");
    const char *names[100];
    size_t n = 0;
    struct source_node task = source_made_map();
    struct source_node env = source_made_map();

    im_keys(im, step, step_keys);
    if (source_get(step, "description"))
        im_set(im, &task, "description", im_get(step, "description"));
    if (depends && depends->kind == SOURCE_SCALAR)
        names[n++] = im_name(im, "steps", depends->text);
    for (size_t i = 0;
         depends && depends->kind == SOURCE_LIST && i < depends->n && n < 100; i++)
        names[n++] = im_name(im, "steps", im_text(&depends->items[i].value));
    if (!depends && before)
        names[n++] = before;
    if (n > 0)
        im_set_list(im, &task, "needs", names, n);
    dagu_condition(im, source_get(step, "preconditions"), &task);
    if (source_is_text(source_get(go_on, "failure"), "true") ||
        source_is_text(source_get(go_on, "failed"), "true"))
        im_set_plain(im, &task, "continue_on_error", "true");
    dagu_env(im, source_get(step, "env"), &env);
    dagu_work(im, step, &env, &task);
    if (env.n > 0 && !source_get(&task, "uses"))
        source_add(&im->out, &task, "env", env);
    if (!dir)
        dir = source_get(step, "dir");
    if (dir)
        im_set(im, &task, "working_dir",
               im_template(im, &dagu_syntax, dir, im_text(dir)));
    dagu_retry(im, dagu_either(step, "retry_policy", "retryPolicy"), &task);
    dagu_repeat(im, dagu_either(step, "repeat_policy", "repeatPolicy"), &task);
    im_set_duration(im, &task, "timeout",
                    dagu_either(step, "timeout_sec", "timeoutSec"), "s");
    add_output(im, step, name, &task);
    source_add(&im->out, into, name, task);
    im_did(im, step, name);
}
