/* See support.h. */
#include "support.h"

/* The driver has no place for it, and there is one at a time. */
static struct fake *the_fake;
static size_t n_results;
static size_t n_wanted;

static int fake_open_session(const struct ff_host *host, const void *config,
                             void **store, struct ff_err *err)
{
    (void)host;
    (void)config;
    (void)err;
    the_fake->n_open++;
    *store = the_fake;
    return FF_OK;
}

static void fake_close_session(void *store)
{
    struct fake *f = store;

    f->n_open--;
}

static int fake_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    (void)store;
    (void)schema;
    (void)err;
    return FF_OK;
}

static void look_at(struct fake *f, const struct ff_change *c, struct asked *a)
{
    if (c->record == &record_shard && c->kind == FF_CHECK) {
        a->fenced = true;
        a->fence_version = c->expect;
    } else if (c->record == &record_shard) {
        a->n_renewals++;
    } else if (c->record == &record_event && f->n_positions < COUNT_OF(f->positions)) {
        const struct ff_value *at = &c->values[COL_EVENT_POSITION];
        f->positions[f->n_positions++] = at->type ? at->i : 0;
    } else if (c->record == &record_run && a->n_runs < COUNT_OF(a->runs)) {
        a->runs[a->n_runs++] = c->values[COL_RUN_RUN].i;
    }
}

static int64_t *version_of(struct fake *f, const struct ff_change *c)
{
    return c->record == &record_shard ? &f->shard_version
                                      : &f->rows[c->values[COL_RUN_RUN].i % 1024];
}

static void undo(struct fake *f, const struct ff_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (changes[i].kind == FF_PUT || changes[i].kind == FF_PATCH)
            --*version_of(f, &changes[i]);
}

/* All or nothing: enough of a store for these tests, which delete nothing. */
static int write_all(struct fake *f, const struct ff_change *changes, size_t n,
                     size_t *failed)
{
    for (size_t i = 0; i < n; i++) {
        const struct ff_change *c = &changes[i];
        int64_t *version = version_of(f, c);

        if (c->expect != FF_ANY_VERSION && c->expect != *version) {
            *failed = i;
            undo(f, changes, i);
            return FF_CONFLICT;
        }
        if (c->kind != FF_CHECK)
            ++*version;
        if (c->kind == FF_PATCH && c->record == &record_shard)
            f->lease_until = c->values[COL_SHARD_LEASE_UNTIL].i;
    }
    return FF_OK;
}

static void let_time_pass(const struct fake *f)
{
    const int64_t until_us = loop_mono_us(f->loop) + f->delay_us;

    while (f->delay_us && loop_mono_us(f->loop) < until_us)
        ;
}

static const struct answer *next_answer(struct fake *f, const struct asked *a)
{
    const struct answer *answer = f->at < f->n_script ? &f->script[f->at] : NULL;
    bool among = false;

    for (size_t i = 0; answer && answer->on_conflict && i < a->n_runs; i++)
        among = among || a->runs[i] == answer->run;
    if (!answer || (answer->on_conflict && !among))
        return NULL;
    f->at++;
    return answer;
}

static int fake_commit(void *store, const struct ff_change *changes, size_t n,
                       size_t *failed, struct ff_err *err)
{
    struct fake *f = store;
    struct asked *a = &f->asked[f->n_asked % COUNT_OF(f->asked)];

    *a = (struct asked){.n = n, .on_loop = loop_is_thread(f->loop)};
    for (size_t i = 0; i < n; i++)
        look_at(f, &changes[i], a);
    f->n_asked++;
    let_time_pass(f);

    const struct answer *answer = next_answer(f, a);
    const int code = answer ? answer->code : FF_OK;

    if (code != FF_OK) {
        *failed = answer->failed;
        if (answer->written)
            write_all(f, changes, n, failed);
        return ff_fail(err, code, 0, "as the script says");
    }
    if (write_all(f, changes, n, failed) != FF_OK)
        return ff_fail(err, FF_CONFLICT, 0, "a guard does not hold");
    return FF_OK;
}

/* Only by key, and only the version matters. */
static void give_shard(const struct fake *f, ff_row_fn *fn, void *arg)
{
    struct ff_value values[N_SHARD_COLUMNS] = {{0}};

    values[COL_SHARD_VERSION] =
        (struct ff_value){.type = FF_INT, .i = f->shard_version};
    values[COL_SHARD_LEASE_UNTIL] =
        (struct ff_value){.type = FF_TIME, .i = f->lease_until};
    if (f->shard_version)
        fn(arg, values);
}

