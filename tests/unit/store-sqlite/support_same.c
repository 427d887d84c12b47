/* See support_same.h. */
#include "support_same.h"

#include "support.h"

#define MAX_CHANGES 6
#define MAX_ORDER   8

struct world {
    const struct ff_driver *drivers[2];
    void *stores[2];
    struct rand rand;
    char *dir;
    size_t n_codes[16];
    size_t n_rows;
};

/* --- random values --- */

static const int64_t numbers[] = {
    INT64_MIN,        INT64_MIN + 1, -1,       0, 1, 2, 3, 7,
    INT64_C(1) << 53, INT64_MAX - 1, INT64_MAX};
static const char *const texts[] = {"",
                                    "a",
                                    "A",
                                    "aa",
                                    "ab",
                                    "b",
                                    "z",
                                    "\x7f",
                                    "\xc3\xa4",
                                    "e\xcc\x81",
                                    "\xc3\xa9",
                                    "\xe6\x97\xa5\xe6\x9c\xac",
                                    "\xf0\x9f\x98\x80",
                                    "it's",
                                    "100%",
                                    "x' OR '1'='1",
                                    " ",
                                    "null",
                                    "0",
                                    "00",
                                    "1e3"};
static const struct {
    const char *s;
    size_t len;
} bytes[] = {{"", 0},       {"\0", 1},       {"\0\0", 2}, {"\xff", 1},
             {"\xff\0", 2}, {"\x80\x81", 2}, {"a", 1},    {"a\0b", 3}};
static const char *const jsons[] = {
    "{}", "[]", "null", "{\"a\":[1,2,{\"b\":null}]}", "\"\\u00e4\"", "1.5"};

/* Longer than any key of some stores, equal to each other for longer than that, and
 * with a beginning of each other among them. */
#define N_LONG_TEXTS 6
#define LONG_TEXT    600

static const char *long_text(size_t i)
{
    static const char *const ends[N_LONG_TEXTS] = {"", "a", "b", "ab", "\x01", "zz"};
    static char text[N_LONG_TEXTS][LONG_TEXT + 3];

    memset(text[i], 'x', LONG_TEXT);
    memcpy(text[i] + LONG_TEXT, ends[i], strlen(ends[i]) + 1);
    return text[i];
}

static uint64_t below(struct world *w, uint64_t n)
{
    return rand_below(&w->rand, n);
}

static bool one_in(struct world *w, uint64_t n)
{
    return below(w, n) == 0;
}

static struct ff_value random_text(struct world *w, uint32_t type)
{
    const size_t i = below(w, COUNT_OF(texts));
    const size_t k = below(w, COUNT_OF(jsons));
    const size_t m = below(w, COUNT_OF(bytes));

    if (type == FF_BYTES)
        return (struct ff_value){.type = type, .s = bytes[m].s, .len = bytes[m].len};

    const char *s = type == FF_JSON ? jsons[k]
                    : one_in(w, 30) ? long_text(below(w, N_LONG_TEXTS))
                                    : texts[i];

    return (struct ff_value){.type = type, .s = s, .len = strlen(s)};
}

static struct ff_value good_value(struct world *w, const struct ff_column *c)
{
    if ((c->flags & FF_COL_NULLABLE) && one_in(w, 4))
        return v_null();
    switch (c->type) {
    case FF_TEXT:
    case FF_JSON:
    case FF_BYTES:
        return random_text(w, c->type);
    case FF_BOOL:
        return (struct ff_value){.type = FF_BOOL, .i = (int64_t)below(w, 2)};
    case FF_ENUM:
        return (struct ff_value){.type = FF_ENUM, .i = (int64_t)below(w, N_COLORS)};
    default:
        return (struct ff_value){.type = c->type,
                                 .i = numbers[below(w, COUNT_OF(numbers))]};
    }
}

static struct ff_value bad_value(struct world *w, const struct ff_column *c)
{
    struct ff_value v = good_value(w, c);

    switch (below(w, 4)) {
    case 0:
        return v_null();
    case 1:
        v.type = c->type == FF_INT ? FF_TIME : FF_INT;
        return v;
    case 2:
        return (struct ff_value){.type = c->type, .i = 77, .s = "a\0b", .len = 3};
    default:
        v.type = 99;
        return v;
    }
}

static struct ff_value random_value(struct world *w, const struct ff_column *c)
{
    return one_in(w, 300) ? bad_value(w, c) : good_value(w, c);
}

/* A small world of keys, so that operations meet. */
static struct ff_value random_key(struct world *w, const struct ff_column *c)
{
    if (c->type == FF_INT)
        return v_int(numbers[below(w, COUNT_OF(numbers))]);
    return v_text(one_in(w, 10) ? long_text(below(w, N_LONG_TEXTS))
                                : texts[below(w, 12)]);
}

/* --- changes --- */

