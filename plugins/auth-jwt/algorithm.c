/* auth-jwt/algorithm.c - the algorithms that are known, and to which keys they belong.
 * "none" is not one of them. */
#include "auth_jwt.h"

#include <openssl/core_names.h>
#include <string.h>

#define LIST_SEPARATORS ", "

/* Of each type and curve the first is what a key is for when it does not say. */
static const struct algorithm algorithms[] = {
    {"RS256", "RSA", NULL, NULL, EVP_PKEY_RSA, "SHA256", 0, 0, 0},
    {"RS384", "RSA", NULL, NULL, EVP_PKEY_RSA, "SHA384", 0, 0, 0},
    {"RS512", "RSA", NULL, NULL, EVP_PKEY_RSA, "SHA512", 0, 0, 0},
    {"ES256", "EC", "P-256", "prime256v1", EVP_PKEY_EC, "SHA256", 32, 0, 0},
    {"ES384", "EC", "P-384", "secp384r1", EVP_PKEY_EC, "SHA384", 48, 0, 0},
    {"ES512", "EC", "P-521", "secp521r1", EVP_PKEY_EC, "SHA512", 66, 0, 0},
    {"EdDSA", "OKP", "Ed25519", NULL, EVP_PKEY_ED25519, NULL, 0, 0, 0},
    {"HS256", "oct", NULL, NULL, EVP_PKEY_NONE, NULL, 0, JWT_ALG_HS256, 32},
    {"HS384", "oct", NULL, NULL, EVP_PKEY_NONE, NULL, 0, JWT_ALG_HS384, 48},
    {"HS512", "oct", NULL, NULL, EVP_PKEY_NONE, NULL, 0, JWT_ALG_HS512, 64},
};

#define N_ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

const struct algorithm *algorithm_named(const char *name)
{
    for (size_t i = 0; i < N_ALGORITHMS; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

const struct algorithm *algorithm_of_jwk(const char *kty, const char *curve)
{
    for (size_t i = 0; i < N_ALGORITHMS; i++) {
        const struct algorithm *a = &algorithms[i];

        if (strcmp(a->kty, kty) == 0 &&
            (!a->curve || (curve && strcmp(a->curve, curve) == 0)))
            return a;
    }
    return NULL;
}

const struct algorithm *algorithm_of_key(const EVP_PKEY *pkey)
{
    char group[64] = "";

    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group,
                                   sizeof(group), NULL);
    for (size_t i = 0; i < N_ALGORITHMS; i++) {
        const struct algorithm *a = &algorithms[i];

        if (a->type == EVP_PKEY_get_base_id(pkey) && a->type != EVP_PKEY_NONE &&
            (!a->group || strcmp(a->group, group) == 0))
            return a;
    }
    return NULL;
}

bool algorithm_is_listed(const struct algorithm *a, const char *list)
{
    size_t len;

    for (const char *at = list; at && *at; at += len) {
        at += strspn(at, LIST_SEPARATORS);
        len = strcspn(at, LIST_SEPARATORS);
        if (len > 0 && len == strlen(a->name) && memcmp(at, a->name, len) == 0)
            return true;
    }
    return !list;
}

int algorithm_check_list(const char *list, struct ff_err *err)
{
    size_t n = 0;
    size_t len;

    if (!list)
        return FF_OK;
    for (const char *at = list; *at; at += len) {
        char word[16];

        at += strspn(at, LIST_SEPARATORS);
        len = strcspn(at, LIST_SEPARATORS);
        if (len == 0)
            continue;
        snprintf(word, sizeof(word), "%.*s", (int)len, at);
        if (len >= sizeof(word) || !algorithm_named(word))
            return ff_fail(err, FF_INVALID, 0,
                           "algorithms: %s is not known: use RS256, RS384, RS512, "
                           "ES256, ES384, ES512, EdDSA, HS256, HS384, HS512",
                           word);
        n++;
    }
    if (n == 0)
        return ff_fail(err, FF_INVALID, 0,
                       "algorithms: the list is empty: leave the setting out to take "
                       "what each key is for");
    return FF_OK;
}
