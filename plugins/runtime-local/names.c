/* names.c - attempt ids as directory names, see names.h. */
#include "names.h"
#include "protocol.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool rl_id_valid(const char *attempt_id)
{
    size_t len = 0;

    if (!attempt_id)
        return false;
    for (; attempt_id[len]; len++)
        if ((unsigned char)attempt_id[len] <= ' ' || attempt_id[len] == 0x7f)
            return false;
    return len >= 1 && len <= RL_ID_MAX;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.';
}

/* Two runs of FNV-1a with different offsets: for ids that are too long and too odd
 * to be spelled out. They come from the core, which does not make collisions. */
static uint64_t hash(const char *text, uint64_t value)
{
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return value;
}

static void spell_hash(const char *attempt_id, char name[RL_NAME_SIZE])
{
    const uint64_t high = hash(attempt_id, UINT64_C(0xcbf29ce484222325));
    const uint64_t low = hash(attempt_id, UINT64_C(0x84222325cbf29ce4));

    snprintf(name, RL_NAME_SIZE, "%%%%%016llx%016llx", (unsigned long long)high,
             (unsigned long long)low);
}

void rl_dir_name(const char *attempt_id, char name[RL_NAME_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    size_t len = 0;

    for (const char *at = attempt_id; *at; at++) {
        const unsigned char c = (unsigned char)*at;
        const bool one = c == '/' || (is_plain(*at) && !(c == '.' && len == 0));
        if (len + (one ? 1 : 3) >= RL_NAME_SIZE) {
            spell_hash(attempt_id, name);
            return;
        }
        if (one) {
            name[len++] = c == '/' ? '+' : *at;
        } else {
            name[len++] = '%';
            name[len++] = hex[c >> 4];
            name[len++] = hex[c & 15];
        }
    }
    name[len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rl_dir_id(const char *name, char attempt_id[RL_NAME_SIZE])
{
    const char *given = name;
    char again[RL_NAME_SIZE];
    size_t len = 0;

    for (; *name && len + 1 < RL_NAME_SIZE; name++) {
        if (*name != '%') {
            attempt_id[len++] = *name == '+' ? '/' : *name;
            continue;
        }
        const int high = hex_value(name[1]);
        const int low = high < 0 ? -1 : hex_value(name[2]);
        if (low < 0)
            return false;
        attempt_id[len++] = (char)(high * 16 + low);
        name += 2;
    }
    attempt_id[len] = '\0';
    if (*name || !rl_id_valid(attempt_id))
        return false;
    /* Another spelling of an id is a name that we never gave. */
    rl_dir_name(attempt_id, again);
    return strcmp(again, given) == 0;
}
