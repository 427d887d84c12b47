/* The schema in the file: made, upgraded, refused; and who may read the file. */
#include "support.h"
#include "support_process.h"

#include <lmdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    const struct ff_driver *driver;
    const struct ff_store_ops *ops;
    char *dir, *path;
};

static int set_up(void **state)
{
    struct place *p = mem_alloc(sizeof(*p));

    p->driver = load_driver(SUPPORT_DRIVER);
    p->ops = p->driver->ops.store;
    p->dir = make_temp_dir();
    p->path = file_join(p->dir, "some.lmdb");
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

static void *open_with(const struct place *p, const struct ff_schema *schema)
{
    struct ff_err err = {0};
    void *store = NULL;

    if (try_open(p->driver, "path", p->path, &store, &err) != FF_OK ||
        p->ops->setup(store, schema, &err) != FF_OK)
        fail_msg("%s", err.msg);
    return store;
}

static void expect_setup(const struct place *p, const struct ff_schema *schema,
                         int code, const char *sentence)
{
    struct ff_err err = {0};
    void *store;

    assert_int_equal(try_open(p->driver, "path", p->path, &store, &err), FF_OK);
    assert_int_equal(p->ops->setup(store, schema, &err), code);
    assert_non_null(strstr(err.msg, sentence));
    p->ops->close(store);
}

static int commit(const struct place *p, void *store, const struct ff_change *change)
{
    struct ff_err err = {0};
    size_t failed;

    return p->ops->commit(store, change, 1, &failed, &err);
}

static char *read_all(const struct place *p, void *store,
                      const struct ff_record *record, int index)
{
    const struct ff_query q = {
        .struct_size = sizeof(q), .record = record, .index = index};
    struct rows rows = {.record = record};
    struct ff_err err = {0};
    char *text;

    if (p->ops->scan(store, &q, add_row, &rows, &err) != FF_OK)
        fail_msg("%s", err.msg);
    text = mem_text(buf_text(&rows.text));
    buf_done(&rows.text);
    return text;
}

static void expect_rows(const struct place *p, void *store,
                        const struct ff_record *record, int index, const char *rows)
{
    char *text = read_all(p, store, record, index);

    assert_string_equal(text, rows);
    mem_free(text);
}

/* --- schemas --- */

/* A pair with a column in the middle, one at the end, and indexes of old and new. */
static const struct ff_column newer_columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
    {.name = "note", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 2},
    {.name = "left_hand", .type = FF_INT, .since = 1},
    {.name = "right_hand", .type = FF_INT, .since = 1},
};
static const uint16_t by_note[] = {2};
static const uint16_t by_right[] = {4};
static const struct ff_index newer_indexes[] = {
    {.name = "pair_note", .columns = by_note, .n_columns = 1, .unique = 1, .since = 2},
    {.name = "pair_right", .columns = by_right, .n_columns = 1, .since = 2},
};
static const struct ff_record newer_pair = {.struct_size = sizeof(struct ff_record),
                                            .name = "pair",
                                            .since = 1,
                                            .columns = newer_columns,
                                            .n_columns = COUNT_OF(newer_columns),
                                            .n_key = 1,
                                            .indexes = newer_indexes,
                                            .n_indexes = COUNT_OF(newer_indexes)};
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

static void put_old_pairs(const struct place *p)
{
    void *store = open_with(p, &test_schema);
    struct ff_value values[N_PAIR];

    for (int64_t k = 1; k <= 2; k++) {
        const struct ff_change put = put_pair(values, k, 10 * k, -k, FF_ABSENT);

        assert_int_equal(commit(p, store, &put), FF_OK);
    }
    p->ops->close(store);
}

/* --- upgrades --- */

