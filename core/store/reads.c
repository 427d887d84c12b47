/* store/reads.c - typed reads: queries by row structs, pages inside. */
#include "store/store_priv.h"

#include <string.h>

#define PAGE_ROWS  512 /* a page is one transaction of the driver */
#define MAX_ORDER  16  /* columns of an index and of a key together */
#define PREFIX_LEN 8
#define ID_LEN     (ID_TEXT - 1)

struct scan {
    const struct store_query *q;
    int index;
    uint16_t order[MAX_ORDER]; /* columns of the index, then of the key */
    size_t n_order;
    void *row;
    store_row_fn *fn;
    void *arg;
    /* Where this page begins, which the driver may look at until its scan returns, and
     * where the next one does. */
    struct cursor {
        struct ff_value after[MAX_ORDER]; /* text in the arena */
        struct arena arena;
    } cursors[2];
    struct cursor *now, *next;
    uint64_t left;
    uint32_t page, n_in_page;
    bool stopped;
};

static int find_index(const struct store_query *q, int *index, struct ff_err *err)
{
    *index = -1;
    for (int i = 0; q->index && i < q->record->n_indexes; i++)
        if (strcmp(q->record->indexes[i].name, q->index) == 0)
            *index = i;
    if (q->index && *index < 0)
        return ff_fail(err, FF_INVALID, 0, "%s has no index %s", q->record->name,
                       q->index);
    return FF_OK;
}

static void find_order(struct scan *sc)
{
    const struct ff_record *r = sc->q->record;

    for (uint16_t i = 0; sc->index >= 0 && i < r->indexes[sc->index].n_columns; i++)
        sc->order[sc->n_order++] = r->indexes[sc->index].columns[i];
    for (uint16_t i = 0; i < r->n_key; i++)
        sc->order[sc->n_order++] = i;
}

/* The values of a row in the sequence of the order. */
static void pick(const struct scan *sc, const void *row, struct ff_value *picked,
                 size_t n)
{
    struct ff_value values[64];

    model_to_values(sc->q->record, row, values);
    for (size_t i = 0; i < n; i++)
        picked[i] = values[sc->order[i]];
}

/* The page may be full: where the next one goes on. Text must outlast this row. */
static void keep_cursor(struct scan *sc, const struct ff_value *values)
{
    arena_reset(&sc->next->arena);
    for (size_t i = 0; i < sc->n_order; i++) {
        struct ff_value *v = &sc->next->after[i];

        *v = values[sc->order[i]];
        if (v->type && v->s)
            v->s = arena_text(&sc->next->arena, v->s, v->len);
    }
}

static int on_row(void *arg, const struct ff_value *values)
{
    struct scan *sc = arg;

    sc->left--;
    if (++sc->n_in_page == sc->page)
        keep_cursor(sc, values);
    model_from_values(sc->q->record, values, sc->row);
    sc->stopped = sc->fn(sc->arg, sc->row) != 0;
    return sc->stopped;
}

static void turn_page(struct scan *sc, struct ff_query *query)
{
    struct cursor *read = sc->now;

    sc->now = sc->next;
    sc->next = read;
    query->after = sc->now->after;
}

static int scan_pages(struct store *s, struct session *session, struct scan *sc,
                      struct ff_query *query, struct ff_err *err)
{
    int code = FF_OK;

    do {
        sc->page = sc->left < PAGE_ROWS ? (uint32_t)sc->left : PAGE_ROWS;
        sc->n_in_page = 0;
        query->limit = sc->page;
        pthread_mutex_lock(&session->mutex);
        code = s->ops->scan(session->handle, query, on_row, sc, err);
        pthread_mutex_unlock(&session->mutex);
        turn_page(sc, query);
    } while (code == FF_OK && !sc->stopped && sc->left && sc->n_in_page == sc->page);
    return code;
}

int store_scan(struct store *s, struct store_reader *reader,
               const struct store_query *q, store_row_fn *fn, void *arg,
               struct ff_err *err)
{
    struct scan sc = {.q = q, .fn = fn, .arg = arg};
    struct ff_value equal[MAX_ORDER];
    struct ff_query query = {.struct_size = sizeof(query),
                             .flags = q->descending ? FF_DESCENDING : 0,
                             .record = q->record,
                             .n_equal = q->n_equal,
                             .equal = equal,
                             .from = q->from,
                             .below = q->below};
    int code = find_index(q, &sc.index, err);

    if (code != FF_OK)
        return code;
    sc.now = &sc.cursors[0];
    sc.next = &sc.cursors[1];
    sc.left = q->limit ? q->limit : UINT64_MAX;
    find_order(&sc);
    query.index = sc.index;
    if (q->n_equal)
        pick(&sc, q->like, equal, q->n_equal);
    if (q->after) {
        pick(&sc, q->after, sc.now->after, sc.n_order);
        query.after = sc.now->after;
    }
    sc.row = mem_alloc(model_row_size(q->record));
    code = scan_pages(s, store_session(s, reader), &sc, &query, err);
    mem_free(sc.row);
    arena_done(&sc.now->arena);
    arena_done(&sc.next->arena);
    return code;
}

/* --- single rows --- */

void store_own_row(const struct ff_record *record, void *row, struct arena *arena)
{
    for (uint16_t i = 0; i < record->n_columns; i++) {
        const struct ff_column *c = &record->columns[i];
        char *field = (char *)row + c->offset;
        struct span span;

        if (c->type != FF_TEXT && c->type != FF_JSON && c->type != FF_BYTES)
            continue;
        memcpy(&span, field, sizeof(span));
        if (span.s)
            span.s = arena_text(arena, span.s, span.len);
        memcpy(field, &span, sizeof(span));
    }
}

