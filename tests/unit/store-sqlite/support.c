/* See support.h. */
#include "support.h"

#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

char support_log[512];
const char *support_size_option;
int64_t support_size_bytes;

/* --- drivers --- */

const struct ff_driver *load_driver(const char *name)
{
    const char *dir = getenv("FLOWFORGE_LIB");
    char path[4096];
    ff_driver_entry_fn *entry = NULL;
    void *library;

    snprintf(path, sizeof(path), "%s/%s.so", dir ? dir : ".", name);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail_msg("%s", dlerror());
    *(void **)&entry = dlsym(library, FF_DRIVER_ENTRY);
    assert_non_null(entry);
    return entry();
}

static void keep_log(struct ff_core *self, int level, const char *file, int line,
                     const char *fmt, ...)
{
    va_list ap;

    (void)self;
    (void)level;
    (void)file;
    (void)line;
    va_start(ap, fmt);
    vsnprintf(support_log, sizeof(support_log), fmt, ap);
    va_end(ap);
}

static int64_t wall_us(struct ff_core *self)
{
    struct timespec now;

    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const struct ff_host host = {
    .struct_size = sizeof(struct ff_host),
    .log = keep_log,
    .now_us = wall_us,
};

static void set_default(const struct ff_opt *opt, char *config)
{
    int64_t number = 0;

    if (opt->type == FF_OPT_TEXT) {
        memcpy(config + opt->offset, &opt->fallback, sizeof(opt->fallback));
        return;
    }
    if (opt->type == FF_OPT_SIZE)
        assert_true(units_size(opt->fallback, &number));
    if (support_size_option && strcmp(opt->name, support_size_option) == 0)
        number = support_size_bytes;
    memcpy(config + opt->offset, &number, sizeof(number));
}

int try_open(const struct ff_driver *d, const char *key, const char *value,
             void **store, struct ff_err *err)
{
    char *config = mem_alloc(d->config_size);
    int code;

    for (const struct ff_opt *opt = d->opts; opt->name; opt++) {
        set_default(opt, config);
        if (key && strcmp(opt->name, key) == 0)
            memcpy(config + opt->offset, &value, sizeof(value));
    }
    code = d->ops.store->open(&host, config, store, err);
    mem_free(config);
    return code;
}

void *open_store(const struct ff_driver *d, const char *key, const char *value)
{
    struct ff_err err = {0};
    void *store = NULL;

    if (try_open(d, key, value, &store, &err) != FF_OK)
        fail_msg("%s", err.msg);
    if (d->ops.store->setup(store, &test_schema, &err) != FF_OK)
        fail_msg("%s", err.msg);
    return store;
}

char *make_temp_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char path[4096];

    snprintf(path, sizeof(path), "%s/ff-store-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(path));
    return mem_text(path);
}

void remove_temp_dir(char *path)
{
    assert_int_equal(file_remove_tree(path), 0);
    mem_free(path);
}

/* --- the schema --- */

static const char *const color_names[] = {"red", "green", "blue", NULL};

static const struct ff_column thing_columns[] = {
    [THING_A] = {.name = "a", .type = FF_INT, .since = 1},
    [THING_B] = {.name = "b", .type = FF_TEXT, .since = 1},
    [THING_VERSION] = {.name = "version", .type = FF_INT, .since = 1},
    [THING_N] = {.name = "n", .type = FF_INT, .flags = FF_COL_NULLABLE, .since = 1},
    [THING_T] = {.name = "t", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 1},
    [THING_U] = {.name = "u", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 1},
    [THING_BYTES] = {.name = "bytes",
                     .type = FF_BYTES,
                     .flags = FF_COL_NULLABLE,
                     .since = 1},
    [THING_J] = {.name = "j", .type = FF_JSON, .since = 1},
    [THING_AT] = {.name = "at", .type = FF_TIME, .flags = FF_COL_NULLABLE, .since = 1},
    [THING_OK] = {.name = "ok", .type = FF_BOOL, .flags = FF_COL_NULLABLE, .since = 1},
    [THING_COLOR] = {.name = "color",
                     .type = FF_ENUM,
                     .names = color_names,
                     .since = 1},
    [THING_SHADE] = {.name = "shade",
                     .type = FF_ENUM,
                     .flags = FF_COL_NULLABLE,
                     .names = color_names,
                     .since = 1},
};

static const uint16_t by_u[] = {THING_U};
static const uint16_t by_color[] = {THING_COLOR, THING_N};
static const uint16_t by_t[] = {THING_T, THING_AT, THING_SHADE};
static const uint16_t by_bytes[] = {THING_BYTES};
static const uint16_t by_n_ok[] = {THING_A, THING_N, THING_OK};

static const struct ff_index thing_indexes[] = {
    {.name = "thing_u", .columns = by_u, .n_columns = 1, .unique = 1, .since = 1},
    {.name = "thing_color", .columns = by_color, .n_columns = 2, .since = 1},
    {.name = "thing_t", .columns = by_t, .n_columns = 3, .since = 1},
    {.name = "thing_bytes", .columns = by_bytes, .n_columns = 1, .since = 1},
    {.name = "thing_n_ok", .columns = by_n_ok, .n_columns = 3, .unique = 1, .since = 1},
};

const struct ff_record record_thing = {
    .struct_size = sizeof(struct ff_record),
    .name = "thing",
    .since = 1,
    .columns = thing_columns,
    .n_columns = N_THING,
    .n_key = 2,
    .indexes = thing_indexes,
    .n_indexes = COUNT_OF(thing_indexes),
};

static const struct ff_column pair_columns[] = {
    [PAIR_K] = {.name = "k", .type = FF_INT, .since = 1},
    [PAIR_VERSION] = {.name = "version", .type = FF_INT, .since = 1},
    [PAIR_LEFT] = {.name = "left_hand", .type = FF_INT, .since = 1},
    [PAIR_RIGHT] = {.name = "right_hand", .type = FF_INT, .since = 1},
};

const struct ff_record record_pair = {
    .struct_size = sizeof(struct ff_record),
    .name = "pair",
    .since = 1,
    .columns = pair_columns,
    .n_columns = N_PAIR,
    .n_key = 1,
};

static const struct ff_record *const test_records[] = {&record_thing, &record_pair,
                                                       NULL};

const struct ff_schema test_schema = {
    .struct_size = sizeof(struct ff_schema),
    .version = 1,
    .records = test_records,
};

/* --- values --- */

struct ff_value v_null(void)
{
    return (struct ff_value){0};
}

struct ff_value v_int(int64_t i)
{
    return (struct ff_value){.type = FF_INT, .i = i};
}

struct ff_value v_text(const char *s)
{
    return (struct ff_value){.type = FF_TEXT, .s = s, .len = strlen(s)};
}

struct ff_change put_pair(struct ff_value values[N_PAIR], int64_t k, int64_t left,
                          int64_t right, int64_t expect)
{
    values[PAIR_K] = v_int(k);
    values[PAIR_VERSION] = v_null();
    values[PAIR_LEFT] = v_int(left);
    values[PAIR_RIGHT] = v_int(right);
    return (struct ff_change){
        .kind = FF_PUT, .record = &record_pair, .expect = expect, .values = values};
}

static void add_hex(struct buf *out, const char *s, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t k = 0; k < len; k++) {
        buf_add_char(out, digits[(unsigned char)s[k] >> 4]);
        buf_add_char(out, digits[(unsigned char)s[k] & 15]);
    }
}

