/* kit/kit_store_scan.c - checks of scans and counts: which rows, where they begin,
 * where they stop, and that a cursor needs no row to stand on. */
#include "kit/kit_store.h"

#define BIT(COLUMN) (UINT64_C(1) << (COLUMN))
#define A_ONLY      BIT(THING_A)

/* Twelve things: colors red, green, blue in turn, n is null, 0, 1, 2 in turn, t has
 * three values and null; every pair of color and n comes once. */
static void open_with_things(struct kit *k, struct kit_store *s)
{
    static const char *const texts[] = {"a", NULL, "b", "a", "c"};
    struct kit_batch b = {0};

    kit_open(k, s, &kit_schema);
    for (int64_t a = 1; a <= 12; a++) {
        const size_t i = kit_put_thing(&b, a, "x", FF_ABSENT);
        struct ff_value *v = b.values[i];
        const char *text = texts[a % 5];

        v[THING_COLOR] = v_number(FF_ENUM, a % 3);
        v[THING_N] = a % 4 ? v_int(a % 4 - 1) : v_null();
        v[THING_T] = text ? v_text(text) : v_null();
        v[THING_AT] = v_number(FF_TIME, 1000 - a / 2);
    }
    kit_must_commit(s, &b, "twelve things");
}

/* --- which rows --- */

struct asked {
    const char *what;
    int index;
    uint32_t n_equal;
    struct ff_value equal[3];
    struct ff_value from, below; /* null: none */
    const char *rows;            /* the column a of each, ascending */
    const char *back;            /* and descending */
    uint64_t n;
};

#define INT(N)                                                                         \
    {                                                                                  \
        .type = FF_INT, .i = (N)                                                       \
    }
#define ENUM(N)                                                                        \
    {                                                                                  \
        .type = FF_ENUM, .i = (N)                                                      \
    }
#define TEXT(S)                                                                        \
    {                                                                                  \
        .type = FF_TEXT, .s = (S), .len = sizeof(S) - 1                                \
    }
#define TIME(N)                                                                        \
    {                                                                                  \
        .type = FF_TIME, .i = (N)                                                      \
    }

/* color, n: red 3 6 9 12, green 1 4 7 10, blue 2 5 8 11; n is null for 4 8 12, else 0
 * for 1 5 9, 1 for 2 6 10, 2 for 3 7 11. */
static const struct asked asked[] = {
    {.what = "everything by key",
     .index = -1,
     .rows = "a=1; a=2; a=3; a=4; a=5; a=6; a=7; a=8; a=9; a=10; a=11; a=12",
     .back = "a=12; a=11; a=10; a=9; a=8; a=7; a=6; a=5; a=4; a=3; a=2; a=1",
     .n = 12},
    {.what = "everything by an index of two columns",
     .index = BY_COLOR,
     .rows = "a=8; a=5; a=2; a=11; a=4; a=1; a=10; a=7; a=12; a=9; a=6; a=3",
     .back = "a=3; a=6; a=9; a=12; a=7; a=10; a=1; a=4; a=11; a=2; a=5; a=8",
     .n = 12},
    {.what = "one equal column",
     .index = BY_COLOR,
     .n_equal = 1,
     .equal = {ENUM(GREEN)},
     .rows = "a=4; a=1; a=10; a=7",
     .back = "a=7; a=10; a=1; a=4",
     .n = 4},
    {.what = "two equal columns",
     .index = BY_COLOR,
     .n_equal = 2,
     .equal = {ENUM(RED), INT(1)},
     .rows = "a=6",
     .back = "a=6",
     .n = 1},
    {.what = "a second column that equals null",
     .index = BY_COLOR,
     .n_equal = 2,
     .equal = {ENUM(BLUE), {.type = 0}},
     .rows = "a=8",
     .back = "a=8",
     .n = 1},
    {.what = "a first column that equals null",
     .index = BY_T,
     .n_equal = 1,
     .equal = {{.type = 0}},
     .rows = "a=11; a=6; a=1",
     .back = "a=1; a=6; a=11",
     .n = 3},
    {.what = "a value that is not there",
     .index = BY_T,
     .n_equal = 1,
     .equal = {TEXT("d")},
     .rows = "",
     .back = "",
     .n = 0},
    {.what = "an equal column and a range from",
     .index = BY_COLOR,
     .n_equal = 1,
     .equal = {ENUM(GREEN)},
     .from = INT(1),
     .rows = "a=10; a=7",
     .back = "a=7; a=10",
     .n = 2},
    {.what = "an equal column and a range below, without its null",
     .index = BY_COLOR,
     .n_equal = 1,
     .equal = {ENUM(GREEN)},
     .below = INT(2),
     .rows = "a=1; a=10",
     .back = "a=10; a=1",
     .n = 2},
    {.what = "a range from and below",
     .index = BY_NUMBER,
     .from = INT(1),
     .below = INT(2),
     .rows = "a=2; a=6; a=10",
     .back = "a=10; a=6; a=2",
     .n = 3},
    {.what = "a range that ends before it begins",
     .index = BY_NUMBER,
     .from = INT(2),
     .below = INT(1),
     .rows = "",
     .back = "",
     .n = 0},
    {.what = "equal rows, by their keys",
     .index = BY_AT,
     .from = TIME(996),
     .below = TIME(998),
     .rows = "a=8; a=9; a=6; a=7",
     .back = "a=7; a=6; a=9; a=8",
     .n = 4},
    {.what = "a range of the key",
     .index = -1,
     .from = INT(3),
     .below = INT(6),
     .rows = "a=3; a=4; a=5",
     .back = "a=5; a=4; a=3",
     .n = 3},
    {.what = "a whole key",
     .index = -1,
     .n_equal = 2,
     .equal = {INT(7), TEXT("x")},
     .rows = "a=7",
     .back = "a=7",
     .n = 1},
};

