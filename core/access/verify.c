/* verify.c - whether the log is as it was sealed. First the chain: each seal is the
 * next, fits its own hash, and holds that of the one before. Then all rows beside what
 * the seals say of them, in the order of their numbers. */
#include "access/access_priv.h"

#include <stdlib.h>
#include <string.h>

const char *const audit_fault_names[] = {
    [AUDIT_WHOLE] = "whole",
    [AUDIT_SEAL_MISSING] = "seal_missing",
    [AUDIT_SEAL_CHANGED] = "seal_changed",
    [AUDIT_EDITED] = "edited",
    [AUDIT_DELETED] = "deleted",
    [AUDIT_INSERTED] = "inserted",
    [AUDIT_REORDERED] = "reordered",
    [AUDIT_CUT] = "cut",
    [AUDIT_CUT + 1] = NULL,
};

/* What a seal says of a row. */
struct sealed {
    int64_t no, seal;
    char hash[SHA256_TEXT]; /* "": it was gone when it was to be sealed */
};

struct numbers {
    int64_t *items;
    size_t n, cap;
};

struct check {
    struct tenant tenant;
    int64_t kept_no;
    const char *kept_hash;
    struct access_verdict v;
    struct {
        struct sealed *items;
        size_t n, cap;
    } sealed; /* by number, each once, when all seals are read */
    struct numbers open;
    size_t at_sealed, at_open; /* how far the rows have come */
    struct numbers unknown;    /* rows that neither names: put in, or new */
};

/* Only the first is told. */
static void find_fault(struct check *k, enum audit_fault fault, int64_t no)
{
    if (k->v.fault != AUDIT_WHOLE)
        return;
    k->v.fault = fault;
    k->v.no = no;
}

/* --- seals --- */

static bool take_pair(struct check *k, const json_t *pair)
{
    const json_t *no = json_array_get(pair, 0);
    const char *hash = json_string_value(json_array_get(pair, 1));
    /* The head is the seal before the one that is read. */
    struct sealed sealed = {.no = json_integer_value(no), .seal = k->v.head + 1};

    if (!json_is_integer(no) || (hash && strlen(hash) != SHA256_TEXT - 1))
        return false;
    snprintf(sealed.hash, sizeof(sealed.hash), "%s", hash ? hash : "");
    ARRAY_ADD(&k->sealed, sealed);
    return true;
}

/* What fits its hash was written by a seal; another program may have done so. */
static bool take_rows(struct check *k, const struct audit_seal_row *seal)
{
    struct ff_err err;
    json_t *rows = json_parse(seal->rows.s, seal->rows.len, &err);
    bool good = json_is_array(rows) && json_array_size(rows) == (size_t)seal->n;

    for (size_t i = 0; good && i < json_array_size(rows); i++)
        good = take_pair(k, json_array_get(rows, i));
    json_decref(rows);
    return good;
}

static bool fits(const struct check *k, const struct audit_seal_row *seal)
{
    const char *prev = k->v.head > 0 ? k->v.head_hash : audit_first_prev;
    char hash[SHA256_TEXT];

    audit_seal_hash(seal, hash);
    return span_is(seal->hash, hash) && span_is(seal->prev_hash, prev);
}

static int on_seal(void *arg, const void *row)
{
    struct check *k = arg;
    const struct audit_seal_row *seal = row;

    if (seal->no != k->v.head + 1)
        find_fault(k, AUDIT_SEAL_MISSING, k->v.head + 1);
    else if (!fits(k, seal) || !take_rows(k, seal))
        find_fault(k, AUDIT_SEAL_CHANGED, seal->no);
    else if (seal->no == k->kept_no && !span_is(seal->hash, k->kept_hash))
        find_fault(k, AUDIT_CUT, seal->no);
    if (k->v.fault != AUDIT_WHOLE)
        return 1;
    k->v.n_seals++;
    k->v.head = seal->no;
    memcpy(k->v.head_hash, seal->hash.s, SHA256_TEXT - 1);
    k->v.head_hash[SHA256_TEXT - 1] = '\0';
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct sealed *x = a;
    const struct sealed *y = b;

    if (x->no != y->no)
        return x->no < y->no ? -1 : 1;
    return (x->seal > y->seal) - (x->seal < y->seal);
}

/* The first seal of a row counts. One that was edited could be made an open row again,
 * and is sealed as it is now by whoever seals next. */
static void keep_first(struct check *k)
{
    size_t n = 0;

    if (k->sealed.n == 0)
        return;
    qsort(k->sealed.items, k->sealed.n, sizeof(k->sealed.items[0]), by_number);
    for (size_t i = 0; i < k->sealed.n; i++)
        if (n == 0 || k->sealed.items[n - 1].no != k->sealed.items[i].no)
            k->sealed.items[n++] = k->sealed.items[i];
    k->sealed.n = n;
}

/* --- rows --- */

static int on_open(void *arg, const void *row)
{
    struct check *k = arg;

    ARRAY_ADD(&k->open, ((const struct audit_open_row *)row)->no);
    return 0;
}

