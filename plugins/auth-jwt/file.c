/* auth-jwt/file.c - reads a file of keys, if not just anybody could have written it.
 * Its group may: that is how what fetches keys hands them over. */
#include "auth_jwt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever can write the keys can make any token. */
static int check(const char *option, const char *path, const struct stat *st,
                 struct ff_err *err)
{
    if (!S_ISREG(st->st_mode))
        return ff_fail(err, FF_INVALID, 0, "%s: %.120s is not a regular file", option,
                       path);
    if (st->st_mode & S_IWOTH)
        return ff_fail(err, FF_INVALID, 0,
                       "%s: %.120s can be written by anybody: chmod o-w it", option,
                       path);
    if ((size_t)st->st_size > MAX_FILE_BYTES)
        return ff_fail(err, FF_INVALID, 0, "%s: %.120s is larger than 1 MiB", option,
                       path);
    return FF_OK;
}

/* Up to one byte more than is allowed, since the file may grow meanwhile. */
static int read_all(int fd, char *text, size_t *len)
{
    *len = 0;
    while (*len <= MAX_FILE_BYTES) {
        const ssize_t n = read(fd, text + *len, MAX_FILE_BYTES + 1 - *len);

        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return errno;
        *len += n > 0 ? (size_t)n : 0;
    }
    return EFBIG;
}

static int read_open(const char *option, const char *path, int fd, char **text,
                     size_t *len, struct ff_err *err)
{
    struct stat st;
    char *bytes;
    int code;
    int sys;

    if (fstat(fd, &st) != 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%s: %.120s: %s", option, path,
                       strerror(errno));
    code = check(option, path, &st, err);
    if (code != FF_OK)
        return code;
    bytes = malloc(MAX_FILE_BYTES + 2);
    if (!bytes)
        return ff_fail(err, FF_NO_MEMORY, 0, "%s: no memory for the file", option);
    sys = read_all(fd, bytes, len);
    if (sys) {
        free(bytes);
        return ff_fail(err, FF_UNAVAILABLE, sys, "%s: %.120s: %s", option, path,
                       strerror(sys));
    }
    bytes[*len] = '\0';
    *text = bytes;
    return FF_OK;
}

int key_file_read(const char *option, const char *path, char **text, size_t *len,
                  struct ff_err *err)
{
    /* Not blocking: the path may lead to a pipe that nobody fills. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int code;

    if (fd < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%s: %.120s cannot be read: %s",
                       option, path, strerror(errno));
    code = read_open(option, path, fd, text, len, err);
    close(fd);
    return code;
}
