/* blob-file/place.c - names: which are allowed, where a blob lies, and the lock that
 * decides between a put and a remove. */
#include "blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool file_is_space(const char *name)
{
    const size_t len = strnlen(name, FF_BLOB_SPACE_MAX + 1);

    return len > 0 && len <= FF_BLOB_SPACE_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

bool file_is_hash(const char *name)
{
    return strnlen(name, FILE_HASH_TEXT) == FF_BLOB_HASH_LEN &&
           strspn(name, "0123456789abcdef") == FF_BLOB_HASH_LEN;
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* What is not a name is not repeated: it may hold anything. */
int file_find(const struct ff_blob_id *id, struct file_place *place, struct ff_err *err)
{
    if (!id || !id->space || !file_is_space(id->space))
        return ff_fail(err, FF_INVALID, 0,
                       "the space of a blob is not 1 to %d of a-z, 0-9 and '_'",
                       FF_BLOB_SPACE_MAX);
    if (!id->hash || !file_is_hash(id->hash))
        return ff_fail(err, FF_INVALID, 0,
                       "the hash of a blob is not %d of 0-9 and a-f", FF_BLOB_HASH_LEN);
    snprintf(place->folder, sizeof(place->folder), "%s/%.2s", id->space, id->hash);
    snprintf(place->path, sizeof(place->path), "%s/%s", place->folder, id->hash);
    place->slot = (unsigned char)(digit(id->hash[0]) << 4 | digit(id->hash[1]));
    return FF_OK;
}

int64_t file_time_us(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

/* A lock of the open file and not of the process: it holds between threads, too. One
 * byte of the file for each pair of digits, so that few have to wait for each other. */
int file_lock(const struct file_blobs *b, const struct file_place *place,
              enum file_lock_kind kind, int *lock, struct ff_err *err)
{
    struct flock range = {
        .l_type = kind == FILE_PUTTING ? F_RDLCK : F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = place->slot,
        .l_len = 1,
    };
    int code;
    const int fd = openat(b->root, FILE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return file_fail(b, errno, "the lock", "opening it", err);
    do
        code = fcntl(fd, F_OFD_SETLKW, &range);
    while (code < 0 && errno == EINTR);
    if (code < 0) {
        const int sys = errno;

        close(fd);
        return file_fail(b, sys, "the lock", "taking it", err);
    }
    *lock = fd;
    return FF_OK;
}
