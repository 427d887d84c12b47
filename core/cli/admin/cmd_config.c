/* cmd_config.c - every setting that is known here: the core's and those of all drivers
 * that can be loaded. */
#include "cli/admin/admin.h"
#include "cli/frame/frame.h"
#include "rest/rest.h"

#include <string.h>

static const char *const source_words[] = {
    [CONFIG_DEFAULT] = "default",
    [CONFIG_FILE] = "file",
    [CONFIG_ENVIRONMENT] = "environment",
    [CONFIG_FLAG] = "flag",
};

/* A section is known once somebody has read it, also where reading failed: an option
 * that is required by a driver that is not in use is no mistake. */
struct knowing {
    struct loop *loop;
    struct config *config;
};

static void know_driver(void *arg, const char *path, const struct driver *d,
                        const struct ff_err *refused)
{
    const struct knowing *k = arg;
    struct ff_err err = {0};
    struct driver *same;

    (void)refused;
    if (!d)
        return;
    same = driver_load("/", path, 0, &err);
    if (same)
        driver_instance_free(driver_instance_new(same, k->loop, k->config, NULL, &err));
}

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

/* Reads the sections of all drivers that can be loaded. */
static int know_drivers(struct config *config, const struct node_settings *settings,
                        struct ff_err *err)
{
    struct knowing k = {.config = config, .loop = loop_new(err)};

    if (!k.loop)
        return err->code;
    MEM_AUTO char *dir =
        settings->driver_dir ? mem_text(settings->driver_dir) : driver_default_dir();
    const int code = driver_list(dir, know_driver, &k, err);
    loop_free(k.loop);
    return code;
}

static int know_all(struct cli *c, struct config *config)
{
    const struct config_section engine = {"engine", node_options};
    const struct config_section auth = {"auth", node_auth_options};
    const struct config_section server = {"server", rest_options};
    struct node_settings settings = {0};
    struct rest_settings served = {0};
    const char *key = NULL;
    struct ff_err err = {0};

    node_defaults(config);
    if (config_fill(config, &engine, &settings, &err) != FF_OK ||
        config_fill(config, &auth, &key, &err) != FF_OK ||
        config_fill(config, &server, &served, &err) != FF_OK)
        return cli_fail_config(config, &err);
    if (know_drivers(config, &settings, &err) != FF_OK)
        cli_note(c, "warning: the settings of drivers are left out: %s", err.msg);
    return CLI_OK;
}

/* --- mistakes --- */

static void tell_other(void *arg, const char *sentence)
{
    const struct ff_err *told = arg;
    struct ff_err clean;

    ff_fail(&clean, FF_INVALID, 0, "%s", sentence);
    if (strcmp(sentence, told->msg) != 0)
        cli_fail_err(&clean);
}

int cli_fail_config(struct config *config, const struct ff_err *err)
{
    const struct config_section engine = {"engine", node_options};
    struct node_settings settings = {0};
    struct ff_err told = *err;
    struct ff_err ignored;

    if (err->code != FF_INVALID && err->code != FF_NOT_FOUND)
        return cli_fail_err(err);
    cli_fail_err(err);
    /* Whoever mends one of them wants to know of the others. */
    config_fill(config, &engine, &settings, &ignored);
    know_drivers(config, &settings, &ignored);
    config_mistakes(config, tell_other, &told);
    return CLI_CONFIG;
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
