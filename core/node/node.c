/* node.c - settings, data directory, drivers, store: what every command needs. */
#include "node/node_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const leaders[] = {
    [NODE_LEADERS_ONE] = "one", [NODE_LEADERS_ALL] = "all", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {
    [NODE_LOG_TEXT] = "text", [NODE_LOG_JSON] = "json", NULL};

#define NAMED(option, field)                                                           \
    .name = (option), .offset = offsetof(struct node_settings, field)
#define OPT(field) NAMED(#field, field)
const struct ff_opt node_options[] = {
    {OPT(data_dir), .type = FF_OPT_TEXT,
     .help = "where runs, logs and values are kept; default: "
             "$XDG_DATA_HOME/flowforge, else ~/.local/share/flowforge"},
    {OPT(files_dir), .type = FF_OPT_TEXT,
     .help = "where logs, large values, kept files and artifacts of runs are kept; "
             "servers that share a store share this folder, too; default: data_dir"},
    {OPT(store), .type = FF_OPT_TEXT, .fallback = "store-sqlite",
     .help = "store driver; default: store-postgres where database.host or "
             "database.url is set, else store-sqlite"},
    {OPT(queue), .type = FF_OPT_TEXT, .fallback = "queue-memory",
     .help = "queue driver; default: queue-redis where redis.addresses or redis.host "
             "is set, else queue-memory"},
    {OPT(runtime), .type = FF_OPT_TEXT, .fallback = "runtime-local",
     .help = "runtime driver; remote: executors, which ask the server for work"},
    {OPT(blob), .type = FF_OPT_TEXT, .fallback = "blob-file",
     .help = "blob driver, which keeps artifacts"},
    {OPT(store_filters), .type = FF_OPT_TEXT,
     .help = "filters in front of the store, comma separated, the outermost first"},
    {OPT(queue_filters), .type = FF_OPT_TEXT, .help = "filters in front of the queue"},
    {OPT(runtime_filters), .type = FF_OPT_TEXT,
     .help = "filters in front of the runtime"},
    {OPT(blob_filters), .type = FF_OPT_TEXT, .help = "filters in front of the blobs"},
    {OPT(driver_dir), .type = FF_OPT_TEXT,
     .help = "where drivers are; default: lib/flowforge beside the program"},
    {OPT(slots), .type = FF_OPT_INT, .max = 10000,
     .help = "attempts that run at once; 0: twice the processors, at least 4",
     .fallback = "0"},
    {OPT(limits), .type = FF_OPT_TEXT,
     .help = "places of semaphores, comma separated: gpu=2, db=8; others have 1. "
             "`flowforge limit set` wins over it"},
    {OPT(pass_env), .type = FF_OPT_TEXT,
     .help = "more variables of your environment that tasks get, comma separated; "
             "a trailing * takes a prefix"},
    {OPT(sdk), .type = FF_OPT_TEXT,
     .help = "folder that holds the Python package flowforge; default: the installed "
             "one"},
    {OPT(http_allow), .type = FF_OPT_TEXT,
     .help = "private addresses and networks that tasks with http may ask, comma "
             "separated: 10.0.0.0/8, 127.0.0.1:8080"},
    {OPT(log_max_bytes), .type = FF_OPT_SIZE, .fallback = "1GiB",
     .help = "output kept of one attempt; the rest is dropped and counted"},
    {OPT(artifact_max_bytes), .type = FF_OPT_SIZE, .fallback = "10GiB", .min = 1,
     .max = INT64_C(1) << 50, .help = "how large one artifact may be"},
    {NAMED("blob_grace", blob_grace_us), .type = FF_OPT_SECONDS, .fallback = "24h",
     .min = INT64_C(7200) * UNITS_SECOND, .max = INT64_C(31536000) * UNITS_SECOND,
     .help = "how long an artifact that no run names is kept after it was stored"},
    {NAMED("keep", keep_us), .type = FF_OPT_SECONDS, .fallback = "30d",
     .help = "how long finished runs are kept; 0s: for ever"},
    {OPT(keep_runs), .type = FF_OPT_INT, .fallback = "10000", .max = INT64_MAX,
     .help = "how many finished runs of each tenant are kept; 0: all"},
    {OPT(keep_bytes), .type = FF_OPT_SIZE, .fallback = "20GiB",
     .help = "disk that logs, large values, kept files and artifacts of the finished "
             "runs of each tenant may use; 0: no limit"},
    {NAMED("retention_every", retention_every_us), .type = FF_OPT_SECONDS,
     .fallback = "1h", .min = 100000, .max = INT64_C(31536000) * UNITS_SECOND,
     .help = "how often a process that leads runs deletes those beyond `keep`, "
             "`keep_runs` and `keep_bytes`, at most"},
    {OPT(leaders), .type = FF_OPT_CHOICE, .choices = leaders, .fallback = "one",
     .help = "of servers that share a store: one leads all runs, or all lead, each the "
             "runs of some tenants"},
    {OPT(log_level), .type = FF_OPT_CHOICE, .choices = log_levels, .fallback = "warn",
     .help = "what is written to stderr"},
    {OPT(log_format), .type = FF_OPT_CHOICE, .choices = log_formats, .fallback = "text",
     .help = "how it is written there: text, or json: each line an object"},
    {0},
};

