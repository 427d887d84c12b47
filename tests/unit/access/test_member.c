/* Tenants, projects and members: who is there, and what he may by that. */
#include "support.h"

#include <string.h>

static const char *const no_roles[] = {NULL};

static int resolve(struct place *p, const char *subject, const char *tenant,
                   const char *const *roles, int64_t project, struct principal *who)
{
    const struct access_identity id = {
        .subject = subject, .tenant = tenant, .roles = roles, .expires_us = 77};

    return access_user(p->store, HERE, &id, project, who, &p->err);
}

static int do_tenant(struct place *p, const char *name, int how, enum quota quota,
                     int64_t value)
{
    struct tenant_plan plan = {.name = name, .quota = quota, .value = value};

    memcpy(&plan.how, &how, sizeof(plan.how));
    return access_commit(&p->call, plan_tenant, &plan, &p->err);
}

static int name_tenant(void *arg, const void *row)
{
    const struct span name = ((const struct tenant_row *)row)->name;

    buf_add(arg, name.s, name.len);
    buf_add_char(arg, ' ');
    return 0;
}

static void check_tenants(struct place *p, const char *names)
{
    struct buf text = {0};

    check(access_tenants(p->store, HERE, name_tenant, &text, &p->err), &p->err);
    assert_string_equal(buf_text(&text), names);
    buf_done(&text);
}

static void the_default_tenant_is_there_without_a_row(void **state)
{
    struct place *p = *state;
    struct tenant_row row;

    check(access_tenant(p->store, HERE, "default", &p->arena, &row, &p->err), &p->err);
    assert_int_equal(row.tenant, TENANT_DEFAULT.no);
    assert_int_equal(access_quota_of(&row, QUOTA_KEYS), 100);
    assert_int_equal(rows_of(p, &record_tenant), 0);
    check_tenants(p, "default ");
    assert_int_not_equal(made_tenant(p, "acme").no, TENANT_DEFAULT.no);
    check_tenants(p, "default acme ");
    check(do_tenant(p, "default", TENANT_LIMIT, QUOTA_KEYS, 7), &p->err);
    check_tenants(p, "default acme ");
    check(access_tenant(p->store, HERE, "default", &p->arena, &row, &p->err), &p->err);
    assert_int_equal(access_quota_of(&row, QUOTA_KEYS), 7);
    check(do_tenant(p, "default", TENANT_LIMIT, QUOTA_KEYS, MODEL_NULL), &p->err);
    check(access_tenant(p->store, HERE, "default", &p->arena, &row, &p->err), &p->err);
    assert_int_equal(access_quota_of(&row, QUOTA_KEYS), 100);
}

static void a_name_is_one_tenants(void **state)
{
    struct place *p = *state;

    made_tenant(p, "acme");
    assert_int_equal(do_tenant(p, "acme", TENANT_CREATE, 0, 0), FF_INVALID);
    check_says(&p->err, "already");
    assert_int_equal(do_tenant(p, "default", TENANT_CREATE, 0, 0), FF_INVALID);
    assert_int_equal(do_tenant(p, "Acme", TENANT_CREATE, 0, 0), FF_INVALID);
    check_says(&p->err, "cannot be the name of a tenant");
    assert_int_equal(do_tenant(p, "gone", TENANT_DISABLE, 0, 0), FF_NOT_FOUND);
    assert_int_equal(do_tenant(p, "Gone", TENANT_DISABLE, 0, 0), FF_INVALID);
    assert_int_equal(do_tenant(p, "gone", TENANT_LIMIT, 0, 1), FF_NOT_FOUND);
    assert_int_equal(do_tenant(p, "Gone", TENANT_LIMIT, 0, 1), FF_INVALID);
    assert_int_equal(do_tenant(p, "acme", TENANT_LIMIT, QUOTA_KEYS, -1), FF_INVALID);
    assert_int_equal(do_tenant(p, "acme", TENANT_LIMIT, QUOTA_KEYS, 10001), FF_INVALID);
    check_says(&p->err, "max_keys is a number from 0 to 10000");
    assert_int_equal(do_tenant(p, "acme", TENANT_LIMIT, QUOTA_WEIGHT, 0), FF_INVALID);
    check_says(&p->err, "weight is a number from 1 to 1000");
    assert_int_equal(do_tenant(p, "acme", TENANT_LIMIT, QUOTA_REQUESTS, 0), FF_INVALID);
}

