/* server.c - leads runs as `flowforge engine --stay` does, and serves the HTTP API
 * beside it, in one process and on one loop. Where hosts share the store, one of many
 * such servers leads: the others serve all the same, and one of them follows it. There
 * a process may also have one of these roles alone. */
#include "cli/export/export.h"
#include "cli/owner/owner.h"
#include "cli/owner/signals.h"
#include "cli/serve/executors.h"
#include "cli/serve/notify.h"
#include "cli/serve/reload.h"
#include "cli/serve/roles.h"
#include "cli/serve/serve.h"
#include "observe/observe.h"
#include "rest/rest.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define GRACE_US           (30 * UNITS_SECOND)
#define IDLE_US            (75 * UNITS_SECOND)
#define HEAD_US            (10 * UNITS_SECOND)
#define RATE_MIN           256 /* bytes a second */
#define PER_CONNECTION_MAX 100000
#define TRY_AGAIN_US       UNITS_SECOND /* when the shard could not be had after all */
#define LOOK_US            (3 * UNITS_SECOND) /* for a leader, where none is there */

struct server {
    struct cli *c;
    const char *program;   /* as it was called */
    struct config *config; /* what the settings stand in: read before all else, so that
                            * mistakes in them are told beside those of the others */
    struct cli_session session;
    struct signals *signals;
    struct rest_settings settings;
    unsigned roles; /* enum role_set */
    struct rest_listen place, metrics_place, executors_place;
    const char *executor_token_file;
    struct executors *executors; /* NULL: attempts run on this host */
    struct owner owner;
    struct driver_instance *auth;
    struct http_server *http;
    struct rest *rest;
    struct observe *observe; /* NULL: nobody is shown metrics */
    struct export_settings traces;
    struct exporter *exporter; /* NULL: nobody is told what became of runs */
    struct reload_log log;
    bool in_loop;
    bool serves;               /* all that it begins with is there */
    struct rlimit descriptors; /* as they were at first */
    bool may_lead;             /* the shard could be had */
    bool lost;                 /* it led, and has to stop */
    bool leaving;              /* requests come to their end */
    bool left;                 /* they have */
    bool done;                 /* nothing is waited for any more */
    int signo;
    struct ff_err fatal;
};

static bool is_api(const struct server *s)
{
    return s->roles & ROLE_API;
}

static bool is_controller(const struct server *s)
{
    return s->roles & ROLE_CONTROLLER;
}

static void run_loop(struct server *s)
{
    s->in_loop = true;
    loop_run(s->session.loop);
    s->in_loop = false;
}

static void end_wait(void *arg)
{
    struct server *s = arg;

    if (s->in_loop)
        loop_stop(s->session.loop, 0);
    s->in_loop = false;
}

/* It is told in the log; the process goes on without the runs. */
static void on_fatal(void *arg, const struct ff_err *err)
{
    struct server *s = arg;

    if (err->code == FF_DENIED && node_is_leased(s->session.node)) {
        if (node_is_reshaping(s->session.node))
            log_info("%s", err->msg);
        else
            log_warn("%s: this server follows", err->msg);
        s->lost = true;
    } else {
        s->fatal = *err;
    }
    end_wait(s);
}

static void end_well(void *arg)
{
    struct server *s = arg;

    s->left = s->done = true;
    end_wait(s);
}

static void on_changed(void *arg, const struct run_row *run)
{
    const struct server *s = arg;

    observe_changed(s->observe, run);
    exporter_ended(s->exporter, run);
}

/* --- signals --- */

static void read_again(struct server *s)
{
    const struct reload what = {.c = s->c,
                                .config = s->session.config,
                                .log = &s->log,
                                .has_certificate = s->settings.tls_cert,
                                .http = s->http,
                                .rest = s->rest,
                                .executors = s->executors};

    reload(&what);
}

/* The first one lets requests come to their end, another one does not. SIGHUP never
 * ends it: one that comes before it serves is about nothing, as all has just been read.
 */
