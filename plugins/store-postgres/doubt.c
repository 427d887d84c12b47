/* store-postgres/doubt.c - was it committed? For a connection that broke in COMMIT.
 *
 * Every transaction writes into a row of its session how many it has been: the n-th.
 * Whoever wants to know whether the n-th was committed ends the server process that had
 * it, waits until that is gone, and with it the transaction, and reads the row - by
 * writing to it: what is on the primary may not be on the standby that the COMMIT
 * waited for, and a commit that comes after it waits for both. */
#include "postgres.h"

#include <string.h>

#define SETTLE_US INT64_C(3000000) /* the core reads by itself after that */
#define LOOK_US   INT64_C(5000)
#define END_US    INT64_C(1000000)

#define TURN_COMMITS 256

static int table_sql(const struct pg_session *s, const char *before, const char *after,
                     struct pg_text *sql, struct ff_err *err)
{
    pg_addf(sql, "%s", before);
    pg_sql_table_name(sql, s->config->schema, "_session");
    pg_addf(sql, "%s", after);
    if (!sql->failed)
        return FF_OK;
    pg_text_done(sql);
    return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
}

/* The COMMIT that follows has no timeout on the server: one that waits for a standby
 * would be answered as if it had been replicated. */
int pg_mark_statement(struct pg_session *s, struct ff_err *err)
{
    if (s->mark.number)
        return FF_OK;

    const int code =
        table_sql(s, "INSERT INTO ",
                  " AS t (token, n, at) VALUES ($1::text, $2::bigint, now())"
                  " ON CONFLICT (token) DO UPDATE SET n = excluded.n, at = excluded.at"
                  " RETURNING set_config('statement_timeout', '0', true)",
                  &s->mark.sql, err);

    if (code == FF_OK)
        pg_statement_name(s, &s->mark);
    return code;
}

int pg_send_mark(struct pg_session *s, struct ff_err *err)
{
    struct pg_params p;
    int code;

    pg_params_begin(s, &p);
    pg_param_text(s, &p, s->token);
    pg_param_int64(s, &p, ++s->n_commits);
    code = pg_params_end(s, &p, err);
    s->has_row = true;
    return code == FF_OK ? pg_send_statement(s, &s->mark, &p, err) : code;
}

/* --- the one that was lost --- */

/* True while it is there; asks it to end. Nobody else's process has its number and its
 * birthday. */
static int ask_to_end(struct pg_session *s, const char *backend, bool *there,
                      struct ff_err *err)
{
    static const char sql[] =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid::text || ' ' "
        "|| (extract(epoch FROM backend_start) * 1000000)::bigint::text = $1::text";
    PGresult *result = NULL;
    struct pg_params p;
    int code;

    pg_params_begin(s, &p);
    pg_param_text(s, &p, backend);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s, sql, &p, &result, err);
    *there = code == FF_OK && PQntuples(result) > 0;
    PQclear(result);
    return code;
}

int pg_end_backend(struct pg_session *s, const char *backend, struct ff_err *err)
{
    const int64_t until_us = pg_mono_us() + END_US;
    bool there = true;

    while (true) {
        const int code = ask_to_end(s, backend, &there, err);

        if (code != FF_OK || !there)
            return code;
        if (pg_mono_us() >= until_us)
            return ff_fail(err, FF_BUSY, 0,
                           "PostgreSQL at %.60s: the process of a lost connection does "
                           "not end",
                           s->config->host);
        pg_sleep_us(LOOK_US);
    }
}

/* --- the row --- */

static int read_row(struct pg_session *s, bool *committed, struct ff_err *err)
{
    struct pg_text sql = {0};
    PGresult *result = NULL;
    struct pg_params p;
    int code = table_sql(
        s, "UPDATE ", " SET at = now() WHERE token = $1::text RETURNING n", &sql, err);

    if (code != FF_OK)
        return code;
    pg_params_begin(s, &p);
    pg_param_text(s, &p, s->token);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s, sql.s, &p, &result, err);
    pg_text_done(&sql);
    *committed = code == FF_OK && PQntuples(result) == 1 &&
                 pg_get_int64(result, 0, 0) == s->n_commits;
    PQclear(result);
    return code;
}

static int ask(struct pg_session *s, const char *backend, bool *committed,
               struct ff_err *err)
{
    int code = pg_connect(s, false, err);

    if (code == FF_OK)
        code = pg_end_backend(s, backend, err);
    return code == FF_OK ? read_row(s, committed, err) : code;
}

/* Whoever reads next connects anew, and finds out: see pg_assure. */
static int leave_in_doubt(struct pg_session *s, const char *backend,
                          const struct ff_err *why, struct ff_err *err)
{
    pg_disconnect(s);
    memcpy(s->doubted, backend, sizeof(s->doubted));
    return ff_fail(err, FF_IN_DOUBT, 0, "commit in doubt: %.200s", why->msg);
}

int pg_assure(struct pg_session *s, struct ff_err *err)
{
    bool committed = false;
    int code;

    if (!s->doubted[0])
        return FF_OK;
    code = pg_end_backend(s, s->doubted, err);
    if (code == FF_OK)
        code = read_row(s, &committed, err);
    if (code == FF_OK)
        s->doubted[0] = '\0';
    return code == FF_BUSY ? err->code = FF_UNAVAILABLE : code;
}

int pg_settle(struct pg_session *s, struct ff_err *err)
{
    const int64_t until_us = pg_mono_us() + SETTLE_US;
    char backend[sizeof(s->lost)];
    bool committed = false;
    struct ff_err why;

    /* A connection that breaks while we ask takes its place. */
    memcpy(backend, s->lost, sizeof(backend));
    while (ask(s, backend, &committed, &why) != FF_OK) {
        if (pg_mono_us() >= until_us)
            return leave_in_doubt(s, backend, &why, err);
        pg_sleep_us(LOOK_US);
    }
    ff_log(s->host, FF_WARN, "PostgreSQL at %s: the connection broke in a commit, %s",
           s->config->host,
           committed ? "which was done" : "which was not done and is tried again");
    if (committed)
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, 0,
                   "PostgreSQL at %.100s: the connection broke before the commit",
                   s->config->host);
}

/* --- its end --- */

/* Nobody waits for a flush. */
static void forget(struct pg_session *s, const char *where)
{
    struct pg_text sql = {0};
    struct pg_params p;
    struct ff_err err;

    if (table_sql(s,
                  "WITH quick AS MATERIALIZED (SELECT "
                  "set_config('synchronous_commit', 'off', true)) DELETE FROM ",
                  where, &sql, &err) != FF_OK)
        return;
    pg_params_begin(s, &p);
    pg_param_text(s, &p, s->token);
    if (pg_params_end(s, &p, &err) == FF_OK)
        pg_run(s, sql.s, &p, NULL, &err);
    pg_text_done(&sql);
}

/* Should the connection break here, then the row stays for a day. */
void pg_turn_mark(struct pg_session *s)
{
    if (s->n_commits % TURN_COMMITS != 0 || !s->conn)
        return;
    forget(s, " USING quick WHERE token = $1::text");
    pg_make_token(s);
    s->has_row = false;
}

/* No commit of ours can be in doubt any more. */
void pg_forget_mark(struct pg_session *s)
{
    if (s->has_row)
        forget(s, " USING quick WHERE token = $1::text"
                  " OR at < now() - interval '1 day'");
}
