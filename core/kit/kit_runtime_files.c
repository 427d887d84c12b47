/* kit/kit_runtime_files.c - what attempts leave and tell: fifos, files, logs, outputs.
 */
#include "kit/kit_runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX  ((size_t)64 << 20)
#define TIME_LEN  27
#define TEXT_MAX  ((size_t)16 * 1024)
#define CHUNK_MAX ((size_t)8 << 20)
#define CHUNK_N   1000

/* --- fifos --- */

char *kitr_path(struct kitr *r, const char *name)
{
    return file_join(kit_dir(r->k), name);
}

static int open_fifo(struct kitr *r, const char *name)
{
    MEM_AUTO char *path = kitr_path(r, name);
    /* For both ends: it is never at its end, whoever comes and goes. */
    const int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        kit_skip(r->k, "no fifo %s: %s", path, strerror(errno));
    return fd;
}

static void on_told(void *arg, int fd, uint32_t events)
{
    struct kitr *r = arg;
    char some[512];
    const ssize_t n = read(fd, some, sizeof(some));

    (void)events;
    if (n > 0)
        buf_add(&r->told, some, (size_t)n);
    kit_wake(r->k);
}

void kitr_fifos_done(struct kitr *r)
{
    loop_watch_del(r->tell_watch);
    if (r->tell_fd >= 0)
        close(r->tell_fd);
    if (r->go_fd >= 0)
        close(r->go_fd);
    buf_done(&r->told);
}

/* The line that begins with the word and a space, and has its end; or NULL. */
static const char *find_line(const struct kitr *r, const char *word)
{
    const size_t len = strlen(word);

    for (const char *line = buf_text(&r->told); strchr(line, '\n');
         line = strchr(line, '\n') + 1)
        if (strncmp(line, word, len) == 0 && line[len] == ' ')
            return line;
    return NULL;
}

struct word {
    const struct kitr *r;
    const char *word;
};

static bool was_told(void *arg)
{
    const struct word *w = arg;

    return find_line(w->r, w->word) != NULL;
}

int64_t kitr_hear(struct kitr *r, const char *word)
{
    struct word w = {r, word};

    if (r->tell_fd < 0) {
        r->tell_fd = open_fifo(r, "tell");
        r->tell_watch = loop_watch_add(r->loop, r->tell_fd, FF_FD_READ, on_told, r);
    }
    if (!kit_wait(r->k, was_told, &w))
        kit_fail(r->k, "no attempt told its '%s'", word);
    return strtoll(find_line(r, word) + strlen(word), NULL, 10);
}

void kitr_go(struct kitr *r)
{
    if (r->go_fd < 0)
        r->go_fd = open_fifo(r, "go");
    if (write(r->go_fd, "go\n", 3) != 3)
        kit_skip(r->k, "the fifo takes nothing: %s", strerror(errno));
}

/* --- files and processes --- */

void kitr_read(struct kitr *r, const char *path, struct buf *out)
{
    const int failed = file_read(path, FILE_MAX, out);

    if (failed)
        kit_fail(r->k, "%s cannot be read: %s", path, strerror(-failed));
}

static bool is_gone(void *arg)
{
    const int64_t *pid = arg;
    struct buf stat = {0};
    char path[64];
    bool gone = true;

    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)*pid);
    if (file_read(path, 4096, &stat) == 0) {
        const char *after = strrchr(buf_text(&stat), ')');

        gone = after && after[1] && (after[2] == 'Z' || after[2] == 'X');
    }
    buf_done(&stat);
    return gone;
}

void kitr_expect_gone(struct kitr *r, int64_t pid, const char *what)
{
    kit_expect(r->k, pid > 1, "%s told %lld for its number", what, (long long)pid);
    if (!is_gone(&pid))
        kit_fail(r->k, "%s (process %lld) was still there after the final event", what,
                 (long long)pid);
}

/* --- logs, docs/logs.md --- */

struct record {
    const char *stream;
    size_t stream_len;
    char tag;
    const char *text;
    size_t len;
};

static void judge_time(struct kitr *r, const char *line, const char *where)
{
    static const char shape[] = "0000-00-00T00:00:00.000000Z ";

    for (size_t i = 0; i < TIME_LEN + 1; i++)
        if (shape[i] == '0' ? line[i] < '0' || line[i] > '9' : line[i] != shape[i])
            kit_fail(r->k, "%s: a record begins with '%.28s', not with a time", where,
                     line);
}

