/* kit/kit_store_setup.c - checks of setup: tables made once, whoever begins, and
 * brought up to a newer schema with their rows. */
#include "kit/kit_store.h"

/* --- schemas: 1, and 3, which has more of everything --- */

static const char *const old_names[] = {"red", "green", NULL};
static const char *const new_names[] = {"red", "green", "blue", "grey", NULL};

static const struct ff_column old_columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
    {.name = "t", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 1},
    {.name = "color", .type = FF_ENUM, .names = old_names, .since = 1},
};
static const uint16_t by_color[] = {3};
static const struct ff_index old_indexes[] = {
    {.name = "kit_growing_color", .columns = by_color, .n_columns = 1, .since = 1},
};
static const struct ff_record old_growing = {.struct_size = sizeof(struct ff_record),
                                             .name = "kit_growing",
                                             .since = 1,
                                             .columns = old_columns,
                                             .n_columns = COUNT_OF(old_columns),
                                             .n_key = 1,
                                             .indexes = old_indexes,
                                             .n_indexes = COUNT_OF(old_indexes)};
static const struct ff_record *const old_records[] = {&old_growing, NULL};
static const struct ff_schema old_schema = {
    .struct_size = sizeof(struct ff_schema), .version = 1, .records = old_records};

enum {
    GROWING_K,
    GROWING_VERSION,
    GROWING_T,
    GROWING_COLOR,
    GROWING_NOTE,
    GROWING_RAW
};

static const struct ff_column new_columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
    {.name = "t", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 1},
    {.name = "color", .type = FF_ENUM, .names = new_names, .since = 1},
    {.name = "note", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 3},
    {.name = "raw", .type = FF_BYTES, .flags = FF_COL_NULLABLE, .since = 2},
};
static const uint16_t by_note[] = {GROWING_NOTE};
static const struct ff_index new_indexes[] = {
    {.name = "kit_growing_color", .columns = by_color, .n_columns = 1, .since = 1},
    {.name = "kit_growing_note",
     .columns = by_note,
     .n_columns = 1,
     .unique = 1,
     .since = 3},
};
enum { GROWING_BY_COLOR, GROWING_BY_NOTE };

static const struct ff_record new_growing = {.struct_size = sizeof(struct ff_record),
                                             .name = "kit_growing",
                                             .since = 1,
                                             .columns = new_columns,
                                             .n_columns = COUNT_OF(new_columns),
                                             .n_key = 1,
                                             .indexes = new_indexes,
                                             .n_indexes = COUNT_OF(new_indexes)};
static const struct ff_column added_columns[] = {
    {.name = "id", .type = FF_TEXT, .since = 2},
    {.name = "version", .type = FF_INT, .since = 2},
};
static const struct ff_record added = {.struct_size = sizeof(struct ff_record),
                                       .name = "kit_added",
                                       .since = 2,
                                       .columns = added_columns,
                                       .n_columns = COUNT_OF(added_columns),
                                       .n_key = 1};
static const struct ff_record *const new_records[] = {&new_growing, &added, NULL};
static const struct ff_schema new_schema = {
    .struct_size = sizeof(struct ff_schema), .version = 3, .records = new_records};

/* --- rows of the old schema, and what becomes of them --- */

static void put_growing(struct kit_batch *b, const struct ff_record *record, int64_t k,
                        const char *t, int64_t color)
{
    const size_t i = kit_add(b, record, FF_PUT, FF_ABSENT);

    b->values[i][GROWING_K] = v_int(k);
    b->values[i][GROWING_T] = t ? v_text(t) : v_null();
    b->values[i][GROWING_COLOR] = v_number(FF_ENUM, color);
}

static void write_old_rows(struct kit_store *s)
{
    struct kit_batch b = {0};

    put_growing(&b, &old_growing, 1, "one", RED);
    put_growing(&b, &old_growing, 2, NULL, GREEN);
    put_growing(&b, &old_growing, 3, "three", RED);
    kit_must_commit(s, &b, "rows of the old schema");
    put_growing(&b, &old_growing, 2, "two", GREEN);
    b.changes[0].expect = 1;
    kit_must_commit(s, &b, "a change of an old row");
}

static void expect_old_rows(struct kit_store *s)
{
    struct ff_query q = kit_query(&new_growing, -1);
    const struct ff_value red = v_number(FF_ENUM, RED);

    kit_expect_text(s->k, kit_rows(s, &q),
                    "k=1 version=1 t=one color=red note=null raw=null; "
                    "k=2 version=2 t=two color=green note=null raw=null; "
                    "k=3 version=1 t=three color=red note=null raw=null",
                    "old rows after the upgrade, with null in what they lack");
    q.index = GROWING_BY_COLOR;
    q.n_equal = 1;
    q.equal = &red;
    kit_expect_int(s->k, kit_count(s, &q), 2, "old rows by an index after the upgrade");
}

