/* kit/kit_blob_get.c - checks of reading: what is there, what is not, what is damaged,
 * and names that are none. */
#include "kit/kit_blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_US (INT64_C(3600) * UNITS_SECOND)

static void what_is_absent_is_not_found(struct kit *k)
{
    struct kit_content c;
    struct kit_blobs b;
    struct kit_got got;

    kit_content_make(&c, 1, 5000);
    kit_blob_open(k, &b);
    kit_expect_code(k, kit_blob_get_in(&b, KIT_SPACE, &c, &got), FF_NOT_FOUND, &b.err,
                    "a get of what was never put");
    kit_expect_int(k, got.n_bytes, 0, "bytes of what was never put");
    kit_expect(k, b.err.msg[0], "the failure has no sentence");
    kit_blob_must_lack(&b, c.hash, "of what was never put");
    kit_blob_close(&b);
    kit_content_done(&c);
}

static int no_more(void *arg, const void *bytes, size_t len)
{
    int *n_calls = arg;

    (void)bytes;
    (void)len;
    ++*n_calls;
    return 1;
}

static void a_get_can_be_stopped(struct kit *k)
{
    struct ff_blob_id id = {.space = KIT_SPACE};
    struct kit_content c;
    struct kit_blobs b;
    int n_calls = 0;

    kit_content_make(&c, 2, 1 << 20);
    id.hash = c.hash;
    kit_blob_open(k, &b);
    kit_blob_must_put(&b, &c, "to be read in part");
    kit_expect_code(k, b.ops->get(b.session, &id, no_more, &n_calls, &b.err),
                    FF_CANCELLED, &b.err, "a get whose function wanted no more");
    kit_expect_int(k, n_calls, 1, "calls of a function that wanted no more");
    kit_blob_must_get(&b, &c, "after a get that was stopped");
    kit_blob_close(&b);
    kit_content_done(&c);
}

static void stat_tells_size_and_time(struct kit *k)
{
    static const size_t sizes[] = {0, 1, 1000, 300001};
    struct ff_blob_info info;
    struct kit_content c;
    struct kit_blobs b;

    kit_blob_open(k, &b);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const int64_t now_us = loop_wall_us(kit_loop(k));

        kit_content_make(&c, 10 + i, sizes[i]);
        kit_blob_must_put(&b, &c, "to be looked at");
        kit_expect_code(k, kit_blob_stat_in(&b, KIT_SPACE, c.hash, &info), FF_OK,
                        &b.err, "a stat");
        kit_expect_int(k, info.size_bytes, sizes[i], "size_bytes");
        kit_expect(k,
                   info.put_us > now_us - FF_BLOB_RENEW_US - HOUR_US &&
                       info.put_us < now_us + HOUR_US,
                   "put_us is %lld; put at %lld microseconds since 1970",
                   (long long)info.put_us, (long long)now_us);
        kit_content_done(&c);
    }
    kit_blob_close(&b);
}

/* --- damage: only where the content lies in a file that we can reach --- */

static bool spoil_file(const char *path, off_t len)
{
    struct stat st;
    char byte;
    bool spoiled = false;

    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != len)
        return false;
    chmod(path, 0600);

    const int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return false;
    if (pread(fd, &byte, 1, len / 2) == 1) {
        byte ^= 1;
        spoiled = pwrite(fd, &byte, 1, len / 2) == 1;
    }
    close(fd);
    return spoiled;
}

/* Changes a byte of the first file of this length below `dir`. */
static bool spoil(const char *dir, off_t len)
{
    DIR *d = opendir(dir);
    bool spoiled = false;

    for (const struct dirent *e; d && !spoiled && (e = readdir(d));) {
        MEM_AUTO char *path = file_join(dir, e->d_name);

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        spoiled = e->d_type == DT_DIR ? spoil(path, len) : spoil_file(path, len);
    }
    if (d)
        closedir(d);
    return spoiled;
}

#define SPOILED_LEN 123457

static void put_and_spoil(struct kit *k, struct kit_blobs *b, struct kit_content *c)
{
    if (!kit_uses(k, "dir"))
        kit_skip(k, "no option holds {dir}");
    kit_content_make(c, 20, SPOILED_LEN);
    kit_blob_open(k, b);
    kit_blob_must_put(b, c, "to be damaged");
    if (!spoil(kit_dir(k), SPOILED_LEN))
        kit_skip(k, "no file below {dir} holds the content alone");
}

static void damage_is_found(struct kit *k)
{
    struct kit_content c;
    struct kit_blobs b;
    struct kit_got got;

    put_and_spoil(k, &b, &c);
    kit_expect_code(k, kit_blob_get_in(&b, KIT_SPACE, &c, &got), FF_CORRUPT, &b.err,
                    "a get of a blob of which one bit was changed");
    kit_expect(k, b.err.msg[0], "the failure has no sentence");
    kit_blob_close(&b);
    kit_content_done(&c);
}

static void a_put_mends(struct kit *k)
{
    struct kit_content c;
    struct kit_blobs b;

    put_and_spoil(k, &b, &c);
    kit_blob_must_put(&b, &c, "one bit of it being changed");
    kit_blob_must_get(&b, &c, "put again when it was damaged");
    kit_blob_close(&b);
    kit_content_done(&c);
}

/* --- names --- */

#define H62 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"

