/* store-postgres/spans.c - rows that go together: a table in partitions.
 *
 * A table is made as any other. The first span makes it the first partition of a new
 * one that takes its name, so that nothing is copied; rows that fit nowhere go to a
 * partition of their own, so that none is ever refused. Whoever does any of this waits
 * for others a moment only, since all who come meanwhile wait behind him. */
#include "postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_SIZE 32
#define BEFORE    "before" /* the partition that was the table */
#define REST      "rest"   /* the one of what fits nowhere */
#define FILL      "90"     /* rows without a state do not change */
/* What a table may have for its rows to be looked at while others wait: of more it is
 * likely that the time is over first, and all would have waited for nothing. */
#define SCAN_BYTES INT64_C(1000000000)

struct spanned {
    struct pg_session *s;
    const struct ff_record *record;
    const char *column;
};

/* --- statements --- */

/* Takes the text over. */
static int run(struct pg_session *s, struct pg_text *sql, PGresult **result,
               struct ff_err *err)
{
    const int code = sql->failed
                         ? ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a span")
                         : pg_run(s, sql->s, NULL, result, err);

    pg_text_done(sql);
    return code;
}

/* The table, or a partition of it. */
static void add_table(struct pg_text *sql, const struct spanned *t, const char *part)
{
    struct pg_text name = {0};

    pg_addf(&name, "%s%s%s", t->record->name, part ? "_" : "", part ? part : "");
    sql->failed |= name.failed;
    pg_sql_table_name(sql, t->s->config->schema, name.s ? name.s : "");
    pg_text_done(&name);
}

static void name_part(const struct ff_span *span, char name[NAME_SIZE])
{
    if (span->from == INT64_MIN)
        snprintf(name, NAME_SIZE, BEFORE);
    else
        snprintf(name, NAME_SIZE, "%" PRId64, span->from);
}

/* The names of the schema and of the table, and what `sql` gives for them. */
static int ask(const struct spanned *t, const char *sql, PGresult **result,
               struct ff_err *err)
{
    struct pg_params p;
    int code;

    pg_params_begin(t->s, &p);
    pg_param_text(t->s, &p, t->s->config->schema);
    pg_param_text(t->s, &p, t->record->name);
    code = pg_params_end(t->s, &p, err);
    return code == FF_OK ? pg_run(t->s, sql, &p, result, err) : code;
}

static int ask_number(const struct spanned *t, const char *sql, int64_t *number,
                      struct ff_err *err)
{
    PGresult *result = NULL;
    const int code = ask(t, sql, &result, err);

    *number = code == FF_OK && PQntuples(result) == 1 ? pg_get_int64(result, 0, 0) : 0;
    PQclear(result);
    return code;
}

/* --- in a transaction --- */

/* One process at a time changes tables, and whoever comes second comes again. What
 * takes two seconds is given up: who leads has a lease of three. */
static int begin(const struct spanned *t, struct ff_err *err)
{
    int64_t locked = 0;
    int code = pg_run(t->s, "BEGIN", NULL, NULL, err);

    if (code == FF_OK)
        code = ask_number(
            t,
            "SELECT (pg_try_advisory_xact_lock(1179012183, hashtext($1::text))"
            " AND $2::text <> '')::integer::bigint,"
            " set_config('lock_timeout', '200ms', true),"
            " set_config('statement_timeout', '2s', true)",
            &locked, err);
    if (code == FF_OK && !locked)
        code = ff_fail(err, FF_BUSY, 0, "another process changes tables");
    return code;
}

static int end(const struct spanned *t, int code, struct ff_err *err)
{
    struct ff_err ignored;

    if (code == FF_OK)
        return pg_run(t->s, "COMMIT", NULL, NULL, err);
    if (t->s->conn)
        pg_run(t->s, "ROLLBACK", NULL, NULL, &ignored);
    return code;
}

/* A unique index would have to hold the column, and the names of an enum are a rule
 * that each partition has for itself. */
