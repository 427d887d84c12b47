/* store-sqlite/commit.c - one group of changes as one transaction, durable on return.
 */
#include "../shared/failpoint.h"
#include "lite.h"

#include <errno.h>

static int lite_guard(const struct ff_change *change, uint8_t *guard,
                      struct ff_err *err)
{
    if (change->expect > 0)
        *guard = LITE_VERSION;
    else if (change->expect == FF_ANY_VERSION)
        *guard = LITE_ANY;
    else
        *guard = LITE_NO_ROW;
    if (change->expect < FF_ANY_VERSION ||
        (*guard == LITE_NO_ROW &&
         (change->kind == FF_PATCH || change->kind == FF_DELETE)))
        return ff_fail(err, FF_INVALID, 0, "%s: a guard that cannot hold",
                       change->record->name);
    return FF_OK;
}

static bool knows(const struct lite_session *s, const struct ff_record *record)
{
    for (size_t i = 0; s->schema && s->schema->records[i]; i++)
        if (s->schema->records[i] == record)
            return true;
    return false;
}

/* What the record holds beside its key and version. */
static uint64_t settable(const struct ff_record *record)
{
    const uint64_t all = record->n_columns == LITE_MAX_COLUMNS
                             ? ~UINT64_C(0)
                             : (UINT64_C(1) << record->n_columns) - 1;

    return all & ~((UINT64_C(2) << record->n_key) - 1);
}

static int shape_of(const struct lite_session *s, const struct ff_change *change,
                    struct lite_shape *shape, struct ff_err *err)
{
    const struct ff_record *record = change->record;

    if (change->kind < FF_PUT || change->kind > FF_CHECK || !knows(s, record))
        return ff_fail(err, FF_INVALID, 0, "a change of unknown kind or record");
    *shape = (struct lite_shape){.record = record, .kind = (uint8_t)change->kind};
    if (lite_guard(change, &shape->guard, err) != FF_OK)
        return FF_INVALID;
    if (change->kind == FF_PUT)
        shape->columns = settable(record);
    if (change->kind == FF_PATCH)
        shape->columns = change->set;
    if (shape->columns & ~settable(record))
        return ff_fail(err, FF_INVALID, 0, "%s: a patch of its key or version",
                       record->name);
    return FF_OK;
}

static int bind_change(struct lite_session *s, const struct lite_statement *statement,
                       const struct ff_change *change, struct ff_err *err)
{
    for (int i = 0; i < statement->n_bind; i++) {
        const uint8_t what = statement->bind[i];
        int code = FF_OK;

        if (what == LITE_BIND_EXPECT)
            sqlite3_bind_int64(statement->stmt, i + 1, change->expect);
        else
            code = lite_bind(s, statement->stmt, i + 1, change->record, what,
                             &change->values[what], err);
        if (code != FF_OK)
            return code;
    }
    return FF_OK;
}

/* Did the guard hold? A row that a CHECK saw stays as it is until the commit, because
 * the transaction is the only writer from its beginning. */
static bool guard_held(const struct lite_session *s, const struct lite_shape *shape,
                       int result)
{
    if (shape->kind == FF_CHECK)
        return (result == SQLITE_ROW) == (shape->guard != LITE_NO_ROW);
    if (shape->kind == FF_DELETE && shape->guard == LITE_ANY)
        return true;
    return sqlite3_changes(s->db) == 1;
}

static int apply(struct lite_session *s, const struct ff_change *change,
                 struct ff_err *err)
{
    struct lite_statement *statement;
    struct lite_shape shape = {0};
    int code = shape_of(s, change, &shape, err);

    if (code == FF_OK)
        code = lite_statement(s, &shape, &statement, err);
    if (code == FF_OK)
        code = bind_change(s, statement, change, err);
    if (code != FF_OK)
        return code;

    const int result = sqlite3_step(statement->stmt);

    if (result != SQLITE_DONE && result != SQLITE_ROW)
        code = lite_fail(s, result, change->record->name, err);
    else if (!guard_held(s, &shape, result))
        code = ff_fail(err, FF_CONFLICT, 0, "%s: the row is not as expected",
                       change->record->name);
    sqlite3_reset(statement->stmt);
    return code;
}

static int run(struct lite_session *s, sqlite3_stmt *stmt, const char *doing,
               struct ff_err *err)
{
    int result;
    int code;

    errno = 0; /* lite_fail looks at it */
    result = sqlite3_step(stmt);
    code = result == SQLITE_DONE ? FF_OK : lite_fail(s, result, doing, err);
    sqlite3_reset(stmt);
    return code;
}

/* Here alone a commit can meet another writer. */
static int begin(struct lite_session *s, struct ff_err *err)
{
    int code;

    sqlite3_busy_timeout(s->db, LITE_COMMIT_MS);
    code = run(s, s->begin, "begin", err);
    sqlite3_busy_timeout(s->db, LITE_BUSY_MS);
    return code;
}

void lite_roll_back(struct lite_session *s)
{
    struct ff_err ignored;

    if (!sqlite3_get_autocommit(s->db))
        run(s, s->rollback, "rollback", &ignored);
}

int lite_commit(void *store, const struct ff_change *changes, size_t n, size_t *failed,
                struct ff_err *err)
{
    struct lite_session *s = store;
    int code = lite_check_file(s, err);

    if (code == FF_OK)
        code = begin(s, err);
    if (code != FF_OK)
        return code;
    for (size_t i = 0; i < n; i++) {
        code = apply(s, &changes[i], err);
        if (code == FF_OK)
            continue;
        if (failed)
            *failed = i;
        lite_roll_back(s);
        return code;
    }
    FAILPOINT("sqlite.commit.before");
    code = run(s, s->commit, "commit", err);
    FAILPOINT("sqlite.commit.after");
    if (code != FF_OK) {
        lite_roll_back(s);
        return code;
    }
    lite_checkpoint(s);
    return FF_OK;
}
