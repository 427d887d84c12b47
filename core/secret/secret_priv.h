/* secret/secret_priv.h - the inside of the room: keys.c finds keys, cipher.c seals and
 * opens with them, secret.c keeps rows. */
#ifndef SECRET_SECRET_PRIV_H
#define SECRET_SECRET_PRIV_H

#include "secret/secret.h"

#define KEY_BYTES 32
#define KEY_ID    17 /* 16 digits and NUL */
#define KEYS_MAX  32

struct key {
    unsigned char bytes[KEY_BYTES];
    char id[KEY_ID]; /* of its SHA-256: tells keys apart, and nothing about them */
};

struct keys {
    struct key items[KEYS_MAX];
    size_t n;
};
void keys_wipe(struct keys *k);

/* The newest first. FF_NOT_FOUND: there is no file yet. */
int keys_load(const struct secret_place *p, struct keys *k, struct ff_err *err);
/* A random key in front of the others. */
int keys_add(struct keys *k, struct ff_err *err);
int keys_save(const struct secret_place *p, const struct keys *k, struct ff_err *err);
const struct key *keys_find(const struct keys *k, struct span id);

/* Who changes keys or secrets holds it, so that no secret is written with a key that
 * leaves at that moment. *fd is to be closed. */
int keys_lock(const struct secret_place *p, int *fd, struct ff_err *err);

/* base64 of nonce, ciphertext and tag is appended. `context` is authenticated. */
int cipher_seal(const struct key *key, const char *context, const void *value,
                size_t len, struct buf *out, struct ff_err *err);
/* The value, NUL-terminated. FF_DENIED: it is not what was sealed. */
int cipher_open(const struct key *key, const char *context, struct span sealed,
                struct secret_value *out, struct ff_err *err);

#endif