static int check(struct pg_session *s, const struct ff_record *record, uint32_t column,
                 struct spanned *t, struct ff_err *err)
{
    bool right = pg_knows(s->schema, record) && column < record->n_key &&
                 record->columns[column].type == FF_INT;

    *t = (struct spanned){.s = s, .record = record};
    for (uint16_t i = 0; right && i < record->n_indexes; i++)
        right = !record->indexes[i].unique;
    for (uint16_t i = 0; right && i < record->n_columns; i++)
        right = record->columns[i].type != FF_ENUM;
    if (!right)
        return ff_fail(err, FF_INVALID, 0, "a record that cannot be kept in spans");
    t->column = record->columns[column].name;
    return pg_connect(s, true, err);
}

/* --- which there are --- */

static const char spans_sql[] =
    "SELECT coalesce(substring(b from 'FROM [(]''?(-?[0-9]+)')::bigint, "
    "-9223372036854775808), substring(b from 'TO [(]''?(-?[0-9]+)')::bigint "
    "FROM (SELECT pg_get_expr(c.relpartbound, c.oid) AS b FROM pg_inherits i "
    "JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent "
    "JOIN pg_namespace n ON n.oid = p.relnamespace "
    "WHERE n.nspname = $1::text AND p.relname = $2::text) x "
    "WHERE b LIKE 'FOR VALUES FROM%' ORDER BY 1";

int pg_spans(void *store, const struct ff_record *record, uint32_t column,
             ff_span_fn *fn, void *arg, struct ff_err *err)
{
    struct ff_span span = {
        .struct_size = sizeof(span), .record = record, .column = column};
    PGresult *result = NULL;
    struct spanned t;
    bool more = true;
    int code = check(store, record, column, &t, err);

    if (code == FF_OK)
        code = ask(&t, spans_sql, &result, err);
    for (int i = 0; code == FF_OK && more && i < PQntuples(result); i++) {
        span.from = pg_get_int64(result, i, 0);
        span.below = pg_get_int64(result, i, 1);
        more = fn(arg, &span) == 0;
    }
    PQclear(result);
    return code;
}

/* --- the first one --- */

/* The new table and its indexes get the names. */
static int rename_old(const struct spanned *t, struct ff_err *err)
{
    struct pg_text sql = {0};
    int code;

    pg_addf(&sql, "ALTER TABLE ");
    add_table(&sql, t, NULL);
    pg_addf(&sql, " RENAME TO \"%s_" BEFORE "\"", t->record->name);
    code = run(t->s, &sql, NULL, err);
    for (uint16_t i = 0; code == FF_OK && i < t->record->n_indexes; i++) {
        pg_addf(&sql, "ALTER INDEX ");
        pg_sql_table_name(&sql, t->s->config->schema, t->record->indexes[i].name);
        pg_addf(&sql, " RENAME TO \"%s_" BEFORE "\"", t->record->indexes[i].name);
        code = run(t->s, &sql, NULL, err);
    }
    return code;
}

static int make_parent(const struct spanned *t, struct ff_err *err)
{
    struct pg_text sql = {0};
    int code;

    pg_addf(&sql, "CREATE TABLE ");
    add_table(&sql, t, NULL);
    pg_addf(&sql, " (LIKE ");
    add_table(&sql, t, BEFORE);
    pg_addf(&sql, ", PRIMARY KEY (");
    for (uint16_t i = 0; i < t->record->n_key; i++) {
        pg_addf(&sql, "%s", i ? ", " : "");
        pg_add_name(&sql, t->record->columns[i].name);
    }
    pg_addf(&sql, ")) PARTITION BY RANGE (");
    pg_add_name(&sql, t->column);
    pg_addf(&sql, ")");
    code = run(t->s, &sql, NULL, err);
    for (uint16_t i = 0; code == FF_OK && i < t->record->n_indexes; i++) {
        pg_sql_index(&sql, t->s->config->schema, t->record, &t->record->indexes[i]);
        code = run(t->s, &sql, NULL, err);
    }
    return code;
}

