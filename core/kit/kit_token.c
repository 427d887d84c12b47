/* kit/kit_token.c - keys and tokens of the kit's own, by OpenSSL and by hand, so that a
 * driver is not judged by the library that it may be using. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#define RSA_BITS   2048
#define EC_BYTES   32
#define HOUR_S     3600
#define SECRET_HEX 64

/* Made when first wanted; a check is a process, so all but the first are its own. */
static EVP_PKEY *keys[KIT_N_KEYS];
static char secret[SECRET_HEX + 1];
static bool keys_are_told;

static const char *const key_ids[KIT_N_KEYS] = {
    [KIT_RSA] = "kit-rsa",
    [KIT_EC] = "kit-ec",
    [KIT_ED] = "kit-ed25519",
    [KIT_STRANGER] = "kit-stranger",
};

static EVP_PKEY *key_of(enum kit_key key)
{
    if (keys[key])
        return keys[key];
    if (key == KIT_EC)
        keys[key] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    else if (key == KIT_ED)
        keys[key] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        keys[key] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
    return keys[key];
}

/* A prime takes its time, and every check wants the same key. */
void kit_prepare_tokens(const struct kit_settings *settings)
{
    for (size_t i = 0; i < settings->options.n && !keys[KIT_RSA]; i++)
        if (strstr(settings->options.items[i], "{jwks}"))
            key_of(KIT_RSA);
}

const char *kit_key_id(enum kit_key key)
{
    return key_ids[key];
}

const char *kit_secret(void)
{
    unsigned char bytes[SECRET_HEX / 2];

    if (!secret[0]) {
        rand_system(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
    }
    return secret;
}

int64_t kit_now_s(void)
{
    return (int64_t)time(NULL);
}

/* --- texts --- */

void kit_base64url(struct buf *out, const void *bytes, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *at = bytes;
    uint32_t bits = 0;
    unsigned n_bits = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | at[i];
        for (n_bits += 8; n_bits >= 6; n_bits -= 6)
            buf_add_char(out, digits[bits >> (n_bits - 6) & 63]);
    }
    if (n_bits > 0)
        buf_add_char(out, digits[bits << (6 - n_bits) & 63]);
}

static void add_text(json_t *object, const char *name, struct buf *text)
{
    json_object_set_new(object, name, json_string(buf_text(text)));
    buf_done(text);
}

static void add_number(json_t *jwk, const char *name, EVP_PKEY *pkey, const char *param,
                       size_t size)
{
    unsigned char bytes[RSA_BITS / 8];
    struct buf text = {0};
    BIGNUM *number = NULL;

    EVP_PKEY_get_bn_param(pkey, param, &number);
    if (size == 0)
        size = (size_t)BN_num_bytes(number);
    BN_bn2binpad(number, bytes, (int)size);
    BN_free(number);
    kit_base64url(&text, bytes, size);
    add_text(jwk, name, &text);
}

json_t *kit_jwk(enum kit_key key)
{
    static const char *const algs[] = {"RS256", "ES256", "EdDSA", "RS256"};
    EVP_PKEY *pkey = key_of(key);
    json_t *jwk = json_pack("{s:s, s:s, s:s}", "kid", key_ids[key], "alg", algs[key],
                            "use", "sig");
    unsigned char raw[EC_BYTES];
    size_t len = sizeof(raw);
    struct buf text = {0};

    if (key == KIT_EC) {
        json_object_set_new(jwk, "kty", json_string("EC"));
        json_object_set_new(jwk, "crv", json_string("P-256"));
        add_number(jwk, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, EC_BYTES);
        add_number(jwk, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, EC_BYTES);
    } else if (key == KIT_ED) {
        EVP_PKEY_get_raw_public_key(pkey, raw, &len);
        kit_base64url(&text, raw, len);
        json_object_set_new(jwk, "kty", json_string("OKP"));
        json_object_set_new(jwk, "crv", json_string("Ed25519"));
        add_text(jwk, "x", &text);
    } else {
        json_object_set_new(jwk, "kty", json_string("RSA"));
        add_number(jwk, "n", pkey, OSSL_PKEY_PARAM_RSA_N, 0);
        add_number(jwk, "e", pkey, OSSL_PKEY_PARAM_RSA_E, 0);
    }
    return jwk;
}

static void take_bio(BIO *bio, struct buf *out)
{
    char *bytes;
    const long n = BIO_get_mem_data(bio, &bytes);

    buf_add(out, bytes, n > 0 ? (size_t)n : 0);
    BIO_free(bio);
}

void kit_public_pem(enum kit_key key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_PUBKEY(bio, key_of(key));
    take_bio(bio, out);
}

void kit_public_der(enum kit_key key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    i2d_PUBKEY_bio(bio, key_of(key));
    take_bio(bio, out);
}

/* --- what the driver is told --- */

void kit_write_jwks(struct kit *k, const char *text)
{
    MEM_AUTO char *path = file_join(kit_dir(k), "jwks.json");
    const int failed = file_write_durable(path, text, strlen(text), 0644);

    if (failed)
        kit_fail(k, "the kit cannot write %s: %s", path, strerror(-failed));
    kit_set(k, "jwks", path);
}

