/* store-sqlite/setup.c - makes the tables, or brings them up to the schema, in one
 * transaction that only one process can be in. */
#include "../shared/failpoint.h"
#include "lite.h"

#include <string.h>

#define APPLICATION_ID 0x46464c57 /* "FFLW", shown by file(1) */

int lite_number(struct lite_session *s, const char *sql, int64_t *number,
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

/* Both are in user_version, which is 32 bits: the lowest version that may use the file
 * above the file's own. Nothing there is the file's own. */
#define VERSION_BITS 16
#define VERSION_MAX  INT16_MAX

int lite_schema_version(struct lite_session *s, int64_t *version, int64_t *min,
                        struct ff_err *err)
{
    int64_t both = 0;
    const int code = lite_number(s, "PRAGMA user_version", &both, err);

    *version = both & ((1 << VERSION_BITS) - 1);
    *min = both >> VERSION_BITS > 0 ? both >> VERSION_BITS : *version;
    return code;
}

/* Nothing in it yet, or ours and nothing that this program must keep out of. */
static int check_origin(struct lite_session *s, const struct ff_schema *schema,
                        int64_t *version, struct ff_err *err)
{
    int64_t application = 0;
    int64_t n_tables = 0;
    int64_t min = 0;
    int code = lite_number(s, "PRAGMA application_id", &application, err);

    if (code == FF_OK)
        code = lite_schema_version(s, version, &min, err);
    if (code == FF_OK)
        code = lite_number(s, "SELECT count(*) FROM sqlite_schema", &n_tables, err);
    if (code != FF_OK)
        return code;
    if (application != APPLICATION_ID && (application != 0 || n_tables != 0))
        return ff_fail(err, FF_INVALID, 0, "database %s: it belongs to another program",
                       lite_file_path(s->file));
    if (*version > schema->version && min > schema->version)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "database %s: its schema %lld is newer than this program's %u, "
                       "and for %lld or above; use the newer program or restore a "
                       "backup",
                       lite_file_path(s->file), (long long)*version, schema->version,
                       (long long)min);
    if (schema->version > VERSION_MAX)
        return ff_fail(err, FF_INVALID, 0, "a schema's version is at most %d",
                       VERSION_MAX);
    return FF_OK;
}

