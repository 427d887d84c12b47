/* spool.c - see spool.h. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES  ((size_t)64 << 10)
#define READS       4 /* of one pipe in one round, so that others get their turn */
#define DRAIN_READS 1024
#define CHUNK_BYTES ((int64_t)8 << 20)
#define LINE_BYTES  ((size_t)16 << 10) /* longer lines are cut into pieces */
#define STAMP_SIZE  40
#define HEAD_SIZE   (STAMP_SIZE + 16)
#define RETRY_US    1000000
/* What lines cost besides their text: a flood of empty ones counts as over the limit
 * when the files reach this many times max_bytes, and some more. */
#define FRAMING_TIMES 8
#define FRAMING_BYTES ((int64_t)64 << 10)

static char input[READ_BYTES];
static char page[READ_BYTES + LINE_BYTES + HEAD_SIZE];

static bool can_nowait;

/* Records that are formatted and not written yet, and the output in them. */
static size_t page_len;
static uint64_t page_text;

static size_t stamp(char text[STAMP_SIZE])
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    return (size_t)snprintf(text, STAMP_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ ",
                            tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                            tm.tm_min, tm.tm_sec, now.tv_nsec / 1000);
}

static bool make_dirs(char *path)
{
    if (!mkdir(path, 0750) || errno == EEXIST)
        return true;
    if (errno != ENOENT)
        return false;
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        const bool made = !mkdir(path, 0750) || errno == EEXIST;
        *at = '/';
        if (!made)
            return false;
    }
    return !mkdir(path, 0750) || errno == EEXIST;
}

/* Reads a pipe without waiting, although it is in blocking mode: the child shares
 * the mode of its end only, and setting ours would cost a system call each. */
static ssize_t read_pipe(int fd)
{
    const struct iovec whole = {.iov_base = input, .iov_len = sizeof(input)};
    ssize_t n;

    do
        n = can_nowait ? preadv2(fd, &whole, 1, -1, RWF_NOWAIT)
                       : read(fd, input, sizeof(input));
    while (n < 0 && errno == EINTR);
    return n;
}

/* Pipes learned RWF_NOWAIT in Linux 5.x; before that it is EOPNOTSUPP. */
static void set_nowait(int fd)
{
    static bool asked;

    if (!asked) {
        can_nowait = true;
        can_nowait = read_pipe(fd) >= 0 || errno == EAGAIN;
        asked = true;
    }
    if (!can_nowait)
        fcntl(fd, F_SETFL, O_NONBLOCK);
}

static bool next_chunk(struct spool *spool)
{
    char path[4096 + 32];

    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
    if (!spool->chunks && !make_dirs(spool->dir))
        return false;
    snprintf(path, sizeof(path), "%s/%06u.log", spool->dir, spool->chunks + 1);
    spool->fd =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (spool->fd < 0)
        return false;
    spool->chunks++;
    spool->chunk_bytes = lseek(spool->fd, 0, SEEK_END);
    return true;
}

