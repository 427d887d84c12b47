/* values.c - outputs on disk: small ones in the row, large ones as blobs named by their
 * hash, files kept whole under theirs. Blocking: lanes only. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* data_dir/KIND/ab/abcdef...; mem_free it. */
static char *place_of(const char *data_dir, const char *kind, const char *hash)
{
    const size_t size = strlen(data_dir) + strlen(kind) + strlen(hash) + 8;
    char *path = mem_alloc(size);

    snprintf(path, size, "%s/%s/%.2s/%s", data_dir, kind, hash, hash);
    return path;
}

static int make_parent(char *path, struct ff_err *err)
{
    char *slash = strrchr(path, '/');

    *slash = 0;
    const int sys = file_make_dirs(path, 0700);
    if (sys != 0)
        ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", path, strerror(-sys));
    *slash = '/';
    return sys == 0 ? FF_OK : FF_UNAVAILABLE;
}

/* --- blobs --- */

static int put_blob(const char *data_dir, const char *text, size_t len,
                    char hash[SHA256_TEXT], struct ff_err *err)
{
    sha256_text(text, len, hash);
    MEM_AUTO char *path = place_of(data_dir, "blobs", hash);
    struct stat st;

    if (stat(path, &st) == 0 && st.st_size == (off_t)len)
        return FF_OK; /* same content, stored before */
    if (make_parent(path, err) != FF_OK)
        return err->code;
    const int sys = file_write_durable(path, text, len, 0600);
    if (sys != 0)
        return ff_fail(err, sys == -ENOSPC ? FF_FULL : FF_UNAVAILABLE, -sys, "%.160s: %s",
                       path, strerror(-sys));
    return FF_OK;
}

/* An object of the user that looks like one of ours is wrapped, so that nobody can
 * name a blob that is not his. */
static bool looks_like_ours(const json_t *value)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)value, key, v)
        return key[0] == '$';
    return false;
}

static int store_value(struct jsonw *w, const char *data_dir, const json_t *value,
                       struct ff_err *err)
{
    MEM_AUTO char *text = json_text(value);
    const size_t len = strlen(text);
    char hash[SHA256_TEXT];

    if (len > EXEC_INLINE_MAX) {
        const int code = put_blob(data_dir, text, len, hash, err);
        if (code != FF_OK)
            return code;
        jsonw_open(w, '{');
        jsonw_key(w, "$blob");
        jsonw_text(w, hash);
        jsonw_key(w, "size");
        jsonw_int(w, (int64_t)len);
        jsonw_close(w, '}');
    } else if (looks_like_ours(value)) {
        jsonw_open(w, '{');
        jsonw_key(w, "$value");
        jsonw_raw(w, text, len);
        jsonw_close(w, '}');
    } else {
        jsonw_raw(w, text, len);
    }
    return FF_OK;
}

char *values_store(const char *data_dir, const json_t *outputs, struct ff_err *err)
{
    struct buf b = { 0 };
    struct jsonw w = { .out = &b };
    const char *name;
    json_t *value;

    jsonw_open(&w, '{');
    json_object_foreach((json_t *)(uintptr_t)outputs, name, value)
    {
        jsonw_key(&w, name);
        if (store_value(&w, data_dir, value, err) != FF_OK) {
            buf_done(&b);
            return NULL;
        }
    }
    jsonw_close(&w, '}');
    return buf_take(&b);
}

static json_t *get_blob(const char *data_dir, const char *hash, struct ff_err *err)
{
    char seen[SHA256_TEXT];
    struct buf b = { 0 };

    if (strlen(hash) != SHA256_TEXT - 1 || strspn(hash, "0123456789abcdef") != 64) {
        ff_fail(err, FF_CORRUPT, 0, "a stored output names an impossible blob");
        return NULL;
    }
    MEM_AUTO char *path = place_of(data_dir, "blobs", hash);
    const int sys = file_read(path, 4 * (size_t)VALUE_MAX, &b);
    json_t *v = NULL;
    if (sys != 0) {
        ff_fail(err, FF_CORRUPT, -sys, "%.160s: %s", path, strerror(-sys));
    } else {
        sha256_text(buf_text(&b), b.len, seen);
        if (strcmp(seen, hash) != 0)
            ff_fail(err, FF_CORRUPT, 0, "%.160s: its content is not what was stored",
                    path);
        else
            v = json_parse(buf_text(&b), b.len, err);
    }
    buf_done(&b);
    return v;
}

static json_t *resolve_value(const char *data_dir, json_t *v, struct ff_err *err)
{
    if (!looks_like_ours(v))
        return json_incref(v);
    json_t *inner = json_object_get(v, "$value");
    if (inner)
        return json_incref(inner);
    const char *hash = json_string_value(json_object_get(v, "$blob"));
    return get_blob(data_dir, hash ? hash : "", err);
}

json_t *exec_resolve(const char *data_dir, struct span stored, struct ff_err *err)
{
    json_t *raw = json_parse(stored.s, stored.len, err);
    const char *name;
    json_t *v;

    if (!raw)
        return NULL;
    json_t *outputs = json_object();
    json_object_foreach(raw, name, v)
    {
        json_t *value = resolve_value(data_dir, v, err);
        if (!value) {
            json_decref(outputs);
            json_decref(raw);
            return NULL;
        }
        json_object_set_new(outputs, name, value);
    }
    json_decref(raw);
    return outputs;
}

/* --- files --- */

/* data_dir/files/ab/HASH/NAME: the name stays, since programs look at endings. */
static json_t *keep_as(const struct exec *x, const char *tmp, const char *name,
                       struct ff_err *err)
{
    char hash[SHA256_TEXT];
    long long size = 0;
    int sys = sha256_file(tmp, hash, &size);

    if (sys != 0) {
        ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", tmp, strerror(-sys));
        return NULL;
    }
    MEM_AUTO char *folder = place_of(x->setup.data_dir, "files", hash);
    MEM_AUTO char *path = file_join(folder, name);
    sys = file_make_dirs(folder, 0700);
    if (sys == 0 && rename(tmp, path) != 0)
        sys = -errno;
    if (sys == 0)
        sys = file_sync_dir(folder);
    if (sys != 0) {
        ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", path, strerror(-sys));
        return NULL;
    }
    chmod(path, 0400); /* others read it too: nobody may change it */
    return json_pack("{s:s, s:I, s:s}", "path", path, "size", (json_int_t)size,
                     "sha256", hash);
}

json_t *values_keep_file(struct exec *x, const char *attempt_id, const char *name,
                         struct ff_err *err)
{
    char hash[SHA256_TEXT];

    sha256_text(attempt_id, strlen(attempt_id), hash);
    MEM_AUTO char *tmp_dir = place_of(x->setup.data_dir, "files/tmp", hash);
    MEM_AUTO char *tmp = file_join(tmp_dir, name);
    const int sys = file_make_dirs(tmp_dir, 0700);
    if (sys != 0) {
        ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", tmp_dir, strerror(-sys));
        return NULL;
    }
    json_t *v = NULL;
    if (x->runtime_ops->take(x->runtime, attempt_id, name, tmp, err) == FF_OK)
        v = keep_as(x, tmp, name, err);
    file_remove_tree(tmp_dir);
    return v;
}

char *exec_log_dir(const char *data_dir, const char *run_id, const char *path,
                   int64_t attempt)
{
    const size_t size = strlen(data_dir) + strlen(run_id) + strlen(path) + 40;
    char *dir = mem_alloc(size);

    snprintf(dir, size, "%s/logs/%s/%s.%lld", data_dir, run_id, path,
             (long long)attempt);
    return dir;
}