static void use_what_is_new(struct kit_store *s)
{
    struct ff_query q = kit_query(&new_growing, GROWING_BY_NOTE);
    const struct ff_value note = v_text("noted");
    struct kit_batch b = {0};
    size_t i;

    put_growing(&b, &new_growing, 4, "four", 3);
    kit_must_commit(s, &b, "an enum's new name");
    i = kit_add(&b, &new_growing, FF_PATCH, 2);
    b.values[i][GROWING_K] = v_int(2);
    b.values[i][GROWING_NOTE] = note;
    b.values[i][GROWING_RAW] = v_string(FF_BYTES, "\0\xff", 2);
    b.changes[i].set = UINT64_C(1) << GROWING_NOTE | UINT64_C(1) << GROWING_RAW;
    kit_must_commit(s, &b, "a patch of new columns of an old row");
    i = kit_add(&b, &new_growing, FF_PATCH, 1);
    b.values[i][GROWING_K] = v_int(1);
    b.values[i][GROWING_NOTE] = note;
    b.changes[i].set = UINT64_C(1) << GROWING_NOTE;
    kit_must_fail(s, &b, FF_CONFLICT, 0, "a value twice in a new unique index");
    q.n_equal = 1;
    q.equal = &note;
    kit_expect_text(s->k, kit_rows(s, &q),
                    "k=2 version=3 t=two color=green note=noted raw=00ff",
                    "an old row by a new index");
    i = kit_add(&b, &added, FF_PUT, FF_ABSENT);
    b.values[i][0] = v_text("first");
    kit_must_commit(s, &b, "a row of a new record");
}

static void an_upgrade_keeps_the_rows(struct kit *k)
{
    struct kit_store old;
    struct kit_store s;

    kit_open(k, &old, &old_schema);
    write_old_rows(&old);
    kit_open(k, &s, &new_schema);
    kit_close(&old);
    expect_old_rows(&s);
    use_what_is_new(&s);
    kit_close(&s);
}

static void a_store_is_upgraded_when_opened_again(struct kit *k)
{
    struct kit_store s;

    kit_open(k, &s, &old_schema);
    write_old_rows(&s);
    kit_close(&s);
    kit_drop(k);
    kit_open(k, &s, &new_schema);
    expect_old_rows(&s);
    use_what_is_new(&s);
    kit_close(&s);
}

static void the_same_session_may_upgrade(struct kit *k)
{
    struct kit_store s;

    kit_open(k, &s, &old_schema);
    write_old_rows(&s);
    kit_expect_code(k, s.ops->setup(s.session, &new_schema, &s.err), FF_OK, &s.err,
                    "a second setup, of a newer schema");
    expect_old_rows(&s);
    use_what_is_new(&s);
    kit_close(&s);
}

static void a_newer_schema_is_refused(struct kit *k)
{
    struct kit_store newer;
    struct kit_store s;

    kit_open(k, &newer, &new_schema);
    kit_open(k, &s, NULL);
    kit_expect_code(k, s.ops->setup(s.session, &old_schema, &s.err), FF_UNSUPPORTED,
                    &s.err, "setup of schema 1 on a store of schema 3");
    kit_expect(k, s.err.msg[0], "the refusal has no sentence");
    kit_close(&s);
    kit_close(&newer);
}

/* --- again and at once --- */

static void setting_up_again_changes_nothing(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;
    struct kit_store second;

    kit_open(k, &s, &kit_schema);
    kit_put(&b, 1, 10, 11, FF_ABSENT);
    kit_must_commit(&s, &b, "a pair");
    for (int i = 0; i < 3; i++)
        kit_expect_code(k, s.ops->setup(s.session, &kit_schema, &s.err), FF_OK, &s.err,
                        "setup of the same schema again");
    kit_open(k, &second, &kit_schema);
    kit_expect_pairs(&second, "1:10,11 v1", "after a setup by a second session");
    kit_patch(&b, 1, 20, 1);
    kit_must_commit(&second, &b, "a patch by the second session");
    kit_expect_pairs(&s, "1:20,11 v2", "what the first one sees");
    kit_close(&second);
    kit_close(&s);
}

/* A process that begins, upgrades or finds the tables, and leaves a row. */
static void set_up_and_write(struct kit *k, void *arg)
{
    const int64_t *number = arg;
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_put(&b, *number, *number, 0, FF_ABSENT);
    kit_must_commit(&s, &b, "a row after a setup among others");
    kit_close(&s);
}

#define AT_ONCE 4

