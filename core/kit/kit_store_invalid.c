/* kit/kit_store_invalid.c - checks of what a store refuses: changes and queries that
 * are a mistake of the caller. */
#include "kit/kit_store.h"

/* --- changes --- */

static void patch_key(struct kit_batch *b)
{
    b->changes[kit_patch(b, 1, 5, 1)].set = UINT64_C(1) << PAIR_K;
}
static void patch_version(struct kit_batch *b)
{
    const size_t i = kit_patch(b, 1, 5, 1);

    b->changes[i].set = UINT64_C(1) << PAIR_VERSION | UINT64_C(1) << PAIR_LEFT;
    b->values[i][PAIR_VERSION] = v_int(9);
}
static void patch_beyond(struct kit_batch *b)
{
    b->changes[kit_patch(b, 1, 5, 1)].set = UINT64_C(1) << N_PAIR;
}
static void patch_far_beyond(struct kit_batch *b)
{
    b->changes[kit_patch(b, 1, 5, 1)].set = UINT64_C(1) << 63;
}
static void patch_absent(struct kit_batch *b)
{
    kit_patch(b, 2, 5, FF_ABSENT);
}
static void delete_absent(struct kit_batch *b)
{
    kit_delete(b, 2, FF_ABSENT);
}
static void expect_below_any(struct kit_batch *b)
{
    kit_put(b, 1, 5, 5, -2);
}
static void expect_lowest(struct kit_batch *b)
{
    kit_check(b, 1, INT64_MIN);
}
static void kind_zero(struct kit_batch *b)
{
    b->changes[kit_put(b, 1, 5, 5, FF_ANY_VERSION)].kind = 0;
}
static void kind_beyond(struct kit_batch *b)
{
    b->changes[kit_put(b, 1, 5, 5, FF_ANY_VERSION)].kind = FF_CHECK + 1;
}
static void unknown_record(struct kit_batch *b)
{
    static struct ff_record stranger;

    stranger = kit_pair;
    stranger.name = "kit_stranger";
    b->changes[kit_put(b, 1, 5, 5, FF_ANY_VERSION)].record = &stranger;
}
static void null_value(struct kit_batch *b)
{
    b->values[kit_put(b, 1, 5, 5, FF_ANY_VERSION)][PAIR_LEFT] = v_null();
}
static void null_key(struct kit_batch *b)
{
    b->values[kit_put(b, 1, 5, 5, FF_ANY_VERSION)][PAIR_K] = v_null();
}
static void wrong_type(struct kit_batch *b)
{
    b->values[kit_put(b, 1, 5, 5, FF_ANY_VERSION)][PAIR_LEFT] = v_text("five");
}
static void wrong_number_type(struct kit_batch *b)
{
    b->values[kit_put(b, 1, 5, 5, FF_ANY_VERSION)][PAIR_LEFT] = v_number(FF_TIME, 5);
}
static void wrong_key_type(struct kit_batch *b)
{
    b->values[kit_delete(b, 1, 1)][PAIR_K] = v_text("1");
}
static void unknown_type(struct kit_batch *b)
{
    b->values[kit_put(b, 1, 5, 5, FF_ANY_VERSION)][PAIR_LEFT] = v_number(99, 5);
}
static void text_with_nul(struct kit_batch *b)
{
    b->values[kit_put_thing(b, 1, "a", FF_ANY_VERSION)][THING_T] =
        v_string(FF_TEXT, "a\0b", 3);
}
static void bool_of_two(struct kit_batch *b)
{
    b->values[kit_put_thing(b, 1, "a", FF_ANY_VERSION)][THING_OK] =
        v_number(FF_BOOL, 2);
}
static void enum_beyond(struct kit_batch *b)
{
    b->values[kit_put_thing(b, 1, "a", FF_ANY_VERSION)][THING_COLOR] =
        v_number(FF_ENUM, N_COLORS);
}
static void enum_negative(struct kit_batch *b)
{
    b->values[kit_put_thing(b, 1, "a", FF_ANY_VERSION)][THING_COLOR] =
        v_number(FF_ENUM, -1);
}

struct bad_change {
    const char *what;
    void (*add)(struct kit_batch *b);
};

static const struct bad_change guards[] = {
    {"a PATCH with FF_ABSENT", patch_absent},
    {"a DELETE with FF_ABSENT", delete_absent},
    {"a guard of -2", expect_below_any},
    {"a guard of INT64_MIN", expect_lowest},
    {NULL, NULL},
};
static const struct bad_change patches[] = {
    {"a patch of the key", patch_key},
    {"a patch of the version", patch_version},
    {"a patch of a column behind the last", patch_beyond},
    {"a patch of column 63", patch_far_beyond},
    {NULL, NULL},
};
static const struct bad_change unknowns[] = {
    {"a change of kind 0", kind_zero},
    {"a change of kind 5", kind_beyond},
    {"a change of a record that is not in the schema", unknown_record},
    {NULL, NULL},
};
static const struct bad_change values[] = {
    {"null in a column that has none", null_value},
    {"null in the key", null_key},
    {"a text in a column of numbers", wrong_type},
    {"a time in a column of numbers", wrong_number_type},
    {"a key of another type", wrong_key_type},
    {"a value of type 99", unknown_type},
    {"a NUL in a text", text_with_nul},
    {"a bool of 2", bool_of_two},
    {"an enum beyond its names", enum_beyond},
    {"an enum below its names", enum_negative},
    {NULL, NULL},
};

