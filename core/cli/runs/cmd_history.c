/* cmd_history.c - what happened in a run, event by event. */
#include "cli/frame/frame.h"
#include "cli/read/run_children.h"
#include "cli/runs/runs.h"
#include "cli/view/canonical.h"
#include "cli/view/event_text.h"

#include "exec/exec.h"
#include <string.h>

#define FLUSH_BYTES ((size_t)64 * 1024)

struct telling {
    const struct cli *c;
    const char *data_dir;
    char id[ID_TEXT];            /* of the outermost run */
    struct canonical *canonical; /* NULL: as it was stored */
    const char *prefix;          /* of a run inside another; or NULL */
    struct buf out;
    struct ff_err err;
    int code;
};

/* The events with inputs that stand beside them; NULL: there are none, as in most. */
static char *opened(const struct telling *t, struct span body)
{
    struct ff_err ignored;
    json_t *one;
    size_t i;

    if (!memmem(body.s, body.len, "\"$values\"", 9))
        return NULL;
    json_t *list = json_parse(body.s, body.len, &ignored);
    json_array_foreach(list, i, one) exec_open_event(t->data_dir, t->id, one);
    char *text = list ? json_text(list) : NULL;
    json_decref(list);
    return text;
}

static int tell(void *arg, const void *row)
{
    struct telling *t = arg;
    const struct event_row *stored = row;
    MEM_AUTO char *body = opened(t, stored->body);
    struct event_row copy = *stored;
    struct event_row *const event = &copy;
    json_t *one;
    size_t i;

    if (body)
        event->body = span_of(body);
    if (t->canonical) {
        t->code = canonical_add(t->canonical, event->body.s, event->body.len, t->prefix,
                                &t->err);
        return t->code;
    }
    json_t *list = json_parse(event->body.s, event->body.len, &t->err);
    if (!list) {
        t->code = FF_CORRUPT;
        return 1;
    }
    json_array_foreach(list, i, one)
    {
        if (t->c->json)
            event_add_json(&t->out, NULL, event, one);
        else
            event_add_text(&t->out, event, one);
    }
    json_decref(list);
    if (t->out.len >= FLUSH_BYTES && cli_print(&t->out) != CLI_OK)
        return 1;
    return 0;
}

static int tell_run(const struct cli_session *s, int64_t tenant, int64_t run,
                    struct telling *t)
{
    const struct event_row like = {.tenant = tenant, .run = run};
    const struct store_query query = {
        .record = &record_event, .like = &like, .n_equal = 2};
    struct ff_err err = {0};
    const int code =
        store_scan(node_store(s->node), STORE_READER_CALLER, &query, tell, t, &err);

    if (code != FF_OK || t->code != FF_OK)
        return cli_fail_err(code != FF_OK ? &err : &t->err);
    return CLI_OK;
}

/* What happened in the runs inside it, under the paths of their tasks; as deep as runs
 * may be. */
static int tell_children(const struct cli_session *s, int64_t tenant, int64_t run,
                         const char *prefix, struct telling *t)
{
    struct run_children children = {0};
    int code = run_children_read(s, tenant, run, &children);

    for (size_t i = 0; code == CLI_OK && i < children.n; i++) {
        const struct run_child *child = &children.items[i];
        struct buf path = {0};
        buf_printf(&path, "%s%s/", prefix, child->path);
        t->prefix = buf_text(&path);
        code = tell_run(s, tenant, child->run, t);
        if (code == CLI_OK)
            code = tell_children(s, tenant, child->run, buf_text(&path), t);
        buf_done(&path);
    }
    ARRAY_DONE(&children);
    return code;
}

static int history(struct cli *c, const struct cli_session *s,
                   const struct run_row *run)
{
    struct canonical canonical = {0};
    struct telling t = {.c = c, .data_dir = node_settings(s->node)->files_dir};

    snprintf(t.id, sizeof(t.id), "%.*s", (int)run->id.len, run->id.s);
    if (cli_has(&c->args, "canonical"))
        t.canonical = &canonical;
    int code = tell_run(s, run->tenant, run->run, &t);
    if (code == CLI_OK && t.canonical)
        code = tell_children(s, run->tenant, run->run, "", &t);
    if (t.canonical)
        canonical_write(&canonical, &t.out);
    if (code == CLI_OK)
        return cli_print(&t.out);
    buf_done(&t.out);
    return code;
}

int cmd_history(struct cli *c)
{
    struct cli_about about;

    int code = cli_open_run(c, &about);
    if (code == CLI_OK)
        code = history(c, &about.s, &about.run);
    cli_close_run(&about);
    return code;
}
