/* kit/kit_store_order.c - checks of the order of rows: of every type, in indexes and in
 * keys, both ways. */
#include "kit/kit_store.h"

/* --- values in their order --- */

/* Rank is the position: where two are equal the key decides, by rank. */
struct ordered {
    int index;
    uint16_t column;
    const struct ff_value *values;
    size_t n;
};

#define INT(N)                                                                         \
    {                                                                                  \
        .type = FF_INT, .i = (N)                                                       \
    }
#define TIME(N)                                                                        \
    {                                                                                  \
        .type = FF_TIME, .i = (N)                                                      \
    }
#define BOOL(N)                                                                        \
    {                                                                                  \
        .type = FF_BOOL, .i = (N)                                                      \
    }
#define ENUM(N)                                                                        \
    {                                                                                  \
        .type = FF_ENUM, .i = (N)                                                      \
    }
#define TEXT(S)                                                                        \
    {                                                                                  \
        .type = FF_TEXT, .s = (S), .len = sizeof(S) - 1                                \
    }
#define BYTES(S)                                                                       \
    {                                                                                  \
        .type = FF_BYTES, .s = (S), .len = sizeof(S) - 1                               \
    }
#define NULL_ROWS                                                                      \
    {.type = 0},                                                                       \
    {                                                                                  \
        .type = 0                                                                      \
    }

static const struct ff_value numbers[] = {
    NULL_ROWS,
    INT(INT64_MIN),
    INT(INT64_MIN + 1),
    INT(-4294967297),
    INT(-256),
    INT(-1),
    INT(0),
    INT(1),
    INT(2),
    INT(10),
    INT(255),
    INT(256),
    INT(4294967296),
    INT(INT64_C(1) << 53),
    INT((INT64_C(1) << 53) + 1),
    INT(INT64_MAX - 1),
    INT(INT64_MAX),
};
static const struct ff_value times[] = {
    NULL_ROWS,       TIME(INT64_MIN), TIME(-1),
    TIME(0),         TIME(1),         TIME(1),
    TIME(999999),    TIME(1000000),   TIME(INT64_C(1795300000000000)),
    TIME(INT64_MAX),
};
static const struct ff_value texts[] = {
    NULL_ROWS,
    TEXT(""),
    TEXT("\x01"),
    TEXT(" "),
    TEXT("  "),
    TEXT("-1"),
    TEXT("0"),
    TEXT("00"),
    TEXT("10"),
    TEXT("9"),
    TEXT("A"),
    TEXT("B"),
    TEXT("Z"),
    TEXT("_"),
    TEXT("a"),
    TEXT("a"),
    TEXT("a "),
    TEXT("aA"),
    TEXT("aa"),
    TEXT("ab"),
    TEXT("b"),
    TEXT("e\xcc\x81"), /* e and an accent; comes before the one letter below */
    TEXT("\x7f"),
    TEXT("\xc3\x84"),
    TEXT("\xc3\xa9"),
    TEXT("\xe6\x97\xa5"),
    TEXT("\xef\xbf\xbd"),     /* U+FFFD comes before U+1F600 by bytes, */
    TEXT("\xf0\x9f\x98\x80"), /* and behind it in UTF-16 */
};
static const struct ff_value bytes[] = {
    NULL_ROWS,       BYTES(""),       BYTES("\0"),       BYTES("\0\0"), BYTES("\0\x01"),
    BYTES("\0\xff"), BYTES("\x01"),   BYTES("A"),        BYTES("a"),    BYTES("a\0"),
    BYTES("a\0b"),   BYTES("aa"),     BYTES("\x7f"),     BYTES("\x80"), BYTES("\xfe"),
    BYTES("\xff"),   BYTES("\xff\0"), BYTES("\xff\xff"),
};
static const struct ff_value shades[] = {
    NULL_ROWS, ENUM(BLUE), ENUM(BLUE), ENUM(GREEN), ENUM(RED), ENUM(RED),
};

#define ORDERED(INDEX, COLUMN, VALUES)                                                 \
    &(const struct ordered)                                                            \
    {                                                                                  \
        (INDEX), (COLUMN), (VALUES), COUNT_OF(VALUES)                                  \
    }

