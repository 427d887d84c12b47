/* cmd_schedule.c - the schedules there are, and one of them with what became of its
 * times. What changes them is in cmd_schedule_do.c. */
#include "cli/catalog/catalog.h"
#include "cli/catalog/project_names.h"
#include "cli/catalog/schedule_text.h"
#include "cli/owner/engine_need.h"

#include <string.h>

#define UPCOMING 5
#define LIMIT    20
#define MAX      100000

struct showing {
    struct cli *c;
    struct cli_session s;
    struct project_names projects;
    struct cli_grid grid;
    struct buf json;
    struct jsonw w;
    int64_t limit;
    size_t n;
    struct {
        struct schedule_row *items;
        size_t n, cap;
    } rows;
    struct arena arena;
};

static void begin(struct showing *sh, const char *const *heads, uint32_t n)
{
    sh->grid = (struct cli_grid){.n_columns = n, .colour = sh->c->colour};
    for (uint32_t i = 0; !sh->c->quiet && i < n; i++)
        cli_cell(&sh->grid, CLI_DIM, heads[i]);
}

static void take(void *arg, const struct schedule_row *row)
{
    struct showing *sh = arg;
    struct schedule_row copy = *row;

    if (!project_names_wants(&sh->projects, row->project))
        return;
    store_own_row(&record_schedule, &copy, &sh->arena);
    ARRAY_ADD(&sh->rows, copy);
}

static int read_rows(struct showing *sh, const char *word)
{
    struct ff_err err = {0};

    if (node_schedules(sh->s.node, STORE_READER_CALLER, TENANT_DEFAULT, word, take, sh,
                       &err) != FF_OK)
        return cli_fail_err(&err);
    return CLI_OK;
}

/* How its last run came out: its state, or "" where it has had none. */
static int take_state(void *arg, const void *row)
{
    *(int64_t *)arg = ((const struct run_row *)row)->state;
    return 1;
}

static int64_t last_state(struct showing *sh, const struct schedule_row *row)
{
    const struct run_row like = {.tenant = row->tenant, .id = row->last_run};
    const struct store_query q = {.record = &record_run,
                                  .index = "run_id",
                                  .like = &like,
                                  .n_equal = 2,
                                  .limit = 1};
    struct ff_err ignored;
    int64_t state = -1;

    if (row->last_run.s)
        store_scan(node_store(sh->s.node), STORE_READER_CALLER, &q, take_state, &state,
                   &ignored);
    return state;
}

/* --- list --- */

static void add_cells(struct showing *sh, const struct schedule_row *row)
{
    const int64_t state = last_state(sh, row);
    struct buf when = {0};
    char next[UNITS_TEXT];

    schedule_text_when(row, &when);
    cli_time_text(row->next_at, next);
    cli_cell_span(&sh->grid, CLI_BOLD, row->name);
    cli_cell_span(&sh->grid, CLI_PLAIN, row->kind);
    cli_cell(&sh->grid, CLI_PLAIN, buf_text(&when));
    cli_cell(&sh->grid, row->paused_at != MODEL_NULL ? CLI_YELLOW : CLI_PLAIN,
             row->paused_at != MODEL_NULL ? "paused" : next);
    cli_cell(&sh->grid, state < 0 ? CLI_DIM : cli_run_colour(state),
             state < 0 ? "-" : run_state_names[state]);
    cli_cell_span(&sh->grid, CLI_DIM, row->last_run);
    if (sh->projects.several)
        cli_cell(&sh->grid, CLI_PLAIN, project_names_of(&sh->projects, row->project));
    buf_done(&when);
}

static void add_json(struct showing *sh, const struct schedule_row *row)
{
    const int64_t state = last_state(sh, row);

    jsonw_open(&sh->w, '{');
    model_row_keys(&sh->w, &record_schedule, row,
                   ~(COLUMN_BIT(COL_SCHEDULE_TENANT) |
                     COLUMN_BIT(COL_SCHEDULE_VERSION) |
                     COLUMN_BIT(COL_SCHEDULE_PROJECT)) &
                       ((UINT64_C(1) << N_SCHEDULE_COLUMNS) - 1));
    jsonw_key(&sh->w, "project");
    jsonw_text(&sh->w, project_names_of(&sh->projects, row->project));
    if (state >= 0) {
        jsonw_key(&sh->w, "last_state");
        jsonw_text(&sh->w, run_state_names[state]);
    }
}

