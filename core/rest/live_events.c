/* live_events.c - steps as they become durable: of all runs of a tenant, and of one.
 *
 * A tenant's steps stand in the order of their positions (store/positions.c). A step
 * without one was written by a process that does not lead: the first of a run, or that
 * it was opened again. It is told in front of the next step of its run, which whoever
 * leads writes when it takes the run up. */
#include "rest/live.h"

#include <string.h>

/* --- one step --- */

struct rows {
    struct arena *arena;
    struct event_row *items;
    size_t n, cap;
};

static int keep_row(void *arg, const void *row)
{
    struct rows *rows = arg;
    struct event_row copy = *(const struct event_row *)row;

    store_own_row(&record_event, &copy, rows->arena);
    ARRAY_ADD(rows, copy);
    return 0;
}

/* " run.finished task.failed " */
static const char *types_of(struct live_read *r, const struct event_row *row)
{
    struct ff_err ignored;
    json_t *list = json_parse(row->body.s, row->body.len, &ignored);
    struct buf types = {0};
    json_t *one;
    size_t i;

    buf_add_char(&types, ' ');
    json_array_foreach(list, i, one)
    {
        const char *type = json_string_value(json_object_get(one, "type"));
        if (type)
            buf_printf(&types, "%s ", type);
    }
    json_decref(list);

    const char *text = arena_text(&r->arena, buf_text(&types), types.len);

    buf_done(&types);
    return text;
}

/* Large values stay references here: who wants them asks for the run's history. */
static void add_step(struct live_read *r, const struct run_row *run,
                     const struct event_row *row, struct live_place place)
{
    const bool of_tenant = r->about.run == 0;
    struct buf text = {0};
    struct jsonw w = {.out = &text};
    struct live_item item = {.place = place, .project = run->project};

    if (of_tenant) {
        item.run = arena_text(&r->arena, run->id.s, run->id.len);
        item.workflow = arena_text(&r->arena, run->workflow.s, run->workflow.len);
        item.types = types_of(r, row);
        jsonw_key(&w, "run");
        jsonw_text(&w, item.run);
        jsonw_key(&w, "workflow");
        jsonw_text(&w, item.workflow);
    }
    rest_add_row(&w, &shape_event, row);
    jsonw_key(&w, "events");
    jsonw_raw(&w, row->body.s, row->body.len);
    jsonw_close(&w, '}');
    live_add_item(r, item, &text);
    buf_done(&text);
}

struct found_run {
    struct arena *arena;
    struct run_row row;
    bool found;
};

static int take_run(void *arg, const void *row)
{
    struct found_run *f = arg;

    f->row = *(const struct run_row *)row;
    store_own_row(&record_run, &f->row, f->arena);
    f->found = true;
    return 1;
}

/* FF_NOT_FOUND: it was deleted meanwhile. */
static int read_run(struct live_read *r, int64_t no, struct run_row *run,
                    struct ff_err *err)
{
    const struct run_row like = {.tenant = r->about.tenant.no, .run = no};
    const struct store_query q = {
        .record = &record_run, .like = &like, .n_equal = 2, .limit = 1};
    struct found_run f = {.arena = &r->arena};
    const int code = store_scan(r->store, r->reader, &q, take_run, &f, err);

    if (code != FF_OK)
        return code;
    if (!f.found)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no run %lld", (long long)no);
    *run = f.row;
    return FF_OK;
}

/* --- all of a tenant --- */

struct before {
    struct rows rows;
    int64_t seq; /* of the step they are in front of */
};

static int take_before(void *arg, const void *row)
{
    struct before *b = arg;

    if (((const struct event_row *)row)->position != MODEL_NULL)
        return 1;
    return keep_row(&b->rows, row);
}

/* Steps of its run in front of this one that have no position, the last one first. */
static int read_before(struct live_read *r, const struct event_row *row,
                       struct rows *out, struct ff_err *err)
{
    const struct store_query q = {.record = &record_event,
                                  .like = row,
                                  .n_equal = 2,
                                  .after = row,
                                  .descending = true};
    struct before b = {.rows = {.arena = &r->arena}};
    const int code = store_scan(r->store, r->reader, &q, take_before, &b, err);

    *out = b.rows;
    return code;
}

static void tell(struct live_read *r, const struct run_row *run,
                 const struct event_row *row, int64_t position)
{
    const struct live_place place = {position, row->seq};

    if (live_is_behind(r->from, place))
        add_step(r, run, row, place);
}

