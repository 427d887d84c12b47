/* artifact.c - a file or folder of a task as a blob, and back. */
#include "blob/blob_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const artifact_type_names[] = {
    [ARTIFACT_FILE] = "file",
    [ARTIFACT_FOLDER] = "folder",
    [ARTIFACT_FOLDER + 1] = NULL,
};

/* --- as a value --- */

json_t *artifact_json(const struct artifact *a)
{
    json_t *v = json_pack("{sssssI}", "type", artifact_type_names[a->type], "sha256",
                          a->hash, "size", (json_int_t)a->size);

    if (a->executable)
        json_object_set_new(v, "executable", json_true());
    return v;
}

static bool is_hash(const char *text)
{
    return text && strlen(text) == SHA256_TEXT - 1 &&
           strspn(text, "0123456789abcdef") == SHA256_TEXT - 1;
}

bool artifact_from_json(const json_t *v, struct artifact *a)
{
    const char *type = json_string_value(json_object_get(v, "type"));
    const char *hash = json_string_value(json_object_get(v, "sha256"));
    const json_t *size = json_object_get(v, "size");
    int i = 0;

    if (!type || !is_hash(hash) || !json_is_integer(size))
        return false;
    while (artifact_type_names[i] && strcmp(artifact_type_names[i], type) != 0)
        i++;
    if (!artifact_type_names[i])
        return false;
    *a =
        (struct artifact){.type = (enum artifact_type)i,
                          .size = json_integer_value(size),
                          .executable = json_is_true(json_object_get(v, "executable"))};
    memcpy(a->hash, hash, SHA256_TEXT);
    return true;
}

/* --- put --- */

static int put_folder(struct blobs *b, struct tenant t, int folder,
                      const struct artifact_source *from, struct artifact *out,
                      struct ff_err *err)
{
    const int tar = walk_scratch(from->scratch);
    int code;

    if (tar < 0)
        return blob_fail_sys(err, -tar, from->scratch);
    out->type = ARTIFACT_FOLDER;
    code = tar_pack(folder, tar, from->max_bytes, err);
    if (code == FF_OK)
        code = blob_put_fd(b, t, tar, out->hash, &out->size, err);
    close(tar);
    return code;
}

static int put_file(struct blobs *b, struct tenant t, int fd, const struct stat *st,
                    const struct artifact_source *from, struct artifact *out,
                    struct ff_err *err)
{
    if (st->st_size > from->max_bytes)
        return ff_fail(err, FF_INVALID, 0, "it is larger than %lld bytes",
                       (long long)from->max_bytes);
    out->type = ARTIFACT_FILE;
    out->executable = st->st_mode & S_IXUSR;
    return blob_put_fd(b, t, fd, out->hash, &out->size, err);
}

static int put_open(struct blobs *b, struct tenant t, int fd,
                    const struct artifact_source *from, struct artifact *out,
                    struct ff_err *err)
{
    struct stat st;

    *out = (struct artifact){0};
    if (fstat(fd, &st) != 0)
        return blob_fail_sys(err, errno, from->path);
    if (S_ISDIR(st.st_mode))
        return put_folder(b, t, fd, from, out, err);
    if (S_ISREG(st.st_mode))
        return put_file(b, t, fd, &st, from, out, err);
    return ff_fail(err, FF_INVALID, 0, "it is neither a file nor a folder");
}

static int fail_open(const struct artifact_source *from, int sys, struct ff_err *err)
{
    if (sys == ENOENT)
        return ff_fail(err, FF_NOT_FOUND, sys, "there is no %.160s", from->path);
    if (sys == ELOOP || sys == ENOTDIR)
        return ff_fail(err, FF_INVALID, sys,
                       "it is a link, or lies behind one; an artifact has files and "
                       "folders only");
    return blob_fail_sys(err, sys, from->path);
}

int artifact_put(struct blobs *b, struct tenant t, const struct artifact_source *from,
                 struct artifact *out, struct ff_err *err)
{
    const char *name;
    const int folder = walk_to(from->root, from->path, false, &name);
    int code;

    if (folder < 0)
        return fail_open(from, -folder, err);

    const int fd = walk_open(folder, name, O_RDONLY);

    close(folder);
    if (fd < 0)
        return fail_open(from, -fd, err);
    code = put_open(b, t, fd, from, out, err);
    close(fd);
    return code;
}

/* --- get --- */

static int get_file(struct blobs *b, struct tenant t, const struct artifact *a,
                    int folder, const char *name, struct ff_err *err)
{
    const int fd =
        openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
               a->executable ? 0755 : 0644);
    int code;

    if (fd < 0 && errno == EEXIST)
        return ff_fail(err, FF_INVALID, EEXIST, "%.160s is there already", name);
    if (fd < 0)
        return blob_fail_sys(err, errno, name);
    code = blobs_get(b, t, a->hash, fd, err);
    close(fd);
    if (code != FF_OK)
        unlinkat(folder, name, 0);
    return code;
}

static int unpack_into(int tar, int folder, const char *name, struct ff_err *err)
{
    int inside, code;

    if (mkdirat(folder, name, 0755) != 0)
        return errno == EEXIST
                   ? ff_fail(err, FF_INVALID, EEXIST, "%.160s is there already", name)
                   : blob_fail_sys(err, errno, name);
    inside = walk_open(folder, name, O_RDONLY | O_DIRECTORY);
    if (inside < 0)
        return blob_fail_sys(err, -inside, name);
    code = tar_unpack(tar, inside, err);
    close(inside);
    return code;
}

/* All of it is checked before any of it is unpacked. */
static int get_folder(struct blobs *b, struct tenant t, const struct artifact *a,
                      const struct artifact_target *to, int folder, const char *name,
                      struct ff_err *err)
{
    const int tar = walk_scratch(to->scratch);
    int code;

    if (tar < 0)
        return blob_fail_sys(err, -tar, to->scratch);
    code = blobs_get(b, t, a->hash, tar, err);
    if (code == FF_OK)
        code = unpack_into(tar, folder, name, err);
    close(tar);
    return code;
}

int artifact_get(struct blobs *b, struct tenant t, const struct artifact *a,
                 const struct artifact_target *to, struct ff_err *err)
{
    const char *name;
    const int folder = walk_to(to->root, to->path, true, &name);
    int code;

    if (folder < 0)
        return blob_fail_sys(err, -folder, to->path);
    if (a->type == ARTIFACT_FOLDER)
        code = get_folder(b, t, a, to, folder, name, err);
    else
        code = get_file(b, t, a, folder, name, err);
    close(folder);
    return code;
}
