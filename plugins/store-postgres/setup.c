/* store-postgres/setup.c - makes the tables, or brings them up to the schema, in one
 * transaction under a lock that only one process can have. It only ever adds. */
#include "../shared/failpoint.h"
#include "postgres.h"

#include <string.h>

#define SETUP_US INT64_C(86400000000)

/* Takes the text over. */
static int run_text(struct pg_session *s, struct pg_text *sql, struct ff_err *err)
{
    const int code = sql->failed
                         ? ff_fail(err, FF_NO_MEMORY, 0, "out of memory for the tables")
                         : pg_run(s, sql->s, NULL, NULL, err);

    pg_text_done(sql);
    return code;
}

/* One number that a statement with the schema's name and up to one more text gives. */
static int ask(struct pg_session *s, const char *sql, const char *text, int64_t *number,
               struct ff_err *err)
{
    PGresult *result = NULL;
    struct pg_params p;
    int code;

    pg_params_begin(s, &p);
    pg_param_text(s, &p, s->config->schema);
    if (text)
        pg_param_text(s, &p, text);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s, sql, &p, &result, err);
    if (code == FF_OK)
        *number = PQntuples(result) > 0 ? pg_get_int64(result, 0, 0) : 0;
    PQclear(result);
    return code;
}

static int has_table(struct pg_session *s, const char *table, bool *has,
                     struct ff_err *err)
{
    int64_t n = 0;
    const int code = ask(s,
                         "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON "
                         "n.oid = c.relnamespace WHERE n.nspname = $1::text AND "
                         "c.relname = $2::text",
                         table, &n, err);

    *has = n > 0;
    return code;
}

static int has_column(struct pg_session *s, const struct ff_record *record,
                      const char *column, bool *has, struct ff_err *err)
{
    struct pg_params p;
    PGresult *result = NULL;
    int code;

    pg_params_begin(s, &p);
    pg_param_text(s, &p, s->config->schema);
    pg_param_text(s, &p, record->name);
    pg_param_text(s, &p, column);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s,
                      "SELECT 1 FROM pg_attribute a JOIN pg_class c ON c.oid = "
                      "a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
                      "n.nspname = $1::text AND c.relname = $2::text AND "
                      "a.attname = $3::text AND NOT a.attisdropped",
                      &p, &result, err);
    *has = code == FF_OK && PQntuples(result) > 0;
    PQclear(result);
    return code;
}

/* --- what is there --- */

/* The column of the minimum may not be there: tables of the first releases lack it, and
 * nothing is changed by looking. */
int pg_schema_version(struct pg_session *s, int64_t *version, int64_t *min,
                      struct ff_err *err)
{
    struct pg_text sql = {0};
    PGresult *result = NULL;
    bool has = false;
    int code = has_table(s, "_schema", &has, err);

    *version = *min = 0;
    if (code != FF_OK || !has)
        return code;
    pg_addf(&sql, "SELECT version::bigint, coalesce((to_json(t)->>'min_version')::"
                  "bigint, version::bigint) FROM ");
    pg_sql_table_name(&sql, s->config->schema, "_schema");
    pg_addf(&sql, " t");
    code = sql.failed ? ff_fail(err, FF_NO_MEMORY, 0, "out of memory")
                      : pg_run(s, sql.s, NULL, &result, err);
    pg_text_done(&sql);
    if (code == FF_OK && PQntuples(result) == 1) {
        *version = pg_get_int64(result, 0, 0);
        *min = pg_get_int64(result, 0, 1);
    }
    PQclear(result);
    return code;
}

/* Reads which version is there, and whether this program must keep out of it. */
static int look(struct pg_session *s, const struct ff_schema *schema, int64_t *version,
                struct ff_err *err)
{
    int64_t min = 0;
    const int code = pg_schema_version(s, version, &min, err);

    if (code != FF_OK || *version <= schema->version || min <= schema->version)
        return code;
    return ff_fail(err, FF_UNSUPPORTED, 0,
                   "PostgreSQL at %.60s: schema %.60s has version %lld, which is newer "
                   "than this program's %u, and for %lld or above; use the newer "
                   "program or restore a backup",
                   s->config->host, s->config->schema, (long long)*version,
                   schema->version, (long long)min);
}

