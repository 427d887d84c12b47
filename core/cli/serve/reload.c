/* reload.c - see reload.h. */
#include "cli/serve/reload.h"

#include "cli/export/export.h"

#include <string.h>

#define LOG_LEVEL  "engine.log_level"
#define LOG_FORMAT "engine.log_format"

/* --- settings --- */

static const char *word_of(const char *option, int64_t choice)
{
    for (const struct ff_opt *o = node_options; o->name; o++)
        if (strcmp(o->name, option) == 0)
            return o->choices[choice];
    return "";
}

/* The sections of the core, which have to be right as a whole; those of drivers are
 * read by drivers that begin. */
static int fill(struct config *c, struct node_settings *engine, struct ff_err *err)
{
    const struct config_section sections[] = {
        {"engine", node_options}, {"server", rest_options}, {"traces", export_options}};
    struct rest_settings server = {0};
    struct export_settings traces = {0};

    rest_defaults(c);
    export_defaults(c);
    if (config_fill(c, &sections[0], engine, err) != FF_OK ||
        config_fill(c, &sections[1], &server, err) != FF_OK)
        return err->code;
    return config_fill(c, &sections[2], &traces, err);
}

static void use_log(const struct reload *r, const struct node_settings *engine)
{
    const struct reload_log was = *r->log;
    const bool is_given = r->c->quiet || r->c->verbose;

    *r->log = (struct reload_log){engine->log_level, engine->log_format};
    cli_use_log(r->c, engine);
    if (engine->log_level != was.level && !is_given)
        log_info(LOG_LEVEL " is %s now", word_of("log_level", engine->log_level));
    if (engine->log_format != was.format)
        log_info(LOG_FORMAT " is %s now", word_of("log_format", engine->log_format));
}

struct others {
    const struct reload *reload;
    struct buf names;
};

/* `server.tls_cert` is also the option --tls-cert, which wins. */
static bool is_option(const struct cli *c, const char *name)
{
    const char section[] = "server.";
    char option[64];

    if (!text_starts(name, section))
        return false;
    snprintf(option, sizeof(option), "%s", name + strlen(section));
    for (char *at = option; (at = strchr(at, '_'));)
        *at = '-';
    return cli_has(&c->args, option);
}

static void add_name(void *arg, const char *name)
{
    struct others *o = arg;

    if (strcmp(name, LOG_LEVEL) != 0 && strcmp(name, LOG_FORMAT) != 0 &&
        !is_option(o->reload->c, name))
        buf_printf(&o->names, "%s%s", o->names.len > 0 ? ", " : "", name);
}

static void tell_others(const struct reload *r, const struct config *now)
{
    struct others o = {.reload = r};

    config_changes(r->config, now, add_name, &o);
    if (o.names.len > 0)
        log_warn("these settings are others in the file than in use, and count after a "
                 "restart: %s",
                 buf_text(&o.names));
    buf_done(&o.names);
}

static void read_settings(const struct reload *r)
{
    struct node_settings in_use = {0}, engine = {0};
    struct config *now = NULL;
    struct ff_err err = {0};
    int code = cli_read_config(r->c, &now, &err);

    if (code == FF_OK)
        code = fill(now, &engine, &err);
    if (code == FF_OK) /* so that their defaults are known there */
        code = fill(r->config, &in_use, &err);
    if (code == FF_OK) {
        use_log(r, &engine);
        log_info("the settings were read again");
        tell_others(r, now);
    } else {
        log_error("the settings stay as they were: %s", err.msg);
    }
    config_free(now);
}

/* --- what settings name --- */

static void tell(int code, const char *what, const struct ff_err *err)
{
    if (code == FF_OK)
        log_info("%s was read again", what);
    else
        log_error("%s stays as it was: %s", what, err->msg);
}

static void read_certificate(const struct reload *r)
{
    struct ff_err err = {0};
    int code = FF_OK;

    if (r->http)
        code = http_server_reload(r->http, &err);
    if (code == FF_OK && r->executors)
        code = executors_reload_certificate(r->executors, &err);
    if (r->http || r->executors)
        tell(code, "the certificate", &err);
}

void reload(const struct reload *r)
{
    struct fleet *fleet = executors_fleet(r->executors);
    struct ff_err err = {0};

    read_settings(r);
    if (r->has_certificate)
        read_certificate(r);
    if (fleet)
        tell(fleet_reload_tokens(fleet, &err), "the credential of executors", &err);
    if (r->rest)
        rest_refresh_auth(r->rest);
}
