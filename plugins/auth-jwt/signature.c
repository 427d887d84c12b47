/* auth-jwt/signature.c - does a key of ours confirm a token? By libjwt; EdDSA, which it
 * lacks, by OpenSSL. The caller has made sure that the token's algorithm is the key's.
 *
 * jwt_decode obeys the algorithm in the token's header: given a public key in PEM it
 * would check an HMAC with that text as the secret. So the algorithm is compared before
 * and after. */
#include "auth_jwt.h"

#include <openssl/err.h>

static bool by_libjwt(const struct key *key, const struct token *t)
{
    jwt_t *jwt = NULL;
    bool good;

    if (jwt_decode(&jwt, t->text, (const unsigned char *)key->text,
                   (int)key->text_len) != 0)
        return false;
    good = jwt_get_alg(jwt) == key->algorithm->jwt;
    jwt_free(jwt);
    return good;
}

static bool by_openssl(const struct key *key, const struct token *t)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good;

    good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
           EVP_DigestVerify(ctx, t->signature, t->signature_len,
                            (const unsigned char *)t->text, t->signed_len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

bool signature_is_good(const struct key *key, const struct token *t)
{
    bool good;

    if (t->algorithm != key->algorithm)
        return false;
    good = key->algorithm->jwt == JWT_ALG_NONE ? by_openssl(key, t) : by_libjwt(key, t);
    ERR_clear_error();
    return good;
}
