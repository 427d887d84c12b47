/* Dagu: one DAG file, in the spelling of 2026 (snake_case) or the older one. Its values
 * are variables of the shell: they stay so, and env says where each comes from. */
#include "import/import_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char why_once[] = "use a key that is the same for a day, or cache";
static const char why_kept[] = "how long runs are kept is a setting: engine.keep";
static const char why_logs[] = "logs are kept in the data directory";
static const char why_delay[] = "put a task with sleep first";
static const char why_signal[] = "it is SIGTERM, and SIGKILL after grace";
static const char why_printed[] = "what a task prints is in its logs";

static const struct im_key dag_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"description", IMPORT_DONE, ""},
    {"type", IMPORT_DONE, ""},
    {"steps", IMPORT_DONE, ""},
    {"params", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"schedule", IMPORT_DONE, ""},
    {"handler_on", IMPORT_DONE, ""},
    {"handlerOn", IMPORT_DONE, ""},
    {"timeout_sec", IMPORT_DONE, ""},
    {"timeoutSec", IMPORT_DONE, ""},
    {"max_active_steps", IMPORT_DONE, ""},
    {"maxActiveSteps", IMPORT_DONE, ""},
    {"working_dir", IMPORT_DONE, ""},
    {"skip_if_successful", IMPORT_REFUSED, why_once},
    {"skipIfSuccessful", IMPORT_REFUSED, why_once},
    {"preconditions", IMPORT_REFUSED, "put an if at the first tasks"},
    {"dotenv", IMPORT_REFUSED, "name each variable in env"},
    {"queue", IMPORT_REFUSED, "use defaults: {queue: NAME}"},
    {"max_active_runs", IMPORT_REFUSED, "use concurrency"},
    {"maxActiveRuns", IMPORT_REFUSED, "use concurrency"},
    {"delay_sec", IMPORT_REFUSED, why_delay},
    {"delaySec", IMPORT_REFUSED, why_delay},
    {"restart_wait_sec", IMPORT_APPROXIMATED, "runs are not restarted by a schedule"},
    {"restartWaitSec", IMPORT_APPROXIMATED, "runs are not restarted by a schedule"},
    {"max_clean_up_time_sec", IMPORT_REFUSED, "use grace"},
    {"maxCleanUpTimeSec", IMPORT_REFUSED, "use grace"},
    {"tags", IMPORT_APPROXIMATED, "use labels: {NAME: value}"},
    {"group", IMPORT_APPROXIMATED, "workflows have no group"},
    {"hist_retention_days", IMPORT_APPROXIMATED, why_kept},
    {"histRetentionDays", IMPORT_APPROXIMATED, why_kept},
    {"log_dir", IMPORT_APPROXIMATED, why_logs},
    {"logDir", IMPORT_APPROXIMATED, why_logs},
    {"mail_on", IMPORT_REFUSED, "send it in on_failure"},
    {"mailOn", IMPORT_REFUSED, "send it in on_failure"},
    {"smtp", IMPORT_REFUSED, "send mail in on_failure"},
    {NULL, IMPORT_DONE, NULL}};

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

static const struct source_node *either(const struct source_node *map, const char *a,
                                        const char *b)
{
    const struct source_node *found = source_get(map, a);

    return found ? found : source_get(map, b);
}

/* --- variables --- */

