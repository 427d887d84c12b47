/* test_retention.c - what is old goes, of each tenant by itself. */
#include "model/access_rows.h"
#include "support.h"

#define TENANTS 3
#define LONG    (UNITS_SECOND * 3600)

/* Any row, as somebody else has committed it. */
static void put(struct place *p, const struct ff_record *record, const void *row)
{
    struct batch b = {0};
    struct ff_err err = {0};

    batch_put(&b, record, row, FF_ABSENT);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

static void put_tenants(struct place *p)
{
    for (int64_t no = 2; no <= TENANTS; no++) {
        char name[32];

        snprintf(name, sizeof(name), "t%lld", (long long)no);
        const struct tenant_row row = {.tenant = no,
                                       .name = span_of(name),
                                       .disabled_at = MODEL_NULL,
                                       .max_projects = MODEL_NULL,
                                       .max_members = MODEL_NULL,
                                       .max_keys = MODEL_NULL,
                                       .max_open_runs = MODEL_NULL,
                                       .max_requests_per_s = MODEL_NULL,
                                       .weight = MODEL_NULL,
                                       .max_running = MODEL_NULL};

        put(p, &record_tenant, &row);
    }
}

static void name_run(int64_t run, char id[ID_TEXT])
{
    snprintf(id, ID_TEXT, "01890000-0000-7000-8000-%012lld", (long long)run);
}

/* One that is over, with a folder. */
static void put_run(struct place *p, int64_t tenant, int64_t run, int64_t finished_at)
{
    char id[ID_TEXT];

    name_run(run, id);
    const struct run_row row = {.tenant = tenant,
                                .run = run,
                                .id = span_of(id),
                                .project = PROJECT_DEFAULT,
                                .workflow = span_of("w"),
                                .hash = span_of("none"),
                                .kind = span_of(engine_dag.name),
                                .state = RUN_SUCCEEDED,
                                .inputs = span_of("{}"),
                                .finished_at = finished_at,
                                .parent_run = MODEL_NULL};
    MEM_AUTO char *dir = exec_run_dir(p->dir, id);

    put(p, &record_run, &row);
    assert_int_equal(file_make_dirs(dir, 0700), 0);
}

/* Of all tenants in turns, so that none has numbers of its own. */
static void put_runs(struct place *p, int64_t of_each, int64_t finished_at)
{
    put_tenants(p);
    for (int64_t run = 1; run <= of_each * TENANTS; run++)
        put_run(p, run % TENANTS + 1, run, finished_at);
}

static int add_number(void *arg, const void *row)
{
    const struct run_row *r = row;
    char id[ID_TEXT];
    struct buf *out = arg;

    name_run(r->run, id);
    assert_true(span_is(r->id, id));
    buf_printf(out, "%s%lld.%lld", out->len ? " " : "", (long long)r->tenant,
               (long long)r->run);
    return 0;
}

/* "TENANT.RUN ..."; and no others have a folder. */
static void expect_runs(struct place *p, const char *expected)
{
    const struct store_query all = {.record = &record_run};
    MEM_AUTO char *folder = file_join(p->dir, "runs");
    DIR *dir = file_open_dir(folder);
    struct buf out = {0};
    struct ff_err err = {0};
    int64_t n = 0;

    check(store_scan(p->store, STORE_READER_CALLER, &all, add_number, &out, &err),
          &err);
    assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    assert_int_equal(n, rows_of(p, &record_run));
}

static void pass(struct place *p, int64_t n_expected)
{
    struct ff_err err = {0};
    int64_t n;

    check(node_retention(p->node, &n, &err), &err);
    assert_int_equal(n, n_expected);
}

static int64_t now_of(struct place *p)
{
    return loop_wall_us(p->loop);
}

static void each_tenant_keeps_so_many_runs(void **state)
{
    struct place *p = *state;

    put_runs(p, 3, now_of(p));
    put_run(p, 2, 10, now_of(p));
    p->node->settings.keep_runs = 2;
    pass(p, 4);
    expect_runs(p, "1.6 1.9 2.7 2.10 3.5 3.8");
    pass(p, 0);
}

static void each_tenant_has_the_bytes_for_itself(void **state)
{
    struct place *p = *state;

    put_runs(p, 3, now_of(p));
    for (int64_t run = 1; run <= (int64_t)3 * TENANTS; run++)
        put(p, &record_log,
            &(struct log_row){
                .tenant = run % TENANTS + 1, .run = run, .attempt = 1, .bytes = 400});
    p->node->settings.keep_bytes = 1000;
    pass(p, 3);
    expect_runs(p, "1.6 1.9 2.4 2.7 3.5 3.8");
    assert_int_equal(rows_of(p, &record_log), 6);
}

static void what_is_too_old_goes_of_all_tenants(void **state)
{
    struct place *p = *state;
    struct node_pass again = {0};
    struct ff_err err = {0};
    const int64_t now = now_of(p);

    put_runs(p, 1, now - 2 * LONG);
    put_run(p, 2, 10, now);
    put_run(p, 3, 11, now - LONG / 2);
    p->node->settings.keep_us = LONG;
    pass(p, 3);
    expect_runs(p, "2.10 3.11");
    check(node_retention_pass(p->node, &again, &err), &err);
    assert_true(again.next_at == now + LONG / 2); /* the oldest of all of them */
}

/* Of each name the newest stays. */
static void times_of_schedules_go_of_all_tenants(void **state)
{
    struct place *p = *state;

    for (int64_t tenant = 1; tenant <= TENANTS; tenant++)
        for (int64_t at = 1; at <= 2; at++)
            put(p, &record_schedule_run,
                &(struct schedule_run_row){.tenant = tenant,
                                           .schedule = span_of("w.cron"),
                                           .nominal_at = at,
                                           .state = SCHEDULE_RUN_SKIPPED,
                                           .cause = span_of("time"),
                                           .run = MODEL_NULL});
    pass(p, 0);
    assert_int_equal(rows_of(p, &record_schedule_run), TENANTS);
}

/* No entry of the cache needs them. */
static void artifacts_of_the_cache_go_of_all_tenants(void **state)
{
    struct place *p = *state;
    char hash[SHA256_TEXT];

    put_tenants(p);
    sha256_text("x", 1, hash);
    for (int64_t tenant = 1; tenant <= TENANTS; tenant++)
        put(p, &record_artifact,
            &(struct artifact_row){
                .tenant = tenant, .run = ARTIFACT_OF_CACHE, .hash = span_of(hash)});
    pass(p, 0);
    assert_int_equal(rows_of(p, &record_artifact), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(each_tenant_keeps_so_many_runs),
        ON_EACH(each_tenant_has_the_bytes_for_itself),
        ON_EACH(what_is_too_old_goes_of_all_tenants),
        ON_EACH(times_of_schedules_go_of_all_tenants),
        ON_EACH(artifacts_of_the_cache_go_of_all_tenants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
