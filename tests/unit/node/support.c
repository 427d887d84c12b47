/* See support.h. */
#include "support.h"

void check(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        fail_msg("%d: %s", code, err->msg);
}

static void set(struct place *p, const char *name, const char *value)
{
    struct ff_err err = {0};
    struct buf text = {0};

    buf_printf(&text, "%s=%s", name, value);
    check(config_set(p->config, buf_text(&text), &err), &err);
    buf_done(&text);
}

static struct place *place_new(const char *driver)
{
    const char *tmp = getenv("TMPDIR");
    char *none[] = {NULL};
    struct place *p = mem_alloc(sizeof(*p));
    struct ff_err err = {0};
    char dir[4096];

    snprintf(dir, sizeof(dir), "%s/ff-node-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    p->dir = mem_text(dir);
    p->loop = loop_new(&err);
    assert_non_null(p->loop);
    p->config = config_load("/dev/null", none, &err);
    check(p->config ? FF_OK : err.code, &err);
    set(p, "engine.data_dir", dir);
    set(p, "engine.driver_dir", getenv("FLOWFORGE_LIB"));
    set(p, "engine.store", driver);
    return p;
}

static int place_open(void **state, struct place *p)
{
    const struct store_readers_setup setup = {
        .name = "readers", .n_lanes = 3, .n_waiting = 200};
    struct ff_err err = {0};

    p->node = node_open(p->loop, p->config, &err);
    check(p->node ? FF_OK : err.code, &err);
    p->store = node_store(p->node);
    p->pool = store_readers_open(p->store, &setup, &err);
    check(p->pool ? FF_OK : err.code, &err);
    *state = p;
    return 0;
}

int place_open_memory(void **state)
{
    return place_open(state, place_new("store-memory"));
}

int place_open_sqlite(void **state)
{
    return place_open(state, place_new("store-sqlite"));
}

static int place_open_in_doubt(void **state, const char *when, const char *nth)
{
    struct place *p = place_new("store-sqlite");

    set(p, "engine.store_filters", "store-fault");
    set(p, "store-fault.calls", "commit");
    set(p, "store-fault.code", "in_doubt");
    set(p, "store-fault.when", when);
    set(p, "store-fault.rate", "0");
    set(p, "store-fault.nth", nth);
    return place_open(state, p);
}

int place_open_lying(void **state)
{
    return place_open_in_doubt(state, "after", "2");
}

int place_open_doubtful(void **state)
{
    return place_open_in_doubt(state, "before", "1");
}

int place_close(void **state)
{
    struct place *p = *state;

    store_readers_close(p->pool);
    node_close(p->node);
    loop_free(p->loop);
    config_free(p->config);
    assert_int_equal(file_remove_tree(p->dir), 0);
    mem_free(p->dir);
    mem_free(p);
    return 0;
}

void on_changed(void *arg, int code, const struct ff_err *err)
{
    struct asked *a = arg;

    assert_false(a->answered);
    assert_int_equal(err == NULL, code == FF_OK);
    assert_true(loop_is_thread(a->place->loop));
    a->answered = true;
    a->code = code;
    snprintf(a->msg, sizeof(a->msg), "%s", err ? err->msg : "");
    if (++a->place->n_answers == a->place->stop_at)
        loop_stop(a->place->loop, 0);
}

void run_until(struct place *p, size_t n_answers)
{
    p->stop_at = n_answers;
    if (p->n_answers < n_answers)
        loop_run(p->loop);
    assert_int_equal(p->n_answers, n_answers);
}

static int count_row(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return 0;
}

int64_t rows_of(struct place *p, const struct ff_record *record)
{
    const struct store_query q = {.record = record};
    struct ff_err err = {0};
    int64_t n = 0;

    check(store_scan(p->store, STORE_READER_CALLER, &q, count_row, &n, &err), &err);
    return n;
}

void source_open(struct source *s, const char *text)
{
    struct flow_problems problems = {0};

    s->text = text;
    s->flow = flow_parse(text, strlen(text), &problems);
    if (!s->flow)
        fail_msg("%s", problems.items[0].msg);
    s->inputs = flow_inputs(s->flow, NULL, false, &problems);
    if (!s->inputs)
        fail_msg("%s", problems.items[0].msg);
    flow_problems_done(&problems);
}

void source_close(struct source *s)
{
    json_decref(s->inputs);
    flow_unref(s->flow);
}

struct node_submit submit_of(const struct source *s)
{
    return (struct node_submit){.source = s->text,
                                .source_len = strlen(s->text),
                                .dir = "/",
                                .workflow = s->flow->name,
                                .hash = s->flow->hash,
                                .inputs = s->inputs,
                                .flow = s->flow};
}

void plan_open(struct own_plan *o, struct place *p)
{
    *o = (struct own_plan){0};
    o->plan = (struct node_plan){.node = p->node,
                                 .reader = STORE_READER_CALLER,
                                 .batch = &o->batch,
                                 .zones = &o->zones,
                                 .keep = &o->keep,
                                 .alone = &o->alone};
}

void plan_close(struct own_plan *o)
{
    batch_done(&o->batch);
    zones_done(&o->zones);
}

int plan_commit(struct own_plan *o, struct ff_err *err)
{
    const int code = store_commit_now(o->plan.node->store, &o->batch, NULL, err);

    batch_reset(&o->batch);
    return code;
}