static void bad_changes_are_refused(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_put(&b, 1, 10, 11, FF_ABSENT);
    kit_must_commit(&s, &b, "a pair");
    for (const struct bad_change *c = kit_data(k); c->what; c++) {
        kit_put(&b, 9, 9, 9, FF_ABSENT);
        c->add(&b);
        kit_must_fail(&s, &b, FF_INVALID, 1, "%s", c->what);
        kit_expect_pairs(&s, "1:10,11 v1", "after %s", c->what);
    }
    kit_close(&s);
}

/* --- queries --- */

struct bad_query {
    const char *what;
    int index;
    uint32_t n_equal;
    struct ff_value equal[4];
    const struct ff_value *from, *below;
    const struct ff_record *record; /* NULL: kit_thing */
};

static const struct ff_value null = {0};
static const struct ff_value text_x = {.type = FF_TEXT, .s = "x", .len = 1};
static const struct ff_value int_1 = {.type = FF_INT, .i = 1};
static const struct ff_record stranger = {
    .struct_size = sizeof(struct ff_record), .name = "kit_stranger", .n_columns = 0};

static const struct bad_query bad_queries[] = {
    {.what = "an index beyond the last", .index = 99},
    {.what = "an index of -2", .index = -2},
    {.what = "more equal values than the index has columns",
     .index = BY_U,
     .n_equal = 2,
     .equal = {{.type = FF_TEXT, .s = "x", .len = 1}, {.type = FF_INT, .i = 1}}},
    {.what = "a range behind the last column of the index",
     .index = BY_U,
     .n_equal = 1,
     .equal = {{.type = FF_TEXT, .s = "x", .len = 1}},
     .from = &int_1},
    {.what = "a range from null", .index = BY_U, .from = &null},
    {.what = "a range below null", .index = BY_U, .below = &null},
    {.what = "a range from a number in an index of texts",
     .index = BY_U,
     .from = &int_1},
    {.what = "an equal value of another type",
     .index = BY_COLOR,
     .n_equal = 1,
     .equal = {{.type = FF_TEXT, .s = "red", .len = 3}}},
    {.what = "a range below a text in an index of numbers",
     .index = -1,
     .below = &text_x},
    {.what = "a record that is not in the schema", .index = -1, .record = &stranger},
};

static int count_row(void *arg, const struct ff_value *row)
{
    (void)row;
    ++*(size_t *)arg;
    return 0;
}

static void bad_queries_are_refused(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_put_thing(&b, 1, "x", FF_ABSENT);
    kit_must_commit(&s, &b, "a thing");
    for (size_t i = 0; i < COUNT_OF(bad_queries); i++) {
        const struct bad_query *bad = &bad_queries[i];
        struct ff_query q =
            kit_query(bad->record ? bad->record : &kit_thing, bad->index);
        uint64_t n = 0;
        size_t n_rows = 0;

        q.n_equal = bad->n_equal;
        q.equal = bad->equal;
        q.from = bad->from;
        q.below = bad->below;
        kit_expect_code(k, s.ops->scan(s.session, &q, count_row, &n_rows, &s.err),
                        FF_INVALID, &s.err, "a scan by %s", bad->what);
        kit_expect_code(k, s.ops->count(s.session, &q, &n, &s.err), FF_INVALID, &s.err,
                        "a count by %s", bad->what);
        kit_expect_int(k, n_rows, 0, "rows given by %s", bad->what);
    }
    kit_close(&s);
}

/* --- what failures say --- */

static void failures_say_what_is_wrong(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;
    size_t len;

    kit_open(k, &s, &kit_schema);
    for (int i = 0; i < 2; i++) {
        kit_patch(&b, 1, 5, i == 0 ? 1 : FF_ABSENT);

        const int code = kit_commit(&s, &b);

        len = strnlen(s.err.msg, sizeof(s.err.msg));
        kit_expect_int(k, s.err.code, code, "err.code beside the code returned");
        kit_expect(k, len > 0 && len < sizeof(s.err.msg), "err.msg has no sentence");
        kit_expect(k, !strchr(s.err.msg, '\n') && s.err.msg[len - 1] != '.',
                   "err.msg is one sentence without a full stop: %s", s.err.msg);
    }
    kit_close(&s);
}

const struct kit_check kit_store_invalid[] = {
    {.name = "invalid/guards",
     .what = "a guard that makes no sense for its kind is FF_INVALID",
     .run = bad_changes_are_refused,
     .data = guards},
    {.name = "invalid/patch",
     .what =
         "a patch of the key, the version or a column that is not there is FF_INVALID",
     .run = bad_changes_are_refused,
     .data = patches},
    {.name = "invalid/unknown",
     .what = "a change of an unknown kind or record is FF_INVALID",
     .run = bad_changes_are_refused,
     .data = unknowns},
    {.name = "invalid/values",
     .what = "a value that its column cannot hold is FF_INVALID",
     .run = bad_changes_are_refused,
     .data = values},
    {.name = "invalid/queries",
     .what = "a query that its index cannot answer is FF_INVALID",
     .run = bad_queries_are_refused},
    {.name = "invalid/sentence",
     .what = "a failure fills err: its code, and one sentence without a full stop",
     .run = failures_say_what_is_wrong},
    {0},
};
