/* live_open.c - a request becomes a stream. */
#include "rest/live.h"

#include <string.h>

/* --- which requests do --- */

static bool has(const char *header, const char *word)
{
    return header && strcasestr(header, word) != NULL;
}

static bool asks_upgrade(const struct rest_call *c)
{
    return has(http_header(c->request, "upgrade"), "websocket");
}

bool live_is_wanted(const struct rest_call *c)
{
    return c->route->live && (asks_upgrade(c) || has(http_header(c->request, "accept"),
                                                     "text/event-stream"));
}

/* --- cursors --- */

/* The filter is not part of it: one may come back and ask for more, or for less. */
static void context_of(const struct live_about *a, char *out, size_t size)
{
    snprintf(out, size, "live %s %lld %lld %lld %lld %d", a->kind->name,
             (long long)a->tenant.no, (long long)a->run, (long long)a->node,
             (long long)a->attempt, a->sdk);
}

void live_cursor_add(const struct rest *r, const struct live_about *about,
                     struct live_place place, struct buf *out)
{
    char context[160];

    context_of(about, context, sizeof(context));
    cursor_add(out, r->cursor_key, context, &place, sizeof(place));
}

int live_cursor_read(struct rest_call *c, const struct live_about *about,
                     struct live_place *place, bool *given, struct ff_err *err)
{
    const char *cursor = http_header(c->request, "last-event-id");
    struct buf says = {0};
    char context[160];

    if (!cursor || !*cursor)
        cursor = rest_ask(c, "cursor");
    *given = cursor != NULL;
    if (!cursor)
        return FF_OK;
    context_of(about, context, sizeof(context));

    const bool good = cursor_read(cursor, c->rest->cursor_key, context, &says) &&
                      says.len == sizeof(*place);

    if (good)
        memcpy(place, says.data, sizeof(*place));
    buf_done(&says);
    if (good)
        return FF_OK;
    rest_add_error(c, "parameter", "cursor",
                   "and Last-Event-ID must be the id of an event of this stream");
    return rest_fail(c, PROBLEM_INVALID, err,
                     "the cursor is none of this stream: begin again without one");
}

/* --- opening --- */

static int may_open(struct rest_call *c, struct ff_err *err)
{
    const struct rest *r = c->rest;

    if (r->draining)
        return rest_fail(c, PROBLEM_UNAVAILABLE, err, "the server is stopping");
    if (r->live->n_streams >= (size_t)r->setup.settings.streams)
        return rest_fail(c, PROBLEM_UNAVAILABLE, err,
                         "this server has as many live streams as it may "
                         "(server.streams)");
    return FF_OK;
}

static struct live *new_stream(struct rest *r, const struct live_ask *ask,
                               struct live_caller *caller)
{
    struct live *s = mem_alloc(sizeof(*s));

    *s = (struct live){.all = r->live,
                       .source = live_source_get(r->live, &ask->about),
                       .caller = caller,
                       .at = ask->at};
    list_init(&s->turn);
    list_add_tail(&s->source->streams, &s->link);
    r->live->n_streams++;
    if (ask->filters) {
        s->filter = mem_alloc(sizeof(*s->filter));
        *s->filter = ask->filter;
    }
    return s;
}

/* The place was found before the stream was there: something may have come since. */
static void start(struct live *s)
{
    live_return(s);
    live_callers_watch(s->all);
    live_follow(s->all);
}

void live_begin(struct rest_call *c)
{
    struct rest *r = c->rest;
    const struct live_ask *ask = c->ask_live;
    struct live_caller *caller = NULL;
    struct buf cursor = {0};

    if (c->code == FF_OK)
        c->code = may_open(c, &c->err);
    if (c->code == FF_OK) {
        caller = live_caller_get(r->live, c, &c->err);
        c->code = caller ? FF_OK : c->err.code;
    }
    if (c->code != FF_OK) {
        rest_end(c);
        return;
    }
    live_cursor_add(r, &ask->about, ask->at, &cursor);
    rest_add_headers(c);
    http_reply_header(c->reply, "Vary", "Accept");

    struct live *s = new_stream(r, ask, caller);

    if (live_open(s, c->reply, asks_upgrade(c), buf_text(&cursor)))
        start(s);
    else
        live_let_go(s);
    buf_done(&cursor);
    rest_tell_stop(r);
}

/* --- what a filter lets through --- */

static bool has_kind(const struct live_filter *f, const char *types)
{
    char word[80];

    for (size_t i = 0; i < f->n_kinds; i++) {
        snprintf(word, sizeof(word), " %s ", f->kinds[i]);
        if (strstr(types, word))
            return true;
    }
    return f->n_kinds == 0;
}

bool live_wants(const struct live_filter *f, const struct live_item *item)
{
    if (!f)
        return true;
    return (!*f->run || strcmp(f->run, item->run) == 0) &&
           (!*f->workflow || strcmp(f->workflow, item->workflow) == 0) &&
           has_kind(f, item->types);
}

/* --- what sources read into --- */

bool live_has_room(const struct live_read *r)
{
    return r->page.n < LIVE_PAGE_ITEMS && r->bytes < LIVE_PAGE_BYTES;
}

void live_add_item(struct live_read *r, struct live_item item, const struct buf *json)
{
    struct buf cursor = {0};
    struct buf text = {0};

    live_cursor_add(r->rest, &r->about, item.place, &cursor);
    buf_printf(&text, "{\"cursor\":\"%s\",", buf_text(&cursor));
    buf_add(&text, buf_text(json), json->len);
    item.cursor = arena_text(&r->arena, buf_text(&cursor), cursor.len);
    item.json = arena_text(&r->arena, buf_text(&text), text.len);
    item.len = text.len;
    r->bytes += text.len;
    r->last = item.place;
    ARRAY_ADD(&r->page, item);
    buf_done(&cursor);
    buf_done(&text);
}
