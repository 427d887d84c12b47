/* store-postgres/connect.c - from settings to a connection, and to the next one when it
 * is lost: at once, then with growing pauses. */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PAUSE_US INT64_C(50000)
#define MAX_PAUSE_US   INT64_C(2000000)
#define MAX_KEYWORDS   24

/* What libpq is told. The texts that are made for it live as long as this does. */
struct keywords {
    const char *names[MAX_KEYWORDS + 1];
    const char *values[MAX_KEYWORDS + 1];
    int n;
    struct pg_text hosts, ports;
    char timeout[16];
};

static void set(struct keywords *k, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    k->names[k->n] = name;
    k->values[k->n++] = value;
}

/* --- the place --- */

/* "db1,db2:5433": hosts and their ports, as libpq wants them. An address of IPv6 has
 * more than one colon, and no port of its own. */
static void add_host(struct keywords *k, const char *host, size_t len, int64_t port)
{
    const char *colon = memchr(host, ':', len);
    const bool has_port =
        colon && !memchr(colon + 1, ':', len - (size_t)(colon + 1 - host));
    const size_t name_len = has_port ? (size_t)(colon - host) : len;

    pg_addf(&k->hosts, "%s%.*s", k->hosts.len ? "," : "", (int)name_len, host);
    pg_addf(&k->ports, "%s", k->ports.len ? "," : "");
    if (has_port)
        pg_add(&k->ports, colon + 1, len - name_len - 1);
    else
        pg_addf(&k->ports, "%lld", (long long)port);
}

static int set_place(struct keywords *k, const struct pg_config *c, struct ff_err *err)
{
    const char *at = c->host;

    while (*at) {
        const size_t len = strcspn(at, ",");

        add_host(k, at, len, c->port);
        at += len + (at[len] == ',');
    }
    if (k->hosts.failed || k->ports.failed)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a connection");
    set(k, "host", k->hosts.s);
    set(k, "port", k->ports.s);
    /* Of several, the one that takes writes. */
    if (strchr(c->host, ','))
        set(k, "target_session_attrs", "read-write");
    return FF_OK;
}

bool pg_is_local(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1", "[::1]"};

    if (host[0] == '/' || host[0] == '@')
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const size_t len = strlen(names[i]);

        if (strncmp(host, names[i], len) == 0 &&
            (host[len] == '\0' || (host[len] == ':' && names[i][0] != ':')))
            return true;
    }
    return false;
}

static bool all_local(const char *hosts)
{
    struct pg_text one = {0};
    bool local = true;

    while (*hosts && local) {
        const size_t len = strcspn(hosts, ",");

        one.len = 0;
        pg_add(&one, hosts, len);
        local = one.s && pg_is_local(one.s);
        hosts += len + (hosts[len] == ',');
    }
    pg_text_done(&one);
    return local;
}

/* --- TLS --- */

/* Without a verified certificate whoever sits between can read and change all: off this
 * machine that has to be asked for by name. */
static int set_tls(struct keywords *k, const struct pg_config *c, struct ff_err *err)
{
    const bool local = all_local(c->host);

    if (!local && !c->insecure && c->ssl_mode >= PG_SSL_DISABLE &&
        c->ssl_mode <= PG_SSL_PREFER)
        return ff_fail(err, FF_INVALID, 0,
                       "database: ssl_mode %s would let anybody between here and %.60s "
                       "read everything; use verify-full, or set insecure: true",
                       pg_ssl_words[c->ssl_mode], c->host);
    set(k, "sslmode",
        c->ssl_mode != PG_SSL_AUTO ? pg_ssl_words[c->ssl_mode]
        : local                    ? "prefer"
                                   : "verify-full");
    set(k, "sslrootcert", c->ssl_root_cert);
    set(k, "sslcert", c->ssl_cert);
    set(k, "sslkey", c->ssl_key);
    return FF_OK;
}

/* --- one try --- */

static int fill(struct keywords *k, const struct pg_config *c, struct ff_err *err)
{
    int code = set_place(k, c, err);

    if (code == FF_OK)
        code = set_tls(k, c, err);
    snprintf(k->timeout, sizeof(k->timeout), "%lld",
             (long long)((c->connect_timeout_us + 999999) / 1000000));
    set(k, "dbname", c->database);
    set(k, "user", c->user);
    set(k, "password", c->password);
    set(k, "connect_timeout", k->timeout);
    set(k, "application_name", "flowforge");
    set(k, "client_encoding", "UTF8");
    set(k, "gssencmode", "disable");
    /* A peer that has gone without a word is found out within half a minute. */
    set(k, "keepalives_idle", "10");
    set(k, "keepalives_interval", "5");
    set(k, "keepalives_count", "3");
    set(k, "tcp_user_timeout", "30000");
    return code;
}

static void keywords_done(struct keywords *k)
{
    pg_text_done(&k->hosts);
    pg_text_done(&k->ports);
}

/* TLS that cannot be had will not be had the next time either. */
static bool is_about_tls(const char *message)
{
    return strstr(message, "SSL") || strstr(message, "certificate");
}

