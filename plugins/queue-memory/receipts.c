/* receipts.c - a table of places that are used again, each use with its own number. */
#include "receipts.h"

#include <stdlib.h>

static const char digits[] = "0123456789abcdef";

static bool grow(struct receipts *r)
{
    uint32_t cap = r->cap ? r->cap * 2 : 64;
    struct receipt *items;

    if (cap <= r->cap)
        return false;
    items = realloc(r->items, cap * sizeof(*items));
    if (!items)
        return false;
    r->items = items;
    r->cap = cap;
    return true;
}

static void write_text(uint32_t round, uint32_t place, char out[RECEIPT_TEXT])
{
    uint64_t both = (uint64_t)round << 32 | place;

    for (int i = 15; i >= 0; i--) {
        out[i] = digits[both & 15];
        both >>= 4;
    }
    out[16] = '\0';
}

bool receipts_add(struct receipts *r, struct message *m, char out[RECEIPT_TEXT])
{
    uint32_t place;

    if (r->first_unused) {
        place = r->first_unused - 1;
        r->first_unused = r->items[place].next_unused;
    } else {
        if (r->n == r->cap && !grow(r))
            return false;
        place = r->n++;
        r->items[place].round = 0;
    }
    r->items[place].message = m;
    r->items[place].round++;
    m->receipt = place;
    write_text(r->items[place].round, place, out);
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_text(const char *text, uint64_t *both)
{
    uint64_t n = 0;

    for (size_t i = 0; i < RECEIPT_TEXT - 1; i++) {
        int digit = digit_of(text[i]);

        if (digit < 0)
            return false;
        n = n << 4 | (unsigned)digit;
    }
    *both = n;
    return text[RECEIPT_TEXT - 1] == '\0';
}

struct message *receipts_take(struct receipts *r, const char *text)
{
    uint64_t both;
    uint32_t place;
    struct message *m;

    if (!text || !read_text(text, &both))
        return NULL;
    place = (uint32_t)both;
    if (place >= r->n || r->items[place].round != (uint32_t)(both >> 32))
        return NULL;
    m = r->items[place].message;
    if (m)
        receipts_del(r, m);
    return m;
}

void receipts_del(struct receipts *r, const struct message *m)
{
    struct receipt *at = &r->items[m->receipt];

    at->message = NULL;
    at->next_unused = r->first_unused;
    r->first_unused = m->receipt + 1;
}

void receipts_done(struct receipts *r)
{
    free(r->items);
    *r = (struct receipts){0};
}