static void tenants_are_for_who_administers_the_installation(void **state)
{
    struct place *p = *state;
    const struct principal admin = somebody((struct access_scope){{1}, 0}, ROLE_ADMIN);
    const struct access_call c = call_of(p, &admin);

    for (int how = TENANT_CREATE; how <= TENANT_LIMIT; how++) {
        struct tenant_plan plan = {.name = "acme", .value = 1};

        memcpy(&plan.how, &how, sizeof(plan.how));
        assert_int_equal(access_commit(&c, plan_tenant, &plan, &p->err), FF_DENIED);
        check_says(&p->err, "bob may not do this: it needs the permission \"tenants\"");
    }
    assert_int_equal(rows_of(p, &record_tenant), 0);
    assert_int_equal(rows_of(p, &record_audit), 4);
}

static void roles_hold_in_the_project_that_they_are_of(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    struct project_plan site = {acme, "site"};
    struct project_row row;
    struct principal who;

    check(access_commit(&p->call, plan_project, &site, &p->err), &p->err);
    check(access_project(p->store, HERE, acme, "site", &p->arena, &row, &p->err),
          &p->err);

    const struct access_scope there = {acme, row.project};
    const struct access_scope usual = {acme, PROJECT_DEFAULT};

    made_member(p, there, "mia", ROLE_OPERATOR);
    check(resolve(p, "mia", "acme", no_roles, PROJECT_DEFAULT, &who), &p->err);
    assert_true(access_may(&who, MAY_OPERATE, there));
    assert_false(access_may(&who, MAY_AUTHOR, there));
    assert_false(access_may(&who, MAY_VIEW, usual));
    assert_false(access_may(&who, MAY_VIEW, (struct access_scope){acme, PROJECT_ALL}));
    assert_int_equal(access_project_of(&who, MAY_VIEW), row.project);
    assert_true(access_may_somewhere(&who, MAY_OPERATE));
    assert_false(access_may_somewhere(&who, MAY_AUTHOR));
    made_member(p, usual, "mia", ROLE_VIEWER);
    check(resolve(p, "mia", "acme", no_roles, PROJECT_DEFAULT, &who), &p->err);
    assert_int_equal(access_project_of(&who, MAY_VIEW), PROJECT_DEFAULT);
    assert_int_equal(access_project_of(&who, MAY_OPERATE), row.project);
    check(resolve(p, "eve", "acme", no_roles, PROJECT_DEFAULT, &who), &p->err);
    assert_int_equal(access_project_of(&who, MAY_VIEW), PROJECT_ALL);
}

static void in_a_disabled_tenant_nothing_new_is_made(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    const struct access_scope where = {acme, PROJECT_ALL};
    struct member_plan member = {where, "eve", ROLE_ADMIN};
    struct project_plan project = {acme, "site"};
    struct principal who;

    made_member(p, where, "mia", ROLE_ADMIN);
    check(do_tenant(p, "acme", TENANT_DISABLE, 0, 0), &p->err);
    check(do_tenant(p, "acme", TENANT_DISABLE, 0, 0), &p->err); /* is it already */
    assert_int_equal(access_commit(&p->call, plan_member, &member, &p->err), FF_DENIED);
    check_says(&p->err, "flowforge tenant enable acme");
    assert_int_equal(access_commit(&p->call, plan_project, &project, &p->err),
                     FF_DENIED);
    assert_int_equal(resolve(p, "mia", "acme", no_roles, 0, &who), FF_DENIED);
    check_says(&p->err, "is disabled");
    member = (struct member_plan){where, "mia", ROLE_NONE};
    check(access_commit(&p->call, plan_member, &member, &p->err), &p->err);
    check(do_tenant(p, "acme", TENANT_ENABLE, 0, 0), &p->err);
    check(access_commit(&p->call, plan_project, &project, &p->err), &p->err);
    assert_int_equal(do_tenant(p, "default", TENANT_DISABLE, 0, 0), FF_INVALID);
    check_says(&p->err, "cannot be disabled");
}

