/* See support.h. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ff_column columns[] = {
    {.name = "k", .type = FF_INT, .since = 1},
    {.name = "version", .type = FF_INT, .since = 1},
    {.name = "word", .type = FF_TEXT, .since = 1},
};
static const struct ff_record thing = {.struct_size = sizeof(struct ff_record),
                                       .name = "thing",
                                       .since = 1,
                                       .columns = columns,
                                       .n_columns = COUNT_OF(columns),
                                       .n_key = 1};
static const struct ff_record *const records[] = {&thing, NULL};
const struct ff_schema thing_schema = {
    .struct_size = sizeof(thing_schema), .version = 1, .records = records};

void chain_make(struct chain *c, uint32_t kind, const char *name, const char *filters,
                const char *const *settings)
{
    *c = (struct chain){0};
    c->config = config_load("/dev/null", NULL, &c->err);
    c->loop = loop_new(&c->err);
    assert_non_null(c->config);
    assert_non_null(c->loop);
    for (; settings && *settings; settings++)
        assert_int_equal(config_set(c->config, *settings, &c->err), FF_OK);
    c->instance = driver_chain_new(getenv("FLOWFORGE_LIB"), name, filters, kind,
                                   c->loop, c->config, &c->err);
}

void chain_open(struct chain *c, uint32_t kind, const char *name, const char *filters,
                const char *const *settings)
{
    chain_make(c, kind, name, filters, settings);
    if (!c->instance)
        fail_msg("%s", c->err.msg);

    const int code = kind == FF_STORE
                         ? driver_open_store(c->instance, &c->session, &c->err)
                         : driver_open_queue(c->instance, &c->session, &c->err);

    if (code != FF_OK)
        fail_msg("%s", c->err.msg);
    if (kind == FF_STORE)
        assert_int_equal(
            driver_store_ops(c->instance)->setup(c->session, &thing_schema, &c->err),
            FF_OK);
}

void chain_close(struct chain *c)
{
    if (c->session && driver_store_ops(c->instance))
        driver_store_ops(c->instance)->close(c->session);
    else if (c->session)
        driver_queue_ops(c->instance)->close(c->session);
    driver_instance_free(c->instance);
    loop_free(c->loop);
    config_free(c->config);
}

static void stop(void *l)
{
    loop_stop(l, 0);
}

void chain_settle(struct chain *c)
{
    for (int round = 0; round < 3; round++) {
        loop_post(c->loop, stop, c->loop);
        loop_run(c->loop);
    }
}

int thing_put(struct chain *c, int64_t k, const char *word)
{
    const struct ff_value values[] = {
        {.type = FF_INT, .i = k},
        {0},
        {.type = FF_TEXT, .s = word, .len = strlen(word)},
    };
    const struct ff_change change = {
        .kind = FF_PUT, .record = &thing, .expect = FF_ABSENT, .values = values};
    size_t failed = 99;
    int code;

    c->err = (struct ff_err){0};
    code =
        driver_store_ops(c->instance)->commit(c->session, &change, 1, &failed, &c->err);
    if (code == FF_CONFLICT)
        assert_int_equal(failed, 0);
    return code;
}

static const struct ff_query everything = {
    .struct_size = sizeof(everything), .record = &thing, .index = -1};

int thing_count(struct chain *c, uint64_t *n)
{
    *n = 0;
    return driver_store_ops(c->instance)->count(c->session, &everything, n, &c->err);
}

static int on_row(void *arg, const struct ff_value *values)
{
    (void)values;
    ++*(uint64_t *)arg;
    return 0;
}

int thing_scan(struct chain *c, uint64_t *n)
{
    *n = 0;
    return driver_store_ops(c->instance)
        ->scan(c->session, &everything, on_row, n, &c->err);
}

char *temp_file(void)
{
    char path[] = "/tmp/ff-filters-XXXXXX";
    const int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    return mem_text(path);
}

char *text_of_file(const char *path)
{
    struct buf text = {.max = (size_t)1024 * 1024};

    assert_int_equal(file_read(path, text.max, &text), 0);
    return buf_take(&text);
}
