/* cli_session.c - settings, loop and node of one call of the program. */
#include "cli/frame/frame.h"
#include "cli/frame/watchdog.h"

#include "access/access.h"

#define CLOSE_SECONDS 60 /* a store may have much to carry over at its end */

/* What would let others read along, or be guessed, is refused otherwise. */
static void allow_for_developing(struct config *config)
{
    static const char *const settings[] = {"database.insecure", "redis.insecure",
                                           "auth.insecure"};

    for (size_t i = 0; i < COUNT_OF(settings); i++)
        config_default(config, settings[i], "true");
}

static int apply_flags(const struct cli *c, struct config *config, struct ff_err *err)
{
    const char *dir = cli_get(&c->args, "data-dir");
    const char *assignment;
    int code = FF_OK;

    if (cli_has(&c->args, "dev"))
        allow_for_developing(config);
    for (size_t i = 0; code == FF_OK && (assignment = cli_next(&c->args, "set", &i));)
        code = config_set(config, assignment, err);
    if (code == FF_OK && dir) {
        struct buf text = {0};
        buf_printf(&text, "engine.data_dir=%s", dir);
        code = config_set(config, buf_text(&text), err);
        buf_done(&text);
    }
    return code;
}

int cli_read_config(const struct cli *c, struct config **config, struct ff_err *err)
{
    *config = config_load(cli_get(&c->args, "config"), c->env, err);
    return *config ? apply_flags(c, *config, err) : err->code;
}

void cli_use_log(const struct cli *c, const struct node_settings *engine)
{
    const int level = (int)engine->log_level + LOG_ERROR;

    log_setup(c->verbose ? LOG_DEBUG
              : c->quiet ? LOG_ERROR
                         : level,
              engine->log_format == NODE_LOG_JSON);
}

/* From here on what is logged has its level and form. What is wrong in the section is
 * told by who needs the rest of it. */
static void use_log_of(const struct cli *c, const struct config *config)
{
    const struct config_section section = {"engine", node_options};
    struct node_settings engine = {0};
    struct ff_err told_later;

    if (config_fill(config, &section, &engine, &told_later) == FF_OK)
        cli_use_log(c, &engine);
}

int cli_load_config(struct cli *c, struct config **config)
{
    struct ff_err err = {0};

    if (cli_read_config(c, config, &err) != FF_OK)
        return cli_fail(CLI_CONFIG, "%s", err.msg);
    use_log_of(c, *config);
    return CLI_OK;
}

/* why: as for node_open_partly; NULL: the store has to be there. */
static int open_session(struct cli *c, struct cli_session *s, struct ff_err *why)
{
    struct ff_err err = {0};

    *s = (struct cli_session){0};
    const int code = cli_load_config(c, &s->config);
    if (code != CLI_OK)
        return code;
    s->loop = loop_new(&err);
    if (!s->loop)
        return cli_fail_err(&err);
    s->remote = c->remote;
    s->node = why ? node_open_partly(s->loop, s->config, why, &err)
                  : node_open_over(s->loop, s->config, c->remote_store, &err);
    if (!s->node)
        return cli_fail_config(s->config, &err);
    return CLI_OK;
}

int cli_open(struct cli *c, struct cli_session *s)
{
    return open_session(c, s, NULL);
}

int cli_open_partly(struct cli *c, struct cli_session *s, struct ff_err *why)
{
    return open_session(c, s, why);
}

void cli_close(struct cli_session *s)
{
    fflush(stdout);
    watchdog_set(WATCHDOG_LEAVE, CLOSE_SECONDS, CLI_IO);
    node_close(s->node);
    loop_free(s->loop);
    config_free(s->config);
    watchdog_clear(WATCHDOG_LEAVE);
    *s = (struct cli_session){0};
}

int cli_find_run(const struct cli_session *s, const char *word, struct arena *arena,
                 struct run_row *run)
{
    struct ff_err err = {0};

    if (store_run_find(node_store(s->node), STORE_READER_CALLER, TENANT_DEFAULT, word,
                       arena, run, &err) == FF_OK)
        return CLI_OK;
    return cli_fail_err(&err);
}

int cli_open_run(struct cli *c, struct cli_about *about)
{
    *about = (struct cli_about){0};
    const int code = cli_open(c, &about->s);
    if (code != CLI_OK)
        return code;
    return cli_find_run(&about->s, c->args.words.items[0], &about->arena, &about->run);
}

void cli_close_run(struct cli_about *about)
{
    arena_done(&about->arena);
    cli_close(&about->s);
}

int cli_find_project(const struct cli_session *s, const char *name, int64_t *project)
{
    struct arena arena = {0};
    struct project_row row;
    struct ff_err err = {0};
    int code = FF_OK;

    if (!name)
        return CLI_OK;
    code = access_project(node_store(s->node), STORE_READER_CALLER, TENANT_DEFAULT,
                          name, &arena, &row, &err);
    if (code == FF_OK)
        *project = row.project;
    arena_done(&arena);
    return code == FF_OK ? CLI_OK : cli_fail_err(&err);
}