static struct ff_query query_of(const struct asked *a)
{
    struct ff_query q = kit_query(&kit_thing, a->index);

    q.n_equal = a->n_equal;
    q.equal = a->equal;
    q.from = a->from.type ? &a->from : NULL;
    q.below = a->below.type ? &a->below : NULL;
    q.want = A_ONLY;
    return q;
}

static void a_scan_gives_what_was_asked(struct kit *k)
{
    struct kit_store s;

    open_with_things(k, &s);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct ff_query q = query_of(&asked[i]);

        kit_expect_text(k, kit_rows(&s, &q), asked[i].rows, "%s", asked[i].what);
        q.flags = FF_DESCENDING;
        kit_expect_text(k, kit_rows(&s, &q), asked[i].back, "%s, descending",
                        asked[i].what);
    }
    kit_close(&s);
}

static void a_count_is_what_a_scan_gives(struct kit *k)
{
    struct kit_store s;

    open_with_things(k, &s);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct ff_query q = query_of(&asked[i]);

        kit_expect_int(k, kit_count(&s, &q), asked[i].n, "a count of %s",
                       asked[i].what);
        q.flags = FF_DESCENDING;
        kit_expect_int(k, kit_count(&s, &q), asked[i].n, "a count of %s, descending",
                       asked[i].what);
        q.limit = 3;
        kit_expect_int(k, kit_count(&s, &q), asked[i].n < 3 ? asked[i].n : 3,
                       "a count of %s with a limit of 3", asked[i].what);
    }
    kit_close(&s);
}

/* --- where it stops --- */

static void a_limit_is_obeyed(struct kit *k)
{
    struct ff_query q = kit_query(&kit_thing, BY_COLOR);
    struct kit_store s;

    open_with_things(k, &s);
    q.want = A_ONLY;
    q.limit = 3;
    kit_expect_text(k, kit_rows(&s, &q), "a=8; a=5; a=2", "the first three");
    q.flags = FF_DESCENDING;
    kit_expect_text(k, kit_rows(&s, &q), "a=3; a=6; a=9", "the last three");
    q.limit = UINT32_MAX;
    kit_expect_int(k, kit_count(&s, &q), 12, "rows with a limit beyond them");
    q.limit = 0;
    kit_expect_int(k, kit_count(&s, &q), 12, "rows without a limit");
    kit_close(&s);
}

struct stopping {
    size_t n, after;
};

static int stop_after(void *arg, const struct ff_value *row)
{
    struct stopping *s = arg;

    (void)row;
    return ++s->n == s->after ? -7 : 0;
}

static void fn_may_stop_a_scan(struct kit *k)
{
    const struct ff_query q = kit_query(&kit_thing, BY_COLOR);
    struct stopping stopping = {0};
    struct kit_batch b = {0};
    struct kit_store s;

    open_with_things(k, &s);
    for (stopping.after = 1; stopping.after <= 12; stopping.after += 4) {
        stopping.n = 0;
        kit_expect_code(k, s.ops->scan(s.session, &q, stop_after, &stopping, &s.err),
                        FF_OK, &s.err, "a scan that fn stops");
        kit_expect_int(k, stopping.n, stopping.after, "calls of fn");
    }
    kit_put(&b, 1, 1, 1, FF_ABSENT);
    kit_must_commit(&s, &b, "a commit after a scan that was stopped");
    kit_close(&s);
}

static int expect_wanted(void *arg, const struct ff_value *row)
{
    struct kit *k = arg;

    kit_expect_int(k, row[THING_AT].type, FF_TIME, "the type of a wanted column");
    kit_expect_int(k, row[THING_AT].i, 1000 - row[THING_A].i / 2, "a wanted column");
    kit_expect_int(k, row[THING_A].type, FF_INT, "the type of a wanted key");
    return 0;
}

