/* store-postgres/watch.c - hears of commits of other processes: a connection of its own
 * that listens, and a thread that waits on it. A connection that breaks is made again,
 * and whoever watches is called, because something may have been missed. */
#include "postgres.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PAUSE_MS    1000
#define OLDER_US    INT64_C(5000000)
#define LOOK_US     INT64_C(2000)
#define MAX_WATCHED 64

struct watched {
    const char *record; /* of the schema, which outlives us */
    ff_call_fn *fn;
    void *arg;
};

struct pg_watcher {
    const struct pg_session *session; /* its settings and its host only */
    PGconn *conn;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what is watched */
    struct watched watched[MAX_WATCHED];
    size_t n;
    int stop_fd;
};

void pg_channel(const struct pg_config *config, char channel[PG_CHANNEL])
{
    snprintf(channel, PG_CHANNEL, "flowforge_%s", config->schema);
}

/* --- the thread --- */

/* NULL: all of them. */
static void call(struct pg_watcher *w, const char *record)
{
    pthread_mutex_lock(&w->mutex);
    for (size_t i = 0; i < w->n; i++)
        if (!record || strcmp(w->watched[i].record, record) == 0)
            w->watched[i].fn(w->watched[i].arg);
    pthread_mutex_unlock(&w->mutex);
}

