/* API keys: what they look like, what is stored of them, and when they are let in. */
#include "support.h"

#include <string.h>

static const struct access_scope everywhere = {{1}, PROJECT_ALL};

static int verify(struct place *p, const char *text, int64_t now_us,
                  struct principal *who)
{
    return access_key_verify(p->store, HERE, text, now_us, who, NULL, &p->err);
}

static int read_key(void *arg, const void *row)
{
    struct place *p = ((void **)arg)[0];
    struct api_key_row *key = ((void **)arg)[1];

    *key = *(const struct api_key_row *)row;
    store_own_row(&record_api_key, key, &p->arena);
    return 0;
}

static struct api_key_row the_key(struct place *p, struct tenant t)
{
    struct api_key_row key = {0};
    void *both[] = {p, &key};

    check(access_keys(p->store, HERE, t, read_key, both, &p->err), &p->err);
    return key;
}

static void a_credential_has_its_form_and_is_another_each_time(void **state)
{
    struct access_credential a, b;
    char hash_a[SHA256_TEXT], hash_b[SHA256_TEXT], hash[SHA256_TEXT];
    char id[KEY_ID_TEXT];

    (void)state;
    key_make(KEY_PREFIX, &a, hash_a);
    key_make(KEY_PREFIX, &b, hash_b);
    assert_int_equal(strlen(a.text), 56);
    assert_memory_equal(a.text, "ffk_", 4);
    assert_memory_equal(a.text + 4, a.id, 8);
    assert_int_equal(a.text[12], '_');
    assert_string_not_equal(a.text, b.text);
    assert_true(key_parse(KEY_PREFIX, a.text, id, hash));
    assert_string_equal(id, a.id);
    assert_string_equal(hash, hash_a);
    assert_true(key_hash_is(hash, span_of(hash_a)));
    assert_false(key_hash_is(hash, span_of(hash_b)));
    assert_false(key_hash_is(hash, (struct span){hash_a, 63}));
    access_credential_wipe(&a);
    assert_int_equal(a.text[5], 0);
}

static void what_has_not_the_form_is_no_credential(void **state)
{
    struct access_credential k;
    char hash[SHA256_TEXT];
    char id[KEY_ID_TEXT];
    char text[CREDENTIAL_TEXT + 1];

    (void)state;
    key_make(KEY_PREFIX, &k, hash);
    for (size_t i = 0; i < sizeof(k.text) - 1; i++) {
        snprintf(text, sizeof(text), "%s", k.text);
        text[i] = '!';
        assert_false(key_parse(KEY_PREFIX, text, id, hash));
        text[i] = '\0';
        assert_false(key_parse(KEY_PREFIX, text, id, hash));
    }
    snprintf(text, sizeof(text), "%sx", k.text);
    assert_false(key_parse(KEY_PREFIX, text, id, hash));
    snprintf(text, sizeof(text), "%s", k.text);
    memcpy(text + 4, "ABCDEFGH", 8);
    assert_false(key_parse(KEY_PREFIX, text, id, hash));
}

/* 2,000 keys have 86,000 digits: of each of 62 near 1,387. Seven times the deviation
 * from that is never seen of even ones. */
static void all_digits_are_as_likely(void **state)
{
    int n[256] = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct access_credential k;
        char hash[SHA256_TEXT];

        key_make(KEY_PREFIX, &k, hash);
        for (const char *at = k.text + 13; *at; at++)
            n[(unsigned char)*at]++;
    }
    for (const char *at = "0aAzZ9mM"; *at; at++) {
        assert_true(n[(unsigned char)*at] > 1387 - 7 * 37);
        assert_true(n[(unsigned char)*at] < 1387 + 7 * 37);
    }
}

