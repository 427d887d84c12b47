/* values.c - outputs on disk: small ones in the row, large ones as values named by
 * their hash, files kept whole under theirs, all in the folder of their run. Blocking:
 * lanes only. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *exec_run_dir(const char *data_dir, const char *run_id)
{
    MEM_AUTO char *runs = file_join(data_dir, "runs");

    return file_join(runs, run_id);
}

/* run_dir/KIND/HASH; mem_free it. */
static char *place_of(const char *run_dir, const char *kind, const char *hash)
{
    MEM_AUTO char *folder = file_join(run_dir, kind);

    return file_join(folder, hash);
}

static int make_folder(const char *path, struct ff_err *err)
{
    const int sys = file_make_dirs(path, 0700);

    if (sys != 0)
        return ff_fail(err, sys == -ENOSPC ? FF_FULL : FF_UNAVAILABLE, -sys,
                       "%.160s: %s", path, strerror(-sys));
    return FF_OK;
}

/* --- large values --- */

static int put_value(const char *run_dir, const char *text, size_t len,
                     char hash[SHA256_TEXT], struct ff_err *err)
{
    sha256_text(text, len, hash);
    MEM_AUTO char *folder = file_join(run_dir, "values");
    MEM_AUTO char *path = file_join(folder, hash);
    struct stat st;

    if (stat(path, &st) == 0 && st.st_size == (off_t)len)
        return FF_OK; /* same content, stored before */
    if (make_folder(folder, err) != FF_OK)
        return err->code;
    const int sys = file_write_durable(path, text, len, 0600);
    if (sys != 0)
        return ff_fail(err, sys == -ENOSPC ? FF_FULL : FF_UNAVAILABLE, -sys,
                       "%.160s: %s", path, strerror(-sys));
    return FF_OK;
}

/* An object of the user that looks like one of ours is wrapped, so that nobody can
 * make us read a file that he names. */
bool values_is_ours(const json_t *value)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)value, key, v) return key[0] == '$';
    return false;
}

int values_add(struct jsonw *w, const struct values_place *place, const json_t *value,
               struct ff_err *err)
{
    MEM_AUTO char *text = json_text(value);
    const size_t len = strlen(text);
    char hash[SHA256_TEXT];

    if (len > EXEC_INLINE_MAX) {
        const int code = put_value(place->run_dir, text, len, hash, err);
        if (code != FF_OK)
            return code;
        jsonw_open(w, '{');
        jsonw_key(w, "$value_at");
        jsonw_text(w, hash);
        jsonw_key(w, "size");
        jsonw_int(w, (int64_t)len);
        if (place->run_id) {
            jsonw_key(w, "run");
            jsonw_text(w, place->run_id);
        }
        jsonw_close(w, '}');
    } else if (values_is_ours(value)) {
        jsonw_open(w, '{');
        jsonw_key(w, "$value");
        jsonw_raw(w, text, len);
        jsonw_close(w, '}');
    } else {
        jsonw_raw(w, text, len);
    }
    return FF_OK;
}

char *values_store(const char *run_dir, const json_t *outputs, struct ff_err *err)
{
    const struct values_place place = {.run_dir = run_dir};
    struct buf b = {0};
    struct jsonw w = {.out = &b};
    const char *name;
    json_t *value;

    jsonw_open(&w, '{');
    json_object_foreach((json_t *)(uintptr_t)outputs, name, value)
    {
        jsonw_key(&w, name);
        if (values_add(&w, &place, value, err) != FF_OK) {
            buf_done(&b);
            return NULL;
        }
    }
    jsonw_close(&w, '}');
    if (FAILPOINT_FAILS("exec.values.stored")) {
        ff_fail(err, FF_FULL, 0, "a failpoint");
        buf_done(&b);
        return NULL;
    }
    return buf_take(&b);
}

/* A text of the user that looks like it costs no more than a place in a cache. */
bool exec_in_run(const char *stored)
{
    return strstr(stored, "{\"$value_at\":") != NULL;
}

/* As JSON a text of VALUE_MAX may take six times as much: \u0001. */
#define STORED_MAX (8 * VALUE_MAX)

/* A file that cannot be opened just now is no reason to give its run up. */
static int read_code(int sys)
{
    return sys == -ENOENT || sys == -EFBIG ? FF_CORRUPT : FF_UNAVAILABLE;
}

static json_t *get_value(const char *data_dir, const char *run_id, const char *hash,
                         struct ff_err *err)
{
    char seen[SHA256_TEXT];
    struct buf b = {0};