static char *lower(struct import *im, const char *name)
{
    char *made = source_text(&im->out, "%s", name);

    for (char *c = made; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return made;
}

/* What a variable holds, as an expression of ours, or NULL where it is none of ours. */
static const char *value_of(const struct import *im, const char *name)
{
    return im_known(im, "values", name);
}

static void note_value(struct import *im, const char *name, const char *expr)
{
    char key[256];

    snprintf(key, sizeof(key), "values/%.140s", name);
    map_set_text(&im->names, key, source_text(&im->out, "%s", expr));
}

static size_t name_length(const char *text)
{
    size_t n = 0;

    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

/* ${OUT.a.b}: a field of a value that is JSON. */
/* a.b-c as A_B_C. */
static void field_variable(const char *field, char name[64])
{
    size_t n = 0;

    for (; n < 60 && field[n]; n++)
        name[n] = im_variable_char(field[n]);
    name[n] = '\0';
}

static bool add_field(struct import *im, const char *text, size_t len,
                      struct source_node *env, struct buf *out)
{
    const char *whole = arena_text(&im->out.arena, text, len);
    const size_t n = name_length(whole);
    const char *expr = value_of(im, arena_text(&im->out.arena, whole, n));
    char name[64];

    if (!expr || whole[n] != '.')
        return false;
    field_variable(whole, name);
    if (!source_get(env, name))
        im_set(im, env, name,
               source_text(&im->out, "${{ json(%s)%s }}", expr, whole + n));
    buf_printf(out, "${%s}", name);
    return true;
}

/* Every variable that is ours gets its value in env; the text keeps its $NAME. */
static const char *use_values(struct import *im, const char *text,
                              struct source_node *env)
{
    struct buf out = {0};

    while (*text) {
        const size_t brace = *text == '$' && text[1] == '{';
        const size_t n = *text == '$' ? name_length(text + 1 + brace) : 0;
        const char *close = brace ? strchr(text, '}') : NULL;
        if (n > 0 && close && text[2 + n] == '.' &&
            add_field(im, text + 2, (size_t)(close - text - 2), env, &out)) {
            text = close + 1;
            continue;
        }
        if (n > 0) {
            const char *name = arena_text(&im->out.arena, text + 1 + brace, n);
            const char *expr = value_of(im, name);
            if (expr && !text_starts(expr, "env.") && !source_get(env, name))
                im_set(im, env, name, source_text(&im->out, "${{ %s }}", expr));
        }
        buf_add_char(&out, *text++);
    }
    const char *kept = source_text(&im->out, "%s", buf_text(&out));
    buf_done(&out);
    return kept;
}

/* A value outside of shell text: ${NAME} becomes an expression. */
static bool convert(struct import *im, void *arg, const char *text, struct buf *expr)
{
    const size_t n = name_length(text);
    const char *value = value_of(im, arena_text(&im->out.arena, text, n));

    (void)arg;
    if (!value || (text[n] && text[n] != '.'))
        return false;
    buf_printf(expr, text[n] ? "json(%s)%s" : "%s%s", value, text + n);
    return true;
}

static const struct im_syntax syntax = {
    .open = "${", .close = "}", .convert = convert, .arg = NULL};

/* --- parts of a step --- */

/* The DAG's own variables are in the environment of its steps already; outside of shell
 * text they are read as env.NAME. */
static void note_env(struct import *im, const struct source_node *env)
{
    for (size_t i = 0; env == &im->env && i < env->n; i++)
        if (!value_of(im, env->items[i].key.text) &&
            !strstr(im_text(&env->items[i].value), "${{"))
            note_value(im, env->items[i].key.text,
                       source_text(&im->out, "env.%s", env->items[i].key.text));
}

static void add_env(struct import *im, const struct source_node *theirs,
                    struct source_node *env)
{
    for (size_t i = 0; theirs && theirs->kind != SOURCE_SCALAR && i < theirs->n; i++) {
        const struct source_node *item = &theirs->items[i].value;
        note_env(im, env);
        if (theirs->kind == SOURCE_MAP) {
            im_set(im, env, theirs->items[i].key.text,
                   im_template(im, &syntax, item, im_text(item)));
        } else if (item->kind == SOURCE_MAP) {
            add_env(im, item, env);
        } else {
            const char *equal = strchr(im_text(item), '=');
            if (equal)
                im_set(im, env,
                       arena_text(&im->out.arena, item->text,
                                  (size_t)(equal - item->text)),
                       im_template(im, &syntax, item, equal + 1));
        }
    }
}

static void add_retry(struct import *im, const struct source_node *retry,
                      struct source_node *task)
{
    const struct source_node *interval = either(retry, "interval_sec", "intervalSec");
    const struct source_node *codes = either(retry, "exit_code", "exit_codes");
    const struct source_node *backoff = source_get(retry, "backoff");
    struct source_node made = source_made_map();

    if (!retry)
        return;
    made.style = SOURCE_FLOW;
    im_set_plain(
        im, &made, "max_attempts",
        source_text(&im->out, "%ld", strtol(im_get(retry, "limit"), NULL, 10) + 1));
    im_set_duration(im, &made, "delay", interval, "s");
    if (!backoff || source_is_text(backoff, "false"))
        im_set(im, &made, "backoff", "constant");
    else if (!source_is_text(backoff, "true"))
        im_set_plain(im, &made, "factor", im_text(backoff));
    im_set_duration(im, &made, "max_delay",
                    either(retry, "max_interval_sec", "maxIntervalSec"), "s");
    if (codes)
        source_add(&im->out, &made, "exit_codes", im_copy(im, codes));
    source_add(&im->out, task, "retry", made);
    im_did(im, retry, "retry_policy");
}

static void add_repeat(struct import *im, const struct source_node *repeat,
                       struct source_node *task)
{
    const char *limit = im_get(repeat, "limit");
    struct source_node made = source_made_map();

    if (!repeat)
        return;
    made.style = SOURCE_FLOW;
    im_set(im, &made, "until", "false");
    im_set_plain(im, &made, "max", limit[0] ? limit : "10000");
    im_set_duration(im, &made, "delay", either(repeat, "interval_sec", "intervalSec"),
                    "s");
    im_set(im, &made, "on_max", "succeed");
    source_add(&im->out, task, "repeat", made);
    if (source_get(repeat, "condition"))
        im_refuse(im, source_get(repeat, "condition"), "condition",
                  "say it as repeat.until, with the outputs of the task");
    else
        im_did(im, repeat, "repeat_policy");
}

/* One precondition as an expression; false: it cannot be said. */
static bool convert_condition(struct import *im, const struct source_node *item,
                              struct buf *expr)
{
    const struct source_node *condition = source_get(item, "condition");
    const char *wanted = im_get(item, "expected");
    const char *ref = condition ? im_only_ref(im, &syntax, condition->text) : NULL;
    const bool pattern = text_starts(wanted, "re:");

    if (!ref && im_text(condition)[0] == '$')
        ref = im_text(condition) + 1;
    if (!ref || !convert(im, NULL, ref, expr))
        return false;
    wanted += pattern ? 3 : 0;
    buf_add_text(expr, pattern ? ".matches(" : " == ");
    im_quote(expr, wanted, strlen(wanted));
    buf_add_text(expr, pattern ? ")" : "");
    return true;
}

static void add_condition(struct import *im, const struct source_node *list,
                          struct source_node *task)
{
    struct buf text = {0};
    const size_t n = list && list->kind == SOURCE_LIST ? list->n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct source_node *item = &list->items[i].value;
        struct buf expr = {0};
        const bool good = convert_condition(im, item, &expr);

        if (good)
            im_did(im, item, "preconditions");
        else
            im_refuse(im, item, "preconditions",
                      "only a variable with its expected value is known here; the step "
                      "never runs until its if is written");
        buf_printf(&text, "%s%s", text.len ? " && " : "",
                   good ? buf_text(&expr) : "false");
        buf_done(&expr);
    }
    if (text.len > 0)
        im_set(im, task, "if", buf_text(&text));
    buf_done(&text);
}

/* --- what a step does --- */

/* "day=2026-11-30 n=3" or a map. */
static void add_with(struct import *im, const struct source_node *params,
                     struct source_node *task)
{
    struct source_node with = source_made_map();

    if (params && params->kind == SOURCE_MAP)
        with = im_value(im, &syntax, params);
    for (const char *p = im_text(params); *p;) {
        const size_t len = strcspn(p, " ");
        const char *pair = arena_text(&im->out.arena, p, len);
        const char *equal = strchr(pair, '=');
        if (equal)
            im_set(im, &with,
                   lower(im, arena_text(&im->out.arena, pair, (size_t)(equal - pair))),
                   im_template(im, &syntax, params, equal + 1));
        p += len + strspn(p + len, " ");
    }
    if (with.n > 0)
        source_add(&im->out, task, "with", with);
}

static void add_parallel(struct import *im, const struct source_node *parallel,
                         struct source_node *task)
{
    const struct source_node *items = parallel && parallel->kind == SOURCE_MAP
                                          ? source_get(parallel, "items")
                                          : parallel;
    const struct source_node *most =
        either(parallel, "max_concurrent", "maxConcurrent");

    if (!items)
        return;
    if (items->kind == SOURCE_LIST) {
        source_add(&im->out, task, "foreach", im_value(im, &syntax, items));
    } else {
        const char *ref = im_only_ref(im, &syntax, items->text);
        struct buf expr = {0};
        if (ref && convert(im, NULL, ref, &expr))
            im_set(im, task, "foreach",
                   source_text(&im->out, "${{ json(%s) }}", buf_text(&expr)));
        else
            im_refuse(im, items, "items", "say the list as foreach");
        buf_done(&expr);
    }
    if (most)
        im_set_plain(im, task, "max_parallel", im_text(most));
    im_did(im, parallel, "parallel");
}

/* "#!/usr/bin/env bash -e" and "#!/bin/bash" say bash. */
static const char *interpreter_of(struct import *im, const char *text)
{
    const char *word = text + strlen("#!") + strspn(text + 2, " ");
    const char *env = "/usr/bin/env ";

    if (text_starts(word, env))
        word += strlen(env);
    const size_t len = strcspn(word, " \r\n");
    const char *program = arena_text(&im->out.arena, word, len);
    const char *slash = strrchr(program, '/');

    return slash ? slash + 1 : program;
}

static void add_script(struct import *im, const struct source_node *step,
                       struct source_node *env, struct source_node *task)
{
    const struct source_node *script = source_get(step, "script");
    const char *shell = im_get(step, "shell");
    const char *command = im_get(step, "command");
    const char *program = command[0] ? command : shell;
    struct source_node made = source_made_map();
    const char *text = use_values(im, im_text(script), env);

    if (!program[0] && text_starts(text, "#!"))
        program = interpreter_of(im, text);
    if (!program[0] || strcmp(program, "sh") == 0) {
        im_set(im, task, "run", text);
        return;
    }
    if (text_starts(program, "python"))
        im_set(im, &made, "lang", "python");
    else if (strcmp(program, "node") == 0)
        im_set(im, &made, "lang", "node");
    else
        im_set(im, &made, "interpreter", program);
    im_set(im, &made, "code", text);
    source_add(&im->out, task, "script", made);
}

/* What is meant for another machine or program is not run by the shell of this one. */
static bool has_executor(struct import *im, const struct source_node *step)
{
    const struct source_node *executor = source_get(step, "executor");
    const char *type = executor && executor->kind == SOURCE_MAP
                           ? im_get(executor, "type")
                           : im_text(executor);

    if (!executor || strcmp(type, "shell") == 0 || strcmp(type, "command") == 0)
        return false;
    im_refuse(
        im, executor, "executor",
        "only commands of the machine are known here: nothing is run in its place");
    return true;
}

static void add_work(struct import *im, const struct source_node *step,
                     struct source_node *env, struct source_node *task)
{
    const struct source_node *call = either(step, "call", "run");
    const struct source_node *command = source_get(step, "command");
    const struct source_node *approval = source_get(step, "approval");

    note_value(im, "ITEM", "item");
    if (step->kind == SOURCE_SCALAR) {
        im_set(im, task, "run", use_values(im, step->text, env));
        return;
    }
    if (has_executor(im, step)) {
        im_set_plain(im, task, "noop", "true");
        return;
    }
    if (call) {
        im_set(im, task, "uses", im_workflow(im, im_text(call)));
        add_with(im, source_get(step, "params"), task);
        im_approximate(im, call, "call", "import that DAG too, and apply it");
    } else if (approval) {
        struct source_node made = source_made_map();
        made.style = SOURCE_FLOW;
        im_set(im, &made, "message", im_get(approval, "prompt"));
        source_add(&im->out, task, "approve", made);
    } else if (source_get(step, "script")) {
        add_script(im, step, env, task);
    } else if (command && command->kind == SOURCE_LIST) {
        const struct im_syntax plain = {
            .open = "\x01", .close = "\x01", .convert = convert, .arg = NULL};
        im_set(im, task, "run",
               use_values(im, im_words(im, &plain, command, env), env));
    } else if (command) {
        im_set(im, task, "run", use_values(im, command->text, env));
    } else {
        im_set_plain(im, task, "noop", "true");
        if (step->kind == SOURCE_LIST)
            im_refuse(im, step, "steps",
                      "steps side by side: give each a name and what it depends on");
    }
    add_parallel(im, source_get(step, "parallel"), task);
}

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
    const char *ours = im_name(im, "outputs", lower(im, theirs));
    outputs.style = SOURCE_FLOW;
    im_set(im, &outputs, ours, "stdout");
    source_add(&im->out, task, "outputs", outputs);
    note_value(im, theirs, source_text(&im->out, "tasks.%s.outputs.%s", name, ours));
}

