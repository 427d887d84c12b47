/* The tables of who may what where, against roles.golden: FF_RENEW=1 writes the file
 * instead of comparing it. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define PROJECT 7
static const struct tenant own = {5};

static const struct {
    const char *name;
    struct access_scope where;
} places[] = {
    {"its tenant", {{5}, PROJECT_ALL}},  {"its project", {{5}, PROJECT}},
    {"other project", {{5}, 8}},         {"other tenant", {{6}, PROJECT_ALL}},
    {"there project 7", {{6}, PROJECT}}, {"installation", {{0}, PROJECT_ALL}},
};

static void add_row(struct buf *out, const char *who, const struct principal *p)
{
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        buf_printf(out, "%-22s %-16s", who, places[i].name);
        for (int may = 0; may < N_PERMISSIONS; may++)
            if (access_may(p, (enum permission)may, places[i].where))
                buf_printf(out, " %s", permission_names[may]);
        buf_add_text(out, " |");
        for (int role = ROLE_VIEWER; role < N_ROLES; role++)
            if (access_may_grant(p, (enum role)role, places[i].where))
                buf_printf(out, " %s", role_names[role]);
        buf_add_char(out, '\n');
    }
}

static void add_all(struct buf *out)
{
    const struct access_scope scopes[] = {{own, PROJECT_ALL}, {own, PROJECT}};
    struct principal p = {.platform = true, .tenant = TENANT_DEFAULT};
    char who[40];

    buf_add_text(out, "# who, where: permissions | roles that he may give\n");
    for (size_t i = 0; i < COUNT_OF(scopes); i++)
        for (int role = ROLE_NONE; role < N_ROLES; role++) {
            const struct principal member = somebody(scopes[i], (enum role)role);

            snprintf(who, sizeof(who), "%s of a %s", role_names[role],
                     i ? "project" : "tenant");
            add_row(out, who, &member);
        }
    add_row(out, "platform", &p);
    access_local("ann", &p);
    p.tenant = own;
    add_row(out, "local", &p);
}

static void who_may_what_where_is_what_the_golden_file_says(void **state)
{
    struct buf now = {0};
    struct buf golden = {0};

    (void)state;
    add_all(&now);
    if (getenv("FF_RENEW"))
        assert_int_equal(
            file_write_durable(FF_TEST_DIR "/roles.golden", now.data, now.len, 0644),
            0);
    assert_int_equal(file_read(FF_TEST_DIR "/roles.golden", 1 << 20, &golden), 0);
    assert_string_equal(buf_text(&now), buf_text(&golden));
    buf_done(&now);
    buf_done(&golden);
}

static void a_role_may_what_those_below_it_may(void **state)
{
    (void)state;
    for (int role = ROLE_NONE; role + 1 < N_ROLES; role++)
        for (int may = 0; may < N_PERMISSIONS; may++)
            if (role_may((enum role)role, (enum permission)may))
                assert_true(role_may((enum role)(role + 1), (enum permission)may));
}

static void of_two_roles_the_greater_counts_and_only_in_its_project(void **state)
{
    const struct principal p = {.tenant = own,
                                .role = ROLE_VIEWER,
                                .project = PROJECT,
                                .project_role = ROLE_AUTHOR};
    const struct principal q = {.tenant = own,
                                .role = ROLE_AUTHOR,
                                .project = PROJECT,
                                .project_role = ROLE_VIEWER};
    const struct access_scope project = {own, PROJECT};

    (void)state;
    assert_true(access_may(&p, MAY_SECRETS, project));
    assert_false(access_may(&p, MAY_SECRETS, (struct access_scope){own, 8}));
    assert_false(access_may(&p, MAY_SECRETS, (struct access_scope){own, PROJECT_ALL}));
    assert_true(access_may(&q, MAY_SECRETS, project));
}

static void words_that_are_no_roles_are_none(void **state)
{
    (void)state;
    assert_int_equal(access_role("admin"), ROLE_ADMIN);
    assert_int_equal(access_role("viewer"), ROLE_VIEWER);
    assert_int_equal(access_role("none"), ROLE_NONE);
    assert_int_equal(access_role("Admin"), ROLE_NONE);
    assert_int_equal(access_role(""), ROLE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_what_where_is_what_the_golden_file_says),
        cmocka_unit_test(a_role_may_what_those_below_it_may),
        cmocka_unit_test(of_two_roles_the_greater_counts_and_only_in_its_project),
        cmocka_unit_test(words_that_are_no_roles_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