/* The next number that seals or open rows name; false: there is none. */
static bool next_named(const struct check *k, int64_t *no)
{
    const bool sealed = k->at_sealed < k->sealed.n;
    const bool open = k->at_open < k->open.n;

    if (sealed)
        *no = k->sealed.items[k->at_sealed].no;
    if (open && (!sealed || k->open.items[k->at_open] < *no))
        *no = k->open.items[k->at_open];
    return sealed || open;
}

/* Where both stand behind this number; NULL when no seal names it. */
static const struct sealed *take_named(struct check *k, int64_t no)
{
    const struct sealed *sealed = NULL;

    if (k->at_sealed < k->sealed.n && k->sealed.items[k->at_sealed].no == no)
        sealed = &k->sealed.items[k->at_sealed++];
    k->at_open += k->at_open < k->open.n && k->open.items[k->at_open] == no;
    return sealed;
}

static void compare(struct check *k, const struct audit_row *row,
                    const struct sealed *sealed)
{
    char hash[SHA256_TEXT];

    audit_row_hash(row, hash);
    if (strcmp(hash, sealed->hash) == 0)
        return;
    if (!sealed->hash[0]) {
        find_fault(k, AUDIT_INSERTED, row->no);
        return;
    }
    for (size_t i = 0; i < k->sealed.n; i++)
        if (strcmp(hash, k->sealed.items[i].hash) == 0) {
            find_fault(k, AUDIT_REORDERED, row->no);
            k->v.other = k->sealed.items[i].no;
            return;
        }
    find_fault(k, AUDIT_EDITED, row->no);
}

static int on_row(void *arg, const void *stored)
{
    struct check *k = arg;
    const struct audit_row *row = stored;
    int64_t named = 0;
    const bool is = next_named(k, &named);

    k->v.n_rows++;
    if (is && named < row->no) {
        find_fault(k, AUDIT_DELETED, named);
    } else if (!is || named > row->no) {
        ARRAY_ADD(&k->unknown, row->no);
    } else {
        const struct sealed *sealed = take_named(k, named);

        if (sealed)
            compare(k, row, sealed);
        else
            k->v.n_open++;
    }
    return k->v.fault != AUDIT_WHOLE;
}

/* --- all of it --- */

/* Open rows first: what is sealed meanwhile is found there and in its seal. */
static int read_named(struct store *s, struct store_reader *r, struct check *k,
                      struct ff_err *err)
{
    const struct audit_open_row open = {.tenant = k->tenant.no};
    const struct audit_seal_row seal = {.tenant = k->tenant.no};
    const struct store_query opens = {
        .record = &record_audit_open, .like = &open, .n_equal = 1};
    const struct store_query seals = {
        .record = &record_audit_seal, .like = &seal, .n_equal = 1};
    int code = store_scan(s, r, &opens, on_open, k, err);

    if (code == FF_OK)
        code = store_scan(s, r, &seals, on_seal, k, err);
    if (code != FF_OK)
        return code;
    if (k->kept_no > k->v.head)
        find_fault(k, AUDIT_CUT, k->kept_no);
    keep_first(k);
    return FF_OK;
}

static int read_rows(struct store *s, struct store_reader *r, struct check *k,
                     struct ff_err *err)
{
    const struct audit_row row = {.tenant = k->tenant.no};
    const struct store_query rows = {
        .record = &record_audit, .like = &row, .n_equal = 1};
    const int code = store_scan(s, r, &rows, on_row, k, err);
    int64_t named;

    if (code == FF_OK && next_named(k, &named))
        find_fault(k, AUDIT_DELETED, named);
    return code;
}

static void done(struct check *k)
{
    ARRAY_DONE(&k->sealed);
    ARRAY_DONE(&k->open);
    ARRAY_DONE(&k->unknown);
}

/* A row that came after the open ones were read is named by now. Those that are not
 * were put in, before the first fault that the rows had, if they had one. */
static int judge_unknown(struct store *s, struct store_reader *r, struct check *k,
                         struct ff_err *err)
{
    struct check now = {.tenant = k->tenant};
    const int code = k->unknown.n > 0 ? read_named(s, r, &now, err) : FF_OK;

    for (size_t i = 0; code == FF_OK && i < k->unknown.n; i++) {
        const int64_t no = k->unknown.items[i];
        int64_t named;

        while (next_named(&now, &named) && named < no)
            take_named(&now, named);
        if (!next_named(&now, &named) || named != no) {
            k->v.fault = AUDIT_INSERTED;
            k->v.no = no;
            break;
        }
        k->v.n_open++;
    }
    done(&now);
    return code;
}

int access_verify(struct store *s, struct store_reader *r, struct tenant t,
                  int64_t kept_no, const char *kept_hash,
                  struct access_verdict *verdict, struct ff_err *err)
{
    struct check k = {.tenant = t, .kept_no = kept_no, .kept_hash = kept_hash};
    int code = read_named(s, r, &k, err);

    if (code == FF_OK && k.v.fault == AUDIT_WHOLE) {
        code = read_rows(s, r, &k, err);
        if (code == FF_OK)
            code = judge_unknown(s, r, &k, err);
    }
    if (code == FF_OK)
        *verdict = k.v;
    done(&k);
    return code;
}