static int print_list(struct showing *sh)
{
    struct buf text = {0};

    for (size_t i = 0; i < sh->rows.n; i++) {
        if (sh->c->json) {
            add_json(sh, &sh->rows.items[i]);
            jsonw_close(&sh->w, '}');
        } else {
            add_cells(sh, &sh->rows.items[i]);
        }
    }
    if (sh->c->json) {
        jsonw_close(&sh->w, ']');
        buf_add_char(&sh->json, '\n');
        return cli_print(&sh->json);
    }
    cli_grid_add_to(&sh->grid, &text);
    if (sh->rows.n == 0) {
        cli_note(sh->c,
                 "no schedules: `flowforge apply FILE` makes those of a file with "
                 "triggers");
        buf_clear(&text);
    }
    return cli_print(&text);
}

static void showing_done(struct showing *sh)
{
    struct buf rest = {0};

    if (sh->grid.n > 0)
        cli_grid_add_to(&sh->grid, &rest);
    buf_done(&rest);
    buf_done(&sh->json);
    ARRAY_DONE(&sh->rows);
    arena_done(&sh->arena);
    project_names_done(&sh->projects);
    cli_close(&sh->s);
}

int cmd_schedule_list(struct cli *c)
{
    static const char *const heads[] = {"SCHEDULE", "KIND",     "WHEN",   "NEXT",
                                        "RESULT",   "LAST RUN", "PROJECT"};
    struct showing sh = {.c = c};
    int code = cli_open(c, &sh.s);

    if (code == CLI_OK)
        code = project_names_open(&sh.projects, c, &sh.s);
    sh.w = (struct jsonw){.out = &sh.json};
    if (c->json)
        jsonw_open(&sh.w, '[');
    else
        begin(&sh, heads, COUNT_OF(heads) - !sh.projects.several);
    if (code == CLI_OK)
        code = read_rows(&sh, cli_get(&c->args, "workflow"));
    if (code == CLI_OK)
        code = print_list(&sh);
    if (code == CLI_OK)
        engine_warn(c, &sh.s);
    showing_done(&sh);
    return code;
}

/* --- get --- */

static void add_upcoming(struct showing *sh, const struct schedule_row *row,
                         struct buf *text)
{
    struct ff_err err = {0};
    struct schedule *s = node_schedule_open(sh->s.node, row, &err);
    char time[UNITS_TEXT];

    if (!s) {
        buf_printf(text, "stands still: %s\n", err.msg);
        return;
    }
    const struct zone *z = s->spec.recurrence.zone ? s->spec.recurrence.zone : zone_utc;
    int64_t at_us = schedule_text_after(s, loop_wall_us(sh->s.loop));
    schedule_text_rules(s, text);
    for (int i = 0; i < UPCOMING && schedule_next(s, at_us, &at_us); i++) {
        zone_time_text(z, at_us, time);
        if (sh->c->json)
            jsonw_text(&sh->w, time);
        buf_printf(text, "%s%s", i == 0 ? "next   " : "       ", time);
        schedule_text_begins(s, at_us, text);
        buf_add_char(text, '\n');
    }
    schedule_free(s);
}

static void add_time_text(struct showing *sh, const struct schedule_run_row *r)
{
    static const enum cli_colour colours[] = {
        [SCHEDULE_RUN_STARTED] = CLI_GREEN, [SCHEDULE_RUN_WAITING] = CLI_BLUE,
        [SCHEDULE_RUN_SKIPPED] = CLI_DIM,   [SCHEDULE_RUN_MISSED] = CLI_YELLOW,
        [SCHEDULE_RUN_FAILED] = CLI_RED,
    };
    char time[UNITS_TEXT];

    cli_time_text(r->nominal_at, time);
    cli_cell(&sh->grid, CLI_PLAIN, time);
    cli_cell(&sh->grid, colours[r->state], schedule_run_state_names[r->state]);
    cli_cell_span(&sh->grid, CLI_PLAIN, r->cause);
    cli_cell_span(&sh->grid, CLI_PLAIN, r->run_id);
    if (r->state == SCHEDULE_RUN_WAITING)
        cli_cell(&sh->grid, CLI_DIM, schedule_text_waits(&sh->rows.items[0]));
    else
        cli_cell_span(&sh->grid, CLI_DIM, r->message);
}

static int add_time(void *arg, const void *row)
{
    struct showing *sh = arg;
    const uint64_t hidden =
        COLUMN_BIT(COL_SCHEDULE_RUN_TENANT) | COLUMN_BIT(COL_SCHEDULE_RUN_SCHEDULE) |
        COLUMN_BIT(COL_SCHEDULE_RUN_VERSION) | COLUMN_BIT(COL_SCHEDULE_RUN_RUN);

    sh->n++;
    if (!sh->c->json) {
        add_time_text(sh, row);
        return 0;
    }
    jsonw_open(&sh->w, '{');
    model_row_keys(&sh->w, &record_schedule_run, row,
                   ~hidden & ((UINT64_C(1) << N_SCHEDULE_RUN_COLUMNS) - 1));
    jsonw_close(&sh->w, '}');
    return 0;
}

