/* remote_change.c - `run --detach` and `cancel` of a server. The file and the inputs
 * are judged here first, with the same sentences as ever; the server judges them again.
 */
#include "cli/read/flow_file.h"
#include "cli/remote/remote.h"

#include <string.h>

#define PRIORITY_MAX 100

/* --- run --- */

/* The text of a workflow that was applied there. */
static int fetch(const struct remote *r, const char *word, struct flow_file *f)
{
    static const char prefix[] = "workflow:";
    struct buf path = {0};
    json_t *answer = NULL;

    if (strncmp(word, prefix, strlen(prefix)) == 0)
        word += strlen(prefix);
    buf_add_text(&path, "/workflows/");
    remote_add_quoted(&path, word);
    int code = remote_ask(r, buf_text(&path), &answer);
    const char *source = json_string_value(json_object_get(answer, "source"));
    if (code == CLI_OK && !source)
        code = cli_fail(CLI_UNAVAILABLE, "%s shows no source of %s", r->server, word);
    if (source) {
        f->path = word;
        buf_add_text(&f->source, source);
        f->flow = flow_parse(source, strlen(source), &f->problems);
        code = f->flow ? CLI_OK : CLI_INVALID;
    }
    json_decref(answer);
    buf_done(&path);
    return code;
}

static int report(const struct cli *c, const struct flow_file *f,
                  const struct flow_problems *problems)
{
    struct buf out = {0};

    if (c->json) {
        json_t *j = json_pack("{s:s, s:s, s:o}", "type", "invalid", "file", f->path,
                              "problems", flow_file_problems_json(problems));
        json_add_to(&out, j);
        buf_add_char(&out, '\n');
        json_decref(j);
        cli_print(&out);
    } else {
        flow_file_add_problems(f->path, problems, &out);
        fputs(buf_text(&out), stderr);
        buf_done(&out);
    }
    return CLI_INVALID;
}

/* Defaults are filled in and text has become numbers: the server is sent values. */
static int add_inputs(const struct cli *c, const struct flow_file *f, json_t *body)
{
    struct flow_problems problems = {0};
    int code;
    json_t *given = cli_read_inputs(c, &code);

    if (code != CLI_OK)
        return code;
    json_t *inputs = flow_inputs(f->flow, given, cli_has(&c->args, "input"), &problems);
    json_decref(given);
    if (inputs)
        json_object_set_new(body, "inputs", inputs);
    else
        code = report(c, f, &problems);
    flow_problems_done(&problems);
    return code;
}

static int add_labels(const struct cli *c, json_t *body)
{
    json_t *labels = json_object();
    const char *given;

    json_object_set_new(body, "labels", labels);
    for (size_t i = 0; (given = cli_next(&c->args, "label", &i));) {
        const size_t len = strcspn(given, "=");
        if (!given[len] ||
            json_object_setn_new(labels, given, len, json_string(given + len + 1)) != 0)
            return cli_fail(CLI_USAGE, "--label %.80s: a label is given as NAME=VALUE",
                            given);
    }
    return CLI_OK;
}

static int add_options(const struct cli *c, json_t *body)
{
    struct ff_err err = {0};
    int64_t priority;

    if (cli_between(&c->args, "priority", -PRIORITY_MAX, PRIORITY_MAX, &priority,
                    &err) != FF_OK)
        return cli_fail_err(&err);
    if (cli_has(&c->args, "priority"))
        json_object_set_new(body, "priority", json_integer(priority));
    if (cli_has(&c->args, "no-cache"))
        json_object_set_new(body, "no_cache", json_true());
    return add_labels(c, body);
}

static int submit(const struct cli *c, const struct remote *r, const json_t *body)
{
    struct buf out = {0};
    json_t *answer = NULL;
    int code = remote_tell(r, "/runs", body, &answer);
    const char *id = json_string_value(json_object_get(answer, "id"));

    if (code == CLI_OK && !id)
        code =
            cli_fail(CLI_UNAVAILABLE, "%s does not say which run it made", r->server);
    if (code == CLI_OK) {
        cli_add_clean(&out, id, strlen(id));
        MEM_AUTO char *clean = buf_take(&out);
        buf_printf(&out, c->json ? "{\"run\":\"%s\"}\n" : "%s\n", clean);
        code = cli_print(&out);
    }
    json_decref(answer);
    return code;
}

int remote_run(struct cli *c, const struct remote *r)
{
    const char *word = c->args.words.items[0];
    const bool stored = flow_file_is_stored(word);
    struct flow_file f = {0};
    json_t *body = json_object();
    int code = CLI_OK;

    if (!cli_has(&c->args, "detach"))
        code =
            cli_fail(CLI_USAGE, "a run of a server is not followed: add --detach, and "
                                "see `flowforge get`");
    else if (cli_has(&c->args, "dir"))
        code = cli_fail(CLI_USAGE, "--dir is a folder of this machine");
    if (code == CLI_OK)
        code = stored ? fetch(r, word, &f) : flow_file_read(&f, word);
    if (code == CLI_INVALID && f.problems.n > 0)
        code = report(c, &f, &f.problems);
    if (code == CLI_OK) {
        json_object_set_new(body, stored ? "workflow" : "source",
                            json_string(stored ? f.path : buf_text(&f.source)));
        code = add_inputs(c, &f, body);
    }
    if (code == CLI_OK)
        code = add_options(c, body);
    if (code == CLI_OK)
        code = submit(c, r, body);
    flow_file_done(&f);
    json_decref(body);
    return code;
}

/* --- cancel --- */

static int cancel(const struct cli *c, const struct remote *r, const char *id)
{
    const bool kill = cli_has(&c->args, "kill");
    struct buf path = {0};
    struct buf out = {0};
    json_t *answer = NULL;

    buf_printf(&path, "/runs/%s/%s", id, kill ? "terminate" : "cancel");
    int code = remote_tell(r, buf_text(&path), NULL, &answer);
    if (code == CLI_OK)
        cli_note(c, "run %s is being %s", id, kill ? "killed" : "cancelled");
    if (code == CLI_OK && c->json) {
        buf_printf(&out, "{\"run\":\"%s\",\"cancelling\":true}\n", id);
        code = cli_print(&out);
    }
    json_decref(answer);
    buf_done(&path);
    return code;
}

int remote_cancel(struct cli *c, const struct remote *r)
{
    static const char *const here[] = {"state", "workflow", "label", "wait"};
    int code = CLI_OK;

    for (size_t i = 0; i < COUNT_OF(here); i++)
        if (cli_has(&c->args, here[i]))
            return cli_fail(CLI_USAGE,
                            "runs of a server are cancelled by their names; "
                            "leave out --%s",
                            here[i]);
    if (c->args.words.n == 0)
        return cli_fail(CLI_USAGE, "which run?");
    for (size_t i = 0; code == CLI_OK && i < c->args.words.n; i++) {
        json_t *id = remote_find_run(r, c->args.words.items[i], &code);
        if (id)
            code = cancel(c, r, json_string_value(id));
        json_decref(id);
    }
    return code;
}
