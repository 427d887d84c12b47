/* rest/cursor.h - where the next page of a list begins, as text that tells its reader
 * nothing and that nobody can make or change: encrypted and bound to what it is for, by
 * a key of the server (a synthetic initialisation vector of HMAC-SHA256, and its stream
 * of bytes). Pure. */
#ifndef REST_CURSOR_H
#define REST_CURSOR_H

#include "base/base.h"

#define CURSOR_MAX 1024 /* bytes of what it says */

/* context: route, tenant and filter. */
void cursor_add(struct buf *out, const char *key, const char *context, const void *says,
                size_t len);
/* False: it is none, or of another list, tenant, filter or server. */
bool cursor_read(const char *cursor, const char *key, const char *context,
                 struct buf *says);

#endif
