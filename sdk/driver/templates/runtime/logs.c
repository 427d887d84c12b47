/* logs.c - records "TIME STREAM TAG TEXT" in numbered chunks. What cannot be written is
 * counted, and never stops the task. */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_TEXT  ((size_t)16 * 1024)
#define MAX_CHUNK (UINT64_C(8) * 1024 * 1024)

static int make_dirs(const char *dir)
{
    char path[MAX_PATH + 1];

    snprintf(path, sizeof(path), "%s/", dir);
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = '\0';
            if (mkdir(path, 0700) != 0 && errno != EEXIST)
                return -1;
            *p = '/';
        }
    return 0;
}

static int next_chunk(struct logs *l)
{
    char path[MAX_PATH + 16];

    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    if (make_dirs(l->dir) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/%06llu.log", l->dir,
             (unsigned long long)l->n_chunks + 1);
    l->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (l->fd < 0)
        return -1;
    l->n_chunks++;
    l->chunk_bytes = 0;
    return 0;
}

static size_t head(char *out, size_t size, int64_t now_us, const char *stream,
                   int is_whole)
{
    const time_t s = (time_t)(now_us / 1000000);
    struct tm tm;
    char when[32];

    gmtime_r(&s, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    return (size_t)snprintf(out, size, "%s.%06dZ %s %c ", when, (int)(now_us % 1000000),
                            stream, is_whole ? 'F' : 'P');
}

/* A record is whole or not there. */
static int add_record(struct logs *l, int64_t now_us, const char *stream, int is_whole,
                      const char *text, size_t len)
{
    char start[64];
    const size_t n = head(start, sizeof(start), now_us, stream, is_whole);
    const struct iovec parts[] = {
        {start, n}, {(void *)(uintptr_t)text, len}, {(void *)(uintptr_t) "\n", 1}};

    if ((l->fd < 0 || l->chunk_bytes + n + len + 1 > MAX_CHUNK) && next_chunk(l) != 0)
        return -1;
    if (writev(l->fd, parts, 3) != (ssize_t)(n + len + 1)) {
        if (ftruncate(l->fd, (off_t)l->chunk_bytes) != 0)
            l->dir[0] = '\0'; /* half a record stays: nothing may follow it */
        return -1;
    }
    l->chunk_bytes += n + len + 1;
    return 0;
}

void logs_add(struct logs *l, int64_t now_us, const char *stream, const char *bytes,
              size_t len)
{
    while (len > 0) {
        const size_t most = len < MAX_TEXT ? len : MAX_TEXT;
        const char *newline = memchr(bytes, '\n', most);
        const size_t text = newline ? (size_t)(newline - bytes) : most;
        const size_t taken = text + (newline != NULL);
        const int fits = !l->max_bytes || l->kept + taken <= (uint64_t)l->max_bytes;

        if (l->dir[0] && fits && l->dropped == 0 &&
            add_record(l, now_us, stream, newline != NULL, bytes, text) == 0)
            l->kept += taken;
        else
            l->dropped += taken;
        bytes += taken;
        len -= taken;
    }
}

/* TODO  write on when the disk has room again; here the rest is dropped */
void logs_close(struct logs *l, int64_t now_us)
{
    char text[96];

    if (l->dropped > 0 && l->dir[0]) {
        snprintf(text, sizeof(text), "[flowforge: %llu bytes dropped: over the limit]",
                 (unsigned long long)l->dropped);
        add_record(l, now_us, "system", 1, text, strlen(text));
    }
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
