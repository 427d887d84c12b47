/* kit/kit_auth_token.c - checks of signed tokens: which are let in, and that their
 * shape has no room for tricks. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <string.h>

#define OVERSIZE  ((size_t)256 * 1024)
#define LEEWAY_US (INT64_C(15) * 60 * UNITS_SECOND)

static const struct kit_signing by_rsa = {.alg = "RS256", .key = KIT_RSA};

static void expect_claims(const struct kit_auth *a, const char *token, const char *what)
{
    struct kit_answer answer;

    kit_must_admit(a, token, what);
    kit_verify(a, token, &answer);
    kit_expect_text(a->k, answer.subject, KIT_SUBJECT, "%s: the subject", what);
}

static void a_token_is_let_in(struct kit *k)
{
    struct kit_auth a;

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);
    expect_claims(&a, kit_token(k, kit_claims()), "a token in order, by RS256");
    expect_claims(&a,
                  kit_token(k, kit_claims_with(
                                   "aud", json_pack("[s, s]", "other", KIT_AUDIENCE))),
                  "a token for several audiences");
    expect_claims(&a, kit_token(k, kit_claims_with("kit", json_string("more"))),
                  "a token with a claim that nobody knows");
    kit_auth_close(&a);
}

/* A token of this key and what is left of it when somebody has meddled. */
static void check_algorithm(struct kit *k, const char *alg, enum kit_key key)
{
    const struct kit_signing how = {.alg = alg,
                                    .key = key,
                                    .secret = kit_secret(),
                                    .secret_len = strlen(kit_secret())};
    struct kit_answer answer;
    struct kit_auth a;

    kit_auth_open(k, &a);

    json_t *header = kit_header(alg, key);

    if (strcmp(alg, "HS256") == 0)
        json_object_del(header, "kid");
    const char *token = kit_sign(k, header, kit_claims(), &how);

    kit_verify(&a, token, &answer);
    if (answer.code == FF_DENIED)
        kit_skip(k, "the driver does not take tokens by %s", alg);
    expect_claims(&a, token, alg);

    MEM_AUTO char *changed = mem_text(token);
    char *signature = strrchr(changed, '.') + 1;

    signature[5] = signature[5] == 'A' ? 'B' : 'A';
    kit_must_deny(&a, changed, "the same with another signature");
    *signature = '\0';
    kit_must_deny(&a, changed, "the same without its signature");
    kit_auth_close(&a);
}

static void es256(struct kit *k)
{
    kit_need_tokens(k, 1U << KIT_EC);
    check_algorithm(k, "ES256", KIT_EC);
}

static void eddsa(struct kit *k)
{
    kit_need_tokens(k, 1U << KIT_ED);
    check_algorithm(k, "EdDSA", KIT_ED);
}

static void hs256(struct kit *k)
{
    if (!kit_uses(k, "secret"))
        kit_skip(k, "the driver has no option with {secret}");
    check_algorithm(k, "HS256", KIT_RSA);
}

static void a_principal_expires_with_its_token(struct kit *k)
{
    const int64_t end_s = kit_now_s() + 1234;
    struct kit_answer answer;
    struct kit_auth a;

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);
    kit_verify(&a, kit_token(k, kit_claims_with("exp", json_integer(end_s))), &answer);
    kit_expect_code(k, answer.code, FF_OK, &answer.err, "a token in order");
    kit_expect(k,
               answer.expires_us >= end_s * UNITS_SECOND &&
                   answer.expires_us <= end_s * UNITS_SECOND + LEEWAY_US,
               "expires_us is %lld for a token that ends at %lld s",
               (long long)answer.expires_us, (long long)end_s);
    kit_auth_close(&a);
}

/* The same token with other bytes in one part. */
static const char *with_part(struct kit *k, const char *token, int part,
                             const char *text)
{
    struct buf out = {0};
    const char *at = token;

    for (int i = 0; i < 3; i++) {
        const size_t len = strcspn(at, ".");

        if (i == part)
            buf_add_text(&out, text);
        else
            buf_add(&out, at, len);
        if (i < 2)
            buf_add_char(&out, '.');
        at += len + (at[len] == '.');
    }
    ARRAY_ADD(&k->texts, buf_take(&out));
    return k->texts.items[k->texts.n - 1];
}

static void other_payloads_are_denied(struct kit *k)
{
    MEM_AUTO char *text = NULL;
    json_t *claims;
    struct buf payload = {0};
    struct kit_auth a;

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);
    claims = kit_claims_with("sub", json_string("root"));
    text = json_text(claims);
    json_decref(claims);
    kit_base64url(&payload, text, strlen(text));
    kit_must_deny(&a, with_part(k, kit_token(k, kit_claims()), 1, buf_text(&payload)),
                  "a token whose payload was replaced");
    buf_done(&payload);
    kit_auth_close(&a);
}

