/* cmd_cancel.c - stops a run: asks the owner; where there is none, leaves the request
 * in the store and leads the run to its end, since its tasks may still be running. */
#include "cli/follow.h"
#include "cli/owner_link.h"

static int follow(struct cli *c, struct cli_session *s, const struct run_row *run)
{
    const struct follow_setup setup = {.c = c, .s = s, .runs = run, .n_runs = 1};
    const int code = follow_runs(&setup);

    /* How the run ended is not how the cancel went. */
    return code == CLI_RUN_FAILED || code == CLI_CANCELLED ? CLI_OK : code;
}

static int cancel(struct cli *c, struct cli_session *s, const struct run_row *run)
{
    const bool kill = cli_has(&c->args, "kill");
    MEM_AUTO char *socket = node_socket_path(s->node);
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    struct ff_err err = {0};

    if (run_state_final(run->state)) {
        cli_note(c, "run %s has %s already", id, run_state_names[run->state]);
        return CLI_OK;
    }
    const int code = owner_call_cancel(socket, id, kill, &err);
    if (code == FF_CONFLICT) {
        cli_note(c, "%s", err.msg);
        return CLI_OK;
    }
    if (code != FF_OK && code != FF_UNAVAILABLE && code != FF_IN_DOUBT)
        return cli_fail_err(&err);
    if (code == FF_OK && !cli_has(&c->args, "wait")) {
        cli_note(c, "run %s is being %s", id, kill ? "killed" : "cancelled");
        return CLI_OK;
    }
    if (code != FF_OK &&
        node_leave_cancel(s->node, TENANT_DEFAULT, run,
                          kill ? CANCEL_KILL : CANCEL_GRACEFUL, &err) != FF_OK)
        return cli_fail_err(&err);
    return follow(c, s, run);
}

int cmd_cancel(struct cli *c)
{
    struct cli_session s;
    struct arena arena = {0};
    struct run_row run;

    int code = cli_open(c, &s);
    if (code == CLI_OK)
        code = cli_find_run(&s, c->args.words.items[0], &arena, &run);
    if (code == CLI_OK)
        code = cancel(c, &s, &run);
    arena_done(&arena);
    cli_close(&s);
    return code;
}