static int tell_position(struct live_read *r, struct run_row *run,
                         const struct event_row *row, const struct event_row *last,
                         struct ff_err *err)
{
    struct rows before = {0};
    int code = FF_OK;

    if (run->run != row->run)
        code = read_run(r, row->run, run, err);
    if (code == FF_OK && row->seq > 1 &&
        (!last || last->run != row->run || last->seq != row->seq - 1))
        code = read_before(r, row, &before, err);
    if (code == FF_OK) {
        for (size_t i = before.n; i > 0; i--)
            tell(r, run, &before.items[i - 1], row->position);
        tell(r, run, row, row->position);
    }
    ARRAY_DONE(&before);
    /* What retention takes away is not told any more. */
    return code == FF_NOT_FOUND ? FF_OK : code;
}

/* From the step of the cursor on, some of which may have been told. */
static int read_events(struct live_read *r, struct ff_err *err)
{
    const struct event_row after = {.tenant = r->about.tenant.no,
                                    .position = r->from.a > 0 ? r->from.a - 1 : 0,
                                    .run = INT64_MAX,
                                    .seq = INT64_MAX};
    const struct store_query q = {.record = &record_event,
                                  .index = "event_position",
                                  .like = &after,
                                  .n_equal = 1,
                                  .after = &after,
                                  .limit = LIVE_PAGE_ITEMS};
    struct rows rows = {.arena = &r->arena};
    struct run_row run = {0};
    int code = store_scan(r->store, r->reader, &q, keep_row, &rows, err);
    size_t i;

    for (i = 0; code == FF_OK && i < rows.n && live_has_room(r); i++) {
        code = tell_position(r, &run, &rows.items[i], i > 0 ? &rows.items[i - 1] : NULL,
                             err);
        r->last = (struct live_place){rows.items[i].position, rows.items[i].seq};
    }
    r->full = i < rows.n || rows.n == q.limit;
    ARRAY_DONE(&rows);
    return code;
}

static int take_place(void *arg, const void *row)
{
    const struct event_row *event = row;

    if (event->position != MODEL_NULL)
        *(struct live_place *)arg = (struct live_place){event->position, event->seq};
    return 1;
}

/* What has happened already is not told to who does not ask for it. */
static int find_tip(const struct rest_call *c, struct live_place *at,
                    struct ff_err *err)
{
    const struct event_row like = {.tenant = c->who.tenant.no};
    const struct store_query q = {.record = &record_event,
                                  .index = "event_position",
                                  .like = &like,
                                  .n_equal = 1,
                                  .descending = true,
                                  .limit = 1};

    return store_scan(c->store, c->reader, &q, take_place, at, err);
}

static int read_filter(struct rest_call *c, struct live_ask *ask, struct ff_err *err)
{
    struct live_filter *f = &ask->filter;
    const char *run = rest_ask(c, "run");
    const char *workflow = rest_ask(c, "workflow");
    const char *name;
    const char *value;

    snprintf(f->run, sizeof(f->run), "%s", run ? run : "");
    snprintf(f->workflow, sizeof(f->workflow), "%s", workflow ? workflow : "");
    for (size_t i = 0; http_query_at(c->request, i, &name, &value); i++) {
        if (strcmp(name, "kind") != 0)
            continue;
        if (f->n_kinds == LIVE_KINDS_MAX)
            return rest_fail(c, PROBLEM_INVALID, err, "that is more than %d kinds",
                             LIVE_KINDS_MAX);
        snprintf(f->kinds[f->n_kinds++], sizeof(f->kinds[0]), "%s", value);
    }
    ask->filters = run || workflow || f->n_kinds > 0;
    return FF_OK;
}

static struct live_ask *new_ask(struct rest_call *c, const struct live_kind *kind)
{
    struct live_ask *ask = arena_alloc(&c->arena, sizeof(*ask));

    *ask = (struct live_ask){.about = {.kind = kind, .tenant = c->who.tenant}};
    c->ask_live = ask;
    return ask;
}

static int open_events(struct rest_call *c, struct ff_err *err)
{
    struct live_ask *ask = new_ask(c, &live_events);
    bool given;
    int code = read_filter(c, ask, err);

    if (code == FF_OK)
        code = live_cursor_read(c, &ask->about, &ask->at, &given, err);
    if (code == FF_OK && !given)
        code = find_tip(c, &ask->at, err);
    return code;
}

