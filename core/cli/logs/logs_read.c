/* logs_read.c - see logs_read.h. */
#include "cli/logs/logs_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEEK_BYTES     512 /* of the first read: enough for the time of the first line */
#define READ_BYTES     ((size_t)64 * 1024)
#define LINE_MAX_BYTES ((size_t)1024 * 1024)

const char *const log_stream_names[] = {
    [LOG_STDOUT] = "stdout", [LOG_STDERR] = "stderr", [LOG_SDK] = "sdk",
    [LOG_SYSTEM] = "system", [LOG_STREAMS] = NULL,
};

/* --- one line --- */

/* The word before the next space; moves on behind it. */
static bool take_word(const char **p, const char *end, struct span_text *word)
{
    const char *space = memchr(*p, ' ', (size_t)(end - *p));

    if (!space)
        return false;
    *word = (struct span_text){.s = *p, .len = (size_t)(space - *p)};
    *p = space + 1;
    return true;
}

static bool parse_time(struct span_text word, int64_t *us)
{
    char text[64];

    if (word.len >= sizeof(text))
        return false;
    memcpy(text, word.s, word.len);
    text[word.len] = '\0';
    return units_time(text, us);
}

static bool is_tag(struct span_text word)
{
    return word.len == 1 && (word.s[0] == 'F' || word.s[0] == 'P');
}

bool log_line_parse(const char *line, size_t len, struct log_line *out)
{
    const char *p = line;
    const char *end = line + len;
    struct span_text stream;
    struct span_text tag;

    if (!take_word(&p, end, &out->time) || !parse_time(out->time, &out->time_us) ||
        !take_word(&p, end, &stream) || !take_word(&p, end, &tag) || !is_tag(tag))
        return false;
    out->text = (struct span_text){.s = p, .len = (size_t)(end - p)};
    out->whole = tag.s[0] == 'F';
    for (int i = 0; i < LOG_STREAMS; i++) {
        if (text_is(stream.s, stream.len, log_stream_names[i])) {
            out->stream = (enum log_stream)i;
            return true;
        }
    }
    return false;
}

/* --- one source --- */

/* "fetch.3.2": the attempt, then perhaps the item, from the right. */
static bool split_name(const char *name, struct log_source *s)
{
    const char *dot = strrchr(name, '.');
    char *end;

    if (!dot || dot == name)
        return false;
    s->attempt = strtoll(dot + 1, &end, 10);
    if (*end || end == dot + 1)
        return false;
    s->path = mem_text_len(name, (size_t)(dot - name));
    const size_t len = strcspn(s->path, ".");
    s->task = mem_text_len(s->path, len);
    s->item = s->path[len] ? strtoll(s->path + len + 1, NULL, 10) : -1;
    return true;
}

struct log_source *log_source_new(const char *dir, bool sdk)
{
    struct log_source *s = mem_alloc(sizeof(*s));
    const char *slash = strrchr(dir, '/');

    s->dir = mem_text(dir);
    s->sdk = sdk;
    s->chunk = 1;
    if (split_name(slash ? slash + 1 : dir, s))
        return s;
    log_source_free(s);
    return NULL;
}

void log_source_free(struct log_source *s)
{
    if (!s)
        return;
    buf_done(&s->buf);
    if (s->more_done)
        s->more_done(s);
    mem_free(s->dir);
    mem_free(s->path);
    mem_free(s->task);
    mem_free(s);
}

static char *file_of(const struct log_source *s, uint32_t chunk)
{
    char name[32];

    if (s->sdk)
        snprintf(name, sizeof(name), "sdk.log");
    else
        snprintf(name, sizeof(name), "%06u.log", chunk);
    return file_join(s->dir, name);
}

/* Bytes read from the current chunk; 0: its end for now, or it is not there. */
static size_t read_more(struct log_source *s)
{
    char bytes[READ_BYTES];

    if (s->more)
        return s->more(s);
    MEM_AUTO char *path = file_of(s, s->chunk);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    const size_t want = s->offset == 0 && s->chunk == 1 ? PEEK_BYTES : sizeof(bytes);
    ssize_t n;
    do
        n = pread(fd, bytes, want, s->offset);
    while (n < 0 && errno == EINTR);
    close(fd);
    if (n <= 0)
        return 0;
    buf_drop(&s->buf, s->at);
    s->at = 0;
    buf_add(&s->buf, bytes, (size_t)n);
    s->offset += n;
    return (size_t)n;
}

static bool next_chunk(struct log_source *s)
{
    MEM_AUTO char *path = s->sdk || s->more ? NULL : file_of(s, s->chunk + 1);

    if (!path || access(path, F_OK) != 0)
        return false;
    /* Between the last read and the start of the next chunk this one may have grown. */
    if (read_more(s) > 0)
        return true;
    s->chunk++;
    s->offset = 0;
    return true;
}

/* Takes the line at s->at, up to `end`. */
static bool take_line(struct log_source *s, size_t end, size_t newline)
{
    const char *line = buf_text(&s->buf) + s->at;
    const bool good = log_line_parse(line, end - s->at, &s->line);

    s->at = end + newline;
    return good;
}

bool log_source_next(struct log_source *s, bool last)
{
    for (;;) {
        const size_t left = s->buf.len - s->at;
        const char *from = buf_text(&s->buf) + s->at;
        const char *newline = left > 0 ? memchr(from, '\n', left) : NULL;
        if (newline) {
            if (take_line(s, s->at + (size_t)(newline - from), 1))
                return true;
            continue; /* not a line of ours: passed over */
        }
        if (left > LINE_MAX_BYTES)
            s->at = s->buf.len;
        if (read_more(s) > 0 || next_chunk(s))
            continue;
        if (!last || left == 0)
            break;
        return take_line(s, s->buf.len, 0);
    }
    if (s->at == s->buf.len) {
        buf_done(&s->buf);
        s->at = 0;
    }
    return false;
}

/* --- merging --- */

void log_merge_add(struct log_merge *m, struct log_source *s, bool last)
{
    if (s->place.at || !log_source_next(s, last))
        return;
    s->place.when = s->line.time_us;
    heap_add(&m->heap, &s->place);
}

struct log_source *log_merge_first(const struct log_merge *m)
{
    struct heap_item *first = heap_first(&m->heap);

    return first ? LIST_OF(first, struct log_source, place) : NULL;
}

void log_merge_pop(struct log_merge *m, bool last)
{
    struct log_source *s = log_merge_first(m);

    heap_del(&m->heap, &s->place);
    s->seen = true;
    log_merge_add(m, s, last);
}

void log_merge_done(struct log_merge *m)
{
    heap_done(&m->heap);
}
