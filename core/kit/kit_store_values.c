/* kit/kit_store_values.c - checks of values: every one comes back as it was given. */
#include "kit/kit_store.h"

#define MEBIBYTE ((size_t)1 << 20)

/* --- one value, there and back --- */

struct read_back {
    struct kit *k;
    const struct ff_record *record;
    uint16_t column;
    const struct ff_value *expected;
    size_t n;
};

static bool same_bytes(const struct ff_value *a, const struct ff_value *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->s, b->s, a->len) == 0);
}

static int compare(void *arg, const struct ff_value *row)
{
    struct read_back *r = arg;
    const struct ff_value *got = &row[r->column];
    const char *name = r->record->columns[r->column].name;

    r->n++;
    kit_expect_int(r->k, got->type, r->expected->type, "the type of %s read back",
                   name);
    if (!got->type)
        return 0;
    if (got->type == FF_TEXT || got->type == FF_BYTES || got->type == FF_JSON) {
        kit_expect_int(r->k, got->len, r->expected->len, "the length of %s read back",
                       name);
        kit_expect(r->k, same_bytes(got, r->expected), "%s read back is another", name);
    } else {
        kit_expect_int(r->k, got->i, r->expected->i, "%s read back", name);
    }
    return 0;
}

/* By key, then by the whole table. */
static void expect_value(struct kit_store *s, uint16_t column,
                         const struct ff_value *expected)
{
    const struct ff_value key[] = {v_int(1), v_text("x")};
    struct read_back r = {
        .k = s->k, .record = &kit_thing, .column = column, .expected = expected};
    struct ff_query q = kit_query(&kit_thing, -1);

    q.n_equal = 2;
    q.equal = key;
    kit_expect_code(s->k, s->ops->scan(s->session, &q, compare, &r, &s->err), FF_OK,
                    &s->err, "reading %s back", kit_thing.columns[column].name);
    kit_expect_int(s->k, r.n, 1, "rows with the key");
}

static void put_value(struct kit_store *s, uint16_t column, struct ff_value value)
{
    struct kit_batch b = {0};
    size_t i;

    b.values[kit_put_thing(&b, 1, "x", FF_ANY_VERSION)][column] = value;
    kit_must_commit(s, &b, "writing %s", kit_thing.columns[column].name);
    expect_value(s, column, &value);
    if (kit_thing.columns[column].flags & FF_COL_NULLABLE) {
        b.values[kit_put_thing(&b, 1, "x", FF_ANY_VERSION)][column] = v_null();
        kit_must_commit(s, &b, "writing null to %s", kit_thing.columns[column].name);
        expect_value(s, column, &(const struct ff_value){0});
    }
    i = kit_put_thing(&b, 1, "x", FF_ANY_VERSION);
    b.changes[i].kind = FF_PATCH;
    b.changes[i].set = UINT64_C(1) << column;
    b.values[i][column] = value;
    kit_must_commit(s, &b, "patching %s", kit_thing.columns[column].name);
    expect_value(s, column, &value);
}

/* --- lists of them --- */

struct listed {
    uint16_t column;
    const struct ff_value *values;
    size_t n;
};

#define TEXT(S)                                                                        \
    {                                                                                  \
        .type = FF_TEXT, .s = (S), .len = sizeof(S) - 1                                \
    }
#define BYTES(S)                                                                       \
    {                                                                                  \
        .type = FF_BYTES, .s = (S), .len = sizeof(S) - 1                               \
    }
#define LISTED(COLUMN, VALUES)                                                         \
    &(const struct listed)                                                             \
    {                                                                                  \
        (COLUMN), (VALUES), COUNT_OF(VALUES)                                           \
    }