/* All of it at one moment: another process may be making the tables. */
static int look_at_origin(struct lite_session *s, const struct ff_schema *schema,
                          int64_t *version, struct ff_err *err)
{
    int code = lite_run(s, "BEGIN", err);

    if (code == FF_OK)
        code = check_origin(s, schema, version, err);
    lite_roll_back(s);
    return code;
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

/* --- what is there --- */

/* The statement that made the table; NULL in *sql when there is no such table. */
static int read_table_sql(struct lite_session *s, const char *table, char **sql,
                          struct ff_err *err)
{
    sqlite3_stmt *stmt;
    int result = sqlite3_prepare_v2(
        s->db, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", -1,
        &stmt, NULL);

    *sql = NULL;
    if (result == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
        result = sqlite3_step(stmt);
    }
    if (result == SQLITE_ROW)
        *sql = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return lite_fail(s, result, table, err);
    if (result == SQLITE_ROW && !*sql)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for %s", table);
    return FF_OK;
}

static int has_column(struct lite_session *s, const char *table, const char *column,
                      bool *has, struct ff_err *err)
{
    sqlite3_stmt *stmt;
    int result = sqlite3_prepare_v2(
        s->db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?", -1, &stmt, NULL);

    if (result == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, column, -1, SQLITE_STATIC);
        result = sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    *has = result == SQLITE_ROW;
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return lite_fail(s, result, table, err);
    return FF_OK;
}

/* Does the table take all names of its enums? */
static int takes_all_names(struct lite_session *s, const struct ff_record *record,
                           const char *sql, bool *takes, struct ff_err *err)
{
    *takes = true;
    for (uint16_t i = 0; i < record->n_columns && *takes; i++) {
        sqlite3_str *text = sqlite3_str_new(s->db);
        char *check;

        lite_sql_check(text, &record->columns[i]);
        if (sqlite3_str_length(text) == 0) {
            sqlite3_free(sqlite3_str_finish(text));
            continue;
        }
        check = sqlite3_str_finish(text);
        if (!check)
            return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for %s", record->name);

        bool has = false;
        const int code =
            has_column(s, record->name, record->columns[i].name, &has, err);

        *takes = !has || strstr(sql, check);
        sqlite3_free(check);
        if (code != FF_OK)
            return code;
    }
    return FF_OK;
}

/* --- making it so --- */

/* The columns that the table has and the schema knows, with commas. */
static int add_common_columns(struct lite_session *s, const struct ff_record *record,
                              sqlite3_str *out, struct ff_err *err)
{
    for (uint16_t i = 0; i < record->n_columns; i++) {
        bool has = false;
        const int code =
            has_column(s, record->name, record->columns[i].name, &has, err);

        if (code != FF_OK)
            return code;
        if (has)
            sqlite3_str_appendf(out, "%s%s", i ? ", " : "", record->columns[i].name);
    }
    return FF_OK;
}

/* SQLite cannot change a CHECK: a new table takes over the rows. */
static int make_anew(struct lite_session *s, const struct ff_record *record,
                     struct ff_err *err)
{
    sqlite3_str *names = sqlite3_str_new(s->db);
    sqlite3_str *sql = sqlite3_str_new(s->db);
    int code = add_common_columns(s, record, names, err);
    char *columns = sqlite3_str_finish(names);

    sqlite3_str_appendf(sql, "ALTER TABLE %s RENAME TO old_%s;\n", record->name,
                        record->name);
    lite_sql_table(sql, record);
    sqlite3_str_appendf(sql,
                        ";\nINSERT INTO %s (%s) SELECT %s FROM old_%s;\n"
                        "DROP TABLE old_%s",
                        record->name, columns, columns, record->name, record->name);
    sqlite3_free(columns);
    if (code == FF_OK)
        return run_text(s, sql, err);
    sqlite3_free(sqlite3_str_finish(sql));
    return code;
}

static int add_columns(struct lite_session *s, const struct ff_record *record,
                       struct ff_err *err)
{
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_column *column = &record->columns[i];
        bool has = false;
        const int code = has_column(s, record->name, column->name, &has, err);

        if (code != FF_OK)
            return code;
        if (has)
            continue;
        if (!(column->flags & FF_COL_NULLABLE))
            return ff_fail(err, FF_CORRUPT, 0, "database %s: %s has no column %s",
                           lite_file_path(s->file), record->name, column->name);

        sqlite3_str *sql = sqlite3_str_new(s->db);

        sqlite3_str_appendf(sql, "ALTER TABLE %s ADD COLUMN ", record->name);
        lite_sql_column(sql, column);
        if (run_text(s, sql, err) != FF_OK)
            return err->code;
    }
    return FF_OK;
}

static int upgrade_table(struct lite_session *s, const struct ff_record *record,
                         const char *sql, struct ff_err *err)
{
    bool takes = true;
    int code = takes_all_names(s, record, sql, &takes, err);

    if (code == FF_OK && !takes)
        code = make_anew(s, record, err);
    return code == FF_OK ? add_columns(s, record, err) : code;
}

static int make_table(struct lite_session *s, const struct ff_record *record,
                      struct ff_err *err)
{
    sqlite3_str *sql = sqlite3_str_new(s->db);

    lite_sql_table(sql, record);
    return run_text(s, sql, err);
}

static int set_up_record(struct lite_session *s, const struct ff_record *record,
                         struct ff_err *err)
{
    char *sql = NULL;
    int code = check_record(record, err);

    if (code == FF_OK)
        code = read_table_sql(s, record->name, &sql, err);
    if (code == FF_OK)
        code = sql ? upgrade_table(s, record, sql, err) : make_table(s, record, err);
    sqlite3_free(sql);
    for (uint16_t i = 0; i < record->n_indexes && code == FF_OK; i++) {
        sqlite3_str *index = sqlite3_str_new(s->db);

        lite_sql_index(index, record, &record->indexes[i]);
        code = run_text(s, index, err);
    }
    return code;
}

static int mark(struct lite_session *s, const struct ff_schema *schema,
                struct ff_err *err)
{
    sqlite3_str *sql = sqlite3_str_new(s->db);

    sqlite3_str_appendf(sql, "PRAGMA application_id = %d; PRAGMA user_version = %u",
                        APPLICATION_ID,
                        ff_schema_min(schema) < schema->version
                            ? ff_schema_min(schema) << VERSION_BITS | schema->version
                            : schema->version);
    return run_text(s, sql, err);
}

static int upgrade(struct lite_session *s, const struct ff_schema *schema,
                   struct ff_err *err)
{
    int64_t version = 0;
    int code = check_origin(s, schema, &version, err);

    if (code != FF_OK || version >= schema->version)
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
        code = look_at_origin(s, schema, &version, err);
    if (code == FF_OK && version < schema->version) {
        code = lite_run(s, "BEGIN IMMEDIATE", err);
        if (code == FF_OK)
            code = upgrade(s, schema, err);
        FAILPOINT("sqlite.setup.before");
        if (code == FF_OK)
            code = lite_run(s, "COMMIT", err);
        FAILPOINT("sqlite.setup.after");
        lite_roll_back(s);
    }
    if (code == FF_OK) {
        s->schema = schema;
        lite_remember_files(s);
    }
    return code;
}
