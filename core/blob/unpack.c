/* unpack.c - a folder from a tar. Takes what pack.c makes and nothing else: a value
 * that names a blob can be made up, and then the tar is whatever somebody put there. */
#include "blob/blob_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAX_MAX (TAR_PATH_MAX + 128)

struct unpacking {
    int in, folder;
    size_t n_entries;
    char *piece;
    /* of the entry */
    struct buf path; /* "" until it is known */
    int64_t size;    /* -1 until it is known */
    struct ff_err *err;
};

static int FF_PRINTF(2, 3) refuse(const struct unpacking *u, const char *fmt, ...)
{
    char why[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return ff_fail(u->err, FF_INVALID, 0, "it is no folder that was kept here: %s",
                   why);
}

static int read_all(struct unpacking *u, void *to, size_t len)
{
    while (len > 0) {
        const ssize_t n = read(u->in, to, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return blob_fail_sys(u->err, errno, "reading a tar");
        if (n == 0)
            return refuse(u, "it ends too early");
        to = (char *)to + n;
        len -= (size_t)n;
    }
    return FF_OK;
}

static int skip_padding(struct unpacking *u, int64_t len)
{
    char rest[TAR_BLOCK];
    const size_t n = (size_t)((TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);

    return read_all(u, rest, n);
}

/* --- headers --- */

/* -1: not a number as pack.c writes it. */
static int64_t octal_of(const char *field, size_t size)
{
    int64_t value = 0;

    for (size_t i = 0; i < size - 1; i++) {
        if (field[i] < '0' || field[i] > '7')
            return -1;
        value = value * 8 + (field[i] - '0');
    }
    return value;
}

static int check_header(const struct unpacking *u, const struct tar_header *h)
{
    if (memcmp(h->magic, "ustar", 6) != 0 || memcmp(h->version, "00", 2) != 0)
        return refuse(u, "a header is not that of a tar");
    if (octal_of(h->checksum, sizeof(h->checksum) - 1) != (int64_t)tar_checksum(h) ||
        memcmp(h->checksum + 6, "\0 ", 2) != 0)
        return refuse(u, "the sum of a header is wrong");
    return FF_OK;
}

/* One record: "27 path=a/b/c\n". Gives where the next one begins, or NULL. */
static const char *take_record(struct unpacking *u, const char *at, const char *end)
{
    char *equals, *rest;
    const long len = strtol(at, &rest, 10);

    /* strtol passes over blanks, of which one may be the end that is told. */
    if (*at < '1' || *at > '9' || len > end - at || *rest != ' ' || at[len - 1] != '\n')
        return NULL;
    equals = memchr(rest, '=', (size_t)(at + len - rest));
    if (!equals)
        return NULL;

    const char *key = rest + 1;
    const size_t key_len = (size_t)(equals - key);
    const char *value = equals + 1;
    const size_t value_len = (size_t)(at + len - 1 - value);

    if (text_is(key, key_len, "path")) {
        buf_clear(&u->path);
        buf_add(&u->path, value, value_len);
    } else if (text_is(key, key_len, "size")) {
        u->size = strtoll(value, &rest, 10);
        if (rest != value + value_len || u->size < 0)
            return NULL;
    } else {
        return NULL;
    }
    return at + len;
}

static int read_pax(struct unpacking *u, int64_t size)
{
    char records[PAX_MAX + 1];
    const char *at = records;

    if (size > PAX_MAX)
        return refuse(u, "a name is longer than %d bytes", TAR_PATH_MAX);
    if (read_all(u, records, (size_t)size) != FF_OK || skip_padding(u, size) != FF_OK)
        return u->err->code;
    records[size] = '\0';
    while (at && at < records + size)
        at = take_record(u, at, records + size);
    return at ? FF_OK : refuse(u, "an extended header has something else in it");
}

/* --- entries --- */

/* The folder of the entry, and its own name. Its folder has come before it, so nothing
 * is made here. */
static int find_place(struct unpacking *u, char *path, const char **name)
{
    int folder = dup(u->folder);
    char *at = path;

    if (folder < 0)
        return blob_fail_sys(u->err, errno, "a folder");
    for (char *slash; (slash = strchr(at, '/')); at = slash + 1) {
        *slash = '\0';

        const int next = strcmp(at, "..") == 0 || strcmp(at, ".") == 0 || !*at
                             ? -EINVAL
                             : walk_open(folder, at, O_RDONLY | O_DIRECTORY);

        close(folder);
        if (next < 0) {
            refuse(u, "a name leads elsewhere");
            return -1;
        }
        folder = next;
    }
    *name = at;
    if (*at && strcmp(at, ".") != 0 && strcmp(at, "..") != 0)
        return folder;
    close(folder);
    refuse(u, "a name leads elsewhere");
    return -1;
}

static int copy_content(struct unpacking *u, int fd)
{
    for (int64_t left = u->size; left > 0;) {
        const size_t n =
            left < (int64_t)BLOB_PIECE_BYTES ? (size_t)left : BLOB_PIECE_BYTES;

        if (read_all(u, u->piece, n) != FF_OK)
            return u->err->code;
        for (size_t at = 0; at < n;) {
            const ssize_t done = write(fd, u->piece + at, n - at);

            if (done < 0 && errno != EINTR)
                return blob_fail_sys(u->err, errno, "writing a file");
            at += done > 0 ? (size_t)done : 0;
        }
        left -= (int64_t)n;
    }
    return skip_padding(u, u->size);
}

static int make_file(struct unpacking *u, int folder, const char *name, unsigned mode)
{
    const int fd =
        openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
               mode & 0100 ? 0755 : 0644);
    int code;

    if (fd < 0 && errno == EEXIST)
        return refuse(u, "a name comes twice");
    if (fd < 0)
        return blob_fail_sys(u->err, errno, "making a file");
    code = copy_content(u, fd);
    close(fd);
    return code;
}

static int make_folder(struct unpacking *u, int folder, const char *name)
{
    if (u->size != 0)
        return refuse(u, "a folder has content");
    if (mkdirat(folder, name, 0755) == 0)
        return FF_OK;
    return errno == EEXIST ? refuse(u, "a name comes twice")
                           : blob_fail_sys(u->err, errno, "making a folder");
}

static int make_entry(struct unpacking *u, const struct tar_header *h)
{
    MEM_AUTO char *path = mem_text(buf_text(&u->path));
    const size_t len = strlen(path);
    const char *name = NULL;
    int folder, code;

    if (len != u->path.len || len == 0 || len > TAR_PATH_MAX)
        return refuse(u, "a name is not one");
    if (h->type == '5' && path[len - 1] == '/')
        path[len - 1] = '\0';
    folder = find_place(u, path, &name);
    if (folder < 0 || !name)
        return u->err->code;
    if (h->type == '5')
        code = make_folder(u, folder, name);
    else
        code = make_file(u, folder, name, (unsigned)octal_of(h->mode, sizeof(h->mode)));
    close(folder);
    return code;
}

static int take_entry(struct unpacking *u, const struct tar_header *h)
{
    const int64_t size = octal_of(h->size, sizeof(h->size));
    int code;

    if (size < 0)
        return refuse(u, "the size of an entry is no number");
    if (h->type == 'x')
        return read_pax(u, size);
    if (h->type != '0' && h->type != '5')
        return refuse(u, "an entry is neither file nor folder");
    if (u->n_entries++ >= ARTIFACT_MAX_ENTRIES)
        return refuse(u, "it has more than %d entries", ARTIFACT_MAX_ENTRIES);
    if (u->path.len == 0)
        buf_add(&u->path, h->name, strnlen(h->name, sizeof(h->name)));
    if (u->size < 0)
        u->size = size;
    code = make_entry(u, h);
    buf_clear(&u->path);
    u->size = -1;
    return code;
}

static int unpack_all(struct unpacking *u)
{
    static const struct tar_header end;
    struct tar_header h;

    for (;;) {
        if (read_all(u, &h, sizeof(h)) != FF_OK)
            return u->err->code;
        if (memcmp(&h, &end, sizeof(h)) == 0)
            return FF_OK;
        if (check_header(u, &h) != FF_OK || take_entry(u, &h) != FF_OK)
            return u->err->code;
    }
}

int tar_unpack(int in, int folder, struct ff_err *err)
{
    struct unpacking u = {.in = in, .folder = folder, .size = -1, .err = err};
    int code;

    if (lseek(in, 0, SEEK_SET) != 0)
        return blob_fail_sys(err, errno, "reading a tar");
    u.piece = mem_alloc(BLOB_PIECE_BYTES);
    code = unpack_all(&u);
    buf_done(&u.path);
    mem_free(u.piece);
    return code;
}
