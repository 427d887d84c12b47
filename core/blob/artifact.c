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

static int pack_folder(int folder, const struct artifact_source *from,
                       struct artifact *out, struct ff_err *err)
{
    const int tar = walk_scratch(from->scratch);

    if (tar < 0) {
        blob_fail_sys(err, -tar, from->scratch);
        return -1;
    }
    out->type = ARTIFACT_FOLDER;
    if (tar_pack(folder, tar, from->max_bytes, err) == FF_OK)
        return tar;
    close(tar);
    return -1;
}

/* Its content, which is the descriptor itself where that is a file. */
static int content_of(int fd, const struct artifact_source *from, struct artifact *out,
                      struct ff_err *err)
{
    struct stat st;

    *out = (struct artifact){0};
    if (fstat(fd, &st) != 0)
        blob_fail_sys(err, errno, from->path);
    else if (S_ISDIR(st.st_mode))
        return pack_folder(fd, from, out, err);
    else if (!S_ISREG(st.st_mode))
        ff_fail(err, FF_INVALID, 0, "it is neither a file nor a folder");
    else if (st.st_size > from->max_bytes)
        ff_fail(err, FF_INVALID, 0, "it is larger than %lld bytes",
                (long long)from->max_bytes);
    else {
        out->type = ARTIFACT_FILE;
        out->executable = st.st_mode & S_IXUSR;
        return fd;
    }
    return -1;
}

static int fail_open(const struct artifact_source *from, int sys, struct ff_err *err)
{
    if (sys == ENOENT)
        ff_fail(err, FF_NOT_FOUND, sys, "there is no %.160s", from->path);
    else if (sys == ELOOP || sys == ENOTDIR)
        ff_fail(err, FF_INVALID, sys,
                "it is a link, or lies behind one; an artifact has files and folders "
                "only");
    else
        blob_fail_sys(err, sys, from->path);
    return -1;
}

int artifact_open(const struct artifact_source *from, struct artifact *out,
                  struct ff_err *err)
{
    const char *name;
    const int folder = walk_to(from->root, from->path, false, &name);

    if (folder < 0)
        return fail_open(from, -folder, err);

    const int fd = walk_open(folder, name, O_RDONLY);

    close(folder);
    if (fd < 0)
        return fail_open(from, -fd, err);

    const int content = content_of(fd, from, out, err);

    if (content != fd)
        close(fd);
    return content;
}

int artifact_put(struct blobs *b, struct tenant t, const struct artifact_source *from,
                 struct artifact *out, struct ff_err *err)
{
    const int fd = artifact_open(from, out, err);

    if (fd < 0)
        return err->code;

    const int code = blob_put_fd(b, t, fd, out->hash, &out->size, err);

    close(fd);
    return code;
}

/* --- get --- */

/* Where the content comes from: a store, or an open file. */
struct getting {
    struct blobs *blobs;
    struct tenant tenant;
    int content; /* -1: the store */
    const struct artifact *a;
};

static int copy_all(int from, int to, struct ff_err *err)
{
    MEM_AUTO char *piece = mem_alloc(BLOB_PIECE_BYTES);
    off_t at = 0;
    ssize_t n;

    while ((n = pread(from, piece, BLOB_PIECE_BYTES, at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return blob_fail_sys(err, errno, "reading a file");
        for (ssize_t done = 0; done < n;) {
            const ssize_t some = write(to, piece + done, (size_t)(n - done));

            if (some < 0 && errno != EINTR)
                return blob_fail_sys(err, errno, "writing a file");
            done += some > 0 ? some : 0;
        }
        at += n;
    }
    return FF_OK;
}

static int write_content(const struct getting *g, int fd, struct ff_err *err)
{
    if (g->content >= 0)
        return copy_all(g->content, fd, err);
    return blobs_get(g->blobs, g->tenant, g->a->hash, fd, err);
}

static int get_file(const struct getting *g, int folder, const char *name,
                    struct ff_err *err)
{
    const int fd =
        openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
               g->a->executable ? 0755 : 0644);
    int code;

    if (fd < 0 && errno == EEXIST)
        return ff_fail(err, FF_INVALID, EEXIST, "%.160s is there already", name);
    if (fd < 0)
        return blob_fail_sys(err, errno, name);
    code = write_content(g, fd, err);
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
static int get_folder(const struct getting *g, const struct artifact_target *to,
                      int folder, const char *name, struct ff_err *err)
{
    if (g->content >= 0)
        return unpack_into(g->content, folder, name, err);

    const int tar = walk_scratch(to->scratch);
    int code;

    if (tar < 0)
        return blob_fail_sys(err, -tar, to->scratch);
    code = write_content(g, tar, err);
    if (code == FF_OK)
        code = unpack_into(tar, folder, name, err);
    close(tar);
    return code;
}

static int get(const struct getting *g, const struct artifact_target *to,
               struct ff_err *err)
{
    const char *name;
    const int folder = walk_to(to->root, to->path, true, &name);
    int code;

    if (folder < 0)
        return blob_fail_sys(err, -folder, to->path);
    if (g->a->type == ARTIFACT_FOLDER)
        code = get_folder(g, to, folder, name, err);
    else
        code = get_file(g, folder, name, err);
    close(folder);
    return code;
}

int artifact_get(struct blobs *b, struct tenant t, const struct artifact *a,
                 const struct artifact_target *to, struct ff_err *err)
{
    const struct getting g = {.blobs = b, .tenant = t, .content = -1, .a = a};

    return get(&g, to, err);
}

int artifact_place(int content, const struct artifact *a,
                   const struct artifact_target *to, struct ff_err *err)
{
    const struct getting g = {.content = content, .a = a};

    return get(&g, to, err);
}
