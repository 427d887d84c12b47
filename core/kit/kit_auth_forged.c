/* kit/kit_auth_forged.c - checks of tokens that an attacker makes: with no key, with a
 * key of his own, or with our public key used as something else. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <string.h>

static const struct kit_signing by_rsa = {.alg = "RS256", .key = KIT_RSA};
static const struct kit_signing by_stranger = {.alg = "RS256", .key = KIT_STRANGER};
static const struct kit_signing by_nobody = {.alg = "none"};

static json_t *header_with(const char *name, json_t *value)
{
    json_t *header = kit_header("RS256", KIT_RSA);

    if (value)
        json_object_set_new(header, name, value);
    else
        json_object_del(header, name);
    return header;
}

static void begin(struct kit *k, struct kit_auth *a)
{
    kit_need_tokens(k, 0);
    kit_auth_open(k, a);
    kit_must_admit(a, kit_token(k, kit_claims()), "a token in order");
}

static void unsigned_ones(struct kit *k)
{
    static const char *const algs[] = {"none", "None", "NONE", "nOnE", ""};
    struct kit_auth a;

    begin(k, &a);
    for (size_t i = 0; i < COUNT_OF(algs); i++) {
        kit_must_deny(&a,
                      kit_sign(k, header_with("alg", json_string(algs[i])),
                               kit_claims(), &by_nobody),
                      "a token by no algorithm, without a signature");
        kit_must_deny(&a,
                      kit_sign(k, header_with("alg", json_string(algs[i])),
                               kit_claims(), &by_rsa),
                      "a token by no algorithm, with a signature");
    }
    kit_must_deny(&a, kit_sign(k, header_with("alg", NULL), kit_claims(), &by_rsa),
                  "a token without alg");
    kit_must_deny(&a,
                  kit_sign(k, kit_header("RS256", KIT_RSA), kit_claims(), &by_nobody),
                  "a token whose signature was left out");
    kit_auth_close(&a);
}

/* An HMAC with a text that everybody knows. */
static void deny_hmac(struct kit_auth *a, const void *secret, size_t len,
                      const char *what)
{
    const struct kit_signing how = {
        .alg = "HS256", .secret = secret, .secret_len = len};

    kit_must_deny(a, kit_sign(a->k, kit_header("HS256", KIT_RSA), kit_claims(), &how),
                  what);

    json_t *header = kit_header("HS256", KIT_RSA);

    json_object_del(header, "kid");
    kit_must_deny(a, kit_sign(a->k, header, kit_claims(), &how), what);
}

static void public_keys_as_secrets(struct kit *k)
{
    struct buf text = {0};
    struct kit_auth a;
    json_t *jwk;

    begin(k, &a);
    kit_public_pem(KIT_RSA, &text);
    deny_hmac(&a, buf_text(&text), text.len, "an HMAC by the public key in PEM");
    deny_hmac(&a, buf_text(&text), text.len - 1,
              "an HMAC by the public key in PEM without its last line end");
    buf_clear(&text);
    kit_public_der(KIT_RSA, &text);
    deny_hmac(&a, text.data, text.len, "an HMAC by the public key in DER");
    jwk = kit_jwk(KIT_RSA);
    buf_clear(&text);
    json_add_to(&text, jwk);
    deny_hmac(&a, buf_text(&text), text.len, "an HMAC by the public key in JSON");
    json_decref(jwk);
    deny_hmac(&a, "", 0, "an HMAC by an empty secret");
    buf_done(&text);
    kit_auth_close(&a);
}

static void other_algorithms(struct kit *k)
{
    const struct kit_signing by_rs512 = {.alg = "RS512", .key = KIT_RSA};
    static const char *const algs[] = {"RS512", "PS256", "ES256", "HS256", "rs256"};
    struct kit_auth a;

    begin(k, &a);
    kit_must_deny(&a,
                  kit_sign(k, kit_header("RS512", KIT_RSA), kit_claims(), &by_rs512),
                  "a token by RS512 of a key that is for RS256");
    for (size_t i = 0; i < COUNT_OF(algs); i++)
        kit_must_deny(&a,
                      kit_sign(k, kit_header(algs[i], KIT_RSA), kit_claims(), &by_rsa),
                      "a token that names another algorithm than its key's");
    kit_auth_close(&a);
}

