/* luggage.c - the files of an attempt that runs on another host, in a folder of this
 * one. What it is given lies in `given`: contents of artifacts under their hashes as
 * they came out of the store, the script beside the workflow, and files.json, which
 * says where each belongs and what is wanted back. What it leaves comes into `left`:
 * contents under their hashes, and left.json, the last of them, which says what they
 * are. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIVEN      "given"
#define LEFT       "left"
#define GIVEN_LIST GIVEN "/files.json"
#define LEFT_LIST  LEFT "/left.json"
#define SCRIPT     "script"
#define LIST_MAX   ((size_t)256 << 20)

static int fail_sys(struct ff_err *err, const char *what, int sys)
{
    return ff_fail(err, sys == ENOSPC || sys == EDQUOT ? FF_FULL : FF_UNAVAILABLE, sys,
                   "%.160s: %s", what, strerror(sys));
}

static char *path_of(const char *dir, const char *folder, const char *name)
{
    MEM_AUTO char *base = file_join(dir, folder);

    return file_join(base, name);
}

/* --- what it is given --- */

int luggage_begin(struct luggage *l, struct ff_err *err)
{
    MEM_AUTO char *given = file_join(l->dir, GIVEN);
    const int sys = file_make_dirs(given, 0700);

    l->in = json_array();
    return sys == 0 ? FF_OK : fail_sys(err, given, -sys);
}

/* Several may have the same content: it is there once. */
int luggage_add(struct luggage *l, struct blobs *b, struct tenant t,
                const struct artifact *a, const char *path, struct ff_err *err)
{
    MEM_AUTO char *to = path_of(l->dir, GIVEN, a->hash);
    json_t *entry = artifact_json(a);

    json_object_set_new(entry, "path", json_string(path));
    json_array_append_new(l->in, entry);
    const int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? FF_OK : fail_sys(err, to, errno);
    const int code = blobs_get(b, t, a->hash, fd, err);
    close(fd);
    return code;
}

void luggage_add_folder(struct luggage *l, const char *path)
{
    json_array_append_new(l->in, json_pack("{s:s}", "path", path));
}

static int copy_to(int from, int to)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(from, piece, sizeof(piece))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        for (ssize_t done = 0; done < n;) {
            const ssize_t some = write(to, piece + done, (size_t)(n - done));
            if (some < 0 && errno != EINTR)
                return errno;
            done += some > 0 ? some : 0;
        }
    }
    return 0;
}

/* Whoever writes to it meanwhile writes to another one: what is sent is the copy. */
static int copy_script(const char *script, const char *to)
{
    struct stat st = {0};
    const int from = open(script, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const int fd = from < 0 ? -1 : open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int sys = from < 0 || fd < 0 || fstat(from, &st) != 0 ? errno : 0;

    if (sys == 0)
        sys = S_ISREG(st.st_mode) ? copy_to(from, fd) : EINVAL;
    if (fd >= 0)
        close(fd);
    if (from >= 0)
        close(from);
    return sys;
}

int luggage_add_script(struct luggage *l, const char *script, struct ff_err *err)
{
    MEM_AUTO char *to = path_of(l->dir, GIVEN, SCRIPT);
    const char *slash = strrchr(script, '/');
    char hash[SHA256_TEXT];
    long long size = 0;
    int sys = script[0] == '/' ? copy_script(script, to) : ENOENT;

    if (sys == ENOENT || sys == ENOTDIR || sys == EACCES || sys == EINVAL)
        return ff_fail(err, FF_INVALID, sys, "script.file: %.160s: %s", script,
                       sys == EINVAL ? "it is no file" : strerror(sys));
    if (sys == 0)
        sys = -sha256_file(to, hash, &size);
    if (sys != 0)
        return fail_sys(err, script, sys);
    l->script = json_pack("{s:s, s:s, s:I}", "name", slash ? slash + 1 : script,
                          "sha256", hash, "size", (json_int_t)size);
    return FF_OK;
}

void luggage_want(struct luggage *l, const char *name, const char *path)
{
    if (!l->out)
        l->out = json_array();
    json_array_append_new(l->out, json_pack("{s:s, s:s}", "name", name, "path", path));
}

int luggage_write(struct luggage *l, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(l->dir, GIVEN_LIST);
    json_t *all = json_pack("{s:b, s:I, s:O, s:O*, s:O*}", "artifacts", l->artifacts,
                            "max_bytes", (json_int_t)l->max_bytes, "in", l->in, "out",
                            l->out, "script", l->script);
    MEM_AUTO char *text = json_text(all);
    const int sys = file_write_durable(path, text, strlen(text), 0600);

    json_decref(all);
    return sys == 0 ? FF_OK : fail_sys(err, path, -sys);
}

void luggage_done(struct luggage *l)
{
    json_decref(l->in);
    json_decref(l->out);
    json_decref(l->script);
    *l = (struct luggage){0};
}

/* --- what it leaves --- */

static json_t *read_list(const char *dir, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(dir, LEFT_LIST);
    struct buf text = {0};
    const int sys = file_read(path, LIST_MAX, &text);
    json_t *list = NULL;

    if (sys == 0)
        list = json_parse(buf_text(&text), text.len, err);
    else
        ff_fail(err, FF_UNAVAILABLE, -sys, "what came of its files is not known: %s",
                strerror(-sys));
    buf_done(&text);
    return list;
}

/* A sentence where there was no artifact to be made of what lay there. */
static int read_entry(const json_t *entry, struct artifact *a, struct ff_err *err)
{
    const char *why = json_string_value(json_object_get(entry, "message"));
    const json_int_t code = json_integer_value(json_object_get(entry, "code"));

    if (!entry)
        return ff_fail(err, FF_NOT_FOUND, 0, "it left none");
    if (why)
        return ff_fail(err, code == FF_FULL ? FF_FULL : FF_INVALID, 0, "%.200s", why);
    if (artifact_from_json(entry, a))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "what its executor says of it is no artifact");
}

int luggage_open(const char *dir, const char *name, struct artifact *a, int *fd,
                 struct ff_err *err)
{
    json_t *list = read_list(dir, err);

    if (!list)
        return err->code;
    const int code = read_entry(json_object_get(list, name), a, err);
    json_decref(list);
    if (code != FF_OK)
        return code;
    MEM_AUTO char *path = path_of(dir, LEFT, a->hash);
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return *fd < 0 ? fail_sys(err, path, errno) : FF_OK;
}