static struct record parse(struct kitr *r, const char *line, size_t len,
                           const char *where)
{
    static const char *const streams[] = {"stdout ", "stderr ", "system "};
    struct record record = {0};

    kit_expect(r->k, len >= TIME_LEN + 10, "%s: a record has %zu bytes", where, len);
    judge_time(r, line, where);
    line += TIME_LEN + 1;
    len -= TIME_LEN + 1;
    for (size_t i = 0; i < COUNT_OF(streams); i++)
        if (strncmp(line, streams[i], 7) == 0)
            record = (struct record){streams[i], 6, line[7], line + 9, len - 9};
    kit_expect(r->k, record.stream, "%s: a record is of the stream '%.6s'", where,
               line);
    kit_expect(r->k, (record.tag == 'F' || record.tag == 'P') && line[8] == ' ',
               "%s: a record has the tag '%.2s'", where, line + 7);
    kit_expect(r->k, record.len <= TEXT_MAX, "%s: a record has %zu bytes of text",
               where, record.len);
    return record;
}

static void add_chunk(struct kitr *r, const struct buf *chunk, const char *where,
                      const char *stream, struct buf *out)
{
    const char *at = buf_text(chunk);
    const char *end = at + chunk->len;

    kit_expect(r->k, chunk->len <= CHUNK_MAX, "%s has %zu bytes", where, chunk->len);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t len = (size_t)((newline ? newline : end) - at);

        kit_expect(r->k, at + len < end, "%s does not end with a whole record", where);
        const struct record record = parse(r, at, len, where);

        if (strncmp(record.stream, stream, record.stream_len) == 0) {
            buf_add(out, record.text, record.len);
            if (record.tag == 'F')
                buf_add_char(out, '\n');
        }
        at += len + 1;
    }
}

void kitr_log(struct kitr *r, const char *log_dir, const char *stream, struct buf *out)
{
    for (int i = 1; i <= CHUNK_N; i++) {
        struct buf chunk = {0};
        char name[32];

        snprintf(name, sizeof(name), "%06d.log", i);
        MEM_AUTO char *path = file_join(log_dir, name);
        const int failed = file_read(path, FILE_MAX, &chunk);

        if (failed == -ENOENT)
            return;
        kit_expect(r->k, !failed, "%s cannot be read: %s", path, strerror(-failed));
        add_chunk(r, &chunk, name, stream, out);
        buf_done(&chunk);
    }
}

/* --- outputs --- */

struct work {
    struct kitr *r;
    ff_call_fn *fn;
    void *arg;
    bool done;
};

static void do_work(void *arg)
{
    const struct work *w = arg;

    w->fn(w->arg);
}

static void after_work(void *arg)
{
    struct work *w = arg;

    w->done = true;
    kit_wake(w->r->k);
}

static bool work_is_done(void *arg)
{
    return ((const struct work *)arg)->done;
}

void kitr_on_worker(struct kitr *r, ff_call_fn *fn, void *arg)
{
    struct work w = {.r = r, .fn = fn, .arg = arg};

    lane_do(r->lane, do_work, after_work, &w);
    if (!kit_wait(r->k, work_is_done, &w))
        kit_fail(r->k, "a call on a worker thread did not return");
}

struct reading {
    struct kitr *r;
    const char *id, *name, *to;
    struct buf *out;
    struct ff_err err;
    int code;
};

static int add_piece(void *arg, const void *bytes, size_t len)
{
    const struct reading *reading = arg;

    buf_add(reading->out, bytes, len);
    return 0;
}

static void read_output(void *arg)
{
    struct reading *g = arg;
    const struct kitr *r = g->r;

    g->code = r->ops->output(r->runtime, g->id, g->name, add_piece, g, &g->err);
}

static void take_output(void *arg)
{
    struct reading *g = arg;
    const struct kitr *r = g->r;

    g->code = r->ops->take(r->runtime, g->id, g->name, g->to, &g->err);
}

static int finish(struct kitr *r, const struct reading *g, const char *what,
                  struct ff_err *err)
{
    *err = g->err;
    kit_expect(r->k, g->code == FF_OK || g->err.msg[0],
               "%s of '%s' failed with %s and no sentence that says why", what, g->name,
               kit_code_name(g->code));
    return g->code;
}

int kitr_output(struct kitr *r, const char *id, const char *name, struct buf *out,
                struct ff_err *err)
{
    struct reading g = {.r = r, .id = id, .name = name, .out = out};

    kitr_on_worker(r, read_output, &g);
    return finish(r, &g, "output", err);
}

int kitr_take(struct kitr *r, const char *id, const char *name, const char *to,
              struct ff_err *err)
{
    struct reading g = {.r = r, .id = id, .name = name, .to = to};

    kitr_on_worker(r, take_output, &g);
    return finish(r, &g, "take", err);
}