static void an_upgrade_adds_columns_records_and_fills_indexes(void **state)
{
    const struct place *p = *state;
    struct ff_value values[COUNT_OF(newer_columns)] = {v_int(1)};
    const struct ff_change patch = {.kind = FF_PATCH,
                                    .record = &newer_pair,
                                    .expect = 1,
                                    .set = 1 << 2,
                                    .values = values};
    const struct ff_change put = {
        .kind = FF_PUT, .record = &added, .expect = FF_ABSENT, .values = values};
    void *store;

    put_old_pairs(p);
    store = open_with(p, &newer_schema);
    expect_rows(p, store, &newer_pair, 1,
                "k=2 version=1 note=null left_hand=20 right_hand=-2 \n"
                "k=1 version=1 note=null left_hand=10 right_hand=-1 \n");
    values[2] = v_text("x");
    assert_int_equal(commit(p, store, &patch), FF_OK);
    expect_rows(p, store, &newer_pair, 0,
                "k=2 version=1 note=null left_hand=20 right_hand=-2 \n"
                "k=1 version=2 note=78 left_hand=10 right_hand=-1 \n");
    assert_int_equal(commit(p, store, &put), FF_OK);
    expect_rows(p, store, &added, -1, "k=1 version=1 \n");
    p->ops->close(store);
}

static void a_session_of_before_an_upgrade_maintains_what_it_does_not_know(void **state)
{
    const struct place *p = *state;
    struct ff_value values[COUNT_OF(newer_columns)] = {v_int(1)};
    const struct ff_change note = {.kind = FF_PATCH,
                                   .record = &newer_pair,
                                   .expect = 1,
                                   .set = 1 << 2,
                                   .values = values};
    struct ff_value old_values[N_PAIR];
    void *old;
    void *new;

    put_old_pairs(p);
    old = open_with(p, &test_schema);
    new = open_with(p, &newer_schema);
    values[2] = v_text("x");
    assert_int_equal(commit(p, new, &note), FF_OK);

    const struct ff_change put = put_pair(old_values, 1, 11, -9, 2);

    assert_int_equal(commit(p, old, &put), FF_OK);
    expect_rows(p, new, &newer_pair, 1,
                "k=1 version=3 note=78 left_hand=11 right_hand=-9 \n"
                "k=2 version=1 note=null left_hand=20 right_hand=-2 \n");
    expect_rows(p, old, &record_pair, -1,
                "k=1 version=3 left_hand=11 right_hand=-9 \n"
                "k=2 version=1 left_hand=20 right_hand=-2 \n");
    p->ops->close(old);
    p->ops->close(new);
}

static void a_session_that_is_set_up_later_leaves_the_others_alone(void **state)
{
    const struct place *p = *state;
    void *first;
    void *second;

    put_old_pairs(p);
    first = open_with(p, &test_schema);
    second = open_with(p, &test_schema);
    expect_rows(p, first, &record_pair, -1,
                "k=1 version=1 left_hand=10 right_hand=-1 \n"
                "k=2 version=1 left_hand=20 right_hand=-2 \n");
    p->ops->close(second);
    p->ops->close(first);
}

static void a_unique_index_over_equal_rows_is_refused_and_nothing_changes(void **state)
{
    const struct place *p = *state;
    static const uint16_t by_right_hand[] = {PAIR_RIGHT};
    static const struct ff_index index = {.name = "pair_right",
                                          .columns = by_right_hand,
                                          .n_columns = 1,
                                          .unique = 1,
                                          .since = 2};
    struct ff_record pair = record_pair;
    const struct ff_record *records[] = {&added, &pair, NULL};
    const struct ff_schema schema = {
        .struct_size = sizeof(schema), .version = 2, .records = records};
    struct ff_value values[N_PAIR];
    const struct ff_change put = put_pair(values, 3, 30, -1, FF_ABSENT);
    void *store;

    pair.indexes = &index;
    pair.n_indexes = 1;
    put_old_pairs(p);
    store = open_with(p, &test_schema);
    assert_int_equal(commit(p, store, &put), FF_OK);
    p->ops->close(store);
    expect_setup(p, &schema, FF_CONFLICT, "pair_right");
    expect_setup(p, &test_schema, FF_OK, "");
}

