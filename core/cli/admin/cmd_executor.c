/* cmd_executor.c - the executors that run attempts for a server. They stand in no rows:
 * the server that leads is asked, the one of this data directory by its socket. */
#include "cli/admin/admin.h"
#include "cli/frame/frame.h"
#include "cli/remote/remote.h"

#include <errno.h>
#include <unistd.h>

static int ask_here(const struct cli_session *s, json_t **out)
{
    MEM_AUTO char *path = file_join(node_settings(s->node)->data_dir, "api.sock");
    struct buf server = {0};

    if (access(path, F_OK) != 0)
        return cli_fail(CLI_UNAVAILABLE, "no `flowforge server` leads here, and only "
                                         "that hands tasks to executors");
    buf_printf(&server, "unix:%s", path);
    const struct remote here = {.server = server.data};
    const int code = remote_ask(&here, "/system/executors", out);
    buf_done(&server);
    return code;
}

static void add_labels(struct cli_grid *g, json_t *labels)
{
    struct buf text = {0};
    const char *key;
    json_t *value;

    json_object_foreach(labels, key, value) buf_printf(
        &text, "%s%s=%s", text.len > 0 ? "," : "", key, json_string_value(value));
    cli_cell(g, CLI_PLAIN, buf_text(&text));
    buf_done(&text);
}

static void add_row(struct cli_grid *g, const json_t *e)
{
    const json_int_t attempts = json_integer_value(json_object_get(e, "attempts"));
    const json_int_t places = json_integer_value(json_object_get(e, "places"));
    char silent[UNITS_TEXT];

    units_duration_text(
        json_integer_value(json_object_get(e, "silent_s")) * UNITS_SECOND, silent);
    cli_cell(g, CLI_PLAIN, json_string_value(json_object_get(e, "name")));
    cli_cell_f(g, "%lld/%lld", (long long)attempts, (long long)places);
    cli_cell(g, CLI_PLAIN,
             json_is_true(json_object_get(e, "draining")) ? "leaves" : "works");
    add_labels(g, json_object_get(e, "labels"));
    cli_cell(g, CLI_DIM, silent);
    cli_cell(g, CLI_DIM, json_string_value(json_object_get(e, "version")));
    cli_cell(g, CLI_DIM, json_string_value(json_object_get(e, "id")));
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
        code = s.remote ? remote_ask(s.remote, "/system/executors", &answer)
                        : ask_here(&s, &answer);
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
