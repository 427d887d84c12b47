/* auth-jwt/jwks.c - reads a JSON Web Key Set (RFC 7517). A member that is for something
 * else is passed over; one that is wrong refuses the file. */
#include "auth_jwt.h"

#include <stdlib.h>
#include <string.h>

#define OPTION "jwks_file"

struct reading {
    const struct config *config;
    const struct ff_host *host;
    struct keys *keys;
    struct ff_err *err;
    const char *label; /* "jwks_file" */
    char where[64];    /* "jwks_file: key 2" */
};

static const char *text_of(json_t *jwk, const char *name)
{
    return json_string_value(json_object_get(jwk, name));
}

static int FF_PRINTF(2, 3) refuse(const struct reading *r, const char *fmt, ...)
{
    char sentence[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    return ff_fail(r->err, FF_INVALID, 0, "%s: %s", r->where, sentence);
}

/* Key sets hold keys for encryption too, and for checking nothing. */
static bool is_for_verifying(json_t *jwk)
{
    const char *use = text_of(jwk, "use");
    json_t *operations = json_object_get(jwk, "key_ops");
    size_t i;
    json_t *operation;

    if (use && strcmp(use, "sig") != 0)
        return false;
    json_array_foreach(operations, i,
                       operation) if (json_is_string(operation) &&
                                      strcmp(json_string_value(operation), "verify") ==
                                          0) return true;
    return !operations;
}

static int check_public(const struct reading *r, json_t *jwk, const char *kty)
{
    if (strcmp(kty, "oct") == 0)
        return refuse(r, "it is a shared secret: put it into jwt_secret instead");
    if (json_object_get(jwk, "d"))
        return refuse(r, "it is a private key: this file wants public keys only");
    return FF_OK;
}

/* NULL: for nothing that we do. */
static const struct algorithm *algorithm_of(const struct reading *r, json_t *jwk,
                                            const char *kty)
{
    const char *named = text_of(jwk, "alg");
    const char *curve = text_of(jwk, "crv");
    const struct algorithm *usual = algorithm_of_jwk(kty, curve);
    const struct algorithm *a = named ? algorithm_named(named) : usual;

    if (!a || !usual || a->type != usual->type ||
        (a->curve && strcmp(a->curve, curve) != 0)) {
        ff_log(r->host, FF_WARN,
               "%s is passed over: its type %.20s%s%.20s is not "
               "supported",
               r->where, kty, named ? " for " : "", named ? named : "");
        return NULL;
    }
    if (algorithm_is_listed(a, r->config->algorithms))
        return a;
    ff_log(r->host, FF_INFO, "%s is passed over: %s is not in algorithms", r->where,
           a->name);
    return NULL;
}

static int read_key(const struct reading *r, json_t *jwk)
{
    const char *kty = text_of(jwk, "kty");
    const json_t *id = json_object_get(jwk, "kid");
    struct key key = {0};
    struct ff_err why = {0};
    int code;

    if (!kty)
        return refuse(r, "it has no type (kty)");
    if (id && (!json_is_string(id) || json_string_length(id) > MAX_KEY_ID))
        return refuse(r, "its kid is not a text of at most %d bytes", MAX_KEY_ID);
    if (!is_for_verifying(jwk))
        return FF_OK;
    code = check_public(r, jwk, kty);
    if (code != FF_OK)
        return code;
    key.algorithm = algorithm_of(r, jwk, kty);
    if (!key.algorithm)
        return FF_OK;
    key.id = (char *)json_string_value(id);
    if (jwk_key(jwk, key.algorithm, &key.pkey, &why) != FF_OK)
        return refuse(r, "%s", why.msg);
    code = jwk_check_strength(r->where, key.pkey, r->err);
    if (code != FF_OK) {
        EVP_PKEY_free(key.pkey);
        return code;
    }
    if (keys_add(r->keys, &key, &why) != FF_OK)
        return refuse(r, "%s", why.msg);
    return FF_OK;
}

static int read_set(struct reading *r, json_t *set)
{
    json_t *list = json_object_get(set, "keys");
    size_t i;
    json_t *jwk;
    int code = FF_OK;

    if (!json_is_array(list))
        return ff_fail(r->err, FF_INVALID, 0,
                       "%s: it is no JSON Web Key Set: it has no list \"keys\"",
                       r->label);
    json_array_foreach(list, i, jwk)
    {
        snprintf(r->where, sizeof(r->where), "%s: key %zu", r->label, i + 1);
        code = json_is_object(jwk) ? read_key(r, jwk) : refuse(r, "it is no object");
        if (code != FF_OK)
            break;
    }
    return code;
}

int jwks_parse(const struct config *c, const struct ff_host *host, const char *label,
               const char *text, size_t len, struct keys *keys, struct ff_err *err)
{
    struct reading r = {
        .config = c, .host = host, .keys = keys, .err = err, .label = label};
    json_error_t at;
    json_t *set = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);

    if (!set)
        return ff_fail(err, FF_INVALID, 0, "%s: line %d, column %d is not JSON: %.80s",
                       label, at.line, at.column, at.text);

    const int code = read_set(&r, set);

    json_decref(set);
    return code;
}

int jwks_load(const struct config *c, const struct ff_host *host, struct keys *keys,
              struct ff_err *err)
{
    char *text;
    size_t len;
    int code = key_file_read(OPTION, c->jwks_file, &text, &len, err);

    if (code != FF_OK)
        return code;
    code = jwks_parse(c, host, OPTION, text, len, keys, err);
    free(text);
    return code;
}
