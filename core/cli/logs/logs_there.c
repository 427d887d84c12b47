/* logs_there.c - see logs_there.h. While an attempt goes on a server gives a cursor
 * with which it is asked again. */
#include "cli/logs/logs_there.h"

#include "cli/logs/logs_inside.h"
#include "cli/remote/remote.h"
#include "exec/exec.h"

#include <string.h>
#include <time.h>

#define FIRST_WAIT_MS 200
#define WAIT_MAX_MS   2000

struct log_there {
    const struct remote *remote;
    char *path;
    char *next; /* cursor, or NULL */
    bool over;  /* there is nothing behind what was read */
    int code;
};

/* --- lines --- */

static void done(struct log_source *s)
{
    mem_free(s->there->path);
    mem_free(s->there->next);
    mem_free(s->there);
}

static void add_line(struct buf *out, const json_t *record)
{
    const json_t *text = json_object_get(record, "text");
    const char *at = json_string_value(json_object_get(record, "at"));
    const char *stream = json_string_value(json_object_get(record, "stream"));

    if (!at || !stream || !text)
        return;
    buf_printf(out, "%s %s %c ", at, stream,
               json_is_true(json_object_get(record, "whole")) ? 'F' : 'P');
    buf_add(out, json_string_value(text), json_string_length(text));
    buf_add_char(out, '\n');
}

/* Who asked on would never come to an end. */
static int fail_again(const struct remote *r)
{
    return cli_fail(CLI_UNAVAILABLE, "%s gives the same page again and again",
                    r->server);
}

static int check_page(const struct remote *r, const json_t *page)
{
    if (json_is_array(json_object_get(page, "items")))
        return CLI_OK;
    return cli_fail(CLI_UNAVAILABLE, "%s does not answer as FlowForge does", r->server);
}

static size_t read_more(struct log_source *s)
{
    struct log_there *t = s->there;
    struct buf path = {0};
    json_t *page = NULL;
    json_t *record;
    size_t i;

    if (t->over)
        return 0;
    buf_add_text(&path, t->path);
    remote_add_query(&path, "cursor", t->next);
    t->code = remote_ask(t->remote, buf_text(&path), &page);
    if (t->code == CLI_OK)
        t->code = check_page(t->remote, page);
    buf_done(&path);
    buf_drop(&s->buf, s->at);
    s->at = 0;

    const size_t before = s->buf.len;
    const char *next = json_string_value(json_object_get(page, "next"));

    json_array_foreach(json_object_get(page, "items"), i, record)
        add_line(&s->buf, record);
    if (t->code == CLI_OK && next && t->next && strcmp(next, t->next) == 0) {
        t->code = fail_again(t->remote);
        next = NULL;
    }
    mem_free(t->next);
    t->next = next ? mem_text(next) : NULL;
    t->over = !next;
    json_decref(page);
    return s->buf.len - before;
}

int logs_there_code(const struct log_sources *sources)
{
    int code = CLI_OK;

    for (size_t i = 0; code == CLI_OK && i < sources->n; i++)
        if (sources->items[i]->there)
            code = sources->items[i]->there->code;
    return code;
}

/* --- which there are --- */

static void add_source(const struct cli_session *s, const char *id,
                       const json_t *attempt, bool sdk, const struct logs_pick *p,
                       struct log_sources *to)
{
    const char *task = json_string_value(json_object_get(attempt, "task"));
    const json_int_t no = json_integer_value(json_object_get(attempt, "attempt"));
    char number[32];
    struct buf dir = {0};

    snprintf(number, sizeof(number), "%lld", (long long)no);
    buf_printf(&dir, "%s/", id);
    cli_add_clean(&dir, task ? task : "", task ? strlen(task) : 0);
    buf_printf(&dir, ".%s", number);
    struct log_source *source = log_source_new(buf_text(&dir), sdk);
    buf_done(&dir);
    if (!source || !logs_pick_wants(p, source)) {
        log_source_free(source);
        return;
    }
    MEM_AUTO char *path = remote_path("runs", id, "tasks", task, "logs", (char *)NULL);
    struct buf query = {0};
    buf_add_text(&query, path);
    remote_add_query(&query, "attempt", number);
    remote_add_query(&query, "source", sdk ? "sdk" : NULL);
    remote_add_query(&query, "limit", "1000");
    source->more = read_more;
    source->more_done = done;
    source->there = mem_alloc(sizeof(*source->there));
    *source->there = (struct log_there){.remote = s->remote, .path = buf_take(&query)};
    ARRAY_ADD(to, source);
}

static void add_sources(const struct cli_session *s, const char *id,
                        const json_t *attempts, const struct logs_pick *p,
                        struct log_sources *to)
{
    json_t *attempt;
    size_t i;

    json_array_foreach(attempts, i, attempt)
    {
        if (p->only != LOG_SDK)
            add_source(s, id, attempt, false, p, to);
        if ((p->only == LOG_SDK || p->only < 0) &&
            json_is_true(json_object_get(attempt, "sdk")))
            add_source(s, id, attempt, true, p, to);
    }
}

