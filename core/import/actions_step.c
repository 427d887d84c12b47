/* The steps of a job of GitHub Actions as one shell text. */
#include "import/actions.h"

#include <ctype.h>
#include <string.h>

static const struct im_key step_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"id", IMPORT_DONE, ""},
    {"run", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"uses", IMPORT_DONE, ""},
    {"with", IMPORT_DONE, ""},
    {"if", IMPORT_DONE, ""},
    {"shell", IMPORT_DONE, ""},
    {"working-directory", IMPORT_DONE, ""},
    {"timeout-minutes", IMPORT_REFUSED, "only the whole job has a timeout"},
    {"continue-on-error", IMPORT_REFUSED, "write `|| true` behind what may fail"},
    {NULL, IMPORT_DONE, NULL}};

/* echo "path=x" >> "$GITHUB_OUTPUT" becomes echo "x" > "$FF_OUT/path". */
static const char *mend_output(struct import *im, const char *line, size_t len,
                               struct source_node *outputs)
{
    const char *text = arena_text(&im->out.arena, line, len);
    const char *to = strstr(text, ">>");
    const char *equal = strchr(text, '=');
    const char *word = equal;

    if (!to || !strstr(to, "GITHUB_OUTPUT") || !equal || equal > to)
        return text;
    while (word > text && (isalnum((unsigned char)word[-1]) || strchr("_-", word[-1])))
        word--;
    const char *theirs = arena_text(&im->out.arena, word, (size_t)(equal - word));
    const char *name = im_name(im, "outputs", theirs);
    if (!source_get(outputs, name))
        im_set(im, outputs, name, "file");
    return source_text(&im->out, "%.*s%.*s> \"$FF_OUT/%s\"", (int)(word - text), text,
                       (int)(to - equal - 1), equal + 1, name);
}

static void add_lines(struct import *im, const char *text, struct source_node *outputs,
                      struct buf *out)
{
    while (*text) {
        const size_t len = strcspn(text, "\n");
        buf_add_text(out, mend_output(im, text, len, outputs));
        buf_add_char(out, '\n');
        text += len + (text[len] == '\n');
    }
}

static bool lines_begin(const char *text, const char *with)
{
    for (; *text; text = strchrnul(text, '\n'), text += *text == '\n')
        if (text_starts(text + strspn(text, " \t"), with))
            return true;
    return false;
}

/* Whether the step is kept. All steps of a job are one text, which ends where one
 * fails. */
static bool add_step_condition(struct import *im, const struct source_node *condition)
{
    const char *text = condition->text;

    if (actions_rest(im, text)[0] || strstr(text, "failure()") ||
        strstr(text, "cancelled()")) {
        im_refuse(
            im, condition, "if",
            "a step has no condition of its own here: make it a task (on_failure: "
            "of the job's task after a failure), or ask in the shell");
        return false;
    }
    if (strstr(text, "always()"))
        im_approximate(im, condition, "if",
                       "it does not run after a step that failed: put it into finally: "
                       "of the job's task where it must");
    return true;
}

/* What a step does not say itself: of the job, else of the workflow. */
struct usual {
    const struct source_node *job, *workflow;
};

static const char *step_setting(const struct usual *usual,
                                const struct source_node *step, const char *key)
{
    const struct source_node *all[] = {step, usual->job, usual->workflow};
    const char *value = "";

    for (size_t i = 0; i < COUNT_OF(all) && !value[0]; i++)
        value = im_get(all[i], key);
    return value;
}

static bool is_shell(const char *shell)
{
    const size_t len = strcspn(shell, " ");

    return (len == 2 && text_starts(shell, "sh")) ||
           (len == 4 && text_starts(shell, "bash"));
}

/* Variables that only their runner sets; sh -u ends where one is missing. */
static void tell_runner(struct import *im, const struct source_node *at,
                        const char *text)
{
    for (const char *c = text; (c = strchr(c, '$')); c++) {
        const char *name = c + 1 + (c[1] == '{');
        if (!text_starts(name, "GITHUB_") && !text_starts(name, "RUNNER_"))
            continue;
        const size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        im_refuse(im, at, arena_text(&im->out.arena, name, len),
                  "tasks have no such variable: set it in env, or leave it out");
    }
}

static void add_step(struct import *im, const struct usual *usual,
                     const struct source_node *step, struct source_node *env,
                     struct source_node *outputs, struct buf *out)
{
    const struct source_node *run = source_get(step, "run");
    const struct source_node *own = source_get(step, "env");
    const struct source_node *condition = source_get(step, "if");