static void on_signal(void *arg, int signo)
{
    struct server *s = arg;

    if (signo == SIGWINCH)
        return;
    if (signo == SIGHUP) {
        if (s->serves)
            read_again(s);
        return;
    }
    s->signo = signo;
    if (s->leaving || (is_api(s) && !s->http)) {
        exporter_hurry(s->exporter);
        s->done = true;
        end_wait(s);
        return;
    }
    s->leaving = true;
    s->serves = false;
    notify_manager("STOPPING=1");
    node_follow_no_more(s->session.node);
    if (!s->http) {
        end_well(s);
        return;
    }
    rest_drain(s->rest);
    http_server_stop(s->http, GRACE_US, end_well, s);
}

/* --- what is asked for --- */

static void take_flag(const struct cli *c, const char *name, const char **setting)
{
    const char *given = cli_get(&c->args, name);

    if (given)
        *setting = given;
}

static int read_roles(struct server *s, struct ff_err *err)
{
    const char *flag = cli_get(&s->c->args, "roles");
    const char *named = roles_of_program(s->program);

    if (flag && named)
        return ff_fail(err, FF_INVALID, 0,
                       "this program has one role, %s: `flowforge server --roles` has "
                       "any",
                       named);
    return roles_read(flag ? flag : named ? named : s->settings.roles, &s->roles, err);
}

/* A file of settings may be that of several services: what this process does not listen
 * on is not looked at. */
static int read_places(struct server *s, struct ff_err *err)
{
    const bool dev = cli_has(&s->c->args, "dev");

    if (rest_check_pairs(&s->settings, err) != FF_OK)
        return err->code;
    if (is_api(s) && rest_listen_parse(&s->settings, dev, &s->place, err) != FF_OK)
        return err->code;
    if (is_controller(s) &&
        rest_executors_parse(&s->settings, dev, &s->executors_place, err) != FF_OK)
        return err->code;
    if (!rest_has_metrics(&s->settings))
        return FF_OK;
    return rest_metrics_parse(&s->settings, dev, &s->metrics_place, err);
}

static int read_settings(struct server *s)
{
    const struct config_section section = {"server", rest_options};
    const struct config_section auth = {"auth", node_auth_options};
    const struct config_section traces = {"traces", export_options};
    struct node_auth tokens = {0};
    struct ff_err err = {0};

    rest_defaults(s->config);
    export_defaults(s->config);
    if (config_fill(s->config, &section, &s->settings, &err) != FF_OK ||
        config_fill(s->config, &auth, &tokens, &err) != FF_OK ||
        config_fill(s->config, &traces, &s->traces, &err) != FF_OK)
        return cli_fail_config(s->config, &err);
    if (export_check(&s->traces, &err) != FF_OK)
        return cli_fail(CLI_CONFIG, "%s", err.msg);
    s->settings.session_max = tokens.token_us;
    s->executor_token_file = tokens.executor_token_file;
    take_flag(s->c, "listen", &s->settings.listen);
    take_flag(s->c, "tls-cert", &s->settings.tls_cert);
    take_flag(s->c, "tls-key", &s->settings.tls_key);
    take_flag(s->c, "metrics-listen", &s->settings.metrics_listen);
    if (read_roles(s, &err) != FF_OK || read_places(s, &err) != FF_OK)
        return cli_fail(CLI_CONFIG, "%s", err.msg);
    if (!is_api(s) && !rest_has_metrics(&s->settings))
        log_warn(
            "server.metrics_listen is not set: nobody can ask this process whether "
            "it is well");
    if (is_api(s) && s->settings.grpc_port)
        log_warn("server.grpc_port: there is no gRPC in this version");
    return CLI_OK;
}