static void a_plan_for_a_tenant_that_is_disabled_meanwhile_conflicts(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    struct batch b = {0};

    check(access_project_create(&p->call, acme, "site", &b, &p->err), &p->err);
    check(do_tenant(p, "acme", TENANT_DISABLE, 0, 0), &p->err);
    assert_int_equal(store_commit_now(p->store, &b, NULL, &p->err), FF_CONFLICT);
    batch_done(&b);
}

static void a_quota_is_what_a_tenant_has_at_most(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    const struct access_scope where = {acme, PROJECT_ALL};
    struct project_plan project = {acme, "b"};
    struct member_plan member = {where, "b", ROLE_VIEWER};
    struct key_plan key = {.want = {.name = "b",
                                    .role = ROLE_VIEWER,
                                    .where = where,
                                    .expires_at = MODEL_NULL}};

    check(do_tenant(p, "acme", TENANT_LIMIT, QUOTA_PROJECTS, 2), &p->err);
    check(do_tenant(p, "acme", TENANT_LIMIT, QUOTA_MEMBERS, 1), &p->err);
    check(do_tenant(p, "acme", TENANT_LIMIT, QUOTA_KEYS, 1), &p->err);
    made_project(p, acme, "a"); /* beside the default one */
    made_member(p, where, "a", ROLE_VIEWER);
    const struct access_credential first = made_key(p, where, ROLE_VIEWER, MODEL_NULL);

    assert_int_equal(access_commit(&p->call, plan_project, &project, &p->err), FF_FULL);
    check_says(&p->err, "2 of 2 already (max_projects)");
    assert_int_equal(access_commit(&p->call, plan_member, &member, &p->err), FF_FULL);
    assert_int_equal(access_commit(&p->call, plan_key, &key, &p->err), FF_FULL);
    /* Another role is no other member, and a revoked key is none. */
    made_member(p, where, "a", ROLE_ADMIN);
    struct revoke_plan revoke = {acme, first.id};
    check(access_commit(&p->call, plan_revoke, &revoke, &p->err), &p->err);
    check(access_commit(&p->call, plan_key, &key, &p->err), &p->err);
    /* Others are not asked. */
    check(do_tenant(p, "default", TENANT_LIMIT, QUOTA_OPEN_RUNS, 5), &p->err);
    made_member(p, (struct access_scope){TENANT_DEFAULT, 0}, "b", ROLE_VIEWER);
}

static int name_project(void *arg, const void *row)
{
    const struct span name = ((const struct project_row *)row)->name;

    buf_add(arg, name.s, name.len);
    buf_add_char(arg, ' ');
    return 0;
}

static void a_project_is_one_tenants(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    const struct tenant beta = made_tenant(p, "beta");
    struct project_plan again = {acme, "site"};
    struct project_row row;
    struct buf text = {0};

    assert_int_not_equal(made_project(p, acme, "site"), PROJECT_DEFAULT);
    made_project(p, beta, "site");
    assert_int_equal(access_commit(&p->call, plan_project, &again, &p->err),
                     FF_INVALID);
    again.name = "default";
    assert_int_equal(access_commit(&p->call, plan_project, &again, &p->err),
                     FF_INVALID);
    again.name = "1st";
    assert_int_equal(access_commit(&p->call, plan_project, &again, &p->err),
                     FF_INVALID);
    made_project(p, beta, "only");
    assert_int_equal(
        access_project(p->store, HERE, acme, "only", &p->arena, &row, &p->err),
        FF_NOT_FOUND);
    check(access_project(p->store, HERE, acme, "default", &p->arena, &row, &p->err),
          &p->err);
    assert_int_equal(row.project, PROJECT_DEFAULT);
    check(access_projects(p->store, HERE, beta, name_project, &text, &p->err), &p->err);
    assert_string_equal(buf_text(&text), "default site only ");
    buf_done(&text);
}

