/* cmd_config.c - every setting that is known here: the core's and those of all drivers
 * that can be loaded. */
#include "cli/admin/admin.h"
#include "cli/export/export.h"
#include "cli/frame/frame.h"
#include "fleet/fleet.h"
#include "rest/rest.h"

#include <string.h>

static const char *const source_words[] = {
    [CONFIG_DEFAULT] = "default",
    [CONFIG_FILE] = "file",
    [CONFIG_ENVIRONMENT] = "environment",
    [CONFIG_FLAG] = "flag",
};

struct showing {
    const struct cli *c;
    struct cli_grid grid;
    json_t *json;
    bool sources;
};

static void show(void *arg, const char *section, const char *key, const char *value,
                 enum config_source source, const char *where)
{
    struct showing *s = arg;

    cli_cell_f(&s->grid, "%s.%s", section, key);
    cli_cell(&s->grid, source == CONFIG_DEFAULT ? CLI_DIM : CLI_PLAIN,
             value ? value : "-");
    if (s->sources)
        cli_cell(&s->grid, CLI_DIM, where);
    json_t *one =
        json_pack("{s:s, s:s, s:s?}", "section", section, "key", key, "value", value);
    if (s->sources) {
        json_object_set_new(one, "source", json_string(source_words[source]));
        json_object_set_new(one, "where", json_string(where ? where : ""));
    }
    json_array_append_new(s->json, one);
}

static void warn(void *arg, const char *sentence)
{
    cli_note(arg, "warning: %s", sentence);
}

static int know_all(struct cli *c, struct config *config)
{
    const struct config_section engine = {"engine", node_options};
    const struct config_section auth = {"auth", node_auth_options};
    const struct config_section server = {"server", rest_options};
    const struct config_section executor = {"executor", executor_options};
    struct node_settings settings = {0};
    struct executor_settings executors = {0};
    struct rest_settings served = {0};
    const struct config_section traces = {"traces", export_options};
    struct export_settings exported = {0};
    struct node_auth keys = {0};
    struct ff_err err = {0};

    node_defaults(config);
    rest_defaults(config);
    export_defaults(config);
    if (config_fill(config, &engine, &settings, &err) != FF_OK ||
        config_fill(config, &auth, &keys, &err) != FF_OK ||
        config_fill(config, &server, &served, &err) != FF_OK ||
        config_fill(config, &executor, &executors, &err) != FF_OK ||
        config_fill(config, &traces, &exported, &err) != FF_OK)
        return cli_fail_config(config, &err);
    if (cli_know_drivers(config, &settings, &err) != FF_OK)
        cli_note(c, "warning: the settings of drivers are left out: %s", err.msg);
    return CLI_OK;
}

int cmd_config_show(struct cli *c)
{
    struct showing s = {
        .c = c, .sources = cli_has(&c->args, "sources"), .grid = {.colour = c->colour}};
    struct config *config;
    struct buf out = {0};

    int code = cli_load_config(c, &config);
    if (code == CLI_OK)
        code = know_all(c, config);
    if (code != CLI_OK) {
        config_free(config);
        return code;
    }
    s.json = json_array();
    s.grid.n_columns = s.sources ? 3 : 2;
    config_each(config, show, &s);
    config_mistakes(config, warn, c);
    config_unknown(config, warn, c);
    struct buf text = {0};
    cli_grid_add_to(&s.grid, &text);
    if (c->json) {
        json_add_to(&out, s.json);
        buf_add_char(&out, '\n');
    } else {
        buf_add(&out, buf_text(&text), text.len);
    }
    buf_done(&text);
    json_decref(s.json);
    config_free(config);
    return cli_print(&out);
}
