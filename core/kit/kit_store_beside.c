/* kit/kit_store_beside.c - checks of two releases side by side: sessions of an older
 * schema in tables of a newer one that lets them in, which lose nothing of what they do
 * not know. A store of a single process is never in this place. */
#include "kit/kit_store.h"

/* --- schemas: 1, and 3, which programs of 1 may use --- */

/* The newer names come between the old ones, and the newer columns, too: their places
 * mean nothing. */
static const char *const old_names[] = {"red", "green", NULL};
static const char *const new_names[] = {"blue", "red", "grey", "green", NULL};

static const struct ff_column old_columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
    {.name = "t", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 1},
    {.name = "color", .type = FF_ENUM, .names = old_names, .since = 1},
};
static const struct ff_column new_columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
    {.name = "note", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 3},
    {.name = "t", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 1},
    {.name = "color", .type = FF_ENUM, .names = new_names, .since = 1},
};
enum { OLD_K, OLD_VERSION, OLD_T, OLD_COLOR };
enum { NEW_K, NEW_VERSION, NEW_NOTE, NEW_T, NEW_COLOR };
enum { NEW_RED = 1 };

static const uint16_t old_by_color[] = {OLD_COLOR};
static const uint16_t new_by_color[] = {NEW_COLOR};
static const uint16_t by_note[] = {NEW_NOTE};
static const struct ff_index old_indexes[] = {
    {.name = "kit_beside_color", .columns = old_by_color, .n_columns = 1, .since = 1},
};
static const struct ff_index new_indexes[] = {
    {.name = "kit_beside_note",
     .columns = by_note,
     .n_columns = 1,
     .unique = 1,
     .since = 3},
    {.name = "kit_beside_color", .columns = new_by_color, .n_columns = 1, .since = 1},
};

static const struct ff_record old_beside = {.struct_size = sizeof(struct ff_record),
                                            .name = "kit_beside",
                                            .since = 1,
                                            .columns = old_columns,
                                            .n_columns = COUNT_OF(old_columns),
                                            .n_key = 1,
                                            .indexes = old_indexes,
                                            .n_indexes = COUNT_OF(old_indexes)};
static const struct ff_record new_beside = {.struct_size = sizeof(struct ff_record),
                                            .name = "kit_beside",
                                            .since = 1,
                                            .columns = new_columns,
                                            .n_columns = COUNT_OF(new_columns),
                                            .n_key = 1,
                                            .indexes = new_indexes,
                                            .n_indexes = COUNT_OF(new_indexes)};
static const struct ff_record *const old_records[] = {&old_beside, NULL};
static const struct ff_record *const new_records[] = {&new_beside, NULL};

static const struct ff_schema old_schema = {
    .struct_size = sizeof(struct ff_schema), .version = 1, .records = old_records};
static const struct ff_schema new_schema = {.struct_size = sizeof(struct ff_schema),
                                            .version = 3,
                                            .records = new_records,
                                            .min_version = 1};
/* The same, after which programs of 1 are out. */
static const struct ff_schema last_schema = {.struct_size = sizeof(struct ff_schema),
                                             .version = 4,
                                             .records = new_records,
                                             .min_version = 2};

/* --- changes --- */

static void put_old(struct kit_batch *b, int64_t k, const char *t, int64_t color,
                    int64_t expect)
{
    const size_t i = kit_add(b, &old_beside, FF_PUT, expect);

    b->values[i][OLD_K] = v_int(k);
    b->values[i][OLD_T] = v_text(t);
    b->values[i][OLD_COLOR] = v_number(FF_ENUM, color);
}

static void patch_old(struct kit_batch *b, int64_t k, const char *t, int64_t expect)
{
    const size_t i = kit_add(b, &old_beside, FF_PATCH, expect);

    b->values[i][OLD_K] = v_int(k);
    b->values[i][OLD_T] = v_text(t);
    b->changes[i].set = UINT64_C(1) << OLD_T;
}

static void put_new(struct kit_batch *b, int64_t k, const char *note)
{
    const size_t i = kit_add(b, &new_beside, FF_PUT, FF_ABSENT);

    b->values[i][NEW_K] = v_int(k);
    b->values[i][NEW_NOTE] = v_text(note);
    b->values[i][NEW_T] = v_text("new");
    b->values[i][NEW_COLOR] = v_number(FF_ENUM, NEW_RED);
}

static void expect_old(struct kit_store *s, const char *rows, const char *what)
{
    const struct ff_query q = kit_query(&old_beside, -1);

    kit_expect_text(s->k, kit_rows(s, &q), rows, "%s", what);
}

static void expect_new(struct kit_store *s, const char *rows, const char *what)
{
    const struct ff_query q = kit_query(&new_beside, -1);

    kit_expect_text(s->k, kit_rows(s, &q), rows, "%s", what);
}

/* Both open, on rows 1 and 2 of the old one and 3 of the new one. */
static void open_both(struct kit *k, struct kit_store *old, struct kit_store *new)
{
    struct kit_batch b = {0};

    kit_open(k, old, &old_schema);
    put_old(&b, 1, "one", RED, FF_ABSENT);
    put_old(&b, 2, "two", GREEN, FF_ABSENT);
    kit_must_commit(old, &b, "rows of the older program");
    kit_open(k, new, &new_schema);
    put_new(&b, 3, "third");
    kit_must_commit(new, &b, "a row of the newer program");
}

/* --- who gets in --- */

