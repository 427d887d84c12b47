/* cmd_retry.c - has runs begin again: what failed of them (retry), or all of one or a
 * part (rerun); as the same run, or as a new one. */
#include "cli/follow/follow.h"
#include "cli/read/pick_runs.h"
#include "cli/read/run_view.h"
#include "cli/remote/remote.h"
#include "cli/runs/ask_reset.h"
#include "cli/runs/runs.h"
#include "flow/flow.h"

/* Follows them to their ends, or leaves them to somebody. */
static int lead(struct cli *c, struct cli_session *s, const struct run_row *runs,
                size_t n)
{
    int code = CLI_OK;

    if (!cli_has(&c->args, "detach")) {
        const struct follow_setup setup = {
            .c = c, .s = s, .runs = runs, .n_runs = n, .interrupt_cancels = true};

        return follow_runs(&setup);
    }
    for (size_t i = 0; code == CLI_OK && i < n; i++) {
        MEM_AUTO char *id = mem_text_len(runs[i].id.s, runs[i].id.len);

        code = detach_run(c, s, id);
    }
    return code;
}

/* --- in place --- */

static int reset(struct cli *c, struct cli_session *s, struct picked_runs *picked,
                 const struct node_reset *what)
{
    const bool detached = cli_has(&c->args, "detach");
    struct asked_resets asked = {0};
    int code = ask_resets(c, s, picked, what, &asked);
    bool again = true;

    while (code == CLI_OK && again && picked->n > 0) {
        const int ended = lead(c, s, picked->items, picked->n);

        again = false;
        code = detached ? CLI_OK : check_resets(s, picked, what, &asked, &again);
        if (code == CLI_OK && !again)
            code = ended;
    }
    asked_resets_done(&asked);
    return code;
}

int cmd_retry(struct cli *c)
{
    static const char *const states[] = {"failed", "cancelled", "running", NULL};
    const struct node_reset what = {.how = NODE_RESET_FAILED};
    struct picked_runs picked = {0};
    struct cli_session s;
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = detach_check(c, &s);
    if (code == CLI_OK)
        code = pick_runs(c, &s, states, &picked);
    if (code == CLI_OK)
        code = reset(c, &s, &picked, &what);
    picked_runs_done(&picked);
    cli_close(&s);
    return code;
}

/* --- as a new run --- */

/* The inputs of the old run, and over them those that are given now. */
static json_t *merge_inputs(struct cli *c, const struct flow *flow,
                            const struct run_row *old, int *code)
{
    struct flow_problems problems = {0};
    struct ff_err err = {0};
    json_t *given = cli_read_inputs(c, code);
    json_t *inputs = NULL;

    if (!given)
        return NULL;
    json_t *all = old->inputs.s ? json_parse(old->inputs.s, old->inputs.len, &err)
                                : json_object();
    json_object_update(all, given);
    inputs = flow_inputs(flow, all, cli_has(&c->args, "input"), &problems);
    if (!inputs)
        *code = cli_fail(CLI_INVALID, "%s%s%s", problems.items[0].msg,
                         problems.items[0].hint[0] ? "; " : "", problems.items[0].hint);
    json_decref(all);
    json_decref(given);
    flow_problems_done(&problems);
    return inputs;
}

/* The folder of the file that the old run was started from, or NULL. */
static char *folder_of(struct span path)
{
    size_t len = path.s ? path.len : 0;

    while (len > 0 && path.s[len - 1] != '/')
        len--;
    return len > 1 ? mem_text_len(path.s, len - 1) : NULL;
}

/* Inputs are those of the old run and those given now. */
static int ask_server(const struct cli *c, const struct cli_session *s,
                      const struct run_row *old, json_t *inputs, char id[ID_TEXT])
{
    MEM_AUTO char *before = mem_text_len(old->id.s, old->id.len);
    MEM_AUTO char *path = remote_path("runs", before, "rerun", (char *)NULL);
    const char *from = cli_get(&c->args, "from");
    json_t *body = json_pack("{ss*}", "from", from);

    if (!from)
        json_object_set(body, "inputs", inputs);
    if (cli_has(&c->args, "no-cache"))
        json_object_set_new(body, "no_cache", json_true());
    return remote_make(s->remote, path, body, id);
}

