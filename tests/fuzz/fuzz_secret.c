/* fuzz_secret.c - the first byte chooses: keys as the setting has them, keys as the
 * file has them, a sealed value as a row has it. Keys that are read are written the
 * same; nothing opens but what was sealed, whole and under its own name. */
#include "fuzz.h"
#include "secret/secret_priv.h"

#include <fcntl.h>
#include <unistd.h>

static bool is_same(const struct keys *a, const struct keys *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = memcmp(a->items[i].bytes, b->items[i].bytes, KEY_BYTES) == 0 &&
               strcmp(a->items[i].id, b->items[i].id) == 0;
    return same;
}

static void check_keys(const struct secret_place *p)
{
    const struct secret_place file = {.data_dir = fuzz_dir()};
    struct ff_err err = {0};
    struct keys keys, again;

    if (keys_load(p, &keys, &err) != FF_OK) {
        FUZZ_CHECK(err.code == FF_INVALID && err.msg[0]);
        return;
    }
    FUZZ_CHECK(keys.n >= 1 && keys.n <= KEYS_MAX);
    FUZZ_CHECK(keys_save(&file, &keys, &err) == FF_OK);
    FUZZ_CHECK(keys_load(&file, &again, &err) == FF_OK && is_same(&keys, &again));
    for (size_t i = 0; i < keys.n; i++)
        FUZZ_CHECK(keys_find(&keys, (struct span){keys.items[i].id, KEY_ID - 1}));
}

static void write_keys(const uint8_t *data, size_t size)
{
    MEM_AUTO char *path = file_join(fuzz_dir(), "secret.keys");
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

static bool opens(const char *context, const char *text, size_t len,
                  struct secret_value *value)
{
    static const struct key key = {.bytes = "0123456789abcdefghijklmnopqrstu",
                                   .id = "0123456789abcdef"};
    struct ff_err err = {0};
    const int code = cipher_open(&key, context, (struct span){text, len}, value, &err);

    FUZZ_CHECK(code == FF_OK || (code == FF_DENIED && err.msg[0] && !value->text));
    if (code == FF_OK)
        return true;
    /* What that key seals, it opens. */
    struct buf sealed = {0};

    FUZZ_CHECK(cipher_seal(&key, context, text, len, &sealed, &err) == FF_OK);
    FUZZ_CHECK(cipher_open(&key, context, (struct span){sealed.data, sealed.len}, value,
                           &err) == FF_OK);
    FUZZ_CHECK(value->len == len && memcmp(value->text, text, len) == 0);
    secret_value_wipe(value);
    FUZZ_CHECK(cipher_open(&key, "another name", (struct span){sealed.data, sealed.len},
                           value, &err) == FF_DENIED);
    sealed.data[len % sealed.len] ^= 1;
    FUZZ_CHECK(cipher_open(&key, context, (struct span){sealed.data, sealed.len}, value,
                           &err) == FF_DENIED);
    buf_done(&sealed);
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct secret_place file = {.data_dir = fuzz_dir()};
    struct secret_value value = {0};

    if (size == 0)
        return 0;
    MEM_AUTO char *text = fuzz_text(data + 1, size - 1);
    const struct secret_place setting = {.data_dir = fuzz_dir(), .keys = text};

    if (data[0] % 3 == 0)
        check_keys(&setting);
    else if (data[0] % 3 == 1) {
        write_keys(data + 1, size - 1);
        check_keys(&file);
    } else {
        FUZZ_CHECK(!opens("t1/name", text, size - 1, &value));
    }
    return 0;
}
