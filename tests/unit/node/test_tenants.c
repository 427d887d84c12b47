/* test_tenants.c - tenants of one installation, with runs whose tasks are processes:
 * each gets its share of the slots, as the rows of tasks tell afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/access_rows.h"
#include "node/node.h"

#define TENANTS 6
#define SLOTS   "4"

struct place {
    char dir[64];
    struct loop *loop;
    struct config *config;
    struct node *node;
    struct ff_err err;
    struct {
        struct task_row *items;
        size_t n, cap;
    } tasks; /* of all tenants, in the order of their starts */
};

static void check(int code, const struct ff_err *err)
{
    if (code != FF_OK)
        fail_msg("%s", err->msg);
}

static void set(struct place *p, const char *name, const char *value)
{
    struct buf text = {0};

    buf_printf(&text, "%s=%s", name, value);
    check(config_set(p->config, buf_text(&text), &p->err), &p->err);
    buf_done(&text);
}

static void place_open(struct place *p)
{
    static unsigned n_stores;
    char *none[] = {NULL}, name[32];
    const char *lib = getenv("FLOWFORGE_LIB");

    *p = (struct place){.dir = "/tmp/ff-tenants-XXXXXX"};
    assert_non_null(mkdtemp(p->dir));
    p->config = config_load("/dev/null", none, &p->err);
    check(p->config ? FF_OK : p->err.code, &p->err);
    p->loop = loop_new(&p->err);
    snprintf(name, sizeof(name), "tenants-%u", ++n_stores);
    set(p, "engine.data_dir", p->dir);
    set(p, "engine.driver_dir", lib);
    set(p, "engine.store", "store-memory");
    set(p, "store-memory.name", name);
    set(p, "engine.queue", "queue-memory");
    set(p, "engine.slots", SLOTS);
    p->node = node_open(p->loop, p->config, &p->err);
    check(p->node ? FF_OK : p->err.code, &p->err);
}

static void place_close(struct place *p)
{
    node_close(p->node);
    loop_free(p->loop);
    config_free(p->config);
    ARRAY_DONE(&p->tasks);
    assert_int_equal(file_remove_tree(p->dir), 0);
}

static void submit(struct place *p, int64_t tenant, int items)
{
    struct flow_problems problems = {0};
    struct buf source = {0};
    char id[ID_TEXT];
    int64_t run;

    buf_printf(&source,
               "flowforge: 1\nname: many\ntasks:\n  work:\n"
               "    foreach: ${{ range(%d) }}\n    command: [/bin/true]\n",
               items);
    struct flow *flow = flow_parse(buf_text(&source), source.len, &problems);
    assert_non_null(flow);
    json_t *inputs = flow_inputs(flow, NULL, false, &problems);
    const struct node_submit what = {.source = buf_text(&source),
                                     .source_len = source.len,
                                     .dir = p->dir,
                                     .workflow = flow->name,
                                     .hash = flow->hash,
                                     .inputs = inputs,
                                     .flow = flow,
                                     .beside = p->dir};
    check(node_submit(p->node, (struct tenant){tenant}, &what, id, &run, &p->err),
          &p->err);
    json_decref(inputs);
    flow_unref(flow);
    flow_problems_done(&problems);
    buf_done(&source);
}

static void share(struct place *p, int64_t tenant, int64_t weight, int64_t max_running)
{
    char name[32];
    struct batch b = {0};
    size_t failed;

    snprintf(name, sizeof(name), "t%lld", (long long)tenant);
    const struct tenant_row row = {.tenant = tenant,
                                   .name = span_of(name),
                                   .disabled_at = MODEL_NULL,
                                   .max_projects = MODEL_NULL,
                                   .max_members = MODEL_NULL,
                                   .max_keys = MODEL_NULL,
                                   .max_open_runs = MODEL_NULL,
                                   .max_requests_per_s = MODEL_NULL,
                                   .weight = weight,
                                   .max_running = max_running};
    batch_put(&b, &record_tenant, &row, FF_ABSENT);
    check(store_commit_now(node_store(p->node), &b, &failed, &p->err), &p->err);
    batch_done(&b);
}

