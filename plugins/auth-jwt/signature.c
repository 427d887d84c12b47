/* auth-jwt/signature.c - does a key of ours confirm a token? HMACs by libjwt;
 * signatures of public keys by OpenSSL, since libjwt parses the PEM anew for each
 * token, which takes a millisecond where the signature takes a twentieth of that, and
 * lacks EdDSA. The caller has made sure that the token's algorithm is the key's.
 *
 * jwt_decode obeys the algorithm in the token's header: given a public key in PEM it
 * would check an HMAC with that text as the secret. So it is given secrets alone, and
 * the algorithm is compared before and after. */
#include "auth_jwt.h"

#include <openssl/ecdsa.h>
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

struct signature {
    const unsigned char *bytes;
    size_t len;
    unsigned char *der; /* to be freed, or NULL */
};

/* RFC 7518 has the two numbers of ECDSA side by side, each as long as the curve's
 * order; OpenSSL wants them in DER. */
static bool to_der(const struct token *t, size_t size, struct signature *s)
{
    BIGNUM *r = NULL;
    BIGNUM *second = NULL;
    ECDSA_SIG *pair = NULL;
    int len = 0;

    if (t->signature_len == 2 * size) {
        r = BN_bin2bn(t->signature, (int)size, NULL);
        second = BN_bin2bn(t->signature + size, (int)size, NULL);
        pair = ECDSA_SIG_new();
    }
    if (pair && r && second && ECDSA_SIG_set0(pair, r, second) == 1) {
        len = i2d_ECDSA_SIG(pair, &s->der); /* the numbers are the pair's now */
    } else {
        BN_free(r);
        BN_free(second);
    }
    ECDSA_SIG_free(pair);
    s->bytes = s->der;
    s->len = len > 0 ? (size_t)len : 0;
    return len > 0;
}

static bool by_openssl(const struct key *key, const struct token *t)
{
    const struct algorithm *a = key->algorithm;
    struct signature s = {.bytes = t->signature, .len = t->signature_len};
    EVP_MD_CTX *ctx = NULL;
    bool good = a->type != EVP_PKEY_EC || to_der(t, a->number_size, &s);

    if (good) {
        ctx = EVP_MD_CTX_new();
        good = ctx &&
               EVP_DigestVerifyInit_ex(ctx, NULL, a->digest, NULL, NULL, key->pkey,
                                       NULL) == 1 &&
               EVP_DigestVerify(ctx, s.bytes, s.len, (const unsigned char *)t->text,
                                t->signed_len) == 1;
    }
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(s.der);
    return good;
}

bool signature_is_good(const struct key *key, const struct token *t)
{
    bool good;

    if (t->algorithm != key->algorithm)
        return false;
    good = key->pkey ? by_openssl(key, t) : by_libjwt(key, t);
    ERR_clear_error();
    return good;
}
