/* spool.c - what the SDK said, read back on the lane when the attempt has ended: first
 * the outputs that reached us, then the file it left in $FF_OUT when it could not reach
 * us (docs/task-api.md). Line by line, so that a long log costs no memory. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES                                                                 \
    (2 * VALUE_MAX) /* longer ones are no output that we would take */

struct spool {
    struct attempt *attempt;
    const struct masks *masks;
    struct spool_words *words;
    struct buf line;
    bool skipping; /* the rest of a line that is too long */
    int log_fd;
    int64_t log_bytes;
};

/* --- one line --- */

static void take_output(struct spool *sp, const json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    json_t *value = json_object_get(o, "value");

    if (name && value)
        json_object_set(sp->words->outputs, name, value);
}

static void take_status(struct spool *sp, const json_t *o)
{
    const char *status = json_string_value(json_object_get(o, "status"));

    if (!status)
        return;
    mem_free(sp->words->status);
    sp->words->status = mem_text(status);
}

static bool log_has_room(const struct spool *sp, size_t more)
{
    const int64_t most = sp->attempt->exec->setup.log_max_bytes;

    return most == 0 || sp->log_bytes + (int64_t)more <= most;
}

static void write_log(struct spool *sp, const struct buf *b)
{
    struct attempt *a = sp->attempt;

    if (sp->log_fd < 0) {
        MEM_AUTO char *path = file_join(a->log_dir, "sdk.log");
        file_make_dirs(a->log_dir, 0700);
        sp->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    if (sp->log_fd >= 0 && log_has_room(sp, b->len) &&
        write(sp->log_fd, b->data, b->len) == (ssize_t)b->len)
        sp->log_bytes += (int64_t)b->len;
}

/* The file is the task's: a level of its own making could end the line and begin
 * another. */
static const char *level_of(const json_t *item)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    const char *level = json_string_value(json_object_get(item, "level"));

    for (size_t i = 0; level && i < COUNT_OF(levels); i++)
        if (strcmp(level, levels[i]) == 0)
            return levels[i];
    return "info";
}

static void take_log(struct spool *sp, const json_t *o)
{
    struct buf b = {0};
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(o, "lines"), i, item)
    {
        const char *time = json_string_value(json_object_get(item, "time"));
        json_t *text = json_object_get(item, "text");
        struct exec_log_line line = {.level = level_of(item),
                                     .text = json_string_value(text),
                                     .len = json_string_length(text)};
        if (time && line.text && !strchr(line.text, '\n') &&
            units_time(time, &line.time_us))
            sdk_log_line(&b, &line, sp->masks);
    }
    if (b.len > 0)
        write_log(sp, &b);
    buf_done(&b);
}

static const struct {
    const char *kind;
    void (*take)(struct spool *sp, const json_t *o);
} kinds[] = {{"output", take_output}, {"status", take_status}, {"log", take_log}};

/* A line that is no JSON was cut off, and counts as never written. */
static void take_line(struct spool *sp)
{
    struct ff_err err;
    json_t *o = json_parse(buf_text(&sp->line), sp->line.len, &err);
    const char *kind = json_string_value(json_object_get(o, "kind"));

    for (size_t i = 0; kind && i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            kinds[i].take(sp, o);
    json_decref(o);
}

static int take_bytes(void *arg, const void *bytes, size_t len)
{
    struct spool *sp = arg;
    const char *p = bytes, *end = p + len;

    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *stop = nl ? nl : end;
        if (!sp->skipping)
            buf_add(&sp->line, p, (size_t)(stop - p));
        sp->skipping = sp->skipping || sp->line.overflow;
        if (nl && !sp->skipping && sp->line.len > 0)
            take_line(sp);
        if (nl || sp->skipping)
            buf_clear(&sp->line);
        if (nl)
            sp->skipping = false;
        p = stop + (nl != NULL);
    }
    return 0;
}

/* --- both files --- */

static void read_reported(struct spool *sp)
{
    char piece[65536];
    ssize_t n;
    const int fd = open(sp->attempt->sdk_file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    sp->attempt->sdk_used = true;
    while ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            take_bytes(sp, piece, (size_t)n);
    close(fd);
}

void spool_read(struct attempt *a, const struct masks *masks, struct spool_words *words)
{
    const struct exec *x = a->exec;
    struct ff_err err;
    struct spool sp = {.attempt = a,
                       .masks = masks,
                       .words = words,
                       .line = {.max = LINE_MAX_BYTES},
                       .log_fd = -1,
                       .log_bytes = a->sdk_log_bytes};

    words->outputs = json_object();
    read_reported(&sp);
    buf_clear(&sp.line);
    x->runtime_ops->output(x->runtime, a->id, SPOOL_NAME, take_bytes, &sp, &err);
    if (sp.log_fd >= 0)
        close(sp.log_fd);
    buf_done(&sp.line);
}

void spool_words_done(struct spool_words *words)
{
    json_decref(words->outputs);
    mem_free(words->status);
}
