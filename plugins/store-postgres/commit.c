/* store-postgres/commit.c - one group of changes as one transaction.
 *
 * Two round trips, however many changes there are: one that does all of it, one that
 * says COMMIT when every guard has held. A guard that has not is looked for by doing
 * the changes again one by one, in their order, in a transaction that is rolled back.
 */
#include "../shared/failpoint.h"
#include "postgres.h"

/* --- the statements of a plan --- */

static void add_column(struct pg_session *s, struct pg_params *p,
                       const struct pg_group *g, const struct ff_change *changes,
                       uint8_t bind)
{
    static const struct ff_column expect = {.type = FF_INT};
    const struct ff_column *column =
        bind == PG_BIND_EXPECT ? &expect : &g->shape.record->columns[bind];

    pg_param_next(s, p);
    pg_add_array_head(&s->buffer, column->type, g->n);
    for (size_t i = g->first; i != PG_NO_CHANGE; i = s->plan->next[i]) {
        const struct ff_value version = {.type = FF_INT, .i = changes[i].expect};

        pg_add_element(&s->buffer, column,
                       bind == PG_BIND_EXPECT ? &version : &changes[i].values[bind]);
    }
}

static int send_group(struct pg_session *s, const struct pg_group *g,
                      const struct ff_change *changes, struct ff_err *err)
{
    uint8_t binds[PG_MAX_COLUMNS * 2];
    const size_t n = pg_sql_binds(&g->shape, binds);
    struct pg_params p;
    int code;

    pg_params_begin(s, &p);
    for (size_t i = 0; i < n; i++)
        add_column(s, &p, g, changes, binds[i]);
    code = pg_params_end(s, &p, err);
    return code == FF_OK ? pg_send_statement(s, g->statement, &p, err) : code;
}

/* PostgreSQL locks rows that are there. That none comes, until we have committed, takes
 * a lock of the table; it is asked for before all else, so that two who want it wait
 * for each other in one order. */
static int send_locks(struct pg_session *s, size_t *n_locks, struct ff_err *err)
{
    int code = FF_OK;

    *n_locks = 0;
    for (size_t i = 0; i < s->plan->n_records && code == FF_OK; i++) {
        struct pg_text sql = {0};

        if (!s->plan->records[i].needs_lock)
            continue;
        pg_addf(&sql, "LOCK TABLE ");
        pg_sql_table_name(&sql, s->config->schema, s->plan->records[i].record->name);
        pg_addf(&sql, " IN SHARE ROW EXCLUSIVE MODE");
        code = sql.failed ? ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a lock")
                          : pg_send(s, sql.s, NULL, err);
        pg_text_done(&sql);
        ++*n_locks;
    }
    return code;
}

static int prepare_all(struct pg_session *s, struct ff_err *err)
{
    struct pg_statement *first = NULL;
    int code = pg_mark_statement(s, err);

    if (code == FF_OK)
        code = pg_notice_statement(s, err);
    if (code != FF_OK)
        return code;
    pg_list(s, &s->mark, &first);
    pg_list(s, &s->notice, &first);
    for (size_t i = 0; i < s->plan->n_groups; i++)
        pg_list(s, s->plan->groups[i].statement, &first);
    return pg_prepare(s, first, err);
}

/* --- the first round trip --- */

struct attempt {
    size_t n_locks;
    bool notice;   /* its answer is to be read */
    size_t failed; /* group whose guard did not hold, or that the server refused */
};

static int send_all(struct pg_session *s, const struct ff_change *changes,
                    struct attempt *a, struct ff_err *err)
{
    int code = pg_send(s, "BEGIN", NULL, err);

    if (code == FF_OK)
        code = send_locks(s, &a->n_locks, err);
    for (size_t i = 0; i < s->plan->n_groups && code == FF_OK; i++)
        code = send_group(s, &s->plan->groups[i], changes, err);
    if (code == FF_OK)
        code = pg_send_notice(s, &a->notice, err);
    if (code == FF_OK)
        code = pg_send_mark(s, err);
    return code == FF_OK ? pg_sync(s, err) : code;
}

static int receive_some(struct pg_session *s, size_t n, struct ff_err *err)
{
    int code = FF_OK;

    for (size_t i = 0; i < n && code == FF_OK; i++) {
        PGresult *result = NULL;

        code = pg_receive(s, &result, err);
        PQclear(result);
    }
    return code;
}

/* How many rows were as expected; for one that is deleted whatever it is, any number.
 */
