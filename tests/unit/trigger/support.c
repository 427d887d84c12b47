/* support.c - what the tests of trigger share. */
#include "support.h"

void support_check(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        fail_msg("%s", err->msg);
}

/* --- rows --- */

void support_put(struct process *p, const struct ff_record *record, const void *row)
{
    struct ff_err err = {0};
    struct batch b = {0};

    batch_put(&b, record, row, FF_ANY_VERSION);
    support_check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

/* As after an apply at this time. */
struct schedule_row support_schedule_of(const char *trigger, int64_t last_at,
                                        struct arena *arena)
{
    struct flow_problems problems = {0};
    struct buf text = {0};

    buf_printf(&text, "flowforge: 1\nname: w\ntriggers: {%s}\ntasks: {a: {run: x}}\n",
               trigger);
    struct flow *f = flow_parse(buf_text(&text), text.len, &problems);
    assert_non_null(f);
    json_t *inputs = json_object();
    MEM_AUTO char *spec = schedule_spec_text(&f->triggers[0], inputs, NULL, f->labels);
    const struct schedule_row row = {
        .tenant = 1,
        .name = span_of(NAME),
        .workflow = span_of("w"),
        .kind = span_of(flow_trigger_names[f->triggers[0].kind]),
        .spec = span_of(arena_text(arena, spec, strlen(spec))),
        .hash = span_of("hash"),
        .dir = span_of("/"),
        .created_at = last_at,
        .changed_at = last_at,
        .last_at = last_at,
        .paused_at = MODEL_NULL,
        .next_at = MODEL_NULL,
        .active_run = MODEL_NULL,
        .held_at = MODEL_NULL,
        .held_since = MODEL_NULL,
    };
    json_decref(inputs);
    flow_unref(f);
    buf_done(&text);
    return row;
}

static int see_run(void *arg, const void *row)
{
    struct seen *seen = arg;
    const struct run_row *r = row;

    assert_true(seen->n_runs < COUNT_OF(seen->runs));
    seen->runs[seen->n_runs].nominal_at = r->nominal_at;
    snprintf(seen->runs[seen->n_runs++].event, sizeof(seen->runs[0].event), "%.*s",
             (int)r->event.len, r->event.s ? r->event.s : "");
    return 0;
}

static int see_backfill(void *arg, const void *row)
{
    ((struct seen *)arg)->n_backfills +=
        ((const struct backfill_row *)row)->state == BACKFILL_RUNNING;
    return 0;
}

static int see_occurrence(void *arg, const void *row)
{
    (void)row;
    ((struct seen *)arg)->n_occurrences++;
    return 0;
}

/* Once more, should this be the read that is to fail. */
void support_scan(struct process *p, const struct store_query *q, store_row_fn *fn,
                  void *arg)
{
    struct ff_err err = {0};
    int code = store_scan(p->store, STORE_READER_CALLER, q, fn, arg, &err);

    if (code == FF_UNAVAILABLE)
        code = store_scan(p->store, STORE_READER_CALLER, q, fn, arg, &err);
    support_check(code, &err);
}

struct seen support_look(struct process *p)
{
    const struct run_row run = {.tenant = 1};
    const struct backfill_row backfill = {0};
    const struct occurrence_row occurrence = {0};
    const struct {
        struct store_query q;
        store_row_fn *fn;
    } reads[] = {
        {{.record = &record_run, .like = &run, .n_equal = 1}, see_run},
        {{.record = &record_backfill, .like = &backfill}, see_backfill},
        {{.record = &record_occurrence, .like = &occurrence}, see_occurrence},
    };
    struct seen seen = {0};

    for (size_t i = 0; i < COUNT_OF(reads); i++)
        support_scan(p, &reads[i].q, reads[i].fn, &seen);
    return seen;
}

static int close_run(void *arg, const void *row)
{
    batch_delete(arg, &record_open_run, row, FF_ANY_VERSION);
    return 0;
}

/* All runs that are open end. */
void support_end_runs(struct process *p)
{
    const struct open_run_row like = {0};
    const struct store_query q = {
        .record = &record_open_run, .like = &like, .n_equal = 1};
    struct batch b = {0};
    struct ff_err err = {0};

    support_scan(p, &q, close_run, &b);
    if (b.n > 0)
        support_check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

/* --- a process --- */

void support_wake(void *arg)
{
    struct process *p = arg;

    trigger_wake(p->trigger);
}

/* On the lane, while rows are read. */
static const struct zone *find_zone(void *arg, const char *name, struct ff_err *err)
{
    struct process *p = arg;

    (void)name;
    (void)err;
    p->n_loads++;
    if (p->wakes && p->n_loads < 50)
        loop_post(p->loop, support_wake, p);
    return zone_utc;
}

static void started(void *arg)
{
    struct process *p = arg;

    if (p->stop_on_start && !p->is_ticking)
        loop_stop(p->loop, 0);
}

static void loaded(void *arg)
{
    struct process *p = arg;

    p->n_loaded++;
    if (p->max_loaded > 0 && p->n_loaded > p->max_loaded)
        fail_msg("it has read %d times, and nothing has begun", p->n_loaded);
    if (!p->stop_on_start && !p->is_ticking)
        loop_stop(p->loop, 0);
}

static bool cancel(void *arg, struct tenant t, int64_t run)
{
    (void)arg;
    (void)t;
    (void)run;
    return true;
}

static void fatal(void *arg, const struct ff_err *err)
{
    (void)arg;
    fail_msg("%s", err->msg);
}

/* Its n-th read fails, 0: none. */
void support_open_failing(struct process *p, int nth)
{
    const struct store_claim claim = {.owner = "test"};
    struct ff_err err = {0};
    struct shard_row row = {0};
    char *none[] = {NULL};
    char text[40];

    *p = (struct process){.config = config_load("/dev/null", none, &err)};
    support_check(p->config ? FF_OK : err.code, &err);
    snprintf(text, sizeof(text), "store-fault.nth=%d", nth);
    support_check(config_set(p->config, text, &err), &err);
    support_check(config_set(p->config, "store-fault.calls=scan", &err), &err);
    p->loop = loop_new(&err);
    p->store_driver = driver_chain_new(getenv("FLOWFORGE_LIB"), "store-memory",
                                       nth > 0 ? "store-fault" : NULL, FF_STORE,
                                       p->loop, p->config, &err);
    support_check(p->store_driver ? FF_OK : err.code, &err);
    p->store = store_open(p->loop, p->store_driver, &err);
    support_check(p->store ? FF_OK : err.code, &err);
    if (store_acquire_shard(p->store, 0, &claim, &row, &err) != FF_OK)
        support_check(store_acquire_shard(p->store, 0, &claim, &row, &err), &err);
}

void support_open_process(struct process *p)
{
    support_open_failing(p, 0);
}

void support_begin(struct process *p)
{
    const struct trigger_setup setup = {
        .loop = p->loop,
        .store = p->store,
        .zone = find_zone,
        .zone_arg = p,
        .arg = p,
        .started = started,
        .cancel = cancel,
        .loaded = loaded,
        .fatal = fatal,
    };
    struct ff_err err = {0};

    p->trigger = trigger_new(&setup, &err);
    support_check(p->trigger ? FF_OK : err.code, &err);
}

/* What is under way is durable, all is read again, and that is acted upon. */
void support_turn(struct process *p)
{
    trigger_wake(p->trigger);
    loop_run(p->loop);
}

static void drained(void *arg)
{
    loop_stop(((struct process *)arg)->loop, 0);
}

void support_close_process(struct process *p)
{
    p->wakes = false;
    p->stop_on_start = true;
    trigger_drain(p->trigger, drained, p);
    loop_run(p->loop);
    trigger_free(p->trigger);
    store_close(p->store);
    driver_instance_free(p->store_driver);
    loop_free(p->loop);
    config_free(p->config);
}
