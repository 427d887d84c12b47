/* store-postgres/check.c - what a new connection is told, and which servers are
 * refused: those that lose what they have acknowledged, and those that take no writes.
 */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define MIN_VERSION 130000 /* pg_current_xact_id */

/* Statements are made once, and walk along the index that they were made for: a plan
 * that suited a table while it was small would be kept when it is large. */
static const char set_up[] =
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('enable_seqscan', 'off', false),"
    " set_config('enable_bitmapscan', 'off', false),"
    " set_config('enable_sort', 'off', false),"
    " set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false),"
    " set_config('max_parallel_workers_per_gather', '0', false),"
    " set_config('jit', 'off', false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    " set_config('client_min_messages', 'warning', false),"
    " set_config('lock_timeout', '" PG_LOCK_TIMEOUT "', false),"
    " set_config('idle_in_transaction_session_timeout', '" PG_IDLE_TIMEOUT "', false),"
    " set_config('statement_timeout', $1, false)";

/* Text, so that it can be read here and in the server's log alike. */
static const char facts[] =
    "SELECT pg_is_in_recovery()::text, current_setting('transaction_read_only'),"
    " current_setting('fsync'), current_setting('synchronous_commit'),"
    " current_setting('server_encoding'), current_setting('server_version_num'),"
    " pg_has_role(session_user, 'USAGE')::text,"
    " pid::text || ' ' || (extract(epoch FROM backend_start) * 1000000)::bigint::text"
    " FROM pg_stat_activity WHERE pid = pg_backend_pid()";

enum fact { RECOVERY, READ_ONLY, FSYNC, SYNCHRONOUS, ENCODING, VERSION, OURS, BACKEND };

static const struct {
    enum fact fact;
    const char *bad;
    bool unsafe; /* may be allowed by unsafe_durability */
    int code;
    const char *sentence;
} refusals[] = {
    {RECOVERY, "true", false, FF_INVALID,
     "it is a standby, which takes no writes; name the primary"},
    {READ_ONLY, "on", false, FF_INVALID, "it takes no writes; name one that does"},
    {OURS, "false", false, FF_DENIED,
     "the user may not end its own sessions, as they take the rights of another role"},
    {FSYNC, "off", true, FF_INVALID,
     "fsync is off: a crash would lose what was acknowledged; turn it on"},
    {SYNCHRONOUS, "off", true, FF_INVALID,
     "synchronous_commit is off: a crash would lose what was acknowledged; set it to "
     "on"},
};

/* Who was connected before sees a change that may change back: a failover. */
static int refuse(const struct pg_session *s, int code, const char *sentence,
                  struct ff_err *err)
{
    return ff_fail(err, s->connection > 1 ? FF_UNAVAILABLE : code, 0,
                   "PostgreSQL at %.80s: %s", s->config->host, sentence);
}

static int judge(struct pg_session *s, const PGresult *r, struct ff_err *err)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (strcmp(PQgetvalue(r, 0, (int)refusals[i].fact), refusals[i].bad) == 0 &&
            !(refusals[i].unsafe && s->config->unsafe_durability))
            return refuse(s, refusals[i].code, refusals[i].sentence, err);
    if (strcmp(PQgetvalue(r, 0, ENCODING), "UTF8") != 0)
        return refuse(s, FF_INVALID,
                      "the database is not of UTF-8; create it with ENCODING 'UTF8'",
                      err);
    if (strtol(PQgetvalue(r, 0, VERSION), NULL, 10) < MIN_VERSION)
        return refuse(s, FF_UNSUPPORTED, "it is older than PostgreSQL 13", err);
    snprintf(s->backend, sizeof(s->backend), "%s", PQgetvalue(r, 0, BACKEND));
    return FF_OK;
}

static int tell(struct pg_session *s, struct ff_err *err)
{
    struct pg_params p;
    char timeout[32];
    int code;

    snprintf(timeout, sizeof(timeout), "%lldms",
             (long long)(s->config->statement_timeout_us / 1000));
    pg_params_begin(s, &p);
    pg_param_text(s, &p, timeout);
    code = pg_params_end(s, &p, err);
    return code == FF_OK ? pg_run(s, set_up, &p, NULL, err) : code;
}

int pg_check_server(struct pg_session *s, struct ff_err *err)
{
    PGresult *result = NULL;
    int code = pg_run(s, facts, NULL, &result, err);

    if (code == FF_OK && PQntuples(result) != 1)
        code = refuse(s, FF_DENIED, "the user cannot see its own session", err);
    if (code == FF_OK)
        code = judge(s, result, err);
    PQclear(result);
    return code == FF_OK ? tell(s, err) : code;
}
