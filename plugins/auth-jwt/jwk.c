/* auth-jwt/jwk.c - from a JSON Web Key to a public key of OpenSSL. */
#include "auth_jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define MIN_RSA_BITS     2048
#define MAX_RSA_BITS     8192 /* larger ones cost milliseconds a token */
#define MAX_COORDINATE   66   /* P-521 */
#define ED25519_BYTES    32
#define MIN_RSA_EXPONENT 3

struct bytes {
    unsigned char *at;
    size_t len;
};

static int member(json_t *jwk, const char *name, struct bytes *out, struct ff_err *err)
{
    const json_t *value = json_object_get(jwk, name);
    const char *text = json_string_value(value);

    *out = (struct bytes){0};
    if (text)
        out->at = base64url_decode(text, json_string_length(value), &out->len);
    if (out->at && out->len > 0)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "its \"%s\" is not base64url", name);
}

/* NULL: OpenSSL does not take it for a key. */
static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *rsa(const struct bytes *n, const struct bytes *e)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n->at, (int)n->len, NULL);
    BIGNUM *exponent = BN_bin2bn(e->at, (int)e->len, NULL);
    EVP_PKEY *pkey = NULL;

    if (build && modulus && exponent && BN_is_odd(exponent) &&
        BN_num_bits(exponent) <= 64 && BN_get_word(exponent) >= MIN_RSA_EXPONENT &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
        pkey = from_params("RSA", build);
    BN_free(exponent);
    BN_free(modulus);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static EVP_PKEY *ec(const char *group, const struct bytes *x, const struct bytes *y)
{
    unsigned char point[1 + 2 * MAX_COORDINATE] = {POINT_CONVERSION_UNCOMPRESSED};
    OSSL_PARAM_BLD *build;
    EVP_PKEY *pkey = NULL;

    if (!x->at || !y->at || x->len > MAX_COORDINATE || x->len != y->len)
        return NULL;
    memcpy(point + 1, x->at, x->len);
    memcpy(point + 1 + x->len, y->at, y->len);
    build = OSSL_PARAM_BLD_new();
    if (build &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + x->len + y->len))
        pkey = from_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static int judge(EVP_PKEY *made, EVP_PKEY **pkey, struct ff_err *err)
{
    ERR_clear_error();
    if (!made)
        return ff_fail(err, FF_INVALID, 0, "its numbers make no public key");
    *pkey = made;
    return FF_OK;
}

static int two_members(json_t *jwk, const struct algorithm *a, EVP_PKEY **pkey,
                       struct ff_err *err)
{
    const bool is_rsa = a->type == EVP_PKEY_RSA;
    struct bytes first = {0};
    struct bytes second = {0};
    int code = member(jwk, is_rsa ? "n" : "x", &first, err);

    if (code == FF_OK)
        code = member(jwk, is_rsa ? "e" : "y", &second, err);
    if (code == FF_OK && is_rsa && first.len > MAX_RSA_BITS / 8 + 1)
        code = ff_fail(err, FF_INVALID, 0, "it has more than %d bits", MAX_RSA_BITS);
    if (code == FF_OK)
        code = judge(is_rsa ? rsa(&first, &second) : ec(a->group, &first, &second),
                     pkey, err);
    free(first.at);
    free(second.at);
    return code;
}

static int one_member(json_t *jwk, EVP_PKEY **pkey, struct ff_err *err)
{
    struct bytes x = {0};
    int code = member(jwk, "x", &x, err);

    if (code == FF_OK)
        code =
            judge(x.len == ED25519_BYTES
                      ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.at, x.len)
                      : NULL,
                  pkey, err);
    free(x.at);
    return code;
}

int jwk_key(json_t *jwk, const struct algorithm *a, EVP_PKEY **pkey, struct ff_err *err)
{
    return a->type == EVP_PKEY_ED25519 ? one_member(jwk, pkey, err)
                                       : two_members(jwk, a, pkey, err);
}

int jwk_check_strength(const char *where, EVP_PKEY *pkey, struct ff_err *err)
{
    const int bits = EVP_PKEY_get_bits(pkey);
    EVP_PKEY_CTX *ctx;
    int good;

    if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA &&
        (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS))
        return ff_fail(err, FF_INVALID, 0, "%s: its RSA key has %d bits: use %d to %d",
                       where, bits, MIN_RSA_BITS, MAX_RSA_BITS);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    good = ctx ? EVP_PKEY_public_check(ctx) : -1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (good != 1)
        return ff_fail(err, FF_INVALID, 0, "%s: it is no good public key", where);
    return FF_OK;
}
