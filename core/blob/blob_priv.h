/* blob/blob_priv.h - the inside of the room: session.c talks to the driver, walk.c goes
 * down paths without following links, pack.c and unpack.c make a tar of a folder and a
 * folder of a tar, artifact.c puts them together. */
#ifndef BLOB_BLOB_PRIV_H
#define BLOB_BLOB_PRIV_H

#include "blob/blob.h"

#define BLOB_PIECE_BYTES ((size_t)128 << 10)

/* --- session.c --- */

/* The content of an open file, from its beginning; hashed first, and read again by the
 * driver. FF_INVALID where it changes meanwhile. */
int blob_put_fd(struct blobs *b, struct tenant t, int fd, char hash[SHA256_TEXT],
                int64_t *size, struct ff_err *err);

/* --- walk.c: all give a descriptor, or a negative errno --- */

/* The folder in which the last part of `path` lies, below `root`, and that part. */
int walk_to(const char *root, const char *path, bool make, const char **last);
int walk_open(int folder, const char *name, int flags);
/* An empty file without a name. */
int walk_scratch(const char *folder);
/* The entries of a folder but . and .., by their bytes; mem_free each, and the list. */
int walk_names(int folder, char ***names, size_t *n);

/* --- pack.c, unpack.c: tar as POSIX has it (ustar, pax for long names and sizes) ---
 */

#define TAR_BLOCK    512
#define TAR_PATH_MAX 4096

struct tar_header {
    char name[100];
    char mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
    char type;
    char linkname[100];
    char magic[6], version[2];
    char uname[32], gname[32], devmajor[8], devminor[8];
    char prefix[155];
    char padding[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a block");

uint32_t tar_checksum(const struct tar_header *h);

/* The folder that is open as `folder`, written to `out`. */
int tar_pack(int folder, int out, int64_t max_bytes, struct ff_err *err);
/* The tar in `in`, from its beginning, into the new and empty folder `folder`. Takes
 * what tar_pack makes, and nothing else: no links, no devices, no names that lead
 * elsewhere. */
int tar_unpack(int in, int folder, struct ff_err *err);

int blob_fail_sys(struct ff_err *err, int sys, const char *what);

#endif