static const char *step_name(const struct source_node *step)
{
    const char *id = im_get(step, "id");

    return id[0] ? id : im_get(step, "name");
}

static void add_step(struct import *im, const struct source_node *step,
                     const char *name, const char *before, struct source_node *into)
{
    const struct source_node *depends = source_get(step, "depends");
    const struct source_node *go_on = either(step, "continue_on", "continueOn");
    const struct source_node *dir = either(step, "working_dir", "workingDir");
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
    add_condition(im, source_get(step, "preconditions"), &task);
    if (source_is_text(source_get(go_on, "failure"), "true") ||
        source_is_text(source_get(go_on, "failed"), "true"))
        im_set_plain(im, &task, "continue_on_error", "true");
    add_env(im, source_get(step, "env"), &env);
    add_work(im, step, &env, &task);
    if (env.n > 0 && !source_get(&task, "uses"))
        source_add(&im->out, &task, "env", env);
    if (!dir)
        dir = source_get(step, "dir");
    if (dir)
        im_set(im, &task, "working_dir", im_template(im, &syntax, dir, im_text(dir)));
    add_retry(im, either(step, "retry_policy", "retryPolicy"), &task);
    add_repeat(im, either(step, "repeat_policy", "repeatPolicy"), &task);
    im_set_duration(im, &task, "timeout", either(step, "timeout_sec", "timeoutSec"),
                    "s");
    add_output(im, step, name, &task);
    source_add(&im->out, into, name, task);
    im_did(im, step, name);
}

