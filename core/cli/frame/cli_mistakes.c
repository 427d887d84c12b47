/* cli_mistakes.c - settings that are wrong: all of them are told at once, also those of
 * drivers. */
#include "cli/frame/frame.h"

#include <string.h>

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

int cli_know_drivers(struct config *config, const struct node_settings *settings,
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
    const struct config_section auth = {"auth", node_auth_options};
    struct node_settings settings = {0};
    struct node_auth keys = {0};
    struct ff_err told = *err;
    struct ff_err ignored;

    if (err->code != FF_INVALID && err->code != FF_NOT_FOUND)
        return cli_fail_err(err);
    cli_fail_err(err);
    /* Whoever mends one of them wants to know of the others. */
    config_fill(config, &engine, &settings, &ignored);
    config_fill(config, &auth, &keys, &ignored);
    cli_know_drivers(config, &settings, &ignored);
    config_mistakes(config, tell_other, &told);
    return CLI_CONFIG;
}
