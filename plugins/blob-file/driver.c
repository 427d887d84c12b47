/* blob-file/driver.c - blobs as files of a directory, one each, named by the hash of
 * its content.
 *
 * Here: options, opening and closing a session, the driver's description. The functions
 * of the contract have files of their own, named after them. */
#include "blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config {
    const char *dir;
    int64_t reserve_bytes;
};

static const struct ff_opt options[] = {
    {.name = "dir",
     .help = "the directory of the blobs; made with mode 0700",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_REQUIRED,
     .offset = offsetof(struct config, dir)},
    {.name = "reserve",
     .help = "free space of the disk that blobs leave to others",
     .fallback = "16MiB",
     .type = FF_OPT_SIZE,
     .offset = offsetof(struct config, reserve_bytes),
     .max = INT64_C(1) << 50},
    {0},
};

/* --- opening --- */

/* Each directory is made durable in the one above it. */
static void flush_parent(char *path, char *slash)
{
    *slash = '\0';

    const int fd = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *slash = '/';
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* With its missing parents. */
static int make_dir(const struct file_blobs *b, struct ff_err *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s", b->dir);
    for (char *at = path + 1; *at; at++) {
        char *end = strchr(at, '/');
        char *slash;

        if (end)
            *end = '\0';
        slash = strrchr(path, '/');
        if (mkdir(path, 0700) == 0)
            flush_parent(path, slash);
        else if (errno != EEXIST && errno != EROFS && errno != EACCES)
            return file_fail(b, errno, "the directory", "making it", err);
        if (!end)
            break;
        *end = '/';
        at = end;
    }
    return FF_OK;
}

/* Whoever can write into it can put other content under any hash. Every get would find
 * that out, but a get that fails is harm enough. */
static int check_dir(const struct file_blobs *b, struct ff_err *err)
{
    struct stat st;

    if (fstat(b->root, &st) != 0)
        return file_fail(b, errno, "the directory", "looking at it", err);
    if (st.st_mode & S_IWOTH)
        return ff_fail(err, FF_DENIED, 0,
                       "everyone may write to the directory %.120s; give the blobs a "
                       "directory of their own",
                       b->dir);
    if (mkdirat(b->root, FILE_INCOMING, 0700) != 0 && errno != EEXIST)
        return file_fail(b, errno, FILE_INCOMING, "making it", err);
    return FF_OK;
}

static int open_dir(struct file_blobs *b, struct ff_err *err)
{
    if (b->dir[0] != '/')
        return ff_fail(err, FF_INVALID, 0,
                       "the directory of blobs '%.120s' is not an absolute path",
                       b->dir);
    if (strlen(b->dir) >= PATH_MAX)
        return ff_fail(err, FF_INVALID, ENAMETOOLONG,
                       "the path of the directory of blobs is too long");
    if (make_dir(b, err) != FF_OK)
        return err->code;
    b->root = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->root < 0)
        return file_fail(b, errno, "the directory", "opening it", err);
    return check_dir(b, err);
}

static void file_close(void *blob)
{
    struct file_blobs *b = blob;

    if (!b)
        return;
    if (b->root >= 0)
        close(b->root);
    free(b->dir);
    free(b);
}

static int file_open(const struct ff_host *host, const void *config, void **blob,
                     struct ff_err *err)
{
    const struct config *c = config;
    struct file_blobs *b = calloc(1, sizeof(*b));
    struct ff_err local;
    int code;

    err = err ? err : &local;
    if (!b)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    b->host = host;
    b->root = -1;
    b->reserve_bytes = c->reserve_bytes;
    b->dir = strdup(c->dir);
    code = b->dir ? open_dir(b, err)
                  : ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    if (code != FF_OK) {
        file_close(b);
        return code;
    }
    *blob = b;
    return FF_OK;
}

static int file_ping(void *blob, struct ff_err *err)
{
    const struct file_blobs *b = blob;
    struct stat st;

    /* A directory that was deleted is still open to us. */
    if (fstatat(b->root, FILE_INCOMING, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return file_fail(b, errno, FILE_INCOMING, "looking at it", err);
    if (faccessat(b->root, FILE_INCOMING, W_OK, 0) != 0)
        return file_fail(b, errno, FILE_INCOMING, "writing to it", err);
    return FF_OK;
}

/* --- the driver --- */

static const struct ff_blob_ops ops = {
    .open = file_open,
    .close = file_close,
    .put = file_put,
    .get = file_get,
    .stat = file_stat,
    .remove = file_remove,
    .list = file_list,
    .ping = file_ping,
    .tidy = file_tidy,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_BLOB, FF_PARALLEL, ops),
    .caps = FF_BLOB_SHARED | FF_BLOB_DURABLE,
    .name = "file",
    .version = "1.0",
    .summary = "blobs as files of a directory, flushed before they have their names",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.blob = &ops,
};

FF_REGISTER_DRIVER(driver)
