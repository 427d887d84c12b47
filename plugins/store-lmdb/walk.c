/* store-lmdb/walk.c - along one map, from low up to but not including high, or back.
 *
 * Keys that were cut at the same bytes stand together, in the order of their hashes.
 * Such a bucket is read whole and sorted; its entries point into the file, so only
 * their places take memory. */
#include "store_lmdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int fail(struct lmdb_walk *w, int result, struct ff_err *err)
{
    return lmdb_fail(w->env, result, "reading", err);
}

int lmdb_walk_init(struct lmdb_walk *w, struct lmdb_env *env, MDB_txn *txn, MDB_dbi map,
                   const struct lmdb_range *range, struct ff_err *err)
{
    *w = (struct lmdb_walk){.env = env, .range = *range};

    const int result = mdb_cursor_open(txn, map, &w->cursor);

    return result == 0 ? FF_OK : fail(w, result, err);
}

void lmdb_walk_done(struct lmdb_walk *w)
{
    mdb_cursor_close(w->cursor);
    free(w->bucket);
}

/* --- the cursor --- */

static int step(struct lmdb_walk *w, MDB_cursor_op op, MDB_val *key, MDB_val *value,
                struct ff_err *err)
{
    const int result = mdb_cursor_get(w->cursor, key, value, op);

    if (result == MDB_NOTFOUND)
        w->ended = true;
    else if (result != 0)
        return fail(w, result, err);
    return FF_OK;
}

static bool same_cut(const MDB_val *a, const MDB_val *b)
{
    return lmdb_is_cut(a) && lmdb_is_cut(b) &&
           memcmp(a->mv_data, b->mv_data, LMDB_CUT_BYTES) == 0;
}

/* To the first entry that is not before `bound`, a long bound taken as it was cut: the
 * whole bucket is not before it. */
static int seek(struct lmdb_walk *w, const MDB_val *bound, MDB_val *key, MDB_val *value,
                struct ff_err *err)
{
    *key = *bound;
    if (key->mv_size > LMDB_CUT_BYTES)
        key->mv_size = LMDB_CUT_BYTES;
    if (key->mv_size == 0)
        return step(w, MDB_FIRST, key, value, err);
    return step(w, MDB_SET_RANGE, key, value, err);
}

/* Back from the end: to the last entry that may be before high. In the bucket where
 * high itself would stand that is its last one. */
static int seek_back(struct lmdb_walk *w, MDB_val *key, MDB_val *value,
                     struct ff_err *err)
{
    struct lmdb_place high;
    int code = seek(w, &w->range.high, key, value, err);

    lmdb_place(&high, w->range.high.mv_data, w->range.high.mv_size);
    while (code == FF_OK && !w->ended && same_cut(key, &high.key))
        code = step(w, MDB_NEXT, key, value, err);
    if (code != FF_OK)
        return code;

    const bool behind_all = w->ended;

    w->ended = false;
    return step(w, behind_all ? MDB_LAST : MDB_PREV, key, value, err);
}

static int advance(struct lmdb_walk *w, MDB_val *key, MDB_val *value,
                   struct ff_err *err)
{
    const bool first = !w->begun;

    w->begun = true;
    if (w->ahead) {
        w->ahead = false;
        *key = w->ahead_key;
        *value = w->ahead_value;
        return FF_OK;
    }
    if (first)
        return w->range.descending ? seek_back(w, key, value, err)
                                   : seek(w, &w->range.low, key, value, err);
    return step(w, w->range.descending ? MDB_PREV : MDB_NEXT, key, value, err);
}

/* --- buckets --- */

static int add_to_bucket(struct lmdb_walk *w, const MDB_val *key, const MDB_val *value,
                         struct ff_err *err)
{
    if (w->n_bucket == w->bucket_size) {
        const size_t size = w->bucket_size ? w->bucket_size * 2 : 16;
        struct lmdb_entry *bucket = realloc(w->bucket, size * sizeof(*bucket));

        if (!bucket)
            return fail(w, ENOMEM, err);
        w->bucket = bucket;
        w->bucket_size = size;
    }
    if (!lmdb_entry_unpack(&w->bucket[w->n_bucket], key, value))
        return lmdb_fail_damaged(w->env, "an entry with a long key", err);
    w->n_bucket++;
    return FF_OK;
}

static int compare_entries(const void *a, const void *b)
{
    return lmdb_key_compare(&((const struct lmdb_entry *)a)->key,
                            &((const struct lmdb_entry *)b)->key);
}

static int load_bucket(struct lmdb_walk *w, const MDB_val *first_key,
                       const MDB_val *first_value, struct ff_err *err)
{
    MDB_val key = *first_key;
    MDB_val value = *first_value;
    int code = FF_OK;

    w->n_bucket = 0;
    w->next = 0;
    while (code == FF_OK && !w->ended && same_cut(&key, first_key)) {
        code = add_to_bucket(w, &key, &value, err);
        if (code == FF_OK)
            code =
                step(w, w->range.descending ? MDB_PREV : MDB_NEXT, &key, &value, err);
    }
    w->ahead = code == FF_OK && !w->ended;
    w->ahead_key = key;
    w->ahead_value = value;
    qsort(w->bucket, w->n_bucket, sizeof(*w->bucket), compare_entries);
    return code;
}

static void take_from_bucket(struct lmdb_walk *w, struct lmdb_entry *entry)
{
    const size_t at = w->range.descending ? w->n_bucket - 1 - w->next : w->next;

    *entry = w->bucket[at];
    w->next++;
}

/* --- entries --- */

static int next_entry(struct lmdb_walk *w, struct lmdb_entry *entry, bool *found,
                      struct ff_err *err)
{
    MDB_val key;
    MDB_val value;
    int code = FF_OK;

    *found = w->next < w->n_bucket;
    if (!*found) {
        if (w->ended)
            return FF_OK;
        code = advance(w, &key, &value, err);
        if (code != FF_OK || w->ended)
            return code;
        *found = true;
        if (!lmdb_is_cut(&key)) {
            *entry = (struct lmdb_entry){.key = key, .value = value};
            return FF_OK;
        }
        code = load_bucket(w, &key, &value, err);
    }
    if (code == FF_OK)
        take_from_bucket(w, entry);
    return code;
}

int lmdb_walk_next(struct lmdb_walk *w, struct lmdb_entry *entry, bool *found,
                   struct ff_err *err)
{
    for (;;) {
        const int code = next_entry(w, entry, found, err);

        if (code != FF_OK || !*found)
            return code;

        const bool before = lmdb_key_compare(&entry->key, &w->range.low) < 0;
        const bool behind = lmdb_key_compare(&entry->key, &w->range.high) >= 0;

        if (!before && !behind)
            return FF_OK;
        if (w->range.descending ? before : behind) {
            *found = false;
            w->ended = true;
            w->n_bucket = 0;
            return FF_OK;
        }
    }
}
