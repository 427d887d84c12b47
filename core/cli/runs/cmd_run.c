/* cmd_run.c - submits a workflow as a new run and follows it. */
#include "cli/follow/follow.h"
#include "cli/read/flow_file.h"
#include "cli/remote/remote.h"
#include "cli/runs/runs.h"

#include <string.h>
#include <unistd.h>

#define PRIORITY_MAX 100

/* --- submitting --- */

/* Problems of the file and of the inputs. */
static void report(const struct cli *c, const char *path,
                   const struct flow_problems *problems)
{
    struct buf out = {0};

    if (c->json) {
        json_t *j = json_pack("{s:s, s:s, s:o}", "type", "invalid", "file", path,
                              "problems", flow_file_problems_json(problems));
        json_add_to(&out, j);
        buf_add_char(&out, '\n');
        json_decref(j);
        cli_print(&out);
        return;
    }
    flow_file_add_problems(path, problems, &out);
    fputs(buf_text(&out), stderr);
    buf_done(&out);
}

static int check(struct cli *c, const struct cli_session *s, struct flow_file *f,
                 json_t **inputs)
{
    const char *word = c->args.words.items[0];
    struct flow_problems problems = {0};
    int code = s->node ? flow_file_stored(f, s, word) : flow_file_read(f, word);

    if (code == CLI_INVALID && f->problems.n > 0)
        report(c, f->path, &f->problems);
    if (code != CLI_OK)
        return code;
    json_t *given = cli_read_inputs(c, &code);
    if (code != CLI_OK)
        return code;
    *inputs = flow_inputs(f->flow, given, cli_has(&c->args, "input"), &problems);
    json_decref(given);
    if (!*inputs) {
        report(c, f->path, &problems);
        code = CLI_INVALID;
    }
    flow_problems_done(&problems);
    return code;
}

/* --label over those of the file. New reference; NULL with an exit code. */
static json_t *read_labels(const struct cli *c, const struct flow *flow, int *code)
{
    json_t *labels = flow->labels ? json_deep_copy(flow->labels) : json_object();
    const char *given;

    *code = CLI_OK;
    for (size_t i = 0; *code == CLI_OK && (given = cli_next(&c->args, "label", &i));) {
        const char *equals = strchr(given, '=');
        MEM_AUTO char *name =
            mem_text_len(given, equals ? (size_t)(equals - given) : strlen(given));
        const char *fault = equals ? flow_label_fault(name, equals + 1)
                                   : "a label is given as NAME=VALUE";
        if (!fault && json_object_set_new(labels, name, json_string(equals + 1)) != 0)
            fault = "the value of a label is not valid UTF-8";
        if (!fault && json_object_size(labels) > FLOW_MAX_LABELS)
            fault = "a run has at most 64 labels";
        if (fault)
            *code = cli_fail(CLI_USAGE, "--label %.80s: %s", given, fault);
    }
    if (*code == CLI_OK)
        return labels;
    json_decref(labels);
    return NULL;
}

/* Why it was not submitted: of what it uses all that is wrong, or one sentence. */
static int refused(const struct cli *c, const struct flow_file *f,
                   const struct flow_problems *problems, const struct ff_err *err)
{
    if (problems->n == 0)
        return err->code == FF_INVALID ? cli_fail(CLI_INVALID, "%s", err->msg)
                                       : cli_fail_err(err);
    report(c, f->path, problems);
    return err->code == FF_NOT_FOUND ? CLI_NOT_FOUND : CLI_INVALID;
}

/* The file goes with the request; what was applied is there. */
static int ask_server(const struct cli *c, const struct cli_session *s,
                      const struct flow_file *f, const struct node_submit *what,
                      char id[ID_TEXT])
{
    static const char prefix[] = "workflow:";
    const char *given = cli_get(&c->args, "project");
    const char *project = given ? given : s->remote->project;
    const bool stored = flow_file_is_stored(c->args.words.items[0]);
    const char *name =
        text_starts(f->path, prefix) ? f->path + strlen(prefix) : f->path;
    json_t *body = json_pack("{ss sO sO}", stored ? "workflow" : "source",
                             stored ? name : what->source, "inputs", what->inputs,
                             "labels", what->labels);

    if (project)
        json_object_set_new(body, "project", json_string(project));
    if (cli_has(&c->args, "priority"))
        json_object_set_new(body, "priority", json_integer(what->priority));
    if (what->no_cache)
        json_object_set_new(body, "no_cache", json_true());
    return remote_make(s->remote, "/runs", body, id);
}

