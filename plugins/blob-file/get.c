/* blob-file/get.c - reading: the content, checked as it goes, and what is known of it.
 */
#include "blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the content --- */

static int read_pieces(const struct file_blobs *b, const struct ff_blob_id *id, int fd,
                       void *piece, ff_blob_bytes_fn *fn, void *arg, struct ff_err *err)
{
    char seen[FILE_HASH_TEXT];
    SHA2_CTX ctx;
    ssize_t n;

    SHA256Init(&ctx);
    while ((n = read(fd, piece, FILE_PIECE_BYTES)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_fail_blob(b, id, errno, "reading it", err);
        SHA256Update(&ctx, piece, (size_t)n);
        if (fn && fn(arg, piece, (size_t)n) != 0)
            return ff_fail(err, FF_CANCELLED, 0, "blob %s/%.12s: no more was wanted",
                           id->space, id->hash);
    }
    SHA256End(&ctx, seen);
    if (strcmp(seen, id->hash) != 0)
        return ff_fail(err, FF_CORRUPT, 0,
                       "blob %s/%.12s in %.100s: its content is not what was put",
                       id->space, id->hash, b->dir);
    return FF_OK;
}

int file_read_all(const struct file_blobs *b, const struct ff_blob_id *id, int fd,
                  ff_blob_bytes_fn *fn, void *arg, struct ff_err *err)
{
    void *piece = malloc(FILE_PIECE_BYTES);
    int code;

    if (!piece)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a piece of a blob");
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    code = read_pieces(b, id, fd, piece, fn, arg, err);
    free(piece);
    /* What the disk cannot read is damaged, whatever comes later. */
    if (code == FF_UNAVAILABLE && err->sys == EIO)
        code = err->code = FF_CORRUPT;
    return code;
}

int file_get(void *blob, const struct ff_blob_id *id, ff_blob_bytes_fn *fn, void *arg,
             struct ff_err *err)
{
    const struct file_blobs *b = blob;
    struct file_place place;
    struct ff_err local;

    err = err ? err : &local;
    if (file_find(id, &place, err) != FF_OK)
        return err->code;

    const int fd = openat(b->root, place.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return file_not_found(id, err);
    if (fd < 0)
        return file_fail_blob(b, id, errno, "opening it", err);

    const int code = file_read_all(b, id, fd, fn, arg, err);

    close(fd);
    return code;
}

/* --- what is known of it --- */

int file_stat(void *blob, const struct ff_blob_id *id, struct ff_blob_info *info,
              struct ff_err *err)
{
    const struct file_blobs *b = blob;
    struct file_place place;
    struct stat st;
    const int code = file_find(id, &place, err);

    if (code != FF_OK)
        return code;
    if (fstatat(b->root, place.path, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? file_not_found(id, err)
                               : file_fail_blob(b, id, errno, "looking at it", err);
    info->id = *id;
    info->size_bytes = (uint64_t)st.st_size;
    info->put_us = file_time_us(&st);
    return FF_OK;
}
