/* retention_spans.c - the history of many runs goes at once, where the store can keep
 * rows in spans: by the numbers of runs, which grow with time. A span is dropped when
 * retention has condemned all runs that have a number of it. It makes spans ahead, each
 * for about a sixteenth of the time that runs are kept: events that come faster than
 * these are in none, and are deleted row by row as everywhere else. */
#include "node/retention.h"

#include <stdlib.h>

#define PARTS    16  /* of the time that runs are kept, one for each span */
#define RUNS_MIN 64  /* of a span */
#define RUNS_ALL 32  /* and that part of all there are: or there would be too many */
#define MAKE_MAX 16  /* in one pass */
#define MANY     128 /* spans: so many more, and those to come are twice as large */
#define TWICE    20  /* at most so often */

struct spans {
    struct collect *collect;
    struct {
        struct ff_span *items;
        size_t n, cap;
    } there;
};

int node_spans_begin(struct collect *c, int64_t now, struct ff_err *err)
{
    const struct node_settings *s = &c->node->settings;
    struct counter_row row;

    c->spans = store_has_spans(c->node->store) && (s->keep_us > 0 || s->keep_runs > 0);
    c->recent_us = now - s->keep_us / PARTS;
    if (!c->spans)
        return FF_OK;
    const int code = store_read_counter(c->node->store, STORE_READER_CALLER,
                                        c->node->run_numbers.name, &row, err);
    if (code == FF_OK)
        c->next = row.next;
    return code;
}

static int add_span(void *arg, const struct ff_span *span)
{
    struct spans *all = arg;
    /* Not as a whole: that of a driver may be shorter. */
    const struct ff_span there = {.struct_size = sizeof(there),
                                  .column = span->column,
                                  .record = span->record,
                                  .from = span->from,
                                  .below = span->below};

    ARRAY_ADD(&all->there, there);
    return 0;
}

static bool is_in(const struct ff_span *span, int64_t run)
{
    return run >= span->from && run < span->below;
}

static void condemn(struct collect *c, int64_t now)
{
    const struct node_settings *s = &c->node->settings;
    size_t first = 0;

    for (size_t i = 0; i < c->runs.n; i++) {
        struct finished *f = &c->runs.items[i];

        if (f->tenant != c->runs.items[first].tenant)
            first = i;
        f->condemned = f->claimed ||
                       (s->keep_us > 0 && f->finished_at < now - s->keep_us) ||
                       (s->keep_runs > 0 && i - first >= (uint64_t)s->keep_runs);
    }
}

static int newest_first(const void *a, const void *b)
{
    const struct finished *x = a, *y = b;

    if (x->tenant != y->tenant)
        return x->tenant < y->tenant ? 1 : -1;
    return (x->run < y->run) - (x->run > y->run);
}

/* NULL: it is not over, or gone. */
static struct finished *root_of(const struct collect *c, const struct other_run *o)
{
    const struct finished like = {.tenant = o->tenant, .run = o->root};

    return c->runs.n && o->root
               ? bsearch(&like, c->runs.items, c->runs.n, sizeof(like), newest_first)
               : NULL;
}

static void count(struct ff_span *span, int64_t run)
{
    span->n_of++;
    span->sum_of += (uint64_t)run;
}

/* Says of the span which runs have a number of it. False: one of them is kept. */
static bool all_condemned(const struct collect *c, struct ff_span *span)
{
    span->of = &record_run;
    span->of_column = COL_RUN_RUN;
    for (size_t i = 0; i < c->runs.n; i++) {
        if (!is_in(span, c->runs.items[i].run))
            continue;
        if (!c->runs.items[i].condemned)
            return false;
        count(span, c->runs.items[i].run);
    }
    for (size_t i = 0; i < c->others.n; i++) {
        if (!is_in(span, c->others.items[i].run))
            continue;
        const struct finished *root = root_of(c, &c->others.items[i]);
        if (!root || !root->condemned)
            return false;
        count(span, c->others.items[i].run);
    }
    return true;
}

/* From now on nobody opens one of them again. */
static int claim_all(struct collect *c, const struct ff_span *span, struct ff_err *err)
{
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < c->runs.n; i++)
        if (is_in(span, c->runs.items[i].run))
            code = node_claim_run(c->node, &c->runs.items[i], err);
    for (size_t i = 0; code == FF_OK && i < c->others.n; i++)
        if (is_in(span, c->others.items[i].run))
            code = node_claim_run(c->node, root_of(c, &c->others.items[i]), err);
    return code;
}

