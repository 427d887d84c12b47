/* store-sqlite/sql.c - the text of tables and statements, from the records that setup()
 * was handed. Names come from the schema and need no quotes. */
#include "lite.h"

static const char *const types[] = {
    [FF_INT] = "INTEGER", [FF_TEXT] = "TEXT",    [FF_BYTES] = "BLOB",
    [FF_JSON] = "TEXT",   [FF_TIME] = "INTEGER", [FF_BOOL] = "INTEGER",
    [FF_ENUM] = "TEXT",
};

/* --- tables --- */

/* One comparison after the other: IN would build a tree of the names for each row that
 * is written, which costs twice what the row itself does. */
static void check_names(sqlite3_str *out, const struct ff_column *column)
{
    sqlite3_str_appendall(out, " CHECK (");
    for (size_t i = 0; column->names[i]; i++)
        sqlite3_str_appendf(out, "%s%s = %Q", i ? " OR " : "", column->name,
                            column->names[i]);
    sqlite3_str_appendall(out, ")");
}

void lite_sql_check(sqlite3_str *out, const struct ff_column *column)
{
    if (column->type == FF_BOOL)
        sqlite3_str_appendf(out, " CHECK (%s IN (0, 1))", column->name);
    if (column->type == FF_ENUM)
        check_names(out, column);
}

void lite_sql_column(sqlite3_str *out, const struct ff_column *column)
{
    sqlite3_str_appendf(out, "%s %s", column->name, types[column->type]);
    if (!(column->flags & FF_COL_NULLABLE))
        sqlite3_str_appendall(out, " NOT NULL");
    lite_sql_check(out, column);
}

/* WITHOUT ROWID: one tree in the order of the key, and not a second one for it. */
void lite_sql_table(sqlite3_str *out, const struct ff_record *record)
{
    sqlite3_str_appendf(out, "CREATE TABLE %s (\n", record->name);
    for (uint16_t i = 0; i < record->n_columns; i++) {
        sqlite3_str_appendall(out, "    ");
        lite_sql_column(out, &record->columns[i]);
        sqlite3_str_appendall(out, ",\n");
    }
    sqlite3_str_appendall(out, "    PRIMARY KEY (");
    for (uint16_t i = 0; i < record->n_key; i++)
        sqlite3_str_appendf(out, "%s%s", i ? ", " : "", record->columns[i].name);
    sqlite3_str_appendall(out, ")\n) STRICT, WITHOUT ROWID");
}

void lite_sql_index(sqlite3_str *out, const struct ff_record *record,
                    const struct ff_index *index)
{
    sqlite3_str_appendf(out, "CREATE %sINDEX IF NOT EXISTS %s ON %s (",
                        index->unique ? "UNIQUE " : "", index->name, record->name);
    for (uint16_t i = 0; i < index->n_columns; i++)
        sqlite3_str_appendf(out, "%s%s", i ? ", " : "",
                            record->columns[index->columns[i]].name);
    sqlite3_str_appendall(out, ")");
}

/* --- changes --- */

static void parameter(sqlite3_str *out, struct lite_statement *statement, uint8_t what)
{
    statement->bind[statement->n_bind++] = what;
    sqlite3_str_appendall(out, "?");
}

static void set_columns(sqlite3_str *out, struct lite_statement *statement)
{
    const struct ff_record *record = statement->shape.record;

    sqlite3_str_appendall(out, " SET version = version + 1");
    for (uint16_t i = (uint16_t)(record->n_key + 1); i < record->n_columns; i++) {
        if (!(statement->shape.columns >> i & 1))
            continue;
        sqlite3_str_appendf(out, ", %s = ", record->columns[i].name);
        parameter(out, statement, (uint8_t)i);
    }
}

static void where_key(sqlite3_str *out, struct lite_statement *statement)
{
    const struct ff_record *record = statement->shape.record;

    for (uint16_t i = 0; i < record->n_key; i++) {
        sqlite3_str_appendf(out, "%s%s = ", i ? " AND " : " WHERE ",
                            record->columns[i].name);
        parameter(out, statement, (uint8_t)i);
    }
    if (statement->shape.guard == LITE_VERSION) {
        sqlite3_str_appendall(out, " AND version = ");
        parameter(out, statement, LITE_BIND_EXPECT);
    }
}

static void insert(sqlite3_str *out, struct lite_statement *statement)
{
    const struct ff_record *record = statement->shape.record;

    sqlite3_str_appendf(out, "INSERT INTO %s (", record->name);
    for (uint16_t i = 0; i < record->n_columns; i++)
        sqlite3_str_appendf(out, "%s%s", i ? ", " : "", record->columns[i].name);
    sqlite3_str_appendall(out, ") VALUES (");
    for (uint16_t i = 0; i < record->n_columns; i++) {
        sqlite3_str_appendall(out, i ? ", " : "");
        if (i == record->n_key)
            sqlite3_str_appendall(out, "1");
        else
            parameter(out, statement, (uint8_t)i);
    }
    sqlite3_str_appendall(out, ")");
}

/* Only the key may be there already: a broken unique index stays an error. */
static void or_replace(sqlite3_str *out, const struct ff_record *record)
{
    sqlite3_str_appendall(out, " ON CONFLICT (");
    for (uint16_t i = 0; i < record->n_key; i++)
        sqlite3_str_appendf(out, "%s%s", i ? ", " : "", record->columns[i].name);
    sqlite3_str_appendall(out, ") DO UPDATE SET version = version + 1");
    for (uint16_t i = (uint16_t)(record->n_key + 1); i < record->n_columns; i++)
        sqlite3_str_appendf(out, ", %s = excluded.%s", record->columns[i].name,
                            record->columns[i].name);
}