static void an_enum_keeps_its_names_when_names_come_before_them(void **state)
{
    const struct place *p = *state;
    static const char *const more_names[] = {"grey", "red", "green", "blue", NULL};
    struct ff_column columns[N_THING];
    struct ff_record thing = record_thing;
    const struct ff_record *records[] = {&thing, &record_pair, NULL};
    const struct ff_schema schema = {
        .struct_size = sizeof(schema), .version = 2, .records = records};
    struct ff_value values[N_THING] = {{0}};
    const struct ff_change put = {
        .kind = FF_PUT, .record = &record_thing, .expect = FF_ABSENT, .values = values};
    void *store = open_with(p, &test_schema);
    char *text;

    values[THING_A] = v_int(1);
    values[THING_B] = v_text("old");
    values[THING_J] = (struct ff_value){.type = FF_JSON, .s = "{}", .len = 2};
    values[THING_COLOR] = (struct ff_value){.type = FF_ENUM, .i = BLUE};
    assert_int_equal(commit(p, store, &put), FF_OK);
    p->ops->close(store);
    memcpy(columns, record_thing.columns, sizeof(columns));
    columns[THING_COLOR].names = more_names;
    thing.columns = columns;
    store = open_with(p, &schema);
    text = read_all(p, store, &thing, 1);
    assert_non_null(strstr(text, "color=3 "));
    mem_free(text);
    p->ops->close(store);
}