    im_keys(im, step, step_keys);
    if (source_get(step, "uses")) {
        if (text_starts(im_get(step, "uses"), "actions/checkout"))
            im_approximate(
                im, step, "checkout",
                "tasks run in the workflow's own folder; nothing is fetched");
        else
            im_refuse(im, step, im_get(step, "uses"),
                      "actions are not run: write what it does as run");
        return;
    }
    if (condition && !add_step_condition(im, condition))
        return;
    const char *shell = step_setting(usual, step, "shell");
    if (shell[0] && !is_shell(shell)) {
        im_refuse(im, step, shell,
                  "make the step a task with script: {interpreter: %s}", shell);
        return;
    }
    if (source_get(step, "name"))
        buf_printf(out, "# %s\n", im_get(step, "name"));
    for (size_t i = 0; own && own->kind == SOURCE_MAP && i < own->n; i++)
        if (!source_get(env, own->items[i].key.text))
            im_set(im, env, own->items[i].key.text,
                   im_template(im, &actions_syntax, &own->items[i].value,
                               im_text(&own->items[i].value)));
    const char *dir = step_setting(usual, step, "working-directory");
    const char *text = im_shell(im, &actions_syntax, run, im_text(run), env);
    /* Each step begins in the same folder there. */
    const bool moves = dir[0] || lines_begin(text, "cd ");
    if (moves)
        buf_add_text(out, "(\n");
    if (dir[0])
        buf_printf(out, "cd '%s'\n", dir);
    const size_t before = out->len;
    add_lines(im, text, outputs, out);
    tell_runner(im, run ? run : step, buf_text(out) + before);
    if (moves)
        buf_add_text(out, ")\n");
    im_did(im, step, source_get(step, "name") ? im_get(step, "name") : "run");
}

static bool wants_bash(const struct usual *usual, const struct source_node *steps)
{
    if (text_starts(step_setting(usual, NULL, "shell"), "bash"))
        return true;
    for (size_t i = 0; steps && i < steps->n; i++) {
        const struct source_node *step = &steps->items[i].value;
        const char *run = im_get(step, "run");
        if (strcmp(im_get(step, "shell"), "bash") == 0 || strstr(run, "[[ ") ||
            strstr(run, "pipefail") || strstr(run, "<("))
            return true;
    }
    return false;
}

/* Names of a job's outputs may differ from those of the step that makes them. */
static void add_outputs(struct import *im, const struct source_node *job,
                        struct source_node *outputs, struct buf *run)
{
    const struct source_node *wanted = source_get(job, "outputs");

    for (size_t i = 0; wanted && wanted->kind == SOURCE_MAP && i < wanted->n; i++) {
        const struct source_node *value = &wanted->items[i].value;
        const char *name = im_name(im, "outputs", wanted->items[i].key.text);
        const char *ref = im_only_ref(im, &actions_syntax, im_text(value));
        const char *dot = ref ? strrchr(ref, '.') : NULL;
        if (!dot || !text_starts(ref, "steps.")) {
            im_refuse(im, value, name, "only outputs of steps are known here");
            continue;
        }
        const char *made = im_name(im, "outputs", dot + 1);
        if (strcmp(made, name) != 0) {
            buf_printf(run, "cp \"$FF_OUT/%s\" \"$FF_OUT/%s\"\n", made, name);
            im_set(im, outputs, name, "file");
        }
        im_did(im, value, name);
    }
}

void actions_steps(struct import *im, const struct source_node *job,
                   struct source_node *env, struct source_node *task)
{
    const struct source_node *steps = source_get(job, "steps");
    const struct usual usual = {.job = source_get(source_get(job, "defaults"), "run"),
                                .workflow =
                                    source_get(source_get(im->doc, "defaults"), "run")};
    struct source_node outputs = source_made_map();
    struct buf run = {0};

    outputs.style = SOURCE_FLOW;
    for (size_t i = 0; steps && steps->kind == SOURCE_LIST && i < steps->n; i++)
        add_step(im, &usual, &steps->items[i].value, env, &outputs, &run);
    add_outputs(im, job, &outputs, &run);
    if (run.len == 0) {
        im_set_plain(im, task, "noop", "true");
    } else if (wants_bash(&usual, steps)) {
        struct source_node script = source_made_map();
        im_set(im, &script, "interpreter", "bash");
        im_set(im, &script, "code",
               source_text(&im->out, "set -e\n%s", buf_text(&run)));
        source_add(&im->out, task, "script", script);
    } else {
        im_set(im, task, "run", buf_text(&run));
    }
    if (env->n > 0)
        source_add(&im->out, task, "env", *env);
    if (outputs.n > 0)
        source_add(&im->out, task, "outputs", outputs);
    buf_done(&run);
}
