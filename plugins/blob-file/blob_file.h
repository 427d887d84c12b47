/* blob_file.h - what the files of the driver share.
 *
 * Below the directory: SPACE/ab/abcd... is a blob, complete since it has this name;
 * .incoming/ holds those on their way; .lock decides between a put and a remove. The
 * time of a file is that of its last put. */
#ifndef BLOB_FILE_H
#define BLOB_FILE_H

#include <flowforge/blob.h>
#include <sha2.h>
#include <stdbool.h>
#include <sys/stat.h>

#define FILE_INCOMING    ".incoming"
#define FILE_LOCK        ".lock"
#define FILE_PIECE_BYTES ((size_t)128 * 1024)
#define FILE_HASH_TEXT   (FF_BLOB_HASH_LEN + 1)

struct file_blobs {
    const struct ff_host *host;
    char *dir;
    int root; /* all else is opened below it */
    int64_t reserve_bytes;
};

/* Where a blob lies, seen from the root. */
struct file_place {
    char folder[FF_BLOB_SPACE_MAX + 4]; /* SPACE/ab */
    char path[FF_BLOB_SPACE_MAX + 5 + FF_BLOB_HASH_LEN];
    unsigned char slot; /* of the lock */
};

/* --- error.c --- */

/* What errno, or `sys`, means to the core. */
int file_fail(const struct file_blobs *b, int sys, const char *what, const char *doing,
              struct ff_err *err);
/* A blob is named by 12 digits of its hash: enough to find it, and to read. */
int file_fail_blob(const struct file_blobs *b, const struct ff_blob_id *id, int sys,
                   const char *doing, struct ff_err *err);
int file_not_found(const struct ff_blob_id *id, struct ff_err *err);

/* --- place.c --- */

int file_find(const struct ff_blob_id *id, struct file_place *place,
              struct ff_err *err);
bool file_is_space(const char *name);
bool file_is_hash(const char *name);
int64_t file_time_us(const struct stat *st);

enum file_lock_kind { FILE_PUTTING, FILE_REMOVING };
/* Puts go together, a remove stands alone. Gives a descriptor that close() unlocks. */
int file_lock(const struct file_blobs *b, const struct file_place *place,
              enum file_lock_kind kind, int *lock, struct ff_err *err);

/* --- the functions of the contract --- */

int file_put(void *blob, const struct ff_blob_id *id, uint64_t size_bytes,
             ff_blob_read_fn *read, void *arg, struct ff_err *err);
int file_get(void *blob, const struct ff_blob_id *id, ff_blob_bytes_fn *fn, void *arg,
             struct ff_err *err);
int file_stat(void *blob, const struct ff_blob_id *id, struct ff_blob_info *info,
              struct ff_err *err);
int file_remove(void *blob, const struct ff_blob_id *id, int64_t before_us,
                struct ff_err *err);
int file_tidy(void *blob, int64_t before_us, struct ff_err *err);
int file_list(void *blob, const char *space, const struct ff_blob_id *after,
              uint32_t limit, ff_blob_info_fn *fn, void *arg, struct ff_err *err);

/* --- get.c, for put --- */

/* The content of an open file in pieces: FF_CORRUPT where it has not the hash of its
 * name. fn NULL: only that. */
int file_read_all(const struct file_blobs *b, const struct ff_blob_id *id, int fd,
                  ff_blob_bytes_fn *fn, void *arg, struct ff_err *err);

#endif
