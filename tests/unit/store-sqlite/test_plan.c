/* Every shape of a scan is one walk along one index: no sorting, and no walk from the
 * beginning to find the cursor. */
#include "support.h"

#include "lite.h"

struct db {
    const struct ff_driver *driver;
    char *dir, *path;
    sqlite3 *db;
};

/* The driver makes the tables; the plans come from a connection of our own. */
static void open_db(struct db *d, const struct ff_schema *schema)
{
    struct ff_err err = {0};
    void *store;

    d->driver = load_driver("store-sqlite");
    d->dir = make_temp_dir();
    d->path = file_join(d->dir, "plan.db");
    assert_int_equal(try_open(d->driver, "path", d->path, &store, &err), FF_OK);
    assert_int_equal(d->driver->ops.store->setup(store, schema, &err), FF_OK);
    d->driver->ops.store->close(store);
    assert_int_equal(sqlite3_open(d->path, &d->db), SQLITE_OK);
}

static void close_db(struct db *d)
{
    sqlite3_close(d->db);
    mem_free(d->path);
    remove_temp_dir(d->dir);
}

static void get_plan(struct db *d, const struct lite_shape *shape, struct buf *plan,
                     struct buf *text)
{
    struct lite_statement statement = {.shape = *shape};
    sqlite3_str *sql = sqlite3_str_new(d->db);
    sqlite3_stmt *stmt;

    sqlite3_str_appendall(sql, "EXPLAIN QUERY PLAN ");
    lite_sql_statement(sql, &statement);

    char *finished = sqlite3_str_finish(sql);

    buf_add_text(text, finished);
    if (sqlite3_prepare_v2(d->db, finished, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", finished, sqlite3_errmsg(d->db));
    while (sqlite3_step(stmt) == SQLITE_ROW)
        buf_printf(plan, "%s\n", sqlite3_column_text(stmt, 3));
    sqlite3_finalize(stmt);
    sqlite3_free(finished);
}

static void check_plan(struct db *d, const struct lite_shape *shape)
{
    const struct ff_record *r = shape->record;
    struct buf plan = {0};
    struct buf text = {0};
    char index[100];
    bool good;

    get_plan(d, shape, &plan, &text);
    if (shape->index >= 0)
        snprintf(index, sizeof(index), "INDEX %s", r->indexes[shape->index].name);
    else
        snprintf(index, sizeof(index), "PRIMARY KEY");
    good = !strstr(buf_text(&plan), "TEMP B-TREE");
    if (shape->n_equal || shape->n_same || shape->flags & (LITE_FROM | LITE_BELOW) ||
        shape->beyond)
        good =
            good && strstr(buf_text(&plan), index) && strstr(buf_text(&plan), "SEARCH");
    if (!good)
        fail_msg("%s\n%s", buf_text(&text), buf_text(&plan));
    buf_done(&plan);
    buf_done(&text);
}

static bool is_nullable(const struct lite_shape *shape, size_t i)
{
    const uint16_t column = lite_order_column(shape->record, shape->index, i);

    return shape->record->columns[column].flags & FF_COL_NULLABLE;
}

static void check_cursors(struct db *d, struct lite_shape shape)
{
    const size_t n = lite_order_length(shape.record, shape.index);
    const bool descending = shape.flags & LITE_DESCENDING;

    check_plan(d, &shape);
    for (size_t same = 0; shape.n_equal + same < n; same++) {
        struct lite_shape beyond = shape;

        if (lite_order_repeats(shape.record, shape.index, shape.n_equal + same))
            continue;
        beyond.n_same = (uint8_t)same;
        beyond.beyond = descending ? LITE_LESS : LITE_GREATER;
        if (same)
            beyond.flags &= LITE_DESCENDING;
        else
            beyond.flags &= (uint8_t) ~(descending ? LITE_BELOW : LITE_FROM);
        check_plan(d, &beyond);
        beyond.beyond = LITE_NULL;
        if (!beyond.flags && is_nullable(&shape, shape.n_equal + same))
            check_plan(d, &beyond);
    }
}

static void check_index(struct db *d, const struct ff_record *r, int index)
{
    const size_t n_columns = index < 0 ? r->n_key : r->indexes[index].n_columns;

    for (size_t n_equal = 0; n_equal <= n_columns; n_equal++)
        for (uint8_t flags = 0; flags < 8; flags++) {
            struct lite_shape shape = {.record = r,
                                       .index = (int16_t)index,
                                       .kind = LITE_SCAN,
                                       .columns = UINT64_C(1) << r->n_key,
                                       .n_equal = (uint8_t)n_equal,
                                       .flags = flags};

            if (n_equal == n_columns && flags & (LITE_FROM | LITE_BELOW))
                continue;
            check_cursors(d, shape);
            shape.kind = LITE_COUNT;
            shape.columns = 0;
            check_cursors(d, shape);
            shape.kind = LITE_SCAN;
            shape.columns = ~UINT64_C(0) >> (LITE_MAX_COLUMNS - r->n_columns);
            check_cursors(d, shape);
        }
}

static void check_schema(const struct ff_schema *schema)
{
    struct db d;

    open_db(&d, schema);
    for (size_t i = 0; schema->records[i]; i++)
        for (int index = -1; index < schema->records[i]->n_indexes; index++)
            check_index(&d, schema->records[i], index);
    close_db(&d);
}

static void scans_of_the_model_walk_one_index(void **state)
{
    (void)state;
    check_schema(&model_schema);
}

static void scans_of_any_schema_walk_one_index(void **state)
{
    (void)state;
    check_schema(&test_schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scans_of_the_model_walk_one_index),
        cmocka_unit_test(scans_of_any_schema_walk_one_index),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
