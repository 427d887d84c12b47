/* log_lines.c - see log_lines.h. */
#include "rest/log_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 * 1024)
/* What is longer is no record of ours: those have 16 KiB of text. As JSON, in which a
 * byte may be six, a stream takes it. */
#define RECORD_MAX ((size_t)256 * 1024)
#define NUMBER_MAX 999999

/* --- one record: TIME STREAM TAG TEXT --- */

static bool take_word(const char **p, const char *end, struct span *word)
{
    const char *space = memchr(*p, ' ', (size_t)(end - *p));

    if (!space)
        return false;
    *word = (struct span){.s = *p, .len = (size_t)(space - *p)};
    *p = space + 1;
    return true;
}

static void add_span(struct jsonw *w, const char *key, struct span text)
{
    jsonw_key(w, key);
    jsonw_text_len(w, text.s, text.len);
}

bool log_record_read(struct log_record *r, const char *line, size_t len)
{
    const char *p = line;
    const char *end = line + len;
    struct span tag;

    if (!take_word(&p, end, &r->time) || !take_word(&p, end, &r->stream) ||
        !take_word(&p, end, &tag) || (!span_is(tag, "F") && !span_is(tag, "P")))
        return false;
    r->text = (struct span){.s = p, .len = (size_t)(end - p)};
    r->whole = span_is(tag, "F");
    return true;
}

void log_record_add(struct jsonw *w, const struct log_record *r)
{
    add_span(w, "at", r->time);
    add_span(w, "stream", r->stream);
    add_span(w, "text", r->text);
    jsonw_key(w, "whole");
    jsonw_bool(w, r->whole);
}

/* --- chunks --- */

static char *path_of(const struct log_lines *l, int64_t chunk)
{
    char name[32];

    snprintf(name, sizeof(name), "%06lld.log", (long long)chunk);
    return file_join(l->dir, l->sdk ? "sdk.log" : name);
}

/* More of the chunk into l->bytes; 0: its end for now. Tasks may have put something
 * else in its place: a pipe would hold the lane for ever. */
static size_t read_more(struct log_lines *l)
{
    MEM_AUTO char *path = path_of(l, l->at.chunk);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *room = fd >= 0 ? buf_room(&l->bytes, READ_BYTES) : NULL;
    ssize_t n = 0;

    if (room) {
        do
            n = pread(fd, room, READ_BYTES, l->at.offset + (int64_t)l->bytes.len);
        while (n < 0 && errno == EINTR);
    }
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    buf_added(&l->bytes, (size_t)n);
    return (size_t)n;
}

static bool has_next_chunk(const struct log_lines *l)
{
    MEM_AUTO char *path = path_of(l, l->at.chunk + 1);

    return !l->sdk && l->at.chunk < NUMBER_MAX && access(path, F_OK) == 0;
}

void log_lines_drop(struct log_lines *l, size_t len)
{
    l->at.offset += (int64_t)len;
    buf_drop(&l->bytes, len);
}

size_t log_lines_find(struct log_lines *l)
{
    for (;;) {
        const char *text = buf_text(&l->bytes);
        const char *newline =
            l->bytes.len > 0 ? memchr(text, '\n', l->bytes.len) : NULL;

        if (newline)
            return (size_t)(newline - text) + 1;
        if (l->bytes.len > RECORD_MAX)
            log_lines_drop(l, l->bytes.len);
        if (read_more(l) > 0)
            continue;
        if (!has_next_chunk(l))
            return 0;
        /* It may have grown before the next one began. */
        if (read_more(l) > 0)
            continue;
        buf_clear(&l->bytes);
        l->at = (struct log_place){.attempt = l->at.attempt, .chunk = l->at.chunk + 1};
    }
}

int log_is_here(const struct rest_call *c, const char *run_id,
                const struct task_row *row, int64_t attempt, struct ff_err *err)
{
    const struct node *n = c->rest->setup.node;
    const bool has_ended = attempt < row->attempt || row->exit_code != MODEL_NULL;
    char path[160];

    if (!has_ended || attempt < 1 || !node_is_leased(n))
        return FF_OK;
    log_task_text(row, path, sizeof(path));
    MEM_AUTO char *dir =
        exec_log_dir(node_settings(n)->files_dir, run_id, path, attempt);
    if (access(dir, F_OK) == 0)
        return FF_OK;
    return ff_fail(err, FF_NOT_FOUND, 0,
                   "the log of attempt %lld is not in the folder of this server: is "
                   "engine.files_dir the same one for all servers?",
                   (long long)attempt);
}

void log_task_text(const struct task_row *row, char *out, size_t size)
{
    char item[24] = "";

    if (row->item != MODEL_NULL)
        snprintf(item, sizeof(item), ".%lld", (long long)row->item);
    snprintf(out, size, "%.*s%s", (int)row->task.len, row->task.s, item);
}