static void projects_are_for_who_administers_the_whole_tenant(void **state)
{
    struct place *p = *state;
    const struct principal narrow = somebody((struct access_scope){{1}, 7}, ROLE_ADMIN);
    const struct principal wide = somebody((struct access_scope){{1}, 0}, ROLE_ADMIN);
    struct project_plan plan = {TENANT_DEFAULT, "site"};
    struct access_call c = call_of(p, &narrow);

    assert_int_equal(access_commit(&c, plan_project, &plan, &p->err), FF_DENIED);
    c = call_of(p, &wide);
    check(access_commit(&c, plan_project, &plan, &p->err), &p->err);
}

static void a_role_is_had_by_the_token_or_by_a_row(void **state)
{
    static const char *const roles[] = {"operator", "viewer", "wizard", NULL};
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    const int64_t site = made_project(p, acme, "site");
    struct principal who;

    made_member(p, (struct access_scope){acme, 0}, "mia", ROLE_VIEWER);
    made_member(p, (struct access_scope){acme, site}, "mia", ROLE_AUTHOR);
    check(resolve(p, "mia", "acme", no_roles, PROJECT_ALL, &who), &p->err);
    assert_int_equal(who.role, ROLE_VIEWER);
    assert_int_equal(who.project_role, ROLE_NONE);
    assert_int_equal(who.expires_us, 77);
    assert_string_equal(who.subject, "mia");
    check(resolve(p, "mia", "acme", roles, site, &who), &p->err);
    assert_int_equal(who.role, ROLE_OPERATOR);
    assert_int_equal(who.project_role, ROLE_AUTHOR);
    check(resolve(p, "mia", "acme", NULL, site + 1, &who), &p->err);
    assert_int_equal(who.role, ROLE_VIEWER);
    assert_int_equal(who.project_role, ROLE_NONE);
    /* The role is in that tenant and not in another. */
    check(resolve(p, "mia", "default", no_roles, site, &who), &p->err);
    assert_int_equal(who.role, ROLE_NONE);
    assert_int_equal(who.project_role, ROLE_NONE);
    assert_int_equal(resolve(p, "mia", "gone", no_roles, 0, &who), FF_DENIED);
    assert_null(strstr(p->err.msg, "gone"));
    assert_int_equal(resolve(p, "", "acme", no_roles, 0, &who), FF_INVALID);
}

static void who_administers_the_installation_comes_with_the_default_tenant(void **state)
{
    struct place *p = *state;
    struct principal who;

    made_tenant(p, "acme");
    made_member(p, (struct access_scope){TENANT_PLATFORM, 0}, "root", ROLE_ADMIN);
    check(resolve(p, "root", "default", no_roles, 0, &who), &p->err);
    assert_true(who.platform);
    assert_int_equal(who.role, ROLE_NONE);
    check(resolve(p, "root", "acme", no_roles, 0, &who), &p->err);
    assert_false(who.platform);
}

static void a_role_is_changed_and_taken_away(void **state)
{
    struct place *p = *state;
    const struct access_scope where = {TENANT_DEFAULT, 0};
    struct member_plan plan = {where, "mia", ROLE_NONE};
    struct principal who;

    made_member(p, where, "mia", ROLE_ADMIN);
    made_member(p, where, "mia", ROLE_VIEWER);
    made_member(p, where, "mia", ROLE_VIEWER); /* nothing to tell */
    check(resolve(p, "mia", "default", no_roles, 0, &who), &p->err);
    assert_int_equal(who.role, ROLE_VIEWER);
    assert_int_equal(rows_of(p, &record_audit), 2);
    check(access_commit(&p->call, plan_member, &plan, &p->err), &p->err);
    check(resolve(p, "mia", "default", no_roles, 0, &who), &p->err);
    assert_int_equal(who.role, ROLE_NONE);
    assert_int_equal(access_commit(&p->call, plan_member, &plan, &p->err),
                     FF_NOT_FOUND);
}