/* --- the file --- */

static void add_param(struct import *im, const struct source_node *at, const char *name,
                      const char *value)
{
    const char *ours = im_name(im, "inputs", lower(im, name));
    const struct source_node fallback =
        source_made_text(&im->out, value, strlen(value));

    im_input(im, ours, "string", &fallback, NULL);
    note_value(im, name, source_text(&im->out, "inputs.%s", ours));
    im_did(im, at, name);
}

static void read_params(struct import *im, const struct source_node *params)
{
    for (size_t i = 0; params && params->kind != SOURCE_SCALAR && i < params->n; i++) {
        const struct source_pair *pair = &params->items[i];
        if (params->kind == SOURCE_MAP)
            add_param(im, &pair->key, pair->key.text, im_text(&pair->value));
        else if (pair->value.kind == SOURCE_MAP)
            read_params(im, &pair->value);
    }
    int position = 1;
    for (const char *p = im_text(params); *p;) {
        const size_t len = strcspn(p, " ");
        const char *word = arena_text(&im->out.arena, p, len);
        const char *equal = strchr(word, '=');
        const char *name =
            equal ? arena_text(&im->out.arena, word, (size_t)(equal - word))
                  : source_text(&im->out, "%d", position);
        add_param(im, params, name, equal ? equal + 1 : word);
        position++;
        p += len + strspn(p + len, " ");
    }
}

