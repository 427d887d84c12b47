/* auth-jwt/token.c - takes a token apart and judges its shape and header. What it says
 * about itself decides nothing here but whether it is refused. */
#include "auth_jwt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Each of these tells the reader where to get a key, or how to read the rest
 * differently. Whoever obeys them lets the token choose its own judge. */
static const struct {
    const char *name, *why;
} refused_headers[] = {
    {"crit", "the token wants extensions that are not known here"},
    {"b64", "the token wants extensions that are not known here"},
    {"zip", "the token is compressed"},
    {"enc", "the token is encrypted"},
    {"jwk", "the token brings a key of its own"},
    {"jku", "the token brings a key of its own"},
    {"x5u", "the token brings a key of its own"},
    {"x5c", "the token brings a key of its own"},
};

static json_t *part(const char *text, size_t len)
{
    size_t n;
    unsigned char *bytes = base64url_decode(text, len, &n);
    json_t *object =
        bytes ? json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL) : NULL;

    free(bytes);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

static int deny(struct ff_err *err, const char *why)
{
    return ff_fail(err, FF_DENIED, 0, "%s", why);
}

static int take_apart(const char *text, struct token *t, struct ff_err *err)
{
    const size_t len = strnlen(text, MAX_TOKEN_BYTES + 1);
    const char *payload;
    const char *signature;

    if (len > MAX_TOKEN_BYTES)
        return deny(err, "the token is longer than 8 KiB");
    payload = memchr(text, '.', len);
    signature = payload ? strchr(payload + 1, '.') : NULL;
    if (!signature || strchr(signature + 1, '.'))
        return deny(err, "the token is not made of three parts");
    t->text = text;
    t->signed_len = (size_t)(signature - text);
    t->header = part(text, (size_t)(payload - text));
    if (!t->header)
        return deny(err, "the token's header is not JSON in base64url");
    t->payload = part(payload + 1, (size_t)(signature - payload - 1));
    if (!t->payload)
        return deny(err, "the token's payload is not JSON in base64url");
    t->signature =
        base64url_decode(signature + 1, strlen(signature + 1), &t->signature_len);
    if (!t->signature || t->signature_len == 0)
        return deny(err, "the token has no signature in base64url");
    return FF_OK;
}

/* What a token may be for: anything, or access (RFC 9068), which is for public keys.
 * libjwt, which does the others, takes the first alone. */
static bool is_type(const json_t *type, const struct algorithm *a)
{
    const char *name = json_string_value(type);

    if (name && strncasecmp(name, "application/", strlen("application/")) == 0)
        name += strlen("application/");
    return name && (strcasecmp(name, "JWT") == 0 ||
                    (strcasecmp(name, "at+jwt") == 0 && a->type != EVP_PKEY_NONE));
}

static int check_header(struct token *t, struct ff_err *err)
{
    const char *name = json_string_value(json_object_get(t->header, "alg"));
    const json_t *type = json_object_get(t->header, "typ");
    const json_t *id = json_object_get(t->header, "kid");

    for (size_t i = 0; i < sizeof(refused_headers) / sizeof(refused_headers[0]); i++)
        if (json_object_get(t->header, refused_headers[i].name))
            return deny(err, refused_headers[i].why);
    if (id && (!json_is_string(id) || json_string_length(id) > MAX_KEY_ID))
        return deny(err, "the token's key id is not a text of at most 256 bytes");
    t->key_id = json_string_value(id);
    t->algorithm = name ? algorithm_named(name) : NULL;
    if (!t->algorithm)
        return deny(err, "the token's algorithm is not allowed");
    if (type && !is_type(type, t->algorithm))
        return deny(err, "the token is of another type than JWT");
    return FF_OK;
}

int token_parse(const char *text, struct token *t, struct ff_err *err)
{
    int code;

    *t = (struct token){0};
    code = take_apart(text, t, err);
    return code == FF_OK ? check_header(t, err) : code;
}

void token_done(struct token *t)
{
    json_decref(t->header);
    json_decref(t->payload);
    free(t->signature);
}
