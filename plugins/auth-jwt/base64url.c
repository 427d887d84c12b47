/* auth-jwt/base64url.c - base64url in its only spelling. libjwt's decoder forgives, and
 * what forgives lets one token be spelled in many ways. */
#include "auth_jwt.h"

#include <stdlib.h>

/* -1: not of the alphabet. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

unsigned char *base64url_decode(const char *text, size_t len, size_t *out_len)
{
    unsigned char *out = len % 4 == 1 ? NULL : malloc(len / 4 * 3 + 4);
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0;

    for (size_t i = 0; out && i < len; i++) {
        const int value = value_of(text[i]);

        if (value < 0) {
            free(out);
            return NULL;
        }
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n++] = (unsigned char)(bits >> n_bits);
        }
    }
    if (out && (bits & ((1U << n_bits) - 1))) {
        free(out);
        return NULL;
    }
    if (out) {
        out[n] = '\0';
        *out_len = n;
    }
    return out;
}