static void a_key_lets_in_with_its_role_and_scope(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    const int64_t project = made_project(p, acme, "site");
    struct access_credential k =
        made_key(p, (struct access_scope){acme, project}, ROLE_AUTHOR, MODEL_NULL);
    struct principal who;

    check(verify(p, k.text, NOW, &who), &p->err);
    assert_int_equal(who.kind, PRINCIPAL_KEY);
    assert_int_equal(who.tenant.no, acme.no);
    assert_int_equal(who.role, ROLE_NONE);
    assert_int_equal(who.project, project);
    assert_int_equal(who.project_role, ROLE_AUTHOR);
    assert_false(who.platform);
    assert_int_equal(who.expires_us, 0);
    assert_memory_equal(who.subject, "key:", 4);
    assert_string_equal(who.subject + 4, k.id);

    k = made_key(p, (struct access_scope){acme, PROJECT_ALL}, ROLE_VIEWER, NOW + 9);
    check(verify(p, k.text, NOW, &who), &p->err);
    assert_int_equal(who.role, ROLE_VIEWER);
    assert_int_equal(who.project_role, ROLE_NONE);
    assert_int_equal(who.expires_us, NOW + 9);
}

static void a_key_of_the_installation_has_no_role_in_a_tenant(void **state)
{
    struct place *p = *state;
    const struct access_credential k = made_key(
        p, (struct access_scope){TENANT_PLATFORM, PROJECT_ALL}, ROLE_ADMIN, MODEL_NULL);
    struct principal who;

    check(verify(p, k.text, NOW, &who), &p->err);
    assert_true(who.platform);
    assert_int_equal(who.role, ROLE_NONE);
    assert_true(access_may(&who, MAY_TENANTS, everywhere));
    assert_false(access_may(&who, MAY_VIEW, everywhere));
}

static void only_a_hash_of_the_secret_half_is_stored(void **state)
{
    struct place *p = *state;
    const struct access_credential k = made_key(p, everywhere, ROLE_ADMIN, MODEL_NULL);
    const struct api_key_row row = the_key(p, TENANT_DEFAULT);
    struct buf text = {0};
    struct jsonw w = {.out = &text};

    model_row_json(&w, &record_api_key, &row);
    assert_null(strstr(buf_text(&text), k.text + 13));
    assert_non_null(strstr(buf_text(&text), k.id));
    buf_done(&text);
    assert_int_equal(row.hash.len, 64);
    assert_true(span_is(row.created_by, "local:ann"));
}

static void who_does_not_have_the_secret_half_is_told_nothing(void **state)
{
    struct place *p = *state;
    struct access_credential k = made_key(p, everywhere, ROLE_ADMIN, NOW + 1);
    struct principal who;

    k.text[20] = k.text[20] == 'a' ? 'b' : 'a';
    assert_int_equal(verify(p, k.text, NOW + 5, &who), FF_DENIED);
    assert_string_equal(p->err.msg, "this API key is not known");
    k.text[5] = k.text[5] == 'a' ? 'b' : 'a';
    assert_int_equal(verify(p, k.text, NOW, &who), FF_DENIED);
    assert_string_equal(p->err.msg, "this API key is not known");
    assert_int_equal(verify(p, "letmein", NOW, &who), FF_DENIED);
    check_says(&p->err, "this is no API key");
    assert_null(strstr(p->err.msg, "letmein"));
}

static void a_key_ends_at_its_time_and_when_it_is_revoked(void **state)
{
    struct place *p = *state;
    const struct access_credential k = made_key(p, everywhere, ROLE_ADMIN, NOW + 10);
    struct revoke_plan plan = {.t = TENANT_DEFAULT, .id = k.id};
    struct principal who;

    check(verify(p, k.text, NOW + 9, &who), &p->err);
    assert_int_equal(verify(p, k.text, NOW + 10, &who), FF_DENIED);
    check_says(&p->err, "has expired");
    check(access_commit(&p->call, plan_revoke, &plan, &p->err), &p->err);
    assert_int_equal(verify(p, k.text, NOW, &who), FF_DENIED);
    check_says(&p->err, "is revoked");
    p->call.now_us = NOW + 5;
    check(access_commit(&p->call, plan_revoke, &plan, &p->err), &p->err);
    assert_int_equal(the_key(p, TENANT_DEFAULT).revoked_at, NOW);
    assert_true(span_is(the_key(p, TENANT_DEFAULT).revoked_by, "local:ann"));
}

