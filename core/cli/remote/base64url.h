/* cli/remote/base64url.h - bytes as text for URLs (RFC 4648, section 5), without
 * padding. */
#ifndef CLI_REMOTE_BASE64URL_H
#define CLI_REMOTE_BASE64URL_H

#include "base/base.h"

void base64url_add(struct buf *out, const void *bytes, size_t len);

/* Appends what the text stands for. False when it is not exactly such text. */
bool base64url_read(const char *text, size_t len, struct buf *out);

#endif
