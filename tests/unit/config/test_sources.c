/* Where a value comes from: flag over environment over file over default; and secrets
 * that stand in files of their own. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void set(struct config *c, const char *assignment)
{
    struct ff_err err = {0};

    if (config_set(c, assignment, &err) != FF_OK)
        fail_msg("%s", err.msg);
}

static void flag_beats_environment_beats_file_beats_default(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_DATABASE_HOST=from-env", NULL};
    static const char yaml[] = "database: {host: from-file}\n";
    struct target t = {0};
    struct config *c = load("", NULL);

    (void)state;
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.host, "localhost");
    config_free(c);

    c = load(yaml, NULL);
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.host, "from-file");
    config_free(c);

    c = load(yaml, env);
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.host, "from-env");
    set(c, "database.host=from-flag");
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.host, "from-flag");
    set(c, "database.host=a=b.c");
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.host, "a=b.c");
    config_free(c);
}

static void dashes_and_dots_are_underscores_in_variables(void **state)
{
    static const struct ff_opt opts[] = {
        {.name = "tls.cert-file", .type = FF_OPT_TEXT},
        {0},
    };
    char *env[] = {(char *)"FLOWFORGE_STORE_SQLITE_TLS_CERT_FILE=x", NULL};
    struct config *c = load(NULL, env);
    const char *text = NULL;

    (void)state;
    assert_string_equal(fill(c, "store-sqlite", opts, &text), "");
    assert_string_equal(text, "x");
    config_free(c);
}

static void empty_variables_count_as_unset(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_DATABASE_HOST=", NULL};
    struct config *c = load("database: {host: from-file}\n", env);
    struct target t = {0};

    (void)state;
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.host, "from-file");
    config_free(c);
}

static void the_first_of_two_variables_counts(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_DATABASE_HOST=a",
                   (char *)"FLOWFORGE_DATABASE_HOST=b", (char *)"FLOWFORGE_ODD", NULL};
    struct config *c = load(NULL, env);
    struct target t = {0};

    (void)state;
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.host, "a");
    config_free(c);
}

static void wrong_variables_and_flags_are_named(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_DATABASE_PORT=x", NULL};
    char *bytes[] = {(char *)"FLOWFORGE_DATABASE_HOST=\xff", NULL};
    struct config *c = load(NULL, env);
    struct target t = {0};

    (void)state;
    assert_string_equal(
        fill(c, "database", database, &t),
        "FLOWFORGE_DATABASE_PORT: database.port: 'x' is not a whole number");
    set(c, "database.port=y");
    assert_string_equal(fill(c, "database", database, &t),
                        "command line: database.port: 'y' is not a whole number");
    config_free(c);
    c = load(NULL, bytes);
    assert_string_equal(
        fill(c, "database", database, &t),
        "FLOWFORGE_DATABASE_HOST: database.host: its value is not valid UTF-8");
    config_free(c);
}

static void malformed_flags_are_refused(void **state)
{
    static const char *const wrong[] = {"x", "a.b", "a=b", ".b=c", "a.=c", "a=b.c"};
    struct config *c = load(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct ff_err err = {0};

        assert_int_equal(config_set(c, wrong[i], &err), FF_INVALID);
        assert_non_null(strstr(err.msg, "section.key=value"));
    }
    assert_int_equal(config_set(c, "a.b=\xff", NULL), FF_INVALID);
    config_free(c);
}

static struct config *with_secret_file(const char *text, size_t len)
{
    static char variable[320];
    static char *env[] = {variable, NULL};

    snprintf(variable, sizeof(variable), "FLOWFORGE_DATABASE_PASSWORD_FILE=%s",
             write_file("secret", text, len));
    return load(NULL, env);
}

static void secrets_come_from_files_without_the_last_newline(void **state)
{
    static const struct {
        const char *text, *secret;
    } cases[] = {
        {"hunter2\n", "hunter2"}, {"hunter2", "hunter2"},   {"hunter2\r\n", "hunter2"},
        {"a\nb\n\n", "a\nb\n"},   {" spaced ", " spaced "}, {"\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config *c = with_secret_file(cases[i].text, strlen(cases[i].text));
        struct target t = {0};

        assert_string_equal(fill(c, "database", database, &t), "");
        assert_string_equal(t.password, cases[i].secret);
        config_free(c);
    }
}

static void secret_files_may_be_named_in_the_file(void **state)
{
    const char *path = write_file("secret", "hunter2\n", 8);
    struct target t = {0};
    struct config *c;
    char yaml[320];

    (void)state;
    snprintf(yaml, sizeof(yaml), "database:\n  password_file: %s\n", path);
    c = load(yaml, NULL);
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.password, "hunter2");
    config_free(c);
}

static void unreadable_secret_files_are_refused(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_DATABASE_PASSWORD_FILE=/nowhere/secret", NULL};
    struct config *c = load(NULL, env);
    struct target t = {0};
    char big[64 * 1024 + 1];

    (void)state;
    assert_string_equal(fill(c, "database", database, &t),
                        "FLOWFORGE_DATABASE_PASSWORD_FILE: cannot read "
                        "/nowhere/secret: No such file or directory");
    config_free(c);
    c = with_secret_file("a\0b", 3);
    assert_string_equal(fill(c, "database", database, &t),
                        "FLOWFORGE_DATABASE_PASSWORD_FILE: secret contains a NUL "
                        "character");
    config_free(c);
    memset(big, 'x', sizeof(big));
    c = with_secret_file(big, sizeof(big));
    assert_string_equal(fill(c, "database", database, &t),
                        "FLOWFORGE_DATABASE_PASSWORD_FILE: secret is larger than "
                        "64 KiB");
    config_free(c);
}

static void a_secret_given_twice_is_refused(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_DATABASE_PASSWORD=a",
                   (char *)"FLOWFORGE_DATABASE_PASSWORD_FILE=/b", NULL};
    struct config *c = load(NULL, env);
    struct target t = {0};

    (void)state;
    assert_string_equal(fill(c, "database", database, &t),
                        "FLOWFORGE_DATABASE_PASSWORD: database.password is given "
                        "twice, as a value and as a file");
    /* Two levels are no contradiction: the higher one wins. */
    set(c, "database.password=c");
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_string_equal(t.password, "c");
    config_free(c);
}

