/* GitHub Actions: one workflow file. A job becomes a task, its steps one shell text in
 * their order, which share a folder as they do there; a job whose steps have conditions
 * of their own cannot be said so and is told. */
#include "import/import_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct im_key workflow_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"on", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"jobs", IMPORT_DONE, ""},
    {"defaults", IMPORT_DONE, ""},
    {"run-name", IMPORT_APPROXIMATED, "runs are named by their workflow"},
    {"permissions", IMPORT_APPROXIMATED, "tasks hold no token of GitHub"},
    {"concurrency", IMPORT_DONE, ""},
    {NULL, IMPORT_DONE, NULL}};

static const struct im_key job_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"needs", IMPORT_DONE, ""},
    {"if", IMPORT_DONE, ""},
    {"strategy", IMPORT_DONE, ""},
    {"steps", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"outputs", IMPORT_DONE, ""},
    {"timeout-minutes", IMPORT_DONE, ""},
    {"continue-on-error", IMPORT_DONE, ""},
    {"defaults", IMPORT_DONE, ""},
    {"uses", IMPORT_DONE, ""},
    {"with", IMPORT_DONE, ""},
    {"runs-on", IMPORT_APPROXIMATED, "the machine is that of the engine"},
    {"permissions", IMPORT_APPROXIMATED, "tasks hold no token of GitHub"},
    {"container", IMPORT_APPROXIMATED,
     "an image is not started: programs are those of "
     "the machine"},
    {"services", IMPORT_REFUSED, "start what the job uses in a task, or outside"},
    {"environment", IMPORT_REFUSED, "put a task with approve before it"},
    {"concurrency", IMPORT_REFUSED, "use mutex of the task"},
    {"secrets", IMPORT_REFUSED, "secrets are not handed on: each file names its own"},
    {NULL, IMPORT_DONE, NULL}};

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

/* --- expressions --- */

struct scope {
    bool matrix;
};

static const char *const results[][2] = {{"success", "succeeded"},
                                         {"failure", "failed"},
                                         {"cancelled", "cancelled"},
                                         {"skipped", "skipped"}};

static const char *const contexts[][2] = {{"github.run_id", "run.id"},
                                          {"github.workflow", "workflow.name"},
                                          {"github.run_attempt", "attempt"},
                                          {"github.job", "run.name"}};

static const char *const functions[][2] = {{"toJSON", "to_json"},
                                           {"toJson", "to_json"},
                                           {"fromJSON", "json"},
                                           {"fromJson", "json"}};

static const char *const methods[] = {"contains", "startsWith", "endsWith"};

static const char *find(const char *word, const char *const table[][2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, table[i][0]) == 0)
            return table[i][1];
    return NULL;
}

/* needs.build.outputs.path and its like, in our words. */
static bool add_path(struct import *im, const char *path, struct buf *out)
{
    char job[80] = "";
    char output[80] = "";

    if (find(path, contexts, COUNT_OF(contexts))) {
        buf_add_text(out, find(path, contexts, COUNT_OF(contexts)));
    } else if (sscanf(path, "needs.%79[^.].outputs.%79[^.]", job, output) == 2 ||
               sscanf(path, "jobs.%79[^.].outputs.%79[^.]", job, output) == 2) {
        buf_printf(out, "tasks.%s.outputs.%s", im_name(im, "jobs", job),
                   im_name(im, "outputs", output));
    } else if (sscanf(path, "needs.%79[^.].%79s", job, output) == 2 &&
               strcmp(output, "result") == 0) {
        buf_printf(out, "tasks.%s.status", im_name(im, "jobs", job));
    } else if (sscanf(path, "github.event.inputs.%79s", output) == 1 ||
               sscanf(path, "inputs.%79s", output) == 1) {
        buf_printf(out, "inputs.%s", im_name(im, "inputs", output));
    } else if (sscanf(path, "matrix.%79s", output) == 1) {
        buf_printf(out, "item.%s", im_name(im, "matrix", output));
    } else if (sscanf(path, "secrets.%79s", output) == 1 && out->len == 0) {
        buf_printf(out, "secrets.%s", im_name(im, "secrets", output));
    } else if (text_starts(path, "env.") || strcmp(path, "true") == 0 ||
               strcmp(path, "false") == 0 || strcmp(path, "null") == 0 ||
               isdigit((unsigned char)path[0])) {
        buf_add_text(out, path);
    } else {
        return false;
    }
    return true;
}