static int add_times(struct showing *sh, const struct schedule_row *row)
{
    const struct schedule_run_row like = {.tenant = row->tenant, .schedule = row->name};
    const struct store_query q = {.record = &record_schedule_run,
                                  .like = &like,
                                  .n_equal = 2,
                                  .descending = true,
                                  .limit = (uint32_t)sh->limit};
    struct ff_err err = {0};

    if (store_scan(node_store(sh->s.node), STORE_READER_CALLER, &q, add_time, sh,
                   &err) != FF_OK)
        return cli_fail_err(&err);
    return CLI_OK;
}

static int add_backfill(void *arg, const void *row)
{
    struct showing *sh = arg;
    const uint64_t hidden = COLUMN_BIT(COL_BACKFILL_TENANT) |
                            COLUMN_BIT(COL_BACKFILL_SCHEDULE) |
                            COLUMN_BIT(COL_BACKFILL_VERSION);

    jsonw_open(&sh->w, '{');
    model_row_keys(&sh->w, &record_backfill, row,
                   ~hidden & ((UINT64_C(1) << N_BACKFILL_COLUMNS) - 1));
    jsonw_close(&sh->w, '}');
    return 0;
}

static int show_json(struct showing *sh, const struct schedule_row *row)
{
    const struct backfill_row like = {.tenant = row->tenant, .schedule = row->name};
    const struct store_query backfills = {
        .record = &record_backfill, .like = &like, .n_equal = 2};
    struct ff_err err = {0};

    add_json(sh, row);
    jsonw_key(&sh->w, "upcoming");
    jsonw_open(&sh->w, '[');
    struct buf ignored = {0};
    add_upcoming(sh, row, &ignored);
    buf_done(&ignored);
    jsonw_close(&sh->w, ']');
    jsonw_key(&sh->w, "times");
    jsonw_open(&sh->w, '[');
    int code = add_times(sh, row);
    jsonw_close(&sh->w, ']');
    jsonw_key(&sh->w, "backfills");
    jsonw_open(&sh->w, '[');
    if (code == CLI_OK && store_scan(node_store(sh->s.node), STORE_READER_CALLER,
                                     &backfills, add_backfill, sh, &err) != FF_OK)
        code = cli_fail_err(&err);
    jsonw_close(&sh->w, ']');
    jsonw_close(&sh->w, '}');
    buf_add_char(&sh->json, '\n');
    return code == CLI_OK ? cli_print(&sh->json) : code;
}

static int show_text(struct showing *sh, const struct schedule_row *row)
{
    static const char *const heads[] = {"TIME", "STATE", "CAUSE", "RUN", "WHY"};
    struct ff_err err = {0};
    struct buf text = {0};

    buf_printf(&text, "%s: %.*s ", row->name.s, (int)row->kind.len, row->kind.s);
    schedule_text_when(row, &text);
    buf_printf(&text, "%s%s\n", row->paused_at != MODEL_NULL ? ", paused" : "",
               row->pinned ? ", pinned" : "");
    buf_printf(&text, "runs   %.*s, version %.12s\n", (int)row->workflow.len,
               row->workflow.s, row->hash.s);
    add_upcoming(sh, row, &text);
    begin(sh, heads, COUNT_OF(heads));
    int code = add_times(sh, row);
    if (code == CLI_OK && schedule_text_backfills(&sh->s, row, &text, &err) != FF_OK)
        code = cli_fail_err(&err);
    if (sh->n > 0)
        buf_add_char(&text, '\n');
    if (sh->n > 0)
        cli_grid_add_to(&sh->grid, &text);
    return code == CLI_OK ? cli_print(&text) : (buf_done(&text), code);
}

int cmd_schedule_get(struct cli *c)
{
    const char *word = c->args.words.items[0];
    struct showing sh = {.c = c};
    struct ff_err err = {0};

    if (cli_number(&c->args, "limit", LIMIT, MAX, &sh.limit, &err) != FF_OK)
        return cli_fail_err(&err);
    int code = cli_open(c, &sh.s);
    sh.w = (struct jsonw){.out = &sh.json};
    if (code == CLI_OK)
        code = project_names_open(&sh.projects, c, &sh.s);
    if (code == CLI_OK)
        code = read_rows(&sh, word);
    if (code == CLI_OK && sh.rows.n > 1)
        code = cli_fail(CLI_USAGE, "%s has %zu schedules: say which one, as in %s",
                        word, sh.rows.n, sh.rows.items[0].name.s);
    if (code == CLI_OK)
        code = c->json ? show_json(&sh, &sh.rows.items[0])
                       : show_text(&sh, &sh.rows.items[0]);
    if (code == CLI_OK)
        engine_warn(c, &sh.s);
    showing_done(&sh);
    return code;
}
