/* flowforge/blob.h - the blob contract: bytes of any length under the hash of their
 * content.
 *
 * A blob never changes, so two puts of it are one. The core names it, by the SHA-256
 * of what it is, and deletes it once no row names it any more; a driver only keeps it.
 * Nothing here needs a rename, an append or a lock: an object store will do.
 *
 * Required: open, close, put, get, stat, remove, list, ping.
 *
 * Threads: calls block, on worker threads. With FF_PARALLEL calls of one session
 * overlap; otherwise the core makes one call at a time and opens as many sessions as it
 * wants concurrent calls.
 * Memory: what is handed in is borrowed until the call returns, what is handed to a
 * function of the core until that function returns. Functions of the core are called
 * on the thread of the call, one at a time, and MUST NOT be called after it returned;
 * they do not call the driver. */
#ifndef FLOWFORGE_BLOB_H
#define FLOWFORGE_BLOB_H

#include <flowforge/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FF_BLOB_SPACE_MAX 63 /* bytes of the name of a space */
#define FF_BLOB_HASH_LEN  64 /* digits of a hash */

/* Which blob. Spaces do not know of each other: the same content in two of them is two
 * blobs. Anything that is not as described here is FF_INVALID in every call, and MUST
 * NOT reach a path or a URL. */
struct ff_blob_id {
    const char *space; /* 1 to 63 of a-z, 0-9 and '_' */
    const char *hash;  /* SHA-256 of the content: 64 of 0-9 and a-f */
};

struct ff_blob_info {
    uint32_t struct_size;
    uint32_t reserved;
    struct ff_blob_id id;
    uint64_t size_bytes;
    /* When it was put last, since 1970, by any clock that is right within an hour. May
     * be up to FF_BLOB_RENEW_US before the last put began: whoever finds a blob that is
     * younger need not write anything. */
    int64_t put_us;
};
#define FF_BLOB_RENEW_US INT64_C(3600000000)

/* Bytes offset .. offset + len - 1 of the content, all of them, within size_bytes. Any
 * part may be asked for, again too. Other than 0: the content cannot be read. */
typedef int ff_blob_read_fn(void *arg, uint64_t offset, void *to, size_t len);

/* The next bytes of the content. Other than 0: no more. */
typedef int ff_blob_bytes_fn(void *arg, const void *bytes, size_t len);

/* Return 0 to go on, anything else to stop. */
typedef int ff_blob_info_fn(void *arg, const struct ff_blob_info *info);

enum ff_blob_caps {
    FF_BLOB_SHARED = 1, /* several processes may use it at once */
    FF_BLOB_DURABLE = 2 /* what put() accepted survives a power cut */
};

struct ff_blob_ops {
    int (*open)(const struct ff_host *host, const void *config, void **blob,
                struct ff_err *err);
    void (*close)(void *blob); /* takes NULL */

    /* Keeps the content that `read` gives, durable on return; every session, of any
     * process, sees it then. Until then nobody does: MUST NOT be visible in part,
     * whoever is killed. The driver hashes what it reads; other content than the hash
     * says, or content that cannot be read, is FF_INVALID, and nothing is kept. One
     * that is there already counts as put now (see put_us), and is made whole where it
     * was damaged. After a failure the same put may come again. FF_FULL: no room. */
    int (*put)(void *blob, const struct ff_blob_id *id, uint64_t size_bytes,
               ff_blob_read_fn *read, void *arg, struct ff_err *err);

    /* Gives the content in pieces, from the beginning. FF_OK says that all of it came
     * and that it has the hash: what came before is not to be believed. FF_CORRUPT: it
     * has not. FF_NOT_FOUND: there is none, and nothing came. FF_CANCELLED: fn wanted
     * no more. */
    int (*get)(void *blob, const struct ff_blob_id *id, ff_blob_bytes_fn *fn, void *arg,
               struct ff_err *err);

    /* Does not look at the content. info->struct_size is the caller's. FF_NOT_FOUND:
     * there is none. info->id is that of the caller. */
    int (*stat)(void *blob, const struct ff_blob_id *id, struct ff_blob_info *info,
                struct ff_err *err);

    /* There is no such blob when it returns FF_OK, whether there was one or not.
     * FF_CONFLICT when it was put at before_us or since: it stays. This guards a blob
     * that the core is about to name, so it MUST hold against a put on its way: once
     * a put has returned, no remove with a before_us that is not after its put_us
     * takes the blob away, whichever of the two began first. */
    int (*remove)(void *blob, const struct ff_blob_id *id, int64_t before_us,
                  struct ff_err *err);

    /* Those of one space, or of all where `space` is NULL, by space and then hash, as
     * bytes, after `after` (NULL: from the beginning), which need not be there any
     * more. At most `limit` (0: no limit). Whatever is there throughout comes exactly
     * once; what comes and goes meanwhile may or may not. FF_OK also when fn stopped.
     */
    int (*list)(void *blob, const char *space, const struct ff_blob_id *after,
                uint32_t limit, ff_blob_info_fn *fn, void *arg, struct ff_err *err);

    /* Would a put be tried? Cheap. */
    int (*ping)(void *blob, struct ff_err *err);

    /* Optional: removes what puts that began before before_us, and never ended, have
     * left behind. */
    int (*tidy)(void *blob, int64_t before_us, struct ff_err *err);
};

#ifdef __cplusplus
}
#endif

#endif
