/* shared/name.h - names of a principal: what <flowforge/auth.h> lets them be. */
#ifndef SHARED_NAME_H
#define SHARED_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_MAX_BYTES 256

/* 1 to NAME_MAX_BYTES bytes without control characters: names go into logs, keys and
 * messages. Both settings and JSON are UTF-8 already. */
static inline bool name_is_good(const char *text, size_t len)
{
    if (len == 0 || len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

#endif
