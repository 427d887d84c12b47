/* kit/kit_auth_admit.c - checks of what happens to a credential that is known. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <string.h>

#define N_AGAIN 50

static void known_ones_are_admitted(struct kit *k)
{
    const struct kit_texts *accept = &k->settings->accept;
    struct kit_auth a;

    if (accept->n == 0)
        kit_skip(k, "no --accept CREDENTIAL was given");
    kit_auth_open(k, &a);
    for (size_t i = 0; i < accept->n; i++)
        kit_must_admit(&a, accept->items[i], "a credential of --accept");
    kit_auth_close(&a);
}

static void fn_is_called_once(struct kit *k)
{
    const char *good = kit_good(k);
    struct kit_answer first;
    struct kit_answer other;
    struct kit_auth a;

    kit_auth_open(k, &a);
    kit_verify(&a, good, &first);
    kit_expect_code(k, first.code, FF_OK, &first.err, "a known credential");
    kit_expect_int(k, first.n_calls, 1, "calls of fn when verify has returned");
    kit_verify(&a, "no-such-credential", &other);
    kit_auth_close(&a);
    kit_expect_int(k, first.n_calls, 1, "calls of fn when the session has ended");
}

static void a_principal_is_well_formed(struct kit *k)
{
    const char *good = kit_good(k);
    struct kit_answer answer;
    struct kit_auth a;

    kit_auth_open(k, &a);
    kit_verify(&a, good, &answer);
    kit_expect(k, answer.well_formed, "%s", answer.wrong ? answer.wrong : "");
    kit_auth_close(&a);
}

static void a_principal_has_not_expired(struct kit *k)
{
    const char *good = kit_good(k);
    struct kit_answer answer;
    struct kit_auth a;

    kit_auth_open(k, &a);
    kit_verify(&a, good, &answer);
    kit_expect(k,
               answer.expires_us == 0 || answer.expires_us > kit_now_s() * UNITS_SECOND,
               "expires_us is %lld: neither 0 nor in the future, in microseconds since "
               "1970",
               (long long)answer.expires_us);
    kit_auth_close(&a);
}

static void the_same_credential_is_the_same_principal(struct kit *k)
{
    const char *good = kit_good(k);
    struct kit_answer first;
    struct kit_answer again;
    struct kit_auth a;

    kit_auth_open(k, &a);
    kit_verify(&a, good, &first);
    for (int i = 0; i < N_AGAIN; i++) {
        kit_must_deny(&a, "no-such-credential", "an unknown credential in between");
        kit_verify(&a, good, &again);
        kit_expect_code(k, again.code, FF_OK, &again.err,
                        "a known credential, used again");
        kit_expect_text(k, again.subject, first.subject, "the subject");
        kit_expect_text(k, again.tenant, first.tenant, "the tenant");
        kit_expect_text(k, again.roles, first.roles, "the roles");
    }
    kit_auth_close(&a);
}

const struct kit_check kit_auth_admit[] = {
    {.name = "admit/known",
     .what = "the credentials given by --accept are let in",
     .run = known_ones_are_admitted},
    {.name = "admit/once",
     .what = "fn is called exactly once for what is let in, before verify returns",
     .run = fn_is_called_once},
    {.name = "admit/principal",
     .what = "a principal has a subject, a tenant and a list of roles that ends",
     .run = a_principal_is_well_formed},
    {.name = "admit/expires",
     .what = "expires_us is 0 or lies in the future",
     .run = a_principal_has_not_expired},
    {.name = "admit/again",
     .what = "a credential is the same principal each time, whatever else was asked",
     .run = the_same_credential_is_the_same_principal},
    {0},
};
