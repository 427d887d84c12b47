/* calls.c - which calls of a store an option means, in words. */
#include "store_around.h"

#include <string.h>

const char *const around_names[AROUND_CALLS + 1] = {
    [AROUND_SETUP] = "setup",   [AROUND_COMMIT] = "commit", [AROUND_SCAN] = "scan",
    [AROUND_COUNT] = "count",   [AROUND_PING] = "ping",     [AROUND_NOW] = "now",
    [AROUND_BACKUP] = "backup", [AROUND_WATCH] = "watch",   [AROUND_EXPIRE] = "expire",
    [AROUND_INFO] = "info",
};

static uint32_t bits_of(const char *word, size_t len)
{
    if (len == 3 && memcmp(word, "all", 3) == 0)
        return (1U << AROUND_CALLS) - 1;
    for (uint32_t i = 0; i < AROUND_CALLS; i++)
        if (strlen(around_names[i]) == len && memcmp(around_names[i], word, len) == 0)
            return 1U << i;
    return 0;
}

int around_parse_calls(const char *option, const char *text, uint32_t *calls,
                       struct ff_err *err)
{
    static const char separators[] = ", ";
    uint32_t all = 0;

    for (const char *word = text; word && *word;) {
        const size_t len = strcspn(word, separators);
        const uint32_t bits = bits_of(word, len);

        if (len > 0 && !bits)
            return ff_fail(
                err, FF_INVALID, 0,
                "%s: a store has no call '%.*s'; there are all, setup, "
                "commit, scan, count, ping, now, backup, watch, expire, info",
                option, (int)(len < 40 ? len : 40), word);
        all |= bits;
        word += len;
        word += strspn(word, separators);
    }
    if (!all)
        return ff_fail(err, FF_INVALID, 0,
                       "%s: it names no call; `all` means all of them", option);
    *calls = all;
    return FF_OK;
}