static int submit(const struct cli *c, struct cli_session *s, const struct run_row *old,
                  const struct workflow_row *workflow, const struct flow *flow,
                  json_t *inputs, char id[ID_TEXT])
{
    MEM_AUTO char *source = mem_text_len(workflow->source.s, workflow->source.len);
    MEM_AUTO char *name = mem_text_len(old->workflow.s, old->workflow.len);
    MEM_AUTO char *hash = mem_text_len(old->hash.s, old->hash.len);
    MEM_AUTO char *dir = old->dir.s ? mem_text_len(old->dir.s, old->dir.len) : NULL;
    MEM_AUTO char *beside = folder_of(workflow->path);
    const char *from = cli_get(&c->args, "from");
    struct ff_err err = {0};
    int64_t run;
    json_t *labels =
        old->labels.s ? json_parse(old->labels.s, old->labels.len, &err) : NULL;
    const struct node_submit what = {.source = source,
                                     .source_len = workflow->source.len,
                                     .dir = dir,
                                     .workflow = name,
                                     .hash = hash,
                                     .inputs = inputs,
                                     .labels = labels,
                                     .flow = flow,
                                     .beside = beside,
                                     .reuse = from ? old : NULL,
                                     .from = from,
                                     .no_cache = cli_has(&c->args, "no-cache")};
    const int code = node_submit(s->node, TENANT_DEFAULT, &what, id, &run, &err);

    json_decref(labels);
    return code == FF_OK ? CLI_OK : cli_fail_err(&err);
}

/* What a task has done stands only for what it was started with. */
static int check_reuse(const struct run_row *old, const json_t *inputs)
{
    struct ff_err err;
    json_t *before = old->inputs.s ? json_parse(old->inputs.s, old->inputs.len, &err)
                                   : json_object();
    const bool same = json_equal(before, inputs);

    json_decref(before);
    if (old->parent_run != MODEL_NULL)
        return cli_fail(CLI_USAGE, "the run is a task of another run: name that one");
    if (same)
        return CLI_OK;
    return cli_fail(CLI_USAGE, "with other inputs every task begins anew; leave --from "
                               "out, or the inputs");
}

static int run_anew(struct cli *c, struct cli_session *s, struct picked_runs *picked)
{
    struct run_row *old = &picked->items[0];
    struct flow_problems problems = {0};
    struct workflow_row workflow;
    struct ff_err err = {0};
    char id[ID_TEXT];
    int code = CLI_OK;

    if (store_workflow(node_store(s->node), STORE_READER_CALLER, TENANT_DEFAULT,
                       old->hash, &picked->arena, &workflow, &err) != FF_OK)
        return cli_fail_err(&err);
    run_view_open(s, old, &picked->arena);
    if (exec_is_kept(old->inputs))
        return cli_fail(CLI_IO,
                        "the inputs of run %.*s are damaged or gone: give them "
                        "anew to flowforge run",
                        (int)old->id.len, old->id.s);
    struct flow *flow = flow_parse(workflow.source.s, workflow.source.len, &problems);
    if (!flow)
        code = cli_fail(CLI_INVALID, "this version cannot read its workflow: %s",
                        problems.items[0].msg);
    json_t *inputs = flow ? merge_inputs(c, flow, old, &code) : NULL;
    if (code == CLI_OK && cli_has(&c->args, "from"))
        code = check_reuse(old, inputs);
    if (code == CLI_OK)
        code = s->remote ? ask_server(c, s, old, inputs, id)
                         : submit(c, s, old, &workflow, flow, inputs, id);
    if (code == CLI_OK)
        code = cli_find_run(s, id, &picked->arena, &picked->items[0]);
    json_decref(inputs);
    flow_unref(flow);
    flow_problems_done(&problems);
    return code == CLI_OK ? lead(c, s, picked->items, 1) : code;
}

static int rerun(struct cli *c, struct cli_session *s, struct picked_runs *picked)
{
    const char *from = cli_get(&c->args, "from");
    const struct node_reset what = {
        .how = from ? NODE_RESET_TASK : NODE_RESET_ALL, .task = from, .no_cache = true};
    const bool anew = cli_has(&c->args, "new") || cli_has(&c->args, "input") ||
                      cli_has(&c->args, "inputs");

    if (anew && c->args.words.n != 1)
        return cli_fail(CLI_USAGE, "name the one run that a new one is made from");
    return anew ? run_anew(c, s, picked) : reset(c, s, picked, &what);
}

int cmd_rerun(struct cli *c)
{
    static const char *const states[] = {"succeeded", "failed", "cancelled", "running",
                                         NULL};
    struct picked_runs picked = {0};
    struct cli_session s;
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = detach_check(c, &s);
    if (code == CLI_OK)
        code = pick_runs(c, &s, states, &picked);
    if (code == CLI_OK)
        code = rerun(c, &s, &picked);
    picked_runs_done(&picked);
    cli_close(&s);
    return code;
}
