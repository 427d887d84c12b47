/* executors.c - see executors.h. */
#include "cli/serve/executors.h"

#include "api/api.h"

#define HEARTBEAT_US    (20 * UNITS_SECOND)
#define CONNECTIONS_MAX 16384
#define IDLE_US         (120 * UNITS_SECOND)

struct executors {
    struct loop *loop;
    struct node *node;
    const struct rest_settings *settings;
    struct rest_listen place;
    struct fleet *fleet;
    struct http_server *http;
    struct task_api *tasks;
};

static char *log_dir(void *arg, const char *attempt_id)
{
    const struct executors *e = arg;

    return exec_log_dir_of(node_settings(e->node)->files_dir, attempt_id);
}

static void use_places(void *arg, int64_t n_places)
{
    node_set_places(((const struct executors *)arg)->node, n_places);
}

struct executors *executors_new(struct loop *l, struct node *n,
                                const struct rest_settings *settings,
                                const char *token_file, const struct rest_listen *place,
                                struct ff_err *err)
{
    MEM_AUTO char *dir = file_join(node_settings(n)->data_dir, "executors");
    struct executors *e = mem_alloc(sizeof(*e));
    struct driver *driver = NULL;

    *e =
        (struct executors){.loop = l, .node = n, .settings = settings, .place = *place};
    const struct fleet_setup setup = {.loop = l,
                                      .dir = dir,
                                      .token_file = token_file,
                                      .lease_us = settings->executor_lease_us,
                                      .log_dir = log_dir,
                                      .places = use_places,
                                      .arg = e};
    if (token_file)
        e->fleet = fleet_new(&setup, err);
    else
        ff_fail(err, FF_INVALID, 0,
                "engine.runtime is remote, so auth.executor_token_file has to name the "
                "file with the credential of executors");
    if (e->fleet)
        driver = fleet_driver(e->fleet, err);
    if (!driver) {
        executors_free(e);
        return NULL;
    }
    node_use_executors(n, driver);
    return e;
}

int executors_listen(struct executors *e, struct ff_err *err)
{
    const struct http_options opts = {
        .address = e->place.address,
        .port = e->place.port,
        .certificate = e->settings->tls_cert,
        .key = e->settings->tls_key,
        .any_address = !e->place.loopback,
        .n_connections_max = CONNECTIONS_MAX,
        .idle_timeout_us = IDLE_US,
    };

    e->http = http_server_new(e->loop, &opts);
    fleet_mount(e->fleet, e->http);
    e->tasks = task_api_new(e->loop, e->http, &task_exec_ops, node_exec(e->node),
                            HEARTBEAT_US);
    return http_server_listen(e->http, err);
}

uint16_t executors_port(const struct executors *e)
{
    return http_server_port(e->http);
}

struct fleet *executors_fleet(const struct executors *e)
{
    return e ? e->fleet : NULL;
}

int executors_reload_certificate(const struct executors *e, struct ff_err *err)
{
    return e->http ? http_server_reload(e->http, err) : FF_OK;
}

void executors_close(struct executors *e)
{
    if (!e)
        return;
    if (e->http)
        http_server_free(e->http);
    task_api_free(e->tasks);
    fleet_close(e->fleet);
    e->http = NULL;
    e->tasks = NULL;
}

void executors_free(struct executors *e)
{
    if (!e)
        return;
    executors_close(e);
    fleet_free(e->fleet);
    mem_free(e);
}
