/* fuzz_log.c - the chunks of a log, apart by bytes 0xff: by the reader of `flowforge
 * logs` and by that of outputs. Of a log whose every line the first one takes, the
 * second finds the same text on standard output. */
#include "cli/logs/logs_read.h"
#include "exec/exec_priv.h"
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#define CHUNKS_MAX 4

static char dir[128];

struct chunks {
    uint64_t n;
    size_t n_lines;
    bool whole; /* each ends with a newline, as the format has it */
};

static void write_file(const char *path, const char *text, size_t len)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    FUZZ_CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    close(fd);
}

static struct chunks write_chunks(struct fuzz_input *in)
{
    struct chunks c = {.whole = true};
    char path[160];

    while (in->at < in->end && c.n < CHUNKS_MAX) {
        size_t len;
        MEM_AUTO char *text = fuzz_piece(in, 0xff, &len);

        snprintf(path, sizeof(path), "%s/%06u.log", dir, (unsigned)++c.n);
        write_file(path, text, len);
        for (size_t i = 0; i < len; i++)
            c.n_lines += text[i] == '\n';
        c.whole = c.whole && len > 0 && text[len - 1] == '\n';
    }
    for (uint64_t i = c.n; i < CHUNKS_MAX; i++) {
        snprintf(path, sizeof(path), "%s/%06u.log", dir, (unsigned)i + 1);
        unlink(path);
    }
    return c;
}

static size_t read_lines(struct buf *out)
{
    struct log_source *s = log_source_new(dir, false);
    size_t n = 0;

    FUZZ_CHECK(s);
    for (; log_source_next(s, true); n++) {
        const struct log_line *l = &s->line;

        FUZZ_CHECK(l->stream < LOG_STREAMS);
        FUZZ_CHECK(l->text.len == 0 || !memchr(l->text.s, '\n', l->text.len));
        if (l->stream != LOG_STDOUT)
            continue;
        buf_add(out, l->text.s, l->text.len);
        if (l->whole)
            buf_add_char(out, '\n');
    }
    log_source_free(s);
    return n;
}

static void check_line(const char *line, size_t len)
{
    struct log_line l;
    char time[UNITS_TEXT];

    if (!log_line_parse(line, len, &l))
        return;
    units_time_text(l.time_us, time);
    FUZZ_CHECK(strlen(time) == 27);
    FUZZ_CHECK(l.text.s >= line && l.text.s + l.text.len == line + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    struct buf shown = {0}, read = {0};
    struct ff_err err = {0};
    char last[64];

    if (!*dir) {
        snprintf(dir, sizeof(dir), "%s/task.1", fuzz_dir());
        FUZZ_CHECK(file_make_dirs(dir, 0700) == 0);
    }
    MEM_AUTO char *line = fuzz_text(data, size);

    check_line(line, size);
    const struct chunks c = write_chunks(&in);
    const size_t n = read_lines(&shown);

    FUZZ_CHECK(stdout_read(dir, c.n, &read, &err) == FF_OK);
    stderr_last_line(dir, c.n, last, sizeof(last));
    FUZZ_CHECK(text_utf8_error(last, strlen(last)) == strlen(last));
    if (c.whole && n == c.n_lines)
        FUZZ_CHECK(shown.len == read.len &&
                   memcmp(buf_text(&shown), buf_text(&read), read.len) == 0);
    buf_done(&shown);
    buf_done(&read);
    return 0;
}
