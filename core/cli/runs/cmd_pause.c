/* cmd_pause.c - pause and unpause: a run, one of its tasks, or a queue starts nothing
 * for a while. A row, and a word to whoever leads. */
#include "cli/owner/owner_link.h"
#include "cli/read/run_children.h"
#include "cli/read/run_view.h"
#include "cli/remote/remote.h"
#include "cli/runs/runs.h"

#include <string.h>

struct pausing {
    struct cli *c;
    const struct cli_session *s;
    const struct run_row *run;
    const char *word; /* pause, unpause */
    const char *task; /* or NULL: all of them */
};

static int check_task(const struct pausing *p)
{
    struct run_view view = {0};
    int code =
        p->task ? run_view_read(&view, p->s, p->run, VIEW_ITEMS_FAILED, -1) : CLI_OK;

    if (p->task && code == CLI_OK && flow_task_index(view.flow, p->task) < 0)
        code = cli_fail(CLI_NOT_FOUND, "the workflow %s has no task %s",
                        view.flow->name, p->task);
    run_view_done(&view);
    return code;
}

/* led: a process leads the run and has been told. */
static int answer(const struct pausing *p, bool led)
{
    MEM_AUTO char *id = mem_text_len(p->run->id.s, p->run->id.len);
    struct buf out = {0};

    cli_note(p->c, "%s%s%s %s%s", id, p->task ? " " : "", p->task ? p->task : "",
             strcmp(p->word, "pause") == 0 ? "is paused" : "goes on",
             led ? "" : "; nobody leads the run: `flowforge resume` does");
    if (!p->c->json)
        return CLI_OK;
    json_t *j = json_pack("{ss ss? sb sb}", "run", id, "task", p->task, "paused",
                          strcmp(p->word, "pause") == 0, "led", led);
    json_add_to(&out, j);
    buf_add_char(&out, '\n');
    json_decref(j);
    return cli_print(&out);
}

static int ask_server(const struct pausing *p)
{
    MEM_AUTO char *id = mem_text_len(p->run->id.s, p->run->id.len);
    MEM_AUTO char *path = remote_path("runs", id, p->word, (char *)NULL);

    return remote_tell(p->s->remote, "POST", path, json_pack("{ss*}", "task", p->task),
                       NULL);
}

static int leave(const struct pausing *p)
{
    struct ff_err err = {0};
    char by[128];

    if (p->s->remote) {
        const int code = ask_server(p);
        return code == CLI_OK ? answer(p, true) : code;
    }
    cli_user_name(by, sizeof(by));
    json_t *body = json_pack("{ss}", "by", by);
    if (p->task)
        json_object_set_new(body, "task", json_string(p->task));
    const int left =
        node_leave_signal(p->s->node, TENANT_DEFAULT, p->run, p->word, body, &err);
    json_decref(body);
    if (left != FF_OK)
        return cli_fail_err(&err);
    return answer(p, owner_wake(p->s));
}

static int tell(const struct pausing *p)
{
    if (run_state_final(p->run->state))
        return cli_fail(CLI_USAGE, "the run has %s already",
                        run_state_names[p->run->state]);
    if (p->run->state == RUN_CANCELLING)
        return cli_fail(CLI_USAGE,
                        "the run is being cancelled, which ends every pause");
    const int code = check_task(p);
    return code == CLI_OK ? leave(p) : code;
}

/* --- queues --- */

static int answer_queue(const struct cli *c, const char *queue, bool paused)
{
    struct buf out = {0};
    struct jsonw w = {.out = &out};

    cli_note(c, "queue %s %s", queue, paused ? "is paused" : "goes on");
    if (!c->json)
        return CLI_OK;
    jsonw_open(&w, '{');
    jsonw_key(&w, "queue");
    jsonw_text(&w, queue);
    jsonw_key(&w, "paused");
    jsonw_raw(&w, paused ? "true" : "false", paused ? 4 : 5);
    jsonw_close(&w, '}');
    buf_add_char(&out, '\n');
    return cli_print(&out);
}

static int write_queue(const struct cli_session *s, const char *queue, bool paused)
{
    struct ff_err err = {0};
    char by[128];

    if (s->remote) {
        MEM_AUTO char *path =
            remote_path("queues", queue, paused ? "pause" : "unpause", (char *)NULL);
        return remote_tell(s->remote, "POST", path, NULL, NULL);
    }
    cli_user_name(by, sizeof(by));
    const int code = paused ? node_pause_queue(s->node, TENANT_DEFAULT, queue, by, &err)
                            : node_unpause_queue(s->node, TENANT_DEFAULT, queue, &err);
    if (code != FF_OK)
        return cli_fail_err(&err);
    /* Nobody there: the next owner reads the row before it starts anything. */
    owner_wake(s);
    return CLI_OK;
}

static int command_queue(struct cli *c, const char *queue, bool paused)
{
    struct cli_session s;

    if (c->args.words.n > 0)
        return cli_fail(CLI_USAGE, "either a run or --queue can be named, not both");
    int code = cli_open(c, &s);
    if (code == CLI_OK)
        code = write_queue(&s, queue, paused);
    if (code == CLI_OK)
        code = answer_queue(c, queue, paused);
    cli_close(&s);
    return code;
}

/* --- the commands --- */

static void is_schedule(void *arg, const struct schedule_row *row)
{
    (void)row;
    *(bool *)arg = true;
}

/* Schedules have a command of their own: the word of one is no run's. */
static int find_run(struct cli_about *about, const char *word, const char *name)
{
    struct ff_err err = {0}, ignored = {0};
    bool any = false;

    if (store_run_find(node_store(about->s.node), STORE_READER_CALLER, TENANT_DEFAULT,
                       name, &about->arena, &about->run, &err) == FF_OK)
        return CLI_OK;
    node_schedules(about->s.node, STORE_READER_CALLER, TENANT_DEFAULT, name,
                   is_schedule, &any, &ignored);
    if (!any)
        return cli_fail_err(&err);
    return cli_fail(CLI_USAGE,
                    "%.127s is a schedule and no run: `flowforge schedule %s %.127s`",
                    name, strcmp(word, "pause") == 0 ? "pause" : "resume", name);
}

static int command(struct cli *c, const char *word)
{
    struct cli_about about;
    struct pausing p = {.c = c, .s = &about.s, .run = &about.run, .word = word};
    const char *queue = cli_get(&c->args, "queue");

    if (queue)
        return command_queue(c, queue, strcmp(word, "pause") == 0);
    if (c->args.words.n == 0)
        return cli_fail(CLI_USAGE,
                        "a run is missing, or --queue NAME: see `flowforge help %s`",
                        word);
    if (c->args.words.n > 1)
        p.task = c->args.words.items[1];
    about = (struct cli_about){0};
    int code = cli_open(c, &about.s);
    if (code == CLI_OK)
        code = find_run(&about, word, c->args.words.items[0]);
    if (code == CLI_OK)
        code = run_children_walk(&about.s, p.task, &about.arena, &about.run, &p.task);
    if (p.task && !*p.task) /* "GROUP/": all of it */
        p.task = NULL;
    if (code == CLI_OK)
        code = tell(&p);
    cli_close_run(&about);
    return code;
}

int cmd_pause(struct cli *c)
{
    return command(c, "pause");
}

int cmd_unpause(struct cli *c)
{
    return command(c, "unpause");
}
