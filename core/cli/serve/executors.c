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
    struct list notes; /* struct note: commits that are under way */
    struct http_server *http;
    struct task_api *tasks;
};

static char *log_dir(void *arg, const char *attempt_id)
{
    const struct executors *e = arg;

    return exec_log_dir_of(node_settings(e->node)->files_dir, attempt_id);
}

static char *files_dir(void *arg, const char *attempt_id)
{
    const struct executors *e = arg;

    return exec_files_dir_of(node_settings(e->node)->files_dir, attempt_id);
}

static void use_places(void *arg, int64_t n_places, int64_t n_stuck)
{
    node_set_places(((const struct executors *)arg)->node, n_places, n_stuck);
}

static void use_pool(void *arg, const char *labels, int64_t n_places)
{
    node_set_pool(((const struct executors *)arg)->node, labels, n_places);
}

static void on_placed(void *arg, const char *attempt_id, const char *labels)
{
    node_placed(((const struct executors *)arg)->node, attempt_id, labels);
}

/* --- who may hold attempts, for whoever leads next --- */

struct note {
    struct list link;    /* executors->notes */
    struct fleet *fleet; /* NULL: it is there no more */
    char *id;
};

static void on_noted(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct note *note = arg;

    (void)failed;
    if (note->fleet)
        fleet_noted(note->fleet, note->id, code == FF_OK ? NULL : err);
    list_del(&note->link);
    mem_free(note->id);
    mem_free(note);
}

static void note_one(void *arg, const char *id, const char *name)
{
    struct executors *e = arg;
    struct note *note = mem_alloc(sizeof(*note));

    note->fleet = e->fleet;
    note->id = mem_text(id);
    list_add_tail(&e->notes, &note->link);
    node_note_executor(e->node, id, name, on_noted, note);
}

static void forget_one(void *arg, const char *id)
{
    node_forget_executor(((const struct executors *)arg)->node, id);
}

static void all_back(void *arg)
{
    struct ff_err err = {0};

    if (node_sweep_executors(((const struct executors *)arg)->node, &err) != FF_OK)
        log_warn("rows of executors stay for now: %s", err.msg);
}

/* --- whose attempts these are, and who waits --- */

static int64_t tenant_hash(void *arg, const char *attempt_id)
{
    return node_tenant_hash(((const struct executors *)arg)->node, attempt_id);
}

static bool is_ours(void *arg, int64_t hash)
{
    return node_leads_hash(((const struct executors *)arg)->node, hash);
}

static bool leads(void *arg)
{
    return node_leads_somebody(((const struct executors *)arg)->node);
}

static int64_t wanted(void *arg, const char *labels)
{
    return node_wanted(((const struct executors *)arg)->node, labels);
}

static void on_wanted(void *arg)
{
    const struct executors *e = arg;

    if (e->fleet)
        fleet_wanted(e->fleet);
}

static void await_one(void *arg, const char *id, const char *name)
{
    fleet_await(((const struct executors *)arg)->fleet, id, name);
}

static void let_go_of_notes(struct executors *e)
{
    struct list *link;

    while ((link = list_first(&e->notes))) {
        LIST_OF(link, struct note, link)->fleet = NULL;
        list_del(link);
    }
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
    list_init(&e->notes);
    const struct fleet_setup setup = {.loop = l,
                                      .dir = dir,
                                      .token_file = token_file,
                                      .lease_us = settings->executor_lease_us,
                                      .log_dir = log_dir,
                                      .files_dir = files_dir,
                                      .places = use_places,
                                      .pool = use_pool,
                                      .placed = on_placed,
                                      .note = note_one,
                                      .forget = forget_one,
                                      .all_back = all_back,
                                      .tenant_hash = tenant_hash,
                                      .is_ours = is_ours,
                                      .leads = leads,
                                      .wanted = wanted,
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
    node_on_wanted(n, on_wanted, e);
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

    if (node_each_executor(e->node, await_one, e, err) != FF_OK)
        return err->code;
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
    let_go_of_notes(e);
    node_on_wanted(e->node, NULL, NULL);
    fleet_free(e->fleet);
    mem_free(e);
}
