/* What a step of Dagu does: commands, scripts, other DAGs, approvals, items. */
#include "import/dagu.h"

#include <string.h>

/* "day=2026-11-30 n=3" or a map. */
static void add_with(struct import *im, const struct source_node *params,
                     struct source_node *task)
{
    struct source_node with = source_made_map();

    if (params && params->kind == SOURCE_MAP)
        with = im_value(im, &dagu_syntax, params);
    for (const char *p = im_text(params); *p;) {
        const size_t len = strcspn(p, " ");
        const char *pair = arena_text(&im->out.arena, p, len);
        const char *equal = strchr(pair, '=');
        if (equal)
            im_set(im, &with,
                   dagu_lower(im,
                              arena_text(&im->out.arena, pair, (size_t)(equal - pair))),
                   im_template(im, &dagu_syntax, params, equal + 1));
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
        dagu_either(parallel, "max_concurrent", "maxConcurrent");

    if (!items)
        return;
    if (items->kind == SOURCE_LIST) {
        source_add(&im->out, task, "foreach", im_value(im, &dagu_syntax, items));
    } else {
        const char *ref = im_only_ref(im, &dagu_syntax, items->text);
        struct buf expr = {0};
        if (ref && dagu_convert(im, NULL, ref, &expr))
            im_set(im, task, "foreach",
                   source_text(&im->out, "${{ json(%s) }}", buf_text(&expr)));
        else
            im_refuse(im, items, "items", "say the list as foreach");
        buf_done(&expr);
    }
    im_set_number(im, task, "max_parallel", most);
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
    const char *text = dagu_use_values(im, im_text(script), env);

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

void dagu_work(struct import *im, const struct source_node *step,
               struct source_node *env, struct source_node *task)
{
    const struct source_node *call = dagu_either(step, "call", "run");
    const struct source_node *command = source_get(step, "command");
    const struct source_node *approval = source_get(step, "approval");

    dagu_note_value(im, "ITEM", "item");
    if (step->kind == SOURCE_SCALAR) {
        im_set(im, task, "run", dagu_use_values(im, step->text, env));
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
            .open = "\x01", .close = "\x01", .convert = dagu_convert, .arg = NULL};
        im_set(im, task, "run",
               dagu_use_values(im, im_words(im, &plain, command, env), env));
    } else if (command) {
        im_set(im, task, "run", dagu_use_values(im, command->text, env));
    } else {
        im_set_plain(im, task, "noop", "true");
        if (step->kind == SOURCE_LIST)
            im_refuse(im, step, "steps",
                      "steps side by side: give each a name and what it depends on");
    }
    add_parallel(im, source_get(step, "parallel"), task);
}