static const struct ff_value numbers[] = {
    {.type = FF_INT, .i = INT64_MIN},
    {.type = FF_INT, .i = -1},
    {.type = FF_INT, .i = 0},
    {.type = FF_INT, .i = (INT64_C(1) << 53) + 1}, /* no double has it */
    {.type = FF_INT, .i = INT64_MAX - 1},
    {.type = FF_INT, .i = INT64_MAX},
};
static const struct ff_value times[] = {
    {.type = FF_TIME, .i = INT64_MIN},
    {.type = FF_TIME, .i = -1},
    {.type = FF_TIME, .i = 0},
    {.type = FF_TIME, .i = INT64_C(1795300000123457)},
    {.type = FF_TIME, .i = INT64_MAX},
};
static const struct ff_value bools[] = {
    {.type = FF_BOOL, .i = 0},
    {.type = FF_BOOL, .i = 1},
};
static const struct ff_value shades[] = {
    {.type = FF_ENUM, .i = RED},
    {.type = FF_ENUM, .i = GREEN},
    {.type = FF_ENUM, .i = BLUE},
};
static const struct ff_value texts[] = {
    TEXT(""),
    TEXT(" "),
    TEXT(" both ends "),
    TEXT("null"),
    TEXT("NULL"),
    TEXT("0"),
    TEXT("1e3"),
    TEXT("true"),
    TEXT("it's \"quoted\""),
    TEXT("x'; DROP TABLE kit_thing; --"),
    TEXT("100% \\ back\\slash \\n \\\\ $1 ${x} ?"),
    TEXT("line\nline\r\n\ttab\x01\x1f"),
    TEXT("\xc3\xa9"),  /* one letter; not the same as */
    TEXT("e\xcc\x81"), /* a letter and an accent */
    TEXT("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"),
    TEXT("\xf0\x9f\x98\x80"),
    TEXT("\xef\xbb\xbf begins with U+FEFF"),
    {.type = FF_TEXT, .s = NULL, .len = 0}, /* empty, and not null */
};
static const struct ff_value blobs[] = {
    BYTES(""),
    BYTES("\0"),
    BYTES("\0\0\0"),
    BYTES("\xff"),
    BYTES("\xff\xfe\0\0"),
    BYTES("a\0b"),
    BYTES("\\x41"),
    BYTES("\\000"),
    BYTES("'"),
    {.type = FF_BYTES, .s = NULL, .len = 0},
};

static void listed_values_come_back(struct kit *k)
{
    const struct listed *list = kit_data(k);
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (size_t i = 0; i < list->n; i++)
        put_value(&s, list->column, list->values[i]);
    kit_close(&s);
}

static void every_byte_comes_back(struct kit *k)
{
    unsigned char all[512];
    struct kit_store s;

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (unsigned char)(i < 256 ? i : 511 - i);
    kit_open(k, &s, &kit_schema);
    put_value(&s, THING_BYTES, v_string(FF_BYTES, (const char *)all, sizeof(all)));
    kit_close(&s);
}

/* --- keys --- */

/* By key, and in a patch and a delete, which find their row by it. */
static void texts_are_keys(struct kit *k)
{
    struct ff_query q = kit_query(&kit_thing, -1);
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (size_t i = 0; i + 1 < COUNT_OF(texts); i++)
        b.values[kit_put_thing(&b, 1, "", FF_ABSENT)][THING_B] = texts[i];
    kit_must_commit(&s, &b, "%zu texts as keys", COUNT_OF(texts) - 1);
    for (size_t i = 0; i + 1 < COUNT_OF(texts); i++) {
        const struct ff_value key[] = {v_int(1), texts[i]};
        const size_t place = kit_put_thing(&b, 1, "", 1);

        q.n_equal = 2;
        q.equal = key;
        kit_expect_int(k, kit_count(&s, &q), 1, "rows with key text %zu", i);
        b.values[place][THING_B] = texts[i];
        b.changes[place].kind = FF_DELETE;
        kit_must_commit(&s, &b, "a delete of key text %zu", i);
        kit_expect_int(k, kit_count(&s, &q), 0, "rows with key text %zu, deleted", i);
    }
    q.n_equal = 0;
    kit_expect_int(k, kit_count(&s, &q), 0, "rows that are left");
    kit_close(&s);
}

/* --- JSON --- */

static const char *const documents[] = {
    "{}",
    "[]",
    "null",
    "true",
    "\"text\"",
    "0",
    "-1.5",
    "9007199254740993",
    ("{\"b\":1,\"a\":[1,2,{\"c\":null}],\"empty\":{},\"text\":\"\\u00e9 \\\"q\\\" \\\\ "
     "\\n\"}"),
    "[[[[[[[[]]]]]]]]",
    "{\"\":{\" \":\"\xf0\x9f\x98\x80\"}}",
};

struct document {
    struct kit *k;
    const char *text;
};

/* A store may write it in another way: it must mean the same. */
static int expect_document(void *arg, const struct ff_value *row)
{
    const struct document *d = arg;
    const struct ff_value *got = &row[THING_J];
    struct ff_err err = {0};
    json_t *expected = json_parse(d->text, strlen(d->text), &err);

    kit_expect_int(d->k, got->type, FF_JSON, "the type of a document");

    json_t *value = json_parse(got->s, got->len, &err);

    kit_expect(d->k, value != NULL, "%s came back as no JSON: %s", d->text, err.msg);
    kit_expect(d->k, json_equal(value, expected), "%s came back as %.*s", d->text,
               (int)got->len, got->s);
    json_decref(value);
    json_decref(expected);
    return 0;
}

