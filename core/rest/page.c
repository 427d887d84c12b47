/* page.c - lists, a page at a time. A cursor is bound to the route, the tenant, and all
 * that was asked for: with another filter it is none. */
#include "rest/rest_priv.h"

#include <string.h>

/* Rows of some lists are large: a page that has so much is full. Who says how many he
 * wants has room for more. */
#define BYTES_USUAL ((size_t)48 * 1024)
#define BYTES_ASKED ((size_t)1024 * 1024)

static void add_context(const struct rest_call *c, struct buf *out)
{
    const char *name;
    const char *value;

    buf_printf(out, "%s %lld %lld", c->route->id, (long long)c->scope.tenant.no,
               (long long)c->scope.project);
    buf_printf(out, " %s", c->request->path);
    for (size_t i = 0; http_query_at(c->request, i, &name, &value); i++)
        if (strcmp(name, "limit") != 0 && strcmp(name, "cursor") != 0)
            buf_printf(out, "&%zu:%s=%zu:%s", strlen(name), name, strlen(value), value);
}

bool rest_page_cursor(const struct rest_call *c, const char *cursor, struct buf *after)
{
    struct buf context = {0};

    add_context(c, &context);
    const bool good =
        cursor_read(cursor, c->rest->cursor_key, buf_text(&context), after);
    buf_done(&context);
    return good;
}

int rest_page_begin(struct rest_call *c, struct rest_page *p, struct ff_err *err)
{
    const char *cursor = rest_ask(c, "cursor");

    *p = (struct rest_page){.c = c, .limit = rest_ask_int(c, "limit", PAGE_USUAL)};
    const bool good = !cursor || rest_page_cursor(c, cursor, &p->after);
    p->w = (struct jsonw){.out = &c->out};
    jsonw_open(&p->w, '{');
    jsonw_key(&p->w, "items");
    jsonw_open(&p->w, '[');
    if (good)
        return FF_OK;
    rest_add_error(c, "parameter", "cursor",
                   "is not `next` of a page of this list with this filter");
    return rest_fail(c, PROBLEM_INVALID, err,
                     "the cursor is none of this list: begin again without one");
}

static bool is_full(const struct rest_page *p)
{
    const size_t max = rest_ask(p->c, "limit") ? BYTES_ASKED : BYTES_USUAL;

    return p->n == p->limit || (p->n > 0 && p->c->out.len >= max);
}

bool rest_page_step(struct rest_page *p, bool wanted, const void *key, size_t len)
{
    if ((wanted && is_full(p)) || p->n_looks == PAGE_LOOKS) {
        p->more = true;
        return false;
    }
    p->n_looks++;
    p->n += wanted;
    buf_clear(&p->last);
    buf_add(&p->last, key, len);
    return true;
}

int rest_page_end(struct rest_page *p, int code)
{
    struct buf context = {0};
    struct buf next = {0};

    jsonw_close(&p->w, ']');
    jsonw_key(&p->w, "next");
    if (p->more) {
        add_context(p->c, &context);
        cursor_add(&next, p->c->rest->cursor_key, buf_text(&context),
                   buf_text(&p->last), p->last.len);
        jsonw_text(&p->w, buf_text(&next));
    } else {
        jsonw_null(&p->w);
    }
    jsonw_close(&p->w, '}');
    buf_done(&context);
    buf_done(&next);
    buf_done(&p->last);
    buf_done(&p->after);
    return code;
}
