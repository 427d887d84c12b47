/* store-lmdb/row.c - one row as bytes.
 *
 *     01, the number of fields, then each field:
 *     00                              null
 *     01, the number                  zigzag, seven bits a byte
 *     02, a length, the bytes, 00     so that text is text where it lies
 *
 * A field's number is the place of its column in the catalog, which never changes. */
#include "store_lmdb.h"

enum { FORMAT = 1 };
enum { FIELD_NULL, FIELD_NUMBER, FIELD_BYTES };

static void add_varint(struct lmdb_bytes *out, uint64_t number)
{
    while (number >= 0x80) {
        lmdb_bytes_add_byte(out, (unsigned char)(number | 0x80));
        number >>= 7;
    }
    lmdb_bytes_add_byte(out, (unsigned char)number);
}

static void add_field(struct lmdb_bytes *out, const struct ff_value *field)
{
    const uint64_t sign = field->i < 0 ? ~UINT64_C(0) : 0;

    if (!field->type) {
        lmdb_bytes_add_byte(out, FIELD_NULL);
    } else if (field->type == FF_BYTES) {
        lmdb_bytes_add_byte(out, FIELD_BYTES);
        add_varint(out, field->len);
        lmdb_bytes_add(out, field->s, field->len);
        lmdb_bytes_add_byte(out, 0);
    } else {
        lmdb_bytes_add_byte(out, FIELD_NUMBER);
        add_varint(out, (uint64_t)field->i << 1 ^ sign);
    }
}

void lmdb_row_pack(struct lmdb_bytes *out, const struct ff_value *fields, size_t n)
{
    while (n > 0 && !fields[n - 1].type)
        n--;
    lmdb_bytes_add_byte(out, FORMAT);
    add_varint(out, n);
    for (size_t i = 0; i < n; i++)
        add_field(out, &fields[i]);
}

/* --- back --- */

struct input {
    const unsigned char *at, *end;
};

static bool take_varint(struct input *in, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        const unsigned char byte = *in->at++;

        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool take_bytes(struct input *in, struct ff_value *field)
{
    uint64_t len;

    if (!take_varint(in, &len) || len >= (uint64_t)(in->end - in->at) || in->at[len])
        return false;
    *field = (struct ff_value){
        .type = FF_BYTES, .s = (const char *)in->at, .len = (size_t)len};
    in->at += len + 1;
    return true;
}

static bool take_field(struct input *in, struct ff_value *field)
{
    uint64_t number;

    *field = (struct ff_value){0};
    if (in->at == in->end)
        return false;
    switch (*in->at++) {
    case FIELD_NULL:
        return true;
    case FIELD_BYTES:
        return take_bytes(in, field);
    case FIELD_NUMBER:
        if (!take_varint(in, &number))
            return false;
        field->type = FF_INT;
        field->i = (int64_t)(number >> 1 ^ (number & 1 ? ~UINT64_C(0) : 0));
        return true;
    default:
        return false;
    }
}

bool lmdb_row_unpack(const MDB_val *row, struct ff_value *fields, size_t n)
{
    const unsigned char *data = row->mv_data;
    struct input in = {.at = data, .end = data + row->mv_size};
    uint64_t n_stored;

    if (row->mv_size < 2 || *in.at++ != FORMAT || !take_varint(&in, &n_stored) ||
        n_stored > n)
        return false;
    for (size_t i = 0; i < n; i++) {
        fields[i] = (struct ff_value){0};
        if (i < n_stored && !take_field(&in, &fields[i]))
            return false;
    }
    return in.at == in.end;
}