/* 'it''s' there is 'it\'s' here; words of results are ours. */
static const char *add_string(const char *text, struct buf *out)
{
    struct buf value = {0};

    for (text++; *text && (*text != '\'' || text[1] == '\''); text++) {
        text += *text == '\'';
        buf_add_char(&value, *text);
    }
    const char *ours = strstr(buf_text(out), ".status")
                           ? find(buf_text(&value), results, COUNT_OF(results))
                           : NULL;
    im_quote(out, ours ? ours : buf_text(&value), ours ? strlen(ours) : value.len);
    buf_done(&value);
    return text + (*text == '\'');
}

static bool add_expression(struct import *im, const char *text, struct buf *out);

/* contains(a, b) there is a.contains(b) here. */
static const char *add_call(struct import *im, const char *name, const char *text,
                            struct buf *out, bool *good)
{
    const char *ours = find(name, functions, COUNT_OF(functions));
    struct buf first = {0};
    struct buf rest = {0};
    int depth = 1;
    const char *start = ++text;
    const char *comma = NULL;

    for (; *text && depth > 0; text++) {
        depth += (*text == '(') - (*text == ')');
        if (*text == ',' && depth == 1 && !comma)
            comma = text;
    }
    const size_t len = (size_t)(text - start) - (depth == 0);
    const size_t before = comma ? (size_t)(comma - start) : len;
    const char *one = arena_text(&im->out.arena, start, before);
    const char *two =
        comma ? arena_text(&im->out.arena, comma + 1, len - before - 1) : "";
    bool method = false;
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        method = method || strcmp(name, methods[i]) == 0;
    *good = (ours || (method && comma)) && add_expression(im, one, &first) &&
            (!comma || add_expression(im, two, &rest));
    if (method)
        buf_printf(out, "%s.%s(%s)", buf_text(&first), name, buf_text(&rest));
    else
        buf_printf(out, "%s(%s)", ours ? ours : name, buf_text(&first));
    buf_done(&first);
    buf_done(&rest);
    return text;
}

static bool add_expression(struct import *im, const char *text, struct buf *out)
{
    bool good = true;

    while (*text && good) {
        const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                        "UVWXYZ0123456789_.-");
        if (*text == '\'') {
            text = add_string(text, out);
        } else if (len == 0) {
            const bool blank = isspace((unsigned char)*text);
            if (!blank || (out->len > 0 && text[1]))
                buf_add_char(out, blank ? ' ' : *text);
            text++;
        } else {
            const char *word = arena_text(&im->out.arena, text, len);
            text += len;
            if (*text == '(')
                text = add_call(im, word, text, out, &good);
            else
                good = add_path(im, word, out);
        }
    }
    return good;
}

static bool convert(struct import *im, void *arg, const char *text, struct buf *expr)
{
    struct buf made = {0};
    bool good = add_expression(im, text, &made);

    (void)arg;
    /* A secret stands alone or not at all. */
    if (text_starts(buf_text(&made), "secrets."))
        good = good && !text[strcspn(text, " =!&|,")];
    if (good)
        buf_add_text(expr, buf_text(&made));
    buf_done(&made);
    return good;
}

static const struct im_syntax syntax = {
    .open = "${{", .close = "}}", .convert = convert, .arg = NULL};

/* --- needs and if --- */

