/* cmd_executor.c - the executors that run attempts for a server. */
#include "cli/admin/admin.h"
#include "cli/frame/frame.h"
#include "cli/read/executor_view.h"

static int ask(const struct cli_session *s, json_t **out)
{
    struct remote here;
    char *address;
    const struct remote *door = executor_door(s, &here, &address);
    const int code =
        door ? remote_ask(door, "/system/executors", out)
             : cli_fail(CLI_UNAVAILABLE, "no `flowforge server` leads here, and only "
                                         "that hands tasks to executors");

    mem_free(address);
    return code;
}

static void add_row(struct cli_grid *g, const json_t *e)
{
    const json_int_t attempts = json_integer_value(json_object_get(e, "attempts"));
    const json_int_t places = json_integer_value(json_object_get(e, "places"));
    char silent[UNITS_TEXT];
    struct buf labels = {0};

    executor_labels(e, &labels);
    units_duration_text(
        json_integer_value(json_object_get(e, "silent_s")) * UNITS_SECOND, silent);
    cli_cell(g, CLI_PLAIN, json_string_value(json_object_get(e, "name")));
    cli_cell_f(g, "%lld/%lld", (long long)attempts, (long long)places);
    cli_cell(g, CLI_PLAIN,
             json_is_true(json_object_get(e, "draining")) ? "leaves" : "works");
    cli_cell(g, CLI_PLAIN, buf_text(&labels));
    cli_cell(g, CLI_DIM, silent);
    cli_cell(g, CLI_DIM, json_string_value(json_object_get(e, "version")));
    cli_cell(g, CLI_DIM, json_string_value(json_object_get(e, "id")));
    buf_done(&labels);
}

static void add_table(struct buf *out, const struct cli *c, const json_t *answer)
{
    static const char *const heads[] = {"NAME",   "ATTEMPTS", "STATE", "LABELS",
                                        "SILENT", "VERSION",  "ID"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = c->colour};
    const json_int_t waiting = json_integer_value(json_object_get(answer, "waiting"));
    const json_t *e;
    size_t i;

    for (i = 0; i < COUNT_OF(heads); i++)
        cli_cell(&g, CLI_DIM, heads[i]);
    json_array_foreach(json_object_get(answer, "executors"), i, e) add_row(&g, e);
    cli_grid_add_to(&g, out);
    if (waiting > 0)
        buf_printf(out, "%lld attempt%s for a place\n", (long long)waiting,
                   waiting == 1 ? " waits" : "s wait");
}

int cmd_executor_list(struct cli *c)
{
    struct cli_session s;
    struct buf out = {0};
    json_t *answer = NULL;
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = ask(&s, &answer);
    if (code == CLI_OK && c->json) {
        json_add_to(&out, answer);
        buf_add_char(&out, '\n');
    } else if (code == CLI_OK) {
        add_table(&out, c, answer);
    }
    json_decref(answer);
    cli_close(&s);
    return code == CLI_OK ? cli_print(&out) : code;
}
