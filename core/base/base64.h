/* base/base64.h - bytes as text (RFC 4648, section 4), with padding, on one line. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

void base64_add(struct buf *out, const void *bytes, size_t len);

/* Appends what the text stands for. False when it is not exactly such text: wrong
 * characters, padding or unused bits that are not zero. */
bool base64_read(const char *text, size_t len, struct buf *out);

#endif
