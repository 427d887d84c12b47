/* blob-file/put.c - keeping: written beside, hashed, flushed, and then named. Until it
 * has its name nobody sees it, and from then on it is complete. */
#include "../shared/failpoint.h"
#include "blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TRIES 16 /* for a name that nobody has */

struct putting {
    struct file_blobs *b;
    const struct ff_blob_id *id;
    struct file_place place;
    uint64_t size_bytes;
    ff_blob_read_fn *read;
    void *arg;
    char *piece;
    char part[sizeof(FILE_INCOMING) + 34]; /* .incoming/HASH.RANDOM */
    int fd;
    struct ff_err *err;
};

static int fail(const struct putting *p, int sys, const char *doing)
{
    return file_fail_blob(p->b, p->id, sys, doing, p->err);
}

/* A file's time is that of its last put, by the host's clock. */
static int set_time(const struct putting *p, int fd)
{
    const int64_t now_us = p->b->host->now_us(p->b->host->self);
    const struct timespec now = {.tv_sec = (time_t)(now_us / 1000000),
                                 .tv_nsec = (long)(now_us % 1000000) * 1000};
    const struct timespec times[2] = {now, now};

    return futimens(fd, times) == 0 ? FF_OK : fail(p, errno, "setting its time");
}

static int flush_folder(const struct putting *p, const char *folder)
{
    const int fd = openat(p->b->root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = FF_OK;

    if (fd < 0)
        return fail(p, errno, "opening its folder");
    if (fsync(fd) != 0)
        code = fail(p, errno, "flushing its folder");
    close(fd);
    return code;
}

/* --- is it there already? --- */

/* One that is whole counts as put now. Damaged ones are replaced. */
static int use_present(struct putting *p, int fd, bool *done)
{
    struct stat st;
    int code;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        (uint64_t)st.st_size != p->size_bytes)
        return FF_OK;
    code = file_read_all(p->b, p->id, fd, NULL, NULL, p->err);
    if (code == FF_CORRUPT)
        return FF_OK;
    if (code == FF_OK)
        code = set_time(p, fd);
    /* Whoever gave it its name may not have come to flushing that. */
    if (code == FF_OK)
        code = flush_folder(p, p->place.folder);
    *done = true;
    return code;
}

static int find_present(struct putting *p, bool *done)
{
    int lock;
    int code = file_lock(p->b, &p->place, FILE_PUTTING, &lock, p->err);

    if (code != FF_OK)
        return code;

    const int fd = openat(p->b->root, p->place.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0) {
        code = use_present(p, fd, done);
        close(fd);
    }
    close(lock);
    return code;
}

/* --- a new one --- */

/* The store lives on the same disk, often: it must not run into its end with us. */
static int check_room(const struct putting *p)
{
    struct statvfs fs;

    if (fstatvfs(p->b->root, &fs) != 0)
        return fail(p, errno, "asking for free space");

    const uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    const uint64_t reserve = (uint64_t)p->b->reserve_bytes;

    if (free_bytes >= reserve && free_bytes - reserve >= p->size_bytes)
        return FF_OK;
    return ff_fail(p->err, FF_FULL, ENOSPC,
                   "blob %s/%.12s in %.90s: %llu bytes do not fit, with %lld kept free",
                   p->id->space, p->id->hash, p->b->dir,
                   (unsigned long long)p->size_bytes, (long long)p->b->reserve_bytes);
}