static void read_schedule(struct import *im, const struct source_node *schedule)
{
    struct source_node cron = source_made_list();

    if (!schedule)
        return;
    if (schedule->kind == SOURCE_MAP) {
        static const struct im_key keys[] = {
            {"start", IMPORT_DONE, ""},
            {"stop", IMPORT_REFUSED, "use timeout of the workflow"},
            {"restart", IMPORT_REFUSED, "use overlap: cancel"},
            {NULL, IMPORT_DONE, NULL}};
        im_keys(im, schedule, keys);
        read_schedule(im, source_get(schedule, "start"));
        return;
    }
    for (size_t i = 0; i < (schedule->kind == SOURCE_LIST ? schedule->n : 1); i++) {
        const char *text = schedule->kind == SOURCE_LIST
                               ? im_text(&schedule->items[i].value)
                               : schedule->text;
        struct source_node item = source_made_map();
        item.style = SOURCE_FLOW;
        if (text_starts(text, "CRON_TZ=")) {
            const size_t len = strcspn(text, " ");
            im_set(im, &item, "expr", text + len + 1);
            im_set(im, &item, "timezone",
                   source_text(&im->out, "%.*s", (int)len - 8, text + 8));
        } else {
            im_set(im, &item, "expr", text);
        }
        source_append(&im->out, &cron, item);
    }
    source_add(&im->out, &im->triggers, "cron", cron);
    im_did(im, schedule, "schedule");
}