const struct ff_opt node_auth_options[] = {
    {.name = "encryption_key",
     .offset = offsetof(struct node_auth, encryption_key),
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_SECRET,
     .help = "what encrypts secrets: 32 random bytes in base64, or several such keys, "
             "comma separated, the newest first; default: the file secret.keys of the "
             "data directory"},
    {.name = "executor_token_file",
     .offset = offsetof(struct node_auth, executor_token_file),
     .type = FF_OPT_TEXT,
     .help = "file with the credential of executors: 32 random bytes or more as text, "
             "readable by its owner alone; a second line is taken too"},
    {.name = "token_ttl",
     .offset = offsetof(struct node_auth, token_us),
     .type = FF_OPT_SECONDS,
     .fallback = "24h",
     .min = UNITS_SECOND,
     .max = INT64_C(86400) * UNITS_SECOND,
     .help = "how long a session that the server hands out may live at most"},
    {.name = "task_token_ttl",
     .offset = offsetof(struct node_auth, task_token_us),
     .type = FF_OPT_SECONDS,
     .fallback = "24h",
     .min = INT64_C(60) * UNITS_SECOND,
     .max = INT64_C(31536000) * UNITS_SECOND,
     .help = "how long the token of a task is good after its start or last heartbeat"},
    /* The driver auth-jwt reads this section too. */
    {.name = "*"},
    {0},
};

/* --- drivers --- */

/* A server that is configured is meant to be used. */
static void choose_drivers(struct config *c)
{
    static const struct {
        const char *section, *key, *setting, *driver;
    } follows[] = {
        {"database", "host", "engine.store", "store-postgres"},
        {"database", "url", "engine.store", "store-postgres"},
        {"redis", "addresses", "engine.queue", "queue-redis"},
        {"redis", "host", "engine.queue", "queue-redis"},
    };

    for (size_t i = 0; i < COUNT_OF(follows); i++)
        if (config_is_set(c, follows[i].section, follows[i].key))
            config_default(c, follows[i].setting, follows[i].driver);
}

/* --- the data directory --- */

static char *default_data_dir(struct ff_err *err)
{
    const char *xdg = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");

    if (xdg && xdg[0] == '/')
        return file_join(xdg, "flowforge");
    if (home && home[0] == '/')
        return file_join(home, ".local/share/flowforge");
    ff_fail(err, FF_INVALID, 0,
            "there is no HOME to keep runs in: give --data-dir or engine.data_dir");
    return NULL;
}

void node_defaults(struct config *c)
{
    struct ff_err ignored;
    MEM_AUTO char *data_dir = default_data_dir(&ignored);
    MEM_AUTO char *driver_dir = driver_default_dir();

    if (data_dir)
        config_default(c, "engine.data_dir", data_dir);
    if (driver_dir)
        config_default(c, "engine.driver_dir", driver_dir);
    choose_drivers(c);
}

/* Below this there can be no file, whoever looks for one. */
static int take_no_data_dir(struct node *n)
{
    n->data_dir = file_real("/dev/null");
    n->files_dir = file_real("/dev/null");
    n->settings.data_dir = n->data_dir;
    n->settings.files_dir = n->files_dir;
    return FF_OK;
}

static char *make_dir(const char *dir, const char *what, struct ff_err *err)
{
    const int sys = file_make_dirs(dir, 0700);
    char *real = sys == 0 ? file_real(dir) : NULL;

    if (!real)
        ff_fail(err, FF_UNAVAILABLE, sys ? -sys : errno, "%s %.160s: %s", what, dir,
                strerror(sys ? -sys : errno));
    return real;
}