static const struct {
    const char *space, *hash, *what;
} bad_names[] = {
    {"", H62 "ff", "an empty space"},
    {"a-b", H62 "ff", "a space with '-'"},
    {"A", H62 "ff", "a space with a capital"},
    {"..", H62 "ff", "the space '..'"},
    {"a/b", H62 "ff", "a space with '/'"},
    {"a b", H62 "ff", "a space with a blank"},
    {"a\n", H62 "ff", "a space with a line end"},
    {H62 "ff", H62 "ff", "a space of 64 bytes"},
    {"kit", "", "an empty hash"},
    {"kit", H62 "f", "a hash of 63 digits"},
    {"kit", H62 "fff", "a hash of 65 digits"},
    {"kit", H62 "fF", "a hash with a capital"},
    {"kit", H62 "fg", "a hash with a letter that is no digit"},
    {"kit", H62 "/.", "a hash with '/'"},
    {NULL, H62 "ff", "no space"},
    {"kit", NULL, "no hash"},
};

static int read_nothing(void *arg, uint64_t offset, void *to, size_t len)
{
    (void)arg;
    (void)offset;
    memset(to, 0, len);
    return 0;
}

static int ignore_info(void *arg, const struct ff_blob_info *info)
{
    (void)arg;
    (void)info;
    return 0;
}

static void expect_refused(struct kit_blobs *b, const struct ff_blob_id *id,
                           const char *what)
{
    struct ff_blob_info info = {.struct_size = sizeof(info)};
    int ignored = 0;

    kit_expect_code(b->k,
                    b->ops->put(b->session, id, 1, read_nothing, &ignored, &b->err),
                    FF_INVALID, &b->err, "put with %s", what);
    kit_expect_code(b->k, b->ops->get(b->session, id, no_more, &ignored, &b->err),
                    FF_INVALID, &b->err, "get with %s", what);
    kit_expect_code(b->k, b->ops->stat(b->session, id, &info, &b->err), FF_INVALID,
                    &b->err, "stat with %s", what);
    kit_expect_code(b->k, b->ops->remove(b->session, id, INT64_MAX, &b->err),
                    FF_INVALID, &b->err, "remove with %s", what);
    kit_expect_code(
        b->k, b->ops->list(b->session, NULL, id, 1, ignore_info, &ignored, &b->err),
        FF_INVALID, &b->err, "list after %s", what);
}

static void bad_names_are_refused(struct kit *k)
{
    struct kit_listed listed = {0};
    struct kit_blobs b;
    int ignored = 0;

    kit_blob_open(k, &b);
    for (size_t i = 0; i < COUNT_OF(bad_names); i++) {
        const struct ff_blob_id id = {bad_names[i].space, bad_names[i].hash};

        expect_refused(&b, &id, bad_names[i].what);
        if (id.space && strcmp(id.space, "kit") != 0)
            kit_expect_code(k,
                            b.ops->list(b.session, id.space, NULL, 1, ignore_info,
                                        &ignored, &b.err),
                            FF_INVALID, &b.err, "list of %s", bad_names[i].what);
    }
    kit_blob_list_in(&b, NULL, NULL, NULL, 0, &listed);
    kit_expect_int(k, listed.n, 0, "blobs, when all puts were refused");
    kit_listed_done(&listed);
    kit_blob_close(&b);
}

static void spaces_stand_apart(struct kit *k)
{
    static const char longest[] =
        "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_012345678";
    static const char *const others[] = {"a", "0", "_", longest};
    struct ff_blob_info info;
    struct kit_content c;
    struct kit_blobs b;

    kit_content_make(&c, 30, 2000);
    kit_blob_open(k, &b);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        kit_blob_must_put(&b, &c, "in the space " KIT_SPACE);
        kit_expect_code(k, kit_blob_stat_in(&b, others[i], c.hash, &info), FF_NOT_FOUND,
                        &b.err, "a stat in %s of what was put in %s", others[i],
                        KIT_SPACE);
        kit_expect_code(k, kit_blob_put_in(&b, others[i], &c), FF_OK, &b.err,
                        "a put in %s", others[i]);
        kit_expect_code(k, kit_blob_remove_in(&b, others[i], c.hash, INT64_MAX), FF_OK,
                        &b.err, "a remove in %s", others[i]);
        kit_blob_must_get(&b, &c, "removed in another space");
    }
    kit_blob_close(&b);
    kit_content_done(&c);
}

const struct kit_check kit_blob_get[] = {
    {.name = "get/absent",
     .what = "what was never put is FF_NOT_FOUND, for get and stat",
     .run = what_is_absent_is_not_found},
    {.name = "get/stop",
     .what = "a get whose function wants no more is FF_CANCELLED",
     .run = a_get_can_be_stopped},
    {.name = "get/damaged",
     .what = "a get of damaged content is FF_CORRUPT",
     .run = damage_is_found},
    {.name = "get/mended",
     .what = "a put of a damaged blob makes it whole",
     .run = a_put_mends},
    {.name = "stat/size-time",
     .what = "stat tells the size in bytes and the time in microseconds",
     .run = stat_tells_size_and_time},
    {.name = "id/refused",
     .what = "names that the contract does not allow are FF_INVALID in every call",
     .run = bad_names_are_refused},
    {.name = "id/spaces",
     .what = "the same content in two spaces is two blobs",
     .run = spaces_stand_apart},
    {0},
};
