/* auth-dev/token_file.c - a token in a file that only its owner can read: whoever can
 * show it is on this host, and is this user. */
#include "auth_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX     "ffdev_" /* so that scanners for secrets know it */
#define PATH_BYTES 4096

static int fail(struct ff_err *err, int code, int sys, const char *path,
                const char *what)
{
    return ff_fail(err, code, sys, "token_path: %.120s %s%s%s", path, what,
                   sys ? ": " : "", sys ? strerror(sys) : "");
}

static void make_token(const struct ff_host *host, char token[MAX_TOKEN_BYTES + 1])
{
    int len = snprintf(token, MAX_TOKEN_BYTES + 1, PREFIX);

    for (int i = 0; i < 4; i++)
        len += snprintf(token + len, (size_t)(MAX_TOKEN_BYTES + 1 - len), "%016llx",
                        (unsigned long long)host->random(host->self));
}

/* Written under another name first: a file of the right name is always whole, whoever
 * else makes one at the same time. */
static int create(const struct ff_host *host, const char *path, struct ff_err *err)
{
    char token[MAX_TOKEN_BYTES + 1];
    char fresh[PATH_BYTES];
    size_t len;
    int sys = 0;
    int fd;

    if (snprintf(fresh, sizeof(fresh), "%s.XXXXXX", path) >= (int)sizeof(fresh))
        return fail(err, FF_INVALID, 0, path, "is too long a path");
    fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return fail(err, FF_INVALID, errno, path, "cannot be made");
    make_token(host, token);
    len = strlen(token);
    token[len++] = '\n';
    if (write(fd, token, len) != (ssize_t)len)
        sys = errno ? errno : ENOSPC;
    else if (link(fresh, path) != 0 && errno != EEXIST)
        sys = errno;
    unlink(fresh);
    close(fd);
    return sys ? fail(err, FF_INVALID, sys, path, "cannot be made") : FF_OK;
}

static int check_file(int fd, const char *path, struct ff_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail(err, FF_INVALID, errno, path, "cannot be looked at");
    if (!S_ISREG(st.st_mode))
        return fail(err, FF_INVALID, 0, path, "is not a regular file");
    if (st.st_uid != geteuid())
        return fail(err, FF_INVALID, 0, path, "belongs to somebody else");
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return fail(err, FF_INVALID, 0, path, "can be read by others: chmod 600 it");
    return FF_OK;
}

static int read_open(int fd, const char *path, char token[MAX_TOKEN_BYTES + 1],
                     struct ff_err *err)
{
    char text[MAX_TOKEN_BYTES + 2];
    size_t len = 0;
    ssize_t n;
    int code = check_file(fd, path, err);

    if (code != FF_OK)
        return code;
    while ((n = read(fd, text + len, sizeof(text) - len)) > 0)
        len += (size_t)n;
    if (n < 0)
        return fail(err, FF_INVALID, errno, path, "cannot be read");
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > MAX_TOKEN_BYTES || memchr(text, '\0', len) || memchr(text, '\n', len))
        return fail(err, FF_INVALID, 0, path, "is not one line of up to 256 bytes");
    memcpy(token, text, len);
    token[len] = '\0';
    return FF_OK;
}

int token_file_read(const struct ff_host *host, const char *path,
                    char token[MAX_TOKEN_BYTES + 1], struct ff_err *err)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags);
    int code;

    if (fd < 0 && errno == ENOENT) {
        code = create(host, path, err);
        if (code != FF_OK)
            return code;
        fd = open(path, flags);
    }
    if (fd < 0)
        return fail(err, FF_INVALID, errno, path, "cannot be opened");
    code = read_open(fd, path, token, err);
    close(fd);
    return code;
}
