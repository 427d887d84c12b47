/* secret.c - secrets as rows: set, found, listed, encrypted anew. */
#include "secret/secret_priv.h"

#include <string.h>
#include <unistd.h>

#define SEALED "secret" /* the counter that is moved by all that seal */
#define RACES  10       /* how often others may do so meanwhile */

/* --- one row --- */

/* Authenticated with the value: what it belongs to. */
static void context_of(const struct secret_row *row, char out[128])
{
    snprintf(out, 128, "flowforge secret 1\n%lld\n%.*s\n%.*s", (long long)row->tenant,
             (int)row->name.len, row->name.s, (int)row->key_id.len, row->key_id.s);
}

static int seal(struct secret_row *row, const struct key *key, const void *value,
                size_t len, struct buf *sealed, struct ff_err *err)
{
    char context[128];

    row->key_id = span_of(key->id);
    context_of(row, context);
    if (cipher_seal(key, context, value, len, sealed, err) != FF_OK)
        return err->code;
    row->sealed = (struct span){sealed->data, sealed->len};
    return FF_OK;
}

static int unseal(const struct secret_row *row, const struct keys *keys,
                  struct secret_value *out, struct ff_err *err)
{
    const struct key *key = keys_find(keys, row->key_id);
    char context[128];
    struct ff_err why = {0};

    if (!key)
        return ff_fail(err, FF_DENIED, 0,
                       "secret %.*s: its key %.*s is not there; put the key back, or "
                       "set the secret again",
                       (int)row->name.len, row->name.s, (int)row->key_id.len,
                       row->key_id.s);
    context_of(row, context);
    if (cipher_open(key, context, row->sealed, out, &why) == FF_OK)
        return FF_OK;
    return ff_fail(err, why.code, 0, "secret %.*s: %.180s", (int)row->name.len,
                   row->name.s, why.msg);
}

struct found {
    struct arena *arena;
    struct secret_row *row;
    bool is;
};

static int keep(void *arg, const void *row)
{
    struct found *f = arg;

    *f->row = *(const struct secret_row *)row;
    store_own_row(&record_secret, f->row, f->arena);
    f->is = true;
    return 1;
}

static int find(const struct secret_place *p, struct tenant t, const char *name,
                struct arena *arena, struct secret_row *row, struct ff_err *err)
{
    const struct secret_row like = {.tenant = t.no, .name = span_of(name)};
    const struct store_query query = {
        .record = &record_secret, .like = &like, .n_equal = 2, .limit = 1};
    struct found f = {.arena = arena, .row = row};
    const int code = store_scan(p->store, p->reader, &query, keep, &f, err);

    if (code == FF_OK && !f.is)
        return ff_fail(
            err, FF_NOT_FOUND, 0,
            "there is no secret %.64s: `flowforge secret set %.64s` makes it", name,
            name);
    return code;
}

/* --- set --- */

static int check(const char *name, const void *value, size_t len, struct ff_err *err)
{
    if (!text_is_name(name, false))
        return ff_fail(err, FF_INVALID, 0,
                       "%.64s cannot be the name of a secret: use a-z, 0-9 and _, no "
                       "digit first, at most 63 characters",
                       name);
    if (len < SECRET_MIN)
        return ff_fail(err, FF_INVALID, 0,
                       "a secret has at least %zu bytes: shorter ones cannot be masked "
                       "in logs",
                       SECRET_MIN);
    if (len > SECRET_MAX)
        return ff_fail(err, FF_INVALID, 0, "a secret has at most %zu KiB",
                       SECRET_MAX >> 10);
    if (memchr(value, '\0', len))
        return ff_fail(err, FF_INVALID, 0,
                       "a secret cannot hold zero bytes: no variable of an environment "
                       "can; store its base64 text");
    return FF_OK;
}

static int load_or_make_keys(const struct secret_place *p, struct keys *keys,
                             struct ff_err *err)
{
    const int code = keys_load(p, keys, err);

    if (code != FF_NOT_FOUND)
        return code;
    keys->n = 0;
    if (keys_add(keys, err) != FF_OK)
        return err->code;
    return keys_save(p, keys, err);
}

static int count(void *arg, const void *row)
{
    (void)row;
    return ++*(int64_t *)arg >= SECRET_NAMES_MAX;
}

/* Of all tenants: a rotation takes all of them in one commit. */
static int check_room(const struct secret_place *p, struct ff_err *err)
{
    const struct store_query query = {.record = &record_secret};
    int64_t n = 0;
    const int code = store_scan(p->store, p->reader, &query, count, &n, err);

    if (code != FF_OK || n < SECRET_NAMES_MAX)
        return code;
    return ff_fail(err, FF_FULL, SECRET_SYS_NAMES,
                   "there are %d secrets, and more cannot be kept: `flowforge secret "
                   "delete` makes room",
                   SECRET_NAMES_MAX);
}