static void read_handlers(struct import *im, const struct source_node *handlers)
{
    struct {
        const char *key;
        struct source_node *into;
    } const parts[] = {{"success", &im->on_success},
                       {"failure", &im->on_failure},
                       {"cancel", &im->on_cancel},
                       {"abort", &im->on_cancel},
                       {"exit", &im->finally}};

    for (size_t i = 0; handlers && handlers->kind == SOURCE_MAP && i < handlers->n;
         i++) {
        const struct source_pair *pair = &handlers->items[i];
        size_t k = 0;
        while (k < COUNT_OF(parts) && strcmp(parts[k].key, pair->key.text) != 0)
            k++;
        if (k == COUNT_OF(parts))
            im_refuse(im, &pair->key, pair->key.text, "make it the first task");
        else
            add_step(
                im, &pair->value,
                im_name(im, "handlers", source_text(&im->out, "on_%s", pair->key.text)),
                NULL, parts[k].into);
    }
}

static bool is_graph(const struct import *im, const struct source_node *steps)
{
    if (source_get(im->doc, "type"))
        return strcmp(im_get(im->doc, "type"), "graph") == 0;
    for (size_t i = 0; i < steps->n; i++)
        if (source_get(&steps->items[i].value, "depends"))
            return true;
    return false;
}

int import_dagu(struct import *im)
{
    const struct source_node *steps = source_get(im->doc, "steps");
    const struct source_node *most =
        either(im->doc, "max_active_steps", "maxActiveSteps");

    if (!steps || steps->kind == SOURCE_SCALAR)
        return ff_fail(im->err, FF_INVALID, 0,
                       "this is no DAG of Dagu: it has no steps");
    if (im_get(im->doc, "name")[0])
        im->name = im_get(im->doc, "name");
    im_keys(im, im->doc, dag_keys);
    if (source_get(im->doc, "description"))
        im_set(im, &im->out.root, "description", im_get(im->doc, "description"));
    im_set_duration(im, &im->out.root, "timeout",
                    either(im->doc, "timeout_sec", "timeoutSec"), "s");
    if (most)
        im_set_plain(im, &im->out.root, "parallelism", im_text(most));
    read_params(im, source_get(im->doc, "params"));
    read_schedule(im, source_get(im->doc, "schedule"));
    add_env(im, source_get(im->doc, "env"), &im->env);
    const bool graph = is_graph(im, steps);
    const char *before = NULL;
    for (size_t i = 0; i < steps->n; i++) {
        const struct source_node *step = &steps->items[i].value;
        const char *theirs =
            steps->kind == SOURCE_MAP ? steps->items[i].key.text : step_name(step);
        if (!theirs[0])
            theirs = source_text(&im->out, "step_%zu", i + 1);
        const char *name = im_name(im, "steps", theirs);
        add_step(im, step, name, graph ? NULL : before, &im->tasks);
        before = name;
    }
    read_handlers(im, either(im->doc, "handler_on", "handlerOn"));
    return FF_OK;
}
