/* fuzz_archive.c - a tar that a value names as the folder of an artifact: as it is, or,
 * behind a byte that is not 0, built from entries with good sums. Either it is refused
 * with a sentence, or there is a folder which is packed and unpacked without change;
 * nothing comes to lie beside it. */
#include "blob/blob_priv.h"
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKED_MAX ((int64_t)1 << 24)

static const char types[] = "0055xx17gLK";

/* --- the tar --- */

static void put_octal(char *field, size_t size, uint64_t value)
{
    field[--size] = '\0';
    while (size > 0) {
        field[--size] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

static void add_padded(struct buf *tar, const char *bytes, size_t len)
{
    static const char zeros[TAR_BLOCK];

    buf_add(tar, bytes, len);
    buf_add(tar, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

/* A byte for the type and whether the size is true, a name, a content. */
static void add_entry(struct buf *tar, struct fuzz_input *in)
{
    struct tar_header h = {.magic = "ustar", .version = {'0', '0'}};
    const uint8_t how = fuzz_byte(in);
    size_t n_name, len;
    MEM_AUTO char *name = fuzz_piece(in, 0, &n_name);
    MEM_AUTO char *content = fuzz_piece(in, 0xff, &len);

    h.type = types[how % (sizeof(types) - 1)];
    memcpy(h.name, name, n_name < sizeof(h.name) ? n_name : sizeof(h.name));
    put_octal(h.mode, sizeof(h.mode), how & 0x40 ? 0755 : 0644);
    put_octal(h.size, sizeof(h.size), how & 0x80 ? how : len);
    put_octal(h.checksum, sizeof(h.checksum) - 1, tar_checksum(&h));
    h.checksum[7] = ' ';
    buf_add(tar, &h, sizeof(h));
    add_padded(tar, content, len);
}

static void build(struct buf *tar, const uint8_t *data, size_t size)
{
    static const char end[2 * TAR_BLOCK];
    struct fuzz_input in = {data + 1, data + size};

    if (size == 0 || data[0] == 0) {
        buf_add(tar, data + (size > 0), size - (size > 0));
        return;
    }
    while (in.at < in.end)
        add_entry(tar, &in);
    buf_add(tar, end, sizeof(end));
}

/* --- the folders --- */

static int open_folder(const char *name)
{
    MEM_AUTO char *path = file_join(fuzz_dir(), name);

    file_remove_tree(path);
    FUZZ_CHECK(mkdir(path, 0700) == 0);
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    FUZZ_CHECK(fd >= 0);
    return fd;
}

static int scratch_of(const struct buf *bytes)
{
    const int fd = walk_scratch(fuzz_dir());

    FUZZ_CHECK(fd >= 0);
    for (size_t at = 0; at < bytes->len;) {
        const ssize_t n = write(fd, bytes->data + at, bytes->len - at);

        FUZZ_CHECK(n > 0);
        at += (size_t)n;
    }
    return fd;
}

static void read_back(int fd, struct buf *out)
{
    char piece[4096];
    ssize_t n;

    FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
    while ((n = read(fd, piece, sizeof(piece))) > 0)
        buf_add(out, piece, (size_t)n);
}

static void pack(int folder, struct buf *out)
{
    struct ff_err err = {0};
    const int fd = walk_scratch(fuzz_dir());

    FUZZ_CHECK(fd >= 0 && tar_pack(folder, fd, PACKED_MAX, &err) == FF_OK);
    read_back(fd, out);
    close(fd);
}

static void check_folder(int folder)
{
    struct ff_err err = {0};
    struct buf first = {.max = PACKED_MAX};
    struct buf again = {.max = PACKED_MAX};

    pack(folder, &first);
    const int tar = scratch_of(&first);
    const int same = open_folder("same");

    FUZZ_CHECK(tar_unpack(tar, same, &err) == FF_OK);
    pack(same, &again);
    FUZZ_CHECK(first.len == again.len &&
               memcmp(first.data, again.data, first.len) == 0);
    close(same);
    close(tar);
    buf_done(&first);
    buf_done(&again);
}

/* Of the folder that holds ours: `inside`, and `same` once that was made. */
static void check_beside(void)
{
    const int fd = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char **names = NULL;
    size_t n = 0;

    FUZZ_CHECK(fd >= 0 && walk_names(fd, &names, &n) == 0);
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(strcmp(names[i], "inside") == 0 || strcmp(names[i], "same") == 0);
        mem_free(names[i]);
    }
    mem_free(names);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf tar = {0};
    struct ff_err err = {0};

    build(&tar, data, size);
    const int in = scratch_of(&tar);
    const int folder = open_folder("inside");
    const int code = tar_unpack(in, folder, &err);

    if (code == FF_OK)
        check_folder(folder);
    else
        FUZZ_CHECK(code != FF_INTERNAL && err.code == code && err.msg[0]);
    check_beside();
    close(folder);
    close(in);
    buf_done(&tar);
    return 0;
}