static int put(const struct secret_place *p, struct secret_row *row,
               const struct keys *keys, struct span value, struct batch *b,
               struct ff_err *err)
{
    struct buf sealed = {0};
    struct arena arena = {0};
    struct secret_row old;
    int code = find(p, (struct tenant){row->tenant}, row->name.s, &arena, &old, err);

    if (code == FF_OK)
        row->created_at = old.created_at;
    if (code == FF_NOT_FOUND)
        code = check_room(p, err);
    if (code == FF_OK)
        code = seal(row, &keys->items[0], value.s, value.len, &sealed, err);
    if (code == FF_OK)
        batch_put(b, &record_secret, row, FF_ANY_VERSION);
    arena_done(&arena);
    buf_done(&sealed);
    return code;
}

/* Whoever seals something moves this row, so that no value is sealed with a key that a
 * rotation has thrown away before the value was durable, and no rotation passes over
 * one. Read before the keys are. */
static int read_guard(const struct secret_place *p, struct counter_row *guard,
                      struct ff_err *err)
{
    const int code = store_read_counter(p->store, p->reader, SEALED, guard, err);

    guard->next++;
    return code;
}

static void add_guard(const struct counter_row *guard, struct batch *b)
{
    batch_put(b, &record_counter, guard, guard->version);
}

int secret_plan_set(const struct secret_place *p, struct tenant t,
                    const struct secret_new *what, struct batch *b, struct ff_err *err)
{
    struct secret_row row = {.tenant = t.no,
                             .name = span_of(what->name),
                             .created_at = what->now_us,
                             .updated_at = what->now_us};
    struct counter_row guard;
    struct keys keys;
    int fd;
    int code = check(what->name, what->value.s, what->value.len, err);

    if (code == FF_OK)
        code = read_guard(p, &guard, err);
    if (code == FF_OK)
        code = keys_lock(p, &fd, err);
    if (code != FF_OK)
        return code;
    code = load_or_make_keys(p, &keys, err);
    if (code == FF_OK)
        code = put(p, &row, &keys, what->value, b, err);
    if (code == FF_OK)
        add_guard(&guard, b);
    keys_wipe(&keys);
    close(fd);
    return code;
}

int secret_set(const struct secret_place *p, struct tenant t, const char *name,
               const void *value, size_t len, int64_t now_us, struct ff_err *err)
{
    const struct secret_new what = {
        .name = name, .value = {.s = value, .len = len}, .now_us = now_us};
    struct batch b = {0};
    size_t failed;
    int code = FF_CONFLICT;

    for (int i = 0; i < RACES && code == FF_CONFLICT; i++) {
        batch_reset(&b);
        code = secret_plan_set(p, t, &what, &b, err);
        if (code == FF_OK)
            code = store_commit_now(p->store, &b, &failed, err);
    }
    batch_done(&b);
    return code;
}

/* --- get, delete, list --- */

static int find_with_keys(const struct secret_place *p, struct tenant t,
                          const char *name, struct arena *arena, struct secret_row *row,
                          struct keys *keys, struct ff_err *err)
{
    int code = find(p, t, name, arena, row, err);

    keys->n = 0;
    if (code != FF_OK)
        return code;
    code = keys_load(p, keys, err);
    if (code == FF_NOT_FOUND) /* the row is there, and what opens it is not */
        err->code = code = FF_DENIED;
    return code;
}

int secret_get(const struct secret_place *p, struct tenant t, const char *name,
               struct secret_value *out, struct ff_err *err)
{
    struct arena arena = {0};
    struct secret_row row;
    struct keys keys;
    int code = find_with_keys(p, t, name, &arena, &row, &keys, err);

    *out = (struct secret_value){0};
    /* A rotation may have come between the row and its key. */
    if (code == FF_OK && !keys_find(&keys, row.key_id))
        code = find_with_keys(p, t, name, &arena, &row, &keys, err);
    if (code == FF_OK)
        code = unseal(&row, &keys, out, err);
    keys_wipe(&keys);
    arena_done(&arena);
    return code;
}

int secret_plan_delete(const struct secret_place *p, struct tenant t, const char *name,
                       struct batch *b, struct ff_err *err)
{
    struct arena arena = {0};
    struct secret_row row;
    const int code = find(p, t, name, &arena, &row, err);

    if (code == FF_OK)
        batch_delete(b, &record_secret, &row, FF_ANY_VERSION);
    arena_done(&arena);
    return code;
}

