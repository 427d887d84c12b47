/* blob-file/remove.c - deleting: blobs that nobody names, and what killed puts left. */
#include "../shared/failpoint.h"
#include "blob_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Under the lock: a put that ends meanwhile either has set its time, and is seen, or
 * finds nothing and writes anew. */
static int remove_locked(const struct file_blobs *b, const struct ff_blob_id *id,
                         const struct file_place *place, int64_t before_us,
                         struct ff_err *err)
{
    struct stat st;

    if (fstatat(b->root, place->path, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? FF_OK
                               : file_fail_blob(b, id, errno, "looking at it", err);
    if (file_time_us(&st) >= before_us)
        return ff_fail(err, FF_CONFLICT, 0, "blob %s/%.12s was put meanwhile",
                       id->space, id->hash);
    FAILPOINT("blob.file.removing");
    if (unlinkat(b->root, place->path, 0) == 0 || errno == ENOENT)
        return FF_OK;
    return file_fail_blob(b, id, errno, "deleting it", err);
}

int file_remove(void *blob, const struct ff_blob_id *id, int64_t before_us,
                struct ff_err *err)
{
    const struct file_blobs *b = blob;
    struct file_place place;
    int lock;
    int code = file_find(id, &place, err);

    if (code == FF_OK)
        code = file_lock(b, &place, FILE_REMOVING, &lock, err);
    if (code != FF_OK)
        return code;
    code = remove_locked(b, id, &place, before_us, err);
    close(lock);
    return code;
}

/* --- what was left behind --- */

static void remove_if_older(int folder, const char *name, int64_t before_us)
{
    struct stat st;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return;
    if (file_time_us(&st) < before_us)
        unlinkat(folder, name, 0);
}

/* A file that is being written is as old as its last piece. */
int file_tidy(void *blob, int64_t before_us, struct ff_err *err)
{
    const struct file_blobs *b = blob;
    const int fd = openat(b->root, FILE_INCOMING, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return file_fail(b, errno, FILE_INCOMING, "opening it", err);

    DIR *dir = fdopendir(fd);

    if (!dir) {
        close(fd);
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a folder");
    }
    for (const struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.')
            remove_if_older(fd, e->d_name, before_us);
    closedir(dir);
    return FF_OK;
}