static void documents_keep_their_meaning(struct kit *k)
{
    const struct ff_query q = kit_query(&kit_thing, -1);
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        struct document d = {k, documents[i]};

        b.values[kit_put_thing(&b, 1, "x", FF_ANY_VERSION)][THING_J] =
            v_string(FF_JSON, documents[i], strlen(documents[i]));
        kit_must_commit(&s, &b, "the document %s", documents[i]);
        kit_expect_code(k, s.ops->scan(s.session, &q, expect_document, &d, &s.err),
                        FF_OK, &s.err, "reading %s", documents[i]);
    }
    kit_close(&s);
}

/* --- size --- */

static void put_large(struct kit_store *s, uint16_t column, struct ff_value value)
{
    const struct ff_query q = kit_query(&kit_event, -1);
    struct read_back r = {
        .k = s->k, .record = &kit_event, .column = column, .expected = &value};
    struct kit_batch b = {0};
    const size_t i = kit_add(&b, &kit_event, FF_PUT, FF_ANY_VERSION);

    b.values[i][EVENT_ID] = v_int(1);
    b.values[i][column] = value;
    kit_must_commit(s, &b, "%zu bytes of %s", value.len,
                    kit_event.columns[column].name);
    kit_expect_code(s->k, s->ops->scan(s->session, &q, compare, &r, &s->err), FF_OK,
                    &s->err, "reading %zu bytes of %s back", value.len,
                    kit_event.columns[column].name);
    kit_expect_int(s->k, r.n, 1, "rows");
}

static void a_mebibyte_comes_back(struct kit *k)
{
    char *text = mem_alloc(MEBIBYTE);
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (size_t i = 0; i < MEBIBYTE; i++)
        text[i] = (char)('a' + i % 23);
    put_large(&s, EVENT_TEXT, v_string(FF_TEXT, text, MEBIBYTE));
    text[0] = text[MEBIBYTE - 1] = '"';
    put_large(&s, EVENT_J, v_string(FF_JSON, text, MEBIBYTE));
    for (size_t i = 0; i < MEBIBYTE; i++)
        text[i] = (char)rand_next(kit_rand(k));
    put_large(&s, EVENT_RAW, v_string(FF_BYTES, text, MEBIBYTE));
    put_large(&s, EVENT_RAW, v_string(FF_BYTES, "small again", 11));
    kit_close(&s);
    mem_free(text);
}

/* --- memory --- */

static void what_was_handed_in_may_change(struct kit *k)
{
    struct ff_query q = kit_query(&kit_thing, -1);
    char text[16] = "before";
    char key[16] = "key";
    struct kit_batch b = {0};
    struct kit_store s;
    size_t i;

    kit_open(k, &s, &kit_schema);
    i = kit_put_thing(&b, 1, key, FF_ABSENT);
    b.values[i][THING_T] = v_text(text);
    kit_must_commit(&s, &b, "a row");
    snprintf(text, sizeof(text), "AFTER!");
    snprintf(key, sizeof(key), "KEY");
    memset(&b, 0xee, sizeof(b));
    q.want = UINT64_C(1) << THING_B | UINT64_C(1) << THING_T;
    kit_expect_text(k, kit_rows(&s, &q), " b=key t=before",
                    "a row whose values have changed in the caller's memory");
    kit_close(&s);
}

#define VALUES(NAME, COLUMN, LIST, WHAT)                                               \
    {                                                                                  \
        .name = "values/" NAME, .what = (WHAT), .run = listed_values_come_back,        \
        .data = LISTED(COLUMN, LIST)                                                   \
    }

const struct kit_check kit_store_values[] = {
    VALUES("int", THING_N, numbers, "every int64 comes back as it was"),
    VALUES("time", THING_AT, times, "every time comes back to the microsecond"),
    VALUES("bool", THING_OK, bools, "true and false come back, and neither is null"),
    VALUES("enum", THING_SHADE, shades, "the names of an enum come back as numbers"),
    VALUES("text", THING_T, texts,
           "text comes back byte for byte; empty text is not null"),
    VALUES("bytes", THING_BYTES, blobs, "bytes come back; no bytes are not null"),
    {.name = "values/all-bytes",
     .what = "bytes may be any, 0x00 and 0xff among them",
     .run = every_byte_comes_back},
    {.name = "values/key",
     .what = "any text is a key that finds its row again",
     .run = texts_are_keys},
    {.name = "values/json",
     .what = "JSON comes back as JSON of the same meaning",
     .run = documents_keep_their_meaning},
    {.name = "values/large",
     .what = "text, JSON and bytes of 1 MiB come back",
     .run = a_mebibyte_comes_back},
    {.name = "values/borrowed",
     .what = "values handed in are borrowed until the call returns, and no longer",
     .run = what_was_handed_in_may_change},
    {0},
};
