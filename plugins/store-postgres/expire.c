/* store-postgres/expire.c - deletes what is older than a time, some rows with each
 * statement: one that is ended by its timeout has deleted nothing. */
#include "postgres.h"

#define ROWS "10000"

/* -1: no index begins with, or goes on to, a time. */
static int first_indexed_time(const struct ff_record *record)
{
    for (uint16_t i = 0; i < record->n_indexes; i++)
        for (uint16_t k = 0; k < record->indexes[i].n_columns; k++)
            if (record->columns[record->indexes[i].columns[k]].type == FF_TIME)
                return record->indexes[i].columns[k];
    return -1;
}

/* Rows that change while they are looked for are asked again. */
static void delete_text(const struct pg_session *s, const struct ff_record *record,
                        int column, struct pg_text *sql)
{
    pg_addf(sql, "WITH gone AS (DELETE FROM ");
    pg_sql_table_name(sql, s->config->schema, record->name);
    pg_addf(sql, " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ");
    pg_sql_table_name(sql, s->config->schema, record->name);
    pg_addf(sql, " WHERE ");
    pg_add_name(sql, record->columns[column].name);
    pg_addf(sql, " < $1::bigint LIMIT " ROWS ")) AND ");
    pg_add_name(sql, record->columns[column].name);
    pg_addf(sql, " < $1::bigint RETURNING 1) SELECT count(*) FROM gone");
}

static int delete_some(struct pg_session *s, const char *sql, int64_t before_us,
                       int64_t *n, struct ff_err *err)
{
    PGresult *result = NULL;
    struct pg_params p;
    int code;

    pg_params_begin(s, &p);
    pg_param_int64(s, &p, before_us);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s, sql, &p, &result, err);
    *n = code == FF_OK ? pg_get_int64(result, 0, 0) : 0;
    PQclear(result);
    return code;
}

static int delete_rows(struct pg_session *s, const struct ff_record *record, int column,
                       int64_t before_us, uint64_t *n, struct ff_err *err)
{
    struct pg_text sql = {0};
    uint64_t n_all = 0;
    int64_t n_some = 1;
    int code = FF_OK;

    delete_text(s, record, column, &sql);
    if (sql.failed)
        code = ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
    for (; code == FF_OK && n_some > 0; n_all += (uint64_t)n_some)
        code = delete_some(s, sql.s, before_us, &n_some, err);
    if (code == FF_OK)
        *n = n_all;
    pg_text_done(&sql);
    return code;
}

/* When the connection breaks some may be gone and some not: whoever asks again deletes
 * the rest. */
int pg_expire(void *store, const struct ff_record *record, int64_t before_us,
              uint64_t *n, struct ff_err *err)
{
    struct pg_session *s = store;
    const int column = pg_knows(s->schema, record) ? first_indexed_time(record) : -1;
    int code;

    if (column < 0)
        return ff_fail(err, FF_INVALID, 0, "%s has no index of a time", record->name);
    code = pg_connect(s, true, err);
    return code == FF_OK ? delete_rows(s, record, column, before_us, n, err) : code;
}