static int open_auth(struct server *s, struct ff_err *err)
{
    const struct node_settings *n = node_settings(s->session.node);

    if (!s->settings.auth || !is_api(s))
        return FF_OK;
    MEM_AUTO char *dir = n->driver_dir ? mem_text(n->driver_dir) : driver_default_dir();
    s->auth = driver_chain_new(dir, s->settings.auth, NULL, FF_AUTH, s->session.loop,
                               s->session.config, err);
    return s->auth ? FF_OK : err->code;
}

/* --- serving --- */

static const struct fleet *fleet_of(const struct server *s)
{
    return s->executors ? executors_fleet(s->executors) : NULL;
}

static int listen_on(struct server *s, struct ff_err *err)
{
    const struct node_settings *n = node_settings(s->session.node);
    MEM_AUTO char *path = file_join(n->data_dir, "api.sock");
    const struct http_options opts = {
        .unix_path = path,
        .address = s->place.address,
        .port = s->place.port,
        .certificate = s->settings.tls_cert,
        .key = s->settings.tls_key,
        .any_address = !s->place.loopback,
        .h2c = !s->settings.tls_cert,
        .n_connections_max = (size_t)s->settings.connections,
        .n_per_address_max = (size_t)s->settings.connections_per_address,
        .n_requests_max = PER_CONNECTION_MAX,
        .idle_timeout_us = IDLE_US,
        .rate_min = RATE_MIN,
        .head_timeout_us = s->settings.read_timeout_us < HEAD_US
                               ? s->settings.read_timeout_us
                               : HEAD_US,
        .body_timeout_us = s->settings.read_timeout_us,
    };
    char user[256];

    cli_user_name(user, sizeof(user));
    s->http = http_server_new(s->session.loop, &opts);
    s->rest = rest_new(&(struct rest_setup){.loop = s->session.loop,
                                            .server = s->http,
                                            .node = s->session.node,
                                            .version = FLOWFORGE_VERSION,
                                            .settings = s->settings,
                                            .user = user,
                                            .auth = s->auth,
                                            .fleet = fleet_of(s)},
                       err);
    return s->rest ? http_server_listen(s->http, err) : err->code;
}

/* Each connection is a descriptor, and the usual limit is 1024. Not while the runtime
 * is opened, which sees then what limit tasks begin with. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("the limit of descriptors stays as it is: %s", strerror(errno));
}

/* Where the settings say so, attempts go to executors. */
static int open_executors(struct server *s, struct ff_err *err)
{
    struct node *n = s->session.node;

    if (strcmp(node_settings(n)->runtime, NODE_ELSEWHERE) != 0)
        return FF_OK;
    s->executors = executors_new(s->session.loop, n, &s->settings,
                                 s->executor_token_file, &s->executors_place, err);
    return s->executors ? FF_OK : err->code;
}

static void lower_descriptors(const struct server *s)
{
    if (s->descriptors.rlim_max > 0)
        setrlimit(RLIMIT_NOFILE, &s->descriptors);
}

/* Who leads runs tells of them. */
static int open_exporter(struct server *s, struct ff_err *err)
{
    if (!s->traces.endpoint || !is_controller(s))
        return FF_OK;
    node_trace(s->session.node);
    s->exporter = exporter_new(s->session.loop, s->session.node, &s->traces,
                               FLOWFORGE_VERSION, err);
    return s->exporter ? FF_OK : err->code;
}

static struct observe_spans spans_of(void *arg)
{
    const struct exporter_counts n =
        exporter_counts(((const struct server *)arg)->exporter);

    return (struct observe_spans){.n_sent = n.n_sent,
                                  .n_rejected = n.n_rejected,
                                  .n_passed_over = n.n_passed_over,
                                  .n_waiting = n.n_waiting};
}

static struct observe_lead lead_of(const struct server *s)
{
    return (struct observe_lead){.tasks = s->owner.server, .fleet = fleet_of(s)};
}

