/* store-postgres/driver.c - the store in PostgreSQL: one transaction for each commit,
 * tables that a person can read with psql, on the server of whoever runs it.
 *
 * Here: settings, opening and closing a session, the driver's description. The
 * functions of the contract have files of their own, named after them. */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define CLOSE_US  INT64_C(2000000)
#define MAX_NAME  50 /* of 63 that the server takes: names of constraints are longer */
#define SECOND_US INT64_C(1000000)

const char *const pg_ssl_words[] = {"auto",    "disable",   "allow",       "prefer",
                                    "require", "verify-ca", "verify-full", NULL};

#define TEXT(NAME, FIELD, HELP, FALLBACK, FLAGS)                                       \
    {                                                                                  \
        .name = (NAME), .help = (HELP), .fallback = (FALLBACK), .type = FF_OPT_TEXT,   \
        .flags = (FLAGS), .offset = offsetof(struct pg_config, FIELD)                  \
    }
#define SECONDS(NAME, FIELD, HELP, FALLBACK, MIN, MAX)                                 \
    {                                                                                  \
        .name = (NAME), .help = (HELP), .fallback = (FALLBACK),                        \
        .type = FF_OPT_SECONDS, .offset = offsetof(struct pg_config, FIELD),           \
        .min = (MIN), .max = (MAX)                                                     \
    }

static const struct ff_opt options[] = {
    TEXT("url", url,
         "postgresql://USER:PASSWORD@HOST:PORT/DATABASE; what it says wins over the "
         "settings below",
         NULL, FF_OPT_SECRET),
    TEXT("host", host,
         "the server: a name, an address or the directory of its socket; several with "
         "commas, HOST or HOST:PORT",
         "localhost", 0),
    {.name = "port",
     .help = "its port, where the host has none of its own",
     .fallback = "5432",
     .type = FF_OPT_INT,
     .offset = offsetof(struct pg_config, port),
     .min = 1,
     .max = 65535},
    TEXT("database", database, "the database, which is there already", "flowforge", 0),
    TEXT("user", user, "who we are there", "flowforge", 0),
    TEXT("password", password, "the password of the user", NULL, FF_OPT_SECRET),
    {.name = "ssl_mode",
     .help = "how the connection is protected; auto: verify-full, but prefer on this "
             "machine",
     .fallback = "auto",
     .type = FF_OPT_CHOICE,
     .offset = offsetof(struct pg_config, ssl_mode),
     .choices = pg_ssl_words},
    TEXT("ssl_root_cert", ssl_root_cert,
         "certificates that are trusted; else those in ~/.postgresql/root.crt", NULL,
         0),
    TEXT("ssl_cert", ssl_cert, "a certificate of our own, if the server wants one",
         NULL, 0),
    TEXT("ssl_key", ssl_key, "its key", NULL, 0),
    {.name = "insecure",
     .help = "allows an ssl_mode that lets others read along, off this machine too",
     .fallback = "false",
     .type = FF_OPT_BOOL,
     .offset = offsetof(struct pg_config, insecure)},
    TEXT("schema", schema, "the schema of the tables; made if it is not there",
         "flowforge", 0),
    SECONDS("connect_timeout", connect_timeout_us,
            "how long one try to connect to one host may take", "10s", 2 * SECOND_US,
            300 * SECOND_US),
    SECONDS("statement_timeout", statement_timeout_us,
            "how long one statement may take", "30s", SECOND_US, 3600 * SECOND_US),
    SECONDS("reconnect_timeout", reconnect_timeout_us,
            "how long a read waits for the server to come back", "10s", 0,
            600 * SECOND_US),
    {.name = "unsafe_durability",
     .help = "accepts a server with fsync or synchronous_commit off: for tests",
     .fallback = "false",
     .type = FF_OPT_BOOL,
     .offset = offsetof(struct pg_config, unsafe_durability)},
    {0},
};

/* --- opening --- */

static const char **text_of(struct pg_config *config, const struct ff_opt *option)
{
    return (const char **)(void *)((char *)config + option->offset);
}

/* Whoever opened us may forget what it was opened with. */
static int copy_config(struct pg_session *s, const struct pg_config *config,
                       struct ff_err *err)
{
    bool copied = true;

    s->own = *config;
    for (const struct ff_opt *o = options; o->name; o++) {
        if (o->type != FF_OPT_TEXT || !*text_of(&s->own, o))
            continue;
        *text_of(&s->own, o) = strdup(*text_of(&s->own, o));
        copied &= *text_of(&s->own, o) != NULL;
    }
    s->config = &s->own;
    return copied ? FF_OK : ff_fail(err, FF_NO_MEMORY, 0, "out of memory for settings");
}