/* --- the rows --- */

/* The thing of rank i has the key (i, "x"), except where ranks tie: there the key
 * orders, too. */
static void insert_shuffled(struct kit_store *s, const struct ordered *o)
{
    size_t order[64] = {0};
    struct kit_batch b = {0};

    for (size_t i = 0; i < o->n; i++)
        order[i] = i;
    for (size_t i = o->n - 1; i > 0; i--) {
        const size_t j = rand_below(kit_rand(s->k), i + 1);
        const size_t kept = order[i];

        order[i] = order[j];
        order[j] = kept;
    }
    for (size_t i = 0; i < o->n; i++) {
        const size_t place = kit_put_thing(&b, (int64_t)order[i], "x", FF_ABSENT);

        b.values[place][o->column] = o->values[order[i]];
    }
    kit_must_commit(s, &b, "%zu rows", o->n);
}

struct ranks {
    struct kit *k;
    const struct ordered *o;
    bool descending;
    size_t n;
};

static bool same_value(const struct ff_value *a, const struct ff_value *b)
{
    if (a->type != b->type || a->i != b->i)
        return false;
    return !a->type || !a->s || (a->len == b->len && memcmp(a->s, b->s, a->len) == 0);
}

static int expect_rank(void *arg, const struct ff_value *row)
{
    struct ranks *r = arg;
    const size_t rank = r->descending ? r->o->n - 1 - r->n : r->n;

    kit_expect(r->k, r->n < r->o->n, "the scan goes on behind the last row");
    kit_expect_int(r->k, row[THING_A].i, rank,
                   "the rank of the value at position %zu of a scan%s", r->n,
                   r->descending ? " descending" : "");
    if (r->o->column != THING_A)
        kit_expect(r->k, same_value(&row[r->o->column], &r->o->values[rank]),
                   "the value of rank %zu does not come back as it was", rank);
    r->n++;
    return 0;
}

static void rows_come_in_order(struct kit *k)
{
    const struct ordered *o = kit_data(k);
    struct ff_query q = kit_query(&kit_thing, o->index);
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    insert_shuffled(&s, o);
    for (int way = 0; way < 2; way++) {
        struct ranks r = {.k = k, .o = o, .descending = way == 1};

        q.flags = way == 1 ? FF_DESCENDING : 0;
        kit_expect_code(k, s.ops->scan(s.session, &q, expect_rank, &r, &s.err), FF_OK,
                        &s.err, "a scan in order of an index");
        kit_expect_int(k, r.n, o->n, "rows of a scan%s", way ? " descending" : "");
    }
    kit_close(&s);
}

/* Each value alone as a bound: `from` it begins with the first of its equals, `below`
 * ends there, and neither knows the nulls. */
static void ranges_follow_the_order(struct kit *k)
{
    const struct ordered *o = kit_data(k);
    struct ff_query q = kit_query(&kit_thing, o->index);
    size_t n_nulls = 0;
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    insert_shuffled(&s, o);
    while (n_nulls < o->n && !o->values[n_nulls].type)
        n_nulls++;
    for (size_t i = n_nulls; i < o->n; i++) {
        size_t first = i;

        while (first > n_nulls && same_value(&o->values[first - 1], &o->values[i]))
            first--;
        q.from = &o->values[i];
        q.below = NULL;
        kit_expect_int(k, kit_count(&s, &q), o->n - first, "rows from rank %zu", i);
        q.from = NULL;
        q.below = &o->values[i];
        kit_expect_int(k, kit_count(&s, &q), first - n_nulls, "rows below rank %zu", i);
        q.from = &o->values[i];
        kit_expect_int(k, kit_count(&s, &q), 0, "rows from and below rank %zu", i);
        q.from = q.below = NULL;
        q.n_equal = 1;
        q.equal = &o->values[i];

        size_t last = i;

        while (last + 1 < o->n && same_value(&o->values[last + 1], &o->values[i]))
            last++;
        kit_expect_int(k, kit_count(&s, &q), last - first + 1,
                       "rows that equal rank %zu", i);
        q.n_equal = 0;
    }
    kit_close(&s);
}

/* --- keys --- */

struct key {
    struct ff_value v[N_KEY];
};

