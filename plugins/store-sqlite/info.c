/* store-sqlite/info.c - what the database takes: by SQLite's own table of pages, where
 * it was built with that. Reads the whole file. */
#include "lite.h"

static int count_rows(struct lite_session *s, const char *table, int64_t *n,
                      struct ff_err *err)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table);
    int code;

    if (!sql)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a count");
    code = lite_number(s, sql, n, err);
    sqlite3_free(sql);
    return code;
}

static const char *parts_sql(void)
{
    if (sqlite3_compileoption_used("ENABLE_DBSTAT_VTAB"))
        return "SELECT m.tbl_name, sum(d.pgsize), "
               "sum(CASE m.type WHEN 'index' THEN d.pgsize ELSE 0 END), sum(d.unused) "
               "FROM sqlite_schema m JOIN dbstat d ON d.name = m.name "
               "WHERE d.aggregate = 1 GROUP BY 1 ORDER BY 2 DESC, 1";
    return "SELECT name, -1, -1, -1 FROM sqlite_schema WHERE type = 'table' ORDER BY 1";
}

static int tell_parts(struct lite_session *s, ff_store_part_fn *fn, void *arg,
                      struct ff_err *err)
{
    sqlite3_stmt *stmt;
    int code = FF_OK;
    int result = sqlite3_prepare_v2(s->db, parts_sql(), -1, &stmt, NULL);
    bool more = result == SQLITE_OK;

    while (more && code == FF_OK && (result = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct ff_store_part part = {.struct_size = sizeof(part),
                                     .name = (const char *)sqlite3_column_text(stmt, 0),
                                     .bytes = sqlite3_column_int64(stmt, 1),
                                     .index_bytes = sqlite3_column_int64(stmt, 2),
                                     .unused_bytes = sqlite3_column_int64(stmt, 3)};

        code = part.name ? count_rows(s, part.name, &part.rows, err)
                         : ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a name");
        more = code == FF_OK && fn(arg, &part) == 0;
    }
    sqlite3_finalize(stmt);
    if (code == FF_OK && result != SQLITE_ROW && result != SQLITE_DONE)
        return lite_fail(s, result, "what it takes", err);
    return code;
}

static int look(struct lite_session *s, struct ff_store_info *info,
                ff_store_part_fn *fn, void *arg, struct ff_err *err)
{
    int64_t version = 0, min = 0, page = 0, n = 0, n_free = 0;
    int code = lite_schema_version(s, &version, &min, err);

    if (code == FF_OK)
        code = lite_number(s, "PRAGMA page_size", &page, err);
    if (code == FF_OK)
        code = lite_number(s, "PRAGMA page_count", &n, err);
    if (code == FF_OK)
        code = lite_number(s, "PRAGMA freelist_count", &n_free, err);
    if (code != FF_OK)
        return code;
    info->schema_version = (uint32_t)version;
    if (FF_HAS(info, min_version))
        info->min_version = (uint32_t)min;
    info->bytes = n * page;
    info->free_bytes = n_free * page;
    snprintf(info->engine, sizeof(info->engine), "SQLite %s", sqlite3_libversion());
    return fn ? tell_parts(s, fn, arg, err) : FF_OK;
}

/* All of it at one moment. */
int lite_info(void *store, struct ff_store_info *info, ff_store_part_fn *fn, void *arg,
              struct ff_err *err)
{
    struct lite_session *s = store;
    int code = lite_check_file(s, err);

    if (code == FF_OK)
        code = lite_run(s, "BEGIN", err);
    if (code != FF_OK)
        return code;
    code = look(s, info, fn, arg, err);
    lite_roll_back(s);
    return code;
}