static int measure(struct server *s, struct ff_err *err)
{
    if (!rest_has_metrics(&s->settings))
        return FF_OK;
    s->observe = observe_new(&(struct observe_setup){.loop = s->session.loop,
                                                     .node = s->session.node,
                                                     .api = s->http,
                                                     .rest = s->rest,
                                                     .version = FLOWFORGE_VERSION,
                                                     .lead = lead_of(s),
                                                     .spans = spans_of,
                                                     .spans_arg = s,
                                                     .place = s->metrics_place},
                             err);
    return s->observe ? FF_OK : err->code;
}

static void add_place(struct buf *text, const char *scheme, const char *address,
                      uint16_t port)
{
    const bool v6 = strchr(address, ':') != NULL;

    buf_printf(text, "%s://%s%s%s:%u", scheme, v6 ? "[" : "", address, v6 ? "]" : "",
               port);
}

struct told_place {
    const char *key, *words; /* in JSON; for people */
    const struct rest_listen *place;
    uint16_t port;    /* 0: nothing listens there */
    const char *path; /* or NULL: users, or executors, come there */
};

/* Who collects what the process writes may do so from both of its outputs. */
static void tell_line(struct buf *text, const char *line)
{
    if (log_is_json())
        log_add(text, LOG_INFO, NULL, line);
    else
        buf_printf(text, "%s\n", line);
}

/* Nothing in an address has to be escaped for JSON. */
static void tell_place(const struct server *s, struct buf *text,
                       const struct told_place *told)
{
    const bool tls = !told->path && s->settings.tls_cert;
    struct buf url = {0}, line = {0};

    add_place(&url, tls ? "https" : "http", told->place->address, told->port);
    buf_add_text(&url, told->path ? told->path : "");
    if (s->c->json) {
        buf_printf(text, "%s\"%s\": \"%s\"", text->len > 1 ? ", " : "", told->key,
                   buf_text(&url));
    } else {
        buf_printf(&line, "%s on %s", told->words, buf_text(&url));
        tell_line(text, buf_text(&line));
    }
    buf_done(&url);
    buf_done(&line);
}

static int tell_places(const struct server *s)
{
    const struct told_place places[] = {
        {"url", "listening", &s->place, s->http ? http_server_port(s->http) : 0, NULL},
        {"metrics", "metrics", &s->metrics_place,
         s->observe ? observe_port(s->observe) : 0, "/metrics"},
        {"executors", "executors", &s->executors_place,
         s->executors ? executors_port(s->executors) : 0, NULL},
    };
    struct buf text = {0};

    buf_add_text(&text, s->c->json ? "{" : "");
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (places[i].port)
            tell_place(s, &text, &places[i]);
    if (text.len == 0)
        tell_line(&text, "listening nowhere");
    buf_add_text(&text, s->c->json ? "}\n" : "");
    return cli_print(&text);
}

static void stop(struct server *s)
{
    struct observe *observe = s->observe;

    s->serves = false;
    s->observe = NULL;
    observe_stop(observe);
    if (s->http)
        http_server_free(s->http);
    rest_free(s->rest);
    executors_close(s->executors);
    observe_free(observe);
    s->http = NULL;
    s->rest = NULL;
    owner_stop(&s->owner, s->signo ? 128 + s->signo : CLI_IO);
    exporter_free(s->exporter);
    executors_free(s->executors);
    driver_instance_free(s->auth);
}

/* --- leading and following --- */

static void lead_no_more(struct server *s)
{
    rest_use_fleet(s->rest, NULL);
    observe_leads(s->observe, &(struct observe_lead){0});
    executors_close(s->executors);
    owner_step_down(&s->owner);
    executors_free(s->executors);
    s->executors = NULL;
}