static void wanted_columns_are_there(struct kit *k)
{
    struct kit_store s;

    open_with_things(k, &s);
    for (int index = -1; index < BY_SHADE; index++) {
        struct ff_query q = kit_query(&kit_thing, index);

        q.want = BIT(THING_A) | BIT(THING_AT);
        kit_expect_code(k, s.ops->scan(s.session, &q, expect_wanted, k, &s.err), FF_OK,
                        &s.err, "a scan that wants two columns");
        q.want = 0;
        kit_expect_code(k, s.ops->scan(s.session, &q, expect_wanted, k, &s.err), FF_OK,
                        &s.err, "a scan that wants all columns");
        q.want = ~UINT64_C(0);
        kit_expect_code(k, s.ops->scan(s.session, &q, expect_wanted, k, &s.err), FF_OK,
                        &s.err, "a scan that wants more columns than there are");
    }
    kit_close(&s);
}

/* --- cursors --- */

#define CURSOR_MAX 6

struct cursor {
    struct ff_value v[CURSOR_MAX];
    char texts[CURSOR_MAX][16];
};

/* All columns of the index, then the whole key. */
static void stand_on(struct cursor *c, int index, const struct ff_value *row)
{
    const struct ff_index *of = index < 0 ? NULL : &kit_thing.indexes[index];
    const uint16_t n = of ? of->n_columns : 0;

    for (uint16_t i = 0; i < n + kit_thing.n_key; i++) {
        c->v[i] = row[i < n ? of->columns[i] : i - n];
        if (!c->v[i].type || !c->v[i].s)
            continue;
        memcpy(c->texts[i], c->v[i].s, c->v[i].len);
        c->v[i].s = c->texts[i];
    }
}

struct page {
    struct cursor last;
    struct buf *out;
    int index;
    size_t n;
};

static int add_to_page(void *arg, const struct ff_value *row)
{
    struct page *p = arg;

    buf_printf(p->out, "%sa=%lld", p->out->len ? "; " : "", (long long)row[THING_A].i);
    stand_on(&p->last, p->index, row);
    p->n++;
    return 0;
}

/* Reads one page behind the last row of the page before; true when there was a row. */
static bool turn(struct kit_store *s, struct ff_query *q, struct page *p)
{
    struct page next = {.out = p->out, .index = q->index};

    kit_expect_code(s->k, s->ops->scan(s->session, q, add_to_page, &next, &s->err),
                    FF_OK, &s->err, "a page of a scan");
    if (next.n == 0)
        return false;
    *p = next;
    for (size_t i = 0; i < CURSOR_MAX; i++) /* the copy moved with the struct */
        if (p->last.v[i].s)
            p->last.v[i].s = p->last.texts[i];
    q->after = p->last.v;
    return true;
}

static void pages_make_the_whole(struct kit *k)
{
    struct kit_store s;

    open_with_things(k, &s);
    for (int index = -1; index <= BY_SHADE; index++) {
        for (uint32_t i = 0; i < 8; i++) {
            struct ff_query q = kit_query(&kit_thing, index);
            struct buf out = {0};
            struct page p = {.out = &out, .index = index};

            q.flags = i & 1 ? FF_DESCENDING : 0;
            q.want = A_ONLY;
            MEM_AUTO char *whole = mem_text(kit_rows(&s, &q));
            q.want = 0;
            q.limit = 1 + i / 2;
            while (turn(&s, &q, &p) && out.len <= strlen(whole))
                ;
            kit_expect_text(k, buf_text(&out), whole,
                            "pages of %u by index %d, flags %u, beside one scan",
                            q.limit, index, q.flags);
            buf_done(&out);
        }
    }
    kit_close(&s);
}

static void ranges_end_pages_too(struct kit *k)
{
    struct kit_store s;

    open_with_things(k, &s);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        for (int way = 0; way < 2; way++) {
            struct ff_query q = query_of(&asked[i]);
            struct buf out = {0};
            struct page p = {.out = &out, .index = q.index};

            q.want = 0;
            q.limit = 2;
            q.flags = way ? FF_DESCENDING : 0;
            while (turn(&s, &q, &p) && out.len <= 100)
                ;
            kit_expect_text(k, buf_text(&out), way ? asked[i].back : asked[i].rows,
                            "pages of %s%s", asked[i].what, way ? ", descending" : "");
            buf_done(&out);
        }
    }
    kit_close(&s);
}

static void change(struct kit_store *s, struct kit_batch *b, int64_t a, int64_t n)
{
    const size_t i = kit_put_thing(b, a, "x", FF_ANY_VERSION);

    b->values[i][THING_COLOR] = v_number(FF_ENUM, RED);
    b->values[i][THING_N] = v_int(n);
    kit_must_commit(s, b, "a change between two pages");
}

