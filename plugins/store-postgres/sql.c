/* store-postgres/sql.c - the text of tables and of changes, from the records that
 * setup() was handed.
 *
 * A change's statement takes arrays, one element for each row, so that its text does
 * not depend on how many there are. Every one of them answers with the number of rows
 * that it found as expected. */
#include "postgres.h"

/* Text by its bytes, whatever the database was made with. Times are numbers, because
 * timestamptz does not reach as far as 64 bits. JSON as it was given: jsonb would give
 * another text back, and a commit in doubt is settled by comparing texts. */
static const char *const column_types[] = {
    [FF_INT] = "bigint",
    [FF_TEXT] = "text COLLATE \"C\"",
    [FF_BYTES] = "bytea",
    [FF_JSON] = "json",
    [FF_TIME] = "bigint",
    [FF_BOOL] = "boolean",
    [FF_ENUM] = "text COLLATE \"C\"",
};

static const char *const value_types[] = {
    [FF_INT] = "bigint", [FF_TEXT] = "text",   [FF_BYTES] = "bytea",
    [FF_JSON] = "json",  [FF_TIME] = "bigint", [FF_BOOL] = "boolean",
    [FF_ENUM] = "text",
};

const char *pg_sql_type(uint32_t type)
{
    return value_types[type];
}

/* --- tables --- */

void pg_sql_table_name(struct pg_text *out, const char *schema, const char *table)
{
    pg_add_name(out, schema);
    pg_addf(out, ".");
    pg_add_name(out, table);
}

void pg_sql_check_name(struct pg_text *out, const struct ff_record *record,
                       const struct ff_column *column)
{
    struct pg_text name = {0};

    pg_addf(&name, "%s_%s_names", record->name, column->name);
    out->failed |= name.failed;
    pg_add_name(out, name.s ? name.s : "");
    pg_text_done(&name);
}

void pg_sql_check(struct pg_text *out, const struct ff_record *record,
                  const struct ff_column *column)
{
    if (column->type != FF_ENUM)
        return;
    pg_addf(out, "CONSTRAINT ");
    pg_sql_check_name(out, record, column);
    pg_addf(out, " CHECK (");
    for (size_t i = 0; column->names[i]; i++) {
        pg_addf(out, "%s", i ? " OR " : "");
        pg_add_name(out, column->name);
        pg_addf(out, " = ");
        pg_add_literal(out, column->names[i]);
    }
    pg_addf(out, ")");
}

void pg_sql_column(struct pg_text *out, const struct ff_record *record,
                   const struct ff_column *column)
{
    pg_add_name(out, column->name);
    pg_addf(out, " %s%s ", column_types[column->type],
            column->flags & FF_COL_NULLABLE ? "" : " NOT NULL");
    pg_sql_check(out, record, column);
}

/* What has a state changes it: half of each page is left for the next versions of its
 * rows. A change that finds room there, and touches no column of an index, writes to no
 * index at all. */
static unsigned fill_of(const struct ff_record *record)
{
    for (uint16_t i = (uint16_t)(record->n_key + 1); i < record->n_columns; i++)
        if (record->columns[i].type == FF_ENUM)
            return 50;
    return 90;
}

void pg_sql_table(struct pg_text *out, const char *schema,
                  const struct ff_record *record)
{
    pg_addf(out, "CREATE TABLE ");
    pg_sql_table_name(out, schema, record->name);
    pg_addf(out, " (\n");
    for (uint16_t i = 0; i < record->n_columns; i++) {
        pg_addf(out, "    ");
        pg_sql_column(out, record, &record->columns[i]);
        pg_addf(out, ",\n");
    }
    pg_addf(out, "    PRIMARY KEY (");
    for (uint16_t i = 0; i < record->n_key; i++) {
        pg_addf(out, "%s", i ? ", " : "");
        pg_add_name(out, record->columns[i].name);
    }
    pg_addf(out, ")\n) WITH (fillfactor = %u)", fill_of(record));
}

/* The key follows, so that a walk along the index is in the order of the contract - not
 * in a unique one, which would not be unique then. */
void pg_sql_index(struct pg_text *out, const char *schema,
                  const struct ff_record *record, const struct ff_index *index)
{
    const int place = (int)(index - record->indexes);
    struct pg_order order;

    pg_order_of(record, place, &order);
    pg_addf(out, "CREATE %sINDEX IF NOT EXISTS ", index->unique ? "UNIQUE " : "");
    pg_add_name(out, index->name);
    pg_addf(out, " ON ");
    pg_sql_table_name(out, schema, record->name);
    pg_addf(out, " (");
    for (size_t i = 0; i < (index->unique ? index->n_columns : order.n); i++) {
        const struct ff_column *column = &record->columns[order.columns[i]];

        if (order.repeats[i])
            continue;
        pg_addf(out, "%s", i ? ", " : "");
        pg_add_name(out, column->name);
        pg_addf(out, "%s", column->flags & FF_COL_NULLABLE ? " NULLS FIRST" : "");
    }
    pg_addf(out, ")");
}

/* --- changes --- */

size_t pg_sql_binds(const struct pg_shape *shape, uint8_t binds[PG_MAX_COLUMNS * 2])
{
    size_t n = 0;

    for (uint8_t i = 0; i < shape->record->n_key; i++)
        binds[n++] = i;
    for (uint8_t i = 0; i < shape->record->n_columns; i++)
        if (shape->columns >> i & 1)
            binds[n++] = i;
    if (shape->guard == PG_VERSION)
        binds[n++] = PG_BIND_EXPECT;
    return n;
}

