/* model/sql.c - the tables as SQL, for schema.sql: what a person reads to know the
 * database. It knows the model's records only; a store driver writes its own from the
 * schema that setup() hands it, and a test holds the two together. */
#include "model/model.h"

static const char *const sql_types[] = {
    [FF_INT] = "INTEGER", [FF_TEXT] = "TEXT",    [FF_BYTES] = "BLOB",
    [FF_JSON] = "TEXT",   [FF_TIME] = "INTEGER", [FF_BOOL] = "INTEGER",
    [FF_ENUM] = "TEXT",
};

static void add_check(struct buf *out, const struct ff_column *column)
{
    if (column->type == FF_BOOL)
        buf_printf(out, " CHECK (%s IN (0, 1))", column->name);
    if (column->type != FF_ENUM)
        return;
    buf_add_text(out, " CHECK (");
    for (size_t i = 0; column->names[i]; i++)
        buf_printf(out, "%s%s = '%s'", i ? " OR " : "", column->name, column->names[i]);
    buf_add_char(out, ')');
}

static void add_table(struct buf *out, const struct ff_record *record)
{
    buf_printf(out, "CREATE TABLE %s (\n", record->name);
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_column *column = &record->columns[i];

        buf_printf(out, "    %s %s", column->name, sql_types[column->type]);
        if (!(column->flags & FF_COL_NULLABLE))
            buf_add_text(out, " NOT NULL");
        add_check(out, column);
        buf_add_text(out, ",\n");
    }
    buf_add_text(out, "    PRIMARY KEY (");
    for (uint16_t i = 0; i < record->n_key; i++)
        buf_printf(out, "%s%s", i ? ", " : "", record->columns[i].name);
    buf_add_text(out, ")\n) STRICT, WITHOUT ROWID;\n");
}

static void add_index(struct buf *out, const struct ff_record *record,
                      const struct ff_index *index)
{
    buf_printf(out, "CREATE %sINDEX %s ON %s (", index->unique ? "UNIQUE " : "",
               index->name, record->name);
    for (uint16_t i = 0; i < index->n_columns; i++)
        buf_printf(out, "%s%s", i ? ", " : "", record->columns[index->columns[i]].name);
    buf_add_text(out, ");\n");
}

void model_schema_sql(struct buf *out)
{
    for (size_t r = 0; model_schema.records[r]; r++) {
        const struct ff_record *record = model_schema.records[r];

        if (r)
            buf_add_char(out, '\n');
        add_table(out, record);
        for (uint16_t i = 0; i < record->n_indexes; i++)
            add_index(out, record, &record->indexes[i]);
    }
}