void add_values(struct buf *out, const struct ff_record *record,
                const struct ff_value *values)
{
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_value *v = &values[i];

        buf_printf(out, "%s=", record->columns[i].name);
        if (!v->type) {
            buf_add_text(out, "null ");
            continue;
        }
        assert_int_equal(v->type, record->columns[i].type);
        if (v->type == FF_TEXT || v->type == FF_JSON || v->type == FF_BYTES) {
            add_hex(out, v->s, v->len);
            buf_add_char(out, ' ');
        } else {
            buf_printf(out, "%lld ", (long long)v->i);
        }
    }
    buf_add_char(out, '\n');
}

int add_row(void *arg, const struct ff_value *values)
{
    struct rows *rows = arg;

    add_values(&rows->text, rows->record, values);
    rows->n++;
    return rows->stop_after && rows->n == rows->stop_after;
}

static int take_left(void *arg, const struct ff_value *values)
{
    *(int64_t *)arg = values[PAIR_LEFT].i;
    return 1;
}

int64_t read_left(const struct ff_driver *d, void *store, int64_t k)
{
    const struct ff_value key = v_int(k);
    const struct ff_query q = {.struct_size = sizeof(q),
                               .record = &record_pair,
                               .index = -1,
                               .n_equal = 1,
                               .equal = &key};
    struct ff_err err = {0};
    int64_t left = -1;

    if (d->ops.store->scan(store, &q, take_left, &left, &err) != FF_OK)
        fail_msg("%s", err.msg);
    return left;
}
