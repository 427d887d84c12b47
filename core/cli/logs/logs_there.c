/* logs_there.c - see logs_there.h. While an attempt goes on a server gives a cursor
 * with which it is asked again, or from which on it tells by itself. */
#include "cli/logs/logs_there_priv.h"
#include "exec/exec.h"

#include <string.h>

/* --- lines --- */

static void done(struct log_source *s)
{
    remote_stream_close(s->there->stream);
    buf_done(&s->there->told);
    mem_free(s->there->path);
    mem_free(s->there->next);
    mem_free(s->there);
}

void logs_there_add_line(struct buf *out, const json_t *record)
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

static size_t take_told(struct log_source *s)
{
    const size_t n = s->there->told.len;

    buf_drop(&s->buf, s->at);
    s->at = 0;
    buf_add(&s->buf, buf_text(&s->there->told), n);
    buf_clear(&s->there->told);
    return n;
}

static size_t read_page(struct log_source *s)
{
    struct log_there *t = s->there;
    struct buf path = {0};
    json_t *page = NULL;
    json_t *record;
    size_t i;

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
        logs_there_add_line(&s->buf, record);
    /* An empty one is the end for now. */
    if (t->code == CLI_OK && i > 0 && next && t->next && strcmp(next, t->next) == 0) {
        t->code = fail_again(t->remote);
        next = NULL;
    }
    mem_free(t->next);
    t->next = next ? mem_text(next) : NULL;
    t->over = !next;
    json_decref(page);
    return s->buf.len - before;
}

/* Where pages end for now the server tells what comes, if it is to. */
static size_t read_more(struct log_source *s)
{
    struct log_there *t = s->there;

    if (t->told.len > 0 || t->streamed)
        return take_told(s);
    if (t->over || t->rests)
        return 0;
    const size_t n = read_page(s);
    if (n == 0 && !t->over && t->code == CLI_OK && t->tip) {
        t->tip(s);
        t->rests = !t->streamed;
    }
    return n;
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

void logs_there_add(const struct cli_session *s, const char *id, const json_t *attempts,
                    const struct logs_pick *p, struct log_sources *to)
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
        logs_there_add(s, id, json_object_get(page, "items"), p, to);
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
    MEM_AUTO char *run_dir = exec_run_dir(node_settings(s->node)->files_dir, id);
    MEM_AUTO char *logs_dir = file_join(run_dir, "logs");
    logs_pick_scan(p, to, logs_dir);
    return CLI_OK;
}