int secret_delete(const struct secret_place *p, struct tenant t, const char *name,
                  struct ff_err *err)
{
    struct batch b = {0};
    size_t failed;
    int code = secret_plan_delete(p, t, name, &b, err);

    if (code == FF_OK)
        code = store_commit_now(p->store, &b, &failed, err);
    batch_done(&b);
    return code;
}

int secret_list(const struct secret_place *p, struct tenant t, store_row_fn *fn,
                void *arg, struct ff_err *err)
{
    const struct secret_row like = {.tenant = t.no};
    const struct store_query query = {
        .record = &record_secret, .like = &like, .n_equal = 1};

    return store_scan(p->store, p->reader, &query, fn, arg, err);
}

/* --- rotate --- */

struct rotation {
    const struct keys *keys;
    struct counter_row guard;
    struct batch batch;
    int64_t now_us, n;
    int code;
    struct ff_err *err;
};

static int seal_anew(void *arg, const void *stored)
{
    struct rotation *ro = arg;
    struct secret_row row = *(const struct secret_row *)stored;
    const int64_t version = row.version;
    struct secret_value value = {0};
    struct buf sealed = {0};

    if (ro->n == SECRET_NAMES_MAX) {
        ro->code = ff_fail(ro->err, FF_FULL, 0,
                           "there are more than %d secrets, and so many cannot be "
                           "encrypted at once: `flowforge secret delete` some",
                           SECRET_NAMES_MAX);
        return 1;
    }
    ro->code = unseal(&row, ro->keys, &value, ro->err);
    if (ro->code == FF_OK) {
        row.updated_at = ro->now_us;
        ro->code =
            seal(&row, &ro->keys->items[0], value.text, value.len, &sealed, ro->err);
        secret_value_wipe(&value);
    }
    if (ro->code == FF_OK) {
        batch_put(&ro->batch, &record_secret, &row, version);
        ro->n++;
    }
    buf_done(&sealed);
    return ro->code != FF_OK;
}

static int seal_rows(const struct secret_place *p, struct rotation *ro)
{
    const struct store_query query = {.record = &record_secret};
    const int code = store_scan(p->store, p->reader, &query, seal_anew, ro, ro->err);

    return code == FF_OK ? ro->code : code;
}

/* All in one commit: who reads meanwhile finds each row as it was or as it will be. */
static int commit_rows(const struct secret_place *p, struct rotation *ro)
{
    size_t failed;

    add_guard(&ro->guard, &ro->batch); /* also without a row: one may be on its way */
    return store_commit_now(p->store, &ro->batch, &failed, ro->err);
}

/* The new key is in the file only when it is known that all can be sealed with it, or
 * each attempt would leave one there; both are until the rows are durable. */
static int rotate_file(const struct secret_place *p, struct keys *keys,
                       struct rotation *ro)
{
    int code = keys_add(keys, ro->err);

    if (code == FF_OK)
        code = seal_rows(p, ro);
    if (code == FF_OK)
        code = keys_save(p, keys, ro->err);
    if (code == FF_OK)
        code = commit_rows(p, ro);
    if (code != FF_OK)
        return code; /* what was not reached opens with a key that is still there */
    explicit_bzero(&keys->items[1], (keys->n - 1) * sizeof(keys->items[0]));
    keys->n = 1;
    return keys_save(p, keys, ro->err);
}

static int rotate_setting(const struct secret_place *p, struct rotation *ro)
{
    const int code = seal_rows(p, ro);

    return code == FF_OK ? commit_rows(p, ro) : code;
}

static int rotate_once(const struct secret_place *p, int64_t now_us, int64_t *n_secrets,
                       struct ff_err *err)
{
    struct keys keys;
    struct rotation ro = {.keys = &keys, .now_us = now_us, .err = err};
    int code = read_guard(p, &ro.guard, err);

    if (code != FF_OK)
        return code;
    code = keys_load(p, &keys, err);
    if (code == FF_OK)
        code = p->keys ? rotate_setting(p, &ro) : rotate_file(p, &keys, &ro);
    *n_secrets = ro.n;
    batch_done(&ro.batch);
    keys_wipe(&keys);
    return code;
}

/* Where others were faster, the key of that try stays in the file until another one
 * succeeds. */
int secret_rotate(const struct secret_place *p, int64_t now_us, int64_t *n_secrets,
                  struct ff_err *err)
{
    int fd;
    int code = keys_lock(p, &fd, err);

    *n_secrets = 0;
    if (code != FF_OK)
        return code;
    code = FF_CONFLICT;
    for (int i = 0; i < RACES && code == FF_CONFLICT; i++)
        code = rotate_once(p, now_us, n_secrets, err);
    close(fd);
    return code;
}
