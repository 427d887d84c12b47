/* executor.c - the program: what it begins with, its signals, its end.
 *
 * The first SIGTERM or SIGINT lets attempts come to their end and takes no more;
 * another one leaves at once. Attempts go on then, and the next process with this
 * folder takes them over. SIGHUP has the credential read again. */
#include "cli/executor/executor_priv.h"
#include "cli/owner/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"name", "NAME", "what it is called where it is shown", NULL, 0},
    {"labels", "LABELS", "what tasks choose it by: KEY=VALUE, comma separated", NULL,
     0},
    {0},
};

/* --- the end --- */

/* Lanes come back to the loop a last time. */
static void end_loop(void *arg)
{
    loop_stop(((struct executor *)arg)->loop, 0);
}

static void finish(struct executor *ex)
{
    ship_close(ex);
    files_close(ex);
    tasks_close(ex);
    links_close(ex);
    hosted_finish(ex);
    loop_post(ex->loop, end_loop, ex);
}

static void end_soon(void *arg)
{
    finish(arg);
}

void executor_end(struct executor *ex, int exit_code)
{
    if (ex->gone)
        return;
    ex->gone = true;
    ex->exit_code = exit_code;
    atomic_store(&ex->given_up, true);
    loop_post(ex->loop, end_soon, ex);
}

void executor_check_left(struct executor *ex)
{
    if (ex->leaving && ex->hosted.n == 0 && ex->n_asked == 0)
        links_leave(ex);
}

/* What cannot be read changes nothing. */
static void reload(struct executor *ex)
{
    struct fleet_tokens tokens;
    struct ff_err err = {0};
    int code = FF_OK;

    if (strcmp(ex->token_file, "-") == 0)
        code = ff_fail(&err, FF_UNSUPPORTED, 0, "it came by standard input");
    else
        code = fleet_read_tokens(ex->token_file, &tokens, &err);
    if (code != FF_OK) {
        log_error("the credential stays as it was: %s", err.msg);
        return;
    }
    ARRAY_ADD(&ex->old_tokens, ex->tokens);
    ex->tokens = tokens;
    log_info("the credential was read again");
}

static void on_signal(void *arg, int signo)
{
    struct executor *ex = arg;

    if (signo == SIGHUP)
        reload(ex);
    if (signo == SIGWINCH || signo == SIGHUP)
        return;
    if (ex->leaving) {
        executor_end(ex, 128 + signo);
        return;
    }
    ex->leaving = true;
    if (ex->hosted.n > 0)
        cli_note(ex->c,
                 "%zu attempts come to their end here; another signal leaves them",
                 ex->hosted.n);
    links_tell_all(ex);
    executor_check_left(ex);
}

/* --- who it is --- */

static char *default_dir(struct ff_err *err)
{
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (xdg && xdg[0] == '/')
        return file_join(xdg, "flowforge-executor");
    if (home && home[0] == '/')
        return file_join(home, ".local/state/flowforge-executor");
    ff_fail(err, FF_INVALID, 0, "there is no HOME to work in: set executor.dir");
    return NULL;
}

static int make_dir(struct executor *ex, struct ff_err *err)
{
    const char *given = ex->settings.dir;
    MEM_AUTO char *dir = given ? mem_text(given) : default_dir(err);

    if (!dir)
        return err->code;
    const int sys = file_make_dirs(dir, 0700);
    ex->dir = sys == 0 ? file_real(dir) : NULL;
    if (!ex->dir)
        return ff_fail(err, FF_UNAVAILABLE, sys ? -sys : errno, "%.160s: %s", dir,
                       strerror(sys ? -sys : errno));
    return FF_OK;
}

