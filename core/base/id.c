/* base/id.c - UUIDv7 as text. */
#include "base/id.h"

#include <stddef.h>

static const char hex[] = "0123456789abcdef";

/* Where the dashes stand, before the nibble of this number. */
static bool dash_before(int nibble)
{
    return nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20;
}

void id_make(int64_t now_us, uint64_t random_a, uint64_t random_b, char out[ID_TEXT])
{
    const uint64_t ms = (uint64_t)(now_us / 1000) & UINT64_C(0xffffffffffff);
    const uint64_t us = (uint64_t)(now_us % 1000);
    /* RFC 9562, 6.2, method 3: the microseconds lead in rand_a, so that the ids of one
     * process sort by their making and new rows land at the end of an index. */
    const uint64_t high = ms << 16 | UINT64_C(0x7000) | us << 2 | (random_a & 3);
    const uint64_t low = UINT64_C(1) << 63 | random_b >> 2;
    char *at = out;

    for (int nibble = 0; nibble < 32; nibble++) {
        const uint64_t half = nibble < 16 ? high : low;

        if (dash_before(nibble))
            *at++ = '-';
        *at++ = hex[half >> (60 - nibble % 16 * 4) & 15];
    }
    *at = '\0';
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool id_valid(const char *text)
{
    if (!text)
        return false;
    for (int nibble = 0; nibble < 32; nibble++) {
        if (dash_before(nibble) && *text++ != '-')
            return false;
        if (!is_hex(*text++))
            return false;
    }
    return *text == '\0';
}