/* False: nothing came in time. */
static bool wait_for_answer(PGconn *conn, int64_t until_us)
{
    while (PQisBusy(conn)) {
        struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
        const int64_t left_us = until_us - pg_mono_us();

        if (left_us <= 0 ||
            (poll(&fd, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR))
            return false;
        if (fd.revents && !PQconsumeInput(conn))
            return false;
    }
    return true;
}

static bool run_in_time(const struct pg_session *s, PGconn *conn, const char *sql)
{
    const int64_t until_us =
        pg_mono_us() + s->config->statement_timeout_us + PG_GRACE_US;
    bool done = PQsendQuery(conn, sql) && wait_for_answer(conn, until_us);

    while (done && wait_for_answer(conn, until_us)) {
        PGresult *result = PQgetResult(conn);

        if (!result)
            return true;
        done = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
    }
    return false;
}

static int listen_to(const struct pg_session *s, PGconn *conn, struct ff_err *err)
{
    struct pg_text sql = {0};
    char channel[PG_CHANNEL];
    int code = FF_OK;

    pg_channel(s->config, channel);
    pg_addf(&sql, "LISTEN ");
    pg_add_name(&sql, channel);
    if (sql.failed)
        code = ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
    else if (!run_in_time(s, conn, sql.s))
        code = ff_fail(err, FF_UNAVAILABLE, 0, "PostgreSQL at %.100s: it cannot listen",
                       s->config->host);
    pg_text_done(&sql);
    return code;
}

static int open_listener(const struct pg_session *s, PGconn **conn, struct ff_err *err)
{
    int code = pg_connect_raw(s, conn, err);

    if (code == FF_OK)
        code = listen_to(s, *conn, err);
    if (code == FF_OK)
        return FF_OK;
    PQfinish(*conn);
    *conn = NULL;
    return code;
}

/* False: it is to stop. */
static bool wait(const struct pg_watcher *w, int timeout_ms)
{
    struct pollfd fds[] = {
        {.fd = w->stop_fd, .events = POLLIN},
        {.fd = w->conn ? PQsocket(w->conn) : -1, .events = POLLIN},
    };

    while (poll(fds, 2, timeout_ms) < 0 && errno == EINTR)
        continue;
    return !fds[0].revents;
}

static void take_notices(struct pg_watcher *w)
{
    PGnotify *notice;

    if (!PQconsumeInput(w->conn)) {
        PQfinish(w->conn);
        w->conn = NULL;
        return;
    }
    while ((notice = PQnotifies(w->conn))) {
        call(w, notice->extra);
        PQfreemem(notice);
    }
}

static void *listen_for_ever(void *arg)
{
    struct pg_watcher *w = arg;
    struct ff_err err;

    while (wait(w, w->conn ? -1 : PAUSE_MS)) {
        if (w->conn)
            take_notices(w);
        else if (open_listener(w->session, &w->conn, &err) == FF_OK)
            call(w, NULL);
    }
    return NULL;
}

/* Signals are the core's. */
static int start_thread(struct pg_watcher *w)
{
    sigset_t all;
    sigset_t before;
    int sys;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    sys = pthread_create(&w->thread, NULL, listen_for_ever, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sys;
}

/* --- from the session --- */

static void free_parts(struct pg_watcher *w)
{
    if (w->stop_fd >= 0)
        close(w->stop_fd);
    PQfinish(w->conn);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

void pg_watcher_free(struct pg_watcher *w)
{
    const uint64_t one = 1;

    if (!w)
        return;
    while (write(w->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
    pthread_join(w->thread, NULL);
    free_parts(w);
}

static int make_watcher(struct pg_session *s, struct ff_err *err)
{
    struct pg_watcher *w = calloc(1, sizeof(*w));
    int code;
    int sys = 0;

    if (!w)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a watch");
    w->session = s;
    pthread_mutex_init(&w->mutex, NULL);
    w->stop_fd = eventfd(0, EFD_CLOEXEC);
    code = open_listener(s, &w->conn, err);
    if (code == FF_OK && (w->stop_fd < 0 || (sys = start_thread(w)) != 0))
        code = ff_fail(err, FF_UNAVAILABLE, sys ? sys : errno, "watch: %s",
                       strerror(sys ? sys : errno));
    if (code != FF_OK)
        free_parts(w);
    else
        s->watcher = w;
    return code;
}

static int add_watched(struct pg_watcher *w, const struct ff_record *record,
                       ff_call_fn *fn, void *arg, struct ff_err *err)
{
    int code = FF_OK;

    pthread_mutex_lock(&w->mutex);
    if (w->n < MAX_WATCHED)
        w->watched[w->n++] =
            (struct watched){.record = record->name, .fn = fn, .arg = arg};
    else
        code = ff_fail(err, FF_INVALID, 0, "more than %d watches", MAX_WATCHED);
    pthread_mutex_unlock(&w->mutex);
    return code;
}

/* From its commit on, commits to the record are told. */
static int announce(struct pg_session *s, const struct ff_record *record,
                    struct ff_err *err)
{
    struct pg_text sql = {0};
    struct pg_params p;
    int code;

    pg_addf(&sql, "INSERT INTO ");
    pg_sql_table_name(&sql, s->config->schema, "_watch");
    pg_addf(&sql, " VALUES ($1::text) ON CONFLICT DO NOTHING");
    pg_params_begin(s, &p);
    pg_param_text(s, &p, record->name);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK && sql.failed)
        code = ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
    if (code == FF_OK)
        code = pg_run(s, sql.s, &p, NULL, err);
    pg_text_done(&sql);
    return code;
}

static void add_table(struct pg_session *s, struct pg_params *p, const char *table)
{
    pg_param_next(s, p);
    pg_sql_table_name(&s->buffer, s->config->schema, table);
}

/* A commit that is under way may have looked before the announcement was there: what it
 * changes would not be told. Its locks tell which these are - the number of its
 * transaction does not: it may have begun while the announcement was being flushed.
 * `names` is a list, with spaces between. */
static int find_under_way(struct pg_session *s, const struct ff_record *record,
                          struct pg_text *names, struct ff_err *err)
{
    static const char sql[] =
        "SELECT DISTINCT looks.virtualtransaction FROM pg_locks AS looks, pg_locks AS "
        "writes WHERE looks.virtualtransaction = writes.virtualtransaction"
        " AND looks.database = (SELECT oid FROM pg_database"
        " WHERE datname = current_database()) AND writes.database = looks.database"
        " AND looks.relation = to_regclass($1::text) AND looks.granted"
        " AND writes.relation = to_regclass($2::text)"
        " AND writes.mode = 'RowExclusiveLock'";
    PGresult *result = NULL;
    struct pg_params p;
    int code;

    pg_params_begin(s, &p);
    add_table(s, &p, "_watch");
    add_table(s, &p, record->name);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s, sql, &p, &result, err);
    for (int i = 0; code == FF_OK && i < PQntuples(result); i++)
        pg_addf(names, "%s%s", i ? " " : "", PQgetvalue(result, i, 0));
    PQclear(result);
    if (code == FF_OK && names->failed)
        code = ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a watch");
    return code;
}

static int count_under_way(struct pg_session *s, const char *names, int64_t *n,
                           struct ff_err *err)
{
    PGresult *result = NULL;
    struct pg_params p;
    int code;

    pg_params_begin(s, &p);
    pg_param_text(s, &p, names);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s,
                      "SELECT count(*) FROM pg_locks WHERE mode = 'ExclusiveLock' AND "
                      "virtualxid = ANY (string_to_array($1::text, ' '))",
                      &p, &result, err);
    *n = code == FF_OK ? pg_get_int64(result, 0, 0) : 0;
    PQclear(result);
    return code;
}

static int wait_for_older(struct pg_session *s, const struct ff_record *record,
                          struct ff_err *err)
{
    const int64_t until_us = pg_mono_us() + OLDER_US;
    struct pg_text names = {0};
    int code = find_under_way(s, record, &names, err);
    int64_t n = names.len > 0;

    while (code == FF_OK && n > 0) {
        code = count_under_way(s, names.s, &n, err);
        if (code == FF_OK && n > 0 && pg_mono_us() >= until_us)
            code =
                ff_fail(err, FF_BUSY, 0,
                        "PostgreSQL at %.60s: a commit to %s began before the watch, "
                        "and does not end",
                        s->config->host, record->name);
        if (code == FF_OK && n > 0)
            pg_sleep_us(LOOK_US);
    }
    pg_text_done(&names);
    return code;
}

int pg_watch(void *store, const struct ff_record *record, ff_call_fn *fn, void *arg,
             struct ff_err *err)
{
    struct pg_session *s = store;
    int code;

    if (!pg_knows(s->schema, record))
        return ff_fail(err, FF_INVALID, 0, "a watch of an unknown record");
    code = pg_connect(s, true, err);
    if (code == FF_OK && !s->watcher)
        code = make_watcher(s, err);
    if (code == FF_OK)
        code = announce(s, record, err);
    if (code == FF_OK)
        code = wait_for_older(s, record, err);
    return code == FF_OK ? add_watched(s->watcher, record, fn, arg, err) : code;
}