char *kit_keys_text(unsigned wanted)
{
    json_t *list = json_array();
    json_t *set = json_pack("{s:o}", "keys", list);

    for (enum kit_key key = 0; key < KIT_N_KEYS; key++)
        if (wanted >> key & 1)
            json_array_append_new(list, kit_jwk(key));
    char *text = json_text(set);
    json_decref(set);
    return text;
}

void kit_write_keys(struct kit *k, unsigned wanted)
{
    MEM_AUTO char *text = kit_keys_text(wanted);

    kit_write_jwks(k, text);
}

void kit_tokens(struct kit *k, unsigned more)
{
    if (keys_are_told)
        return;
    keys_are_told = true;
    kit_set(k, "issuer", KIT_ISSUER);
    kit_set(k, "audience", KIT_AUDIENCE);
    kit_set(k, "secret", kit_secret());
    if (kit_uses(k, "jwks"))
        kit_write_keys(k, 1U << KIT_RSA | more);
}

void kit_need_tokens(struct kit *k, unsigned more)
{
    if (!kit_uses(k, "jwks"))
        kit_skip(k, "no token can be made: give the driver the kit's keys by options "
                    "with {jwks}, {issuer} and {audience}, or --accept CREDENTIAL");
    kit_tokens(k, more);
}

/* --- tokens --- */

json_t *kit_claims(void)
{
    const json_int_t now_s = kit_now_s();

    return json_pack("{s:s, s:s, s:s, s:s, s:[s, s], s:I, s:I, s:I, s:s}", "iss",
                     KIT_ISSUER, "aud", KIT_AUDIENCE, "sub", KIT_SUBJECT, "tenant",
                     KIT_TENANT, "roles", "operator", "viewer", "iat", now_s, "nbf",
                     now_s, "exp", now_s + HOUR_S, "jti", "kit");
}

json_t *kit_claims_with(const char *name, json_t *value)
{
    json_t *claims = kit_claims();

    if (value)
        json_object_set_new(claims, name, value);
    else
        json_object_del(claims, name);
    return claims;
}

json_t *kit_header(const char *alg, enum kit_key key)
{
    return json_pack("{s:s, s:s, s:s}", "alg", alg, "typ", "JWT", "kid", key_ids[key]);
}

/* DER to the two numbers side by side, as RFC 7518 has them. */
static void add_ecdsa(struct buf *out, const unsigned char *der, size_t len)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char raw[2 * EC_BYTES];

    BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, EC_BYTES);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + EC_BYTES, EC_BYTES);
    ECDSA_SIG_free(pair);
    kit_base64url(out, raw, sizeof(raw));
}

static void sign_by_key(const char *text, size_t len, const struct kit_signing *how,
                        struct buf *out)
{
    const char *digest = strcmp(how->alg, "EdDSA") == 0   ? NULL
                         : strcmp(how->alg, "RS512") == 0 ? "SHA512"
                                                          : "SHA256";
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char raw[RSA_BITS / 8];
    size_t raw_len = sizeof(raw);

    EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key_of(how->key), NULL);
    if (EVP_DigestSign(ctx, raw, &raw_len, (const unsigned char *)text, len) != 1)
        raw_len = 0;
    EVP_MD_CTX_free(ctx);
    if (strcmp(how->alg, "ES256") == 0)
        add_ecdsa(out, raw, raw_len);
    else
        kit_base64url(out, raw, raw_len);
}

static void sign(const char *text, size_t len, const struct kit_signing *how,
                 struct buf *out)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (strcmp(how->alg, "none") == 0)
        return;
    if (strcmp(how->alg, "HS256") != 0) {
        sign_by_key(text, len, how, out);
        return;
    }
    HMAC(EVP_sha256(), how->secret, (int)how->secret_len, (const unsigned char *)text,
         len, mac, &n);
    kit_base64url(out, mac, n);
}

const char *kit_sign_text(struct kit *k, const char *header, const char *payload,
                          const struct kit_signing *how)
{
    struct buf token = {0};
    struct buf signature = {0};

    kit_base64url(&token, header, strlen(header));
    buf_add_char(&token, '.');
    kit_base64url(&token, payload, strlen(payload));
    sign(buf_text(&token), token.len, how, &signature);
    buf_add_char(&token, '.');
    buf_add_text(&token, buf_text(&signature));
    buf_done(&signature);
    ARRAY_ADD(&k->texts, buf_take(&token));
    return k->texts.items[k->texts.n - 1];
}

const char *kit_sign(struct kit *k, json_t *header, json_t *claims,
                     const struct kit_signing *how)
{
    MEM_AUTO char *first = json_text(header);
    MEM_AUTO char *second = json_text(claims);

    json_decref(header);
    json_decref(claims);
    return kit_sign_text(k, first, second, how);
}

const char *kit_token(struct kit *k, json_t *claims)
{
    const struct kit_signing how = {.alg = "RS256", .key = KIT_RSA};

    return kit_sign(k, kit_header("RS256", KIT_RSA), claims, &how);
}