static bool write_page(struct spool *spool)
{
    size_t written = 0;

    while (written < page_len) {
        const ssize_t n = write(spool->fd, page + written, page_len - written);
        if (n > 0) {
            written += (size_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        const int failed = n ? errno : EIO;
        /* Half a record would spoil what is read later. */
        if (written && ftruncate(spool->fd, spool->chunk_bytes))
            spool->chunk_bytes += (int64_t)written;
        errno = failed;
        return false;
    }
    spool->chunk_bytes += (int64_t)page_len;
    spool->file_bytes += (int64_t)page_len;
    return true;
}

static void lose(struct spool *spool, uint64_t bytes, int why)
{
    spool->dropped += bytes;
    spool->gap += bytes;
    spool->gap_errno = why;
    spool->retry_us = spool->loop->now_us + RETRY_US;
}

static void flush_page(struct spool *spool)
{
    if (page_len) {
        const bool room =
            spool->fd >= 0 && spool->chunk_bytes + (int64_t)page_len <= CHUNK_BYTES;
        if ((room || next_chunk(spool)) && write_page(spool))
            spool->kept += page_text;
        else
            lose(spool, page_text, errno);
    }
    page_len = 0;
    page_text = 0;
}

static void add_record(struct spool *spool, const char *head, size_t head_len,
                       const char *text, size_t len)
{
    if (page_len + head_len + len + 1 > sizeof(page))
        flush_page(spool);
    memcpy(page + page_len, head, head_len);
    memcpy(page + page_len + head_len, text, len);
    page_len += head_len + len;
    page[page_len++] = '\n';
}

/* A line of our own: what the output lacks here. */
static void add_note(struct spool *spool, uint64_t bytes, const char *why)
{
    char head[HEAD_SIZE];
    char text[160];
    size_t len = stamp(head);

    len += (size_t)snprintf(head + len, sizeof(head) - len, "system F ");
    const int n = snprintf(text, sizeof(text), "[flowforge: %llu bytes dropped: %s]",
                           (unsigned long long)bytes, why);
    add_record(spool, head, len, text, (size_t)n);
}

static void declare_gap(struct spool *spool)
{
    const uint64_t gap = spool->gap;

    spool->gap = 0;
    add_note(spool, gap, strerror(spool->gap_errno));
    flush_page(spool);
    if (spool->gap_errno && spool->retry_us > spool->loop->now_us)
        spool->gap += gap;
}

/* How much of `len` bytes may still be kept. */
static size_t allowed(const struct spool *spool, size_t len)
{
    if (!spool->max_bytes)
        return len;
    const int64_t left = spool->max_bytes - (int64_t)(spool->kept + page_text);
    if (left <= 0 || spool->file_bytes + (int64_t)page_len >=
                         FRAMING_TIMES * spool->max_bytes + FRAMING_BYTES)
        return 0;
    return (size_t)left < len ? (size_t)left : len;
}

/* Takes one record off the front of the text: a line, or what there is of it. */
static size_t add_line(struct spool *spool, char *head, size_t head_len,
                       const char *text, size_t len)
{
    size_t take = len < LINE_BYTES ? len : LINE_BYTES;
    const char *newline = memchr(text, '\n', take < len ? take + 1 : take);
    const bool whole = newline != NULL;

    if (whole)
        take = (size_t)(newline - text);
    const size_t used = whole ? take + 1 : take;
    const size_t may = allowed(spool, used);
    if (may < used) {
        spool->over += len - may;
        spool->dropped += len - may;
        if (!may)
            return len;
        take = may;
    }
    head[head_len - 2] = may < used || !whole ? 'P' : 'F';
    add_record(spool, head, head_len, text, take);
    page_text += may;
    return may < used ? len : used;
}

static void add_text(struct spool *spool, int i, const char *text, size_t len)
{
    char head[HEAD_SIZE];

    if (!spool->dir)
        return;
    if (spool->gap && spool->retry_us <= spool->loop->now_us)
        declare_gap(spool);
    size_t head_len = stamp(head);
    head_len += (size_t)snprintf(head + head_len, sizeof(head) - head_len, "%s F ",
                                 spool->streams[i].name);
    while (len) {
        if (spool->retry_us > spool->loop->now_us) {
            lose(spool, len, spool->gap_errno);
            return;
        }
        const size_t used = add_line(spool, head, head_len, text, len);
        text += used;
        len -= used;
    }
    flush_page(spool);
}

/* Without what must not stand in the log. Its beginning at the end of what was read is
 * held back, so a task that prints a prompt like one of these seems to wait. */
static void take_text(struct spool *spool, int i, const char *text, size_t len)
{
    const char *shown = text;

    if (spool->mask)
        len = mask_feed(spool->mask, i, text, len, false, &shown);
    if (len)
        add_text(spool, i, shown, len);
}

static void take_end(struct spool *spool, int i)
{
    const char *shown;
    const size_t len =
        spool->mask ? mask_feed(spool->mask, i, NULL, 0, true, &shown) : 0;

    if (len)
        add_text(spool, i, shown, len);
}

/* False at the end of the stream. */
static bool read_some(struct spool *spool, int i)
{
    const int fd = spool->streams[i].source.fd;

    for (int reads = 0; reads < READS; reads++) {
        const ssize_t n = read_pipe(fd);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        take_text(spool, i, input, (size_t)n);
        if ((size_t)n < sizeof(input) / 2)
            break; /* it is empty now, or the loop will say otherwise */
    }
    return true;
}

static void close_stream(struct spool *spool, int i)
{
    struct stream *stream = &spool->streams[i];

    if (stream->source.fd < 0)
        return;
    loop_unwatch(spool->loop, &stream->source);
    close(stream->source.fd);
    stream->source.fd = -1;
}

static void on_readable(struct source *source, uint32_t events)
{
    struct stream *stream = (struct stream *)source;
    struct spool *spool = stream->spool;
    const int i = (int)(stream - spool->streams);

    (void)events;
    if (!read_some(spool, i))
        close_stream(spool, i);
}

bool spool_open(struct spool *spool, struct loop *loop, int write_fds[2])
{
    int out[2];
    int err[2];

    if (pipe2(out, O_CLOEXEC))
        return false;
    if (pipe2(err, O_CLOEXEC)) {
        const int failed = errno;
        close(out[0]);
        close(out[1]);
        errno = failed;
        return false;
    }
    set_nowait(out[0]);
    set_nowait(err[0]);
    *spool = (struct spool){.loop = loop, .fd = -1};
    spool->streams[0] = (struct stream){
        .source = {.fn = on_readable, .fd = out[0]}, .spool = spool, .name = "stdout"};
    spool->streams[1] = (struct stream){
        .source = {.fn = on_readable, .fd = err[0]}, .spool = spool, .name = "stderr"};
    write_fds[0] = out[1];
    write_fds[1] = err[1];
    return true;
}

bool spool_into(struct spool *spool, const char *dir, int64_t max_bytes,
                const char *const *masks)
{
    spool->max_bytes = max_bytes;
    if (!dir)
        return true;
    if (!mask_new(masks, sizeof(input), &spool->mask))
        return false;
    spool->dir = strdup(dir);
    return spool->dir != NULL;
}

bool spool_watch(struct spool *spool)
{
    for (int i = 0; i < 2; i++) {
        struct source *source = &spool->streams[i].source;
        if (source->fd >= 0 && !source->watched &&
            !loop_watch(spool->loop, source, EPOLLIN))
            return false;
    }
    return true;
}

/* What the pipe holds. Its writers are dead; somebody else who was handed the
 * descriptor is not waited for, nor listened to for ever. */
static void drain(struct spool *spool, int i)
{
    const int fd = spool->streams[i].source.fd;

    for (int reads = 0; fd >= 0 && reads < DRAIN_READS; reads++) {
        const ssize_t n = read_pipe(fd);
        if (n <= 0)
            break;
        take_text(spool, i, input, (size_t)n);
    }
    take_end(spool, i);
    close_stream(spool, i);
}

void spool_finish(struct spool *spool)
{
    char why[64];

    drain(spool, 0);
    drain(spool, 1);
    spool->retry_us = 0;
    if (spool->gap)
        declare_gap(spool);
    if (spool->over) {
        snprintf(why, sizeof(why), "over the limit of %lld",
                 (long long)spool->max_bytes);
        add_note(spool, spool->over, why);
        flush_page(spool);
    }
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
}

void spool_drop(struct spool *spool)
{
    close_stream(spool, 0);
    close_stream(spool, 1);
    if (spool->fd >= 0)
        close(spool->fd);
    mask_free(spool->mask);
    free(spool->dir);
}