static void free_config(struct pg_session *s)
{
    for (const struct ff_opt *o = options; o->name; o++)
        if (o->type == FF_OPT_TEXT)
            free((void *)(uintptr_t)*text_of(&s->own, o));
}

static int check_config(const struct pg_config *c, struct ff_err *err)
{
    if (!c->host[0] || !c->database[0] || !c->user[0])
        return ff_fail(err, FF_INVALID, 0,
                       "database: host, database and user may not be empty");
    if (!c->schema[0] || strlen(c->schema) > MAX_NAME ||
        strncmp(c->schema, "pg_", 3) == 0)
        return ff_fail(err, FF_INVALID, 0,
                       "database: schema is 1 to %d bytes and does not begin with pg_",
                       MAX_NAME);
    return FF_OK;
}

void pg_make_token(struct pg_session *s)
{
    const struct ff_host *host = s->host;

    snprintf(s->token, sizeof(s->token), "%016llx%016llx",
             (unsigned long long)host->random(host->self),
             (unsigned long long)host->random(host->self));
}

static void close_session(void *store)
{
    struct pg_session *s = store;

    if (!s)
        return;
    pg_watcher_free(s->watcher);
    if (s->conn) {
        s->answer_us = CLOSE_US;
        pg_forget_mark(s);
    }
    pg_disconnect(s);
    pg_cache_done(&s->cache);
    pg_text_done(&s->mark.sql);
    pg_text_done(&s->notice.sql);
    pg_plan_free(s->plan);
    pg_text_done(&s->buffer);
    free_config(s);
    free(s);
}

static int open_session(const struct ff_host *host, const void *config, void **store,
                        struct ff_err *err)
{
    struct pg_session *s;
    int code;

    if (!PQisthreadsafe())
        return ff_fail(err, FF_UNSUPPORTED, 0, "this libpq was built without threads");
    s = calloc(1, sizeof(*s));
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    s->host = host;
    code = copy_config(s, config, err);
    if (code == FF_OK)
        code = pg_take_url(&s->own, err);
    if (code == FF_OK)
        code = check_config(&s->own, err);
    pg_make_token(s);
    pg_reset_patience(s);
    if (code == FF_OK)
        code = pg_connect(s, false, err);
    if (code != FF_OK) {
        close_session(s);
        return code;
    }
    *store = s;
    return FF_OK;
}

/* --- small ones of the contract --- */

/* Honest: what is only believed to be connected is asked. */
static int ping(void *store, struct ff_err *err)
{
    struct pg_session *s = store;
    int code = pg_connect(s, false, err);

    if (code == FF_OK)
        code = pg_run(s, "SELECT 1", NULL, NULL, err);
    return code;
}

/* The server's, because whoever shares it may be on any host. */
static int now(void *store, int64_t *now_us, struct ff_err *err)
{
    struct pg_session *s = store;
    PGresult *result = NULL;
    bool was_connected = true;
    int code = FF_UNAVAILABLE;

    for (int i = 0; i < 2 && code == FF_UNAVAILABLE && was_connected; i++) {
        was_connected = s->conn != NULL;
        code = pg_connect(s, true, err);
        if (code == FF_OK)
            code = pg_run(s,
                          "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)"
                          "::bigint",
                          NULL, &result, err);
    }
    if (code == FF_OK)
        *now_us = pg_get_int64(result, 0, 0);
    PQclear(result);
    return code;
}

/* --- the driver --- */

static const struct ff_store_ops ops = {
    .open = open_session,
    .close = close_session,
    .setup = pg_setup,
    .commit = pg_commit,
    .scan = pg_scan,
    .count = pg_count,
    .ping = ping,
    .now = now,
    .watch = pg_watch,
    .expire = pg_expire,
    .info = pg_info,
    .spans = pg_spans,
    .make_span = pg_make_span,
    .drop_span = pg_drop_span,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_ONE_AT_A_TIME, ops),
    .caps = FF_STORE_SHARED | FF_STORE_WATCH | FF_STORE_DURABLE | FF_STORE_REMOTE,
    .name = "postgres",
    .version = "1.0",
    .summary =
        "tables of a PostgreSQL server, one transaction for each group of commits",
    .opts = options,
    .config_size = sizeof(struct pg_config),
    .ops.store = &ops,
};

FF_REGISTER_DRIVER(driver)