static void unknown_keys(struct kit *k)
{
    struct kit_auth a;

    begin(k, &a);
    kit_must_deny(
        &a, kit_sign(k, kit_header("RS256", KIT_STRANGER), kit_claims(), &by_stranger),
        "a token by a key that is not known");
    kit_must_deny(&a,
                  kit_sign(k, kit_header("RS256", KIT_RSA), kit_claims(), &by_stranger),
                  "a token by another key, under the id of a known one");
    kit_must_deny(&a, kit_sign(k, header_with("kid", NULL), kit_claims(), &by_stranger),
                  "a token by a key that is not known, without an id");
    kit_auth_close(&a);
}

static void key_ids_that_are_more(struct kit *k)
{
    static const char *const ids[] = {
        "/dev/null",
        "../../../../../../dev/null",
        "' UNION SELECT 'x",
        "|/bin/sleep 60",
        "kit-rsa\nx",
        "file:///dev/null",
        "%s%n",
        "",
    };
    const struct kit_signing by_nothing = {
        .alg = "HS256", .secret = "", .secret_len = 0};
    struct kit_auth a;

    begin(k, &a);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        json_t *header = kit_header("HS256", KIT_RSA);

        json_object_set_new(header, "kid", json_string(ids[i]));
        kit_must_deny(&a, kit_sign(k, header, kit_claims(), &by_nothing),
                      "a token whose key id is a path, a command or SQL");
        kit_must_deny(&a,
                      kit_sign(k, header_with("kid", json_string(ids[i])), kit_claims(),
                               &by_stranger),
                      "the same by a key that is not known");
    }
    kit_must_deny(&a,
                  kit_sign(k, header_with("kid", json_pack("[s]", "kit-rsa")),
                           kit_claims(), &by_stranger),
                  "a token whose key id is a list");
    kit_auth_close(&a);
}

static void keys_of_their_own(struct kit *k)
{
    MEM_AUTO char *path = NULL;
    MEM_AUTO char *text = NULL;
    struct buf url = {0};
    struct kit_auth a;
    json_t *set;

    begin(k, &a);
    set = json_pack("{s:[o]}", "keys", kit_jwk(KIT_STRANGER));
    text = json_text(set);
    json_decref(set);
    path = file_join(kit_dir(k), "strange.json");
    if (file_write_durable(path, text, strlen(text), 0644) != 0)
        kit_skip(k, "cannot write %s", path);
    buf_printf(&url, "file://%s", path);
    json_t *header = kit_header("RS256", KIT_STRANGER);
    json_object_set_new(header, "jwk", kit_jwk(KIT_STRANGER));
    kit_must_deny(&a, kit_sign(k, header, kit_claims(), &by_stranger),
                  "a token that brings its own key (jwk)");
    header = kit_header("RS256", KIT_STRANGER);
    json_object_set_new(header, "jku", json_string(buf_text(&url)));
    kit_must_deny(&a, kit_sign(k, header, kit_claims(), &by_stranger),
                  "a token that says where its key is (jku)");
    buf_done(&url);
    kit_auth_close(&a);
}

static void unknown_extensions(struct kit *k)
{
    struct kit_auth a;
    json_t *header;

    begin(k, &a);
    header = header_with("crit", json_pack("[s]", "kit-extension"));
    json_object_set_new(header, "kit-extension", json_true());
    kit_must_deny(&a, kit_sign(k, header, kit_claims(), &by_rsa),
                  "a token with an extension that must be understood (crit)");
    kit_auth_close(&a);
}

const struct kit_check kit_auth_forged[] = {
    {.name = "forged/none",
     .what = "a token by the algorithm none, or without a signature, is FF_DENIED",
     .run = unsigned_ones},
    {.name = "forged/confusion",
     .what = "an HMAC that has a public key for its secret is FF_DENIED",
     .run = public_keys_as_secrets},
    {.name = "forged/algorithm",
     .what = "a token that names another algorithm than its key's is FF_DENIED",
     .run = other_algorithms},
    {.name = "forged/key",
     .what = "a token by a key that is not known is FF_DENIED, whatever its key id",
     .run = unknown_keys},
    {.name = "forged/key-id",
     .what = "a key id is compared with those of known keys and used for nothing else",
     .run = key_ids_that_are_more},
    {.name = "forged/own-key",
     .what = "a token that brings its own key, or a place of it, is FF_DENIED",
     .run = keys_of_their_own},
    {.name = "forged/crit",
     .what = "a token with extensions that must be understood is FF_DENIED",
     .run = unknown_extensions},
    {0},
};