/* Tables of somebody else are no place for ours. */
static int check_origin(struct pg_session *s, struct ff_err *err)
{
    int64_t n = 0;
    int code = ask(s,
                   "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = "
                   "c.relnamespace WHERE n.nspname = $1::text AND c.relkind IN "
                   "('r', 'p', 'v', 'm')",
                   NULL, &n, err);

    if (code == FF_OK && n > 0)
        code = ff_fail(err, FF_INVALID, 0,
                       "PostgreSQL at %.60s: schema %.60s belongs to another program; "
                       "name another one in database.schema",
                       s->config->host, s->config->schema);
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
                 record->n_columns <= PG_MAX_COLUMNS && record->name[0] != '_';

    for (uint16_t i = 0; right && i < record->n_columns; i++)
        right = is_known_type(&record->columns[i]) &&
                (i > record->n_key || !(record->columns[i].flags & FF_COL_NULLABLE));
    if (right && strcmp(record->columns[record->n_key].name, "version") == 0)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "record %s: not of a shape that can be stored",
                   record->name);
}

/* --- making it so --- */

static int make_schema(struct pg_session *s, struct ff_err *err)
{
    struct pg_text sql = {0};
    int64_t there = 0;
    int code = ask(s, "SELECT count(*) FROM pg_namespace WHERE nspname = $1::text",
                   NULL, &there, err);

    /* IF NOT EXISTS asks for the right to create one even where it is there. */
    if (code != FF_OK || there)
        return code == FF_OK ? check_origin(s, err) : code;
    pg_addf(&sql, "CREATE SCHEMA ");
    pg_add_name(&sql, s->config->schema);
    return run_text(s, &sql, err);
}

/* The driver's own tables, whose names no record has. */
static int make_own_tables(struct pg_session *s, struct ff_err *err)
{
    static const struct {
        const char *name, *columns;
    } tables[] = {
        {"_schema", "(version integer NOT NULL, min_version integer)"},
        {"_session", ("(token text COLLATE \"C\" PRIMARY KEY, n bigint NOT NULL, "
                      "at timestamptz NOT NULL) WITH (fillfactor = 30)")},
        {"_watch", "(record text COLLATE \"C\" PRIMARY KEY)"},
    };
    int code = FF_OK;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && code == FF_OK; i++) {
        struct pg_text sql = {0};

        pg_addf(&sql, "CREATE TABLE ");
        pg_sql_table_name(&sql, s->config->schema, tables[i].name);
        pg_addf(&sql, " %s", tables[i].columns);
        code = run_text(s, &sql, err);
    }
    return code;
}

static int add_column(struct pg_session *s, const struct ff_record *record,
                      const struct ff_column *column, struct ff_err *err)
{
    struct pg_text sql = {0};

    if (!(column->flags & FF_COL_NULLABLE))
        return ff_fail(err, FF_CORRUPT, 0, "PostgreSQL at %.60s: %s has no column %s",
                       s->config->host, record->name, column->name);
    pg_addf(&sql, "ALTER TABLE ");
    pg_sql_table_name(&sql, s->config->schema, record->name);
    pg_addf(&sql, " ADD COLUMN ");
    pg_sql_column(&sql, record, column);
    return run_text(s, &sql, err);
}

/* The names may have become more: rows that are there have old ones, and are not looked
 * at. */
static int renew_names(struct pg_session *s, const struct ff_record *record,
                       const struct ff_column *column, struct ff_err *err)
{
    struct pg_text sql = {0};

    pg_addf(&sql, "ALTER TABLE ");
    pg_sql_table_name(&sql, s->config->schema, record->name);
    pg_addf(&sql, " DROP CONSTRAINT IF EXISTS ");
    pg_sql_check_name(&sql, record, column);
    pg_addf(&sql, ", ADD ");
    pg_sql_check(&sql, record, column);
    pg_addf(&sql, " NOT VALID");
    return run_text(s, &sql, err);
}

static int upgrade_table(struct pg_session *s, const struct ff_record *record,
                         struct ff_err *err)
{
    int code = FF_OK;

    for (uint16_t i = 0; i < record->n_columns && code == FF_OK; i++) {
        const struct ff_column *column = &record->columns[i];
        bool has = false;

        code = has_column(s, record, column->name, &has, err);
        if (code == FF_OK && !has)
            code = add_column(s, record, column, err);
        else if (code == FF_OK && column->type == FF_ENUM)
            code = renew_names(s, record, column, err);
    }
    return code;
}

static int make_table(struct pg_session *s, const struct ff_record *record,
                      struct ff_err *err)
{
    struct pg_text sql = {0};

    pg_sql_table(&sql, s->config->schema, record);
    return run_text(s, &sql, err);
}

