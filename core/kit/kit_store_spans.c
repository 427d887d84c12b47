/* kit/kit_store_spans.c - checks of a store that keeps rows in spans, to drop many at
 * once. */
#include "kit/kit_store.h"

#include <string.h>

static struct ff_span span_of_pairs(int64_t from, int64_t below)
{
    return (struct ff_span){.struct_size = sizeof(struct ff_span),
                            .column = PAIR_K,
                            .record = &kit_pair,
                            .from = from,
                            .below = below};
}

/* What is busy is asked again. */
static int change(struct kit_store *s,
                  int (*call)(void *, const struct ff_span *, struct ff_err *),
                  const struct ff_span *span)
{
    int code = FF_BUSY;

    while (code == FF_BUSY && kit_left_us(s->k) > 0)
        code = call(s->session, span, &s->err);
    return code;
}

static int add_span(void *arg, const struct ff_span *span)
{
    if (span->from >= 0)
        buf_printf(arg, "%lld-%lld ", (long long)span->from, (long long)span->below);
    return 0;
}

static int stop_at_once(void *arg, const struct ff_span *span)
{
    (void)span;
    ++*(int *)arg;
    return 1;
}

/* Those that were made. */
static void expect_spans(struct kit_store *s, const char *expected)
{
    struct buf told = {0};

    kit_expect_code(
        s->k, s->ops->spans(s->session, &kit_pair, PAIR_K, add_span, &told, &s->err),
        FF_OK, &s->err, "spans");
    kit_expect_text(s->k, buf_text(&told), expected, "the spans that were made");
    buf_done(&told);
}

static void make(struct kit_store *s, int64_t from, int64_t below, int code)
{
    const struct ff_span span = span_of_pairs(from, below);

    kit_expect_code(s->k, change(s, s->ops->make_span, &span), code, &s->err,
                    "make_span from %lld", (long long)from);
}

/* Of ten keys from `from` on these are expected. */
static void drop(struct kit_store *s, int64_t from, const int64_t *keys, size_t n,
                 int code)
{
    struct ff_span span = span_of_pairs(from, from + 10);

    span.of = &kit_pair;
    span.of_column = PAIR_K;
    span.n_of = n;
    for (size_t i = 0; i < n; i++)
        span.sum_of += (uint64_t)keys[i];
    kit_expect_code(s->k, change(s, s->ops->drop_span, &span), code, &s->err,
                    "drop_span from %lld, where %zu pairs with the sum %llu are "
                    "expected",
                    (long long)from, n, (unsigned long long)span.sum_of);
}

static void put_pairs(struct kit_store *s, const int64_t *keys, size_t n)
{
    struct kit_batch b = {0};

    for (size_t i = 0; i < n; i++)
        kit_put(&b, keys[i], 0, 0, FF_ABSENT);
    kit_must_commit(s, &b, "pairs");
}

static void rows_of_a_span_go_together(struct kit *k)
{
    static const int64_t first[] = {1, 3}, later[] = {12, 15, 22, 40}, last[] = {13, 2};
    static const int64_t others[] = {12, 16};
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    put_pairs(&s, first, COUNT_OF(first));
    make(&s, 10, 20, FF_OK);
    make(&s, 20, 30, FF_OK);
    put_pairs(&s, later, COUNT_OF(later));
    kit_patch(&b, 12, 7, 1);
    kit_delete(&b, 22, 1);
    kit_must_commit(&s, &b, "changes of rows in spans");
    expect_spans(&s, "10-20 20-30 ");
    make(&s, 35, 50, FF_CONFLICT); /* one of its rows is there */
    expect_spans(&s, "10-20 20-30 ");
    kit_expect_pairs(&s, "1:0,0 v1; 3:0,0 v1; 12:7,0 v2; 15:0,0 v1; 40:0,0 v1",
                     "rows of spans beside others");
    drop(&s, 10, later, 1, FF_CONFLICT);
    drop(&s, 10, others, 2, FF_CONFLICT);
    drop(&s, 10, later, 2, FF_OK);
    expect_spans(&s, "20-30 ");
    put_pairs(&s, last, COUNT_OF(last));
    kit_expect_pairs(&s, "1:0,0 v1; 2:0,0 v1; 3:0,0 v1; 13:0,0 v1; 40:0,0 v1",
                     "rows after a span was dropped");
    kit_close(&s);
}

static void spans_are_of_all_sessions(struct kit *k)
{
    static const int64_t keys[] = {11, 14, 31};
    struct kit_store s;
    struct kit_store other;
    int n = 0;

    kit_open(k, &s, &kit_schema);
    make(&s, 10, 20, FF_OK);
    kit_open(k, &other, &kit_schema); /* set up once more */
    put_pairs(&other, keys, COUNT_OF(keys));
    expect_spans(&other, "10-20 ");
    drop(&s, 10, keys, 2, FF_OK);
    kit_expect_pairs(&other, "31:0,0 v1", "rows after another session's drop_span");
    make(&other, 40, 50, FF_OK);
    make(&other, 50, 60, FF_OK);
    kit_expect_code(
        k, s.ops->spans(s.session, &kit_pair, PAIR_K, stop_at_once, &n, &s.err), FF_OK,
        &s.err, "spans that are stopped");
    kit_expect_int(k, n, 1, "spans told after the first one was enough");
    kit_close(&other);
    kit_close(&s);
}

const struct kit_check kit_store_spans[] = {
    {.name = "spans/dropped",
     .what = "rows in spans are like others, until drop_span deletes those of one, if "
             "these are those that it says, by number and sum",
     .run = rows_of_a_span_go_together,
     .slot = KIT_SLOT(ff_store_ops, spans)},
    {.name = "spans/shared",
     .what = "spans that one session makes and drops are those of all",
     .run = spans_are_of_all_sessions,
     .slot = KIT_SLOT(ff_store_ops, spans)},
    {0},
};