static int make_part(struct putting *p)
{
    const struct ff_host *host = p->b->host;

    for (int i = 0; i < TRIES; i++) {
        snprintf(p->part, sizeof(p->part), FILE_INCOMING "/%.12s.%016llx", p->id->hash,
                 (unsigned long long)host->random(host->self));
        p->fd =
            openat(p->b->root, p->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
        if (p->fd >= 0)
            return FF_OK;
        if (errno != EEXIST)
            break;
    }
    return fail(p, errno, "making it");
}

static int write_all(const struct putting *p, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(p->fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(p, errno, "writing it");
        bytes += n;
        len -= (size_t)n;
    }
    return FF_OK;
}

static int write_content(struct putting *p)
{
    char seen[FILE_HASH_TEXT];
    SHA2_CTX ctx;

    SHA256Init(&ctx);
    for (uint64_t at = 0; at < p->size_bytes;) {
        const uint64_t left = p->size_bytes - at;
        const size_t n = left < FILE_PIECE_BYTES ? (size_t)left : FILE_PIECE_BYTES;

        if (p->read(p->arg, at, p->piece, n) != 0)
            return ff_fail(p->err, FF_INVALID, 0,
                           "blob %s/%.12s: its content cannot be read", p->id->space,
                           p->id->hash);
        SHA256Update(&ctx, (const uint8_t *)p->piece, n);
        if (write_all(p, p->piece, n) != FF_OK)
            return p->err->code;
        at += n;
    }
    SHA256End(&ctx, seen);
    if (strcmp(seen, p->id->hash) != 0)
        return ff_fail(p->err, FF_INVALID, 0,
                       "blob %s/%.12s: its content has another hash, %.12s",
                       p->id->space, p->id->hash, seen);
    FAILPOINT("blob.file.written");
    return fsync(p->fd) == 0 ? FF_OK : fail(p, errno, "flushing it");
}

/* SPACE and SPACE/ab, each made durable in the one above it. */
static int make_folders(const struct putting *p)
{
    const char *space = p->id->space;

    if (mkdirat(p->b->root, p->place.folder, 0700) == 0)
        return flush_folder(p, space);
    if (errno == EEXIST)
        return FF_OK;
    if (errno != ENOENT)
        return fail(p, errno, "making its folder");
    if (mkdirat(p->b->root, space, 0700) != 0 && errno != EEXIST)
        return fail(p, errno, "making its space");
    if (flush_folder(p, ".") != FF_OK)
        return p->err->code;
    if (mkdirat(p->b->root, p->place.folder, 0700) != 0 && errno != EEXIST)
        return fail(p, errno, "making its folder");
    return flush_folder(p, space);
}

/* A second flush of a folder would succeed whatever the first one lost: so the name
 * goes again, and the next put begins anew. */
static int flush_name(const struct putting *p)
{
    const int code = flush_folder(p, p->place.folder);

    if (code != FF_OK)
        unlinkat(p->b->root, p->place.path, 0);
    return code;
}

static int give_name(struct putting *p)
{
    int lock;
    int code = make_folders(p);

    if (code == FF_OK)
        code = file_lock(p->b, &p->place, FILE_PUTTING, &lock, p->err);
    if (code != FF_OK)
        return code;
    code = set_time(p, p->fd);
    if (code == FF_OK && renameat(p->b->root, p->part, p->b->root, p->place.path) != 0)
        code = fail(p, errno, "giving it its name");
    FAILPOINT("blob.file.named");
    if (code == FF_OK) {
        p->part[0] = '\0';
        code = flush_name(p);
    }
    close(lock);
    return code;
}

static int write_and_name(struct putting *p)
{
    int code = make_part(p);

    if (code != FF_OK)
        return code;
    code = write_content(p);
    if (code == FF_OK)
        code = give_name(p);
    close(p->fd);
    if (p->part[0])
        unlinkat(p->b->root, p->part, 0);
    return code;
}

static int put_new(struct putting *p)
{
    int code = check_room(p);

    if (code != FF_OK)
        return code;
    p->piece = malloc(FILE_PIECE_BYTES);
    if (!p->piece)
        return ff_fail(p->err, FF_NO_MEMORY, 0, "out of memory for a piece of a blob");
    code = write_and_name(p);
    free(p->piece);
    return code;
}

int file_put(void *blob, const struct ff_blob_id *id, uint64_t size_bytes,
             ff_blob_read_fn *read, void *arg, struct ff_err *err)
{
    struct ff_err local;
    struct putting p = {.b = blob,
                        .id = id,
                        .size_bytes = size_bytes,
                        .read = read,
                        .arg = arg,
                        .err = err ? err : &local};
    bool done = false;
    int code = file_find(id, &p.place, p.err);

    if (code == FF_OK)
        code = find_present(&p, &done);
    return code == FF_OK && !done ? put_new(&p) : code;
}