/* Rows of runs are as batch_of_run makes them. */
static void give_run(const struct fake *f, int64_t no, ff_row_fn *fn, void *arg)
{
    struct ff_value values[N_RUN_COLUMNS];
    struct batch b = {0};

    batch_of_run(&b, no);
    memcpy(values, b.items[0].values, sizeof(values));
    values[COL_RUN_VERSION] =
        (struct ff_value){.type = FF_INT, .i = f->rows[no % 1024]};
    if (no == f->foreign)
        values[COL_RUN_CREATED_AT].i++;
    if (f->rows[no % 1024])
        fn(arg, values);
    batch_done(&b);
}

static int fake_scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                     struct ff_err *err)
{
    struct fake *f = store;

    if (f->n_unread > 0) {
        f->n_unread--;
        return ff_fail(err, FF_UNAVAILABLE, 0, "the link is down");
    }
    if (q->record == &record_shard)
        give_shard(store, fn, arg);
    else
        give_run(store, q->equal[COL_RUN_RUN].i, fn, arg);
    return FF_OK;
}

static int fake_count(void *store, const struct ff_query *q, uint64_t *n,
                      struct ff_err *err)
{
    (void)store;
    (void)q;
    *n = 0;
    return ff_fail(err, FF_UNSUPPORTED, 0, "not in this script");
}

static int fake_ping(void *store, struct ff_err *err)
{
    (void)store;
    (void)err;
    return FF_OK;
}

static int fake_now(void *store, int64_t *now_us, struct ff_err *err)
{
    const struct fake *f = store;

    (void)err;
    *now_us = loop_wall_us(f->loop);
    return FF_OK;
}

static const struct ff_store_ops ops = {
    .open = fake_open_session,
    .close = fake_close_session,
    .setup = fake_setup,
    .commit = fake_commit,
    .scan = fake_scan,
    .count = fake_count,
    .ping = fake_ping,
    .now = fake_now,
};

static const struct ff_driver fake_driver = {
    FF_DRIVER_HEAD(FF_STORE, FF_ONE_AT_A_TIME, ops),
    .name = "fake",
    .version = "1",
    .summary = "answers from a script",
    .ops.store = &ops,
};

void fake_open(struct fake *f)
{
    struct ff_err err = {0};
    struct driver *d = driver_from(&fake_driver, &err);

    if (!d)
        fail_msg("%s", err.msg);
    memset(f, 0, sizeof(*f));
    the_fake = f;
    n_results = n_wanted = 0;
    f->loop = loop_new(&err);
    assert_non_null(f->loop);
    f->instance = driver_instance_new(d, f->loop, NULL, "fake", &err);
    if (!f->instance)
        fail_msg("%s", err.msg);
    f->store = store_open(f->loop, f->instance, &err);
    if (!f->store)
        fail_msg("%s", err.msg);
}

void fake_close(struct fake *f)
{
    store_close(f->store);
    assert_int_equal(f->n_open, 0);
    driver_instance_free(f->instance);
    loop_free(f->loop);
}

void fake_answer(struct fake *f, struct answer a)
{
    assert_true(f->n_script < COUNT_OF(f->script));
    f->script[f->n_script++] = a;
}

void batch_of_run(struct batch *b, int64_t no)
{
    const struct run_row row = {.tenant = 1,
                                .run = no,
                                .id = span_of("0190a5b2-7c1e-7000-8000-000000000001"),
                                .workflow = span_of("w"),
                                .hash = span_of("h"),
                                .kind = span_of("dag"),
                                .inputs = span_of("{}")};

    batch_put(b, &record_run, &row, FF_ABSENT);
}

void on_done(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct result *r = arg;

    assert_false(r->done);
    assert_true((err == NULL) == (code == FF_OK));
    r->done = true;
    r->code = code;
    r->failed = failed;
    snprintf(r->msg, sizeof(r->msg), "%s", err ? err->msg : "");
    if (++n_results == n_wanted)
        loop_stop(r->fake->loop, 0);
}

void commit_run(struct fake *f, int64_t no, struct result *r)
{
    struct batch b = {0};

    *r = (struct result){.fake = f};
    batch_of_run(&b, no);
    store_commit(f->store, &b, on_done, r);
    assert_int_equal(b.n, 0);
    assert_false(r->done);
}

void run_until(struct fake *f, size_t n)
{
    n_wanted = n;
    if (n_results < n)
        loop_run(f->loop);
    assert_int_equal(n_results, n);
    n_wanted = 0;
}

void run_for_one(struct fake *f)
{
    run_until(f, n_results + 1);
}

size_t warm_up(struct fake *f)
{
    bool on_loop = false;
    struct result r;
    size_t n = 0;

    while (!on_loop) {
        assert_true(n < 100000);
        f->rows[1023] = 0;
        commit_run(f, 1023, &r);
        run_for_one(f);
        assert_int_equal(r.code, FF_OK);
        on_loop = f->asked[(f->n_asked - 1) % COUNT_OF(f->asked)].on_loop;
        n++;
    }
    f->n_asked = 0;
    return n;
}
