/* Tables made, upgraded, refused; and who may read the file. */
#include "support.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    const struct ff_driver *driver;
    char *dir, *path;
};

static int set_up(void **state)
{
    struct place *p = mem_alloc(sizeof(*p));

    p->driver = load_driver("store-sqlite");
    p->dir = make_temp_dir();
    p->path = file_join(p->dir, "some.db");
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    mem_free(p->path);
    remove_temp_dir(p->dir);
    mem_free(p);
    return 0;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void set_up_with(const struct place *p, const struct ff_schema *schema, int code)
{
    struct ff_err err = {0};
    void *store;

    assert_int_equal(try_open(p->driver, "path", p->path, &store, &err), FF_OK);
    assert_int_equal(p->driver->ops.store->setup(store, schema, &err), code);
    assert_int_equal(err.code, code);
    p->driver->ops.store->close(store);
}

/* --- the tables --- */

static void read_tables(const char *path, struct buf *out)
{
    sqlite3_stmt *stmt;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(
            db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name", -1,
            &stmt, NULL),
        SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        buf_printf(out, "%s;\n", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void the_tables_are_those_of_schema_sql(void **state)
{
    const struct place *p = *state;
    const char *source = getenv("FLOWFORGE_SOURCE");
    char *file = file_join(source ? source : ".", "core/model/schema.sql");
    char *other = file_join(p->dir, "other.db");
    struct buf sql = {0};
    struct buf ours = {0};
    struct buf theirs = {0};

    assert_int_equal(file_read(file, 1 << 20, &sql), 0);
    run_sql(other, buf_text(&sql));
    set_up_with(p, &model_schema, FF_OK);
    read_tables(p->path, &ours);
    read_tables(other, &theirs);
    assert_string_equal(buf_text(&ours), buf_text(&theirs));
    buf_done(&sql);
    buf_done(&ours);
    buf_done(&theirs);
    mem_free(file);
    mem_free(other);
}

static void setting_up_again_writes_nothing(void **state)
{
    const struct place *p = *state;
    struct stat before;
    struct stat after;

    set_up_with(p, &test_schema, FF_OK);
    assert_int_equal(stat(p->path, &before), 0);
    set_up_with(p, &test_schema, FF_OK);
    assert_int_equal(stat(p->path, &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
}

/* --- upgrades --- */

static const char *const color_names[] = {"red", "green", NULL};
static const struct ff_column newer_columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
    {.name = "left_hand", .type = FF_INT, .since = 1},
    {.name = "right_hand", .type = FF_INT, .since = 1},
    {.name = "note", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 2},
    {.name = "color",
     .type = FF_ENUM,
     .flags = FF_COL_NULLABLE,
     .names = color_names,
     .since = 2},
};
static const uint16_t by_note[] = {4};
static const struct ff_index newer_indexes[] = {
    {.name = "pair_note", .columns = by_note, .n_columns = 1, .unique = 1, .since = 2},
};
static const struct ff_record newer_pair = {.struct_size = sizeof(struct ff_record),
                                            .name = "pair",
                                            .since = 1,
                                            .columns = newer_columns,
                                            .n_columns = COUNT_OF(newer_columns),
                                            .n_key = 1,
                                            .indexes = newer_indexes,
                                            .n_indexes = 1};
static const struct ff_record added = {.struct_size = sizeof(struct ff_record),
                                       .name = "added",
                                       .since = 2,
                                       .columns = newer_columns,
                                       .n_columns = 2,
                                       .n_key = 1};
static const struct ff_record *const newer_records[] = {&record_thing, &newer_pair,
                                                        &added, NULL};
static const struct ff_schema newer_schema = {
    .struct_size = sizeof(struct ff_schema), .version = 2, .records = newer_records};

static void write_old_pair(const struct place *p)
{
    void *store = open_store(p->driver, "path", p->path);
    struct ff_value values[N_PAIR];
    const struct ff_change put = put_pair(values, 7, 1, 2, FF_ABSENT);
    struct ff_err err = {0};
    size_t failed;

    assert_int_equal(p->driver->ops.store->commit(store, &put, 1, &failed, &err),
                     FF_OK);
    p->driver->ops.store->close(store);
}

static void an_upgrade_adds_columns_records_and_indexes(void **state)
{
    const struct place *p = *state;
    const struct ff_store_ops *ops = p->driver->ops.store;
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &newer_pair, .index = -1};
    struct rows rows = {.record = &newer_pair};
    struct ff_value values[6] = {v_int(7)};
    const struct ff_change patch = {.kind = FF_PATCH,
                                    .record = &newer_pair,
                                    .expect = 1,
                                    .set = 1 << 4 | 1 << 5,
                                    .values = values};
    struct ff_err err = {0};
    size_t failed;
    void *store;

    write_old_pair(p);
    assert_int_equal(try_open(p->driver, "path", p->path, &store, &err), FF_OK);
    assert_int_equal(ops->setup(store, &newer_schema, &err), FF_OK);
    assert_int_equal(ops->scan(store, &q, add_row, &rows, &err), FF_OK);
    values[4] = v_text("hello");
    values[5] = (struct ff_value){.type = FF_ENUM, .i = 1};
    assert_int_equal(ops->commit(store, &patch, 1, &failed, &err), FF_OK);
    assert_int_equal(ops->scan(store, &q, add_row, &rows, &err), FF_OK);
    assert_string_equal(
        buf_text(&rows.text),
        "k=7 version=1 left_hand=1 right_hand=2 note=null color=null \n"
        "k=7 version=2 left_hand=1 right_hand=2 note=68656c6c6f color=1 \n");
    ops->close(store);
    buf_done(&rows.text);
    run_sql(p->path, "INSERT INTO added VALUES (1, 1); UPDATE pair SET note = 'other'");
}

/* --- names added to an enum --- */

static const char *const more_names[] = {"red", "green", "blue", "grey", NULL};

static void an_upgrade_lets_an_enum_take_more_names(void **state)
{
    const struct place *p = *state;
    const struct ff_store_ops *ops = p->driver->ops.store;
    struct ff_column columns[N_THING];
    struct ff_record thing = record_thing;
    const struct ff_record *records[] = {&thing, &record_pair, NULL};
    const struct ff_schema schema = {
        .struct_size = sizeof(schema), .version = 2, .records = records};
    struct ff_value values[N_THING] = {{0}};
    const struct ff_change put = {
        .kind = FF_PUT, .record = &thing, .expect = FF_ABSENT, .values = values};
    struct ff_err err = {0};
    size_t failed;
    void *store;

    memcpy(columns, record_thing.columns, sizeof(columns));
    columns[THING_COLOR].names = more_names;
    thing.columns = columns;
    set_up_with(p, &test_schema, FF_OK);
    run_sql(p->path, "INSERT INTO thing (a, b, version, j, color)"
                     " VALUES (1, 'old', 3, '{}', 'blue')");
    assert_int_equal(try_open(p->driver, "path", p->path, &store, &err), FF_OK);
    assert_int_equal(ops->setup(store, &schema, &err), FF_OK);
    values[THING_A] = v_int(2);
    values[THING_B] = v_text("new");
    values[THING_J] = (struct ff_value){.type = FF_JSON, .s = "{}", .len = 2};
    values[THING_COLOR] = (struct ff_value){.type = FF_ENUM, .i = 3};
    assert_int_equal(ops->commit(store, &put, 1, &failed, &err), FF_OK);
    ops->close(store);
    run_sql(p->path, "UPDATE thing INDEXED BY thing_color SET version = 9"
                     " WHERE color = 'blue' AND n IS NULL;"
                     "CREATE TEMP TABLE two (n CHECK (n = 2));"
                     "INSERT INTO two SELECT count(*) FROM thing");
}

static void a_newer_schema_is_refused(void **state)
{
    const struct place *p = *state;

    set_up_with(p, &newer_schema, FF_OK);
    set_up_with(p, &test_schema, FF_UNSUPPORTED);
}

static void the_database_of_another_program_is_refused(void **state)
{
    const struct place *p = *state;

    run_sql(p->path, "CREATE TABLE theirs (x)");
    set_up_with(p, &test_schema, FF_INVALID);
    run_sql(p->path, "DROP TABLE theirs; PRAGMA application_id = 99");
    set_up_with(p, &test_schema, FF_INVALID);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    const struct place *p = *state;
    const char text[] = "this is no database, and long enough to be seen as such: "
                        "SQLite looks at the first hundred bytes of the file only";
    struct ff_err err = {0};
    void *store;

    assert_int_equal(file_write_durable(p->path, text, sizeof(text), 0600), 0);
    assert_int_equal(try_open(p->driver, "path", p->path, &store, &err), FF_CORRUPT);
    assert_non_null(strstr(err.msg, p->path));
}

/* A page of rows overwritten with zeroes, as a bad disk would. */
static void a_damaged_page_is_reported(void **state)
{
    const struct place *p = *state;
    const struct ff_store_ops *ops = p->driver->ops.store;
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = &record_pair, .index = -1};
    struct rows rows = {.record = &record_pair};
    struct ff_err err = {0};
    struct buf bytes = {0};
    sqlite3_stmt *stmt;
    sqlite3 *db;
    size_t page;
    void *store;

    write_old_pair(p);
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'pair'",
                           -1, &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    page = (size_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    assert_int_equal(file_read(p->path, 1 << 24, &bytes), 0);
    memset(bytes.data + (page - 1) * 4096, 0, 4096);
    assert_int_equal(file_write_durable(p->path, bytes.data, bytes.len, 0600), 0);
    buf_done(&bytes);
    store = open_store(p->driver, "path", p->path);
    assert_int_equal(ops->scan(store, &q, add_row, &rows, &err), FF_CORRUPT);
    assert_non_null(strstr(err.msg, p->path));
    ops->close(store);
    buf_done(&rows.text);
}

/* --- the file --- */

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void directory_and_files_are_for_the_owner_alone(void **state)
{
    struct place *p = *state;
    char *deep = file_join(p->dir, "a/b");
    char *path = file_join(deep, "deep.db");
    char *log = file_join(deep, "deep.db-wal");
    const mode_t mask = umask(0);
    void *store = open_store(p->driver, "path", path);

    umask(mask);
    assert_int_equal(mode_of(deep), 0700);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(log), 0600);
    p->driver->ops.store->close(store);
    mem_free(deep);
    mem_free(path);
    mem_free(log);
}

static void a_file_that_others_could_read_is_closed_to_them(void **state)
{
    const struct place *p = *state;

    set_up_with(p, &test_schema, FF_OK);
    assert_int_equal(chmod(p->path, 0644), 0);
    support_log[0] = '\0';
    set_up_with(p, &test_schema, FF_OK);
    assert_int_equal(mode_of(p->path), 0600);
    assert_non_null(strstr(support_log, "0600"));
}

static void a_directory_that_everyone_may_write_is_refused(void **state)
{
    const struct place *p = *state;
    struct ff_err err = {0};
    void *store;

    assert_int_equal(chmod(p->dir, 0777), 0);
    assert_int_equal(try_open(p->driver, "path", p->path, &store, &err), FF_DENIED);
    assert_non_null(strstr(err.msg, "directory of its own"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_tables_are_those_of_schema_sql),
        TEST(setting_up_again_writes_nothing),
        TEST(an_upgrade_adds_columns_records_and_indexes),
        TEST(an_upgrade_lets_an_enum_take_more_names),
        TEST(a_newer_schema_is_refused),
        TEST(the_database_of_another_program_is_refused),
        TEST(a_file_that_is_no_database_is_refused),
        TEST(a_damaged_page_is_reported),
        TEST(directory_and_files_are_for_the_owner_alone),
        TEST(a_file_that_others_could_read_is_closed_to_them),
        TEST(a_directory_that_everyone_may_write_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