static int make_data_dir(struct node *n, struct ff_err *err)
{
    const char *given = n->settings.data_dir;
    MEM_AUTO char *dir = given ? mem_text(given) : default_data_dir(err);
    struct stat st;

    if (!dir)
        return err->code;
    n->data_dir = make_dir(dir, "data directory", err);
    if (!n->data_dir)
        return err->code;
    n->settings.data_dir = n->data_dir;
    if (stat(n->data_dir, &st) == 0 && st.st_uid != geteuid())
        return ff_fail(err, FF_DENIED, 0,
                       "data directory %.160s belongs to somebody else", n->data_dir);
    n->files_dir = make_dir(n->settings.files_dir ? n->settings.files_dir : n->data_dir,
                            "engine.files_dir", err);
    n->settings.files_dir = n->files_dir;
    return n->files_dir ? FF_OK : err->code;
}

static void default_path_in(struct node *n, const char *dir, const char *name,
                            const char *file)
{
    MEM_AUTO char *path = file_join(dir, file);

    config_default(n->config, name, path);
}

static void default_path(struct node *n, const char *name, const char *file)
{
    default_path_in(n, n->data_dir, name, file);
}

static void set_defaults(struct node *n)
{
    default_path(n, "runtime-local.dir", "runtime");
    default_path_in(n, n->files_dir, "blob-file.dir", "blobs");
    n->socket = file_join(n->data_dir, "owner.sock");
    if (n->settings.slots == 0) {
        const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        n->settings.slots = cpus > 2 ? 2 * cpus : 4;
    }
}

static bool has_path(const struct ff_driver *d)
{
    const struct ff_opt *opt = d->opts;

    while (opt && opt->name &&
           !(strcmp(opt->name, "path") == 0 && opt->type == FF_OPT_TEXT))
        opt++;
    return opt && opt->name;
}

/* A store that is a file is one of the data directory, named after its driver: two
 * stores never take each other's file for their own. */
static int set_store_path(struct node *n, struct ff_err *err)
{
    const struct driver *d =
        driver_load(n->driver_dir, n->settings.store, FF_STORE, err);
    char section[DRIVER_SECTION_TEXT];
    struct buf option = {0};
    struct buf file = {0};

    if (!d)
        return err->code;
    if (!has_path(&driver_info(d)->d))
        return FF_OK;
    const char *name = driver_info(d)->d.name;
    driver_section(driver_info(d), section);
    buf_printf(&option, "%s.path", section);
    buf_printf(&file, "flowforge.%s", strcmp(name, "sqlite") == 0 ? "db" : name);
    default_path(n, buf_text(&option), buf_text(&file));
    buf_done(&option);
    buf_done(&file);
    return FF_OK;
}

/* --- opening --- */

struct driver_instance *node_open_queue(struct node *n, struct ff_err *err)
{
    return node_instance(n, FF_QUEUE, err);
}

struct driver_instance *node_instance(struct node *n, uint32_t kind, struct ff_err *err)
{
    const struct node_settings *s = &n->settings;
    const struct {
        const char *name, *filters;
    } chosen[] = {
        [FF_STORE] = {s->store, s->store_filters},
        [FF_QUEUE] = {s->queue, s->queue_filters},
        [FF_RUNTIME] = {s->runtime, s->runtime_filters},
        [FF_BLOB] = {s->blob, s->blob_filters},
    };

    if (kind == FF_STORE && n->given_store)
        return driver_instance_new(n->given_store, n->loop, NULL, "store", err);
    if (kind == FF_RUNTIME && n->given_runtime)
        return driver_instance_new(n->given_runtime, n->loop, n->config, "runtime",
                                   err);
    if (kind == FF_RUNTIME && strcmp(n->settings.runtime, NODE_ELSEWHERE) == 0) {
        ff_fail(err, FF_UNSUPPORTED, 0,
                "engine.runtime is remote, so `flowforge server` has to lead: only it "
                "hands tasks to executors");
        return NULL;
    }
    return driver_chain_new(n->driver_dir, chosen[kind].name, chosen[kind].filters,
                            kind, n->loop, n->config, err);
}

