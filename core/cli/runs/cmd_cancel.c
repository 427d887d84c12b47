/* cmd_cancel.c - stops a run: asks the owner; where there is none, leaves the request
 * in the store and leads the run to its end, since its tasks may still be running. */
#include "cli/follow/follow.h"
#include "cli/owner/owner_link.h"
#include "cli/read/pick_runs.h"
#include "cli/remote/remote.h"
#include "cli/runs/runs.h"

static int follow(struct cli *c, struct cli_session *s, const struct run_row *run)
{
    const struct follow_setup setup = {.c = c, .s = s, .runs = run, .n_runs = 1};
    const int code = follow_runs(&setup);

    /* How the run ended is not how the cancel went. */
    return code == CLI_RUN_FAILED || code == CLI_CANCELLED ? CLI_OK : code;
}

/* The sentence for a person, one document for a program. */
static int FF_PRINTF(4, 5)
    answer(struct cli *c, const char *id, bool cancelling, const char *fmt, ...)
{
    struct buf sentence = {0};
    struct buf out = {0};
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&sentence, fmt, ap);
    va_end(ap);
    cli_note(c, "%s", buf_text(&sentence));
    buf_done(&sentence);
    if (!c->json)
        return CLI_OK;
    json_t *j = json_pack("{s:s, s:b}", "run", id, "cancelling", cancelling);
    json_add_to(&out, j);
    buf_add_char(&out, '\n');
    json_decref(j);
    return cli_print(&out);
}

/* A server tells whoever leads it. */
static int ask_server(struct cli *c, struct cli_session *s, const struct run_row *run,
                      const char *id)
{
    const bool kill = cli_has(&c->args, "kill");
    MEM_AUTO char *path =
        remote_path("runs", id, kill ? "terminate" : "cancel", (char *)NULL);
    const int code = remote_tell(s->remote, "POST", path, NULL, NULL);

    if (code != CLI_OK || cli_has(&c->args, "wait"))
        return code == CLI_OK ? follow(c, s, run) : code;
    return answer(c, id, true, "run %s is being %s", id, kill ? "killed" : "cancelled");
}

static int cancel(struct cli *c, struct cli_session *s, const struct run_row *run)
{
    const bool kill = cli_has(&c->args, "kill");
    MEM_AUTO char *socket = node_socket_path(s->node);
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    struct ff_err err = {0};

    if (run_state_final(run->state))
        return answer(c, id, false, "run %s has %s already", id,
                      run_state_names[run->state]);
    if (s->remote)
        return ask_server(c, s, run, id);
    int code = owner_call_cancel(socket, id, kill, &err);
    if (code == FF_CONFLICT)
        return answer(c, id, false, "%s", err.msg);
    if (code != FF_OK && code != FF_UNAVAILABLE && code != FF_IN_DOUBT)
        return cli_fail_err(&err);
    if (code == FF_OK && !cli_has(&c->args, "wait"))
        return answer(c, id, true, "run %s is being %s", id,
                      kill ? "killed" : "cancelled");
    if (code != FF_OK)
        code = node_leave_cancel(s->node, TENANT_DEFAULT, run,
                                 kill ? CANCEL_KILL : CANCEL_GRACEFUL, &err);
    if (code == FF_CONFLICT)
        return answer(c, id, false, "%s", err.msg);
    return code == FF_OK ? follow(c, s, run) : cli_fail_err(&err);
}

int cmd_cancel(struct cli *c)
{
    static const char *const states[] = {"pending", "running", NULL};
    struct picked_runs picked = {0};
    struct cli_session s;
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = pick_runs(c, &s, states, &picked);
    for (size_t i = 0; code == CLI_OK && i < picked.n; i++)
        code = cancel(c, &s, &picked.items[i]);
    picked_runs_done(&picked);
    cli_close(&s);
    return code;
}
