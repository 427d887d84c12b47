/* store-sqlite/setup.c - makes the tables, or brings them up to the schema, in one
 * transaction that only one process can be in. */
#include "lite.h"

#include <string.h>

#define APPLICATION_ID 0x46464c57 /* "FFLW", shown by file(1) */

static int get_pragma(struct lite_session *s, const char *sql, int64_t *number,
                      struct ff_err *err)
{
    sqlite3_stmt *stmt;
    int result = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

    if (result == SQLITE_OK && (result = sqlite3_step(stmt)) == SQLITE_ROW)
        *number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return result == SQLITE_ROW ? FF_OK : lite_fail(s, result, sql, err);
}

static int run_text(struct lite_session *s, sqlite3_str *out, struct ff_err *err)
{
    char *sql = sqlite3_str_finish(out);

    if (!sql)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for the tables");

    const int result = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    sqlite3_free(sql);
    return result == SQLITE_OK ? FF_OK : lite_fail(s, result, "its tables", err);
}

/* Nothing in it yet, or ours and not newer than this program. */
static int check_origin(struct lite_session *s, const struct ff_schema *schema,
                        int64_t *version, struct ff_err *err)
{
    int64_t application = 0;
    int64_t n_tables = 0;
    int code = get_pragma(s, "PRAGMA application_id", &application, err);

    if (code == FF_OK)
        code = get_pragma(s, "PRAGMA user_version", version, err);
    if (code == FF_OK)
        code = get_pragma(s, "SELECT count(*) FROM sqlite_schema", &n_tables, err);
    if (code != FF_OK)
        return code;
    if (application != APPLICATION_ID && (application != 0 || n_tables != 0))
        return ff_fail(err, FF_INVALID, 0, "database %s: it belongs to another program",
                       lite_file_path(s->file));
    if (*version > schema->version)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "database %s: its schema %lld is newer than this program's %u; "
                       "use the newer program or restore a backup",
                       lite_file_path(s->file), (long long)*version, schema->version);
    return FF_OK;
}

static bool is_known_type(const struct ff_column *column)
{
    return column->type >= FF_INT && column->type <= FF_ENUM &&
           (column->type != FF_ENUM || column->names);
}

static int check_record(const struct ff_record *record, struct ff_err *err)
{
    bool right = record->n_columns > record->n_key && record->n_key > 0 &&
                 record->n_columns <= LITE_MAX_COLUMNS;

    for (uint16_t i = 0; right && i < record->n_columns; i++)
        right = is_known_type(&record->columns[i]) &&
                (i > record->n_key || !(record->columns[i].flags & FF_COL_NULLABLE));
    if (right && strcmp(record->columns[record->n_key].name, "version") == 0)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "record %s: not of a shape that can be stored",
                   record->name);
}

static int has_column(struct lite_session *s, const char *table, const char *column,
                      bool *has, struct ff_err *err)
{
    sqlite3_stmt *stmt;
    int result = sqlite3_prepare_v2(
        s->db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ? OR ? IS NULL", -1,
        &stmt, NULL);

    if (result == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, column, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, column, -1, SQLITE_STATIC);
        result = sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    *has = result == SQLITE_ROW;
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return lite_fail(s, result, table, err);
    return FF_OK;
}

static int add_columns(struct lite_session *s, const struct ff_record *record,
                       struct ff_err *err)
{
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_column *column = &record->columns[i];
        bool has;
        int code = has_column(s, record->name, column->name, &has, err);

        if (code != FF_OK)
            return code;
        if (has)
            continue;
        if (!(column->flags & FF_COL_NULLABLE))
            return ff_fail(err, FF_CORRUPT, 0, "database %s: %s has no column %s",
                           lite_file_path(s->file), record->name, column->name);

        sqlite3_str *sql = sqlite3_str_new(s->db);

        sqlite3_str_appendf(sql, "ALTER TABLE %s ADD COLUMN ", record->name);
        lite_sql_column(sql, column, true);
        code = run_text(s, sql, err);
        if (code != FF_OK)
            return code;
    }
    return FF_OK;
}

static int set_up_record(struct lite_session *s, const struct ff_record *record,
                         struct ff_err *err)
{
    bool has;
    int code = check_record(record, err);

    if (code == FF_OK)
        code = has_column(s, record->name, NULL, &has, err);
    if (code != FF_OK)
        return code;

    sqlite3_str *sql = sqlite3_str_new(s->db);

    if (!has) {
        lite_sql_table(sql, record);
        sqlite3_str_appendall(sql, ";\n");
    } else {
        code = add_columns(s, record, err);
    }
    for (uint16_t i = 0; i < record->n_indexes; i++) {
        lite_sql_index(sql, record, &record->indexes[i]);
        sqlite3_str_appendall(sql, ";\n");
    }
    if (code == FF_OK && sqlite3_str_length(sql) > 0)
        return run_text(s, sql, err);
    sqlite3_free(sqlite3_str_finish(sql));
    return code;
}

static int mark(struct lite_session *s, const struct ff_schema *schema,
                struct ff_err *err)
{
    sqlite3_str *sql = sqlite3_str_new(s->db);

    sqlite3_str_appendf(sql, "PRAGMA application_id = %d; PRAGMA user_version = %u",
                        APPLICATION_ID, schema->version);
    return run_text(s, sql, err);
}

static int upgrade(struct lite_session *s, const struct ff_schema *schema,
                   struct ff_err *err)
{
    int64_t version = 0;
    int code = check_origin(s, schema, &version, err);

    if (code != FF_OK || version == schema->version)
        return code;
    for (size_t i = 0; schema->records[i] && code == FF_OK; i++)
        code = set_up_record(s, schema->records[i], err);
    return code == FF_OK ? mark(s, schema, err) : code;
}

int lite_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    struct lite_session *s = store;
    int64_t version = 0;
    int code = lite_check_file(s, err);

    /* Looking first: a start on a database that is up to date writes nothing. */
    if (code == FF_OK)
        code = check_origin(s, schema, &version, err);
    if (code == FF_OK && version != schema->version) {
        code = lite_run(s, "BEGIN IMMEDIATE", err);
        if (code == FF_OK)
            code = upgrade(s, schema, err);
        if (code == FF_OK)
            code = lite_run(s, "COMMIT", err);
        if (!sqlite3_get_autocommit(s->db))
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    if (code == FF_OK) {
        s->schema = schema;
        lite_remember_log(s);
    }
    return code;
}
