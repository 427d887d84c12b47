/* store-postgres/info.c - what the tables take, by what the server keeps account of:
 * its statistics, so rows and dead rows are estimates as good as its last ANALYZE. */
#include "postgres.h"

#include <string.h>

/* Dead rows are as large as the others. What is kept in partitions is one. */
static const char parts_sql[] =
    "SELECT coalesce(p.relname, c.relname)::text, "
    "CASE WHEN bool_and(t.n_live_tup IS NOT NULL) THEN sum(t.n_live_tup) ELSE -1 "
    "END::bigint, sum(pg_total_relation_size(c.oid))::bigint, "
    "sum(pg_indexes_size(c.oid))::bigint, "
    "sum(coalesce(round(pg_relation_size(c.oid)::numeric * t.n_dead_tup / "
    "nullif(t.n_live_tup + t.n_dead_tup, 0)), 0))::bigint, count(p.oid) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_inherits i ON i.inhrelid = c.oid "
    "LEFT JOIN pg_class p ON p.oid = i.inhparent "
    "LEFT JOIN pg_stat_all_tables t ON t.relid = c.oid "
    "WHERE n.nspname = $1::text AND c.relkind = 'r' GROUP BY 1 ORDER BY 3 DESC, 1";

static void tell_part(const PGresult *result, int row, struct ff_store_part *part)
{
    *part = (struct ff_store_part){.struct_size = sizeof(*part),
                                   .flags = FF_PART_ABOUT,
                                   .name = PQgetvalue(result, row, 0),
                                   .rows = pg_get_int64(result, row, 1),
                                   .bytes = pg_get_int64(result, row, 2),
                                   .index_bytes = pg_get_int64(result, row, 3),
                                   .unused_bytes = pg_get_int64(result, row, 4),
                                   .n_spans = pg_get_int64(result, row, 5)};
}

static int tell_parts(struct pg_session *s, struct ff_store_info *info,
                      ff_store_part_fn *fn, void *arg, struct ff_err *err)
{
    PGresult *result = NULL;
    struct pg_params p;
    bool more = fn != NULL;
    int code;

    pg_params_begin(s, &p);
    pg_param_text(s, &p, s->config->schema);
    code = pg_params_end(s, &p, err);
    if (code == FF_OK)
        code = pg_run(s, parts_sql, &p, &result, err);
    for (int i = 0; code == FF_OK && i < PQntuples(result); i++) {
        struct ff_store_part part;

        tell_part(result, i, &part);
        info->bytes += part.bytes;
        more = more && fn(arg, &part) == 0;
    }
    PQclear(result);
    return code;
}

static int tell_engine(struct pg_session *s, struct ff_store_info *info,
                       struct ff_err *err)
{
    PGresult *result = NULL;
    const int code =
        pg_run(s, "SELECT current_setting('server_version')::text", NULL, &result, err);

    if (code == FF_OK)
        snprintf(info->engine, sizeof(info->engine), "PostgreSQL %.80s",
                 PQgetvalue(result, 0, 0));
    PQclear(result);
    return code;
}

int pg_info(void *store, struct ff_store_info *info, ff_store_part_fn *fn, void *arg,
            struct ff_err *err)
{
    struct pg_session *s = store;
    int64_t version = 0, min = 0;
    int code = pg_connect(s, true, err);

    if (code == FF_OK)
        code = tell_engine(s, info, err);
    if (code == FF_OK)
        code = pg_schema_version(s, &version, &min, err);
    if (code != FF_OK)
        return code;
    info->schema_version = (uint32_t)version;
    if (FF_HAS(info, min_version))
        info->min_version = (uint32_t)min;
    info->free_bytes = -1;
    info->bytes = 0;
    return tell_parts(s, info, fn, arg, err);
}
