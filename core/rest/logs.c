/* logs.c - what an attempt wrote, a page of records at a time: its numbered chunks
 * (docs/logs.md), or what it said through the SDK. While the attempt goes on there is
 * always a next page, perhaps still empty: whoever follows asks for it again. */
#include "rest/rest_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 * 1024)
#define RECORD_MAX ((size_t)1024 * 1024) /* what is longer is no record of ours */
#define ANSWER_MAX ((size_t)1024 * 1024) /* then the page ends */
#define NUMBER_MAX 999999

/* Where the next record begins. Who asked for the last attempt goes on with that one,
 * though there is a later one by then. */
struct place {
    int64_t attempt;
    int64_t chunk; /* from 1 */
    int64_t offset;
};

struct reading {
    struct rest_page page;
    char *dir;
    bool sdk;
    struct place at;
    struct buf bytes; /* of the chunk, from `at` on */
};

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

/* What is no record is passed over. */
static void add_record(struct jsonw *w, const char *line, size_t len)
{
    const char *p = line;
    const char *end = line + len;
    struct span time;
    struct span stream;
    struct span tag;

    if (!take_word(&p, end, &time) || !take_word(&p, end, &stream) ||
        !take_word(&p, end, &tag))
        return;
    jsonw_open(w, '{');
    add_span(w, "at", time);
    add_span(w, "stream", stream);
    add_span(w, "text", (struct span){.s = p, .len = (size_t)(end - p)});
    jsonw_key(w, "whole");
    jsonw_bool(w, span_is(tag, "F"));
    jsonw_close(w, '}');
}

/* --- chunks --- */

static char *path_of(const struct reading *r, int64_t chunk)
{
    char name[32];

    snprintf(name, sizeof(name), "%06lld.log", (long long)chunk);
    return file_join(r->dir, r->sdk ? "sdk.log" : name);
}

/* More of the chunk into r->bytes; 0: its end for now. Tasks may have put something
 * else in its place: a pipe would hold the lane for ever. */
static size_t read_more(struct reading *r)
{
    MEM_AUTO char *path = path_of(r, r->at.chunk);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *room = fd >= 0 ? buf_room(&r->bytes, READ_BYTES) : NULL;
    ssize_t n = 0;

    if (room) {
        do
            n = pread(fd, room, READ_BYTES, r->at.offset + (int64_t)r->bytes.len);
        while (n < 0 && errno == EINTR);
    }
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    buf_added(&r->bytes, (size_t)n);
    return (size_t)n;
}

static bool has_next_chunk(const struct reading *r)
{
    MEM_AUTO char *path = path_of(r, r->at.chunk + 1);

    return !r->sdk && r->at.chunk < NUMBER_MAX && access(path, F_OK) == 0;
}

/* Passes over what was read of the chunk. */
static void drop(struct reading *r, size_t len)
{
    r->at.offset += (int64_t)len;
    buf_drop(&r->bytes, len);
}

/* A whole line at the front of r->bytes; 0: there is none for now. */
static size_t find_line(struct reading *r)
{
    for (;;) {
        const char *text = buf_text(&r->bytes);
        const char *newline =
            r->bytes.len > 0 ? memchr(text, '\n', r->bytes.len) : NULL;

        if (newline)
            return (size_t)(newline - text) + 1;
        if (r->bytes.len > RECORD_MAX)
            drop(r, r->bytes.len);
        if (read_more(r) > 0)
            continue;
        if (!has_next_chunk(r))
            return 0;
        /* It may have grown before the next one began. */
        if (read_more(r) > 0)
            continue;
        buf_clear(&r->bytes);
        r->at = (struct place){.attempt = r->at.attempt, .chunk = r->at.chunk + 1};
    }
}

static bool tell_line(struct reading *r, size_t len)
{
    struct place behind = r->at;

    behind.offset += (int64_t)len;
    if (r->page.c->out.len > ANSWER_MAX) {
        r->page.more = true;
        return false;
    }
    if (!rest_page_step(&r->page, true, &behind, sizeof(behind)))
        return false;
    add_record(&r->page.w, buf_text(&r->bytes), len - 1);
    drop(r, len);
    return true;
}

/* goes_on: the attempt may still write. */
static void tell(struct reading *r, bool goes_on)
{
    size_t len;
    bool room = true;

    buf_add(&r->page.last, &r->at, sizeof(r->at));
    while (room && (len = find_line(r)) > 0)
        room = tell_line(r, len);
    r->page.more = r->page.more || goes_on;
}

/* --- the attempt --- */

