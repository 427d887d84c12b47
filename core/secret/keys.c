/* keys.c - the keys that open secrets: of the setting, or of a file of the data
 * directory with one key a line, the newest first. */
#include "secret/secret_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "secret.keys"
#define FILE_MAX  8192

void keys_wipe(struct keys *k)
{
    explicit_bzero(k, sizeof(*k));
}

static void set_id(struct key *key)
{
    char hash[SHA256_TEXT];

    sha256_text(key->bytes, sizeof(key->bytes), hash);
    snprintf(key->id, sizeof(key->id), "%.16s", hash);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(const char *text, size_t len, struct buf *out)
{
    if (len != (size_t)2 * KEY_BYTES)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0)
            return false;
        buf_add_char(out, (char)(high << 4 | low));
    }
    return true;
}

static bool read_key(const char *text, size_t len, struct key *key)
{
    struct buf b = {0};
    const bool good = (read_hex(text, len, &b) || base64_read(text, len, &b)) &&
                      b.len == sizeof(key->bytes);

    if (good) {
        memcpy(key->bytes, b.data, sizeof(key->bytes));
        set_id(key);
    }
    if (b.len)
        if (b.data)
            explicit_bzero(b.data, b.len);
    buf_done(&b);
    return good;
}

/* All bytes the same is what somebody wrote who wanted any key. */
static bool is_weak(const struct key *key)
{
    unsigned char seen[256] = {0};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(key->bytes); i++)
        n += !seen[key->bytes[i]]++;
    return n < 8;
}

static int read_keys(const char *text, const char *between, const char *where,
                     struct keys *k, struct ff_err *err)
{
    k->n = 0;
    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        const size_t len = strcspn(text, between);

        if (k->n == KEYS_MAX)
            return ff_fail(err, FF_INVALID, 0, "%s: more than %d keys", where,
                           KEYS_MAX);
        if (!read_key(text, len, &k->items[k->n]))
            return ff_fail(err, FF_INVALID, 0,
                           "%s: a key is 32 bytes in base64 or hexadecimal digits, "
                           "as `openssl rand -base64 32` prints them",
                           where);
        if (is_weak(&k->items[k->n]))
            return ff_fail(err, FF_INVALID, 0,
                           "%s: this key is no random one: use `openssl rand -base64 "
                           "32`",
                           where);
        k->n++;
        text += len;
    }
    if (k->n == 0)
        return ff_fail(err, FF_INVALID, 0, "%s: there is no key in it", where);
    return FF_OK;
}

static int check_mode(const char *path, struct ff_err *err)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        return ff_fail(err, FF_DENIED, 0,
                       "%.180s can be read by others: chmod 600 it, then `flowforge "
                       "secret rotate`",
                       path);
    return FF_OK;
}

int keys_load(const struct secret_place *p, struct keys *k, struct ff_err *err)
{
    struct buf b = {0};

    if (p->keys)
        return read_keys(p->keys, ", \n", "auth.encryption_key", k, err);

    MEM_AUTO char *path = file_join(p->data_dir, FILE_NAME);
    const int sys = file_read(path, FILE_MAX, &b);
    int code = check_mode(path, err);

    if (sys != 0)
        code = ff_fail(err, sys == -ENOENT ? FF_NOT_FOUND : FF_UNAVAILABLE, -sys,
                       "%.180s: %s", path, strerror(-sys));
    else if (code == FF_OK)
        code = read_keys(buf_text(&b), "\n", path, k, err);
    if (b.len)
        explicit_bzero(b.data, b.len);
    buf_done(&b);
    return code;
}

int keys_add(struct keys *k, struct ff_err *err)
{
    if (k->n == KEYS_MAX)
        return ff_fail(err, FF_FULL, 0, "there are %d keys already", KEYS_MAX);
    memmove(&k->items[1], &k->items[0], k->n * sizeof(k->items[0]));
    rand_system(k->items[0].bytes, sizeof(k->items[0].bytes));
    set_id(&k->items[0]);
    k->n++;
    return FF_OK;
}

int keys_save(const struct secret_place *p, const struct keys *k, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(p->data_dir, FILE_NAME);
    struct buf b = {0};

    for (size_t i = 0; i < k->n; i++) {
        base64_add(&b, k->items[i].bytes, sizeof(k->items[i].bytes));
        buf_add_char(&b, '\n');
    }

    const int sys = file_write_durable(path, b.data, b.len, 0600);

    if (b.data)
        explicit_bzero(b.data, b.len);
    buf_done(&b);
    if (sys != 0)
        return ff_fail(err, sys == -ENOSPC ? FF_FULL : FF_UNAVAILABLE, -sys,
                       "%.180s: %s", path, strerror(-sys));
    return FF_OK;
}

const struct key *keys_find(const struct keys *k, struct span id)
{
    for (size_t i = 0; i < k->n; i++)
        if (span_is(id, k->items[i].id))
            return &k->items[i];
    return NULL;
}

int keys_lock(const struct secret_place *p, int *fd, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(p->data_dir, FILE_NAME ".lock");
    int failed;

    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%.180s: %s", path, strerror(errno));
    do
        failed = flock(*fd, LOCK_EX) == 0 ? 0 : errno;
    while (failed == EINTR);
    if (failed == 0)
        return FF_OK;
    close(*fd);
    *fd = -1;
    return ff_fail(err, FF_UNAVAILABLE, failed, "%.180s: %s", path, strerror(failed));
}
