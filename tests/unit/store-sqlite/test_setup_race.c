/* Another process sets up in the middle of our own setup. */
#include "support.h"
#include "support_process.h"

#include <sqlite3.h>

struct job {
    const char *path;
};

static int set_up_once(void *arg, int tell_fd)
{
    const struct job *job = arg;
    const struct ff_driver *d = load_driver("store-sqlite");
    struct ff_err err = {0};
    void *store;
    int code = try_open(d, "path", job->path, &store, &err);

    (void)tell_fd;
    if (code == FF_OK)
        code = d->ops.store->setup(store, &test_schema, &err);
    if (code == FF_OK)
        d->ops.store->close(store);
    else
        fprintf(stderr, "%s\n", err.msg);
    return code;
}

/* Let go where our setup looks at the version: it has seen an empty database then. */
static struct child *in_between;

static int on_statement(unsigned type, void *arg, void *stmt, void *text)
{
    struct child *c = in_between;

    (void)type;
    (void)arg;
    (void)stmt;
    if (!c || !strstr(text, "user_version"))
        return 0;
    in_between = NULL;
    let_go(c);
    assert_int_equal(end_child(c), FF_OK);
    return 0;
}

static int watch_statements(sqlite3 *db, char **err,
                            const struct sqlite3_api_routines *api)
{
    (void)err;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, NULL);
}

static void a_setup_in_the_middle_of_ours_is_no_stranger(void **state)
{
    const struct ff_driver *d = load_driver("store-sqlite");
    char *dir = make_temp_dir();
    char *path = file_join(dir, "middle.db");
    struct job job = {path};
    struct child c = start_child(set_up_once, &job);
    struct ff_err err = {0};
    void *store;

    (void)state;
    sqlite3_auto_extension((void (*)(void))watch_statements);
    assert_int_equal(try_open(d, "path", path, &store, &err), FF_OK);
    sqlite3_reset_auto_extension();
    in_between = &c;
    if (d->ops.store->setup(store, &test_schema, &err) != FF_OK)
        fail_msg("%s", err.msg);
    assert_null(in_between);
    d->ops.store->close(store);
    mem_free(path);
    remove_temp_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_setup_in_the_middle_of_ours_is_no_stranger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
