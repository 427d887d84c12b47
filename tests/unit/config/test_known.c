/* Names that nobody reads: refused in a section that is read, warned of elsewhere; and
 * the list of all settings. */
#include "support.h"

#include <string.h>

static const struct ff_opt server[] = {
    {.name = "http_port", .type = FF_OPT_INT, .fallback = "8080"},
    {.name = "grpc_port", .type = FF_OPT_INT, .offset = 8},
    {0},
};

static const struct ff_opt auth[] = {
    {.name = "jwt_secret", .type = FF_OPT_TEXT, .flags = FF_OPT_SECRET},
    {0},
};

struct said {
    size_t n;
    char text[8][256];
};

static void note(void *arg, const char *sentence)
{
    struct said *said = arg;

    assert_true(said->n < COUNT_OF(said->text));
    snprintf(said->text[said->n++], sizeof(said->text[0]), "%s", without_dir(sentence));
}

static void unknown_keys_are_refused_with_the_nearest(void **state)
{
    struct config *c = load("server:\n  http_port: 1\n  htp_port: 2\n", NULL);
    int64_t ports[2];
    struct ff_err err;

    (void)state;
    assert_string_equal(
        fill(c, "server", server, ports),
        "config.yaml:3:13: server has no setting htp_port; did you mean http_port?");
    config_free(c);
    c = load("server:\n  zzz: 2\n", NULL);
    assert_string_equal(fill(c, "server", server, ports),
                        "config.yaml:2:8: server has no setting zzz");
    config_free(c);
    c = load(NULL, NULL);
    assert_int_equal(config_set(c, "server.http_prot=1", &err), FF_OK);
    assert_string_equal(
        fill(c, "server", server, ports),
        "command line: server has no setting http_prot; did you mean http_port?");
    config_free(c);
}

static void every_mistake_is_noted_once_up_to_a_bound(void **state)
{
    struct config *c =
        load("server:\n  http_port: a\n  zzz: 2\n  grpc_port: b\n", NULL);
    struct said said = {0};
    int64_t ports[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_string_equal(fill(c, "server", server, ports),
                            "config.yaml:3:8: server has no setting zzz");
    config_mistakes(c, note, &said);
    assert_int_equal(said.n, 3);
    assert_string_equal(said.text[0], "config.yaml:3:8: server has no setting zzz");
    assert_non_null(strstr(said.text[1], "config.yaml:2:14: "));
    assert_non_null(strstr(said.text[2], "config.yaml:4:14: "));
    config_free(c);
}

static void keep_last(void *arg, const char *sentence)
{
    struct said *said = arg;

    said->n++;
    snprintf(said->text[0], sizeof(said->text[0]), "%s", sentence);
}

static void more_mistakes_than_that_are_counted(void **state)
{
    struct buf yaml = {0};
    struct said said = {0};
    int64_t ports[2];

    (void)state;
    buf_add_text(&yaml, "server:\n");
    for (int i = 0; i < CONFIG_MAX_MISTAKES + 5; i++)
        buf_printf(&yaml, "  wrong%d: 1\n", i);
    struct config *c = load(buf_text(&yaml), NULL);
    assert_true(fill(c, "server", server, ports)[0]);
    config_mistakes(c, keep_last, &said);
    assert_int_equal(said.n, CONFIG_MAX_MISTAKES + 1);
    assert_string_equal(said.text[0], "and 5 more mistakes");
    config_free(c);
    buf_done(&yaml);
}

static void unknown_sections_and_variables_are_warned_of(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_SERVER_HTPP_PORT=1",
                   (char *)"FLOWFORGE_TASK_ID=x",
                   (char *)"FLOWFORGE_SERVER_GRPC_PORT=2",
                   (char *)"FLOWFORGE_AUTH_JWT_SECRET_FILE=",
                   (char *)"FLOWFORGE_SERVER_HTTP_PORT_FILE=/x",
                   NULL};
    struct config *c =
        load("serve:\n  http_port: 1\nserver:\nkubernetes: {x: 1}\n", env);
    struct said said = {0};
    int64_t ports[2];
    const char *secret;

    (void)state;
    assert_int_equal(config_set(c, "sever.x=1", NULL), FF_OK);
    assert_string_equal(fill(c, "server", server, ports), "");
    assert_string_equal(fill(c, "auth", auth, &secret), "");
    config_unknown(c, note, &said);
    assert_string_equal(
        said.text[0],
        "config.yaml:1:1: nothing here reads the section serve; did you mean server?");
    assert_string_equal(said.text[1],
                        "config.yaml:4:1: nothing here reads the section kubernetes");
    assert_string_equal(
        said.text[2], "command line: nothing here reads sever.x; did you mean server?");
    assert_string_equal(said.text[3],
                        "nothing here reads FLOWFORGE_SERVER_HTPP_PORT; did you mean "
                        "FLOWFORGE_SERVER_HTTP_PORT?");
    assert_string_equal(said.text[4],
                        "nothing here reads FLOWFORGE_SERVER_HTTP_PORT_FILE; did you "
                        "mean FLOWFORGE_SERVER_HTTP_PORT?");
    assert_int_equal(said.n, 5);
    config_free(c);
}

