/* auth-jwt/pem.c - reads public keys in PEM: one after the other, in one file. They
 * have no ids. */
#include "auth_jwt.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define OPTION "public_key_file"

/* A PEM says only that it is RSA; the list says for which of these algorithms. */
static const struct algorithm *algorithm_of(const struct config *c,
                                            const EVP_PKEY *pkey)
{
    static const char *const rsa[] = {"RS256", "RS384", "RS512"};
    const struct algorithm *a = algorithm_of_key(pkey);

    for (size_t i = 0; a && a->type == EVP_PKEY_RSA && i < 3; i++)
        if (algorithm_is_listed(algorithm_named(rsa[i]), c->algorithms))
            return algorithm_named(rsa[i]);
    return a;
}

static int add(const struct config *c, struct keys *keys, EVP_PKEY *pkey, size_t nth,
               struct ff_err *err)
{
    const struct key key = {.algorithm = algorithm_of(c, pkey), .pkey = pkey};
    char where[64];
    int code;

    snprintf(where, sizeof(where), OPTION ": key %zu", nth);
    if (!key.algorithm)
        code = ff_fail(err, FF_INVALID, 0,
                       "%s: it is neither RSA nor EC P-256, P-384, P-521 nor Ed25519",
                       where);
    else
        code = jwk_check_strength(where, pkey, err);
    if (code == FF_OK && algorithm_is_listed(key.algorithm, c->algorithms))
        return keys_add(keys, &key, err);
    EVP_PKEY_free(pkey);
    return code;
}

/* NULL: there is no block left (*ended), or it is no public key. */
static EVP_PKEY *read_key(BIO *bio, bool *ended)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *bytes = NULL;
    const unsigned char *at;
    long len;
    EVP_PKEY *pkey = NULL;

    *ended = false;
    if (PEM_read_bio(bio, &name, &header, &bytes, &len) == 1) {
        at = bytes;
        if (strcmp(name, PEM_STRING_PUBLIC) == 0)
            pkey = d2i_PUBKEY(NULL, &at, len);
    } else {
        *ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(bytes);
    return pkey;
}

static int read_keys(const struct config *c, struct keys *keys, BIO *bio,
                     struct ff_err *err)
{
    size_t n = 0;
    bool ended;
    EVP_PKEY *pkey;
    int code = FF_OK;

    while (code == FF_OK && (pkey = read_key(bio, &ended)))
        code = add(c, keys, pkey, ++n, err);
    if (code != FF_OK)
        return code;
    if (n == 0 || !ended)
        return ff_fail(err, FF_INVALID, 0,
                       OPTION ": %.120s: key %zu is not a public key in PEM "
                              "(openssl pkey -pubout makes one)",
                       c->public_key_file, n + 1);
    return FF_OK;
}

int pem_load(const struct config *c, struct keys *keys, struct ff_err *err)
{
    char *text;
    size_t len;
    BIO *bio;
    int code = key_file_read(OPTION, c->public_key_file, &text, &len, err);

    if (code != FF_OK)
        return code;
    ERR_clear_error();
    bio = BIO_new_mem_buf(text, (int)len);
    if (strstr(text, "PRIVATE KEY"))
        code = ff_fail(err, FF_INVALID, 0,
                       OPTION ": it holds a private key: this file wants public keys "
                              "only (openssl pkey -pubout)");
    else if (!bio)
        code = ff_fail(err, FF_NO_MEMORY, 0, OPTION ": no memory to read it");
    else
        code = read_keys(c, keys, bio, err);
    ERR_clear_error();
    BIO_free(bio);
    free(text);
    return code;
}