static void a_key_of_a_disabled_tenant_is_let_in_when_it_is_enabled(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    const struct access_credential k =
        made_key(p, (struct access_scope){acme, 0}, ROLE_ADMIN, MODEL_NULL);
    struct tenant_plan plan = {.name = "acme", .how = TENANT_DISABLE};
    struct principal who;

    check(access_commit(&p->call, plan_tenant, &plan, &p->err), &p->err);
    assert_int_equal(verify(p, k.text, NOW, &who), FF_DENIED);
    check_says(&p->err, "is disabled");
    plan.how = TENANT_ENABLE;
    check(access_commit(&p->call, plan_tenant, &plan, &p->err), &p->err);
    check(verify(p, k.text, NOW, &who), &p->err);
}

static void that_a_key_is_used_is_written_once_a_minute(void **state)
{
    struct place *p = *state;
    const struct access_credential k = made_key(p, everywhere, ROLE_VIEWER, MODEL_NULL);
    const int64_t minute = 60 * UNITS_SECOND;
    const struct {
        int64_t at;
        size_t writes;
        int64_t stands;
    } uses[] = {{NOW, 1, NOW},
                {NOW + 1, 0, NOW},
                {NOW + minute - 1, 0, NOW},
                {NOW + minute, 1, NOW + minute}};

    for (size_t i = 0; i < COUNT_OF(uses); i++) {
        struct batch used = {0};
        struct principal who;

        check(
            access_key_verify(p->store, HERE, k.text, uses[i].at, &who, &used, &p->err),
            &p->err);
        assert_int_equal(used.n, uses[i].writes);
        if (used.n > 0)
            commit_batch(p, &used);
        assert_int_equal(the_key(p, TENANT_DEFAULT).last_used_at, uses[i].stands);
    }
}

static void a_key_gives_no_more_than_who_makes_it_has(void **state)
{
    struct place *p = *state;
    const struct principal admin = somebody((struct access_scope){{1}, 7}, ROLE_ADMIN);
    const struct principal author = somebody(everywhere, ROLE_AUTHOR);
    const struct {
        const struct principal *who;
        struct access_scope where;
        enum role role;
        int code;
    } cases[] = {
        {&admin, {{1}, 7}, ROLE_ADMIN, FF_OK},
        {&admin, {{1}, PROJECT_ALL}, ROLE_VIEWER, FF_DENIED},
        {&admin, {{1}, 8}, ROLE_VIEWER, FF_DENIED},
        {&admin, {{2}, 7}, ROLE_VIEWER, FF_DENIED},
        {&admin, {{0}, PROJECT_ALL}, ROLE_ADMIN, FF_DENIED},
        {&author, {{1}, PROJECT_ALL}, ROLE_VIEWER, FF_DENIED},
        {&p->local, {{1}, PROJECT_ALL}, ROLE_NONE, FF_INVALID},
        {&p->local, {{0}, PROJECT_ALL}, ROLE_VIEWER, FF_INVALID},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct key_plan plan = {.want = {.name = "k",
                                         .role = cases[i].role,
                                         .where = cases[i].where,
                                         .expires_at = NOW + 1}};
        const struct access_call c = call_of(p, cases[i].who);

        assert_int_equal(access_commit(&c, plan_key, &plan, &p->err), cases[i].code);
        assert_int_equal(plan.made.text[0] != 0, cases[i].code == FF_OK);
    }
    assert_int_equal(rows_of(p, &record_api_key), 1);
}