struct one {
    const struct ff_record *record;
    struct arena *arena;
    void *row; /* written by the first */
    size_t n;
};

static int take_row(void *arg, const void *row)
{
    struct one *one = arg;

    if (one->n++ == 0) {
        memcpy(one->row, row, model_row_size(one->record));
        store_own_row(one->record, one->row, one->arena);
    }
    return 0;
}

int store_read_one(struct store *s, struct store_reader *reader,
                   const struct store_query *q, struct arena *arena, void *row,
                   struct ff_err *err)
{
    struct one one = {.record = q->record, .arena = arena, .row = row};
    const int code = store_scan(s, reader, q, take_row, &one, err);

    if (code == FF_OK && one.n == 0)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no such %s", q->record->name);
    return code;
}

int store_run_by_id(struct store *s, struct store_reader *r, struct tenant t,
                    const char *id, struct arena *arena, struct run_row *row,
                    struct ff_err *err)
{
    const struct run_row like = {.tenant = t.no, .id = span_of(id)};
    const struct store_query q = {.record = &record_run,
                                  .index = "run_id",
                                  .like = &like,
                                  .n_equal = 2,
                                  .limit = 1};

    if (store_read_one(s, r, &q, arena, row, err) == FF_OK)
        return FF_OK;
    if (err->code == FF_NOT_FOUND)
        ff_fail(err, FF_NOT_FOUND, 0, "there is no run %.40s", id);
    return err->code;
}

int store_workflow(struct store *s, struct store_reader *r, struct tenant t,
                   struct span hash, struct arena *arena, struct workflow_row *row,
                   struct ff_err *err)
{
    const struct workflow_row like = {.tenant = t.no, .hash = hash};
    const struct store_query q = {
        .record = &record_workflow, .like = &like, .n_equal = 2, .limit = 1};

    return store_read_one(s, r, &q, arena, row, err);
}

static int take_seq(void *arg, const void *row)
{
    *(int64_t *)arg = ((const struct event_row *)row)->seq;
    return 1;
}

int store_last_seq(struct store *s, struct store_reader *r, struct tenant t,
                   int64_t run, int64_t *seq, struct ff_err *err)
{
    const struct event_row like = {.tenant = t.no, .run = run};
    const struct store_query last = {.record = &record_event,
                                     .like = &like,
                                     .n_equal = 2,
                                     .descending = true,
                                     .limit = 1};

    *seq = 0;
    return store_scan(s, r, &last, take_seq, seq, err);
}

bool store_moment(struct store *s, struct store_reader *r, struct store_moment *out)
{
    struct session *session = store_session(s, r);
    struct ff_err ignored;

    if (!s->ops->moment)
        return false;
    pthread_mutex_lock(&session->mutex);
    const int code = s->ops->moment(session->handle, out->words, &ignored);
    pthread_mutex_unlock(&session->mutex);
    return code == FF_OK;
}

/* --- what people type --- */

/* A run that is a task of another one is not what people mean. */
static int take_outermost(void *arg, const void *row)
{
    if (run_is_child(row))
        return 0;
    take_row(arg, row);
    return 1;
}

static int find_last(struct store *s, struct store_reader *r, struct tenant t,
                     struct arena *arena, struct run_row *row, struct ff_err *err)
{
    const struct run_row like = {.tenant = t.no};
    const struct store_query q = {
        .record = &record_run, .like = &like, .n_equal = 1, .descending = true};
    struct one one = {.record = &record_run, .arena = arena, .row = row};
    const int code = store_scan(s, r, &q, take_outermost, &one, err);

    if (code == FF_OK && one.n == 0)
        return ff_fail(err, FF_NOT_FOUND, 0, "there are no runs yet");
    return code;
}

static bool is_id_prefix(const char *word, size_t len)
{
    return len >= PREFIX_LEN && len <= ID_LEN &&
           strspn(word, "0123456789abcdef-") == len;
}

static int find_prefix(struct store *s, struct store_reader *r, struct tenant t,
                       const char *word, struct arena *arena, struct run_row *row,
                       struct ff_err *err)
{
    const size_t len = strlen(word);
    const struct run_row like = {.tenant = t.no};
    struct one one = {.record = &record_run, .arena = arena, .row = row};
    char end[ID_TEXT];

    /* The first text behind all that begin with the word. */
    memcpy(end, word, len + 1);
    end[len - 1]++;

    const struct ff_value from = {.type = FF_TEXT, .s = word, .len = len};
    const struct ff_value below = {.type = FF_TEXT, .s = end, .len = len};
    const struct store_query q = {.record = &record_run,
                                  .index = "run_id",
                                  .like = &like,
                                  .n_equal = 1,
                                  .from = &from,
                                  .below = &below,
                                  .limit = 2};
    const int code = store_scan(s, r, &q, take_row, &one, err);

    if (code != FF_OK)
        return code;
    if (one.n == 0)
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no run %s", word);
    if (one.n > 1)
        return ff_fail(err, FF_INVALID, 0,
                       "several runs begin with %s: give more of the id", word);
    return FF_OK;
}

int store_run_find(struct store *s, struct store_reader *r, struct tenant t,
                   const char *word, struct arena *arena, struct run_row *row,
                   struct ff_err *err)
{
    if (strcmp(word, "last") == 0)
        return find_last(s, r, t, arena, row, err);
    if (is_id_prefix(word, strlen(word)))
        return find_prefix(s, r, t, word, arena, row, err);
    return ff_fail(err, FF_INVALID, 0,
                   "\"%.40s\" is no run: give an id, 8 or more characters of its "
                   "beginning, or \"last\"",
                   word);
}
