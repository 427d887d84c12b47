/* zone_file.c - TZif files, RFC 8536: a header, a block of 32-bit times that newer
 * versions repeat with 64 bits, and a footer. Nothing of the file is believed: counts
 * are checked against its length before anything is read by them. */
#include "calendar/calendar_priv.h"

#include <string.h>

#define HEADER_BYTES 44
#define CHANGES_MAX  2000 /* those that are kept have up to some 250 */

struct reader {
    const uint8_t *at, *end;
};

struct header {
    int version;
    size_t n_ut, n_std, n_leap, n_times, n_types, n_chars;
};

static int64_t big_endian(const uint8_t *at, int n_bytes)
{
    uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;

    for (int i = 0; i < n_bytes; i++)
        value = value << 8 | at[i];
    return (int64_t)value;
}

static size_t take_count(struct reader *r)
{
    const size_t count = (size_t)(big_endian(r->at, 4) & 0xffffffff);

    r->at += 4;
    return count;
}

static bool take_header(struct reader *r, struct header *h)
{
    if (r->end - r->at < HEADER_BYTES || memcmp(r->at, "TZif", 4) != 0)
        return false;
    h->version = r->at[4] == 0 ? 1 : r->at[4] - '0';
    r->at += 20;
    h->n_ut = take_count(r);
    h->n_std = take_count(r);
    h->n_leap = take_count(r);
    h->n_times = take_count(r);
    h->n_types = take_count(r);
    h->n_chars = take_count(r);
    return h->version >= 1 && h->version <= 4;
}

/* Counts have 32 bits each, so the sum cannot overflow 64. */
static uint64_t body_bytes(const struct header *h, uint64_t time_bytes)
{
    return h->n_times * (time_bytes + 1) + h->n_types * UINT64_C(6) + h->n_chars +
           h->n_leap * (time_bytes + 4) + h->n_std + h->n_ut;
}

static const char *take_types(struct zone *z, const struct header *h,
                              const uint8_t *indexes, const uint8_t *types)
{
    for (size_t i = 0; i < h->n_types; i++) {
        const int64_t offset = big_endian(types + 6 * i, 4);
        if (offset <= OFFSET_MIN_S || offset >= OFFSET_MAX_S)
            return "it has an offset that no zone has";
    }
    for (size_t i = 0; i < h->n_times; i++) {
        if (indexes[i] >= h->n_types)
            return "a change leads to a type that is not there";
        z->offsets_s[i] = (int32_t)big_endian(types + (size_t)6 * indexes[i], 4);
    }
    z->first_s = big_endian(types, 4);
    return NULL;
}

/* NULL, or what is wrong. The reader stands behind the body then. */
static const char *take_body(struct reader *r, const struct header *h, int time_bytes,
                             struct zone *z)
{
    const uint64_t n_bytes = body_bytes(h, (uint64_t)time_bytes);

    if (n_bytes > (uint64_t)(r->end - r->at))
        return "it ends too early";
    if (h->n_types == 0 || h->n_types > 256)
        return "it has no types, or too many";
    if (h->n_times > CHANGES_MAX)
        return "it has more changes than any zone";
    if (h->n_leap > 0)
        return "it counts leap seconds, which no clock here does";
    z->n_changes = h->n_times;
    z->changes_s = mem_array(h->n_times + 1, sizeof(*z->changes_s));
    z->offsets_s = mem_array(h->n_times + 1, sizeof(*z->offsets_s));
    for (size_t i = 0; i < h->n_times; i++) {
        z->changes_s[i] = big_endian(r->at + (size_t)time_bytes * i, time_bytes);
        if (i > 0 && z->changes_s[i] <= z->changes_s[i - 1])
            return "its changes are not in order";
    }
    const uint8_t *indexes = r->at + (size_t)time_bytes * h->n_times;
    r->at += n_bytes;
    return take_types(z, h, indexes, indexes + h->n_times);
}

static const char *take_footer(const struct reader *r, struct zone *z)
{
    const size_t left = (size_t)(r->end - r->at);
    const uint8_t *stop = left > 1 ? memchr(r->at + 1, '\n', left - 1) : NULL;
    struct ff_err ignored;

    if (!stop || *r->at != '\n')
        return "its footer is missing";
    MEM_AUTO char *text =
        mem_text_len((const char *)r->at + 1, (size_t)(stop - r->at) - 1);
    if (!*text)
        return NULL;
    if (zone_rule_parse(text, &z->rule, &ignored) != FF_OK)
        return "the rule in its footer is not understood";
    z->has_rule = true;
    return NULL;
}

static const char *take_file(struct reader *r, struct zone *z)
{
    struct header h;

    if (!take_header(r, &h))
        return "it is no TZif file of a known version";
    if (h.version == 1)
        return take_body(r, &h, 4, z);
    const uint64_t old_bytes = body_bytes(&h, 4);
    if (old_bytes > (uint64_t)(r->end - r->at))
        return "it ends too early";
    r->at += old_bytes;
    if (!take_header(r, &h))
        return "its second header is damaged";
    const char *wrong = take_body(r, &h, 8, z);
    return wrong ? wrong : take_footer(r, z);
}

struct zone *zone_new(const void *tzif, size_t len, struct ff_err *err)
{
    struct reader r = {.at = tzif, .end = (const uint8_t *)tzif + len};
    struct zone *z = mem_alloc(sizeof(*z));
    const char *wrong =
        len > ZONE_MAX_BYTES ? "it is larger than any" : take_file(&r, z);

    if (!wrong)
        return z;
    ff_fail(err, FF_INVALID, 0, "the file of the time zone cannot be used: %s", wrong);
    zone_free(z);
    return NULL;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    mem_free(z->changes_s);
    mem_free(z->offsets_s);
    mem_free(z);
}
