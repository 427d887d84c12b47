/* logs.c - what an attempt wrote, a page of records at a time: its numbered chunks
 * (docs/logs.md), or what it said through the SDK. While the attempt goes on there is
 * always a next page, perhaps still empty: whoever follows asks for it again. */
#include "rest/log_lines.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)1024 * 1024) /* then the page ends */

struct reading {
    struct rest_page page;
    struct log_lines lines;
};

/* What is no record is passed over. */
static void add_record(struct reading *r, size_t len)
{
    struct jsonw *w = &r->page.w;
    struct log_record record;

    if (!log_record_read(&record, buf_text(&r->lines.bytes), len))
        return;
    jsonw_open(w, '{');
    log_record_add(w, &record);
    jsonw_close(w, '}');
}

static bool tell_line(struct reading *r, size_t len)
{
    struct log_place behind = r->lines.at;

    behind.offset += (int64_t)len;
    if (r->page.c->out.len > ANSWER_MAX) {
        r->page.more = true;
        return false;
    }
    if (!rest_page_step(&r->page, true, &behind, sizeof(behind)))
        return false;
    add_record(r, len - 1);
    log_lines_drop(&r->lines, len);
    return true;
}

/* goes_on: the attempt may still write. */
static void tell(struct reading *r, bool goes_on)
{
    size_t len;
    bool room = true;

    buf_add(&r->page.last, &r->lines.at, sizeof(r->lines.at));
    while (room && (len = log_lines_find(&r->lines)) > 0)
        room = tell_line(r, len);
    r->page.more = r->page.more || goes_on;
}

/* --- the attempt --- */

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
    flows_put(c->rest, flow);
    return code;
}

int rest_logs_list(struct rest_call *c, struct ff_err *err)
{
    const char *source = rest_ask(c, "source");
    struct reading r = {
        .lines = {.at = {.chunk = 1}, .sdk = source && strcmp(source, "sdk") == 0}};
    struct run_row run = {0};
    struct task_row row = {0};
    char path[160];

    if (rest_find_run_task(c, &run, &row, err) != FF_OK)
        return err->code;

    if (rest_page_begin(c, &r.page, err) != FF_OK)
        return rest_page_end(&r.page, err->code);
    r.lines.at.attempt = rest_ask_int(c, "attempt", row.attempt);
    if (r.page.after.len == sizeof(r.lines.at))
        memcpy(&r.lines.at, r.page.after.data, sizeof(r.lines.at));
    if (r.lines.at.attempt == 0) /* there was none when that page was made */
        r.lines.at.attempt = row.attempt;
    if (r.lines.at.attempt > row.attempt) {
        ff_fail(err, FF_NOT_FOUND, 0, "there is no attempt %lld of this task",
                (long long)r.lines.at.attempt);
        return rest_page_end(&r.page, err->code);
    }

    MEM_AUTO char *id = mem_text_len(run.id.s, run.id.len);

    if (log_is_here(c, id, &row, r.lines.at.attempt, err) != FF_OK)
        return rest_page_end(&r.page, err->code);
    log_task_text(&row, path, sizeof(path));
    MEM_AUTO char *dir = exec_log_dir(node_settings(c->rest->setup.node)->files_dir, id,
                                      path, r.lines.at.attempt);

    r.lines.dir = dir;
    tell(&r, !task_state_final(row.state) && r.lines.at.attempt == row.attempt);
    buf_done(&r.lines.bytes);
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
    jsonw_key(w, "task");
    jsonw_text_len(w, name, (size_t)(dot - name));
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
        exec_run_dir(node_settings(c->rest->setup.node)->files_dir, id);
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