static void nobody_gives_or_takes_a_role_beyond_his_own_place(void **state)
{
    struct place *p = *state;
    const struct access_scope site = {TENANT_DEFAULT, 7};
    const struct access_scope whole = {TENANT_DEFAULT, 0};
    const struct principal narrow = somebody(site, ROLE_ADMIN);
    const struct principal author = somebody(whole, ROLE_AUTHOR);
    const struct access_call by_narrow = call_of(p, &narrow);
    const struct access_call by_author = call_of(p, &author);
    const struct {
        const struct access_call *c;
        struct member_plan plan;
        int code;
    } cases[] = {
        {&by_narrow, {site, "eve", ROLE_ADMIN}, FF_OK},
        {&by_narrow, {site, "eve", ROLE_NONE}, FF_OK},
        {&by_narrow, {whole, "bob", ROLE_ADMIN}, FF_DENIED},
        {&by_narrow, {whole, "mia", ROLE_NONE}, FF_DENIED},
        {&by_narrow, {{TENANT_PLATFORM, 0}, "bob", ROLE_ADMIN}, FF_DENIED},
        {&by_author, {whole, "bob", ROLE_VIEWER}, FF_DENIED},
        {&by_author, {whole, "mia", ROLE_NONE}, FF_DENIED},
        {&p->call, {whole, "", ROLE_VIEWER}, FF_INVALID},
        {&p->call, {whole, "a\nb", ROLE_NONE}, FF_INVALID},
        {&p->call, {whole, "\xff", ROLE_VIEWER}, FF_INVALID},
        {&p->call, {{TENANT_PLATFORM, 0}, "bob", ROLE_AUTHOR}, FF_INVALID},
    };

    made_member(p, whole, "mia", ROLE_ADMIN);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct member_plan plan = cases[i].plan;

        assert_int_equal(access_commit(cases[i].c, plan_member, &plan, &p->err),
                         cases[i].code);
    }
    assert_int_equal(rows_of(p, &record_member), 1);
}

static int count_member(void *arg, const void *row)
{
    (void)row;
    ++*(int *)arg;
    return 0;
}

static void a_subject_of_the_greatest_length_is_a_member(void **state)
{
    struct place *p = *state;
    const struct access_scope where = {TENANT_DEFAULT, 0};
    char subject[SUBJECT_TEXT + 1];
    struct member_plan plan = {where, subject, ROLE_VIEWER};
    struct principal who;
    int n = 0;

    memset(subject, 'x', sizeof(subject));
    subject[SUBJECT_TEXT] = '\0';
    assert_int_equal(access_commit(&p->call, plan_member, &plan, &p->err), FF_INVALID);
    subject[SUBJECT_TEXT - 1] = '\0';
    check(access_commit(&p->call, plan_member, &plan, &p->err), &p->err);
    check(resolve(p, subject, "default", no_roles, 0, &who), &p->err);
    assert_int_equal(who.role, ROLE_VIEWER);
    check(access_members(p->store, HERE, TENANT_DEFAULT, count_member, &n, &p->err),
          &p->err);
    assert_int_equal(n, 1);
}

/* In the log nobody looks like somebody else. */
static void a_subject_is_not_called_as_others_are(void **state)
{
    static const char *const subjects[] = {
        "local:root",     "key:abcd1234",   "a\nb",           "a\302\23331mb",
        "a\342\200\256b", "a\342\201\246b", "a\342\200\250b", "a\330\234b",
        "a\302",          "a\342\200",
    };
    static const char *const good[] = {"key", "Local:x", "a\302\240b", "\342\200\247",
                                       "\303\251"};
    static const char *const roles[] = {"admin", NULL};
    struct place *p = *state;
    struct principal who;

    for (size_t i = 0; i < COUNT_OF(subjects); i++) {
        struct member_plan plan = {{TENANT_DEFAULT, 0}, subjects[i], ROLE_VIEWER};

        assert_int_equal(access_commit(&p->call, plan_member, &plan, &p->err),
                         FF_INVALID);
        assert_int_equal(resolve(p, subjects[i], "default", roles, 0, &who),
                         FF_INVALID);
    }
    assert_int_equal(rows_of(p, &record_member), 0);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        check(resolve(p, good[i], "default", roles, 0, &who), &p->err);
}

