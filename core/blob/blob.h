/* blob/blob.h - files and folders as blobs, through a blob driver.
 *
 * A session belongs to one thread at a time, and everything here blocks: lanes and the
 * command line only. What a task hands on is one blob: a file as it is, a folder as a
 * tar that depends on names and content alone, so that the same content is the same
 * blob. Paths are walked without following links: what a task made must not lead
 * anywhere else. */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include "base/base.h"
#include "driver/driver.h"
#include "model/model.h"

struct blobs; /* an open session */

struct blobs *blobs_open(struct driver_instance *i, struct ff_err *err);
void blobs_close(struct blobs *b); /* takes NULL */

/* --- blobs --- */

int blobs_stat(struct blobs *b, struct tenant t, const char *hash, int64_t *size,
               struct ff_err *err);
/* Writes it to the file. FF_OK: it is whole, and what its hash says. */
int blobs_get(struct blobs *b, struct tenant t, const char *hash, int fd,
              struct ff_err *err);
/* The content of an open file, from its beginning. FF_CORRUPT: it is not what its hash
 * and size say. */
int blobs_put(struct blobs *b, struct tenant t, const char *hash, int64_t size, int fd,
              struct ff_err *err);
int blobs_ping(struct blobs *b, struct ff_err *err);
/* FF_CONFLICT: it was put at before_us or since. */
int blobs_remove(struct blobs *b, struct tenant t, const char *hash, int64_t before_us,
                 struct ff_err *err);

/* Up to `limit` of all tenants after the one in `at` (its hash "" at first), which is
 * set to the last one that fn was called for. *more: there may be others. */
struct blobs_at {
    int64_t tenant;
    char hash[SHA256_TEXT];
};
typedef void blobs_seen_fn(void *arg, struct tenant t, const char *hash, int64_t size,
                           int64_t put_us);
int blobs_list(struct blobs *b, struct blobs_at *at, uint32_t limit, blobs_seen_fn *fn,
               void *arg, bool *more, struct ff_err *err);
int blobs_tidy(struct blobs *b, int64_t before_us, struct ff_err *err);

/* --- artifacts --- */

enum artifact_type { ARTIFACT_FILE, ARTIFACT_FOLDER };
extern const char *const artifact_type_names[]; /* end with NULL */

/* As an output has it: {"type": "file", "sha256": ..., "size": n}, and "executable":
 * true where it is. */
struct artifact {
    enum artifact_type type;
    char hash[SHA256_TEXT];
    int64_t size; /* of the blob */
    bool executable;
};
json_t *artifact_json(const struct artifact *a);
/* False: it is none. */
bool artifact_from_json(const json_t *v, struct artifact *a);

#define ARTIFACT_MAX_ENTRIES 1000000 /* files and folders in one */

/* Keeps what lies at `path` (relative) below the folder `root`. FF_NOT_FOUND: nothing
 * does; FF_INVALID: it, or something in it, is neither file nor folder, or too large.
 * `scratch` is a folder for what has to be put together first. */
struct artifact_source {
    const char *root, *path, *scratch;
    int64_t max_bytes;
};
int artifact_put(struct blobs *b, struct tenant t, const struct artifact_source *from,
                 struct artifact *out, struct ff_err *err);

/* Writes it to `path` below `root`, with the folders that are missing. What is there
 * is never replaced: FF_INVALID. */
struct artifact_target {
    const char *root, *path, *scratch;
};
int artifact_get(struct blobs *b, struct tenant t, const struct artifact *a,
                 const struct artifact_target *to, struct ff_err *err);

/* --- artifacts that come another way than from a store --- */

/* What lies there as content to be read, from its beginning; all of `out` but the hash
 * is known. A descriptor, or -1 with what artifact_put gives. */
int artifact_open(const struct artifact_source *from, struct artifact *out,
                  struct ff_err *err);
/* The SHA-256 and the size of an open file, wherever it is read just now. */
int artifact_hash(int fd, char hash[SHA256_TEXT], int64_t *size, struct ff_err *err);
/* As artifact_get, with the content of an open file, which is what `a` says. */
int artifact_place(int content, const struct artifact *a,
                   const struct artifact_target *to, struct ff_err *err);

#endif