static int submit_here(struct cli *c, struct cli_session *s, const struct flow_file *f,
                       struct node_submit what, char id[ID_TEXT])
{
    struct flow_problems problems = {0};
    struct ff_err err = {0};
    int64_t run;
    int code;
    int ignored;
    const char *given = cli_get(&c->args, "dir");
    char *dir = flow_file_dir(f->path, given ? given : f->dir, &code);
    char *path = file_real(f->path);
    MEM_AUTO char *beside = f->dir ? NULL : flow_file_dir(f->path, NULL, &ignored);
    if (code == CLI_OK)
        code = cli_find_project(s, cli_get(&c->args, "project"), &what.project);
    if (code == CLI_OK) {
        what.path = path ? path : f->path;
        what.dir = dir;
        what.beside = beside;
        what.problems = &problems;
        if (node_submit(s->node, TENANT_DEFAULT, &what, id, &run, &err) != FF_OK)
            code = refused(c, f, &problems, &err);
    }
    flow_problems_done(&problems);
    mem_free(path);
    mem_free(dir);
    return code;
}

static int submit(struct cli *c, struct cli_session *s, const struct flow_file *f,
                  json_t *inputs, char id[ID_TEXT])
{
    struct ff_err err = {0};
    int64_t priority;
    int code;

    if (cli_between(&c->args, "priority", -PRIORITY_MAX, PRIORITY_MAX, &priority,
                    &err) != FF_OK)
        return cli_fail_err(&err);
    json_t *labels = read_labels(c, f->flow, &code);
    if (!labels)
        return code;
    struct node_submit what = {.source = buf_text(&f->source),
                               .source_len = f->source.len,
                               .workflow = f->flow->name,
                               .hash = f->flow->hash,
                               .inputs = inputs,
                               .labels = labels,
                               .flow = f->flow,
                               .priority = priority,
                               .project = f->project,
                               .no_cache = cli_has(&c->args, "no-cache")};
    code = s->remote ? ask_server(c, s, f, &what, id) : submit_here(c, s, f, what, id);
    json_decref(labels);
    return code;
}

/* --- after it --- */

static int follow(struct cli *c, struct cli_session *s, const char *id)
{
    struct arena arena = {0};
    struct run_row run;
    int code = cli_find_run(s, id, &arena, &run);

    if (code == CLI_OK) {
        const struct follow_setup setup = {.c = c,
                                           .s = s,
                                           .runs = &run,
                                           .n_runs = 1,
                                           .interrupt_cancels = true,
                                           .show_past = true};
        code = follow_runs(&setup);
    }
    arena_done(&arena);
    return code;
}

int cmd_run(struct cli *c)
{
    struct cli_session s = {0};
    struct flow_file f = {0};
    json_t *inputs = NULL;
    char id[ID_TEXT];
    int code = CLI_OK;

    if (c->remote && cli_has(&c->args, "dir"))
        return cli_fail(CLI_USAGE, "--dir is a folder of this machine");
    /* A file is judged before anything is opened. */
    if (flow_file_is_stored(c->args.words.items[0]))
        code = cli_open(c, &s);
    if (code == CLI_OK)
        code = check(c, &s, &f, &inputs);
    if (code == CLI_OK && !s.node)
        code = cli_open(c, &s);
    if (code == CLI_OK)
        code = detach_check(c, &s);
    if (code == CLI_OK)
        code = submit(c, &s, &f, inputs, id);
    if (code == CLI_OK)
        code = cli_has(&c->args, "detach") ? detach_run(c, &s, id) : follow(c, &s, id);
    json_decref(inputs);
    flow_file_done(&f);
    cli_close(&s);
    return code;
}

int cmd_submit(struct cli *c)
{
    static const struct cli_option detach = {.name = "detach"};
    const struct cli_given given = {.option = &detach};

    ARRAY_ADD(&c->args.given, given);
    return cmd_run(c);
}
