/* pick_runs.c - finds the runs that a command is about. */
#include "cli/read/pick_runs.h"

#include "cli/read/label_filter.h"

#include <string.h>

struct filter {
    const char *state, *workflow;
    struct label_filter labels;
    struct picked_runs *picked;
};

/* A run that is a task of another one goes where that one goes. */
static bool wants(const struct filter *f, const struct run_row *run)
{
    return !run_is_child(run) && strcmp(run_state_names[run->state], f->state) == 0 &&
           (!f->workflow || span_is(run->workflow, f->workflow)) &&
           label_filter_takes(&f->labels, run);
}

static int take(void *arg, const void *row)
{
    const struct filter *f = arg;
    struct run_row run = *(const struct run_row *)row;

    if (!wants(f, &run))
        return 0;
    if (f->picked->n == PICK_RUNS_MAX) {
        f->picked->more = true;
        return 1;
    }
    store_own_row(&record_run, &run, &f->picked->arena);
    ARRAY_ADD(f->picked, run);
    return 0;
}

static int find(struct cli *c, const struct cli_session *s, struct picked_runs *picked)
{
    struct filter f = {.state = cli_get(&c->args, "state"),
                       .workflow = cli_get(&c->args, "workflow"),
                       .picked = picked};
    const struct run_row like = {.tenant = TENANT_DEFAULT.no};
    const struct store_query query = {
        .record = &record_run, .like = &like, .n_equal = 1, .descending = true};
    struct ff_err err = {0};
    const int code = label_filter_read(&f.labels, &c->args);

    if (code != CLI_OK)
        return code;
    if (store_scan(node_store(s->node), STORE_READER_CALLER, &query, take, &f, &err) !=
        FF_OK)
        return cli_fail_err(&err);
    if (picked->n == 0)
        cli_note(c, "no runs");
    if (picked->more)
        cli_note(c, "there are more than %d; say it again for the rest", PICK_RUNS_MAX);
    return CLI_OK;
}

static int wrong_state(const char *const *states, const char *state)
{
    struct buf list = {0};

    for (size_t i = 0; states[i]; i++)
        buf_printf(&list, "%s%s",
                   i == 0          ? ""
                   : states[i + 1] ? ", "
                                   : " or ",
                   states[i]);
    cli_fail(CLI_USAGE, "--state is %s here, not %s", buf_text(&list), state);
    buf_done(&list);
    return CLI_USAGE;
}

static int check(const struct cli *c, const char *const *states)
{
    const char *state = cli_get(&c->args, "state");
    const bool named = c->args.words.n > 0;
    size_t i = 0;

    if (named && (state || cli_get(&c->args, "workflow") || cli_get(&c->args, "label")))
        return cli_fail(CLI_USAGE, "name runs, or choose them by --state, "
                                   "--workflow and --label, not both");
    if (named)
        return CLI_OK;
    if (!state)
        return cli_fail(CLI_USAGE, "name a run, or choose runs by --state");
    while (states[i] && strcmp(states[i], state) != 0)
        i++;
    if (states[i])
        return CLI_OK;
    return wrong_state(states, state);
}

int pick_runs(struct cli *c, const struct cli_session *s, const char *const *states,
              struct picked_runs *picked)
{
    int code = check(c, states);

    if (code == CLI_OK && c->args.words.n == 0)
        return find(c, s, picked);
    for (size_t i = 0; code == CLI_OK && i < c->args.words.n; i++) {
        struct run_row run;

        code = cli_find_run(s, c->args.words.items[i], &picked->arena, &run);
        if (code == CLI_OK)
            ARRAY_ADD(picked, run);
    }
    return code;
}

void picked_runs_done(struct picked_runs *picked)
{
    ARRAY_DONE(picked);
    arena_done(&picked->arena);
}
