/* cmd_list.c - runs, the newest first, a page at a time. State and workflow are not
 * indexed (an index on a column that changes would cost every task), so a filter walks
 * past what it does not want. */
#include "access/access.h"
#include "cli/owner/engine_need.h"
#include "cli/read/label_filter.h"
#include "cli/read/pause_view.h"
#include "cli/read/queue_view.h"
#include "cli/read/run_view.h"
#include "cli/runs/runs.h"

#include <string.h>

#define LIMIT     20
#define LIMIT_MAX 100000

struct listing {
    const struct cli *c;
    const char *state, *workflow;
    int64_t project; /* PROJECT_ALL: any */
    struct label_filter labels;
    int64_t limit, n;
    bool more;
    struct cli_grid grid;
    struct buf json;
    struct jsonw w;
    char last[ID_TEXT];
    int64_t now_us;
    struct queue_views queues;
};

static void add_state(struct listing *l, const struct run_row *run)
{
    struct buf text = {0};

    buf_printf(&text, "%s%s", run_state_names[run->state],
               pause_view_all(run) ? " (paused)" : "");
    cli_cell(&l->grid, cli_run_colour(run->state), buf_text(&text));
    buf_done(&text);
}

static void add_text(struct listing *l, const struct run_row *run)
{
    const int64_t end = run->finished_at == MODEL_NULL ? l->now_us : run->finished_at;
    char created[UNITS_TEXT];
    char took[UNITS_TEXT];

    cli_time_text(run->created_at, created);
    cli_span_text(run->started_at, end, took);
    cli_cell_span(&l->grid, CLI_PLAIN, run->id);
    cli_cell_span(&l->grid, CLI_BOLD, run->workflow);
    add_state(l, run);
    cli_cell(&l->grid, CLI_PLAIN, created);
    cli_cell(&l->grid, CLI_PLAIN, took);
    cli_cell_span(&l->grid, CLI_DIM,
                  run->message.s && run->message.len ? run->message : run->reason);
}

static int list_one(void *arg, const void *row)
{
    const struct run_row *run = row;
    struct listing *l = arg;

    if (run_is_child(run) && !cli_has(&l->c->args, "all"))
        return 0;
    if ((l->state && strcmp(run_state_names[run->state], l->state) != 0) ||
        (l->workflow && !span_is(run->workflow, l->workflow)) ||
        (l->project != PROJECT_ALL && run->project != l->project) ||
        !label_filter_takes(&l->labels, run))
        return 0;
    if (l->n == l->limit) {
        l->more = true;
        return 1;
    }
    l->n++;
    snprintf(l->last, sizeof(l->last), "%.*s", (int)run->id.len, run->id.s);
    if (l->c->json) {
        jsonw_open(&l->w, '{');
        model_row_keys(&l->w, &record_run, run, RUN_KEYS_SHORT);
        jsonw_close(&l->w, '}');
    } else {
        add_text(l, run);
    }
    return 0;
}

static void begin(struct listing *l)
{
    static const char *const heads[] = {"RUN",     "WORKFLOW", "STATE",
                                        "CREATED", "TOOK",     "REASON"};

    l->w = (struct jsonw){.out = &l->json};
    jsonw_open(&l->w, '{');
    jsonw_key(&l->w, "runs");
    jsonw_open(&l->w, '[');
    l->grid = (struct cli_grid){.n_columns = COUNT_OF(heads), .colour = l->c->colour};
    for (size_t i = 0; !l->c->quiet && i < COUNT_OF(heads); i++)
        cli_cell(&l->grid, CLI_DIM, heads[i]);
}

/* It concerns the runs that are shown and those that are not. */
static void note_queues(const struct listing *l)
{
    for (size_t i = 0; i < l->queues.n; i++) {
        struct buf text = {0};
        queue_view_add(&text, &l->queues.items[i]);
        cli_note(l->c, "paused: %s", buf_text(&text));
        buf_done(&text);
    }
}

static int print(struct listing *l)
{
    struct buf text = {0};

    jsonw_close(&l->w, ']');
    jsonw_key(&l->w, "next");
    jsonw_text(&l->w, l->more ? l->last : NULL);
    queue_views_json(&l->w, &l->queues);
    jsonw_close(&l->w, '}');
    buf_add_char(&l->json, '\n');
    cli_grid_add_to(&l->grid, &text);
    if (l->n == 0) {
        cli_note(l->c, "no runs");
        buf_clear(&text);
    }
    const int code = cli_print(l->c->json ? &l->json : &text);
    if (l->more)
        cli_note(l->c, "more: flowforge list --after %s", l->last);
    note_queues(l);
    buf_done(l->c->json ? &text : &l->json);
    return code;
}

static int give_up(struct listing *l, const struct ff_err *err)
{
    cli_grid_add_to(&l->grid, &l->json); /* which empties it */
    buf_done(&l->json);
    return cli_fail_err(err);
}

static int list(struct cli *c, const struct cli_session *s, struct listing *l)
{
    const struct run_row like = {.tenant = TENANT_DEFAULT.no};
    struct store_query query = {
        .record = &record_run, .like = &like, .n_equal = 1, .descending = true};
    const char *after = cli_get(&c->args, "after");
    struct arena arena = {0};
    struct run_row last;
    struct ff_err err = {0};
    int code = CLI_OK;

    if (after) {
        code = cli_find_run(s, after, &arena, &last);
        query.after = &last;
    }
    if (code == CLI_OK) {
        l->now_us = loop_wall_us(s->loop);
        begin(l);
        code = queue_views_read(&l->queues, s, &err);
        if (code == FF_OK)
            code = store_scan(node_store(s->node), STORE_READER_CALLER, &query,
                              list_one, l, &err);
        code = code == FF_OK ? print(l) : give_up(l, &err);
    }
    queue_views_done(&l->queues);
    arena_done(&arena);
    return code;
}

int cmd_list(struct cli *c)
{
    struct listing l = {.c = c,
                        .state = cli_get(&c->args, "state"),
                        .workflow = cli_get(&c->args, "workflow")};
    struct cli_session s;
    struct ff_err err = {0};

    if (cli_number(&c->args, "limit", LIMIT, LIMIT_MAX, &l.limit, &err) != FF_OK)
        return cli_fail_err(&err);
    int code = label_filter_read(&l.labels, &c->args);
    if (code != CLI_OK)
        return code;
    code = cli_open(c, &s);
    if (code == CLI_OK && !s.remote) /* a server leaves out the others itself */
        code = cli_find_project(&s, cli_get(&c->args, "project"), &l.project);
    if (code == CLI_OK)
        code = list(c, &s, &l);
    if (code == CLI_OK)
        engine_warn(c, &s);
    cli_close(&s);
    return code;
}
