/* store_around.c - a store's functions, each as: ask the filter, make the call, tell
 * the filter. Knows nothing of what filters are for. */
#include "store_around.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* What the sessions of one instance share. */
struct instance {
    struct instance *next;
    struct ff_core *self; /* which instance */
    size_t refs;
    max_align_t state[];
};

struct session {
    struct instance *instance;
    const struct ff_store_ops *ops; /* of the next layer */
    void *below;
};

static pthread_mutex_t instances_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct instance *instances;

/* --- opening and closing --- */

static struct instance *instance_new(const struct ff_host *host, const void *config,
                                     struct ff_err *err)
{
    struct instance *i = calloc(1, sizeof(*i) + around_hooks.state_size);

    if (!i) {
        ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a filter");
        return NULL;
    }
    i->self = host->self;
    if (around_hooks.init && around_hooks.init(i->state, host, config, err) != FF_OK) {
        around_hooks.done(i->state);
        free(i);
        return NULL;
    }
    i->next = instances;
    instances = i;
    return i;
}

static struct instance *instance_get(const struct ff_host *host, const void *config,
                                     struct ff_err *err)
{
    struct instance *i;

    pthread_mutex_lock(&instances_mutex);
    for (i = instances; i && i->self != host->self;)
        i = i->next;
    if (!i)
        i = instance_new(host, config, err);
    if (i)
        i->refs++;
    pthread_mutex_unlock(&instances_mutex);
    return i;
}

static void instance_put(struct instance *i)
{
    struct instance **link = &instances;

    pthread_mutex_lock(&instances_mutex);
    if (--i->refs == 0) {
        while (*link != i)
            link = &(*link)->next;
        *link = i->next;
        around_hooks.done(i->state);
        free(i);
    }
    pthread_mutex_unlock(&instances_mutex);
}

static void around_close(void *store)
{
    struct session *s = store;

    if (!s)
        return;
    if (s->below)
        s->ops->close(s->below);
    if (s->instance)
        instance_put(s->instance);
    free(s);
}

static int around_open(const struct ff_host *host, const void *config, void **store,
                       struct ff_err *err)
{
    const struct ff_next *next = ff_next_of(host, err);
    struct session *s;
    int code;

    if (!next)
        return FF_UNSUPPORTED;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    s->ops = next->ops.store;
    code = s->ops->open(next->host, next->config, &s->below, err);
    if (code == FF_OK) {
        s->instance = instance_get(host, config, err);
        code = s->instance ? FF_OK : err->code;
    }
    if (code != FF_OK) {
        around_close(s);
        return code;
    }
    *store = s;
    return FF_OK;
}

/* --- around one call --- */

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Where a call begins: took_us holds the beginning until it ends. */
static int begin(const struct session *s, struct around *a, struct ff_err *err)
{
    int code = FF_OK;

    if (around_hooks.before)
        code = around_hooks.before(s->instance->state, a, err);
    a->took_us = clock_us();
    return code;
}

static int end(const struct session *s, struct around *a, int code, struct ff_err *err)
{
    a->took_us = clock_us() - a->took_us;
    if (around_hooks.after)
        code = around_hooks.after(s->instance->state, a, code, err);
    return code;
}

static int has_bytes(const struct ff_value *value)
{
    return value->type == FF_TEXT || value->type == FF_BYTES || value->type == FF_JSON;
}

/* Of the columns whose bits are in `set`. */
static uint64_t bytes_of(const struct ff_value *values, uint16_t n, uint64_t set)
{
    uint64_t bytes = 0;

    for (uint16_t i = 0; i < n && i < 64; i++)
        if ((set >> i & 1) && has_bytes(&values[i]))
            bytes += values[i].len;
    return bytes;
}

static int around_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_SETUP};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->setup(s->below, schema, err);
    return end(s, &a, code, err);
}

static void measure(struct around *a, const struct ff_change *changes, size_t n)
{
    a->items = n;
    a->record = n > 0 && changes[0].record ? changes[0].record->name : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct ff_change *c = &changes[i];
        const uint64_t set = c->kind == FF_PUT     ? UINT64_MAX
                             : c->kind == FF_PATCH ? c->set
                                                   : 0;

        if (set && c->record && c->values)
            a->bytes += bytes_of(c->values, c->record->n_columns, set);
    }
}

static int around_commit(void *store, const struct ff_change *changes, size_t n,
                         size_t *failed, struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_COMMIT};
    int code;
    int told;

    measure(&a, changes, n);
    told = begin(s, &a, err);
    code = told == FF_OK ? s->ops->commit(s->below, changes, n, failed, err) : FF_OK;
    told = end(s, &a, told == FF_OK ? code : told, err);
    /* A conflict that the filter made up needs a change at fault. */
    if (told == FF_CONFLICT && code != FF_CONFLICT && failed)
        *failed = 0;
    return told;
}

/* Counts the rows on their way up. */
struct rows {
    struct around *a;
    uint16_t n_columns;
    uint64_t want;
    ff_row_fn *fn;
    void *arg;
};

static int on_row(void *arg, const struct ff_value *columns)
{
    const struct rows *r = arg;

    r->a->items++;
    r->a->bytes += bytes_of(columns, r->n_columns, r->want);
    return r->fn(r->arg, columns);
}

static int around_scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                       struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_SCAN, .record = q->record->name};
    struct rows rows = {&a, q->record->n_columns, q->want ? q->want : UINT64_MAX, fn,
                        arg};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->scan(s->below, q, on_row, &rows, err);
    return end(s, &a, code, err);
}

static int around_count(void *store, const struct ff_query *q, uint64_t *n,
                        struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_COUNT, .record = q->record->name};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->count(s->below, q, n, err);
    a.items = code == FF_OK ? *n : 0;
    return end(s, &a, code, err);
}

static int around_ping(void *store, struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_PING};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->ping(s->below, err);
    return end(s, &a, code, err);
}

static int around_now(void *store, int64_t *now_us, struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_NOW};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->now(s->below, now_us, err);
    return end(s, &a, code, err);
}

/* These are called only where the next layer has them. */
static int around_backup(void *store, const char *to, struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_BACKUP};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->backup(s->below, to, err);
    return end(s, &a, code, err);
}

static int around_watch(void *store, const struct ff_record *record, ff_call_fn *fn,
                        void *arg, struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_WATCH, .record = record->name};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->watch(s->below, record, fn, arg, err);
    return end(s, &a, code, err);
}

static int around_expire(void *store, const struct ff_record *record, int64_t before_us,
                         uint64_t *n, struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_EXPIRE, .record = record->name};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->expire(s->below, record, before_us, n, err);
    a.items = code == FF_OK ? *n : 0;
    return end(s, &a, code, err);
}

static int around_info(void *store, struct ff_store_info *info, ff_store_part_fn *fn,
                       void *arg, struct ff_err *err)
{
    const struct session *s = store;
    struct around a = {.call = AROUND_INFO};
    int code = begin(s, &a, err);

    if (code == FF_OK)
        code = s->ops->info(s->below, info, fn, arg, err);
    return end(s, &a, code, err);
}

const struct ff_store_ops around_ops = {
    .open = around_open,
    .close = around_close,
    .setup = around_setup,
    .commit = around_commit,
    .scan = around_scan,
    .count = around_count,
    .ping = around_ping,
    .now = around_now,
    .backup = around_backup,
    .watch = around_watch,
    .expire = around_expire,
    .info = around_info,
};