static void other_spellings_are_denied(struct kit *k)
{
    struct kit_auth a;
    struct buf text = {0};

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);

    const char *good = kit_token(k, kit_claims());
    const char *signature = strrchr(good, '.') + 1;

    kit_must_admit(&a, good, "a token in order");
    buf_printf(&text, "%s==", signature);
    kit_must_deny(&a, with_part(k, good, 2, buf_text(&text)),
                  "a signature in base64 with padding");
    /* 256 bytes are 342 digits, the last of which has four bits to spare. */
    buf_clear(&text);
    buf_add(&text, signature, strlen(signature) - 1);
    buf_add_char(&text, (char)(signature[strlen(signature) - 1] + 1));
    kit_must_deny(&a, with_part(k, good, 2, buf_text(&text)),
                  "a signature in base64 with bits left over");
    buf_clear(&text);
    buf_printf(&text, "%.8s\n%s", signature, signature + 8);
    kit_must_deny(&a, with_part(k, good, 2, buf_text(&text)),
                  "a signature in base64 with a line end");
    buf_done(&text);
    kit_auth_close(&a);
}

static void names_said_twice_are_denied(struct kit *k)
{
    MEM_AUTO char *claims_text = NULL;
    MEM_AUTO char *header_text = NULL;
    json_t *claims = kit_claims();
    json_t *header = kit_header("RS256", KIT_RSA);
    struct buf text = {0};
    struct kit_auth a;

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);
    claims_text = json_text(claims);
    header_text = json_text(header);
    json_decref(claims);
    json_decref(header);
    buf_printf(&text, "{\"sub\":\"root\",%s", claims_text + 1);
    kit_must_deny(&a, kit_sign_text(k, header_text, buf_text(&text), &by_rsa),
                  "a token that names two subjects");
    buf_clear(&text);
    buf_printf(&text, "{\"alg\":\"none\",%s", header_text + 1);
    kit_must_deny(&a, kit_sign_text(k, buf_text(&text), claims_text, &by_rsa),
                  "a token that names two algorithms");
    buf_done(&text);
    kit_auth_close(&a);
}

static void tokens_that_are_no_json_are_denied(struct kit *k)
{
    static const char *const texts[] = {"", "7", "[]", "null", "{", "{}x", "\"text\""};
    struct kit_auth a;

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        MEM_AUTO char *header = NULL;
        json_t *object = kit_header("RS256", KIT_RSA);

        header = json_text(object);
        json_decref(object);
        kit_must_deny(&a, kit_sign_text(k, header, texts[i], &by_rsa),
                      "a signed payload that is no JSON object");
        kit_must_deny(&a, kit_sign_text(k, texts[i], "{}", &by_rsa),
                      "a header that is no JSON object");
    }
    kit_auth_close(&a);
}

static void oversize_is_denied(struct kit *k)
{
    char *text = mem_alloc(OVERSIZE + 1);
    struct kit_auth a;

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);
    memset(text, 'x', OVERSIZE);
    kit_must_deny(&a, kit_token(k, kit_claims_with("more", json_string(text))),
                  "a signed token of more than 256 KiB");
    mem_free(text);
    kit_auth_close(&a);
}

const struct kit_check kit_auth_token[] = {
    {.name = "token/admit",
     .what = "a token that is in order is let in as its subject",
     .run = a_token_is_let_in},
    {.name = "token/es256",
     .what = "tokens by ES256 are let in, and not with another signature",
     .run = es256},
    {.name = "token/eddsa",
     .what = "tokens by EdDSA are let in, and not with another signature",
     .run = eddsa},
    {.name = "token/hs256",
     .what = "tokens by HS256 are let in, and not with another signature",
     .run = hs256},
    {.name = "token/expires",
     .what = "expires_us is the end of the token, within 15 minutes for its leeway",
     .run = a_principal_expires_with_its_token},
    {.name = "token/payload",
     .what = "a token whose payload was replaced is FF_DENIED",
     .run = other_payloads_are_denied},
    {.name = "token/spelling",
     .what = "a token has one spelling: another one of its base64 is FF_DENIED",
     .run = other_spellings_are_denied},
    {.name = "token/twice",
     .what = "a token that says a name twice is FF_DENIED",
     .run = names_said_twice_are_denied},
    {.name = "token/json",
     .what = "a signed token whose parts are no JSON objects is FF_DENIED",
     .run = tokens_that_are_no_json_are_denied},
    {.name = "token/oversize",
     .what = "a token of 256 KiB is FF_DENIED, though its signature is good",
     .run = oversize_is_denied},
    {0},
};