const struct live_kind live_events = {
    .name = "events", .open = open_events, .read = read_events};

/* --- the same a page at a time --- */

static const struct rest_field live_step_fields[] = {
    {.name = "cursor", .type = REST_TEXT, .help = "where it goes on behind this step"},
    {.name = "run", .type = REST_TEXT, .help = "its id"},
    {.name = "workflow", .type = REST_TEXT},
    {.name = "events", .type = REST_LIST, .help = "what this step of the run did"},
    {0},
};
const struct rest_shape shape_live_step = {.name = "LiveStep",
                                           .record = &record_event,
                                           .columns = COLUMN_BIT(COL_EVENT_SEQ) |
                                                      COLUMN_BIT(COL_EVENT_AT),
                                           .more = live_step_fields};

static void add_page(struct rest_call *c, const struct live_ask *ask,
                     const struct live_read *r, struct live_place *last, int64_t limit)
{
    struct jsonw w = {.out = &c->out};
    struct buf next = {0};
    int64_t n = 0;
    size_t i;

    jsonw_open(&w, '{');
    jsonw_key(&w, "items");
    jsonw_open(&w, '[');
    for (i = 0; i < r->page.n && n < limit; i++) {
        const struct live_item *item = &r->page.items[i];

        *last = item->place;
        if (!live_wants(ask->filters ? &ask->filter : NULL, item) ||
            !rest_sees(c, item->project))
            continue;
        jsonw_raw(&w, item->json, item->len);
        n++;
    }
    jsonw_close(&w, ']');
    if (i == r->page.n) /* steps of deleted runs are no items */
        *last = r->last;
    live_cursor_add(c->rest, &ask->about, *last, &next);
    jsonw_key(&w, "next");
    jsonw_text(&w, buf_text(&next));
    jsonw_close(&w, '}');
    buf_done(&next);
}

/* From the oldest on; a page of few or none is not the end of it. */
int rest_events_list(struct rest_call *c, struct ff_err *err)
{
    struct live_ask *ask = new_ask(c, &live_events);
    struct live_read r = {
        .rest = c->rest, .about = ask->about, .store = c->store, .reader = c->reader};
    bool given;
    int code = read_filter(c, ask, err);

    if (code == FF_OK)
        code = live_cursor_read(c, &ask->about, &ask->at, &given, err);
    r.from = r.last = ask->at;
    if (code == FF_OK)
        code = read_events(&r, err);
    if (code == FF_OK)
        add_page(c, ask, &r, &ask->at, rest_ask_int(c, "limit", PAGE_USUAL));
    ARRAY_DONE(&r.page);
    arena_done(&r.arena);
    return code;
}

/* --- one run --- */

static int open_history(struct rest_call *c, struct ff_err *err)
{
    struct live_ask *ask = new_ask(c, &live_history);
    struct run_row run = {0};
    bool given;

    if (rest_find_run(c, &run, err) != FF_OK)
        return err->code;
    ask->about.run = run.run;
    ask->about.project = run.project;
    snprintf(ask->about.run_id, sizeof(ask->about.run_id), "%.*s", (int)run.id.len,
             run.id.s);
    return live_cursor_read(c, &ask->about, &ask->at, &given, err);
}

/* The state is read before the steps: it says that these were the last. */
static int read_history(struct live_read *r, struct ff_err *err)
{
    const struct event_row after = {
        .tenant = r->about.tenant.no, .run = r->about.run, .seq = r->from.a};
    const struct store_query q = {.record = &record_event,
                                  .like = &after,
                                  .n_equal = 2,
                                  .after = r->from.a > 0 ? &after : NULL,
                                  .limit = LIVE_PAGE_ITEMS};
    struct rows rows = {.arena = &r->arena};
    struct run_row run = {0};
    int code = read_run(r, r->about.run, &run, err);
    size_t i;

    if (code == FF_NOT_FOUND) {
        r->over = true;
        return FF_OK;
    }
    if (code == FF_OK)
        code = store_scan(r->store, r->reader, &q, keep_row, &rows, err);
    for (i = 0; code == FF_OK && i < rows.n && live_has_room(r); i++)
        add_step(r, &run, &rows.items[i], (struct live_place){rows.items[i].seq, 0});
    r->full = i < rows.n || rows.n == q.limit;
    r->over = code == FF_OK && run_state_final(run.state);
    ARRAY_DONE(&rows);
    return code;
}

const struct live_kind live_history = {
    .name = "history", .open = open_history, .read = read_history};
