/* What is another value in the file by now, and what only looks like it. */
#include "support.h"

#include <string.h>

struct target {
    const char *host, *password;
    int64_t port;
};

#define AT(field) offsetof(struct target, field)

static const struct ff_opt database[] = {
    {.name = "host", .type = FF_OPT_TEXT, .offset = AT(host), .fallback = "localhost"},
    {.name = "port", .type = FF_OPT_INT, .offset = AT(port), .fallback = "5432"},
    {.name = "password",
     .type = FF_OPT_TEXT,
     .offset = AT(password),
     .flags = FF_OPT_SECRET},
    {0},
};

static void add_name(void *arg, const char *name)
{
    char *text = arg;

    strcat(text, name);
    strcat(text, " ");
}

/* The names that are told; of the first what reads it is known. */
static const char *changes(const char *before, const char *now, char *const *env)
{
    static char names[512];
    struct target ignored = {0};
    struct config *a = load(before, env);
    struct config *b = load(now, env);

    assert_string_equal(fill(a, "database", database, &ignored), "");
    config_default(a, "database.port", "7777");
    names[0] = '\0';
    config_changes(a, b, add_name, names);
    config_free(a);
    config_free(b);
    return names;
}

static void what_is_another_value_is_named(void **state)
{
    (void)state;
    assert_string_equal(
        changes("database: {host: a, port: 1}", "database: {host: b, port: 1}", NULL),
        "database.host ");
    assert_string_equal(changes("", "database: {host: b}", NULL), "database.host ");
    assert_string_equal(changes("database: {host: b}", "", NULL), "database.host ");
    assert_string_equal(changes("", "other: {key: b}", NULL), "other.key ");
    assert_string_equal(changes("other: {key: b}", "", NULL), "other.key ");
}

static void a_secret_is_named_and_its_file_too(void **state)
{
    (void)state;
    assert_string_equal(
        changes("database: {password: a}", "database: {password: b}", NULL),
        "database.password ");
    assert_string_equal(
        changes("database: {password: a}", "database: {password_file: /b}", NULL),
        "database.password database.password_file ");
}

static void a_default_that_is_written_down_is_no_change(void **state)
{
    (void)state;
    assert_string_equal(changes("", "database: {host: localhost}", NULL), "");
    assert_string_equal(changes("database: {host: localhost}", "", NULL), "");
    assert_string_equal(changes("", "database: {host: null}", NULL), "");
    assert_string_equal(changes("", "database: {port: 7777}", NULL), "");
    assert_string_equal(changes("", "database: {port: 5432}", NULL), "database.port ");
}

static void what_a_variable_says_is_not_the_files(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_DATABASE_HOST=a", NULL};

    (void)state;
    assert_string_equal(changes("database: {host: b}", "database: {host: c}", env), "");
    assert_string_equal(changes("database: {port: 1}", "database: {port: 2}", env),
                        "database.port ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_another_value_is_named),
        cmocka_unit_test(a_secret_is_named_and_its_file_too),
        cmocka_unit_test(a_default_that_is_written_down_is_no_change),
        cmocka_unit_test(what_a_variable_says_is_not_the_files),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