/* All but the store itself. */
static int prepare(struct node *n, struct ff_err *err)
{
    const struct config_section section = {.name = "engine", .opts = node_options};
    const struct config_section auth = {.name = "auth", .opts = node_auth_options};
    choose_drivers(n->config);
    int code = config_fill(n->config, &section, &n->settings, err);

    if (code == FF_OK)
        code = config_fill(n->config, &auth, &n->auth, err);
    if (code == FF_OK)
        code = node_read_sizes(n, err);
    if (code == FF_OK)
        code = n->given_store ? take_no_data_dir(n) : make_data_dir(n, err);
    if (code != FF_OK)
        return code;
    set_defaults(n);
    n->driver_dir = n->settings.driver_dir ? mem_text(n->settings.driver_dir)
                                           : driver_default_dir();
    if (!n->given_store && set_store_path(n, err) != FF_OK)
        return err->code;
    n->store_driver = node_instance(n, FF_STORE, err);
    return n->store_driver ? FF_OK : err->code;
}

static int open_all(struct node *n, struct ff_err *err)
{
    if (prepare(n, err) != FF_OK)
        return err->code;
    n->store = store_open(n->loop, n->store_driver, err);
    return n->store ? FF_OK : err->code;
}

struct node *node_open(struct loop *l, struct config *c, struct ff_err *err)
{
    return node_open_over(l, c, NULL, err);
}

static struct node *node_new(struct loop *l, struct config *c)
{
    struct node *n = mem_alloc(sizeof(*n));

    n->loop = l;
    n->config = c;
    n->lock_fd = -1;
    n->clock_fd = -1;
    node_numbers_init(n);
    node_open_runs_init(n);
    node_sources_init(n);
    return n;
}

int node_look(struct loop *l, struct config *c, struct ff_store_info *info,
              struct ff_err *err)
{
    struct node *n = node_new(l, c);
    int code = prepare(n, err);

    if (code == FF_OK)
        code = store_look(n->store_driver, info, err);
    node_close(n);
    return code;
}

struct node *node_open_partly(struct loop *l, struct config *c, struct ff_err *why,
                              struct ff_err *err)
{
    struct node *n = node_new(l, c);
    int code = prepare(n, err);

    *why = (struct ff_err){0};
    if (code == FF_OK) {
        n->store = store_open(l, n->store_driver, why);
        code = n->store ? FF_OK : why->code;
        if (code == FF_INVALID || code == FF_NO_MEMORY)
            *err = *why;
        else
            code = FF_OK;
    }
    if (code == FF_OK)
        return n;
    node_close(n);
    return NULL;
}

struct node *node_open_over(struct loop *l, struct config *c, struct driver *store,
                            struct ff_err *err)
{
    struct node *n = node_new(l, c);

    n->given_store = store;
    if (open_all(n, err) == FF_OK)
        return n;
    node_close(n);
    return NULL;
}

void node_close(struct node *n)
{
    if (!n)
        return;
    node_disown(n);
    node_lease_close(n);
    store_close(n->store);
    driver_instance_free(n->store_driver);
    driver_instance_free(n->blob_driver);
    node_forget_sizes(n);
    zones_done(&n->zones);
    node_numbers_done(n);
    node_open_runs_done(n);
    node_sources_done(n);
    free(n->data_dir);
    free(n->files_dir);
    mem_free(n->driver_dir);
    mem_free(n->socket);
    mem_free(n);
}

void node_use_runtime(struct node *n, struct driver *runtime,
                      bool (*is_mute)(const char *attempt_id))
{
    n->is_mute = is_mute;
    n->given_runtime = runtime;
}

void node_use_executors(struct node *n, struct driver *runtime)
{
    n->given_runtime = runtime;
    n->elsewhere = true;
    n->n_places = n->n_stuck = 0; /* when it led before, others may have been there */
}

void node_use_no_secrets(struct node *n)
{
    n->no_secrets = true;
}

const struct node_settings *node_settings(const struct node *n)
{
    return &n->settings;
}

struct store *node_store(struct node *n)
{
    return n->store;
}

struct secret_place node_secrets(const struct node *n, struct store_reader *reader)
{
    return (struct secret_place){.store = n->store,
                                 .reader = reader,
                                 .data_dir = n->files_dir,
                                 .keys = n->auth.encryption_key};
}

bool node_store_is_shared(const struct node *n)
{
    return driver_instance_info(n->store_driver)->d.caps & FF_STORE_SHARED;
}

char *node_socket_path(const struct node *n)
{
    return mem_text(n->socket);
}

bool node_is_owner(const struct node *n)
{
    return n->owner;
}

struct control *node_control(struct node *n)
{
    return n->control;
}

struct exec *node_exec(struct node *n)
{
    return n->exec;
}
