/* auth-jwt/keys.c - the keys that tokens may be signed with. A set is made whole and
 * then never changes, so that it can be read by many threads. */
#include "auth_jwt.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* A token without a key id is tried with each key of its algorithm, up to so many, and
 * so many keys without an id there may be: the cost of refusing a token stays bounded.
 */
#define MAX_TRIED 8

static char *copy_of(const char *bytes, size_t n)
{
    char *copy = malloc(n + 1);

    if (copy) {
        memcpy(copy, bytes, n);
        copy[n] = '\0';
    }
    return copy;
}

static bool same_id(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static void key_done(struct key *k)
{
    EVP_PKEY_free(k->pkey);
    if (k->text)
        OPENSSL_cleanse(k->text, k->text_len);
    free(k->text);
    free(k->id);
}

static int check_room(const struct keys *keys, const struct key *key,
                      struct ff_err *err)
{
    size_t n_without_id = 0;

    if (keys->n == MAX_KEYS)
        return ff_fail(err, FF_INVALID, 0, "there are more than %d keys", MAX_KEYS);
    for (size_t i = 0; i < keys->n; i++) {
        const struct key *other = &keys->items[i];

        if (other->algorithm != key->algorithm)
            continue;
        if (same_id(other->id, key->id))
            return ff_fail(err, FF_INVALID, 0,
                           "two keys for %s have the same id: each needs its own",
                           key->algorithm->name);
        n_without_id += !other->id;
    }
    if (!key->id && n_without_id == MAX_TRIED)
        return ff_fail(err, FF_INVALID, 0,
                       "more than %d keys for %s have no id: take out those that sign "
                       "no more",
                       MAX_TRIED, key->algorithm->name);
    return FF_OK;
}

int keys_add(struct keys *keys, const struct key *key, struct ff_err *err)
{
    struct key copy = {.algorithm = key->algorithm, .pkey = key->pkey};
    int code = check_room(keys, key, err);

    if (code != FF_OK) {
        key_done(&copy);
        return code;
    }
    copy.text_len = key->text_len;
    copy.text = key->text ? copy_of(key->text, key->text_len) : NULL;
    copy.id = key->id ? strdup(key->id) : NULL;
    if (!copy.text != !key->text || !copy.id != !key->id) {
        key_done(&copy);
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a key");
    }
    keys->items[keys->n++] = copy;
    return FF_OK;
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->n; i++)
        key_done(&keys->items[i]);
    free(keys);
}

/* One key for each HMAC that the secret is long enough for; they may share it, since
 * each is a hash of its own. */
static int add_secret(const struct config *c, struct keys *keys, const char *option,
                      const char *secret, struct ff_err *err)
{
    static const char *const names[] = {"HS256", "HS384", "HS512"};
    /* Without a list the usual one alone: who wants another one says so. */
    const char *allowed = c->algorithms ? c->algorithms : "HS256";
    const size_t len = strlen(secret);
    const struct algorithm *wants_more = NULL;
    size_t n_added = 0;
    int code = c->insecure ? FF_OK : secret_check(option, secret, err);

    for (size_t i = 0; code == FF_OK && i < sizeof(names) / sizeof(names[0]); i++) {
        const struct algorithm *a = algorithm_named(names[i]);
        const struct key key = {
            .algorithm = a, .text = (char *)secret, .text_len = len};

        if (!algorithm_is_listed(a, allowed))
            continue;
        if (len < a->min_secret && !c->insecure) {
            wants_more = a;
            continue;
        }
        code = keys_add(keys, &key, err);
        n_added++;
    }
    if (code == FF_OK && n_added == 0 && wants_more)
        return ff_fail(err, FF_INVALID, 0,
                       "%s: it has %zu bytes and %s wants %zu: openssl rand -base64 "
                       "%zu",
                       option, len, wants_more->name, wants_more->min_secret,
                       wants_more->min_secret);
    return code;
}

static int load(const struct config *c, const struct ff_host *host,
                const char *published, struct keys *keys, struct ff_err *err)
{
    int code = FF_OK;

    if (c->jwt_secret)
        code = add_secret(c, keys, "jwt_secret", c->jwt_secret, err);
    if (code == FF_OK && c->jwt_secret_previous)
        code = add_secret(c, keys, "jwt_secret_previous", c->jwt_secret_previous, err);
    if (code == FF_OK && c->public_key_file)
        code = pem_load(c, keys, err);
    if (code == FF_OK && c->jwks_file)
        code = jwks_load(c, host, keys, err);
    if (code == FF_OK && published)
        code = jwks_parse(c, host, "jwks_uri", published, strlen(published), keys, err);
    return code;
}

int keys_load(const struct config *c, const struct ff_host *host, const char *published,
              struct keys **keys, struct ff_err *err)
{
    struct keys *k = calloc(1, sizeof(*k));
    int code;

    if (!k)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for the keys");
    code = load(c, host, published, k, err);
    if (code != FF_OK) {
        keys_free(k);
        return code;
    }
    *keys = k;
    return FF_OK;
}

/* A key without an id may have signed anything of its algorithm, and so may any key
 * what comes without one. */
static bool may_have_signed(const struct key *k, const struct token *t)
{
    return k->algorithm == t->algorithm &&
           (!k->id || !t->key_id || same_id(k->id, t->key_id));
}

/* No other key is meant: this one has the id that the token names, or is a secret,
 * which stands in no file that could have another one by now. */
static bool is_meant(const struct key *k, const struct token *t)
{
    return k->text || same_id(k->id, t->key_id);
}

int keys_verify(const struct keys *keys, const struct token *t, struct ff_err *err)
{
    size_t n_tried = 0;
    bool was_meant = false;

    for (size_t i = 0; i < keys->n && (t->key_id || n_tried < MAX_TRIED); i++) {
        const struct key *k = &keys->items[i];

        if (!may_have_signed(k, t))
            continue;
        if (signature_is_good(k, t))
            return FF_OK;
        n_tried++;
        was_meant = was_meant || is_meant(k, t);
    }
    if (n_tried == 0)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "the token is signed with a key or an algorithm that is not "
                       "known here");
    return ff_fail(err, was_meant ? FF_DENIED : FF_NOT_FOUND, 0,
                   "the token's signature is wrong");
}