static void what_is_wrong_about_a_new_key_is_said(void **state)
{
    struct place *p = *state;
    struct key_plan plan = {.want = {.name = "a b",
                                     .role = ROLE_VIEWER,
                                     .where = everywhere,
                                     .expires_at = MODEL_NULL}};

    assert_int_equal(access_commit(&p->call, plan_key, &plan, &p->err), FF_INVALID);
    check_says(&p->err, "\"a b\" cannot be the name of an API key");
    plan.want.name = "k";
    plan.want.expires_at = NOW;
    assert_int_equal(access_commit(&p->call, plan_key, &plan, &p->err), FF_INVALID);
    check_says(&p->err, "before it is made");
    plan.want.expires_at = MODEL_NULL;
    plan.want.where.tenant.no = 99;
    assert_int_equal(access_commit(&p->call, plan_key, &plan, &p->err), FF_NOT_FOUND);
    assert_int_equal(rows_of(p, &record_api_key), 0);
    assert_int_equal(rows_of(p, &record_audit), 0);
}

static void keys_of_others_are_not_found(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    const struct access_credential k =
        made_key(p, (struct access_scope){acme, 8}, ROLE_VIEWER, MODEL_NULL);
    struct revoke_plan plan = {.t = TENANT_DEFAULT, .id = k.id};
    const struct principal admin = somebody((struct access_scope){acme, 7}, ROLE_ADMIN);
    const struct access_call c = call_of(p, &admin);
    struct ff_err other = {0};

    assert_int_equal(access_commit(&p->call, plan_revoke, &plan, &p->err),
                     FF_NOT_FOUND);
    /* Of another project it is as if it was not there. */
    plan.t = acme;
    assert_int_equal(access_commit(&c, plan_revoke, &plan, &p->err), FF_DENIED);
    plan.id = "aaaaaaaa";
    assert_int_equal(access_commit(&c, plan_revoke, &plan, &other), FF_DENIED);
    assert_string_equal(p->err.msg, other.msg);
    plan.id = "\n";
    assert_int_equal(access_commit(&c, plan_revoke, &plan, &other), FF_INVALID);
}

static void a_credential_that_is_taken_for_an_id_is_kept_nowhere(void **state)
{
    struct place *p = *state;
    const struct access_credential k = made_key(p, everywhere, ROLE_VIEWER, MODEL_NULL);
    const struct principal viewer = somebody(everywhere, ROLE_VIEWER);
    const struct access_call by_viewer = call_of(p, &viewer);
    const char *const ids[] = {k.text,      "",         "abcd123",
                               "abcd12345", "Abcd1234", "abcd-234"};
    const int64_t n = rows_of(p, &record_audit);

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct revoke_plan plan = {.t = TENANT_DEFAULT, .id = ids[i]};

        assert_int_equal(access_commit(&by_viewer, plan_revoke, &plan, &p->err),
                         FF_INVALID);
        assert_int_equal(access_commit(&p->call, plan_revoke, &plan, &p->err),
                         FF_INVALID);
        assert_null(strstr(p->err.msg, k.id));
    }
    assert_int_equal(rows_of(p, &record_audit), n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_has_its_form_and_is_another_each_time),
        cmocka_unit_test(what_has_not_the_form_is_no_credential),
        cmocka_unit_test(all_digits_are_as_likely),
        TEST(a_key_lets_in_with_its_role_and_scope),
        TEST(a_key_of_the_installation_has_no_role_in_a_tenant),
        TEST(only_a_hash_of_the_secret_half_is_stored),
        TEST(who_does_not_have_the_secret_half_is_told_nothing),
        TEST(a_key_ends_at_its_time_and_when_it_is_revoked),
        TEST(a_key_of_a_disabled_tenant_is_let_in_when_it_is_enabled),
        TEST(that_a_key_is_used_is_written_once_a_minute),
        TEST(a_key_gives_no_more_than_who_makes_it_has),
        TEST(what_is_wrong_about_a_new_key_is_said),
        TEST(keys_of_others_are_not_found),
        TEST(a_credential_that_is_taken_for_an_id_is_kept_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
