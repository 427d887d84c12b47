/* fuzz_s3.c - what blob-s3 reads. The first byte chooses: a list of objects or uploads,
 * an answer with an error, the name of an object, a file of keys. A name that is ours
 * is written the same, or another object would be deleted in its place. */
#include "fuzz.h"
#include "s3.h"

#include <fcntl.h>
#include <unistd.h>

#define NAME_TEXT_MAX 1100

static char prefix[] = "flows/";
static const struct s3 s3 = {.prefix = prefix};

static void check_name(const char *name)
{
    struct s3_object o;
    struct ff_err err = {0};
    char written[S3_NAME_MAX];

    if (!s3_parse_name(&s3, name, &o))
        return;
    const struct ff_blob_id id = {.space = o.space, .hash = o.hash};

    FUZZ_CHECK(s3_check_id(&id, &err) == FF_OK && o.put_us >= 0);
    s3_name(&s3, &id, o.put_us, written);
    FUZZ_CHECK(strcmp(written, name) == 0);
}

/* --- lists --- */

struct tally {
    size_t n_objects, n_uploads, n_bytes;
};

static void on_object(void *arg, const char *name, uint64_t size_bytes)
{
    struct tally *t = arg;

    (void)size_bytes;
    FUZZ_CHECK(name[0] && strlen(name) < NAME_TEXT_MAX);
    t->n_objects++;
    t->n_bytes += strlen(name);
    check_name(name);
}

static void on_upload(void *arg, const char *name, const char *id)
{
    struct tally *t = arg;

    FUZZ_CHECK(name[0] && strlen(name) < NAME_TEXT_MAX);
    FUZZ_CHECK(id[0] && strlen(id) < NAME_TEXT_MAX);
    t->n_uploads++;
    t->n_bytes += strlen(id);
}

static void read_list(const char *text, size_t len, struct tally *t,
                      struct s3_seen *seen, bool *good)
{
    *t = (struct tally){0};
    *seen = (struct s3_seen){.object = on_object, .upload = on_upload, .arg = t};
    *good = s3_read_list(text, len, seen);
    FUZZ_CHECK(strlen(seen->next) < sizeof(seen->next));
    FUZZ_CHECK(strlen(seen->next_upload) < sizeof(seen->next_upload));
}

static void check_list(const char *text, size_t len)
{
    struct tally first, second;
    struct s3_seen seen, again;
    bool good, same;

    read_list(text, len, &first, &seen, &good);
    read_list(text, len, &second, &again, &same);
    FUZZ_CHECK(good == same && first.n_objects == second.n_objects &&
               first.n_uploads == second.n_uploads && first.n_bytes == second.n_bytes);
    FUZZ_CHECK(seen.more == again.more && strcmp(seen.next, again.next) == 0);
}

/* --- errors --- */

/* STATUS, two bytes, and the body. */
static void check_error(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    const long status = (long)fuzz_byte(&in) << 2 | (fuzz_byte(&in) & 3);
    MEM_AUTO char *body = fuzz_text(in.at, (size_t)(in.end - in.at));
    char word[32];
    bool again = false;

    s3_element(body, (size_t)(in.end - in.at), "Code", word, sizeof(word));
    FUZZ_CHECK(strlen(word) < sizeof(word) && !strchr(word, '<'));
    const int code = s3_judge(status, word, &again);

    FUZZ_CHECK((code == FF_OK) == (status >= 200 && status < 300));
    FUZZ_CHECK(!again || code == FF_UNAVAILABLE);
}

/* --- keys --- */

static void check_keys(const uint8_t *data, size_t size)
{
    MEM_AUTO char *path = file_join(fuzz_dir(), "credentials");
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct s3_keys keys = {0};
    struct ff_err err = {0};

    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    if (s3_read_keys(path, "default", &keys, &err) != FF_OK) {
        FUZZ_CHECK(err.code == FF_INVALID && err.msg[0]);
        return;
    }
    FUZZ_CHECK(keys.access[0] && keys.secret[0]);
    FUZZ_CHECK(!strpbrk(keys.access, "\r\n") && !strpbrk(keys.secret, "\r\n") &&
               !strpbrk(keys.token, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    MEM_AUTO char *text = fuzz_text(data + 1, size - 1);

    switch (data[0] % 4) {
    case 0:
        check_list(text, size - 1);
        break;
    case 1:
        check_error(data + 1, size - 1);
        break;
    case 2:
        check_name(text);
        break;
    default:
        check_keys(data + 1, size - 1);
    }
    return 0;
}