static int scan_there(const struct cli_session *s, const char *id,
                      const struct logs_pick *p, struct log_sources *to)
{
    MEM_AUTO char *path = remote_path("runs", id, "logs", (char *)NULL);
    json_t *page = NULL;
    json_t *next = NULL;
    int code;

    do {
        struct buf query = {0};
        buf_add_text(&query, path);
        remote_add_query(&query, "limit", "1000");
        remote_add_query(&query, "cursor", json_string_value(next));
        code = remote_ask(s->remote, buf_text(&query), &page);
        if (code == CLI_OK)
            code = check_page(s->remote, page);
        buf_done(&query);
        json_t *after = json_incref(json_object_get(page, "next"));
        if (code == CLI_OK && next && json_equal(next, after))
            code = fail_again(s->remote);
        json_decref(next);
        next = after;
        add_sources(s, id, json_object_get(page, "items"), p, to);
        json_decref(page);
        page = NULL;
    } while (code == CLI_OK && json_is_string(next));
    json_decref(next);
    logs_pick_sort(p, to);
    return code;
}

int logs_scan(const struct cli_session *s, const char *id, const struct logs_pick *p,
              struct log_sources *to)
{
    if (s->remote)
        return scan_there(s, id, p, to);
    MEM_AUTO char *run_dir = exec_run_dir(node_settings(s->node)->data_dir, id);
    MEM_AUTO char *logs_dir = file_join(run_dir, "logs");
    logs_pick_scan(p, to, logs_dir);
    return CLI_OK;
}

/* --- following --- */

struct following {
    const struct logs_follow_setup *setup;
    struct map known; /* dir and source -> that source */
    struct log_merge merge;
    bool picked_over;
};

static void adopt(struct following *f, struct log_sources *found)
{
    for (size_t i = 0; i < found->n; i++) {
        struct log_source *s = found->items[i];
        struct buf name = {0};
        buf_printf(&name, "%s%s", s->dir, s->sdk ? " sdk" : "");
        if (map_get_text(&f->known, buf_text(&name))) {
            log_source_free(s);
        } else {
            map_set_text(&f->known, buf_text(&name), s);
            ARRAY_ADD(f->setup->sources, s);
        }
        buf_done(&name);
    }
    ARRAY_DONE(found);
}

static int look(struct following *f, const char *id)
{
    const struct logs_follow_setup *setup = f->setup;
    struct log_sources found = {0};
    int code = logs_scan(setup->s, id, setup->pick, &found);

    if (code == CLI_OK && !setup->pick->task)
        code = logs_inside_scan(setup->s, setup->run, setup->pick, &found);
    adopt(f, &found);
    return code;
}

/* Of the task or item that was asked for. */
static int judge(void *arg, const void *stored)
{
    struct following *f = arg;
    const struct logs_pick *pick = f->setup->pick;
    const struct task_row *row = stored;
    const int64_t item = row->item == MODEL_NULL ? -1 : row->item;

    if (!pick->task || !span_is(row->task, pick->task) || item != pick->item)
        return 0;
    f->picked_over = task_state_final(row->state) ||
                     (pick->attempt > 0 && row->attempt > pick->attempt);
    return 1;
}

/* What is read after this was written before it. */
static int is_over(struct following *f, const char *id, bool *over)
{
    const struct logs_follow_setup *setup = f->setup;
    const struct task_row like = {.tenant = setup->run->tenant, .run = setup->run->run};
    const struct store_query tasks = {
        .record = &record_task, .like = &like, .n_equal = 2};
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};
    int code = cli_find_run(setup->s, id, &arena, &run);

    if (code == CLI_OK && setup->pick->task &&
        store_scan(node_store(setup->s->node), STORE_READER_CALLER, &tasks, judge, f,
                   &err) != FF_OK)
        code = cli_fail_err(&err);
    *over = code == CLI_OK && (run_state_final(run.state) || f->picked_over);
    arena_done(&arena);
    return code;
}

static int print(struct following *f, bool last, bool *any)
{
    struct log_sources *sources = f->setup->sources;
    struct log_source *s;

    for (size_t i = 0; i < sources->n; i++)
        log_merge_add(&f->merge, sources->items[i], last);
    while ((s = log_merge_first(&f->merge))) {
        *any = true;
        logs_print_line(f->setup->print, s);
        log_merge_pop(&f->merge, last);
    }
    if (last)
        logs_print_end(f->setup->print);
    const int code = logs_there_code(sources);
    const int printed = cli_print(&f->setup->print->out);
    return code == CLI_OK ? printed : code;
}

static void wait_for(int64_t ms)
{
    const struct timespec wait = {.tv_sec = ms / 1000,
                                  .tv_nsec = (long)(ms % 1000) * 1000000};

    nanosleep(&wait, NULL);
}

int logs_there_follow(const struct logs_follow_setup *setup)
{
    MEM_AUTO char *id = mem_text_len(setup->run->id.s, setup->run->id.len);
    struct following f = {.setup = setup};
    int64_t wait_ms = FIRST_WAIT_MS;
    bool over = false;
    int code;

    do {
        bool any = false;
        code = is_over(&f, id, &over);
        if (code == CLI_OK)
            code = look(&f, id);
        if (code == CLI_OK)
            code = print(&f, over, &any);
        if (any)
            wait_ms = FIRST_WAIT_MS;
        if (code == CLI_OK && !over)
            wait_for(wait_ms);
        wait_ms = 2 * wait_ms < WAIT_MAX_MS ? 2 * wait_ms : WAIT_MAX_MS;
    } while (code == CLI_OK && !over);
    log_merge_done(&f.merge);
    map_done(&f.known);
    return code;
}
