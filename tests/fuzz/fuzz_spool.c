/* fuzz_spool.c - what the SDK leaves in $FF_OUT when it could not reach the owner.
 * Where the bytes are cut makes no difference, every output of a whole line counts, and
 * the log that comes of it has the form of logs. */
#include "cli/logs/logs_read.h"
#include "exec/exec_priv.h"
#include "fuzz.h"

#include <unistd.h>

static struct {
    const uint8_t *data;
    size_t size, step;
} left;

static int output(void *runtime, const char *attempt_id, const char *name,
                  ff_bytes_fn *fn, void *arg, struct ff_err *err)
{
    (void)runtime;
    (void)attempt_id;
    (void)err;
    FUZZ_CHECK(strcmp(name, SPOOL_NAME) == 0);
    for (size_t at = 0; at < left.size; at += left.step) {
        const size_t n = left.size - at < left.step ? left.size - at : left.step;

        if (fn(arg, left.data + at, n))
            return FF_OK;
    }
    return FF_OK;
}

static void check_log(const char *path)
{
    struct buf b = {0};

    if (file_read(path, (size_t)1 << 24, &b) != 0)
        return;
    for (const char *p = buf_text(&b), *end = p + b.len; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        struct log_line line;

        FUZZ_CHECK(stop);
        FUZZ_CHECK(log_line_parse(p, (size_t)(stop - p), &line));
        FUZZ_CHECK(line.stream == LOG_SDK);
        p = stop + 1;
    }
    buf_done(&b);
    unlink(path);
}

static struct spool_words read_in_steps(size_t step)
{
    static const struct ff_runtime_ops ops = {.output = output};
    struct exec x = {.runtime_ops = &ops};
    char sdk[128], log[128];
    struct spool_words words = {0};

    snprintf(sdk, sizeof(sdk), "%s/none", fuzz_dir());
    snprintf(log, sizeof(log), "%s/sdk.log", fuzz_dir());
    struct attempt a = {.exec = &x,
                        .id = "a",
                        .sdk_file = sdk,
                        .log_dir = (char *)(uintptr_t)fuzz_dir(),
                        .sdk_log_fd = -1};

    left.step = step;
    spool_read(&a, NULL, &words);
    check_log(log);
    return words;
}

/* The outputs of the lines that end, one by one. */
static json_t *expected(const uint8_t *data, size_t size)
{
    json_t *all = json_object();
    struct fuzz_input in = {data, data + size};

    while (in.at < in.end && memchr(in.at, '\n', (size_t)(in.end - in.at))) {
        size_t len;
        struct ff_err err;
        MEM_AUTO char *line = fuzz_piece(&in, '\n', &len);
        json_t *o = json_parse(line, len, &err);
        const char *kind = json_string_value(json_object_get(o, "kind"));
        const char *name = json_string_value(json_object_get(o, "name"));
        json_t *value = json_object_get(o, "value");

        if (kind && strcmp(kind, "output") == 0 && name && value)
            json_object_set(all, name, value);
        json_decref(o);
    }
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    left.data = data;
    left.size = size;
    struct spool_words whole = read_in_steps(size + 1);
    struct spool_words cut = read_in_steps(3);
    json_t *outputs = expected(data, size);

    FUZZ_CHECK(json_equal(whole.outputs, cut.outputs));
    FUZZ_CHECK(json_equal(whole.outputs, outputs));
    FUZZ_CHECK((whole.status == NULL) == (cut.status == NULL));
    FUZZ_CHECK(!whole.status || strcmp(whole.status, cut.status) == 0);
    json_decref(outputs);
    spool_words_done(&whole);
    spool_words_done(&cut);
    return 0;
}