static bool guards_held(const struct pg_group *g, PGresult *result)
{
    const struct pg_shape *shape = &g->shape;
    const char *n = PQcmdTuples(result);
    size_t found = 0;

    for (; *n >= '0' && *n <= '9'; n++)
        found = found * 10 + (size_t)(*n - '0');
    if (shape->kind == FF_DELETE && shape->guard == PG_ANY)
        return true;
    if (shape->kind == FF_CHECK && shape->guard == PG_NO_ROW)
        return found == 0;
    return found == g->n;
}

static int receive_group(struct pg_session *s, const struct pg_group *g,
                         struct ff_err *err)
{
    PGresult *result = NULL;
    int code = pg_receive(s, &result, err);

    if (code == FF_OK && !guards_held(g, result))
        code = ff_fail(err, FF_CONFLICT, 0, "%s: the row is not as expected",
                       g->shape.record->name);
    PQclear(result);
    return code;
}

static int receive_all(struct pg_session *s, struct attempt *a, struct ff_err *err)
{
    const size_t n_groups = s->plan->n_groups;
    struct ff_err other;
    int code = receive_some(s, 1 + a->n_locks, err);

    a->failed = n_groups;
    for (size_t i = 0; i < n_groups && code == FF_OK; i++) {
        code = receive_group(s, &s->plan->groups[i], err);
        if (code != FF_OK)
            a->failed = i;
    }
    if (code == FF_OK)
        code = receive_some(s, (size_t)a->notice + 1, err);
    if (s->conn) {
        const int end = pg_receive_sync(s, code == FF_OK ? err : &other);

        code = code == FF_OK ? end : code;
    }
    return code;
}

/* --- the second one --- */

static void roll_back(struct pg_session *s)
{
    struct ff_err ignored;

    if (s->conn)
        pg_run(s, "ROLLBACK", NULL, NULL, &ignored);
}

/* Whatever breaks from here on may have been committed. */
static int say_commit(struct pg_session *s, struct ff_err *err)
{
    PGresult *result = NULL;
    int code;

    FAILPOINT("postgres.commit.before");
    code = pg_run(s, "COMMIT", NULL, &result, err);
    FAILPOINT("postgres.commit.after");
    if (!s->conn)
        code = pg_settle(s, err);
    else if (code == FF_OK && PQcmdStatus(result)[0] == 'R')
        code = ff_fail(err, FF_BUSY, 0, "PostgreSQL at %.100s rolled it back",
                       s->config->host);
    PQclear(result);
    return code;
}

static int try_plan(struct pg_session *s, const struct ff_change *changes,
                    struct attempt *a, struct ff_err *err)
{
    int code = prepare_all(s, err);

    *a = (struct attempt){0};
    a->failed = s->plan->n_groups;
    if (code == FF_OK)
        code = send_all(s, changes, a, err);
    if (code == FF_OK)
        code = receive_all(s, a, err);
    if (code != FF_OK) {
        roll_back(s);
        return code;
    }
    code = say_commit(s, err);
    if (code == FF_OK)
        pg_turn_mark(s);
    return code;
}

/* Which change it was, exactly as if they had been done one after the other. Should it
 * go well this time, because somebody else has changed something meanwhile, then it is
 * committed. */
static int try_one_by_one(struct pg_session *s, const struct ff_change *changes,
                          size_t n, size_t *failed, struct ff_err *err)
{
    struct attempt a;
    int code = pg_plan_make(s, changes, n, true, failed, err);

    if (code != FF_OK)
        return code;
    code = try_plan(s, changes, &a, err);
    if ((code == FF_CONFLICT || code == FF_INVALID) && failed)
        *failed = a.failed < n ? a.failed : 0;
    return code;
}

static int commit_once(struct pg_session *s, const struct ff_change *changes, size_t n,
                       size_t *failed, struct ff_err *err)
{
    struct attempt a;
    int code = pg_connect(s, false, err);

    if (code == FF_OK)
        code = pg_cache_trim(s, err);
    if (code == FF_OK)
        code = pg_plan_make(s, changes, n, false, failed, err);
    if (code != FF_OK || n == 0)
        return code;
    code = try_plan(s, changes, &a, err);
    if (code == FF_CONFLICT || code == FF_INVALID)
        code = try_one_by_one(s, changes, n, failed, err);
    return code;
}

/* A connection that was found dead costs nobody a pause: the next one is tried at once.
 */
int pg_commit(void *store, const struct ff_change *changes, size_t n, size_t *failed,
              struct ff_err *err)
{
    struct pg_session *s = store;
    const bool was_connected = s->conn != NULL;
    const uint64_t connection = s->connection;
    int code = commit_once(s, changes, n, failed, err);

    if (code == FF_UNAVAILABLE && was_connected &&
        (!s->conn || s->connection != connection))
        code = commit_once(s, changes, n, failed, err);
    return code;
}