static void processes_may_set_up_at_once(struct kit *k)
{
    struct kit_child children[AT_ONCE];
    int64_t numbers[AT_ONCE];
    struct kit_store s;

    for (int i = 0; i < AT_ONCE; i++) {
        numbers[i] = i;
        kit_start(k, &children[i], set_up_and_write, &numbers[i]);
    }
    for (int i = 0; i < AT_ONCE; i++)
        kit_let_go(&children[i]);
    for (int i = 0; i < AT_ONCE; i++)
        kit_end(k, &children[i]);
    kit_open(k, &s, &kit_schema);
    kit_expect_pairs(&s, "0:0,0 v1; 1:1,0 v1; 2:2,0 v1; 3:3,0 v1",
                     "the rows of all who began at once");
    kit_close(&s);
}

static void threads_may_set_up_at_once(struct kit *k)
{
    struct kit_thread *threads[AT_ONCE];
    int64_t numbers[AT_ONCE];
    struct kit_store s;

    kit_open(k, &s, NULL); /* a store in memory lasts as long as a session */
    for (int i = 0; i < AT_ONCE; i++) {
        numbers[i] = i;
        threads[i] = kit_thread(k, set_up_and_write, &numbers[i]);
    }
    for (int i = 0; i < AT_ONCE; i++)
        kit_join(threads[i]);
    kit_expect_code(k, s.ops->setup(s.session, &kit_schema, &s.err), FF_OK, &s.err,
                    "setup after the others");
    kit_expect_pairs(&s, "0:0,0 v1; 1:1,0 v1; 2:2,0 v1; 3:3,0 v1",
                     "the rows of all who began at once");
    kit_close(&s);
}

/* --- the widest record --- */

#define WIDEST 64 /* a bit each in `set` and `want` */

static void a_record_may_have_64_columns(struct kit *k)
{
    static char names[WIDEST][8];
    static struct ff_column columns[WIDEST];
    static struct ff_record wide = {.struct_size = sizeof(struct ff_record),
                                    .name = "kit_wide",
                                    .since = 1,
                                    .columns = columns,
                                    .n_columns = WIDEST,
                                    .n_key = 1};
    static const struct ff_record *const records[] = {&wide, NULL};
    static const struct ff_schema schema = {
        .struct_size = sizeof(struct ff_schema), .version = 1, .records = records};
    struct ff_value values[WIDEST] = {v_int(1)};
    struct ff_change c = {
        .kind = FF_PUT, .record = &wide, .expect = FF_ABSENT, .values = values};
    struct ff_query q = kit_query(&wide, -1);
    struct kit_store s;
    size_t failed;

    for (int i = 0; i < WIDEST; i++) {
        snprintf(names[i], sizeof(names[i]), i == 1 ? "version" : "c%d", i);
        columns[i] = (struct ff_column){.name = names[i], .type = FF_INT, .since = 1};
        if (i > 1)
            values[i] = v_int(i);
    }
    kit_open(k, &s, &schema);
    kit_expect_code(k, s.ops->commit(s.session, &c, 1, &failed, &s.err), FF_OK, &s.err,
                    "an insert of 64 columns");
    c.kind = FF_PATCH;
    c.expect = 1;
    c.set = UINT64_C(1) << (WIDEST - 1);
    values[WIDEST - 1] = v_int(-5);
    values[WIDEST - 2] = v_int(-6);
    kit_expect_code(k, s.ops->commit(s.session, &c, 1, &failed, &s.err), FF_OK, &s.err,
                    "a patch of the 64th column");
    q.want = UINT64_C(3) << (WIDEST - 2);
    kit_expect_text(k, kit_rows(&s, &q), " c62=62 c63=-5", "the last two columns");
    kit_close(&s);
}

const struct kit_check kit_store_setup[] = {
    {.name = "setup/again",
     .what = "setup is idempotent, by the same session and by another",
     .run = setting_up_again_changes_nothing},
    {.name = "setup/threads",
     .what = "sessions of one process may set up at once",
     .run = threads_may_set_up_at_once},
    {.name = "setup/processes",
     .what = "processes may set up at once",
     .run = processes_may_set_up_at_once,
     .caps = FF_STORE_SHARED},
    {.name = "setup/upgrade",
     .what =
         "setup of a newer schema adds records, columns, indexes and names of enums, "
         "and keeps the rows",
     .run = an_upgrade_keeps_the_rows},
    {.name = "setup/upgrade-same",
     .what = "a session that has set up an older schema may set up a newer one",
     .run = the_same_session_may_upgrade},
    {.name = "setup/upgrade-reopened",
     .what =
         "a store that was closed with an older schema is upgraded when it is opened",
     .run = a_store_is_upgraded_when_opened_again,
     .caps = FF_STORE_DURABLE},
    {.name = "setup/newer",
     .what = "setup of an older schema than the stored one is FF_UNSUPPORTED",
     .run = a_newer_schema_is_refused},
    {.name = "setup/wide",
     .what = "a record may have 64 columns, one for each bit of `set` and `want`",
     .run = a_record_may_have_64_columns},
    {0},
};
