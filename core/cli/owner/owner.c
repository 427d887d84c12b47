/* owner.c - see owner.h. */
#include "cli/owner/owner.h"

#include "api/api.h"
#include "cli/frame/watchdog.h"
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEARTBEAT_US    (20 * UNITS_SECOND)
#define STUCK_US        (5 * UNITS_SECOND)
#define STUCK_SECONDS   8 /* when the loop itself stands still */
#define LISTEN_TRIES    100
#define LISTEN_PAUSE_NS 20000000L

/* --- what control and executor say --- */

static void on_changed(void *arg, const struct run_row *run)
{
    const struct owner *o = arg;

    if (o->api)
        owner_api_changed(o->api, run);
    if (o->events.changed)
        o->events.changed(o->events.arg, run);
}

static void on_progress(void *arg, const struct attempt_key *key)
{
    const struct owner *o = arg;
    struct control *control = node_control(o->session->node);
    const struct exec *exec = node_exec(o->session->node);
    struct exec_progress said;
    char path[96];

    if (o->api)
        owner_api_progress(o->api, key);
    if (o->events.progress && control && exec && exec_progress_of(exec, key, &said) &&
        control_node_path(control, key, path, sizeof(path)) == FF_OK)
        o->events.progress(o->events.arg, key->run, path, &said);
}

static void on_idle(void *arg)
{
    const struct owner *o = arg;

    if (o->events.idle)
        o->events.idle(o->events.arg);
}

static void on_fatal(void *arg, const struct ff_err *err)
{
    const struct owner *o = arg;

    if (o->events.fatal)
        o->events.fatal(o->events.arg, err);
}

/* --- the socket --- */

/* The owner before this one lets go of its lock and of its socket one after the other.
 */
static int listen_on(struct http_server *server, struct ff_err *err)
{
    const struct timespec pause = {.tv_nsec = LISTEN_PAUSE_NS};
    int code = http_server_listen(server, err);

    for (int i = 0; code == FF_CONFLICT && i < LISTEN_TRIES; i++) {
        nanosleep(&pause, NULL);
        code = http_server_listen(server, err);
    }
    return code;
}

static int serve(struct owner *o, struct ff_err *err)
{
    struct cli_session *s = o->session;
    MEM_AUTO char *path = node_socket_path(s->node);
    const struct http_options opts = {.unix_path = path};
    const struct owner_api_setup setup = {
        .loop = s->loop, .node = s->node, .version = FLOWFORGE_VERSION};
    struct owner_api_setup with_server = setup;

    o->server = http_server_new(s->loop, &opts);
    with_server.server = o->server;
    o->api = owner_api_new(&with_server);
    o->tasks = task_api_new(s->loop, o->server, &task_exec_ops, node_exec(s->node),
                            HEARTBEAT_US);
    return listen_on(o->server, err);
}

int owner_start(struct owner *o, struct cli_session *s,
                const struct owner_events *events, struct ff_err *err)
{
    const struct control_listener listener = {
        .arg = o, .changed = on_changed, .idle = on_idle, .fatal = on_fatal};

    /* Tasks that begin here are of our user, and we may have been given passwords. */
    privacy_begin();
    *o = (struct owner){.session = s, .events = *events};
    int code = node_own(s->node, &listener, NULL, err);
    if (code != FF_OK)
        return code;
    o->led = true;
    exec_on_progress(node_exec(s->node), on_progress, o);
    node_keep(s->node, o->events.stays);
    return serve(o, err);
}

static void on_stuck(void *arg)
{
    const struct owner *o = arg;

    log_error("the store takes nothing: leaving without it; what was acknowledged is "
              "safe");
    fflush(stdout);
    _exit(o->stuck_code);
}

/* The server goes first: its routes must not ask a node that has given the runs up.
 * Then whoever followed tries to become the owner, and waits until the node lets go. */
void owner_step_down(struct owner *o)
{
    if (!o->session)
        return;
    if (o->api)
        o->n_followed = owner_api_followed(o->api);
    if (o->server)
        http_server_free(o->server);
    task_api_free(o->tasks);
    o->server = NULL;
    o->tasks = NULL;
    node_disown(o->session->node);
    owner_api_free(o->api);
    o->api = NULL;
}

void owner_stop(struct owner *o, int exit_code)
{
    struct loop_timer *stuck = NULL;

    if (!o->session)
        return;
    o->stuck_code = exit_code;
    loop_timer_add(o->session->loop, STUCK_US, on_stuck, o, &stuck);
    watchdog_set(WATCHDOG_LEAVE, STUCK_SECONDS, exit_code);
    owner_step_down(o);
    loop_timer_del(stuck);
    watchdog_clear(WATCHDOG_LEAVE);
}

/* --- leaving --- */

static int count_row(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return 0;
}

int64_t owner_count_open(struct cli_session *s)
{
    const struct open_run_row like = {0};
    const struct store_query query = {.record = &record_open_run, .like = &like};
    struct ff_err err = {0};
    int64_t n = 0;

    if (store_scan(node_store(s->node), STORE_READER_CALLER, &query, count_row, &n,
                   &err) != FF_OK) {
        log_warn("open runs: %s", err.msg);
        return -1;
    }
    return n;
}

void owner_leave(struct cli *c, struct owner *o)
{
    struct ff_err err = {0};
    int64_t n_gone = 0;

    if (!o->led)
        return;
    const int64_t n_open = owner_count_open(o->session);
    if (n_open <= (int64_t)o->n_followed && node_has_schedules(o->session->node))
        engine_spawn(c, o->session);
    if (n_open > (int64_t)o->n_followed && engine_spawn(c, o->session) != ENGINE_FAILED)
        cli_note(c, "%lld other run%s in the background: flowforge list",
                 (long long)n_open, n_open == 1 ? " goes on" : "s go on");
    if (node_retention(o->session->node, &n_gone, &err) != FF_OK)
        log_warn("old runs stay: %s", err.msg);
}
