/* store-lmdb/key.c - tuples as bytes that memcmp sorts as the contract orders values.
 *
 *     null     01
 *     number   02, eight bytes, largest first, with the sign turned round
 *     text     02, its bytes with 00 written as 00 ff, then 00 01
 *
 * Each value tells where it ends, so no tuple is the beginning of another one of the
 * same columns. */
#include "store_lmdb.h"

#include <sha2.h>
#include <string.h>

enum { TAG_NULL = 1, TAG_VALUE = 2, TAG_END = 0xff };

/* --- values --- */

static const char *name_of(const struct ff_column *column, int64_t number)
{
    for (int64_t i = 0; column->names[i]; i++)
        if (i == number)
            return column->names[i];
    return NULL;
}

static struct ff_value bytes_value(const char *s, size_t len)
{
    return (struct ff_value){.type = FF_BYTES, .s = s, .len = len};
}

bool lmdb_stored_value(const struct ff_column *column, const struct ff_value *value,
                       struct ff_value *stored)
{
    *stored = (struct ff_value){0};
    if (!value->type)
        return column->flags & FF_COL_NULLABLE;
    if (value->type != column->type)
        return false;
    switch (column->type) {
    case FF_TEXT:
    case FF_JSON:
        *stored = bytes_value(value->s, value->len);
        return value->len == 0 || !memchr(value->s, 0, value->len);
    case FF_BYTES:
        *stored = bytes_value(value->s, value->len);
        return true;
    case FF_ENUM: {
        const char *name = name_of(column, value->i);

        if (name)
            *stored = bytes_value(name, strlen(name));
        return name != NULL;
    }
    default:
        *stored = (struct ff_value){.type = FF_INT, .i = value->i};
        return column->type != FF_BOOL || value->i == 0 || value->i == 1;
    }
}

static void add_number(struct lmdb_bytes *key, int64_t number)
{
    const uint64_t sortable = (uint64_t)number ^ UINT64_C(1) << 63;
    unsigned char bytes[9] = {TAG_VALUE};

    for (unsigned i = 0; i < 8; i++)
        bytes[1 + i] = (unsigned char)(sortable >> (56 - 8 * i));
    lmdb_bytes_add(key, bytes, sizeof(bytes));
}

static void add_text(struct lmdb_bytes *key, const char *s, size_t len)
{
    lmdb_bytes_add_byte(key, TAG_VALUE);
    while (len > 0) {
        const char *zero = memchr(s, 0, len);
        const size_t n = zero ? (size_t)(zero - s) + 1 : len;

        lmdb_bytes_add(key, s, n);
        if (zero)
            lmdb_bytes_add_byte(key, 0xff);
        s += n;
        len -= n;
    }
    lmdb_bytes_add(key, "\0\1", 2);
}

void lmdb_key_add(struct lmdb_bytes *key, const struct ff_value *stored)
{
    if (!stored->type)
        lmdb_bytes_add_byte(key, TAG_NULL);
    else if (stored->type == FF_BYTES)
        add_text(key, stored->s, stored->len);
    else
        add_number(key, stored->i);
}

void lmdb_key_add_not_null(struct lmdb_bytes *key)
{
    lmdb_bytes_add_byte(key, TAG_VALUE);
}

void lmdb_key_add_end(struct lmdb_bytes *key)
{
    lmdb_bytes_add_byte(key, TAG_END);
}

int lmdb_key_compare(const MDB_val *a, const MDB_val *b)
{
    const size_t len = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
    const int order = len ? memcmp(a->mv_data, b->mv_data, len) : 0;

    return order ? order : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

/* --- keys that are too long --- */

void lmdb_place(struct lmdb_place *place, const void *key, size_t len)
{
    SHA2_CTX sha;

    if (len < LMDB_CUT_BYTES) {
        place->key = (MDB_val){.mv_size = len, .mv_data = (void *)key};
        return;
    }
    memcpy(place->cut, key, LMDB_CUT_BYTES);
    SHA256Init(&sha);
    SHA256Update(&sha, key, len);
    SHA256Final(place->cut + LMDB_CUT_BYTES, &sha);
    place->key = (MDB_val){.mv_size = LMDB_KEY_BYTES, .mv_data = place->cut};
}

bool lmdb_is_cut(const MDB_val *key)
{
    return key->mv_size == LMDB_KEY_BYTES;
}

/* --- entries --- */

static void pack_length(unsigned char out[4], size_t len)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (unsigned char)(len >> (8 * i));
}

static size_t unpack_length(const unsigned char *in)
{
    size_t len = 0;

    for (unsigned i = 0; i < 4; i++)
        len |= (size_t)in[i] << (8 * i);
    return len;
}

void lmdb_entry_pack(struct lmdb_bytes *out, const void *key, size_t key_len,
                     const void *value, size_t value_len)
{
    unsigned char length[4];

    lmdb_bytes_clear(out);
    if (key_len >= LMDB_CUT_BYTES) {
        pack_length(length, key_len);
        lmdb_bytes_add(out, length, sizeof(length));
        lmdb_bytes_add(out, key, key_len);
    }
    lmdb_bytes_add(out, value, value_len);
}

bool lmdb_entry_unpack(struct lmdb_entry *entry, const MDB_val *key,
                       const MDB_val *packed)
{
    unsigned char *data = packed->mv_data;
    size_t left = packed->mv_size;

    *entry = (struct lmdb_entry){.key = *key, .value = *packed};
    if (!lmdb_is_cut(key))
        return true;
    if (left < 4)
        return false;

    const size_t len = unpack_length(data);

    left -= 4;
    if (len < LMDB_CUT_BYTES || len > left)
        return false;
    entry->key = (MDB_val){.mv_size = len, .mv_data = data + 4};
    entry->value = (MDB_val){.mv_size = left - len, .mv_data = data + 4 + len};
    return true;
}

void lmdb_split_pack(unsigned char out[4], size_t indexed_len)
{
    pack_length(out, indexed_len);
}

bool lmdb_split_unpack(const struct lmdb_entry *entry, MDB_val *row_key)
{
    if (entry->value.mv_size != 4)
        return false;

    const size_t at = unpack_length(entry->value.mv_data);

    if (at >= entry->key.mv_size)
        return false;
    *row_key = (MDB_val){.mv_size = entry->key.mv_size - at,
                         .mv_data = (unsigned char *)entry->key.mv_data + at};
    return true;
}
