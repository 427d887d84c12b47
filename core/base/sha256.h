/* base/sha256.h - SHA-256 and HMAC (libmd underneath), lower-case hex results. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

#define SHA256_TEXT 65

void sha256_text(const void *bytes, size_t len, char out[SHA256_TEXT]);
void sha256_hmac(const void *key, size_t key_len, const void *bytes, size_t len,
                 char out[SHA256_TEXT]);
int sha256_file(const char *path, char out[SHA256_TEXT],
                long long *size); /* 0 or -errno */

#endif
