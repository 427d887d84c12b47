/* stdout_read.c - reads back what an attempt wrote, from its log chunks (docs/logs.md):
 * lines of "TIME STREAM TAG TEXT", where tag P says that the line goes on. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <string.h>

#define CHUNK_MAX ((size_t)64 << 20) /* a chunk is rotated long before */

/* One line of a chunk; false when it is not of this stream. */
static bool parse_line(const char *line, size_t len, const char *stream,
                       const char **text, size_t *text_len, bool *whole)
{
    const char *space = memchr(line, ' ', len);
    const size_t n = strlen(stream);

    if (!space)
        return false;
    const char *p = space + 1;
    size_t left = len - (size_t)(p - line);
    if (left < n + 3 || memcmp(p, stream, n) != 0 || p[n] != ' ' || p[n + 2] != ' ' ||
        (p[n + 1] != 'F' && p[n + 1] != 'P'))
        return false;
    *whole = p[n + 1] == 'F';
    *text = p + n + 3;
    *text_len = left - n - 3;
    return true;
}

typedef void line_fn(void *arg, const char *text, size_t len, bool whole);

static int each_line(const char *log_dir, uint64_t chunk, const char *stream,
                     line_fn *fn, void *arg, struct ff_err *err)
{
    char name[32];
    struct buf b = {.max = CHUNK_MAX};

    snprintf(name, sizeof(name), "%06llu.log", (unsigned long long)chunk);
    MEM_AUTO char *path = file_join(log_dir, name);
    const int sys = file_read(path, CHUNK_MAX, &b);
    if (sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", path, strerror(-sys));
    const char *p = buf_text(&b), *end = p + b.len;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);
        const char *text;
        size_t text_len;
        bool whole;
        if (parse_line(p, len, stream, &text, &text_len, &whole))
            fn(arg, text, text_len, whole);
        p += len + (nl != NULL);
    }
    buf_done(&b);
    return FF_OK;
}

static void add_text(void *arg, const char *text, size_t len, bool whole)
{
    struct buf *out = arg;

    buf_add(out, text, len);
    if (whole)
        buf_add_char(out, '\n');
}

int stdout_read(const char *log_dir, uint64_t chunks, struct buf *out,
                struct ff_err *err)
{
    for (uint64_t i = 1; i <= chunks && !out->overflow; i++) {
        const int code = each_line(log_dir, i, "stdout", add_text, out, err);
        if (code != FF_OK)
            return code;
    }
    return FF_OK;
}

struct last {
    char *out, *line; /* of one size each */
    size_t size, len; /* of line: what of it has come */
    bool goes_on;
};

/* A program that does not buffer writes one line in several pieces. */
static void keep_last(void *arg, const char *text, size_t len, bool whole)
{
    struct last *last = arg;

    if (!last->goes_on)
        last->len = 0;
    last->goes_on = !whole;
    if (len >= last->size - last->len)
        len = last->size - 1 - last->len;
    memcpy(last->line + last->len, text, len);
    last->len += len;
    text = last->line;
    len = last->len;
    while (len > 0 && text_utf8_error(text, len) != len)
        len--; /* cut inside a character, or binary: keep what is text */
    if (len == 0)
        return;
    memcpy(last->out, text, len);
    last->out[len] = 0;
}

void stderr_last_line(const char *log_dir, uint64_t chunks, char *out, size_t size)
{
    MEM_AUTO char *line = mem_alloc(size);
    struct last last = {.out = out, .line = line, .size = size};
    struct ff_err err;

    out[0] = 0;
    if (chunks > 0)
        each_line(log_dir, chunks, "stderr", keep_last, &last, &err);
}