static void wait_for_others(struct collect *c, const struct ff_span *span)
{
    for (size_t i = 0; i < c->runs.n; i++)
        if (is_in(span, c->runs.items[i].run))
            c->runs.items[i].waits = true;
}

/* Somebody holds a lock, or another process has claimed some of them at this moment and
 * wants the same: to delete rows now would be work for many that the next pass saves.
 */
static void put_off(struct collect *c, const struct ff_span *span)
{
    for (size_t i = 0; i < c->runs.n; i++)
        if (is_in(span, c->runs.items[i].run))
            c->runs.items[i].waits = c->runs.items[i].goes = true;
    for (size_t i = 0; i < c->others.n; i++)
        if (is_in(span, c->others.items[i].run)) {
            struct finished *root = root_of(c, &c->others.items[i]);
            root->waits = root->goes = true;
        }
}

/* What is in the way now, a lock or another process, may be gone in a moment. */
static void try_again(int code, struct node_pass *p)
{
    if (code == FF_BUSY || code == FF_CONFLICT)
        p->hindered = true;
}

static int drop(struct collect *c, const struct ff_span *span)
{
    struct ff_err err = {0};
    int code = claim_all(c, span, &err);

    if (code == FF_OK)
        code = store_drop_span(c->node->store, span, &err);
    if (code == FF_OK)
        log_info("retention: the history of %llu runs is gone",
                 (unsigned long long)span->n_of);
    else
        log_info("retention: the history of old runs goes by and by: %s", err.msg);
    if (code == FF_BUSY || code == FF_CONFLICT)
        put_off(c, span);
    return code;
}

/* So many runs are made while a span lasts, as far as can be foreseen. Each run that
 * stays open keeps one, and every statement of the store costs more with each. */
static int64_t runs_of_span(const struct spans *all)
{
    const struct collect *c = all->collect;
    const size_t twice = all->there.n / MANY;
    const int64_t part = (int64_t)(c->runs.n + c->others.n) / RUNS_ALL;
    const int64_t n = c->n_recent > part ? c->n_recent : part;

    return (n > RUNS_MIN ? n : RUNS_MIN) << (twice < TWICE ? twice : TWICE);
}

/* Enough for the time until the pass after the next one. Numbers that were taken and
 * not used yet are below `next`, and more are taken meanwhile. */
static int make_ahead(struct spans *all)
{
    struct collect *c = all->collect;
    const struct node_settings *s = &c->node->settings;
    const int64_t n = runs_of_span(all);
    const int64_t lasts = s->keep_us / PARTS;
    const int64_t passes = lasts > 0 ? 2 * s->retention_every_us / lasts : 0;
    const int64_t ahead = c->next + n * ((passes < MAKE_MAX ? passes : MAKE_MAX) + 4);
    struct ff_span span = {
        .struct_size = sizeof(span), .record = &record_event, .column = COL_EVENT_RUN};
    struct ff_err err = {0};
    int code = FF_OK;

    if (all->there.n)
        span.below = all->there.items[all->there.n - 1].below;
    for (int i = 0; code == FF_OK && i < MAKE_MAX && span.below < ahead; i++) {
        span.from = span.below > c->next ? span.below : c->next + n;
        span.below = span.from + n;
        code = store_make_span(c->node->store, &span, &err);
    }
    if (code != FF_OK)
        log_info("retention: no more parts for events yet: %s", err.msg);
    return code;
}

void node_spans_pass(struct collect *c, struct node_pass *p, int64_t now)
{
    struct spans all = {.collect = c};
    struct ff_err err = {0};

    if (store_spans(c->node->store, &record_event, COL_EVENT_RUN, add_span, &all,
                    &err) != FF_OK) {
        log_info("retention: %s", err.msg);
        ARRAY_DONE(&all.there);
        return;
    }
    condemn(c, now);
    for (size_t i = 0; i < all.there.n && !node_pass_is_over(p); i++) {
        struct ff_span *span = &all.there.items[i];

        if (all_condemned(c, span) && span->below <= c->next && !node_is_held(c->node))
            try_again(drop(c, span), p);
        else
            wait_for_others(c, span);
    }
    if (!node_pass_is_over(p))
        try_again(make_ahead(&all), p);
    ARRAY_DONE(&all.there);
}
