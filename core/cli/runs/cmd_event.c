/* cmd_event.c - says that something has happened: to all that wait for it (event), or
 * to one run, which keeps it until a task of it waits (signal). */
#include "cli/owner/engine_need.h"
#include "cli/owner/owner_link.h"
#include "cli/remote/remote.h"
#include "cli/runs/runs.h"

#include <string.h>

/* The words and options of both. */
static int read_event(const struct cli *c, const char *name, struct node_event *e,
                      json_t **data)
{
    int code;

    *data = NULL;
    if (!text_is_name(name, true))
        return cli_fail(CLI_USAGE, "%s is no name of an event: a-z, 0-9, _ and -",
                        name);
    e->name = name;
    e->key = cli_event_key(c, &code);
    if (code != CLI_OK)
        return code;
    *data = cli_event_data(c, &code);
    e->data = *data;
    return code;
}

/* --- event --- */

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

static json_t *body_of(const struct node_event *e)
{
    return json_pack("{ss ss* sO*}", "name", e->name, "key", e->key, "data", e->data);
}

static int ask_server(const struct cli_session *s, const struct node_event *e,
                      struct node_event_told *told)
{
    json_t *answer = NULL;
    const int code = remote_tell(s->remote, "POST", "/events", body_of(e), &answer);

    *told = (struct node_event_told){
        .schedules = json_integer_value(json_object_get(answer, "schedules")),
        .runs = json_integer_value(json_object_get(answer, "runs")),
        .tasks = json_integer_value(json_object_get(answer, "tasks"))};
    json_decref(answer);
    return code;
}

static int tell_all(struct cli *c, struct cli_session *s, const struct node_event *e)
{
    struct node_event_told told;
    struct ff_err err = {0};
    struct buf out = {0};

    int code = CLI_OK;
    if (s->remote)
        code = ask_server(s, e, &told);
    else if (node_event(s->node, TENANT_DEFAULT, e, &told, &err) != FF_OK)
        code = cli_fail_err(&err);
    if (code != CLI_OK)
        return code;
    if (told.schedules + told.runs > 0 && !engine_wake(c, s))
        return CLI_UNAVAILABLE;
    if (c->json)
        buf_printf(&out, "{\"schedules\":%lld,\"runs\":%lld,\"tasks\":%lld}\n",
                   (long long)told.schedules, (long long)told.runs,
                   (long long)told.tasks);
    else if (!c->quiet)
        buf_printf(&out, "%lld schedule%s, %lld waiting task%s told\n",
                   (long long)told.schedules, plural(told.schedules),
                   (long long)told.tasks, plural(told.tasks));
    return cli_print(&out);
}

int cmd_event(struct cli *c)
{
    struct cli_session s = {0};
    struct node_event e = {0};
    json_t *data;
    int code = read_event(c, c->args.words.items[0], &e, &data);

    if (code == CLI_OK)
        code = cli_open(c, &s);
    if (code == CLI_OK)
        code = tell_all(c, &s, &e);
    json_decref(data);
    if (s.config)
        cli_close(&s);
    return code;
}

/* --- signal --- */

/* led: a process leads the run and has been told. */
static int answer(struct cli *c, const struct run_row *run, const char *name, bool led)
{
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    struct buf out = {0};

    cli_note(c, "%s is told %s%s", id, name,
             led ? "" : "; nobody leads the run: `flowforge resume` goes on with it");
    if (!c->json)
        return CLI_OK;
    json_t *j = json_pack("{ss ss sb}", "run", id, "signal", name, "led", led);
    json_add_to(&out, j);
    buf_add_char(&out, '\n');
    json_decref(j);
    return cli_print(&out);
}

static int tell_run(struct cli *c, const struct cli_session *s,
                    const struct run_row *run, const struct node_event *signal)
{
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    MEM_AUTO char *path = remote_path("runs", id, "signal", (char *)NULL);
    struct ff_err err = {0};
    int code = CLI_OK;

    if (run_state_final(run->state))
        return cli_fail(CLI_USAGE, "the run has %s already",
                        run_state_names[run->state]);
    if (s->remote)
        code = remote_tell(s->remote, "POST", path, body_of(signal), NULL);
    else if (node_signal(s->node, TENANT_DEFAULT, run, signal, &err) != FF_OK)
        code = cli_fail_err(&err);
    return code == CLI_OK ? answer(c, run, signal->name, owner_wake(s)) : code;
}

int cmd_signal(struct cli *c)
{
    struct cli_session s = {0};
    struct arena arena = {0};
    struct node_event e = {0};
    struct run_row run;
    json_t *data;
    int code = read_event(c, c->args.words.items[1], &e, &data);

    if (code == CLI_OK)
        code = cli_open(c, &s);
    if (code == CLI_OK)
        code = cli_find_run(&s, c->args.words.items[0], &arena, &run);
    if (code == CLI_OK)
        code = tell_run(c, &s, &run, &e);
    json_decref(data);
    arena_done(&arena);
    if (s.config)
        cli_close(&s);
    return code;
}
