/* session.c - a session with a blob driver: content from files and to files. */
#include "blob/blob_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct blobs {
    const struct ff_blob_ops *ops;
    void *session;
};

/* The space of a tenant: t1. */
#define SPACE_TEXT 24

int blob_fail_sys(struct ff_err *err, int sys, const char *what)
{
    const bool full = sys == ENOSPC || sys == EDQUOT || sys == EFBIG;

    return ff_fail(err, full ? FF_FULL : FF_UNAVAILABLE, sys, "%.160s: %s", what,
                   strerror(sys));
}

struct blobs *blobs_open(struct driver_instance *i, struct ff_err *err)
{
    struct blobs *b = mem_alloc(sizeof(*b));

    b->ops = driver_blob_ops(i);
    if (driver_open_blob(i, &b->session, err) == FF_OK)
        return b;
    mem_free(b);
    return NULL;
}

void blobs_close(struct blobs *b)
{
    if (!b)
        return;
    b->ops->close(b->session);
    mem_free(b);
}

static void space_of(struct tenant t, char out[SPACE_TEXT])
{
    snprintf(out, SPACE_TEXT, "t%" PRId64, t.no);
}

/* --- put --- */

struct source {
    int fd;
};

static int read_at(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct source *s = arg;

    while (len > 0) {
        const ssize_t n = pread(s->fd, to, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        to = (char *)to + n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int artifact_hash(int fd, char hash[SHA256_TEXT], int64_t *size, struct ff_err *err)
{
    MEM_AUTO char *piece = mem_alloc(BLOB_PIECE_BYTES);
    SHA2_CTX ctx;
    off_t at = 0;
    ssize_t n;

    SHA256Init(&ctx);
    while ((n = pread(fd, piece, BLOB_PIECE_BYTES, at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return blob_fail_sys(err, errno, "reading a file");
        SHA256Update(&ctx, (const uint8_t *)piece, (size_t)n);
        at += n;
    }
    SHA256End(&ctx, hash);
    *size = at;
    return FF_OK;
}

static int put_hashed(struct blobs *b, struct tenant t, int fd, const char *hash,
                      int64_t size, struct ff_err *err)
{
    char space[SPACE_TEXT];
    const struct ff_blob_id id = {.space = space, .hash = hash};
    struct source source = {.fd = fd};

    space_of(t, space);
    return b->ops->put(b->session, &id, (uint64_t)size, read_at, &source, err);
}

int blob_put_fd(struct blobs *b, struct tenant t, int fd, char hash[SHA256_TEXT],
                int64_t *size, struct ff_err *err)
{
    if (artifact_hash(fd, hash, size, err) != FF_OK)
        return err->code;
    return put_hashed(b, t, fd, hash, *size, err);
}

int blobs_put(struct blobs *b, struct tenant t, const char *hash, int64_t size, int fd,
              struct ff_err *err)
{
    char seen[SHA256_TEXT];
    int64_t seen_size = 0;

    if (artifact_hash(fd, seen, &seen_size, err) != FF_OK)
        return err->code;
    if (seen_size != size || strcmp(seen, hash) != 0)
        return ff_fail(err, FF_CORRUPT, 0, "its content is not what its hash says");
    return put_hashed(b, t, fd, hash, size, err);
}

/* --- get --- */

struct target {
    int fd;
    int sys;
};

static int write_on(void *arg, const void *bytes, size_t len)
{
    struct target *t = arg;

    while (len > 0) {
        const ssize_t n = write(t->fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            t->sys = errno;
            return -1;
        }
        bytes = (const char *)bytes + n;
        len -= (size_t)n;
    }
    return 0;
}

int blobs_get(struct blobs *b, struct tenant t, const char *hash, int fd,
              struct ff_err *err)
{
    char space[SPACE_TEXT];
    const struct ff_blob_id id = {.space = space, .hash = hash};
    struct target target = {.fd = fd};

    space_of(t, space);

    const int code = b->ops->get(b->session, &id, write_on, &target, err);

    if (target.sys)
        return blob_fail_sys(err, target.sys, "writing a file");
    return code;
}

/* --- the rest --- */

int blobs_stat(struct blobs *b, struct tenant t, const char *hash, int64_t *size,
               struct ff_err *err)
{
    char space[SPACE_TEXT];
    const struct ff_blob_id id = {.space = space, .hash = hash};
    struct ff_blob_info info = {.struct_size = sizeof(info)};

    space_of(t, space);

    const int code = b->ops->stat(b->session, &id, &info, err);

    if (code == FF_OK)
        *size = (int64_t)info.size_bytes;
    return code;
}

int blobs_ping(struct blobs *b, struct ff_err *err)
{
    return b->ops->ping(b->session, err);
}

int blobs_remove(struct blobs *b, struct tenant t, const char *hash, int64_t before_us,
                 struct ff_err *err)
{
    char space[SPACE_TEXT];
    const struct ff_blob_id id = {.space = space, .hash = hash};

    space_of(t, space);
    return b->ops->remove(b->session, &id, before_us, err);
}

int blobs_tidy(struct blobs *b, int64_t before_us, struct ff_err *err)
{
    return b->ops->tidy ? b->ops->tidy(b->session, before_us, err) : FF_OK;
}

struct listing {
    struct blobs_at *at;
    blobs_seen_fn *fn;
    void *arg;
    uint32_t n;
};

/* A space that is no tenant's is somebody else's. */
static int see(void *arg, const struct ff_blob_info *info)
{
    struct listing *l = arg;
    char *end;
    const char *space = info->id.space;
    const int64_t no = space[0] == 't' ? strtoll(space + 1, &end, 10) : 0;

    l->n++;
    if (no <= 0 || *end)
        return 0;
    l->at->tenant = no;
    snprintf(l->at->hash, sizeof(l->at->hash), "%s", info->id.hash);
    l->fn(l->arg, (struct tenant){no}, info->id.hash, (int64_t)info->size_bytes,
          info->put_us);
    return 0;
}

int blobs_list(struct blobs *b, struct blobs_at *at, uint32_t limit, blobs_seen_fn *fn,
               void *arg, bool *more, struct ff_err *err)
{
    char space[SPACE_TEXT];
    char hash[SHA256_TEXT];
    const struct ff_blob_id after = {.space = space, .hash = hash};
    struct listing l = {.at = at, .fn = fn, .arg = arg};

    space_of((struct tenant){at->tenant}, space);
    snprintf(hash, sizeof(hash), "%s", at->hash);

    const int code =
        b->ops->list(b->session, NULL, hash[0] ? &after : NULL, limit, see, &l, err);

    *more = code == FF_OK && l.n == limit && strcmp(hash, at->hash) != 0;
    return code;
}