static int set_up_record(struct pg_session *s, const struct ff_record *record,
                         struct ff_err *err)
{
    bool has = false;
    int code = check_record(record, err);

    if (code == FF_OK)
        code = has_table(s, record->name, &has, err);
    if (code == FF_OK)
        code = has ? upgrade_table(s, record, err) : make_table(s, record, err);
    for (uint16_t i = 0; i < record->n_indexes && code == FF_OK; i++) {
        struct pg_text sql = {0};

        pg_sql_index(&sql, s->config->schema, record, &record->indexes[i]);
        code = run_text(s, &sql, err);
    }
    return code;
}

/* Tables of the first releases have no minimum. */
static int add_minimum(struct pg_session *s, struct ff_err *err)
{
    struct pg_text sql = {0};

    pg_addf(&sql, "ALTER TABLE ");
    pg_sql_table_name(&sql, s->config->schema, "_schema");
    pg_addf(&sql, " ADD COLUMN IF NOT EXISTS min_version integer");
    return run_text(s, &sql, err);
}

static int mark_version(struct pg_session *s, const struct ff_schema *schema,
                        bool is_new, struct ff_err *err)
{
    struct pg_text sql = {0};
    const int code = is_new ? FF_OK : add_minimum(s, err);

    if (code != FF_OK)
        return code;
    pg_addf(&sql, "%s", is_new ? "INSERT INTO " : "UPDATE ");
    pg_sql_table_name(&sql, s->config->schema, "_schema");
    pg_addf(&sql, "%s%u, %u)",
            is_new ? " (version, min_version) VALUES ("
                   : " SET (version, min_version) = (",
            schema->version, ff_schema_min(schema));
    return run_text(s, &sql, err);
}

/* In a transaction that holds the lock: whoever waited for it looks again. */
static int upgrade(struct pg_session *s, const struct ff_schema *schema,
                   struct ff_err *err)
{
    int64_t version = 0;
    int code = look(s, schema, &version, err);

    if (code != FF_OK || version >= schema->version)
        return code;
    if (version == 0)
        code = make_schema(s, err);
    if (code == FF_OK && version == 0)
        code = make_own_tables(s, err);
    for (size_t i = 0; schema->records[i] && code == FF_OK; i++)
        code = set_up_record(s, schema->records[i], err);
    return code == FF_OK ? mark_version(s, schema, version == 0, err) : code;
}

/* Whoever has it may have much to do: it is waited for as long as it takes. For tables
 * that others use we do not wait so long, because they would all wait behind us. */
static int lock(struct pg_session *s, struct ff_err *err)
{
    struct pg_params p;
    int code = pg_run(s,
                      "SELECT set_config('statement_timeout', '0', true), "
                      "set_config('lock_timeout', '0', true)",
                      NULL, NULL, err);

    pg_params_begin(s, &p);
    pg_param_text(s, &p, s->config->schema);
    if (code == FF_OK)
        code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s, "SELECT pg_advisory_xact_lock(1179012183, hashtext($1::text))",
                      &p, NULL, err);
    if (code == FF_OK)
        code =
            pg_run(s, "SELECT set_config('lock_timeout', '" PG_LOCK_TIMEOUT "', true)",
                   NULL, NULL, err);
    return code;
}

static int upgrade_alone(struct pg_session *s, const struct ff_schema *schema,
                         struct ff_err *err)
{
    struct ff_err ignored;
    int code = pg_run(s, "BEGIN", NULL, NULL, err);

    s->answer_us = SETUP_US;
    if (code == FF_OK)
        code = lock(s, err);
    if (code == FF_OK)
        code = upgrade(s, schema, err);
    FAILPOINT("postgres.setup.before");
    if (code == FF_OK)
        code = pg_run(s, "COMMIT", NULL, NULL, err);
    else if (s->conn)
        pg_run(s, "ROLLBACK", NULL, NULL, &ignored);
    FAILPOINT("postgres.setup.after");
    pg_reset_patience(s);
    return code;
}

/* Looking first: a start on tables that are up to date writes nothing, and needs no
 * right to. */
int pg_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    struct pg_session *s = store;
    int64_t version = 0;
    int code = pg_connect(s, true, err);

    if (code == FF_OK)
        code = look(s, schema, &version, err);
    if (code == FF_OK && version < schema->version)
        code = upgrade_alone(s, schema, err);
    if (code != FF_OK)
        return code;
    if (s->schema != schema)
        pg_cache_done(&s->cache); /* its shapes are of records that may be gone */
    s->schema = schema;
    return FF_OK;
}