/* Who might read or write the old one may do so with the new one. */
static int hand_on_rights(const struct spanned *t, struct ff_err *err)
{
    PGresult *result = NULL;
    int code = ask(
        t,
        "SELECT format('ALTER TABLE %I.%I OWNER TO %I', $1::text, $2::text,"
        " pg_get_userbyid(c.relowner)) FROM pg_class c WHERE c.oid ="
        " to_regclass(format('%I.%I', $1::text, $2::text || '_" BEFORE "'))"
        " UNION ALL SELECT format('GRANT %s ON %I.%I TO %s', a.privilege_type, "
        "$1::text,"
        " $2::text, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE"
        " quote_ident(pg_get_userbyid(a.grantee)) END)"
        " FROM pg_class c, aclexplode(c.relacl) a WHERE a.grantee <> c.relowner AND"
        " c.oid = to_regclass(format('%I.%I', $1::text, $2::text || '_" BEFORE "'))",
        &result, err);

    for (int i = 0; code == FF_OK && i < PQntuples(result); i++)
        code = pg_run(t->s, PQgetvalue(result, i, 0), NULL, NULL, err);
    PQclear(result);
    return code;
}

static int make_rest(const struct spanned *t, struct ff_err *err)
{
    struct pg_text sql = {0};

    pg_addf(&sql, "CREATE TABLE ");
    add_table(&sql, t, REST);
    pg_addf(&sql, " PARTITION OF ");
    add_table(&sql, t, NULL);
    pg_addf(&sql, " DEFAULT WITH (fillfactor = " FILL ")");
    return run(t->s, &sql, NULL, err);
}

static int attach(const struct spanned *t, const char *part, const char *from,
                  int64_t below, struct ff_err *err)
{
    struct pg_text sql = {0};

    pg_addf(&sql, "ALTER TABLE ");
    add_table(&sql, t, NULL);
    pg_addf(&sql, " ATTACH PARTITION ");
    add_table(&sql, t, part);
    pg_addf(&sql, " FOR VALUES FROM (%s) TO (%" PRId64 ")", from, below);
    return run(t->s, &sql, NULL, err);
}

/* The table, or the partition whose name ends so. */
static int check_size(const struct spanned *t, const char *ends, struct ff_err *err)
{
    char sql[160];
    int64_t bytes = 0;
    int code;

    snprintf(sql, sizeof(sql),
             "SELECT coalesce(pg_relation_size(to_regclass(format('%%I.%%I', "
             "$1::text, $2::text || '%s'))), 0)",
             ends);
    code = ask_number(t, sql, &bytes, err);
    if (code == FF_OK && bytes > SCAN_BYTES)
        code = ff_fail(err, FF_UNSUPPORTED, 0,
                       "table %.60s%s has %" PRId64 " MB and gets no more parts; see "
                       "docs/postgres.md",
                       t->record->name, ends, bytes / 1000000);
    return code;
}

/* What was there is looked through, whether all of it is below: nobody can do anything
 * with it meanwhile, so not where there is much of it. */
static int split(const struct spanned *t, int64_t from, struct ff_err *err)
{
    int code = check_size(t, "", err);

    if (code == FF_OK)
        code = rename_old(t, err);
    if (code == FF_OK)
        code = make_parent(t, err);
    if (code == FF_OK)
        code = hand_on_rights(t, err);
    if (code == FF_OK)
        code = attach(t, BEFORE, "MINVALUE", from, err);
    return code == FF_OK ? make_rest(t, err) : code;
}

/* --- one more, and one less --- */

/* Made beside the table and then attached, which locks rows that fit nowhere, and no
 * others, and looks through them. */
static int add_part(const struct spanned *t, const struct ff_span *span,
                    struct ff_err *err)
{
    struct pg_text sql = {0};
    char name[NAME_SIZE], from[NAME_SIZE];
    int code = check_size(t, "_" REST, err);