static int take_version(void *arg, const struct ff_value *values)
{
    *(int64_t *)arg = values[THING_VERSION].i;
    return 1;
}

/* The version of the row, 0 when there is none. */
static int64_t version_of(struct world *w, const struct ff_value *key)
{
    const struct ff_query q = {.struct_size = sizeof(q),
                               .record = &record_thing,
                               .index = -1,
                               .n_equal = 2,
                               .equal = key};
    int64_t version = 0;

    w->drivers[0]->ops.store->scan(w->stores[0], &q, take_version, &version, NULL);
    return version;
}

static int64_t random_guard(struct world *w, const struct ff_value *key)
{
    const int64_t version = version_of(w, key);

    switch (below(w, 12)) {
    case 0:
        return FF_ABSENT;
    case 1:
        return version + 1;
    case 2:
        return one_in(w, 10) ? -2 : FF_ANY_VERSION;
    case 3:
    case 4:
        return FF_ANY_VERSION;
    default:
        return version; /* right: FF_ABSENT when there is no row */
    }
}

static struct ff_change random_change(struct world *w, struct ff_value *values)
{
    static const uint32_t kinds[] = {FF_PUT,   FF_PUT,    FF_PUT,    FF_PATCH,
                                     FF_PATCH, FF_DELETE, FF_CHECK,  FF_PUT,
                                     FF_PATCH, FF_PUT,    FF_DELETE, FF_CHECK};
    const uint64_t all = (UINT64_C(1) << N_THING) - 1;
    struct ff_change c = {.kind = kinds[below(w, COUNT_OF(kinds))],
                          .record = &record_thing,
                          .values = values};

    for (uint16_t i = 0; i < N_THING; i++)
        values[i] = i < 2 ? random_key(w, &record_thing.columns[i])
                          : random_value(w, &record_thing.columns[i]);
    c.expect = random_guard(w, values);
    c.set = rand_next(&w->rand) & all;
    if (!one_in(w, 100))
        c.set &= ~UINT64_C(7); /* key and version */
    if (c.expect == FF_ABSENT && c.kind != FF_CHECK && !one_in(w, 20))
        c.kind = FF_PUT;
    return c;
}

static void commit_both(struct world *w)
{
    struct ff_value values[MAX_CHANGES][N_THING];
    struct ff_change changes[MAX_CHANGES];
    const size_t n = 1 + below(w, MAX_CHANGES);
    struct ff_err err[2] = {{0}};
    size_t failed[2] = {99, 99};
    int code[2];

    for (size_t i = 0; i < n; i++)
        changes[i] = random_change(w, values[i]);
    for (int i = 0; i < 2; i++)
        code[i] = w->drivers[i]->ops.store->commit(w->stores[i], changes, n, &failed[i],
                                                   &err[i]);
    if (code[0] != code[1] || failed[0] != failed[1])
        fail_msg("commit: %d at %zu (%s), %d at %zu (%s)", code[0], failed[0],
                 err[0].msg, code[1], failed[1], err[1].msg);
    if (code[0] != FF_OK)
        assert_int_equal(err[0].code, code[0]);
    w->n_codes[code[0]]++;
}

/* --- queries --- */

static size_t order_columns(const struct ff_record *r, int index, uint16_t *columns)
{
    size_t n = 0;

    for (uint16_t i = 0; index >= 0 && i < r->indexes[index].n_columns; i++)
        columns[n++] = r->indexes[index].columns[i];
    for (uint16_t i = 0; i < r->n_key; i++)
        columns[n++] = i;
    return n;
}

struct random_query {
    struct ff_query q;
    struct ff_value equal[MAX_ORDER], after[MAX_ORDER], from, below;
};

static const struct ff_value *random_bound(struct world *w, const struct ff_column *c,
                                           struct ff_value *bound)
{
    do {
        *bound = good_value(w, c);
    } while (!bound->type);
    return bound;
}

/* As of a row that may or may not be there, within the equal columns. */
static void random_cursor(struct world *w, struct random_query *r,
                          const uint16_t *columns, size_t n_order)
{
    struct ff_value row[N_THING];

    for (uint16_t i = 0; i < N_THING; i++)
        row[i] = good_value(w, &record_thing.columns[i]);
    for (uint32_t i = 0; i < r->q.n_equal; i++)
        row[columns[i]] = r->equal[i];
    for (size_t i = 0; i < n_order; i++)
        r->after[i] = row[columns[i]];
}