/* libpq gives no SQLSTATE for a connection that failed. Whether the server is there at
 * all it does tell; who was connected before need not ask. */
static int code_of_failure(const struct pg_session *s, const struct keywords *k,
                           const char *message)
{
    if (s->connection > 0)
        return FF_UNAVAILABLE;
    if (is_about_tls(message))
        return FF_DENIED;
    switch (PQpingParams(k->names, k->values, 0)) {
    case PQPING_OK:
        return FF_DENIED;
    case PQPING_NO_ATTEMPT:
        return FF_INVALID;
    default:
        return FF_UNAVAILABLE;
    }
}

/* libpq's sentence names the host. */
static int fail_to_connect(const struct pg_session *s, const struct keywords *k,
                           const PGconn *conn, struct ff_err *err)
{
    const char *message = conn ? PQerrorMessage(conn) : "out of memory";
    char why[220];

    pg_first_line(message, why, sizeof(why));
    return ff_fail(err, code_of_failure(s, k, message), 0, "PostgreSQL: %s", why);
}

/* Otherwise libpq writes to standard error. */
static void on_notice(void *arg, const char *message)
{
    const struct pg_session *s = arg;
    char line[200];

    pg_first_line(message, line, sizeof(line));
    ff_log(s->host, FF_WARN, "PostgreSQL says: %s", line);
}

int pg_connect_raw(const struct pg_session *s, PGconn **conn, struct ff_err *err)
{
    struct keywords k = {0};
    int code = fill(&k, s->config, err);

    *conn = NULL;
    if (code == FF_OK)
        *conn = PQconnectdbParams(k.names, k.values, 0);
    if (code == FF_OK && PQstatus(*conn) != CONNECTION_OK) {
        code = fail_to_connect(s, &k, *conn, err);
        PQfinish(*conn);
        *conn = NULL;
    }
    if (code == FF_OK)
        PQsetNoticeProcessor(*conn, on_notice, (void *)(uintptr_t)s);
    keywords_done(&k);
    return code;
}

/* --- a session's connection --- */

void pg_disconnect(struct pg_session *s)
{
    PQfinish(s->conn);
    s->conn = NULL;
}

void pg_drop(struct pg_session *s)
{
    if (s->backend[0])
        memcpy(s->lost, s->backend, sizeof(s->lost));
    s->backend[0] = '\0';
    pg_disconnect(s);
}

/* It may still hold its locks. That it has not ended yet is no reason not to go on:
 * whoever needs them waits for them. */
static void end_what_was_lost(struct pg_session *s)
{
    struct ff_err err;

    if (s->lost[0] && pg_end_backend(s, s->lost, &err) == FF_OK)
        s->lost[0] = '\0';
}

static int connect_once(struct pg_session *s, struct ff_err *err)
{
    int code = pg_connect_raw(s, &s->conn, err);

    if (code != FF_OK)
        return code;
    s->connection++;
    if (PQsetnonblocking(s->conn, 1) != 0 || !PQenterPipelineMode(s->conn))
        code = pg_lose(s, "cannot be set up", err);
    if (code == FF_OK)
        code = pg_check_server(s, err);
    if (code == FF_OK)
        end_what_was_lost(s);
    if (code == FF_OK && !s->conn)
        code = ff_fail(err, FF_UNAVAILABLE, 0, "PostgreSQL at %.100s: lost again",
                       s->config->host);
    if (code == FF_OK)
        code = pg_assure(s, err);
    if (code != FF_OK)
        pg_disconnect(s);
    return code;
}

/* Between half of the pause and all of it, so that those who lost it together part. */
static void put_off(struct pg_session *s)
{
    int64_t half_us;

    s->backoff_us = s->backoff_us ? s->backoff_us * 2 : FIRST_PAUSE_US;
    if (s->backoff_us > MAX_PAUSE_US)
        s->backoff_us = MAX_PAUSE_US;
    half_us = s->backoff_us / 2;
    s->next_try_us =
        pg_mono_us() + half_us +
        (int64_t)(s->host->random(s->host->self) % (uint64_t)(half_us + 1));
}

/* One try, if it is time for one. */
static int try_to_connect(struct pg_session *s, struct ff_err *err)
{
    int code;

    if (pg_mono_us() < s->next_try_us) {
        *err = s->why;
        return err->code;
    }
    code = connect_once(s, err);
    if (code == FF_OK) {
        s->backoff_us = s->next_try_us = 0;
        return FF_OK;
    }
    s->why = *err;
    put_off(s);
    return code;
}

int pg_connect(struct pg_session *s, bool patient, struct ff_err *err)
{
    const int64_t until_us = pg_mono_us() + s->config->reconnect_timeout_us;
    struct ff_err local;
    int code;

    if (s->conn)
        return FF_OK;
    err = err ? err : &local;
    while (true) {
        code = try_to_connect(s, err);
        if (code != FF_UNAVAILABLE || !patient)
            return code;

        const int64_t now_us = pg_mono_us();

        if (now_us >= until_us)
            return code;
        if (s->next_try_us > now_us)
            pg_sleep_us(s->next_try_us - now_us);
    }
}
