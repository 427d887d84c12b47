/* The table of routes: who may what is compared with routes.golden (FF_RENEW=1 writes
 * it), so that a change of it is seen by whoever reviews. */
#include "support.h"

#include "rest/rest_priv.h"
#include <stdlib.h>
#include <string.h>

static struct principal somebody(enum role role, bool platform)
{
    return (struct principal){.kind = PRINCIPAL_USER,
                              .subject = "bob",
                              .tenant = {5},
                              .role = role,
                              .platform = platform};
}

/* As rest.c asks. */
static bool may(const struct rest_route *route, const struct principal *p)
{
    static const struct access_scope scopes[] = {
        [REST_RUNS] = {{5}, PROJECT_DEFAULT},
        [REST_PROJECT] = {{5}, PROJECT_DEFAULT},
        [REST_TENANT] = {{5}, PROJECT_ALL},
        [REST_PLATFORM] = {{0}, PROJECT_ALL},
    };

    return route->scope <= REST_SELF ||
           access_may(p, route->needs, scopes[route->scope]);
}

static void add_row(struct buf *out, const struct rest_route *route)
{
    const struct principal platform = somebody(ROLE_NONE, true);

    buf_printf(out, "%-6s %-34s", route->method, route->pattern);
    if (route->scope == REST_OPEN)
        buf_add_text(out, " anybody");
    for (int role = ROLE_NONE; route->scope != REST_OPEN && role < N_ROLES; role++) {
        const struct principal p = somebody((enum role)role, false);

        if (may(route, &p))
            buf_printf(out, " %s", role_names[role]);
    }
    if (route->scope != REST_OPEN && may(route, &platform))
        buf_add_text(out, " platform");
    buf_add_char(out, '\n');
}

static void which_role_may_which_route_is_what_the_golden_file_says(void **state)
{
    struct buf now = {0};
    struct buf golden = {0};
    (void)state;

    for (size_t i = 0; i < rest_n_routes; i++)
        add_row(&now, &rest_routes[i]);
    if (getenv("FF_RENEW"))
        assert_int_equal(
            file_write_durable(FF_TEST_DIR "/routes.golden", now.data, now.len, 0644),
            0);
    assert_int_equal(file_read(FF_TEST_DIR "/routes.golden", 1 << 20, &golden), 0);
    assert_string_equal(buf_text(&now), buf_text(&golden));
    buf_done(&now);
    buf_done(&golden);
}

static void each_route_has_a_handler_a_name_and_words_for_people(void **state)
{
    (void)state;
    for (size_t i = 0; i < rest_n_routes; i++) {
        const struct rest_route *r = &rest_routes[i];

        assert_non_null(r->handle);
        assert_non_null(r->id);
        assert_non_null(r->tag);
        assert_non_null(r->summary);
        assert_int_equal(r->pattern[0], '/');
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(r->id, rest_routes[k].id);
            assert_false(strcmp(r->pattern, rest_routes[k].pattern) == 0 &&
                         strcmp(r->method, rest_routes[k].method) == 0);
        }
    }
}

static void bodies_have_a_ceiling_and_only_those_who_read_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < rest_n_routes; i++) {
        const struct rest_route *r = &rest_routes[i];

        assert_int_equal(r->body != NULL || (r->flags & REST_HOOK), r->body_max > 0);
        assert_true(r->body_max <= (size_t)8 * 1024 * 1024);
    }
}

/* The table cannot say it: he knows a secret, or it is his own. */
static bool is_judged_by_handler(const struct rest_route *r)
{
    return (r->flags & REST_HOOK) ||
           strncmp(r->pattern, "/sessions", strlen("/sessions")) == 0;
}

static void
what_changes_something_is_no_get_and_nobody_may_who_is_not_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < rest_n_routes; i++) {
        const struct rest_route *r = &rest_routes[i];
        const struct principal nobody = somebody(ROLE_NONE, false);

        if (!(r->flags & REST_CHANGES))
            continue;
        assert_string_not_equal(r->method, "GET");
        assert_int_equal(r->scope > REST_SELF, !is_judged_by_handler(r));
        assert_int_equal(may(r, &nobody), is_judged_by_handler(r));
        assert_false(r->flags & (REST_AT_ONCE | REST_PAGE));
    }
}