/* unnest($1::bigint[], ...) AS r(c0, ..., v): the rows of the parameters. */
static void add_rows(struct pg_text *out, const struct pg_shape *shape)
{
    uint8_t binds[PG_MAX_COLUMNS * 2];
    const size_t n = pg_sql_binds(shape, binds);

    pg_addf(out, "unnest(");
    for (size_t i = 0; i < n; i++)
        pg_addf(out, "%s$%zu::%s[]", i ? ", " : "", i + 1,
                binds[i] == PG_BIND_EXPECT
                    ? "bigint"
                    : value_types[shape->record->columns[binds[i]].type]);
    pg_addf(out, ") AS r(");
    for (size_t i = 0; i < n; i++) {
        if (binds[i] == PG_BIND_EXPECT)
            pg_addf(out, ", v");
        else
            pg_addf(out, "%sc%u", i ? ", " : "", binds[i]);
    }
    pg_addf(out, ")");
}

static void add_table(struct pg_text *out, const char *schema,
                      const struct pg_shape *shape)
{
    pg_sql_table_name(out, schema, shape->record->name);
    pg_addf(out, " AS t");
}

static void where_key(struct pg_text *out, const struct pg_shape *shape)
{
    for (uint16_t i = 0; i < shape->record->n_key; i++) {
        pg_addf(out, "%st.", i ? " AND " : " WHERE ");
        pg_add_name(out, shape->record->columns[i].name);
        pg_addf(out, " = r.c%u", i);
    }
    if (shape->guard == PG_VERSION)
        pg_addf(out, " AND t.\"version\" = r.v");
}

/* The key, the version, and those columns that have a value. */
static bool is_inserted(const struct pg_shape *shape, uint16_t column)
{
    return column <= shape->record->n_key || (shape->columns >> column & 1);
}

static void insert(struct pg_text *out, const char *schema,
                   const struct pg_shape *shape)
{
    const struct ff_record *record = shape->record;

    pg_addf(out, "INSERT INTO ");
    add_table(out, schema, shape);
    pg_addf(out, " (");
    for (uint16_t i = 0; i < record->n_columns; i++) {
        if (!is_inserted(shape, i))
            continue;
        pg_addf(out, "%s", i ? ", " : "");
        pg_add_name(out, record->columns[i].name);
    }
    pg_addf(out, ") SELECT ");
    for (uint16_t i = 0; i < record->n_columns; i++) {
        if (!is_inserted(shape, i))
            continue;
        pg_addf(out, "%s", i ? ", " : "");
        if (i == record->n_key)
            pg_addf(out, "1");
        else
            pg_addf(out, "r.c%u", i);
    }
    pg_addf(out, " FROM ");
    add_rows(out, shape);
}

/* Only the key may be there already: a broken unique index stays an error. */
static void or_replace(struct pg_text *out, const struct ff_record *record)
{
    pg_addf(out, " ON CONFLICT (");
    for (uint16_t i = 0; i < record->n_key; i++) {
        pg_addf(out, "%s", i ? ", " : "");
        pg_add_name(out, record->columns[i].name);
    }
    pg_addf(out, ") DO UPDATE SET \"version\" = t.\"version\" + 1");
    for (uint16_t i = (uint16_t)(record->n_key + 1); i < record->n_columns; i++) {
        pg_addf(out, ", ");
        pg_add_name(out, record->columns[i].name);
        pg_addf(out, " = excluded.");
        pg_add_name(out, record->columns[i].name);
    }
}

static void update(struct pg_text *out, const char *schema,
                   const struct pg_shape *shape)
{
    const struct ff_record *record = shape->record;

    pg_addf(out, "UPDATE ");
    add_table(out, schema, shape);
    pg_addf(out, " SET \"version\" = t.\"version\" + 1");
    for (uint16_t i = 0; i < record->n_columns; i++) {
        if (!(shape->columns >> i & 1))
            continue;
        pg_addf(out, ", ");
        pg_add_name(out, record->columns[i].name);
        pg_addf(out, " = r.c%u", i);
    }
    pg_addf(out, " FROM ");
    add_rows(out, shape);
    where_key(out, shape);
}

/* DO NOTHING, and too few rows, instead of an error: a conflict is no fault of anybody,
 * and does not belong into the server's log. It costs half as much again as the insert
 * itself, so many rows at once, which are hardly ever there, do without. */
static void put(struct pg_text *out, const char *schema, const struct pg_shape *shape)
{
    if (shape->guard == PG_VERSION) {
        update(out, schema, shape);
        return;
    }
    insert(out, schema, shape);
    if (shape->guard == PG_ANY)
        or_replace(out, shape->record);
    else if (!(shape->flags & PG_RAISES))
        pg_addf(out, " ON CONFLICT DO NOTHING");
}

static void delete_rows(struct pg_text *out, const char *schema,
                        const struct pg_shape *shape)
{
    pg_addf(out, "DELETE FROM ");
    add_table(out, schema, shape);
    pg_addf(out, " USING ");
    add_rows(out, shape);
    where_key(out, shape);
}

/* What was found stays as it is until the transaction is over. That nothing was found
 * is held by a lock of the table: see commit.c. */
static void check(struct pg_text *out, const char *schema, const struct pg_shape *shape)
{
    pg_addf(out, "SELECT FROM ");
    add_table(out, schema, shape);
    pg_addf(out, ", ");
    add_rows(out, shape);
    where_key(out, shape);
    pg_addf(out, " FOR SHARE OF t");
}

void pg_sql_change(struct pg_text *out, const char *schema,
                   const struct pg_shape *shape)
{
    static void (*const texts[])(struct pg_text *, const char *,
                                 const struct pg_shape *) = {
        [FF_PUT] = put,
        [FF_PATCH] = update,
        [FF_DELETE] = delete_rows,
        [FF_CHECK] = check,
    };

    texts[shape->kind](out, schema, shape);
}