    if (strlen(hash) != SHA256_TEXT - 1 || strspn(hash, "0123456789abcdef") != 64) {
        ff_fail(err, FF_CORRUPT, 0, "a stored output names an impossible value");
        return NULL;
    }
    MEM_AUTO char *run_dir = exec_run_dir(data_dir, run_id);
    MEM_AUTO char *path = place_of(run_dir, "values", hash);
    const int sys = file_read(path, STORED_MAX, &b);
    json_t *v = NULL;
    if (sys != 0) {
        ff_fail(err, read_code(sys), -sys, "%.160s: %s", path, strerror(-sys));
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

static json_t *resolve_value(const char *data_dir, const char *run_id, json_t *v,
                             struct ff_err *err)
{
    if (!values_is_ours(v))
        return json_incref(v);
    json_t *inner = json_object_get(v, "$value");
    if (inner)
        return json_incref(inner);
    const char *hash = json_string_value(json_object_get(v, "$value_at"));
    const char *holder = json_string_value(json_object_get(v, "run"));
    const bool valid = hash && (!holder || id_valid(holder));
    return get_value(data_dir, holder ? holder : run_id, valid ? hash : "", err);
}

json_t *values_resolve(const char *data_dir, const char *run_id, json_t *stored,
                       struct ff_err *err)
{
    json_t *values = json_object();
    const char *name;
    json_t *v;

    json_object_foreach(stored, name, v)
    {
        json_t *value = resolve_value(data_dir, run_id, v, err);
        if (!value) {
            json_decref(values);
            return NULL;
        }
        json_object_set_new(values, name, value);
    }
    return values;
}

json_t *exec_resolve(const char *data_dir, const char *run_id, struct span stored,
                     struct ff_err *err)
{
    json_t *raw = json_parse(stored.s, stored.len, err);
    json_t *outputs = raw ? values_resolve(data_dir, run_id, raw, err) : NULL;

    json_decref(raw);
    return outputs;
}

/* --- files --- */

/* run_dir/files/HASH/NAME: the name stays, since programs look at endings. */
static json_t *keep_as(const char *run_dir, const char *tmp, const char *name,
                       struct ff_err *err)
{
    char hash[SHA256_TEXT];
    long long size = 0;
    int sys = sha256_file(tmp, hash, &size);

    if (sys != 0) {
        ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", tmp, strerror(-sys));
        return NULL;
    }
    MEM_AUTO char *folder = place_of(run_dir, "files", hash);
    MEM_AUTO char *path = file_join(folder, name);
    if (make_folder(folder, err) != FF_OK)
        return NULL;
    if (rename(tmp, path) != 0)
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

json_t *values_keep_file(const struct attempt *a, const char *name, struct ff_err *err)
{
    const struct exec *x = a->exec;
    char hash[SHA256_TEXT];

    sha256_text(a->id, strlen(a->id), hash);
    MEM_AUTO char *tmp_dir = place_of(a->run_dir, "incoming", hash);
    MEM_AUTO char *tmp = file_join(tmp_dir, name);
    if (make_folder(tmp_dir, err) != FF_OK)
        return NULL;
    json_t *v = NULL;
    if (x->runtime_ops->take(x->runtime, a->id, name, tmp, err) == FF_OK)
        v = keep_as(a->run_dir, tmp, name, err);
    file_remove_tree(tmp_dir);
    MEM_AUTO char *incoming = file_join(a->run_dir, "incoming");
    rmdir(incoming); /* unless others are coming in too */
    return v;
}

static char *dir_of(const char *data_dir, const char *run_id, const char *kind,
                    const char *path, int64_t attempt)
{
    MEM_AUTO char *run_dir = exec_run_dir(data_dir, run_id);
    struct buf b = {0};

    buf_printf(&b, "%s/%s/%s.%lld", run_dir, kind, path, (long long)attempt);
    return buf_take(&b);
}

char *exec_log_dir(const char *data_dir, const char *run_id, const char *path,
                   int64_t attempt)
{
    return dir_of(data_dir, run_id, EXEC_LOGS, path, attempt);
}

char *exec_artifact_dir(const char *data_dir, const char *run_id, const char *path,
                        int64_t attempt)
{
    return dir_of(data_dir, run_id, EXEC_ARTIFACTS, path, attempt);
}

static char *dir_of_id(const char *data_dir, const char *kind, const char *attempt_id)
{
    const char *first = strchr(attempt_id, '/'), *last = strrchr(attempt_id, '/');

    if (!first || first == last || strstr(attempt_id, ".."))
        return NULL;
    MEM_AUTO char *run = mem_text_len(attempt_id, (size_t)(first - attempt_id));
    MEM_AUTO char *path = mem_text_len(first + 1, (size_t)(last - first - 1));
    return dir_of(data_dir, run, kind, path, strtoll(last + 1, NULL, 10));
}

char *exec_log_dir_of(const char *data_dir, const char *attempt_id)
{
    return dir_of_id(data_dir, EXEC_LOGS, attempt_id);
}

char *exec_files_dir_of(const char *data_dir, const char *attempt_id)
{
    return dir_of_id(data_dir, EXEC_ARTIFACTS, attempt_id);
}