#define KEY(RAW, T, AT, COLOR, OK)                                                     \
    {                                                                                  \
        {                                                                              \
            BYTES(RAW), TEXT(T), TIME(AT), ENUM(COLOR), BOOL(OK)                       \
        }                                                                              \
    }

static const struct key keys[] = {
    KEY("", "", 0, RED, 1),   KEY("", "a", -5, RED, 0),     KEY("", "a", 5, BLUE, 0),
    KEY("", "a", 5, BLUE, 1), KEY("", "a", 5, GREEN, 0),    KEY("", "a", 5, RED, 0),
    KEY("\0", "", 0, RED, 0), KEY("\0\xff", "", 0, RED, 0), KEY("a", "B", 0, RED, 0),
    KEY("a", "a", 0, RED, 0), KEY("a", "a\x01", 0, RED, 0), KEY("a\0", "a", 0, RED, 0),
    KEY("ab", "", 0, RED, 0), KEY("\xff", "", 0, RED, 0),
};

struct key_walk {
    struct kit *k;
    bool descending;
    size_t n;
};

static int expect_key(void *arg, const struct ff_value *row)
{
    struct key_walk *w = arg;
    const size_t rank = w->descending ? COUNT_OF(keys) - 1 - w->n : w->n;

    kit_expect(w->k, w->n < COUNT_OF(keys), "the scan goes on behind the last key");
    for (int c = 0; c < N_KEY - 1; c++)
        kit_expect(w->k, same_value(&row[c], &keys[rank].v[c]),
                   "column %d of the key at position %zu is not that of rank %zu", c,
                   w->n, rank);
    w->n++;
    return 0;
}

static void keys_come_in_order(struct kit *k)
{
    struct ff_query q = kit_query(&kit_key, -1);
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const size_t from = (i * 5 + 3) % COUNT_OF(keys); /* 5 and 14 share no factor */
        const size_t place = kit_add(&b, &kit_key, FF_PUT, FF_ABSENT);

        memcpy(b.values[place], keys[from].v, sizeof(keys[from].v));
    }
    kit_must_commit(&s, &b, "rows with keys of five columns");
    for (int way = 0; way < 2; way++) {
        struct key_walk w = {.k = k, .descending = way == 1};

        q.flags = way == 1 ? FF_DESCENDING : 0;
        kit_expect_code(k, s.ops->scan(s.session, &q, expect_key, &w, &s.err), FF_OK,
                        &s.err, "a scan in the order of keys");
        kit_expect_int(k, w.n, COUNT_OF(keys), "rows");
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        q.n_equal = N_KEY - 1;
        q.equal = keys[i].v;
        kit_expect_int(k, kit_count(&s, &q), 1, "rows with the key of rank %zu", i);
    }
    kit_close(&s);
}

#define ORDER(NAME, INDEX, COLUMN, VALUES, WHAT)                                       \
    {.name = "order/" NAME,                                                            \
     .what = (WHAT),                                                                   \
     .run = rows_come_in_order,                                                        \
     .data = ORDERED(INDEX, COLUMN, VALUES)},                                          \
    {                                                                                  \
        .name = "order/" NAME "-ranges",                                               \
        .what = "equal, from and below follow the order; ranges exclude nulls",        \
        .run = ranges_follow_the_order, .data = ORDERED(INDEX, COLUMN, VALUES)         \
    }

const struct kit_check kit_store_order[] = {
    ORDER("int", BY_NUMBER, THING_N, numbers,
          "nulls come first, then numbers by size, negative ones before"),
    ORDER("time", BY_AT, THING_AT, times, "nulls come first, then times by size"),
    ORDER("text", BY_T, THING_T, texts,
          "nulls come first, then texts by their bytes, without any collation"),
    ORDER("bytes", BY_BYTES, THING_BYTES, bytes,
          "nulls come first, then bytes as unsigned numbers, the shorter before"),
    ORDER("enum", BY_SHADE, THING_SHADE, shades,
          "nulls come first, then enums by their names, not by their numbers"),
    {.name = "order/key",
     .what = "rows by primary key come in the order of its columns, of any type",
     .run = keys_come_in_order},
    {0},
};