static void a_cursor_needs_no_row(struct kit *k)
{
    struct ff_query q = kit_query(&kit_thing, BY_NUMBER);
    struct buf out = {0};
    struct page p = {.out = &out, .index = BY_NUMBER};
    struct kit_batch b = {0};
    struct kit_store s;
    size_t i;

    kit_open(k, &s, &kit_schema);
    for (int64_t a = 1; a <= 8; a++)
        change(&s, &b, a, a * 10);
    q.limit = 2;
    turn(&s, &q, &p); /* 1 2 */
    i = kit_add(&b, &kit_thing, FF_DELETE, FF_ANY_VERSION);
    b.values[i][THING_A] = v_int(2);
    b.values[i][THING_B] = v_text("x");
    kit_must_commit(&s, &b, "the cursor's row deleted");
    change(&s, &b, 9, 15);  /* before the cursor: not to be seen */
    change(&s, &b, 10, 25); /* behind it: to be seen */
    turn(&s, &q, &p);       /* 10 3 */
    change(&s, &b, 3, 75);  /* the cursor's row goes on, and will be seen again */
    change(&s, &b, 4, 5);   /* one behind goes before, and will not */
    while (turn(&s, &q, &p) && out.len < 100)
        ;
    kit_expect_text(k, buf_text(&out), "a=1; a=2; a=10; a=3; a=5; a=6; a=7; a=3; a=8",
                    "pages of two while rows come, go and move");
    buf_done(&out);
    kit_close(&s);
}

/* --- indexes --- */

static void indexes_follow_their_rows(struct kit *k)
{
    struct ff_query q = kit_query(&kit_thing, BY_NUMBER);
    const struct ff_value five = v_int(5);
    const struct ff_value nine = v_int(9);
    struct kit_batch b = {0};
    struct kit_store s;
    size_t i;

    kit_open(k, &s, &kit_schema);
    q.n_equal = 1;
    q.equal = &five;
    change(&s, &b, 1, 5);
    kit_expect_int(k, kit_count(&s, &q), 1, "rows of a value after its insert");
    change(&s, &b, 1, 9);
    kit_expect_int(k, kit_count(&s, &q), 0, "rows of a value that was replaced");
    q.equal = &nine;
    kit_expect_int(k, kit_count(&s, &q), 1, "rows of the value that replaced it");
    i = kit_add(&b, &kit_thing, FF_PATCH, 2);
    b.values[i][THING_A] = v_int(1);
    b.values[i][THING_B] = v_text("x");
    b.changes[i].set = BIT(THING_N);
    kit_must_commit(&s, &b, "a patch to null");
    kit_expect_int(k, kit_count(&s, &q), 0, "rows of a value that was patched away");
    change(&s, &b, 1, 9);
    i = kit_put_thing(&b, 1, "x", FF_ANY_VERSION);
    b.values[i][THING_N] = v_int(5);
    kit_put_thing(&b, 1, "x", FF_ABSENT);
    kit_must_fail(&s, &b, FF_CONFLICT, 1, "a commit that is taken back");
    kit_expect_int(k, kit_count(&s, &q), 1, "rows of a value after a failed commit");
    i = kit_put_thing(&b, 1, "x", FF_ANY_VERSION);
    b.changes[i].kind = FF_DELETE;
    kit_must_commit(&s, &b, "a delete");
    kit_expect_int(k, kit_count(&s, &q), 0, "rows of a value that was deleted");
    kit_close(&s);
}

const struct kit_check kit_store_scan[] = {
    {.name = "scan/rows",
     .what =
         "equal, from and below choose the rows, index and FF_DESCENDING their order",
     .run = a_scan_gives_what_was_asked},
    {.name = "scan/count",
     .what = "count is how many rows scan would give",
     .run = a_count_is_what_a_scan_gives},
    {.name = "scan/limit",
     .what = "a scan gives at most `limit` rows, all when it is 0",
     .run = a_limit_is_obeyed},
    {.name = "scan/stop",
     .what = "a scan ends well when fn returns anything but 0, and calls it no more",
     .run = fn_may_stop_a_scan},
    {.name = "scan/want",
     .what = "columns that are wanted are there; 0 wants all of them",
     .run = wanted_columns_are_there},
    {.name = "scan/after",
     .what = "`after` goes on behind the last row seen, equal values or not, both ways",
     .run = pages_make_the_whole},
    {.name = "scan/after-range",
     .what = "`after` and equal, from and below hold together",
     .run = ranges_end_pages_too},
    {.name = "scan/cursor-gone",
     .what = "a cursor is a place: its row may change or be gone",
     .run = a_cursor_needs_no_row},
    {.name = "scan/index",
     .what =
         "an index knows its rows as they are, after every change and failed commit",
     .run = indexes_follow_their_rows},
    {0},
};
