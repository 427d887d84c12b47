/* kit/kit_auth_rotation.c - checks of keys that change while a session is open. */
#include "kit/kit_auth.h"

static const struct kit_signing by_stranger = {.alg = "RS256", .key = KIT_STRANGER};

static const char *token_of_new_key(struct kit *k)
{
    return kit_sign(k, kit_header("RS256", KIT_STRANGER), kit_claims(), &by_stranger);
}

static void refresh(struct kit_auth *a)
{
    struct ff_err err = {0};
    const int code = a->ops->refresh(a->session, &err);

    kit_expect_code(a->k, code, FF_OK, &err, "refresh, the keys having changed");
}

static void a_new_key_is_known_after_refresh(struct kit *k)
{
    struct kit_auth a;

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);
    kit_write_keys(k, 1U << KIT_RSA | 1U << KIT_STRANGER);
    refresh(&a);
    kit_must_admit(&a, token_of_new_key(k), "a token by the new key");
    kit_must_admit(&a, kit_token(k, kit_claims()), "a token by the key there was");
    kit_auth_close(&a);
}

static void a_removed_key_is_unknown_after_refresh(struct kit *k)
{
    struct kit_auth a;

    kit_need_tokens(k, 1U << KIT_STRANGER);
    kit_auth_open(k, &a);
    kit_must_admit(&a, kit_token(k, kit_claims()), "a token by the old key");
    kit_write_keys(k, 1U << KIT_STRANGER);
    refresh(&a);
    kit_must_deny(&a, kit_token(k, kit_claims()), "a token by a key that was removed");
    kit_must_admit(&a, token_of_new_key(k), "a token by the key that is left");
    kit_auth_close(&a);
}

static void keys_outlive_a_broken_set(struct kit *k)
{
    struct ff_err err = {0};
    struct kit_auth a;

    kit_need_tokens(k, 0);
    kit_auth_open(k, &a);
    kit_write_jwks(k, "{\"keys\": [");

    const int code = a.ops->refresh(a.session, &err);

    kit_expect(k, code != FF_OK, "refresh succeeds with a set of keys that is no JSON");
    kit_expect(k, err.msg[0], "refresh failed without a sentence");
    kit_must_admit(&a, kit_token(k, kit_claims()), "a token by a key that was known");
    kit_write_keys(k, 1U << KIT_RSA | 1U << KIT_STRANGER);
    refresh(&a);
    kit_must_admit(&a, token_of_new_key(k), "a token by a key of the mended set");
    kit_auth_close(&a);
}

const struct kit_check kit_auth_rotation[] = {
    {.name = "rotation/added",
     .what = "a key that was added is known after refresh, beside those there were",
     .run = a_new_key_is_known_after_refresh,
     .slot = KIT_SLOT(ff_auth_ops, refresh)},
    {.name = "rotation/removed",
     .what = "a key that was removed is not known after refresh",
     .run = a_removed_key_is_unknown_after_refresh,
     .slot = KIT_SLOT(ff_auth_ops, refresh)},
    {.name = "rotation/broken",
     .what = "refresh with damaged keys fails, and the keys there were stay",
     .run = keys_outlive_a_broken_set,
     .slot = KIT_SLOT(ff_auth_ops, refresh)},
    {0},
};
