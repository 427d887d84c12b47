/* rows.c - the store of a server, as far as its rows can be read: commands that read
 * rows need not know whose they are. One scan of the core is one GET /rows/RECORD, or
 * some where the answer would be too large. See core/rest/rows.c. */
#include "cli/remote/remote.h"

#include "model/access_rows.h"

#include <string.h>
#include <time.h>

#define ORDER_MAX 16
#define PAGE_MIN  32 /* most who scan stop soon; each page is larger than the last */
#define PAGE_MAX  1000

/* A driver is given options, which a credential must never be. */
static const struct remote *asked;

static int rows_open(const struct ff_host *host, const void *config, void **store,
                     struct ff_err *err)
{
    static int session; /* nothing is remembered */

    (void)host;
    (void)config;
    (void)err;
    *store = &session;
    return FF_OK;
}

static void rows_close(void *store)
{
    (void)store;
}

static int rows_setup(void *store, const struct ff_schema *schema, struct ff_err *err)
{
    (void)store;
    (void)schema;
    (void)err;
    return FF_OK;
}

static int rows_commit(void *store, const struct ff_change *changes, size_t n,
                       size_t *failed, struct ff_err *err)
{
    (void)store;
    (void)changes;
    (void)n;
    *failed = 0;
    return ff_fail(
        err, FF_INVALID, 0,
        "%.100s is not changed this way: add --context local, or use its API",
        asked->server);
}

/* --- what is asked --- */

struct reading {
    const struct ff_query *q;
    uint16_t order[ORDER_MAX]; /* columns of the index, then of the key */
    size_t n_order;
    struct ff_value after[ORDER_MAX], before[ORDER_MAX]; /* before: of the last page */
    bool goes_on;        /* `after` counts, and not the query's */
    char *cursor;        /* or this, where the server gave one */
    uint64_t left, page; /* rows: in all, and of the next request */
    bool more, stopped;
};

static void find_order(struct reading *r)
{
    const struct ff_record *record = r->q->record;
    const struct ff_index *index =
        r->q->index >= 0 ? &record->indexes[r->q->index] : NULL;

    for (uint16_t i = 0; index && i < index->n_columns; i++)
        r->order[r->n_order++] = index->columns[i];
    for (uint16_t i = 0; i < record->n_key; i++)
        r->order[r->n_order++] = i;
}

/* NAME=JSON: a list, or with n 0 one value. */
static void add_values(const struct reading *r, struct buf *path, const char *name,
                       const struct ff_value *values, size_t n, size_t first)
{
    const struct ff_column *columns = r->q->record->columns;
    struct buf text = {0};
    struct jsonw w = {.out = &text};

    if (n > 0)
        jsonw_open(&w, '[');
    for (size_t i = 0; i < (n > 0 ? n : 1); i++)
        model_wire_value(&w, &columns[r->order[first + i]], &values[i]);
    if (n > 0)
        jsonw_close(&w, ']');
    remote_add_query(path, name, buf_text(&text));
    buf_done(&text);
}

static void add_query(const struct reading *r, struct buf *path)
{
    const struct ff_query *q = r->q;
    const struct ff_value *after = r->goes_on ? r->after : q->after;
    char limit[UNITS_TEXT];

    buf_printf(path, "/rows/%s", q->record->name);
    if (q->index >= 0)
        remote_add_query(path, "index", q->record->indexes[q->index].name);
    if (q->n_equal > 0)
        add_values(r, path, "equal", q->equal, q->n_equal, 0);
    if (q->from)
        add_values(r, path, "at_least", q->from, 0, q->n_equal);
    if (q->below)
        add_values(r, path, "below", q->below, 0, q->n_equal);
    if (r->cursor)
        remote_add_query(path, "cursor", r->cursor);
    else if (after)
        add_values(r, path, "after", after, r->n_order, 0);
    if (q->flags & FF_DESCENDING)
        remote_add_query(path, "descending", "true");
    snprintf(limit, sizeof(limit), "%llu", (unsigned long long)r->page);
    remote_add_query(path, "limit", limit);
    if (q->record == &record_run || q->record == &record_workflow_version ||
        q->record == &record_schedule)
        remote_add_query(path, "project", asked->only);
    remote_add_place(path, asked);
}

/* --- what is answered --- */

/* What no server shows, and no command reads. */
static uint64_t hidden_of(const struct ff_record *record)
{
    if (record == &record_secret)
        return COLUMN_BIT(COL_SECRET_SEALED);
    return record == &record_api_key ? COLUMN_BIT(COL_API_KEY_HASH) : 0;
}

/* Commands print most texts of rows as they are, since here nothing else gets into
 * them: what steers a terminal is taken out of those of others. Line breaks stay, as
 * in messages of tasks; so does the text of a workflow, which has a hash. */
static void clean_text(json_t *value)
{
    const char *text = json_string_value(value);
    struct buf clean = {0};

    for (const char *at = text; *at;) {
        const size_t n = strcspn(at, "\n\t");

        cli_add_clean(&clean, at, n);
        at += n;
        if (*at)
            buf_add_char(&clean, *at++);
    }
    json_string_setn(value, buf_text(&clean), clean.len);
    buf_done(&clean);
}

static void clean_row(const struct ff_record *record, const json_t *object)
{
    for (uint16_t i = 0; i < record->n_columns; i++) {
        json_t *value = json_object_get(object, record->columns[i].name);

        if (record->columns[i].type == FF_TEXT && json_is_string(value) &&
            !(record == &record_workflow && i == COL_WORKFLOW_SOURCE))
            clean_text(value);
    }
}