static void a_title_is_one_line_of_text(void **state)
{
    static const char *const titles[] = {"a\nb", "\x1b[31m", "\xff", "\xe2\x80\xae"};
    struct place *p = *state;
    struct batch b = {0};
    char title[202];

    for (size_t i = 0; i < COUNT_OF(titles); i++)
        assert_int_equal(access_tenant_create(&p->call, "acme", titles[i], &b, &p->err),
                         FF_INVALID);
    memset(title, 'x', sizeof(title));
    title[201] = '\0';
    assert_int_equal(access_tenant_create(&p->call, "acme", title, &b, &p->err),
                     FF_INVALID);
    assert_int_equal(b.n, 0);
    title[200] = '\0';
    check(access_tenant_create(&p->call, "acme", title, &b, &p->err), &p->err);
    commit_batch(p, &b);
    check(access_tenant_create(&p->call, "beta", NULL, &b, &p->err), &p->err);
    commit_batch(p, &b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

static int plan_weight(const struct access_call *c, void *arg, struct batch *b,
                       struct ff_err *err)
{
    const struct project_row *want = arg;
    char name[32];

    snprintf(name, sizeof(name), "%.*s", (int)want->name.len, want->name.s);
    return access_project_weight(c, (struct tenant){want->tenant}, name, want->weight,
                                 b, err);
}

static int weigh(struct place *p, struct tenant t, const char *name, int64_t weight)
{
    struct project_row want = {.tenant = t.no, .name = span_of(name), .weight = weight};

    return access_commit(&p->call, plan_weight, &want, &p->err);
}

static void a_project_has_a_weight_and_the_default_one_has_1(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme");
    struct project_plan site = {acme, "site"};
    struct project_row row;

    check(access_commit(&p->call, plan_project, &site, &p->err), &p->err);
    check(access_project(p->store, HERE, acme, "site", &p->arena, &row, &p->err),
          &p->err);
    assert_int_equal(row.weight, MODEL_NULL);
    check(weigh(p, acme, "site", 1000), &p->err);
    check(access_project(p->store, HERE, acme, "site", &p->arena, &row, &p->err),
          &p->err);
    assert_int_equal(row.weight, 1000);
    check(weigh(p, acme, "site", MODEL_NULL), &p->err);
    check(access_project(p->store, HERE, acme, "site", &p->arena, &row, &p->err),
          &p->err);
    assert_int_equal(row.weight, MODEL_NULL);
    assert_int_equal(weigh(p, acme, "site", 0), FF_INVALID);
    assert_int_equal(weigh(p, acme, "site", 1001), FF_INVALID);
    check_says(&p->err, "weight is a number from 1 to 1000");
    assert_int_equal(weigh(p, acme, "default", 2), FF_INVALID);
    check_says(&p->err, "the default project weighs 1");
    assert_int_equal(weigh(p, acme, "gone", 2), FF_NOT_FOUND);
    assert_int_equal(weigh(p, acme, "Gone", 2), FF_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_default_tenant_is_there_without_a_row),
        TEST(a_name_is_one_tenants),
        TEST(tenants_are_for_who_administers_the_installation),
        TEST(roles_hold_in_the_project_that_they_are_of),
        TEST(in_a_disabled_tenant_nothing_new_is_made),
        TEST(a_plan_for_a_tenant_that_is_disabled_meanwhile_conflicts),
        TEST(a_quota_is_what_a_tenant_has_at_most),
        TEST(a_project_has_a_weight_and_the_default_one_has_1),
        TEST(a_project_is_one_tenants),
        TEST(projects_are_for_who_administers_the_whole_tenant),
        TEST(a_role_is_had_by_the_token_or_by_a_row),
        TEST(who_administers_the_installation_comes_with_the_default_tenant),
        TEST(a_role_is_changed_and_taken_away),
        TEST(nobody_gives_or_takes_a_role_beyond_his_own_place),
        TEST(a_subject_of_the_greatest_length_is_a_member),
        TEST(a_subject_is_not_called_as_others_are),
        TEST(a_title_is_one_line_of_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