/* Where it is told at all: 0 is not known. */
static void expect_versions(struct kit_store *s, uint32_t version, uint32_t min)
{
    struct ff_store_info info = {.struct_size = sizeof(info)};

    if (!s->ops->info)
        return;
    kit_expect_code(s->k, s->ops->info(s->session, &info, NULL, NULL, &s->err), FF_OK,
                    &s->err, "info");
    kit_expect_int(s->k, info.schema_version, version, "the stored schema's version");
    if (info.min_version)
        kit_expect_int(s->k, info.min_version, min,
                       "the lowest version that may use the store");
}

static void an_older_program_gets_in(struct kit *k)
{
    struct kit_store old, new, again;
    struct kit_batch b = {0};

    open_both(k, &old, &new);
    kit_open(k, &again, &old_schema);
    expect_old(&again,
               "k=1 version=1 t=one color=red; k=2 version=1 t=two color=green; "
               "k=3 version=1 t=new color=red",
               "what an older program sees that begins after the upgrade");
    expect_versions(&again, new_schema.version, new_schema.min_version);
    put_old(&b, 4, "four", GREEN, FF_ABSENT);
    kit_must_commit(&again, &b, "a row of an older program after the upgrade");
    kit_expect_code(k, new.ops->setup(new.session, &new_schema, &new.err), FF_OK,
                    &new.err, "setup of the newer schema again");
    expect_new(&new,
               "k=1 version=1 note=null t=one color=red; "
               "k=2 version=1 note=null t=two color=green; "
               "k=3 version=1 note=third t=new color=red; "
               "k=4 version=1 note=null t=four color=green",
               "what the newer program sees");
    kit_close(&again);
    kit_close(&new);
    kit_close(&old);
}

static void it_gets_in_when_reopened(struct kit *k)
{
    struct kit_store old, new;
    struct kit_batch b = {0};

    open_both(k, &old, &new);
    kit_close(&new);
    kit_close(&old);
    kit_drop(k);
    kit_open(k, &old, &old_schema);
    patch_old(&b, 3, "patched", 1);
    kit_must_commit(&old, &b, "a patch by an older program after a restart");
    kit_close(&old);
    kit_drop(k);
    kit_open(k, &new, &new_schema);
    expect_new(&new,
               "k=1 version=1 note=null t=one color=red; "
               "k=2 version=1 note=null t=two color=green; "
               "k=3 version=2 note=third t=patched color=red",
               "what the newer program finds when it is back");
    kit_close(&new);
}

static void the_minimum_rises(struct kit *k)
{
    struct kit_store old, new, last;

    open_both(k, &old, &new);
    kit_open(k, &last, &last_schema);
    expect_versions(&last, last_schema.version, last_schema.min_version);
    kit_close(&old);
    kit_open(k, &old, NULL);
    kit_expect_code(k, old.ops->setup(old.session, &old_schema, &old.err),
                    FF_UNSUPPORTED, &old.err,
                    "setup of schema 1 on one that is for 2 or above");
    kit_expect(k, old.err.msg[0], "the refusal has no sentence");
    kit_expect_code(k, new.ops->setup(new.session, &new_schema, &new.err), FF_OK,
                    &new.err, "setup of schema 3 on one that is for 2 or above");
    kit_close(&last);
    kit_close(&new);
    kit_close(&old);
}

/* --- what it does not know stays --- */

static void writing_by_turns_loses_nothing(struct kit *k)
{
    struct kit_store old, new;
    struct kit_batch b = {0};
    size_t i;

    open_both(k, &old, &new);
    patch_old(&b, 3, "patched", 1);
    kit_must_commit(&old, &b, "a patch by the older program");
    put_old(&b, 3, "put", GREEN, 2);
    kit_must_commit(&old, &b, "a replacement of a version by the older program");
    put_old(&b, 3, "again", RED, FF_ANY_VERSION);
    kit_must_commit(&old, &b, "a replacement of any version by the older program");
    i = kit_add(&b, &new_beside, FF_PATCH, 1);
    b.values[i][NEW_K] = v_int(1);
    b.values[i][NEW_NOTE] = v_text("first");
    b.changes[i].set = UINT64_C(1) << NEW_NOTE;
    kit_must_commit(&new, &b, "a patch by the newer program");
    patch_old(&b, 1, "one more", 2);
    put_old(&b, 5, "five", RED, FF_ANY_VERSION);
    kit_must_commit(&old, &b, "changes by the older program");
    expect_new(&new,
               "k=1 version=3 note=first t=one more color=red; "
               "k=2 version=1 note=null t=two color=green; "
               "k=3 version=4 note=third t=again color=red; "
               "k=5 version=1 note=null t=five color=red",
               "after writing by turns");
    i = kit_add(&b, &new_beside, FF_PATCH, 1);
    b.values[i][NEW_K] = v_int(5);
    b.values[i][NEW_NOTE] = v_text("third");
    b.changes[i].set = UINT64_C(1) << NEW_NOTE;
    kit_must_fail(&new, &b, FF_CONFLICT, 0,
                  "a value that a row has in a new unique index still");
    kit_close(&new);
    kit_close(&old);
}

const struct kit_check kit_store_beside[] = {
    {.name = "beside/older",
     .what =
         "setup of an older schema that the stored one lets in uses it, and changes "
         "nothing of it",
     .run = an_older_program_gets_in,
     .caps = FF_STORE_SHARED},
    {.name = "beside/reopened",
     .what = "an older program may begin on a store that a newer one left",
     .run = it_gets_in_when_reopened,
     .caps = FF_STORE_DURABLE},
    {.name = "beside/minimum",
     .what = "the lowest version that may use the store rises with an upgrade",
     .run = the_minimum_rises,
     .caps = FF_STORE_SHARED},
    {.name = "beside/columns",
     .what = "columns that a session does not know stay as they are, by PATCH and PUT",
     .run = writing_by_turns_loses_nothing,
     .caps = FF_STORE_SHARED},
    {0},
};
