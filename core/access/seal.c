/* seal.c - seals: each names the rows that it covers by number and hash, and holds the
 * hash of the seal before it, so that no row of the log can be changed, taken out, put
 * in or moved without a seal that no longer fits. Two who seal at once write the same
 * number, and one of them finds nothing left to do. */
#include "access/access_priv.h"

#include <string.h>

#define SEAL_ROWS 500 /* of one seal */
#define RACES     10

/* Rows of one tenant that no seal covers yet. */
struct opens {
    struct audit_open_row rows[SEAL_ROWS];
    size_t n;
};

static int take_open(void *arg, const void *row)
{
    struct opens *o = arg;
    const struct audit_open_row *open = row;

    if (o->n > 0 && open->tenant != o->rows[0].tenant)
        return 1;
    o->rows[o->n++] = *open;
    return o->n == SEAL_ROWS;
}

/* The hash of a row that is gone is null: it says so for ever. */
static int add_row(struct store *s, struct store_reader *r,
                   const struct audit_open_row *open, struct jsonw *w,
                   struct ff_err *err)
{
    const struct audit_row like = {.tenant = open->tenant, .no = open->no};
    const struct store_query q = {.record = &record_audit, .like = &like, .n_equal = 2};
    struct arena arena = {0};
    struct audit_row row;
    char hash[SHA256_TEXT];
    const int code = access_first(s, r, &q, &arena, &row, err);

    if (code == FF_OK)
        audit_row_hash(&row, hash);
    if (code == FF_OK || code == FF_NOT_FOUND) {
        jsonw_open(w, '[');
        jsonw_int(w, open->no);
        jsonw_text(w, code == FF_OK ? hash : NULL);
        jsonw_close(w, ']');
    }
    arena_done(&arena);
    return code == FF_NOT_FOUND ? FF_OK : code;
}

static int add_rows(struct store *s, struct store_reader *r, const struct opens *o,
                    struct buf *rows, struct ff_err *err)
{
    struct jsonw w = {.out = rows};
    int code = FF_OK;

    jsonw_open(&w, '[');
    for (size_t i = 0; code == FF_OK && i < o->n; i++)
        code = add_row(s, r, &o->rows[i], &w, err);
    jsonw_close(&w, ']');
    return code;
}

/* Which seal is to follow, and on what. */
static int find_last(struct store *s, struct store_reader *r, struct arena *arena,
                     struct audit_seal_row *next, struct ff_err *err)
{
    const struct audit_seal_row like = {.tenant = next->tenant};
    const struct store_query q = {
        .record = &record_audit_seal, .like = &like, .n_equal = 1, .descending = true};
    struct audit_seal_row last = {.hash = span_of(audit_first_prev)};
    const int code = access_first(s, r, &q, arena, &last, err);

    next->no = last.no + 1;
    next->prev_hash = last.hash;
    return code == FF_NOT_FOUND ? FF_OK : code;
}

static void put(struct audit_seal_row *seal, const struct opens *o, struct batch *b)
{
    char hash[SHA256_TEXT];

    audit_seal_hash(seal, hash);
    seal->hash = span_of(hash);
    batch_put(b, &record_audit_seal, seal, FF_ABSENT);
    for (size_t i = 0; i < o->n; i++)
        batch_delete(b, &record_audit_open, &o->rows[i], o->rows[i].version);
}

static int seal_one(struct store *s, struct store_reader *r, int64_t now_us,
                    const struct opens *o, struct ff_err *err)
{
    struct audit_seal_row seal = {
        .tenant = o->rows[0].tenant, .at = now_us, .n = (int64_t)o->n};
    struct arena arena = {0};
    struct batch b = {0};
    struct buf rows = {0};
    int code = add_rows(s, r, o, &rows, err);

    if (code == FF_OK)
        code = find_last(s, r, &arena, &seal, err);
    if (code == FF_OK) {
        seal.rows = (struct span){rows.data, rows.len};
        put(&seal, o, &b);
        code = store_commit_now(s, &b, NULL, err);
    }
    buf_done(&rows);
    batch_done(&b);
    arena_done(&arena);
    return code;
}

/* One seal for each tenant, so that none waits for one that adds rows all the time.
 * `more`: some may have rows left that were there already. */
static int seal_each(struct store *s, struct store_reader *r, int64_t now_us,
                     struct opens *o, int64_t *n_rows, bool *more, struct ff_err *err)
{
    struct audit_open_row last = {.no = INT64_MAX};
    struct store_query q = {.record = &record_audit_open};
    int code;

    *more = false;
    do {
        o->n = 0;
        code = store_scan(s, r, &q, take_open, o, err);
        if (code != FF_OK || o->n == 0)
            return code;
        last.tenant = o->rows[0].tenant;
        q.after = &last;
        code = seal_one(s, r, now_us, o, err);
        *more = *more || o->n == SEAL_ROWS;
        if (code == FF_OK)
            *n_rows += (int64_t)o->n;
    } while (code == FF_OK);
    return code;
}

int access_seal(struct store *s, struct store_reader *r, int64_t now_us,
                int64_t *n_rows, struct ff_err *err)
{
    struct opens *o = mem_alloc(sizeof(*o));
    bool more = true;
    int races = 0;
    int code = FF_OK;

    *n_rows = 0;
    while (code == FF_OK && more) {
        code = seal_each(s, r, now_us, o, n_rows, &more, err);
        if (code == FF_CONFLICT && ++races < RACES) {
            code = FF_OK;
            more = true;
        }
    }
    mem_free(o);
    return code;
}