static void put(sqlite3_str *out, struct lite_statement *statement)
{
    if (statement->shape.guard == LITE_VERSION) {
        sqlite3_str_appendf(out, "UPDATE %s", statement->shape.record->name);
        set_columns(out, statement);
        where_key(out, statement);
        return;
    }
    insert(out, statement);
    if (statement->shape.guard == LITE_ANY)
        or_replace(out, statement->shape.record);
}

static void patch(sqlite3_str *out, struct lite_statement *statement)
{
    sqlite3_str_appendf(out, "UPDATE %s", statement->shape.record->name);
    set_columns(out, statement);
    where_key(out, statement);
}

static void delete_row(sqlite3_str *out, struct lite_statement *statement)
{
    sqlite3_str_appendf(out, "DELETE FROM %s", statement->shape.record->name);
    where_key(out, statement);
}

static void check(sqlite3_str *out, struct lite_statement *statement)
{
    sqlite3_str_appendf(out, "SELECT 1 FROM %s", statement->shape.record->name);
    where_key(out, statement);
}

/* --- scans --- */

size_t lite_order_length(const struct ff_record *record, int index)
{
    return (index < 0 ? 0U : record->indexes[index].n_columns) + (size_t)record->n_key;
}

uint16_t lite_order_column(const struct ff_record *record, int index, size_t i)
{
    const size_t n_indexed = index < 0 ? 0 : record->indexes[index].n_columns;

    return i < n_indexed ? record->indexes[index].columns[i]
                         : (uint16_t)(i - n_indexed);
}

bool lite_order_repeats(const struct ff_record *record, int index, size_t i)
{
    const uint16_t column = lite_order_column(record, index, i);

    for (size_t k = 0; k < i; k++)
        if (lite_order_column(record, index, k) == column)
            return true;
    return false;
}

static const char *order_name(const struct lite_shape *shape, size_t i)
{
    return shape->record->columns[lite_order_column(shape->record, shape->index, i)]
        .name;
}

static void select_columns(sqlite3_str *out, const struct lite_shape *shape)
{
    const struct ff_record *record = shape->record;
    const char *comma = "";

    sqlite3_str_appendall(out, "SELECT ");
    if (shape->kind == LITE_COUNT || !shape->columns)
        sqlite3_str_appendall(out, "1");
    for (uint16_t i = 0; shape->kind == LITE_SCAN && i < record->n_columns; i++) {
        if (!(shape->columns >> i & 1))
            continue;
        sqlite3_str_appendf(out, "%s%s", comma, record->columns[i].name);
        comma = ", ";
    }
    sqlite3_str_appendf(out, " FROM %s", record->name);
    if (shape->index >= 0)
        sqlite3_str_appendf(out, " INDEXED BY %s", record->indexes[shape->index].name);
}

static void condition(sqlite3_str *out, size_t *n, const char *name, const char *test)
{
    sqlite3_str_appendf(out, "%s%s %s", *n ? " AND " : " WHERE ", name, test);
    ++*n;
}

static void where_range(sqlite3_str *out, const struct lite_shape *shape)
{
    static const char *const beyond[] = {
        [LITE_GREATER] = "> ?",
        [LITE_LESS] = "< ?",
        [LITE_NULL] = "IS NULL",
        [LITE_NOT_NULL] = "IS NOT NULL",
    };
    const size_t n_equal = shape->n_equal;
    size_t n = 0;

    for (size_t i = 0; i < n_equal; i++)
        condition(out, &n, order_name(shape, i),
                  shape->nulls >> i & 1 ? "IS NULL" : "= ?");
    if (shape->flags & LITE_FROM)
        condition(out, &n, order_name(shape, n_equal), ">= ?");
    if (shape->flags & LITE_BELOW)
        condition(out, &n, order_name(shape, n_equal), "< ?");
    for (size_t i = n_equal; i < n_equal + shape->n_same; i++)
        condition(out, &n, order_name(shape, i),
                  shape->nulls >> i & 1 ? "IS NULL" : "= ?");
    if (shape->beyond)
        condition(out, &n, order_name(shape, n_equal + shape->n_same),
                  beyond[shape->beyond]);
}

static void select_range(sqlite3_str *out, const struct lite_shape *shape)
{
    const size_t n = lite_order_length(shape->record, shape->index);
    const char *direction = shape->flags & LITE_DESCENDING ? " DESC" : "";

    if (shape->kind == LITE_COUNT)
        sqlite3_str_appendall(out, "SELECT count(*) FROM (");
    select_columns(out, shape);
    where_range(out, shape);
    sqlite3_str_appendall(out, " ORDER BY ");
    for (size_t i = 0; i < n; i++)
        if (!lite_order_repeats(shape->record, shape->index, i))
            sqlite3_str_appendf(out, "%s%s%s", i ? ", " : "", order_name(shape, i),
                                direction);
    sqlite3_str_appendall(out, " LIMIT ?");
    if (shape->kind == LITE_COUNT)
        sqlite3_str_appendall(out, ")");
}

void lite_sql_statement(sqlite3_str *out, struct lite_statement *statement)
{
    statement->n_bind = 0;
    switch (statement->shape.kind) {
    case FF_PUT:
        put(out, statement);
        break;
    case FF_PATCH:
        patch(out, statement);
        break;
    case FF_DELETE:
        delete_row(out, statement);
        break;
    case FF_CHECK:
        check(out, statement);
        break;
    default:
        select_range(out, &statement->shape);
    }
}