static void setting_up_again_writes_nothing(void **state)
{
    const struct place *p = *state;
    struct stat before;
    struct stat after;

    expect_setup(p, &test_schema, FF_OK, "");
    assert_int_equal(stat(p->path, &before), 0);
    expect_setup(p, &test_schema, FF_OK, "");
    assert_int_equal(stat(p->path, &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
}

static void a_newer_schema_is_refused(void **state)
{
    const struct place *p = *state;

    expect_setup(p, &newer_schema, FF_OK, "");
    expect_setup(p, &test_schema, FF_UNSUPPORTED, "newer");
}

static void a_record_that_cannot_be_stored_is_refused(void **state)
{
    const struct place *p = *state;
    struct ff_record record = record_pair;
    const struct ff_record *records[] = {&record, NULL};
    const struct ff_schema schema = {
        .struct_size = sizeof(schema), .version = 1, .records = records};

    record.name = "a name";
    expect_setup(p, &schema, FF_INVALID, "a name");
    record = record_pair;
    record.n_key = 0;
    expect_setup(p, &schema, FF_INVALID, "pair");
}

/* --- other people's files --- */

static void the_file_of_another_program_is_refused(void **state)
{
    const struct place *p = *state;
    MDB_val key = {.mv_size = 3, .mv_data = "key"};
    MDB_txn *txn;
    MDB_env *env;
    MDB_dbi map;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, p->path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &map), 0);
    assert_int_equal(mdb_put(txn, map, &key, &key, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    expect_setup(p, &test_schema, FF_INVALID, "another program");
}

static void expect_open(const struct place *p, int code, const char *sentence)
{
    struct ff_err err = {0};
    void *store;

    assert_int_equal(try_open(p->driver, "path", p->path, &store, &err), code);
    assert_non_null(strstr(err.msg, p->dir));
    assert_non_null(strstr(err.msg, sentence));
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    const struct place *p = *state;
    char text[9000];

    memset(text, 'x', sizeof(text));
    assert_int_equal(file_write_durable(p->path, text, sizeof(text), 0600), 0);
    expect_open(p, FF_CORRUPT, "not an LMDB database");
}

static void a_file_that_has_lost_its_end_is_refused(void **state)
{
    const struct place *p = *state;

    put_old_pairs(p);
    assert_int_equal(truncate(p->path, 3 * 4096), 0);
    expect_open(p, FF_CORRUPT, "lost its end");
}

/* Each page that a bad disk has zeroed is an error, or nobody needs it. */
static void a_damaged_page_is_reported(void **state)
{
    const struct place *p = *state;
    struct buf whole = {0};
    bool reported = false;

    put_old_pairs(p);
    assert_int_equal(file_read(p->path, 1 << 24, &whole), 0);
    for (size_t page = 2; page < whole.len / 4096; page++) {
        char *kept = mem_alloc(4096);
        struct ff_err err = {0};
        void *store;

        memcpy(kept, whole.data + page * 4096, 4096);
        memset(whole.data + page * 4096, 0, 4096);
        assert_int_equal(file_write_durable(p->path, whole.data, whole.len, 0600), 0);
        memcpy(whole.data + page * 4096, kept, 4096);
        mem_free(kept);
        if (try_open(p->driver, "path", p->path, &store, &err) == FF_OK) {
            p->ops->setup(store, &test_schema, &err);
            p->ops->close(store);
        }
        assert_true(err.code == FF_OK || err.code == FF_CORRUPT);
        reported = reported || err.code == FF_CORRUPT;
    }
    assert_true(reported);
    buf_done(&whole);
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
    char *path = file_join(deep, "deep.lmdb");
    char *lock = file_join(deep, "deep.lmdb-lock");
    const mode_t mask = umask(0);
    void *store = open_store(p->driver, "path", path);

    umask(mask);
    assert_int_equal(mode_of(deep), 0700);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(lock), 0600);
    p->ops->close(store);
    mem_free(deep);
    mem_free(path);
    mem_free(lock);
}

static void a_directory_that_everyone_may_write_is_refused(void **state)
{
    const struct place *p = *state;

    assert_int_equal(chmod(p->dir, 0777), 0);
    expect_open(p, FF_DENIED, "directory of its own");
}

/* As mdb_dump does, with LMDB's defaults. */
static int hold_open(void *arg, int tell_fd)
{
    MDB_env *env;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test must not leave it behind */
    if (mdb_env_create(&env) != 0 || mdb_env_open(env, arg, MDB_NOSUBDIR, 0600) != 0)
        return 1;
    tell(tell_fd, 1);
    pause();
    return 0;
}

static void a_lock_file_that_somebody_else_uses_is_left_alone(void **state)
{
    struct place *p = *state;
    char *lock = file_join(p->dir, "some.lmdb-lock");
    struct child c = start_child(hold_open, p->path);
    struct stat before;
    struct stat after;
    int64_t heard;

    let_go(&c);
    assert_true(hear(&c, &heard));
    assert_int_equal(stat(lock, &before), 0);
    expect_setup(p, &test_schema, FF_OK, "");
    assert_int_equal(stat(lock, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    kill_child(&c);
    put_old_pairs(p);
    mem_free(lock);
}

static void a_file_that_is_moved_away_ends_it(void **state)
{
    const struct place *p = *state;
    char *other = file_join(p->dir, "other.lmdb");
    struct ff_err err = {0};
    void *store = open_with(p, &test_schema);

    assert_int_equal(rename(p->path, other), 0);
    assert_int_equal(p->ops->ping(store, &err), FF_FATAL);
    assert_non_null(strstr(err.msg, "moved"));
    assert_int_equal(rename(other, p->path), 0);
    assert_int_equal(p->ops->ping(store, &err), FF_FATAL);
    p->ops->close(store);
    mem_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(an_upgrade_adds_columns_records_and_fills_indexes),
        TEST(a_session_of_before_an_upgrade_maintains_what_it_does_not_know),
        TEST(a_session_that_is_set_up_later_leaves_the_others_alone),
        TEST(a_unique_index_over_equal_rows_is_refused_and_nothing_changes),
        TEST(an_enum_keeps_its_names_when_names_come_before_them),
        TEST(setting_up_again_writes_nothing),
        TEST(a_newer_schema_is_refused),
        TEST(a_record_that_cannot_be_stored_is_refused),
        TEST(the_file_of_another_program_is_refused),
        TEST(a_file_that_is_no_database_is_refused),
        TEST(a_file_that_has_lost_its_end_is_refused),
        TEST(a_damaged_page_is_reported),
        TEST(directory_and_files_are_for_the_owner_alone),
        TEST(a_directory_that_everyone_may_write_is_refused),
        TEST(a_lock_file_that_somebody_else_uses_is_left_alone),
        TEST(a_file_that_is_moved_away_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
