/* pack.c - a folder as a tar: names in the order of their bytes, no times, no owners,
 * and of the modes only whether a file is executable. The same content gives the same
 * bytes, on every machine. */
#include "blob/blob_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OCTAL_MAX INT64_C(077777777777) /* what the field of the size holds */

struct packing {
    int out;
    int64_t n_bytes, max_bytes;
    size_t n_entries;
    struct buf path; /* from the folder on */
    char *piece;
    struct ff_err *err;
};

static int write_all(struct packing *p, const void *bytes, size_t len)
{
    p->n_bytes += (int64_t)len;
    if (p->n_bytes > p->max_bytes)
        return ff_fail(p->err, FF_INVALID, 0, "it is larger than %lld bytes",
                       (long long)p->max_bytes);
    while (len > 0) {
        const ssize_t n = write(p->out, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return blob_fail_sys(p->err, errno, "writing a tar");
        bytes = (const char *)bytes + n;
        len -= (size_t)n;
    }
    return FF_OK;
}

static int write_padding(struct packing *p, uint64_t len)
{
    static const char zeros[TAR_BLOCK];
    const size_t rest = (size_t)(len % TAR_BLOCK);

    return rest ? write_all(p, zeros, TAR_BLOCK - rest) : FF_OK;
}

/* --- headers --- */

uint32_t tar_checksum(const struct tar_header *h)
{
    struct tar_header copy = *h;
    const unsigned char *bytes = (const unsigned char *)&copy;
    uint32_t sum = 0;

    memset(copy.checksum, ' ', sizeof(copy.checksum));
    for (size_t i = 0; i < sizeof(copy); i++)
        sum += bytes[i];
    return sum;
}

/* Digits, and a NUL in the last place. */
static void put_octal(char *field, size_t size, uint64_t value)
{
    field[--size] = '\0';
    while (size > 0) {
        field[--size] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

static int write_header(struct packing *p, const char *name, char type, unsigned mode,
                        int64_t size)
{
    struct tar_header h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
    const size_t len = strlen(name);

    memcpy(h.name, name, len < sizeof(h.name) ? len : sizeof(h.name));
    put_octal(h.mode, sizeof(h.mode), mode);
    put_octal(h.uid, sizeof(h.uid), 0);
    put_octal(h.gid, sizeof(h.gid), 0);
    put_octal(h.size, sizeof(h.size), (uint64_t)(size > OCTAL_MAX ? 0 : size));
    put_octal(h.mtime, sizeof(h.mtime), 0);
    put_octal(h.checksum, sizeof(h.checksum) - 1, tar_checksum(&h));
    h.checksum[7] = ' ';
    return write_all(p, &h, sizeof(h));
}

/* "27 path=a/b/c\n": the number counts itself. */
static void add_record(struct buf *out, const char *key, const char *value)
{
    const size_t rest = strlen(key) + strlen(value) + 3; /* blank, '=', line end */
    size_t len = rest;
    char digits[24];

    for (;;) {
        const size_t n = rest + (size_t)snprintf(digits, sizeof(digits), "%zu", len);

        if (n == len)
            break;
        len = n;
    }
    buf_printf(out, "%zu %s=%s\n", len, key, value);
}

/* A header of its own for what the one of the entry cannot hold. */
static int write_pax(struct packing *p, const char *name, int64_t size)
{
    struct buf records = {0};
    char digits[24];
    int code = FF_OK;

    if (strlen(name) > sizeof(((struct tar_header *)0)->name))
        add_record(&records, "path", name);
    if (size > OCTAL_MAX) {
        snprintf(digits, sizeof(digits), "%lld", (long long)size);
        add_record(&records, "size", digits);
    }
    if (records.len > 0)
        code = write_header(p, "pax", 'x', 0644, (int64_t)records.len);
    if (code == FF_OK && records.len > 0)
        code = write_all(p, records.data, records.len);
    if (code == FF_OK)
        code = write_padding(p, records.len);
    buf_done(&records);
    return code;
}

static int write_entry(struct packing *p, char type, unsigned mode, int64_t size)
{
    const char *name = buf_text(&p->path);

    if (p->path.len > TAR_PATH_MAX)
        return ff_fail(p->err, FF_INVALID, ENAMETOOLONG,
                       "a path in it is longer than %d bytes", TAR_PATH_MAX);
    if (p->n_entries++ >= ARTIFACT_MAX_ENTRIES)
        return ff_fail(p->err, FF_INVALID, 0, "it has more than %d files and folders",
                       ARTIFACT_MAX_ENTRIES);
    if (write_pax(p, name, size) != FF_OK)
        return p->err->code;
    return write_header(p, name, type, mode, size);
}

/* --- entries --- */

static int fail_entry(struct packing *p, int sys)
{
    return blob_fail_sys(p->err, sys, buf_text(&p->path));
}

static int pack_file(struct packing *p, int fd, const struct stat *st)
{
    int64_t left = st->st_size;
    int code = write_entry(p, '0', st->st_mode & S_IXUSR ? 0755 : 0644, left);

    while (code == FF_OK && left > 0) {
        const size_t most =
            left < (int64_t)BLOB_PIECE_BYTES ? (size_t)left : BLOB_PIECE_BYTES;
        const ssize_t n = read(fd, p->piece, most);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_entry(p, errno);
        if (n == 0)
            return ff_fail(p->err, FF_INVALID, 0, "%.160s became shorter meanwhile",
                           buf_text(&p->path));
        code = write_all(p, p->piece, (size_t)n);
        left -= n;
    }
    return code == FF_OK ? write_padding(p, (uint64_t)st->st_size) : code;
}

static int pack_folder(struct packing *p, int folder);

static int pack_open(struct packing *p, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail_entry(p, errno);
    if (S_ISREG(st.st_mode))
        return pack_file(p, fd, &st);
    if (!S_ISDIR(st.st_mode))
        return ff_fail(p->err, FF_INVALID, 0,
                       "%.160s is neither a file nor a folder; an artifact has nothing "
                       "else: pack it into a file yourself",
                       buf_text(&p->path));
    buf_add_char(&p->path, '/');

    const int code = write_entry(p, '5', 0755, 0);

    return code == FF_OK ? pack_folder(p, fd) : code;
}

static int pack_name(struct packing *p, int folder, const char *name)
{
    const size_t len = p->path.len;
    int code;

    buf_add_text(&p->path, name);

    const int fd = walk_open(folder, name, O_RDONLY);

    if (fd == -ELOOP)
        code = ff_fail(p->err, FF_INVALID, ELOOP,
                       "%.160s is a link; an artifact has files and folders only: pack "
                       "it into a file yourself",
                       buf_text(&p->path));
    else
        code = fd < 0 ? fail_entry(p, -fd) : pack_open(p, fd);
    if (fd >= 0)
        close(fd);
    p->path.len = len;
    if (p->path.data)
        p->path.data[len] = '\0';
    return code;
}

/* Each level holds two descriptors; TAR_PATH_MAX bounds how deep it goes. */
static int pack_folder(struct packing *p, int folder) /* NOLINT(misc-no-recursion) */
{
    char **names = NULL;
    size_t n = 0;
    const int sys = walk_names(folder, &names, &n);
    int code = sys == 0 ? FF_OK : fail_entry(p, -sys);

    for (size_t i = 0; i < n; i++) {
        if (code == FF_OK)
            code = pack_name(p, folder, names[i]);
        mem_free(names[i]);
    }
    mem_free(names);
    return code;
}

int tar_pack(int folder, int out, int64_t max_bytes, struct ff_err *err)
{
    static const char end[2 * TAR_BLOCK];
    struct packing p = {.out = out, .max_bytes = max_bytes, .err = err};
    int code;

    p.piece = mem_alloc(BLOB_PIECE_BYTES);
    code = pack_folder(&p, folder);
    if (code == FF_OK)
        code = write_all(&p, end, sizeof(end));
    buf_done(&p.path);
    mem_free(p.piece);
    return code;
}