    if (code != FF_OK)
        return code;
    name_part(span, name);
    snprintf(from, sizeof(from), "%" PRId64, span->from);
    pg_addf(&sql, "CREATE TABLE ");
    add_table(&sql, t, name);
    pg_addf(&sql, " (LIKE ");
    add_table(&sql, t, NULL);
    pg_addf(&sql, ") WITH (fillfactor = " FILL ")");
    code = run(t->s, &sql, NULL, err);
    return code == FF_OK ? attach(t, name, from, span->below, err) : code;
}

int pg_make_span(void *store, const struct ff_span *span, struct ff_err *err)
{
    struct spanned t;
    int64_t parts = 0;
    int code = check(store, span->record, span->column, &t, err);

    if (code != FF_OK)
        return code;
    code = begin(&t, err);
    if (code == FF_OK)
        code = ask_number(&t,
                          "SELECT count(*) FROM pg_partitioned_table WHERE partrelid = "
                          "format('%I.%I', $1::text, $2::text)::regclass",
                          &parts, err);
    if (code == FF_OK && parts == 0)
        code = split(&t, span->from, err);
    if (code == FF_OK)
        code = add_part(&t, span, err);
    /* A rule that a value breaks: rows of the span are there. */
    if (code == FF_INVALID)
        code = err->code = FF_CONFLICT;
    return end(&t, code, err);
}

/* Below 2^64, or above -2^64 and then its complement. */
static bool is_sum(const PGresult *result, uint64_t expected)
{
    return strtoull(PQgetvalue(result, 0, 1), NULL, 10) == expected;
}

/* Who adds a row of the other record adds one to this as well, which nobody does while
 * the table is locked: so what there is does not change any more. */
static int check_others(const struct spanned *t, const struct ff_span *span,
                        struct ff_err *err)
{
    struct pg_text sql = {0};
    PGresult *result = NULL;
    int code;

    pg_addf(&sql, "SELECT count(*), mod(coalesce(sum(");
    pg_add_name(&sql, span->of->columns[span->of_column].name);
    pg_addf(&sql, "), 0), 18446744073709551616)::text FROM ");
    pg_sql_table_name(&sql, t->s->config->schema, span->of->name);
    for (int i = 0; i < 2; i++) {
        pg_addf(&sql, i ? " AND " : " WHERE ");
        pg_add_name(&sql, span->of->columns[span->of_column].name);
        pg_addf(&sql, " %s '%" PRId64 "'::bigint",
                i ? "<" : ">=", i ? span->below : span->from);
    }
    code = run(t->s, &sql, &result, err);
    if (code == FF_OK && ((uint64_t)pg_get_int64(result, 0, 0) != span->n_of ||
                          (FF_HAS(span, sum_of) && !is_sum(result, span->sum_of))))
        code = ff_fail(err, FF_CONFLICT, 0, "rows of %.60s have come or gone",
                       span->of->name);
    PQclear(result);
    return code;
}

int pg_drop_span(void *store, const struct ff_span *span, struct ff_err *err)
{
    struct pg_text sql = {0};
    char name[NAME_SIZE];
    struct spanned t;
    int code = check(store, span->record, span->column, &t, err);

    if (code != FF_OK)
        return code;
    if (span->of &&
        (!pg_knows(t.s->schema, span->of) || span->of_column >= span->of->n_columns))
        return ff_fail(err, FF_INVALID, 0, "a span of an unknown record");
    code = begin(&t, err);
    pg_addf(&sql, "LOCK TABLE ONLY ");
    add_table(&sql, &t, NULL);
    pg_addf(&sql, " IN ACCESS EXCLUSIVE MODE");
    if (code == FF_OK)
        code = run(t.s, &sql, NULL, err);
    if (code == FF_OK && span->of)
        code = check_others(&t, span, err);
    pg_text_done(&sql);
    name_part(span, name);
    pg_addf(&sql, "DROP TABLE ");
    add_table(&sql, &t, name);
    if (code == FF_OK)
        code = run(t.s, &sql, NULL, err);
    pg_text_done(&sql);
    return end(&t, code, err);
}