static void if_match_is_for_changes_and_etags_are_for_who_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < rest_n_routes; i++) {
        const struct rest_route *r = &rest_routes[i];

        assert_true(!r->match || (r->flags & REST_CHANGES));
        assert_true(!(r->flags & REST_TAGGED) || strcmp(r->method, "GET") == 0);
    }
}

/* Whose handler asks for more than the table can say. */
static void only_calls_of_webhooks_are_for_who_is_not_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < rest_n_routes; i++)
        if (rest_routes[i].flags & REST_HOOK)
            assert_string_equal(rest_routes[i].id, "callWebhook");
}

static void a_viewer_changes_nothing(void **state)
{
    const struct principal viewer = somebody(ROLE_VIEWER, false);
    (void)state;

    for (size_t i = 0; i < rest_n_routes; i++)
        if ((rest_routes[i].flags & REST_CHANGES) &&
            !is_judged_by_handler(&rest_routes[i]))
            assert_false(may(&rest_routes[i], &viewer));
}

static const json_t *operation(const json_t *paths, const struct rest_route *r)
{
    char path[160];
    char method[16];

    snprintf(path, sizeof(path), "%s%s", r->scope == REST_OPEN ? "" : REST_PREFIX,
             r->pattern);
    snprintf(method, sizeof(method), "%s", r->method);
    for (char *at = method; *at; at++)
        *at = (char)(*at | 0x20);
    return json_object_get(json_object_get(paths, path), method);
}

static size_t count_operations(const json_t *paths)
{
    const char *path;
    json_t *item;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)paths, path, item) n +=
        json_object_size(item);
    return n;
}

static void the_document_has_each_route_and_no_other(void **state)
{
    struct buf text = {0};
    struct ff_err err = {0};
    (void)state;

    rest_openapi("1.2.3", &text);
    json_t *document = json_parse(buf_text(&text), text.len, &err);
    assert_non_null(document);
    const json_t *paths = json_object_get(document, "paths");

    for (size_t i = 0; i < rest_n_routes; i++) {
        const json_t *op = operation(paths, &rest_routes[i]);

        assert_non_null(op);
        assert_string_equal(json_string_value(json_object_get(op, "operationId")),
                            rest_routes[i].id);
    }
    assert_int_equal(count_operations(paths), rest_n_routes);
    json_decref(document);
    buf_done(&text);
}

static void each_code_of_a_failure_has_a_problem_with_a_status(void **state)
{
    (void)state;
    for (int code = FF_INVALID; code <= FF_FATAL + 1; code++) {
        const enum rest_problem problem = problem_of(code);

        assert_in_range(rest_problems[problem].status, 400, 503);
        assert_non_null(rest_problems[problem].code);
    }
    assert_int_equal(problem_of(FF_NOT_FOUND), PROBLEM_NOT_FOUND);
    assert_int_equal(problem_of(FF_FATAL), PROBLEM_INTERNAL);
    assert_int_equal(problem_of(-1), PROBLEM_INTERNAL);
    for (int p = PROBLEM_BY_CODE + 1; p < N_PROBLEMS; p++)
        assert_non_null(rest_problems[p].title);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_role_may_which_route_is_what_the_golden_file_says),
        cmocka_unit_test(each_route_has_a_handler_a_name_and_words_for_people),
        cmocka_unit_test(bodies_have_a_ceiling_and_only_those_who_read_them),
        cmocka_unit_test(
            what_changes_something_is_no_get_and_nobody_may_who_is_not_known),
        cmocka_unit_test(if_match_is_for_changes_and_etags_are_for_who_reads),
        cmocka_unit_test(only_calls_of_webhooks_are_for_who_is_not_known),
        cmocka_unit_test(a_viewer_changes_nothing),
        cmocka_unit_test(the_document_has_each_route_and_no_other),
        cmocka_unit_test(each_code_of_a_failure_has_a_problem_with_a_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