static int lead(struct server *s, struct ff_err *err)
{
    const struct owner_events events = {
        .arg = s, .changed = on_changed, .fatal = on_fatal, .stays = true};
    int code = open_executors(s, err);

    if (code != FF_OK)
        return code;
    lower_descriptors(s);
    code = owner_start(&s->owner, &s->session, &events, err);
    raise_descriptors();
    if (code == FF_OK && s->executors)
        code = executors_listen(s->executors, err);
    if (code != FF_OK)
        return code;
    rest_use_fleet(s->rest, fleet_of(s));
    const struct observe_lead now = lead_of(s);
    observe_leads(s->observe, &now);
    return FF_OK;
}

static void may_lead(void *arg)
{
    struct server *s = arg;

    s->may_lead = true;
    end_wait(s);
}

/* Who does not lead in any case looks at who does, for those who ask. */
static void nobody_leads(void *arg)
{
    struct server *s = arg;
    struct ff_err err;

    if (node_follow(s->session.node, LOOK_US, nobody_leads, s, &err) != FF_OK)
        log_warn("who leads: %s", err.msg);
}

static int follow(struct server *s, int64_t pause_us, struct ff_err *err)
{
    return node_follow(s->session.node, pause_us,
                       is_controller(s) ? may_lead : nobody_leads, s, err);
}

/* Another one may have been faster, or the store may have gone away again, or full. */
static int try_to_lead(struct server *s, struct ff_err *err)
{
    s->may_lead = false;

    const int code = lead(s, err);

    if (code == FF_OK) {
        log_info("this server leads the runs now");
        return FF_OK;
    }
    lead_no_more(s);
    if (code != FF_BUSY && code != FF_UNAVAILABLE && code != FF_FULL &&
        code != FF_CONFLICT && code != FF_IN_DOUBT)
        return code;
    log_debug("another one may lead the runs: %s", err->msg);
    return follow(s, TRY_AGAIN_US, err);
}

static int step_down(struct server *s, struct ff_err *err)
{
    s->lost = false;
    lead_no_more(s);
    if (s->leaving)
        return FF_OK;
    return follow(s, 0, err);
}

/* Until it is told to end, or must. */
static int stay(struct server *s, struct ff_err *err)
{
    int code = FF_OK;

    while (code == FF_OK && s->fatal.code == FF_OK && !s->done) {
        if (s->lost)
            code = step_down(s, err);
        else if (s->may_lead && !s->leaving)
            code = try_to_lead(s, err);
        else
            run_loop(s);
    }
    return code;
}

/* --- from the first to the last --- */

static int fail_taken(const struct rest_listen *place, const struct ff_err *err)
{
    return cli_fail(CLI_UNAVAILABLE, "%s:%u: %s", place->address, place->port,
                    err->msg);
}

static int fail_start(struct server *s, int code, const struct rest_listen *place,
                      const struct ff_err *err)
{
    return code == FF_CONFLICT ? fail_taken(place, err)
                               : cli_fail_config(s->session.config, err);
}

static int open_doors(struct server *s)
{
    struct ff_err err = {0};
    int code = is_api(s) ? listen_on(s, &err) : FF_OK;

    if (code != FF_OK)
        return fail_start(s, code, &s->place, &err);
    code = measure(s, &err);
    if (code != FF_OK)
        return fail_start(s, code, &s->metrics_place, &err);
    return CLI_OK;
}

/* Where nobody else could: a server that does not lead is of no use to anybody. */
static int serve_alone(struct server *s)
{
    struct ff_err err = {0};

    if (!is_controller(s))
        return cli_fail(CLI_CONFIG,
                        "server.roles: in %s one process leads runs and serves the "
                        "API; let it have both roles, or set engine.store to one that "
                        "servers share, such as store-postgres",
                        node_settings(s->session.node)->store);

    const int code = lead(s, &err);

    if (code == FF_BUSY)
        return cli_fail(CLI_UNAVAILABLE,
                        "another process leads the runs of this data directory: %s",
                        err.msg);
    if (code == FF_CONFLICT && s->executors)
        return fail_taken(&s->executors_place, &err);
    if (code != FF_OK)
        return cli_fail_config(s->session.config, &err);
    return open_doors(s);
}