/* "fetch" or "fetch.3", as folders of logs are called. */
static void path_text(const struct task_row *row, char *out, size_t size)
{
    char item[24] = "";

    if (row->item != MODEL_NULL)
        snprintf(item, sizeof(item), ".%lld", (long long)row->item);
    snprintf(out, size, "%.*s%s", (int)row->task.len, row->task.s, item);
}

int rest_find_run_task(struct rest_call *c, struct run_row *run, struct task_row *row,
                       struct ff_err *err)
{
    struct flow *flow = NULL;
    int code = rest_find_run(c, run, err);

    if (code == FF_OK)
        flow = rest_flow_of(c, run, err);
    if (!flow)
        return err->code;
    code = rest_find_task(c, run, flow, row, err);
    /* What is waited for has its name from the file. */
    row->task.s =
        code == FF_OK ? arena_text(&c->arena, row->task.s, row->task.len) : NULL;
    flow_unref(flow);
    return code;
}

int rest_logs_list(struct rest_call *c, struct ff_err *err)
{
    const char *source = rest_ask(c, "source");
    struct reading r = {.at = {.chunk = 1},
                        .sdk = source && strcmp(source, "sdk") == 0};
    struct run_row run = {0};
    struct task_row row = {0};
    char path[160];

    if (rest_find_run_task(c, &run, &row, err) != FF_OK)
        return err->code;

    if (rest_page_begin(c, &r.page, err) != FF_OK)
        return rest_page_end(&r.page, err->code);
    r.at.attempt = rest_ask_int(c, "attempt", row.attempt);
    if (r.page.after.len == sizeof(r.at))
        memcpy(&r.at, r.page.after.data, sizeof(r.at));
    if (r.at.attempt == 0) /* none had begun yet */
        r.at.attempt = row.attempt;
    if (r.at.attempt > row.attempt) {
        ff_fail(err, FF_NOT_FOUND, 0, "there is no attempt %lld of this task",
                (long long)r.at.attempt);
        return rest_page_end(&r.page, err->code);
    }

    MEM_AUTO char *id = mem_text_len(run.id.s, run.id.len);

    path_text(&row, path, sizeof(path));
    r.dir = exec_log_dir(node_settings(c->rest->setup.node)->data_dir, id, path,
                         r.at.attempt);
    tell(&r, !task_state_final(row.state) && r.at.attempt == row.attempt);
    buf_done(&r.bytes);
    mem_free(r.dir);
    return rest_page_end(&r.page, FF_OK);
}

/* --- which there are --- */

struct names {
    char **items; /* in the call's arena */
    size_t n, cap;
};

static void read_names(struct rest_call *c, const char *dir, struct names *names)
{
    DIR *d = file_open_dir(dir);

    if (!d)
        return; /* nothing was written yet */
    for (const struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.' && strrchr(e->d_name, '.'))
            ARRAY_ADD(names, arena_text(&c->arena, e->d_name, strlen(e->d_name)));
    closedir(d);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "fetch.3.2": the attempt is behind the last dot. */
static void add_attempt(struct jsonw *w, const char *dir, const char *name)
{
    const char *dot = strrchr(name, '.');
    struct buf sdk = {0};

    buf_printf(&sdk, "%s/%s/sdk.log", dir, name);
    jsonw_open(w, '{');
    add_span(w, "task", (struct span){.s = name, .len = (size_t)(dot - name)});
    jsonw_key(w, "attempt");
    jsonw_int(w, strtoll(dot + 1, NULL, 10));
    jsonw_key(w, "sdk");
    jsonw_bool(w, access(buf_text(&sdk), F_OK) == 0);
    jsonw_close(w, '}');
    buf_done(&sdk);
}

int rest_logs_of_run(struct rest_call *c, struct ff_err *err)
{
    struct names names = {0};
    struct rest_page p;
    struct run_row run;
    bool room = true;

    if (rest_find_run(c, &run, err) != FF_OK)
        return err->code;

    MEM_AUTO char *id = mem_text_len(run.id.s, run.id.len);
    MEM_AUTO char *run_dir =
        exec_run_dir(node_settings(c->rest->setup.node)->data_dir, id);
    MEM_AUTO char *dir = file_join(run_dir, "logs");
    const int code = rest_page_begin(c, &p, err);

    read_names(c, dir, &names);
    if (names.n > 1)
        qsort(names.items, names.n, sizeof(*names.items), by_text);
    for (size_t i = 0; code == FF_OK && room && i < names.n; i++) {
        const size_t len = strlen(names.items[i]) + 1;
        if (p.after.len > 0 && strcmp(names.items[i], buf_text(&p.after)) <= 0)
            continue;
        room = rest_page_step(&p, true, names.items[i], len);
        if (room)
            add_attempt(&p.w, dir, names.items[i]);
    }
    ARRAY_DONE(&names);
    return rest_page_end(&p, code);
}
