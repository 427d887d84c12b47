/* See support_real.h. */
#include "support_real.h"

static void load_config(struct real *r)
{
    static char *no_environment[] = {NULL};
    char *path = file_join(r->dir, "config.yaml");
    struct buf text = {0};
    struct ff_err err = {0};

    buf_printf(&text, "store-sqlite:\n  path: %s/store.db\n", r->dir);
    assert_int_equal(file_write_durable(path, text.data, text.len, 0600), 0);
    r->config = config_load(path, no_environment, &err);
    if (!r->config)
        fail_msg("%s", err.msg);
    buf_done(&text);
    mem_free(path);
}

void real_open(struct real *r, const char *driver)
{
    const char *tmp = getenv("TMPDIR");
    const char *lib = getenv("FLOWFORGE_LIB");
    char dir[4096];
    struct ff_err err = {0};
    struct driver *d;

    snprintf(dir, sizeof(dir), "%s/ff-store-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    r->dir = mem_text(dir);
    load_config(r);
    r->loop = loop_new(&err);
    assert_non_null(r->loop);
    d = driver_load(lib ? lib : ".", driver, FF_STORE, &err);
    if (!d)
        fail_msg("%s", err.msg);
    r->instance = driver_instance_new(d, r->loop, r->config, driver, &err);
    if (!r->instance)
        fail_msg("%s", err.msg);
    r->store = real_open_again(r);
}

struct store *real_open_again(struct real *r)
{
    struct ff_err err = {0};
    struct store *s = store_open(r->loop, r->instance, &err);

    if (!s)
        fail_msg("%s", err.msg);
    return s;
}

void real_close(struct real *r)
{
    store_close(r->store);
    driver_instance_free(r->instance);
    loop_free(r->loop);
    config_free(r->config);
    assert_int_equal(file_remove_tree(r->dir), 0);
    mem_free(r->dir);
}

static int set_up(void **state, const char *driver)
{
    struct real *r = mem_alloc(sizeof(*r));

    real_open(r, driver);
    *state = r;
    return 0;
}

int real_set_up_memory(void **state)
{
    return set_up(state, "store-memory");
}

int real_set_up_sqlite(void **state)
{
    return set_up(state, "store-sqlite");
}

int real_tear_down(void **state)
{
    real_close(*state);
    mem_free(*state);
    return 0;
}

struct run_row a_run(int64_t tenant, int64_t no, char id[ID_TEXT])
{
    snprintf(id, ID_TEXT, "0190a5b2-7c1e-7000-8000-%012lld", (long long)no);
    return (struct run_row){.tenant = tenant,
                            .run = no,
                            .id = span_of(id),
                            .project = PROJECT_DEFAULT,
                            .workflow = span_of("nightly"),
                            .hash = span_of("abc"),
                            .kind = span_of("dag"),
                            .state = RUN_RUNNING,
                            .inputs = span_of("{}"),
                            .created_at = 1000 + no,
                            .started_at = MODEL_NULL,
                            .finished_at = MODEL_NULL};
}

void put_run(struct real *r, int64_t tenant, int64_t no)
{
    char id[ID_TEXT];
    const struct run_row row = a_run(tenant, no, id);
    struct batch b = {0};
    struct ff_err err = {0};

    batch_put(&b, &record_run, &row, FF_ABSENT);
    if (store_commit_now(r->store, &b, NULL, &err) != FF_OK)
        fail_msg("%s", err.msg);
    batch_done(&b);
}