static size_t read_needs(struct import *im, const struct source_node *job,
                         const char *names[100])
{
    const struct source_node *needs = source_get(job, "needs");
    size_t n = 0;

    if (needs && needs->kind == SOURCE_SCALAR)
        names[n++] = im_name(im, "jobs", needs->text);
    for (size_t i = 0; needs && needs->kind == SOURCE_LIST && i < needs->n && n < 100;
         i++)
        names[n++] = im_name(im, "jobs", im_text(&needs->items[i].value));
    return n;
}

/* always() and failure() say what has to have become of the needs. */
static const char *formula_of(struct import *im, const char *condition,
                              const char *const *names, size_t n)
{
    const bool always = strstr(condition, "always()") != NULL;
    const bool failure = strstr(condition, "failure()") != NULL;
    struct buf text = {0};

    if ((!always && !failure) || n == 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%s.%s",
                   i == 0   ? ""
                   : always ? " && "
                            : " || ",
                   names[i], always ? "done" : "failed");
    const char *kept = source_text(&im->out, "%s", buf_text(&text));
    buf_done(&text);
    return kept;
}

/* What is left of a condition without its functions about states. */
static const char *rest_of(struct import *im, const char *text)
{
    static const char *const states[] = {"always()", "failure()", "success()",
                                         "!cancelled()"};
    char *rest = source_text(&im->out, "%s", text);

    for (size_t i = 0; i < COUNT_OF(states); i++)
        for (char *at; (at = strstr(rest, states[i]));)
            memset(at, ' ', strlen(states[i]));
    for (char *at; (at = strstr(rest, "${{"));)
        memset(at, ' ', 3);
    for (char *at; (at = strstr(rest, "}}"));)
        memset(at, ' ', 2);
    rest += strspn(rest, " &|");
    for (size_t len = strlen(rest); len > 0 && strchr(" &|", rest[len - 1]);)
        rest[--len] = '\0';
    return rest;
}

/* Not run rather than run when it should not. */
static void refuse_condition(struct import *im, const struct source_node *at,
                             const char *text, struct source_node *task)
{
    im_set(im, task, "if", "false");
    im_refuse(im, at, "if",
              "%.100s cannot be converted; the task never runs until its if "
              "is written",
              text);
}

static void add_conditions(struct import *im, const struct source_node *job,
                           struct source_node *task)
{
    const struct source_node *condition = source_get(job, "if");
    const char *names[100];
    const size_t n = read_needs(im, job, names);
    const char *formula = formula_of(im, im_text(condition), names, n);
    struct buf expr = {0};

    if (formula)
        im_set(im, task, "needs", formula);
    else if (n > 0)
        im_set_list(im, task, "needs", names, n);
    if (!condition)
        return;
    const char *rest = rest_of(im, im_text(condition));
    if (rest[0] && convert(im, NULL, rest, &expr) &&
        !text_starts(buf_text(&expr), "secrets."))
        im_set(im, task, "if", buf_text(&expr));
    else if (rest[0])
        refuse_condition(im, condition, rest, task);
    else
        im_did(im, condition, "if");
    buf_done(&expr);
}

/* --- matrix --- */

/* include and exclude name the axes too. */
static void rename_axes(struct import *im, struct source_node *list)
{
    for (size_t i = 0; list->kind == SOURCE_LIST && i < list->n; i++) {
        struct source_node *cell = &list->items[i].value;
        for (size_t k = 0; cell->kind == SOURCE_MAP && k < cell->n; k++)
            source_rename(&im->out, &cell->items[k],
                          im_name(im, "matrix", cell->items[k].key.text));
    }
}

/* A matrix that an expression makes. */
static void add_made_matrix(struct import *im, const struct source_node *matrix,
                            struct source_node *task)
{
    im_set(im, task, "matrix", im_template(im, &syntax, matrix, im_text(matrix)));
    im_approximate(im, matrix, "matrix",
                   "names in what the expression gives must be like_this");
}

