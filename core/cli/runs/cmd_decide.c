/* cmd_decide.c - approve and reject: a row for the run, and a word to whoever leads it.
 * What can be seen to be wrong is refused here, before anything is written. */
#include "cli/owner/owner_link.h"
#include "cli/read/flow_file.h"
#include "cli/read/run_children.h"
#include "cli/read/run_view.h"
#include "cli/remote/remote.h"
#include "cli/runs/runs.h"

#include <stdlib.h>
#include <string.h>

struct decision {
    struct cli *c;
    const struct cli_session *s;
    const struct run_row *run;
    const char *word; /* approve, reject */
    const char *path; /* TASK or TASK.ITEM of that run */
    struct run_view view;
    const struct flow_task *task;
    const struct task_row *row; /* of the task or item that waits */
};

static const struct task_row *row_of(const struct task_view *t, long long item)
{
    if (item < 0)
        return &t->row;
    for (size_t i = 0; i < t->items.n; i++)
        if (t->items.items[i].item == item)
            return &t->items.items[i];
    return NULL;
}

/* TASK or TASK.ITEM -> the row that waits. */
static int find_row(struct decision *d)
{
    const char *dot = strrchr(d->path, '.');
    MEM_AUTO char *name =
        mem_text_len(d->path, dot ? (size_t)(dot - d->path) : strlen(d->path));
    char *end = NULL;
    const long long item = dot ? strtoll(dot + 1, &end, 10) : -1;
    const int64_t task = flow_task_index(d->view.flow, name);

    if (task < 0 || (dot && (end == dot + 1 || *end || item < 0)))
        return cli_fail(CLI_NOT_FOUND, "the workflow %s has no task %s",
                        d->view.flow->name, d->path);
    d->task = &d->view.flow->tasks[task];
    if (d->task->work->kind != FLOW_APPROVE)
        return cli_fail(CLI_USAGE, "task %s asks nobody for approval", name);
    if (!dot && d->task->work->foreach)
        return cli_fail(CLI_USAGE, "task %s has items: say which, as %s.0", name, name);
    d->row = row_of(&d->view.tasks[task], item);
    if (!d->row || d->row->state != TASK_SUSPENDED)
        return cli_fail(CLI_USAGE, "%s waits for no approval: it is %s", d->path,
                        d->row ? task_state_names[d->row->state] : "not there yet");
    return CLI_OK;
}

/* New reference; NULL with an exit code. */
static json_t *inputs_of(const struct decision *d, int *code)
{
    struct flow_problems problems = {0};
    struct buf text = {0};
    json_t *given = cli_read_inputs(d->c, code);

    if (!given)
        return NULL;
    json_t *made = flow_approve_inputs(d->task->work->approve, given,
                                       cli_has(&d->c->args, "input"), &problems);
    json_decref(given);
    if (!made) {
        flow_file_add_problems(d->path, &problems, &text);
        fputs(buf_text(&text), stderr);
        *code = CLI_INVALID;
    }
    buf_done(&text);
    flow_problems_done(&problems);
    return made;
}

/* {"task": ..., "item": ..., "by": ..., "comment": ..., "inputs": {...}} */
static json_t *body_of(const struct decision *d, int *code)
{
    const bool approves = strcmp(d->word, "approve") == 0;
    const char *comment = cli_get(&d->c->args, approves ? "comment" : "reason");
    json_t *inputs = approves ? inputs_of(d, code) : NULL;
    char by[128];

    if (approves && !inputs)
        return NULL;
    cli_user_name(by, sizeof(by));
    json_t *body = json_pack("{ss ss}", "task", d->task->name, "by", by);
    if (d->row->item != MODEL_NULL)
        json_object_set_new(body, "item", json_integer(d->row->item));
    if (inputs)
        json_object_set_new(body, "inputs", inputs);
    if (comment && json_object_set_new(body, "comment", json_string(comment)) != 0) {
        json_decref(body);
        *code = cli_fail(CLI_USAGE, "the text is not valid UTF-8");
        return NULL;
    }
    return body;
}

/* led: a process leads the run and has been told. */
static int answer(const struct decision *d, bool led)
{
    MEM_AUTO char *id = mem_text_len(d->run->id.s, d->run->id.len);
    const bool approves = strcmp(d->word, "approve") == 0;
    struct buf out = {0};

    cli_note(d->c, "%s %s%s", d->c->args.words.items[1],
             approves ? "is approved" : "is rejected",
             led ? "" : "; nobody leads the run: `flowforge resume` goes on with it");
    if (!d->c->json)
        return CLI_OK;
    json_t *j = json_pack("{ss ss ss sb}", "run", id, "task", d->path, "decision",
                          d->word, "led", led);
    json_add_to(&out, j);
    buf_add_char(&out, '\n');
    json_decref(j);
    return cli_print(&out);
}

/* Who it is by the server knows, and the path says which task. */
static int ask_server(const struct decision *d, json_t *body)
{
    MEM_AUTO char *id = mem_text_len(d->run->id.s, d->run->id.len);
    MEM_AUTO char *path =
        remote_path("runs", id, "tasks", d->path, d->word, (char *)NULL);

    json_object_del(body, "task");
    json_object_del(body, "item");
    json_object_del(body, "by");
    const int code = remote_tell(d->s->remote, "POST", path, body, NULL);
    return code == CLI_OK ? answer(d, true) : code;
}

static int leave(struct decision *d)
{
    struct ff_err err = {0};
    int code = CLI_OK;
    json_t *body = body_of(d, &code);

    if (!body)
        return code;
    if (d->s->remote)
        return ask_server(d, body);
    const int left =
        node_leave_signal(d->s->node, TENANT_DEFAULT, d->run, d->word, body, &err);
    json_decref(body);
    if (left != FF_OK)
        return cli_fail_err(&err);
    return answer(d, owner_wake(d->s));
}

static int decide(struct cli *c, const struct cli_session *s, const struct run_row *run,
                  const char *path, const char *word)
{
    struct decision d = {.c = c, .s = s, .run = run, .word = word, .path = path};

    if (run_state_final(run->state))
        return cli_fail(CLI_USAGE, "the run has %s already",
                        run_state_names[run->state]);
    int code = run_view_read(&d.view, s, run, VIEW_ITEMS_ALL, -1);
    if (code == CLI_OK)
        code = find_row(&d);
    if (code == CLI_OK)
        code = leave(&d);
    run_view_done(&d.view);
    return code;
}

static int command(struct cli *c, const char *word)
{
    struct cli_about about;
    const char *path = c->args.words.items[1];

    int code = cli_open_run(c, &about);
    if (code == CLI_OK)
        code = run_children_walk(&about.s, path, &about.arena, &about.run, &path);
    if (code == CLI_OK)
        code = decide(c, &about.s, &about.run, path, word);
    cli_close_run(&about);
    return code;
}

int cmd_approve(struct cli *c)
{
    return command(c, "approve");
}

int cmd_reject(struct cli *c)
{
    return command(c, "reject");
}
