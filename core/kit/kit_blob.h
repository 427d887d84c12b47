/* kit/kit_blob.h - what the checks of blob drivers share: content of any size, and
 * calls that look at what the driver does with what it is given. */
#ifndef KIT_KIT_BLOB_H
#define KIT_KIT_BLOB_H

#include "base/base.h"
#include "kit/kit.h"

extern const struct kit_check kit_blob_put[];
extern const struct kit_check kit_blob_get[];
extern const struct kit_check kit_blob_remove[];
extern const struct kit_check kit_blob_list[];
extern const struct kit_check kit_blob_errors[];
extern const struct kit_check kit_blob_race[];
extern const struct kit_check kit_blob_crash[];
extern const struct kit_check kit_blob_random[];

#define KIT_SPACE "kit"

/* --- content: bytes that follow from a number --- */

struct kit_content {
    char *bytes;
    size_t len;
    char hash[SHA256_TEXT];
};

void kit_content_make(struct kit_content *c, uint64_t number, size_t len);
void kit_content_done(struct kit_content *c);

/* --- an open session --- */

struct kit_blobs {
    struct kit *k;
    const struct ff_blob_ops *ops;
    void *session;
    struct ff_err err; /* of the last call */
};

void kit_blob_open(struct kit *k, struct kit_blobs *b);
void kit_blob_open_of(struct kit *k, struct driver_instance *i, struct kit_blobs *b);
void kit_blob_close(struct kit_blobs *b);

/* --- calls: any thread, with a kit_blobs of its own. Names are handed over as copies
 * that do not outlive the call. What is busy or unavailable is tried again for ten
 * seconds, as the core would. --- */

int kit_blob_put_in(struct kit_blobs *b, const char *space,
                    const struct kit_content *c);
/* Content of another hash, or content that cannot be read from `fails_at` on. */
int kit_blob_put_as(struct kit_blobs *b, const char *hash, const struct kit_content *c,
                    uint64_t fails_at);
/* What comes: how many bytes, and whether they are those of c. */
struct kit_got {
    uint64_t n_bytes;
    bool differs;
};
int kit_blob_get_in(struct kit_blobs *b, const char *space, const struct kit_content *c,
                    struct kit_got *got);
int kit_blob_stat_in(struct kit_blobs *b, const char *space, const char *hash,
                     struct ff_blob_info *info);
int kit_blob_remove_in(struct kit_blobs *b, const char *space, const char *hash,
                       int64_t before_us);

/* Each fails the check unless it is so; `what` says when. Space KIT_SPACE. */
void kit_blob_must_put(struct kit_blobs *b, const struct kit_content *c,
                       const char *what);
void kit_blob_must_get(struct kit_blobs *b, const struct kit_content *c,
                       const char *what);
void kit_blob_must_remove(struct kit_blobs *b, const char *hash, const char *what);
void kit_blob_must_lack(struct kit_blobs *b, const char *hash, const char *what);

/* --- lists --- */

struct kit_listed_blob {
    char space[FF_BLOB_SPACE_MAX + 1];
    char hash[SHA256_TEXT];
    uint64_t size_bytes;
};
struct kit_listed {
    struct kit_listed_blob *items;
    size_t n, cap;
    size_t stop_at; /* fn says stop then; 0: never */
};
/* Adds to `out`; must succeed. after_hash NULL: from the beginning. */
void kit_blob_list_in(struct kit_blobs *b, const char *space, const char *after_space,
                      const char *after_hash, uint32_t limit, struct kit_listed *out);
void kit_listed_done(struct kit_listed *l);

/* Makes content of `n` numbers from `first` on, and puts it. */
void kit_blob_fill(struct kit_blobs *b, const char *space, uint64_t first, size_t n);

#endif