static void add_strategy(struct import *im, const struct source_node *strategy,
                         struct source_node *task)
{
    const struct source_node *matrix = source_get(strategy, "matrix");
    struct source_node made = source_made_map();

    if (!strategy)
        return;
    for (size_t i = 0; matrix && matrix->kind == SOURCE_MAP && i < matrix->n; i++) {
        const char *key = matrix->items[i].key.text;
        const bool own = strcmp(key, "include") == 0 || strcmp(key, "exclude") == 0;
        struct source_pair *axis =
            source_add(&im->out, &made, own ? key : im_name(im, "matrix", key),
                       im_value(im, &syntax, &matrix->items[i].value));
        if (own)
            rename_axes(im, &axis->value);
    }
    if (made.n > 0)
        source_add(&im->out, task, "matrix", made);
    else if (matrix)
        add_made_matrix(im, matrix, task);
    if (source_get(strategy, "max-parallel"))
        im_set_plain(im, task, "max_parallel", im_get(strategy, "max-parallel"));
    if (source_get(strategy, "fail-fast"))
        im_set_plain(im, task, "fail_fast", im_get(strategy, "fail-fast"));
    im_did(im, strategy, "strategy");
}

/* --- steps --- */

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

    if (rest_of(im, text)[0] || strstr(text, "failure()") ||
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
                   im_template(im, &syntax, &own->items[i].value,
                               im_text(&own->items[i].value)));
    const char *dir = step_setting(usual, step, "working-directory");
    const char *text = im_shell(im, &syntax, run, im_text(run), env);
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
        const char *ref = im_only_ref(im, &syntax, im_text(value));
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

static void add_steps(struct import *im, const struct source_node *job,
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

static void add_job(struct import *im, const struct source_pair *pair)
{
    const struct source_node *job = &pair->value;
    const struct source_node *own = source_get(job, "env");
    struct source_node task = source_made_map();
    struct source_node env = source_made_map();

    im_keys(im, job, job_keys);
    if (source_get(job, "name"))
        im_set(im, &task, "description", im_get(job, "name"));
    add_conditions(im, job, &task);
    add_strategy(im, source_get(job, "strategy"), &task);
    im_set_duration(im, &task, "timeout", source_get(job, "timeout-minutes"), "m");
    const struct source_node *go_on = source_get(job, "continue-on-error");
    if (source_is_text(go_on, "true"))
        im_set_plain(im, &task, "continue_on_error", "true");
    else if (go_on && !source_is_text(go_on, "false"))
        im_refuse(im, go_on, "continue-on-error",
                  "it is true or false here, and no expression");
    if (source_get(job, "uses")) {
        const struct source_node *with = source_get(job, "with");
        im_set(im, &task, "uses", im_get(job, "uses"));
        if (with)
            source_add(&im->out, &task, "with", im_value(im, &syntax, with));
        im_approximate(im, source_get(job, "uses"), "uses",
                       "import that file too, and name it here");
    } else {
        for (size_t i = 0; own && own->kind == SOURCE_MAP && i < own->n; i++)
            im_set(im, &env, own->items[i].key.text,
                   im_template(im, &syntax, &own->items[i].value,
                               im_text(&own->items[i].value)));
        add_steps(im, job, &env, &task);
    }
    source_add(&im->out, &im->tasks, im_name(im, "jobs", pair->key.text), task);
    im_did(im, &pair->key, pair->key.text);
}

/* --- triggers --- */

static void read_inputs(struct import *im, const struct source_node *inputs)
{
    static const char *const types[][2] = {{"boolean", "boolean"},
                                           {"number", "number"}};

    for (size_t i = 0; inputs && inputs->kind == SOURCE_MAP && i < inputs->n; i++) {
        const struct source_node *input = &inputs->items[i].value;
        const char *name = im_name(im, "inputs", inputs->items[i].key.text);
        const char *type = find(im_get(input, "type"), types, COUNT_OF(types));
        im_input(im, name, type ? type : "string", source_get(input, "default"),
                 im_get(input, "description"));
        struct source_node *ours = source_get(&im->inputs, name);
        if (source_get(input, "options"))
            source_add(&im->out, ours, "enum",
                       im_copy(im, source_get(input, "options")));
        if (!source_get(input, "default") &&
            !source_is_text(source_get(input, "required"), "true"))
            im_set_plain(im, ours, "required", "false");
        im_did(im, &inputs->items[i].key, inputs->items[i].key.text);
    }
}

static void read_schedule(struct import *im, const struct source_node *list)
{
    struct source_node cron = source_made_list();

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        struct source_node item = source_made_map();
        item.style = SOURCE_FLOW;
        im_set(im, &item, "expr", im_get(&list->items[i].value, "cron"));
        im_set(im, &item, "timezone", "UTC");
        source_append(&im->out, &cron, item);
        im_did(im, &list->items[i].value, "schedule");
    }
    source_add(&im->out, &im->triggers, "cron", cron);
}