static void make_query(struct world *w, struct random_query *r)
{
    const int index = (int)below(w, record_thing.n_indexes + 1U) - 1;
    uint16_t columns[MAX_ORDER];
    const size_t n_order = order_columns(&record_thing, index, columns);
    const size_t n_columns = n_order - (index < 0 ? 0 : record_thing.n_key);
    struct ff_query *q = &r->q;

    *q = (struct ff_query){
        .struct_size = sizeof(*q), .record = &record_thing, .index = index};
    q->n_equal = (uint32_t)below(w, n_columns + 1);
    for (uint32_t i = 0; i < q->n_equal; i++)
        r->equal[i] = good_value(w, &record_thing.columns[columns[i]]);
    q->equal = q->n_equal ? r->equal : NULL;
    if (q->n_equal < n_columns) {
        const struct ff_column *c = &record_thing.columns[columns[q->n_equal]];

        q->from = one_in(w, 3) ? random_bound(w, c, &r->from) : NULL;
        q->below = one_in(w, 3) ? random_bound(w, c, &r->below) : NULL;
    }
    random_cursor(w, r, columns, n_order);
    q->after = one_in(w, 2) ? r->after : NULL;
    q->flags = one_in(w, 2) ? FF_DESCENDING : 0;
    q->limit = one_in(w, 2) ? (uint32_t)below(w, 5) : 0;
    q->want = one_in(w, 2) ? rand_next(&w->rand) & 0xfff : 0;
}

/* One of its values has another type than its column, or the range is too far out. */
static void wrong_query_both(struct world *w, struct random_query *r)
{
    struct ff_query *q = &r->q;
    uint64_t n;

    if (q->after)
        r->after[0].type = 99;
    else if (q->n_equal)
        r->equal[0].type = 99;
    else
        q->n_equal = 5;
    q->equal = r->equal;
    for (int i = 0; i < 2; i++) {
        const struct ff_store_ops *ops = w->drivers[i]->ops.store;

        assert_int_equal(ops->count(w->stores[i], q, &n, NULL), FF_INVALID);
    }
}

static void query_both(struct world *w)
{
    struct random_query r;
    struct rows rows[2];
    uint64_t n[2] = {0, 0};
    size_t stop_after = one_in(w, 10) ? 1 + below(w, 3) : 0;

    make_query(w, &r);
    if (one_in(w, 50)) {
        wrong_query_both(w, &r);
        return;
    }
    for (int i = 0; i < 2; i++) {
        const struct ff_store_ops *ops = w->drivers[i]->ops.store;
        struct ff_err err = {0};

        rows[i] = (struct rows){.record = &record_thing, .stop_after = stop_after};
        if (ops->scan(w->stores[i], &r.q, add_row, &rows[i], &err) != FF_OK)
            fail_msg("%s: %s", w->drivers[i]->name, err.msg);
        if (ops->count(w->stores[i], &r.q, &n[i], &err) != FF_OK)
            fail_msg("%s: %s", w->drivers[i]->name, err.msg);
    }
    assert_string_equal(buf_text(&rows[0].text), buf_text(&rows[1].text));
    assert_int_equal(n[0], n[1]);
    if (!stop_after)
        assert_int_equal(n[0], rows[0].n);
    w->n_rows += rows[0].n;
    buf_done(&rows[0].text);
    buf_done(&rows[1].text);
}

/* --- the test --- */

static void open_world(struct world *w, const char *driver)
{
    char *path;

    w->dir = make_temp_dir();
    path = file_join(w->dir, "same.db");
    w->drivers[0] = load_driver("store-memory");
    w->drivers[1] = load_driver(driver);
    w->stores[0] = open_store(w->drivers[0], NULL, NULL);
    w->stores[1] = open_store(w->drivers[1], "path", path);
    mem_free(path);
}

static void close_world(struct world *w)
{
    for (int i = 0; i < 2; i++)
        w->drivers[i]->ops.store->close(w->stores[i]);
    remove_temp_dir(w->dir);
}

void check_random_operations(const char *driver)
{
    const char *seed_text = getenv("FF_SEED");
    const char *n_text = getenv("FF_OPERATIONS");
    const long n = n_text ? atol(n_text) : 10000;
    struct world w = {0};
    uint64_t seed;

    rand_system(&seed, sizeof(seed));
    if (seed_text)
        seed = strtoull(seed_text, NULL, 10);
    print_message("FF_SEED=%llu\n", (unsigned long long)seed);
    rand_seed(&w.rand, seed);
    open_world(&w, driver);
    for (long i = 0; i < n; i++) {
        if (one_in(&w, 2))
            commit_both(&w);
        else
            query_both(&w);
    }
    print_message("%zu commits, %zu conflicts, %zu invalid, %zu rows read\n",
                  w.n_codes[FF_OK], w.n_codes[FF_CONFLICT], w.n_codes[FF_INVALID],
                  w.n_rows);
    /* The mixture is worth something only if all of it comes about. */
    assert_true(w.n_codes[FF_OK] > (size_t)n / 20);
    assert_true(w.n_codes[FF_CONFLICT] > (size_t)n / 100);
    assert_true(w.n_codes[FF_INVALID] > (size_t)n / 1000);
    assert_true(w.n_rows > (size_t)n / 4);
    close_world(&w);
}
