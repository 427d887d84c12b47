/* ask_reset.c - asks for tasks of runs to begin again, and finds out what became of it.
 */
#include "cli/runs/ask_reset.h"

#include "cli/remote/remote.h"

#include <string.h>

/* As it is in the store now. */
static int read_again(struct cli_session *s, struct picked_runs *picked, size_t i)
{
    MEM_AUTO char *id = mem_text_len(picked->items[i].id.s, picked->items[i].id.len);

    return cli_find_run(s, id, &picked->arena, &picked->items[i]);
}

static int ask_server(const struct cli_session *s, const struct run_row *run,
                      const struct node_reset *what, struct ff_err *err)
{
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    MEM_AUTO char *path = remote_path("runs", id, "retry", (char *)NULL);
    json_t *body = json_pack("{ss*}", "task", what->task);

    if (what->how == NODE_RESET_ALL)
        json_object_set_new(body, "all", json_true());
    if (what->no_cache)
        json_object_set_new(body, "no_cache", json_true());
    const struct remote_request request = {"POST", path, body};
    const int code = remote_call(s->remote, &request, NULL, err);
    json_decref(body);
    return code;
}

static int ask(struct cli_session *s, const struct run_row *run,
               const struct node_reset *what, struct asked_reset *asked,
               struct ff_err *err)
{
    int code = FF_OK;

    *asked = (struct asked_reset){.waits = !run_state_final(run->state)};
    if (asked->waits)
        code = node_reset_seq(s->node, STORE_READER_CALLER, run, &asked->seq, err);
    if (code == FF_OK && s->remote)
        return ask_server(s, run, what, err);
    return code == FF_OK ? node_reset(s->node, TENANT_DEFAULT, run, what, err) : code;
}

static void leave_out(struct picked_runs *picked, size_t i)
{
    memmove(&picked->items[i], &picked->items[i + 1],
            (picked->n - i - 1) * sizeof(*picked->items));
    picked->n--;
}

int ask_resets(struct cli *c, struct cli_session *s, struct picked_runs *picked,
               const struct node_reset *what, struct asked_resets *asked)
{
    const bool by_state = c->args.words.n == 0;

    for (size_t i = 0; i < picked->n;) {
        struct asked_reset one;
        struct ff_err err = {0};

        const int code = ask(s, &picked->items[i], what, &one, &err);
        if ((code == FF_CONFLICT || err.sys == 409) && by_state && one.waits) {
            cli_note(c, "%s", err.msg);
            leave_out(picked, i);
            continue;
        }
        if (code != FF_OK)
            return cli_fail_err(&err);
        ARRAY_ADD(asked, one);
        const int read = read_again(s, picked, i++);
        if (read != CLI_OK)
            return read;
    }
    return CLI_OK;
}

static const struct {
    const char *word, *sentence;
} reasons[] = {
    {"being_reset", "tasks of it are being stopped to begin again already"},
    {"being_cancelled", "it was being cancelled"},
    {"handlers_run", "its handlers ran already"},
    {"nothing_failed", "no task of it had failed"},
    {"not_begun", "nothing of it had begun"},
};

static int refused(const struct run_row *run, const char *reason)
{
    const char *sentence = reason;

    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (strcmp(reasons[i].word, reason) == 0)
            sentence = reasons[i].sentence;
    return cli_fail(CLI_USAGE, "run %.*s went on as it was: %s", (int)run->id.len,
                    run->id.s, sentence);
}

static int check_one(struct cli_session *s, struct picked_runs *picked, size_t i,
                     const struct node_reset *what, struct asked_reset *asked,
                     bool *again)
{
    struct node_answer answer;
    struct ff_err err = {0};

    if (node_reset_answer(s->node, STORE_READER_CALLER, &picked->items[i], asked->seq,
                          &answer, &err) != FF_OK)
        return cli_fail_err(&err);
    int code = read_again(s, picked, i);
    if (code != CLI_OK || answer.what == NODE_ANSWER_TAKEN)
        return code;
    if (answer.what == NODE_ANSWER_REFUSED)
        return refused(&picked->items[i], answer.reason);
    if (!run_state_final(picked->items[i].state))
        return CLI_OK; /* left to go on: it is still to be asked */
    if (ask(s, &picked->items[i], what, asked, &err) != FF_OK)
        return cli_fail_err(&err);
    *again = true;
    return read_again(s, picked, i);
}

int check_resets(struct cli_session *s, struct picked_runs *picked,
                 const struct node_reset *what, struct asked_resets *asked, bool *again)
{
    int code = CLI_OK;

    for (size_t i = 0; code == CLI_OK && i < asked->n; i++)
        if (asked->items[i].waits)
            code = check_one(s, picked, i, what, &asked->items[i], again);
    return code;
}

void asked_resets_done(struct asked_resets *asked)
{
    ARRAY_DONE(asked);
}