static void read_trigger(struct import *im, const struct source_node *at,
                         const char *event, const struct source_node *value)
{
    if (strcmp(event, "workflow_dispatch") == 0 || strcmp(event, "workflow_call") == 0)
        read_inputs(im, source_get(value, "inputs"));
    else if (strcmp(event, "schedule") == 0)
        read_schedule(im, value);
    else
        im_refuse(im, at, event, "let the server that hosts the code start the run");
}

static void read_on(struct import *im, const struct source_node *on)
{
    if (on && on->kind == SOURCE_SCALAR)
        read_trigger(im, on, on->text, NULL);
    for (size_t i = 0; on && on->kind != SOURCE_SCALAR && i < on->n; i++) {
        const struct source_pair *pair = &on->items[i];
        if (on->kind == SOURCE_MAP)
            read_trigger(im, &pair->key, pair->key.text, &pair->value);
        else
            read_trigger(im, &pair->value, im_text(&pair->value), NULL);
    }
}

static void read_concurrency(struct import *im, const struct source_node *theirs)
{
    struct source_node made = source_made_map();

    if (!theirs)
        return;
    const struct source_node *group =
        theirs->kind == SOURCE_SCALAR ? theirs : source_get(theirs, "group");
    made.style = SOURCE_FLOW;
    im_set(im, &made, "key", im_template(im, &syntax, group, im_text(group)));
    im_set_plain(im, &made, "limit", "1");
    if (source_is_text(source_get(theirs, "cancel-in-progress"), "true"))
        im_set(im, &made, "overflow", "cancel_oldest");
    source_add(&im->out, &im->out.root, "concurrency", made);
    im_did(im, theirs, "concurrency");
}

int import_actions(struct import *im)
{
    const struct source_node *jobs = source_get(im->doc, "jobs");
    const struct source_node *env = source_get(im->doc, "env");

    if (!jobs || jobs->kind != SOURCE_MAP)
        return ff_fail(im->err, FF_INVALID, 0,
                       "this is no workflow of GitHub Actions: it has no jobs");
    if (im_get(im->doc, "name")[0])
        im->name = im_get(im->doc, "name");
    im_keys(im, im->doc, workflow_keys);
    read_on(im, source_get(im->doc, "on"));
    read_concurrency(im, source_get(im->doc, "concurrency"));
    for (size_t i = 0; env && env->kind == SOURCE_MAP && i < env->n; i++)
        im_set(im, &im->env, env->items[i].key.text,
               im_template(im, &syntax, &env->items[i].value,
                           im_text(&env->items[i].value)));
    for (size_t i = 0; i < jobs->n; i++)
        im_name(im, "jobs", jobs->items[i].key.text);
    for (size_t i = 0; i < jobs->n; i++)
        add_job(im, &jobs->items[i]);
    return FF_OK;
}