static void only_secrets_have_a_file_form(void **state)
{
    struct config *c = load("database: {host_file: /x}\n", NULL);
    struct target t = {0};

    (void)state;
    assert_string_equal(fill(c, "database", database, &t),
                        "config.yaml:1:23: database has no setting host_file");
    config_free(c);
}

static void a_missing_named_file_is_an_error(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_CONFIG=/nowhere/b.yaml", NULL};
    struct ff_err err = {0};

    (void)state;
    assert_null(config_load("/nowhere/a.yaml", env, &err));
    assert_int_equal(err.code, FF_NOT_FOUND);
    assert_string_equal(err.msg, "cannot read the settings in /nowhere/a.yaml: "
                                 "No such file or directory");
    assert_null(config_load(NULL, env, &err));
    assert_string_equal(err.msg, "cannot read the settings in /nowhere/b.yaml: "
                                 "No such file or directory");
    assert_null(config_load(test_dir(), NULL, &err));
    assert_int_equal(err.code, FF_INVALID);
}

static void the_file_in_the_home_is_a_default(void **state)
{
    char home[320];
    char path[400];
    char *env[] = {home, NULL};
    struct target t = {0};
    struct config *c;
    struct ff_err err;

    (void)state;
    if (access("/etc/flowforge/config.yaml", F_OK) == 0)
        skip();
    snprintf(home, sizeof(home), "HOME=%s", test_dir());
    c = config_load(NULL, env, &err);
    assert_non_null(c);
    config_free(c);
    snprintf(path, sizeof(path), "%s/.config/flowforge", test_dir());
    assert_int_equal(file_make_dirs(path, 0700), 0);
    write_file(".config/flowforge/config.yaml", "database: {port: 7}\n", 20);
    c = config_load(NULL, env, &err);
    assert_non_null(c);
    assert_string_equal(fill(c, "database", database, &t), "");
    assert_int_equal(t.port, 7);
    config_free(c);
}

static void long_paths_are_shortened_in_sentences(void **state)
{
    char path[300];
    struct ff_err err = {0};

    (void)state;
    snprintf(path, sizeof(path), "/%0250d/config.yaml", 0);
    assert_null(config_load(path, NULL, &err));
    assert_non_null(strstr(err.msg, "...000"));
    assert_non_null(strstr(err.msg, "/config.yaml: No such file"));
}

static void what_somebody_set_is_told_from_a_default(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_DATABASE_PORT=1",
                   (char *)"FLOWFORGE_DATABASE_HOST=", NULL};
    struct config *c = load("database: {password_file: /x}\n", env);

    (void)state;
    config_default(c, "database.host", "db");
    assert_false(config_is_set(c, "database", "host"));
    assert_true(config_is_set(c, "database", "port"));
    assert_true(config_is_set(c, "database", "password"));
    assert_false(config_is_set(c, "redis", "port"));
    set(c, "database.host=db");
    assert_true(config_is_set(c, "database", "host"));
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flag_beats_environment_beats_file_beats_default),
        cmocka_unit_test(what_somebody_set_is_told_from_a_default),
        cmocka_unit_test(dashes_and_dots_are_underscores_in_variables),
        cmocka_unit_test(empty_variables_count_as_unset),
        cmocka_unit_test(the_first_of_two_variables_counts),
        cmocka_unit_test(wrong_variables_and_flags_are_named),
        cmocka_unit_test(malformed_flags_are_refused),
        cmocka_unit_test(secrets_come_from_files_without_the_last_newline),
        cmocka_unit_test(secret_files_may_be_named_in_the_file),
        cmocka_unit_test(unreadable_secret_files_are_refused),
        cmocka_unit_test(a_secret_given_twice_is_refused),
        cmocka_unit_test(only_secrets_have_a_file_form),
        cmocka_unit_test(a_missing_named_file_is_an_error),
        cmocka_unit_test(the_file_in_the_home_is_a_default),
        cmocka_unit_test(long_paths_are_shortened_in_sentences),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
