/* cmd_limit.c - limits across runs: how many places semaphores have, and who holds
 * what. */
#include "cli/admin/admin.h"
#include "cli/owner/owner_link.h"
#include "cli/read/limit_view.h"
#include "cli/remote/remote.h"

#include <string.h>

static int check_name(const char *name)
{
    if (text_is_name(name, true))
        return CLI_OK;
    return cli_fail(CLI_USAGE,
                    "%.80s is no name of a semaphore: a-z, 0-9, _ and -, no digit or - "
                    "first",
                    name);
}

/* Of both commands: {"limit": NAME, "size": N or null}. */
static int answer(const struct cli *c, const char *name, int64_t size)
{
    struct buf out = {0};
    struct jsonw w = {.out = &out};

    if (!c->json)
        return CLI_OK;
    jsonw_open(&w, '{');
    jsonw_key(&w, "limit");
    jsonw_text(&w, name);
    jsonw_key(&w, "size");
    if (size >= 0)
        jsonw_int(&w, size);
    else
        jsonw_text(&w, NULL);
    jsonw_close(&w, '}');
    buf_add_char(&out, '\n');
    return cli_print(&out);
}

/* size -1: as configured again. The owner may be idle or not there; then the next one
 * reads the row. */
static int change(const struct cli_session *s, const char *name, int64_t size)
{
    struct ff_err err = {0};

    if (s->remote) {
        MEM_AUTO char *path = remote_path("limits", name, (char *)NULL);
        return remote_tell(
            s->remote, size < 0 ? "DELETE" : "PUT", path,
            size < 0 ? NULL : json_pack("{sI}", "size", (json_int_t)size), NULL);
    }
    const int code = size < 0
                         ? node_delete_limit(s->node, TENANT_DEFAULT, name, &err)
                         : node_set_limit(s->node, TENANT_DEFAULT, name, size, &err);
    if (code != FF_OK)
        return cli_fail_err(&err);
    owner_wake(s);
    return CLI_OK;
}

int cmd_limit_set(struct cli *c)
{
    const char *name = c->args.words.items[0];
    const char *number = c->args.words.items[1];
    struct cli_session s;
    int64_t size;

    int code = check_name(name);
    if (code == CLI_OK && !node_limit_size_parse(number, &size))
        code = cli_fail(CLI_USAGE, "%.80s is no number of places from 0 to %d", number,
                        NODE_LIMIT_MAX);
    if (code != CLI_OK)
        return code;
    code = cli_open(c, &s);
    if (code == CLI_OK)
        code = change(&s, name, size);
    if (code == CLI_OK) {
        cli_note(c, "semaphore %s has %lld %s", name, (long long)size,
                 size == 1 ? "place" : "places");
        code = answer(c, name, size);
    }
    cli_close(&s);
    return code;
}

int cmd_limit_delete(struct cli *c)
{
    const char *name = c->args.words.items[0];
    struct cli_session s;

    int code = check_name(name);
    if (code != CLI_OK)
        return code;
    code = cli_open(c, &s);
    if (code == CLI_OK)
        code = change(&s, name, -1);
    if (code == CLI_OK) {
        cli_note(c, "semaphore %s is as configured again, or has 1 place", name);
        code = answer(c, name, -1);
    }
    cli_close(&s);
    return code;
}

/* --- list --- */

static void json_holder(struct jsonw *w, const struct limit_holder *h)
{
    char since[UNITS_TEXT];

    jsonw_open(w, '{');
    jsonw_key(w, "place");
    jsonw_int(w, h->place);
    jsonw_key(w, "run");
    jsonw_text(w, h->id[0] ? h->id : NULL);
    if (h->path) {
        jsonw_key(w, "task");
        jsonw_text(w, h->path);
        jsonw_key(w, "attempt");
        jsonw_int(w, h->attempt);
    }
    units_time_text(h->since_us, since);
    jsonw_key(w, "since");
    jsonw_text(w, since);
    jsonw_close(w, '}');
}

static void add_json(const struct limit_views *v, struct buf *out)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '{');
    jsonw_key(&w, "limits");
    jsonw_open(&w, '[');
    for (size_t i = 0; i < v->all.n; i++) {
        const struct limit_view *view = &v->all.items[i];
        jsonw_open(&w, '{');
        jsonw_key(&w, "limit");
        jsonw_text(&w, view->name);
        if (view->size >= 0) {
            jsonw_key(&w, "size");
            jsonw_int(&w, view->size);
        }
        if (view->set) {
            jsonw_key(&w, "from");
            jsonw_text(&w, view->set);
        }
        jsonw_key(&w, "held");
        jsonw_int(&w, (int64_t)view->holders.n);
        jsonw_key(&w, "holders");
        jsonw_open(&w, '[');
        for (size_t k = 0; k < view->holders.n; k++)
            json_holder(&w, &view->holders.items[k]);
        jsonw_close(&w, ']');
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    buf_add_char(out, '\n');
}

static void add_text(const struct cli *c, const struct limit_views *v, struct buf *out)
{
    static const char *const heads[] = {"LIMIT", "HELD", "PLACES", "FROM", "HELD BY"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = c->colour};

    for (size_t i = 0; !c->quiet && i < COUNT_OF(heads); i++)
        cli_cell(&g, CLI_DIM, heads[i]);
    for (size_t i = 0; i < v->all.n; i++) {
        const struct limit_view *view = &v->all.items[i];
        struct buf holders = {0};
        limit_view_holders(view, &holders);
        cli_cell(&g, CLI_BOLD, view->name);
        cli_cell_f(&g, "%zu", view->holders.n);
        if (view->size >= 0)
            cli_cell_f(&g, "%lld", (long long)view->size);
        else
            cli_cell(&g, CLI_PLAIN, "-");
        cli_cell(&g, CLI_PLAIN, view->set ? view->set : "-");
        cli_cell(&g, CLI_PLAIN, buf_text(&holders));
        buf_done(&holders);
    }
    cli_grid_add_to(&g, out);
    if (v->all.n == 0) {
        cli_note(c, "no limits: none is held, and no size was set");
        buf_clear(out);
    }
}

int cmd_limit_list(struct cli *c)
{
    struct cli_session s;
    struct limit_views views = {0};
    struct buf out = {0};

    int code = cli_open(c, &s);
    if (code == CLI_OK)
        code = limit_views_read(&views, &s);
    if (code == CLI_OK) {
        if (c->json)
            add_json(&views, &out);
        else
            add_text(c, &views, &out);
        code = cli_print(&out);
    }
    limit_views_done(&views);
    cli_close(&s);
    return code;
}