static void two_readers_share_a_section(void **state)
{
    static const struct ff_opt core[] = {
        {.name = "driver", .type = FF_OPT_TEXT},
        {.name = "*"},
        {0},
    };
    static const struct ff_opt driver[] = {
        {.name = "host", .type = FF_OPT_TEXT},
        {0},
    };
    struct config *c = load("database:\n  driver: x\n  host: y\n  hots: z\n", NULL);
    const char *name = NULL;
    const char *host = NULL;
    struct said said = {0};

    (void)state;
    assert_string_equal(fill(c, "database", core, &name), "");
    assert_string_equal(name, "x");
    assert_int_equal(config_set(c, "database.drivr=x", NULL), FF_OK);
    assert_int_equal(config_set(c, "database.driver=x", NULL), FF_OK);
    config_unknown(c, note, &said);
    assert_int_equal(said.n, 3);
    assert_string_equal(
        said.text[2],
        "command line: nothing here reads database.drivr; did you mean driver?");
    assert_string_equal(
        fill(c, "database", driver, &host),
        "config.yaml:4:9: database has no setting hots; did you mean host?");
    config_free(c);

    c = load("database:\n  driver: x\n  host: y\n", NULL);
    assert_string_equal(fill(c, "database", core, &name), "");
    assert_string_equal(fill(c, "database", driver, &host), "");
    assert_string_equal(host, "y");
    said.n = 0;
    config_unknown(c, note, &said);
    assert_int_equal(said.n, 0);
    config_free(c);
}

static void list_one(void *arg, const char *section, const char *key, const char *value,
                     enum config_source source, const char *where)
{
    static const char *const sources[] = {"default", "file", "environment", "flag"};
    char line[256];

    snprintf(line, sizeof(line), "%s.%s=%s %s %s", section, key,
             value ? value : "(nil)", sources[source], where);
    note(arg, line);
}

static void every_setting_is_listed_with_its_source_and_no_secret(void **state)
{
    char *env[] = {(char *)"FLOWFORGE_SERVER_GRPC_PORT=2", NULL};
    struct config *c =
        load("server:\n  http_port: 1\nauth:\n  jwt_secret: hunter2\n", env);
    struct said said = {0};
    int64_t ports[2];
    const char *secret;

    (void)state;
    for (int round = 0; round < 2; round++) {
        assert_string_equal(fill(c, "server", server, ports), "");
        assert_string_equal(fill(c, "auth", auth, &secret), "");
    }
    config_each(c, list_one, &said);
    assert_int_equal(said.n, 3);
    assert_string_equal(said.text[0], "server.http_port=1 file config.yaml:2:14");
    assert_string_equal(said.text[1],
                        "server.grpc_port=2 environment FLOWFORGE_SERVER_GRPC_PORT");
    assert_string_equal(said.text[2], "auth.jwt_secret=*** file config.yaml:4:15");
    config_free(c);
}

static void the_path_of_a_secret_file_is_no_value(void **state)
{
    struct config *c = load("auth: {jwt_secret_file: /run/secret}\n", NULL);
    struct said said = {0};
    const char *secret;

    (void)state;
    fill(c, "auth", auth, &secret);
    config_each(c, list_one, &said);
    assert_string_equal(said.text[0], "auth.jwt_secret=*** file config.yaml:1:25");
    config_free(c);
}

static void unset_settings_are_listed_without_value(void **state)
{
    struct config *c = load(NULL, NULL);
    struct said said = {0};
    int64_t ports[2];
    const char *secret;

    (void)state;
    assert_string_equal(fill(c, "server", server, ports), "");
    assert_string_equal(fill(c, "auth", auth, &secret), "");
    config_each(c, list_one, &said);
    assert_string_equal(said.text[0], "server.http_port=8080 default default");
    assert_string_equal(said.text[1], "server.grpc_port=(nil) default default");
    assert_string_equal(said.text[2], "auth.jwt_secret=(nil) default default");
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_are_refused_with_the_nearest),
        cmocka_unit_test(every_mistake_is_noted_once_up_to_a_bound),
        cmocka_unit_test(more_mistakes_than_that_are_counted),
        cmocka_unit_test(unknown_sections_and_variables_are_warned_of),
        cmocka_unit_test(two_readers_share_a_section),
        cmocka_unit_test(every_setting_is_listed_with_its_source_and_no_secret),
        cmocka_unit_test(the_path_of_a_secret_file_is_no_value),
        cmocka_unit_test(unset_settings_are_listed_without_value),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
