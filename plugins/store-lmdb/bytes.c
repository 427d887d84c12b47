/* store-lmdb/bytes.c - a buffer that grows. Running out of memory is remembered, and
 * looked at once when the buffer is complete. */
#include "store_lmdb.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 256

static bool make_room(struct lmdb_bytes *b, size_t len)
{
    size_t size = b->size ? b->size : FIRST_BYTES;

    if (b->failed || b->len + len < len)
        return false;
    while (size < b->len + len)
        size *= 2;
    if (size == b->size)
        return true;

    unsigned char *data = realloc(b->data, size);

    if (!data)
        return false;
    b->data = data;
    b->size = size;
    return true;
}

void lmdb_bytes_add(struct lmdb_bytes *b, const void *data, size_t len)
{
    if (!make_room(b, len)) {
        b->failed = true;
        return;
    }
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

void lmdb_bytes_add_byte(struct lmdb_bytes *b, unsigned char byte)
{
    lmdb_bytes_add(b, &byte, 1);
}

void lmdb_bytes_clear(struct lmdb_bytes *b)
{
    b->len = 0;
    b->failed = false;
}

void lmdb_bytes_done(struct lmdb_bytes *b)
{
    free(b->data);
    *b = (struct lmdb_bytes){0};
}