static void tell_address(struct server *s)
{
    struct buf url = {0};

    add_place(&url, s->settings.tls_cert ? "https" : "http", s->place.address,
              http_server_port(s->http));
    node_set_address(s->session.node, buf_text(&url));
    buf_done(&url);
}

/* It serves before it leads, and whether it does or not. */
static int serve_beside_others(struct server *s)
{
    struct ff_err err = {0};
    int code;

    raise_descriptors();
    if (is_controller(s))
        node_join(s->session.node);
    code = open_doors(s);
    if (code != CLI_OK)
        return code;
    if (is_api(s))
        tell_address(s);
    return follow(s, 0, &err) == FF_OK ? CLI_OK
                                       : cli_fail_config(s->session.config, &err);
}

static int serve(struct server *s)
{
    struct ff_err err = {0};

    getrlimit(RLIMIT_NOFILE, &s->descriptors);
    if (open_auth(s, &err) != FF_OK || open_exporter(s, &err) != FF_OK)
        return cli_fail_config(s->session.config, &err);

    const int code =
        node_is_leased(s->session.node) ? serve_beside_others(s) : serve_alone(s);

    if (code != CLI_OK)
        return code;
    if (tell_places(s) != CLI_OK)
        return CLI_IO;
    notify_manager("READY=1");
    s->serves = true;
    s->log = (struct reload_log){node_settings(s->session.node)->log_level,
                                 node_settings(s->session.node)->log_format};
    if (stay(s, &err) != FF_OK)
        return cli_fail_config(s->session.config, &err);
    if (s->fatal.code != FF_OK)
        return cli_fail(CLI_IO, "%s", s->fatal.msg);
    return CLI_OK;
}

static int serve_all(struct cli *c, const char *program)
{
    struct server s = {.c = c, .program = program};
    struct ff_err err = {0};
    int code = cli_load_config(c, &s.config);

    if (code == CLI_OK)
        code = read_settings(&s);
    if (code == CLI_OK)
        code = cli_open(c, &s.session);
    if (code == CLI_OK) {
        s.signals = signals_open(s.session.loop, on_signal, &s, &err);
        code = s.signals ? CLI_OK : cli_fail_err(&err);
    }
    if (code == CLI_OK)
        code = serve(&s);
    stop(&s);
    signals_close(s.signals);
    cli_close(&s.session);
    config_free(s.config);
    return code == CLI_OK && !s.left ? 128 + s.signo : code;
}

/* Who is called by the name of a role is started by itself, and explains itself. */
static int tell_about(const struct cli *c, const char *role)
{
    struct buf text = {0};

    if (cli_has(&c->args, "help"))
        roles_add_help(role, &text);
    else
        buf_printf(&text, "flowforge %s, role %s\n", FLOWFORGE_VERSION, role);
    return cli_print(&text);
}

int serve_main(char *const *argv, char *const *env)
{
    const char *role = roles_of_program(argv[0]);
    struct cli c = {.env = env};
    struct ff_err err = {0};
    size_t used;

    privacy_begin();
    cli_begin();
    int code = cli_args_read(&c.args, serve_options, argv + 1, false, &used, &err);
    cli_serves(&c);
    if (code != FF_OK) {
        code = cli_fail_err(&err);
    } else if (role && (cli_has(&c.args, "help") || cli_has(&c.args, "version"))) {
        code = tell_about(&c, role);
    } else if (role && c.args.words.n > 0) {
        code = cli_fail(CLI_USAGE, "it takes no words: --help lists its options");
    } else if (c.args.words.n > 0 || cli_has(&c.args, "help") ||
               cli_has(&c.args, "version")) {
        code = cli_fail(CLI_USAGE, "this is what `flowforge server` becomes: "
                                   "`flowforge help server` explains it");
    } else {
        cli_read_globals(&c);
        code = serve_all(&c, argv[0]);
    }
    cli_args_done(&c.args);
    return code;
}