/* --- running, and what came of it --- */

static void on_idle(void *arg)
{
    loop_stop(((struct place *)arg)->loop, 0);
}

static void on_fatal(void *arg, const struct ff_err *err)
{
    (void)arg;
    fail_msg("%s", err->msg);
}

static int take_task(void *arg, const void *stored)
{
    struct place *p = arg;
    const struct task_row *row = stored;

    if (row->item != MODEL_NULL) {
        assert_int_equal(row->state, TASK_SUCCEEDED);
        ARRAY_ADD(&p->tasks, *row);
    }
    return 0;
}

static int by_start(const void *a, const void *b)
{
    const int64_t x = ((const struct task_row *)a)->started_at;
    const int64_t y = ((const struct task_row *)b)->started_at;

    return (x > y) - (x < y);
}

static void run_all(struct place *p)
{
    const struct control_listener listener = {
        .arg = p, .idle = on_idle, .fatal = on_fatal};

    check(node_own(p->node, &listener, NULL, &p->err), &p->err);
    loop_run(p->loop);
    node_disown(p->node);
    for (int64_t tenant = 1; tenant <= TENANTS; tenant++) {
        const struct task_row like = {.tenant = tenant};
        check(store_scan(node_store(p->node), STORE_READER_CALLER,
                         &(struct store_query){
                             .record = &record_task, .like = &like, .n_equal = 1},
                         take_task, p, &p->err),
              &p->err);
    }
    qsort(p->tasks.items, p->tasks.n, sizeof(*p->tasks.items), by_start);
}

/* Of the first n starts, in which every tenant still had tasks that waited; of those
 * with a weight. */
static double jain(const struct place *p, size_t n, const double *weights)
{
    double got[TENANTS] = {0}, sum = 0, squares = 0, n_tenants = 0;

    assert_true(n < p->tasks.n);
    for (size_t i = 0; i < n; i++)
        got[p->tasks.items[i].tenant - 1] += 1;
    for (size_t i = 0; i < TENANTS; i++) {
        if (weights[i] < 1)
            continue;
        const double each = got[i] / weights[i];
        n_tenants += 1;
        sum += each;
        squares += each * each;
    }
    return sum * sum / (n_tenants * squares);
}

static void tenants_get_equal_shares_whatever_one_of_them_submits(void **state)
{
    (void)state;
    static const double weights[TENANTS] = {1, 1, 1, 1, 1, 1};
    struct place p;

    place_open(&p);
    for (int i = 0; i < 5; i++)
        submit(&p, 1, 24);
    for (int64_t tenant = 2; tenant <= TENANTS; tenant++)
        submit(&p, tenant, 24);
    run_all(&p);
    assert_int_equal(p.tasks.n, 240);
    assert_true(jain(&p, 20 * TENANTS, weights) >= 0.98);
    place_close(&p);
}

/* The last one has one attempt at a time; how many these come to is up to how long they
 * take. */
static void weights_and_bounds_of_rows_hold(void **state)
{
    (void)state;
    static const double weights[TENANTS] = {1, 3, 1, 2, 1, 0};
    struct place p;
    int64_t last_end = 0;

    place_open(&p);
    for (int64_t tenant = 1; tenant <= TENANTS; tenant++) {
        share(&p, tenant,
              weights[tenant - 1] > 1 ? (int64_t)weights[tenant - 1] : MODEL_NULL,
              tenant == 6 ? 1 : MODEL_NULL);
        submit(&p, tenant, tenant == 6 ? 40 : 36);
    }
    run_all(&p);
    for (size_t i = 0; i < p.tasks.n; i++) {
        const struct task_row *row = &p.tasks.items[i];
        if (row->tenant != 6)
            continue;
        assert_true(row->started_at >= last_end);
        last_end = row->finished_at;
    }
    assert_true(jain(&p, 90, weights) >= 0.98);
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_get_equal_shares_whatever_one_of_them_submits),
        cmocka_unit_test(weights_and_bounds_of_rows_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
