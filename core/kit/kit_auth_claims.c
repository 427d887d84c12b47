/* kit/kit_auth_claims.c - checks of the claims of tokens whose signature is good. Times
 * are an hour and more from now, so that any leeway is left aside. */
#include "kit/kit_auth.h"

#define DAY_S INT64_C(86400)

/* Each is a token in order but for one claim. */
static void deny_with(struct kit_auth *a, const char *name, json_t *value,
                      const char *what)
{
    kit_must_deny(a, kit_token(a->k, kit_claims_with(name, value)), what);
}

static void begin(struct kit *k, struct kit_auth *a)
{
    kit_need_tokens(k, 0);
    kit_auth_open(k, a);
    kit_must_admit(a, kit_token(k, kit_claims()), "a token in order");
}

static void the_end(struct kit *k)
{
    struct kit_auth a;

    begin(k, &a);
    deny_with(&a, "exp", json_integer(kit_now_s() - 3600), "expired an hour ago");
    deny_with(&a, "exp", json_integer(kit_now_s() - 365 * DAY_S), "expired a year ago");
    deny_with(&a, "exp", json_integer(0), "expired in 1970");
    deny_with(&a, "exp", json_integer(-1), "expired before 1970");
    kit_auth_close(&a);
}

static void no_end(struct kit *k)
{
    struct kit_auth a;

    begin(k, &a);
    deny_with(&a, "exp", NULL, "a token without exp");
    deny_with(&a, "exp", json_null(), "exp that is null");
    deny_with(&a, "exp", json_string("9999999999"), "exp that is a text");
    deny_with(&a, "exp", json_true(), "exp that is true");
    deny_with(&a, "exp", json_object(), "exp that is an object");
    kit_auth_close(&a);
}

static void the_beginning(struct kit *k)
{
    struct kit_auth a;

    begin(k, &a);
    deny_with(&a, "nbf", json_integer(kit_now_s() + 1800), "not before half an hour");
    deny_with(&a, "nbf", json_integer(kit_now_s() + DAY_S), "not before a day");
    kit_auth_close(&a);
}

static void the_issuer(struct kit *k)
{
    struct kit_auth a;

    begin(k, &a);
    deny_with(&a, "iss", NULL, "a token without iss");
    deny_with(&a, "iss", json_string("https://evil.example/"), "of another issuer");
    deny_with(&a, "iss", json_string(""), "of an issuer without a name");
    deny_with(&a, "iss", json_string(KIT_ISSUER "x"), "of an issuer that begins alike");
    deny_with(&a, "iss", json_string("https://issuer.kit.example"),
              "of an issuer that ends earlier");
    deny_with(&a, "iss", json_pack("[s]", KIT_ISSUER), "of a list of issuers");
    kit_auth_close(&a);
}

static void the_audience(struct kit *k)
{
    struct kit_auth a;

    begin(k, &a);
    deny_with(&a, "aud", NULL, "a token without aud");
    deny_with(&a, "aud", json_string("other"), "for another audience");
    deny_with(&a, "aud", json_string(KIT_AUDIENCE "x"), "for one that begins alike");
    deny_with(&a, "aud", json_string("kit"), "for one that ends earlier");
    deny_with(&a, "aud", json_array(), "for nobody");
    deny_with(&a, "aud", json_pack("[s, s]", "a", "b"), "for several others");
    kit_auth_close(&a);
}

static void the_subject(struct kit *k)
{
    struct kit_auth a;

    begin(k, &a);
    deny_with(&a, "sub", NULL, "a token without sub");
    deny_with(&a, "sub", json_string(""), "sub that is empty");
    deny_with(&a, "sub", json_integer(7), "sub that is a number");
    deny_with(&a, "sub", json_string("a\nb"), "sub with a line end");
    kit_auth_close(&a);
}

const struct kit_check kit_auth_claims[] = {
    {.name = "claims/expired",
     .what = "a token that has expired is FF_DENIED",
     .run = the_end},
    {.name = "claims/no-expiry",
     .what = "a token without a time of expiry is FF_DENIED",
     .run = no_end},
    {.name = "claims/not-yet",
     .what = "a token that is not valid yet is FF_DENIED",
     .run = the_beginning},
    {.name = "claims/issuer",
     .what = "a token of no or another issuer is FF_DENIED",
     .run = the_issuer},
    {.name = "claims/audience",
     .what = "a token for no or another audience is FF_DENIED",
     .run = the_audience},
    {.name = "claims/subject",
     .what = "a token without a subject that is a name is FF_DENIED",
     .run = the_subject},
    {0},
};