static int take_row(struct reading *r, json_t *object, ff_row_fn *fn, void *arg,
                    struct ff_err *err)
{
    struct ff_value values[64];

    clean_row(r->q->record, object);
    if (!model_wire_read_row(r->q->record, object, hidden_of(r->q->record), values))
        return ff_fail(err, FF_UNAVAILABLE, 0,
                       "%.100s has rows of %s that this program cannot read: are the "
                       "versions the same?",
                       asked->server, r->q->record->name);
    for (size_t i = 0; i < r->n_order; i++)
        r->after[i] = values[r->order[i]];
    r->left--;
    r->stopped = fn && fn(arg, values) != 0;
    return FF_OK;
}

static bool is_same(const struct ff_value *a, const struct ff_value *b)
{
    if (a->type != b->type || a->type == 0)
        return a->type == b->type;
    if (a->type == FF_TEXT || a->type == FF_JSON)
        return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
    return a->i == b->i;
}

/* Does a page end where the one before it has ended? */
static bool is_same_place(const struct reading *r)
{
    for (size_t i = 0; i < r->n_order; i++)
        if (!is_same(&r->after[i], &r->before[i]))
            return false;
    return true;
}

/* Where a page ends whose last rows were not for us. False: it is where it began. */
static bool take_cursor(struct reading *r, const json_t *page)
{
    const char *after = json_string_value(json_object_get(page, "after"));
    const bool same = after && r->cursor && strcmp(after, r->cursor) == 0;

    mem_free(r->cursor);
    r->cursor = after ? mem_text(after) : NULL;
    return !same;
}

/* `answer` was read before and holds what `after` points to; it is replaced. */
static int read_page(struct reading *r, json_t **answer, ff_row_fn *fn, void *arg,
                     struct ff_err *err)
{
    struct buf path = {0};
    json_t *page = NULL;
    json_t *row;
    size_t i;

    if (r->page > r->left)
        r->page = r->left;
    add_query(r, &path);
    const struct remote_request what = {.method = "GET", .path = buf_text(&path)};
    int code = remote_call(asked, &what, &page, err);
    buf_done(&path);
    memcpy(r->before, r->after, sizeof(r->before));
    if (code == FF_OK && !json_is_array(json_object_get(page, "rows")))
        code = ff_fail(err, FF_UNAVAILABLE, 0,
                       "%.100s does not answer as FlowForge does", asked->server);
    json_array_foreach(json_object_get(page, "rows"), i, row)
    {
        if (code != FF_OK || r->stopped || r->left == 0)
            break;
        code = take_row(r, row, fn, arg, err);
    }
    const bool moved = take_cursor(r, page);
    if (code == FF_OK &&
        (!moved || (!r->cursor && i > 0 && r->goes_on && is_same_place(r))))
        code = ff_fail(err, FF_UNAVAILABLE, 0,
                       "%.100s gives the same rows again and again", asked->server);
    r->more = i == r->page || json_is_true(json_object_get(page, "more"));
    r->page = 4 * r->page < PAGE_MAX ? 4 * r->page : PAGE_MAX;
    r->goes_on = i > 0 || r->cursor;
    json_decref(*answer);
    *answer = page;
    return code;
}

static int read_rows(const struct ff_query *q, ff_row_fn *fn, void *arg, uint64_t *n,
                     struct ff_err *err)
{
    const uint64_t limit = q->limit ? q->limit : UINT64_MAX;
    struct reading r = {.q = q, .left = limit, .page = PAGE_MIN};
    json_t *answer = NULL;
    int code;

    find_order(&r);
    do
        code = read_page(&r, &answer, fn, arg, err);
    while (code == FF_OK && r.more && r.goes_on && r.left > 0 && !r.stopped);
    json_decref(answer);
    mem_free(r.cursor);
    *n = limit - r.left;
    return code;
}

static int rows_scan(void *store, const struct ff_query *q, ff_row_fn *fn, void *arg,
                     struct ff_err *err)
{
    uint64_t n;

    (void)store;
    return read_rows(q, fn, arg, &n, err);
}

static int rows_count(void *store, const struct ff_query *q, uint64_t *n,
                      struct ff_err *err)
{
    (void)store;
    return read_rows(q, NULL, NULL, n, err);
}

static int rows_ping(void *store, struct ff_err *err)
{
    const struct remote_request what = {.method = "GET", .path = "/me"};

    (void)store;
    return remote_call(asked, &what, NULL, err);
}

static int rows_now(void *store, int64_t *now_us, struct ff_err *err)
{
    struct timespec now;

    (void)store;
    (void)err;
    clock_gettime(CLOCK_REALTIME, &now);
    *now_us = (int64_t)now.tv_sec * UNITS_SECOND + now.tv_nsec / 1000;
    return FF_OK;
}

/* --- the driver --- */

static const struct ff_store_ops ops = {
    .open = rows_open,
    .close = rows_close,
    .setup = rows_setup,
    .commit = rows_commit,
    .scan = rows_scan,
    .count = rows_count,
    .ping = rows_ping,
    .now = rows_now,
};

static const struct ff_driver description = {
    FF_DRIVER_HEAD(FF_STORE, FF_PARALLEL, ops),
    .caps = FF_STORE_SHARED,
    .name = "rows",
    .version = "1.0",
    .summary = "the rows of a server",
    .ops.store = &ops,
};

struct driver *remote_store(const struct remote *r, struct ff_err *err)
{
    asked = r;
    return driver_from(&description, err);
}