static int take_lock(struct executor *ex, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(ex->dir, "lock");

    ex->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ex->lock_fd < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%.160s: %s", path, strerror(errno));
    if (flock(ex->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "another executor works in %.160s",
                       ex->dir);
    return FF_OK;
}

/* Made once: by it the server knows whose attempts these are. */
static int read_id(struct executor *ex, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(ex->dir, "executor.id");
    uint8_t bytes[(ID_TEXT_SIZE - 1) / 2];
    struct buf text = {0};
    int sys = file_read(path, ID_TEXT_SIZE - 1, &text);

    if (sys == 0 && text.len == ID_TEXT_SIZE - 1) {
        memcpy(ex->id, buf_text(&text), ID_TEXT_SIZE);
        buf_done(&text);
        return FF_OK;
    }
    buf_done(&text);
    rand_system(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(ex->id + 2 * i, 3, "%02x", bytes[i]);
    sys = file_write_durable(path, ex->id, ID_TEXT_SIZE - 1, 0600);
    return sys == 0
               ? FF_OK
               : ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", path, strerror(-sys));
}

static void take_name(struct executor *ex)
{
    const char *flag = cli_get(&ex->c->args, "name");
    const char *name = flag ? flag : ex->settings.name;

    if (name)
        snprintf(ex->name, sizeof(ex->name), "%s", name);
    else if (gethostname(ex->name, sizeof(ex->name) - 1) != 0 || !ex->name[0])
        snprintf(ex->name, sizeof(ex->name), "executor");
}

static int take_labels(struct executor *ex)
{
    const char *flag = cli_get(&ex->c->args, "labels");
    const char *given = flag ? flag : ex->settings.labels;
    struct ff_err err;

    if (given && labels_read(given, &ex->labels, &err) != FF_OK)
        return cli_fail(CLI_CONFIG, "%s: %s", flag ? "--labels" : "executor.labels",
                        err.msg);
    return CLI_OK;
}

/* --- settings --- */

static int read_settings(struct executor *ex)
{
    const struct config_section section = {"executor", executor_options};
    const struct config_section auth = {"auth", node_auth_options};
    const struct config_section engine = {"engine", node_options}; /* of it, the log */
    struct node_settings log = {0};
    struct node_auth keys = {0};
    struct ff_err err = {0};
    int code = cli_load_config(ex->c, &ex->config);

    if (code != CLI_OK)
        return code;
    code = rights_refuse(ex);
    if (code != CLI_OK)
        return code;
    if (config_fill(ex->config, &section, &ex->settings, &err) != FF_OK ||
        config_fill(ex->config, &auth, &keys, &err) != FF_OK ||
        config_fill(ex->config, &engine, &log, &err) != FF_OK)
        return cli_fail_config(ex->config, &err);
    if (!keys.executor_token_file)
        return cli_fail(CLI_CONFIG,
                        "auth.executor_token_file has to name the file with "
                        "the credential that the server takes");
    ex->token_file = keys.executor_token_file;
    if (fleet_read_tokens(ex->token_file, &ex->tokens, &err) != FF_OK)
        return cli_fail(CLI_CONFIG, "%s", err.msg);
    if (ex->settings.places == 0) {
        const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        ex->settings.places = cpus > 2 ? 2 * cpus : 4;
    }
    ex->pass_env = node_pass_env(ex->settings.pass_env);
    rights_forget(ex);
    take_name(ex);
    return take_labels(ex);
}

static void find_what_tasks_need(struct executor *ex)
{
    MEM_AUTO char *dir = ex->settings.driver_dir ? mem_text(ex->settings.driver_dir)
                                                 : driver_default_dir();

    ex->sdk = node_find_sdk(ex->settings.sdk, dir ? dir : "/");
    ex->http_program = node_http_program();
}

/* --- all of it --- */

static int open_all(struct executor *ex, struct ff_err *err)
{
    ask_init();
    ex->loop = loop_new(err);
    if (!ex->loop)
        return err->code;
    ex->signals = signals_open(ex->loop, on_signal, ex, err);
    if (!ex->signals || make_dir(ex, err) != FF_OK || take_lock(ex, err) != FF_OK ||
        read_id(ex, err) != FF_OK)
        return err->code;
    find_what_tasks_need(ex);
    if (health_open(ex, err) != FF_OK)
        return err->code;
    if (links_open(ex, err) != FF_OK || ship_open(ex, err) != FF_OK ||
        files_open(ex, err) != FF_OK || tasks_open(ex, err) != FF_OK)
        return err->code;
    return hosted_open(ex, err);
}

static void close_all(struct executor *ex)
{
    if (ex->loop && !ex->gone) {
        finish(ex);
        loop_run(ex->loop);
    }
    if (ex->http)
        http_server_free(ex->http);
    health_close(ex);
    hosted_close(ex);
    links_free(ex);
    signals_close(ex->signals);
    loop_free(ex->loop);
    if (ex->lock_fd >= 0)
        close(ex->lock_fd);
    if (ex->pass_env)
        mem_free(ex->pass_env[0]);
    mem_free(ex->pass_env);
    mem_free(ex->http_program);
    free(ex->sdk);
    free(ex->dir);
    fleet_tokens_done(&ex->tokens);
    for (size_t i = 0; i < ex->old_tokens.n; i++)
        fleet_tokens_done(&ex->old_tokens.items[i]);
    ARRAY_DONE(&ex->old_tokens);
    buf_done(&ex->labels);
    config_free(ex->config);
}

static int work(struct executor *ex)
{
    struct ff_err err = {0};
    int code = read_settings(ex);

    if (code == CLI_OK && open_all(ex, &err) != FF_OK)
        code = cli_fail_config(ex->config, &err);
    if (code == CLI_OK) {
        hosted_adopt(ex);
        loop_run(ex->loop);
        code = ex->exit_code;
    }
    close_all(ex);
    return code;
}

static const char usage[] =
    "Usage: flowforge-executor [--config FILE] [--set SECTION.KEY=VALUE]... [--name "
    "NAME]\n                          [--labels KEY=VALUE,...]\n\n"
    "Asks a server for work, runs it here, and tells what came of it. What it needs "
    "stands\nin the section `executor` of the configuration, and in "
    "auth.executor_token_file.\n";

int executor_main(char *const *argv, char *const *env)
{
    privacy_begin();
    cli_begin();

    MEM_AUTO char **own = rights_own_env(env);
    struct cli c = {.env = own};
    struct executor ex = {.c = &c, .lock_fd = -1, .inotify = -1};
    struct ff_err err = {0};
    size_t used;
    int code = cli_args_read(&c.args, options, argv + 1, false, &used, &err);
    cli_serves(&c);
    if (code != FF_OK) {
        code = cli_fail_err(&err);
    } else if (cli_has(&c.args, "help")) {
        fputs(usage, stdout);
    } else if (c.args.words.n > 0) {
        code = cli_fail(CLI_USAGE, "%s", usage);
    } else {
        cli_read_globals(&c);
        code = work(&ex);
    }
    cli_args_done(&c.args);
    return code;
}
